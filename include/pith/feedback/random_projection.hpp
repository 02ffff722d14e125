// Rows times a Gaussian matrix that both sides draw from a seed: fewer numbers, right on average.
// CompAct (Shamshoum et al., 2024) for activations: x P is stored, P only by its seed.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <pith/core/assert.hpp>
#include <pith/core/exact.hpp>
#include <pith/feedback/concepts.hpp>
#include <pith/feedback/low_rank.hpp>
#include <pith/feedback/vectors.hpp>

namespace pith::inline v1::feedback {

/// A compressor of row-major matrices: each row x becomes x P with P columns x rank, Gaussian of variance
/// 1 / rank, and comes back as (x P) P^T. Unbiased, w = (columns + 1) / rank. 4 rows rank bytes. P is drawn
/// anew for another message number. Magnitudes above 2^90 are an error. Memory: 4 columns rank bytes.
class random_projection {
  public:
    random_projection(low_rank_shape shape, std::uint64_t seed)
        : shape_(shape), seed_(seed), basis_(shape.right_size()), sketch_(shape.left_size()) {
        PITH_ASSERT(shape.rank >= 1);
        draw(0);
    }

    [[nodiscard]] std::size_t size() const noexcept { return shape_.size(); }
    [[nodiscard]] std::size_t max_encoded_size() const noexcept { return 4 * sketch_.size(); }
    [[nodiscard]] double variance() const noexcept {
        return (static_cast<double>(shape_.columns) + 1) / static_cast<double>(shape_.rank) * (1 + 1e-5);
    }
    /// P of a message, column after column.
    [[nodiscard]] std::span<const float> basis(std::uint64_t message) noexcept {
        if (message != drawn_) draw(message);
        return basis_;
    }

    result<std::size_t> encode_into(std::span<const float> x, std::uint64_t message, byte_span out) noexcept {
        PITH_ASSERT(x.size() == size());
        if (!all_finite(x)) return not_finite(x);
        if (largest_magnitude(x) > 0x1p90F) return too_large();
        if (out.size() < max_encoded_size()) return no_room(out);
        multiply(shape_, x, basis(message), sketch_);
        for (std::size_t i = 0; i < sketch_.size(); ++i) store_float(out.data() + 4 * i, sketch_[i]);
        return max_encoded_size();
    }
    result<void> decode_into(byte_view in, std::uint64_t message, std::span<float> y) noexcept {
        PITH_ASSERT(y.size() == size());
        if (in.size() != max_encoded_size()) return wrong_length(in, max_encoded_size());
        for (std::size_t i = 0; i < sketch_.size(); ++i) sketch_[i] = load_float(in.data() + 4 * i);
        expand(shape_, sketch_, basis(message), y);
        if (!all_finite(sketch_) || !all_finite(y))
            return bad_message(0, "a value is infinite or not a number");
        return {};
    }

  private:
    void draw(std::uint64_t message) noexcept {
        fill_gaussian(basis_, seed_, message);
        const auto scale = static_cast<float>(1 / std::sqrt(static_cast<double>(shape_.rank)));
        for (float& v : basis_) v = v * scale;
        drawn_ = message;
    }

    low_rank_shape shape_;
    std::uint64_t seed_;
    std::uint64_t drawn_ = 0;
    std::vector<float> basis_;
    std::vector<float> sketch_;
};

}  // namespace pith::inline v1::feedback
