// Adaptive distributions over 16 symbols and, as two of them in a row, over bytes.
// The update moves a cumulative distribution towards the step function of the symbol that came (Giesen, 2015,
// after Mohr); the floor under every symbol is built into the step, so no renormalisation is needed.
#pragma once

#include <array>
#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>

#include <pith/core/assert.hpp>
#include <pith/core/bytes.hpp>
#include <pith/entropy/concepts.hpp>

namespace pith::inline v1::entropy {

namespace detail {

// Vector extensions of GCC and clang: on every target 16 bytes are lowered to what it has, with equal
// results.
using short8 = std::int16_t __attribute__((vector_size(16)));

/// Where symbols 1 to 15 start, less 1, as signed numbers: symbol s has the slots z of -2^15 .. 2^15 - 1 with
/// from[s] < z <= from[s + 1]. Symbol 0 starts at -2^15, which less 1 wraps to 2^15 - 1: no slot is above it,
/// as no slot is above the end of symbol 15, which is the same number and may stand behind the row or be the
/// first one of the next row.
inline constexpr std::int16_t row_edge = 32767;

inline void set_equal_starts(std::int16_t* from) noexcept {
    from[0] = row_edge;
    for (int i = 1; i < 16; ++i) from[i] = static_cast<std::int16_t>(4096 * i - 32769);
}

struct nibble_targets {
    alignas(32) std::array<std::array<std::int16_t, 16>, 16> of{};
};
/// Half of where the starts go when a symbol comes again and again: down to the edge for those up to the
/// symbol, up to the edge for those above it, each with room for the symbols between it and the edge.
inline constexpr nibble_targets half_targets = [] {
    nibble_targets t;
    for (std::size_t s = 0; s < 16; ++s) {
        t.of[s][0] = row_edge >> 1;
        for (std::size_t i = 1; i < 16; ++i)
            t.of[s][i] = static_cast<std::int16_t>((i <= s ? -16385 : 16367) + static_cast<int>(i));
    }
    return t;
}();

/// All starts moved by 2^-rate of the way to their targets, in halves, which keeps differences in 16 bits.
/// Neighbours with distance d >= 1 keep one: their halves are ceil(d / 2) apart at most, their targets 1 or
/// more, so that their moves differ by ceil((ceil(d / 2) - 1) / 2^(rate - 1)) <= d - 1 at most. For the same
/// reason no start passes its target, nor thus the edges. rate in 1..8.
[[nodiscard, gnu::always_inline]] inline short8 moved(short8 from, short8 half_target,
                                                      unsigned rate) noexcept {
    return from - (((from >> 1) - half_target) >> static_cast<int>(rate - 1));
}

/// The interval of the symbol at byte `offset` (twice the symbol) of a row, as a number of 16 bits each; the
/// start is biased like the row, and less 1.
[[nodiscard, gnu::always_inline]] inline interval biased_interval(const std::int16_t* row,
                                                                  std::size_t offset) noexcept {
    std::uint16_t first, next;
    std::memcpy(&first, reinterpret_cast<const std::uint8_t*>(row) + offset, 2);
    std::memcpy(&next, reinterpret_cast<const std::uint8_t*>(row) + offset + 2, 2);
    return {first, static_cast<std::uint16_t>(next - first)};
}

}  // namespace detail

/// The arithmetic of rows of 16 starts, and of the rANS states that use them, as a policy: simd/nibble.hpp
/// has it in single instructions. Rows are aligned to 32 bytes. Law: equal results.
template <class K>
concept nibble_kernel = requires(typename K::vector v, const std::int16_t* row, std::int16_t* to,
                                 std::uint64_t x, const std::uint8_t*& words, std::size_t offset) {
    { K::load(row) }
    noexcept->std::same_as<typename K::vector>;
    { K::store(to, v) }
    noexcept;
    { K::template moved<7>(v, row) }
    noexcept->std::same_as<typename K::vector>;  // one step at rate 7; of the targets the halves are given
    { K::find(row, x) }
    noexcept->std::same_as<std::size_t>;  // twice the symbol that has slot x mod 2^16
    { K::popped(x, row, offset) }
    noexcept->std::same_as<std::uint64_t>;  // state x without the symbol offset / 2
    { K::renormalise(x, words) }
    noexcept;  // takes 32 bits where x < 2^32; reads four bytes either way
};

/// The vector extensions of the compiler, on any machine.
struct portable_nibbles {
    struct vector {
        detail::short8 low, high;
    };
    [[nodiscard, gnu::always_inline]] static vector load(const std::int16_t* from) noexcept {
        vector v;
        std::memcpy(&v.low, from, 16);
        std::memcpy(&v.high, from + 8, 16);
        return v;
    }
    [[gnu::always_inline]] static void store(std::int16_t* to, const vector& v) noexcept {
        std::memcpy(to, &v.low, 16);
        std::memcpy(to + 8, &v.high, 16);
    }
    template <unsigned Rate>
    [[nodiscard, gnu::always_inline]] static vector moved(const vector& from,
                                                          const std::int16_t* half_target) noexcept {
        const vector target = load(half_target);
        return {detail::moved(from.low, target.low, Rate), detail::moved(from.high, target.high, Rate)};
    }
    [[nodiscard, gnu::always_inline]] static std::size_t find(const std::int16_t* row,
                                                              std::uint64_t slot) noexcept {
        const auto z = static_cast<std::int16_t>(static_cast<std::uint16_t>(slot));
        const vector from = load(row);
        // Each element tells how many of its two starts are below the slot; element 0 of the row never is.
        const detail::short8 passed = -((from.low < z) + (from.high < z));
        const detail::short8 sums = passed + __builtin_shufflevector(passed, passed, 4, 5, 6, 7, 0, 1, 2, 3);
        std::uint64_t four;
        std::memcpy(&four, &sums, 8);
        return static_cast<std::size_t>((four * 0x0002000200020002U) >> 48);
    }
    [[nodiscard, gnu::always_inline]] static std::uint64_t popped(std::uint64_t x, const std::int16_t* row,
                                                                  std::size_t offset) noexcept {
        const interval i = detail::biased_interval(row, offset);
        return std::uint64_t{i.size} * (x >> 16) + static_cast<std::uint16_t>(x - i.start) - 1;
    }
    /// Branch-free: the word is where it is either way.
    [[gnu::always_inline]] static void renormalise(std::uint64_t& x, const std::uint8_t*& words) noexcept {
        const std::uint64_t low = std::uint64_t{0} - std::uint64_t{x >> 32 == 0};
        x = x << (low & 32) | (low & load_le<std::uint32_t>(words));
        words += low & 4;
    }
};
static_assert(nibble_kernel<portable_nibbles>);

/// How an adaptive_nibble_model learns: a rate r moves the distribution by 2^-r of the way to the symbol.
struct nibble_rates {
    unsigned rate = 6;  ///< 2..8, where it ends
    unsigned start =
        0;  ///< 0: always `rate`; else 1..rate - 1, where it begins; rate r serves 2^(r - 1) symbols
    friend constexpr bool operator==(const nibble_rates&, const nibble_rates&) = default;
};

namespace detail {
/// The age of a distribution whose rate grows: its bit width is the rate.
template <nibble_rates Rates>
inline constexpr std::uint8_t youngest = Rates.start == 0 ? 255 : 1U << (Rates.start - 1);

/// The targets of the symbol offset / 2.
[[nodiscard, gnu::always_inline]] inline const std::int16_t* half_target(std::size_t offset) noexcept {
    return half_targets.of[0].data() + 8 * offset;
}
template <class Kernel, unsigned Rate>
[[gnu::always_inline]] inline void step(std::int16_t* row, std::size_t offset) noexcept {
    Kernel::store(row, Kernel::template moved<Rate>(Kernel::load(row), half_target(offset)));
}
/// A step at a rate that comes at run time; not inlined, since a row is not young for long.
template <class Kernel, unsigned Last>
[[gnu::noinline]] void step_young(std::int16_t* row, std::size_t offset, unsigned rate) noexcept {
    [&]<std::size_t... R>(std::index_sequence<R...>) {
        ((rate == R + 1 ? step<Kernel, R + 1>(row, offset) : void()), ...);
    }
    (std::make_index_sequence<Last>{});
}

/// One step of learning the symbol offset / 2, and one of ageing.
template <nibble_rates Rates, class Kernel>
[[gnu::always_inline]] inline void learn(std::int16_t* row, std::uint8_t& age, std::size_t offset) noexcept {
    if constexpr (Rates.start != 0) {
        if (age < 1U << (Rates.rate - 1)) [[unlikely]] {
            step_young<Kernel, Rates.rate>(row, offset, static_cast<unsigned>(std::bit_width(age)));
            ++age;
            return;
        }
    }
    step<Kernel, Rates.rate>(row, offset);
}
}  // namespace detail

/// An adaptive distribution over 0..15 in 16 bits. Exact: integers only. 64 bytes.
template <nibble_rates Rates = nibble_rates{}>
requires(Rates.rate >= 2 && Rates.rate <= 8 && Rates.start < Rates.rate) class adaptive_nibble_model {
  public:
    using symbol_type = std::uint8_t;
    static constexpr unsigned precision = 16;

    adaptive_nibble_model() noexcept {
        detail::set_equal_starts(from_.data());
        from_[16] = detail::row_edge;
    }

    [[nodiscard]] interval interval_of(std::uint8_t symbol) const noexcept {
        PITH_ASSERT(symbol < 16);
        const interval biased = detail::biased_interval(from_.data(), 2U * symbol);
        return {(biased.start + 1 + bias) & 0xFFFF, biased.size};
    }
    [[nodiscard]] located<std::uint8_t> at(std::uint32_t slot) const noexcept {
        PITH_ASSERT(slot < std::uint32_t{1} << precision);
        const auto symbol = static_cast<std::uint8_t>(portable_nibbles::find(from_.data(), slot + bias) / 2);
        return {symbol, interval_of(symbol)};
    }
    void update(std::uint8_t symbol) noexcept {
        PITH_ASSERT(symbol < 16);
        detail::learn<Rates, portable_nibbles>(from_.data(), age_, 2U * symbol);
    }
    friend bool operator==(const adaptive_nibble_model&, const adaptive_nibble_model&) = default;

  private:
    static constexpr std::uint32_t bias = 0x8000;

    alignas(32) std::array<std::int16_t, 17> from_;
    std::uint8_t age_ = detail::youngest<Rates>;
};

/// An adaptive distribution over bytes: the high nibble, then the low one in the context of the high one.
/// 30 bits of precision, the product of the two with 15 bits each; to be used with cdf_encoder. 1088 bytes.
template <nibble_rates Rates = nibble_rates{}>
class adaptive_byte_model {
  public:
    using symbol_type = std::uint8_t;
    static constexpr unsigned precision = 30;

    [[nodiscard]] interval interval_of(std::uint8_t symbol) const noexcept {
        return within(rounded(high_, symbol >> 4), rounded(low_[symbol >> 4], symbol & 15));
    }
    [[nodiscard]] located<std::uint8_t> at(std::uint32_t slot) const noexcept {
        PITH_ASSERT(slot < std::uint32_t{1} << precision);
        const auto high = at_rounded(high_, slot >> 15);
        const auto low = at_rounded(low_[high.symbol], (slot - (high.where.start << 15)) / high.where.size);
        return {static_cast<std::uint8_t>(high.symbol << 4 | low.symbol), within(high.where, low.where)};
    }
    void update(std::uint8_t symbol) noexcept {
        high_.update(symbol >> 4);
        low_[symbol >> 4].update(symbol & 15);
    }
    friend bool operator==(const adaptive_byte_model&, const adaptive_byte_model&) = default;

  private:
    using nibble = adaptive_nibble_model<Rates>;

    /// Start of a nibble in 15 bits: start (2^15 - 16) / 2^16 + nibble, so that none gets empty.
    [[nodiscard]] static constexpr std::uint32_t rounded_start(std::uint32_t start, std::uint32_t symbol) {
        return (start * 2047 >> 12) + symbol;
    }
    [[nodiscard]] static interval rounded(const nibble& n, unsigned symbol) noexcept {
        const interval i = n.interval_of(static_cast<std::uint8_t>(symbol));
        const std::uint32_t start = rounded_start(i.start, symbol);
        return {start, rounded_start(i.start + i.size, symbol + 1) - start};
    }
    [[nodiscard]] static located<std::uint8_t> at_rounded(const nibble& n, std::uint32_t slot) noexcept {
        std::uint8_t symbol = 15;
        interval where = rounded(n, symbol);
        while (slot < where.start) where = rounded(n, --symbol);
        return {symbol, where};
    }
    /// size <= 2^15 each, so that products stay within 2^30.
    [[nodiscard]] static interval within(interval high, interval low) noexcept {
        return {(high.start << 15) + high.size * low.start, high.size * low.size};
    }

    nibble high_;
    std::array<nibble, 16> low_;
};

}  // namespace pith::inline v1::entropy
