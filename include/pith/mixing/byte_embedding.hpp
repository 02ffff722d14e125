// A vector of numbers for each byte, which learns from the chunks that were read.
// The first layer of the networks of mixing; trained by Adam like their others.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include <pith/core/random.hpp>
#include <pith/core/table.hpp>
#include <pith/mixing/adam.hpp>
#include <pith/mixing/float_lanes.hpp>

namespace pith::inline v1::mixing {

/// 256 vectors of Width numbers, for chunks of Steps bytes. Exact.
template <std::size_t Width, std::size_t Steps, float_lanes Lanes = portable_lanes>
class byte_embedding {
  public:
    /// Floats that an embedding holds.
    static constexpr std::size_t floats = 5 * 256 * Width;

    byte_embedding()
        : start_(256 * Width),
          weight_(256 * Width),
          gradient_(256 * Width),
          mean_(256 * Width),
          square_(256 * Width) {}

    /// Draws the vectors with which every reset begins, from -1..1.
    void prepare(random_sequence& random) noexcept {
        for (float& w : start_) w = exact::mul(2.0F, random.uniform()) - 1.0F;
    }
    /// Forgets everything read and learnt.
    void reset() noexcept {
        for (auto* t : {&gradient_, &mean_, &square_}) t->clear();
        std::memcpy(weight_.data(), start_.data(), 256 * Width * sizeof(float));
    }
    /// The vector of the byte of step t of the chunk.
    [[nodiscard]] const float* read(std::size_t t, std::uint8_t byte) noexcept {
        read_[t] = byte;
        return weight_.data() + byte * Width;
    }
    /// After all steps: a step against the gradients of what they gave, [Steps][Width].
    void learn(const float* gradient, const adam<Lanes>& how) noexcept {
        for (std::size_t t = 0; t < Steps; ++t)
            lanes::add_scaled<Lanes>(gradient_.data() + read_[t] * Width, 1.0F, gradient + t * Width, Width);
        // Only rows that were read learn; the others' means stand still.
        std::array<bool, 256> done{};
        for (std::size_t t = 0; t < Steps; ++t) {
            if (done[read_[t]]) continue;
            done[read_[t]] = true;
            const std::size_t at = read_[t] * Width;
            how.update(weight_.data() + at, gradient_.data() + at, mean_.data() + at, square_.data() + at,
                       Width);
        }
    }

  private:
    table<float> start_, weight_, gradient_, mean_, square_;
    std::array<std::uint8_t, Steps> read_{};
};

}  // namespace pith::inline v1::mixing
