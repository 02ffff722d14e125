#include "support/catch.hpp"

#include <algorithm>
#include <numeric>

#include <pith/kv/any_retention.hpp>
#include <pith/kv/cache.hpp>
#include <pith/kv/exact_codec.hpp>
#include <pith/kv/merging.hpp>
#include <pith/kv/retention.hpp>
#include <pith/kv/saliency_accumulated.hpp>
#include <pith/kv/saliency_geometry.hpp>
#include <pith/kv/segmenter.hpp>

#include "retention_samples.hpp"

using namespace pith;
using namespace samples;

namespace {

/// Lanes of one head, as an event shows them.
struct event_views {
    std::vector<lane_with_queries> data;
    std::vector<kv::lane_place> places;
    std::vector<kv::lane_view> views;

    event_views(std::size_t layers, std::size_t heads, std::size_t tokens) {
        for (std::size_t i = 0; i < layers * heads; ++i) {
            data.push_back(
                make_lane({.head_size = 8, .tokens = std::max<std::size_t>(tokens, 41), .seed = i + 1}));
            places.push_back({i, i / heads, 1, i % heads, 1, kv::shape{layers, heads, 2 * heads, 8}});
        }
        for (const auto& d : data) views.push_back(d.lane.first(tokens));
    }
    template <class R>
    std::vector<kv::lane_plan> plan(R& policy, std::size_t seen, std::size_t exempt) const {
        std::vector<kv::lane_plan> plans(places.size());
        policy.plan(places, std::span<const kv::lane_view>(views), {true, seen, exempt}, plans);
        return plans;
    }
};

std::size_t kept_of(const std::vector<kv::lane_plan>& plans) {
    std::size_t sum = 0;
    for (const auto& p : plans) sum += p.kept.size();
    return sum;
}

using by_norm = kv::scored_retention<kv::key_norm, kv::pyramid_budget, kv::evict>;
using merging_retention = kv::scored_retention<kv::accumulated_attention, kv::uniform_budget, kv::merge_runs>;
using small_cache =
    kv::cache<kv::post_rope, kv::loose_only, kv::exact_codec, kv::exact_codec, merging_retention>;

}  // namespace

TEST_CASE(
    "The movable tokens after an event are the target's, exempt ones taken off, over all lanes exactly") {
    const event_views lanes(3, 2, 50);
    by_norm fixed(kv::retention_target{.tokens = 30});
    REQUIRE(kept_of(lanes.plan(fixed, 70, 20)) == 6 * 10);
    by_norm shared(kv::retention_target{.share = 0.5});
    REQUIRE(kept_of(lanes.plan(shared, 70, 20)) == 6 * 15);
    by_norm none(kv::retention_target{.tokens = 10});
    REQUIRE(kept_of(lanes.plan(none, 70, 20)) == 0);
    by_norm all(kv::retention_target{.tokens = 1000});
    REQUIRE(kept_of(lanes.plan(all, 70, 20)) == 6 * 50);
}

TEST_CASE("The next event is due an interval after the fullest lane, and never when nothing is dropped") {
    const event_views lanes(3, 2, 50);
    by_norm policy(kv::retention_target{.tokens = 30, .interval = 8});
    const auto plans = lanes.plan(policy, 70, 20);
    std::size_t fullest = 0;
    for (const auto& p : plans) fullest = std::max(fullest, p.kept.size());
    REQUIRE(fullest > 15);
    REQUIRE(!policy.due(fullest + 7));
    REQUIRE(policy.due(fullest + 8));
    kv::scored_retention<kv::key_norm, kv::uniform_budget, kv::lower_bits> bits(
        kv::retention_target{.tokens = 30});
    REQUIRE(kept_of(lanes.plan(bits, 70, 20)) == 6 * 50);
    REQUIRE(!bits.due(1 << 20));
}

TEST_CASE("Layers that share scores keep the same tokens") {
    const event_views lanes(4, 2, 50);
    kv::scored_retention<kv::key_norm, kv::uniform_budget, kv::evict> own(kv::retention_target{.tokens = 30}),
        shared(kv::retention_target{.tokens = 30, .shared_layers = 2});
    const auto apart = lanes.plan(own, 70, 20), together = lanes.plan(shared, 70, 20);
    for (std::size_t h = 0; h < 2; ++h) {
        REQUIRE(together[h].kept == apart[h].kept);
        REQUIRE(together[2 + h].kept == apart[h].kept);
        REQUIRE(together[4 + h].kept == apart[4 + h].kept);
        REQUIRE(apart[2 + h].kept != apart[h].kept);
    }
}

TEST_CASE("A retention behind any_retention decides as it does alone, and copies go their own ways") {
    const auto sample = make_lane({.heads = 1, .head_size = 8, .tokens = 90});
    using policy = kv::scored_retention<kv::accumulated_attention, kv::uniform_budget, kv::evict>;
    policy alone(kv::retention_target{.tokens = 30});
    kv::any_retention<true, false> held(alone);
    sample.lane.show(alone, 9);
    const auto untouched = held;
    sample.lane.show(held, 9);
    std::vector<float> a(90), b(90), c(90);
    alone.score(sample.lane.place(), sample.lane.rows(), a);
    held.score(sample.lane.place(), sample.lane.rows(), b);
    untouched.score(sample.lane.place(), sample.lane.rows(), c);
    REQUIRE(a == b);
    REQUIRE(std::accumulate(c.begin(), c.end(), 0.0F) == 0);
    REQUIRE(held.due(64) == alone.due(64));
}

TEST_CASE("Sinks and the recent window are never dropped or merged, at any event") {
    const kv::shape shape{2, 2, 4, 8};
    random_sequence draw(9);
    small_cache cache(shape, {}, {}, {}, kv::loose_only{3, 7},
                      merging_retention(kv::retention_target{.tokens = 20, .interval = 4}));
    for (std::size_t t = 0; t < 90; ++t) {
        for (std::size_t l = 0; l < 2; ++l) {
            const auto k = gaussians(draw, 16, 1), v = gaussians(draw, 16, 1), q = gaussians(draw, 32, 1);
            REQUIRE(cache.append(l, {k.data(), 1, 16, 16}, {v.data(), 1, 16, 16}, {q.data(), 1, 32, 32}));
        }
        if (t == 40) cache.end_prefill();
        for (std::size_t l = 0; l < 2; ++l)
            for (std::size_t h = 0; h < 2; ++h) {
                const kv::head_view view = cache.view(l, h);
                const std::size_t n = view.positions.size();
                for (std::size_t i = 0; i < std::min<std::size_t>(3, t + 1); ++i) {
                    REQUIRE(view.positions[i] == i);
                    REQUIRE(view.multiplicity[i] == 1);
                }
                for (std::size_t i = 0; i < std::min<std::size_t>(7, t + 1); ++i) {
                    REQUIRE(view.positions[n - 1 - i] == t - i);
                    REQUIRE(view.multiplicity[n - 1 - i] == 1);
                }
                if (t >= 40) REQUIRE(n <= 24);
            }
    }
}
