// The k values of largest magnitude: values first, then the mask of their places.
// Stich et al. (2018), "Sparsified SGD with memory"; with ternary values Sattler et al. (2019) and ComPEFT.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <pith/core/assert.hpp>
#include <pith/feedback/concepts.hpp>
#include <pith/feedback/kept_values.hpp>
#include <pith/feedback/largest.hpp>
#include <pith/feedback/mask.hpp>
#include <pith/feedback/vectors.hpp>

namespace pith::inline v1::feedback {

/// A compressor: C(x) keeps the k largest magnitudes, the first of equals, and zeros the rest. d = k / n
/// times what Values retains. Memory: 4 n bytes.
template <mask_code Mask = enumerated_mask, value_code Values = float_values>
class top_k {
  public:
    /// size < 2^32, kept <= size.
    top_k(std::size_t size, std::size_t kept, Values values = {})
        : size_(size), kept_(kept), values_(values), at_(size + 1) {
        PITH_ASSERT(kept <= size && size < 0xFFFF'FFFFU);
    }

    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    [[nodiscard]] std::size_t kept() const noexcept { return kept_; }
    void keep(std::size_t k) noexcept { PITH_ASSERT(k <= size_), kept_ = k; }
    /// Whatever number is kept.
    [[nodiscard]] std::size_t max_encoded_size() const noexcept {
        return Values::value_bytes(size_) + Mask::max_size(size_, size_);
    }
    [[nodiscard]] double contraction() const noexcept requires requires { Values::retained(std::size_t{}); }
    {
        const double part = size_ == 0 ? 1 : static_cast<double>(kept_) / static_cast<double>(size_);
        return part * Values::retained(kept_);
    }

    result<std::size_t> encode_into(std::span<const float> x, std::uint64_t, byte_span out) noexcept {
        PITH_ASSERT(x.size() == size_);
        if (!all_finite(x)) return not_finite(x);
        const std::size_t head = Values::value_bytes(kept_);
        if (out.size() < head) return no_room(out);
        largest_indices(x, kept_, std::span(at_).first(kept_ + 1));
        const std::span<const std::uint32_t> at = std::span(at_).first(kept_);
        if (const auto put = values_.put(x, at, out.first(head)); !put) return put.error();
        const auto mask = Mask::put(at, size_, out.subspan(head));
        return mask ? result<std::size_t>(head + *mask) : result<std::size_t>(mask.error().shifted_by(head));
    }
    result<void> decode_into(byte_view in, std::uint64_t, std::span<float> y) noexcept {
        PITH_ASSERT(y.size() == size_);
        const std::size_t head = Values::value_bytes(kept_);
        if (in.size() < head) return wrong_length(in, head);
        const std::span<std::uint32_t> at = std::span(at_).first(kept_);
        if (const auto mask = Mask::get(in.subspan(head), size_, at); !mask)
            return mask.error().shifted_by(head);
        std::fill(y.begin(), y.end(), 0.0F);
        return values_.get(in.first(head), at, y);
    }

  private:
    std::size_t size_;
    std::size_t kept_;
    Values values_;
    std::vector<std::uint32_t> at_;
};

}  // namespace pith::inline v1::feedback
