// Beam search through stages of codebooks, for sixteen vectors at a time.
// As in residual quantization since Barnes, Rizvi, Nasrabadi (1996): of all ways to continue the best few
// prefixes, the best few are kept.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <pith/core/assert.hpp>
#include <pith/core/exact.hpp>
#include <pith/core/view.hpp>
#include <pith/simd/nearest.hpp>
#include <pith/vector/codebook.hpp>

namespace pith::inline v1::vector {

/// For each of up to 16 vectors, the best prefixes of a code and what is left of the vector after them.
template <simd::instruction_set Arch = simd::native>
class beam {
  public:
    /// Starts with the empty prefix. Precondition: at most 16 rows, width >= 1.
    beam(view_2d<const float> rows, std::size_t width) : dimension_(rows.columns()), width_(width) {
        PITH_ASSERT(width != 0);
        const std::vector<float> zero(dimension_);
        tiles_.resize(tile_size());
        fill_tile(rows, zero, tiles_);
        codes_.resize(simd::tile_points);
    }

    /// Lengthens every prefix by an entry of `book`. Exact: of equal ones the earlier prefix, then the lower
    /// index stays.
    void advance(const codebook& book) {
        PITH_ASSERT(book.dimension() == dimension_);
        centre_and_measure(book.centre());
        const std::size_t kept = std::min(width_, live_ * book.size());
        std::vector<candidate> best(kept * simd::tile_points);
        std::vector<float> scores(book.size() * simd::tile_points);
        for (std::size_t b = 0; b < live_; ++b) {
            simd::score_tile<Arch>(tile(b), book.scored(), scores);
            for (std::size_t l = 0; l < simd::tile_points; ++l)
                for (std::size_t k = 0; k < book.size(); ++k)
                    insert({half_norms_[b * simd::tile_points + l] + scores[k * simd::tile_points + l],
                            static_cast<std::uint32_t>(b), static_cast<std::uint32_t>(k)},
                           std::span(best).subspan(l * kept, kept));
        }
        move_on(book, best, kept);
    }
    /// Half the squared length of what is left of vector l after its best prefix, as scored in the last
    /// stage.
    [[nodiscard]] float cost(std::size_t l) const noexcept { return costs_[l]; }
    /// The best prefix of vector l.
    [[nodiscard]] std::span<const std::uint16_t> best(std::size_t l) const noexcept { return codes_[l]; }
    /// What is left of vector l after it.
    void copy_rest(std::size_t l, std::span<float> out) const noexcept {
        for (std::size_t j = 0; j < dimension_; ++j) out[j] = tiles_[simd::tile_points * j + l];
    }

  private:
    struct candidate {
        float cost = std::numeric_limits<float>::infinity();
        std::uint32_t from = 0, entry = 0;
    };

    [[nodiscard]] std::size_t tile_size() const noexcept { return simd::tile_points * dimension_; }
    [[nodiscard]] std::span<float> tile(std::size_t b) noexcept {
        return std::span(tiles_).subspan(b * tile_size(), tile_size());
    }
    void centre_and_measure(std::span<const float> centre) {
        half_norms_.assign(live_ * simd::tile_points, 0.0F);
        for (std::size_t b = 0; b < live_; ++b)
            for (std::size_t j = 0; j < dimension_; ++j)
                for (std::size_t l = 0; l < simd::tile_points; ++l) {
                    float& x = tile(b)[simd::tile_points * j + l];
                    x -= centre[j];
                    half_norms_[b * simd::tile_points + l] += exact::mul(x, x) / 2;
                }
    }
    static void insert(const candidate& one, std::span<candidate> sorted) noexcept {
        if (!(one.cost < sorted.back().cost)) return;
        std::size_t at = sorted.size() - 1;
        for (; at != 0 && one.cost < sorted[at - 1].cost; --at) sorted[at] = sorted[at - 1];
        sorted[at] = one;
    }
    void move_on(const codebook& book, const std::vector<candidate>& best, std::size_t kept) {
        std::vector<float> next(kept * tile_size());
        std::vector<std::vector<std::uint16_t>> codes(kept * simd::tile_points);
        costs_.resize(simd::tile_points);
        for (std::size_t b = 0; b < kept; ++b)
            for (std::size_t l = 0; l < simd::tile_points; ++l) {
                const candidate& c = best[l * kept + b];
                if (b == 0) costs_[l] = c.cost;
                codes[b * simd::tile_points + l] = codes_[c.from * simd::tile_points + l];
                codes[b * simd::tile_points + l].push_back(static_cast<std::uint16_t>(c.entry));
                for (std::size_t j = 0; j < dimension_; ++j)
                    next[b * tile_size() + simd::tile_points * j + l] =
                        tile(c.from)[simd::tile_points * j + l] - book.entries()[c.entry * dimension_ + j];
            }
        tiles_ = std::move(next);
        codes_ = std::move(codes);
        live_ = kept;
    }

    std::size_t dimension_, width_, live_ = 1;
    std::vector<float> tiles_, half_norms_, costs_;
    std::vector<std::vector<std::uint16_t>> codes_;
};

}  // namespace pith::inline v1::vector
