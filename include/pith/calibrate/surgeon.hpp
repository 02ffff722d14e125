// Pruning and quantization of one row in the best order, each weight at the cost that it has just then.
// Optimal Brain Compression (Frantar, Singh, Alistarh, 2022): the greedy choice and the exact update of the
// rest and of H^-1. O(n^3) a row: a reference for small layers.
#pragma once

#include <cstdint>
#include <span>
#include <type_traits>
#include <vector>

#include <pith/linalg/cholesky.hpp>

namespace pith::inline v1::calibrate {

/// (h + d I)^-1 in full. Errors: as factor_damped.
template <class T = double>
[[nodiscard]] result<linalg::matrix<double>> damped_inverse(linalg::input<double> h,
                                                            linalg::damping how = {}) {
    auto factor = linalg::factor_damped(h, how);
    if (!factor) return factor.error();
    linalg::invert_upper(factor->upper.view());
    return linalg::multiply<double>(factor->upper.view().transposed(), factor->upper);
}

/// Settles `count` weights of the row one after the other, always the one whose move to target(w) costs
/// least, and moves the others to make up for it. inverse is H^-1. target(w) is what a weight may become: 0
/// prunes. Law: after pruning, what is left solves least squares on its support.
template <class Target>
requires(std::is_invocable_r_v<float, Target, float>)
    [[nodiscard]] std::vector<float> surgeon(std::span<const float> row, linalg::input<double> inverse,
                                             std::size_t count, const Target& target) {
    const std::size_t n = row.size();
    PITH_ASSERT(inverse.rows() == n && inverse.columns() == n && count <= n);
    std::vector<double> w(row.begin(), row.end());
    std::vector<bool> settled(n);
    auto g = linalg::matrix<double>::copy_of(inverse);
    for (std::size_t step = 0; step < count; ++step) {
        std::size_t best = n;
        double least = 0;
        for (std::size_t p = 0; p < n; ++p) {
            if (settled[p]) continue;
            const double e = w[p] - static_cast<double>(target(static_cast<float>(w[p])));
            const double cost = e * e / g(p, p);
            if (best == n || cost < least) {
                best = p;
                least = cost;
            }
        }
        const auto value = static_cast<double>(target(static_cast<float>(w[best])));
        const double move = (w[best] - value) / g(best, best);
        for (std::size_t j = 0; j < n; ++j)
            if (!settled[j]) w[j] -= move * g(best, j);
        w[best] = value;
        settled[best] = true;
        const std::vector<double> line(g.row(best).begin(), g.row(best).end());
        for (std::size_t i = 0; i < n; ++i) {
            const double factor = line[i] / line[best];
            for (std::size_t j = 0; j < n; ++j) g(i, j) -= factor * line[j];
        }
    }
    std::vector<float> out(n);
    for (std::size_t j = 0; j < n; ++j) out[j] = static_cast<float>(w[j]);
    return out;
}

}  // namespace pith::inline v1::calibrate
