// The rotary position embedding of keys and queries.
// Su et al. (RoFormer, 2021). Pairs are neighbours (the paper, llama2.c) or lie half a head apart (GPT-NeoX).
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <pith/core/assert.hpp>

namespace pith::inline v1::kv {

/// Which two channels of a head turn together.
enum class rope_pairing : std::uint8_t {
    none,      ///< the program rotates by itself, or the model has no rotary embedding
    adjacent,  ///< 2 i and 2 i + 1
    halves,    ///< i and i + head_size / 2
};

/// Pair i of a head of d channels turns by position * base^(-2 i / d). The last channel of an odd head stays.
struct rope {
    float base = 10000;
    rope_pairing pairing = rope_pairing::none;

    friend constexpr bool operator==(const rope&, const rope&) = default;
};

/// Turns rows of heads. Sines are computed once for each position and all its heads. Encoder-side: the last
/// bit depends on the machine's sine.
class rope_rotation {
  public:
    rope_rotation(const rope& kind, std::size_t head_size)
        : pairing_(kind.pairing),
          head_size_(head_size),
          frequencies_(kind.pairing == rope_pairing::none ? 0 : head_size / 2),
          cosines_(frequencies_.size()),
          sines_(frequencies_.size()) {
        for (std::size_t i = 0; i < frequencies_.size(); ++i)
            frequencies_[i] = std::pow(static_cast<double>(kind.base),
                                       -2.0 * static_cast<double>(i) / static_cast<double>(head_size));
    }
    /// False when `turn` changes nothing.
    [[nodiscard]] bool active() const noexcept { return pairing_ != rope_pairing::none; }
    /// Turns every head of the row by `position`. Precondition: row.size() is a multiple of the head size.
    void turn(std::span<float> row, std::uint32_t position) noexcept {
        PITH_ASSERT(row.size() % head_size_ == 0);
        if (!active()) return;
        aim(position);
        for (std::size_t at = 0; at < row.size(); at += head_size_) turn_head(row.data() + at);
    }

  private:
    void aim(std::uint32_t position) noexcept {
        if (aimed_ && position == position_) return;
        for (std::size_t i = 0; i < frequencies_.size(); ++i) {
            const double angle = frequencies_[i] * position;
            cosines_[i] = static_cast<float>(std::cos(angle));
            sines_[i] = static_cast<float>(std::sin(angle));
        }
        position_ = position;
        aimed_ = true;
    }
    void turn_head(float* head) const noexcept {
        const std::size_t pairs = cosines_.size();
        const std::size_t step = pairing_ == rope_pairing::adjacent ? 2 : 1;
        const std::size_t other = pairing_ == rope_pairing::adjacent ? 1 : pairs;
        for (std::size_t i = 0; i < pairs; ++i) {
            float& a = head[i * step];
            float& b = head[i * step + other];
            const float x = a, y = b;
            a = x * cosines_[i] - y * sines_[i];
            b = x * sines_[i] + y * cosines_[i];
        }
    }

    rope_pairing pairing_;
    std::size_t head_size_;
    std::vector<double> frequencies_;
    std::vector<float> cosines_, sines_;
    std::uint32_t position_ = 0;
    bool aimed_ = false;
};

}  // namespace pith::inline v1::kv
