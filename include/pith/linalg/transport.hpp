// Optimal transport between two sets of points of equal mass, made smooth by an entropy.
// Sinkhorn's scaling (Cuturi, 2013) on logarithms, so that small entropies do no harm.
#pragma once

#include <cmath>
#include <vector>

#include <pith/linalg/matrix.hpp>

namespace pith::inline v1::linalg {

struct transport_options {
    double entropy = 0.05;  ///< times the mean cost; less is nearer to the cheapest plan and slower
    unsigned rounds = 200;  ///< scalings of rows and columns
};

namespace detail {

/// -log of the sum of exp(at(i)) over i < count.
template <class At>
[[nodiscard]] double minus_log_sum(std::size_t count, const At& at) {
    double most = at(0), sum = 0;
    for (std::size_t i = 1; i < count; ++i) most = at(i) > most ? at(i) : most;
    for (std::size_t i = 0; i < count; ++i) sum += std::exp(at(i) - most);
    return -(most + std::log(sum));
}

}  // namespace detail

/// A plan P (d x k) for costs of d x k, all P_ij >= 0: rows sum to 1 / d within rounding, columns to 1 / k as
/// far as the rounds go, and sum of P_ij cost_ij is small. Errors: unsupported_parameter for no values,
/// values that are not finite or below 0, or an entropy that is not above 0.
template <class T = double>
[[nodiscard]] result<matrix<double>> transport_plan(input<double> cost, transport_options how = {}) {
    const std::size_t d = cost.rows(), k = cost.columns();
    if (!all_finite<double>(cost)) return not_finite();
    double mean = 0;
    bool negative = false;
    for (std::size_t i = 0; i < d; ++i)
        for (std::size_t j = 0; j < k; ++j) {
            mean += cost(i, j) / static_cast<double>(d * k);
            negative = negative || cost(i, j) < 0;
        }
    if (cost.empty() || negative || !(how.entropy > 0))
        return error{error_code::unsupported_parameter, 0, "no costs, a cost below 0, or no entropy"};
    const double scale = mean > 0 ? -1 / (how.entropy * mean) : 0;
    auto logs = matrix<double>::copy_of(cost);
    for (std::size_t i = 0; i < logs.size(); ++i) logs.data()[i] *= scale;
    std::vector<double> f(d), g(k);
    const double row = -std::log(static_cast<double>(d)), column = -std::log(static_cast<double>(k));
    for (unsigned round = 0; round < how.rounds; ++round) {
        for (std::size_t j = 0; j < k; ++j)
            g[j] = column + detail::minus_log_sum(d, [&](std::size_t i) { return logs(i, j) + f[i]; });
        for (std::size_t i = 0; i < d; ++i)
            f[i] = row + detail::minus_log_sum(k, [&](std::size_t j) { return logs(i, j) + g[j]; });
    }
    for (std::size_t i = 0; i < d; ++i)
        for (std::size_t j = 0; j < k; ++j) logs(i, j) = std::exp(logs(i, j) + f[i] + g[j]);
    return logs;
}

}  // namespace pith::inline v1::linalg
