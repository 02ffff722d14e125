// The loops of packed attention over units, for every instruction set with registers of bytes.
// Own work over the sums of attention_dots_avx2.hpp and attention_dots_neon.hpp. Several queries share what
// unpacking costs: units are unpacked into the nearest cache a few kilobytes at a time.
#pragma once

#include <cstddef>
#include <cstdint>

#include <pith/simd/attention_dots_avx2.hpp>
#include <pith/simd/attention_dots_neon.hpp>
#include <pith/simd/attention_units.hpp>

#if !defined(PITH_NO_SIMD) && (defined(__AVX2__) || defined(__aarch64__))

namespace pith::inline v1::simd {

namespace detail {

/// Reads the levels of a unit from its codes.
template <unsigned Bits, bool Table>
struct packed_units {
    static constexpr std::size_t bytes = unit_bytes<Bits>;
    static constexpr bool in_memory = true;
    level_tables tables;

    [[nodiscard, gnu::always_inline]] unit_vectors operator()(const std::uint8_t* p) const noexcept {
        return load_levels<Bits, Table>(p, tables);
    }
};

/// Reads levels that lie in the nearest cache.
struct unpacked_units {
    static constexpr std::size_t bytes = unit_codes;
    static constexpr bool in_memory = false;

    [[nodiscard, gnu::always_inline]] unit_vectors operator()(const std::uint8_t* p) const noexcept {
        return {byte_vector::load(p), byte_vector::load(p + 32), byte_vector::load(p + 64),
                byte_vector::load(p + 96)};
    }
};

/// Asks for what will be read soon: the processor's own prefetching stops at the end of a page. Behind the
/// last byte it asks for nothing that matters.
template <class Units>
[[gnu::always_inline]] inline void prefetch_ahead(const std::uint8_t* p, std::size_t size) noexcept {
    if constexpr (Units::in_memory)
        for (std::size_t at = 0; at < size; at += 64)
            __builtin_prefetch(
                reinterpret_cast<const void*>(reinterpret_cast<std::uintptr_t>(p) + 2048 + at));
}

/// Levels of `count` units, 128 bytes each.
template <class Units>
inline void unpack_levels(const Units& read, const std::uint8_t* units, std::size_t count,
                          std::uint8_t* out) noexcept {
    for (std::size_t i = 0; i < count; ++i, units += Units::bytes, out += unit_codes) {
        prefetch_ahead<Units>(units, Units::bytes);
        const unit_vectors x = read(units);
        x.a.store(out), x.b.store(out + 32), x.c.store(out + 64), x.d.store(out + 96);
    }
}

/// The products of one chunk, up to key_sum::vectors units, with a query.
template <unsigned Bits, bool Table, unsigned Halves, instruction_set Arch, class Units>
[[gnu::always_inline]] inline void key_chunk(const Units& read, const std::uint8_t* units,
                                             std::size_t vectors, std::size_t channels,
                                             const std::int8_t* query, std::size_t half_stride,
                                             std::int32_t* out) noexcept {
    using sum = key_sum<Bits, Table, Arch>;
    sum a, b, c, d, a2, b2, c2, d2;
    prefetch_ahead<Units>(units, vectors * Units::bytes);
#    if defined(__GNUC__)
#        pragma GCC unroll 4
#    endif
    for (std::size_t u = 0; u < vectors; ++u) {
        const unit_vectors x = read(units + u * Units::bytes);
        const auto* q = reinterpret_cast<const std::uint8_t*>(query) + unit_lanes * u;
        const byte_vector q1 = byte_vector::load(q);
        a.add(x.a, q1), b.add(x.b, q1), c.add(x.c, q1), d.add(x.d, q1);
        a.sum.hold(), b.sum.hold(), c.sum.hold(), d.sum.hold();
        if constexpr (Halves == 2) {
            const byte_vector q2 = byte_vector::load(q + half_stride);
            a2.add(x.a, q2), b2.add(x.b, q2), c2.add(x.c, q2), d2.add(x.d, q2);
            a2.sum.hold(), b2.sum.hold(), c2.sum.hold(), d2.sum.hold();
        }
    }
    const auto joined = [](const sum& first, const sum& second) {
        return sum::template joined<Halves>(first, Halves == 2 ? second : first);
    };
    store_token_sums(joined(a, a2), joined(b, b2), joined(c, c2), joined(d, d2), channels, out);
}

/// Vectors known when compiling are unrolled, which saves a sixth.
template <unsigned Bits, bool Table, unsigned Halves, instruction_set Arch, std::size_t Vectors, class Units>
inline void key_chunks_of(const Units& read, const std::uint8_t* units, std::size_t chunks,
                          const std::int8_t* query, std::int32_t* out) noexcept {
    for (std::size_t i = 0; i < chunks; ++i)
        key_chunk<Bits, Table, Halves, Arch>(read, units + i * Vectors * Units::bytes, Vectors, unit_lanes,
                                             query, unit_lanes * Vectors, out + 4 * i);
}

template <unsigned Bits, bool Table, unsigned Halves, instruction_set Arch, class Units>
inline void key_chunks(const Units& read, const std::uint8_t* units, std::size_t vectors,
                       std::size_t channels, std::size_t chunks, const std::int8_t* query,
                       std::int32_t* out) noexcept {
    if (vectors == 4) return key_chunks_of<Bits, Table, Halves, Arch, 4>(read, units, chunks, query, out);
    if (vectors == 2) return key_chunks_of<Bits, Table, Halves, Arch, 2>(read, units, chunks, query, out);
    constexpr std::size_t most = key_sum<Bits, Table, Arch>::vectors;
    const std::size_t tokens = 4 * (unit_lanes / channels);
    for (std::size_t i = 0; i < chunks; ++i, units += vectors * Units::bytes, out += tokens)
        for (std::size_t u = 0; u < vectors; u += most) {
            std::int32_t part[16];
            const std::size_t some = vectors - u < most ? vectors - u : most;
            key_chunk<Bits, Table, Halves, Arch>(read, units + u * Units::bytes, some, channels,
                                                 query + unit_lanes * u, unit_lanes * vectors,
                                                 u == 0 ? out : part);
            for (std::size_t t = 0; u != 0 && t < tokens; ++t) out[t] += part[t];
        }
}

template <unsigned Bits, bool Table, unsigned Halves, instruction_set Arch>
inline void key_dots_vectors(const std::uint8_t* units, std::size_t vectors, std::size_t channels,
                             std::size_t chunks, const std::int8_t* queries, std::size_t count,
                             const code_levels& levels, std::int32_t* out, std::size_t out_stride) noexcept {
    const packed_units<Bits, Table> read{level_tables::of<Bits, Table>(levels, 0)};
    if (count == 1)
        return key_chunks<Bits, Table, Halves, Arch>(read, units, vectors, channels, chunks, queries, out);
    constexpr std::size_t room = 2 * max_key_vectors;
    alignas(32) std::uint8_t unpacked[room * unit_codes];
    const std::size_t at_once = room / vectors, tokens = 4 * (unit_lanes / channels);
    for (std::size_t i = 0; i < chunks; i += at_once) {
        const std::size_t some = chunks - i < at_once ? chunks - i : at_once;
        unpack_levels(read, units + i * vectors * unit_bytes<Bits>, some * vectors, unpacked);
        for (std::size_t q = 0; q < count; ++q)
            key_chunks<Bits, Table, Halves, Arch>(unpacked_units{}, unpacked, vectors, channels, some,
                                                  queries + q * Halves * unit_lanes * vectors,
                                                  out + q * out_stride + i * tokens);
    }
}

/// Adds the products of sixteen weights with the levels of one or two units.
template <unsigned Groups, class Sum>
[[gnu::always_inline]] inline void add_unit(Sum& to_x, Sum& to_y, const std::uint8_t* weights,
                                            const unit_vectors& x, const unit_vectors& y) noexcept {
    const byte_vector a = Sum::four(weights), b = Sum::four(weights + 4), c = Sum::four(weights + 8),
                      d = Sum::four(weights + 12);
    to_x.add(a, x.a), to_x.add(b, x.b), to_x.add(c, x.c), to_x.add(d, x.d);
    to_x.hold();
    if constexpr (Groups == 2) {
        to_y.add(a, y.a), to_y.add(b, y.b), to_y.add(c, y.c), to_y.add(d, y.d);
        to_y.hold();
    }
}

/// One or two groups of eight channels over all tokens: the broadcast weights serve both. `more` is added.
template <unsigned Bits, bool Table, unsigned Halves, instruction_set Arch, unsigned Groups, class Units>
[[gnu::always_inline]] inline void value_groups(const Units& read, const std::uint8_t* units,
                                                std::size_t token_groups, std::size_t stride,
                                                const std::uint8_t* weights, std::int32_t more,
                                                std::int32_t* out) noexcept {
    using sum = value_sum<Bits, Table, Arch>;
    sum x_upper, x_lower, y_upper, y_lower;
    const std::uint8_t* const other = units + stride * Units::bytes;
    const auto some = [&](std::size_t t, std::size_t count) __attribute__((always_inline)) {
        prefetch_ahead<Units>(units + t * Units::bytes, count * Units::bytes);
        if constexpr (Groups == 2) prefetch_ahead<Units>(other + t * Units::bytes, count * Units::bytes);
        for (std::size_t i = t; i < t + count; ++i) {
            const unit_vectors x = read(units + i * Units::bytes);
            unit_vectors y = x;
            if constexpr (Groups == 2) y = read(other + i * Units::bytes);
            add_unit<Groups>(x_upper, y_upper, weights + 16 * i, x, y);
            if constexpr (Halves == 2)
                add_unit<Groups>(x_lower, y_lower, weights + 16 * (token_groups + i), x, y);
        }
        x_upper.settle(), y_upper.settle(), x_lower.settle(), y_lower.settle();
    };
    std::size_t t = 0;
    for (; t + sum::units <= token_groups; t += sum::units) some(t, sum::units);
    for (; t < token_groups; ++t) some(t, 1);
    const auto store = [&](const sum& upper, const sum& lower, std::int32_t* to) {
        if constexpr (Halves == 2)
            upper.template joined<Bits == 8 ? 7 : 8>(lower).store(more, to);
        else
            upper.store(more, to);
    };
    store(x_upper, x_lower, out);
    if constexpr (Groups == 2) store(y_upper, y_lower, out + 8);
}

/// What levels less by value_sum::level_offset leave out.
template <unsigned Bits, bool Table, unsigned Halves, instruction_set Arch>
[[nodiscard]] inline std::int32_t left_out(const std::uint8_t* weights, std::size_t token_groups) noexcept {
    constexpr std::int32_t offset = value_sum<Bits, Table, Arch>::level_offset;
    if constexpr (offset == 0) return 0;
    std::int32_t sum = byte_sum(weights, token_groups);
    if constexpr (Halves == 2)
        sum = weight_radix<Bits> * sum + byte_sum(weights + 16 * token_groups, token_groups);
    return offset * sum;
}

template <unsigned Bits, bool Table, unsigned Halves, instruction_set Arch>
inline void value_sums_vectors(const std::uint8_t* units, std::size_t channel_groups,
                               std::size_t token_groups, std::size_t stride, const std::uint8_t* weights,
                               std::size_t count, const code_levels& levels, std::int32_t* out,
                               std::size_t out_stride) noexcept {
    const packed_units<Bits, Table> read{
        level_tables::of<Bits, Table>(levels, value_sum<Bits, Table, Arch>::level_offset)};
    alignas(32) std::uint8_t unpacked[2 * max_value_groups * unit_codes];
    std::int32_t more[max_shared_queries];
    for (std::size_t q = 0; q < count; ++q)
        more[q] = left_out<Bits, Table, Halves, Arch>(weights + q * Halves * 16 * token_groups, token_groups);
    for (std::size_t g = 0; g < channel_groups; g += 2) {
        const std::uint8_t* const from = units + g * stride * unit_bytes<Bits>;
        const bool two = g + 1 < channel_groups;
        const auto run = [&](const auto& units_of, const std::uint8_t* at, std::size_t step, std::size_t q) {
            const std::uint8_t* const w = weights + q * Halves * 16 * token_groups;
            std::int32_t* const to = out + q * out_stride + 8 * g;
            if (two)
                value_groups<Bits, Table, Halves, Arch, 2>(units_of, at, token_groups, step, w, more[q], to);
            else
                value_groups<Bits, Table, Halves, Arch, 1>(units_of, at, token_groups, step, w, more[q], to);
        };
        if (count == 1) {
            run(read, from, stride, 0);
            continue;
        }
        for (std::size_t i = 0; i <= (two ? 1U : 0U); ++i)
            unpack_levels(read, from + i * stride * unit_bytes<Bits>, token_groups,
                          unpacked + i * token_groups * unit_codes);
        for (std::size_t q = 0; q < count; ++q) run(unpacked_units{}, unpacked, token_groups, q);
    }
}

}  // namespace detail

}  // namespace pith::inline v1::simd

#endif
