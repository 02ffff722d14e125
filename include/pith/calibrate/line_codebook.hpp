// The best k values for weighted numbers on a line, exactly.
// SqueezeLLM (Kim and others, 2023) runs weighted k-means by Lloyd's steps; on a line the optimum is found by
// dynamic programming (Bruce, 1965; Wu, 1991), here with the monotone split that takes O(k n log n).
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <utility>
#include <vector>

#include <pith/core/result.hpp>

namespace pith::inline v1::calibrate {

/// Values of a codebook, rising, and the weighted squared error that it leaves.
struct line_codebook {
    std::vector<float> values;
    double error = 0;
    /// The index of the nearest value, the lower one on a tie.
    [[nodiscard]] std::size_t nearest(float x) const noexcept {
        const auto at =
            static_cast<std::size_t>(std::lower_bound(values.begin(), values.end(), x) - values.begin());
        if (at == values.size()) return at - 1;
        return at > 0 && x - values[at - 1] <= values[at] - x ? at - 1 : at;
    }
};

namespace detail {

/// Weighted squared error of consecutive points about their mean, from sums of prefixes.
class line_cost {
  public:
    explicit line_cost(const std::vector<std::pair<double, double>>& points) : sums_(points.size() + 1) {
        for (std::size_t i = 0; i < points.size(); ++i) {
            const auto [x, w] = points[i];
            sums_[i + 1] = {sums_[i].weight + w, sums_[i].first + w * x, sums_[i].second + w * x * x};
        }
    }
    [[nodiscard]] double operator()(std::size_t from, std::size_t to) const noexcept {
        const double w = sums_[to].weight - sums_[from].weight, s = sums_[to].first - sums_[from].first;
        const double q = sums_[to].second - sums_[from].second;
        return w > 0 && q - s * s / w > 0 ? q - s * s / w : 0;
    }
    [[nodiscard]] double mean(std::size_t from, std::size_t to) const noexcept {
        const double w = sums_[to].weight - sums_[from].weight;
        return w > 0 ? (sums_[to].first - sums_[from].first) / w : 0;
    }

  private:
    struct sums {
        double weight = 0, first = 0, second = 0;
    };
    std::vector<sums> sums_;
};

/// now[i] = min over s in low..high of before[s] + cost(s, i), for i in first..last; best splits rise with i.
inline void split_level(const line_cost& cost, const std::vector<double>& before, std::vector<double>& now,
                        std::vector<std::size_t>& split, std::size_t first, std::size_t last, std::size_t low,
                        std::size_t high) {
    if (first > last) return;
    const std::size_t middle = first + (last - first) / 2;
    now[middle] = INFINITY;
    for (std::size_t s = low; s <= std::min(high, middle); ++s) {
        const double total = before[s] + cost(s, middle);
        if (total < now[middle]) {
            now[middle] = total;
            split[middle] = s;
        }
    }
    if (middle > first) split_level(cost, before, now, split, first, middle - 1, low, split[middle]);
    split_level(cost, before, now, split, middle + 1, last, split[middle], high);
}

/// Points in rising order, equal ones merged, with weights above 0.
inline result<std::vector<std::pair<double, double>>> merged_points(std::span<const float> x,
                                                                    std::span<const float> weight) {
    if (x.size() != weight.size() || x.empty())
        return error{error_code::unsupported_parameter, 0, "no points, or weights of another length"};
    double mean = 0;
    for (std::size_t i = 0; i < x.size(); ++i) {
        if (!std::isfinite(x[i]) || !std::isfinite(weight[i]) || weight[i] < 0)
            return error{error_code::unsupported_parameter, 0, "a value or weight is not one"};
        mean += static_cast<double>(weight[i]) / static_cast<double>(x.size());
    }
    const double least = mean > 0 ? 1e-12 * mean : 1;
    std::vector<std::pair<double, double>> points;
    for (std::size_t i = 0; i < x.size(); ++i)
        points.emplace_back(x[i], std::max(least, static_cast<double>(weight[i])));
    std::sort(points.begin(), points.end());
    std::vector<std::pair<double, double>> merged;
    for (const auto& p : points) {
        if (!merged.empty() && merged.back().first == p.first)
            merged.back().second += p.second;
        else
            merged.push_back(p);
    }
    return merged;
}

}  // namespace detail

/// The k values that leave the least sum of weight (x - value)^2; fewer when there are fewer points that
/// differ. Weights that are 0 count as 1e-12 of the mean. Errors: unsupported_parameter for other lengths, k
/// = 0, no points, or values that are not finite or weights that are negative.
[[nodiscard]] inline result<line_codebook> best_line_codebook(std::span<const float> x,
                                                              std::span<const float> weight, std::size_t k) {
    const auto points = detail::merged_points(x, weight);
    if (!points) return points.error();
    if (k == 0) return error{error_code::unsupported_parameter, 0, "a codebook without values"};
    const std::size_t n = points->size();
    k = std::min(k, n);
    const detail::line_cost cost(*points);
    std::vector<double> before(n + 1, INFINITY), now(n + 1);
    std::vector<std::vector<std::size_t>> splits(k, std::vector<std::size_t>(n + 1));
    for (std::size_t i = 1; i <= n; ++i) before[i] = cost(0, i);
    for (std::size_t level = 1; level < k; ++level) {  // level + 1 clusters need that many points
        std::fill(now.begin(), now.end(), INFINITY);
        detail::split_level(cost, before, now, splits[level], level + 1, n, level, n - 1);
        before.swap(now);
    }
    line_codebook out{std::vector<float>(k), before[n]};
    std::size_t end = n;
    for (std::size_t level = k; level-- > 0;) {
        const std::size_t begin = level == 0 ? 0 : splits[level][end];
        out.values[level] = static_cast<float>(cost.mean(begin, end));
        end = begin;
    }
    return out;
}

}  // namespace pith::inline v1::calibrate
