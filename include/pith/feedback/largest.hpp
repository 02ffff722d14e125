// The k values of largest magnitude, found by their bits.
// Radix selection on 11, 10 and 10 bits: three passes whatever the values; exact, the lowest index of equals
// first.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include <pith/core/assert.hpp>
#include <pith/feedback/vectors.hpp>

namespace pith::inline v1::feedback {

/// The bits of the k-th largest magnitude. 1 <= k <= x.size() < 2^32.
[[nodiscard]] inline std::uint32_t kth_largest_magnitude(std::span<const float> x, std::size_t k) noexcept {
    PITH_ASSERT(k >= 1 && k <= x.size());
    std::uint32_t prefix = 0;
    unsigned known = 32;  // bits from here up are known; the sign bit is zero
    for (const unsigned width : {12U, 10U, 10U}) {
        const unsigned shift = known - width;
        std::array<std::uint32_t, 4096> counts{};
        const std::uint32_t mask = (1U << width) - 1;
        if (known == 32) {
            for (const float v : x) ++counts[magnitude_bits(v) >> shift];
        } else {
            for (const float v : x) {
                const std::uint32_t bits = magnitude_bits(v);
                if (bits >> known == prefix >> known) ++counts[bits >> shift & mask];
            }
        }
        std::uint32_t digit = mask;
        for (; counts[digit] < k; --digit) k -= counts[digit];  // some digit holds the k-th
        prefix |= digit << shift;
        known = shift;
    }
    return prefix;
}

/// Writes the ascending indices of the k largest magnitudes to `at`. Precondition: at.size() == k + 1: the
/// last one is scratch. k <= x.size().
inline void largest_indices(std::span<const float> x, std::size_t k, std::span<std::uint32_t> at) noexcept {
    PITH_ASSERT(at.size() == k + 1 && k <= x.size());
    if (k == 0) return;
    const std::uint32_t threshold = kth_largest_magnitude(x, k);
    std::size_t above = 0;
    for (const float v : x) above += magnitude_bits(v) > threshold;
    std::size_t equal = k - above;  // of those at the threshold, the first so many
    std::size_t found = 0;
    for (std::size_t i = 0; i < x.size() && found < k; ++i) {
        const std::uint32_t bits = magnitude_bits(x[i]);
        const bool tie = bits == threshold && equal != 0;
        at[found] = static_cast<std::uint32_t>(i);
        found += bits > threshold || tie;
        equal -= tie;
    }
}

}  // namespace pith::inline v1::feedback
