// Smallest, largest, largest magnitude and sum, over all values, by row and by column.
// Own work: floats run in 16 lanes in a fixed order, so that the results have the same bits everywhere.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include <pith/core/assert.hpp>
#include <pith/simd/arch.hpp>
#include <pith/simd/batch_integer.hpp>
#include <pith/simd/scalar_float.hpp>

namespace pith::inline v1::simd {

namespace detail {
#ifndef PITH_NO_SIMD

/// Adds a vector of elements to running results of the same width (everything but sums of integers).
template <reduction Op, instruction_set Arch, class T>
[[nodiscard]] inline vec<reduced<Op, T>, Arch> step_vector(vec<reduced<Op, T>, Arch> so_far,
                                                           vec<T, Arch> x) noexcept {
    using R = reduced<Op, T>;
    if constexpr (Op == reduction::min) return simd::min<Arch, T>(x, so_far);
    if constexpr (Op == reduction::max) return simd::max<Arch, T>(x, so_far);
    if constexpr (Op == reduction::sum) return so_far + x;
    if constexpr (Op == reduction::absmax && std::is_same_v<R, T>)
        return simd::max<Arch, T>(std::is_same_v<T, float> ? xsimd::abs(x) : x, so_far);
    if constexpr (Op == reduction::absmax &&
                  !std::is_same_v<R, T>)  // abs of the lowest value wraps to itself
        return simd::max<Arch, R>(simd::bit_cast_to<R, Arch>(xsimd::abs(x)), so_far);
}

/// Min, max and absmax of anything, and the sum of floats.
template <reduction Op, instruction_set Arch, reducible T>
[[nodiscard]] inline reduced<Op, T> reduce_vectors(std::span<const T> values) noexcept {
    using R = reduced<Op, T>;
    constexpr std::size_t step = width<T, Arch>;
    constexpr std::size_t parts = step < exact_lanes ? exact_lanes / step : 2;
    const T* from = values.data();
    const auto next = [from](vec<R, Arch> so_far, std::size_t at) {
        return step_vector<Op, Arch, T>(so_far, simd::load<Arch>(from + at));
    };
    // Named, and an opaque array below: else g++ -O2 keeps the running results in memory.
    vec<R, Arch> r0(twin::detail::neutral<Op, T>());
    vec<R, Arch> r1 = r0, r2 = r0, r3 = r0;
    std::size_t i = 0;
    for (; i + parts * step <= values.size(); i += parts * step) {
        r0 = next(r0, i);
        if constexpr (parts > 1) r1 = next(r1, i + step);
        if constexpr (parts > 2) r2 = next(r2, i + 2 * step);
        if constexpr (parts > 2) r3 = next(r3, i + 3 * step);
    }
    R lanes[4 * step];
    simd::store<Arch>(lanes, r0);
    simd::store<Arch>(lanes + step, r1);
    simd::store<Arch>(lanes + 2 * step, r2);
    simd::store<Arch>(lanes + 3 * step, r3);
    keep_array(lanes);
    R joined[exact_lanes];
    for (std::size_t l = 0; l < exact_lanes; ++l) joined[l] = lanes[l];
    for (std::size_t l = exact_lanes; l < parts * step; ++l)
        joined[l % exact_lanes] = twin::detail::join<Op, T>(joined[l % exact_lanes], lanes[l]);
    for (std::size_t l = 0; i < values.size(); ++i, ++l)
        joined[l % exact_lanes] = twin::detail::step<Op, T>(joined[l % exact_lanes], values[i]);
    return twin::detail::join_lanes<Op, T, Arch>(joined);
}

/// sum + all elements of x, spread over 32-bit elements that grow by at most 2^16 in magnitude.
template <instruction_set Arch, class T>
[[nodiscard]] inline vec<std::int32_t, Arch> add_all(vec<std::int32_t, Arch> sum, vec<T, Arch> x) noexcept {
    if constexpr (std::is_same_v<T, std::int8_t>)
        return simd::dot8<Arch, std::uint8_t>(sum, vec<std::uint8_t, Arch>(std::uint8_t{1}), x);
    if constexpr (std::is_same_v<T, std::uint8_t>)
        return simd::dot8<Arch, std::uint8_t>(sum, x, vec<std::int8_t, Arch>(std::int8_t{1}));
    if constexpr (std::is_same_v<T, std::int16_t>)
        return sum + simd::madd16<Arch>(x, vec<std::int16_t, Arch>(std::int16_t{1}));
    if constexpr (std::is_same_v<T, std::uint16_t>) {  // x - 32768
        const auto lowered = simd::bit_cast_to<std::int16_t, Arch>(x ^ vec<T, Arch>(std::uint16_t{0x8000}));
        return sum + simd::madd16<Arch>(lowered, vec<std::int16_t, Arch>(std::int16_t{1}));
    }
}

template <instruction_set Arch, reducible T>
[[nodiscard]] inline std::int64_t sum_vectors(std::span<const T> values) noexcept {
    constexpr std::size_t step = width<T, Arch>;
    constexpr std::int64_t lowered = std::is_same_v<T, std::uint16_t> ? 32768 : 0;
    std::int64_t total = 0;
    std::size_t i = 0;
    while (i + step <= values.size()) {
        // 2^12 steps: each element stays within 2^28, and the sum of 16 of them within 32 bits.
        vec<std::int32_t, Arch> sum(std::int32_t{0});
        const std::size_t from = i;
        for (; i + step <= values.size() && i - from < (step << 12); i += step)
            sum = add_all<Arch, T>(sum, simd::load<Arch>(values.data() + i));
        std::int32_t lanes[width<std::int32_t, Arch>];
        simd::store<Arch>(lanes, sum);
        for (const std::int32_t lane : lanes) total += lane;
        total += lowered * static_cast<std::int64_t>(i - from);
    }
    for (; i < values.size(); ++i) total += values[i];
    return total;
}

#endif

template <reduction Op, instruction_set Arch, reducible T>
[[nodiscard]] inline reduced<Op, T> reduce(std::span<const T> values) noexcept {
#ifndef PITH_NO_SIMD
    constexpr bool wide_sum = Op == reduction::sum && std::is_integral_v<T>;
    if constexpr (!std::is_same_v<Arch, scalar> && !wide_sum) return reduce_vectors<Op, Arch, T>(values);
    if constexpr (!std::is_same_v<Arch, scalar> && wide_sum && sizeof(T) < 4)
        return sum_vectors<Arch, T>(values);
#endif
    return twin::reduce<Op, Arch, T>(values);
}

template <reduction Op, instruction_set Arch, reducible T>
inline void accumulate(std::span<const T> row, std::span<reduced<Op, T>> results) noexcept {
    PITH_ASSERT(row.size() == results.size());
    std::size_t i = 0;
#ifndef PITH_NO_SIMD
    if constexpr (!std::is_same_v<Arch, scalar> && sizeof(T) == sizeof(reduced<Op, T>))
        for (constexpr std::size_t step = width<T, Arch>; i + step <= row.size(); i += step)
            simd::store<Arch, reduced<Op, T>>(results.data() + i,
                                              step_vector<Op, Arch, T>(simd::load<Arch>(results.data() + i),
                                                                       simd::load<Arch>(row.data() + i)));
#endif
    twin::accumulate<Op, Arch, T>(row.subspan(i), results.subspan(i));
}

}  // namespace detail

/// One result over all values. Float sums are taken in 16 lanes and a tree, as in dot_exact. Exact.
template <reduction Op, instruction_set Arch = native, class T>
requires reducible<std::remove_const_t<T>>
[[nodiscard]] inline reduced<Op, std::remove_const_t<T>> reduce(std::span<T> values) noexcept {
    return detail::reduce<Op, Arch, std::remove_const_t<T>>(values);
}

/// One result per row of `columns` values. Precondition: values.size() = results.size() * columns. Exact.
template <reduction Op, instruction_set Arch = native, class T>
requires reducible<std::remove_const_t<T>>
inline void reduce_rows(std::span<T> values, std::size_t columns,
                        std::span<reduced<Op, std::remove_const_t<T>>> results) noexcept {
    PITH_ASSERT(values.size() == results.size() * columns);
    for (std::size_t r = 0; r < results.size(); ++r)
        results[r] = simd::reduce<Op, Arch>(values.subspan(r * columns, columns));
}

/// Adds one row to the running results of its columns. Precondition: equal sizes, no overlap. Exact but for
/// the sign of a zero, which reduce_columns settles.
template <reduction Op, instruction_set Arch = native, class T>
requires reducible<std::remove_const_t<T>>
inline void accumulate(std::span<T> row, std::span<reduced<Op, std::remove_const_t<T>>> results) noexcept {
    detail::accumulate<Op, Arch, std::remove_const_t<T>>(row, results);
}

/// One result per column of rows of results.size() values; float sums run down each column in order.
/// Precondition: values.size() is a multiple of results.size(), no overlap. Exact.
template <reduction Op, instruction_set Arch = native, class T>
requires reducible<std::remove_const_t<T>>
inline void reduce_columns(std::span<T> values,
                           std::span<reduced<Op, std::remove_const_t<T>>> results) noexcept {
    using element = std::remove_const_t<T>;
    const std::size_t columns = results.size();
    PITH_ASSERT(columns == 0 ? values.empty() : values.size() % columns == 0);
    for (auto& result : results) result = twin::detail::neutral<Op, element>();
    for (std::size_t i = 0; i < values.size(); i += columns)
        simd::accumulate<Op, Arch>(values.subspan(i, columns), results);
    if constexpr (std::is_same_v<element, float>)
        for (float& result : results) result += 0.0F;
}

}  // namespace pith::inline v1::simd
