// From features to bits: a linear unit at each node of a byte's binary tree, learning bit by bit.
// Source: hierarchical softmax, Morin and Bengio, 2005; here the tree is the byte's own bits.
#pragma once

#include <cstddef>
#include <cstdint>

#include <pith/core/exact.hpp>
#include <pith/core/table.hpp>
#include <pith/mixing/float_lanes.hpp>

namespace pith::inline v1::mixing {

/// One weight vector for each of 256 nodes. Exact.
template <std::size_t Width, float_lanes Lanes = portable_lanes>
requires(Width % 16 == 0) class tree_head {
    using L = Lanes;
    static constexpr std::size_t row = Width + 16;  // the bias stands first in the last sixteen

  public:
    static constexpr std::size_t memory = sizeof(float) * 256 * row;

    tree_head() : weight_(256 * row) {}
    void reset() noexcept { weight_.clear(); }

    /// The logit of a one at `node`, 1..255: the bits of the byte so far under a leading one.
    [[nodiscard]] float logit(std::uint32_t node, const float* features) const noexcept {
        const float* const w = weight_.data() + node * row;
        return lanes::dot<L>(w, features, Width) + w[Width];
    }
    /// One step along the error (bit - probability); adds the gradient of the loss to dfeatures.
    void learn(std::uint32_t node, const float* features, float error, float rate,
               float* dfeatures) noexcept {
        float* const w = weight_.data() + node * row;
        lanes::add_scaled<L>(dfeatures, -error, w, Width);
        const float step = exact::mul(rate, error);
        lanes::add_scaled<L>(w, step, features, Width);
        w[Width] = w[Width] + step;
    }

  private:
    table<float> weight_;
};

}  // namespace pith::inline v1::mixing
