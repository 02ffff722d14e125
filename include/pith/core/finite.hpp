// Whether floats are numbers: neither infinite nor NaN, told by their bits so that no compiler option, nor
// any mode of the processor, changes the answer.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

#include <pith/core/view.hpp>

namespace pith::inline v1 {

[[nodiscard]] constexpr bool is_finite(float v) noexcept {
    return (std::bit_cast<std::uint32_t>(v) & 0x7F80'0000U) != 0x7F80'0000U;
}
[[nodiscard]] constexpr bool is_finite(double v) noexcept {
    return (std::bit_cast<std::uint64_t>(v) & 0x7FF0'0000'0000'0000U) != 0x7FF0'0000'0000'0000U;
}

/// True if all are. Nothing is skipped after the first that is not: the loop has no branch.
[[nodiscard]] constexpr bool all_finite(std::span<const float> values) noexcept {
    std::uint32_t bad = 0;
    for (const float v : values) bad |= static_cast<std::uint32_t>(!is_finite(v));
    return bad == 0;
}

namespace detail {
template <class T>
[[nodiscard]] constexpr bool all_finite_of(view_2d<const T> values) noexcept {
    std::uint32_t bad = 0;
    for (std::size_t r = 0; r < values.rows(); ++r)
        for (std::size_t c = 0; c < values.columns(); ++c)
            bad |= static_cast<std::uint32_t>(!is_finite(values(r, c)));
    return bad == 0;
}
}  // namespace detail

/// The same of matrices of any strides.
[[nodiscard]] constexpr bool all_finite(view_2d<const float> values) noexcept {
    return detail::all_finite_of(values);
}
[[nodiscard]] constexpr bool all_finite(view_2d<const double> values) noexcept {
    return detail::all_finite_of(values);
}

}  // namespace pith::inline v1
