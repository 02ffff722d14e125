// Products of matrices given as views of any strides.
// The multiplication is Eigen's (Guennebaud, Jacob and others, 2010); the views hide it.
// PITH_LINALG_INSTANCES: what is Eigen's is compiled elsewhere, in one file that includes
// linalg/instances.hpp.
#pragma once

#if defined(__FAST_MATH__)
#    error "pith/linalg does not work under -ffast-math: it relies on infinities and NaNs being seen"
#endif

#include <Eigen/Core>

#include <pith/linalg/matrix.hpp>

namespace pith::inline v1::linalg {

namespace detail {

template <class T, int Order>
using eigen_view = Eigen::Map<const Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic, Order>, Eigen::Unaligned,
                              Eigen::OuterStride<>>;

constexpr Eigen::Index index(std::size_t n) noexcept { return static_cast<Eigen::Index>(n); }

template <class T>
[[nodiscard]] eigen_view<T, Eigen::RowMajor> by_rows(view_2d<const T> v) noexcept {
    return {v.data(), index(v.rows()), index(v.columns()), Eigen::OuterStride<>(index(v.row_stride()))};
}
template <class T>
[[nodiscard]] eigen_view<T, Eigen::ColMajor> by_columns(view_2d<const T> v) noexcept {
    return {v.data(), index(v.rows()), index(v.columns()), Eigen::OuterStride<>(index(v.column_stride()))};
}

/// Calls use(view) with the operand as Eigen sees it; values that lie apart in both directions are copied.
template <class T, class Use>
void with_operand(view_2d<const T> v, const Use& use) {
    if (v.column_stride() == 1) {
        use(by_rows(v));
    } else if (v.row_stride() == 1) {
        use(by_columns(v));
    } else {
        const matrix<T> dense = matrix<T>::copy_of(v);
        use(by_rows<T>(dense));
    }
}

template <class T>
void add_product(T factor, view_2d<const T> a, view_2d<const T> b, view_2d<T> c) {
    using target = Eigen::Map<Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>,
                              Eigen::Unaligned, Eigen::OuterStride<>>;
    target to(c.data(), index(c.rows()), index(c.columns()), Eigen::OuterStride<>(index(c.row_stride())));
    with_operand<T>(a, [&](const auto& left) {
        with_operand<T>(b, [&](const auto& right) { to.noalias() += (factor * left) * right; });
    });
}

}  // namespace detail

#ifdef PITH_LINALG_INSTANCES
namespace detail {
extern template void add_product<float>(float, view_2d<const float>, view_2d<const float>, view_2d<float>);
extern template void add_product<double>(double, view_2d<const double>, view_2d<const double>,
                                         view_2d<double>);
}  // namespace detail
#endif

/// c += factor * a * b. Shapes: m x k, k x n, m x n; c lies row after row or column after column and does not
/// overlap a or b. Encoder-side: the order of the sums is Eigen's.
template <class T = float>
void multiply_add(std::type_identity_t<T> factor, input<T> a, input<T> b, output<T> c) {
    PITH_ASSERT(a.columns() == b.rows() && a.rows() == c.rows() && b.columns() == c.columns());
    if (c.empty() || a.columns() == 0) return;
    if (c.column_stride() == 1) {
        detail::add_product<T>(factor, a, b, c);
    } else {
        PITH_ASSERT(c.row_stride() == 1);
        detail::add_product<T>(factor, b.transposed(), a.transposed(), c.transposed());
    }
}

/// The product a * b as a new matrix.
template <class T = float>
[[nodiscard]] matrix<T> multiply(input<T> a, input<T> b) {
    matrix<T> out(a.rows(), b.columns());
    multiply_add<T>(1, a, b, out);
    return out;
}

/// trace(d h d^T), the squared error of the outputs when inputs of second moment h pass d. In double.
template <class T = float>
[[nodiscard]] double weighted_error(input<T> d, input<double> h) {
    PITH_ASSERT(d.columns() == h.rows() && h.rows() == h.columns());
    constexpr std::size_t strip = 256;
    double sum = 0;
    for (std::size_t r = 0; r < d.rows(); r += strip) {
        const std::size_t rows = d.rows() - r < strip ? d.rows() - r : strip;
        const auto part = matrix<double>::copy_of(d.block(r, 0, rows, d.columns()));
        const matrix<double> image = multiply<double>(part, h);
        for (std::size_t i = 0; i < image.size(); ++i) sum += image.data()[i] * part.data()[i];
    }
    return sum;
}

}  // namespace pith::inline v1::linalg
