// Rounds of interleaved rANS with a table for each class in vectors: the fast form of
// entropy::scalar_class_rounds, with the same bytes. What a vector of states does is in rans_avx2 and its
// like.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include <pith/simd/arch.hpp>
#include <pith/simd/intrinsics.hpp>
#include <pith/simd/rans.hpp>
#include <pith/simd/rans_loops.hpp>

namespace pith::inline v1::simd {

/// A model of entropy::class_rounds; without a kernel, or with fewer than 32 lanes, both functions do
/// nothing. Exact.
template <instruction_set Arch = native>
struct class_rounds {
    template <unsigned Lanes, unsigned Precision>
    static std::size_t decode(std::uint32_t*, const std::uint32_t*, const std::uint8_t*, const std::uint8_t*&,
                              const std::uint8_t*, std::uint8_t*, std::size_t) noexcept {
        return 0;
    }
    template <unsigned Lanes>
    static std::size_t encode(std::uint32_t*, const std::uint32_t*, const std::uint8_t*, const std::uint8_t*,
                              std::uint8_t*, std::uint8_t*&, std::size_t) noexcept {
        return 0;
    }
};

namespace detail {

/// The loops around a kernel of order 0 with
///   round<Lanes, Precision>(x, slots, classes, at, out)   // a symbol of every lane of x to out
template <class Kernel>
struct class_loops {
    template <unsigned Lanes, unsigned Precision>
    static std::size_t decode(std::uint32_t* states, const std::uint32_t* slots, const std::uint8_t* classes,
                              const std::uint8_t*& in, const std::uint8_t* in_end, std::uint8_t* out,
                              std::size_t rounds) noexcept {
        if constexpr (Lanes < 32) {
            return 0;
        } else {
            typename Kernel::vector x[Lanes / Kernel::width];
            std::memcpy(x, states, sizeof x);
            const std::uint8_t* at = in;
            std::size_t done = 0;
            for (; done < rounds && static_cast<std::size_t>(in_end - at) >= 2 * Lanes; ++done)
                Kernel::template round<Lanes, Precision>(x, slots, classes + done * Lanes, at,
                                                         out + done * Lanes);
            in = at;
            std::memcpy(states, x, sizeof x);
            return done;
        }
    }
    template <unsigned Lanes>
    static std::size_t encode(std::uint32_t* states, const std::uint32_t* symbols,
                              const std::uint8_t* classes_end, const std::uint8_t* in_end,
                              std::uint8_t* out_begin, std::uint8_t*& out_at, std::size_t rounds) noexcept {
        if constexpr (Lanes < 32)
            return 0;
        else
            return push_rounds<Kernel, Lanes>(
                states, out_begin, out_at, rounds, [=](std::size_t done, unsigned first) {
                    const std::uint8_t* const from = in_end - (done + 1) * Lanes + first;
                    const std::uint8_t* const of = classes_end - (done + 1) * Lanes + first;
                    return [from, of, symbols](unsigned i) {
                        return symbols + 1024 * std::size_t{of[i]} + 4 * std::size_t{from[i]};
                    };
                });
    }
};

#if !defined(PITH_NO_SIMD) && defined(__AVX2__)
struct classes_avx2 : rans_avx2<avx2> {
    template <unsigned Lanes, unsigned Precision>
    static void round(__m256i* x, const std::uint32_t* slots, const std::uint8_t* classes,
                      const std::uint8_t*& at, std::uint8_t* out) noexcept {
        const __m256i slot_mask = _mm256_set1_epi32((1 << Precision) - 1);
#    pragma GCC unroll 4
        for (unsigned group = 0; group < Lanes / 8; group += 4) {
            __m256i e[4];
#    pragma GCC unroll 4
            for (unsigned k = 0; k < 4; ++k) {
                const __m256i table = _mm256_cvtepu8_epi32(_mm_loadl_epi64(
                    reinterpret_cast<const __m128i*>(classes + std::size_t{8} * (group + k))));
                const __m256i slot = _mm256_and_si256(x[group + k], slot_mask);
                e[k] = lookup(slots, _mm256_or_si256(slot, _mm256_slli_epi32(table, Precision)), k);
            }
            store_symbols(out + std::size_t{8} * group, e);
#    pragma GCC unroll 4
            for (unsigned k = 0; k < 4; ++k) x[group + k] = advance<Precision>(x[group + k], e[k], at);
        }
    }
};
#endif
#if !defined(PITH_NO_SIMD) && defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512DQ__) && \
    defined(__AVX512VL__)
template <class Arch>
struct classes_avx512 : rans_avx512<Arch> {
    template <unsigned Lanes, unsigned Precision>
    static void round(__m512i* x, const std::uint32_t* slots, const std::uint8_t* classes,
                      const std::uint8_t*& at, std::uint8_t* out) noexcept {
        constexpr unsigned vectors = Lanes / 16;
        const __m512i slot_mask = _mm512_set1_epi32((1 << Precision) - 1);
        __m512i e[vectors];
#    pragma GCC unroll 8
        for (unsigned v = 0; v < vectors; ++v) {
            const __m512i table = _mm512_cvtepu8_epi32(
                _mm_loadu_si128(reinterpret_cast<const __m128i*>(classes + std::size_t{16} * v)));
            const __m512i slot = _mm512_and_si512(x[v], slot_mask);
            e[v] =
                _mm512_i32gather_epi32(_mm512_or_si512(slot, _mm512_slli_epi32(table, Precision)), slots, 4);
        }
#    pragma GCC unroll 8
        for (unsigned v = 0; v < vectors; ++v) {
            _mm_storeu_si128(reinterpret_cast<__m128i*>(out + std::size_t{16} * v),
                             _mm512_cvtepi32_epi8(e[v]));
            x[v] = rans_avx512<Arch>::template advance<Precision>(x[v], e[v], at);
        }
    }
};
#endif
#if !defined(PITH_NO_SIMD) && defined(__aarch64__)
template <class Arch>
struct classes_neon : rans_neon<Arch> {
    template <unsigned Lanes, unsigned Precision>
    static void round(uint32x4_t* x, const std::uint32_t* slots, const std::uint8_t* classes,
                      const std::uint8_t*& at, std::uint8_t* out) noexcept {
        const uint32x4_t slot_mask = vdupq_n_u32((1U << Precision) - 1);
        for (unsigned group = 0; group < Lanes / 4; group += 4) {
            uint32x4_t e[4];
            const uint8x16_t c = vld1q_u8(classes + std::size_t{4} * group);
            const uint16x8_t halves[2] = {vmovl_u8(vget_low_u8(c)), vmovl_u8(vget_high_u8(c))};
            for (unsigned k = 0; k < 4; ++k) {
                const uint16x4_t four =
                    k % 2 == 0 ? vget_low_u16(halves[k / 2]) : vget_high_u16(halves[k / 2]);
                const uint32x4_t slot = vandq_u32(x[group + k], slot_mask);
                e[k] =
                    rans_neon<Arch>::lookup(slots, vorrq_u32(slot, vshlq_n_u32(vmovl_u16(four), Precision)));
            }
            const uint16x8_t a = vcombine_u16(vmovn_u32(e[0]), vmovn_u32(e[1]));
            const uint16x8_t b = vcombine_u16(vmovn_u32(e[2]), vmovn_u32(e[3]));
            vst1q_u8(out + std::size_t{4} * group, vcombine_u8(vmovn_u16(a), vmovn_u16(b)));
            for (unsigned k = 0; k < 4; ++k)
                x[group + k] = rans_neon<Arch>::template advance<Precision>(x[group + k], e[k], at);
        }
    }
};
#endif

}  // namespace detail

#if !defined(PITH_NO_SIMD) && defined(__AVX2__)
template <>
struct class_rounds<avx2> : detail::class_loops<detail::classes_avx2> {};
#endif
#if !defined(PITH_NO_SIMD) && defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512DQ__) && \
    defined(__AVX512VL__)
template <instruction_set Arch>
requires(Arch::bytes == 64) struct class_rounds<Arch> : detail::class_loops<detail::classes_avx512<Arch>> {
};
#endif
#if !defined(PITH_NO_SIMD) && defined(__aarch64__)
template <instruction_set Arch>
requires covers<Arch, neon>
struct class_rounds<Arch> : detail::class_loops<detail::classes_neon<Arch>> {
};
#endif

}  // namespace pith::inline v1::simd
