// Block means kept well, and what remains coded cheaply by another compressor.
// DIVISION (Wang et al., 2023): low frequency as bfloat16 means, high frequency in two bits; here in one
// dimension.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include <pith/core/assert.hpp>
#include <pith/core/number.hpp>
#include <pith/feedback/concepts.hpp>
#include <pith/feedback/vectors.hpp>

namespace pith::inline v1::feedback {

/// A compressor: the mean of each Block values as bfloat16, and the difference to it by Rest. Lossless but
/// for float's rounding when Rest is; unbiased when Rest is, with 1.03 times its w. Memory: 4 n bytes and
/// Rest's.
template <compressor Rest, std::size_t Block = 8>
requires(Block >= 2) class low_frequency {
  public:
    explicit low_frequency(Rest rest) : rest_(std::move(rest)), difference_(rest_.size()) {}

    [[nodiscard]] std::size_t size() const noexcept { return rest_.size(); }
    [[nodiscard]] std::size_t max_encoded_size() const noexcept { return head() + rest_.max_encoded_size(); }
    [[nodiscard]] double variance() const noexcept requires unbiased_compressor<Rest> {
        return 1.03 * rest_.variance();  // differences to the true means have no more energy than the values
    }

    result<std::size_t> encode_into(std::span<const float> x, std::uint64_t message, byte_span out) noexcept {
        PITH_ASSERT(x.size() == size());
        if (!all_finite(x)) return not_finite(x);
        if (out.size() < head()) return no_room(out);
        for (std::size_t block = 0; block < blocks(); ++block) {
            const std::size_t from = block * Block;
            const std::size_t n = block_length(block);
            double sum = 0;
            for (std::size_t i = from; i < from + n; ++i) sum += double{x[i]};
            const bfloat16 mean(static_cast<float>(sum / static_cast<double>(n)));
            store_le<std::uint16_t>(out.data() + 2 * block, mean.bits);
            for (std::size_t i = from; i < from + n; ++i) difference_[i] = x[i] - static_cast<float>(mean);
        }
        if (!all_finite(difference_)) return too_large();
        const auto tail = rest_.encode_into(difference_, message, out.subspan(head()));
        return tail ? result<std::size_t>(head() + *tail)
                    : result<std::size_t>(tail.error().shifted_by(head()));
    }
    result<void> decode_into(byte_view in, std::uint64_t message, std::span<float> y) noexcept {
        PITH_ASSERT(y.size() == size());
        if (in.size() < head()) return wrong_length(in, head());
        if (const auto got = rest_.decode_into(in.subspan(head()), message, y); !got)
            return got.error().shifted_by(head());
        for (std::size_t block = 0; block < blocks(); ++block) {
            const auto mean =
                static_cast<float>(bfloat16::from_bits(load_le<std::uint16_t>(in.data() + 2 * block)));
            const std::size_t from = block * Block;
            for (std::size_t i = from; i < from + block_length(block); ++i) y[i] += mean;
        }
        if (!all_finite(y)) return bad_message(0, "a value is infinite or not a number");
        return {};
    }

  private:
    [[nodiscard]] std::size_t blocks() const noexcept { return (size() + Block - 1) / Block; }
    [[nodiscard]] std::size_t head() const noexcept { return 2 * blocks(); }
    [[nodiscard]] std::size_t block_length(std::size_t block) const noexcept {
        return size() - block * Block < Block ? size() - block * Block : Block;
    }

    Rest rest_;
    std::vector<float> difference_;
};

}  // namespace pith::inline v1::feedback
