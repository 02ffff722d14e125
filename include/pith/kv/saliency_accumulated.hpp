// Scores by the attention that a token has received from all queries so far, from probes, or lately.
// H2O (Zhang et al., 2023); ZipCache (He et al., 2024); EMS (Li et al., 2024), whose two sums are scaled to
// one mean here because the publication's normalisation is a kernel's detail.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <pith/core/random.hpp>
#include <pith/kv/saliency.hpp>
#include <pith/kv/saliency_window.hpp>
#include <pith/kv/token_record.hpp>

namespace pith::inline v1::kv {

/// The sum over all queries, and over the query heads of a lane, of the attention paid to a token.
class accumulated_attention {
  public:
    void observe(const lane_place& lane, view_2d<const float> queries, const lane_view& rows) {
        token_record<float>& record = sums_[lane];
        record.align(rows.positions);
        const auto sums = record.values();
        for_each_attention_row(layout_of(lane), queries, rows, 0,
                               [&](std::size_t, std::size_t, std::span<const float> weights) {
                                   for (std::size_t t = 0; t < weights.size(); ++t) sums[t] += weights[t];
                               });
    }
    void score(const lane_place& lane, const lane_view& rows, std::span<float> out) const {
        std::fill(out.begin(), out.end(), 0.0F);
        if (const auto* sums = sums_.find(lane)) sums->read(rows.positions, out);
    }

  private:
    lane_states<token_record<float>> sums_;
};

struct probe_options {
    double recent = 0.05, random = 0.05;  ///< shares of the queries
    std::size_t most_recent = 256;        ///< bounds the memory of long caches
    std::uint64_t seed = 1;
};

/// The mean attention over those probe queries that could see the token, which takes the advantage of early
/// tokens away. Probes are the newest queries and a random choice, made by position and seed alone.
class normalized_attention {
  public:
    explicit normalized_attention(probe_options options = {}) : options_(options) {}

    void observe(const lane_place& lane, view_2d<const float> queries, const lane_view& rows) {
        state& s = lanes_[lane];
        s.random.align(rows.positions);
        const auto sums = s.random.values();
        const head_layout heads = layout_of(lane);
        const std::size_t before = rows.positions.size() - queries.rows();
        for (std::size_t i = 0; i < queries.rows(); ++i) {
            if (!is_random_probe(rows.positions[before + i])) continue;
            for_each_attention_row(heads, queries.block(0, 0, i + 1, queries.columns()),
                                   first_rows(rows, before + i + 1), i,
                                   [&](std::size_t, std::size_t, std::span<const float> weights) {
                                       for (std::size_t t = 0; t < weights.size(); ++t)
                                           sums[t].sum += weights[t];
                                   });
            for (std::size_t t = 0; t <= before + i; ++t) ++sums[t].count;
        }
        s.seen += queries.rows();
        s.recent.observe(heads, queries, rows, recent_length(s.seen));
    }
    void score(const lane_place& lane, const lane_view& rows, std::span<float> out) const {
        std::fill(out.begin(), out.end(), 0.0F);
        const state* s = lanes_.find(lane);
        if (s == nullptr) return;
        std::vector<mean> sums(out.size());
        s->random.read(rows.positions, sums);
        s->recent.visit(rows.positions, [&](std::uint32_t position, std::span<const float> weights) {
            if (is_random_probe(position)) return;
            for (std::size_t t = 0; t < weights.size(); ++t) {
                sums[t].sum += weights[t];
                if (rows.positions[t] <= position) ++sums[t].count;
            }
        });
        for (std::size_t t = 0; t < out.size(); ++t)
            out[t] = sums[t].count ? sums[t].sum / static_cast<float>(sums[t].count) : 0;
    }

  private:
    struct mean {
        float sum = 0;
        std::uint32_t count = 0;
    };
    struct state {
        token_record<mean> random;
        recent_attention recent;
        std::size_t seen = 0;
    };
    [[nodiscard]] bool is_random_probe(std::uint32_t position) const noexcept {
        random_sequence draw(options_.seed, position);
        return draw.uniform_double() < options_.random;
    }
    /// Grows by at most one for each query, so that the newest are always held.
    [[nodiscard]] std::size_t recent_length(std::size_t seen) const noexcept {
        const double share = std::ceil(options_.recent * static_cast<double>(seen));
        return std::min(static_cast<std::size_t>(share), options_.most_recent);
    }

    probe_options options_;
    lane_states<state> lanes_;
};

/// The larger of the attention received from all queries and from the newest `window`, each as a multiple of
/// its mean over the tokens scored.
class global_local_attention {
  public:
    explicit global_local_attention(std::size_t window = 32) : local_(window) {}

    void observe(const lane_place& lane, view_2d<const float> queries, const lane_view& rows) {
        global_.observe(lane, queries, rows);
        local_.observe(lane, queries, rows);
    }
    void score(const lane_place& lane, const lane_view& rows, std::span<float> out) const {
        std::vector<float> local(out.size());
        global_.score(lane, rows, out);
        local_.score(lane, rows, local);
        scale_to_mean_one(out);
        scale_to_mean_one(local);
        for (std::size_t t = 0; t < out.size(); ++t) out[t] = std::max(out[t], local[t]);
    }

  private:
    accumulated_attention global_;
    observation_window local_;
};

}  // namespace pith::inline v1::kv
