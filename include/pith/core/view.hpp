// Strided views of two- and three-dimensional data that lives in memory of the caller.
// The shape of std::mdspan's layout_stride without its generality: sizes and strides at run time, no
// ownership.
#pragma once

#include <cstddef>
#include <span>
#include <type_traits>

#include <pith/core/assert.hpp>

namespace pith::inline v1 {

/// One line of values `stride` elements apart. Copies are cheap; constness is that of T.
template <class T>
class strided_span {
  public:
    using element_type = T;
    using value_type = std::remove_cv_t<T>;

    constexpr strided_span() noexcept = default;
    /// Precondition: data[i * stride] is valid for every i < size.
    constexpr strided_span(T* data, std::size_t size, std::size_t stride) noexcept
        : data_(data), size_(size), stride_(stride) {}
    constexpr strided_span(std::span<T> line) noexcept : strided_span(line.data(), line.size(), 1) {}
    /// A view of mutable values is also a view of constant ones.
    constexpr operator strided_span<const T>() const noexcept requires(!std::is_const_v<T>) {
        return {data_, size_, stride_};
    }

    [[nodiscard]] constexpr std::size_t size() const noexcept { return size_; }
    [[nodiscard]] constexpr bool empty() const noexcept { return size_ == 0; }
    [[nodiscard]] constexpr std::size_t stride() const noexcept { return stride_; }
    [[nodiscard]] constexpr T* data() const noexcept { return data_; }
    [[nodiscard]] constexpr bool contiguous() const noexcept { return stride_ == 1 || size_ <= 1; }
    [[nodiscard]] constexpr T& operator[](std::size_t i) const noexcept {
        PITH_ASSERT(i < size_);
        return data_[i * stride_];
    }
    /// Elements first .. first + count - 1.
    [[nodiscard]] constexpr strided_span sub(std::size_t first, std::size_t count) const noexcept {
        PITH_ASSERT(first <= size_ && count <= size_ - first);
        return {data_ + (count == 0 ? 0 : first * stride_), count, stride_};
    }
    /// The line as a span. Precondition: contiguous().
    [[nodiscard]] constexpr std::span<T> as_span() const noexcept {
        PITH_ASSERT(contiguous());
        return {data_, size_};
    }

  private:
    T* data_ = nullptr;
    std::size_t size_ = 0;
    std::size_t stride_ = 1;
};

/// A matrix: rows() x columns() values; element (r, c) lies r * row_stride + c * column_stride elements in.
template <class T>
class view_2d {
  public:
    using element_type = T;
    using value_type = std::remove_cv_t<T>;

    constexpr view_2d() noexcept = default;
    /// Row-major values without gaps. Precondition: values.size() == rows * columns.
    constexpr view_2d(std::span<T> values, std::size_t rows, std::size_t columns) noexcept
        : view_2d(values.data(), rows, columns, columns, 1) {
        PITH_ASSERT(columns == 0 ? values.empty()
                                 : values.size() / columns == rows && values.size() % columns == 0);
    }
    /// Precondition: every element's address is valid.
    constexpr view_2d(T* data, std::size_t rows, std::size_t columns, std::size_t row_stride,
                      std::size_t column_stride = 1) noexcept
        : data_(data),
          rows_(rows),
          columns_(columns),
          row_stride_(row_stride),
          column_stride_(column_stride) {}
    constexpr operator view_2d<const T>() const noexcept requires(!std::is_const_v<T>) {
        return {data_, rows_, columns_, row_stride_, column_stride_};
    }

    [[nodiscard]] constexpr std::size_t rows() const noexcept { return rows_; }
    [[nodiscard]] constexpr std::size_t columns() const noexcept { return columns_; }
    [[nodiscard]] constexpr std::size_t size() const noexcept { return rows_ * columns_; }
    [[nodiscard]] constexpr bool empty() const noexcept { return rows_ == 0 || columns_ == 0; }
    [[nodiscard]] constexpr std::size_t row_stride() const noexcept { return row_stride_; }
    [[nodiscard]] constexpr std::size_t column_stride() const noexcept { return column_stride_; }
    [[nodiscard]] constexpr T* data() const noexcept { return data_; }
    /// True when the values lie row after row without gaps.
    [[nodiscard]] constexpr bool contiguous() const noexcept {
        return empty() || ((column_stride_ == 1 || columns_ == 1) && (row_stride_ == columns_ || rows_ == 1));
    }
    [[nodiscard]] constexpr T& operator()(std::size_t r, std::size_t c) const noexcept {
        PITH_ASSERT(r < rows_ && c < columns_);
        return data_[r * row_stride_ + c * column_stride_];
    }
    [[nodiscard]] constexpr strided_span<T> row(std::size_t r) const noexcept {
        PITH_ASSERT(r < rows_);
        return {columns_ == 0 ? data_ : data_ + r * row_stride_, columns_, column_stride_};
    }
    [[nodiscard]] constexpr strided_span<T> column(std::size_t c) const noexcept {
        PITH_ASSERT(c < columns_);
        return {rows_ == 0 ? data_ : data_ + c * column_stride_, rows_, row_stride_};
    }
    /// The rows x columns block whose first element is (r, c).
    [[nodiscard]] constexpr view_2d block(std::size_t r, std::size_t c, std::size_t rows,
                                          std::size_t columns) const noexcept {
        PITH_ASSERT(r <= rows_ && rows <= rows_ - r && c <= columns_ && columns <= columns_ - c);
        const std::size_t offset = rows == 0 || columns == 0 ? 0 : r * row_stride_ + c * column_stride_;
        return {data_ + offset, rows, columns, row_stride_, column_stride_};
    }
    [[nodiscard]] constexpr view_2d transposed() const noexcept {
        return {data_, columns_, rows_, column_stride_, row_stride_};
    }
    /// All values as one span, row after row. Precondition: contiguous().
    [[nodiscard]] constexpr std::span<T> as_span() const noexcept {
        PITH_ASSERT(contiguous());
        return {data_, size()};
    }

  private:
    T* data_ = nullptr;
    std::size_t rows_ = 0;
    std::size_t columns_ = 0;
    std::size_t row_stride_ = 0;
    std::size_t column_stride_ = 1;
};

/// A stack of planes() matrices of one shape, `plane_stride` elements apart.
template <class T>
class view_3d {
  public:
    using element_type = T;
    using value_type = std::remove_cv_t<T>;

    constexpr view_3d() noexcept = default;
    /// Row-major values without gaps. Precondition: values.size() == planes * rows * columns.
    constexpr view_3d(std::span<T> values, std::size_t planes, std::size_t rows, std::size_t columns) noexcept
        : view_3d(values.data(), planes, rows * columns,
                  view_2d<T>(values.data(), rows, columns, columns, 1)) {
        PITH_ASSERT(values.size() == planes * rows * columns);
    }
    /// Planes shaped as `first`, which is plane 0. Precondition: every element's address is valid.
    constexpr view_3d(std::size_t planes, std::size_t plane_stride, view_2d<T> first) noexcept
        : view_3d(first.data(), planes, plane_stride, first) {}
    constexpr operator view_3d<const T>() const noexcept requires(!std::is_const_v<T>) {
        return {planes_, plane_stride_, view_2d<const T>(first_)};
    }

    [[nodiscard]] constexpr std::size_t planes() const noexcept { return planes_; }
    [[nodiscard]] constexpr std::size_t rows() const noexcept { return first_.rows(); }
    [[nodiscard]] constexpr std::size_t columns() const noexcept { return first_.columns(); }
    [[nodiscard]] constexpr std::size_t size() const noexcept { return planes_ * first_.size(); }
    [[nodiscard]] constexpr bool empty() const noexcept { return planes_ == 0 || first_.empty(); }
    [[nodiscard]] constexpr std::size_t plane_stride() const noexcept { return plane_stride_; }
    [[nodiscard]] constexpr T* data() const noexcept { return first_.data(); }
    [[nodiscard]] constexpr bool contiguous() const noexcept {
        return empty() || (first_.contiguous() && (plane_stride_ == first_.size() || planes_ == 1));
    }
    [[nodiscard]] constexpr T& operator()(std::size_t p, std::size_t r, std::size_t c) const noexcept {
        return plane(p)(r, c);
    }
    [[nodiscard]] constexpr view_2d<T> plane(std::size_t p) const noexcept {
        PITH_ASSERT(p < planes_);
        return {first_.data() + p * plane_stride_, first_.rows(), first_.columns(), first_.row_stride(),
                first_.column_stride()};
    }
    /// Planes first .. first + count - 1.
    [[nodiscard]] constexpr view_3d planes_from(std::size_t first, std::size_t count) const noexcept {
        PITH_ASSERT(first <= planes_ && count <= planes_ - first);
        return {count, plane_stride_, count == 0 ? first_ : plane(first)};
    }
    /// All values as one span, plane after plane. Precondition: contiguous().
    [[nodiscard]] constexpr std::span<T> as_span() const noexcept {
        PITH_ASSERT(contiguous());
        return {data(), size()};
    }

  private:
    constexpr view_3d(T*, std::size_t planes, std::size_t plane_stride, view_2d<T> first) noexcept
        : first_(first), planes_(planes), plane_stride_(plane_stride) {}

    view_2d<T> first_{};
    std::size_t planes_ = 0;
    std::size_t plane_stride_ = 0;
};

}  // namespace pith::inline v1
