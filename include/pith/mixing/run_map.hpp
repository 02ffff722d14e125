// Runs: the byte that came last in a context and how often it came in a row, as a prediction.
// As the run model of PAQ6 (Mahoney, 2003); 16 bits a context, without a check.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include <pith/core/table.hpp>
#include <pith/mixing/adaptive_map.hpp>

namespace pith::inline v1::mixing {

/// The runs of one kind of context. Exact.
class run_map {
  public:
    explicit run_map(unsigned log2_places)
        : places_(std::size_t{1} << log2_places), shift_(32 - log2_places) {}

    void reset() noexcept {
        places_.clear();
        chance_.fill(adaptive_probability(1U << 21, 0));
        find(0);
    }
    [[gnu::always_inline]] void prefetch(std::uint32_t hash) const noexcept {
        __builtin_prefetch(&places_[hash >> shift_], 1);
    }

    /// Goes to the place of the next byte's context.
    void find(std::uint32_t hash) noexcept {
        at_ = hash >> shift_;
        const std::uint32_t place = places_[at_], run = place & 0xFFU;
        expected_ = run != 0 ? 256U | place >> 8 : 0U;
        const std::size_t length = run < 8 ? run : 8U + (run > 12) + (run > 24) + (run > 60);
        base_ = 16 * length;
    }
    /// Notes the byte that came.
    void push(std::uint8_t c) noexcept {
        std::uint16_t& place = places_[at_];
        const std::uint32_t run = place & 0xFFU;
        if (place >> 8 == c && run != 0)
            place = static_cast<std::uint16_t>(place + (run < 255 ? 1 : 0));
        else
            place = static_cast<std::uint16_t>(c << 8 | 1);
    }
    /// Whether there is a run and its byte agrees with the bits so far.
    [[nodiscard]] bool holds(std::uint32_t partial, unsigned bits) const noexcept {
        return expected_ >> (8 - bits) == partial;
    }
    /// The probability learnt for the bit that should follow. Precondition: holds.
    [[nodiscard]] adaptive_probability& chance(unsigned bits) noexcept {
        return chance_[base_ + 2 * bits + (expected_ >> (7 - bits) & 1)];
    }

  private:
    static constexpr std::size_t lengths = 12;

    random_table<std::uint16_t> places_;
    unsigned shift_;
    std::size_t at_ = 0;
    std::uint32_t expected_ = 0;
    std::size_t base_ = 0;
    std::array<adaptive_probability, 16 * lengths> chance_{};
};

}  // namespace pith::inline v1::mixing
