// The integer products of packed attention in registers of AVX2, with the dot products of VNNI where they are.
// Own work; pmaddubsw and pmaddwd, 16-bit sums as long as they cannot overflow.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include <pith/simd/attention_units.hpp>

#if !defined(PITH_NO_SIMD) && defined(__AVX2__)

namespace pith::inline v1::simd {

namespace detail {

/// Running sums of products in eight 32-bit lanes, or in sixteen of 16 bits where the codes are small.
template <unsigned Bits, bool Table, instruction_set Arch>
struct product_sum {
    // At most 15 * 128 * 2 * 8 = 30720 or 15 * 255 * 2 * 4 = 30600 before `total` is called.
    static constexpr bool vnni =
#    if defined(__AVX512VNNI__)
        std::is_same_v<Arch, avx512_vnni>;
#    else
        false;
#    endif
    static constexpr bool narrow = Bits < 8 && !Table && !vnni;
    __m256i sum = _mm256_setzero_si256();

    [[gnu::always_inline]] void add(__m256i unsigned_bytes, __m256i signed_bytes) noexcept {
#    if defined(__AVX512VNNI__)
        if constexpr (vnni) {
            sum = _mm256_dpbusd_epi32(sum, unsigned_bytes, signed_bytes);
            return;
        }
#    endif
        const __m256i pairs = _mm256_maddubs_epi16(unsigned_bytes, signed_bytes);
        sum = narrow ? _mm256_add_epi16(sum, pairs) : _mm256_add_epi32(sum, widened(pairs));
    }
    [[gnu::always_inline]] void add_key(byte_vector x, __m256i q) noexcept {
        if constexpr (Bits == 8)
            add(_mm256_abs_epi8(q), _mm256_sign_epi8(x.v, q));  // |q| <= 128, |x| <= 127
        else
            add(x.v, q);
    }
    [[nodiscard, gnu::always_inline]] __m256i total() const noexcept { return narrow ? widened(sum) : sum; }
    [[nodiscard, gnu::always_inline]] static __m256i widened(__m256i pairs) noexcept {
        return _mm256_madd_epi16(pairs, _mm256_set1_epi16(1));
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

template <unsigned Bits, bool Table, unsigned Halves, instruction_set Arch>
[[gnu::always_inline]] inline void key_chunk(const std::uint8_t* units, std::size_t vectors,
                                             std::size_t channels, const std::int8_t* query,
                                             std::size_t half_stride, byte_vector table,
                                             std::int32_t* out) noexcept {
    using sum_type = product_sum<Bits, Table, Arch>;
    sum_type a, b, c, d, a2, b2, c2, d2;
    for (std::size_t u = 0; u < vectors; ++u) {
        unit_vectors x = load_unit<Bits>(units + u * unit_bytes<Bits>);
        if constexpr (Table)
            x = {x.a.looked_up_in(table), x.b.looked_up_in(table), x.c.looked_up_in(table),
                 x.d.looked_up_in(table)};
        const auto* q = reinterpret_cast<const std::uint8_t*>(query) + unit_lanes * u;
        const __m256i q1 = byte_vector::load(q).v;
        a.add_key(x.a, q1), b.add_key(x.b, q1), c.add_key(x.c, q1), d.add_key(x.d, q1);
        if constexpr (Halves == 2) {
            const __m256i q2 = byte_vector::load(q + half_stride).v;
            a2.add_key(x.a, q2), b2.add_key(x.b, q2), c2.add_key(x.c, q2), d2.add_key(x.d, q2);
        }
    }
    const auto joined = [](const sum_type& upper, const sum_type& lower) {
        if constexpr (Halves == 1) return upper.total();
        return _mm256_add_epi32(_mm256_slli_epi32(upper.total(), 8), lower.total());
    };
    store_token_sums(joined(a, a2), joined(b, b2), joined(c, c2), joined(d, d2), channels, out);
}

/// The sum of 16 * groups bytes.
[[nodiscard, gnu::always_inline]] inline std::int32_t byte_sum(const std::uint8_t* bytes,
                                                               std::size_t groups) noexcept {
    __m128i sum = _mm_setzero_si128();
    for (std::size_t g = 0; g < groups; ++g)
        sum = _mm_add_epi32(sum, _mm_sad_epu8(_mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes) + g),
                                              _mm_setzero_si128()));
    return _mm_cvtsi128_si32(sum) + _mm_extract_epi32(sum, 2);
}

/// One or two groups of eight channels over all tokens: the broadcast weights serve both.
template <unsigned Bits, bool Table, unsigned Halves, instruction_set Arch, unsigned Groups>
[[gnu::always_inline]] inline void value_groups(const std::uint8_t* units, std::size_t token_groups,
                                                std::size_t stride, const std::uint8_t* weights,
                                                byte_vector table, __m256i correction,
                                                std::int32_t* out) noexcept {
    __m256i first[2] = {_mm256_setzero_si256(), _mm256_setzero_si256()};
    __m256i second[2] = {first[0], first[0]};
    const std::uint8_t* const other = units + stride * unit_bytes<Bits>;
    for (std::size_t t = 0; t < token_groups; ++t) {
        unit_vectors x = load_unit<Bits>(units + t * unit_bytes<Bits>), y{};
        if constexpr (Groups == 2) y = load_unit<Bits>(other + t * unit_bytes<Bits>);
        if constexpr (Table) {
            x = {x.a.looked_up_in(table), x.b.looked_up_in(table), x.c.looked_up_in(table),
                 x.d.looked_up_in(table)};
            if constexpr (Groups == 2)
                y = {y.a.looked_up_in(table), y.b.looked_up_in(table), y.c.looked_up_in(table),
                     y.d.looked_up_in(table)};
        }
        for (unsigned h = 0; h < Halves; ++h) {
            const std::uint8_t* w = weights + 16 * (h * token_groups + t);
            const auto word = [w](std::size_t i) {
                std::int32_t four;
                std::memcpy(&four, w + 4 * i, 4);
                return _mm256_set1_epi32(four);
            };
            product_sum<Bits, Table, Arch> p, q;
            const __m256i w0 = word(0), w1 = word(1), w2 = word(2), w3 = word(3);
            p.add(w0, x.a.v), p.add(w1, x.b.v), p.add(w2, x.c.v), p.add(w3, x.d.v);
            first[h] = _mm256_add_epi32(first[h], p.total());
            if constexpr (Groups == 2) {
                q.add(w0, y.a.v), q.add(w1, y.b.v), q.add(w2, y.c.v), q.add(w3, y.d.v);
                second[h] = _mm256_add_epi32(second[h], q.total());
            }
        }
    }
    const auto store = [&](const __m256i (&s)[2], std::int32_t* to) {
        __m256i v = s[0];
        if constexpr (Halves == 2)
            v = _mm256_add_epi32(_mm256_slli_epi32(v, Bits == 8 ? 7 : 8), s[1]);
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), _mm256_add_epi32(v, correction));
    };
    store(first, out);
    if constexpr (Groups == 2) store(second, out + 8);
}

template <unsigned Bits, bool Table, unsigned Halves, instruction_set Arch>
inline void value_sums_vectors(const std::uint8_t* units, std::size_t channel_groups, std::size_t token_groups,
                               std::size_t stride, const std::uint8_t* weights, const code_levels& levels,
                               std::int32_t* out) noexcept {
    // Levels up to 127 times weights up to 255 would not fit pairs of 16 bits: 64 less do, and are added again.
    byte_vector table = byte_vector::load_twice(levels.data());
    __m256i correction = _mm256_setzero_si256();
    if constexpr (Table) {
        table.v = _mm256_sub_epi8(table.v, _mm256_set1_epi8(64));
        std::int32_t sum = byte_sum(weights, token_groups);
        if constexpr (Halves == 2)
            sum = weight_radix<Bits> * sum + byte_sum(weights + 16 * token_groups, token_groups);
        correction = _mm256_set1_epi32(64 * sum);
    }
    std::size_t g = 0;
    for (; g + 2 <= channel_groups; g += 2)
        value_groups<Bits, Table, Halves, Arch, 2>(units + g * stride * unit_bytes<Bits>, token_groups, stride,
                                                   weights, table, correction, out + 8 * g);
    if (g < channel_groups)
        value_groups<Bits, Table, Halves, Arch, 1>(units + g * stride * unit_bytes<Bits>, token_groups, stride,
                                                   weights, table, correction, out + 8 * g);
}

template <unsigned Bits, bool Table, unsigned Halves, instruction_set Arch>
inline void key_dots_vectors(const std::uint8_t* units, std::size_t vectors, std::size_t channels,
                             std::size_t chunks, const std::int8_t* query, const code_levels& levels,
                             std::int32_t* out) noexcept {
    const byte_vector table = byte_vector::load_twice(levels.data());
    const std::size_t tokens = 4 * (unit_lanes / channels);
    for (std::size_t i = 0; i < chunks; ++i) {
        const std::uint8_t* const chunk = units + i * vectors * unit_bytes<Bits>;
        // Eight vectors at most before 16-bit sums are widened.
        for (std::size_t u = 0; u < vectors; u += 8) {
            std::int32_t part[16];
            const std::size_t some = vectors - u < 8 ? vectors - u : 8;
            std::int32_t* const to = u == 0 ? out + tokens * i : part;
            key_chunk<Bits, Table, Halves, Arch>(chunk + u * unit_bytes<Bits>, some, channels,
                                                 query + unit_lanes * u, unit_lanes * vectors, table, to);
            if (u != 0)
                for (std::size_t t = 0; t < tokens; ++t) out[tokens * i + t] += part[t];
        }
    }
}

}  // namespace detail

}  // namespace pith::inline v1::simd

#endif
