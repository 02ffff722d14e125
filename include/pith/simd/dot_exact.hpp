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

/// The dot product in the order of core/exact: element i in lane i mod 16, lanes joined as a tree. Precondition:
/// equal sizes. Exact for finite values, unless the program flushes subnormal numbers to zero.
template <instruction_set Arch = native>
[[nodiscard]] inline float dot_exact(std::span<const float> a, std::span<const float> b) noexcept {
    PITH_ASSERT(a.size() == b.size());
#ifndef PITH_NO_SIMD
    if constexpr (!std::is_same_v<Arch, scalar>) {
        constexpr std::size_t step = width<float, Arch>;
        constexpr std::size_t parts = exact_lanes / step;
        vec<float, Arch> sums[parts];
        for (auto& sum : sums) sum = vec<float, Arch>(0.0F);
        std::size_t i = 0;
        for (; i + exact_lanes <= a.size(); i += exact_lanes)
            for (std::size_t k = 0; k < parts; ++k)
                sums[k] = mul_add<Arch, float>(load<Arch>(a.data() + i + k * step),
                                               load<Arch>(b.data() + i + k * step), sums[k]);
        float lanes[exact_lanes];
        for (std::size_t k = 0; k < parts; ++k) store<Arch>(lanes + k * step, sums[k]);
        float products[exact_lanes] = {};
        for (std::size_t l = 0; i + l < a.size(); ++l) products[l] = a[i + l] * b[i + l];
        detail::keep_array(products);
        for (std::size_t l = 0; l < exact_lanes; ++l) lanes[l] += products[l];
        return twin::detail::join_lanes<reduction::sum, float, Arch>(lanes);
    } else
#endif
        return twin::dot_exact<Arch>(a, b);
}

}  // namespace pith::inline v1::simd
