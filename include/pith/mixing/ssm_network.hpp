// Bytes in, features out: an embedding, state space layers, and training by Adam after every chunk.
// Source: Gu and Dao, Mamba, 2023, sized and trained as in StateSMix (Tacconelli, 2026); see mixing/ssm.hpp.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include <pith/core/random.hpp>
#include <pith/core/table.hpp>
#include <pith/mixing/adam.hpp>
#include <pith/mixing/float_lanes.hpp>
#include <pith/mixing/ssm.hpp>

namespace pith::inline v1::mixing {

/// Reads bytes and gives features from which the next byte may be told. Exact.
template <ssm_shape Shape, float_lanes Lanes = portable_lanes>
class ssm_network {
    using L = Lanes;
    static constexpr std::size_t D = Shape.model, T = Shape.chunk;

  public:
    static constexpr std::size_t width = D;
    static constexpr std::size_t memory =
        sizeof(float) * (Shape.layers * ssm_layer<Shape, L>::floats + 5 * 256 * D + 2 * T * D);

    explicit ssm_network(const adam_rates& rates = {})
        : rates_(rates),
          adam_(rates),
          weight_(256 * D),
          gradient_(256 * D),
          mean_(256 * D),
          square_(256 * D),
          start_(256 * D),
          feature_(T * D),
          dfeature_(T * D) {
        random_sequence random(0x5353'4D);
        for (float& w : start_) w = exact::mul(2.0F, random.uniform()) - 1.0F;
        for (auto& layer : layers_) layer.prepare(random);
        reset();
    }

    /// Forgets everything read and learnt.
    void reset() noexcept {
        for (auto* t : {&gradient_, &mean_, &square_, &feature_, &dfeature_}) t->clear();
        std::memcpy(weight_.data(), start_.data(), 256 * D * sizeof(float));
        for (auto& layer : layers_) layer.reset();
        adam_ = adam<L>(rates_);
        step_ = 0;
        run(0);
    }

    /// `width` features of what has been read.
    [[nodiscard]] const float* features() const noexcept { return feature_.data() + step_ * D; }
    /// Where the gradient of the features is added up until the next push.
    [[nodiscard]] float* gradient() noexcept { return dfeature_.data() + step_ * D; }

    /// Reads a byte.
    void push(std::uint8_t byte) noexcept {
        if (++step_ == T) {
            learn();
            step_ = 0;
        }
        run(byte);
    }

  private:
    void run(std::uint8_t byte) noexcept {
        read_[step_] = byte;
        std::array<float, D> x;
        std::memcpy(x.data(), weight_.data() + byte * D, sizeof x);
        for (auto& layer : layers_) layer.forward(step_, x.data());
        factor_[step_] = lanes::normalise<L>(feature_.data() + step_ * D, x.data(), D);
    }
    void learn() noexcept {
        adam_.advance();
        // The gradient of the features becomes that of the last layer's outputs.
        for (std::size_t t = 0; t < T; ++t) {
            std::array<float, D> dx{};
            lanes::normalise_back<L>(dx.data(), dfeature_.data() + t * D, feature_.data() + t * D, factor_[t],
                                     D);
            std::memcpy(dfeature_.data() + t * D, dx.data(), sizeof dx);
        }
        for (std::size_t l = layers_.size(); l-- > 0;) {
            layers_[l].backward(dfeature_.data());
            layers_[l].update(adam_);
        }
        for (std::size_t t = 0; t < T; ++t)
            lanes::add_scaled<L>(gradient_.data() + read_[t] * D, 1.0F, dfeature_.data() + t * D, D);
        // Only rows that were read learn; the others' means stand still.
        std::array<bool, 256> done{};
        for (std::size_t t = 0; t < T; ++t) {
            if (done[read_[t]]) continue;
            done[read_[t]] = true;
            const std::size_t at = read_[t] * D;
            adam_.update(weight_.data() + at, gradient_.data() + at, mean_.data() + at, square_.data() + at,
                         D);
        }
        dfeature_.clear();
    }

    adam_rates rates_;
    adam<L> adam_;
    std::array<ssm_layer<Shape, L>, Shape.layers> layers_;
    table<float> weight_, gradient_, mean_, square_, start_;  // of the embedding
    table<float> feature_, dfeature_;
    std::array<float, T> factor_{};
    std::array<std::uint8_t, T> read_{};
    std::size_t step_ = 0;
};

}  // namespace pith::inline v1::mixing
