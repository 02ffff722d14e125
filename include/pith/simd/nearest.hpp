// The nearest entries of a codebook for sixteen points at a time, and the scores of all entries.
// Brute force with points across lanes, after the blocked distances of every fast k-means; products are
// rounded before they are subtracted, so that all machines choose the same entry.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <type_traits>
#include <utility>

#include <pith/core/assert.hpp>
#include <pith/core/exact.hpp>
#include <pith/simd/arch.hpp>
#include <pith/simd/batch.hpp>
#include <pith/simd/strict_float.hpp>

namespace pith::inline v1::simd {

/// Points in a tile. Coordinate j of point l stands at tile[16 * j + l].
inline constexpr std::size_t tile_points = 16;

/// A codebook as the kernels want it: entry k has the coordinates entries[k * dimension + j], and the score
/// of a point x is offsets[k] - <x, entry k>, summed in the order of the coordinates. With half the squared
/// norm as the offset, the least score is the nearest entry.
struct scored_entries {
    std::span<const float> entries;
    std::span<const float> offsets;
    std::size_t dimension = 0;
};

/// For each point of a tile the least score and the lowest index that has it.
struct nearest_entries {
    float score[tile_points];
    std::uint32_t index[tile_points];
};

namespace twin {

/// scores[k * 16 + l] of every entry k and point l. Exact.
template <instruction_set Arch = native>
inline void score_tile(std::span<const float> tile, const scored_entries& book,
                       std::span<float> scores) noexcept {
    const std::size_t d = book.dimension;
    for (std::size_t k = 0; k < book.offsets.size(); ++k)
        for (std::size_t l = 0; l < tile_points; ++l) {
            float score = book.offsets[k];
            for (std::size_t j = 0; j < d; ++j)
                score -= exact::mul(tile[tile_points * j + l], book.entries[k * d + j]);
            scores[k * tile_points + l] = score;
        }
}

/// The nearest of `count` entries, number k of them at(k), of the points of a tile.
template <instruction_set Arch, class At>
inline void nearest_of(std::span<const float> tile, const scored_entries& book, std::size_t count, At at,
                       nearest_entries& out) noexcept {
    for (std::size_t l = 0; l < tile_points; ++l) {
        out.score[l] = std::numeric_limits<float>::infinity();
        out.index[l] = 0;
    }
    float scores[tile_points];
    const std::size_t d = book.dimension;
    for (std::size_t n = 0; n < count; ++n) {
        const std::size_t k = at(n);
        twin::score_tile<Arch>(tile, {book.entries.subspan(k * d, d), book.offsets.subspan(k, 1), d}, scores);
        for (std::size_t l = 0; l < tile_points; ++l)
            if (scores[l] < out.score[l]) {
                out.score[l] = scores[l];
                out.index[l] = static_cast<std::uint32_t>(k);
            }
    }
}
/// The nearest entries of the points of a tile, of all or of those in a list. Exact.
template <instruction_set Arch = native>
inline void nearest_in_tile(std::span<const float> tile, const scored_entries& book,
                            nearest_entries& out) noexcept {
    nearest_of<Arch>(
        tile, book, book.offsets.size(), [](std::size_t n) { return n; }, out);
}
template <instruction_set Arch = native>
inline void nearest_in_tile(std::span<const float> tile, const scored_entries& book,
                            std::span<const std::uint32_t> list, nearest_entries& out) noexcept {
    nearest_of<Arch>(
        tile, book, list.size(), [&](std::size_t n) { return std::size_t{list[n]}; }, out);
}

}  // namespace twin

namespace detail {

#ifndef PITH_NO_SIMD

// Calls f with 0, 1, …, Count - 1 as types: g++ -O2 keeps arrays that a loop indexes in memory.
template <std::size_t Count, class F>
[[gnu::always_inline]] inline void unrolled(F&& f) noexcept {
    [&]<std::size_t... I>(std::index_sequence<I...>) { (f(std::integral_constant<std::size_t, I>{}), ...); }
    (std::make_index_sequence<Count>{});
}

// All entries, or those of a list: entry number k of those that count.
struct all_entries {
    std::size_t count;
    [[nodiscard, gnu::always_inline]] std::size_t operator[](std::size_t k) const noexcept { return k; }
};
struct listed_entries {
    const std::uint32_t* index;
    std::size_t count;
    [[nodiscard, gnu::always_inline]] std::size_t operator[](std::size_t k) const noexcept {
        return index[k];
    }
};

// Scores of Rows entries from number k on: acc[r * vectors + v].
template <std::size_t Rows, instruction_set Arch, std::size_t Vectors, class Entries>
[[gnu::always_inline]] inline void score_rows(const float* tile, const scored_entries& book,
                                              const Entries& which, std::size_t k,
                                              vec<float, Arch> (&acc)[Rows * Vectors]) noexcept {
    constexpr std::size_t step = width<float, Arch>;
    const std::size_t d = book.dimension;
    const float* entry[Rows];
    unrolled<Rows>([&](auto r) { entry[r] = book.entries.data() + which[k + r] * d; });
    unrolled<Rows * Vectors>(
        [&](auto i) { acc[i] = vec<float, Arch>(book.offsets[which[k + i / Vectors]]); });
    for (std::size_t j = 0; j < d; ++j)
        unrolled<Rows>([&](auto r) {
            const vec<float, Arch> c(entry[r][j]);
            unrolled<Vectors>([&](auto v) {
                const auto x = simd::load<Arch>(tile + tile_points * j + step * v);
                acc[r * Vectors + v] = acc[r * Vectors + v] - simd::kept<Arch, float>(x * c);
            });
        });
}

// Runs f(entry, its scores) over the entries that count, in their order.
template <instruction_set Arch, class Entries, class F>
[[gnu::always_inline]] inline void for_each_score(const float* tile, const scored_entries& book,
                                                  const Entries& which, F&& f) noexcept {
    constexpr std::size_t vectors = tile_points / width<float, Arch>;
    constexpr std::size_t rows = vectors < 4 ? 4 : 2;  // as many sums as registers allow
    std::size_t k = 0;
    for (; k + rows <= which.count; k += rows) {
        vec<float, Arch> acc[rows * vectors];
        score_rows<rows, Arch, vectors>(tile, book, which, k, acc);
        unrolled<rows>([&](auto r) { f(which[k + r], acc + r * vectors); });
    }
    for (; k < which.count; ++k) {
        vec<float, Arch> acc[vectors];
        score_rows<1, Arch, vectors>(tile, book, which, k, acc);
        f(which[k], acc);
    }
}

template <instruction_set Arch, class Entries>
inline void nearest_vectors(const float* tile, const scored_entries& book, const Entries& which,
                            nearest_entries& out) noexcept {
    constexpr std::size_t step = width<float, Arch>;
    constexpr std::size_t vectors = tile_points / step;
    vec<float, Arch> best[vectors], index[vectors];
    unrolled<vectors>([&](auto v) {
        best[v] = vec<float, Arch>(std::numeric_limits<float>::infinity());
        index[v] = vec<float, Arch>(0.0F);
    });
    for_each_score<Arch>(tile, book, which, [&](std::size_t k, const vec<float, Arch>* score) {
        // The index travels as the bits of a float: selection moves bits, and never rounds them.
        const auto here =
            simd::bit_cast_to<float, Arch>(vec<std::int32_t, Arch>(static_cast<std::int32_t>(k)));
        unrolled<vectors>([&](auto v) {
            const auto less = score[v] < best[v];
            best[v] = simd::select<Arch, float>(less, score[v], best[v]);
            index[v] = simd::select<Arch, float>(less, here, index[v]);
        });
    });
    unrolled<vectors>([&](auto v) {
        simd::store<Arch, float>(out.score + step * v, best[v]);
        const auto bits = simd::bit_cast_to<std::uint32_t, Arch>(index[v]);
        simd::store<Arch, std::uint32_t>(out.index + step * v, bits);
    });
}

template <instruction_set Arch>
inline void score_vectors(const float* tile, const scored_entries& book, float* scores) noexcept {
    constexpr std::size_t step = width<float, Arch>;
    const all_entries which{book.offsets.size()};
    for_each_score<Arch>(tile, book, which, [&](std::size_t k, const vec<float, Arch>* score) {
        unrolled<tile_points / step>(
            [&](auto v) { simd::store<Arch, float>(scores + k * tile_points + step * v, score[v]); });
    });
}

#endif

}  // namespace detail

/// The nearest entries of the points of a tile; an entry whose score is no number is never the nearest.
/// Precondition: the sizes agree. Exact.
template <instruction_set Arch = native>
inline void nearest_in_tile(std::span<const float> tile, const scored_entries& book,
                            nearest_entries& out) noexcept {
    PITH_ASSERT(tile.size() == tile_points * book.dimension);
    PITH_ASSERT(book.entries.size() == book.offsets.size() * book.dimension);
#ifndef PITH_NO_SIMD
    if constexpr (!std::is_same_v<Arch, scalar>)
        return detail::nearest_vectors<Arch>(tile.data(), book, detail::all_entries{book.offsets.size()},
                                             out);
#endif
    twin::nearest_in_tile<Arch>(tile, book, out);
}
/// The same among the entries of a list, which rises. Exact.
template <instruction_set Arch = native>
inline void nearest_in_tile(std::span<const float> tile, const scored_entries& book,
                            std::span<const std::uint32_t> list, nearest_entries& out) noexcept {
    PITH_ASSERT(tile.size() == tile_points * book.dimension);
    PITH_ASSERT(book.entries.size() == book.offsets.size() * book.dimension);
#ifndef PITH_NO_SIMD
    if constexpr (!std::is_same_v<Arch, scalar>)
        return detail::nearest_vectors<Arch>(tile.data(), book,
                                             detail::listed_entries{list.data(), list.size()}, out);
#endif
    twin::nearest_in_tile<Arch>(tile, book, list, out);
}

/// scores[k * 16 + l] of every entry k and point l of a tile. Precondition: the sizes agree. Exact.
template <instruction_set Arch = native>
inline void score_tile(std::span<const float> tile, const scored_entries& book,
                       std::span<float> scores) noexcept {
    PITH_ASSERT(tile.size() == tile_points * book.dimension);
    PITH_ASSERT(book.entries.size() == book.offsets.size() * book.dimension);
    PITH_ASSERT(scores.size() == book.offsets.size() * tile_points);
#ifndef PITH_NO_SIMD
    if constexpr (!std::is_same_v<Arch, scalar>)
        return detail::score_vectors<Arch>(tile.data(), book, scores.data());
#endif
    twin::score_tile<Arch>(tile, book, scores);
}

}  // namespace pith::inline v1::simd
