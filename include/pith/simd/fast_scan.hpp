// Sums of byte-table look-ups over 32 vectors of four-bit codes at a time, compared with a limit.
// André, Kermarrec, Le Scouarnec (2015); the layout of Guo et al. (2020) and faiss. Tables here have six bits,
// so that four look-ups are summed in bytes before they are widened; callers treat the sums as lower bounds.
#pragma once

#include <array>
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
    return (block[16 * part + vector % 16] >> (vector < 16 ? 0 : 4)) & 15U;
}

namespace twin {

/// As simd::fast_scan.
template <std::size_t Queries, instruction_set Arch = native>
[[nodiscard]] inline std::array<std::uint32_t, Queries> fast_scan(
    const std::uint8_t* block, std::size_t pairs, const std::array<const std::uint8_t*, Queries>& tables,
    const std::array<std::uint16_t, Queries>& limits) noexcept {
    std::array<std::uint32_t, Queries> out{};
    for (std::size_t q = 0; q < Queries; ++q)
        for (std::size_t v = 0; v < scan_block; ++v) {
            unsigned sum = 0;
            for (std::size_t p = 0; p < 2 * pairs; ++p) sum += tables[q][16 * p + scan_code(block, p, v)];
            if (sum <= limits[q]) out[q] |= std::uint32_t{1} << v;
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

template <std::size_t Queries>
struct scan_state {
    const std::uint8_t* block;
    std::array<const std::uint8_t*, Queries> tables;
    scan_sums low[Queries], high[Queries];

    // The look-ups of `Count` pairs from pair i on, summed in bytes: Count * scan_table_limit < 256.
    template <std::size_t Count>
    [[gnu::always_inline]] void step(std::size_t i) noexcept {
        const __m256i mask = _mm256_set1_epi8(15);
        __m256i l[Queries], h[Queries];
#    if defined(__GNUC__) && !defined(__clang__)
#        pragma GCC unroll 4
#    endif
        for (std::size_t c = 0; c < Count; ++c) {
            const __m256i codes =
                _mm256_loadu_si256(reinterpret_cast<const __m256i*>(block + 32 * (i + c)));
            const __m256i first = _mm256_and_si256(codes, mask);
            const __m256i second = _mm256_and_si256(_mm256_srli_epi16(codes, 4), mask);
            for (std::size_t q = 0; q < Queries; ++q) {
                const __m256i table =
                    _mm256_loadu_si256(reinterpret_cast<const __m256i*>(tables[q] + 32 * (i + c)));
                const __m256i a = _mm256_shuffle_epi8(table, first), b = _mm256_shuffle_epi8(table, second);
                l[q] = c == 0 ? a : _mm256_add_epi8(l[q], a);
                h[q] = c == 0 ? b : _mm256_add_epi8(h[q], b);
            }
        }
        for (std::size_t q = 0; q < Queries; ++q) {
            low[q].add(l[q]);
            high[q].add(h[q]);
        }
    }
};

template <std::size_t Queries>
[[nodiscard]] inline std::array<std::uint32_t, Queries> fast_scan_vectors(
    const std::uint8_t* block, std::size_t pairs, const std::array<const std::uint8_t*, Queries>& tables,
    const std::array<std::uint16_t, Queries>& limits) noexcept {
    scan_state<Queries> state{block, tables, {}, {}};
    std::size_t i = 0;
    for (; i + 4 <= pairs; i += 4) state.template step<4>(i);
    for (; i < pairs; ++i) state.template step<1>(i);
    std::array<std::uint32_t, Queries> out;
    for (std::size_t q = 0; q < Queries; ++q)
        out[q] = state.low[q].within(limits[q]) | state.high[q].within(limits[q]) << 16;
    return out;
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

template <std::size_t Queries>
[[nodiscard]] inline std::array<std::uint32_t, Queries> fast_scan_vectors(
    const std::uint8_t* block, std::size_t pairs, const std::array<const std::uint8_t*, Queries>& tables,
    const std::array<std::uint16_t, Queries>& limits) noexcept {
    uint16x8_t sums[Queries][4] = {};
    for (std::size_t p = 0; p < 2 * pairs; ++p) {
        const uint8x16_t codes = vld1q_u8(block + 16 * p);
        const uint8x16_t first = vandq_u8(codes, vdupq_n_u8(15)), second = vshrq_n_u8(codes, 4);
        for (std::size_t q = 0; q < Queries; ++q) {
            const uint8x16_t table = vld1q_u8(tables[q] + 16 * p);
            const uint8x16_t a = vqtbl1q_u8(table, first), b = vqtbl1q_u8(table, second);
            sums[q][0] = vaddw_u8(sums[q][0], vget_low_u8(a));
            sums[q][1] = vaddw_high_u8(sums[q][1], a);
            sums[q][2] = vaddw_u8(sums[q][2], vget_low_u8(b));
            sums[q][3] = vaddw_high_u8(sums[q][3], b);
        }
    }
    std::array<std::uint32_t, Queries> out;
    for (std::size_t q = 0; q < Queries; ++q)
        out[q] = scan_within(sums[q][0], sums[q][1], limits[q]) |
                 scan_within(sums[q][2], sums[q][3], limits[q]) << 16;
    return out;
}

#endif

}  // namespace detail

/// For each query a bit per vector of the block, set where the sum over the 2 * pairs parts of
/// tables[q][16 * part + code] is at most limits[q]. Precondition: no entry above scan_table_limit, sums below
/// 2^16; a block has 32 * pairs bytes, a table too. Exact.
template <std::size_t Queries, instruction_set Arch = native>
[[nodiscard]] inline std::array<std::uint32_t, Queries> fast_scan(
    const std::uint8_t* block, std::size_t pairs, const std::array<const std::uint8_t*, Queries>& tables,
    const std::array<std::uint16_t, Queries>& limits) noexcept {
#ifndef PITH_NO_SIMD
#    if defined(__x86_64__) && defined(__AVX2__)
    if constexpr (covers<Arch, avx2>) return detail::fast_scan_vectors<Queries>(block, pairs, tables, limits);
#    elif defined(__aarch64__)
    if constexpr (covers<Arch, neon>) return detail::fast_scan_vectors<Queries>(block, pairs, tables, limits);
#    endif
#endif
    return twin::fast_scan<Queries, Arch>(block, pairs, tables, limits);
}

}  // namespace pith::inline v1::simd
