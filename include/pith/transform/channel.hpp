// Maps that act on each channel by itself: its mean taken away, or its values divided by a scale.
// What keys need before any rotation: means and outlier channels would be spread over all coordinates.
#pragma once

#include <cstddef>
#include <span>
#include <utility>
#include <vector>

#include <pith/core/assert.hpp>
#include <pith/core/exact.hpp>
#include <pith/core/view.hpp>
#include <pith/transform/concepts.hpp>

namespace pith::inline v1::transform {

namespace detail {
/// The mean of statistic(value) over the rows, for each column; zeros without rows.
template <class Statistic>
[[nodiscard]] inline std::vector<float> column_means(view_2d<const float> samples, Statistic statistic) {
    std::vector<double> sums(samples.columns());
    for (std::size_t r = 0; r < samples.rows(); ++r)
        for (std::size_t c = 0; c < samples.columns(); ++c) sums[c] += statistic(double{samples(r, c)});
    std::vector<float> means(samples.columns());
    for (std::size_t c = 0; c < means.size() && samples.rows() != 0; ++c)
        means[c] = static_cast<float>(sums[c] / static_cast<double>(samples.rows()));
    return means;
}
}  // namespace detail

/// Subtracts a vector and adds it again. Inner products: <q, x> = <q, mean> + <q, forward(x)>.
class centering {
  public:
    static constexpr bool orthogonal = false;

    explicit centering(std::vector<float> mean) : mean_(std::move(mean)) {}
    /// The mean of the rows. Encoder-side.
    explicit centering(view_2d<const float> samples)
        : mean_(detail::column_means(samples, [](double v) { return v; })) {}

    [[nodiscard]] std::size_t input_size() const noexcept { return mean_.size(); }
    [[nodiscard]] std::size_t size() const noexcept { return mean_.size(); }
    [[nodiscard]] std::span<const float> mean() const noexcept { return mean_; }

    void forward_into(std::span<const float> x, std::span<float> y) const noexcept {
        PITH_ASSERT(x.size() == size() && y.size() == size());
        for (std::size_t i = 0; i < y.size(); ++i) y[i] = x[i] - mean_[i];
    }
    /// y may be x.
    void inverse_into(std::span<const float> y, std::span<float> x) const noexcept {
        PITH_ASSERT(x.size() == size() && y.size() == size());
        for (std::size_t i = 0; i < y.size(); ++i) x[i] = y[i] + mean_[i];
    }

  private:
    std::vector<float> mean_;
};

/// Divides each channel by its scale and multiplies it again. The scale can be folded into a query:
/// <q, x> = <scale * q, forward(x)>.
class channel_scale {
  public:
    static constexpr bool orthogonal = false;

    /// Precondition: every scale is finite and not zero.
    explicit channel_scale(std::vector<float> scales) : scales_(std::move(scales)) {
        for ([[maybe_unused]] const float s : scales_) PITH_ASSERT(s != 0 && s - s == 0);
    }
    /// The root mean square of each column, 1 where that is zero or no normal float. Encoder-side.
    explicit channel_scale(view_2d<const float> samples)
        : scales_(detail::column_means(samples, [](double v) { return v * v; })) {
        for (float& s : scales_) {
            s = exact::sqrt(s);
            if (!(s >= 0x1p-100F && s <= 0x1p100F)) s = 1;
        }
    }

    [[nodiscard]] std::size_t input_size() const noexcept { return scales_.size(); }
    [[nodiscard]] std::size_t size() const noexcept { return scales_.size(); }
    [[nodiscard]] std::span<const float> scales() const noexcept { return scales_; }

    void forward_into(std::span<const float> x, std::span<float> y) const noexcept {
        PITH_ASSERT(x.size() == size() && y.size() == size());
        for (std::size_t i = 0; i < y.size(); ++i) y[i] = x[i] / scales_[i];
    }
    /// y may be x.
    void inverse_into(std::span<const float> y, std::span<float> x) const noexcept {
        PITH_ASSERT(x.size() == size() && y.size() == size());
        for (std::size_t i = 0; i < y.size(); ++i) x[i] = y[i] * scales_[i];
    }

  private:
    std::vector<float> scales_;
};

}  // namespace pith::inline v1::transform
