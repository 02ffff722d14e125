// Rounds of interleaved rANS with a table for each class in vectors: the fast form of
// entropy::scalar_class_rounds, with the same bytes. The steps are those of rans_avx2, rans_avx512,
// rans_neon.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include <pith/simd/arch.hpp>
#include <pith/simd/intrinsics.hpp>
#include <pith/simd/rans.hpp>

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

/// The loop that encodes, the same for all instruction sets. Step::push takes Step::width states.
template <unsigned Lanes, class Step>
std::size_t encode_class_rounds(std::uint32_t* states, const std::uint32_t* symbols,
                                const std::uint8_t* classes_end, const std::uint8_t* in_end,
                                std::uint8_t* out_begin, std::uint8_t*& out_at, std::size_t rounds) noexcept {
    constexpr unsigned vectors = Lanes / Step::width;
    typename Step::vector x[vectors];
    std::memcpy(x, states, sizeof x);
    std::uint8_t* at = out_at;
    std::size_t done = 0;
    // A round puts at most 2 * Lanes bytes, and its last store begins with the last of them.
    for (; done < rounds && static_cast<std::size_t>(at - out_begin) >= 2 * Lanes; ++done) {
        in_end -= Lanes;
        classes_end -= Lanes;
#pragma GCC unroll 16
        for (unsigned k = 1; k <= vectors; ++k) {
            const std::size_t first = std::size_t{Step::width} * (vectors - k);
            const auto record = [&](unsigned lane) {
                return symbols + 1024 * std::size_t{classes_end[first + lane]} +
                       4 * std::size_t{in_end[first + lane]};
            };
            x[vectors - k] = Step::kernel::push(x[vectors - k], record, at);
        }
    }
    out_at = at;
    std::memcpy(states, x, sizeof x);
    return done;
}

#if !defined(PITH_NO_SIMD) && defined(__AVX2__)
template <class Arch>
struct class_step_avx2 {
    using kernel = rans_avx2<Arch>;
    using vector = __m256i;
    static constexpr unsigned width = 8;

    template <unsigned Lanes, unsigned Precision>
    static std::size_t decode(std::uint32_t* states, const std::uint32_t* slots, const std::uint8_t* classes,
                              const std::uint8_t*& in, const std::uint8_t* in_end, std::uint8_t* out,
                              std::size_t rounds) noexcept {
        constexpr unsigned vectors = Lanes / 8;
        const __m256i slot_mask = _mm256_set1_epi32((1 << Precision) - 1);
        __m256i x[vectors];
        std::memcpy(x, states, sizeof x);
        const std::uint8_t* at = in;
        std::size_t done = 0;
        // A round takes at most 2 * Lanes bytes, and its last load of 16 ends with the last of them.
        for (; done < rounds && static_cast<std::size_t>(in_end - at) >= 2 * Lanes; ++done) {
#    pragma GCC unroll 4
            for (unsigned group = 0; group < vectors; group += 4) {
                __m256i e[4];
#    pragma GCC unroll 4
                for (unsigned k = 0; k < 4; ++k) {
                    const __m256i table = _mm256_cvtepu8_epi32(_mm_loadl_epi64(
                        reinterpret_cast<const __m128i*>(classes + std::size_t{8} * (group + k))));
                    e[k] = kernel::lookup(slots,
                                          _mm256_or_si256(_mm256_and_si256(x[group + k], slot_mask),
                                                          _mm256_slli_epi32(table, Precision)),
                                          k);
                }
                kernel::store_symbols(out + std::size_t{8} * group, e);
#    pragma GCC unroll 4
                for (unsigned k = 0; k < 4; ++k)
                    x[group + k] = kernel::template advance<Precision>(x[group + k], e[k], at);
            }
            out += Lanes;
            classes += Lanes;
        }
        in = at;
        std::memcpy(states, x, sizeof x);
        return done;
    }
};
#elif !defined(PITH_NO_SIMD) && defined(__aarch64__)
template <class Arch>
struct class_step_neon {
    using kernel = rans_neon<Arch>;
    using vector = uint32x4_t;
    static constexpr unsigned width = 4;

    template <unsigned Lanes, unsigned Precision>
    static std::size_t decode(std::uint32_t* states, const std::uint32_t* slots, const std::uint8_t* classes,
                              const std::uint8_t*& in, const std::uint8_t* in_end, std::uint8_t* out,
                              std::size_t rounds) noexcept {
        constexpr unsigned vectors = Lanes / 4;
        const uint32x4_t slot_mask = vdupq_n_u32((1U << Precision) - 1);
        uint32x4_t x[vectors];
        std::memcpy(x, states, sizeof x);
        const std::uint8_t* at = in;
        std::size_t done = 0;
        // A round takes at most 2 * Lanes bytes, and its last load of 8 ends with the last of them.
        for (; done < rounds && static_cast<std::size_t>(in_end - at) >= 2 * Lanes; ++done) {
            for (unsigned group = 0; group < vectors; group += 4) {
                uint32x4_t e[4];
                const uint8x16_t c = vld1q_u8(classes + std::size_t{4} * group);
                const uint16x8_t halves[2] = {vmovl_u8(vget_low_u8(c)), vmovl_u8(vget_high_u8(c))};
                for (unsigned k = 0; k < 4; ++k) {
                    const uint16x4_t four =
                        k % 2 == 0 ? vget_low_u16(halves[k / 2]) : vget_high_u16(halves[k / 2]);
                    e[k] = kernel::lookup(slots, vorrq_u32(vandq_u32(x[group + k], slot_mask),
                                                           vshlq_n_u32(vmovl_u16(four), Precision)));
                }
                const uint16x8_t a = vcombine_u16(vmovn_u32(e[0]), vmovn_u32(e[1]));
                const uint16x8_t b = vcombine_u16(vmovn_u32(e[2]), vmovn_u32(e[3]));
                vst1q_u8(out + std::size_t{4} * group, vcombine_u8(vmovn_u16(a), vmovn_u16(b)));
                for (unsigned k = 0; k < 4; ++k)
                    x[group + k] = kernel::template advance<Precision>(x[group + k], e[k], at);
            }
            out += Lanes;
            classes += Lanes;
        }
        in = at;
        std::memcpy(states, x, sizeof x);
        return done;
    }
};
#endif

#if !defined(PITH_NO_SIMD) && defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512DQ__) && \
    defined(__AVX512VL__)
template <class Arch>
struct class_step_avx512 {
    using kernel = rans_avx512<Arch>;
    using vector = __m512i;
    static constexpr unsigned width = 16;

    template <unsigned Lanes, unsigned Precision>
    static std::size_t decode(std::uint32_t* states, const std::uint32_t* slots, const std::uint8_t* classes,
                              const std::uint8_t*& in, const std::uint8_t* in_end, std::uint8_t* out,
                              std::size_t rounds) noexcept {
        constexpr unsigned vectors = Lanes / 16;
        const __m512i slot_mask = _mm512_set1_epi32((1 << Precision) - 1);
        __m512i x[vectors];
        std::memcpy(x, states, sizeof x);
        const std::uint8_t* at = in;
        std::size_t done = 0;
        // A round takes at most 2 * Lanes bytes, and its last load of 32 ends with the last of them.
        for (; done < rounds && static_cast<std::size_t>(in_end - at) >= 2 * Lanes; ++done) {
            __m512i e[vectors];
#    pragma GCC unroll 8
            for (unsigned v = 0; v < vectors; ++v) {
                const __m512i table = _mm512_cvtepu8_epi32(
                    _mm_loadu_si128(reinterpret_cast<const __m128i*>(classes + std::size_t{16} * v)));
                const __m512i index =
                    _mm512_or_si512(_mm512_and_si512(x[v], slot_mask), _mm512_slli_epi32(table, Precision));
                e[v] = _mm512_i32gather_epi32(index, slots, 4);
            }
#    pragma GCC unroll 8
            for (unsigned v = 0; v < vectors; ++v) {
                _mm_storeu_si128(reinterpret_cast<__m128i*>(out + std::size_t{16} * v),
                                 _mm512_cvtepi32_epi8(e[v]));
                x[v] = kernel::template advance<Precision>(x[v], e[v], at);
            }
            out += Lanes;
            classes += Lanes;
        }
        in = at;
        std::memcpy(states, x, sizeof x);
        return done;
    }
};
#endif

/// What of the above an instruction set has.
template <class Arch>
struct class_step {
    static constexpr bool exists = false;
};
#if !defined(PITH_NO_SIMD) && defined(__AVX2__)
template <>
struct class_step<avx2> : class_step_avx2<avx2> {
    static constexpr bool exists = true;
};
#elif !defined(PITH_NO_SIMD) && defined(__aarch64__)
template <instruction_set Arch>
requires covers<Arch, neon>
struct class_step<Arch> : class_step_neon<Arch> {
    static constexpr bool exists = true;
};
#endif
#if !defined(PITH_NO_SIMD) && defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512DQ__) && \
    defined(__AVX512VL__)
template <instruction_set Arch>
requires(Arch::bytes == 64) struct class_step<Arch> : class_step_avx512<Arch> {
    static constexpr bool exists = true;
};
#endif

}  // namespace detail

template <instruction_set Arch>
requires(detail::class_step<Arch>::exists) struct class_rounds<Arch> {
    template <unsigned Lanes, unsigned Precision>
    static std::size_t decode(std::uint32_t* states, const std::uint32_t* slots, const std::uint8_t* classes,
                              const std::uint8_t*& in, const std::uint8_t* in_end, std::uint8_t* out,
                              std::size_t rounds) noexcept {
        if constexpr (Lanes < 32)
            return 0;
        else
            return detail::class_step<Arch>::template decode<Lanes, Precision>(states, slots, classes, in,
                                                                               in_end, out, rounds);
    }
    template <unsigned Lanes>
    static std::size_t encode(std::uint32_t* states, const std::uint32_t* symbols,
                              const std::uint8_t* classes_end, const std::uint8_t* in_end,
                              std::uint8_t* out_begin, std::uint8_t*& out_at, std::size_t rounds) noexcept {
        if constexpr (Lanes < 32)
            return 0;
        else
            return detail::encode_class_rounds<Lanes, detail::class_step<Arch>>(
                states, symbols, classes_end, in_end, out_begin, out_at, rounds);
    }
};

}  // namespace pith::inline v1::simd
