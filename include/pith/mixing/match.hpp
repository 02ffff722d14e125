// The match model: the longest repetition of what was just seen predicts that history repeats itself.
// As in lpaq (Mahoney, 2007), with verified matches and a probability per length learnt for each outcome.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include <pith/core/table.hpp>
#include <pith/mixing/adaptive_map.hpp>
#include <pith/mixing/byte_history.hpp>

namespace pith::inline v1::mixing {

/// Follows the last place where the last MinLength bytes stood. Exact.
template <unsigned MinLength>
requires(MinLength >= 2 && MinLength <= 64) class match_model {
  public:
    static constexpr unsigned buckets = 32;

    explicit match_model(unsigned log2_places)
        : places_(std::size_t{1} << log2_places), shift_(32 - log2_places) {}

    /// Forgets everything.
    void reset() noexcept {
        forget();
        for (std::uint32_t i = 0; i < buckets; ++i) {
            const std::uint32_t miss = (1U << 22) / (i + 3);
            chance_[2 * i] = adaptive_probability(miss, 4);
            chance_[2 * i + 1] = adaptive_probability((1U << 22) - miss, 4);
        }
    }
    /// Forgets the places, but not what matches are worth.
    void forget() noexcept {
        places_.clear();
        hash_ = length_ = expected_ = bucket_ = 0;
    }

    /// Takes the last byte and starts to fetch where it may have stood before.
    void prefetch(const byte_history& h) noexcept {
        // A byte's part of the hash moves up by `step` bits a time and is gone after MinLength bytes.
        hash_ = (hash_ + h.last_byte() + 1U) * (0x2F0B4C47U << step);
        __builtin_prefetch(&places_[hash_ >> shift_], 1);
    }
    /// After that: follows the match, or looks for another.
    void push(const byte_history& h) noexcept {
        const std::uint8_t* const block = h.block();
        const std::size_t n = h.size();
        if (length_ != 0 && block[at_] == block[n - 1]) {
            ++at_;
            length_ += length_ < longest ? 1 : 0;
        } else {
            length_ = 0;
        }
        if (n >= MinLength) {
            std::uint32_t& place = places_[hash_ >> shift_];
            if (length_ == 0 && place != 0) look(block, n, place);
            place = static_cast<std::uint32_t>(n);
        }
        expected_ = length_ != 0 ? 256U | block[at_] : 0U;
        bucket_ = bucket(length_);
    }

    /// 256 + the byte that should follow, or 0 without a match; bytes that agreed so far.
    [[nodiscard]] std::uint32_t expected() const noexcept { return expected_; }
    [[nodiscard]] std::uint32_t length() const noexcept { return length_; }

    /// With `partial` the bits of the byte so far behind a leading one, `bits` of them: whether the match
    /// still holds.
    [[nodiscard]] bool holds(std::uint32_t partial, unsigned bits) const noexcept {
        return expected_ >> (8 - bits) == partial;
    }
    /// The bit that should follow and the probability learnt for it. Precondition: holds.
    [[nodiscard]] bool next_bit(unsigned bits) const noexcept { return (expected_ >> (7 - bits) & 1) != 0; }
    [[nodiscard]] adaptive_probability& chance(bool bit) noexcept {
        return chance_[2 * bucket_ + (bit ? 1 : 0)];
    }

    /// Lengths told apart.
    [[nodiscard]] static constexpr std::uint32_t bucket(std::uint32_t length) noexcept {
        if (length < 16) return length;
        if (length < 32) return 16 + (length - 16) / 4;
        if (length < 64) return 20 + (length - 32) / 8;
        return length < 512 ? 24 + (length - 64) / 64 : 31;
    }

  private:
    static constexpr unsigned step = (32 + MinLength - 1) / MinLength;
    static constexpr std::uint32_t longest = 65535;
    static constexpr std::uint32_t looked_back = 400;

    void look(const std::uint8_t* block, std::size_t n, std::uint32_t place) noexcept {
        std::uint32_t length = 0;
        while (length < looked_back && length < place && block[place - 1 - length] == block[n - 1 - length])
            ++length;
        if (length < MinLength) return;
        length_ = length;
        at_ = place;
    }

    random_table<std::uint32_t> places_;
    unsigned shift_;
    std::size_t at_ = 0;
    std::uint32_t hash_ = 0, length_ = 0, expected_ = 0, bucket_ = 0;
    std::array<adaptive_probability, std::size_t{2} * buckets> chance_{};
};

}  // namespace pith::inline v1::mixing
