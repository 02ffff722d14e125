// The two integer products of attention over packed codes: a query with keys, weights with values.
// Own work. Keys lie with a token's channels along a vector, values with four tokens beside each other, so
// that the same pairwise products (pmaddubsw, vpdpbusd, udot, sdot) serve both and nothing is widened one by
// one.
#pragma once

#include <cstddef>
#include <cstdint>

#include <pith/core/assert.hpp>
#include <pith/simd/attention_loops.hpp>
#include <pith/simd/attention_units.hpp>

namespace pith::inline v1::simd {

namespace twin {

template <unsigned Bits, bool Table>
[[nodiscard]] inline std::int32_t level_of(std::uint8_t code, const code_levels& levels) noexcept {
    if constexpr (Bits == 8) return code < 128 ? code : code - 256;
    return Table ? levels[code] : code;
}

template <unsigned Bits, bool Table, unsigned Halves, instruction_set Arch>
requires attention_kernel<Bits, Table, Halves>
inline void key_dots(const std::uint8_t* units, std::size_t vectors, std::size_t channels, std::size_t chunks,
                     const std::int8_t* query, const code_levels& levels, std::int32_t* out) noexcept {
    const std::size_t tokens = unit_lanes / channels;  // in a vector
    for (std::size_t i = 0; i < 4 * tokens * chunks; ++i) {
        const std::size_t chunk = i / (4 * tokens), v = i / tokens % 4, first = i % tokens * channels;
        std::int32_t sum = 0;
        for (std::size_t u = 0; u < vectors; ++u)
            for (std::size_t l = first; l < first + channels; ++l) {
                const std::int8_t* q = query + unit_lanes * u + l;
                std::int32_t factor = q[0];
                if constexpr (Halves == 2) factor = query_radix * factor + q[unit_lanes * vectors];
                const std::uint8_t* unit = units + (chunk * vectors + u) * unit_bytes<Bits>;
                sum += factor * level_of<Bits, Table>(unit_code<Bits>(unit, v, l), levels);
            }
        out[i] = sum;
    }
}

template <unsigned Bits, bool Table, unsigned Halves, instruction_set Arch>
requires attention_kernel<Bits, Table, Halves>
inline void value_sums(const std::uint8_t* units, std::size_t channel_groups, std::size_t token_groups,
                       std::size_t stride, const std::uint8_t* weights, const code_levels& levels,
                       std::int32_t* out) noexcept {
    for (std::size_t c = 0; c < 8 * channel_groups; ++c) {
        std::int32_t sum = 0;
        for (std::size_t t = 0; t < 16 * token_groups; ++t) {
            std::int32_t factor = weights[t];
            if constexpr (Halves == 2) factor = weight_radix<Bits> * factor + weights[16 * token_groups + t];
            const std::uint8_t* unit = units + (c / 8 * stride + t / 16) * unit_bytes<Bits>;
            const std::uint8_t code = unit_code<Bits>(unit, t / 4 % 4, 4 * (c % 8) + t % 4);
            sum += factor * level_of<Bits, Table>(code, levels);
        }
        out[c] = sum;
    }
}

}  // namespace twin

/// Sums of several queries, or rows of weights, over the same units: `count` rows one after another, their
/// sums `out_stride` apart.
struct shared_rows {
    std::size_t count = 1, out_stride = 0;
};

/// out[t] = the sum over channels of query times level, for chunks of four vectors of tokens. `vectors` units
/// hold a chunk: unit u has channels 32 u to 32 u + 31 of four tokens; or, of heads up to 8 or 16 channels
/// (`channels`; else 32), all of sixteen or eight, one after another in each vector, and the query repeats.
/// query: Halves times 32 * vectors bytes each. Precondition: vectors <= max_key_vectors, 1 where channels
/// < 32; at most max_shared_queries rows. Exact.
template <unsigned Bits, bool Table, unsigned Halves, instruction_set Arch = native>
requires attention_kernel<Bits, Table, Halves>
inline void key_dots(const std::uint8_t* units, std::size_t vectors, std::size_t channels, std::size_t chunks,
                     const std::int8_t* queries, const code_levels& levels, std::int32_t* out,
                     shared_rows rows = {}) noexcept {
    PITH_ASSERT(vectors <= max_key_vectors && rows.count <= max_shared_queries);
    PITH_ASSERT(channels == 32 || ((channels == 8 || channels == 16) && vectors == 1));
#if !defined(PITH_NO_SIMD) && (defined(__AVX2__) || defined(__aarch64__))
    if constexpr (has_units<Arch>)
        return detail::key_dots_vectors<Bits, Table, Halves, Arch>(units, vectors, channels, chunks, queries,
                                                                   rows.count, levels, out, rows.out_stride);
#endif
    for (std::size_t r = 0; r < rows.count; ++r)
        twin::key_dots<Bits, Table, Halves, Arch>(units, vectors, channels, chunks,
                                                  queries + r * Halves * unit_lanes * vectors, levels,
                                                  out + r * rows.out_stride);
}

/// out[c] = the sum over tokens of weight times level, for channels 8 at a time. Unit (g, t), at g * stride +
/// t, has channels 8 g to 8 g + 7 of tokens 16 t to 16 t + 15: token 4 v + i and channel c in lane 4 c + i of
/// vector v. weights: Halves times 16 * token_groups bytes each; for 8-bit codes all below 128. Precondition:
/// token_groups <= max_value_groups; at most max_shared_queries rows. Exact.
template <unsigned Bits, bool Table, unsigned Halves, instruction_set Arch = native>
requires attention_kernel<Bits, Table, Halves>
inline void value_sums(const std::uint8_t* units, std::size_t channel_groups, std::size_t token_groups,
                       std::size_t stride, const std::uint8_t* weights, const code_levels& levels,
                       std::int32_t* out, shared_rows rows = {}) noexcept {
    PITH_ASSERT(token_groups <= max_value_groups && token_groups <= stride);
    PITH_ASSERT(rows.count <= max_shared_queries);
#if !defined(PITH_NO_SIMD) && (defined(__AVX2__) || defined(__aarch64__))
    if constexpr (has_units<Arch>)
        return detail::value_sums_vectors<Bits, Table, Halves, Arch>(
            units, channel_groups, token_groups, stride, weights, rows.count, levels, out, rows.out_stride);
#endif
    for (std::size_t r = 0; r < rows.count; ++r)
        twin::value_sums<Bits, Table, Halves, Arch>(units, channel_groups, token_groups, stride,
                                                    weights + r * Halves * 16 * token_groups, levels,
                                                    out + r * rows.out_stride);
}

}  // namespace pith::inline v1::simd
