// Tokens that go are merged into tokens that stay, which then weigh as many in the softmax.
// KVMerger (Wang et al., 2024); EMS (Li et al., 2024); DMC (Nawrot et al., 2024). All here meet the number of
// tokens asked for exactly: as many merges as needed and no more, and eviction of what may not be merged.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <span>
#include <utility>
#include <vector>

#include <pith/core/assert.hpp>
#include <pith/kv/attention_rows.hpp>
#include <pith/kv/eviction.hpp>

namespace pith::inline v1::kv {

namespace detail {

[[nodiscard]] inline std::span<const float> whole_row(view_2d<const float> x, std::size_t row) noexcept {
    return head_of_row(x, row, 0, x.columns());
}

[[nodiscard]] inline float cosine(std::span<const float> a, std::span<const float> b) noexcept {
    const float squares = simd::dot_fast(a, a) * simd::dot_fast(b, b);
    return squares > 0 ? simd::dot_fast(a, b) / std::sqrt(squares) : 0;
}

[[nodiscard]] inline float squared_distance(std::span<const float> a, std::span<const float> b) noexcept {
    float sum = 0;
    for (std::size_t j = 0; j < a.size(); ++j) sum += (a[j] - b[j]) * (a[j] - b[j]);
    return sum;
}

[[nodiscard]] inline float multiplicity_of(const lane_view& tokens, std::size_t t) noexcept {
    return tokens.multiplicity.empty() ? 1 : tokens.multiplicity[t];
}

}  // namespace detail

/// Replaces tokens by weighted means of groups of them.
class token_mixer {
  public:
    token_mixer(const lane_view& tokens, lane_plan& plan) : tokens_(tokens), plan_(plan) {}

    /// Adds a token at the place of `pivot`: keys and values are the means of `members` under `weights`
    /// (which are >= 0 with a positive sum), its multiplicity the sum of theirs. Calls come by rising pivot.
    void add(std::uint32_t pivot, std::span<const std::uint32_t> members, std::span<const double> weights) {
        PITH_ASSERT(members.size() == weights.size());
        plan_.kept.push_back(pivot);
        double sum = 0;
        float count = 0;
        for (std::size_t i = 0; i < members.size(); ++i) {
            sum += weights[i];
            count += detail::multiplicity_of(tokens_, members[i]);
        }
        plan_.multiplicity.push_back(count);
        mix(tokens_.keys, members, weights, sum, plan_.keys);
        mix(tokens_.values, members, weights, sum, plan_.values);
    }

  private:
    void mix(view_2d<const float> x, std::span<const std::uint32_t> members, std::span<const double> weights,
             double sum, std::vector<float>& out) {
        mean_.assign(x.columns(), 0);
        for (std::size_t i = 0; i < members.size(); ++i)
            for (std::size_t c = 0; c < x.columns(); ++c)
                mean_[c] += weights[i] / sum * double{x(members[i], c)};
        for (const double v : mean_) out.push_back(static_cast<float>(v));
    }

    const lane_view& tokens_;
    lane_plan& plan_;
    std::vector<double> mean_;
};

/// Runs of neighbouring tokens with similar keys become one token each, at the place of the run's highest
/// score. Weights in a run are exp(-|k_pivot - k_i|^2 / (2 s^2)), s^2 the mean of the squared distances,
/// times multiplicity. The most similar neighbours are joined first; runs of the lowest sums of scores are
/// evicted when similarity does not suffice.
struct merge_runs {
    static constexpr bool drops = true;
    float similarity = 0.75F;  ///< least cosine of neighbours in a run
    double heavy = 0.5;        ///< share of the kept tokens that are the highest scores and are never merged

    void dispose(const lane_place&, const lane_view& tokens, std::span<const float> scores, std::size_t keep,
                 lane_plan& plan) const {
        PITH_ASSERT(scores.size() == tokens.tokens() && keep <= scores.size());
        std::vector<bool> joined = joints(tokens, scores, keep);
        std::vector<std::uint32_t> starts;
        for (std::size_t t = 0; t < scores.size(); ++t)
            if (t == 0 || !joined[t]) starts.push_back(static_cast<std::uint32_t>(t));
        const auto end = [&](std::size_t r) {
            return r + 1 < starts.size() ? starts[r + 1] : static_cast<std::uint32_t>(scores.size());
        };
        std::vector<float> sums(starts.size());
        for (std::size_t r = 0; r < starts.size(); ++r)
            for (std::uint32_t t = starts[r]; t < end(r); ++t) sums[r] += scores[t];
        token_mixer mixer(tokens, plan);
        for (const std::uint32_t r : highest(sums, std::min(keep, starts.size())))
            merge(tokens, scores, starts[r], end(r), mixer);
    }

  private:
    /// joined[t]: token t belongs to the run of token t - 1.
    [[nodiscard]] std::vector<bool> joints(const lane_view& tokens, std::span<const float> scores,
                                           std::size_t keep) const {
        const std::size_t n = scores.size();
        std::vector<bool> joined(n), exempt(n);
        const auto few = static_cast<std::size_t>(heavy * static_cast<double>(keep));
        for (const std::uint32_t t : highest(scores, std::min(few, n))) exempt[t] = true;
        std::vector<float> likeness(n, -2);
        for (std::size_t t = 1; t < n; ++t)
            if (!exempt[t] && !exempt[t - 1])
                likeness[t] =
                    detail::cosine(detail::whole_row(tokens.keys, t), detail::whole_row(tokens.keys, t - 1));
        std::size_t runs = n;
        for (const std::uint32_t t : ranking(likeness)) {
            if (runs <= keep || !(likeness[t] > similarity)) break;
            joined[t] = true;
            --runs;
        }
        return joined;
    }
    static void merge(const lane_view& tokens, std::span<const float> scores, std::uint32_t first,
                      std::uint32_t last, token_mixer& mixer) {
        std::uint32_t pivot = first;
        for (std::uint32_t t = first; t < last; ++t)
            if (scores[t] > scores[pivot]) pivot = t;
        std::vector<std::uint32_t> members(last - first);
        std::iota(members.begin(), members.end(), first);
        std::vector<double> distance(members.size()), weights(members.size());
        double mean = 0;
        for (std::size_t i = 0; i < members.size(); ++i) {
            distance[i] = double{detail::squared_distance(detail::whole_row(tokens.keys, members[i]),
                                                          detail::whole_row(tokens.keys, pivot))};
            mean += distance[i] / static_cast<double>(members.size());
        }
        for (std::size_t i = 0; i < members.size(); ++i)
            weights[i] = double{detail::multiplicity_of(tokens, members[i])} *
                         (mean > 0 ? std::exp(-distance[i] / (2 * mean)) : 1.0);
        mixer.add(pivot, members, weights);
    }
};

/// The highest scores stay; the next `merged` times as many are merged into the kept token of the most
/// similar key, if the cosine is above `similarity`; the rest is dropped, as into a token of zeros. Weights
/// are multiplicities.
struct evict_then_merge {
    static constexpr bool drops = true;
    double merged = 1;
    float similarity = 0.6F;

    void dispose(const lane_place&, const lane_view& tokens, std::span<const float> scores, std::size_t keep,
                 lane_plan& plan) const {
        PITH_ASSERT(scores.size() == tokens.tokens() && keep <= scores.size());
        const auto order = ranking(scores);
        std::vector<std::uint32_t> kept(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(keep));
        std::sort(kept.begin(), kept.end());
        std::vector<std::vector<std::uint32_t>> members(keep);
        for (std::size_t i = 0; i < keep; ++i) members[i].push_back(kept[i]);
        const double most = static_cast<double>(keep) * (1 + merged);
        for (std::size_t i = keep; i < order.size() && static_cast<double>(i) < most; ++i) {
            const auto [place, likeness] = most_similar(tokens.keys, kept, order[i]);
            if (likeness > similarity) members[place].push_back(order[i]);
        }
        token_mixer mixer(tokens, plan);
        std::vector<double> weights;
        for (std::size_t i = 0; i < keep; ++i) {
            weights.clear();
            for (const std::uint32_t m : members[i])
                weights.push_back(double{detail::multiplicity_of(tokens, m)});
            mixer.add(kept[i], members[i], weights);
        }
    }

  private:
    [[nodiscard]] static std::pair<std::size_t, float> most_similar(view_2d<const float> keys,
                                                                    std::span<const std::uint32_t> kept,
                                                                    std::uint32_t token) {
        std::pair<std::size_t, float> best{0, -2.0F};
        for (std::size_t i = 0; i < kept.size(); ++i) {
            const float c = detail::cosine(detail::whole_row(keys, token), detail::whole_row(keys, kept[i]));
            if (c > best.second) best = {i, c};
        }
        return best;
    }
};

/// DMC's rule for given decisions: a token whose flag is set goes into the last token before it, slot <- (w
/// slot + o x) / (w + o) for keys and values, w the sum of the weights o so far; the others open a slot. The
/// first flag is ignored.
inline void accumulate_flagged(const lane_view& tokens, std::span<const std::uint8_t> flags,
                               std::span<const float> weights, lane_plan& plan) {
    PITH_ASSERT(flags.size() == tokens.tokens() && weights.size() == flags.size());
    token_mixer mixer(tokens, plan);
    std::vector<std::uint32_t> members;
    std::vector<double> member_weights;
    for (std::size_t t = 0; t < flags.size(); ++t) {
        members.push_back(static_cast<std::uint32_t>(t));
        member_weights.push_back(double{weights[t]});
        if (t + 1 < flags.size() && flags[t + 1] != 0) continue;
        mixer.add(members.front(), members, member_weights);
        members.clear();
        member_weights.clear();
    }
}

/// accumulate_flagged with decisions made without training: the tokens whose keys are most like their
/// predecessors' accumulate, each with its multiplicity as the weight.
struct accumulate_similar {
    static constexpr bool drops = true;

    void dispose(const lane_place&, const lane_view& tokens, std::span<const float>, std::size_t keep,
                 lane_plan& plan) const {
        const std::size_t n = tokens.tokens();
        if (keep == 0 || n == 0) return;
        std::vector<float> likeness(n, -2), weights(n);
        for (std::size_t t = 0; t < n; ++t) {
            weights[t] = detail::multiplicity_of(tokens, t);
            if (t > 0)
                likeness[t] =
                    detail::cosine(detail::whole_row(tokens.keys, t), detail::whole_row(tokens.keys, t - 1));
        }
        std::vector<std::uint8_t> flags(n);
        for (const std::uint32_t t : highest(likeness, n - keep)) flags[t] = 1;
        accumulate_flagged(tokens, flags, weights, plan);
    }
};

}  // namespace pith::inline v1::kv
