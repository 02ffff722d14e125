// Budgets by how many directions the keys of a lane really use: the truncated matrix entropy.
// UNComp (Xiong et al., 2024). The elbow of the spectrum is where it lies farthest (and by a fifth of the
// first value at least) below the chord from first to last.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numeric>
#include <span>
#include <utility>
#include <vector>

#include <pith/kv/attention_rows.hpp>
#include <pith/kv/token_budget.hpp>
#include <pith/transform/principal_axes.hpp>

namespace pith::inline v1::kv {

/// - sum l log l / log d over the eigenvalues l, before the elbow, of the trace-normalized second moment of
/// the rows with their mean removed and each scaled to length one. In [0, 1]; 0 for fewer than two rows.
/// Encoder-side.
[[nodiscard]] inline double truncated_matrix_entropy(view_2d<const float> rows, std::size_t head,
                                                     std::size_t head_size) {
    const std::size_t n = rows.rows(), d = head_size;
    if (n < 2 || d < 2) return 0;
    std::vector<double> mean(d), x(d), gram(d * d);
    for (std::size_t t = 0; t < n; ++t)
        for (std::size_t j = 0; j < d; ++j) mean[j] += double{rows(t, head * d + j)} / static_cast<double>(n);
    double trace = 0;
    for (std::size_t t = 0; t < n; ++t) {
        double square = 0, whole = 0;
        for (std::size_t j = 0; j < d; ++j) {
            x[j] = double{rows(t, head * d + j)} - mean[j];
            square += x[j] * x[j];
            whole += double{rows(t, head * d + j)} * double{rows(t, head * d + j)};
        }
        if (!(square > 1e-12 * whole)) continue;  // nothing but rounding is left of it
        trace += 1;
        for (std::size_t a = 0; a < d; ++a)
            for (std::size_t b = 0; b < d; ++b) gram[a * d + b] += x[a] * x[b] / square;
    }
    if (!(trace > 0)) return 0;
    const auto values = transform::symmetric_eigen(std::move(gram), d).values;
    std::size_t elbow = d - 1;
    double deepest = 0.2 * values[0];
    for (std::size_t i = 0; i < d; ++i) {
        const double chord =
            values[0] + (values[d - 1] - values[0]) * static_cast<double>(i) / static_cast<double>(d - 1);
        if (chord - values[i] > deepest) {
            deepest = chord - values[i];
            elbow = i;
        }
    }
    double entropy = 0;
    for (std::size_t i = 0; i <= elbow; ++i) {
        const double l = std::max(values[i] / trace, 1e-300);
        entropy -= l * std::log(l);
    }
    return std::clamp(entropy / std::log(static_cast<double>(d)), 0.0, 1.0);
}

/// Layers are ranked by the mean entropy of their keys and cut in `stages` of falling budget, from 2 - 1/beta
/// to 1/beta of the mean; in each layer, the half of the heads with the higher entropy gets `head_ratio`
/// times as much.
struct entropy_stages_budget {
    std::size_t stages = 4;
    double beta = 20, head_ratio = 2;

    [[nodiscard]] std::vector<std::size_t> allocate(std::span<const lane_demand> lanes,
                                                    std::size_t total) const {
        std::vector<double> entropy(lanes.size()), weights(lanes.size());
        for (std::size_t i = 0; i < lanes.size(); ++i) entropy[i] = lane_entropy(lanes[i]);
        const std::vector<std::pair<std::size_t, std::size_t>> layers = layer_ranges(lanes);
        std::vector<float> means;
        for (const auto& [first, last] : layers) {
            double sum = 0;
            for (std::size_t i = first; i < last; ++i) sum += entropy[i];
            means.push_back(static_cast<float>(sum / static_cast<double>(last - first)));
        }
        const auto order = ranking(means);
        for (std::size_t rank = 0; rank < order.size(); ++rank) {
            const auto [first, last] = layers[order[rank]];
            weigh_heads(std::span(entropy).subspan(first, last - first),
                        stage_weight(rank * stages / order.size()),
                        std::span(weights).subspan(first, last - first));
        }
        return apportion(weights, detail::tokens_of(lanes), total);
    }

  private:
    [[nodiscard]] static double lane_entropy(const lane_demand& lane) {
        const std::size_t heads = lane.place.layers * lane.place.heads;
        double sum = 0;
        for (std::size_t h = 0; h < heads; ++h)
            sum += truncated_matrix_entropy(lane.tokens.keys, h, lane.place.shape.head_size);
        return sum / static_cast<double>(heads);
    }
    /// Lanes of one layer stand side by side.
    [[nodiscard]] static std::vector<std::pair<std::size_t, std::size_t>> layer_ranges(
        std::span<const lane_demand> lanes) {
        std::vector<std::pair<std::size_t, std::size_t>> out;
        for (std::size_t i = 0; i < lanes.size(); ++i) {
            if (i == 0 || lanes[i].place.first_layer != lanes[i - 1].place.first_layer) out.push_back({i, i});
            out.back().second = i + 1;
        }
        return out;
    }
    [[nodiscard]] double stage_weight(std::size_t stage) const noexcept {
        const double low = 1 / beta;
        return stages < 2
                   ? 1
                   : 2 - low - (2 - 2 * low) * static_cast<double>(stage) / static_cast<double>(stages - 1);
    }
    void weigh_heads(std::span<const double> entropy, double weight, std::span<double> out) const {
        std::vector<float> scores(entropy.begin(), entropy.end());
        const auto order = ranking(scores);
        for (std::size_t i = 0; i < order.size(); ++i)
            out[order[i]] = weight * (2 * (i + 1) <= order.size() ? head_ratio : 1.0);
    }
};

}  // namespace pith::inline v1::kv
