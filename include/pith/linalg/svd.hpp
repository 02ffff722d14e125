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

/// Independent signs +1 and -1, a pure function of the seed. As a sketch they are as good as normal deviates
/// and cost a bit each (Achlioptas, 2003).
[[nodiscard]] inline matrix<float> sign_matrix(std::size_t rows, std::size_t columns, std::uint64_t seed) {
    matrix<float> out(rows, columns);
    random_sequence random(seed);
    for (std::size_t i = 0; i < out.size();)
        for (std::uint64_t word = random.next_64(), bit = 0; bit < 64 && i < out.size(); ++bit, ++i)
            out.data()[i] = (word >> bit & 1) != 0 ? 1.0F : -1.0F;
    return out;
}

/// The best approximation of rank <= `rank` within the span of `basis` (m x l, columns orthonormal), given
/// image = A^T basis (n x l). Errors: unsupported_parameter when the image is not finite.
[[nodiscard]] inline result<truncated_svd> rayleigh_ritz(const matrix<float>& basis,
                                                         const matrix<float>& image, std::size_t rank) {
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
