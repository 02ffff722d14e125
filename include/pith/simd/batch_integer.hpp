// The part of the vocabulary that xsimd lacks or does slowly: widening, narrowing, pairwise products, byte
// tables. Own work; one instruction or a few per function, with the order of elements the same on every
// machine.
#pragma once

#include <pith/simd/batch.hpp>

#ifndef PITH_NO_SIMD

namespace pith::inline v1::simd {

namespace detail {
template <class T>
using twice_as_wide = std::conditional_t<
    std::is_same_v<T, std::int8_t>, std::int16_t,
    std::conditional_t<std::is_same_v<T, std::uint8_t>, std::uint16_t,
                       std::conditional_t<std::is_same_v<T, std::int16_t>, std::int32_t, std::uint32_t>>>;
}  // namespace detail

/// An element type that can be widened.
template <class T>
concept widenable = std::same_as<T, std::int8_t> || std::same_as<T, std::uint8_t> ||
    std::same_as<T, std::int16_t> || std::same_as<T, std::uint16_t>;

#    if defined(__x86_64__)

namespace detail {
#        if defined(__AVX512BW__)
template <widenable T>
[[nodiscard, gnu::always_inline]] inline __m512i widen_register(__m256i v) noexcept {
    if constexpr (std::is_same_v<T, std::int8_t>) return _mm512_cvtepi8_epi16(v);
    if constexpr (std::is_same_v<T, std::uint8_t>) return _mm512_cvtepu8_epi16(v);
    if constexpr (std::is_same_v<T, std::int16_t>) return _mm512_cvtepi16_epi32(v);
    if constexpr (std::is_same_v<T, std::uint16_t>) return _mm512_cvtepu16_epi32(v);
}
#        endif
#        if defined(__AVX2__)
template <widenable T>
[[nodiscard, gnu::always_inline]] inline __m256i widen_register(__m128i v) noexcept {
    if constexpr (std::is_same_v<T, std::int8_t>) return _mm256_cvtepi8_epi16(v);
    if constexpr (std::is_same_v<T, std::uint8_t>) return _mm256_cvtepu8_epi16(v);
    if constexpr (std::is_same_v<T, std::int16_t>) return _mm256_cvtepi16_epi32(v);
    if constexpr (std::is_same_v<T, std::uint16_t>) return _mm256_cvtepu16_epi32(v);
}
#        endif
}  // namespace detail

/// The first half of the elements, each in twice the width.
template <instruction_set Arch, widenable T>
[[nodiscard]] inline vec<detail::twice_as_wide<T>, Arch> widen_lo(vec<T, Arch> v) noexcept {
#        if defined(__AVX512BW__)
    if constexpr (covers<Arch, avx512>)
        return detail::widen_register<T>(_mm512_castsi512_si256(static_cast<__m512i>(v)));
#        endif
#        if defined(__AVX2__)
    if constexpr (std::is_same_v<Arch, avx2>)
        return detail::widen_register<T>(_mm256_castsi256_si128(static_cast<__m256i>(v)));
#        endif
    if constexpr (std::is_same_v<Arch, sse2>) {
        const __m128i r = v;
        const __m128i zero = _mm_setzero_si128();
        if constexpr (std::is_same_v<T, std::int8_t>) return _mm_unpacklo_epi8(r, _mm_cmpgt_epi8(zero, r));
        if constexpr (std::is_same_v<T, std::uint8_t>) return _mm_unpacklo_epi8(r, zero);
        if constexpr (std::is_same_v<T, std::int16_t>) return _mm_unpacklo_epi16(r, _mm_cmpgt_epi16(zero, r));
        if constexpr (std::is_same_v<T, std::uint16_t>) return _mm_unpacklo_epi16(r, zero);
    }
}
/// The second half of the elements, each in twice the width.
template <instruction_set Arch, widenable T>
[[nodiscard]] inline vec<detail::twice_as_wide<T>, Arch> widen_hi(vec<T, Arch> v) noexcept {
#        if defined(__AVX512BW__)
    if constexpr (covers<Arch, avx512>)
        return detail::widen_register<T>(_mm512_extracti64x4_epi64(static_cast<__m512i>(v), 1));
#        endif
#        if defined(__AVX2__)
    if constexpr (std::is_same_v<Arch, avx2>)
        return detail::widen_register<T>(_mm256_extracti128_si256(static_cast<__m256i>(v), 1));
#        endif
    if constexpr (std::is_same_v<Arch, sse2>)
        return simd::widen_lo<Arch, T>(vec<T, Arch>(_mm_unpackhi_epi64(v, v)));
}

/// Element i: a[2i] * b[2i] + a[2i+1] * b[2i+1], modulo 2^32 (only four times -32768 reaches 2^31).
template <instruction_set Arch>
[[nodiscard]] inline vec<std::int32_t, Arch> madd16(vec<std::int16_t, Arch> a,
                                                    vec<std::int16_t, Arch> b) noexcept {
#        if defined(__AVX512BW__)
    if constexpr (covers<Arch, avx512>) return _mm512_madd_epi16(a, b);
#        endif
#        if defined(__AVX2__)
    if constexpr (std::is_same_v<Arch, avx2>) return _mm256_madd_epi16(a, b);
#        endif
    if constexpr (std::is_same_v<Arch, sse2>) return _mm_madd_epi16(a, b);
}

/// sum + products of all elements; which element of the sum gets which product is left open. Modulo 2^32.
template <instruction_set Arch, class A>
requires(std::same_as<A, std::int8_t> || std::same_as<A, std::uint8_t>)
    [[nodiscard]] inline vec<std::int32_t, Arch> dot8(vec<std::int32_t, Arch> sum, vec<A, Arch> a,
                                                      vec<std::int8_t, Arch> b) noexcept {
#        if defined(__AVX512VNNI__)
    if constexpr (std::is_same_v<Arch, avx512_vnni>) {
        if constexpr (std::is_same_v<A, std::uint8_t>) return _mm512_dpbusd_epi32(sum, a, b);
        // a * b = (a + 128) * b - 128 * b, modulo 2^32.
        const __m512i bias = _mm512_set1_epi8(-128);
        const __m512i shifted = _mm512_dpbusd_epi32(sum, _mm512_xor_si512(a, bias), b);
        return _mm512_sub_epi32(shifted, _mm512_dpbusd_epi32(_mm512_setzero_si512(), bias, b));
    }
#        endif
    // Bytes at even and at odd places, as signed 16-bit numbers (0..255 are that too): shifts, no shuffles.
    using wide = vec<std::int16_t, Arch>;
    const wide x = simd::bit_cast_to<std::int16_t, Arch>(a);
    const wide y = simd::bit_cast_to<std::int16_t, Arch>(b);
    const wide y_even = simd::shift_right<8, Arch, std::int16_t>(simd::shift_left<8, Arch, std::int16_t>(y));
    const wide y_odd = simd::shift_right<8, Arch, std::int16_t>(y);
    if constexpr (std::is_same_v<A, std::uint8_t>) {
        const auto raised = simd::bit_cast_to<std::uint16_t, Arch>(a);
        const wide x_odd =
            simd::bit_cast_to<std::int16_t, Arch>(simd::shift_right<8, Arch, std::uint16_t>(raised));
        return sum + simd::madd16<Arch>(x & wide(std::int16_t{255}), y_even) +
               simd::madd16<Arch>(x_odd, y_odd);
    } else {
        const wide x_even =
            simd::shift_right<8, Arch, std::int16_t>(simd::shift_left<8, Arch, std::int16_t>(x));
        return sum + simd::madd16<Arch>(x_even, y_even) +
               simd::madd16<Arch>(simd::shift_right<8, Arch, std::int16_t>(x), y_odd);
    }
}

/// Two vectors of 16 bits as one of 8, in order, numbers outside the range of To moved to its ends.
template <class To, instruction_set Arch>
requires(std::same_as<To, std::int8_t> || std::same_as<To, std::uint8_t>)
    [[nodiscard]] inline vec<To, Arch> narrow_sat(vec<std::int16_t, Arch> lo,
                                                  vec<std::int16_t, Arch> hi) noexcept {
    constexpr bool to_signed = std::is_same_v<To, std::int8_t>;
#        if defined(__AVX512BW__)
    if constexpr (covers<Arch, avx512>) {
        const __m512i both = to_signed ? _mm512_packs_epi16(lo, hi) : _mm512_packus_epi16(lo, hi);
        return _mm512_permutexvar_epi64(_mm512_setr_epi64(0, 2, 4, 6, 1, 3, 5, 7), both);
    }
#        endif
#        if defined(__AVX2__)
    if constexpr (std::is_same_v<Arch, avx2>)
        return _mm256_permute4x64_epi64(to_signed ? _mm256_packs_epi16(lo, hi) : _mm256_packus_epi16(lo, hi),
                                        0xD8);
#        endif
    if constexpr (std::is_same_v<Arch, sse2>)
        return to_signed ? _mm_packs_epi16(lo, hi) : _mm_packus_epi16(lo, hi);
}
/// Two vectors of 32 bits as one of 16, in order, numbers outside 16 bits moved to the ends of that range.
template <class To, instruction_set Arch>
requires std::same_as<To, std::int16_t>
[[nodiscard]] inline vec<To, Arch> narrow_sat(vec<std::int32_t, Arch> lo,
                                              vec<std::int32_t, Arch> hi) noexcept {
#        if defined(__AVX512BW__)
    if constexpr (covers<Arch, avx512>)
        return _mm512_permutexvar_epi64(_mm512_setr_epi64(0, 2, 4, 6, 1, 3, 5, 7),
                                        _mm512_packs_epi32(lo, hi));
#        endif
#        if defined(__AVX2__)
    if constexpr (std::is_same_v<Arch, avx2>)
        return _mm256_permute4x64_epi64(_mm256_packs_epi32(lo, hi), 0xD8);
#        endif
    if constexpr (std::is_same_v<Arch, sse2>) return _mm_packs_epi32(lo, hi);
}

/// table[index[i]] for indices 0..15. Without a byte shuffle (SSE2 alone) it goes through memory.
template <instruction_set Arch>
[[nodiscard]] inline vec<std::uint8_t, Arch> lut16(const std::uint8_t (&table)[16],
                                                   vec<std::uint8_t, Arch> index) noexcept {
#        if defined(__AVX512BW__)
    if constexpr (covers<Arch, avx512>)
        return _mm512_shuffle_epi8(
            _mm512_broadcast_i32x4(_mm_loadu_si128(reinterpret_cast<const __m128i*>(table))), index);
#        endif
#        if defined(__AVX2__)
    if constexpr (std::is_same_v<Arch, avx2>)
        return _mm256_shuffle_epi8(
            _mm256_broadcastsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i*>(table))), index);
#        endif
    if constexpr (std::is_same_v<Arch, sse2>) {
        std::uint8_t bytes[16];
        simd::store<Arch>(bytes, index);
        for (std::uint8_t& b : bytes) b = table[b & 15U];
        return simd::load<Arch>(static_cast<const std::uint8_t*>(bytes));
    }
}

#    else

template <instruction_set Arch, widenable T>
[[nodiscard]] inline vec<detail::twice_as_wide<T>, Arch> widen_lo(vec<T, Arch> v) noexcept {
    if constexpr (std::is_same_v<T, std::int8_t>) return vmovl_s8(vget_low_s8(v));
    if constexpr (std::is_same_v<T, std::uint8_t>) return vmovl_u8(vget_low_u8(v));
    if constexpr (std::is_same_v<T, std::int16_t>) return vmovl_s16(vget_low_s16(v));
    if constexpr (std::is_same_v<T, std::uint16_t>) return vmovl_u16(vget_low_u16(v));
}
template <instruction_set Arch, widenable T>
[[nodiscard]] inline vec<detail::twice_as_wide<T>, Arch> widen_hi(vec<T, Arch> v) noexcept {
    if constexpr (std::is_same_v<T, std::int8_t>) return vmovl_high_s8(v);
    if constexpr (std::is_same_v<T, std::uint8_t>) return vmovl_high_u8(v);
    if constexpr (std::is_same_v<T, std::int16_t>) return vmovl_high_s16(v);
    if constexpr (std::is_same_v<T, std::uint16_t>) return vmovl_high_u16(v);
}

template <instruction_set Arch>
[[nodiscard]] inline vec<std::int32_t, Arch> madd16(vec<std::int16_t, Arch> a,
                                                    vec<std::int16_t, Arch> b) noexcept {
    const int16x8_t x = a;
    const int16x8_t y = b;
    return vpaddq_s32(vmull_s16(vget_low_s16(x), vget_low_s16(y)), vmull_high_s16(x, y));
}

template <instruction_set Arch, class A>
requires(std::same_as<A, std::int8_t> || std::same_as<A, std::uint8_t>)
    [[nodiscard]] inline vec<std::int32_t, Arch> dot8(vec<std::int32_t, Arch> sum, vec<A, Arch> a,
                                                      vec<std::int8_t, Arch> b) noexcept {
    if constexpr (std::is_same_v<A, std::int8_t>) {
#        if defined(__ARM_FEATURE_DOTPROD)
        if constexpr (std::is_same_v<Arch, neon_dotprod>) return vdotq_s32(sum, a, b);
#        endif
        const int8x16_t x = a;
        const int8x16_t y = b;
        // |product| <= 2^14 fits 16 bits; pairs are added in 32.
        return vpadalq_s16(vpadalq_s16(sum, vmull_s8(vget_low_s8(x), vget_low_s8(y))), vmull_high_s8(x, y));
    } else {
        const auto lo = simd::bit_cast_to<std::int16_t, Arch>(simd::widen_lo<Arch, A>(a));
        const auto hi = simd::bit_cast_to<std::int16_t, Arch>(simd::widen_hi<Arch, A>(a));
        // |product| <= 255 * 128 = 32640 fits 16 bits.
        return vpadalq_s16(vpadalq_s16(sum, lo * simd::widen_lo<Arch, std::int8_t>(b)),
                           hi * simd::widen_hi<Arch, std::int8_t>(b));
    }
}

template <class To, instruction_set Arch>
requires(std::same_as<To, std::int8_t> || std::same_as<To, std::uint8_t>)
    [[nodiscard]] inline vec<To, Arch> narrow_sat(vec<std::int16_t, Arch> lo,
                                                  vec<std::int16_t, Arch> hi) noexcept {
    if constexpr (std::is_same_v<To, std::int8_t>) return vcombine_s8(vqmovn_s16(lo), vqmovn_s16(hi));
    if constexpr (std::is_same_v<To, std::uint8_t>) return vcombine_u8(vqmovun_s16(lo), vqmovun_s16(hi));
}
template <class To, instruction_set Arch>
requires std::same_as<To, std::int16_t>
[[nodiscard]] inline vec<To, Arch> narrow_sat(vec<std::int32_t, Arch> lo,
                                              vec<std::int32_t, Arch> hi) noexcept {
    return vcombine_s16(vqmovn_s32(lo), vqmovn_s32(hi));
}

template <instruction_set Arch>
[[nodiscard]] inline vec<std::uint8_t, Arch> lut16(const std::uint8_t (&table)[16],
                                                   vec<std::uint8_t, Arch> index) noexcept {
    return vqtbl1q_u8(vld1q_u8(table), index);
}

#    endif

}  // namespace pith::inline v1::simd

#endif
