// Sums of integer products for packed attention in registers of AVX2, with the dot products of VNNI where
// they are. Own work; pmaddubsw and pmaddwd, 16-bit sums as long as they cannot overflow.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>
#include <utility>

#include <pith/simd/attention_units.hpp>

#if !defined(PITH_NO_SIMD) && defined(__AVX2__)

namespace pith::inline v1::simd {

namespace detail {

#    if defined(__AVX512VNNI__)
template <instruction_set Arch>
inline constexpr bool has_byte_dots = std::is_same_v<Arch, avx512_vnni>;
#    else
template <instruction_set Arch>
inline constexpr bool has_byte_dots = false;
#    endif

/// A register of sums. Compilers would join the products of many vectors before they add them, and run out of
/// registers: `hold` makes them add each in turn.
struct sum_vector {
    __m256i v = _mm256_setzero_si256();

    [[gnu::always_inline]] void hold() noexcept { asm("" : "+x"(v)); }
    /// Adds pairs of 16-bit sums, times `factor`, in 32 bits.
    [[gnu::always_inline]] void add_pairs(__m256i pairs, std::int16_t factor = 1) noexcept {
        v = _mm256_add_epi32(v, _mm256_madd_epi16(pairs, _mm256_set1_epi16(factor)));
    }
    /// Adds products of bytes, pairs of which fit 16 bits: to 16-bit sums if Narrow.
    template <bool Narrow, instruction_set Arch>
    [[gnu::always_inline]] void add_products(__m256i unsigned_bytes, __m256i signed_bytes) noexcept {
#    if defined(__AVX512VNNI__)
        if constexpr (has_byte_dots<Arch>) {
            v = _mm256_dpbusd_epi32(v, unsigned_bytes, signed_bytes);
            return;
        }
#    endif
        const __m256i pairs = _mm256_maddubs_epi16(unsigned_bytes, signed_bytes);
        if constexpr (Narrow)
            v = _mm256_add_epi16(v, pairs);
        else
            add_pairs(pairs);
    }
};

/// Products of levels with a query, four channels of a token in each of eight lanes.
template <unsigned Bits, bool Table, instruction_set Arch>
struct key_sum {
    /// Vectors that may be added before `joined`: 15 * 128 * 2 * 8 = 30720.
    static constexpr std::size_t vectors = 8;
    static constexpr bool narrow = Bits < 8 && !Table && !has_byte_dots<Arch>;
    sum_vector sum;

    [[gnu::always_inline]] void add(byte_vector x, byte_vector q) noexcept {
        if constexpr (Bits == 8)  // |q| <= 128, |x| <= 127
            sum.add_products<narrow, Arch>(_mm256_abs_epi8(q.v), _mm256_sign_epi8(x.v, q.v));
        else
            sum.add_products<narrow, Arch>(x.v, q.v);
    }
    /// upper * query_radix + lower, of one half lower alone.
    template <unsigned Halves>
    [[nodiscard, gnu::always_inline]] static __m256i joined(const key_sum& upper,
                                                            const key_sum& lower) noexcept {
        sum_vector all = lower.sum;
        if constexpr (narrow) {
            all = {};
            all.add_pairs(lower.sum.v);
            if constexpr (Halves == 2) all.add_pairs(upper.sum.v, query_radix);
        } else if constexpr (Halves == 2) {
            all.v = _mm256_add_epi32(all.v, _mm256_slli_epi32(upper.sum.v, 8));
        }
        return all.v;
    }
};

/// Lane sums of four vectors: tokens of 32, 16 or 8 channels each.
[[gnu::always_inline]] inline void store_token_sums(__m256i a, __m256i b, __m256i c, __m256i d,
                                                    std::size_t channels, std::int32_t* out) noexcept {
    const __m256i ab = _mm256_hadd_epi32(a, b), cd = _mm256_hadd_epi32(c, d);
    if (channels == 8) {  // a01 a23 b01 b23 | a45 a67 b45 b67
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(out), _mm256_permute4x64_epi64(ab, 0xD8));
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(out + 8), _mm256_permute4x64_epi64(cd, 0xD8));
        return;
    }
    const __m256i all = _mm256_hadd_epi32(ab, cd);  // lower halves of a b c d | upper halves
    const __m128i lo = _mm256_castsi256_si128(all), hi = _mm256_extracti128_si256(all, 1);
    auto* to = reinterpret_cast<__m128i*>(out);
    if (channels == 16) {
        _mm_storeu_si128(to, _mm_unpacklo_epi32(lo, hi));
        _mm_storeu_si128(to + 1, _mm_unpackhi_epi32(lo, hi));
    } else {
        _mm_storeu_si128(to, _mm_add_epi32(lo, hi));
    }
}

/// Products of four weights with the levels of four tokens, a channel in each of eight lanes.
template <unsigned Bits, bool Table, instruction_set Arch>
struct value_sum {
    static constexpr bool narrow = Bits < 8 && !Table && !has_byte_dots<Arch>;
    /// Units that may be added before `settle`: (2^Bits - 1) * 255 * 2 * 4 each, 30600 at most.
    static constexpr std::size_t units = !narrow ? 1 : Bits == 2 ? 4 : Bits == 3 ? 2 : 1;
    /// Levels up to 127 times weights up to 255 would not fit pairs of 16 bits: so much less do.
    static constexpr std::uint8_t level_offset = Table ? 64 : 0;
    sum_vector pairs, sum;

    /// Four weights, in every lane.
    [[nodiscard, gnu::always_inline]] static byte_vector four(const std::uint8_t* weights) noexcept {
        std::int32_t word;
        std::memcpy(&word, weights, 4);
        return {_mm256_set1_epi32(word)};
    }
    [[gnu::always_inline]] void add(byte_vector w, byte_vector x) noexcept {
        (narrow ? pairs : sum).template add_products<narrow, Arch>(w.v, x.v);
    }
    [[gnu::always_inline]] void hold() noexcept { (narrow ? pairs : sum).hold(); }
    [[gnu::always_inline]] void settle() noexcept {
        if constexpr (narrow) sum.add_pairs(std::exchange(pairs.v, _mm256_setzero_si256()));
    }
    /// this * 2^Shift + lower
    template <int Shift>
    [[nodiscard, gnu::always_inline]] value_sum joined(const value_sum& lower) const noexcept {
        value_sum out;
        out.sum.v = _mm256_add_epi32(_mm256_slli_epi32(sum.v, Shift), lower.sum.v);
        return out;
    }
    [[gnu::always_inline]] void store(std::int32_t more, std::int32_t* to) const noexcept {
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), _mm256_add_epi32(sum.v, _mm256_set1_epi32(more)));
    }
};

/// The sum of 16 * groups bytes.
[[nodiscard, gnu::always_inline]] inline std::int32_t byte_sum(const std::uint8_t* bytes,
                                                               std::size_t groups) noexcept {
    __m128i sum = _mm_setzero_si128();
    for (std::size_t g = 0; g < groups; ++g)
        sum = _mm_add_epi32(sum, _mm_sad_epu8(_mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes) + g),
                                              _mm_setzero_si128()));
    return _mm_cvtsi128_si32(sum) + _mm_extract_epi32(sum, 2);
}

}  // namespace detail

}  // namespace pith::inline v1::simd

#endif
