// The loops of gated mixers on vectors of 16-bit numbers: multiply-add pairs, rounded high products, floats.
// The fast forms of mixing::portable_mixing, with equal results. Raw memory in and out, so that mixing/ does
// not depend on this folder: pass simd::mixing_kernel<> as its policy.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

#include <pith/simd/arch.hpp>
#include <pith/simd/intrinsics.hpp>

namespace pith::inline v1::simd {

/// True where mixing_kernel is made of vectors: everywhere but under PITH_NO_SIMD.
template <instruction_set Arch>
inline constexpr bool has_mixing_kernel = covers<Arch, sse2> || covers<Arch, neon>;

#if !defined(PITH_NO_SIMD) && defined(__x86_64__)

namespace detail {

/// Eight numbers and masks go straight from memory into their vectors.
template <std::size_t N, std::size_t First, std::size_t Masked, class F, std::size_t... I>
[[gnu::always_inline]] inline void fill_eight_masked(std::int16_t* to, F& f,
                                                     std::index_sequence<I...>) noexcept {
    __m128i x = _mm_setzero_si128(), y = x;
    const auto put = [&](auto i) __attribute__((always_inline)) {
        const std::array<std::int16_t, 2> v = f(std::integral_constant<std::size_t, First + i()>{});
        x = _mm_insert_epi16(x, v[0], static_cast<int>(i()));
        y = _mm_insert_epi16(y, v[1], static_cast<int>(i()));
    };
    (put(std::integral_constant<std::size_t, I>{}), ...);
    const __m128i kept = _mm_setr_epi16(static_cast<short>(First + I < Masked ? 0 : -1)...);
    _mm_store_si128(reinterpret_cast<__m128i*>(to + First), x);
    _mm_store_si128(reinterpret_cast<__m128i*>(to + N + First), _mm_and_si128(y, _mm_or_si128(x, kept)));
}
/// Sums, 6 bits narrower and within +-2047.
[[gnu::always_inline]] inline void store_bounded(std::int16_t* to, __m128i low, __m128i high) noexcept {
    const __m128i x = _mm_packs_epi32(_mm_srai_epi32(low, 6), _mm_srai_epi32(high, 6));
    const __m128i bounded = _mm_max_epi16(_mm_min_epi16(x, _mm_set1_epi16(2047)), _mm_set1_epi16(-2047));
    _mm_store_si128(reinterpret_cast<__m128i*>(to), bounded);
}
[[nodiscard, gnu::always_inline]] inline std::int32_t sum_of(__m128i v) noexcept {
    v = _mm_add_epi32(v, _mm_shuffle_epi32(v, 0x4E));
    v = _mm_add_epi32(v, _mm_shuffle_epi32(v, 0xB1));
    return _mm_cvtsi128_si32(v);
}
/// What eight numbers at a time do best.
struct eight_lanes {
    template <std::size_t N, std::size_t Masked, class F>
    [[gnu::always_inline]] static void fill_masked(std::int16_t* to, F f) noexcept {
        for_eights<Masked>(to, f, std::make_index_sequence<N / 8>{});
    }
    [[nodiscard, gnu::always_inline]] static std::int32_t dot_sum(const std::int16_t* a,
                                                                  const std::int16_t* v,
                                                                  const std::int16_t* w) noexcept {
        const auto load = [](const std::int16_t* from) {
            return _mm_load_si128(reinterpret_cast<const __m128i*>(from));
        };
        const __m128i x = load(a);
        return sum_of(_mm_add_epi32(_mm_madd_epi16(x, load(v)), _mm_madd_epi16(x, load(w))));
    }

  private:
    template <std::size_t Masked, class F, std::size_t... V>
    [[gnu::always_inline]] static void for_eights(std::int16_t* to, F& f,
                                                  std::index_sequence<V...>) noexcept {
        (fill_eight_masked<8 * sizeof...(V), 8 * V, Masked>(to, f, std::make_index_sequence<8>{}), ...);
    }
};

}  // namespace detail

#endif

/// A model of mixing::mixing_kernel. Exact. AVX-512 takes the form of AVX2: vectors of mixers are short.
template <instruction_set Arch = native>
struct mixing_kernel;

#if !defined(PITH_NO_SIMD) && defined(__x86_64__)

template <instruction_set Arch>
requires(covers<Arch, sse2> && !covers<Arch, avx2>) struct mixing_kernel<Arch> : detail::eight_lanes {
    template <std::size_t N>
    [[nodiscard, gnu::always_inline]] static std::int32_t dot(const std::int16_t* a,
                                                              const std::int16_t* w) noexcept {
        __m128i sum = _mm_setzero_si128();
        for (std::size_t i = 0; i < N; i += 8)
            sum = _mm_add_epi32(sum, _mm_srai_epi32(_mm_madd_epi16(load(a + i), load(w + i)), 8));
        sum = _mm_add_epi32(sum, _mm_shuffle_epi32(sum, 0x4E));
        sum = _mm_add_epi32(sum, _mm_shuffle_epi32(sum, 0xB1));
        return _mm_cvtsi128_si32(sum);
    }
    template <std::size_t N>
    [[gnu::always_inline]] static void train(const std::int16_t* a, std::int16_t* w, int e) noexcept {
        const __m128i error = _mm_set1_epi16(static_cast<short>(e));
        for (std::size_t i = 0; i < N; i += 8)
            store(w + i, _mm_adds_epi16(load(w + i), rounded_high(load(a + i), error)));
    }
    template <std::size_t N>
    [[gnu::always_inline]] static void adapt(std::uint32_t* p, bool bit, std::uint32_t limit) noexcept {
        const __m128i target = _mm_set1_epi32(bit ? (1 << 22) - 1 : 0);
        const __m128i most = _mm_set1_epi32(static_cast<int>(limit));
        for (std::size_t i = 0; i < N; i += 4) {
            const __m128i v = load(p + i);
            const __m128i q = _mm_srli_epi32(v, 10);
            const __m128i n = _mm_and_si128(v, _mm_set1_epi32(1023));
            const __m128 step = _mm_div_ps(_mm_cvtepi32_ps(_mm_sub_epi32(target, q)),
                                           _mm_add_ps(_mm_cvtepi32_ps(n), _mm_set1_ps(1.5F)));
            const __m128i moved = _mm_slli_epi32(_mm_add_epi32(q, _mm_cvttps_epi32(step)), 10);
            store(p + i, _mm_sub_epi32(_mm_or_si128(moved, n), _mm_cmpgt_epi32(most, n)));
        }
    }
    template <std::size_t N, std::size_t Vectors>
    [[gnu::always_inline]] static void dots(const std::int16_t* a, const std::int16_t* const* w,
                                            std::int16_t* to) noexcept {
        detail::store_bounded(to, four_sums<N, Vectors, 0>(a, w), four_sums<N, Vectors, 4>(a, w));
        if constexpr (Vectors > 8) dots<N, Vectors - 8>(a, w + 8, to + 8);
    }

  private:
    template <std::size_t N, std::size_t Vectors, std::size_t K>
    [[nodiscard, gnu::always_inline]] static __m128i sums(const std::int16_t* a,
                                                          const std::int16_t* const* w) noexcept {
        __m128i sum = _mm_setzero_si128();
        if constexpr (K < Vectors)
            for (std::size_t i = 0; i < N; i += 8)
                sum = _mm_add_epi32(sum, _mm_srai_epi32(_mm_madd_epi16(load(a + i), load(w[K] + i)), 8));
        return sum;
    }
    /// The sums of four vectors, by a transposition.
    template <std::size_t N, std::size_t Vectors, std::size_t K>
    [[nodiscard, gnu::always_inline]] static __m128i four_sums(const std::int16_t* a,
                                                               const std::int16_t* const* w) noexcept {
        const __m128i s0 = sums<N, Vectors, K>(a, w), s1 = sums<N, Vectors, K + 1>(a, w),
                      s2 = sums<N, Vectors, K + 2>(a, w), s3 = sums<N, Vectors, K + 3>(a, w);
        const __m128i t0 = _mm_add_epi32(_mm_unpacklo_epi32(s0, s1), _mm_unpackhi_epi32(s0, s1)),
                      t1 = _mm_add_epi32(_mm_unpacklo_epi32(s2, s3), _mm_unpackhi_epi32(s2, s3));
        return _mm_add_epi32(_mm_unpacklo_epi64(t0, t1), _mm_unpackhi_epi64(t0, t1));
    }
    template <class T>
    [[nodiscard, gnu::always_inline]] static __m128i load(const T* from) noexcept {
        return _mm_load_si128(reinterpret_cast<const __m128i*>(from));
    }
    template <class T>
    [[gnu::always_inline]] static void store(T* to, __m128i v) noexcept {
        _mm_store_si128(reinterpret_cast<__m128i*>(to), v);
    }
    /// (x y + 2^14) >> 15 = 2 (x y >> 16) + (t + 1 >> 1), where t is what bits 14 and 15 of x y say.
    [[nodiscard, gnu::always_inline]] static __m128i rounded_high(__m128i x, __m128i y) noexcept {
        const __m128i high = _mm_mulhi_epi16(x, y), low = _mm_mullo_epi16(x, y);
        const __m128i carry = _mm_avg_epu16(_mm_srli_epi16(low, 14), _mm_setzero_si128());
        return _mm_add_epi16(_mm_add_epi16(high, high), carry);
    }
};

#endif

#if !defined(PITH_NO_SIMD) && defined(__AVX2__)

template <instruction_set Arch>
requires(covers<Arch, avx2>) struct mixing_kernel<Arch> : detail::eight_lanes {
    template <std::size_t N>
    [[nodiscard, gnu::always_inline]] static std::int32_t dot(const std::int16_t* a,
                                                              const std::int16_t* w) noexcept {
        __m256i sum = _mm256_setzero_si256();
#    pragma GCC unroll 32
        for (std::size_t i = 0; i < N; i += 16)
            sum = _mm256_add_epi32(sum, _mm256_srai_epi32(_mm256_madd_epi16(load(a + i), load(w + i)), 8));
        __m128i half = _mm_add_epi32(_mm256_castsi256_si128(sum), _mm256_extracti128_si256(sum, 1));
        half = _mm_add_epi32(half, _mm_shuffle_epi32(half, 0x4E));
        half = _mm_add_epi32(half, _mm_shuffle_epi32(half, 0xB1));
        return _mm_cvtsi128_si32(half);
    }
    template <std::size_t N>
    [[gnu::always_inline]] static void train(const std::int16_t* a, std::int16_t* w, int e) noexcept {
        if constexpr (N == 8) {
            auto* const at = reinterpret_cast<__m128i*>(w);
            const __m128i step = _mm_mulhrs_epi16(_mm_load_si128(reinterpret_cast<const __m128i*>(a)),
                                                  _mm_set1_epi16(static_cast<short>(e)));
            return _mm_store_si128(at, _mm_adds_epi16(_mm_load_si128(at), step));
        }
        const __m256i error = _mm256_set1_epi16(static_cast<short>(e));
#    pragma GCC unroll 32
        for (std::size_t i = 0; i < N; i += 16)
            store(w + i, _mm256_adds_epi16(load(w + i), _mm256_mulhrs_epi16(load(a + i), error)));
    }
    template <std::size_t N>
    [[gnu::always_inline]] static void adapt(std::uint32_t* p, bool bit, std::uint32_t limit) noexcept {
        const __m256i target = _mm256_set1_epi32(bit ? (1 << 22) - 1 : 0);
        const __m256i most = _mm256_set1_epi32(static_cast<int>(limit));
#    pragma GCC unroll 32
        for (std::size_t i = 0; i < N; i += 8) {
            const __m256i v = load(p + i);
            const __m256i q = _mm256_srli_epi32(v, 10);
            const __m256i n = _mm256_and_si256(v, _mm256_set1_epi32(1023));
            const __m256 step = _mm256_div_ps(_mm256_cvtepi32_ps(_mm256_sub_epi32(target, q)),
                                              _mm256_add_ps(_mm256_cvtepi32_ps(n), _mm256_set1_ps(1.5F)));
            const __m256i moved = _mm256_slli_epi32(_mm256_add_epi32(q, _mm256_cvttps_epi32(step)), 10);
            store(p + i, _mm256_sub_epi32(_mm256_or_si256(moved, n), _mm256_cmpgt_epi32(most, n)));
        }
    }
    template <std::size_t N, std::size_t Vectors>
    [[gnu::always_inline]] static void dots(const std::int16_t* a, const std::int16_t* const* w,
                                            std::int16_t* to) noexcept {
        const __m256i low =
            _mm256_hadd_epi32(pair_of_sums<N, Vectors, 0>(a, w), pair_of_sums<N, Vectors, 2>(a, w));
        const __m256i high =
            _mm256_hadd_epi32(pair_of_sums<N, Vectors, 4>(a, w), pair_of_sums<N, Vectors, 6>(a, w));
        detail::store_bounded(to, joined(low), joined(high));
        if constexpr (Vectors > 8) dots<N, Vectors - 8>(a, w + 8, to + 8);
    }

  private:
    template <std::size_t N, std::size_t Vectors, std::size_t K>
    [[nodiscard, gnu::always_inline]] static __m256i sums(const std::int16_t* a,
                                                          const std::int16_t* const* w) noexcept {
        __m256i sum = _mm256_setzero_si256();
        if constexpr (K < Vectors)
            for (std::size_t i = 0; i < N; i += 16)
                sum = _mm256_add_epi32(sum,
                                       _mm256_srai_epi32(_mm256_madd_epi16(load(a + i), load(w[K] + i)), 8));
        return sum;
    }
    template <std::size_t N, std::size_t Vectors, std::size_t K>
    [[nodiscard, gnu::always_inline]] static __m256i pair_of_sums(const std::int16_t* a,
                                                                  const std::int16_t* const* w) noexcept {
        return _mm256_hadd_epi32(sums<N, Vectors, K>(a, w), sums<N, Vectors, K + 1>(a, w));
    }
    [[nodiscard, gnu::always_inline]] static __m128i joined(__m256i v) noexcept {
        return _mm_add_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
    }
    template <class T>
    [[nodiscard, gnu::always_inline]] static __m256i load(const T* from) noexcept {
        return _mm256_load_si256(reinterpret_cast<const __m256i*>(from));
    }
    template <class T>
    [[gnu::always_inline]] static void store(T* to, __m256i v) noexcept {
        _mm256_store_si256(reinterpret_cast<__m256i*>(to), v);
    }
};

#endif

#if !defined(PITH_NO_SIMD) && defined(__aarch64__)

template <instruction_set Arch>
requires(covers<Arch, neon>) struct mixing_kernel<Arch> {
    template <std::size_t N>
    [[nodiscard, gnu::always_inline]] static std::int32_t dot(const std::int16_t* a,
                                                              const std::int16_t* w) noexcept {
        int32x4_t sum = vdupq_n_s32(0);
        for (std::size_t i = 0; i < N; i += 8) {
            const int16x8_t x = vld1q_s16(a + i), y = vld1q_s16(w + i);
            const int32x4_t low = vmull_s16(vget_low_s16(x), vget_low_s16(y));
            sum = vsraq_n_s32(sum, vpaddq_s32(low, vmull_high_s16(x, y)), 8);
        }
        return vaddvq_s32(sum);
    }
    /// vqrdmulh gives (2 x e + 2^15) >> 16, which saturates only where both factors are -32768.
    template <std::size_t N>
    [[gnu::always_inline]] static void train(const std::int16_t* a, std::int16_t* w, int e) noexcept {
        const int16x8_t error = vdupq_n_s16(static_cast<std::int16_t>(e));
        for (std::size_t i = 0; i < N; i += 8)
            vst1q_s16(w + i, vqaddq_s16(vld1q_s16(w + i), vqrdmulhq_s16(vld1q_s16(a + i), error)));
    }
    template <std::size_t N>
    [[gnu::always_inline]] static void adapt(std::uint32_t* p, bool bit, std::uint32_t limit) noexcept {
        const int32x4_t target = vdupq_n_s32(bit ? (1 << 22) - 1 : 0);
        const uint32x4_t most = vdupq_n_u32(limit);
        for (std::size_t i = 0; i < N; i += 4) {
            const uint32x4_t v = vld1q_u32(p + i);
            const int32x4_t q = vreinterpretq_s32_u32(vshrq_n_u32(v, 10));
            const uint32x4_t n = vandq_u32(v, vdupq_n_u32(1023));
            const float32x4_t step = vdivq_f32(vcvtq_f32_s32(vsubq_s32(target, q)),
                                               vaddq_f32(vcvtq_f32_u32(n), vdupq_n_f32(1.5F)));
            const int32x4_t moved = vshlq_n_s32(vaddq_s32(q, vcvtq_s32_f32(step)), 10);
            vst1q_u32(p + i, vsubq_u32(vorrq_u32(vreinterpretq_u32_s32(moved), n), vcltq_u32(n, most)));
        }
    }
    template <std::size_t N, std::size_t Masked, class F>
    [[gnu::always_inline]] static void fill_masked(std::int16_t* to, F f) noexcept {
        fill_masked_vectors<Masked>(to, f, std::make_index_sequence<N / 8>{});
    }
    template <std::size_t N, std::size_t Vectors>
    [[gnu::always_inline]] static void dots(const std::int16_t* a, const std::int16_t* const* w,
                                            std::int16_t* to) noexcept {
        const int16x8_t x = vcombine_s16(vqmovn_s32(four_sums<N, Vectors, 0>(a, w)),
                                         vqmovn_s32(four_sums<N, Vectors, 4>(a, w)));
        vst1q_s16(to, vmaxq_s16(vminq_s16(x, vdupq_n_s16(2047)), vdupq_n_s16(-2047)));
        if constexpr (Vectors > 8) dots<N, Vectors - 8>(a, w + 8, to + 8);
    }
    [[nodiscard, gnu::always_inline]] static std::int32_t dot_sum(const std::int16_t* a,
                                                                  const std::int16_t* v,
                                                                  const std::int16_t* w) noexcept {
        const int16x8_t x = vld1q_s16(a), y = vld1q_s16(v), z = vld1q_s16(w);
        int32x4_t sum = vmull_s16(vget_low_s16(x), vget_low_s16(y));
        sum = vmlal_high_s16(sum, x, y);
        sum = vmlal_s16(sum, vget_low_s16(x), vget_low_s16(z));
        return vaddvq_s32(vmlal_high_s16(sum, x, z));
    }

  private:
    template <std::size_t N, std::size_t Vectors, std::size_t K>
    [[nodiscard, gnu::always_inline]] static int32x4_t sums(const std::int16_t* a,
                                                            const std::int16_t* const* w) noexcept {
        int32x4_t sum = vdupq_n_s32(0);
        if constexpr (K < Vectors)
            for (std::size_t i = 0; i < N; i += 8) {
                const int16x8_t x = vld1q_s16(a + i), y = vld1q_s16(w[K] + i);
                const int32x4_t low = vmull_s16(vget_low_s16(x), vget_low_s16(y));
                sum = vsraq_n_s32(sum, vpaddq_s32(low, vmull_high_s16(x, y)), 8);
            }
        return sum;
    }
    /// The sums of four vectors, 6 bits narrower.
    template <std::size_t N, std::size_t Vectors, std::size_t K>
    [[nodiscard, gnu::always_inline]] static int32x4_t four_sums(const std::int16_t* a,
                                                                 const std::int16_t* const* w) noexcept {
        const int32x4_t low = vpaddq_s32(sums<N, Vectors, K>(a, w), sums<N, Vectors, K + 1>(a, w)),
                        high = vpaddq_s32(sums<N, Vectors, K + 2>(a, w), sums<N, Vectors, K + 3>(a, w));
        return vshrq_n_s32(vpaddq_s32(low, high), 6);
    }
    template <std::size_t Masked, class F, std::size_t... V>
    [[gnu::always_inline]] static void fill_masked_vectors(std::int16_t* to, F& f,
                                                           std::index_sequence<V...>) noexcept {
        (fill_masked_vector<8 * sizeof...(V), 8 * V, Masked>(to, f, std::make_index_sequence<8>{}), ...);
    }
    template <std::size_t N, std::size_t First, std::size_t Masked, class F, std::size_t... I>
    [[gnu::always_inline]] static void fill_masked_vector(std::int16_t* to, F& f,
                                                          std::index_sequence<I...>) noexcept {
        const std::array<std::int16_t, 2> v[] = {f(std::integral_constant<std::size_t, First + I>{})...};
        const int16x8_t x{v[I][0]...}, y{v[I][1]...};
        const int16x8_t kept{static_cast<std::int16_t>(First + I < Masked ? 0 : -1)...};
        vst1q_s16(to + First, x);
        vst1q_s16(to + N + First, vandq_s16(y, vorrq_s16(x, kept)));
    }
};

#endif

}  // namespace pith::inline v1::simd
