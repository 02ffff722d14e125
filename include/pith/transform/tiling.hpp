// One-dimensional quasi-periodic tilings by long and short tiles, and the hierarchy of their supertiles.
// The cut-and-project sequences behind Quasicryth (Tacconelli, 2026), in 64-bit fractions instead of floats.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include <pith/core/assert.hpp>

namespace pith::inline v1::transform {

/// Tile k is long iff floor((k + 1) alpha + theta) - floor(k alpha + theta) is 1, with alpha and theta in
/// units of 2^-64. A long tile covers two places, a short one covers one. Exact: integers only.
struct tiling {
    std::uint64_t alpha;
    std::uint64_t theta = 0;
    friend constexpr bool operator==(const tiling&, const tiling&) = default;

    /// True iff tile k is long: the fraction passes 1.
    [[nodiscard]] constexpr bool is_long(std::uint64_t k) const noexcept {
        const std::uint64_t fraction = theta + k * alpha;
        return static_cast<std::uint64_t>(fraction + alpha) < fraction;
    }
};

/// alpha = 1 / golden ratio: Fibonacci's tiling, whose supertiles never end. `phase` in units of 2^-64.
[[nodiscard]] constexpr tiling fibonacci_tiling(std::uint64_t phase = 0) noexcept {
    return {0x9E37'79B9'7F4A'7C15U, phase};
}
/// alpha = 3/5: long, long, short, long, short, for ever; its supertiles end at eight places.
[[nodiscard]] constexpr tiling period_five_tiling(unsigned shift = 0) noexcept {
    constexpr std::uint64_t fifth = 0x3333'3333'3333'3333U;
    return {3 * fifth, fifth / 2 + shift % 5 * fifth};  // half a step away from where floor would jump
}

/// The numbers of places that supertiles cover: 2, 3, 5, ..., 144.
inline constexpr std::array<std::uint32_t, 10> tile_lengths{2, 3, 5, 8, 13, 21, 34, 55, 89, 144};

namespace detail {

/// A tile: the place that it starts at, and this bit if it is long.
inline constexpr std::uint32_t long_tile = std::uint32_t{1} << 31;

/// The tiles that start before `places`, in order. Returns their number.
inline std::size_t lay_tiles(const tiling& tiles_of, std::size_t places,
                             std::span<std::uint32_t> tiles) noexcept {
    std::size_t count = 0;
    for (std::size_t place = 0; place < places; ++count) {
        const bool is_long = tiles_of.is_long(count);
        tiles[count] = static_cast<std::uint32_t>(place) | (is_long ? long_tile : 0);
        place += is_long ? 2 : 1;
    }
    return count;
}

/// LS to L, other L to S, in place; a first S has nothing to join, and of a last L it is not known what
/// follows: both are left out. Returns the new number, or 0 where two short tiles meet.
inline std::size_t join_tiles(std::span<std::uint32_t> tiles) noexcept {
    std::size_t made = 0;
    for (std::size_t k = 0; k + 1 < tiles.size(); ++k) {
        const bool is_long = (tiles[k] & long_tile) != 0;
        const bool next_is_long = (tiles[k + 1] & long_tile) != 0;
        if (!is_long && !next_is_long) return 0;
        // made <= k: what is overwritten has been read.
        if (is_long) tiles[made++] = (tiles[k] & ~long_tile) | (next_is_long ? 0 : long_tile);
    }
    return made;
}

}  // namespace detail

/// Sets bit l of starts[p] where a supertile of tile_lengths[l] places starts at place p and ends inside the
/// span; other bits stay, so that several tilings can be laid over each other. A short tile joins the long
/// one before it to a long supertile; a long tile that none follows is a short supertile. The hierarchy ends
/// where two short tiles meet. `tiles` is scratch of as many elements. Linear in the places. Exact.
inline void mark_supertiles(const tiling& tiles_of, std::span<std::uint16_t> starts,
                            std::span<std::uint32_t> tiles) noexcept {
    PITH_ASSERT(tiles.size() >= starts.size() && starts.size() < detail::long_tile);
    std::size_t count = detail::lay_tiles(tiles_of, starts.size(), tiles);
    for (std::size_t level = 0; level < tile_lengths.size() && count != 0; ++level) {
        for (const std::uint32_t tile : tiles.first(count)) {
            const std::uint32_t place = tile & ~detail::long_tile;
            if (tile != place && starts.size() - place >= tile_lengths[level])
                starts[place] = static_cast<std::uint16_t>(starts[place] | 1U << level);
        }
        count = detail::join_tiles(tiles.first(count));
    }
}

}  // namespace pith::inline v1::transform
