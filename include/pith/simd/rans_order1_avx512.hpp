// AVX-512 rounds of interleaved order-1 rANS, sixteen lanes a vector. See simd/rans_order1.hpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include <pith/simd/intrinsics.hpp>
#include <pith/simd/rans_avx512.hpp>
#include <pith/simd/rans_loops.hpp>
#include <pith/simd/rans_order1.hpp>
#include <pith/simd/rans_order1_avx2.hpp>

#if !defined(PITH_NO_SIMD) && defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512DQ__) && \
    defined(__AVX512VL__)

namespace pith::inline v1::simd {

namespace detail {

// Declared here because either header may be the first that a program includes.
template <class Arch>
struct order1_avx2;

template <class Arch>
struct order1_avx512 {
    using order0 = rans_avx512<Arch>;
    using vector = typename order0::vector;
    static constexpr unsigned width = order0::width;

    template <unsigned Precision>
    static __m512i advance(__m512i x, __m512i e, const std::uint8_t*& in) noexcept {
        const __m512i frequency = _mm512_srli_epi32(e, 20);
        const __m512i offset = _mm512_and_si512(e, _mm512_set1_epi32((1 << Precision) - 1));
        x = _mm512_mullo_epi32(_mm512_srli_epi32(x, Precision), frequency);
        return order0::renormalize(_mm512_add_epi32(x, offset), in);
    }

    template <class Record>
    static vector push(vector x, const Record& record, std::uint8_t*& at) noexcept {
        return order0::push(x, record, at);
    }

    template <unsigned Lanes, unsigned Precision>
    static void load_contexts(const std::uint8_t* contexts, __m512i* e) noexcept {
        for (unsigned v = 0; v < Lanes / width; ++v) {
            const auto* raw = reinterpret_cast<const __m128i*>(contexts + std::size_t{16} * v);
            e[v] = _mm512_slli_epi32(_mm512_cvtepu8_epi32(_mm_loadu_si128(raw)), Precision);
        }
    }
    /// One round: a byte for each lane to `row`.
    template <unsigned Lanes, unsigned Precision>
    static void round(__m512i* x, __m512i* e, const std::uint32_t* slots, const std::uint8_t*& at,
                      std::uint8_t* row) noexcept {
        constexpr unsigned vectors = Lanes / width;
        const __m512i slot_mask = _mm512_set1_epi32((1 << Precision) - 1);
        const __m512i symbol_mask = _mm512_set1_epi32(0xFF << Precision);
#    pragma GCC unroll 8
        for (unsigned v = 0; v < vectors; ++v) {
            // 0xEA: (slot & mask) | context in one operation
            const __m512i context = _mm512_and_si512(e[v], symbol_mask);
            const __m512i index = _mm512_ternarylogic_epi32(x[v], slot_mask, context, 0xEA);
            e[v] = _mm512_i32gather_epi32(index, slots, 4);
        }
#    pragma GCC unroll 8
        for (unsigned v = 0; v < vectors; ++v) {
            _mm_storeu_si128(reinterpret_cast<__m128i*>(row + std::size_t{16} * v),
                             _mm512_cvtepi32_epi8(_mm512_srli_epi32(e[v], Precision)));
            x[v] = advance<Precision>(x[v], e[v], at);
        }
    }
    template <unsigned Lanes>
    static void turn(const std::uint8_t* turned, std::uint8_t* tile) noexcept {
        order1_avx2<Arch>::template turn<Lanes>(turned, tile);
    }
};

}  // namespace detail

template <instruction_set Arch>
requires(Arch::bytes == 64) struct order1_rounds<Arch>
    : detail::order1_loops<detail::order1_avx512<Arch>, order1_tile_rounds, order1_pitch> {
};

}  // namespace pith::inline v1::simd

#endif
