// Scores by the attention expected of coming queries, from the mean and covariance of those seen.
// Expected attention (Devoto et al., 2025). The publication turns statistics of queries before the rotary
// embedding to the positions to come; here they are taken of rotated queries, whose mean over many positions
// has lost the fast pairs in the same way.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <pith/kv/saliency.hpp>
#include <pith/kv/saliency_geometry.hpp>

namespace pith::inline v1::kv {

/// softmax over tokens of m.k / sqrt d + k^T C k / (2 d), plus a small constant, times the norm of the value,
/// summed over query heads. Queries at positions below `skip`, those of sinks, do not count.
class expected_attention {
  public:
    explicit expected_attention(float floor = 0.02F, std::uint32_t skip = 4) : floor_(floor), skip_(skip) {}

    void observe(const lane_place& lane, view_2d<const float> queries, const lane_view& rows) {
        moments& m = lanes_[lane];
        const head_layout heads = layout_of(lane);
        const std::size_t d = heads.head_size, first = rows.positions.size() - queries.rows();
        m.sums.resize(heads.query_heads() * d);
        m.squares.resize(heads.query_heads() * d * d);
        for (std::size_t i = 0; i < queries.rows(); ++i) {
            if (rows.positions[first + i] < skip_) continue;
            ++m.count;
            for (std::size_t g = 0; g < heads.query_heads(); ++g) {
                const auto q = head_of_row(queries, i, g, d);
                double* const square = &m.squares[g * d * d];
                for (std::size_t a = 0; a < d; ++a) {
                    m.sums[g * d + a] += double{q[a]};
                    for (std::size_t b = 0; b < d; ++b) square[a * d + b] += double{q[a]} * double{q[b]};
                }
            }
        }
    }
    void score(const lane_place& lane, const lane_view& rows, std::span<float> out) const {
        for (float& v : out) v = 0;
        const moments* m = lanes_.find(lane);
        if (m == nullptr || m->count == 0 || !shows(rows.keys, out) || !shows(rows.values, out)) return;
        const head_layout heads = layout_of(lane);
        std::vector<float> weights(out.size()), mean(heads.head_size), covariance;
        for (std::size_t g = 0; g < heads.query_heads(); ++g) {
            statistics(*m, g, mean, covariance);
            const std::size_t head = g / heads.group;
            attention_logits(mean, rows.keys, head, rows.multiplicity, weights);
            for (std::size_t t = 0; t < weights.size(); ++t)
                weights[t] += half_form(covariance, head_of_row(rows.keys, t, head, heads.head_size));
            softmax(weights);
            for (std::size_t t = 0; t < out.size(); ++t)
                out[t] +=
                    (weights[t] + floor_) * detail::norm(head_of_row(rows.values, t, head, heads.head_size));
        }
    }

  private:
    struct moments {
        std::size_t count = 0;
        std::vector<double> sums, squares;
    };
    static void statistics(const moments& m, std::size_t g, std::vector<float>& mean,
                           std::vector<float>& covariance) {
        const std::size_t d = mean.size();
        const double n = static_cast<double>(m.count);
        covariance.resize(d * d);
        for (std::size_t a = 0; a < d; ++a) {
            mean[a] = static_cast<float>(m.sums[g * d + a] / n);
            for (std::size_t b = 0; b < d; ++b)
                covariance[a * d + b] = static_cast<float>(m.squares[(g * d + a) * d + b] / n -
                                                           m.sums[g * d + a] / n * (m.sums[g * d + b] / n));
        }
    }
    [[nodiscard]] static float half_form(std::span<const float> c, std::span<const float> k) noexcept {
        double sum = 0;
        for (std::size_t a = 0; a < k.size(); ++a)
            sum += double{k[a]} * double{simd::dot_fast(c.subspan(a * k.size(), k.size()), k)};
        return static_cast<float>(sum / (2 * static_cast<double>(k.size())));
    }

    float floor_;
    std::uint32_t skip_;
    lane_states<moments> lanes_;
};

}  // namespace pith::inline v1::kv
