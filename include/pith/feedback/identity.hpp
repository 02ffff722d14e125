// The compressor that changes nothing: 32 bits a value.
// What the others are compared with, and how schemes send what they do not compress.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include <pith/core/assert.hpp>
#include <pith/feedback/concepts.hpp>
#include <pith/feedback/vectors.hpp>

namespace pith::inline v1::feedback {

/// A compressor: floats, little endian, 4 size() bytes. Exact.
class identity {
  public:
    explicit identity(std::size_t size) noexcept : size_(size) {}

    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    [[nodiscard]] std::size_t max_encoded_size() const noexcept { return 4 * size_; }
    [[nodiscard]] double contraction() const noexcept { return 1; }
    [[nodiscard]] double variance() const noexcept { return 0; }

    result<std::size_t> encode_into(std::span<const float> x, std::uint64_t, byte_span out) noexcept {
        PITH_ASSERT(x.size() == size_);
        if (!all_finite(x)) return not_finite(x);
        if (out.size() < 4 * size_) return no_room(out);
        for (std::size_t i = 0; i < size_; ++i) store_float(out.data() + 4 * i, x[i]);
        return 4 * size_;
    }
    result<void> decode_into(byte_view in, std::uint64_t, std::span<float> y) noexcept {
        PITH_ASSERT(y.size() == size_);
        if (in.size() != 4 * size_) return wrong_length(in, 4 * size_);
        for (std::size_t i = 0; i < size_; ++i) y[i] = load_float(in.data() + 4 * i);
        if (!all_finite(y)) return bad_message(0, "a value is infinite or not a number");
        return {};
    }

  private:
    std::size_t size_;
};

}  // namespace pith::inline v1::feedback
