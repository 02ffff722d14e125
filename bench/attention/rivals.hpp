// Attention over caches of plain floats, halves, and blocks of 32 codes: what packed attention is measured
// against. The same tiles and softmax for all. q8_0 and q4_0 from their description in ggml: blocks of 32
// values with one half scale, integer dot products for keys with a query in q8_0, values turned to floats row
// by row.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include <pith/core/number.hpp>
#include <pith/kv/attention.hpp>
#include <pith/simd/convert.hpp>
#include <pith/simd/intrinsics.hpp>

namespace bench {

inline constexpr std::size_t tile = 128;

#if defined(__AVX2__) && defined(__FMA__) && defined(__F16C__)
#    define PITH_BENCH_ATTENTION_RIVALS

namespace detail {

inline __m256 load_eight(const float* p) { return _mm256_loadu_ps(p); }
inline __m256 load_eight(const std::uint16_t* p) {
    return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
}
inline float sum_of(__m256 v) {
    __m128 s = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    s = _mm_add_ps(s, _mm_movehl_ps(s, s));
    return _mm_cvtss_f32(_mm_add_ss(s, _mm_shuffle_ps(s, s, 1)));
}

/// scores of a tile: two tokens at a time, four running sums.
template <class T>
void plain_scores(const T* keys, const float* q, std::size_t d, float* scores) {
    for (std::size_t t = 0; t < tile; t += 2) {
        const T *a = keys + t * d, *b = a + d;
        __m256 a0 = _mm256_setzero_ps(), a1 = a0, b0 = a0, b1 = a0;
        for (std::size_t i = 0; i < d; i += 16) {
            const __m256 q0 = _mm256_loadu_ps(q + i), q1 = _mm256_loadu_ps(q + i + 8);
            a0 = _mm256_fmadd_ps(load_eight(a + i), q0, a0);
            a1 = _mm256_fmadd_ps(load_eight(a + i + 8), q1, a1);
            b0 = _mm256_fmadd_ps(load_eight(b + i), q0, b0);
            b1 = _mm256_fmadd_ps(load_eight(b + i + 8), q1, b1);
        }
        scores[t] = sum_of(_mm256_add_ps(a0, a1));
        scores[t + 1] = sum_of(_mm256_add_ps(b0, b1));
    }
}
/// out += weights * values, 64 channels in registers over the tile.
template <class T>
void plain_sums(const T* values, const float* weights, std::size_t d, float* out) {
    for (std::size_t i = 0; i < d; i += 64) {
        __m256 s[8];
        for (std::size_t j = 0; j < 8; ++j) s[j] = _mm256_loadu_ps(out + i + 8 * j);
        for (std::size_t t = 0; t < tile; ++t) {
            const __m256 w = _mm256_set1_ps(weights[t]);
            const T* v = values + t * d + i;
#    pragma GCC unroll 8
            for (std::size_t j = 0; j < 8; ++j) s[j] = _mm256_fmadd_ps(w, load_eight(v + 8 * j), s[j]);
        }
        for (std::size_t j = 0; j < 8; ++j) _mm256_storeu_ps(out + i + 8 * j, s[j]);
    }
}

}  // namespace detail

/// Keys and values as numbers of type T; d a multiple of 64.
template <class T>
struct plain_cache {
    std::vector<T> keys, values;

    void scores(std::size_t first, const float* q, std::size_t d, float* out) const {
        detail::plain_scores(keys.data() + first * d, q, d, out);
    }
    void sums(std::size_t first, const float* weights, std::size_t d, float* out) const {
        detail::plain_sums(values.data() + first * d, weights, d, out);
    }
};

/// Blocks of 32: a half scale and Bits-bit codes, symmetric.
template <unsigned Bits>
struct ggml_cache {
    static constexpr std::size_t block = 2 + 4 * Bits;
    std::vector<std::uint8_t> keys, values;

    static void append(std::vector<std::uint8_t>& to, std::span<const float> x) {
        for (std::size_t i = 0; i < x.size(); i += 32) {
            float most = 0;
            for (std::size_t k = 0; k < 32; ++k)
                most = std::fabs(x[i + k]) > std::fabs(most) ? x[i + k] : most;
            const float scale = Bits == 8 ? std::fabs(most) / 127 : most / -8;
            const std::size_t at = to.size();
            to.resize(at + block);
            const std::uint16_t bits = pith::half(scale).bits;
            std::memcpy(to.data() + at, &bits, 2);
            const auto code = [&](std::size_t k) {
                const float v = scale != 0 ? x[i + k] / scale : 0;
                if (Bits == 8) return static_cast<int>(std::lround(v));
                const int c = static_cast<int>(v + 8.5F);
                return c < 15 ? c : 15;
            };
            for (std::size_t k = 0; k < 4 * Bits; ++k)
                to[at + 2 + k] = static_cast<std::uint8_t>(Bits == 8 ? code(k) : code(k) | code(k + 16) << 4);
        }
    }
    static __m256i codes(const std::uint8_t* p) {
        if constexpr (Bits == 8) return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p + 2));
        const __m128i x = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p + 2));
        const __m256i both =
            _mm256_and_si256(_mm256_inserti128_si256(_mm256_castsi128_si256(x), _mm_srli_epi16(x, 4), 1),
                             _mm256_set1_epi8(15));
        return _mm256_sub_epi8(both, _mm256_set1_epi8(8));
    }
    static float scale(const std::uint8_t* p) {
        std::uint16_t bits;
        std::memcpy(&bits, p, 2);
        return _cvtsh_ss(bits);
    }
    /// The query goes to q8_0 once per call, as an engine does once per row of scores.
    void scores(std::size_t first, const float* q, std::size_t d, float* out) const {
        std::vector<std::uint8_t> query;
        ggml_cache<8>::append(query, {q, d});
        for (std::size_t t = 0; t < tile; ++t) {
            const std::uint8_t* k = keys.data() + (first + t) * (d / 32) * block;
            __m256 sum = _mm256_setzero_ps();
            for (std::size_t i = 0; i < d / 32; ++i, k += block) {
                const std::uint8_t* b = query.data() + i * ggml_cache<8>::block;
                const __m256i x = codes(k), y = ggml_cache<8>::codes(b);
                const __m256i pairs = _mm256_maddubs_epi16(_mm256_abs_epi8(x), _mm256_sign_epi8(y, x));
                const __m256i four = _mm256_madd_epi16(pairs, _mm256_set1_epi16(1));
                sum = _mm256_fmadd_ps(_mm256_set1_ps(scale(k) * scale(b)), _mm256_cvtepi32_ps(four), sum);
            }
            out[t] = detail::sum_of(sum);
        }
    }
    void sums(std::size_t first, const float* weights, std::size_t d, float* out) const {
        float row[256];
        for (std::size_t t = 0; t < tile; ++t) {
            const std::uint8_t* v = values.data() + (first + t) * (d / 32) * block;
            for (std::size_t i = 0; i < d; i += 32, v += block) {
                const __m256 s = _mm256_set1_ps(scale(v));
                alignas(32) std::uint8_t bytes[32];
                _mm256_store_si256(reinterpret_cast<__m256i*>(bytes), codes(v));
                for (std::size_t k = 0; k < 32; k += 8) {
                    const __m128i eight = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(bytes + k));
                    _mm256_storeu_ps(row + i + k,
                                     _mm256_mul_ps(s, _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(eight))));
                }
            }
            const __m256 w = _mm256_set1_ps(weights[t]);
            for (std::size_t i = 0; i < d; i += 8)
                _mm256_storeu_ps(out + i,
                                 _mm256_fmadd_ps(w, _mm256_loadu_ps(row + i), _mm256_loadu_ps(out + i)));
        }
    }
};

/// Attention of all queries (rows of d) to all tokens, tile after tile; a multiple of `tile` tokens.
template <class Cache>
void attend_tiles(const Cache& cache, std::size_t tokens, pith::view_2d<const float> queries,
                  pith::view_2d<float> out) {
    const std::size_t d = queries.columns();
    const float factor = 1 / std::sqrt(static_cast<float>(d));
    std::vector<pith::kv::partial_attention> parts(queries.rows(), pith::kv::partial_attention(d));
    float scores[tile];
    for (std::size_t t = 0; t < tokens; t += tile)
        for (std::size_t g = 0; g < queries.rows(); ++g) {
            cache.scores(t, &queries(g, 0), d, scores);
            parts[g].weigh(scores, factor);
            cache.sums(t, scores, d, parts[g].sums().data());
        }
    for (std::size_t g = 0; g < queries.rows(); ++g) parts[g].finish(out.row(g).as_span());
}

#endif

}  // namespace bench
