// Averaging of matrices over workers by thin factors that all-reduce can add, with error feedback.
// PowerSGD (Vogels, Karimireddy and Jaggi, 2019): one half-iteration a step, warm start.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <pith/core/assert.hpp>
#include <pith/feedback/low_rank.hpp>

namespace pith::inline v1::feedback {

/// One worker's part. A step: every worker calls left(), the results are averaged (all-reduced) and given to
/// right(), whose results are averaged and given to update(), which returns the same matrix on every worker.
/// Law: mean of the memories + sum of the updates = sum of the mean gradients, but for float's rounding.
/// 4 rank (rows + columns) bytes a step and worker. Magnitudes above 2^90 are not checked for.
class power_averaging {
  public:
    power_averaging(low_rank_shape shape, std::uint64_t seed)
        : shape_(shape),
          seed_(seed),
          memory_(shape.size()),
          update_(shape.size()),
          start_(shape.right_size()),
          left_(shape.left_size()),
          right_(shape.right_size()) {
        renew(shape_, start_, seed_);
    }

    [[nodiscard]] const low_rank_shape& shape() const noexcept { return shape_; }
    [[nodiscard]] std::size_t bytes_per_step() const noexcept { return 4 * (left_.size() + right_.size()); }
    /// Between steps: what has not been sent yet.
    [[nodiscard]] std::span<const float> memory() const noexcept { return memory_; }

    /// P_i = (memory + gradient) Q. The gradient is row-major.
    std::span<const float> left(std::span<const float> gradient) noexcept {
        PITH_ASSERT(gradient.size() == memory_.size());
        for (std::size_t i = 0; i < memory_.size(); ++i) memory_[i] += gradient[i];
        multiply(shape_, memory_, start_, left_);
        return left_;
    }
    /// Q_i = (memory + gradient)^T P, P the orthonormalized mean.
    std::span<const float> right(std::span<const float> mean_left) noexcept {
        PITH_ASSERT(mean_left.size() == left_.size());
        std::copy(mean_left.begin(), mean_left.end(), left_.begin());
        orthonormalize(shape_, left_);
        multiply_transposed(shape_, memory_, left_, right_);
        return right_;
    }
    /// P Q^T with the mean Q; the memory keeps what it lacks.
    std::span<const float> update(std::span<const float> mean_right) noexcept {
        PITH_ASSERT(mean_right.size() == right_.size());
        expand(shape_, left_, mean_right, update_);
        for (std::size_t i = 0; i < memory_.size(); ++i) memory_[i] -= update_[i];
        std::copy(mean_right.begin(), mean_right.end(), start_.begin());
        renew(shape_, start_, seed_);
        return update_;
    }

  private:
    low_rank_shape shape_;
    std::uint64_t seed_;
    std::vector<float> memory_;
    std::vector<float> update_;
    std::vector<float> start_;
    std::vector<float> left_;
    std::vector<float> right_;
};

}  // namespace pith::inline v1::feedback
