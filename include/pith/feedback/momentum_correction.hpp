// Sparse gradients with momentum that is corrected for the delay: velocity is accumulated, not gradients.
// Deep Gradient Compression (Lin et al., 2017): clipping, momentum correction, factor masking, warm-up.
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
#include <pith/feedback/sides.hpp>
#include <pith/feedback/vectors.hpp>

namespace pith::inline v1::feedback {

/// How many values are sent: n ratio^((e + 1) / (warm_up + 1)) in stage e of warm-up, then n ratio; at
/// least 1.
struct sparsity_schedule {
    double ratio = 0.001;
    unsigned warm_up = 4;           ///< stages
    std::uint64_t stage_steps = 1;  ///< steps in a stage, >= 1

    [[nodiscard]] std::size_t kept(std::size_t size, std::uint64_t step) const noexcept {
        const std::uint64_t stage = std::min<std::uint64_t>(step / stage_steps, warm_up);
        const double part = std::pow(ratio, static_cast<double>(stage + 1) / (warm_up + 1.0));
        const double wanted = std::ceil(part * static_cast<double>(size) - 1e-9);
        return std::min(size, std::max<std::size_t>(size == 0 ? 0 : 1, static_cast<std::size_t>(wanted)));
    }
};

struct momentum_options {
    float momentum = 0.9F;
    double clip = 0;   ///< largest norm of a gradient, over the square root of the number of workers; 0: none
    bool mask = true;  ///< forget the momentum of what has been sent
    sparsity_schedule schedule{};
};

/// A worker with velocity u and sum v: u = momentum u + g; v += u; sends C(v), keeps v - C(v).
template <adjustable_compressor C>
class momentum_worker {
  public:
    explicit momentum_worker(C compressor, momentum_options options = {})
        : out_(std::move(compressor)),
          options_(options),
          velocity_(out_.size()),
          sum_(out_.size()),
          next_velocity_(out_.size()),
          next_sum_(out_.size()) {}

    [[nodiscard]] std::size_t max_encoded_size() const noexcept { return out_.max_encoded_size(); }
    [[nodiscard]] std::span<const float> memory() const noexcept { return sum_; }
    [[nodiscard]] std::span<const float> velocity() const noexcept { return velocity_; }
    [[nodiscard]] std::span<const float> sent() const noexcept { return out_.seen(); }

    result<std::size_t> send(std::span<const float> gradient, message_id id, byte_span out) noexcept {
        PITH_ASSERT(gradient.size() == sum_.size());
        const double norm = options_.clip > 0 ? std::sqrt(squared_norm(gradient)) : 0;
        const auto factor = static_cast<float>(norm > options_.clip ? options_.clip / norm : 1);
        for (std::size_t i = 0; i < sum_.size(); ++i) {
            next_velocity_[i] = options_.momentum * velocity_[i] + factor * gradient[i];
            next_sum_[i] = sum_[i] + next_velocity_[i];
        }
        out_.compressor().keep(options_.schedule.kept(sum_.size(), id.step));
        auto size = out_.encode_into(next_sum_, id, out);
        if (!size) return size;
        for (std::size_t i = 0; i < sum_.size(); ++i) {
            const float sent = out_.seen()[i];
            sum_[i] = next_sum_[i] - sent;
            velocity_[i] = options_.mask && sent != 0 ? 0 : next_velocity_[i];
        }
        return size;
    }

  private:
    mirrored<C> out_;
    momentum_options options_;
    std::vector<float> velocity_;
    std::vector<float> sum_;
    std::vector<float> next_velocity_;
    std::vector<float> next_sum_;
};

/// An averaging server that keeps to the same schedule.
template <adjustable_compressor C>
class scheduled_server {
  public:
    scheduled_server(C decoder, std::size_t workers, sparsity_schedule schedule)
        : inner_(std::move(decoder), workers), schedule_(schedule) {}

    void begin(std::uint64_t step) noexcept { inner_.begin(step); }
    result<void> receive(message_id id, byte_view in) noexcept {
        inner_.decoder().keep(schedule_.kept(inner_.decoder().size(), id.step));
        return inner_.receive(id, in);
    }
    [[nodiscard]] std::span<const float> direction() const noexcept { return inner_.direction(); }

  private:
    averaging_server<C> inner_;
    sparsity_schedule schedule_;
};

/// Deep Gradient Compression, for top_k and what can be adjusted like it.
template <adjustable_compressor C>
struct momentum_correction {
    using worker = momentum_worker<C>;
    using server = scheduled_server<C>;
};

}  // namespace pith::inline v1::feedback
