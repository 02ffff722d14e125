// Storage types for short floating-point numbers: half, bfloat16 and the two eight-bit formats.
// IEEE 754 binary16; the upper half of binary32; FP8 E4M3 and E5M2 after the Open Compute Project (2023).
#pragma once

#include <bit>
#include <cstdint>
#include <type_traits>

namespace pith::inline v1 {

namespace detail {

inline constexpr std::uint32_t float_sign = 0x8000'0000U;
inline constexpr std::uint32_t float_infinity = 0x7F80'0000U;
inline constexpr std::uint32_t float_quiet = 0x0040'0000U;

/// Bits of a float whose value is (-1)^sign * significand * 2^power. significand in 1..2^24, result normal.
constexpr std::uint32_t float_bits_of(std::uint32_t sign, std::uint32_t significand, int power) noexcept {
    const int shift = std::countl_zero(significand) - 8;  // brings the leading one to bit 23
    return sign | ((static_cast<std::uint32_t>(power + 149 - shift) << 23) + (significand << shift));
}

/// value / 2^shift to the nearest integer, ties to even; shift in 1..31.
constexpr std::uint32_t rounded_shift(std::uint32_t value, unsigned shift) noexcept {
    const std::uint32_t half = (1U << (shift - 1)) - 1;
    return (value + half + ((value >> shift) & 1)) >> shift;  // value < 2^31 at every call: no overflow
}

}  // namespace detail

/// A binary format of 1 + Exponent + Mantissa bits with IEEE subnormals, bias 2^(Exponent-1) - 1.
/// With `Infinite` the largest exponent holds infinities and NaNs as in IEEE 754; without it, as in E4M3,
/// only the all-ones pattern is NaN, and values out of range become the largest finite number.
/// Conversion to float is exact. Conversion from float rounds once, to nearest, ties to even, whatever the
/// machine's rounding and flushing modes are (integer arithmetic; constexpr).
/// NaNs: the sign is kept, the payload's upper bits are kept, and a signalling NaN becomes quiet in either
/// direction, as IEEE 754 asks and as F16C and NEON do. To move NaNs untouched, move `bits`.
template <unsigned Exponent, unsigned Mantissa, bool Infinite>
requires(Exponent >= 2 && Exponent <= 7 && Mantissa >= 1 && Mantissa <= 10) struct small_float {
    using storage = std::conditional_t<(Exponent + Mantissa > 7), std::uint16_t, std::uint8_t>;

    static constexpr int bias = (1 << (Exponent - 1)) - 1;
    static constexpr std::uint32_t sign_bit = 1U << (Exponent + Mantissa);
    static constexpr std::uint32_t mantissa_mask = (1U << Mantissa) - 1;
    /// The largest exponent with a zero mantissa: infinity where there is one.
    static constexpr std::uint32_t top = ((1U << Exponent) - 1) << Mantissa;
    static constexpr std::uint32_t largest_finite = Infinite ? top - 1 : sign_bit - 2;

    storage bits = 0;

    constexpr small_float() noexcept = default;
    constexpr explicit small_float(float value) noexcept
        : bits(rounded(std::bit_cast<std::uint32_t>(value))) {}
    [[nodiscard]] static constexpr small_float from_bits(storage b) noexcept {
        small_float out;
        out.bits = b;
        return out;
    }
    /// The same value as float; exact for every pattern.
    [[nodiscard]] constexpr explicit operator float() const noexcept {
        return std::bit_cast<float>(widened());
    }
    [[nodiscard]] constexpr bool is_nan() const noexcept {
        return Infinite ? (bits & (sign_bit - 1)) > top : (bits & (sign_bit - 1)) == sign_bit - 1;
    }
    /// Equal patterns; so +0 != -0, and a NaN equals itself.
    friend constexpr bool operator==(const small_float&, const small_float&) = default;

  private:
    [[nodiscard]] constexpr std::uint32_t widened() const noexcept {
        const std::uint32_t sign = (bits & sign_bit) << (31 - Exponent - Mantissa);
        const std::uint32_t mantissa = bits & mantissa_mask;
        const std::uint32_t exponent = (bits >> Mantissa) & ((1U << Exponent) - 1);
        if (is_nan())
            return sign | detail::float_infinity | detail::float_quiet |
                   (Infinite ? mantissa << (23 - Mantissa) : 0);
        if (Infinite && (bits & (sign_bit - 1)) == top) return sign | detail::float_infinity;
        if (exponent == 0)
            return mantissa == 0
                       ? sign
                       : detail::float_bits_of(sign, mantissa, 1 - bias - static_cast<int>(Mantissa));
        return sign | ((exponent + static_cast<std::uint32_t>(127 - bias)) << 23) |
               (mantissa << (23 - Mantissa));
    }
    static constexpr storage rounded(std::uint32_t value) noexcept {
        const std::uint32_t sign = (value & detail::float_sign) >> (31 - Exponent - Mantissa);
        const std::uint32_t size = value & ~detail::float_sign;
        return static_cast<storage>(sign | rounded_size(size));
    }
    static constexpr std::uint32_t rounded_size(std::uint32_t size) noexcept {
        constexpr unsigned drop = 23 - Mantissa;
        constexpr std::uint32_t rebias = static_cast<std::uint32_t>(127 - bias) << 23;
        constexpr std::uint32_t overflow = Infinite ? top : largest_finite;
        if (size > detail::float_infinity)
            return Infinite ? top | (1U << (Mantissa - 1)) | ((size >> drop) & mantissa_mask) : sign_bit - 1;
        if (size >= rebias + (1U << 23)) {  // normal here, unless it rounds up out of the format
            const std::uint32_t out = detail::rounded_shift(size - rebias, drop);
            return out > largest_finite ? overflow : out;
        }
        const unsigned shift = drop + 1 + ((rebias >> 23) - (size >> 23));
        if (shift > 25) return 0;  // below half of the smallest subnormal
        return detail::rounded_shift((size & 0x7F'FFFF) | 0x80'0000, shift);
    }
};

/// IEEE 754 binary16: 11 significant bits, 2^-24 .. 65504.
using half = small_float<5, 10, true>;
/// FP8 E4M3: 4 significant bits, 2^-9 .. 448, no infinity; conversion saturates.
using fp8_e4m3 = small_float<4, 3, false>;
/// FP8 E5M2: 3 significant bits, 2^-16 .. 57344, with infinities.
using fp8_e5m2 = small_float<5, 2, true>;

/// The upper 16 bits of a binary32: 8 significant bits and float's range.
/// To float: the bits shifted, exact, NaNs untouched. From float: to nearest, ties to even; NaNs keep sign
/// and upper payload and become quiet.
struct bfloat16 {
    std::uint16_t bits = 0;

    constexpr bfloat16() noexcept = default;
    constexpr explicit bfloat16(float value) noexcept : bits(rounded(std::bit_cast<std::uint32_t>(value))) {}
    [[nodiscard]] static constexpr bfloat16 from_bits(std::uint16_t b) noexcept {
        bfloat16 out;
        out.bits = b;
        return out;
    }
    [[nodiscard]] constexpr explicit operator float() const noexcept {
        return std::bit_cast<float>(std::uint32_t{bits} << 16);
    }
    [[nodiscard]] constexpr bool is_nan() const noexcept { return (bits & 0x7FFF) > 0x7F80; }
    friend constexpr bool operator==(const bfloat16&, const bfloat16&) = default;

  private:
    static constexpr std::uint16_t rounded(std::uint32_t value) noexcept {
        if ((value & ~detail::float_sign) > detail::float_infinity)
            return static_cast<std::uint16_t>((value | detail::float_quiet) >> 16);
        return static_cast<std::uint16_t>((value + 0x7FFF + ((value >> 16) & 1)) >> 16);
    }
};

static_assert(sizeof(half) == 2 && sizeof(bfloat16) == 2 && sizeof(fp8_e4m3) == 1 && sizeof(fp8_e5m2) == 1);

/// The short floating-point storage types.
template <class T>
concept short_float = std::is_same_v<T, half> || std::is_same_v<T, bfloat16> || std::is_same_v<T, fp8_e4m3> ||
    std::is_same_v<T, fp8_e5m2>;

}  // namespace pith::inline v1
