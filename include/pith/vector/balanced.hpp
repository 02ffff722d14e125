// Assignment to clusters of bounded size: no cluster takes more than its share of the points.
// Greedy in the order of regret, after Banerjee, Ghosh (2006); theirs moves points again afterwards.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <numeric>
#include <span>
#include <vector>

#include <pith/simd/nearest.hpp>

namespace pith::inline v1::vector::detail {

/// The cluster with the least score among those that have room; the first of equals.
[[nodiscard]] inline std::uint32_t best_with_room(std::span<const float> scores, std::size_t lane,
                                                  const std::vector<std::uint32_t>& room) noexcept {
    std::uint32_t best = 0;
    float least = std::numeric_limits<float>::infinity();
    for (std::size_t k = 0; k < room.size(); ++k) {
        const float score = scores[k * simd::tile_points + lane];
        if (room[k] == 0 || (room[best] != 0 && score >= least)) continue;
        best = static_cast<std::uint32_t>(k);
        least = score;
    }
    return best;
}

/// Assigns `count` points to `clusters` clusters of at most ceil(count / clusters) points each.
/// `score(t, scores)` gives the scores of tile t, as simd::score_tile does. Points choose in the order of
/// what they would lose with their second choice, so that the undecided ones give way.
template <class Score>
inline void assign_balanced(std::size_t count, std::size_t clusters, const Score& score,
                            std::span<std::uint32_t> index) {
    std::vector<float> scores(clusters * simd::tile_points), regret(count);
    for (std::size_t i = 0; i < count; ++i) {
        const std::size_t lane = i % simd::tile_points;
        if (lane == 0) score(i / simd::tile_points, std::span(scores));
        float first = std::numeric_limits<float>::infinity(), second = first;
        for (std::size_t k = 0; k < clusters; ++k) {
            const float s = scores[k * simd::tile_points + lane];
            second = std::min(second, std::max(first, s));
            first = std::min(first, s);
        }
        regret[i] = clusters > 1 ? second - first : 0.0F;
    }
    std::vector<std::uint32_t> order(count), room(clusters);
    std::iota(order.begin(), order.end(), 0U);
    std::sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) {
        return regret[a] != regret[b] ? regret[a] > regret[b] : a < b;
    });
    std::fill(room.begin(), room.end(), static_cast<std::uint32_t>((count + clusters - 1) / clusters));
    for (const std::uint32_t i : order) {
        score(i / simd::tile_points, std::span(scores));
        index[i] = best_with_room(scores, i % simd::tile_points, room);
        --room[index[i]];
    }
}

}  // namespace pith::inline v1::vector::detail
