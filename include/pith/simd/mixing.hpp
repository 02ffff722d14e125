// The loops of gated mixers on vectors of 16-bit numbers: multiply-add pairs, rounded high products.
// Models of mixing::mixing_kernel with equal results; raw memory in and out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

#include <pith/simd/arch.hpp>
#include <pith/simd/intrinsics.hpp>

namespace pith::inline v1::simd {

#if !defined(PITH_NO_SIMD) && defined(__AVX2__)

struct mixing_avx2 {
    template <std::size_t N>
    [[nodiscard, gnu::always_inline]] static std::int32_t dot(const std::int16_t* a,
                                                              const std::int16_t* w) noexcept {
        __m256i sum = _mm256_setzero_si256();
#    pragma GCC unroll 32
        for (std::size_t i = 0; i < N; i += 16) {
            const __m256i x = _mm256_load_si256(reinterpret_cast<const __m256i*>(a + i));
            const __m256i y = _mm256_load_si256(reinterpret_cast<const __m256i*>(w + i));
            sum = _mm256_add_epi32(sum, _mm256_srai_epi32(_mm256_madd_epi16(x, y), 8));
        }
        __m128i half = _mm_add_epi32(_mm256_castsi256_si128(sum), _mm256_extracti128_si256(sum, 1));
        half = _mm_add_epi32(half, _mm_shuffle_epi32(half, 0x4E));
        half = _mm_add_epi32(half, _mm_shuffle_epi32(half, 0xB1));
        return _mm_cvtsi128_si32(half);
    }
    template <std::size_t N>
    [[gnu::always_inline]] static void train(const std::int16_t* a, std::int16_t* w, int e) noexcept {
        const __m256i error = _mm256_set1_epi16(static_cast<short>(e));
#    pragma GCC unroll 32
        for (std::size_t i = 0; i < N; i += 16) {
            const __m256i x = _mm256_load_si256(reinterpret_cast<const __m256i*>(a + i));
            const __m256i y = _mm256_load_si256(reinterpret_cast<const __m256i*>(w + i));
            _mm256_store_si256(reinterpret_cast<__m256i*>(w + i),
                               _mm256_adds_epi16(y, _mm256_mulhrs_epi16(x, error)));
        }
    }
    template <std::size_t N>
    [[gnu::always_inline]] static void adapt(std::uint32_t* p, bool bit, std::uint32_t limit) noexcept {
        const __m256i target = _mm256_set1_epi32(bit ? (1 << 22) - 1 : 0);
        const __m256i most = _mm256_set1_epi32(static_cast<int>(limit));
#    pragma GCC unroll 32
        for (std::size_t i = 0; i < N; i += 8) {
            auto* const at = reinterpret_cast<__m256i*>(p + i);
            const __m256i v = _mm256_load_si256(at);
            const __m256i q = _mm256_srli_epi32(v, 10);
            const __m256i n = _mm256_and_si256(v, _mm256_set1_epi32(1023));
            const __m256 step = _mm256_div_ps(_mm256_cvtepi32_ps(_mm256_sub_epi32(target, q)),
                                              _mm256_add_ps(_mm256_cvtepi32_ps(n), _mm256_set1_ps(1.5F)));
            const __m256i moved = _mm256_slli_epi32(_mm256_add_epi32(q, _mm256_cvttps_epi32(step)), 10);
            _mm256_store_si256(at, _mm256_sub_epi32(_mm256_or_si256(moved, n), _mm256_cmpgt_epi32(most, n)));
        }
    }
    template <std::size_t N, class F>
    [[gnu::always_inline]] static void fill(std::int16_t* to, F f) noexcept {
        fill_vectors(to, f, std::make_index_sequence<N / 16>{});
    }

  private:
    template <class F, std::size_t... V>
    [[gnu::always_inline]] static void fill_vectors(std::int16_t* to, F f,
                                                    std::index_sequence<V...>) noexcept {
        (fill_vector<16 * V>(to + 16 * V, f, std::make_index_sequence<16>{}), ...);
    }
    template <std::size_t First, class F, std::size_t... I>
    [[gnu::always_inline]] static void fill_vector(std::int16_t* to, F f,
                                                   std::index_sequence<I...>) noexcept {
        _mm256_store_si256(reinterpret_cast<__m256i*>(to),
                           _mm256_setr_epi16(f(std::integral_constant<std::size_t, First + I>{})...));
    }
};

#endif

}  // namespace pith::inline v1::simd
