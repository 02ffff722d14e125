// Counts of what followed each n-gram, bit by bit, in bounded memory where the least known contexts give way.
// Source: the sparse n-gram tables of StateSMix (Tacconelli, 2026) in the nibble slots of lpaq (Mahoney,
// 2007); two counts of four bits where lpaq has a state machine, and what they mean is learned.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include <pith/core/exact_math.hpp>
#include <pith/core/table.hpp>

namespace pith::inline v1::mixing {

/// What a prediction depends on.
struct ngram_context {
    std::uint8_t bytes = 0;  ///< of history, 0..8
    std::uint8_t skip = 0;   ///< bytes between these and the next one, 0..7
    std::uint8_t words = 0;  ///< 1: and the current word, whatever its case; 2: and the word before
    friend constexpr bool operator==(const ngram_context&, const ngram_context&) = default;
};
template <std::size_t Contexts>
struct ngram_contexts {
    std::array<ngram_context, Contexts> of{};
    std::size_t memory = std::size_t{1} << 26;  ///< of the table, a power of two
    friend constexpr bool operator==(const ngram_contexts&, const ngram_contexts&) = default;
};

namespace detail {

/// Zeros and ones seen, each 0..15. The count of the other bit falls while it is above three: what happened
/// last counts for more.
struct bit_counts {
    std::uint8_t packed;
    [[nodiscard]] static constexpr std::uint8_t after(std::uint8_t packed, bool bit) noexcept {
        const unsigned shift = bit ? 4 : 0;
        unsigned same = packed >> shift & 15;
        unsigned other = packed >> (4 - shift) & 15;
        same = same < 15 ? same + 1 : 15;
        other = other > 3 ? (other + 3) / 2 : other;
        return static_cast<std::uint8_t>(same << shift | other << (4 - shift));
    }
};

/// A mixing of 64 bits; every input bit reaches the upper ones.
[[nodiscard]] constexpr std::uint64_t scattered(std::uint64_t x) noexcept {
    x *= 0x9E37'79B9'7F4A'7C15U;
    x ^= x >> 32;
    x *= 0xD6E8'FEB8'6659'FD93U;
    return x ^ x >> 29;
}

/// Logits of the probabilities (i + 1/2) / 4096.
inline void fill_logits(float* logits) noexcept {
    for (int i = 0; i < 4096; ++i) {
        const double p = (i + 0.5) / 4096;
        logits[i] = static_cast<float>(exact::log(p) - exact::log(1.0 - p));
    }
}

/// A probability that learns its value: 22 bits of it, and a count of 10 bits that sets the rate.
class slow_bit {
  public:
    slow_bit() = default;
    explicit constexpr slow_bit(double p) noexcept
        : value_(static_cast<std::uint32_t>(p * 4194303.0) << 10) {}
    [[nodiscard]] constexpr std::uint32_t twelve_bits() const noexcept { return value_ >> 20; }
    /// Moves by 1 / (count + 1.5) of the distance, the count at most `limit`.
    constexpr void update(bool bit, std::uint32_t limit) noexcept {
        const std::uint32_t n = value_ & 1023;
        const std::int64_t distance = (bit ? 4194303 : 0) - static_cast<std::int64_t>(value_ >> 10);
        const std::int64_t step = distance * 2 / static_cast<std::int64_t>(2 * n + 3);
        value_ = static_cast<std::uint32_t>(static_cast<std::int64_t>(value_ >> 10) + step) << 10 |
                 (n < limit ? n + 1 : n);
    }

  private:
    std::uint32_t value_ = 0;
};

}  // namespace detail

/// Predicts bits from the counts under each context; one logit for each. Exact.
/// Table: slots of 16 bytes, a check and the counts of the 15 nodes of a nibble; a context has a slot for the
/// high nibble and one for the low nibble after each high one. Four slots share a cache line.
template <ngram_contexts Contexts>
class ngrams {
    static constexpr std::size_t slot_size = 16, line = 64, smallest = std::size_t{1} << 16;
    static_assert((Contexts.memory & (Contexts.memory - 1)) == 0 && Contexts.memory >= smallest);

  public:
    static constexpr std::size_t contexts = Contexts.of.size();
    static constexpr std::size_t inputs = contexts;
    static constexpr std::size_t memory = Contexts.memory + sizeof(float) * 4096 + 1024 * contexts;

    ngrams() : slots_(table<std::uint8_t>::unset(Contexts.memory)), logits_(4096), maps_(256 * contexts) {
        detail::fill_logits(logits_.data());
    }

    /// Forgets everything. A block of `length` bytes gets as much of the table as it can use.
    void reset(std::size_t length) noexcept {
        std::size_t used = smallest;
        while (used < Contexts.memory && used / (3 * slot_size * contexts) < length) used *= 2;
        mask_ = used - line;
        std::memset(slots_.data(), 0, used);
        for (std::size_t i = 0; i < maps_.size(); ++i) {
            const double zeros = static_cast<double>(i & 15), ones = static_cast<double>(i >> 4 & 15);
            maps_[i] = detail::slow_bit((ones + 0.4) / (zeros + ones + 0.8));
        }
        history_ = word_ = last_word_ = 0;
        node_ = 1;
        begin_byte();
    }

    /// The logits of a one as the next bit, one for each context; 0 where a context has never been seen.
    void predict(float* logit) noexcept {
        for (std::size_t k = 0; k < contexts; ++k) {
            const std::uint8_t counts = slot_[k][place_];
            at_[k] = &maps_[256 * k + counts];
            logit[k] = counts == 0 ? 0.0F : logits_[at_[k]->twelve_bits()];
        }
    }
    /// How many contexts have been seen before, 0..contexts.
    [[nodiscard]] std::size_t known() const noexcept {
        std::size_t n = 0;
        for (std::size_t k = 0; k < contexts; ++k) n += slot_[k][place_] != 0;
        return n;
    }
    void update(bool bit) noexcept {
        for (std::size_t k = 0; k < contexts; ++k) {
            at_[k]->update(bit, 1023);
            slot_[k][place_] = detail::bit_counts::after(slot_[k][place_], bit);
        }
        node_ = node_ << 1 | bit;
        place_ = place_ << 1 | bit;
        if (node_ >= 256) {
            end_byte(static_cast<std::uint8_t>(node_));
            begin_byte();
        } else if (node_ >= 16 && place_ >= 16) {
            find(std::uint64_t{node_} * 0x2545'F491'4F6C'DD1DU);
        }
    }

  private:
    void end_byte(std::uint8_t byte) noexcept {
        history_ = history_ << 8 | byte;
        const bool capital = byte >= 'A' && byte <= 'Z';
        const bool letter = capital || (byte >= 'a' && byte <= 'z') || byte >= 128;
        const std::uint64_t folded = capital ? byte + 32U : byte;
        if (letter) {
            word_ = detail::scattered(word_ + folded);
        } else if (word_ != 0) {
            last_word_ = word_;
            word_ = 0;
        }
        node_ = 1;
    }
    void begin_byte() noexcept {
        for (std::size_t k = 0; k < contexts; ++k) {
            constexpr std::uint64_t all = ~std::uint64_t{0};
            const ngram_context c = Contexts.of[k];
            std::uint64_t text = history_ >> (8 * c.skip) & (c.bytes == 0 ? 0 : all >> (64 - 8 * c.bytes));
            if (c.words >= 1) text += detail::scattered(word_);
            if (c.words >= 2) text += last_word_ * 3;
            hash_[k] = detail::scattered(text + (k + 1) * 0xA24B'AED4'963E'E407U);
        }
        find(0);
    }
    // The slot of each context's nibble.
    void find(std::uint64_t nibble) noexcept {
        place_ = 1;
        std::array<std::uint64_t, contexts> hash;
        for (std::size_t k = 0; k < contexts; ++k) {
            hash[k] = nibble == 0 ? hash_[k] : detail::scattered(hash_[k] + nibble);
            __builtin_prefetch(slots_.data() + (hash[k] & mask_));
        }
        for (std::size_t k = 0; k < contexts; ++k)
            slot_[k] = slot_for(slots_.data() + (hash[k] & mask_), static_cast<std::uint8_t>(hash[k] >> 56),
                                static_cast<std::size_t>(hash[k] >> 54 & 3));
    }
    // The slot with this check in the line, or the least known of three, emptied.
    [[nodiscard]] static std::uint8_t* slot_for(std::uint8_t* at, std::uint8_t check,
                                                std::size_t first) noexcept {
        std::uint8_t* worst = nullptr;
        unsigned least = 256;
        for (std::size_t i = 0; i < 3; ++i) {
            std::uint8_t* const slot = at + slot_size * (first ^ i);
            const unsigned seen = (slot[1] & 15U) + (slot[1] >> 4);
            if (slot[0] == check && seen != 0) return slot;
            if (seen < least) {
                least = seen;
                worst = slot;
            }
        }
        std::memset(worst, 0, slot_size);
        worst[0] = check;
        return worst;
    }

    table<std::uint8_t> slots_;
    table<float> logits_;
    table<detail::slow_bit> maps_;
    std::array<std::uint64_t, contexts> hash_{};
    std::array<std::uint8_t*, contexts> slot_{};
    std::array<detail::slow_bit*, contexts> at_{};
    std::uint64_t history_ = 0;
    std::uint64_t word_ = 0;  // a hash of the letters so far; 0 between words
    std::uint64_t last_word_ = 0;
    std::size_t mask_ = 0;
    std::uint32_t node_ = 1;   // the byte so far under a leading one
    std::uint32_t place_ = 1;  // the nibble so far under a leading one
};

}  // namespace pith::inline v1::mixing
