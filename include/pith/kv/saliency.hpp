// What the policies that score tokens by attention share: the rows of a lane, state for each lane, and what
// the newest queries paid attention to. Own work.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include <pith/core/assert.hpp>
#include <pith/core/view.hpp>
#include <pith/kv/attention_rows.hpp>
#include <pith/kv/concepts.hpp>
#include <pith/kv/token_record.hpp>

namespace pith::inline v1::kv {

/// How the columns of a lane's rows fall into heads; the layers of a lane count as heads.
[[nodiscard]] inline head_layout layout_of(const lane_place& lane) noexcept {
    return {lane.layers * lane.heads, lane.shape.query_heads / lane.shape.kv_heads, lane.shape.head_size};
}

/// A State for every lane, made when the lane is first seen.
template <class State>
class lane_states {
  public:
    [[nodiscard]] State& operator[](const lane_place& lane) {
        if (lane.index >= states_.size()) states_.resize(lane.index + 1);
        return states_[lane.index];
    }
    /// Nothing when the lane has not been seen.
    [[nodiscard]] const State* find(const lane_place& lane) const noexcept {
        return lane.index < states_.size() ? &states_[lane.index] : nullptr;
    }

  private:
    std::vector<State> states_;
};

/// The first `count` rows of a lane.
[[nodiscard]] inline lane_view first_rows(const lane_view& rows, std::size_t count) noexcept {
    lane_view out = rows;
    out.keys = rows.keys.block(0, 0, count, rows.keys.columns());
    out.values = rows.values.block(0, 0, count, rows.values.columns());
    out.positions = rows.positions.first(count);
    if (!rows.multiplicity.empty()) out.multiplicity = rows.multiplicity.first(count);
    return out;
}

/// Calls visit(i, query head, weights over the rows that query i sees) for the queries from row `first_query`
/// on; the queries belong to the newest rows, and the weights follow these rows' order.
template <class Visit>
void for_each_attention_row(const head_layout& heads, view_2d<const float> queries, const lane_view& rows,
                            std::size_t first_query, Visit&& visit) {
    PITH_ASSERT(queries.rows() <= rows.keys.rows() && queries.columns() == heads.query_columns());
    PITH_ASSERT(rows.keys.columns() == heads.key_columns());
    std::vector<float> logits(rows.keys.rows());
    const std::size_t before = rows.keys.rows() - queries.rows();
    for (std::size_t i = first_query; i < queries.rows(); ++i)
        for (std::size_t g = 0; g < heads.query_heads(); ++g) {
            const auto weights = std::span(logits).first(before + i + 1);
            attention_logits(head_of_row(queries, i, g, heads.head_size), rows.keys, g / heads.group,
                             rows.multiplicity, weights);
            softmax(weights);
            visit(i, g, std::span<const float>(weights));
        }
}

/// The attention that each of the newest queries of one lane paid, summed over query heads. Costs 8 bytes for
/// every query held and token it saw.
class recent_attention {
  public:
    /// Takes in a batch and drops all queries but the newest `keep`. `votes`: a weight for each query head,
    /// or empty.
    void observe(const head_layout& heads, view_2d<const float> queries, const lane_view& rows,
                 std::size_t keep, std::span<const float> votes = {}) {
        PITH_ASSERT(votes.empty() || votes.size() == heads.query_heads());
        const std::size_t n = queries.rows(), before = rows.positions.size() - n;
        for_each_attention_row(heads, queries, rows, n > keep ? n - keep : 0,
                               [&](std::size_t i, std::size_t g, std::span<const float> weights) {
                                   if (g == 0) {
                                       rows_.emplace_back();
                                       rows_.back().position = rows.positions[before + i];
                                       rows_.back().weights.align(rows.positions.first(before + i + 1));
                                   }
                                   const float vote = votes.empty() ? 1 : votes[g];
                                   const auto sums = rows_.back().weights.values();
                                   for (std::size_t t = 0; t < weights.size(); ++t)
                                       sums[t] += vote * weights[t];
                               });
        if (rows_.size() > keep) rows_.erase(rows_.begin(), rows_.end() - static_cast<std::ptrdiff_t>(keep));
    }
    /// Calls visit(position of the query, its weights on the tokens at `positions`, 0 on those it did not
    /// see).
    template <class Visit>
    void visit(std::span<const std::uint32_t> positions, Visit&& visit) const {
        std::vector<float> weights(positions.size());
        for (const row& r : rows_) {
            r.weights.read(positions, weights);
            visit(r.position, std::span<const float>(weights));
        }
    }

  private:
    struct row {
        std::uint32_t position = 0;
        token_record<float> weights;
    };
    std::vector<row> rows_;
};

/// Divides by the mean, unless that is zero.
inline void scale_to_mean_one(std::span<float> scores) noexcept {
    double sum = 0;
    for (const float v : scores) sum += double{v};
    if (!(sum > 0)) return;
    for (float& v : scores) v = static_cast<float>(double{v} * static_cast<double>(scores.size()) / sum);
}

}  // namespace pith::inline v1::kv
