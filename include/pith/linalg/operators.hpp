// Matrices that are known by their products only, so that D H^1/2 or a pile of layers need never be formed.
// The interface of every truncated decomposition in linalg/.
#pragma once

#include <concepts>
#include <cstddef>
#include <span>

#include <pith/linalg/product.hpp>

namespace pith::inline v1::linalg {

/// A rows() x columns() matrix A by its products: multiply(v) is A v for v of columns() rows, and
/// multiply_transposed(v) is A^T v for v of rows() rows. Law: <u, A v> = <A^T u, v> within rounding.
/// Minimal model: dense_operator below.
template <class A>
concept linear_operator = requires(const A a, view_2d<const float> v) {
    { a.rows() } -> std::same_as<std::size_t>;
    { a.columns() } -> std::same_as<std::size_t>;
    { a.multiply(v) } -> std::same_as<matrix<float>>;
    { a.multiply_transposed(v) } -> std::same_as<matrix<float>>;
};

/// A matrix as it stands.
class dense_operator {
  public:
    /// The values must outlive the operator.
    explicit dense_operator(view_2d<const float> a) noexcept : a_(a) {}
    [[nodiscard]] std::size_t rows() const noexcept { return a_.rows(); }
    [[nodiscard]] std::size_t columns() const noexcept { return a_.columns(); }
    [[nodiscard]] matrix<float> multiply(view_2d<const float> v) const {
        return linalg::multiply<float>(a_, v);
    }
    [[nodiscard]] matrix<float> multiply_transposed(view_2d<const float> v) const {
        return linalg::multiply<float>(a_.transposed(), v);
    }

  private:
    view_2d<const float> a_;
};

/// Matrices of one height side by side, [A_1 A_2 ...]: layers that share their left factor.
class concatenated_operator {
  public:
    /// The views and their values must outlive the operator; all have the same number of rows.
    explicit concatenated_operator(std::span<const view_2d<const float>> parts) noexcept : parts_(parts) {
        for (const auto& part : parts) {
            PITH_ASSERT(part.rows() == parts.front().rows());
            columns_ += part.columns();
        }
    }
    [[nodiscard]] std::size_t rows() const noexcept { return parts_.empty() ? 0 : parts_.front().rows(); }
    [[nodiscard]] std::size_t columns() const noexcept { return columns_; }
    [[nodiscard]] matrix<float> multiply(view_2d<const float> v) const {
        matrix<float> out(rows(), v.columns());
        std::size_t at = 0;
        for (const auto& part : parts_) {
            multiply_add<float>(1, part, v.block(at, 0, part.columns(), v.columns()), out);
            at += part.columns();
        }
        return out;
    }
    [[nodiscard]] matrix<float> multiply_transposed(view_2d<const float> v) const {
        matrix<float> out(columns_, v.columns());
        std::size_t at = 0;
        for (const auto& part : parts_) {
            multiply_add<float>(1, part.transposed(), v,
                                out.view().block(at, 0, part.columns(), v.columns()));
            at += part.columns();
        }
        return out;
    }

  private:
    std::span<const view_2d<const float>> parts_;
    std::size_t columns_ = 0;
};

}  // namespace pith::inline v1::linalg
