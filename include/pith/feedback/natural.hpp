// Powers of two only: the exponent of each value, rounded at random, and its sign.
// Natural compression (Horvath et al., 2019), with entropy coded exponents in place of eight bits each.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <pith/core/assert.hpp>
#include <pith/core/random.hpp>
#include <pith/entropy/concepts.hpp>
#include <pith/entropy/rans_block.hpp>
#include <pith/feedback/concepts.hpp>
#include <pith/feedback/signs.hpp>
#include <pith/feedback/vectors.hpp>

namespace pith::inline v1::feedback {

/// A compressor: each value becomes 0 or a power of two from 2^-126 to 2^127, up or down at random. Unbiased;
/// w = 1/8 for normal values (below 2^-126 the error is up to 2^-126 itself). Values above 2^127 are an
/// error. Message: a sign bit each, then the exponents by the block coder. Memory: 2 n bytes and the coder.
template <entropy::block_coder Exponents = entropy::rans_bytes<>>
class natural {
  public:
    natural(std::size_t size, std::uint64_t seed) : size_(size), seed_(seed), codes_(size) {}

    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    [[nodiscard]] std::size_t max_encoded_size() const noexcept {
        return signs_size(size_) + Exponents::max_encoded_size(size_);
    }
    [[nodiscard]] double variance() const noexcept { return 0.125; }

    result<std::size_t> encode_into(std::span<const float> x, std::uint64_t message, byte_span out) noexcept {
        PITH_ASSERT(x.size() == size_);
        if (!all_finite(x)) return not_finite(x);
        if (largest_magnitude(x) > 0x1p127F) return too_large();
        const std::size_t head = signs_size(size_);
        if (out.size() < head) return no_room(out);
        random_sequence random(seed_, message);
        for (std::size_t i = 0; i < size_; ++i) codes_[i] = code_of(magnitude_bits(x[i]), random() >> 9);
        pack_signs(
            size_, [&](std::size_t i) { return codes_[i] == 0 ? 0.0F : x[i]; }, out.first(head));
        const auto tail = exponents_.encode_into(codes_, out.subspan(head));
        return tail ? result<std::size_t>(head + *tail) : result<std::size_t>(tail.error().shifted_by(head));
    }
    result<void> decode_into(byte_view in, std::uint64_t, std::span<float> y) noexcept {
        PITH_ASSERT(y.size() == size_);
        const std::size_t head = signs_size(size_);
        if (in.size() < head) return wrong_length(in, head);
        if (!signs_end_in_zeros(in.first(head), size_)) return bad_message(head - 1, "bits follow the signs");
        if (const auto got = exponents_.decode_into(in.subspan(head), codes_); !got)
            return got.error().shifted_by(head);
        bool valid = true;
        for_each_sign(in.first(head), size_, [&](std::size_t i, bool minus) {
            const std::uint32_t code = codes_[i];
            valid = valid && code != 255 && !(minus && code == 0);
            y[i] = std::bit_cast<float>((code == 255 ? 0 : code << 23) | std::uint32_t{minus} << 31);
        });
        if (!valid) return bad_message(head, "an exponent is out of range");
        return {};
    }

  private:
    /// The biased exponent, one more with a probability of the mantissa as a fraction. A value below 2^-126
    /// has exponent 0, so that its fraction of 2^-126 is what is compared: the same rule. draw < 2^23.
    [[nodiscard]] static std::uint8_t code_of(std::uint32_t magnitude, std::uint32_t draw) noexcept {
        return static_cast<std::uint8_t>((magnitude >> 23) + (draw < (magnitude & 0x7F'FFFFU)));
    }

    std::size_t size_;
    std::uint64_t seed_;
    Exponents exponents_{};
    std::vector<std::uint8_t> codes_;
};

}  // namespace pith::inline v1::feedback
