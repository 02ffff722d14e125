// Approximations from a matrix's own columns and rows: Nystrom for second moments, CUR for any matrix.
// Greedy choice by pivoted Cholesky steps (Higham, 1990; Harbrecht, Peters, Schneider, 2012), which on A^T A
// is QR with column pivoting (Businger and Golub, 1965). MoDeGPT (2024) compresses pairs of layers by Nystrom
// and CR.
#pragma once

#include <cmath>
#include <cstdint>
#include <utility>
#include <vector>

#include <pith/linalg/cholesky.hpp>

namespace pith::inline v1::linalg {

/// H is about factor factor^T, exact in the chosen rows and columns; factor is n x k, k = chosen.size().
struct nystrom_approximation {
    std::vector<std::size_t> chosen;
    matrix<double> factor;
    double missing = 0;  ///< trace(H - factor factor^T), >= 0
};

/// The Nystrom approximation H_C (H_CC)^-1 H_C^T from at most `rank` columns, each where most of the diagonal
/// is missing. k < rank where 1e-12 of the trace is left or less. n rank^2. Errors: unsupported_parameter for
/// shapes, values that are not finite, or a negative diagonal.
template <class T = double>
[[nodiscard]] result<nystrom_approximation> nystrom(input<T> h, std::size_t rank) {
    const auto mean = mean_moment(h);
    if (!mean) return mean.error();
    const std::size_t n = h.rows(), most = rank < n ? rank : n;
    std::vector<double> rest(n);
    matrix<double> lines(most, n);  // columns of the factor
    nystrom_approximation out;
    double trace = 0;
    for (std::size_t i = 0; i < n; ++i) trace += rest[i] = h(i, i);
    out.missing = trace;
    while (out.chosen.size() < most && out.missing > 1e-12 * trace) {
        std::size_t best = 0;
        for (std::size_t i = 1; i < n; ++i) best = rest[i] > rest[best] ? i : best;
        if (!(rest[best] > 1e-14 * trace)) break;
        const std::size_t k = out.chosen.size();
        const double root = std::sqrt(rest[best]);
        const std::span<double> line = lines.row(k);
        for (std::size_t i = 0; i < n; ++i) line[i] = h(best, i);
        for (std::size_t j = 0; j < k; ++j)
            for (std::size_t i = 0; i < n; ++i) line[i] -= lines(j, best) * lines(j, i);
        out.missing = 0;
        for (std::size_t i = 0; i < n; ++i) {
            line[i] /= root;
            rest[i] -= line[i] * line[i];
            rest[i] = rest[i] > 0 ? rest[i] : 0;
            out.missing += rest[i];
        }
        rest[best] = 0;
        out.chosen.push_back(best);
    }
    out.factor = transposed<double>(lines.view().block(0, 0, out.chosen.size(), n));
    return out;
}

/// A is about A_C core A_R: some of its columns, some of its rows, and what joins them best.
struct cur_approximation {
    std::vector<std::size_t> columns, rows;
    matrix<float> core;
};

namespace detail {

template <class T>
[[nodiscard]] matrix<double> gram(view_2d<const T> a) {
    const auto wide = matrix<double>::copy_of(a);
    return multiply<double>(wide.view().transposed(), wide);
}
/// a's chosen columns as doubles.
template <class T>
[[nodiscard]] matrix<double> columns_of(view_2d<const T> a, const std::vector<std::size_t>& chosen) {
    matrix<double> out(a.rows(), chosen.size());
    for (std::size_t r = 0; r < a.rows(); ++r)
        for (std::size_t c = 0; c < chosen.size(); ++c) out(r, c) = static_cast<double>(a(r, chosen[c]));
    return out;
}
/// (c^T c)^-1 c^T for columns that are independent; empty where they are not.
[[nodiscard]] inline matrix<double> left_inverse(const matrix<double>& c) {
    auto factor = factor_damped(multiply<double>(c.view().transposed(), c), {.share = 1e-12, .attempts = 3});
    if (!factor) return {};
    invert_upper(factor->upper.view());
    const auto inverse = multiply<double>(factor->upper.view().transposed(), factor->upper);
    return multiply<double>(inverse, c.view().transposed());
}

}  // namespace detail

/// At most `rank` columns and rows. Exact where A has no more rank. Errors: unsupported_parameter for a rank
/// of 0, no values, or values that are not finite.
template <class T = float>
[[nodiscard]] result<cur_approximation> cur(input<T> a, std::size_t rank) {
    if (!all_finite<T>(a)) return not_finite();
    if (rank == 0 || a.empty())
        return error{error_code::unsupported_parameter, 0, "a rank of 0, or a matrix without values"};
    const auto by_columns = nystrom<double>(detail::gram<T>(a), rank);
    const auto by_rows = nystrom<double>(detail::gram<T>(a.transposed()), rank);
    if (!by_columns) return by_columns.error();
    if (!by_rows) return by_rows.error();
    cur_approximation out{by_columns->chosen, by_rows->chosen, {}};
    if (out.columns.empty() || out.rows.empty()) return cur_approximation{};  // A = 0
    const auto left = detail::left_inverse(detail::columns_of<T>(a, out.columns));
    const auto right = detail::left_inverse(detail::columns_of<T>(a.transposed(), out.rows));
    if (left.empty() || right.empty())
        return error{error_code::unsupported_parameter, 0, "the chosen columns are not independent"};
    const auto wide = matrix<double>::copy_of(a);
    out.core = matrix<float>::copy_of(
        multiply<double>(multiply<double>(left, wide), right.view().transposed()).view());
    return out;
}

/// A_C core A_R.
template <class T = float>
[[nodiscard]] matrix<float> product_of(input<T> a, const cur_approximation& part) {
    if (part.core.empty()) return matrix<float>(a.rows(), a.columns());
    matrix<float> c(a.rows(), part.columns.size()), r(part.rows.size(), a.columns());
    for (std::size_t i = 0; i < c.rows(); ++i)
        for (std::size_t k = 0; k < c.columns(); ++k) c(i, k) = a(i, part.columns[k]);
    for (std::size_t k = 0; k < r.rows(); ++k)
        for (std::size_t j = 0; j < r.columns(); ++j) r(k, j) = a(part.rows[k], j);
    return multiply<float>(multiply<float>(c, part.core), r);
}

}  // namespace pith::inline v1::linalg
