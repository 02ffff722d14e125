// Pruning and quantization in the best order, each weight at the cost that it has just then: one by one, in
// blocks of a row, in whole columns. Optimal Brain Compression (Frantar, Singh, Alistarh, 2022): the greedy
// choice and the exact update of the rest and of H^-1. Blocks: Optimal BERT Surgeon (Kurtic and others,
// 2022). Columns: LLM Surgeon (van der Ouderaa and others, 2023). O(n^3) a row or matrix: references for
// small layers.
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

namespace detail {

/// Takes input p out of g = H^-1: what is left is the inverse of the moments of the others.
inline void take_out(linalg::matrix<double>& g, std::size_t p) {
    const std::vector<double> line(g.row(p).begin(), g.row(p).end());
    for (std::size_t i = 0; i < line.size(); ++i) {
        const double factor = line[i] / line[p];
        for (std::size_t j = 0; j < line.size(); ++j) g(i, j) -= factor * line[j];
    }
}

/// A row whose weights are settled one after the other; the others move to make up for it.
struct surgery {
    std::vector<double> weights;
    linalg::matrix<double> inverse;
    std::vector<bool> settled = std::vector<bool>(weights.size());

    void settle(std::size_t p, double value) {
        const double move = (weights[p] - value) / inverse(p, p);
        for (std::size_t j = 0; j < weights.size(); ++j)
            if (!settled[j]) weights[j] -= move * inverse(p, j);
        weights[p] = value;
        settled[p] = true;
        take_out(inverse, p);
    }
    /// What cutting weights first .. first + count - 1 together adds to the error: w^T (H^-1)_QQ^-1 w.
    [[nodiscard]] double cost_of_cut(std::size_t first, std::size_t count) const {
        std::vector<double> w(weights.begin() + static_cast<std::ptrdiff_t>(first),
                              weights.begin() + static_cast<std::ptrdiff_t>(first + count));
        auto g = linalg::matrix<double>::copy_of(inverse.view().block(first, first, count, count));
        double cost = 0;
        for (std::size_t p = 0; p < count; ++p) {
            const double move = w[p] / g(p, p);
            cost += w[p] * move;
            for (std::size_t j = p + 1; j < count; ++j) w[j] -= move * g(p, j);
            take_out(g, p);
        }
        return cost;
    }
    [[nodiscard]] std::vector<float> rounded() const {
        std::vector<float> out;
        for (const double v : weights) out.push_back(static_cast<float>(v));
        return out;
    }
};

}  // namespace detail

/// Settles `count` weights of the row one after the other, always the one whose move to target(w) costs
/// least, and moves the others to make up for it. inverse is H^-1. target(w) is what a weight may become: 0
/// prunes. Law: after pruning, what is left solves least squares on its support.
template <class Target>
requires(std::is_invocable_r_v<float, Target, float>)
    [[nodiscard]] std::vector<float> surgeon(std::span<const float> row, linalg::input<double> inverse,
                                             std::size_t count, const Target& target) {
    const std::size_t n = row.size();
    PITH_ASSERT(inverse.rows() == n && inverse.columns() == n && count <= n);
    detail::surgery now{{row.begin(), row.end()}, linalg::matrix<double>::copy_of(inverse)};
    const auto aim = [&](double w) { return static_cast<double>(target(static_cast<float>(w))); };
    for (std::size_t step = 0; step < count; ++step) {
        std::size_t best = n;
        double least = 0;
        for (std::size_t p = 0; p < n; ++p) {
            if (now.settled[p]) continue;
            const double e = now.weights[p] - aim(now.weights[p]);
            const double cost = e * e / now.inverse(p, p);
            if (best == n || cost < least) {
                best = p;
                least = cost;
            }
        }
        now.settle(best, aim(now.weights[best]));
    }
    return now.rounded();
}

/// Cuts `count` blocks of a row, always the one of least cost just then; blocks are neighbours. Laws: as
/// surgeon's, which it is for blocks of one weight and the target 0.
struct block_surgeon {
    std::size_t block = 4;

    /// Preconditions: block >= 1 divides the row's length; count blocks are in it; inverse is H^-1.
    [[nodiscard]] std::vector<float> operator()(std::span<const float> row, linalg::input<double> inverse,
                                                std::size_t count) const {
        const std::size_t n = row.size();
        PITH_ASSERT(block >= 1 && n % block == 0 && count <= n / block);
        PITH_ASSERT(inverse.rows() == n && inverse.columns() == n);
        detail::surgery now{{row.begin(), row.end()}, linalg::matrix<double>::copy_of(inverse)};
        for (std::size_t step = 0; step < count; ++step) {
            std::size_t best = n;
            double least = 0;
            for (std::size_t first = 0; first < n; first += block) {
                if (now.settled[first]) continue;
                const double cost = now.cost_of_cut(first, block);
                if (best == n || cost < least) {
                    best = first;
                    least = cost;
                }
            }
            for (std::size_t p = best; p < best + block; ++p) now.settle(p, 0);
        }
        return now.rounded();
    }
};

/// Cuts `count` whole columns of weights (m x n) where an error d costs trace(outputs d H d^T): H of the
/// inputs by its inverse, `outputs` (m x m) of what comes behind the layer; the identity gives plain output
/// errors. Rows are cut by the same on the transposed weights. Law: what is left solves least squares on the
/// columns kept, whatever `outputs`; these decide only which columns go.
struct column_surgeon {
    [[nodiscard]] linalg::matrix<float> operator()(linalg::input<float> weights,
                                                   linalg::input<double> inverse,
                                                   linalg::input<double> outputs, std::size_t count) const {
        const std::size_t m = weights.rows(), n = weights.columns();
        PITH_ASSERT(inverse.rows() == n && inverse.columns() == n && count <= n);
        PITH_ASSERT(outputs.rows() == m && outputs.columns() == m);
        auto w = linalg::matrix<double>::copy_of(weights);
        auto g = linalg::matrix<double>::copy_of(inverse);
        std::vector<bool> cut(n);
        for (std::size_t step = 0; step < count; ++step) {
            const auto image = linalg::multiply<double>(outputs, w);
            std::size_t best = n;
            double least = 0;
            for (std::size_t j = 0; j < n; ++j) {
                if (cut[j]) continue;
                double cost = 0;
                for (std::size_t r = 0; r < m; ++r) cost += w(r, j) * image(r, j);
                cost /= g(j, j);
                if (best == n || cost < least) {
                    best = j;
                    least = cost;
                }
            }
            cut[best] = true;
            for (std::size_t r = 0; r < m; ++r) {
                const double move = w(r, best) / g(best, best);
                for (std::size_t j = 0; j < n; ++j) w(r, j) = cut[j] ? 0 : w(r, j) - move * g(best, j);
            }
            detail::take_out(g, best);
        }
        return linalg::matrix<float>::copy_of(w.view());
    }
};

}  // namespace pith::inline v1::calibrate
