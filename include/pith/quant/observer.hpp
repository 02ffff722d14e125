// Observers: the range of values that a uniform quantizer should cover, seen from the values.
// Minimum and maximum; percentiles; SLiM-Quant's clip (Mozaffari et al., 2024) from a histogram; QuEST's fit
// (Panferov et al., 2025) of a Gaussian.
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include <pith/core/assert.hpp>
#include <pith/core/exact_math.hpp>
#include <pith/core/view.hpp>
#include <pith/quant/lloyd_max.hpp>

namespace pith::inline v1::quant {

/// low <= high.
struct range {
    float low = 0;
    float high = 0;
    friend constexpr bool operator==(const range&, const range&) = default;
};

/// Made for a number of levels (at least 2); gives the range that they should span. The values are finite
/// and at least one. Encoder-side.
template <class O>
concept observer = std::constructible_from<O, unsigned> && requires(const O o, view_2d<const float> x) {
    { o(x) } -> std::same_as<range>;
};

/// The smallest and the largest value.
struct min_max {
    explicit constexpr min_max(unsigned = 2) noexcept {}
    [[nodiscard]] range operator()(view_2d<const float> x) const noexcept {
        range out{x(0, 0), x(0, 0)};
        for (std::size_t r = 0; r < x.rows(); ++r)
            for (std::size_t c = 0; c < x.columns(); ++c) {
                const float v = x(r, c);
                out.low = v < out.low ? v : out.low;
                out.high = v > out.high ? v : out.high;
            }
        return out;
    }
};

namespace detail {
[[nodiscard]] inline std::vector<float> sorted_values(view_2d<const float> x) {
    std::vector<float> values;
    values.reserve(x.size());
    for (std::size_t r = 0; r < x.rows(); ++r)
        for (std::size_t c = 0; c < x.columns(); ++c) values.push_back(x(r, c));
    sort_floats(values);
    return values;
}
}  // namespace detail

/// Leaves `Permyriad` ten-thousandths of the values out at either end.
template <unsigned Permyriad>
requires(Permyriad < 5000) struct percentile {
    explicit constexpr percentile(unsigned = 2) noexcept {}
    [[nodiscard]] range operator()(view_2d<const float> x) const {
        const std::vector<float> values = detail::sorted_values(x);
        const std::size_t out = static_cast<std::size_t>(std::uint64_t{values.size()} * Permyriad / 10000);
        return {values[out], values[values.size() - 1 - out]};
    }
};

/// An exponential mean of the ranges of successive batches.
class moving_range {
  public:
    /// The newest batch counts `weight`, in (0, 1].
    explicit constexpr moving_range(float weight) noexcept : weight_(weight) {
        PITH_ASSERT(weight > 0 && weight <= 1);
    }
    void update(range batch) noexcept {
        if (!seen_) {
            mean_ = batch;
            seen_ = true;
            return;
        }
        mean_.low += weight_ * (batch.low - mean_.low);
        mean_.high += weight_ * (batch.high - mean_.high);
    }
    [[nodiscard]] range value() const noexcept { return mean_; }

  private:
    range mean_;
    float weight_;
    bool seen_ = false;
};

/// A symmetric clip of least squared error, found on a histogram of magnitudes: ten candidates, then every
/// bin between the neighbours of the best. Rounding errors are taken from each bin's moments, where the
/// published code integrates a flooring quantizer of another step.
class slim_clip {
    static constexpr std::size_t bins = 512;

  public:
    explicit slim_clip(unsigned levels) noexcept : levels_(levels) { PITH_ASSERT(levels >= 2); }

    [[nodiscard]] range operator()(view_2d<const float> x) const {
        const range all = min_max{}(x);
        const float largest = all.high > -all.low ? all.high : -all.low;
        if (!(largest > 0x1p-100F)) return {-largest, largest};
        const std::vector<moments> histogram = histogram_of(x, largest);
        std::size_t best = bins;
        for (std::size_t i = 1; i <= 10; ++i) best = better(histogram, best, bins * i / 10);
        const std::size_t step = bins / 10 + 1, centre = best;
        for (std::size_t i = centre > step ? centre - step : 1; i <= centre + step && i <= bins; ++i)
            best = better(histogram, best, i);
        const float clip = largest * (static_cast<float>(best) / bins);
        return {-clip, clip};
    }

  private:
    /// Of the magnitudes in a bin, in bins.
    struct moments {
        double count = 0, sum = 0, squares = 0;
    };

    [[nodiscard]] static std::vector<moments> histogram_of(view_2d<const float> x, float largest) {
        std::vector<moments> out(bins);
        for (std::size_t r = 0; r < x.rows(); ++r)
            for (std::size_t c = 0; c < x.columns(); ++c) {
                const double size = double{x(r, c) < 0 ? -x(r, c) : x(r, c)} / double{largest} * bins;
                moments& bin = out[size < bins ? static_cast<std::size_t>(size) : bins - 1];
                bin.count += 1;
                bin.sum += size;
                bin.squares += size * size;
            }
        return out;
    }
    [[nodiscard]] double error_at(const std::vector<moments>& histogram, std::size_t clip) const noexcept {
        // Levels are clip (1 - 2 j / (levels - 1)): from -clip to clip in equal steps.
        const double step = 2.0 * static_cast<double>(clip) / (levels_ - 1);
        const double first = levels_ % 2 != 0 ? 0 : step / 2;
        double error = 0;
        for (const moments& bin : histogram) {
            if (bin.count == 0) continue;
            const double mean = bin.sum / bin.count;
            const double place = (mean - first) / step + 0.5;
            double level =
                first + step * static_cast<double>(place > 0 ? static_cast<std::int64_t>(place) : 0);
            if (level > static_cast<double>(clip)) level = static_cast<double>(clip);
            error += bin.squares - 2 * level * bin.sum + level * level * bin.count;
        }
        return error;
    }
    [[nodiscard]] std::size_t better(const std::vector<moments>& histogram, std::size_t a,
                                     std::size_t b) const noexcept {
        return error_at(histogram, b) < error_at(histogram, a) ? b : a;
    }

    unsigned levels_;
};

/// The clip of least squared error for a Gaussian with the values' root mean square: steps of 1.596, 0.996,
/// 0.586 and 0.335 standard deviations at 1 to 4 bits.
class gaussian_fit {
  public:
    explicit gaussian_fit(unsigned levels) noexcept : clip_(best_clip(levels)) {}

    [[nodiscard]] range operator()(view_2d<const float> x) const noexcept {
        double sum = 0;
        for (std::size_t r = 0; r < x.rows(); ++r)
            for (std::size_t c = 0; c < x.columns(); ++c) sum += double{x(r, c)} * double{x(r, c)};
        const auto clip = static_cast<float>(clip_ * exact::sqrt(sum / static_cast<double>(x.size())));
        return {-clip, clip};
    }
    /// In standard deviations.
    [[nodiscard]] double clip() const noexcept { return clip_; }

    /// The squared error of `levels` equally spaced levels from -clip to clip under the normal density.
    [[nodiscard]] static double error_of(unsigned levels, double clip) noexcept {
        const double step = 2 * clip / (levels - 1);
        double error = 1, below = 0, density = 0;  // 1 - sum of (2 l E[x; cell] - l^2 P[cell])
        for (unsigned j = 0; j < levels; ++j) {
            const double level = step * j - clip, edge = level + step / 2;
            const bool last = j + 1 == levels;
            const double above = last ? 1 : exact::normal_cdf(edge);
            const double next = last ? 0 : 0.3989422804014327 * exact::exp(-edge * edge / 2);
            error -= 2 * level * (density - next) - level * level * (above - below);
            below = above;
            density = next;
        }
        return error;
    }

  private:
    [[nodiscard]] static double best_clip(unsigned levels) noexcept {
        double low = 0.1, high = 8;  // one minimum lies between: a golden-section search
        constexpr double golden = 0.6180339887498949;
        for (int i = 0; i < 60; ++i) {
            const double a = high - golden * (high - low), b = low + golden * (high - low);
            (error_of(levels, a) < error_of(levels, b) ? high : low) =
                error_of(levels, a) < error_of(levels, b) ? b : a;
        }
        return (low + high) / 2;
    }
    double clip_;
};

}  // namespace pith::inline v1::quant
