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
#include <pith/mixing/byte_embedding.hpp>
#include <pith/mixing/float_lanes.hpp>
#include <pith/mixing/ssm.hpp>

namespace pith::inline v1::mixing {

/// Reads bytes and gives features from which the next byte may be told. Exact.
template <ssm_shape Shape, float_lanes Lanes = portable_lanes>
class ssm_network {
    using L = Lanes;
    static constexpr std::size_t D = Shape.model, T = Shape.chunk;
    using embedding = byte_embedding<D, T, L>;

  public:
    static constexpr std::size_t width = D;
    static constexpr std::size_t memory =
        sizeof(float) * (Shape.layers * ssm_layer<Shape, L>::floats + embedding::floats + 2 * T * D);

    explicit ssm_network(const adam_rates& rates = {})
        : rates_(rates), adam_(rates), feature_(T * D), dfeature_(T * D) {
        random_sequence random(0x5353'4D);
        embedding_.prepare(random);
        for (auto& layer : layers_) layer.prepare(random);
        reset();
    }

    /// Forgets everything read and learnt.
    void reset() noexcept {
        for (auto* t : {&feature_, &dfeature_}) t->clear();
        embedding_.reset();
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
        std::array<float, D> x;
        std::memcpy(x.data(), embedding_.read(step_, byte), sizeof x);
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
        embedding_.learn(dfeature_.data(), adam_);
        dfeature_.clear();
    }

    adam_rates rates_;
    adam<L> adam_;
    embedding embedding_;
    std::array<ssm_layer<Shape, L>, Shape.layers> layers_;
    table<float> feature_, dfeature_;
    std::array<float, T> factor_{};
    std::size_t step_ = 0;
};

}  // namespace pith::inline v1::mixing
