// AVX-512 rounds of interleaved order-1 rANS, sixteen lanes a vector. See simd/rans_order1.hpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include <pith/simd/intrinsics.hpp>
#include <pith/simd/rans_avx512.hpp>
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

    template <unsigned Precision>
    static __m512i advance(__m512i x, __m512i e, const std::uint8_t*& in) noexcept {
        const __m512i frequency = _mm512_srli_epi32(e, 20);
        const __m512i offset = _mm512_and_si512(e, _mm512_set1_epi32((1 << Precision) - 1));
        x = _mm512_mullo_epi32(_mm512_srli_epi32(x, Precision), frequency);
        return order0::renormalize(_mm512_add_epi32(x, offset), in);
    }

    template <unsigned Lanes, unsigned Precision>
    static std::size_t decode(std::uint32_t* states, std::uint8_t* contexts, const std::uint32_t* slots,
                              const std::uint8_t*& in, const std::uint8_t* in_end, std::uint8_t* tile,
                              std::size_t rounds) noexcept {
        constexpr unsigned vectors = Lanes / 16;
        const __m512i slot_mask = _mm512_set1_epi32((1 << Precision) - 1);
        const __m512i symbol_mask = _mm512_set1_epi32(0xFF << Precision);
        __m512i x[vectors], e[vectors];
        std::memcpy(x, states, sizeof x);
        for (unsigned v = 0; v < vectors; ++v) {
            const auto* raw = reinterpret_cast<const __m128i*>(contexts + std::size_t{16} * v);
            e[v] = _mm512_slli_epi32(_mm512_cvtepu8_epi32(_mm_loadu_si128(raw)), Precision);
        }
        alignas(64) std::uint8_t turned[order1_tile_rounds * Lanes];
        const std::uint8_t* at = in;
        std::size_t done = 0;
        // A round takes at most 2 * Lanes bytes, and its last load of 32 ends with the last of them.
        for (; done < rounds && static_cast<std::size_t>(in_end - at) >= 2 * Lanes; ++done) {
#    pragma GCC unroll 8
            for (unsigned v = 0; v < vectors; ++v) {
                // 0xEA: (slot & mask) | context in one operation
                const __m512i context = _mm512_and_si512(e[v], symbol_mask);
                const __m512i index = _mm512_ternarylogic_epi32(x[v], slot_mask, context, 0xEA);
                e[v] = _mm512_i32gather_epi32(index, slots, 4);
            }
#    pragma GCC unroll 8
            for (unsigned v = 0; v < vectors; ++v) {
                _mm_storeu_si128(reinterpret_cast<__m128i*>(turned + done * Lanes + std::size_t{16} * v),
                                 _mm512_cvtepi32_epi8(_mm512_srli_epi32(e[v], Precision)));
                x[v] = advance<Precision>(x[v], e[v], at);
            }
        }
        if (done != 0) std::memcpy(contexts, turned + (done - 1) * Lanes, Lanes);
        std::memset(turned + done * Lanes, 0, sizeof turned - done * Lanes);
        order1_avx2<Arch>::template turn<Lanes>(turned, tile);
        in = at;
        std::memcpy(states, x, sizeof x);
        return done;
    }

    template <unsigned Lanes>
    static std::size_t encode(std::uint32_t* states, const std::uint32_t* records, const std::uint8_t* tile,
                              std::uint8_t* out_begin, std::uint8_t*& out_at, std::size_t rounds) noexcept {
        constexpr unsigned vectors = Lanes / 16;
        __m512i x[vectors];
        std::memcpy(x, states, sizeof x);
        std::uint8_t* at = out_at;
        std::size_t done = 0;
        // A round puts at most 2 * Lanes bytes, and its last store of 32 begins with the last of them.
        for (; done < rounds && static_cast<std::size_t>(at - out_begin) >= 2 * Lanes; ++done) {
            for (unsigned v = vectors; v-- > 0;) {
                const std::uint8_t* const from =
                    tile + (rounds - done - 1) + std::size_t{16} * v * order1_pitch;
                const auto record = [&](unsigned lane) {
                    std::uint16_t pair;  // a byte and the one before
                    std::memcpy(&pair, from + lane * order1_pitch, 2);
                    return records + 4 * std::size_t{pair};
                };
                x[v] = order0::push(x[v], record, at);
            }
        }
        out_at = at;
        std::memcpy(states, x, sizeof x);
        return done;
    }
};

}  // namespace detail

template <instruction_set Arch>
requires(Arch::bytes == 64) struct order1_rounds<Arch> {
    template <unsigned Lanes, unsigned Precision>
    static std::size_t decode(std::uint32_t* states, std::uint8_t* contexts, const std::uint32_t* slots,
                              const std::uint8_t*& in, const std::uint8_t* in_end, std::uint8_t* tile,
                              std::size_t rounds) noexcept {
        if constexpr (Lanes < 32)
            return 0;
        else
            return detail::order1_avx512<Arch>::template decode<Lanes, Precision>(states, contexts, slots, in,
                                                                                  in_end, tile, rounds);
    }
    template <unsigned Lanes>
    static std::size_t encode(std::uint32_t* states, const std::uint32_t* records, const std::uint8_t* tile,
                              std::uint8_t* out_begin, std::uint8_t*& out_at, std::size_t rounds) noexcept {
        if constexpr (Lanes < 32)
            return 0;
        else
            return detail::order1_avx512<Arch>::template encode<Lanes>(states, records, tile, out_begin,
                                                                       out_at, rounds);
    }
};

}  // namespace pith::inline v1::simd

#endif
