// Counts byte values that mostly lie close together, such as exponents, and tells the lowest and the highest.
// Own work: where they span few values, each of those is compared with whole vectors, which beats counters in
// memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include <pith/simd/arch.hpp>
#include <pith/simd/intrinsics.hpp>

namespace pith::inline v1::simd {

/// The lowest and the highest value besides 0 that were counted; 0, 0 where there is none.
struct value_range {
    std::uint8_t lowest = 0;
    std::uint8_t highest = 0;
};

namespace twin {

/// In four tables, since equal values in a row would wait for each other.
template <std::size_t Step>
inline value_range narrow_histogram(const std::uint8_t* in, std::size_t n,
                                    std::uint16_t (&counts)[256]) noexcept {
    std::uint16_t more[3][256] = {};
    std::memset(counts, 0, sizeof counts);
    std::size_t i = 0;
    for (; i + 3 * Step < n; i += 4 * Step) {
        ++counts[in[i]];
        ++more[0][in[i + Step]];
        ++more[1][in[i + 2 * Step]];
        ++more[2][in[i + 3 * Step]];
    }
    for (; i < n; i += Step) ++counts[in[i]];
    for (std::size_t v = 0; v < 256; ++v)
        counts[v] = static_cast<std::uint16_t>(counts[v] + more[0][v] + more[1][v] + more[2][v]);
    unsigned low = 1, high = 255;
    while (low < 255 && counts[low] == 0) ++low;
    while (high > 0 && counts[high] == 0) --high;
    return high == 0 ? value_range{}
                     : value_range{static_cast<std::uint8_t>(low), static_cast<std::uint8_t>(high)};
}

}  // namespace twin

#if !defined(PITH_NO_SIMD) && defined(__AVX2__)
namespace detail {

inline constexpr std::size_t narrow_most = 1024;  // values, 32 in each byte of a vector
inline constexpr unsigned narrow_span = 40;       // beyond so many values counters in memory are faster

[[nodiscard, gnu::always_inline]] inline __m128i halves_max(__m256i v) noexcept {
    return _mm_max_epu8(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
}
/// The largest of 16 bytes.
[[nodiscard, gnu::always_inline]] inline std::uint8_t largest_byte(__m128i v) noexcept {
    v = _mm_max_epu8(v, _mm_srli_si128(v, 8));
    v = _mm_max_epu8(v, _mm_srli_si128(v, 4));
    v = _mm_max_epu8(v, _mm_srli_si128(v, 2));
    const auto two = static_cast<unsigned>(_mm_cvtsi128_si32(v)) & 0xFFFF;
    return static_cast<std::uint8_t>((two >> 8) > (two & 0xFF) ? two >> 8 : two & 0xFF);
}
/// Sums of the bytes of four vectors, as words of 16 bits; each at most 2^16 - 1.
[[nodiscard, gnu::always_inline]] inline std::uint64_t sums_of_four(const __m256i (&v)[4]) noexcept {
    const __m256i zero = _mm256_setzero_si256();
    const __m256i a =
        _mm256_or_si256(_mm256_sad_epu8(v[0], zero), _mm256_slli_epi64(_mm256_sad_epu8(v[1], zero), 32));
    const __m256i b =
        _mm256_or_si256(_mm256_sad_epu8(v[2], zero), _mm256_slli_epi64(_mm256_sad_epu8(v[3], zero), 32));
    const __m256i both = _mm256_packus_epi32(a, b);  // sums 0 1 0 1 2 3 2 3 in each half
    __m128i s = _mm_add_epi16(_mm256_castsi256_si128(both), _mm256_extracti128_si256(both, 1));
    s = _mm_add_epi16(s, _mm_srli_epi64(s, 32));
    return static_cast<std::uint64_t>(_mm_cvtsi128_si64(_mm_shuffle_epi32(s, 0b1000)));
}
/// Counts of four values from `first` on among n bytes, n a multiple of 32 up to narrow_most.
[[nodiscard]] inline std::uint64_t count_four(const std::uint8_t* in, std::size_t n,
                                              unsigned first) noexcept {
    const __m256i one = _mm256_set1_epi8(1);
    const __m256i v0 = _mm256_set1_epi8(static_cast<char>(first));
    const __m256i v1 = _mm256_add_epi8(v0, one), v2 = _mm256_add_epi8(v1, one), v3 = _mm256_add_epi8(v2, one);
    __m256i sum[4] = {};
    for (std::size_t i = 0; i < n; i += 32) {
        const __m256i v = _mm256_load_si256(reinterpret_cast<const __m256i*>(in + i));
        sum[0] = _mm256_sub_epi8(sum[0], _mm256_cmpeq_epi8(v, v0));
        sum[1] = _mm256_sub_epi8(sum[1], _mm256_cmpeq_epi8(v, v1));
        sum[2] = _mm256_sub_epi8(sum[2], _mm256_cmpeq_epi8(v, v2));
        sum[3] = _mm256_sub_epi8(sum[3], _mm256_cmpeq_epi8(v, v3));
    }
    return sums_of_four(sum);
}

/// n counted values, a multiple of 32 up to narrow_most.
template <std::size_t Step>
inline value_range narrow_histogram(const std::uint8_t* in, std::size_t n,
                                    std::uint16_t (&counts)[256]) noexcept {
    alignas(32) std::uint8_t values[narrow_most];
    const __m256i zero = _mm256_setzero_si256();
    __m256i high = zero, zeros = zero, low = zero;  // low: the largest of -v
    for (std::size_t i = 0; i < n; i += 32) {
        __m256i v = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(in + Step * i));
        if constexpr (Step == 2) {
            const __m256i even = _mm256_set1_epi16(0xFF);
            const __m256i w = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(in + Step * i + 32));
            v = _mm256_packus_epi16(_mm256_and_si256(v, even), _mm256_and_si256(w, even));
        }
        _mm256_store_si256(reinterpret_cast<__m256i*>(values + i), v);
        high = _mm256_max_epu8(high, v);
        low = _mm256_max_epu8(low, _mm256_sub_epi8(zero, v));
        zeros = _mm256_sub_epi8(zeros, _mm256_cmpeq_epi8(v, zero));
    }
    const value_range range{static_cast<std::uint8_t>(0U - largest_byte(halves_max(low))),
                            largest_byte(halves_max(high))};
    if (unsigned{range.highest} - range.lowest >= narrow_span)
        return twin::narrow_histogram<1>(values, n, counts);
    std::memset(counts, 0, sizeof counts);
    if (range.highest != 0)
        for (unsigned v = range.lowest; v <= range.highest; v += 4) {
            const unsigned first = v < 252 ? v : 252;  // what is counted again is stored again
            const std::uint64_t four = count_four(values, n, first);
            std::memcpy(counts + first, &four, sizeof four);
        }
    const __m256i once[4] = {zeros, zero, zero, zero};
    counts[0] = static_cast<std::uint16_t>(sums_of_four(once));
    return range;
}

}  // namespace detail
#endif

/// Counts in[0], in[Step], … below n < 2^16 into `counts`, which need not be clear. Exact.
template <std::size_t Step, instruction_set Arch = native>
requires(Step == 1 || Step == 2) inline value_range
    narrow_histogram(const std::uint8_t* in, std::size_t n, std::uint16_t (&counts)[256]) noexcept {
#if !defined(PITH_NO_SIMD) && defined(__AVX2__)
    if constexpr (covers<Arch, avx2>)
        if (n != 0 && n % (32 * Step) == 0 && n / Step <= detail::narrow_most)
            return detail::narrow_histogram<Step>(in, n / Step, counts);
#endif
    return twin::narrow_histogram<Step>(in, n, counts);
}

}  // namespace pith::inline v1::simd
