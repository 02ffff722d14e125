// Nearest of 2, 4, 8 or 16 levels for floats, and levels for codes: the kernels of every scalar codebook.
// A binary search whose thresholds are looked up in a register (vpermps) where that exists, else counting.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include <pith/core/assert.hpp>
#include <pith/simd/arch.hpp>
#include <pith/simd/intrinsics.hpp>

namespace pith::inline v1::simd {

/// Thresholds between up to sixteen levels, in the two orders in which kernels want them.
struct level_thresholds {
    std::array<float, 16> ascending{};  ///< 2^Bits - 1 of them; of levels that are missing: +inf
    std::array<float, 16> search{};     ///< as the search by halves looks them up: see thresholds_of
};
/// Precondition: ascending order. In `search`, the middle one is at 1, the two of the next step at 2 and 3,
/// those of the step after code k at -k modulo 8, and those of the last at 8 + (-k modulo 8).
template <unsigned Bits>
requires(Bits >= 1 && Bits <= 4) [[nodiscard]] constexpr level_thresholds
    thresholds_of(const std::array<float, 16>& ascending) noexcept {
    level_thresholds out{ascending, {}};
    for (unsigned bit = 0; bit < Bits; ++bit)
        for (unsigned code = 0; code < 1U << bit; ++code)
            out.search[bit == 0   ? 1
                       : bit == 1 ? 2 + code
                                  : (8U - code) % 8 + (bit == 3 ? 8 : 0)] =
                ascending[((2 * code + 1) << (Bits - 1 - bit)) - 1];
    return out;
}
/// Sixteen levels; fewer: the rest is not used.
using level_table = std::array<float, 16>;

namespace detail {

template <unsigned Bits, instruction_set Arch>
[[nodiscard]] inline std::size_t nearest_vectors(const float*, const level_thresholds&, float, std::uint8_t*,
                                                 std::size_t) noexcept {
    return 0;
}
template <unsigned Bits, instruction_set Arch>
[[nodiscard]] inline std::size_t level_vectors(const std::uint8_t*, const level_table&, float, float*,
                                               std::size_t) noexcept {
    return 0;
}

#if !defined(PITH_NO_SIMD) && defined(__x86_64__) && defined(__AVX2__)

/// Thresholds times a factor, as nearest_eight wants them.
struct search_registers {
    __m256 root, low, high, third, last;
};
[[nodiscard, gnu::always_inline]] inline search_registers scaled_search(const float* search,
                                                                        float factor) noexcept {
    return {_mm256_set1_ps(search[1] * factor), _mm256_set1_ps(search[2] * factor),
            _mm256_set1_ps(search[3] * factor),
            _mm256_mul_ps(_mm256_loadu_ps(search), _mm256_set1_ps(factor)),
            _mm256_mul_ps(_mm256_loadu_ps(search + 8), _mm256_set1_ps(factor))};
}
/// The codes of eight floats, negated, as 32-bit integers: what comparisons give is -1, and vpermps reads
/// three bits of -k as well as of k. Bits of a code are found from the highest on.
template <unsigned Bits>
[[nodiscard, gnu::always_inline]] inline __m256i nearest_eight(__m256 x, const search_registers& t) noexcept {
    const auto above = [&](__m256 threshold) {
        return _mm256_castps_si256(_mm256_cmp_ps(x, threshold, _CMP_GT_OQ));
    };
    const __m256i first = above(t.root);
    if constexpr (Bits == 1) return first;
    if constexpr (Bits == 2)  // counting three thresholds is no longer than two steps of a search
        return _mm256_add_epi32(_mm256_add_epi32(above(t.low), above(t.high)), first);
    const __m256i second = above(_mm256_blendv_ps(t.low, t.high, _mm256_castsi256_ps(first)));
    __m256i code = _mm256_add_epi32(_mm256_add_epi32(first, first), second);
    code = _mm256_add_epi32(_mm256_add_epi32(code, code), above(_mm256_permutevar8x32_ps(t.third, code)));
    if constexpr (Bits == 3) return code;
    return _mm256_add_epi32(_mm256_add_epi32(code, code), above(_mm256_permutevar8x32_ps(t.last, code)));
}

template <unsigned Bits, instruction_set Arch>
requires covers<Arch, avx2>
[[nodiscard]] inline std::size_t nearest_vectors(const float* in, const level_thresholds& thresholds,
                                                 float factor, std::uint8_t* out, std::size_t n) noexcept {
    const search_registers t = scaled_search(thresholds.search.data(), factor);
    // Packing works within 128-bit lanes; this puts the groups of four codes back in order.
    const __m256i in_order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
    std::size_t i = 0;
    for (; i + 32 <= n; i += 32) {
        const __m256i a = nearest_eight<Bits>(_mm256_loadu_ps(in + i), t);
        const __m256i b = nearest_eight<Bits>(_mm256_loadu_ps(in + i + 8), t);
        const __m256i c = nearest_eight<Bits>(_mm256_loadu_ps(in + i + 16), t);
        const __m256i d = nearest_eight<Bits>(_mm256_loadu_ps(in + i + 24), t);
        const __m256i bytes = _mm256_packs_epi16(_mm256_packs_epi32(a, b), _mm256_packs_epi32(c, d));
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(out + i),
                            _mm256_permutevar8x32_epi32(_mm256_abs_epi8(bytes), in_order));
    }
    return i;
}

template <unsigned Bits, instruction_set Arch>
requires covers<Arch, avx2>
[[nodiscard]] inline std::size_t level_vectors(const std::uint8_t* in, const level_table& levels,
                                               float factor, float* out, std::size_t n) noexcept {
    const __m256 low = _mm256_loadu_ps(levels.data());
    const __m256 high = _mm256_loadu_ps(levels.data() + 8);
    const __m256 scale = _mm256_set1_ps(factor);
    std::size_t i = 0;
    for (; i + 8 <= n; i += 8) {
        const __m256i code = _mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(in + i)));
        __m256 level = _mm256_permutevar8x32_ps(low, code);
        if constexpr (Bits == 4)
            level = _mm256_blendv_ps(level, _mm256_permutevar8x32_ps(high, code),
                                     _mm256_castsi256_ps(_mm256_slli_epi32(code, 28)));  // bit 3 as the sign
        _mm256_storeu_ps(out + i, _mm256_mul_ps(level, scale));
    }
    return i;
}

#elif !defined(PITH_NO_SIMD) && defined(__aarch64__)

template <unsigned Bits, instruction_set Arch>
requires covers<Arch, neon>
[[nodiscard]] inline std::size_t nearest_vectors(const float* in, const level_thresholds& thresholds,
                                                 float factor, std::uint8_t* out, std::size_t n) noexcept {
    std::size_t i = 0;
    for (; i + 8 <= n; i += 8) {
        const float32x4_t a = vld1q_f32(in + i), b = vld1q_f32(in + i + 4);
        uint32x4_t below_a = vdupq_n_u32(0), below_b = below_a;
        for (unsigned t = 0; t + 1 < 1U << Bits; ++t) {
            const float32x4_t threshold = vdupq_n_f32(thresholds.ascending[t] * factor);
            below_a = vsubq_u32(below_a, vcgtq_f32(a, threshold));
            below_b = vsubq_u32(below_b, vcgtq_f32(b, threshold));
        }
        vst1_u8(out + i, vmovn_u16(vcombine_u16(vmovn_u32(below_a), vmovn_u32(below_b))));
    }
    return i;
}

#endif

}  // namespace detail

/// codes[i] = the number of thresholds, times factor, below values[i]; 0 for a NaN. Precondition: equal
/// sizes, no overlap, factor > 0. Exact: the products are rounded once.
template <unsigned Bits, instruction_set Arch = native>
requires(Bits >= 1 && Bits <= 4) inline void nearest_levels(std::span<const float> values,
                                                            const level_thresholds& thresholds, float factor,
                                                            std::span<std::uint8_t> codes) noexcept {
    PITH_ASSERT(values.size() == codes.size());
    std::size_t i =
        detail::nearest_vectors<Bits, Arch>(values.data(), thresholds, factor, codes.data(), codes.size());
    for (; i < codes.size(); ++i) {
        unsigned code = 0;
        for (unsigned t = 0; t + 1 < 1U << Bits; ++t) code += values[i] > thresholds.ascending[t] * factor;
        codes[i] = static_cast<std::uint8_t>(code);
    }
}

/// out[i] = levels[codes[i]] * factor. Precondition: equal sizes, no overlap, codes below 2^Bits. Exact: one
/// rounding.
template <unsigned Bits, instruction_set Arch = native>
requires(Bits >= 1 && Bits <= 4) inline void scaled_levels(std::span<const std::uint8_t> codes,
                                                           const level_table& levels, float factor,
                                                           std::span<float> out) noexcept {
    PITH_ASSERT(out.size() == codes.size());
    std::size_t i = detail::level_vectors<Bits, Arch>(codes.data(), levels, factor, out.data(), out.size());
    for (; i < out.size(); ++i) out[i] = levels[codes[i] & 15U] * factor;
}

}  // namespace pith::inline v1::simd
