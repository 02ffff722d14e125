// Scalar codebooks of least squared error: for a symmetric density, and for data.
// Lloyd (1957) and Max (1960), started from the companding solution of Panter and Dite (1951).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <pith/core/assert.hpp>
#include <pith/core/exact_math.hpp>
#include <pith/core/result.hpp>
#include <pith/quant/grid.hpp>

namespace pith::inline v1::quant {

/// A density that is symmetric about 0, up to a constant factor, and negligible beyond reach().
template <class D>
concept symmetric_density = requires(const D d, double x) {
    { d(x) }
    noexcept->std::same_as<double>;
    { d.reach() }
    noexcept->std::same_as<double>;
};

/// The normal density of variance 1.
struct gaussian_density {
    [[nodiscard]] double operator()(double x) const noexcept { return exact::exp(exact::mul(-0.5 * x, x)); }
    [[nodiscard]] double reach() const noexcept { return 8.5; }
};
/// The double exponential of variance 1.
struct laplace_density {
    [[nodiscard]] double operator()(double x) const noexcept {
        return exact::exp(-1.4142135623730951 * (x < 0 ? -x : x));
    }
    [[nodiscard]] double reach() const noexcept { return 24; }
};
/// One coordinate of a point drawn evenly from the sphere of radius sqrt(d) in d dimensions: variance 1.
struct sphere_density {
    std::size_t dimension = 3;  ///< 1 and 2 count as 3

    [[nodiscard]] double operator()(double x) const noexcept {
        const double d = static_cast<double>(dimension < 3 ? 3 : dimension);
        const double inside = exact::mul(x, x) / d;
        if (inside >= 1) return 0;
        return exact::exp(exact::mul((d - 3) / 2, exact::log1p(-inside)));
    }
    [[nodiscard]] double reach() const noexcept {
        const double radius = exact::sqrt(static_cast<double>(dimension < 3 ? 3 : dimension));
        return radius < 8.5 ? radius : 8.5;
    }
};

namespace detail {

/// A density as a step function over equal cells, with its integrals.
class step_density {
    static constexpr std::size_t cells = 8192;

  public:
    template <symmetric_density D>
    explicit step_density(const D& density)
        : reach_(density.reach()),
          width_(2 * reach_ / cells),
          height_(cells),
          mass_(cells + 1),
          moment_(cells + 1) {
        for (std::size_t i = 0; i < cells; ++i) {
            const double x = edge(i) + width_ / 2;
            height_[i] = density(x);
            mass_[i + 1] = mass_[i] + exact::mul(height_[i], width_);
            moment_[i + 1] = moment_[i] + exact::mul(exact::mul(height_[i], width_), x);
        }
    }
    /// Integrals of the density and of x times it, from the left end to x.
    struct integrals {
        double mass, moment;
    };
    [[nodiscard]] integrals up_to(double x) const noexcept {
        const double place = (x + reach_) / width_;
        if (!(place > 0)) return {0, 0};
        if (place >= cells) return {mass_[cells], moment_[cells]};
        const auto i = static_cast<std::size_t>(place);
        const double part = exact::mul(height_[i], x - edge(i));
        return {mass_[i] + part, moment_[i] + exact::mul(part, (x + edge(i)) / 2)};
    }
    [[nodiscard]] double reach() const noexcept { return reach_; }
    /// Points that cut the cube root of the density into parts of equal integral.
    [[nodiscard]] std::vector<double> companding_levels(std::size_t count) const {
        std::vector<double> roots(cells + 1), levels(count);
        for (std::size_t i = 0; i < cells; ++i)
            roots[i + 1] = roots[i] + (height_[i] > 0 ? exact::exp(exact::log(height_[i]) / 3) : 0.0);
        std::size_t cell = 0;
        for (std::size_t k = 0; k < count; ++k) {
            const double wanted =
                exact::mul(roots[cells], (static_cast<double>(k) + 0.5) / static_cast<double>(count));
            while (cell + 1 < cells && roots[cell + 1] < wanted) ++cell;
            levels[k] =
                edge(cell) + exact::mul(width_, (wanted - roots[cell]) / (roots[cell + 1] - roots[cell]));
        }
        return levels;
    }
    /// The integral of the squared error of the levels, over that of the density.
    [[nodiscard]] double error_of(std::span<const double> levels) const noexcept {
        double sum = 0;
        for (std::size_t i = 0; i < cells; ++i) {
            const double x = edge(i) + width_ / 2;
            double best = (x - levels[0]) * (x - levels[0]);
            for (const double level : levels) {
                const double e = (x - level) * (x - level);
                best = e < best ? e : best;
            }
            sum += best * height_[i] * width_;
        }
        return sum / mass_[cells];
    }

  private:
    [[nodiscard]] double edge(std::size_t i) const noexcept {
        return exact::mul(width_, static_cast<double>(i)) - reach_;
    }

    double reach_;
    double width_;
    std::vector<double> height_, mass_, moment_;
};

/// One step: thresholds halfway, levels at the means between them; the largest move.
[[nodiscard]] inline double lloyd_step(const step_density& density, std::span<double> levels) noexcept {
    double moved = 0;
    auto left = density.up_to(-density.reach());
    for (std::size_t i = 0; i < levels.size(); ++i) {
        const auto right =
            density.up_to(i + 1 == levels.size() ? density.reach() : (levels[i] + levels[i + 1]) / 2);
        if (right.mass > left.mass) {
            const double mean = (right.moment - left.moment) / (right.mass - left.mass);
            const double move = mean < levels[i] ? levels[i] - mean : mean - levels[i];
            moved = move > moved ? move : moved;
            levels[i] = mean;
        }
        left = right;
    }
    return moved;
}

}  // namespace detail

/// The 2^Bits levels of least mean squared error for a density. Exact: the same levels on every machine, so
/// that a stream need not carry them. Takes a millisecond or two.
template <unsigned Bits, symmetric_density Density>
[[nodiscard]] inline grid<Bits> lloyd_max(const Density& density) {
    constexpr std::size_t n = std::size_t{1} << Bits;
    const detail::step_density steps(density);
    std::vector<double> levels = steps.companding_levels(n);
    for (int i = 0; i < 4000; ++i)
        if (detail::lloyd_step(steps, levels) < 1e-9) break;
    std::array<float, n> out{};
    for (std::size_t i = 0; i < n; ++i)
        out[i] = static_cast<float>((levels[i] - levels[n - 1 - i]) / 2);  // symmetric to the last bit
    return grid<Bits>(out);
}

/// The mean squared error of a codebook under a density. Encoder-side.
template <unsigned Bits, symmetric_density Density>
[[nodiscard]] inline double mean_squared_error(const grid<Bits>& codebook, const Density& density) {
    const std::vector<double> levels(codebook.levels().begin(), codebook.levels().end());
    return detail::step_density(density).error_of(levels);
}

namespace detail {

/// Sorts in place: heap sort, which needs no memory and no <algorithm>.
inline void sort_floats(std::span<float> x) noexcept {
    const auto sink = [&](std::size_t at, std::size_t end) {
        for (std::size_t child; (child = 2 * at + 1) < end; at = child) {
            if (child + 1 < end && x[child] < x[child + 1]) ++child;
            if (!(x[at] < x[child])) return;
            const float v = x[at];
            x[at] = x[child];
            x[child] = v;
        }
    };
    for (std::size_t i = x.size() / 2; i-- > 0;) sink(i, x.size());
    for (std::size_t end = x.size(); end > 1;) {
        const float v = x[--end];
        x[end] = x[0];
        x[0] = v;
        sink(0, end);
    }
}

}  // namespace detail

/// Up to 2^Bits levels fitted to data by Lloyd's iteration from equal parts of the sorted values; every level
/// is the mean of the values nearest to it. Distinct values that are no more than the levels are met exactly.
/// Error: no data, or a value that is not finite. Encoder-side.
template <unsigned Bits>
[[nodiscard]] inline result<grid<Bits>> lloyd_max_of(std::span<const float> data, int iterations = 100) {
    if (data.empty()) return error{error_code::unsupported_parameter, 0, "no values to fit levels to"};
    if (!all_finite(data)) return not_finite();
    std::vector<float> sorted(data.begin(), data.end()), levels;
    detail::sort_floats(sorted);
    std::vector<double> sums(sorted.size() + 1);
    for (std::size_t i = 0; i < sorted.size(); ++i) sums[i + 1] = sums[i] + double{sorted[i]};
    constexpr std::size_t n = std::size_t{1} << Bits;
    for (std::size_t i = 0; i < sorted.size() && levels.size() <= n; ++i)
        if (levels.empty() || sorted[i] > levels.back()) levels.push_back(sorted[i]);
    if (levels.size() <= n) return grid<Bits>(levels);
    levels.clear();
    for (std::size_t k = 0; k < n; ++k) {
        const float v = sorted[sorted.size() * (2 * k + 1) / (2 * n)];
        if (levels.empty() || v > levels.back()) levels.push_back(v);
    }
    for (int i = 0; i < iterations; ++i) {
        bool moved = false;
        std::size_t begin = 0;
        for (std::size_t k = 0; k < levels.size(); ++k) {
            std::size_t end = sorted.size();
            if (k + 1 < levels.size()) {
                const double limit = (double{levels[k]} + double{levels[k + 1]}) / 2;
                std::size_t low = begin, high = sorted.size();
                while (low < high) {
                    const std::size_t middle = (low + high) / 2;
                    (double{sorted[middle]} <= limit ? low : high) =
                        middle + (double{sorted[middle]} <= limit);
                }
                end = low;
            }
            if (end == begin) continue;
            const auto mean =
                static_cast<float>((sums[end] - sums[begin]) / static_cast<double>(end - begin));
            moved = moved || mean != levels[k];
            levels[k] = mean;
            begin = end;
        }
        if (!moved) break;
    }
    std::vector<float> distinct;
    for (const float v : levels)
        if (distinct.empty() || v > distinct.back()) distinct.push_back(v);
    return grid<Bits>(distinct);
}

}  // namespace pith::inline v1::quant
