// Where exponent and mantissa of a floating-point format stand in its word, for coders of bit patterns.
// IEEE 754 binary16 and binary32; bfloat16 is the upper half of the latter.
#pragma once

#include <concepts>
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

/// Patterns of a sign and a magnitude in the order of the numbers that they stand for: negative ones turned
/// round, then positive ones; -0 before +0, NaNs at the two ends. from_ordered undoes it.
template <std::unsigned_integral Word>
[[nodiscard]] constexpr Word to_ordered(Word bits) noexcept {
    constexpr unsigned top = 8 * sizeof(Word) - 1;
    const auto negative = static_cast<Word>(Word{0} - static_cast<Word>(bits >> top));
    return static_cast<Word>(bits ^ (negative | static_cast<Word>(Word{1} << top)));
}
template <std::unsigned_integral Word>
[[nodiscard]] constexpr Word from_ordered(Word order) noexcept {
    constexpr unsigned top = 8 * sizeof(Word) - 1;
    const auto negative = static_cast<Word>(static_cast<Word>(order >> top) - Word{1});
    return static_cast<Word>(order ^ (negative | static_cast<Word>(Word{1} << top)));
}

}  // namespace pith::inline v1
