// The scalar twin of every kernel whose float result is exact: one order of additions on every machine.
// The 16-lane order is own work; what keeps products and sums apart is an empty assembler statement.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <type_traits>

#include <pith/core/assert.hpp>
#include <pith/simd/arch.hpp>
#include <pith/simd/strict_float.hpp>

namespace pith::inline v1::simd {

/// Lanes of every exact sum: element i is added to lane i mod 16.
inline constexpr std::size_t exact_lanes = 16;

/// What a row or a column is reduced to. Floats: NaN elements of min, max and absmax are skipped, and a zero
/// result is +0. Nothing to reduce gives the neutral element (for min the largest value, for max the lowest).
enum class reduction { min, max, absmax, sum };

/// The value types that can be reduced.
template <class T>
concept reducible = std::same_as<T, float> || std::same_as<T, std::int8_t> || std::same_as<T, std::uint8_t> ||
    std::same_as<T, std::int16_t> || std::same_as<T, std::uint16_t> || std::same_as<T, std::int32_t>;

namespace detail {
template <reduction Op, class T>
struct reduced_type {
    using type = T;
};
template <class T>
requires std::integral<T>
struct reduced_type<reduction::absmax, T> {
    using type = std::make_unsigned_t<T>;
};
template <class T>
requires std::integral<T>
struct reduced_type<reduction::sum, T> {
    using type = std::int64_t;
};
}  // namespace detail

/// The type of a result: T itself, but unsigned for the absmax and 64 bits for the sum of integers.
template <reduction Op, reducible T>
using reduced = typename detail::reduced_type<Op, T>::type;

}  // namespace pith::inline v1::simd

namespace pith::inline v1::simd::twin {

namespace detail {

/// What the reduction of nothing gives.
template <reduction Op, reducible T>
[[nodiscard, gnu::always_inline]] constexpr reduced<Op, T> neutral() noexcept {
    using limits = std::numeric_limits<T>;
    if constexpr (Op == reduction::min)
        return std::is_same_v<T, float> ? limits::infinity() : limits::max();
    else if constexpr (Op == reduction::max)
        return std::is_same_v<T, float> ? -limits::infinity() : limits::lowest();
    else
        return 0;
}

/// Adds one element to a running result. A comparison with a NaN is false and so leaves the result alone.
template <reduction Op, class T>
[[nodiscard, gnu::always_inline]] constexpr reduced<Op, T> step(reduced<Op, T> so_far, T x) noexcept {
    using R = reduced<Op, T>;
    if constexpr (Op == reduction::min) {
        return x < so_far ? x : so_far;
    } else if constexpr (Op == reduction::max) {
        return x > so_far ? x : so_far;
    } else if constexpr (Op == reduction::absmax) {
        R magnitude = static_cast<R>(x);
        if constexpr (std::is_signed_v<T>) {
            if constexpr (std::is_same_v<T, float>)
                magnitude = x < 0 ? -x : x;
            else
                magnitude = x < 0 ? static_cast<R>(R{0} - magnitude) : magnitude;
        }
        return magnitude > so_far ? magnitude : so_far;
    } else {
        return so_far + x;
    }
}

/// Joins two running results.
template <reduction Op, class T>
[[nodiscard, gnu::always_inline]] constexpr reduced<Op, T> join(reduced<Op, T> a, reduced<Op, T> b) noexcept {
    if constexpr (Op == reduction::min) return b < a ? b : a;
    if constexpr (Op == reduction::max || Op == reduction::absmax) return b > a ? b : a;
    if constexpr (Op == reduction::sum) return a + b;
}

/// The fixed tree over the lanes: l with l + 8, then + 4, + 2, + 1. A float zero leaves as +0.
template <reduction Op, class T, class Arch>
[[nodiscard]] inline reduced<Op, T> join_lanes(reduced<Op, T> (&lanes)[exact_lanes]) noexcept {
    for (std::size_t half = exact_lanes / 2; half != 0; half /= 2)
        for (std::size_t l = 0; l < half; ++l) lanes[l] = join<Op, T>(lanes[l], lanes[l + half]);
    if constexpr (std::is_same_v<T, float>) return lanes[0] + 0.0F;
    return lanes[0];
}

}  // namespace detail

/// Products added in 16 lanes, then the fixed tree: the order of `dot_exact`.
template <instruction_set Arch>
[[nodiscard]] inline float dot_exact(std::span<const float> a, std::span<const float> b) noexcept {
    PITH_ASSERT(a.size() == b.size());
    float lanes[exact_lanes] = {};
    float products[exact_lanes];
    std::size_t i = 0;
    for (; i + exact_lanes <= a.size(); i += exact_lanes) {
        for (std::size_t l = 0; l < exact_lanes; ++l) products[l] = a[i + l] * b[i + l];
        simd::detail::keep_array(products);
        for (std::size_t l = 0; l < exact_lanes; ++l) lanes[l] += products[l];
    }
    // A lane is never -0, so adding the +0 of a missing product changes nothing.
    for (std::size_t l = 0; l < exact_lanes; ++l) products[l] = i + l < a.size() ? a[i + l] * b[i + l] : 0.0F;
    simd::detail::keep_array(products);
    for (std::size_t l = 0; l < exact_lanes; ++l) lanes[l] += products[l];
    return detail::join_lanes<reduction::sum, float, Arch>(lanes);
}

/// One result over all values; float sums in the order of `dot_exact`, integer sums exact below 2^32 values.
template <reduction Op, instruction_set Arch, reducible T>
[[nodiscard]] inline reduced<Op, T> reduce(std::span<const T> values) noexcept {
    reduced<Op, T> lanes[exact_lanes];
    for (auto& lane : lanes) lane = detail::neutral<Op, T>();
    std::size_t i = 0;
    for (; i + exact_lanes <= values.size(); i += exact_lanes)
        for (std::size_t l = 0; l < exact_lanes; ++l) lanes[l] = detail::step<Op, T>(lanes[l], values[i + l]);
    for (std::size_t l = 0; i < values.size(); ++i, ++l) lanes[l] = detail::step<Op, T>(lanes[l], values[i]);
    return detail::join_lanes<Op, T, Arch>(lanes);
}

/// Adds one row to the running results of its columns.
template <reduction Op, instruction_set Arch, reducible T>
inline void accumulate(std::span<const T> row, std::span<reduced<Op, T>> results) noexcept {
    PITH_ASSERT(row.size() == results.size());
    const T* __restrict from = row.data();
    reduced<Op, T>* __restrict to = results.data();
    for (std::size_t i = 0; i < row.size(); ++i) to[i] = detail::step<Op, T>(to[i], from[i]);
}

/// Walsh-Hadamard transform in place, order of Hadamard (Sylvester), not normalised; size 0 or a power of
/// two.
template <instruction_set Arch>
inline void hadamard(std::span<float> values) noexcept {
    float* x = values.data();
    const std::size_t n = values.size();
    for (std::size_t half = 1; half < n; half *= 2)
        for (std::size_t i = 0; i < n; i += 2 * half)
            for (std::size_t j = i; j < i + half; ++j) {
                const float sum = x[j] + x[j + half];
                x[j + half] = x[j] - x[j + half];
                x[j] = sum;
            }
}

}  // namespace pith::inline v1::simd::twin
