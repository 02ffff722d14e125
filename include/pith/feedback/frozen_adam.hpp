// Adam whose variance is frozen after a warm-up, so that momentum can be compressed in both directions.
// 1-bit Adam (Tang et al., 2021); without bias correction, as there.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include <pith/core/assert.hpp>
#include <pith/feedback/concepts.hpp>
#include <pith/feedback/error_feedback.hpp>
#include <pith/feedback/identity.hpp>
#include <pith/feedback/sides.hpp>

namespace pith::inline v1::feedback {

struct adam_options {
    float mean_rate = 0.1F;        ///< 1 - beta_1
    float variance_rate = 0.001F;  ///< 1 - beta_2
    float epsilon = 1e-8F;
    std::uint64_t warm_up = 100;  ///< steps with plain messages; the paper takes 15 to 20 % of all
};

/// A worker that sends plain gradients in warm-up, then its momentum with error feedback. It holds the
/// momentum that the server last announced.
template <contractive_compressor C>
class frozen_adam_worker {
  public:
    explicit frozen_adam_worker(C compressor, adam_options options = {})
        : options_(options),
          plain_(compressor.size()),
          inbox_(compressor),
          feedback_(std::move(compressor)),
          momentum_(plain_.size()),
          wanted_(plain_.size()) {}

    [[nodiscard]] std::size_t max_encoded_size() const noexcept {
        return std::max(plain_.max_encoded_size(), feedback_.max_encoded_size());
    }
    [[nodiscard]] std::span<const float> memory() const noexcept { return feedback_.memory(); }
    [[nodiscard]] std::span<const float> sent() const noexcept { return feedback_.sent(); }
    [[nodiscard]] std::span<const float> momentum() const noexcept { return momentum_; }

    result<std::size_t> send(std::span<const float> gradient, message_id id, byte_span out) noexcept {
        PITH_ASSERT(gradient.size() == momentum_.size());
        if (id.step < options_.warm_up) return plain_.encode_into(gradient, id.number(), out);
        for (std::size_t i = 0; i < momentum_.size(); ++i)
            wanted_[i] = momentum_[i] + options_.mean_rate * (gradient[i] - momentum_[i]);
        return feedback_.send(wanted_, id, out);
    }
    /// Takes the server's answer: the mean gradient in warm-up, then the momentum.
    result<void> receive(message_id id, byte_view in) noexcept {
        if (id.step >= options_.warm_up) {
            if (auto got = inbox_.decode_into(in, id.number(), wanted_); !got) return got;
            std::swap(momentum_, wanted_);
            return {};
        }
        if (auto got = plain_.decode_into(in, id.number(), wanted_); !got) return got;
        for (std::size_t i = 0; i < momentum_.size(); ++i)
            momentum_[i] += options_.mean_rate * (wanted_[i] - momentum_[i]);
        return {};
    }

  private:
    adam_options options_;
    identity plain_;
    C inbox_;
    error_feedback_worker<C> feedback_;
    std::vector<float> momentum_;
    std::vector<float> wanted_;
};

/// The server: Adam in warm-up; then the mean of the momenta, compressed with a memory of its own.
template <contractive_compressor C>
class frozen_adam_server {
  public:
    frozen_adam_server(C compressor, std::size_t workers, adam_options options = {})
        : options_(options),
          plain_(identity(compressor.size()), workers),
          compressed_(compressor, workers),
          feedback_(std::move(compressor)),
          momentum_(plain_.direction().size()),
          variance_(momentum_.size()),
          direction_(momentum_.size()) {}

    void begin(std::uint64_t step) noexcept {
        plain_.begin(step);
        compressed_.begin(step);
    }
    result<void> receive(message_id id, byte_view in) noexcept {
        return id.step < options_.warm_up ? plain_.receive(id, in) : compressed_.receive(id, in);
    }
    /// What the workers are told, and with it the new direction.
    result<std::size_t> answer(message_id id, byte_span out) noexcept {
        auto size = id.step < options_.warm_up ? warm(id, out) : compress(id, out);
        if (!size) return size;
        for (std::size_t i = 0; i < momentum_.size(); ++i)
            direction_[i] = momentum_[i] / (std::sqrt(variance_[i]) + options_.epsilon);
        return size;
    }
    [[nodiscard]] std::size_t max_encoded_size() const noexcept {
        return std::max(4 * momentum_.size(), feedback_.max_encoded_size());
    }
    [[nodiscard]] std::span<const float> direction() const noexcept { return direction_; }
    [[nodiscard]] std::span<const float> momentum() const noexcept { return momentum_; }
    [[nodiscard]] std::span<const float> variance() const noexcept { return variance_; }

  private:
    result<std::size_t> warm(message_id id, byte_span out) noexcept {
        const std::span<const float> mean = plain_.direction();
        auto size = identity(mean.size()).encode_into(mean, id.number(), out);
        if (!size) return size;
        for (std::size_t i = 0; i < momentum_.size(); ++i) {
            momentum_[i] += options_.mean_rate * (mean[i] - momentum_[i]);
            variance_[i] += options_.variance_rate * (mean[i] * mean[i] - variance_[i]);
        }
        return size;
    }
    result<std::size_t> compress(message_id id, byte_span out) noexcept {
        auto size = feedback_.send(compressed_.direction(), id, out);
        if (size) std::copy(feedback_.sent().begin(), feedback_.sent().end(), momentum_.begin());
        return size;
    }

    adam_options options_;
    averaging_server<identity> plain_;
    averaging_server<C> compressed_;
    error_feedback_worker<C> feedback_;
    std::vector<float> momentum_;
    std::vector<float> variance_;
    std::vector<float> direction_;
};

template <contractive_compressor C>
struct frozen_adam {
    using worker = frozen_adam_worker<C>;
    using server = frozen_adam_server<C>;
};

}  // namespace pith::inline v1::feedback
