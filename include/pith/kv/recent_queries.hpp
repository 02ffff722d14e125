// The queries of the newest batch, and the last ones before, for policies and codecs that look at them.
// No part of the cache's bytes: they only guide encoders.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include <pith/core/view.hpp>
#include <pith/kv/lane.hpp>
#include <pith/kv/rope.hpp>
#include <pith/kv/shape.hpp>

namespace pith::inline v1::kv {

class recent_queries {
  public:
    static constexpr std::size_t most = 64;  ///< rows that codecs are shown

    explicit recent_queries(const shape& sizes)
        : width_(sizes.query_channels()), batch_(sizes.layers), last_(sizes.layers) {}

    /// The queries of a batch in a layer, before rope; maybe none.
    void take(std::size_t layer, view_2d<const float> queries) {
        batch_[layer].resize(queries.size());
        for (std::size_t r = 0; r < queries.rows(); ++r)
            for (std::size_t c = 0; c < width_; ++c) batch_[layer][r * width_ + c] = queries(r, c);
    }
    /// A row of the batch is the newest now.
    void advance(std::size_t row, bool wanted) {
        if (!wanted) return;
        for (std::size_t layer = 0; layer < batch_.size(); ++layer) {
            std::vector<float>& to = last_[layer];
            if (to.size() == most * width_) to.erase(to.begin(), to.begin() + offset(width_));
            const auto from = batch_[layer].begin() + offset(row * width_);
            to.insert(to.end(), from, from + offset(width_));
        }
    }
    /// Rows of the batch for a lane's query heads, layer after layer, turned; the last of them is the lane's
    /// token `tokens` - 1.
    [[nodiscard]] std::vector<float> of_batch(const lane& l, std::size_t first, std::size_t rows,
                                              std::size_t tokens, rope_rotation& rotation,
                                              bool index_positions) const {
        std::vector<float> out(rows * l.place.layers * columns(l));
        for (std::size_t r = 0; r < rows; ++r) {
            const std::size_t token = tokens - rows + r;
            const std::size_t position = index_positions ? token : l.positions[token];
            copy_row(l, batch_, first + r, out.data() + r * l.place.layers * columns(l));
            rotation.turn(
                std::span(out).subspan(r * l.place.layers * columns(l), l.place.layers * columns(l)),
                static_cast<std::uint32_t>(position));
        }
        return out;
    }
    /// The last rows for a lane, that of position `newest` the last of them; how many.
    std::size_t recent(const lane& l, std::size_t newest, std::vector<float>& out, rope_rotation& rotation,
                       bool turn) const {
        const std::size_t rows = last_[0].size() / width_, each = l.place.layers * columns(l);
        out.resize(rows * each);
        for (std::size_t r = 0; r < rows; ++r) {
            copy_row(l, last_, r, out.data() + r * each);
            if (turn)
                rotation.turn(std::span(out).subspan(r * each, each),
                              static_cast<std::uint32_t>(newest + 1 - rows + r));
        }
        return rows;
    }

  private:
    [[nodiscard]] static std::ptrdiff_t offset(std::size_t n) noexcept {
        return static_cast<std::ptrdiff_t>(n);
    }
    /// Channels of the lane's query heads in one layer.
    [[nodiscard]] static std::size_t columns(const lane& l) noexcept {
        return l.place.heads * l.place.shape.queries_per_head() * l.place.shape.head_size;
    }
    void copy_row(const lane& l, const std::vector<std::vector<float>>& from, std::size_t row,
                  float* to) const {
        const std::size_t n = columns(l);
        const std::size_t start =
            l.place.first_head * l.place.shape.queries_per_head() * l.place.shape.head_size;
        for (std::size_t k = 0; k < l.place.layers; ++k)
            std::copy_n(from[l.place.first_layer + k].data() + row * width_ + start, n, to + k * n);
    }

    std::size_t width_;
    std::vector<std::vector<float>> batch_, last_;  ///< [layer]
};

}  // namespace pith::inline v1::kv
