// Levels for the values of a tensor by soft k-means over its distinct 16-bit values and how often they occur.
// DKM and eDKM (Cho et al., 2022 and 2023): weights of all values for all levels, and a tensor of 16-bit
// numbers has at most 63488 finite ones. Here the temperature falls, and hard rounds come last; no better
// than a local optimum (the global one: calibrate/exact_levels.hpp).
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <pith/core/exact_math.hpp>
#include <pith/core/float_layout.hpp>
#include <pith/core/number.hpp>
#include <pith/core/result.hpp>
#include <pith/core/view.hpp>
#include <pith/quant/concepts.hpp>

namespace pith::inline v1::quant {

/// Distinct values in ascending order, and how often each occurs.
struct value_counts {
    std::vector<double> values, counts;
};

/// Of the values rounded to half precision; -0 counts as 0. Error: a value that is not finite, or not as a
/// half. Exact.
[[nodiscard]] inline result<value_counts> count_halves(view_2d<const float> x) {
    std::vector<std::uint32_t> histogram(std::size_t{1} << 16);
    for (std::size_t r = 0; r < x.rows(); ++r)
        for (std::size_t c = 0; c < x.columns(); ++c) {
            const half v(x(r, c) == 0 ? 0.0F : x(r, c));
            const std::uint16_t pattern = v.bits == 0x8000 ? std::uint16_t{0} : v.bits;
            if ((pattern & 0x7C00) == 0x7C00) return not_finite();
            ++histogram[to_ordered(pattern)];
        }
    value_counts out;
    for (std::uint32_t order = 0; order < histogram.size(); ++order)
        if (histogram[order] != 0) {
            const half v = half::from_bits(from_ordered(static_cast<std::uint16_t>(order)));
            out.values.push_back(static_cast<double>(static_cast<float>(v)));
            out.counts.push_back(histogram[order]);
        }
    return out;
}

/// Finds up to `entries` ascending levels for values of given counts.
template <class F>
concept level_fit = requires(const F fit, const value_counts& values, std::size_t entries) {
    { fit(values, entries) } -> std::same_as<std::vector<double>>;
};

namespace detail {

/// Sums, over the values, of the weight and of the weighted value that each level receives.
struct level_sums {
    std::vector<double> weight, value;

    explicit level_sums(std::size_t levels) : weight(levels), value(levels) {}
    /// Moves each level to the mean of what it received; the largest move.
    double move(std::span<double> levels) const noexcept {
        double largest = 0;
        for (std::size_t k = 0; k < levels.size(); ++k) {
            if (!(weight[k] > 0)) continue;
            const double to = value[k] / weight[k], step = to < levels[k] ? levels[k] - to : to - levels[k];
            largest = step > largest ? step : largest;
            levels[k] = to;
        }
        return largest;
    }
};

}  // namespace detail

/// Each value is shared out among the levels by exp(-distance^2 / temperature), and each level moves to the
/// mean of what it got; the temperature falls from round to round, until the nearest level gets all.
/// Encoder-side.
struct soft_clusters {
    double temperature = 8;  ///< of the first round, over (standard deviation / entries)^2
    double cooling = 0.9;    ///< factor from round to round, in (0, 1)
    int soft_rounds = 40, hard_rounds = 200;

    [[nodiscard]] std::vector<double> operator()(const value_counts& data, std::size_t entries) const {
        if (data.values.size() <= entries) return data.values;
        std::vector<double> levels = at_equal_shares(data, entries);
        double heat = temperature * variance(data) / static_cast<double>(entries * entries);
        for (int round = 0; round < soft_rounds && heat > 0; ++round, heat *= cooling)
            soft_round(data, heat, levels);
        for (int round = 0; round < hard_rounds; ++round)
            if (soft_round(data, 0, levels) == 0) break;
        return levels;
    }

  private:
    [[nodiscard]] static double variance(const value_counts& data) noexcept {
        double n = 0, sum = 0, squares = 0;
        for (std::size_t i = 0; i < data.values.size(); ++i) {
            n += data.counts[i];
            sum += data.counts[i] * data.values[i];
            squares += data.counts[i] * data.values[i] * data.values[i];
        }
        return squares / n - (sum / n) * (sum / n);
    }
    /// Levels that stand for equal shares of the cube root of the density, which is where fine levels lie
    /// (Panter and Dite, 1951): shares of the distinct values are closer to it than shares of all values.
    [[nodiscard]] static std::vector<double> at_equal_shares(const value_counts& data, std::size_t entries) {
        std::vector<double> sums(data.values.size() + 1);
        for (std::size_t i = 0; i < data.values.size(); ++i) {
            const double width = i == 0 ? 0 : data.values[i] - data.values[i - 1];
            const double mass = data.counts[i] * width * width;  // its cube root is density^(1/3) width
            sums[i + 1] = sums[i] + (mass > 0 ? exact::exp(exact::log(mass) / 3) : 0);
        }
        std::vector<double> levels;
        std::size_t i = 0;
        for (std::size_t k = 0; k < entries; ++k) {
            const double share = sums.back() * (static_cast<double>(k) + 0.5) / static_cast<double>(entries);
            while (i + 1 < data.values.size() - (entries - 1 - k) && sums[i + 1] < share) ++i;
            levels.push_back(data.values[i++]);
        }
        return levels;
    }
    /// One round; heat 0 gives each value to the nearest level, the lower of two. Levels farther away than
    /// `reach` get nothing that counts, so that a round costs a few exponentials for each distinct value.
    static double soft_round(const value_counts& data, double heat, std::span<double> levels) {
        detail::level_sums sums(levels.size());
        std::vector<double> share(levels.size());
        std::size_t near = 0;
        for (std::size_t i = 0; i < data.values.size(); ++i) {
            const double v = data.values[i];
            while (near + 1 < levels.size() && levels[near + 1] - v < v - levels[near]) ++near;
            std::size_t low = near, high = near;
            double total = share[near] = 1;
            const double base = (v - levels[near]) * (v - levels[near]);
            const auto add = [&](std::size_t k) {
                const double exponent = ((v - levels[k]) * (v - levels[k]) - base) / heat;
                if (exponent > reach) return false;
                total += share[k] = exact::exp(-exponent);
                return true;
            };
            while (heat > 0 && low > 0 && add(low - 1)) --low;
            while (heat > 0 && high + 1 < levels.size() && add(high + 1)) ++high;
            for (std::size_t k = low; k <= high; ++k) {
                const double part = data.counts[i] * share[k] / total;
                sums.weight[k] += part;
                sums.value[k] += part * v;
            }
        }
        return sums.move(levels);
    }
    static constexpr double reach = 30;  // e^-30 is below the rounding of the sums
};

}  // namespace pith::inline v1::quant
