// How often a model's guess was right lately: a ratio with exponential forgetting.
#pragma once

#include <cstdint>

namespace pith::inline v1::mixing {

/// Starts at `hits` of `trials`; beyond 500 trials each new one takes a hundredth off the past.
class hit_rate {
  public:
    constexpr hit_rate(std::uint32_t hits, std::uint32_t trials) noexcept
        : hits_(hits * unit), trials_(trials * unit) {}

    /// In 16-bit fixed point, 0..65536.
    [[nodiscard]] constexpr std::uint32_t value() const noexcept {
        return static_cast<std::uint32_t>((std::uint64_t{hits_} << 16) / trials_);
    }
    constexpr void update(bool hit) noexcept {
        hits_ += hit ? unit : 0;
        trials_ += unit;
        if (trials_ <= 500 * unit) return;
        hits_ -= hits_ / 100;
        trials_ -= trials_ / 100;
    }

  private:
    static constexpr std::uint32_t unit = 1U << 16;  // trials stay below 502 units < 2^25
    std::uint32_t hits_;
    std::uint32_t trials_;
};

}  // namespace pith::inline v1::mixing
