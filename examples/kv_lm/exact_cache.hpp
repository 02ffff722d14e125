// The cache that every other one is measured against: keys and values as they come, in float32.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <vector>

#include <pith/core/result.hpp>
#include <pith/core/view.hpp>
#include <pith/simd/dot.hpp>

#include "model.hpp"

namespace lm {

using floats = pith::view_2d<const float>;

/// Turns adjacent pairs of every head's coordinates by the angles of a position (Su et al., 2021).
class rotation {
  public:
    explicit rotation(const sizes& s) : size_(s.head_size) {
        for (std::size_t i = 0; i < size_ / 2; ++i)
            frequencies_.push_back(
                std::pow(s.rope_base, -2.0 * static_cast<double>(i) / static_cast<double>(size_)));
    }
    void turn(std::size_t position, std::span<float> heads) const {
        for (std::size_t i = 0; i < size_ / 2; ++i) {
            const double angle = static_cast<double>(position) * frequencies_[i];
            const auto cosine = static_cast<float>(std::cos(angle)),
                       sine = static_cast<float>(std::sin(angle));
            for (std::size_t at = 2 * i; at < heads.size(); at += size_) {
                const float a = heads[at], b = heads[at + 1];
                heads[at] = a * cosine - b * sine;
                heads[at + 1] = a * sine + b * cosine;
            }
        }
    }

  private:
    std::size_t size_;
    std::vector<double> frequencies_;
};

class exact_cache {
  public:
    explicit exact_cache(const sizes& s) : sizes_(s), rotation_(s), keys_(s.layers), values_(s.layers) {}

    /// Keys and queries before the rotation; one row a token.
    pith::result<void> append(std::size_t layer, floats keys, floats values, floats) {
        std::vector<float>&k = keys_[layer], &v = values_[layer];
        for (std::size_t t = 0; t < keys.rows(); ++t) {
            const std::size_t position = tokens(layer);
            const auto key = keys.row(t).as_span(), value = values.row(t).as_span();
            k.insert(k.end(), key.begin(), key.end());
            v.insert(v.end(), value.begin(), value.end());
            rotation_.turn(position, std::span(k).last(sizes_.kv_width()));
        }
        return {};
    }
    void end_prefill() {}
    /// The queries belong to the newest tokens, and see what is no newer.
    void attend(std::size_t layer, floats queries, pith::view_2d<float> out) {
        const std::size_t n = queries.rows(), size = sizes_.head_size, first = tokens(layer) - n;
        std::vector<float> turned;
        for (std::size_t t = 0; t < n; ++t) {
            const auto row = queries.row(t).as_span();
            turned.assign(row.begin(), row.end());
            rotation_.turn(first + t, turned);
            for (std::size_t h = 0; h < sizes_.heads; ++h)
                attend_head(layer, h / (sizes_.heads / sizes_.kv_heads), first + t + 1,
                            std::span(turned).subspan(h * size, size),
                            out.row(t).as_span().subspan(h * size, size));
        }
    }
    [[nodiscard]] std::size_t tokens(std::size_t layer) const {
        return keys_[layer].size() / sizes_.kv_width();
    }

  private:
    void attend_head(std::size_t layer, std::size_t head, std::size_t seen, std::span<const float> query,
                     std::span<float> out) {
        const std::size_t size = sizes_.head_size, stride = sizes_.kv_width();
        const float scale = 1 / std::sqrt(static_cast<float>(size));
        const float *const keys = keys_[layer].data() + head * size, *const values =
                                                                         values_[layer].data() + head * size;
        scores_.resize(seen);
        float most = -INFINITY, sum = 0;
        for (std::size_t t = 0; t < seen; ++t) {
            scores_[t] = scale * pith::simd::dot_fast(query, {keys + t * stride, size});
            most = std::max(most, scores_[t]);
        }
        std::fill(out.begin(), out.end(), 0.0F);
        for (std::size_t t = 0; t < seen; ++t) {
            const float weight = std::exp(scores_[t] - most);
            sum += weight;
            for (std::size_t d = 0; d < size; ++d) out[d] += weight * values[t * stride + d];
        }
        for (float& x : out) x /= sum;
    }

    sizes sizes_;
    rotation rotation_;
    std::vector<std::vector<float>> keys_, values_;
    std::vector<float> scores_;
};

}  // namespace lm
