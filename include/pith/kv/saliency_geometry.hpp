// Scores by keys and values alone: norms, distance from the mean direction, spread against the tokens that
// follow. Key norm (Devoto et al., 2024); KeyDiff (Park et al., 2025); LagKV (Liang et al., 2025). A lane of
// several heads scores the mean over its heads.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <vector>

#include <pith/core/assert.hpp>
#include <pith/kv/ranking.hpp>
#include <pith/kv/saliency.hpp>

namespace pith::inline v1::kv {

/// The part of a saliency that needs no queries.
class query_free {
  public:
    void observe(const lane_place&, view_2d<const float>, const lane_view&) noexcept {}
};

namespace detail {

[[nodiscard]] inline float norm(std::span<const float> v) noexcept {
    double sum = 0;
    for (const float x : v) sum += double{x} * double{x};
    return static_cast<float>(std::sqrt(sum));
}

/// The standard deviation of v after each coordinate was mapped linearly from [low, high] to [0, 1].
[[nodiscard]] inline float relative_spread(std::span<const float> v, std::span<const float> low,
                                           std::span<const float> high) noexcept {
    double sum = 0, squares = 0;
    for (std::size_t j = 0; j < v.size(); ++j) {
        const double range = double{high[j]} - double{low[j]};
        const double x = range > 0 ? (double{v[j]} - double{low[j]}) / range : 0;
        sum += x;
        squares += x * x;
    }
    const double n = static_cast<double>(v.size()), variance = squares / n - sum / n * (sum / n);
    return static_cast<float>(std::sqrt(std::max(variance, 0.0)));
}

}  // namespace detail

/// True when the view has the rows to be scored; caches that freeze keys and values apart show one kind alone
/// at times.
[[nodiscard]] inline bool shows(view_2d<const float> rows, std::span<const float> scores) noexcept {
    return rows.rows() == scores.size() && !scores.empty();
}

/// Minus the norm of the key: short keys draw attention.
class key_norm : public query_free {
  public:
    void score(const lane_place& lane, const lane_view& rows, std::span<float> out) const {
        std::fill(out.begin(), out.end(), 0.0F);
        if (!shows(rows.keys, out)) return;
        const head_layout heads = layout_of(lane);
        for (std::size_t t = 0; t < out.size(); ++t) {
            for (std::size_t h = 0; h < heads.heads; ++h)
                out[t] -= detail::norm(head_of_row(rows.keys, t, h, heads.head_size));
        }
    }
};

/// The norm of the value.
class value_norm : public query_free {
  public:
    void score(const lane_place& lane, const lane_view& rows, std::span<float> out) const {
        std::fill(out.begin(), out.end(), 0.0F);
        if (!shows(rows.values, out)) return;
        const head_layout heads = layout_of(lane);
        for (std::size_t t = 0; t < out.size(); ++t) {
            for (std::size_t h = 0; h < heads.heads; ++h)
                out[t] += detail::norm(head_of_row(rows.values, t, h, heads.head_size));
        }
    }
};

/// Minus the cosine between the key and the mean of the normalized keys: keys unlike the others stay.
class key_difference : public query_free {
  public:
    void score(const lane_place& lane, const lane_view& rows, std::span<float> out) const {
        std::fill(out.begin(), out.end(), 0.0F);
        if (!shows(rows.keys, out)) return;
        const head_layout heads = layout_of(lane);
        std::vector<double> mean(heads.head_size);
        for (std::size_t h = 0; h < heads.heads; ++h) {
            std::fill(mean.begin(), mean.end(), 0.0);
            for (std::size_t t = 0; t < out.size(); ++t) {
                const auto key = head_of_row(rows.keys, t, h, heads.head_size);
                const double n = std::max(double{detail::norm(key)}, 1e-20);
                for (std::size_t j = 0; j < mean.size(); ++j) mean[j] += double{key[j]} / n;
            }
            double square = 0;
            for (const double m : mean) square += m * m;
            for (std::size_t t = 0; t < out.size(); ++t) {
                const auto key = head_of_row(rows.keys, t, h, heads.head_size);
                double product = 0;
                for (std::size_t j = 0; j < mean.size(); ++j) product += double{key[j]} * mean[j];
                out[t] -= static_cast<float>(product /
                                             std::max(double{detail::norm(key)} * std::sqrt(square), 1e-20));
            }
        }
    }
};

/// Rows are cut in runs of `lag`; a token's key and value are mapped by the next run's minimum and maximum in
/// each channel, and softmax over the run of their standard deviations over channels, added, is its score.
/// What is returned is its rank in the run in [0, 1), so that every run keeps the same share; rows without a
/// next run stand above all others.
class lag_relative : public query_free {
  public:
    explicit lag_relative(std::size_t lag = 128) : lag_(lag) { PITH_ASSERT(lag >= 2); }

    void score(const lane_place& lane, const lane_view& rows, std::span<float> out) const {
        const head_layout heads = layout_of(lane);
        const std::size_t runs = out.size() / lag_;
        std::fill(out.begin(), out.end(), 2.0F);
        if (!shows(rows.keys, out) || !shows(rows.values, out)) return;
        for (std::size_t r = 0; r + 1 < runs; ++r) {
            std::vector<float> sum(lag_);
            for (std::size_t h = 0; h < heads.heads; ++h) {
                add_run(rows.keys, r, h, heads.head_size, sum);
                add_run(rows.values, r, h, heads.head_size, sum);
            }
            const auto order = ranking(sum);
            for (std::size_t i = 0; i < lag_; ++i)
                out[r * lag_ + order[i]] = 1 - static_cast<float>(i + 1) / static_cast<float>(lag_);
        }
    }

  private:
    void add_run(view_2d<const float> x, std::size_t run, std::size_t head, std::size_t d,
                 std::span<float> sum) const {
        std::vector<float> low(d, INFINITY), high(d, -INFINITY), spread(lag_);
        for (std::size_t t = 0; t < lag_; ++t) {
            const auto row = head_of_row(x, (run + 1) * lag_ + t, head, d);
            for (std::size_t j = 0; j < d; ++j) {
                low[j] = std::min(low[j], row[j]);
                high[j] = std::max(high[j], row[j]);
            }
        }
        for (std::size_t t = 0; t < lag_; ++t)
            spread[t] = detail::relative_spread(head_of_row(x, run * lag_ + t, head, d), low, high);
        softmax(spread);
        for (std::size_t t = 0; t < lag_; ++t) sum[t] += spread[t];
    }

    std::size_t lag_;
};

}  // namespace pith::inline v1::kv
