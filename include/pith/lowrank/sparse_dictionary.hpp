// Weights as sparse combinations of few shared rows: codes (m x r, s values in each row) times a dictionary
// (r x n). ROCKET (2025) takes both from one decomposition, a threshold and least squares; CoSpaDi (2025)
// learns them by K-SVD and DSFormer (2025) by gradients. Here ROCKET's start and refit, then hard
// thresholding pursuit (Foucart, 2011) in turn with the refit; the best pair is kept.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <utility>
#include <vector>

#include <pith/core/bits.hpp>
#include <pith/lowrank/compensator.hpp>

namespace pith::inline v1::lowrank {

struct sparse_dictionary_options {
    std::size_t entries = 64;  ///< rows of the dictionary, r
    std::size_t nonzeros = 8;  ///< values in a row of the codes, s <= r
    unsigned rounds = 10;
    std::uint64_t seed = 1;
};

struct sparse_dictionary {
    matrix<float> codes, dictionary;
    std::vector<double> trace;  ///< error in the metric of each round; that of the result is the least
    [[nodiscard]] matrix<float> product() const { return linalg::multiply<float>(codes, dictionary); }
    /// Bits of 16-bit values and of a number for every set of places: r bits a row at most.
    [[nodiscard]] std::uint64_t stored_bits() const noexcept {
        std::uint64_t values = dictionary.size();
        for (std::size_t i = 0; i < codes.size(); ++i) values += codes.data()[i] != 0;
        return 16 * values + codes.rows() * codes.columns();
    }
};

namespace detail {

/// The dictionary that fits the codes best, in every metric of the inputs: (A^T A)^-1 A^T W.
inline matrix<float> fitted_dictionary(const matrix<float>& codes, view_2d<const float> weights) {
    const auto a = matrix<double>::copy_of(codes.view());
    auto factor = linalg::factor_damped(linalg::multiply<double>(a.view().transposed(), a), {.share = 1e-6});
    if (!factor) return matrix<float>(codes.columns(), weights.columns());
    linalg::invert_upper(factor->upper.view());
    const auto inverse = linalg::multiply<double>(factor->upper.view().transposed(), factor->upper);
    const auto image = linalg::multiply<double>(a.view().transposed(), matrix<double>::copy_of(weights));
    return matrix<float>::copy_of(linalg::multiply<double>(inverse, image).view());
}

/// The places of the `count` largest of score, rising.
inline std::vector<std::size_t> largest_places(const std::vector<double>& score, std::size_t count) {
    std::vector<std::size_t> order(score.size());
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
    std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
        return score[a] > score[b] || (score[a] == score[b] && a < b);
    });
    order.resize(std::min(count, order.size()));
    std::sort(order.begin(), order.end());
    return order;
}

/// The row a of least a G a^T - 2 b a^T on the places, by Cholesky.
inline void solve_on(const std::vector<std::size_t>& places, const matrix<double>& gram,
                     std::span<const double> b, std::span<float> a) {
    const std::size_t s = places.size();
    matrix<double> g(s, s), right(1, s);
    for (std::size_t i = 0; i < s; ++i) {
        right(0, i) = b[places[i]];
        for (std::size_t j = 0; j < s; ++j) g(i, j) = gram(places[i], places[j]);
    }
    auto factor = linalg::factor_damped(g, {.share = 1e-9});
    if (!factor) return;
    linalg::invert_upper(factor->upper.view());
    const auto solved = linalg::solve_right(right, factor->upper);
    for (float& v : a) v = 0;
    for (std::size_t i = 0; i < s; ++i) a[places[i]] = static_cast<float>(solved(0, i));
}

}  // namespace detail

/// Weights (m x n) in the metric of their inputs. Errors: unsupported_parameter for shapes, no entries, more
/// nonzeros than entries, or values that are not finite. Encoder-side.
template <input_metric Metric, linalg::svd_solver Solver = linalg::randomized>
[[nodiscard]] result<sparse_dictionary> fit_sparse_dictionary(input<float> weights, const Metric& metric,
                                                              sparse_dictionary_options options = {},
                                                              const Solver& solver = {}) {
    const std::size_t r = options.entries, s = options.nonzeros;
    if (r == 0 || s == 0 || s > r || weights.empty()) return linalg::wrong_shape();
    auto start = compensator<Solver>{solver}(weights, metric, r, options.seed);
    if (!start) return start.error();
    sparse_dictionary now{matrix<float>(weights.rows(), r), matrix<float>(r, weights.columns()), {}}, best;
    linalg::copy<float>(start->left, now.codes.view().block(0, 0, weights.rows(), start->rank()));
    linalg::copy<float>(start->right, now.dictionary.view().block(0, 0, start->rank(), weights.columns()));
    std::vector<double> trace;
    for (unsigned round = 0; round < options.rounds; ++round) {
        const matrix<float> image = metric.apply(now.dictionary.view().transposed());  // H D^T, n x r
        const auto gram = matrix<double>::copy_of(linalg::multiply<float>(now.dictionary, image).view());
        const auto right = matrix<double>::copy_of(linalg::multiply<float>(weights, image).view());
        const auto old = matrix<double>::copy_of(now.codes.view());
        const auto reached = linalg::multiply<double>(old, gram);
        for (std::size_t row = 0; row < weights.rows(); ++row) {
            std::vector<double> score(r);  // what an entry is worth alone after a step along the gradient
            for (std::size_t i = 0; i < r; ++i) {
                const double g = gram(i, i);
                if (!(g > 0)) continue;
                const double moved = old(row, i) + (right(row, i) - reached(row, i)) / g;
                score[i] = moved * moved * g;
            }
            detail::solve_on(detail::largest_places(score, s), gram, right.row(row), now.codes.row(row));
        }
        now.dictionary = detail::fitted_dictionary(now.codes, weights);
        trace.push_back(metric.error(linalg::difference<float>(weights, now.product()).view()));
        if (round == 0 || trace.back() < *std::min_element(trace.begin(), trace.end() - 1)) best = now;
    }
    best.trace = std::move(trace);
    return best;
}

}  // namespace pith::inline v1::lowrank
