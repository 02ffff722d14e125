// Eigenvalues and eigenvectors of symmetric matrices, by Eigen's solver.
// Householder tridiagonalization and implicit QR steps (Golub and Van Loan, 2013). Jacobi's rotations, which
// need no Eigen, are in transform/principal_axes.hpp.
#pragma once

#include <vector>

#include <Eigen/Eigenvalues>

#include <pith/linalg/product.hpp>

namespace pith::inline v1::linalg {

/// h = vectors diag(values) vectors^T, the values falling, vectors in columns.
struct spectrum {
    std::vector<double> values;
    matrix<double> vectors;
};

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

#ifdef PITH_LINALG_INSTANCES
extern template spectrum symmetric_eigen<double>(input<double>);
#endif

}  // namespace pith::inline v1::linalg
