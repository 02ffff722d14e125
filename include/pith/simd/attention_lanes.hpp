// Floats of attention in lanes: one vocabulary over vectors and, without them, over single numbers.
// Own work; sums run in lanes and contract products where the machine can, so the last bits differ between
// machines: encoder-side, as all of attention in floats.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

#include <pith/core/bytes.hpp>
#include <pith/core/number.hpp>
#include <pith/simd/arch.hpp>
#include <pith/simd/batch_integer.hpp>

namespace pith::inline v1::simd {

/// One number at a time.
template <instruction_set Arch>
struct attention_lanes {
    using real = float;
    using integer = std::int32_t;
    static constexpr std::size_t width = 1;

    [[nodiscard]] static real load(const float* p) noexcept { return *p; }
    [[nodiscard]] static integer load(const std::int32_t* p) noexcept { return *p; }
    /// Two bytes a number, anywhere.
    [[nodiscard]] static real load_half(const std::uint8_t* p) noexcept {
        return static_cast<float>(half::from_bits(load_le<std::uint16_t>(p)));
    }
    [[nodiscard]] static integer load_bytes(const std::int8_t* p) noexcept { return *p; }
    [[nodiscard]] static real all(float x) noexcept { return x; }
    static void store(float* p, real x) noexcept { *p = x; }
    static void store(std::int32_t* p, integer x) noexcept { *p = x; }
    [[nodiscard]] static real mul_add(real a, real b, real c) noexcept { return a * b + c; }
    [[nodiscard]] static real larger(real a, real b) noexcept { return a > b ? a : b; }
    [[nodiscard]] static real smaller(real a, real b) noexcept { return a < b ? a : b; }
    [[nodiscard]] static real magnitude(real a) noexcept { return a < 0 ? -a : a; }
    /// To nearest, ties to even; |x| < 2^22.
    [[nodiscard]] static integer rounded(real x) noexcept {
        return static_cast<integer>(std::bit_cast<std::uint32_t>(x + 0x1.8p23F) - 0x4B40'0000U);
    }
    [[nodiscard]] static real to_real(integer x) noexcept { return static_cast<float>(x); }
    /// 2^x for x in -126..127.
    [[nodiscard]] static real power_of_two(integer x) noexcept {
        return std::bit_cast<float>(static_cast<std::uint32_t>(x + 127) << 23);
    }
    [[nodiscard]] static float sum(real x) noexcept { return x; }
    [[nodiscard]] static float largest(real x) noexcept { return x; }
};

#ifndef PITH_NO_SIMD

template <instruction_set Arch>
requires(!std::is_same_v<Arch, scalar>) struct attention_lanes<Arch> {
    using real = vec<float, Arch>;
    using integer = vec<std::int32_t, Arch>;
    static constexpr std::size_t width = simd::width<float, Arch>;

    [[nodiscard, gnu::always_inline]] static real load(const float* p) noexcept {
        return simd::load<Arch>(p);
    }
    [[nodiscard, gnu::always_inline]] static integer load(const std::int32_t* p) noexcept {
        return simd::load<Arch>(p);
    }
    [[nodiscard, gnu::always_inline]] static real load_half(const std::uint8_t* p) noexcept {
#    if defined(__aarch64__)
        return vcvt_f32_f16(vreinterpret_f16_u8(vld1_u8(p)));
#    else
#        if defined(__AVX512F__)
        if constexpr (covers<Arch, avx512>)
            return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
#        endif
#        if defined(__AVX2__) && defined(__F16C__)
        if constexpr (std::is_same_v<Arch, avx2>)
            return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
#        endif
        float x[width];
        for (std::size_t i = 0; i < width; ++i) x[i] = attention_lanes<scalar>::load_half(p + 2 * i);
        return simd::load<Arch>(static_cast<const float*>(x));
#    endif
    }
    /// `width` signed bytes.
    [[nodiscard, gnu::always_inline]] static integer load_bytes(const std::int8_t* p) noexcept {
#    if defined(__AVX512F__)
        if constexpr (covers<Arch, avx512>)
            return _mm512_cvtepi8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
#    endif
#    if defined(__AVX2__)
        if constexpr (std::is_same_v<Arch, avx2>)
            return _mm256_cvtepi8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p)));
#    endif
        std::int32_t wide[width];
        for (std::size_t l = 0; l < width; ++l) wide[l] = p[l];
        return load(wide);
    }
    [[nodiscard, gnu::always_inline]] static real all(float x) noexcept { return real(x); }
    [[gnu::always_inline]] static void store(float* p, real x) noexcept { simd::store<Arch, float>(p, x); }
    [[gnu::always_inline]] static void store(std::int32_t* p, integer x) noexcept {
        simd::store<Arch, std::int32_t>(p, x);
    }
    [[nodiscard, gnu::always_inline]] static real mul_add(real a, real b, real c) noexcept {
        return simd::mul_add_fast<Arch>(a, b, c);
    }
    [[nodiscard, gnu::always_inline]] static real larger(real a, real b) noexcept {
#    if defined(__AVX2__)
        if constexpr (std::is_same_v<Arch, avx2>) return _mm256_max_ps(a, b);  // a > b ? a : b
#    endif
        return simd::max<Arch, float>(a, b);
    }
    [[nodiscard, gnu::always_inline]] static real smaller(real a, real b) noexcept {
#    if defined(__AVX2__)
        if constexpr (std::is_same_v<Arch, avx2>) return _mm256_min_ps(a, b);  // a < b ? a : b
#    endif
        return simd::min<Arch, float>(a, b);
    }
    [[nodiscard, gnu::always_inline]] static real magnitude(real a) noexcept { return xsimd::abs(a); }
    [[nodiscard, gnu::always_inline]] static integer rounded(real x) noexcept {
        return simd::round_to_int<Arch>(x);
    }
    [[nodiscard, gnu::always_inline]] static real to_real(integer x) noexcept { return xsimd::to_float(x); }
    [[nodiscard, gnu::always_inline]] static real power_of_two(integer x) noexcept {
        return simd::bit_cast_to<float, Arch>(
            simd::shift_left<23, Arch, std::int32_t>(x + integer(std::int32_t{127})));
    }
    [[nodiscard, gnu::always_inline]] static float sum(real x) noexcept {
        return folded(x, [](auto a, auto b) { return a + b; });
    }
    [[nodiscard, gnu::always_inline]] static float largest(real x) noexcept {
        return folded(x, [](auto a, auto b) { return a > b ? a : b; });
    }

  private:
    template <class Join>
    [[nodiscard, gnu::always_inline]] static float folded(real x, Join join) noexcept {
#    if defined(__AVX2__)
        if constexpr (std::is_same_v<Arch, avx2>) {  // in registers: g++ takes vectors as numbers here
            __m128 v = join(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
            v = join(v, _mm_movehl_ps(v, v));
            return join(_mm_cvtss_f32(v), _mm_cvtss_f32(_mm_shuffle_ps(v, v, 1)));
        }
#    endif
        float lanes[width];
        simd::store<Arch, float>(lanes, x);
        for (std::size_t half = width / 2; half != 0; half /= 2)
            for (std::size_t l = 0; l < half; ++l) lanes[l] = join(lanes[l], lanes[l + half]);
        return lanes[0];
    }
};

#endif

namespace detail {

/// Whole vectors of narrow_to_bytes; returns how many numbers it has done.
template <instruction_set Arch>
[[nodiscard]] inline std::size_t narrow_vectors(const std::int32_t*, std::uint8_t*, std::size_t) noexcept {
    return 0;
}
#if !defined(PITH_NO_SIMD) && defined(__AVX2__)
template <instruction_set Arch>
requires covers<Arch, avx2>
[[nodiscard]] inline std::size_t narrow_vectors(const std::int32_t* in, std::uint8_t* out,
                                                std::size_t n) noexcept {
    std::size_t i = 0;
    const auto eight = [in](std::size_t at) {  // the lowest byte alone, so that nothing saturates
        return _mm256_and_si256(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(in + at)),
                                _mm256_set1_epi32(255));
    };
    const __m256i in_order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
    for (; i + 32 <= n; i += 32) {
        const __m256i low = _mm256_packus_epi32(eight(i), eight(i + 8));
        const __m256i high = _mm256_packus_epi32(eight(i + 16), eight(i + 24));
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(out + i),
                            _mm256_permutevar8x32_epi32(_mm256_packus_epi16(low, high), in_order));
    }
    return i;
}
#elif !defined(PITH_NO_SIMD) && defined(__aarch64__)
template <instruction_set Arch>
requires covers<Arch, neon>
[[nodiscard]] inline std::size_t narrow_vectors(const std::int32_t* in, std::uint8_t* out,
                                                std::size_t n) noexcept {
    std::size_t i = 0;
    for (; i + 8 <= n; i += 8)
        vst1_s8(reinterpret_cast<std::int8_t*>(out + i),
                vmovn_s16(vcombine_s16(vmovn_s32(vld1q_s32(in + i)), vmovn_s32(vld1q_s32(in + i + 4)))));
    return i;
}
#endif

}  // namespace detail

/// The lowest bytes of n integers. Exact.
template <instruction_set Arch = native>
inline void narrow_to_bytes(const std::int32_t* in, std::uint8_t* out, std::size_t n) noexcept {
    for (std::size_t i = detail::narrow_vectors<Arch>(in, out, n); i < n; ++i)
        out[i] = static_cast<std::uint8_t>(in[i] & 255);
}

/// The lowest bytes of 32 integers that at(0), at(width), ... give.
template <instruction_set Arch, class At>
[[gnu::always_inline]] inline void store_32_bytes(std::uint8_t* out, At at) noexcept {
#if !defined(PITH_NO_SIMD) && defined(__AVX2__)
    if constexpr (std::is_same_v<Arch, avx2>) {
        const __m256i lowest = _mm256_set1_epi32(255);
        const __m256i a = _mm256_and_si256(at(0), lowest), b = _mm256_and_si256(at(8), lowest);
        const __m256i c = _mm256_and_si256(at(16), lowest), d = _mm256_and_si256(at(24), lowest);
        const __m256i bytes = _mm256_packus_epi16(_mm256_packus_epi32(a, b), _mm256_packus_epi32(c, d));
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(out),
                            _mm256_permutevar8x32_epi32(bytes, _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7)));
        return;
    }
#endif
    std::int32_t integers[32];
    for (std::size_t i = 0; i < 32; i += attention_lanes<Arch>::width)
        attention_lanes<Arch>::store(integers + i, at(i));
    narrow_to_bytes<Arch>(integers, out, 32);
}

/// 32 integers below 2^15 - 128 in magnitude as two bytes each: `upper` signed and to nearest, so that
/// integer = 256 upper + signed lower.
template <instruction_set Arch, class At>
[[gnu::always_inline]] inline void store_32_pairs(std::uint8_t* upper, std::uint8_t* lower, At at) noexcept {
#if !defined(PITH_NO_SIMD) && defined(__AVX2__)
    if constexpr (std::is_same_v<Arch, avx2>) {
        const __m256i a = _mm256_packs_epi32(at(0), at(8)), b = _mm256_packs_epi32(at(16), at(24));
        const auto rounded = [](__m256i x) {
            return _mm256_srai_epi16(_mm256_add_epi16(x, _mm256_set1_epi16(128)), 8);
        };
        const auto store = [](std::uint8_t* to, __m256i x) {
            _mm256_storeu_si256(reinterpret_cast<__m256i*>(to),
                                _mm256_permutevar8x32_epi32(x, _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7)));
        };
        const __m256i low = _mm256_set1_epi16(255);
        store(upper, _mm256_packs_epi16(rounded(a), rounded(b)));
        store(lower, _mm256_packus_epi16(_mm256_and_si256(a, low), _mm256_and_si256(b, low)));
        return;
    }
#endif
    using L = attention_lanes<Arch>;
    std::int32_t integers[32], rounded[32];
    for (std::size_t i = 0; i < 32; i += L::width) {
        const typename L::integer v = at(i);
        L::store(integers + i, v);
        L::store(rounded + i, (v + typename L::integer(128)) >> 8);
    }
    narrow_to_bytes<Arch>(rounded, upper, 32);
    narrow_to_bytes<Arch>(integers, lower, 32);
}

}  // namespace pith::inline v1::simd
