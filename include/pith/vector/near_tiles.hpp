// Tiles of points that lie near each other, and their nearest entries without a look at entries that lie too
// far from all points of a tile: the result is that of the full search.
// Own work: Morton (1966) order, boxes around 256 and around 16 points, bounds as in R-trees. Pays for few
// coordinates and many entries.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <utility>
#include <vector>

#include <pith/core/assert.hpp>
#include <pith/simd/box_bound.hpp>
#include <pith/simd/nearest.hpp>
#include <pith/simd/reduce.hpp>

namespace pith::inline v1::vector {

namespace detail {

/// Up to so many coordinates are put in order by place, and searched with so many entries or more.
inline constexpr std::size_t placed_coordinates = 6;
inline constexpr std::size_t placed_entries = 64;

/// The numbers 0 ... n - 1 of points along a curve that keeps near ones together. at(i, j) is coordinate j
/// of point i, relative to some middle. Precondition: 1 to placed_coordinates coordinates, finite; n below
/// 2^32.
template <class At>
[[nodiscard]] inline std::vector<std::uint32_t> placed_order(std::size_t n, std::size_t d, At at) {
    const unsigned bits = d == 1 ? 12 : d == 2 ? 8 : d == 3 ? 5 : d == 4 ? 4 : 3;
    std::vector<std::uint64_t> keys(n), other(n);
    for (std::size_t i = 0; i < n; ++i) keys[i] = i;
    for (std::size_t j = 0; j < d; ++j) {
        float spread = 0;
        const std::size_t step = 1 + n / 1024;  // a sample tells enough
        for (std::size_t i = 0; i < n; i += step) spread += at(i, j) < 0 ? -at(i, j) : at(i, j);
        const float cells = static_cast<float>(1U << bits);
        const float seen = static_cast<float>((n + step - 1) / step);
        const float scale = spread > 0 ? cells * seen / (6 * spread) : 0;  // 3 mean deviations to each side
        std::array<std::uint64_t, 1U << 12> place;                         // of a cell along the curve
        for (unsigned c = 0; c < 1U << bits; ++c) {
            std::uint64_t key = 0;
            for (unsigned b = 0; b < bits; ++b) key |= std::uint64_t{c >> b & 1U} << (32 + b * d + j);
            place[c] = key;
        }
        for (std::size_t i = 0; i < n; ++i) {
            const float cell = at(i, j) * scale + cells / 2;
            keys[i] |= place[static_cast<unsigned>(cell > 0 ? (cell < cells - 1 ? cell : cells - 1) : 0)];
        }
    }
    for (unsigned shift = 32; shift < 32 + bits * d; shift += 9) {
        std::array<std::uint32_t, 513> first{};
        for (const std::uint64_t k : keys) ++first[(k >> shift & 511) + 1];
        for (std::size_t b = 1; b < 512; ++b) first[b] += first[b - 1];
        for (const std::uint64_t k : keys) other[first[k >> shift & 511]++] = k;
        keys.swap(other);
    }
    std::vector<std::uint32_t> out(n);
    for (std::size_t i = 0; i < n; ++i) out[i] = static_cast<std::uint32_t>(keys[i]);
    return out;
}

/// Entries by columns, for box_bounds, and where each one stood.
struct entry_columns {
    std::vector<float> values;
    std::vector<std::uint32_t> index;
    std::size_t stride, count = 0;

    entry_columns(std::size_t most, std::size_t d)
        : stride((most + simd::box_points - 1) / simd::box_points * simd::box_points) {
        values.resize(stride * d);
        index.resize(stride);
    }
    [[nodiscard]] std::size_t padded() const noexcept {
        return (count + simd::box_points - 1) / simd::box_points * simd::box_points;
    }
    /// Repeats the last entry up to a multiple of box_points.
    void pad() noexcept {
        for (std::size_t j = 0; j < values.size(); j += stride)
            for (std::size_t k = count; k < padded(); ++k) values[j + k] = values[j + count - 1];
    }
};

}  // namespace detail

/// Boxes around tiles of points, which stand in order of their places (placed_order) for these to be small,
/// relative to the centre of the codebooks they will meet.
template <simd::instruction_set Arch = simd::native>
class near_tiles {
  public:
    /// True where a search through these tiles pays.
    [[nodiscard]] static constexpr bool pays(std::size_t entries, std::size_t dimension) noexcept {
        return entries >= detail::placed_entries && dimension <= detail::placed_coordinates;
    }

    /// A codebook as searches want it.
    class target {
      public:
        explicit target(const simd::scored_entries& book)
            : book_(book), columns_(book.offsets.size(), book.dimension) {
            columns_.count = book.offsets.size();
            for (std::size_t k = 0; k < columns_.count; ++k) {
                float norm = 0;
                for (std::size_t j = 0; j < book.dimension; ++j) {
                    const float c = book.entries[k * book.dimension + j];
                    columns_.values[j * columns_.stride + k] = c;
                    norm += c * c;
                }
                columns_.index[k] = static_cast<std::uint32_t>(k);
                largest_ = std::max(largest_, norm);
            }
            columns_.pad();
        }

      private:
        friend near_tiles;
        simd::scored_entries book_;
        detail::entry_columns columns_;
        float largest_ = 0;  // squared norm
    };

    /// Over tiles that must outlive this: coordinate j of point l of tile t at [(t * dimension + j) * 16 +
    /// l].
    near_tiles(std::span<const float> tiles, std::size_t dimension) : values_(tiles), dimension_(dimension) {
        const std::size_t count = tiles.size() / (simd::tile_points * dimension);
        for (std::size_t k = 0; k < count; ++k) boxes_.push_back(box_of(k, k + 1));
        for (std::size_t k = 0; k < count; k += tiles_per_group)
            group_boxes_.push_back(box_of(k, std::min(count, k + tiles_per_group)));
    }

    [[nodiscard]] std::size_t groups() const noexcept { return group_boxes_.size(); }
    /// Calls found(number of the tile, the nearest entries of its points) for the tiles of a group.
    /// Precondition: the entries have the points' dimension.
    template <class Found>
    void search(std::size_t group, const target& among, Found found) const {
        const std::size_t d = dimension_, entries = among.columns_.count;
        const std::size_t first = group * tiles_per_group;
        detail::entry_columns near(entries, d);
        std::vector<float> least(near.stride);
        std::vector<std::uint32_t> kept(entries);
        const std::size_t end = std::min(boxes_.size(), first + tiles_per_group);
        near.count = keep_near(first, end, group_boxes_[group], among, among.columns_, least, near.index);
        for (std::size_t n = 0; n < near.count; ++n)
            for (std::size_t j = 0; j < d; ++j)
                near.values[j * near.stride + n] = among.book_.entries[near.index[n] * d + j];
        near.pad();
        for (std::size_t t = first; t < end; ++t) {
            const std::size_t left = keep_near(t, t + 1, boxes_[t], among, near, least, kept);
            simd::nearest_entries nearest;
            simd::nearest_in_tile<Arch>(values_.subspan(t * simd::tile_points * d, simd::tile_points * d),
                                        among.book_, std::span<const std::uint32_t>(kept).first(left),
                                        nearest);
            found(t, nearest);
        }
    }

  private:
    static constexpr std::size_t tiles_per_group = 16;

    struct box {
        std::array<float, detail::placed_coordinates> middle, half;
    };
    [[nodiscard]] box box_of(std::size_t first, std::size_t end) const noexcept {
        box out{};
        for (std::size_t j = 0; j < dimension_; ++j) {
            float low = std::numeric_limits<float>::infinity(), high = -low;
            for (std::size_t t = first; t < end; ++t) {
                const auto own = values_.subspan((t * dimension_ + j) * simd::tile_points, simd::tile_points);
                low = std::min(low, simd::reduce<simd::reduction::min, Arch>(own));
                high = std::max(high, simd::reduce<simd::reduction::max, Arch>(own));
            }
            out.middle[j] = low / 2 + high / 2;
            out.half[j] = high / 2 - low / 2;
        }
        return out;
    }
    /// What roundings may move bounds and scores apart: scores have an error of at most 10 * 2^-24 (r + s)^2
    /// for points and entries within r and s of the centre, bounds one of 40 * 2^-24 (r + s)^2 or less.
    [[nodiscard]] float slack(const box& b, float largest) const noexcept {
        float norm = 0;
        for (std::size_t j = 0; j < dimension_; ++j) {
            const float m = b.middle[j] < 0 ? -b.middle[j] : b.middle[j];
            norm += (m + b.half[j]) * (m + b.half[j]);
        }
        return 0x1p-16F * (norm + largest);
    }
    /// Writes to `kept` those of `from` that may be the nearest of a point of some tiles, in their order.
    [[nodiscard]] std::size_t keep_near(std::size_t first, std::size_t end, const box& b, const target& among,
                                        const detail::entry_columns& from, std::span<float> least,
                                        std::span<std::uint32_t> kept) const noexcept {
        const std::size_t central =
            simd::box_bounds<Arch>(from.values.data(), from.stride, from.padded(), b.middle.data(),
                                   b.half.data(), dimension_, least.data());
        float bound = 0;
        for (std::size_t t = first; t < end; ++t)
            bound = std::max(
                bound, simd::farthest_in_tile<Arch>(values_.data() + t * simd::tile_points * dimension_,
                                                    from.values.data() + central, from.stride, dimension_));
        return simd::keep_within<Arch>(least.data(), bound + slack(b, among.largest_), from.index.data(),
                                       from.count, kept.data());
    }

    std::span<const float> values_;
    std::size_t dimension_;
    std::vector<box> boxes_, group_boxes_;
};

}  // namespace pith::inline v1::vector
