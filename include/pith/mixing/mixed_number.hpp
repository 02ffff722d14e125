// Codes small integers bit by bit under several hashed contexts at once, their predictions mixed in the
// logistic domain. After PAQ (Mahoney, 2002-2007); for symbols whose contexts are words rather than bytes.
#pragma once

#include <array>
#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>

#include <pith/core/assert.hpp>
#include <pith/core/bytes.hpp>
#include <pith/core/fixed.hpp>
#include <pith/core/table.hpp>
#include <pith/entropy/arithmetic_binary.hpp>

namespace pith::inline v1::mixing {

/// The encoder's end of a stream of bits: takes the bit.
template <byte_sink Sink>
class bit_writer_end {
  public:
    static constexpr bool encodes = true;
    explicit bit_writer_end(Sink& sink) noexcept : encoder_(sink) {}
    bool code(bool bit, std::uint32_t one) {
        encoder_.put(bit, one);
        return bit;
    }
    void finish() { encoder_.finish(); }

  private:
    entropy::binary_encoder<Sink> encoder_;
};

/// The decoder's end: gives the bit, whatever it was called with.
class bit_reader_end {
  public:
    static constexpr bool encodes = false;
    explicit bit_reader_end(byte_view in) noexcept : decoder_(in) {}
    bool code(bool, std::uint32_t one) noexcept { return decoder_.get(one); }
    [[nodiscard]] result<void> finish() const noexcept { return decoder_.finish(); }

  private:
    entropy::binary_decoder<> decoder_;
};

template <class E>
concept coding_end = requires(E e, bool bit, std::uint32_t one) {
    { E::encodes } -> std::convertible_to<bool>;
    { e.code(bit, one) } -> std::same_as<bool>;
};

/// A table of adaptive bits shared by all contexts, and a mixer's weights for each kind of number.
/// Exact: integers only.
template <std::size_t Kinds, unsigned LogSlots = 22>
requires(LogSlots >= 10 && LogSlots <= 28) class mixed_number {
  public:
    static constexpr std::size_t most_contexts = 6;
    static constexpr std::size_t memory = sizeof(std::uint32_t) << LogSlots;

    mixed_number() { reset(0); }

    /// Forgets everything. Tables of 2^10 bits and more are used, as many as `numbers` to come may need.
    void reset(std::size_t numbers) noexcept {
        log_slots_ = 10;
        while (log_slots_ < LogSlots && (std::size_t{1} << log_slots_) < 24 * numbers) ++log_slots_;
        for (std::size_t i = 0; i < std::size_t{1} << log_slots_; ++i) slots_[i] = empty;
        for (auto& kind : weights_)
            for (auto& set : kind) set.fill(initial_weight);
    }

    /// A number of at most 32 binary digits (excluding 2^32 - 1): its length, then its digits. `contexts` are
    /// hashes from the least to the most specific one.
    template <coding_end End>
    std::uint32_t code(End& end, std::uint32_t value, std::size_t kind,
                       std::span<const std::uint64_t> contexts) noexcept {
        const unsigned digits = static_cast<unsigned>(std::bit_width(std::uint64_t{value} + 1)) - 1;
        const unsigned length = code_fixed(end, digits, 5, kind, contexts);
        std::uint64_t node = 1;
        for (unsigned k = length; k-- > 0;) {
            const bool bit = code_bit(end, (((std::uint64_t{value} + 1) >> k) & 1) != 0, kind,
                                      (std::uint64_t{length} + 1) << 32 | node, contexts);
            node = 2 * node + (bit ? 1 : 0);
        }
        return static_cast<std::uint32_t>(node - 1);
    }

    /// A number of exactly `bits` binary digits, 1..16.
    template <coding_end End>
    std::uint32_t code_fixed(End& end, std::uint32_t value, unsigned bits, std::size_t kind,
                             std::span<const std::uint64_t> contexts) noexcept {
        std::uint32_t node = 1;
        for (unsigned k = bits; k-- > 0;)
            node = 2 * node + (code_bit(end, ((value >> k) & 1) != 0, kind, node, contexts) ? 1 : 0);
        return node - (std::uint32_t{1} << bits);
    }

  private:
    // A slot: probability of a one (16 bits), bits seen (8), check of the context (8).
    static constexpr std::uint32_t empty = 32768U << 16;
    static constexpr std::int32_t initial_weight = 26000;  // of 65536

    template <coding_end End>
    bool code_bit(End& end, bool bit, std::size_t kind, std::uint64_t node,
                  std::span<const std::uint64_t> contexts) noexcept {
        PITH_ASSERT(kind < Kinds && !contexts.empty() && contexts.size() <= most_contexts);
        std::uint32_t* found[most_contexts];
        std::int32_t inputs[most_contexts];
        std::size_t confidence = 0;
        for (std::size_t i = 0; i < contexts.size(); ++i) {
            found[i] = find(contexts[i] + i, node);
            const unsigned seen = *found[i] >> 8 & 255;
            inputs[i] = seen == 0 ? 0 : stretch16(*found[i] >> 16);
            confidence = seen == 0 ? confidence : seen < 3 ? 2 * i + 1 : 2 * i + 2;
        }
        auto& weights = weights_[kind][confidence];
        std::int64_t sum = 0;  // 6 inputs below 2^15, weights below 2^24: below 2^42
        for (std::size_t i = 0; i < contexts.size(); ++i)
            sum += std::int64_t{weights[i]} * std::int64_t{inputs[i]};
        sum >>= 16;
        const int limit = stretch16_limit;
        const std::uint32_t one = squash16(static_cast<int>(sum < -limit  ? std::int64_t{-limit}
                                                            : sum > limit ? std::int64_t{limit}
                                                                          : sum));
        const bool coded = end.code(bit, one);
        const std::int32_t error = (coded ? 65535 : 0) - static_cast<std::int32_t>(one);
        for (std::size_t i = 0; i < contexts.size(); ++i) {
            learn(weights[i], inputs[i], error);
            update(*found[i], coded);
        }
        return coded;
    }

    [[nodiscard]] std::uint32_t* find(std::uint64_t context, std::uint64_t node) noexcept {
        std::uint64_t hash = (context ^ node * 0xD6E8'FEB8'6659'FD93U) * 0x9E37'79B9'7F4A'7C15U;
        hash ^= hash >> 29;
        hash *= 0xBF58'476D'1CE4'E5B9U;
        std::uint32_t* const slot = slots_.data() + (hash >> (64 - log_slots_));
        const auto check = static_cast<std::uint32_t>(hash & 255);
        if ((*slot & 255) != check) *slot = empty | check;
        return slot;
    }
    static void learn(std::int32_t& weight, std::int32_t input, std::int32_t error) noexcept {
        const std::int32_t moved = weight + ((input * (error / 2) + (1 << 16)) >> 17);  // below 2^30
        weight = moved < -(1 << 20) ? -(1 << 20) : moved > 1 << 20 ? 1 << 20 : moved;
    }
    /// p moves towards the bit by 1 / (n + 1.5) of the way; n stops at 250.
    static void update(std::uint32_t& slot, bool bit) noexcept {
        const std::uint32_t seen = slot >> 8 & 255;
        const std::int32_t p = static_cast<std::int32_t>(slot >> 16);
        const std::int32_t target = bit ? 65535 - 16 : 16;
        const std::int32_t moved = p + (target - p) * 2 / static_cast<std::int32_t>(2 * seen + 3);
        slot = static_cast<std::uint32_t>(moved) << 16 | (seen < 250 ? seen + 1 : seen) << 8 | (slot & 255);
    }

    unsigned log_slots_ = 10;
    std::array<std::array<std::array<std::int32_t, most_contexts>, 2 * most_contexts + 1>, Kinds> weights_;
    table<std::uint32_t> slots_ = table<std::uint32_t>::unset(std::size_t{1} << LogSlots);
};

/// A context from its parts: order matters.
[[nodiscard]] constexpr std::uint64_t context_of(std::uint64_t a, std::uint64_t b = 0,
                                                 std::uint64_t c = 0) noexcept {
    std::uint64_t h = (a + 1) * 0x9E37'79B9'7F4A'7C15U;
    h = ((h ^ h >> 32) + b) * 0xBF58'476D'1CE4'E5B9U;
    return ((h ^ h >> 31) + c) * 0x94D0'49BB'1331'11EBU;
}

}  // namespace pith::inline v1::mixing
