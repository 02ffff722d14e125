// Bounds on the squared distances between points and all points of a box: what lets a search skip points.
// Own work after the bounds of R-trees (Roussopoulos, Kelley, Vincent, 1995), many points against one box.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <type_traits>

#include <pith/simd/arch.hpp>
#include <pith/simd/batch.hpp>

namespace pith::inline v1::simd {

/// Points are given in multiples of so many.
inline constexpr std::size_t box_points = 16;

namespace twin {

/// As simd::box_bounds.
template <instruction_set Arch = native>
[[nodiscard]] inline std::size_t box_bounds(const float* columns, std::size_t stride, std::size_t count,
                                            const float* middle, const float* half, std::size_t dimension,
                                            float* least) noexcept {
    float bound = std::numeric_limits<float>::infinity();
    std::size_t best = 0;
    for (std::size_t k = 0; k < count; ++k) {
        float near = 0, far = 0;
        for (std::size_t j = 0; j < dimension; ++j) {
            const float off = columns[j * stride + k] - middle[j], apart = off < 0 ? -off : off;
            const float outside = apart > half[j] ? apart - half[j] : 0, across = apart + half[j];
            near += outside * outside;
            far += across * across;
        }
        least[k] = near;
        best = far < bound ? k : best;
        bound = far < bound ? far : bound;
    }
    return best;
}

}  // namespace twin

#ifndef PITH_NO_SIMD
namespace detail {
template <instruction_set Arch>
[[nodiscard]] inline std::size_t box_bound_vectors(const float* columns, std::size_t stride,
                                                   std::size_t count, const float* middle, const float* half,
                                                   std::size_t dimension, float* least) noexcept {
    using reals = vec<float, Arch>;
    constexpr std::size_t step = width<float, Arch>;
    const reals zero(0.0F);
    reals bound(std::numeric_limits<float>::infinity()), number(0.0F);
    for (std::size_t k = 0; k < count; k += step) {
        reals near = zero, far = zero;
        for (std::size_t j = 0; j < dimension; ++j) {
            const reals off = simd::load<Arch>(columns + j * stride + k) - reals(middle[j]), h(half[j]);
            const reals apart = xsimd::abs(off);
            const reals outside = xsimd::max(apart - h, zero), across = apart + h;
            near = simd::mul_add_fast<Arch>(outside, outside, near);
            far = simd::mul_add_fast<Arch>(across, across, far);
        }
        simd::store<Arch, float>(least + k, near);
        // The number travels as the bits of a float: selection moves bits, and never rounds them.
        const auto here =
            simd::bit_cast_to<float, Arch>(vec<std::int32_t, Arch>(static_cast<std::int32_t>(k)));
        const auto less = far < bound;
        bound = simd::select<Arch, float>(less, far, bound);
        number = simd::select<Arch, float>(less, here, number);
    }
    float lanes[step];
    std::int32_t numbers[step];
    simd::store<Arch, float>(lanes, bound);
    simd::store<Arch, std::int32_t>(numbers, simd::bit_cast_to<std::int32_t, Arch>(number));
    std::size_t best = 0;
    for (std::size_t l = 1; l < step; ++l) best = lanes[l] < lanes[best] ? l : best;
    return static_cast<std::size_t>(numbers[best]) + best;
}
}  // namespace detail
#endif

/// Coordinate j of point k stands at columns[j * stride + k]; the box is all x with |x[j] - middle[j]| <=
/// half[j]. least[k] becomes the squared distance of point k from the nearest point of the box. Returns the
/// number of a point from which the farthest point of the box is as near as from any other. Precondition:
/// count is a multiple of box_points, and not 0. Up to roundings.
template <instruction_set Arch = native>
[[nodiscard]] inline std::size_t box_bounds(const float* columns, std::size_t stride, std::size_t count,
                                            const float* middle, const float* half, std::size_t dimension,
                                            float* least) noexcept {
#ifndef PITH_NO_SIMD
    if constexpr (!std::is_same_v<Arch, scalar>)
        return detail::box_bound_vectors<Arch>(columns, stride, count, middle, half, dimension, least);
#endif
    return twin::box_bounds<Arch>(columns, stride, count, middle, half, dimension, least);
}

/// The squared distance from the farthest of sixteen points, coordinate j of point l at tile[16 * j + l]; the
/// coordinates of the other are `stride` apart. Up to roundings.
template <instruction_set Arch = native>
[[nodiscard]] inline float farthest_in_tile(const float* tile, const float* from, std::size_t stride,
                                            std::size_t dimension) noexcept {
    float most = 0;
#ifndef PITH_NO_SIMD
    if constexpr (!std::is_same_v<Arch, scalar>) {
        using reals = vec<float, Arch>;
        constexpr std::size_t step = width<float, Arch>;
        reals largest(0.0F);
        for (std::size_t l = 0; l < box_points; l += step) {
            reals square(0.0F);
            for (std::size_t j = 0; j < dimension; ++j) {
                const reals apart = simd::load<Arch>(tile + box_points * j + l) - reals(from[j * stride]);
                square = simd::mul_add_fast<Arch>(apart, apart, square);
            }
            largest = xsimd::max(largest, square);
        }
        float lanes[step];
        simd::store<Arch, float>(lanes, largest);
        for (std::size_t half = step / 2; half != 0; half /= 2)
            for (std::size_t l = 0; l < half; ++l)
                lanes[l] = lanes[l] < lanes[l + half] ? lanes[l + half] : lanes[l];
        return lanes[0];
    }
#endif
    for (std::size_t l = 0; l < box_points; ++l) {
        float square = 0;
        for (std::size_t j = 0; j < dimension; ++j) {
            const float apart = tile[box_points * j + l] - from[j * stride];
            square += apart * apart;
        }
        most = square > most ? square : most;
    }
    return most;
}

/// Writes the numbers k < count for which least[k] is not above the bound, through index[k], to `kept`, which
/// has room for count of them; returns how many they are.
template <instruction_set Arch = native>
[[nodiscard]] inline std::size_t keep_within(const float* least, float bound, const std::uint32_t* index,
                                             std::size_t count, std::uint32_t* kept) noexcept {
    std::size_t n = 0, k = 0;
#ifndef PITH_NO_SIMD
    if constexpr (!std::is_same_v<Arch, scalar>) {
        constexpr std::size_t step = width<float, Arch>;
        for (; k + step <= count; k += step) {
            const auto beyond = simd::load<Arch>(least + k) > vec<float, Arch>(bound);
            std::uint64_t within = ~simd::mask_bits<Arch, float>(beyond) & ((std::uint64_t{1} << step) - 1);
            for (; within != 0; within &= within - 1)
                kept[n++] = index[k + static_cast<std::size_t>(std::countr_zero(within))];
        }
    }
#endif
    for (; k < count; ++k)
        if (!(least[k] > bound)) kept[n++] = index[k];
    return n;
}

}  // namespace pith::inline v1::simd
