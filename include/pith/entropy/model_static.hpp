// Static model of bytes: frequencies that fill 2^precision, with direct tables for both directions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include <pith/core/assert.hpp>
#include <pith/entropy/concepts.hpp>
#include <pith/entropy/frequency.hpp>

namespace pith::inline v1::entropy {

/// A distribution over byte values with probabilities that are multiples of 2^-Precision (1..15).
/// Takes 512 + 2^Precision bytes and some; both halves are one table look-up. Exact.
template <unsigned Precision = 12>
requires(Precision >= 1 && Precision <= 15) class static_model {
  public:
    using symbol_type = std::uint8_t;
    static constexpr unsigned precision = Precision;

    /// From frequencies with sum 2^Precision; symbols of frequency 0 must not be coded.
    explicit static_model(std::span<const std::uint16_t, 256> frequencies) noexcept {
        std::uint32_t start = 0;
        for (std::size_t s = 0; s < 256; ++s) {
            start_[s] = static_cast<std::uint16_t>(start);
            const std::uint32_t end = start + frequencies[s];
            PITH_ASSERT(end <= slots);
            for (; start < end; ++start) owner_[start] = static_cast<std::uint8_t>(s);
        }
        PITH_ASSERT(start == slots);
        start_[256] = static_cast<std::uint16_t>(start);
    }
    [[nodiscard]] interval interval_of(std::uint8_t s) const noexcept {
        return {start_[s], static_cast<std::uint32_t>(start_[s + 1U] - start_[s])};
    }
    [[nodiscard]] located<std::uint8_t> at(std::uint32_t slot) const noexcept {
        PITH_ASSERT(slot < slots);
        return {owner_[slot], interval_of(owner_[slot])};
    }

  private:
    static constexpr std::uint32_t slots = std::uint32_t{1} << Precision;
    std::uint16_t start_[257];
    std::uint8_t owner_[slots];
};

static_assert(encoder_model<static_model<12>> && decoder_model<static_model<12>>);

}  // namespace pith::inline v1::entropy
