// Retention that drops nothing, and the ring of StreamingLLM, which keeps sinks and the newest tokens.
// Xiao et al. (2023): the first tokens and a window; positions are those in the cache.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include <pith/kv/concepts.hpp>

namespace pith::inline v1::kv {

/// Every token stays; a lane has all heads.
struct keep_all {
    static constexpr bool per_head = false;

    [[nodiscard]] bool due(std::size_t) const noexcept { return false; }
    void plan(std::span<const lane_place>, std::span<const lane_view> movable, const retention_event&,
              std::span<lane_plan> plans) const {
        for (std::size_t lane = 0; lane < plans.size(); ++lane)
            for (std::size_t i = 0; i < movable[lane].tokens(); ++i)
                plans[lane].kept.push_back(static_cast<std::uint32_t>(i));
    }
};

/// Only the segmenter's sinks and window stay. With PositionsInCache, keys are rotated by their index in the
/// cache as published; else by where they stood in the text.
template <bool PositionsInCache = false>
struct ring {
    static constexpr bool per_head = false;
    static constexpr bool positions_in_cache = PositionsInCache;

    [[nodiscard]] bool due(std::size_t movable) const noexcept { return movable > 0; }
    void plan(std::span<const lane_place>, std::span<const lane_view>, const retention_event&,
              std::span<lane_plan>) const noexcept {}
};

}  // namespace pith::inline v1::kv
