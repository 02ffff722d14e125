// The dot product of floats whose bits are the same on every machine, compiler and -O level.
// Own work: 16 lanes whatever the vector, products rounded before they are added, one tree at the end.
#pragma once

#include <cstddef>
#include <span>

#include <pith/core/assert.hpp>
#include <pith/simd/arch.hpp>
#include <pith/simd/batch.hpp>
#include <pith/simd/scalar_float.hpp>

namespace pith::inline v1::simd {

/// The dot product in the order of core/exact: element i in lane i mod 16, lanes joined as a tree.
/// Precondition: equal sizes. Exact for finite values, unless the program flushes subnormal numbers to zero.
template <instruction_set Arch = native>
[[nodiscard]] inline float dot_exact(std::span<const float> a, std::span<const float> b) noexcept {
    PITH_ASSERT(a.size() == b.size());
#ifndef PITH_NO_SIMD
    if constexpr (!std::is_same_v<Arch, scalar>) {
        const std::size_t size = a.size() < b.size() ? a.size() : b.size();  // equal, but known to g++
        constexpr std::size_t step = width<float, Arch>;
        constexpr std::size_t parts = exact_lanes / step;
        const auto next = [x = a.data(), y = b.data()](vec<float, Arch> so_far, std::size_t at) {
            return simd::mul_add<Arch, float>(simd::load<Arch>(x + at), simd::load<Arch>(y + at), so_far);
        };
        // Named, not an array: g++ -O2 keeps an array in memory.
        vec<float, Arch> s0(0.0F), s1(0.0F), s2(0.0F), s3(0.0F);
        std::size_t i = 0;
        for (; i + exact_lanes <= size; i += exact_lanes) {
            s0 = next(s0, i);
            if constexpr (parts > 1) s1 = next(s1, i + step);
            if constexpr (parts > 2) s2 = next(s2, i + 2 * step);
            if constexpr (parts > 2) s3 = next(s3, i + 3 * step);
        }
        if (i == size) {  // nothing is left: the first two steps of the tree are sums of vectors
            if constexpr (parts > 2) s0 = s0 + s2, s1 = s1 + s3;
            if constexpr (parts > 1) s0 = s0 + s1;
            return simd::reduce_add<Arch, float>(s0);
        }
        float lanes[4 * step];  // the first exact_lanes count
        simd::store<Arch>(lanes, s0);
        simd::store<Arch>(lanes + step, s1);
        simd::store<Arch>(lanes + 2 * step, s2);
        simd::store<Arch>(lanes + 3 * step, s3);
        float products[exact_lanes] = {};
        for (std::size_t l = 0; i + l < size; ++l) products[l] = a[i + l] * b[i + l];
        detail::keep_array(products);
        float joined[exact_lanes];
        for (std::size_t l = 0; l < exact_lanes; ++l) joined[l] = lanes[l] + products[l];
        return twin::detail::join_lanes<reduction::sum, float, Arch>(joined);
    } else
#endif
        return twin::dot_exact<Arch>(a, b);
}

}  // namespace pith::inline v1::simd
