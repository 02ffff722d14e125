// One bit a value: signs, and the mean magnitude as one float.
// Seide et al. (2014), Karimireddy et al. (2019), "Error feedback fixes SignSGD".
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

#include <pith/core/assert.hpp>
#include <pith/feedback/concepts.hpp>
#include <pith/feedback/signs.hpp>
#include <pith/feedback/vectors.hpp>

namespace pith::inline v1::feedback {

/// A compressor: C(x) = sign(x) ||x||_1 / n, in 4 + n / 8 bytes. For this x, d = ||x||_1^2 / (n ||x||^2); in
/// general only 1 / n, less one part in 10^6 for the rounding of the scale.
class scaled_sign {
  public:
    explicit scaled_sign(std::size_t size) noexcept : size_(size) {}

    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    [[nodiscard]] std::size_t max_encoded_size() const noexcept { return 4 + signs_size(size_); }
    [[nodiscard]] double contraction() const noexcept {
        return size_ == 0 ? 1 : (1 - 1e-6) / static_cast<double>(size_);
    }

    result<std::size_t> encode_into(std::span<const float> x, std::uint64_t, byte_span out) noexcept {
        PITH_ASSERT(x.size() == size_);
        if (!all_finite(x)) return not_finite(x);
        if (out.size() < max_encoded_size()) return no_room(out);
        const double mean = size_ == 0 ? 0 : absolute_sum(x) / static_cast<double>(size_);
        store_float(out.data(), static_cast<float>(mean));
        pack_signs(
            size_, [x](std::size_t i) { return x[i]; }, out.subspan(4, signs_size(size_)));
        return max_encoded_size();
    }
    result<void> decode_into(byte_view in, std::uint64_t, std::span<float> y) noexcept {
        PITH_ASSERT(y.size() == size_);
        if (in.size() != max_encoded_size()) return wrong_length(in, max_encoded_size());
        const float scale = load_float(in.data());
        if (std::bit_cast<std::uint32_t>(scale) >= 0x7F80'0000U)
            return bad_message(0, "a scale is negative or not finite");
        if (!signs_end_in_zeros(in.subspan(4), size_))
            return bad_message(in.size() - 1, "bits follow the signs");
        for_each_sign(in.subspan(4), size_,
                      [=](std::size_t i, bool minus) { y[i] = minus ? -scale : scale; });
        return {};
    }

  private:
    std::size_t size_;
};

}  // namespace pith::inline v1::feedback
