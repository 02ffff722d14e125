// AVX2 rounds of interleaved rANS, eight lanes a vector. See simd/rans.hpp.
// Slots are looked up by scalar loads and inserts, every other vector by a gather: gathers alone are slow on
// AMD and on Intel with the mitigation of 2023, inserts alone on other Intel; half of each is near the best
// on all.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include <pith/simd/intrinsics.hpp>
#include <pith/simd/rans.hpp>
#include <pith/simd/rans_loops.hpp>

#if !defined(PITH_NO_SIMD) && defined(__x86_64__)

namespace pith::inline v1::simd {

namespace detail {

/// For each mask of eight lanes the byte shuffle that spreads the first words over the marked lanes (0x80:
/// zero), and the one that moves the marked lanes' words to the end.
struct rans_shuffles {
    std::uint8_t spread[256][16];
    std::uint8_t pack[256][16];
};
[[nodiscard]] constexpr rans_shuffles make_rans_shuffles() noexcept {
    rans_shuffles t{};
    for (unsigned mask = 0; mask < 256; ++mask) {
        unsigned from = 0;
        for (unsigned lane = 0; lane < 8; ++lane) {
            const bool marked = (mask >> lane & 1) != 0;
            t.spread[mask][2 * lane] = static_cast<std::uint8_t>(marked ? 2 * from : 0x80);
            t.spread[mask][2 * lane + 1] = static_cast<std::uint8_t>(marked ? 2 * from + 1 : 0x80);
            from += marked ? 1 : 0;
        }
        unsigned to = 16;
        for (unsigned lane = 8; lane-- > 0;) {
            if ((mask >> lane & 1) == 0) continue;
            t.pack[mask][--to] = static_cast<std::uint8_t>(2 * lane + 1);
            t.pack[mask][--to] = static_cast<std::uint8_t>(2 * lane);
        }
    }
    return t;
}
inline constexpr rans_shuffles rans_shuffle_table = make_rans_shuffles();

[[nodiscard]] inline __m128i rans_shuffle(const std::uint8_t* row) noexcept {
    return _mm_loadu_si128(reinterpret_cast<const __m128i*>(row));
}

#    if defined(__znver1__) || defined(__znver2__) || defined(__znver3__) || defined(__znver4__) || \
        defined(__znver5__)
inline constexpr unsigned rans_gather_every = 0;  // 5 % faster there than every second
#    else
inline constexpr unsigned rans_gather_every = 2;
#    endif

template <class Arch>
struct rans_avx2 {
    using vector = __m256i;
    static constexpr unsigned width = 8;

    /// table[i] for the eight lanes i of `index`.
    static __m256i insert_lookup(const std::uint32_t* table, __m256i index) noexcept {
        const __m128i low = _mm256_castsi256_si128(index);
        const __m128i high = _mm256_extracti128_si256(index, 1);
        return _mm256_inserti128_si256(_mm256_castsi128_si256(insert_four(table, low)),
                                       insert_four(table, high), 1);
    }
    static __m128i insert_four(const std::uint32_t* table, __m128i index) noexcept {
        const std::uint64_t a = static_cast<std::uint64_t>(_mm_cvtsi128_si64(index));
        const std::uint64_t b = static_cast<std::uint64_t>(_mm_extract_epi64(index, 1));
        __m128i v = _mm_cvtsi32_si128(static_cast<int>(table[a & 0xFFFF'FFFF]));
        v = _mm_insert_epi32(v, static_cast<int>(table[a >> 32]), 1);
        v = _mm_insert_epi32(v, static_cast<int>(table[b & 0xFFFF'FFFF]), 2);
        return _mm_insert_epi32(v, static_cast<int>(table[b >> 32]), 3);
    }
    static __m256i lookup(const std::uint32_t* table, __m256i index, unsigned vector) noexcept {
        if (rans_gather_every != 0 && vector % 2 == 1) {
            return _mm256_i32gather_epi32(reinterpret_cast<const int*>(table), index, 4);
        }
        return insert_lookup(table, index);
    }

    /// The low bytes of four vectors of words, in order.
    static void store_symbols(std::uint8_t* out, const __m256i* e) noexcept {
        const __m256i byte = _mm256_set1_epi32(0xFF);
        const __m256i a = _mm256_packus_epi32(_mm256_and_si256(e[0], byte), _mm256_and_si256(e[1], byte));
        const __m256i b = _mm256_packus_epi32(_mm256_and_si256(e[2], byte), _mm256_and_si256(e[3], byte));
        const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(out),
                            _mm256_permutevar8x32_epi32(_mm256_packus_epi16(a, b), order));
    }

    /// The new states of eight lanes with slot words e; takes the words that they need.
    template <unsigned Precision>
    static __m256i advance(__m256i x, __m256i e, const std::uint8_t*& in) noexcept {
        const __m256i frequency = _mm256_srli_epi32(e, 20);
        const __m256i offset = _mm256_and_si256(_mm256_srli_epi32(e, 8), _mm256_set1_epi32(0xFFF));
        return renormalize(
            _mm256_add_epi32(_mm256_mullo_epi32(_mm256_srli_epi32(x, Precision), frequency), offset), in);
    }
    /// Gives the lanes that fell below 2^15 their words.
    static __m256i renormalize(__m256i x, const std::uint8_t*& in) noexcept {
        const __m256i low = _mm256_cmpgt_epi32(_mm256_set1_epi32(1 << 15), x);
        const unsigned mask = static_cast<unsigned>(_mm256_movemask_ps(_mm256_castsi256_ps(low)));
        const __m128i words = _mm_loadu_si128(reinterpret_cast<const __m128i*>(in));
        const __m128i spread = _mm_shuffle_epi8(words, rans_shuffle(rans_shuffle_table.spread[mask]));
        const __m256i shift = _mm256_and_si256(low, _mm256_set1_epi32(16));
        in += 2 * static_cast<unsigned>(_mm_popcnt_u32(mask));
        return _mm256_or_si256(_mm256_sllv_epi32(x, shift), _mm256_cvtepu16_epi32(spread));
    }

    /// One round: a symbol for each lane to `out`.
    template <unsigned Lanes, unsigned Precision>
    static void round(vector* x, const std::uint32_t* slots, const std::uint8_t*& at,
                      std::uint8_t* out) noexcept {
        constexpr unsigned vectors = Lanes / 8;
        const __m256i slot_mask = _mm256_set1_epi32((1 << Precision) - 1);
#    pragma GCC unroll 4
        for (unsigned group = 0; group < vectors; group += 4) {
            __m256i e[4];
#    pragma GCC unroll 4
            for (unsigned k = 0; k < 4; ++k)
                e[k] = lookup(slots, _mm256_and_si256(x[group + k], slot_mask), k);
            store_symbols(out + std::size_t{8} * group, e);
#    pragma GCC unroll 4
            for (unsigned k = 0; k < 4; ++k) x[group + k] = advance<Precision>(x[group + k], e[k], at);
        }
    }

    /// The four words of eight lanes' records, transposed: word[w] holds word w of lanes 0..7; at(lane) gives
    /// a lane's record.
    template <class At>
    static void load_records(const At& at, __m256i (&word)[4]) noexcept {
        const auto record = [&at](unsigned lane) {
            return _mm_load_si128(reinterpret_cast<const __m128i*>(at(lane)));
        };
        __m256i pair[4];  // records of lanes k and k + 4
#    pragma GCC unroll 4
        for (unsigned k = 0; k < 4; ++k)
            pair[k] = _mm256_inserti128_si256(_mm256_castsi128_si256(record(k)), record(k + 4), 1);
        const __m256i a = _mm256_unpacklo_epi32(pair[0], pair[1]);
        const __m256i b = _mm256_unpacklo_epi32(pair[2], pair[3]);
        const __m256i c = _mm256_unpackhi_epi32(pair[0], pair[1]);
        const __m256i d = _mm256_unpackhi_epi32(pair[2], pair[3]);
        word[0] = _mm256_unpacklo_epi64(a, b);
        word[1] = _mm256_unpackhi_epi64(a, b);
        word[2] = _mm256_unpacklo_epi64(c, d);
        word[3] = _mm256_unpackhi_epi64(c, d);
    }

    /// Pushes the symbols with records record(0..7) onto eight states; the words that leave go below `at`,
    /// lane 0 lowest.
    template <class Record>
    static __m256i push(__m256i x, const Record& record, std::uint8_t*& at) noexcept {
        __m256i word[4];
        load_records(record, word);
        const __m256i full = _mm256_cmpgt_epi32(x, word[1]);
        const unsigned mask = static_cast<unsigned>(_mm256_movemask_ps(_mm256_castsi256_ps(full)));
        const __m256i low_words =
            _mm256_setr_epi8(0, 1, 4, 5, 8, 9, 12, 13, -1, -1, -1, -1, -1, -1, -1, -1,  //
                             0, 1, 4, 5, 8, 9, 12, 13, -1, -1, -1, -1, -1, -1, -1, -1);
        const __m256i halves = _mm256_permute4x64_epi64(_mm256_shuffle_epi8(x, low_words), 0b1000);
        const __m128i packed =
            _mm_shuffle_epi8(_mm256_castsi256_si128(halves), rans_shuffle(rans_shuffle_table.pack[mask]));
        _mm_storeu_si128(reinterpret_cast<__m128i*>(at - 16), packed);
        at -= 2 * static_cast<unsigned>(_mm_popcnt_u32(mask));
        x = _mm256_srlv_epi32(x, _mm256_and_si256(full, _mm256_set1_epi32(16)));
        const __m256i even = _mm256_srli_epi64(_mm256_mul_epu32(x, word[0]), 32);
        const __m256i odd = _mm256_mul_epu32(_mm256_srli_epi64(x, 32), _mm256_srli_epi64(word[0], 32));
        const __m256i quotient =
            _mm256_srlv_epi32(_mm256_blend_epi32(even, odd, 0xAA), _mm256_srli_epi32(word[2], 16));
        const __m256i bias = _mm256_and_si256(word[2], _mm256_set1_epi32(0xFFFF));
        return _mm256_add_epi32(_mm256_add_epi32(x, bias), _mm256_mullo_epi32(quotient, word[3]));
    }
};

}  // namespace detail

template <>
struct rans_rounds<avx2> : detail::rans_loops<detail::rans_avx2<avx2>> {};

}  // namespace pith::inline v1::simd

#endif
