// The rows that a plan leaves of a lane, and how far attention over them is from attention over all.
// Own work; the error is the relative one of the outputs, with queries that the plan need not have seen.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <pith/core/assert.hpp>
#include <pith/kv/attention_rows.hpp>
#include <pith/kv/concepts.hpp>

namespace pith::inline v1::kv {

/// The tokens of a lane in memory of their own.
class lane_rows {
  public:
    /// What `plan` makes of `tokens`.
    lane_rows(const lane_view& tokens, const lane_plan& plan)
        : keys_(plan.keys),
          values_(plan.values),
          multiplicity_(plan.multiplicity),
          positions_(plan.positions) {
        for (const std::uint32_t t : plan.kept) {
            PITH_ASSERT(t < tokens.tokens());
            if (plan.keys.empty()) append(tokens.keys, t, keys_);
            if (plan.values.empty()) append(tokens.values, t, values_);
            if (plan.positions.empty()) positions_.push_back(tokens.positions[t]);
            if (plan.multiplicity.empty() && !tokens.multiplicity.empty())
                multiplicity_.push_back(tokens.multiplicity[t]);
        }
        columns_ = tokens.keys.columns();
    }
    /// Valid while this object lives and does not move.
    [[nodiscard]] lane_view view() const noexcept {
        lane_view out;
        out.keys = {keys_.data(), positions_.size(), columns_, columns_};
        out.values = {values_.data(), positions_.size(), columns_, columns_};
        out.positions = positions_;
        out.multiplicity = multiplicity_;
        out.movable_count = positions_.size();
        return out;
    }

  private:
    static void append(view_2d<const float> x, std::size_t row, std::vector<float>& out) {
        for (std::size_t c = 0; c < x.columns(); ++c) out.push_back(x(row, c));
    }

    std::vector<float> keys_, values_, multiplicity_;
    std::vector<std::uint32_t> positions_;
    std::size_t columns_ = 0;
};

/// |o - o'| / |o| over the outputs of all queries and heads, o with attention over `all` and o' over `left`.
[[nodiscard]] inline double attention_error(const head_layout& heads, view_2d<const float> queries,
                                            const lane_view& all, const lane_view& left) {
    std::vector<float> exact(heads.head_size), other(heads.head_size);
    double error = 0, whole = 0;
    for (std::size_t i = 0; i < queries.rows(); ++i)
        for (std::size_t g = 0; g < heads.query_heads(); ++g) {
            const auto q = head_of_row(queries, i, g, heads.head_size);
            attend_rows(q, all.keys, all.values, g / heads.group, all.multiplicity, exact);
            attend_rows(q, left.keys, left.values, g / heads.group, left.multiplicity, other);
            for (std::size_t j = 0; j < exact.size(); ++j) {
                const double e = double{exact[j]} - double{other[j]};
                error += e * e;
                whole += double{exact[j]} * double{exact[j]};
            }
        }
    return whole > 0 ? std::sqrt(error / whole) : 0;
}

}  // namespace pith::inline v1::kv
