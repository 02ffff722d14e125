// Adaptive probability maps, also called SSE: what a prediction was worth so far in some context.
// Source: Osnach (SSE) and Mahoney (APM), 2003-2005; linear between 32 points of the logistic domain,
// which are a line of the cache.
#pragma once

#include <cstddef>
#include <cstdint>

#include <pith/core/fixed.hpp>
#include <pith/core/table.hpp>

namespace pith::inline v1::mixing {

/// Refines a prediction under one of many contexts. Exact.
class apm {
  public:
    static constexpr std::size_t points = 32;
    static constexpr int spacing = 1024;  ///< half a unit of the logistic domain
    static constexpr int limit = (static_cast<int>(points) - 1) * spacing / 2;

    explicit apm(std::size_t contexts) : points_(contexts * points) {}

    /// Every context starts as the identity.
    void reset() noexcept {
        for (std::size_t i = 0; i < points; ++i) {
            const std::uint32_t p = squash16(static_cast<int>(i) * spacing - limit);
            points_[i] = static_cast<std::uint16_t>(p);
        }
        for (std::size_t i = points; i < points_.size(); ++i) points_[i] = points_[i - points];
    }
    [[gnu::always_inline]] void prefetch(std::size_t context) const noexcept {
        __builtin_prefetch(&points_[context * points], 1);
    }
    /// Starts to fetch two contexts, 2n and 2n + 1.
    [[gnu::always_inline]] void prefetch_pair(std::size_t first) const noexcept {
        prefetch(first);
        prefetch(first + 1);
    }

    /// The refined probability in 16-bit fixed point; x = stretch16 of the one to refine.
    [[nodiscard, gnu::always_inline]] std::uint32_t refine(int x, std::size_t context) noexcept {
        const int bounded = x < -limit ? -limit : x >= limit ? limit - 1 : x;
        const auto from = static_cast<std::uint32_t>(bounded + limit);
        const std::size_t at = context * points + from / spacing;
        const std::uint32_t part = from % spacing;
        nearest_ = at + (part >= spacing / 2 ? 1 : 0);
        return (points_[at] * (spacing - part) + points_[at + 1] * part) / spacing;
    }
    /// Moves the nearer point towards the bit, by 2^-rate of the distance.
    [[gnu::always_inline]] void update(bool bit, unsigned rate) noexcept {
        std::uint16_t& p = points_[nearest_];
        const int distance = (bit ? 65535 : 0) - p;
        p = static_cast<std::uint16_t>(p + ((distance + (1 << (rate - 1))) >> rate));
    }

  private:
    random_table<std::uint16_t> points_;
    std::size_t nearest_ = 0;
};

}  // namespace pith::inline v1::mixing
