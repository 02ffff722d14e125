// A dense matrix that owns its values, row after row: what the functions of linalg/ give back.
// Arguments are views (core/view.hpp), so that any memory of a caller's, Eigen's too, can be passed.
#pragma once

#include <concepts>
#include <cstddef>
#include <span>
#include <type_traits>
#include <utility>

#include <pith/core/assert.hpp>
#include <pith/core/finite.hpp>
#include <pith/core/result.hpp>
#include <pith/core/table.hpp>
#include <pith/core/view.hpp>

namespace pith::inline v1::linalg {

/// rows() x columns() values of type T, zero at first. Converts to views of itself.
template <std::floating_point T>
class matrix {
  public:
    using value_type = T;

    matrix() = default;
    matrix(std::size_t rows, std::size_t columns) : values_(rows * columns), rows_(rows), columns_(columns) {}
    /// Values unspecified: for what is written as a whole, without the pass that makes it zero.
    [[nodiscard]] static matrix unset(std::size_t rows, std::size_t columns) {
        matrix out;
        out.values_ = table<T>::unset(rows * columns);
        out.rows_ = rows;
        out.columns_ = columns;
        return out;
    }
    /// The same memory in another shape. Precondition: rows x columns values, as before.
    [[nodiscard]] matrix reshaped(std::size_t rows, std::size_t columns) && noexcept {
        PITH_ASSERT(rows * columns == size());
        matrix out(std::move(*this));
        out.rows_ = rows;
        out.columns_ = columns;
        return out;
    }
    /// A copy of any view, its strides gone; `From` may be another type of number.
    template <class From>
    [[nodiscard]] static matrix copy_of(view_2d<From> from) {
        matrix out = unset(from.rows(), from.columns());
        for (std::size_t r = 0; r < out.rows_; ++r) {
            T* const to = out.values_.data() + r * out.columns_;
            const auto line = from.row(r);
            for (std::size_t c = 0; c < out.columns_; ++c) to[c] = static_cast<T>(line[c]);
        }
        return out;
    }

    [[nodiscard]] std::size_t rows() const noexcept { return rows_; }
    [[nodiscard]] std::size_t columns() const noexcept { return columns_; }
    [[nodiscard]] std::size_t size() const noexcept { return rows_ * columns_; }
    [[nodiscard]] bool empty() const noexcept { return size() == 0; }
    [[nodiscard]] T* data() noexcept { return values_.data(); }
    [[nodiscard]] const T* data() const noexcept { return values_.data(); }
    [[nodiscard]] T& operator()(std::size_t r, std::size_t c) noexcept {
        PITH_ASSERT(r < rows_ && c < columns_);
        return values_.data()[r * columns_ + c];
    }
    [[nodiscard]] const T& operator()(std::size_t r, std::size_t c) const noexcept {
        PITH_ASSERT(r < rows_ && c < columns_);
        return values_.data()[r * columns_ + c];
    }
    [[nodiscard]] std::span<T> row(std::size_t r) noexcept {
        PITH_ASSERT(r < rows_);
        return {data() + r * columns_, columns_};
    }
    [[nodiscard]] std::span<const T> row(std::size_t r) const noexcept {
        PITH_ASSERT(r < rows_);
        return {data() + r * columns_, columns_};
    }
    [[nodiscard]] view_2d<T> view() noexcept { return {data(), rows_, columns_, columns_}; }
    [[nodiscard]] view_2d<const T> view() const noexcept { return {data(), rows_, columns_, columns_}; }
    operator view_2d<T>() noexcept { return view(); }
    operator view_2d<const T>() const noexcept { return view(); }
    operator view_2d<const T>() noexcept { return view(); }

  private:
    table<T> values_;
    std::size_t rows_ = 0;
    std::size_t columns_ = 0;
};

/// A view as the argument of a function template: anything that converts to one fits.
template <class T>
using input = std::type_identity_t<view_2d<const T>>;
template <class T>
using output = std::type_identity_t<view_2d<T>>;

/// to = from, shapes equal; tiled, so that transposing views keep to the cache.
template <class T = float>
void copy(input<T> from, output<T> to) noexcept {
    PITH_ASSERT(from.rows() == to.rows() && from.columns() == to.columns());
    constexpr std::size_t tile = 32;
    for (std::size_t r0 = 0; r0 < from.rows(); r0 += tile)
        for (std::size_t c0 = 0; c0 < from.columns(); c0 += tile) {
            const std::size_t r1 = from.rows() - r0 < tile ? from.rows() : r0 + tile;
            const std::size_t c1 = from.columns() - c0 < tile ? from.columns() : c0 + tile;
            for (std::size_t r = r0; r < r1; ++r)
                for (std::size_t c = c0; c < c1; ++c) to(r, c) = from(r, c);
        }
}

/// The transpose as a matrix of its own.
template <class T = float>
[[nodiscard]] matrix<T> transposed(input<T> from) {
    auto out = matrix<T>::unset(from.columns(), from.rows());
    copy<T>(from.transposed(), out);
    return out;
}

/// a - b.
template <class T = float>
[[nodiscard]] matrix<T> difference(input<T> a, input<T> b) {
    PITH_ASSERT(a.rows() == b.rows() && a.columns() == b.columns());
    auto out = matrix<T>::unset(a.rows(), a.columns());
    for (std::size_t r = 0; r < a.rows(); ++r)
        for (std::size_t c = 0; c < a.columns(); ++c) out(r, c) = a(r, c) - b(r, c);
    return out;
}

/// The sum of squares of all values, in double.
template <class T = float>
[[nodiscard]] double squared_norm(input<T> a) noexcept {
    double sum = 0;
    for (std::size_t r = 0; r < a.rows(); ++r)
        for (std::size_t c = 0; c < a.columns(); ++c)
            sum += static_cast<double>(a(r, c)) * static_cast<double>(a(r, c));
    return sum;
}

/// pith::all_finite of whatever an input is made from.
template <class T = float>
[[nodiscard]] bool all_finite(input<T> a) noexcept {
    return pith::all_finite(a);
}

[[nodiscard]] constexpr error not_finite() noexcept {
    return {error_code::unsupported_parameter, 0, "a value is infinite or not a number"};
}
[[nodiscard]] constexpr error wrong_shape() noexcept {
    return {error_code::unsupported_parameter, 0, "the shapes of the matrices do not fit each other"};
}

}  // namespace pith::inline v1::linalg
