// How often each byte has occurred, as probabilities at the nodes of its binary tree.
// Own work: the frequency counts that models of context are compared with.
#pragma once

#include <array>
#include <cstdint>

#include <pith/mixing/ngram.hpp>

namespace pith::inline v1::mixing {

/// Predicts bits from the bytes alone, without context. Exact.
class byte_counts {
  public:
    void reset() noexcept {
        node_.fill(detail::slow_bit(0.5));
        at_ = 1;
    }
    /// The probability of a one in 12 bits, 0..4095.
    [[nodiscard]] std::uint32_t predict() const noexcept { return node_[at_].twelve_bits(); }
    void update(bool bit) noexcept {
        node_[at_].update(bit, 1023);
        at_ = at_ << 1 | (bit ? 1U : 0U);
        if (at_ >= 256) at_ = 1;
    }

  private:
    std::array<detail::slow_bit, 256> node_{};
    std::uint32_t at_ = 1;
};

}  // namespace pith::inline v1::mixing
