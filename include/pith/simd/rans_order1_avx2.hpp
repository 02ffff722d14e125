// AVX2 rounds of interleaved order-1 rANS, eight lanes a vector. See simd/rans_order1.hpp.
// Symbols come out lane by lane in rounds; tiles of 64 rounds are transposed, so that each lane's bytes leave
// in whole cache lines.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include <pith/simd/intrinsics.hpp>
#include <pith/simd/rans_avx2.hpp>
#include <pith/simd/rans_loops.hpp>
#include <pith/simd/rans_order1.hpp>

#if !defined(PITH_NO_SIMD) && defined(__AVX2__)

namespace pith::inline v1::simd {

namespace detail {

template <class Arch>
struct order1_avx2 {
    using order0 = rans_avx2<Arch>;
    using vector = typename order0::vector;
    static constexpr unsigned width = order0::width;

    /// Transposes 32 rows of 16 bytes, `row` bytes apart, to 16 rows of 32 bytes of a tile. Four rounds of
    /// interleaving row i with row i + 8 are a transposition of 16 rows.
    static void transpose(const std::uint8_t* in, std::size_t row, std::uint8_t* tile) noexcept {
        __m256i a[16], b[16];
#    pragma GCC unroll 16
        for (unsigned i = 0; i < 16; ++i) {
            const auto* low = reinterpret_cast<const __m128i*>(in + i * row);
            const auto* high = reinterpret_cast<const __m128i*>(in + (i + 16) * row);
            a[i] = _mm256_inserti128_si256(_mm256_castsi128_si256(_mm_loadu_si128(low)),
                                           _mm_loadu_si128(high), 1);
        }
        interleave(a, b);
        interleave(b, a);
        interleave(a, b);
        interleave(b, a);
#    pragma GCC unroll 16
        for (unsigned i = 0; i < 16; ++i)
            _mm256_storeu_si256(reinterpret_cast<__m256i*>(tile + i * order1_pitch), a[i]);
    }
    static void interleave(const __m256i (&a)[16], __m256i (&b)[16]) noexcept {
#    pragma GCC unroll 8
        for (unsigned i = 0; i < 8; ++i) {
            b[2 * i] = _mm256_unpacklo_epi8(a[i], a[i + 8]);
            b[2 * i + 1] = _mm256_unpackhi_epi8(a[i], a[i + 8]);
        }
    }
    /// Moves rounds, a row each, to the rows of lanes.
    template <unsigned Lanes>
    static void turn(const std::uint8_t* turned, std::uint8_t* tile) noexcept {
        for (unsigned lane = 0; lane < Lanes; lane += 16) {
            for (unsigned round = 0; round < order1_tile_rounds; round += 32)
                transpose(turned + round * Lanes + lane, Lanes, tile + lane * order1_pitch + round);
        }
    }

    template <unsigned Precision>
    static __m256i advance(__m256i x, __m256i e, const std::uint8_t*& in) noexcept {
        const __m256i frequency = _mm256_srli_epi32(e, 20);
        const __m256i offset = _mm256_and_si256(e, _mm256_set1_epi32((1 << Precision) - 1));
        x = _mm256_mullo_epi32(_mm256_srli_epi32(x, Precision), frequency);
        return order0::renormalize(_mm256_add_epi32(x, offset), in);
    }
    /// The bytes of four vectors of 32-bit words below 256, in order.
    static void store_symbols(std::uint8_t* out, const __m256i* symbol) noexcept {
        const __m256i a = _mm256_packus_epi32(symbol[0], symbol[1]);
        const __m256i b = _mm256_packus_epi32(symbol[2], symbol[3]);
        const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(out),
                            _mm256_permutevar8x32_epi32(_mm256_packus_epi16(a, b), order));
    }

    template <class Record>
    static vector push(vector x, const Record& record, std::uint8_t*& at) noexcept {
        return order0::push(x, record, at);
    }

    template <unsigned Lanes, unsigned Precision>
    static void load_contexts(const std::uint8_t* contexts, __m256i* e) noexcept {
        for (unsigned v = 0; v < Lanes / width; ++v) {
            std::uint64_t raw;
            std::memcpy(&raw, contexts + std::size_t{8} * v, 8);
            e[v] = _mm256_slli_epi32(_mm256_cvtepu8_epi32(_mm_cvtsi64_si128(static_cast<long long>(raw))),
                                     Precision);
        }
    }
    /// One round: a byte for each lane to `row`.
    template <unsigned Lanes, unsigned Precision>
    static void round(__m256i* x, __m256i* context, const std::uint32_t* slots, const std::uint8_t*& at,
                      std::uint8_t* row) noexcept {
        const __m256i slot_mask = _mm256_set1_epi32((1 << Precision) - 1);
        const __m256i symbol_mask = _mm256_set1_epi32(0xFF << Precision);
#    pragma GCC unroll 4
        for (unsigned group = 0; group < Lanes / 8; group += 4) {
            __m256i e[4], symbol[4];
#    pragma GCC unroll 4
            for (unsigned k = 0; k < 4; ++k) {
                const __m256i slot = _mm256_and_si256(x[group + k], slot_mask);
                e[k] = order0::lookup(slots, _mm256_or_si256(slot, context[group + k]), k);
                context[group + k] = _mm256_and_si256(e[k], symbol_mask);
                symbol[k] = _mm256_srli_epi32(context[group + k], Precision);
            }
            store_symbols(row + std::size_t{8} * group, symbol);
#    pragma GCC unroll 4
            for (unsigned k = 0; k < 4; ++k) x[group + k] = advance<Precision>(x[group + k], e[k], at);
        }
    }
};

}  // namespace detail

template <>
struct order1_rounds<avx2>
    : detail::order1_loops<detail::order1_avx2<avx2>, order1_tile_rounds, order1_pitch> {};

}  // namespace pith::inline v1::simd

#endif
