// Retention as three policies: what scores tokens, how many each lane keeps, what becomes of the rest.
// The frame of the eviction literature since H2O (Zhang et al., 2023), as kvpress (2024) composes it. Own
// work.
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <utility>
#include <vector>

#include <pith/kv/concepts.hpp>
#include <pith/kv/eviction.hpp>
#include <pith/kv/token_budget.hpp>

namespace pith::inline v1::kv {

/// How many tokens a lane has after an event, on average over the lanes, and how often there are events.
struct retention_target {
    std::size_t tokens = 0;         ///< sinks and window included; 0: `share` decides
    double share = 0.25;            ///< of the tokens appended so far
    std::size_t interval = 64;      ///< tokens by which the fullest lane grows before the next event
    std::size_t shared_layers = 1;  ///< layers that use the scores of the first of them

    /// Movable tokens of a lane on average.
    [[nodiscard]] std::size_t movable(const retention_event& event) const noexcept {
        const auto part = static_cast<std::size_t>(share * static_cast<double>(event.tokens_seen));
        const std::size_t all = tokens != 0 ? tokens : part;
        return all > event.exempt ? all - event.exempt : 0;
    }
};

/// Law: after an event the movable tokens of all lanes number min(lanes * target, what there were), exactly,
/// unless the disposal drops nothing.
template <saliency Saliency, token_budget Budget, disposal Disposal, bool PerHead = true,
          bool PositionsInCache = false>
class scored_retention {
  public:
    static constexpr bool per_head = PerHead;
    static constexpr bool positions_in_cache = PositionsInCache;

    explicit scored_retention(retention_target target = {}, Saliency scores = Saliency(),
                              Budget budget = Budget(), Disposal disposal = Disposal())
        : target_(target),
          saliency_(std::move(scores)),
          budget_(std::move(budget)),
          disposal_(std::move(disposal)) {}

    void observe(const lane_place& lane, view_2d<const float> queries, const lane_view& rows) {
        saliency_.observe(lane, queries, rows);
    }
    void score(const lane_place& lane, const lane_view& rows, std::span<float> out) const {
        saliency_.score(lane, rows, out);
    }
    [[nodiscard]] bool due(std::size_t movable) const noexcept {
        return Disposal::drops && movable >= fullest_ + std::max<std::size_t>(target_.interval, 1);
    }
    void plan(std::span<const lane_place> places, std::span<const lane_view> movable,
              const retention_event& event, std::span<lane_plan> plans) {
        std::vector<std::vector<float>> scores(places.size());
        std::vector<lane_demand> lanes;
        for (std::size_t i = 0; i < places.size(); ++i) {
            scores[i].resize(movable[i].tokens());
            const std::size_t shared = scoring_lane(places, movable, i);
            if (shared == i)
                saliency_.score(places[i], movable[i], scores[i]);
            else
                scores[i] = scores[shared];
            lanes.push_back({places[i], movable[i], scores[i]});
        }
        const auto kept = budget_.allocate(lanes, target_.movable(event) * places.size());
        fullest_ = 0;
        for (std::size_t i = 0; i < places.size(); ++i) {
            disposal_.dispose(places[i], movable[i], scores[i], kept[i], plans[i]);
            fullest_ = std::max(fullest_, plans[i].kept.size());
        }
    }

  private:
    /// The lane whose scores lane i uses: of the first layer of its group, the same head, if it holds the
    /// same tokens.
    [[nodiscard]] std::size_t scoring_lane(std::span<const lane_place> places,
                                           std::span<const lane_view> movable, std::size_t i) const noexcept {
        if (target_.shared_layers < 2) return i;
        const std::size_t first = places[i].first_layer - places[i].first_layer % target_.shared_layers;
        for (std::size_t j = 0; j < i; ++j)
            if (places[j].first_layer == first && places[j].first_head == places[i].first_head &&
                std::ranges::equal(movable[j].positions, movable[i].positions))
                return j;
        return i;
    }

    retention_target target_;
    Saliency saliency_;
    Budget budget_;
    Disposal disposal_;
    std::size_t fullest_ = 0;
};

}  // namespace pith::inline v1::kv
