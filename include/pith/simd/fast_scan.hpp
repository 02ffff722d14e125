// Sums of byte-table look-ups over 32 vectors of four-bit codes at a time, compared with a limit.
// André, Kermarrec, Le Scouarnec (2015); the layout of Guo et al. (2020) and faiss. Tables here have six
// bits, so that four look-ups are summed in bytes before they are widened; callers treat the sums as lower
// bounds.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include <pith/core/assert.hpp>
#include <pith/simd/arch.hpp>
#include <pith/simd/intrinsics.hpp>

namespace pith::inline v1::simd {

/// Vectors in a block. A block has 32 bytes for each pair of parts: byte l of the first 16 holds the codes of
/// the pair's first part, of vector l in the lower and of vector 16 + l in the upper four bits; the other 16
/// bytes are the second part's.
inline constexpr std::size_t scan_block = 32;
/// The largest entry of a table; the sum of all parts' entries must stay below 2^16 as well.
inline constexpr unsigned scan_table_limit = 63;

/// Writes the code of a part of one vector of a block. Precondition: the bits there are zero.
inline void set_scan_code(std::uint8_t* block, std::size_t part, std::size_t vector, unsigned code) noexcept {
    std::uint8_t& byte = block[16 * part + vector % 16];
    byte = static_cast<std::uint8_t>(byte | code << (vector < 16 ? 0 : 4));
}
[[nodiscard]] inline unsigned scan_code(const std::uint8_t* block, std::size_t part,
                                        std::size_t vector) noexcept {
    return (unsigned{block[16 * part + vector % 16]} >> (vector < 16 ? 0 : 4)) & 15U;
}

namespace twin {

/// As simd::fast_scan.
template <instruction_set Arch = native>
[[nodiscard]] inline std::uint32_t fast_scan(const std::uint8_t* block, std::size_t pairs,
                                             const std::uint8_t* table, std::uint16_t limit) noexcept {
    std::uint32_t out = 0;
    for (std::size_t v = 0; v < scan_block; ++v) {
        unsigned sum = 0;
        for (std::size_t p = 0; p < 2 * pairs; ++p) sum += table[16 * p + scan_code(block, p, v)];
        if (sum <= limit) out |= std::uint32_t{1} << v;
    }
    return out;
}

}  // namespace twin

namespace detail {

#if !defined(PITH_NO_SIMD) && defined(__x86_64__) && defined(__AVX2__)

// Sums of 16-bit pairs of bytes: `whole` holds even + 256 * odd bytes modulo 2^16, `odd` the odd ones.
struct scan_sums {
    __m256i whole, odd;

    [[gnu::always_inline]] void add(__m256i bytes) noexcept {
        whole = _mm256_add_epi16(whole, bytes);
        odd = _mm256_add_epi16(odd, _mm256_srli_epi16(bytes, 8));
    }
    // Bit l is set where the sum of vector l, over both halves of the register, is at most the limit.
    [[nodiscard, gnu::always_inline]] std::uint32_t within(std::uint16_t limit) const noexcept {
        const __m256i even = _mm256_sub_epi16(whole, _mm256_slli_epi16(odd, 8));
        const auto halves = [](__m256i v) {
            return _mm_add_epi16(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
        };
        const __m128i e = halves(even), o = halves(odd), most = _mm_set1_epi16(static_cast<short>(limit));
        const __m128i low = _mm_unpacklo_epi16(e, o), high = _mm_unpackhi_epi16(e, o);
        const auto small = [most](__m128i v) { return _mm_cmpeq_epi16(_mm_min_epu16(v, most), v); };
        return static_cast<std::uint32_t>(_mm_movemask_epi8(_mm_packs_epi16(small(low), small(high))));
    }
};

// The look-ups of `Count` pairs, summed in bytes: Count * scan_table_limit < 256.
template <std::size_t Count>
[[gnu::always_inline]] inline void scan_pairs(const std::uint8_t* codes, const std::uint8_t* table,
                                              scan_sums& low, scan_sums& high) noexcept {
    const __m256i mask = _mm256_set1_epi8(15);
    __m256i l = _mm256_setzero_si256(), h = l;
#    pragma GCC unroll 4
    for (std::size_t c = 0; c < Count; ++c) {
        const __m256i both = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(codes + 32 * c));
        const __m256i t = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(table + 32 * c));
        const __m256i second = _mm256_and_si256(_mm256_srli_epi16(both, 4), mask);
        l = _mm256_add_epi8(l, _mm256_shuffle_epi8(t, _mm256_and_si256(both, mask)));
        h = _mm256_add_epi8(h, _mm256_shuffle_epi8(t, second));
    }
    low.add(l);
    high.add(h);
}

[[nodiscard, gnu::always_inline]] inline std::uint32_t fast_scan_vectors(const std::uint8_t* block,
                                                                         std::size_t pairs,
                                                                         const std::uint8_t* table,
                                                                         std::uint16_t limit) noexcept {
    scan_sums low{_mm256_setzero_si256(), _mm256_setzero_si256()}, high = low;
    for (std::size_t fours = pairs / 4; fours > 0; --fours, block += 128, table += 128)
        scan_pairs<4>(block, table, low, high);
    for (std::size_t ones = pairs % 4; ones > 0; --ones, block += 32, table += 32)
        scan_pairs<1>(block, table, low, high);
    return low.within(limit) | high.within(limit) << 16;
}

#elif !defined(PITH_NO_SIMD) && defined(__aarch64__)

[[nodiscard, gnu::always_inline]] inline std::uint32_t scan_within(uint16x8_t a, uint16x8_t b,
                                                                   std::uint16_t limit) noexcept {
    const uint16x8_t most = vdupq_n_u16(limit);
    const uint8x16_t small = vcombine_u8(vmovn_u16(vcleq_u16(a, most)), vmovn_u16(vcleq_u16(b, most)));
    constexpr std::uint8_t powers[16] = {1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128};
    const uint8x16_t bits = vandq_u8(small, vld1q_u8(powers));
    return std::uint32_t{vaddv_u8(vget_low_u8(bits))} | std::uint32_t{vaddv_u8(vget_high_u8(bits))} << 8;
}

[[nodiscard, gnu::always_inline]] inline std::uint32_t fast_scan_vectors(const std::uint8_t* block,
                                                                         std::size_t pairs,
                                                                         const std::uint8_t* table,
                                                                         std::uint16_t limit) noexcept {
    uint16x8_t sum0 = vdupq_n_u16(0), sum1 = sum0, sum2 = sum0, sum3 = sum0;
    for (std::size_t p = 0; p < 2 * pairs; ++p) {
        const uint8x16_t codes = vld1q_u8(block + 16 * p), t = vld1q_u8(table + 16 * p);
        const uint8x16_t a = vqtbl1q_u8(t, vandq_u8(codes, vdupq_n_u8(15)));
        const uint8x16_t b = vqtbl1q_u8(t, vshrq_n_u8(codes, 4));
        sum0 = vaddw_u8(sum0, vget_low_u8(a));
        sum1 = vaddw_high_u8(sum1, a);
        sum2 = vaddw_u8(sum2, vget_low_u8(b));
        sum3 = vaddw_high_u8(sum3, b);
    }
    return scan_within(sum0, sum1, limit) | scan_within(sum2, sum3, limit) << 16;
}

#endif

}  // namespace detail

/// A bit per vector of the block, set where the sum over the 2 * pairs parts of table[16 * part + code] is at
/// most the limit. Precondition: no entry above scan_table_limit, sums below 2^16; block and table have
/// 32 * pairs bytes each. Exact.
template <instruction_set Arch = native>
[[nodiscard]] inline std::uint32_t fast_scan(const std::uint8_t* block, std::size_t pairs,
                                             const std::uint8_t* table, std::uint16_t limit) noexcept {
#ifndef PITH_NO_SIMD
#    if defined(__x86_64__) && defined(__AVX2__)
    if constexpr (covers<Arch, avx2>) return detail::fast_scan_vectors(block, pairs, table, limit);
#    elif defined(__aarch64__)
    if constexpr (covers<Arch, neon>) return detail::fast_scan_vectors(block, pairs, table, limit);
#    endif
#endif
    return twin::fast_scan<Arch>(block, pairs, table, limit);
}

}  // namespace pith::inline v1::simd
