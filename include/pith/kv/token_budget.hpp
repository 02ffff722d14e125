// How many tokens each lane may keep, under a total that is met exactly.
// PyramidKV (Cai et al., 2024); PrefixKV (Wang et al., 2024); AdaKV (Feng et al., 2024); UNComp (Xiong et
// al., 2024); CompressKV (Lin et al., 2025). Where a publication rounds each lane by itself, largest
// remainders meet the total.
#pragma once

#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include <pith/core/assert.hpp>
#include <pith/kv/concepts.hpp>
#include <pith/kv/ranking.hpp>

namespace pith::inline v1::kv {

/// What a budget may look at: a lane's place, the tokens in question and their scores, which may be empty.
struct lane_demand {
    lane_place place;
    lane_view tokens;
    std::span<const float> scores;
};

/// allocate: how many of its tokens each lane keeps. Law: none more than it has, and the sum is
/// min(total, all tokens). Encoder-side. Minimal model: uniform_budget.
template <class B>
concept token_budget = std::copy_constructible<B> &&
    requires(const B b, std::span<const lane_demand> lanes, std::size_t total) {
    { b.allocate(lanes, total) } -> std::same_as<std::vector<std::size_t>>;
};

namespace detail {

[[nodiscard]] inline std::vector<std::size_t> tokens_of(std::span<const lane_demand> lanes) {
    std::vector<std::size_t> caps;
    for (const lane_demand& lane : lanes) caps.push_back(lane.tokens.tokens());
    return caps;
}

/// Lanes share the total in the proportion of weight(lane index).
template <class Weight>
[[nodiscard]] std::vector<std::size_t> allocate_by(std::span<const lane_demand> lanes, std::size_t total,
                                                   Weight&& weight) {
    std::vector<double> weights;
    for (std::size_t i = 0; i < lanes.size(); ++i) weights.push_back(weight(i));
    return apportion(weights, tokens_of(lanes), total);
}

}  // namespace detail

/// The same for every lane.
struct uniform_budget {
    [[nodiscard]] std::vector<std::size_t> allocate(std::span<const lane_demand> lanes,
                                                    std::size_t total) const {
        return detail::allocate_by(lanes, total, [](std::size_t) { return 1.0; });
    }
};

/// Falls linearly over the layers from 2k - k / beta to k / beta, with k the mean.
struct pyramid_budget {
    double beta = 20;

    [[nodiscard]] std::vector<std::size_t> allocate(std::span<const lane_demand> lanes,
                                                    std::size_t total) const {
        return detail::allocate_by(lanes, total, [&](std::size_t i) { return weight(lanes[i].place); });
    }
    /// In multiples of the mean. Precondition: beta >= 1.
    [[nodiscard]] double weight(const lane_place& lane) const noexcept {
        PITH_ASSERT(beta >= 1);
        const std::size_t steps = lane.shape.layers - 1;
        const double low = 1 / beta, depth = static_cast<double>(lane.first_layer);
        return steps == 0 ? 1 : 2 - low - (2 - 2 * low) * depth / static_cast<double>(steps);
    }
};

/// As pyramid_budget, but layers come in groups of `layers` that get the same, the first 2k - last; WindowKV.
struct grouped_pyramid_budget {
    std::size_t layers = 8;
    double beta = 20;

    [[nodiscard]] std::vector<std::size_t> allocate(std::span<const lane_demand> lanes,
                                                    std::size_t total) const {
        return detail::allocate_by(lanes, total, [&](std::size_t i) {
            lane_place group = lanes[i].place;
            group.first_layer /= layers;
            group.shape.layers = (group.shape.layers + layers - 1) / layers;
            return pyramid_budget{beta}.weight(group);
        });
    }
};

/// In the proportion of given weights, one for each lane: offline errors (CompressKV), classes of layers
/// (ScaleKV) or of heads (HACK). Lanes behind the last weight weigh one.
struct weighted_budget {
    std::vector<double> weights;

    [[nodiscard]] std::vector<std::size_t> allocate(std::span<const lane_demand> lanes,
                                                    std::size_t total) const {
        return detail::allocate_by(lanes, total, [&](std::size_t i) {
            const std::size_t lane = lanes[i].place.index;
            return lane < weights.size() ? weights[lane] : 1.0;
        });
    }
};

namespace detail {

/// A token that wants in: the lane, and its urgency, of which lower comes first.
struct claim {
    double urgency;
    std::size_t lane;
};

/// Grants the first `total` claims by urgency; equal ones by lane.
inline void grant(std::vector<claim>& claims, std::size_t total, std::span<std::size_t> out) {
    std::sort(claims.begin(), claims.end(), [](const claim& a, const claim& b) {
        return a.urgency < b.urgency || (a.urgency == b.urgency && a.lane < b.lane);
    });
    for (std::size_t i = 0; i < std::min(total, claims.size()); ++i) ++out[claims[i].lane];
}

/// Scores from high to low, shifted so that none is negative; equal ones when all are missing.
[[nodiscard]] inline std::vector<double> falling_scores(const lane_demand& lane) {
    std::vector<double> out(lane.tokens.tokens(), 1.0);
    if (lane.scores.empty()) return out;
    PITH_ASSERT(lane.scores.size() == out.size());
    double least = 0;
    for (const float s : lane.scores) least = std::min(least, double{s});
    const auto order = ranking(lane.scores);
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = double{lane.scores[order[i]]} - least;
    return out;
}

}  // namespace detail

/// One share p for all lanes: each keeps the fewest tokens whose scores make up p of its sum. Instead of a
/// search for p, tokens come in by the share of those before them in their lane, which is the same and exact.
struct prefix_budget {
    [[nodiscard]] std::vector<std::size_t> allocate(std::span<const lane_demand> lanes,
                                                    std::size_t total) const {
        std::vector<detail::claim> claims;
        for (std::size_t i = 0; i < lanes.size(); ++i) {
            const auto scores = detail::falling_scores(lanes[i]);
            double sum = 0, before = 0;
            for (const double s : scores) sum += s;
            for (const double s : scores) {
                claims.push_back({sum > 0 ? before / sum : 0, i});
                before += s;
            }
        }
        std::vector<std::size_t> out(lanes.size());
        detail::grant(claims, total, out);
        return out;
    }
};

/// Within each layer, heads compete: `safeguard` of the layer's part is shared evenly, the rest goes to the
/// highest scores of any head. Layers get even parts.
struct head_share_budget {
    double safeguard = 0.2;

    [[nodiscard]] std::vector<std::size_t> allocate(std::span<const lane_demand> lanes,
                                                    std::size_t total) const {
        PITH_ASSERT(safeguard >= 0 && safeguard <= 1);
        const auto parts = uniform_budget{}.allocate(lanes, total);
        std::vector<std::size_t> out(lanes.size());
        for (std::size_t i = 0; i < lanes.size(); ++i) {
            const std::size_t layer = lanes[i].place.first_layer;
            if (i > 0 && lanes[i - 1].place.first_layer == layer) continue;
            std::vector<detail::claim> claims;
            std::size_t part = 0;
            for (std::size_t j = i; j < lanes.size() && lanes[j].place.first_layer == layer; ++j) {
                out[j] = static_cast<std::size_t>(safeguard * static_cast<double>(parts[j]));
                part += parts[j] - out[j];
                const auto scores = detail::falling_scores(lanes[j]);
                for (std::size_t t = out[j]; t < scores.size(); ++t) claims.push_back({-scores[t], j});
            }
            detail::grant(claims, part, out);
        }
        return out;
    }
};

}  // namespace pith::inline v1::kv
