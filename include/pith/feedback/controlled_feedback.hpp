// Error feedback and differences at once, the error entering with a small weight.
// EControl (Gao, Islamov, Stich, 2023).
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

/// A worker with memory e and belief h: sends D = C(eta e + g - h); then e += g - h - D, and h += D.
template <contractive_compressor C>
class controlled_worker {
  public:
    /// eta: of the order of the compressor's contraction, 0 < eta <= 1.
    controlled_worker(C compressor, float eta)
        : out_(std::move(compressor)),
          eta_(eta),
          memory_(out_.size()),
          believed_(out_.size()),
          wanted_(out_.size()) {
        PITH_ASSERT(eta > 0 && eta <= 1);
    }

    [[nodiscard]] std::size_t max_encoded_size() const noexcept { return out_.max_encoded_size(); }
    [[nodiscard]] std::span<const float> memory() const noexcept { return memory_; }
    [[nodiscard]] std::span<const double> believed() const noexcept { return believed_; }

    result<std::size_t> send(std::span<const float> gradient, message_id id, byte_span out) noexcept {
        PITH_ASSERT(gradient.size() == believed_.size());
        for (std::size_t i = 0; i < memory_.size(); ++i)
            wanted_[i] = eta_ * memory_[i] + static_cast<float>(double{gradient[i]} - believed_[i]);
        auto size = out_.encode_into(wanted_, id, out);
        if (!size) return size;
        for (std::size_t i = 0; i < memory_.size(); ++i) {
            memory_[i] += static_cast<float>(double{gradient[i]} - believed_[i] - double{out_.seen()[i]});
            believed_[i] += double{out_.seen()[i]};
        }
        return size;
    }

  private:
    mirrored<C> out_;
    float eta_;
    std::vector<float> memory_;
    std::vector<double> believed_;  // as the server's sum, or the two would drift apart
    std::vector<float> wanted_;
};

/// EControl: converges exactly, and with noisy gradients as fast as without compression in the long run.
template <contractive_compressor C>
struct controlled_feedback {
    using worker = controlled_worker<C>;
    using server = accumulating_server<C>;
};

}  // namespace pith::inline v1::feedback
