// Scores for frames of a screen or a video: attention of the newest queries, the norm of the state, and how
// much of an old key the keys of the current frame cannot express. GUI-KV (Huang et al., 2025). The basis is
// a truncated singular value decomposition; the published code takes the first columns of an unpivoted QR,
// which is no best basis.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <utility>
#include <vector>

#include <pith/kv/saliency_geometry.hpp>
#include <pith/kv/saliency_window.hpp>
#include <pith/transform/principal_axes.hpp>

namespace pith::inline v1::kv {

/// Orthonormal rows spanning what the rows of one head's keys have most of: at most `rank`, and none whose
/// singular value is below 1e-5 of the first. Encoder-side.
[[nodiscard]] inline std::vector<std::vector<float>> key_basis(const lane_view& rows, std::size_t head,
                                                               std::size_t head_size, std::size_t first,
                                                               std::size_t rank) {
    std::vector<double> gram(head_size * head_size);
    for (std::size_t t = first; t < rows.keys.rows(); ++t) {
        const auto k = head_of_row(rows.keys, t, head, head_size);
        for (std::size_t a = 0; a < head_size; ++a)
            for (std::size_t b = 0; b < head_size; ++b)
                gram[a * head_size + b] += double{k[a]} * double{k[b]};
    }
    const transform::eigen_system axes = transform::symmetric_eigen(std::move(gram), head_size);
    std::vector<std::vector<float>> basis;
    for (std::size_t i = 0; i < std::min(rank, head_size) && axes.values[i] > 1e-10 * axes.values[0]; ++i) {
        basis.emplace_back(head_size);
        for (std::size_t j = 0; j < head_size; ++j)
            basis.back()[j] = static_cast<float>(axes.vectors[i * head_size + j]);
    }
    return basis;
}

struct subspace_options {
    std::size_t window = 8;    ///< queries observed
    std::size_t frame = 64;    ///< the newest rows, which are the current frame
    std::size_t rank = 32;     ///< of the current frame's keys
    float state_weight = 2;    ///< alpha: of the term of the norm
    float temperature = 3.5F;  ///< tau
};

/// (observed attention, scaled to mean one, + alpha T softmax(z / tau)) * share of the key outside the
/// current frame's span, with z the standardized norm of the value, which stands in for that of the hidden
/// state; T tokens. Tokens of the current frame keep the share one. The product of the two parts is this
/// library's reading.
class subspace_residual {
  public:
    explicit subspace_residual(subspace_options options = {}) : options_(options), window_(options.window) {}

    void observe(const lane_place& lane, view_2d<const float> queries, const lane_view& rows) {
        window_.observe(lane, queries, rows);
    }
    void score(const lane_place& lane, const lane_view& rows, std::span<float> out) const {
        window_.score(lane, rows, out);
        scale_to_mean_one(out);
        std::vector<float> state(out.size());
        norms_.score(lane, rows, state);
        standardize(state);
        for (float& z : state) z /= options_.temperature;
        softmax(state);
        const float weight = options_.state_weight * static_cast<float>(out.size());
        for (std::size_t t = 0; t < out.size(); ++t) out[t] += weight * state[t];
        if (out.size() <= options_.frame || !shows(rows.keys, out)) return;
        const std::size_t old = out.size() - options_.frame;
        std::vector<float> residual(old);
        const head_layout heads = layout_of(lane);
        for (std::size_t h = 0; h < heads.heads; ++h) add_residuals(rows, h, heads.head_size, residual);
        for (std::size_t t = 0; t < old; ++t) out[t] *= residual[t] / static_cast<float>(heads.heads);
    }

  private:
    static void standardize(std::span<float> x) noexcept {
        double sum = 0, squares = 0;
        for (const float v : x) {
            sum += double{v};
            squares += double{v} * double{v};
        }
        const double n = static_cast<double>(std::max<std::size_t>(x.size(), 1)), mean = sum / n;
        const double deviation = std::sqrt(std::max(squares / n - mean * mean, 1e-20));
        for (float& v : x) v = static_cast<float>((double{v} - mean) / deviation);
    }
    void add_residuals(const lane_view& rows, std::size_t head, std::size_t d, std::span<float> out) const {
        const auto basis = key_basis(rows, head, d, out.size(), options_.rank);
        for (std::size_t t = 0; t < out.size(); ++t) {
            const auto k = head_of_row(rows.keys, t, head, d);
            const double whole = double{detail::norm(k)} * double{detail::norm(k)};
            double inside = 0;
            for (const auto& axis : basis) {
                const double part = double{simd::dot_fast(k, std::span<const float>(axis))};
                inside += part * part;
            }
            if (whole > 0) out[t] += static_cast<float>(std::sqrt(std::clamp(1 - inside / whole, 0.0, 1.0)));
        }
    }

    subspace_options options_;
    observation_window window_;
    value_norm norms_;
};

}  // namespace pith::inline v1::kv
