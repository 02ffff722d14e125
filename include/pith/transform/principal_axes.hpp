// Principal axes of samples: the mean, the eigenvectors of the covariance and the variance along each.
// The cyclic Jacobi method (Jacobi, 1846; thresholds after Rutishauser, 1966). For up to some 500 dimensions.
#pragma once

#include <cstddef>
#include <span>
#include <utility>
#include <vector>

#include <pith/core/assert.hpp>
#include <pith/core/exact.hpp>
#include <pith/core/view.hpp>
#include <pith/transform/channel.hpp>
#include <pith/transform/matrix_rotation.hpp>

namespace pith::inline v1::transform {

/// Eigenvalues in falling order, and the eigenvectors as rows of a matrix.
struct eigen_system {
    std::vector<double> values;
    std::vector<double> vectors;
};

namespace detail {

/// Turns rows (or columns, by the strides) p and q by the angle whose sine and cosine are s and c.
inline void turn(double* p, double* q, std::size_t n, std::size_t stride, double s, double c) noexcept {
    for (std::size_t i = 0; i < n; ++i) {
        const double x = p[i * stride], y = q[i * stride];
        p[i * stride] = c * x - s * y;
        q[i * stride] = s * x + c * y;
    }
}

/// One sweep over all pairs; false when every element off the diagonal is negligible.
[[nodiscard]] inline bool jacobi_sweep(std::vector<double>& a, std::vector<double>& vectors, std::size_t n,
                                       double negligible) noexcept {
    bool turned = false;
    for (std::size_t p = 0; p + 1 < n; ++p)
        for (std::size_t q = p + 1; q < n; ++q) {
            const double off = a[p * n + q];
            if (!(off > negligible || off < -negligible)) continue;
            turned = true;
            const double theta = (a[q * n + q] - a[p * n + p]) / (2 * off);
            const double size = (theta < 0 ? -theta : theta) + exact::sqrt(theta * theta + 1);
            const double t = theta < 0 ? -1 / size : 1 / size;
            const double c = 1 / exact::sqrt(t * t + 1);
            turn(&a[p], &a[q], n, n, t * c, c);
            turn(&a[p * n], &a[q * n], n, 1, t * c, c);
            turn(&vectors[p * n], &vectors[q * n], n, 1, t * c, c);
        }
    return turned;
}

}  // namespace detail

/// Of a symmetric n x n matrix of finite numbers. Encoder-side.
[[nodiscard]] inline eigen_system symmetric_eigen(std::vector<double> a, std::size_t n) {
    PITH_ASSERT(a.size() == n * n);
    eigen_system out{std::vector<double>(n), std::vector<double>(n * n)};
    double trace = 0;
    for (std::size_t i = 0; i < n; ++i) {
        out.vectors[i * n + i] = 1;
        trace += a[i * n + i] < 0 ? -a[i * n + i] : a[i * n + i];
    }
    // Convergence is quadratic: ten sweeps are more than any matrix of this size has been seen to need.
    for (int sweep = 0; sweep < 30; ++sweep)
        if (!detail::jacobi_sweep(a, out.vectors, n, 1e-14 * trace / static_cast<double>(n ? n : 1))) break;
    for (std::size_t i = 0; i < n; ++i) out.values[i] = a[i * n + i];
    for (std::size_t i = 0; i < n; ++i) {  // selection sort: n swaps of rows
        std::size_t best = i;
        for (std::size_t j = i + 1; j < n; ++j)
            if (out.values[j] > out.values[best]) best = j;
        if (best == i) continue;
        std::swap(out.values[i], out.values[best]);
        for (std::size_t k = 0; k < n; ++k) std::swap(out.vectors[i * n + k], out.vectors[best * n + k]);
    }
    return out;
}

/// The Karhunen-Loeve transform of data: subtract `mean`, apply `rotation`, and coordinate i has variance
/// variances[i], uncorrelated with the others.
template <simd::instruction_set Arch = simd::native>
struct principal_axes {
    centering mean;
    std::vector<float> variances;
    matrix_rotation<Arch> rotation;
};

/// From the rows of `samples`, all finite; `keep` axes of the largest variance, 0 for all. Encoder-side.
template <simd::instruction_set Arch = simd::native>
[[nodiscard]] inline principal_axes<Arch> fit_principal_axes(view_2d<const float> samples,
                                                             std::size_t keep = 0) {
    const std::size_t n = samples.columns();
    if (keep == 0 || keep > n) keep = n;
    centering mean(samples);
    std::vector<double> covariance(n * n), row(n);
    for (std::size_t r = 0; r < samples.rows(); ++r) {
        for (std::size_t c = 0; c < n; ++c) row[c] = double{samples(r, c)} - mean.mean()[c];
        for (std::size_t i = 0; i < n; ++i)
            for (std::size_t j = i; j < n; ++j) covariance[i * n + j] += row[i] * row[j];
    }
    for (std::size_t i = 0; i < n; ++i)
        for (std::size_t j = i; j < n; ++j)
            covariance[j * n + i] = covariance[i * n + j] /=
                static_cast<double>(samples.rows() ? samples.rows() : 1);
    const eigen_system axes = symmetric_eigen(std::move(covariance), n);
    std::vector<float> variances(keep), matrix(keep * n);
    for (std::size_t i = 0; i < keep; ++i) variances[i] = static_cast<float>(axes.values[i]);
    for (std::size_t i = 0; i < matrix.size(); ++i) matrix[i] = static_cast<float>(axes.vectors[i]);
    return {std::move(mean), std::move(variances), matrix_rotation<Arch>(std::move(matrix), keep, n)};
}

}  // namespace pith::inline v1::transform
