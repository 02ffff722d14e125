// Compressed differences between the gradient and what the server believes it to be.
// EF21 (Richtarik, Sokolov, Fatkhullin, 2021), with momentum (Fatkhullin et al., 2023), weighted (Richtarik
// et al., 2024).
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include <pith/core/assert.hpp>
#include <pith/feedback/concepts.hpp>
#include <pith/feedback/sides.hpp>

namespace pith::inline v1::feedback {

struct difference_options {
    /// The weighted form compresses gradient / (workers * weight); 1 for equal weights.
    float scale = 1;
    /// Part of the new gradient in the averaged one; 1: no momentum. For noisy gradients.
    float momentum = 1;
};

/// A worker that sends C(v - g) and moves its g by that, where v is the gradient or its running mean. g
/// starts at zero, so the first message is C(v).
template <contractive_compressor C>
class difference_worker {
  public:
    explicit difference_worker(C compressor, difference_options options = {})
        : out_(std::move(compressor)),
          options_(options),
          believed_(out_.size()),
          target_(out_.size()),
          wanted_(out_.size()),
          next_(out_.size()) {}

    [[nodiscard]] std::size_t max_encoded_size() const noexcept { return out_.max_encoded_size(); }
    /// What the server believes of this worker.
    [[nodiscard]] std::span<const double> believed() const noexcept { return believed_; }

    result<std::size_t> send(std::span<const float> gradient, message_id id, byte_span out) noexcept {
        PITH_ASSERT(gradient.size() == believed_.size());
        const float part = id.step == 0 ? 1 : options_.momentum;
        for (std::size_t i = 0; i < believed_.size(); ++i) {
            next_[i] = target_[i] + part * (options_.scale * gradient[i] - target_[i]);
            wanted_[i] = static_cast<float>(double{next_[i]} - believed_[i]);
        }
        auto size = out_.encode_into(wanted_, id, out);
        if (!size) return size;
        std::swap(target_, next_);
        for (std::size_t i = 0; i < believed_.size(); ++i) believed_[i] += double{out_.seen()[i]};
        return size;
    }

  private:
    mirrored<C> out_;
    difference_options options_;
    std::vector<double> believed_;  // as the server's sum, or the two would drift apart
    std::vector<float> target_;
    std::vector<float> wanted_;
    std::vector<float> next_;
};

/// EF21: converges exactly where EF14 has a floor.
template <contractive_compressor C>
struct difference_feedback {
    using worker = difference_worker<C>;
    using server = accumulating_server<C>;
};

/// The largest step that EF21's theory grants, 1 / (L + L~ sqrt(b / t)), t = 1 - sqrt(1 - d), b = (1 - d) /
/// t. `smoothness` is L of the mean; `spread` is L~, the quadratic mean of the workers' L_i, or their
/// arithmetic mean when weights L_i / sum L_i are used. 0 < contraction <= 1.
[[nodiscard]] inline double difference_feedback_step(double smoothness, double spread,
                                                     double contraction) noexcept {
    PITH_ASSERT(contraction > 0 && contraction <= 1);
    const double theta = 1 - std::sqrt(1 - contraction);
    return 1 / (smoothness + spread * std::sqrt((1 - contraction) / theta / theta));
}

}  // namespace pith::inline v1::feedback
