// The best of scored tokens, and whole numbers in given proportions that add up to a given total.
// Largest remainders (Hamilton, 1792), with a cap on every part; ties go to the lowest index.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <span>
#include <vector>

#include <pith/core/assert.hpp>

namespace pith::inline v1::kv {

/// Indices from the highest score to the lowest, equal ones by rising index; NaN counts as the lowest.
[[nodiscard]] inline std::vector<std::uint32_t> ranking(std::span<const float> scores) {
    std::vector<std::uint32_t> order(scores.size());
    std::iota(order.begin(), order.end(), 0U);
    const auto key = [&](std::uint32_t i) { return scores[i] == scores[i] ? scores[i] : -INFINITY; };
    std::sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) {
        return key(a) > key(b) || (key(a) == key(b) && a < b);
    });
    return order;
}

/// The `count` highest scores' indices, ascending. Precondition: count <= scores.size().
[[nodiscard]] inline std::vector<std::uint32_t> highest(std::span<const float> scores, std::size_t count) {
    PITH_ASSERT(count <= scores.size());
    std::vector<std::uint32_t> kept = ranking(scores);
    kept.resize(count);
    std::sort(kept.begin(), kept.end());
    return kept;
}

namespace detail {

/// Gives every open part its floor of the share of `left`; parts that reach their cap close. True when one
/// did.
[[nodiscard]] inline bool close_full_parts(std::span<const double> weights, std::span<const std::size_t> caps,
                                           std::vector<bool>& closed, std::vector<std::size_t>& out,
                                           std::size_t& left) {
    double sum = 0;
    for (std::size_t i = 0; i < weights.size(); ++i) sum += closed[i] ? 0 : weights[i];
    if (!(sum > 0)) return false;
    bool any = false;
    const double total = static_cast<double>(left);
    for (std::size_t i = 0; i < weights.size(); ++i) {
        if (closed[i] || !(weights[i] * total >= sum * static_cast<double>(caps[i]))) continue;
        // sum of the closed parts' shares <= left: weights[i] / sum adds up to 1 over the open parts.
        if (caps[i] > left) continue;
        closed[i] = any = true;
        out[i] = caps[i];
        left -= caps[i];
    }
    return any;
}

}  // namespace detail

/// Whole numbers out[i] <= caps[i] in the proportion of the weights (finite, >= 0), with the sum
/// min(total, sum of caps) exactly. Parts of weight 0 get something only when the others are full.
/// Encoder-side.
[[nodiscard]] inline std::vector<std::size_t> apportion(std::span<const double> weights,
                                                        std::span<const std::size_t> caps,
                                                        std::size_t total) {
    PITH_ASSERT(weights.size() == caps.size());
    const std::size_t n = weights.size();
    std::vector<std::size_t> out(n);
    std::vector<bool> closed(n);
    std::size_t left = total;
    for (bool again = true; again;) again = detail::close_full_parts(weights, caps, closed, out, left);
    double sum = 0;
    for (std::size_t i = 0; i < n; ++i) sum += closed[i] ? 0 : weights[i];
    std::vector<double> rest(n, -1);
    const double whole = static_cast<double>(left);
    for (std::size_t i = 0; i < n && sum > 0; ++i) {
        if (closed[i]) continue;
        const double share = weights[i] / sum * whole;
        out[i] = std::min({caps[i], left, static_cast<std::size_t>(share)});
        rest[i] = share - static_cast<double>(out[i]);
        left -= out[i];
    }
    std::vector<std::size_t> order(n);
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
        return rest[a] > rest[b] || (rest[a] == rest[b] && a < b);
    });
    for (bool moved = true; left > 0 && moved;) {  // one unit each per round, so that rounding stays even
        moved = false;
        for (const std::size_t i : order) {
            if (left == 0 || out[i] == caps[i]) continue;
            ++out[i];
            --left;
            moved = true;
        }
    }
    return out;
}

}  // namespace pith::inline v1::kv
