// Orthonormal bases of the column space of tall matrices.
// CholeskyQR2 (Yamamoto, Nakatsukasa, Yanagisawa, Fukaya, 2015); where its Gram matrix is too ill
// conditioned, modified Gram-Schmidt done twice, which leaves out columns that depend on those before them.
#pragma once

#include <cmath>
#include <limits>

#include <pith/linalg/cholesky.hpp>

namespace pith::inline v1::linalg {

namespace detail {

/// y := y R with R upper and y R orthonormal; false when y^T y is too close to singular.
template <class T>
[[nodiscard]] bool cholesky_step(matrix<T>& y) {
    auto gram = matrix<double>::copy_of(multiply<T>(y.view().transposed(), y).view());
    const std::size_t l = gram.rows();
    double largest = 0;
    for (std::size_t i = 0; i < l; ++i) largest = gram(i, i) > largest ? gram(i, i) : largest;
    if (!factor_upper(gram.view())) return false;
    // The Gram matrix is known to epsilon * largest: squared pivots near that are noise.
    const double least = static_cast<double>(std::numeric_limits<T>::epsilon()) * 64 * largest;
    for (std::size_t i = 0; i < l; ++i)
        if (!(gram(i, i) * gram(i, i) > least)) return false;
    invert_upper(gram.view());  // y^T y = T T^T, so y T^-T has orthonormal columns
    y = multiply<T>(y, matrix<T>::copy_of(gram.view().transposed()));
    return true;
}

template <class T>
[[nodiscard]] double dot(std::span<const T> a, std::span<const T> b) noexcept {
    double sum = 0;
    for (std::size_t i = 0; i < a.size(); ++i) sum += static_cast<double>(a[i]) * static_cast<double>(b[i]);
    return sum;
}

/// The rows of `lines` orthonormalized one after the other; gives the number kept, moved to the front. A row
/// is left out when less than 1e-5 of its length is new.
template <class T>
[[nodiscard]] std::size_t gram_schmidt(matrix<T>& lines) {
    std::size_t kept = 0;
    for (std::size_t i = 0; i < lines.rows(); ++i) {
        const std::span<T> line = lines.row(i);
        const double before = std::sqrt(dot<T>(line, line));
        for (int pass = 0; pass < 2; ++pass)
            for (std::size_t k = 0; k < kept; ++k) {
                const auto base = lines.row(k);
                const T part = static_cast<T>(dot<T>(line, base));
                for (std::size_t c = 0; c < line.size(); ++c) line[c] -= part * base[c];
            }
        const double after = std::sqrt(dot<T>(line, line));
        if (!(after > 1e-5 * before) || !(before > 0)) continue;
        const auto to = lines.row(kept++);
        for (std::size_t c = 0; c < line.size(); ++c) to[c] = static_cast<T>(line[c] / after);
    }
    return kept;
}

}  // namespace detail

/// An orthonormal basis of the columns of y (m x l), m x k; k < l when the columns are dependent, also when
/// l > m. Values must be finite. Encoder-side.
template <class T = float>
[[nodiscard]] matrix<T> orthonormal(matrix<T> y) {
    if (y.columns() <= y.rows() && !y.empty()) {
        matrix<T> once = y;
        if (detail::cholesky_step(once) && detail::cholesky_step(once)) return once;
    }
    matrix<T> lines = transposed<T>(y);
    const std::size_t kept = detail::gram_schmidt(lines);
    return transposed<T>(lines.view().block(0, 0, kept, lines.columns()));
}

}  // namespace pith::inline v1::linalg
