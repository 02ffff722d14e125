// The integer products of packed attention in registers of AVX2, with the dot products of VNNI where they
// are. Own work; pmaddubsw and pmaddwd, 16-bit sums as long as they cannot overflow.
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

/// Asks for the bytes that will be read soon: the processor's own prefetching stops at the end of a page.
/// Behind the last byte it asks for nothing that matters.
[[gnu::always_inline]] inline void prefetch_ahead(const std::uint8_t* p) noexcept {
    _mm_prefetch(reinterpret_cast<const char*>(reinterpret_cast<std::uintptr_t>(p) + 2048), _MM_HINT_T0);
}

/// x with every code looked up, where there is a table.
template <bool Table>
[[nodiscard, gnu::always_inline]] inline unit_vectors looked_up(unit_vectors x, byte_vector table) noexcept {
    if constexpr (!Table) return x;
    return {x.a.looked_up_in(table), x.b.looked_up_in(table), x.c.looked_up_in(table),
            x.d.looked_up_in(table)};
}

template <unsigned Bits, bool Table, unsigned Halves, instruction_set Arch>
[[gnu::always_inline]] inline void key_chunk(const std::uint8_t* units, std::size_t vectors,
                                             std::size_t channels, const std::int8_t* query,
                                             std::size_t half_stride, byte_vector table,
                                             std::int32_t* out) noexcept {
    using sum_type = product_sum<Bits, Table, Arch>;
    sum_type a, b, c, d, a2, b2, c2, d2;
#    if defined(__GNUC__)
#        pragma GCC unroll 4
#    endif
    for (std::size_t u = 0; u < vectors; ++u) {
        const unit_vectors x = looked_up<Table>(load_unit<Bits>(units + u * unit_bytes<Bits>), table);
        prefetch_ahead(units + u * unit_bytes<Bits>);
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

/// sum + the products of sixteen tokens of eight channels; four weights are broadcast at a time, from memory.
template <unsigned Bits, bool Table, instruction_set Arch>
[[nodiscard, gnu::always_inline]] inline __m256i sixteen_tokens(__m256i sum, const std::uint8_t* weights,
                                                                const unit_vectors& x) noexcept {
    const auto four = [weights](std::size_t i) {
        std::int32_t word;
        std::memcpy(&word, weights + 4 * i, 4);
        return _mm256_set1_epi32(word);
    };
    product_sum<Bits, Table, Arch> p;
    p.add(four(0), x.a.v), p.add(four(1), x.b.v), p.add(four(2), x.c.v), p.add(four(3), x.d.v);
    return _mm256_add_epi32(sum, p.total());
}

/// One or two groups of eight channels over all tokens: the broadcast weights serve both.
template <unsigned Bits, bool Table, unsigned Halves, instruction_set Arch, unsigned Groups>
[[gnu::always_inline]] inline void value_groups(const std::uint8_t* units, std::size_t token_groups,
                                                std::size_t stride, const std::uint8_t* weights,
                                                byte_vector table, __m256i correction,
                                                std::int32_t* out) noexcept {
    __m256i x_upper = _mm256_setzero_si256(), x_lower = x_upper, y_upper = x_upper, y_lower = x_upper;
    const std::uint8_t* const other = units + stride * unit_bytes<Bits>;
    for (std::size_t t = 0; t < token_groups; ++t) {
        const unit_vectors x = looked_up<Table>(load_unit<Bits>(units + t * unit_bytes<Bits>), table);
        prefetch_ahead(units + t * unit_bytes<Bits>);
        unit_vectors y{};
        if constexpr (Groups == 2) y = looked_up<Table>(load_unit<Bits>(other + t * unit_bytes<Bits>), table);
        if constexpr (Groups == 2) prefetch_ahead(other + t * unit_bytes<Bits>);
        const std::uint8_t* const upper = weights + 16 * t;
        x_upper = sixteen_tokens<Bits, Table, Arch>(x_upper, upper, x);
        if constexpr (Groups == 2) y_upper = sixteen_tokens<Bits, Table, Arch>(y_upper, upper, y);
        if constexpr (Halves == 2) {
            const std::uint8_t* const lower = upper + 16 * token_groups;
            x_lower = sixteen_tokens<Bits, Table, Arch>(x_lower, lower, x);
            if constexpr (Groups == 2) y_lower = sixteen_tokens<Bits, Table, Arch>(y_lower, lower, y);
        }
    }
    const auto store = [&](__m256i upper, __m256i lower, std::int32_t* to) {
        __m256i v = upper;
        if constexpr (Halves == 2) v = _mm256_add_epi32(_mm256_slli_epi32(v, Bits == 8 ? 7 : 8), lower);
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), _mm256_add_epi32(v, correction));
    };
    store(x_upper, x_lower, out);
    if constexpr (Groups == 2) store(y_upper, y_lower, out + 8);
}

template <unsigned Bits, bool Table, unsigned Halves, instruction_set Arch>
inline void value_sums_vectors(const std::uint8_t* units, std::size_t channel_groups,
                               std::size_t token_groups, std::size_t stride, const std::uint8_t* weights,
                               const code_levels& levels, std::int32_t* out) noexcept {
    // Levels up to 127 times weights up to 255 would not fit pairs of 16 bits: 64 less do, and are added
    // again.
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
        value_groups<Bits, Table, Halves, Arch, 2>(units + g * stride * unit_bytes<Bits>, token_groups,
                                                   stride, weights, table, correction, out + 8 * g);
    if (g < channel_groups)
        value_groups<Bits, Table, Halves, Arch, 1>(units + g * stride * unit_bytes<Bits>, token_groups,
                                                   stride, weights, table, correction, out + 8 * g);
}

/// Vectors known when compiling are unrolled, which saves a sixth.
template <unsigned Bits, bool Table, unsigned Halves, instruction_set Arch, std::size_t Vectors>
inline void key_dots_of(const std::uint8_t* units, std::size_t chunks, const std::int8_t* query,
                        byte_vector table, std::int32_t* out) noexcept {
    for (std::size_t i = 0; i < chunks; ++i)
        key_chunk<Bits, Table, Halves, Arch>(units + i * Vectors * unit_bytes<Bits>, Vectors, unit_lanes,
                                             query, unit_lanes * Vectors, table, out + 4 * i);
}

template <unsigned Bits, bool Table, unsigned Halves, instruction_set Arch>
inline void key_dots_vectors(const std::uint8_t* units, std::size_t vectors, std::size_t channels,
                             std::size_t chunks, const std::int8_t* query, const code_levels& levels,
                             std::int32_t* out) noexcept {
    const byte_vector table = byte_vector::load_twice(levels.data());
    if (vectors == 4) return key_dots_of<Bits, Table, Halves, Arch, 4>(units, chunks, query, table, out);
    if (vectors == 2) return key_dots_of<Bits, Table, Halves, Arch, 2>(units, chunks, query, table, out);
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
