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
#        if defined(__AVX2__)
/// swapped + x * signs, signs of 1 and -1: products are exact, so that one FMA rounds as one addition does.
template <instruction_set Arch>
[[nodiscard, gnu::always_inline]] inline __m256 hadamard_step(__m256 swapped, __m256 x,
                                                              __m256 signs) noexcept {
#            if defined(__FMA__)
    return _mm256_fmadd_ps(x, signs, swapped);
#            else
    return _mm256_add_ps(swapped, _mm256_mul_ps(x, signs));
#            endif
}
#        endif

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
        __m256 x = v;
        x = hadamard_step<Arch>(_mm256_permute_ps(x, 0xB1), x, _mm256_setr_ps(1, -1, 1, -1, 1, -1, 1, -1));
        x = hadamard_step<Arch>(_mm256_permute_ps(x, 0x4E), x, _mm256_setr_ps(1, 1, -1, -1, 1, 1, -1, -1));
        return hadamard_step<Arch>(_mm256_permute2f128_ps(x, x, 1), x,
                                   _mm256_setr_ps(1, 1, 1, 1, -1, -1, -1, -1));
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

/// Stores values as they are, or times a factor: what the last pass does.
struct plain_store {
    template <instruction_set Arch>
    [[gnu::always_inline]] void put(float* to, vec<float, Arch> v) const noexcept {
        simd::store<Arch, float>(to, v);
    }
};
struct scaled_store {
    float factor;
    template <instruction_set Arch>
    [[gnu::always_inline]] void put(float* to, vec<float, Arch> v) const noexcept {
        simd::store<Arch, float>(to, v * vec<float, Arch>(factor));
    }
};

/// The steps over the distances half and 2 * half in one pass over memory.
template <instruction_set Arch, class Store>
inline void hadamard_two_steps(float* x, std::size_t n, std::size_t half, Store store) noexcept {
    constexpr std::size_t step = width<float, Arch>;
    for (std::size_t i = 0; i < n; i += 4 * half)
        for (std::size_t j = i; j < i + half; j += step) {
            const auto a = simd::load<Arch>(x + j);
            const auto b = simd::load<Arch>(x + j + half);
            const auto c = simd::load<Arch>(x + j + 2 * half);
            const auto d = simd::load<Arch>(x + j + 3 * half);
            const auto ab = a + b, a_b = a - b, cd = c + d, c_d = c - d;
            store.template put<Arch>(x + j, ab + cd);
            store.template put<Arch>(x + j + half, a_b + c_d);
            store.template put<Arch>(x + j + 2 * half, ab - cd);
            store.template put<Arch>(x + j + 3 * half, a_b - c_d);
        }
}

/// a, b become a + b, a - b.
template <instruction_set Arch>
[[gnu::always_inline]] inline void butterfly(vec<float, Arch>& a, vec<float, Arch>& b) noexcept {
    const vec<float, Arch> difference = a - b;
    a = a + b;
    b = difference;
}

/// The steps inside eight registers and over them: vectors from load(0), load(step), ... go to put(r, v).
template <instruction_set Arch, class Load, class Put>
[[gnu::always_inline]] inline void hadamard_registers(Load load, Put put) noexcept {
    constexpr std::size_t step = width<float, Arch>;
    const auto first = [&](std::size_t r) { return hadamard_inside<Arch>(load(r * step)); };
    // Named, not an array: g++ -O2 keeps an array in memory.
    vec<float, Arch> a = first(0), b = first(1), c = first(2), d = first(3);
    vec<float, Arch> e = first(4), f = first(5), g = first(6), h = first(7);
    butterfly<Arch>(a, b), butterfly<Arch>(c, d), butterfly<Arch>(e, f), butterfly<Arch>(g, h);
    butterfly<Arch>(a, c), butterfly<Arch>(b, d), butterfly<Arch>(e, g), butterfly<Arch>(f, h);
    butterfly<Arch>(a, e), butterfly<Arch>(b, f), butterfly<Arch>(c, g), butterfly<Arch>(d, h);
    put(0, a), put(step, b), put(2 * step, c), put(3 * step, d);
    put(4 * step, e), put(5 * step, f), put(6 * step, g), put(7 * step, h);
}

/// Eight registers after eight, from `load(i)`, vector i, into x.
template <instruction_set Arch, class Load, class Store>
inline void hadamard_eight_registers(float* x, std::size_t n, Load load, Store store) noexcept {
    constexpr std::size_t block = 8 * width<float, Arch>;
    for (std::size_t i = 0; i < n; i += block)
        hadamard_registers<Arch>(
            [&](std::size_t at) { return load(i + at); },
            [&](std::size_t at, vec<float, Arch> v) { store.template put<Arch>(x + i + at, v); });
}

/// Sixteen registers' worth: the last step is done where the upper half still is in registers.
template <instruction_set Arch, class Load, class Store>
inline void hadamard_sixteen_registers(float* x, Load load, Store store) noexcept {
    constexpr std::size_t block = 8 * width<float, Arch>;
    hadamard_eight_registers<Arch>(x, block, load, plain_store{});
    hadamard_registers<Arch>([&](std::size_t at) { return load(block + at); },
                             [&](std::size_t at, vec<float, Arch> upper) {
                                 const auto lower = simd::load<Arch>(x + at);
                                 store.template put<Arch>(x + at, lower + upper);
                                 store.template put<Arch>(x + block + at, lower - upper);
                             });
}

/// Vector i of the input comes from load(i), which must not read what was stored before.
template <instruction_set Arch, class Load, class Store>
inline void hadamard_vectors(float* x, std::size_t n, Load load, Store last) noexcept {
    constexpr std::size_t step = width<float, Arch>;
    std::size_t half = step;
    if (n == 8 * step) return hadamard_eight_registers<Arch>(x, n, load, last);
    if (n == 16 * step) return hadamard_sixteen_registers<Arch>(x, load, last);
    if (n > 8 * step) {
        hadamard_eight_registers<Arch>(x, n, load, plain_store{});
        half = 8 * step;
    } else {
        for (std::size_t i = 0; i < n; i += step) {
            const vec<float, Arch> v = hadamard_inside<Arch>(load(i));
            if (n == step)
                last.template put<Arch>(x + i, v);
            else
                simd::store<Arch, float>(x + i, v);
        }
    }
    for (; 4 * half < n; half *= 4) hadamard_two_steps<Arch>(x, n, half, plain_store{});
    if (4 * half == n) return hadamard_two_steps<Arch>(x, n, half, last);
    for (std::size_t j = 0; half < n && j < half; j += step) {  // one step alone, over n / 2
        const auto a = simd::load<Arch>(x + j);
        const auto b = simd::load<Arch>(x + j + half);
        last.template put<Arch>(x + j, a + b);
        last.template put<Arch>(x + j + half, a - b);
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
                [p = values.data()](std::size_t i) { return simd::load<Arch>(p + i); },
                detail::plain_store{});
#endif
    twin::hadamard<Arch>(values);
}

/// Replaces out by factor H (S in), S the diagonal matrix that turns the sign of element i where masks[i] is
/// 2^31; masks hold 0 and 2^31 only. Precondition: equal sizes, 0 or a power of two; out may be in itself.
/// Exact: the product with the factor is rounded once more.
template <instruction_set Arch = native>
inline void signed_hadamard(std::span<const float> in, std::span<const std::uint32_t> masks, float factor,
                            std::span<float> out) noexcept {
    PITH_ASSERT(in.size() == masks.size() && in.size() == out.size());
    PITH_ASSERT(in.empty() || std::has_single_bit(in.size()));
#ifndef PITH_NO_SIMD
    if constexpr (!std::is_same_v<Arch, scalar>)
        if (in.size() >= width<float, Arch>) {
            const auto load = [p = in.data(), m = masks.data()](std::size_t i) {
                return detail::with_signs<Arch>(simd::load<Arch>(p + i), simd::load<Arch>(m + i));
            };
            if (factor == 1.0F)
                return detail::hadamard_vectors<Arch>(out.data(), out.size(), load, detail::plain_store{});
            return detail::hadamard_vectors<Arch>(out.data(), out.size(), load, detail::scaled_store{factor});
        }
#endif
    flip_signs<Arch>(in, masks, out);
    twin::hadamard<Arch>(out);
    for (float& v : out) v *= factor;
}

}  // namespace pith::inline v1::simd
