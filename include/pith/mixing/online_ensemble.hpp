// Predicts the bits of bytes by an online network and by n-grams, weighted by a learned gate and calibrated.
// Source: StateSMix (Tacconelli, 2026); where it adds fixed biases scaled by the network's entropy to logits,
// a gate here learns their weights, chosen by how sure the network is and how many n-grams are known.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include <pith/core/exact.hpp>
#include <pith/mixing/byte_counts.hpp>
#include <pith/mixing/calibration.hpp>
#include <pith/mixing/float_lanes.hpp>
#include <pith/mixing/gate.hpp>
#include <pith/mixing/long_ngram.hpp>
#include <pith/mixing/ngram.hpp>
#include <pith/mixing/tree_head.hpp>

namespace pith::inline v1::mixing {

/// A network that reads bytes and gives features, and learns from their gradient; see ssm_network.
template <class N>
concept feature_network = requires(N n, const N c, std::uint8_t byte) {
    { N::width } -> std::convertible_to<std::size_t>;
    { N::memory } -> std::convertible_to<std::size_t>;
    { c.features() } -> std::same_as<const float*>;
    { n.gradient() } -> std::same_as<float*>;
    { n.reset() }
    noexcept;
    { n.push(byte) }
    noexcept;
};

/// Which predictions take part, for comparisons of the parts with the whole. Without `gated` there is one
/// part, whose probability is coded as it is.
struct ensemble_parts {
    bool network = true;
    bool ngrams = true;
    bool counts = true;
    bool gated = true;
    friend constexpr bool operator==(const ensemble_parts&, const ensemble_parts&) = default;
};

/// A probability for each next bit of a block. Exact.
template <feature_network Network, class Ngrams, float_lanes Lanes = portable_lanes,
          ensemble_parts Parts = ensemble_parts{}>
class online_ensemble {
    static constexpr std::size_t contexts = Ngrams::inputs;
    static constexpr std::size_t network_at = contexts + 2, counts_at = contexts + 3, bias_at = contexts + 4;
    static constexpr std::size_t inputs = (bias_at + 16) / 16 * 16;
    static constexpr std::size_t sureness = 8;  // classes of |logit| of the network
    static constexpr std::array<std::size_t, 3> choices{256, (contexts + 4) * sureness, 2048};
    static constexpr std::size_t finest = 65536;  // contexts of a calibration
    using gate_type = gate<inputs, choices, Lanes>;
    static_assert(Parts.gated || Parts.network != Parts.counts, "one part alone needs no gate");

  public:
    static constexpr unsigned precision = 24;
    static constexpr std::size_t memory = Network::memory + Ngrams::memory + gate_type::memory +
                                          long_ngram<6>::memory + long_ngram<16>::memory +
                                          tree_head<Network::width, Lanes>::memory +
                                          2 * calibration<finest>::memory + sizeof(float) * 4096;

    online_ensemble() : logits_(4096) { detail::fill_logits(logits_.data()); }

    /// Begins a block of `length` bytes, which is read up to the bytes that are complete.
    void reset(const std::uint8_t* block, std::size_t length) noexcept {
        if constexpr (Parts.network) {
            network_.reset();
            head_.reset();
        }
        if constexpr (Parts.ngrams) {
            ngrams_.reset(length);
            near_.reset(block, length);
            far_.reset(block, length);
        }
        counts_.reset();
        if constexpr (Parts.gated) {
            std::size_t contexts_used = 256;
            while (contexts_used < finest && contexts_used < length) contexts_used *= 2;
            mask_ = contexts_used - 1;
            gate_.reset();
            order1_.reset(contexts_used);
            order2_.reset(contexts_used);
        }
        input_.fill(0.0F);
        input_[bias_at] = 0.3F;
        history_ = 0;
        node_ = 1;
        bits_ = 0;
    }

    /// The probability of a one as the next bit, in 1..2^24 - 1. To be called once for each bit.
    [[nodiscard]] std::uint32_t predict() noexcept {
        if constexpr (Parts.network) input_[network_at] = head_.logit(node_, network_.features());
        if constexpr (Parts.counts) input_[counts_at] = logits_[counts_.predict()];
        if constexpr (!Parts.gated) {
            said_ = lanes::logistic(input_[Parts.network ? network_at : counts_at]);
            return fixed(said_);
        } else {
            if constexpr (Parts.ngrams) {
                ngrams_.predict(input_.data());
                input_[contexts] = near_.predict();
                input_[contexts + 1] = far_.predict();
            }
            const float logit = gate_.predict(input_.data(), choice());
            said_ = lanes::logistic(logit);
            const float fine = order1_.predict(logit, ((history_ & 0xFF) << 8 | node_) & mask_);
            const std::uint32_t two = (history_ & 0xFFFF) * 0x9E37'79B1U + node_ * 0x85EB'CA6BU;
            const float finer = order2_.predict(logit, two >> 16 & mask_);
            return fixed(exact::mul(0.5F, said_) + exact::mul(0.25F, fine + finer));
        }
    }

    void update(bool bit) noexcept {
        if constexpr (Parts.network) {
            const float error = (bit ? 1.0F : 0.0F) - lanes::logistic(input_[network_at]);
            head_.learn(node_, network_.features(), error, 0.015F, network_.gradient());
        }
        if constexpr (Parts.gated) {
            gate_.update(bit, said_);
            order1_.update(bit);
            order2_.update(bit);
        }
        if constexpr (Parts.ngrams) {
            ngrams_.update(bit);
            near_.update(bit);
            far_.update(bit);
        }
        if constexpr (Parts.counts) counts_.update(bit);
        node_ = node_ << 1 | (bit ? 1U : 0U);
        ++bits_;
    }

    /// After eight bits, when the block holds the byte.
    void end_byte() noexcept {
        const auto byte = static_cast<std::uint8_t>(node_);
        if constexpr (Parts.ngrams) {
            near_.end_byte();
            far_.end_byte();
        }
        if constexpr (Parts.network) network_.push(byte);
        history_ = history_ << 8 | byte;
        node_ = 1;
        bits_ = 0;
    }

  private:
    [[nodiscard]] typename gate_type::choice choice() const noexcept {
        const float logit = input_[network_at];
        const float size = exact::mul(logit < 0.0F ? -logit : logit, 1.5F);
        const std::size_t sure = !(size < 7.0F) ? 7 : static_cast<std::size_t>(size);
        std::size_t known = 0;
        if constexpr (Parts.ngrams) {
            const std::size_t match = near_.confidence();
            known = match != 0 ? contexts + match : ngrams_.known();
        }
        return {node_, known * sureness + sure, (history_ & 0xFF) * 8 + bits_};
    }
    /// In 24 bits, never 0 nor 1.
    [[nodiscard]] static std::uint32_t fixed(float p) noexcept {
        const float scaled = p * 0x1p24F;
        if (!(scaled > 1.0F)) return 1;
        constexpr std::uint32_t largest = (1U << precision) - 1;
        return scaled < static_cast<float>(largest) ? static_cast<std::uint32_t>(scaled) : largest;
    }

    Network network_;
    tree_head<Network::width, Lanes> head_;
    Ngrams ngrams_;
    long_ngram<6> near_;
    long_ngram<16> far_;
    byte_counts counts_;
    gate_type gate_;
    calibration<finest> order1_, order2_;
    table<float> logits_;
    alignas(64) std::array<float, inputs> input_{};
    float said_ = 0;
    std::size_t mask_ = 255;
    std::uint32_t history_ = 0;  // the last four bytes
    std::uint32_t node_ = 1;     // the byte so far under a leading one
    std::uint32_t bits_ = 0;
};

}  // namespace pith::inline v1::mixing
