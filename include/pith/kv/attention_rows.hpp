// The attention weights of single queries over the keys of a lane, for policies that score tokens by them.
// Scaled dot products and softmax (Vaswani et al., 2017); a token that stands for n others weighs as n equal
// keys.
#pragma once

#include <cmath>
#include <cstddef>
#include <span>
#include <vector>

#include <pith/core/assert.hpp>
#include <pith/core/view.hpp>
#include <pith/simd/dot.hpp>

namespace pith::inline v1::kv {

/// How the columns of a lane's rows fall into heads: keys and values have heads * head_size columns, queries
/// heads * group * head_size; query head g reads key head g / group.
struct head_layout {
    std::size_t heads = 1, group = 1, head_size = 1;

    [[nodiscard]] constexpr std::size_t query_heads() const noexcept { return heads * group; }
    [[nodiscard]] constexpr std::size_t key_columns() const noexcept { return heads * head_size; }
    [[nodiscard]] constexpr std::size_t query_columns() const noexcept { return query_heads() * head_size; }
};

/// Columns of one head as a span. Precondition: neighbouring columns are neighbours in memory.
[[nodiscard]] inline std::span<const float> head_of_row(view_2d<const float> rows, std::size_t row,
                                                        std::size_t head, std::size_t head_size) noexcept {
    PITH_ASSERT(rows.column_stride() == 1 && row < rows.rows() && (head + 1) * head_size <= rows.columns());
    return {rows.data() + row * rows.row_stride() + head * head_size, head_size};
}

/// logits[t] = <query, key t> / sqrt(head_size) + log multiplicity t, for the first logits.size() rows of
/// `keys`. An empty `multiplicity` means ones. Encoder-side.
inline void attention_logits(std::span<const float> query, view_2d<const float> keys, std::size_t head,
                             std::span<const float> multiplicity, std::span<float> logits) noexcept {
    PITH_ASSERT(logits.size() <= keys.rows());
    const float scale = 1 / std::sqrt(static_cast<float>(query.size()));
    for (std::size_t t = 0; t < logits.size(); ++t) {
        logits[t] = scale * simd::dot_fast(query, head_of_row(keys, t, head, query.size()));
        if (!multiplicity.empty()) logits[t] += std::log(multiplicity[t]);
    }
}

/// log sum exp logits[t]; minus infinity of none.
[[nodiscard]] inline float log_sum_exp(std::span<const float> logits) noexcept {
    float most = -INFINITY;
    for (const float v : logits) most = v > most ? v : most;
    if (!(most > -INFINITY)) return most;
    double sum = 0;
    for (const float v : logits) sum += double{std::exp(v - most)};
    return most + static_cast<float>(std::log(sum));
}

/// Turns logits into softmax weights in place and returns the log of what they were divided by.
inline float softmax(std::span<float> logits) noexcept {
    const float total = log_sum_exp(logits);
    for (float& v : logits) v = std::exp(v - total);
    return total;
}

/// The output of exact attention: out = sum_t w_t value_t with the softmax weights w over all rows.
inline void attend_rows(std::span<const float> query, view_2d<const float> keys, view_2d<const float> values,
                        std::size_t head, std::span<const float> multiplicity, std::span<float> out) {
    std::vector<float> weights(keys.rows());
    attention_logits(query, keys, head, multiplicity, weights);
    softmax(weights);
    for (float& v : out) v = 0;
    for (std::size_t t = 0; t < weights.size(); ++t) {
        const auto value = head_of_row(values, t, head, out.size());
        for (std::size_t j = 0; j < out.size(); ++j) out[j] += weights[t] * value[j];
    }
}

}  // namespace pith::inline v1::kv
