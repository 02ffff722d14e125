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

/// Bit l of starts[p]: a supertile of tile_lengths[l] places starts at place p and ends inside the span.
/// A short tile joins the long one before it to a long supertile, a long tile alone is a short supertile; a
/// first short one that nothing goes before is left out. The hierarchy ends where two short tiles meet.
/// `tiles` is scratch of as many elements. Linear in the number of places. Exact.
inline void mark_supertiles(const tiling& tiles_of, std::span<std::uint16_t> starts,
                            std::span<std::uint32_t> tiles) noexcept {
    constexpr std::uint32_t long_bit = std::uint32_t{1} << 31;
    PITH_ASSERT(tiles.size() >= starts.size() && starts.size() < long_bit);
    for (std::uint16_t& s : starts) s = 0;
    std::size_t count = 0;
    std::uint64_t fraction = tiles_of.theta;
    for (std::size_t place = 0; place < starts.size();) {
        const std::uint64_t next = fraction + tiles_of.alpha;
        const bool is_long = next < fraction;
        fraction = next;
        tiles[count++] = static_cast<std::uint32_t>(place) | (is_long ? long_bit : 0);
        place += is_long ? 2 : 1;
    }
    std::uint32_t lengths[2] = {1, 2};  // of a short and a long tile
    for (std::size_t level = 0; level < tile_lengths.size(); ++level) {
        std::size_t made = 0;
        for (std::size_t k = 0; k < count; ++k) {
            const std::uint32_t place = tiles[k] & ~long_bit;
            if ((tiles[k] & long_bit) == 0) {
                if (k != 0 && (tiles[k - 1] & long_bit) == 0) return;
                continue;
            }
            if (starts.size() - place >= lengths[1])
                starts[place] = static_cast<std::uint16_t>(starts[place] | 1U << level);
        }
        for (std::size_t k = 0; k < count; ++k) {
            if ((tiles[k] & long_bit) == 0) continue;
            const bool joined = k + 1 < count && (tiles[k + 1] & long_bit) == 0;
            tiles[made++] = (tiles[k] & ~long_bit) | (joined ? long_bit : 0);  // made <= k
        }
        count = made;
        const std::uint32_t sum = lengths[0] + lengths[1];
        lengths[0] = lengths[1];
        lengths[1] = sum;
    }
}

}  // namespace pith::inline v1::transform
