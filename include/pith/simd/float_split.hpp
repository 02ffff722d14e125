// Splits floats of 2 bytes into a plane of exponents and a plane of signs with mantissas, and merges them.
// The layout of ZipNN (Hershcovitch and others, 2024): the eight bits below the sign make one byte.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include <pith/core/assert.hpp>
#include <pith/core/bytes.hpp>
#include <pith/simd/arch.hpp>
#include <pith/simd/planes.hpp>

namespace pith::inline v1::simd {

namespace twin {

/// high[i] = bits 14..7 of word i, low[i] = its sign and its bits 6..0, from word `from` on.
template <instruction_set Arch>
inline void split_halves(std::span<const std::uint8_t> words, std::uint8_t* low, std::uint8_t* high,
                         std::size_t from = 0) noexcept {
    for (std::size_t i = from; i < words.size() / 2; ++i) {
        const unsigned w = load_le<std::uint16_t>(words.data() + 2 * i);
        high[i] = static_cast<std::uint8_t>(w >> 7);
        low[i] = static_cast<std::uint8_t>((w & 0x7F) | (w >> 8 & 0x80));
    }
}
template <instruction_set Arch>
inline void merge_halves(const std::uint8_t* low, const std::uint8_t* high, std::span<std::uint8_t> words,
                         std::size_t from = 0) noexcept {
    for (std::size_t i = from; i < words.size() / 2; ++i) {
        const unsigned l = low[i];
        const unsigned w = (l & 0x80) << 8 | unsigned{high[i]} << 7 | (l & 0x7F);
        store_le<std::uint16_t>(words.data() + 2 * i, static_cast<std::uint16_t>(w));
    }
}

}  // namespace twin

namespace detail {

#if !defined(PITH_NO_SIMD) && defined(__AVX2__)
/// Words of 16 bits with the exponent in the high byte, and back: bits 15 | 14..7 | 6..0 to 14..7 | 15
/// | 6..0.
[[nodiscard, gnu::always_inline]] inline __m256i exponent_first(__m256i w) noexcept {
    const __m256i exponent = _mm256_and_si256(_mm256_slli_epi16(w, 1), _mm256_set1_epi16(-256));
    const __m256i sign = _mm256_slli_epi16(_mm256_srli_epi16(w, 15), 7);
    const __m256i mantissa = _mm256_and_si256(w, _mm256_set1_epi16(0x7F));
    return _mm256_or_si256(exponent, _mm256_or_si256(sign, mantissa));
}
/// low and high hold one byte in each 16-bit place of v = exponent << 8 | sign << 7 | mantissa.
[[nodiscard, gnu::always_inline]] inline __m256i sign_first(__m256i v) noexcept {
    const __m256i exponent = _mm256_and_si256(_mm256_srli_epi16(v, 1), _mm256_set1_epi16(0x7F80));
    const __m256i sign = _mm256_slli_epi16(v, 8);  // its top bit
    const __m256i mantissa = _mm256_and_si256(v, _mm256_set1_epi16(0x7F));
    return _mm256_or_si256(_mm256_or_si256(exponent, mantissa),
                           _mm256_and_si256(sign, _mm256_set1_epi16(static_cast<short>(0x8000))));
}
#endif

}  // namespace detail

/// The planes of bf16 or binary16 words: high[i] gets bits 14..7 of word i, low[i] its sign and bits 6..0.
/// low and high have words.size() / 2 bytes; no overlap. Exact.
template <instruction_set Arch = native>
inline void split_halves(std::span<const std::uint8_t> words, std::uint8_t* low,
                         std::uint8_t* high) noexcept {
    PITH_ASSERT(words.size() % 2 == 0);
    std::size_t i = 0;
#if !defined(PITH_NO_SIMD) && defined(__AVX2__)
    if constexpr (covers<Arch, avx2>) {
        using z = detail::zippable<avx2>;
        for (; i + 32 <= words.size() / 2; i += 32) {
            const __m256i a = detail::exponent_first(z::load(words.data() + 2 * i));
            const __m256i b = detail::exponent_first(z::load(words.data() + 2 * i + 32));
            z::store(low + i, z::even(a, b));
            z::store(high + i, z::odd(a, b));
        }
    }
#elif !defined(PITH_NO_SIMD) && defined(__aarch64__)
    if constexpr (covers<Arch, neon>) {
        for (; i + 16 <= words.size() / 2; i += 16) {
            const uint8x16x2_t w = vld2q_u8(words.data() + 2 * i);  // low bytes, high bytes
            vst1q_u8(low + i, vbslq_u8(vdupq_n_u8(0x80), w.val[1], w.val[0]));
            vst1q_u8(high + i, vsriq_n_u8(vshlq_n_u8(w.val[1], 1), w.val[0], 7));
        }
    }
#endif
    twin::split_halves<Arch>(words, low, high, i);
}
/// Undoes split_halves.
template <instruction_set Arch = native>
inline void merge_halves(const std::uint8_t* low, const std::uint8_t* high,
                         std::span<std::uint8_t> words) noexcept {
    PITH_ASSERT(words.size() % 2 == 0);
    std::size_t i = 0;
#if !defined(PITH_NO_SIMD) && defined(__AVX2__)
    if constexpr (covers<Arch, avx2>) {
        using z = detail::zippable<avx2>;
        for (; i + 32 <= words.size() / 2; i += 32) {
            const __m256i l = z::load(low + i), h = z::load(high + i);
            const __m256i a = detail::sign_first(_mm256_unpacklo_epi8(l, h));
            const __m256i b = detail::sign_first(_mm256_unpackhi_epi8(l, h));
            z::store(words.data() + 2 * i, _mm256_permute2x128_si256(a, b, 0x20));
            z::store(words.data() + 2 * i + 32, _mm256_permute2x128_si256(a, b, 0x31));
        }
    }
#elif !defined(PITH_NO_SIMD) && defined(__aarch64__)
    if constexpr (covers<Arch, neon>) {
        for (; i + 16 <= words.size() / 2; i += 16) {
            const uint8x16_t l = vld1q_u8(low + i), h = vld1q_u8(high + i);
            uint8x16x2_t w;
            w.val[0] = vsliq_n_u8(vandq_u8(l, vdupq_n_u8(0x7F)), h, 7);
            w.val[1] = vorrq_u8(vandq_u8(l, vdupq_n_u8(0x80)), vshrq_n_u8(h, 1));
            vst2q_u8(words.data() + 2 * i, w);
        }
    }
#endif
    twin::merge_halves<Arch>(low, high, words, i);
}

}  // namespace pith::inline v1::simd
