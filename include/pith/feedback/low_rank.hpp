// A matrix as the product of two thin ones, by one step of subspace iteration from a warm start.
// PowerSGD (Vogels, Karimireddy and Jaggi, 2019); Gram-Schmidt twice, in double, in place of once.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <pith/core/assert.hpp>
#include <pith/core/exact.hpp>
#include <pith/core/random.hpp>
#include <pith/feedback/concepts.hpp>
#include <pith/feedback/vectors.hpp>

namespace pith::inline v1::feedback {

/// Rows, columns and rank of an approximation rows x columns ~ left x right^T; a row of either factor is
/// stored as a column: left is rank stretches of `rows` floats, right rank stretches of `columns`.
struct low_rank_shape {
    std::size_t rows;
    std::size_t columns;
    std::size_t rank;

    [[nodiscard]] constexpr std::size_t size() const noexcept { return rows * columns; }
    [[nodiscard]] constexpr std::size_t left_size() const noexcept { return rows * rank; }
    [[nodiscard]] constexpr std::size_t right_size() const noexcept { return columns * rank; }
};

/// left = matrix * right. The matrix is row-major. Exact order of sums.
inline void multiply(const low_rank_shape& s, std::span<const float> matrix, std::span<const float> right,
                     std::span<float> left) noexcept {
    PITH_ASSERT(matrix.size() == s.size() && right.size() == s.right_size() && left.size() == s.left_size());
    for (std::size_t i = 0; i < s.rows; ++i)
        for (std::size_t r = 0; r < s.rank; ++r)
            left[r * s.rows + i] =
                exact::dot(matrix.subspan(i * s.columns, s.columns), right.subspan(r * s.columns, s.columns));
}

/// right = matrix^T * left. Exact order of sums.
inline void multiply_transposed(const low_rank_shape& s, std::span<const float> matrix,
                                std::span<const float> left, std::span<float> right) noexcept {
    PITH_ASSERT(matrix.size() == s.size() && right.size() == s.right_size() && left.size() == s.left_size());
    std::fill(right.begin(), right.end(), 0.0F);
    for (std::size_t i = 0; i < s.rows; ++i)
        for (std::size_t r = 0; r < s.rank; ++r)
            exact::add_scaled(right.subspan(r * s.columns, s.columns), left[r * s.rows + i],
                              matrix.subspan(i * s.columns, s.columns));
}

/// matrix = left * right^T. Exact order of sums.
inline void expand(const low_rank_shape& s, std::span<const float> left, std::span<const float> right,
                   std::span<float> matrix) noexcept {
    PITH_ASSERT(matrix.size() == s.size() && right.size() == s.right_size() && left.size() == s.left_size());
    std::fill(matrix.begin(), matrix.end(), 0.0F);
    for (std::size_t i = 0; i < s.rows; ++i)
        for (std::size_t r = 0; r < s.rank; ++r)
            exact::add_scaled(matrix.subspan(i * s.columns, s.columns), left[r * s.rows + i],
                              right.subspan(r * s.columns, s.columns));
}

/// Makes the columns of `left` orthonormal; one that the others span, or that is zero, becomes zero.
inline void orthonormalize(const low_rank_shape& s, std::span<float> left) noexcept {
    PITH_ASSERT(left.size() == s.left_size());
    for (std::size_t r = 0; r < s.rank; ++r) {
        float* const column = left.data() + r * s.rows;
        const float largest = largest_magnitude({column, s.rows});
        // Scaled by a power of two, so that squares neither overflow nor vanish.
        const double scale = largest == 0 ? 0 : power_of_two(-std::ilogb(largest));
        for (std::size_t i = 0; i < s.rows; ++i) column[i] = static_cast<float>(double{column[i]} * scale);
        const double before = std::sqrt(squared_norm({column, s.rows}));
        for (std::size_t pass = 0; pass < 2; ++pass) {  // twice is enough (Giraud et al., 2005)
            for (std::size_t q = 0; q < r; ++q) {
                const float* const other = left.data() + q * s.rows;
                double along = 0;
                for (std::size_t i = 0; i < s.rows; ++i)
                    along += exact::mul(double{other[i]}, double{column[i]});
                for (std::size_t i = 0; i < s.rows; ++i)
                    column[i] = static_cast<float>(double{column[i]} - exact::mul(along, double{other[i]}));
            }
        }
        const double norm = std::sqrt(squared_norm({column, s.rows}));
        const double inverse = norm > 1e-6 * before ? 1 / norm : 0;
        for (std::size_t i = 0; i < s.rows; ++i) column[i] = static_cast<float>(double{column[i]} * inverse);
    }
}

/// Gaussian columns for a start, the same for equal seeds.
inline void fill_gaussian(std::span<float> values, std::uint64_t seed, std::uint64_t stream) noexcept {
    random_sequence random(seed, stream);
    for (float& v : values) v = static_cast<float>(random.gaussian());
}

/// Brings each column to magnitudes of about 1 by a power of two; replaces one of zeros by a Gaussian one.
inline void renew(const low_rank_shape& s, std::span<float> right, std::uint64_t seed) noexcept {
    for (std::size_t r = 0; r < s.rank; ++r) {
        const std::span<float> column = right.subspan(r * s.columns, s.columns);
        const float largest = largest_magnitude(column);
        if (largest == 0) fill_gaussian(column, seed, r);
        const double scale = largest == 0 ? 1 : power_of_two(-std::ilogb(largest));
        for (float& v : column) v = static_cast<float>(double{v} * scale);
    }
}

/// A compressor of row-major matrices: P = orthonormalized M Q, then Q = M^T P; P and Q are sent as floats,
/// and Q is what the next message starts from. C(M) = P P^T M is a projection, so that the error never
/// exceeds M; no larger d holds for every M. Encoders depend on their past, the decoder does not. Magnitudes
/// above 2^90 are an error. 4 rank (rows + columns) bytes.
class low_rank {
  public:
    low_rank(low_rank_shape shape, std::uint64_t seed)
        : shape_(shape),
          seed_(seed),
          start_(shape.right_size()),
          left_(shape.left_size()),
          right_(shape.right_size()) {
        renew(shape_, start_, seed_);
    }

    [[nodiscard]] const low_rank_shape& shape() const noexcept { return shape_; }
    [[nodiscard]] std::size_t size() const noexcept { return shape_.size(); }
    [[nodiscard]] std::size_t max_encoded_size() const noexcept { return 4 * (left_.size() + right_.size()); }
    [[nodiscard]] double contraction() const noexcept { return 0; }

    result<std::size_t> encode_into(std::span<const float> x, std::uint64_t, byte_span out) noexcept {
        if (!all_finite(x)) return not_finite(x);
        if (largest_magnitude(x) > 0x1p90F) return too_large();  // 2^32 terms of 2^91 stay in range
        if (out.size() < max_encoded_size()) return no_room(out);
        multiply(shape_, x, start_, left_);
        orthonormalize(shape_, left_);
        multiply_transposed(shape_, x, left_, right_);
        for (std::size_t i = 0; i < left_.size(); ++i) store_float(out.data() + 4 * i, left_[i]);
        const byte_span rest = out.subspan(4 * left_.size());
        for (std::size_t i = 0; i < right_.size(); ++i) store_float(rest.data() + 4 * i, right_[i]);
        std::copy(right_.begin(), right_.end(), start_.begin());
        renew(shape_, start_, seed_);
        return max_encoded_size();
    }
    result<void> decode_into(byte_view in, std::uint64_t, std::span<float> y) noexcept {
        if (in.size() != max_encoded_size()) return wrong_length(in, max_encoded_size());
        for (std::size_t i = 0; i < left_.size(); ++i) left_[i] = load_float(in.data() + 4 * i);
        const byte_view rest = in.subspan(4 * left_.size());
        for (std::size_t i = 0; i < right_.size(); ++i) right_[i] = load_float(rest.data() + 4 * i);
        expand(shape_, left_, right_, y);
        if (!all_finite(left_) || !all_finite(right_) || !all_finite(y))
            return bad_message(0, "a factor is infinite, not a number or too large");
        return {};
    }

  private:
    low_rank_shape shape_;
    std::uint64_t seed_;
    std::vector<float> start_;
    std::vector<float> left_;
    std::vector<float> right_;
};

}  // namespace pith::inline v1::feedback
