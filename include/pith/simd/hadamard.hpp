// The fast Walsh-Hadamard transform of a power of two of floats, in place.
// Sylvester's order; only additions and subtractions in a fixed tree, so that the bits are the same
// everywhere.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

#include <pith/core/assert.hpp>
#include <pith/simd/arch.hpp>
#include <pith/simd/batch.hpp>
#include <pith/simd/scalar_float.hpp>
#include <pith/simd/signs.hpp>

namespace pith::inline v1::simd {

namespace detail {

#ifndef PITH_NO_SIMD

// A step over distance h inside a register: swap neighbours at that distance, then add them with the sign of
// the upper one turned: a + b stays below, a - b above.
#    if defined(__x86_64__)
/// All steps inside one register.
template <instruction_set Arch>
[[nodiscard]] inline vec<float, Arch> hadamard_inside(vec<float, Arch> v) noexcept {
#        if defined(__AVX512DQ__)
    if constexpr (covers<Arch, avx512>) {
        const auto turned = [](__m512 x, unsigned upper) {
            return _mm512_mask_xor_ps(x, static_cast<__mmask16>(upper), x, _mm512_set1_ps(-0.0F));
        };
        __m512 x = v;
        x = _mm512_add_ps(_mm512_permute_ps(x, 0xB1), turned(x, 0xAAAA));
        x = _mm512_add_ps(_mm512_permute_ps(x, 0x4E), turned(x, 0xCCCC));
        x = _mm512_add_ps(_mm512_shuffle_f32x4(x, x, 0xB1), turned(x, 0xF0F0));
        return _mm512_add_ps(_mm512_shuffle_f32x4(x, x, 0x4E), turned(x, 0xFF00));
    }
#        endif
#        if defined(__AVX2__)
    if constexpr (std::is_same_v<Arch, avx2>) {
        const auto step = [](__m256 swapped, __m256 x, __m256 signs) {
#            if defined(__FMA__)
            return _mm256_fmadd_ps(x, signs, swapped);  // a product with 1 or -1 is exact: rounded once, too
#            else
            return _mm256_add_ps(swapped, _mm256_mul_ps(x, signs));
#            endif
        };
        __m256 x = v;
        x = step(_mm256_permute_ps(x, 0xB1), x, _mm256_setr_ps(1, -1, 1, -1, 1, -1, 1, -1));
        x = step(_mm256_permute_ps(x, 0x4E), x, _mm256_setr_ps(1, 1, -1, -1, 1, 1, -1, -1));
        return step(_mm256_permute2f128_ps(x, x, 1), x, _mm256_setr_ps(1, 1, 1, 1, -1, -1, -1, -1));
    }
#        endif
    if constexpr (std::is_same_v<Arch, sse2>) {
        __m128 x = v;
        x = _mm_add_ps(_mm_shuffle_ps(x, x, 0xB1), _mm_xor_ps(x, _mm_setr_ps(0, -0.0F, 0, -0.0F)));
        return _mm_add_ps(_mm_shuffle_ps(x, x, 0x4E), _mm_xor_ps(x, _mm_setr_ps(0, 0, -0.0F, -0.0F)));
    }
}
#    else
template <instruction_set Arch>
[[nodiscard]] inline vec<float, Arch> hadamard_inside(vec<float, Arch> v) noexcept {
    const auto turned = [](float32x4_t x, std::uint64_t low, std::uint64_t high) {
        const uint64x2_t signs = vcombine_u64(vcreate_u64(low), vcreate_u64(high));
        return vreinterpretq_f32_u64(veorq_u64(vreinterpretq_u64_f32(x), signs));
    };
    constexpr std::uint64_t second = std::uint64_t{1} << 63;
    constexpr std::uint64_t both = second | std::uint64_t{1} << 31;
    float32x4_t x = v;
    x = vaddq_f32(vrev64q_f32(x), turned(x, second, second));
    return vaddq_f32(vextq_f32(x, x, 2), turned(x, 0, both));
}
#    endif

/// The steps over the distances half and 2 * half in one pass over memory.
template <instruction_set Arch>
inline void hadamard_two_steps(float* x, std::size_t n, std::size_t half) noexcept {
    constexpr std::size_t step = width<float, Arch>;
    for (std::size_t i = 0; i < n; i += 4 * half)
        for (std::size_t j = i; j < i + half; j += step) {
            const auto a = simd::load<Arch>(x + j);
            const auto b = simd::load<Arch>(x + j + half);
            const auto c = simd::load<Arch>(x + j + 2 * half);
            const auto d = simd::load<Arch>(x + j + 3 * half);
            const auto ab = a + b, a_b = a - b, cd = c + d, c_d = c - d;
            simd::store<Arch, float>(x + j, ab + cd);
            simd::store<Arch, float>(x + j + half, a_b + c_d);
            simd::store<Arch, float>(x + j + 2 * half, ab - cd);
            simd::store<Arch, float>(x + j + 3 * half, a_b - c_d);
        }
}

/// a, b become a + b, a - b.
template <instruction_set Arch>
[[gnu::always_inline]] inline void butterfly(vec<float, Arch>& a, vec<float, Arch>& b) noexcept {
    const vec<float, Arch> difference = a - b;
    a = a + b;
    b = difference;
}

/// The steps inside registers and over eight of them in one pass: from `load(i)`, vector i, into x.
template <instruction_set Arch, class Load>
inline void hadamard_eight_registers(float* x, std::size_t n, Load load) noexcept {
    constexpr std::size_t step = width<float, Arch>;
    for (std::size_t i = 0; i < n; i += 8 * step) {
        const auto first = [&](std::size_t r) { return hadamard_inside<Arch>(load(i + r * step)); };
        // Named, not an array: g++ -O2 keeps an array in memory.
        vec<float, Arch> a = first(0), b = first(1), c = first(2), d = first(3);
        vec<float, Arch> e = first(4), f = first(5), g = first(6), h = first(7);
        butterfly<Arch>(a, b), butterfly<Arch>(c, d), butterfly<Arch>(e, f), butterfly<Arch>(g, h);
        butterfly<Arch>(a, c), butterfly<Arch>(b, d), butterfly<Arch>(e, g), butterfly<Arch>(f, h);
        butterfly<Arch>(a, e), butterfly<Arch>(b, f), butterfly<Arch>(c, g), butterfly<Arch>(d, h);
        simd::store<Arch, float>(x + i, a), simd::store<Arch, float>(x + i + step, b);
        simd::store<Arch, float>(x + i + 2 * step, c), simd::store<Arch, float>(x + i + 3 * step, d);
        simd::store<Arch, float>(x + i + 4 * step, e), simd::store<Arch, float>(x + i + 5 * step, f);
        simd::store<Arch, float>(x + i + 6 * step, g), simd::store<Arch, float>(x + i + 7 * step, h);
    }
}

/// Vector i of the input comes from load(i), which must not read what was stored before.
template <instruction_set Arch, class Load>
inline void hadamard_vectors(float* x, std::size_t n, Load load) noexcept {
    constexpr std::size_t step = width<float, Arch>;
    std::size_t half = step;
    if (n >= 8 * step) {
        hadamard_eight_registers<Arch>(x, n, load);
        half = 8 * step;
    } else {
        for (std::size_t i = 0; i < n; i += step)
            simd::store<Arch, float>(x + i, hadamard_inside<Arch>(load(i)));
    }
    for (; 4 * half <= n; half *= 4) hadamard_two_steps<Arch>(x, n, half);
    if (half < n)  // an odd number of steps: the last one alone, over n / 2
        for (std::size_t j = 0; j < half; j += step) {
            const auto a = simd::load<Arch>(x + j);
            const auto b = simd::load<Arch>(x + j + half);
            simd::store<Arch, float>(x + j, a + b);
            simd::store<Arch, float>(x + j + half, a - b);
        }
}

#endif

}  // namespace detail

/// Replaces x by H x, where H has entries +1 and -1 and H H = size times the identity: twice gives size * x.
/// Precondition: the size is 0 or a power of two. Exact.
template <instruction_set Arch = native>
inline void hadamard(std::span<float> values) noexcept {
    PITH_ASSERT(values.empty() || std::has_single_bit(values.size()));
#ifndef PITH_NO_SIMD
    if constexpr (!std::is_same_v<Arch, scalar>)
        if (values.size() >= width<float, Arch>)
            return detail::hadamard_vectors<Arch>(
                values.data(), values.size(),
                [p = values.data()](std::size_t i) { return simd::load<Arch>(p + i); });
#endif
    twin::hadamard<Arch>(values);
}

/// Replaces out by H (S in), S the diagonal matrix that turns the sign of element i where masks[i] is 2^31;
/// masks hold 0 and 2^31 only. Precondition: equal sizes, 0 or a power of two; out may be in itself. Exact.
template <instruction_set Arch = native>
inline void signed_hadamard(std::span<const float> in, std::span<const std::uint32_t> masks,
                            std::span<float> out) noexcept {
    PITH_ASSERT(in.size() == masks.size() && in.size() == out.size());
    PITH_ASSERT(in.empty() || std::has_single_bit(in.size()));
#ifndef PITH_NO_SIMD
    if constexpr (!std::is_same_v<Arch, scalar>)
        if (in.size() >= width<float, Arch>)
            return detail::hadamard_vectors<Arch>(
                out.data(), out.size(), [p = in.data(), m = masks.data()](std::size_t i) {
                    return detail::with_signs<Arch>(simd::load<Arch>(p + i), simd::load<Arch>(m + i));
                });
#endif
    flip_signs<Arch>(in, masks, out);
    twin::hadamard<Arch>(out);
}

}  // namespace pith::inline v1::simd
