// Elementwise passes over floats that rotations and quantizers need: signs turned by a mask, a common factor.
// Own work; each element is rounded once at most, so that the bits are the same everywhere.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

#include <pith/core/assert.hpp>
#include <pith/simd/arch.hpp>
#include <pith/simd/batch.hpp>

namespace pith::inline v1::simd {

#ifndef PITH_NO_SIMD
namespace detail {
template <instruction_set Arch>
[[nodiscard]] inline vec<float, Arch> with_signs(vec<float, Arch> v,
                                                 vec<std::uint32_t, Arch> masks) noexcept {
    const vec<std::uint32_t, Arch> bits = simd::bit_cast_to<std::uint32_t, Arch>(v) ^ masks;
    return simd::bit_cast_to<float, Arch>(bits);
}
}  // namespace detail
#endif

/// out[i] = in[i] with its sign turned where masks[i] is 2^31; masks hold 0 and 2^31 only. Precondition:
/// equal sizes; out may be in itself. Exact.
template <instruction_set Arch = native>
inline void flip_signs(std::span<const float> in, std::span<const std::uint32_t> masks,
                       std::span<float> out) noexcept {
    PITH_ASSERT(in.size() == masks.size() && in.size() == out.size());
    std::size_t i = 0;
#ifndef PITH_NO_SIMD
    if constexpr (!std::is_same_v<Arch, scalar>)
        for (constexpr std::size_t step = width<float, Arch>; i + step <= in.size(); i += step)
            simd::store<Arch, float>(out.data() + i,
                                     detail::with_signs<Arch>(simd::load<Arch>(in.data() + i),
                                                              simd::load<Arch>(masks.data() + i)));
#endif
    for (; i < in.size(); ++i) out[i] = std::bit_cast<float>(std::bit_cast<std::uint32_t>(in[i]) ^ masks[i]);
}

/// values[i] *= factor. Exact: one rounding each.
template <instruction_set Arch = native>
inline void scale(std::span<float> values, float factor) noexcept {
    std::size_t i = 0;
#ifndef PITH_NO_SIMD
    if constexpr (!std::is_same_v<Arch, scalar>)
        for (constexpr std::size_t step = width<float, Arch>; i + step <= values.size(); i += step)
            simd::store<Arch, float>(values.data() + i,
                                     simd::load<Arch>(values.data() + i) * vec<float, Arch>(factor));
#endif
    for (; i < values.size(); ++i) values[i] *= factor;
}

}  // namespace pith::inline v1::simd
