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

#include <pith/core/assert.hpp>
#include <pith/entropy/concepts.hpp>

namespace pith::inline v1::entropy {

namespace detail {

// Vector extensions of GCC and clang: on every target 16 bytes are lowered to what it has, with equal
// results.
using short8 = std::int16_t __attribute__((vector_size(16)));
using word2 = std::uint64_t __attribute__((vector_size(16)));

/// Where the 16 intervals start, times 2^-15; start[0] = 0 and start[i] < start[i + 1] < 2^15.
struct alignas(32) starts16 {
    std::array<std::int16_t, 16> start;
};

/// The same, or a mask for each symbol, in two registers.
struct short16 {
    short8 low;
    short8 high;
};

inline constexpr short8 low_numbers = {0, 1, 2, 3, 4, 5, 6, 7};
inline constexpr short8 high_numbers = {8, 9, 10, 11, 12, 13, 14, 15};

[[nodiscard]] inline starts16 equal_starts() noexcept {
    starts16 c;
    for (std::size_t i = 0; i < 16; ++i) c.start[i] = static_cast<std::int16_t>(i * 2048);
    return c;
}
/// All ones for each symbol that starts above the slot. slot < 2^15.
[[nodiscard, gnu::always_inline]] inline short16 above_slot(const short16& c, std::uint32_t slot) noexcept {
    const auto s = static_cast<std::int16_t>(slot);
    return {c.low > s, c.high > s};
}
/// All ones for each symbol greater than `symbol`: what above_slot gives for every slot of the symbol.
[[nodiscard, gnu::always_inline]] inline short16 above_symbol(std::uint32_t symbol) noexcept {
    const auto s = static_cast<std::int16_t>(symbol);
    return {low_numbers > s, high_numbers > s};
}
/// The symbol that a mask of above_slot tells: 15 less the number of ones.
[[nodiscard, gnu::always_inline]] inline std::uint32_t symbol_of(const short16& above) noexcept {
    // Lane 0 stands for symbols 0 and 8, of which the first is never above: 1 + 7 * 2 = 15, no lane negative.
    constexpr short8 most = {1, 2, 2, 2, 2, 2, 2, 2};
    const short8 left = most + above.low + above.high;
    const short8 sums = left + __builtin_shufflevector(left, left, 4, 5, 6, 7, 0, 1, 2, 3);
    std::uint64_t four;
    std::memcpy(&four, &sums, 8);
    return static_cast<std::uint32_t>((four * 0x0001000100010001U) >> 48);
}
/// The interval of a symbol.
[[nodiscard, gnu::always_inline]] inline interval interval_in(const starts16& c,
                                                              std::uint32_t symbol) noexcept {
    const auto first = static_cast<std::uint32_t>(c.start[symbol]);
    const auto next = static_cast<std::uint32_t>(c.start[(symbol + 1) & 15]);
    return {first, (next - first) & 0x7FFF};  // start[0] stands for 2^15 behind the last symbol
}

/// Moves the starts by 2^-rate of the way to i for symbols up to the one that came, to 2^15 - 16 + i above
/// it. With d the distance of neighbours, the distance of their targets is m >= 1: the new distance is d +
/// floor((t + m - d) / 2^rate) - floor(t / 2^rate), which is >= d for d <= m, and else
/// >= d - ceil((d - m) / 2^rate) >= m. So intervals never get empty. The upper targets carry r <= 2^rate - 1
/// more, so that the shift rounds up there and the starts come closer; they are not passed, since 2^rate is
/// not reached by r alone. All differences fit 16 bits, since start[i] >= i and r <= 15. rate in 1..8.
[[nodiscard, gnu::always_inline]] inline short16 moved(const short16& c, const short16& above,
                                                       unsigned rate) noexcept {
    const auto top = static_cast<std::int16_t>(rate < 4 ? 32751 + (1 << rate) : 32767);
    const auto shift = static_cast<int>(rate);
    const short8 low = (above.low & top) - c.low + low_numbers;
    const short8 high = (above.high & top) - c.high + high_numbers;
    return {c.low + (low >> shift), c.high + (high >> shift)};
}

}  // namespace detail

/// The arithmetic of a distribution's 16 starts in vectors, as a policy: simd/nibble.hpp has it in single
/// instructions. `vector` holds 16 numbers of 16 bits. Law: equal results in every element.
template <class K>
concept nibble_kernel = requires(typename K::vector v, const std::int16_t* from, std::int16_t* to,
                                 std::uint32_t n) {
    { K::load(from) }
    noexcept->std::same_as<typename K::vector>;  // aligned to 32 bytes
    { K::store(to, v) }
    noexcept;
    { K::above_slot(v, n) }
    noexcept->std::same_as<typename K::vector>;
    { K::above_symbol(n) }
    noexcept->std::same_as<typename K::vector>;
    { K::symbol_of(v) }
    noexcept->std::same_as<std::uint32_t>;  // of what above_slot gave
    { K::moved(v, v, n) }
    noexcept->std::same_as<typename K::vector>;
};

/// The vector extensions of the compiler, on any machine.
struct portable_nibbles {
    using vector = detail::short16;
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
    [[nodiscard, gnu::always_inline]] static vector above_slot(const vector& c, std::uint32_t slot) noexcept {
        return detail::above_slot(c, slot);
    }
    [[nodiscard, gnu::always_inline]] static vector above_symbol(std::uint32_t symbol) noexcept {
        return detail::above_symbol(symbol);
    }
    [[nodiscard, gnu::always_inline]] static std::uint32_t symbol_of(const vector& above) noexcept {
        return detail::symbol_of(above);
    }
    [[nodiscard, gnu::always_inline]] static vector moved(const vector& c, const vector& above,
                                                          unsigned rate) noexcept {
        return detail::moved(c, above, rate);
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

/// One step of learning, and one of ageing.
template <nibble_rates Rates, class Kernel>
[[gnu::always_inline]] inline void learn(starts16& c, std::uint8_t& age,
                                         const typename Kernel::vector& above) noexcept {
    std::int16_t* const start = c.start.data();
    if constexpr (Rates.start != 0) {
        if (age < 1U << (Rates.rate - 1)) [[unlikely]] {
            const auto rate = static_cast<unsigned>(std::bit_width(age));
            Kernel::store(start, Kernel::moved(Kernel::load(start), above, rate));
            ++age;
            return;
        }
    }
    Kernel::store(start, Kernel::moved(Kernel::load(start), above, Rates.rate));
}
}  // namespace detail

/// An adaptive distribution over 0..15 in 15 bits. Exact: integers only. 64 bytes.
template <nibble_rates Rates = nibble_rates{}>
requires(Rates.rate >= 2 && Rates.rate <= 8 && Rates.start < Rates.rate) class adaptive_nibble_model {
  public:
    using symbol_type = std::uint8_t;
    static constexpr unsigned precision = 15;

    adaptive_nibble_model() noexcept : starts_(detail::equal_starts()) {}

    [[nodiscard]] interval interval_of(std::uint8_t symbol) const noexcept {
        PITH_ASSERT(symbol < 16);
        return detail::interval_in(starts_, symbol);
    }
    [[nodiscard]] located<std::uint8_t> at(std::uint32_t slot) const noexcept {
        PITH_ASSERT(slot < std::uint32_t{1} << precision);
        const std::uint32_t symbol =
            detail::symbol_of(detail::above_slot(portable_nibbles::load(starts_.start.data()), slot));
        return {static_cast<std::uint8_t>(symbol), detail::interval_in(starts_, symbol)};
    }
    void update(std::uint8_t symbol) noexcept {
        PITH_ASSERT(symbol < 16);
        detail::learn<Rates, portable_nibbles>(starts_, age_, detail::above_symbol(symbol));
    }
    friend bool operator==(const adaptive_nibble_model& a, const adaptive_nibble_model& b) noexcept {
        return a.starts_.start == b.starts_.start && a.age_ == b.age_;
    }

  private:
    detail::starts16 starts_;
    std::uint8_t age_ = detail::youngest<Rates>;
};

/// An adaptive distribution over bytes: the high nibble, then the low one in the context of the high one.
/// 30 bits of precision, the product of the two; to be used with cdf_encoder. 1088 bytes.
template <nibble_rates Rates = nibble_rates{}>
class adaptive_byte_model {
  public:
    using symbol_type = std::uint8_t;
    static constexpr unsigned precision = 30;

    [[nodiscard]] interval interval_of(std::uint8_t symbol) const noexcept {
        return within(high_.interval_of(symbol >> 4), low_[symbol >> 4].interval_of(symbol & 15));
    }
    [[nodiscard]] located<std::uint8_t> at(std::uint32_t slot) const noexcept {
        PITH_ASSERT(slot < std::uint32_t{1} << precision);
        const auto high = high_.at(slot >> 15);
        const auto low = low_[high.symbol].at((slot - (high.where.start << 15)) / high.where.size);
        return {static_cast<std::uint8_t>(high.symbol << 4 | low.symbol), within(high.where, low.where)};
    }
    void update(std::uint8_t symbol) noexcept {
        high_.update(symbol >> 4);
        low_[symbol >> 4].update(symbol & 15);
    }
    friend bool operator==(const adaptive_byte_model&, const adaptive_byte_model&) = default;

  private:
    /// size <= 2^15 each, so that products stay within 2^30.
    [[nodiscard]] static interval within(interval high, interval low) noexcept {
        return {(high.start << 15) + high.size * low.start, high.size * low.size};
    }

    adaptive_nibble_model<Rates> high_;
    std::array<adaptive_nibble_model<Rates>, 16> low_;
};

}  // namespace pith::inline v1::entropy
