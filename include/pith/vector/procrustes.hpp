// The orthogonal Procrustes problem: the rotation that takes one set of vectors nearest to another.
// Schönemann (1966), as the polar factor of the cross product; through the eigenvectors of a symmetric
// matrix.
#pragma once

#include <cstddef>
#include <vector>

#include <pith/core/assert.hpp>
#include <pith/core/exact.hpp>
#include <pith/transform/principal_axes.hpp>

namespace pith::inline v1::vector {

namespace detail {

/// a b, or a transposed times b; n x n, row after row.
[[nodiscard]] inline std::vector<double> square_product(const std::vector<double>& a,
                                                        const std::vector<double>& b, std::size_t n,
                                                        bool transposed) {
    std::vector<double> out(n * n);
    for (std::size_t k = 0; k < n; ++k)
        for (std::size_t i = 0; i < n; ++i) {
            const double factor = transposed ? a[k * n + i] : a[i * n + k];
            for (std::size_t j = 0; j < n; ++j) out[i * n + j] += factor * b[k * n + j];
        }
    return out;
}

}  // namespace detail

/// The orthogonal matrix R that maximises trace(R^T c), c being the sum of y x^T over pairs for which R x
/// shall come near to y; n x n, row after row. Where c leaves R open, `otherwise` decides, an orthogonal
/// matrix. Encoder-side.
[[nodiscard]] inline std::vector<double> procrustes_rotation(std::vector<double> c,
                                                             const std::vector<double>& otherwise,
                                                             std::size_t n) {
    PITH_ASSERT(c.size() == n * n && otherwise.size() == n * n);
    double energy = 0;
    for (const double v : c) energy += v * v;
    if (!(energy > 0)) return otherwise;
    // A thousandth of the mean singular value keeps the inverse root below finite.
    const double pull = 1e-3 * exact::sqrt(energy / static_cast<double>(n));
    for (std::size_t i = 0; i < c.size(); ++i) c[i] += pull * otherwise[i];
    const transform::eigen_system axes = transform::symmetric_eigen(detail::square_product(c, c, n, true), n);
    std::vector<double> root(n * n);  // (c^T c)^(-1/2)
    for (std::size_t k = 0; k < n; ++k) {
        const double floor = 1e-12 * axes.values[0];
        const double factor = 1 / exact::sqrt(axes.values[k] > floor ? axes.values[k] : floor);
        for (std::size_t i = 0; i < n; ++i)
            for (std::size_t j = 0; j < n; ++j)
                root[i * n + j] += factor * axes.vectors[k * n + i] * axes.vectors[k * n + j];
    }
    std::vector<double> rotation = detail::square_product(c, root, n, false);
    for (int polish = 0; polish < 2; ++polish) {  // Newton and Schulz: R (3 - R^T R) / 2
        const std::vector<double> off =
            detail::square_product(rotation, detail::square_product(rotation, rotation, n, true), n, false);
        for (std::size_t i = 0; i < rotation.size(); ++i) rotation[i] = 1.5 * rotation[i] - 0.5 * off[i];
    }
    return rotation;
}

}  // namespace pith::inline v1::vector
