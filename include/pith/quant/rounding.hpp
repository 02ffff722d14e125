// Rounding of places on a grid: to nearest, or up with the probability of the fraction.
// Stochastic rounding takes its randomness from a counter, so that a value's rounding depends on its number
// alone.
#pragma once

#include <concepts>
#include <cstdint>

#include <pith/core/random.hpp>

namespace pith::inline v1::quant {

/// Gives an integer next to `place`, |place| < 2^31, for value number `number`.
template <class R>
concept rounding = requires(const R r, double place, std::uint64_t number) {
    { r(place, number) }
    noexcept->std::same_as<std::int32_t>;
};

/// To nearest, halves away from zero.
struct nearest_rounding {
    [[nodiscard]] constexpr std::int32_t operator()(double place, std::uint64_t) const noexcept {
        return static_cast<std::int32_t>(place < 0 ? place - 0.5 : place + 0.5);
    }
};

/// Unbiased: the mean over seeds is the place.
struct stochastic_rounding {
    std::uint64_t seed = 0;

    [[nodiscard]] constexpr std::int32_t operator()(double place, std::uint64_t number) const noexcept {
        const auto words =
            philox({static_cast<std::uint32_t>(number), static_cast<std::uint32_t>(number >> 32), 0, 0},
                   {static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)});
        auto below = static_cast<std::int32_t>(place);
        if (static_cast<double>(below) > place) --below;
        const double fraction = place - static_cast<double>(below);
        return below + (static_cast<double>(words[0]) * 0x1p-32 < fraction);
    }
};

}  // namespace pith::inline v1::quant
