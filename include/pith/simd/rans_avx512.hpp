// AVX-512 rounds of interleaved rANS, sixteen lanes a vector. See simd/rans.hpp.
// Gathers of all vectors are issued before any arithmetic: their latency is what there is to hide.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include <pith/simd/intrinsics.hpp>
#include <pith/simd/rans.hpp>
#include <pith/simd/rans_loops.hpp>

#if !defined(PITH_NO_SIMD) && defined(__x86_64__)

namespace pith::inline v1::simd {

namespace detail {

template <class Arch>
struct rans_avx512 {
    using vector = __m512i;
    static constexpr unsigned width = 16;

    /// The new states of sixteen lanes with slot words e; takes the words that they need.
    template <unsigned Precision>
    static __m512i advance(__m512i x, __m512i e, const std::uint8_t*& in) noexcept {
        const __m512i frequency = _mm512_srli_epi32(e, 20);
        const __m512i offset = _mm512_and_si512(_mm512_srli_epi32(e, 8), _mm512_set1_epi32(0xFFF));
        return renormalize(
            _mm512_add_epi32(_mm512_mullo_epi32(_mm512_srli_epi32(x, Precision), frequency), offset), in);
    }
    /// Gives the lanes that fell below 2^15 their words.
    static __m512i renormalize(__m512i x, const std::uint8_t*& in) noexcept {
        const __mmask16 low = _mm512_cmplt_epu32_mask(x, _mm512_set1_epi32(1 << 15));
        const __m512i words = _mm512_cvtepu16_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(in)));
        const __m512i spread = _mm512_maskz_expand_epi32(low, words);
        in += 2 * static_cast<unsigned>(std::popcount(static_cast<unsigned>(low)));
        return _mm512_mask_or_epi32(x, low, _mm512_slli_epi32(x, 16), spread);
    }

    /// One round: a symbol for each lane to `out`.
    template <unsigned Lanes, unsigned Precision>
    static void round(vector* x, const std::uint32_t* slots, const std::uint8_t*& at,
                      std::uint8_t* out) noexcept {
        constexpr unsigned vectors = Lanes / 16;
        const __m512i slot_mask = _mm512_set1_epi32((1 << Precision) - 1);
        __m512i e[vectors];
#    pragma GCC unroll 8
        for (unsigned v = 0; v < vectors; ++v) {
            e[v] = _mm512_i32gather_epi32(_mm512_and_si512(x[v], slot_mask), slots, 4);
        }
#    pragma GCC unroll 8
        for (unsigned v = 0; v < vectors; ++v) {
            _mm_storeu_si128(reinterpret_cast<__m128i*>(out + std::size_t{16} * v),
                             _mm512_cvtepi32_epi8(e[v]));
            x[v] = advance<Precision>(x[v], e[v], at);
        }
    }

    /// Records of lanes i, i + 4, i + 8, i + 12, one in each quarter; at(lane) gives a lane's record.
    template <class At>
    static __m512i load_quarters(const At& at, unsigned i) noexcept {
        const auto record = [&at](unsigned lane) {
            return _mm_load_si128(reinterpret_cast<const __m128i*>(at(lane)));
        };
        __m512i v = _mm512_castsi128_si512(record(i));
        v = _mm512_inserti32x4(v, record(i + 4), 1);
        v = _mm512_inserti32x4(v, record(i + 8), 2);
        return _mm512_inserti32x4(v, record(i + 12), 3);
    }
    /// The four words of sixteen lanes' records, transposed: word[w] holds word w of lanes 0..15.
    template <class At>
    static void load_records(const At& at, __m512i (&word)[4]) noexcept {
        const __m512i q0 = load_quarters(at, 0);
        const __m512i q1 = load_quarters(at, 1);
        const __m512i q2 = load_quarters(at, 2);
        const __m512i q3 = load_quarters(at, 3);
        const __m512i a = _mm512_unpacklo_epi32(q0, q1);
        const __m512i b = _mm512_unpacklo_epi32(q2, q3);
        const __m512i c = _mm512_unpackhi_epi32(q0, q1);
        const __m512i d = _mm512_unpackhi_epi32(q2, q3);
        word[0] = _mm512_unpacklo_epi64(a, b);
        word[1] = _mm512_unpackhi_epi64(a, b);
        word[2] = _mm512_unpacklo_epi64(c, d);
        word[3] = _mm512_unpackhi_epi64(c, d);
    }

    /// Puts the low halves of the marked lanes below `at`, lane 0 lowest.
    static void put_words(__m512i x, __mmask16 marked, std::uint8_t*& at) noexcept {
        const int count = std::popcount(static_cast<unsigned>(marked));
        // Compressed words stand first; turned by `count` they stand last, and a store of 32 bytes ends at
        // `at`.
        const __m512i lanes = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
        const __m512i turned = _mm512_permutexvar_epi32(_mm512_add_epi32(lanes, _mm512_set1_epi32(count)),
                                                        _mm512_maskz_compress_epi32(marked, x));
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(at - 32), _mm512_cvtepi32_epi16(turned));
        at -= 2 * count;
    }

    /// Pushes the symbols with records record(0..15) onto sixteen states.
    template <class Record>
    static __m512i push(__m512i x, const Record& record, std::uint8_t*& at) noexcept {
        __m512i word[4];
        load_records(record, word);
        const __mmask16 full = _mm512_cmpgt_epu32_mask(x, word[1]);
        put_words(x, full, at);
        x = _mm512_mask_srli_epi32(x, full, x, 16);
        const __m512i even = _mm512_srli_epi64(_mm512_mul_epu32(x, word[0]), 32);
        const __m512i odd = _mm512_mul_epu32(_mm512_srli_epi64(x, 32), _mm512_srli_epi64(word[0], 32));
        const __m512i high = _mm512_mask_blend_epi32(0xAAAA, even, odd);
        const __m512i quotient = _mm512_srlv_epi32(high, _mm512_srli_epi32(word[2], 16));
        const __m512i bias = _mm512_and_si512(word[2], _mm512_set1_epi32(0xFFFF));
        return _mm512_add_epi32(_mm512_add_epi32(x, bias), _mm512_mullo_epi32(quotient, word[3]));
    }
};

}  // namespace detail

template <instruction_set Arch>
requires(Arch::bytes == 64) struct rans_rounds<Arch> : detail::rans_loops<detail::rans_avx512<Arch>> {
};

}  // namespace pith::inline v1::simd

#endif
