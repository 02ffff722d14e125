// The second moment of a layer's inputs, made ready for successive quantization.
// Dead inputs, damping and the order of columns as in GPTQ (Frantar, Ashkboos, Hoefler, Alistarh, 2022); kept
// as feedback coefficients of H = T T^T (LDLQ: Chee, Cai, Kuleshov, De Sa, 2023), so that no inverse is
// needed.
#pragma once

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <span>
#include <utility>
#include <vector>

#include <pith/linalg/cholesky.hpp>

namespace pith::inline v1::calibrate {

using linalg::input;
using linalg::matrix;
using linalg::output;

/// In which order the columns of the weights are quantized.
enum class column_order : std::uint8_t {
    natural,
    falling_diagonal,  ///< inputs with the largest second moment first, "act-order"
};

struct metric_options {
    linalg::damping damping{};
    column_order order = column_order::natural;
};

/// H of n inputs in the order of quantization. Position j of the order is input order[j].
struct metric {
    std::vector<std::uint32_t> order;
    std::vector<std::uint8_t> dead;  ///< by position: 1 for an input that is always zero
    matrix<float> feedback;          ///< F, n x n, unit upper: T_ij / T_jj by positions
    std::vector<float> deviation;    ///< T_jj: standard deviation of an input given those after it
    double damping = 0;              ///< what was added to the diagonal
    matrix<float> pull{};            ///< n x n, strictly upper, or empty: how a weight moves those after it

    [[nodiscard]] std::size_t dimension() const noexcept { return order.size(); }
};

namespace detail {

inline std::vector<std::uint32_t> order_of(view_2d<const double> h, column_order how) {
    std::vector<std::uint32_t> order(h.rows());
    std::iota(order.begin(), order.end(), 0U);
    if (how == column_order::falling_diagonal)
        std::sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) {
            return h(a, a) > h(b, b) || (h(a, a) == h(b, b) && a < b);
        });
    return order;
}

/// The upper triangle of h by positions; a diagonal of 0 becomes `instead`.
inline matrix<double> sorted_upper(view_2d<const double> h, std::span<const std::uint32_t> order,
                                   double instead) {
    const std::size_t n = order.size();
    auto out = matrix<double>::unset(n, n);
    for (std::size_t i = 0; i < n; ++i) {
        const auto from = h.row(order[i]);
        const std::span<double> to = out.row(i);
        for (std::size_t j = 0; j < i; ++j) to[j] = 0;
        for (std::size_t j = i; j < n; ++j) to[j] = from[order[j]];
        if (to[i] == 0) to[i] = instead;
    }
    return out;
}

}  // namespace detail

namespace detail {

/// Order, dead inputs and deviations of a metric, and the factor T that they come from.
inline result<linalg::damped_factor> start_metric(view_2d<const double> h, metric_options options,
                                                  metric& out) {
    if (h.rows() > 0xFFFF'FFFF) return linalg::wrong_shape();
    const auto mean = linalg::mean_moment(h);
    if (!mean) return mean.error();
    const std::size_t n = h.rows();
    out.order = order_of(h, options.order);
    out.dead.resize(n);
    out.deviation.resize(n);
    for (std::size_t i = 0; i < n; ++i) out.dead[i] = h(out.order[i], out.order[i]) == 0;
    const double typical = *mean > 0 ? *mean : 1;
    auto factor =
        linalg::factor_damped([&] { return sorted_upper(h, out.order, typical); }, typical, options.damping);
    if (!factor) return factor.error();
    out.damping = factor->added;
    for (std::size_t j = 0; j < n; ++j) out.deviation[j] = static_cast<float>(factor->upper(j, j));
    return factor;
}

/// F from T.
inline matrix<float> feedback_of(const matrix<double>& upper) {
    const std::size_t n = upper.rows();
    auto out = matrix<float>::unset(n, n);
    std::vector<double> inverse(n);
    for (std::size_t j = 0; j < n; ++j) inverse[j] = 1 / upper(j, j);
    for (std::size_t i = 0; i < n; ++i) {
        const std::span<const double> from = upper.row(i);
        const std::span<float> to = out.row(i);
        for (std::size_t j = 0; j < i; ++j) to[j] = 0;
        for (std::size_t j = i; j < n; ++j) to[j] = static_cast<float>(from[j] * inverse[j]);
    }
    return out;
}

}  // namespace detail

/// Factors the second moment h (n x n, symmetric). An input whose moment is 0 gets the mean one and its
/// weights are set to 0. Errors: unsupported_parameter for shapes, values that are not finite, or a matrix
/// that damping cannot make positive definite.
template <class T = double>
[[nodiscard]] result<metric> prepare(input<double> h, metric_options options = {}) {
    metric out;
    const auto factor = detail::start_metric(h, options, out);
    if (!factor) return factor.error();
    out.feedback = detail::feedback_of(factor->upper);
    return out;
}

namespace detail {

/// Row i becomes moments_i,>i (H_>i,>i)^-1 for a strictly upper `moments`; with H^-1 = U^T U the inverse is
/// U^T U of the rest alone.
inline matrix<float> spread(const matrix<double>& moments, const matrix<double>& inverse_factor) {
    matrix<double> out = linalg::multiply<double>(moments, inverse_factor.view().transposed());
    for (std::size_t i = 0; i < out.rows(); ++i)
        for (std::size_t k = 0; k <= i; ++k) out(i, k) = 0;
    return matrix<float>::copy_of(linalg::multiply<double>(out, inverse_factor).view());
}

}  // namespace detail

/// The same for a layer that was trained on inputs x and now gets y: h = E[y y^T], cross = E[x y^T]. GPTAQ
/// (Li and others, 2025): when the turn comes to a weight w_i, those after it take over w_i (x_i - y_i), as
/// far as least squares can, times `share`. Their closed form is in targets.hpp. Errors: as above.
template <class T = double>
[[nodiscard]] result<metric> prepare_asymmetric(input<double> h, input<double> cross, double share = 0.25,
                                                metric_options options = {}) {
    const std::size_t n = h.rows();
    if (cross.rows() != n || cross.columns() != n) return linalg::wrong_shape();
    if (!linalg::all_finite<double>(cross)) return linalg::not_finite();
    metric out;
    auto factor = detail::start_metric(h, options, out);
    if (!factor) return factor.error();
    out.feedback = detail::feedback_of(factor->upper);
    linalg::invert_upper(factor->upper.view());
    matrix<double> change(n, n);
    for (std::size_t i = 0; i < n; ++i)
        for (std::size_t j = i + 1; j < n; ++j)
            change(i, j) = share * (cross(out.order[i], out.order[j]) - h(out.order[i], out.order[j]));
    out.pull = detail::spread(change, factor->upper);
    return out;
}

/// A metric for weights W + W lift in place of W.
struct lifted_metric {
    metric how;
    matrix<float> lift;  ///< n x n, by inputs
};

/// ResComp (2025) adds to GPTAQ what compensation has done to w_i before its turn: those after it also take
/// over (W_i - w_i) x_i, times `share`. The part of W_i is known beforehand: it is the lift of the weights;
/// the part of w_i is one more pull. Shapes and errors as above.
template <class T = double>
[[nodiscard]] result<lifted_metric> prepare_residual(input<double> h, input<double> cross,
                                                     double share = 0.25, metric_options options = {}) {
    const std::size_t n = h.rows();
    if (cross.rows() != n || cross.columns() != n) return linalg::wrong_shape();
    if (!linalg::all_finite<double>(cross)) return linalg::not_finite();
    lifted_metric out{{}, matrix<float>(n, n)};
    auto factor = detail::start_metric(h, options, out.how);
    if (!factor) return factor.error();
    out.how.feedback = detail::feedback_of(factor->upper);
    linalg::invert_upper(factor->upper.view());
    const std::vector<std::uint32_t>& order = out.how.order;
    matrix<double> again(n, n), gone(n, n);  // GPTAQ's C - H, less ResComp's C
    for (std::size_t i = 0; i < n; ++i)
        for (std::size_t j = i + 1; j < n; ++j) {
            again(i, j) = share * cross(order[i], order[j]);
            gone(i, j) = -share * h(order[i], order[j]);
        }
    out.how.pull = detail::spread(gone, factor->upper);
    const auto later = detail::spread(again, factor->upper);
    for (std::size_t i = 0; i < n; ++i)
        for (std::size_t j = i + 1; j < n; ++j) out.lift(order[i], order[j]) = later(i, j);
    return out;
}

/// W + W lift, what to quantize in the metric of prepare_residual.
[[nodiscard]] inline matrix<float> lifted(view_2d<const float> weights, const matrix<float>& lift) {
    auto out = matrix<float>::copy_of(weights);
    linalg::multiply_add<float>(1, weights, lift, out);
    return out;
}

}  // namespace pith::inline v1::calibrate
