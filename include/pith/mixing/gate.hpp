// A gated mixer of logits: weight sets chosen by contexts, each trained on its own error, and one over them.
// Source: Mattern, 2013; Mahoney's paq8 layers. In exact floats, for predictions of networks and of counts.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include <pith/core/exact.hpp>
#include <pith/core/table.hpp>
#include <pith/mixing/float_lanes.hpp>

namespace pith::inline v1::mixing {

/// Rates of a gate. A weight vector's rate falls from `start` to `floor` by 1/256 of the distance with each
/// bit.
struct gate_rates {
    float start = 0.03F;
    float floor = 0.003F;
    float last = 0.002F;   ///< of the layer over the sets
    float weight = 0.16F;  ///< with which every input begins
    friend constexpr bool operator==(const gate_rates&, const gate_rates&) = default;
};

/// Mixes `Inputs` logits (a multiple of 16) under Sizes.size() sets of weights; set s is chosen among
/// Sizes[s]. Exact.
template <std::size_t Inputs, auto Sizes, float_lanes Lanes = portable_lanes>
requires(Inputs % 16 == 0 && Sizes.size() <= 16) class gate {
    using L = Lanes;
    static constexpr std::size_t sets = Sizes.size();
    static constexpr std::size_t rows = [] {
        std::size_t n = 0;
        for (const std::size_t size : Sizes) n += size;
        return n;
    }();

  public:
    using choice = std::array<std::size_t, sets>;
    static constexpr std::size_t memory = sizeof(float) * (rows * Inputs + Sizes[0] * 16 + rows);

    explicit gate(const gate_rates& rates = {})
        : rates_(rates), weight_(rows * Inputs), over_(Sizes[0] * 16), rate_(rows) {}

    void reset() noexcept {
        for (float& w : weight_) w = rates_.weight;
        for (float& w : over_) w = 1.0F / static_cast<float>(sets);
        for (float& r : rate_) r = rates_.start;
    }

    /// The mixed logit. The inputs must stay where they are until update.
    [[nodiscard]] float predict(const float* inputs, const choice& chosen) noexcept {
        inputs_ = inputs;
        std::size_t base = 0;
        for (std::size_t s = 0; s < sets; base += Sizes[s++]) {
            row_[s] = base + chosen[s];
            mixed_[s] = limited(lanes::dot<L>(inputs, weight_.data() + row_[s] * Inputs, Inputs));
        }
        top_ = chosen[0];
        return limited(lanes::dot<L>(mixed_.data(), over_.data() + top_ * 16, 16));
    }
    /// Learns from the bit; `probability` is what the last logit means.
    void update(bool bit, float probability) noexcept {
        const float target = bit ? 1.0F : 0.0F;
        std::array<float, 16> said;
        for (std::size_t s = 0; s < sets; s += L::width)
            L::store(said.data() + s, lanes::logistic<L>(L::load(mixed_.data() + s)));
        for (std::size_t s = 0; s < sets; ++s) {
            float& rate = rate_[row_[s]];
            lanes::add_scaled<L>(weight_.data() + row_[s] * Inputs, exact::mul(rate, target - said[s]),
                                 inputs_, Inputs);
            rate = rate - exact::mul(1.0F / 256, rate - rates_.floor);
        }
        lanes::add_scaled<L>(over_.data() + top_ * 16, exact::mul(rates_.last, target - probability),
                             mixed_.data(), 16);
    }

  private:
    [[nodiscard]] static float limited(float x) noexcept {
        return !(x > -16.0F) ? -16.0F : x > 16.0F ? 16.0F : x;
    }

    gate_rates rates_;
    table<float> weight_, over_, rate_;
    std::array<float, 16> mixed_{};
    std::array<std::size_t, sets> row_{};
    const float* inputs_ = nullptr;
    std::size_t top_ = 0;
};

}  // namespace pith::inline v1::mixing
