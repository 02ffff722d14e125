// A scalar codebook: up to 2^Bits levels in ascending order, looked up in a register for up to 4 bits.
// One class serves Lloyd-Max, normal-float, minifloat, power, additive powers of two and ternary grids.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>

#include <pith/core/assert.hpp>
#include <pith/core/exact.hpp>
#include <pith/quant/concepts.hpp>
#include <pith/simd/arch.hpp>
#include <pith/simd/levels.hpp>

namespace pith::inline v1::quant {

/// A codebook of dimension 1. A value is nearest to the lower of two levels up to and at their midpoint.
template <unsigned Bits>
requires(Bits >= 1 && Bits <= 8) class grid {
    static constexpr std::size_t places = Bits <= 4 ? 16 : std::size_t{1} << Bits;

  public:
    static constexpr unsigned bits = Bits;

    /// Precondition: 1 to 2^Bits levels, finite, strictly ascending.
    explicit constexpr grid(std::span<const float> levels) noexcept : size_(levels.size()) {
        PITH_ASSERT(size_ >= 1 && size_ <= std::size_t{1} << Bits);
        for (float& t : thresholds_) t = std::numeric_limits<float>::infinity();
        for (std::size_t i = 0; i < places; ++i) levels_[i] = levels[i < size_ ? i : size_ - 1];
        for (std::size_t i = 0; i + 1 < size_; ++i) {
            PITH_ASSERT(levels[i] < levels[i + 1]);
            thresholds_[i] = exact::mul(levels[i], 0.5F) + exact::mul(levels[i + 1], 0.5F);
        }
    }

    [[nodiscard]] constexpr std::size_t size() const noexcept { return size_; }
    [[nodiscard]] constexpr std::size_t dimension() const noexcept { return 1; }
    [[nodiscard]] constexpr std::span<const float> levels() const noexcept {
        return std::span(levels_).first(size_);
    }
    [[nodiscard]] constexpr std::span<const float> thresholds() const noexcept {
        return std::span(thresholds_).first(size_ - 1);
    }
    [[nodiscard]] constexpr std::span<const float> entry(std::uint32_t index) const noexcept {
        return levels().subspan(index, 1);
    }
    [[nodiscard]] constexpr std::uint32_t nearest(float x) const noexcept {
        std::uint32_t code = 0;  // the number of thresholds below x, bit by bit; behind the last they are inf
        for (std::uint32_t step = 1U << (Bits - 1); step != 0; step /= 2)
            if (x > thresholds_[code + step - 1]) code += step;
        return code;
    }
    [[nodiscard]] constexpr std::uint32_t nearest(std::span<const float> x) const noexcept {
        PITH_ASSERT(x.size() == 1);
        return nearest(x[0]);
    }

    /// codes[i] = nearest(values[i]); equal sizes. Exact.
    template <simd::instruction_set Arch = simd::native>
    void encode_into(std::span<const float> values, std::span<std::uint8_t> codes) const noexcept {
        PITH_ASSERT(values.size() == codes.size());
        if constexpr (Bits <= 4) {
            simd::nearest_levels<Bits, Arch>(values, thresholds_, codes);
        } else {
            for (std::size_t i = 0; i < codes.size(); ++i)
                codes[i] = static_cast<std::uint8_t>(nearest(values[i]));
        }
    }
    /// codes[i] = nearest(values[i] / scale), for a scale > 0, by thresholds times the scale. Exact.
    template <simd::instruction_set Arch = simd::native>
    void encode_scaled_into(std::span<const float> values, float scale,
                            std::span<std::uint8_t> codes) const noexcept {
        PITH_ASSERT(values.size() == codes.size());
        grid scaled = *this;
        for (float& t : scaled.thresholds_) t *= scale;
        scaled.template encode_into<Arch>(values, codes);
    }
    /// out[i] = level codes[i] times factor; codes of no level give the last one. Equal sizes. Exact.
    template <simd::instruction_set Arch = simd::native>
    void decode_into(std::span<const std::uint8_t> codes, float factor, std::span<float> out) const noexcept {
        PITH_ASSERT(out.size() == codes.size());
        if constexpr (Bits <= 4) {
            simd::scaled_levels<Bits, Arch>(codes, levels_, factor, out);
        } else {
            for (std::size_t i = 0; i < out.size(); ++i) out[i] = levels_[codes[i] & (places - 1)] * factor;
        }
    }

  private:
    std::array<float, places> levels_{};
    std::array<float, places> thresholds_{};
    std::size_t size_;
};

}  // namespace pith::inline v1::quant
