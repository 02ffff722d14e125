// A mean and orthonormal axes, as a number of quantizers share them: applied to rows, written and read.
// Own work.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include <pith/core/assert.hpp>
#include <pith/core/bytes.hpp>
#include <pith/core/limits.hpp>
#include <pith/core/result.hpp>
#include <pith/core/view.hpp>
#include <pith/simd/dot_exact.hpp>
#include <pith/transform/matrix_rotation.hpp>
#include <pith/vector/stored.hpp>

namespace pith::inline v1::vector {

/// The next `count` rows of d values. Rows that are not of length 1, or not at right angles to the one
/// before, are bad_model. Precondition: d * count does not overflow.
template <simd::instruction_set Arch>
[[nodiscard]] inline result<transform::matrix_rotation<Arch>> read_axes(byte_reader& from, std::size_t count,
                                                                        std::size_t d) {
    auto matrix = read_floats(from, d * count);
    if (!matrix) return matrix.error();
    transform::matrix_rotation<Arch> axes(std::move(*matrix), count, d);
    for (std::size_t r = 0; r < count; ++r) {
        const float norm = simd::dot_exact<Arch>(axes.row(r), axes.row(r));
        const float next = r == 0 ? 0 : simd::dot_exact<Arch>(axes.row(r), axes.row(r - 1));
        if (!(norm > 0.999F && norm < 1.001F && next > -0.001F && next < 0.001F))
            return from.fail(error_code::bad_model, "stored axes are not orthonormal");
    }
    return axes;
}

/// Coordinates of x - mean along some orthonormal axes. Exact given mean and axes.
template <simd::instruction_set Arch = simd::native>
class mean_and_axes {
  public:
    using rotation_type = transform::matrix_rotation<Arch>;
    static constexpr std::size_t max_dimension_stored = 4096;

    mean_and_axes(std::vector<float> mean, rotation_type axes)
        : mean_(std::move(mean)), axes_(std::move(axes)) {
        PITH_ASSERT(mean_.size() == axes_.input_size());
    }

    [[nodiscard]] std::size_t dimension() const noexcept { return mean_.size(); }
    [[nodiscard]] std::size_t rank() const noexcept { return axes_.size(); }
    [[nodiscard]] std::span<const float> mean() const noexcept { return mean_; }
    [[nodiscard]] const rotation_type& axes() const noexcept { return axes_; }
    [[nodiscard]] std::size_t parameter_bytes() const noexcept {
        return 8 + sizeof(float) * dimension() * (rank() + 1);
    }

    /// Row after row of coordinates, rank() each; of rows without the mean where `linear`.
    [[nodiscard]] std::vector<float> coordinates(view_2d<const float> rows, bool linear = false) const {
        std::vector<float> out(rows.rows() * rank()), x(dimension());
        for (std::size_t r = 0; r < rows.rows(); ++r) {
            for (std::size_t j = 0; j < x.size(); ++j) x[j] = linear ? rows(r, j) : rows(r, j) - mean_[j];
            axes_.forward_into(x, std::span(out).subspan(r * rank(), rank()));
        }
        return out;
    }
    /// The vectors that have these coordinates and none across the axes. Destroys them.
    void expand(std::span<float> coordinates, view_2d<float> rows) const {
        std::vector<float> x(dimension());
        for (std::size_t r = 0; r < rows.rows(); ++r) {
            axes_.inverse_into(coordinates.subspan(r * rank(), rank()), x);
            for (std::size_t j = 0; j < x.size(); ++j) rows(r, j) = x[j] + mean_[j];
        }
    }

    template <byte_sink Sink>
    void save(Sink& sink) const {
        put_le<std::uint32_t>(sink, static_cast<std::uint32_t>(dimension()));
        put_le<std::uint32_t>(sink, static_cast<std::uint32_t>(rank()));
        put_floats(sink, mean_);
        for (std::size_t r = 0; r < rank(); ++r) put_floats(sink, axes_.row(r));
    }
    /// Errors: of read_axes; sizes out of range.
    [[nodiscard]] static result<mean_and_axes> load(byte_reader& from, const limits& bound) {
        const auto dimension = from.read_le<std::uint32_t>();
        if (!dimension) return dimension.error();
        const auto rank = from.read_le<std::uint32_t>();
        if (!rank) return rank.error();
        if (*dimension == 0 || *dimension > max_dimension_stored || *rank > *dimension)
            return from.fail(error_code::bad_header, "the sizes of axes are out of range");
        const std::size_t d = *dimension, count = *rank;
        if (d * (count + 1) * sizeof(float) > bound.max_memory)
            return from.fail(error_code::limit_exceeded, "the axes are larger than the limits allow");
        auto mean = read_floats(from, d);
        if (!mean) return mean.error();
        auto axes = read_axes<Arch>(from, count, d);
        if (!axes) return axes.error();
        return mean_and_axes(std::move(*mean), std::move(*axes));
    }

  private:
    std::vector<float> mean_;
    rotation_type axes_;
};

}  // namespace pith::inline v1::vector
