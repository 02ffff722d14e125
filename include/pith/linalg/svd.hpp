// Truncated singular value decompositions: what every solver gives, and the step from a basis to it.
// Rayleigh-Ritz: the best rank-r approximation whose columns lie in the span of a basis (Halko, Martinsson,
// Tropp, 2011).
#pragma once

#include <cmath>
#include <concepts>
#include <cstdint>
#include <vector>

#include <pith/core/random.hpp>
#include <pith/linalg/operators.hpp>
#include <pith/linalg/orthonormal.hpp>
#include <pith/linalg/symmetric_eigen.hpp>

namespace pith::inline v1::linalg {

/// left (m x k), values (k, falling) and right (n x k): A is about left diag(values) right^T. k is the rank
/// asked for, or less where A has less. Columns are orthonormal.
struct truncated_svd {
    matrix<float> left;
    std::vector<double> values;
    matrix<float> right;
    [[nodiscard]] std::size_t rank() const noexcept { return values.size(); }
    /// left diag(values) right^T.
    [[nodiscard]] matrix<float> product() const {
        matrix<float> scaled = left;
        for (std::size_t r = 0; r < scaled.rows(); ++r)
            for (std::size_t c = 0; c < values.size(); ++c) scaled(r, c) *= static_cast<float>(values[c]);
        return multiply<float>(scaled, right.view().transposed());
    }
};

/// A way to a truncated decomposition. Laws: the error is at least the optimal tail, columns are orthonormal,
/// equal seeds give equal results; values that are not finite give an error and never a result with NaNs.
template <class S>
concept svd_solver = requires(const S s, const dense_operator a, std::size_t rank, std::uint64_t seed) {
    { s(a, rank, seed) } -> std::same_as<result<truncated_svd>>;
};

/// Independent normal deviates, a pure function of the seed.
[[nodiscard]] inline matrix<float> gaussian_matrix(std::size_t rows, std::size_t columns,
                                                   std::uint64_t seed) {
    matrix<float> out(rows, columns);
    random_sequence random(seed);
    // A sum of twelve uniforms: a sketch needs no tails, and exact logarithms would cost more than a product.
    for (std::size_t i = 0; i < out.size(); ++i) {
        float sum = -6;
        for (int k = 0; k < 3; ++k) {
            const std::uint64_t word = random.next_64();
            for (int j = 0; j < 4; ++j)
                sum += static_cast<float>((word >> (16 * j)) & 0xFFFF) * 0x1p-16F + 0x1p-17F;
        }
        out.data()[i] = sum;
    }
    return out;
}

/// The best approximation of rank <= `rank` within the span of `basis`: columns orthonormal, a.rows() high.
/// Errors: unsupported_parameter when products are not finite.
template <linear_operator A>
[[nodiscard]] result<truncated_svd> rayleigh_ritz(const A& a, const matrix<float>& basis, std::size_t rank) {
    const matrix<float> image = a.multiply_transposed(basis.view());  // n x l: (Q^T A)^T
    if (!all_finite<float>(image)) return not_finite();
    const auto wide = matrix<double>::copy_of(image.view());
    const spectrum core = symmetric_eigen(multiply<double>(wide.view().transposed(), wide));
    std::size_t k = 0;
    // Below 1e-6 of the first a value is rounding, and its right vector would be noise divided by it.
    while (k < rank && k < core.values.size() && core.values[k] > 1e-12 * core.values[0]) ++k;
    truncated_svd out;
    const auto chosen = matrix<float>::copy_of(core.vectors.view().block(0, 0, core.vectors.rows(), k));
    out.left = multiply<float>(basis, chosen);
    out.right = multiply<float>(image, chosen);
    for (std::size_t i = 0; i < k; ++i) out.values.push_back(std::sqrt(core.values[i]));
    for (std::size_t r = 0; r < out.right.rows(); ++r)
        for (std::size_t c = 0; c < k; ++c) out.right(r, c) /= static_cast<float>(out.values[c]);
    return out;
}

/// ||A||^2 - ||A restricted to the span of `left`||^2: the squared error of projecting on `left`, from the
/// norms alone. For a decomposition by rayleigh_ritz the restricted norm is the sum of values^2.
[[nodiscard]] inline double tail(double squared_norm_of_all, const truncated_svd& part) noexcept {
    double rest = squared_norm_of_all;
    for (const double v : part.values) rest -= v * v;
    return rest > 0 ? rest : 0;
}

}  // namespace pith::inline v1::linalg
