// Scalar codebooks from formulas: normal-float, minifloat, power, additive powers of two, ternary, fixed
// point. NF4: Dettmers et al. (2023). FP4, FP8: Open Compute Project (2023). Power: Yvinec et al. (NUPES,
// 2023). APoT: Li et al. (2020). Fixed point with a fitted binary point: AdaPT (Kummer et al., 2021).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <pith/core/assert.hpp>
#include <pith/core/exact_math.hpp>
#include <pith/core/number.hpp>
#include <pith/core/result.hpp>
#include <pith/quant/grid.hpp>
#include <pith/quant/lloyd_max.hpp>

namespace pith::inline v1::quant {

namespace detail {

/// The grid of some values in any order, with repetitions.
template <unsigned Bits>
[[nodiscard]] inline grid<Bits> grid_of(std::vector<float> values) {
    sort_floats(values);
    std::vector<float> levels;
    for (const float v : values)
        if (levels.empty() || v > levels.back()) levels.push_back(v + 0.0F);  // one zero
    return grid<Bits>(levels);
}

/// x with normal_cdf(x) = p, by bisection.
[[nodiscard]] inline double normal_quantile(double p) noexcept {
    double low = -9, high = 9;
    for (int i = 0; i < 80; ++i) {
        const double middle = (low + high) / 2;
        (exact::normal_cdf(middle) < p ? low : high) = middle;
    }
    return (low + high) / 2;
}

}  // namespace detail

/// Quantiles of the normal density over [-1, 1], zero exact: 2^(Bits-1) levels below and above it, one of
/// them shared. Bits = 4 is NF4. Exact.
template <unsigned Bits>
requires(Bits >= 2) [[nodiscard]] inline grid<Bits> normal_float() {
    constexpr std::size_t half = std::size_t{1} << (Bits - 1);
    // The outermost quantile lies halfway between those of 1 / (2 * 2^Bits) and 1 / (2 * (2^Bits - 1)).
    constexpr double n = static_cast<double>(2 * half);
    constexpr double outer = 1 - (1 / (2 * n) + 1 / (2 * (n - 1))) / 2;
    std::vector<float> values{0.0F};
    const double largest = detail::normal_quantile(outer);
    const auto add = [&](std::size_t count, double sign) {
        for (std::size_t i = 0; i < count; ++i) {
            const double p = outer + (0.5 - outer) * static_cast<double>(i) / static_cast<double>(count);
            values.push_back(static_cast<float>(sign * (detail::normal_quantile(p) / largest)));
        }
    };
    add(half, 1);
    add(half - 1, -1);
    return detail::grid_of<Bits>(values);
}

/// The finite values of a sign, `Exponent` and `Mantissa` bits with subnormals and no infinities: <2, 1> is
/// FP4 E2M1 (0, 0.5, 1, 1.5, 2, 3, 4, 6). Exact.
template <unsigned Exponent, unsigned Mantissa>
requires(Exponent >= 1 && Exponent + Mantissa <= 7)
    [[nodiscard]] inline grid<1 + Exponent + Mantissa> minifloat() {
    constexpr int bias = (1 << (Exponent - 1)) - 1;
    std::vector<float> values;
    for (unsigned e = 0; e < 1U << Exponent; ++e)
        for (unsigned m = 0; m < 1U << Mantissa; ++m) {
            const int power = (e == 0 ? 1 : static_cast<int>(e)) - bias - static_cast<int>(Mantissa);
            const float significand = static_cast<float>(m + (e == 0 ? 0 : 1U << Mantissa));
            const auto value = static_cast<float>(significand * exact::exp2(static_cast<double>(power)));
            values.push_back(value);
            values.push_back(-value);
        }
    return detail::grid_of<1 + Exponent + Mantissa>(values);
}

/// The values of an eight-bit storage type, NaNs and infinities left out. Exact.
template <short_float T>
requires(sizeof(T) == 1) [[nodiscard]] inline grid<8> storage_grid() {
    std::vector<float> values;
    for (unsigned b = 0; b < 256; ++b) {
        const auto v = static_cast<float>(T::from_bits(static_cast<std::uint8_t>(b)));
        if (v - v == 0) values.push_back(v);
    }
    return detail::grid_of<8>(values);
}

/// sign(k) (|k| / K)^(1 / a) for |k| <= K = 2^(Bits-1) - 1: rounding of x^a. a = 1 is uniform; products of
/// levels are levels of the product of powers. Precondition: 0 < a <= 1. Exact.
template <unsigned Bits>
requires(Bits >= 2) [[nodiscard]] inline grid<Bits> power_grid(double a) {
    PITH_ASSERT(a > 0 && a <= 1);
    constexpr int count = (1 << (Bits - 1)) - 1;
    std::vector<float> values{0.0F};
    for (int k = 1; k <= count; ++k) {
        const double place = static_cast<double>(k) / count;
        const auto value = static_cast<float>(exact::exp(exact::log(place) / a));
        values.push_back(value);
        values.push_back(-value);
    }
    return detail::grid_of<Bits>(values);
}

/// The power with the least squared error on values divided by their largest magnitude, by golden section
/// over [0.2, 1]. Encoder-side. Precondition: the values are finite and within [-1, 1].
template <unsigned Bits>
[[nodiscard]] inline double fit_power(std::span<const float> values) {
    const auto error = [&](double a) {
        const grid<Bits> g = power_grid<Bits>(a);
        double sum = 0;
        for (const float v : values) {
            const double e = double{v} - double{g.levels()[g.nearest(v)]};
            sum += e * e;
        }
        return sum;
    };
    double low = 0.2, high = 1;
    constexpr double golden = 0.6180339887498949;
    for (int i = 0; i < 24; ++i) {
        const double a = high - golden * (high - low), b = low + golden * (high - low);
        (error(a) <= error(b) ? high : low) = error(a) <= error(b) ? b : a;
    }
    return (low + high) / 2;
}

/// Signed sums of powers of two, at most 1: term t of `Terms` is 0 or 2^-i with i = t, t + Terms, ...; each
/// has Bits' share of (Bits - 1) / Terms bits. A product with a level is Terms shifts and additions. Exact.
template <unsigned Bits, unsigned Terms = 2>
requires(Bits >= 2 && Terms >= 1 && (Bits - 1) % Terms == 0)
    [[nodiscard]] inline grid<Bits> additive_powers() {
    constexpr unsigned choices = 1U << ((Bits - 1) / Terms);
    std::vector<float> sums{0.0F};
    float largest = 0;
    for (unsigned t = 0; t < Terms; ++t) {
        std::vector<float> next;
        for (const float s : sums)
            for (unsigned i = 0; i < choices; ++i)
                next.push_back(s + (i == 0 ? 0.0F
                                           : static_cast<float>(
                                                 exact::exp2(-static_cast<double>(t + (i - 1) * Terms)))));
        sums = next;
    }
    for (const float s : sums) largest = s > largest ? s : largest;
    std::vector<float> values;
    for (const float s : sums) {
        values.push_back(s / largest);
        values.push_back(-s / largest);
    }
    return detail::grid_of<Bits>(values);
}

/// -1, 0 and 1. Exact.
[[nodiscard]] inline grid<2> ternary_grid() {
    constexpr std::array<float, 3> levels{-1, 0, 1};
    return grid<2>(levels);
}

/// Multiples of 2^-fraction of `Bits` bits in two's complement. Exact.
template <unsigned Bits>
[[nodiscard]] inline grid<Bits> fixed_point(int fraction) {
    std::array<float, std::size_t{1} << Bits> levels;
    for (std::size_t i = 0; i < levels.size(); ++i)
        levels[i] = static_cast<float>((static_cast<double>(i) - static_cast<double>(levels.size() / 2)) *
                                       exact::exp2(-static_cast<double>(fraction)));
    return grid<Bits>(levels);
}

/// The binary point with the least squared error: AdaPT chooses it by the divergence of histograms.
/// Error: no values, or one that is not finite. Encoder-side.
template <unsigned Bits>
[[nodiscard]] inline result<int> fit_fraction(std::span<const float> values) {
    if (values.empty()) return error{error_code::unsupported_parameter, 0, "no values to fit levels to"};
    if (!all_finite(values)) return not_finite();
    int best = 0;
    double least = -1;
    for (int fraction = -32; fraction <= 40; ++fraction) {
        const double scale = exact::exp2(static_cast<double>(fraction));
        double sum = 0;
        constexpr double last = static_cast<double>((1 << (Bits - 1)) - 1);
        for (const float v : values) {
            double place = exact::detail::nearest_integer(double{v} * scale < -last - 1 ? -last - 1
                                                          : double{v} * scale > last    ? last
                                                                                        : double{v} * scale);
            const double e = double{v} - place / scale;
            sum += e * e;
        }
        if (least < 0 || sum < least) {
            least = sum;
            best = fraction;
        }
    }
    return best;
}

}  // namespace pith::inline v1::quant
