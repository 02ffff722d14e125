// Eigenvalues and eigenvectors of symmetric matrices: Eigen's tridiagonal solver, and Jacobi rotations.
// Cyclic Jacobi (1846; Rutishauser, 1966) is slower and needs no more than this page: for small matrices and
// for checking the other one.
#pragma once

#include <cmath>
#include <vector>

#include <Eigen/Eigenvalues>

#include <pith/linalg/product.hpp>

namespace pith::inline v1::linalg {

/// h = vectors diag(values) vectors^T, the values falling, vectors in columns.
struct spectrum {
    std::vector<double> values;
    matrix<double> vectors;
};

namespace detail {

/// Reorders to falling values. Sorting by insertion: n^2 comparisons beside n^3 of work.
inline spectrum falling(std::vector<double> values, const matrix<double>& vectors) {
    const std::size_t n = values.size();
    std::vector<std::size_t> order;
    for (std::size_t i = 0; i < n; ++i) {
        std::size_t at = order.size();
        while (at > 0 && values[order[at - 1]] < values[i]) --at;
        order.insert(order.begin() + static_cast<std::ptrdiff_t>(at), i);
    }
    spectrum out{std::vector<double>(n), matrix<double>(n, n)};
    for (std::size_t i = 0; i < n; ++i) {
        out.values[i] = values[order[i]];
        for (std::size_t r = 0; r < n; ++r) out.vectors(r, i) = vectors(r, order[i]);
    }
    return out;
}

inline void rotate_columns(matrix<double>& m, std::size_t p, std::size_t q, double c, double s) noexcept {
    for (std::size_t k = 0; k < m.rows(); ++k) {
        const double a = m(k, p), b = m(k, q);
        m(k, p) = c * a - s * b;
        m(k, q) = s * a + c * b;
    }
}
inline void rotate_rows(matrix<double>& m, std::size_t p, std::size_t q, double c, double s) noexcept {
    for (std::size_t k = 0; k < m.columns(); ++k) {
        const double a = m(p, k), b = m(q, k);
        m(p, k) = c * a - s * b;
        m(q, k) = s * a + c * b;
    }
}

}  // namespace detail

/// By Jacobi rotations. Precondition: h symmetric and finite. About 40 n^3 operations.
template <class T = double>
[[nodiscard]] spectrum jacobi_eigen(input<double> h) {
    auto a = matrix<double>::copy_of(h);
    const std::size_t n = a.rows();
    matrix<double> vectors(n, n);
    for (std::size_t i = 0; i < n; ++i) vectors(i, i) = 1;
    const double all = squared_norm<double>(a);
    for (int sweep = 0; sweep < 60; ++sweep) {
        double outside = 0;
        for (std::size_t p = 0; p + 1 < n; ++p)
            for (std::size_t q = p + 1; q < n; ++q) {
                outside += a(p, q) * a(p, q);
                if (!(a(p, q) * a(p, q) > 1e-36 * all)) continue;
                const double theta = (a(q, q) - a(p, p)) / (2 * a(p, q));
                const double t = (theta < 0 ? -1 : 1) / (std::fabs(theta) + std::sqrt(theta * theta + 1));
                const double c = 1 / std::sqrt(t * t + 1), s = t * c;
                detail::rotate_columns(a, p, q, c, s);
                detail::rotate_rows(a, p, q, c, s);
                detail::rotate_columns(vectors, p, q, c, s);
            }
        if (!(outside > 1e-30 * all)) break;
    }
    std::vector<double> values(n);
    for (std::size_t i = 0; i < n; ++i) values[i] = a(i, i);
    return detail::falling(std::move(values), vectors);
}

/// By Householder tridiagonalization and QR steps. Precondition: h symmetric and finite.
template <class T = double>
[[nodiscard]] spectrum symmetric_eigen(input<double> h) {
    const std::size_t n = h.rows();
    if (n == 0) return {};
    using dense = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic>;
    const auto copy_of_h = matrix<double>::copy_of(h);
    const Eigen::SelfAdjointEigenSolver<dense> solver(dense(detail::by_rows<double>(copy_of_h.view())));
    spectrum out{std::vector<double>(n), matrix<double>(n, n)};
    for (std::size_t i = 0; i < n; ++i) {  // Eigen's values rise
        const auto from = detail::index(n - 1 - i);
        out.values[i] = solver.eigenvalues()[from];
        for (std::size_t r = 0; r < n; ++r) out.vectors(r, i) = solver.eigenvectors()(detail::index(r), from);
    }
    return out;
}

}  // namespace pith::inline v1::linalg
