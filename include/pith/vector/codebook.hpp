// A codebook: a list of vectors, and for any vector the nearest of them.
// Linde, Buzo, Gray (1980). Entries are kept relative to a centre, so that scores lose no digits to a common
// offset of the data; all results are exact in the sense of core/exact: equal on every machine.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <pith/core/assert.hpp>
#include <pith/core/exact.hpp>
#include <pith/core/view.hpp>
#include <pith/simd/nearest.hpp>

namespace pith::inline v1::vector {

/// The largest dimension of one codebook: a tile of 16 points then takes 64 KB of the stack.
inline constexpr std::size_t max_codebook_dimension = 1024;

/// Writes `points.rows()` points, at most 16, relative to `centre` as a tile; missing points are zeros.
inline void fill_tile(view_2d<const float> points, std::span<const float> centre,
                      std::span<float> tile) noexcept {
    PITH_ASSERT(points.rows() <= simd::tile_points && centre.size() == points.columns() &&
                tile.size() == centre.size() * simd::tile_points);
    for (std::size_t l = 0; l < simd::tile_points; ++l) {
        if (l < points.rows()) {
            const float* x = points.data() + l * points.row_stride();
            for (std::size_t j = 0; j < centre.size(); ++j)
                tile[simd::tile_points * j + l] = x[j * points.column_stride()] - centre[j];
        } else {
            for (std::size_t j = 0; j < centre.size(); ++j) tile[simd::tile_points * j + l] = 0;
        }
    }
}

/// Entries of one dimension, `codebook` in the sense of vector/concepts.hpp.
class codebook {
  public:
    codebook() = default;
    /// Entries row after row, relative to the centre. Precondition: entries.size() is a multiple of
    /// centre.size(), which is in [1, max_codebook_dimension].
    codebook(std::vector<float> entries, std::vector<float> centre)
        : entries_(std::move(entries)), centre_(std::move(centre)) {
        PITH_ASSERT(!centre_.empty() && centre_.size() <= max_codebook_dimension &&
                    entries_.size() % centre_.size() == 0);
        refresh();
    }

    [[nodiscard]] std::size_t size() const noexcept { return offsets_.size(); }
    [[nodiscard]] std::size_t dimension() const noexcept { return centre_.size(); }
    [[nodiscard]] std::span<const float> centre() const noexcept { return centre_; }
    /// All entries relative to the centre, row after row.
    [[nodiscard]] std::span<const float> entries() const noexcept { return entries_; }
    /// Coordinate j of entry k: entry and centre summed.
    [[nodiscard]] float at(std::size_t k, std::size_t j) const noexcept {
        return entries_[k * dimension() + j] + centre_[j];
    }
    /// What kernels score with: half squared norms as offsets, so that the least score is the nearest.
    [[nodiscard]] simd::scored_entries scored() const noexcept { return {entries_, offsets_, dimension()}; }

    /// The nearest entries of up to 16 points, the lowest index among equals. Exact.
    template <simd::instruction_set Arch = simd::native>
    void nearest(view_2d<const float> points, simd::nearest_entries& out) const noexcept {
        float room[simd::tile_points * max_codebook_dimension];
        const std::span<float> tile(room, simd::tile_points * dimension());
        fill_tile(points, centre_, tile);
        simd::nearest_in_tile<Arch>(tile, scored(), out);
    }
    /// The index of the nearest entry of one point.
    template <simd::instruction_set Arch = simd::native>
    [[nodiscard]] std::uint32_t nearest(std::span<const float> point) const noexcept {
        simd::nearest_entries out;
        nearest<Arch>(view_2d<const float>(point, 1, point.size()), out);
        return out.index[0];
    }
    /// Entry k, centre included, into `out`. Precondition: k < size(), out.size() == dimension().
    void copy_entry(std::size_t k, std::span<float> out) const noexcept {
        PITH_ASSERT(k < size() && out.size() == dimension());
        for (std::size_t j = 0; j < out.size(); ++j) out[j] = at(k, j);
    }
    /// Lets `change(entries)` move the entries, relative to the centre.
    template <class F>
    void update(F&& change) {
        change(std::span<float>(entries_));
        refresh();
    }

  private:
    void refresh() {
        const std::size_t d = dimension();
        offsets_.resize(entries_.size() / d);
        for (std::size_t k = 0; k < offsets_.size(); ++k) {
            float norm = 0;
            for (std::size_t j = 0; j < d; ++j) norm += exact::mul(entries_[k * d + j], entries_[k * d + j]);
            offsets_[k] = norm / 2;
        }
    }

    std::vector<float> entries_, centre_, offsets_;
};

}  // namespace pith::inline v1::vector
