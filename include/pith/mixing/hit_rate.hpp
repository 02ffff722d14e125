// How often a model's guess was right lately: a ratio that forgets, as Midicoth (2026) weighs its experts by.
#pragma once

#include <cstdint>

namespace pith::inline v1::mixing {

/// Starts at one of two; beyond 500 trials each new one takes a hundredth off the past.
class hit_rate {
  public:
    /// In 16-bit fixed point, 0..65536.
    [[nodiscard]] constexpr std::uint32_t value() const noexcept {
        return static_cast<std::uint32_t>((std::uint64_t{hits_} << 16) / trials_);
    }
    constexpr void update(bool hit) noexcept {
        hits_ += hit ? one : 0;
        trials_ += one;
        if (trials_ <= 500 * one) return;
        hits_ -= hits_ / 100;
        trials_ -= trials_ / 100;
    }
    friend constexpr bool operator==(const hit_rate&, const hit_rate&) = default;

  private:
    static constexpr std::uint32_t one = std::uint32_t{1} << 16;
    std::uint32_t hits_ = one;
    std::uint32_t trials_ = 2 * one;  // <= 501 one < 2^25
};

namespace detail {
/// A number from 0 to 1 in 16-bit fixed point.
[[nodiscard]] consteval std::uint32_t fixed16(double x) noexcept {
    return static_cast<std::uint32_t>(x * 65536 + 0.5);
}
}  // namespace detail

}  // namespace pith::inline v1::mixing
