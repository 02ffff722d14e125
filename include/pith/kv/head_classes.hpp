// What heads and layers are like, learned beforehand from a calibration text: who retrieves, whose attention
// stands in columns, whose is spread, and what eviction costs each layer. CompressKV (Lin et al., 2025), HACK
// (Qin et al., 2025), ScaleKV (Li et al., 2025) classify so, on data of their own; the rules here use any
// text.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include <pith/kv/calibration.hpp>
#include <pith/kv/eviction.hpp>
#include <pith/kv/plan_rows.hpp>
#include <pith/kv/saliency.hpp>
#include <pith/kv/saliency_window.hpp>

namespace pith::inline v1::kv {

/// Keys and queries of a calibration text as attention takes them, one layer at a time.
class rotated_sample {
  public:
    /// The first `tokens` of the text at most.
    rotated_sample(const calibration& from, std::size_t layer, std::size_t tokens)
        : from_(from),
          layer_(layer),
          keys_(from.keys[layer]),
          queries_(from.queries[layer]),
          tokens_(std::min(tokens, from.tokens())) {
        rope_rotation turn(from.rope, from.shape.head_size);
        const std::size_t k = from.shape.key_channels(), q = from.shape.query_channels();
        for (std::size_t t = 0; t < tokens_; ++t) {
            turn.turn(std::span(keys_).subspan(t * k, k), from.positions[t]);
            turn.turn(std::span(queries_).subspan(t * q, q), from.positions[t]);
        }
    }
    /// The layer's lane of all heads.
    [[nodiscard]] lane_view rows() const noexcept {
        lane_view out;
        out.keys = {keys_.data(), tokens_, from_.shape.key_channels(), from_.shape.key_channels()};
        out.values = from_.values_of(layer_).block(0, 0, tokens_, from_.shape.key_channels());
        out.positions = std::span(from_.positions).first(tokens_);
        out.movable_count = tokens_;
        return out;
    }
    [[nodiscard]] view_2d<const float> queries() const noexcept {
        return {queries_.data(), tokens_, from_.shape.query_channels(), from_.shape.query_channels()};
    }
    [[nodiscard]] lane_place place() const noexcept {
        return {layer_, layer_, 1, 0, from_.shape.kv_heads, from_.shape};
    }

  private:
    const calibration& from_;
    std::size_t layer_;
    std::vector<float> keys_, queries_;
    std::size_t tokens_;
};

/// Means over the second half of a sample's queries.
struct head_statistics {
    double distant = 0;          ///< attention on tokens that are neither the first 4 nor the newest 32
    double column_variance = 0;  ///< variance over tokens of the mean attention each receives, times tokens^2
    double entropy = 0;          ///< of the attention, in nats
};

/// For each query head of a layer.
[[nodiscard]] inline std::vector<head_statistics> statistics_of(const rotated_sample& sample) {
    const head_layout heads = layout_of(sample.place());
    const lane_view rows = sample.rows();
    const std::size_t n = rows.tokens(), first = n / 2;
    std::vector<head_statistics> out(heads.query_heads());
    std::vector<double> columns(heads.query_heads() * n);
    const double queries = static_cast<double>(std::max<std::size_t>(n - first, 1));
    for_each_attention_row(heads, sample.queries(), rows, first,
                           [&](std::size_t i, std::size_t g, std::span<const float> weights) {
                               for (std::size_t t = 0; t < weights.size(); ++t) {
                                   const double w = double{weights[t]};
                                   columns[g * n + t] += w / queries;
                                   if (w > 0) out[g].entropy -= w * std::log(w) / queries;
                                   if (t >= 4 && t + 32 < i) out[g].distant += w / queries;
                               }
                           });
    for (std::size_t g = 0; g < out.size(); ++g) {
        double sum = 0, squares = 0;
        for (std::size_t t = 0; t < n; ++t) {
            sum += columns[g * n + t];
            squares += columns[g * n + t] * columns[g * n + t];
        }
        out[g].column_variance = squares * static_cast<double>(n) - sum * sum;
    }
    return out;
}

/// Votes for observation_window::weigh_heads in lanes of all heads: 1 for the `voters` query heads of each
/// layer that pay most attention to distant tokens, else 0. Stands in for scores on needle tests
/// (retrieval_shares), which need answers.
[[nodiscard]] inline std::vector<float> retrieval_votes(const calibration& from, std::size_t voters,
                                                        std::size_t tokens = 256) {
    std::vector<float> votes;
    for (std::size_t layer = 0; layer < from.shape.layers; ++layer) {
        std::vector<float> distant;
        for (const head_statistics& s : statistics_of(rotated_sample(from, layer, tokens)))
            distant.push_back(static_cast<float>(s.distant));
        const std::size_t start = votes.size();
        votes.resize(start + distant.size());
        for (const std::uint32_t g : highest(distant, std::min(voters, distant.size()))) votes[start + g] = 1;
    }
    return votes;
}

/// One flag for each lane of one head: true for the half of a layer's KV heads whose attention stands in
/// columns.
[[nodiscard]] inline std::vector<std::uint8_t> contextual_heads(const calibration& from,
                                                                std::size_t tokens = 256) {
    std::vector<std::uint8_t> flags;
    for (std::size_t layer = 0; layer < from.shape.layers; ++layer) {
        const auto statistics = statistics_of(rotated_sample(from, layer, tokens));
        std::vector<float> variance(from.shape.kv_heads);
        for (std::size_t g = 0; g < statistics.size(); ++g)
            variance[g / (from.shape.query_heads / from.shape.kv_heads)] +=
                static_cast<float>(statistics[g].column_variance);
        const std::size_t start = flags.size();
        flags.resize(start + variance.size());
        for (const std::uint32_t h : highest(variance, (variance.size() + 1) / 2)) flags[start + h] = 1;
    }
    return flags;
}

/// One number for each layer: the mean entropy of its attention. High ones are ScaleKV's drafters.
[[nodiscard]] inline std::vector<double> layer_entropies(const calibration& from, std::size_t tokens = 256) {
    std::vector<double> out;
    for (std::size_t layer = 0; layer < from.shape.layers; ++layer) {
        double sum = 0;
        const auto statistics = statistics_of(rotated_sample(from, layer, tokens));
        for (const head_statistics& s : statistics) sum += s.entropy / static_cast<double>(statistics.size());
        out.push_back(sum);
    }
    return out;
}

/// One number for each layer: the relative error of the attention output of the sample's last eighth of
/// queries when only `share` of the tokens before them stays, chosen by the attention of the eighth before.
[[nodiscard]] inline std::vector<double> eviction_errors(const calibration& from, double share = 0.25,
                                                         std::size_t tokens = 256) {
    std::vector<double> out;
    for (std::size_t layer = 0; layer < from.shape.layers; ++layer) {
        const rotated_sample sample(from, layer, tokens);
        const lane_place place = sample.place();
        const view_2d<const float> queries = sample.queries();
        const std::size_t n = sample.rows().tokens(), seen = n - n / 8;
        const lane_view past = first_rows(sample.rows(), seen);
        observation_window window(std::max<std::size_t>(n / 8, 1));
        window.observe(place, queries.block(0, 0, seen, queries.columns()), past);
        std::vector<float> scores(seen);
        window.score(place, past, scores);
        lane_plan plan;
        const double kept = std::max(1.0, share * static_cast<double>(seen));
        evict{}.dispose(place, past, scores, std::min(static_cast<std::size_t>(kept), seen), plan);
        const lane_rows left(past, plan);
        const auto later = queries.block(seen, 0, n - seen, queries.columns());
        out.push_back(attention_error(layout_of(place), later, past, left.view()));
    }
    return out;
}

/// Scores of heads of two classes: in lanes with a flag by accumulated attention, in the others, whose
/// attention follows the distance, by recency.
template <saliency Columns>
class pattern_scores : public Columns {
  public:
    explicit pattern_scores(std::vector<std::uint8_t> contextual = {}, Columns columns = Columns())
        : Columns(std::move(columns)), contextual_(std::move(contextual)) {}

    void score(const lane_place& lane, const lane_view& rows, std::span<float> out) const {
        if (lane.index >= contextual_.size() || contextual_[lane.index] != 0)
            return Columns::score(lane, rows, out);
        for (std::size_t t = 0; t < out.size(); ++t) out[t] = static_cast<float>(t);
    }

  private:
    std::vector<std::uint8_t> contextual_;
};

}  // namespace pith::inline v1::kv
