// Adaptive calibration: what a probability has turned out to mean in a context, interpolated between knots.
// Source: secondary symbol estimation, Osnach; Mahoney's adaptive probability maps, in exact floats.
#pragma once

#include <cstddef>
#include <cstdint>

#include <pith/core/exact_math.hpp>
#include <pith/core/table.hpp>
#include <pith/mixing/float_lanes.hpp>

namespace pith::inline v1::mixing {

/// Maps a logit to a probability, for each of up to `Contexts` contexts, with 33 knots from -8 to 8. Exact.
template <std::size_t Contexts>
class calibration {
    static constexpr std::size_t knots = 33;

  public:
    static constexpr std::size_t memory = sizeof(float) * Contexts * knots;

    explicit calibration(float rate = 0.025F) : rate_(rate), value_(table<float>::unset(Contexts * knots)) {}

    void reset(std::size_t contexts) noexcept {
        PITH_ASSERT(contexts <= Contexts);
        for (std::size_t k = 0; k < knots; ++k)
            value_[k] = lanes::logistic(exact::mul(0.5F, static_cast<float>(k)) - 8.0F);
        for (std::size_t i = knots; i < contexts * knots; ++i) value_[i] = value_[i - knots];
    }
    [[nodiscard]] float predict(float logit, std::size_t context) noexcept {
        PITH_ASSERT(context * knots < value_.size());
        const float x = !(logit > -7.999F) ? -7.999F : logit > 7.999F ? 7.999F : logit;
        const float scaled = exact::mul(x + 8.0F, 2.0F);
        const auto k = static_cast<std::size_t>(scaled);
        part_ = scaled - static_cast<float>(k);
        at_ = context * knots + k;
        return exact::mul(value_[at_], 1.0F - part_) + exact::mul(value_[at_ + 1], part_);
    }
    /// Both knots move, the nearer one more.
    void update(bool bit) noexcept {
        const float target = bit ? 1.0F : 0.0F;
        const float near = exact::mul(rate_, part_);
        value_[at_] = value_[at_] + exact::mul(rate_ - near, target - value_[at_]);
        value_[at_ + 1] = value_[at_ + 1] + exact::mul(near, target - value_[at_ + 1]);
    }

  private:
    float rate_;
    table<float> value_;
    std::size_t at_ = 0;
    float part_ = 0;
};

}  // namespace pith::inline v1::mixing
