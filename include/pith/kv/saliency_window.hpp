// Scores by the attention of the newest queries: observation windows with pooling, whole windows of tokens,
// votes of chosen heads. SnapKV (Li et al., 2024); TOVA (Oren et al., 2024) is a window of one; WindowKV (Zuo
// et al., 2025) scores windows of tokens; CompressKV (Lin et al., 2025) weighs heads.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include <pith/core/assert.hpp>
#include <pith/kv/saliency.hpp>

namespace pith::inline v1::kv {

/// How the scores of neighbouring tokens are pooled.
enum class pooling : std::uint8_t { none, mean, max };

/// out[t] = mean or maximum of in[t - kernel/2 .. t + kernel/2], as far as there are neighbours. `kernel` is
/// odd.
inline void pool(std::span<const float> in, pooling kind, std::size_t kernel, std::span<float> out) noexcept {
    PITH_ASSERT(in.size() == out.size() && kernel % 2 == 1);
    const std::size_t half = kind == pooling::none ? 0 : kernel / 2;
    for (std::size_t t = 0; t < in.size(); ++t) {
        const std::size_t first = t > half ? t - half : 0, last = std::min(in.size(), t + half + 1);
        float sum = 0, most = in[t];
        for (std::size_t u = first; u < last; ++u) {
            sum += in[u];
            most = std::max(most, in[u]);
        }
        out[t] = kind == pooling::max ? most : sum / static_cast<float>(last - first);
    }
}

/// The attention paid by the newest `window` queries, summed over queries and query heads and pooled over
/// neighbouring tokens.
class observation_window {
  public:
    explicit observation_window(std::size_t window = 32, pooling kind = pooling::none, std::size_t kernel = 1)
        : window_(window), kernel_(kernel), kind_(kind) {
        PITH_ASSERT(window >= 1 && kernel % 2 == 1);
    }
    /// A weight for each query head of each lane, lane after lane: heads of weight 0 have no vote.
    void weigh_heads(std::vector<float> votes) { votes_ = std::move(votes); }

    void observe(const lane_place& lane, view_2d<const float> queries, const lane_view& rows) {
        const head_layout heads = layout_of(lane);
        const std::size_t n = heads.query_heads();
        PITH_ASSERT(votes_.empty() || votes_.size() >= (lane.index + 1) * n);
        const auto votes =
            votes_.empty() ? std::span<const float>() : std::span(votes_).subspan(lane.index * n, n);
        lanes_[lane].observe(heads, queries, rows, window_, votes);
    }
    void score(const lane_place& lane, const lane_view& rows, std::span<float> out) const {
        std::vector<float> sums(out.size());
        if (const recent_attention* recent = lanes_.find(lane))
            recent->visit(rows.positions, [&](std::uint32_t, std::span<const float> weights) {
                for (std::size_t t = 0; t < weights.size(); ++t) sums[t] += weights[t];
            });
        pool(sums, kind_, kernel_, out);
    }

  private:
    std::size_t window_, kernel_;
    pooling kind_;
    std::vector<float> votes_;
    lane_states<recent_attention> lanes_;
};

/// Every token of a run of `Length` neighbouring rows gets the sum of the run's scores, so that runs stay or
/// go together.
template <saliency Inner, std::size_t Length = 8>
requires(Length >= 1) class run_scores : public Inner {
  public:
    using Inner::Inner;
    explicit run_scores(Inner inner) : Inner(std::move(inner)) {}

    void score(const lane_place& lane, const lane_view& rows, std::span<float> out) const {
        Inner::score(lane, rows, out);
        for (std::size_t t = 0; t < out.size(); t += Length) {
            const auto run = out.subspan(t, std::min(Length, out.size() - t));
            float sum = 0;
            for (const float v : run) sum += v;
            for (float& v : run) v = sum;
        }
    }
};

/// For each query head, the share of the attention of `queries` (which belong to the newest rows) that falls
/// on rows first .. first + count - 1 and `neighbours` rows around them: how well it finds a passage. Exact
/// retrieval scores need the answer's place, which the caller knows. Encoder-side.
[[nodiscard]] inline std::vector<float> retrieval_shares(const head_layout& heads,
                                                         view_2d<const float> queries, const lane_view& rows,
                                                         std::size_t first, std::size_t count,
                                                         std::size_t neighbours = 2) {
    std::vector<float> shares(heads.query_heads());
    const std::size_t from = first > neighbours ? first - neighbours : 0, to = first + count + neighbours;
    for_each_attention_row(heads, queries, rows, 0,
                           [&](std::size_t, std::size_t g, std::span<const float> weights) {
                               for (std::size_t t = from; t < std::min(to, weights.size()); ++t)
                                   shares[g] += weights[t];
                           });
    for (float& s : shares) s /= static_cast<float>(std::max<std::size_t>(queries.rows(), 1));
    return shares;
}

}  // namespace pith::inline v1::kv
