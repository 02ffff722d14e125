// Where exponent and mantissa of a floating-point format stand in its word, for coders of bit patterns.
// IEEE 754 binary16 and binary32; bfloat16 is the upper half of the latter.
#pragma once

#include <cstddef>
#include <cstdint>

#include <pith/core/number.hpp>

namespace pith::inline v1 {

/// The word of a format: sign highest, then the exponent, then `mantissa` bits.
template <class Float>
struct float_layout;

template <>
struct float_layout<bfloat16> {
    using word = std::uint16_t;
    static constexpr unsigned mantissa = 7;
};
template <>
struct float_layout<half> {
    using word = std::uint16_t;
    static constexpr unsigned mantissa = 10;
};
template <>
struct float_layout<float> {
    using word = std::uint32_t;
    static constexpr unsigned mantissa = 23;
};

template <class Float>
concept float_format = requires {
    typename float_layout<Float>::word;
    float_layout<Float>::mantissa;
};

/// Patterns in the order of the numbers that they stand for: negative ones turned round, then positive ones;
/// -0 before +0, NaNs at the two ends. from_ordered undoes it.
template <float_format Float>
[[nodiscard]] constexpr typename float_layout<Float>::word to_ordered(
    typename float_layout<Float>::word bits) noexcept {
    using word = typename float_layout<Float>::word;
    constexpr word sign = static_cast<word>(~(static_cast<word>(~word{0}) >> 1));
    return static_cast<word>((bits & sign) != 0 ? ~bits : bits | sign);
}
template <float_format Float>
[[nodiscard]] constexpr typename float_layout<Float>::word from_ordered(
    typename float_layout<Float>::word order) noexcept {
    using word = typename float_layout<Float>::word;
    constexpr word sign = static_cast<word>(~(static_cast<word>(~word{0}) >> 1));
    return static_cast<word>((order & sign) != 0 ? order & static_cast<word>(~sign) : ~order);
}

}  // namespace pith::inline v1
