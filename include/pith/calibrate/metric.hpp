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
    matrix<double> out(n, n);
    for (std::size_t i = 0; i < n; ++i) {
        const auto from = h.row(order[i]);
        const std::span<double> to = out.row(i);
        for (std::size_t j = i; j < n; ++j) to[j] = from[order[j]];
        if (to[i] == 0) to[i] = instead;
    }
    return out;
}

}  // namespace detail

/// Factors the second moment h (n x n, symmetric). An input whose moment is 0 gets the mean one and its
/// weights are set to 0. Errors: unsupported_parameter for shapes, values that are not finite, or a matrix
/// that damping cannot make positive definite.
template <class T = double>
[[nodiscard]] result<metric> prepare(input<double> h, metric_options options = {}) {
    if (h.rows() > 0xFFFF'FFFF) return linalg::wrong_shape();
    const auto mean = linalg::mean_moment(h);
    if (!mean) return mean.error();
    const std::size_t n = h.rows();
    metric out;
    out.order = detail::order_of(h, options.order);
    out.dead.resize(n);
    out.deviation.resize(n);
    for (std::size_t i = 0; i < n; ++i) out.dead[i] = h(out.order[i], out.order[i]) == 0;
    const double typical = *mean > 0 ? *mean : 1;
    auto factor = linalg::factor_damped([&] { return detail::sorted_upper(h, out.order, typical); }, typical,
                                        options.damping);
    if (!factor) return factor.error();
    out.damping = factor->added;
    out.feedback = matrix<float>(n, n);
    std::vector<double> inverse(n);
    for (std::size_t j = 0; j < n; ++j) {
        out.deviation[j] = static_cast<float>(factor->upper(j, j));
        inverse[j] = 1 / factor->upper(j, j);
    }
    for (std::size_t i = 0; i < n; ++i) {
        const std::span<const double> from = std::as_const(factor->upper).row(i);
        const std::span<float> to = out.feedback.row(i);
        for (std::size_t j = i; j < n; ++j) to[j] = static_cast<float>(from[j] * inverse[j]);
    }
    return out;
}

}  // namespace pith::inline v1::calibrate
