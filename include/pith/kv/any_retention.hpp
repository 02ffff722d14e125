// Any retention behind one type, so that a table of many systems compiles one cache for all of them.
// Own work. Decisions are those of the retention held.
#pragma once

#include <concepts>
#include <cstddef>
#include <memory>
#include <span>
#include <utility>

#include <pith/kv/concepts.hpp>

namespace pith::inline v1::kv {

/// Holds a retention with the same constants. It observes always; a retention that does not, ignores it.
template <bool PerHead, bool PositionsInCache>
class any_retention {
  public:
    static constexpr bool per_head = PerHead;
    static constexpr bool positions_in_cache = PositionsInCache;

    /// The order of the conditions keeps the copy constructor out of its own constraint.
    template <class Held>
    requires(!std::same_as<Held, any_retention>) && retention<Held> &&
        (Held::per_head == PerHead &&
         kv::positions_in_cache<Held> == PositionsInCache) explicit any_retention(Held held)
        : held_(std::make_unique<holder<Held>>(std::move(held))) {}
    any_retention(const any_retention& other) : held_(other.held_->copy()) {}
    any_retention(any_retention&&) noexcept = default;
    any_retention& operator=(const any_retention& other) {
        held_ = other.held_->copy();
        return *this;
    }
    any_retention& operator=(any_retention&&) noexcept = default;
    ~any_retention() = default;

    void observe(const lane_place& lane, view_2d<const float> queries, const lane_view& rows) {
        held_->observe(lane, queries, rows);
    }
    void score(const lane_place& lane, const lane_view& rows, std::span<float> out) const {
        held_->score(lane, rows, out);
    }
    [[nodiscard]] bool due(std::size_t movable) const { return held_->due(movable); }
    void plan(std::span<const lane_place> places, std::span<const lane_view> movable,
              const retention_event& event, std::span<lane_plan> plans) {
        held_->plan(places, movable, event, plans);
    }

  private:
    struct interface {
        virtual ~interface() = default;
        [[nodiscard]] virtual std::unique_ptr<interface> copy() const = 0;
        virtual void observe(const lane_place&, view_2d<const float>, const lane_view&) = 0;
        virtual void score(const lane_place&, const lane_view&, std::span<float>) const = 0;
        [[nodiscard]] virtual bool due(std::size_t) const = 0;
        virtual void plan(std::span<const lane_place>, std::span<const lane_view>, const retention_event&,
                          std::span<lane_plan>) = 0;
    };
    template <class Held>
    struct holder final : interface {
        explicit holder(Held h) : held(std::move(h)) {}

        std::unique_ptr<interface> copy() const override { return std::make_unique<holder>(held); }
        void observe(const lane_place& lane, view_2d<const float> queries, const lane_view& rows) override {
            if constexpr (saliency<Held>) held.observe(lane, queries, rows);
        }
        void score(const lane_place& lane, const lane_view& rows, std::span<float> out) const override {
            if constexpr (saliency<Held>) {
                held.score(lane, rows, out);
            } else {
                for (float& v : out) v = 0;
            }
        }
        bool due(std::size_t movable) const override { return held.due(movable); }
        void plan(std::span<const lane_place> places, std::span<const lane_view> movable,
                  const retention_event& event, std::span<lane_plan> plans) override {
            held.plan(places, movable, event, plans);
        }
        Held held;
    };

    std::unique_ptr<interface> held_;
};

}  // namespace pith::inline v1::kv
