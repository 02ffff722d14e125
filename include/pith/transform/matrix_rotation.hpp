// A rotation given by a matrix: Haar-random from a seed, or any matrix with orthonormal rows.
// Random: Householder reflections of Gaussian vectors (Stewart, 1980), which is the Q of a QR decomposition
// of a Gaussian matrix without that matrix.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <utility>
#include <vector>

#include <pith/core/assert.hpp>
#include <pith/core/exact.hpp>
#include <pith/core/random.hpp>
#include <pith/core/view.hpp>
#include <pith/simd/arch.hpp>
#include <pith/simd/dot_exact.hpp>
#include <pith/transform/concepts.hpp>

namespace pith::inline v1::transform {

/// y = M x and back by the transpose, for an M of size() orthonormal rows; with fewer rows than columns the
/// inverse gives the projection of x onto them. n^2 products a vector. Exact: fixed-order sums. Encoder-side
/// where the matrix is (principal_axes); random_rotation's matrix is the same on every machine.
template <simd::instruction_set Arch = simd::native>
class matrix_rotation {
  public:
    static constexpr bool orthogonal = true;

    /// Row-major; rows must be orthonormal within rounding. Precondition: rows * columns == matrix.size().
    matrix_rotation(std::vector<float> matrix, std::size_t rows, std::size_t columns)
        : matrix_(std::move(matrix)), rows_(rows), columns_(columns) {
        PITH_ASSERT(matrix_.size() == rows * columns && rows <= columns);
    }

    [[nodiscard]] std::size_t input_size() const noexcept { return columns_; }
    [[nodiscard]] std::size_t size() const noexcept { return rows_; }
    [[nodiscard]] std::span<const float> row(std::size_t r) const noexcept {
        return std::span(matrix_).subspan(r * columns_, columns_);
    }

    /// Precondition: x.size() == input_size(), y.size() == size(), no overlap.
    void forward_into(std::span<const float> x, std::span<float> y) const noexcept {
        PITH_ASSERT(x.size() == columns_ && y.size() == rows_);
        for (std::size_t r = 0; r < rows_; ++r) y[r] = simd::dot_exact<Arch>(row(r), x);
    }
    /// Precondition: y.size() == size(), x.size() == input_size(), no overlap.
    void inverse_into(std::span<float> y, std::span<float> x) const noexcept {
        PITH_ASSERT(x.size() == columns_ && y.size() == rows_);
        for (float& v : x) v = 0;
        for (std::size_t r = 0; r < rows_; ++r) exact::add_scaled(x, y[r], row(r));
    }

  private:
    std::vector<float> matrix_;
    std::size_t rows_;
    std::size_t columns_;
};

namespace detail {

/// Multiplies the trailing block of `matrix` (n columns), from row and column `first` on, by the reflection
/// that takes the first axis to the direction of `u`, which is destroyed. Precondition: u is not zero.
inline void reflect_rows(std::span<float> matrix, std::size_t n, std::size_t first, std::span<float> u,
                         std::span<float> sums) noexcept {
    const float length = exact::sqrt(exact::dot(u, u));
    u[0] += u[0] < 0 ? -length : length;  // away from cancellation
    const float factor = -2.0F / exact::dot(u, u);
    for (float& s : sums) s = 0;
    for (std::size_t r = 0; r < u.size(); ++r)
        exact::add_scaled(sums, u[r], matrix.subspan((first + r) * n + first, u.size()));
    for (std::size_t r = 0; r < u.size(); ++r)
        exact::add_scaled(matrix.subspan((first + r) * n + first, u.size()), factor * u[r], sums);
}

}  // namespace detail

/// A Haar-distributed rotation of n floats, chosen by a seed; 4 n^2 bytes, 4 n^3 / 3 operations. Exact.
template <simd::instruction_set Arch = simd::native>
[[nodiscard]] inline matrix_rotation<Arch> random_rotation(std::size_t n, std::uint64_t seed = 0) {
    std::vector<float> matrix(n * n), u(n), sums(n);
    random_sequence random(seed, 1);
    for (std::size_t i = 0; i < n; ++i) matrix[i * n + i] = (random() & 1) != 0 ? 1.0F : -1.0F;
    for (std::size_t size = 2; size <= n; ++size) {
        const auto direction = std::span(u).first(size);
        for (float& v : direction) v = static_cast<float>(random.gaussian());
        detail::reflect_rows(matrix, n, n - size, direction, std::span(sums).first(size));
    }
    return {std::move(matrix), n, n};
}

}  // namespace pith::inline v1::transform
