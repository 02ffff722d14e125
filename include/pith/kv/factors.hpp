// A matrix as a product of two thin ones, by subspace iteration, and linear systems: what low-rank codecs
// need. Halko, Martinsson and Tropp (2011), started from a seeded sketch; modified Gram-Schmidt, twice.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include <pith/core/assert.hpp>
#include <pith/core/exact.hpp>
#include <pith/core/random.hpp>
#include <pith/core/view.hpp>
#include <pith/kv/block_part.hpp>

namespace pith::inline v1::kv {

/// X ~ left^T right: left is rank x rows with orthogonal rows, right rank x columns.
struct factor_pair {
    matrix left, right;
};

namespace detail {

/// Makes the rows orthonormal; rows that depend on those before become zero.
inline void orthonormalize(matrix& rows) noexcept {
    for (std::size_t i = 0; i < rows.rows(); ++i) {
        const auto row = rows.row(i);
        const float before = std::sqrt(exact::dot(row, row));
        for (int pass = 0; pass < 2; ++pass)
            for (std::size_t j = 0; j < i; ++j) {
                const auto other = std::as_const(rows).row(j);
                exact::add_scaled(row, -exact::dot(row, other), other);
            }
        const float after = std::sqrt(exact::dot(row, row));
        const float factor = after > 1e-5F * before && after > 0 ? 1 / after : 0;
        for (float& v : row) v *= factor;
    }
}
/// out = a x^T: row j holds the products of row j of a with all rows of x.
inline void product_with_rows(const matrix& a, const matrix& x, matrix& out) noexcept {
    for (std::size_t j = 0; j < a.rows(); ++j)
        for (std::size_t t = 0; t < x.rows(); ++t) out(j, t) = exact::dot(a.row(j), x.row(t));
}
/// out = a x.
inline void product(const matrix& a, const matrix& x, matrix& out) noexcept {
    for (std::size_t j = 0; j < a.rows(); ++j) {
        for (float& v : out.row(j)) v = 0;
        for (std::size_t t = 0; t < x.rows(); ++t) exact::add_scaled(out.row(j), a(j, t), x.row(t));
    }
}

}  // namespace detail

/// Near the best factors of rank min(rank, rows, columns): `rounds` of subspace iteration. Encoder-side.
[[nodiscard]] inline factor_pair low_rank_factors(view_2d<const float> values, std::size_t rank,
                                                  int rounds = 3, std::uint64_t seed = 1) {
    const matrix x(values);
    rank = std::min(rank, std::min(x.rows(), x.columns()));
    factor_pair out{matrix(rank, x.rows()), matrix(rank, x.columns())};
    random_sequence random(seed, 3);
    for (std::size_t j = 0; j < rank; ++j)
        for (float& v : out.right.row(j)) v = static_cast<float>(random.gaussian());
    for (int round = 0; round < rounds; ++round) {
        detail::orthonormalize(out.right);
        detail::product_with_rows(out.right, x, out.left);
        detail::orthonormalize(out.left);
        detail::product(out.left, x, out.right);
    }
    return out;
}

/// Solves a z = b for a symmetric positive definite n x n matrix by Cholesky's method, for several right
/// sides: b has n rows and is replaced by z. False if a is not positive definite.
[[nodiscard]] inline bool solve_positive(std::vector<double>& a, std::vector<double>& b, std::size_t n) {
    PITH_ASSERT(a.size() == n * n && n != 0 && b.size() % n == 0);
    const std::size_t sides = b.size() / n;
    for (std::size_t j = 0; j < n; ++j) {
        for (std::size_t i = j; i < n; ++i) {
            double sum = a[i * n + j];
            for (std::size_t k = 0; k < j; ++k) sum -= a[i * n + k] * a[j * n + k];
            if (i == j && !(sum > 0)) return false;
            a[i * n + j] = i == j ? std::sqrt(sum) : sum / a[j * n + j];
        }
    }
    const auto subtract = [&](std::size_t to, std::size_t from, double factor) {
        for (std::size_t s = 0; s < sides; ++s) b[to * sides + s] -= factor * b[from * sides + s];
    };
    for (std::size_t i = 0; i < n; ++i) {
        for (std::size_t k = 0; k < i; ++k) subtract(i, k, a[i * n + k]);
        for (std::size_t s = 0; s < sides; ++s) b[i * sides + s] /= a[i * n + i];
    }
    for (std::size_t i = n; i-- > 0;) {
        for (std::size_t k = i + 1; k < n; ++k) subtract(i, k, a[k * n + i]);
        for (std::size_t s = 0; s < sides; ++s) b[i * sides + s] /= a[i * n + i];
    }
    return true;
}

}  // namespace pith::inline v1::kv
