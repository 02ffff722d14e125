// Cholesky factors of a second moment: the upper factor T with H = T T^T, and its inverse U with H^-1 = U^T
// U. T comes from eliminating the last variable first, so that T_ii is the standard deviation of input i
// given inputs i+1 .. n; by halves, in double. GPTQ (Frantar and others, 2022) factors H^-1
// instead.
#pragma once

#include <cmath>
#include <concepts>
#include <vector>

#include <pith/linalg/product.hpp>

namespace pith::inline v1::linalg {

namespace detail {

/// The factor of one diagonal block, in place; false when it is not positive definite.
inline bool factor_block(view_2d<double> h) noexcept {
    for (std::size_t j = h.rows(); j-- > 0;) {
        double pivot = h(j, j);
        for (std::size_t k = j + 1; k < h.rows(); ++k) pivot -= h(j, k) * h(j, k);
        if (!(pivot > 0) || !(pivot < 1e300)) return false;
        h(j, j) = std::sqrt(pivot);
        for (std::size_t i = 0; i < j; ++i) {
            double v = h(i, j);
            for (std::size_t k = j + 1; k < h.rows(); ++k) v -= h(i, k) * h(j, k);
            h(i, j) = v / h(j, j);
        }
    }
    return true;
}

/// The inverse of an upper triangle of few rows; what lies below the diagonal is neither read nor written.
inline void invert_block(view_2d<double> t) noexcept {
    for (std::size_t j = 0; j < t.rows(); ++j) {
        t(j, j) = 1 / t(j, j);
        for (std::size_t i = 0; i < j; ++i) {  // the block before column j holds its inverse already
            double v = 0;
            for (std::size_t k = i; k < j; ++k) v += t(i, k) * t(k, j);
            t(i, j) = -v * t(j, j);
        }
    }
}

}  // namespace detail

namespace detail {

constexpr std::size_t small_triangle = 48;

/// b = b t^-T for an upper triangle t, by halves down to inverted blocks.
inline void solve_transposed(view_2d<const double> t, view_2d<double> b) {
    const std::size_t n = t.rows();
    if (n <= small_triangle) {
        auto inverse = matrix<double>::copy_of(t);
        for (std::size_t i = 0; i < n; ++i)
            for (std::size_t j = 0; j < i; ++j) inverse(i, j) = 0;
        invert_block(inverse);
        return copy<double>(multiply<double>(b, inverse.view().transposed()), b);
    }
    const std::size_t a = n / 2;
    const view_2d<double> left = b.block(0, 0, b.rows(), a), right = b.block(0, a, b.rows(), n - a);
    solve_transposed(t.block(a, a, n - a, n - a), right);
    multiply_add<double>(-1, right, t.block(0, a, a, n - a).transposed(), left);
    solve_transposed(t.block(0, 0, a, a), left);
}

/// a -= p p^T in the upper triangle; below it a is left as it was or spoiled.
inline void subtract_square(view_2d<const double> p, view_2d<double> a) {
    constexpr std::size_t small = 192;
    const std::size_t n = a.rows(), half_n = n / 2, rest = n - half_n;
    if (n <= small) return multiply_add<double>(-1, p, p.transposed(), a);
    const view_2d<const double> top = p.block(0, 0, half_n, p.columns()),
                                bottom = p.block(half_n, 0, rest, p.columns());
    subtract_square(top, a.block(0, 0, half_n, half_n));
    multiply_add<double>(-1, top, bottom.transposed(), a.block(0, half_n, half_n, rest));
    subtract_square(bottom, a.block(half_n, half_n, rest, rest));
}

/// factor_upper that leaves the lower triangle spoiled. By halves, so that nearly all is large products.
inline bool factor_halves(view_2d<double> h) {
    const std::size_t n = h.rows(), a = n / 2, b = n - a;
    if (n <= small_triangle) return factor_block(h);
    const view_2d<double> corner = h.block(0, a, a, b), last = h.block(a, a, b, b);
    if (!factor_halves(last)) return false;
    solve_transposed(last, corner);
    subtract_square(corner, h.block(0, 0, a, a));
    return factor_halves(h.block(0, 0, a, a));
}

}  // namespace detail

/// The upper triangle T with T T^T = h, in the place of h, whose lower triangle is not read and becomes zero.
/// False when h is not positive definite; h is then half changed. n^3 / 6 multiplications and additions.
template <class T = double>
[[nodiscard]] bool factor_upper(output<double> h) {
    PITH_ASSERT(h.rows() == h.columns());
    if (!detail::factor_halves(h)) return false;
    for (std::size_t i = 1; i < h.rows(); ++i)
        for (std::size_t j = 0; j < i; ++j) h(i, j) = 0;
    return true;
}

/// The inverse of an upper triangle, in place; the lower triangle must be zero. n^3 / 3.
template <class T = double>
void invert_upper(output<double> t) {
    constexpr std::size_t small = 48;
    if (t.rows() <= small) return detail::invert_block(t);
    const std::size_t a = t.rows() / 2, b = t.rows() - a;
    const view_2d<double> corner = t.block(0, a, a, b);
    invert_upper(t.block(0, 0, a, a));
    invert_upper(t.block(a, a, b, b));
    const matrix<double> half = multiply<double>(t.block(0, 0, a, a), corner);
    for (std::size_t r = 0; r < a; ++r)
        for (std::size_t c = 0; c < b; ++c) corner(r, c) = 0;
    multiply_add<double>(-1, half, t.block(a, a, b, b), corner);
}

/// How a second moment is made positive definite.
struct damping {
    double share = 0.01;    ///< of the mean of the diagonal, added to every element of the diagonal
    unsigned attempts = 5;  ///< each ten times the one before
};

/// T of a damped second moment.
struct damped_factor {
    matrix<double> upper;  ///< T with T T^T = H + added I
    double added = 0;      ///< what the diagonal was raised by
};

/// Tries the ladder share, 10 share, ... times `mean`: fill() gives h anew, its upper triangle at least.
/// Errors: unsupported_parameter for a matrix that the ladder does not make positive definite.
template <std::invocable Fill>
[[nodiscard]] result<damped_factor> factor_damped(Fill&& fill, double mean, damping how) {
    double added = how.share * mean;
    for (unsigned attempt = 0; attempt < how.attempts; ++attempt, added *= 10) {
        damped_factor out{fill(), added};
        for (std::size_t i = 0; i < out.upper.rows(); ++i) out.upper(i, i) += added;
        if (factor_upper(out.upper.view())) return out;
    }
    return error{error_code::unsupported_parameter, 0,
                 "a second moment is not positive definite, even when damped"};
}

/// The mean of the diagonal of a second moment. Errors: unsupported_parameter for shapes, values that are not
/// finite, or a diagonal with a negative element.
template <class T = double>
[[nodiscard]] result<double> mean_moment(input<double> h) {
    if (h.rows() != h.columns()) return wrong_shape();
    if (!all_finite<double>(h)) return not_finite();
    double mean = 0;
    for (std::size_t i = 0; i < h.rows(); ++i) {
        if (h(i, i) < 0) return error{error_code::unsupported_parameter, 0, "a second moment is negative"};
        mean += h(i, i) / static_cast<double>(h.rows());
    }
    return mean;
}

/// Factors h + d I, d the least of the ladder that succeeds. Errors: as the two functions above.
template <class T = double>
[[nodiscard]] result<damped_factor> factor_damped(input<double> h, damping how = {}) {
    const auto mean = mean_moment(h);
    if (!mean) return mean.error();
    return factor_damped([&] { return matrix<double>::copy_of(h); }, *mean, how);
}

/// right (h + d I)^-1 for right of m x n, given U = T^-1 of the factor: h^-1 = U^T U.
template <class T = double>
[[nodiscard]] matrix<double> solve_right(input<double> right, input<double> inverse_factor) {
    return multiply<double>(multiply<double>(right, inverse_factor.transposed()), inverse_factor);
}

}  // namespace pith::inline v1::linalg
