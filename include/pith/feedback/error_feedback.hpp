// Error feedback: what a message left out is added to the next gradient.
// EF14 (Seide et al., 2014; Stich et al., 2018); the memory is in units of gradients, for a constant step.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include <pith/core/assert.hpp>
#include <pith/feedback/concepts.hpp>
#include <pith/feedback/sides.hpp>

namespace pith::inline v1::feedback {

/// A worker that sends C(memory + gradient) and keeps the rest. Law: what was sent and what is kept sum to
/// all gradients, but for float's rounding. Where the step changes, pass step * gradient and let the server
/// step 1.
template <contractive_compressor C>
class error_feedback_worker {
  public:
    explicit error_feedback_worker(C compressor)
        : out_(std::move(compressor)), memory_(out_.size()), wanted_(out_.size()) {}

    [[nodiscard]] std::size_t max_encoded_size() const noexcept { return out_.max_encoded_size(); }
    [[nodiscard]] std::span<const float> memory() const noexcept { return memory_; }
    [[nodiscard]] std::span<const float> sent() const noexcept { return out_.seen(); }

    result<std::size_t> send(std::span<const float> gradient, message_id id, byte_span out) noexcept {
        PITH_ASSERT(gradient.size() == memory_.size());
        for (std::size_t i = 0; i < memory_.size(); ++i) wanted_[i] = memory_[i] + gradient[i];
        auto size = out_.encode_into(wanted_, id, out);
        if (!size) return size;
        for (std::size_t i = 0; i < memory_.size(); ++i) memory_[i] = wanted_[i] - out_.seen()[i];
        return size;
    }

  private:
    mirrored<C> out_;
    std::vector<float> memory_;
    std::vector<float> wanted_;
};

/// EF14: with workers whose data differ it stops at a distance that grows with the step.
template <contractive_compressor C>
struct error_feedback {
    using worker = error_feedback_worker<C>;
    using server = averaging_server<C>;
};

}  // namespace pith::inline v1::feedback
