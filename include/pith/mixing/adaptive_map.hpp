// Maps from a small context, such as a bit history, to an adaptive probability whose rate falls with use.
// As StateMap in lpaq (Mahoney, 2007), with a prior per entry in place of one half.
#pragma once

#include <cstdint>

#include <pith/core/exact.hpp>  // refuses flags under which a division is not one division

namespace pith::inline v1::mixing {

/// P(1) in the upper 22 bits and the number of updates, up to a limit, in the lower 10. Exact.
class adaptive_probability {
  public:
    constexpr adaptive_probability() noexcept = default;
    /// p in 22-bit fixed point; `experience` makes it as firm as after so many updates.
    constexpr adaptive_probability(std::uint32_t p, std::uint32_t experience) noexcept
        : bits_(p << 10 | experience) {}

    /// In 22-, 16- and 12-bit fixed point; may be 0.
    [[nodiscard]] constexpr std::uint32_t p22() const noexcept { return bits_ >> 10; }
    [[nodiscard]] constexpr std::uint32_t p16() const noexcept { return bits_ >> 16; }
    [[nodiscard]] constexpr std::uint32_t p12() const noexcept { return bits_ >> 20; }
    [[nodiscard]] constexpr std::uint32_t experience() const noexcept { return bits_ & 1023; }

    [[nodiscard]] constexpr std::uint32_t bits() const noexcept { return bits_; }
    [[nodiscard]] static constexpr adaptive_probability from_bits(std::uint32_t bits) noexcept {
        adaptive_probability out;
        out.bits_ = bits;
        return out;
    }

    /// p += (bit - p) / (n + 1.5), n up to `limit` <= 1023. One division of floats, rounded towards zero:
    /// exact, for both sides of it are integers or halves below 2^23.
    constexpr void update(bool bit, std::uint32_t limit) noexcept { bits_ = updated(bits_, bit, limit); }
    [[nodiscard]] static constexpr std::uint32_t updated(std::uint32_t bits, bool bit,
                                                         std::uint32_t limit) noexcept {
        const std::uint32_t n = bits & 1023;
        const auto p = static_cast<std::int32_t>(bits >> 10);
        const std::int32_t target = bit ? (1 << 22) - 1 : 0;
        const auto step =
            static_cast<std::int32_t>(static_cast<float>(target - p) / (static_cast<float>(n) + 1.5F));
        return (static_cast<std::uint32_t>(p + step) << 10 | n) + (n < limit ? 1 : 0);
    }

  private:
    std::uint32_t bits_ = 1U << 31;
};

}  // namespace pith::inline v1::mixing
