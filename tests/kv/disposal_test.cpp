#include "support/catch.hpp"

#include <cmath>
#include <numeric>

#include <pith/kv/merging.hpp>
#include <pith/kv/pages.hpp>
#include <pith/kv/pooling.hpp>

#include "retention_samples.hpp"

using namespace pith;
using namespace samples;

namespace {

std::vector<float> random_scores(std::size_t n, std::uint64_t seed = 2) {
    random_sequence draw(seed);
    std::vector<float> out(n);
    for (float& v : out) v = draw.uniform();
    return out;
}

template <class F>
void for_each_disposal(F f) {
    f(kv::evict{});
    f(kv::merge_runs{});
    f(kv::merge_runs{0.1F, 0});
    f(kv::evict_then_merge{});
    f(kv::evict_then_merge{4, -1});
    f(kv::accumulate_similar{});
    f(kv::pool_neighbours{});
    f(kv::pool_neighbours{false});
    f(kv::low_frequencies{});
}

double mass(const kv::lane_plan& plan) {
    return std::accumulate(plan.multiplicity.begin(), plan.multiplicity.end(), 0.0);
}

}  // namespace

TEST_CASE("Every disposal leaves exactly the tokens asked for, in order, the same every time") {
    for (const std::size_t run : {1U, 5U})
        for (const std::size_t n : {1U, 2U, 41U, 100U}) {
            const auto sample =
                make_lane({.heads = 2, .head_size = 6, .tokens = std::max<std::size_t>(n, 41), .run = run});
            const auto rows = sample.lane.first(n);
            const auto scores = random_scores(n);
            for_each_disposal([&](const auto& policy) {
                for (std::size_t keep = 0; keep <= n; keep += 1 + n / 7) {
                    kv::lane_plan plan, again;
                    policy.dispose(sample.lane.place(), rows, scores, keep, plan);
                    policy.dispose(sample.lane.place(), rows, scores, keep, again);
                    REQUIRE(plan.kept.size() == keep);
                    REQUIRE(plan.kept == again.kept);
                    REQUIRE(plan.keys == again.keys);
                    for (std::size_t i = 0; i < keep; ++i) {
                        REQUIRE(plan.kept[i] < n);
                        if (i > 0) REQUIRE(plan.kept[i - 1] < plan.kept[i]);
                    }
                    REQUIRE((plan.keys.empty() || plan.keys.size() == keep * 12));
                    REQUIRE(plan.values.size() == plan.keys.size());
                    REQUIRE((plan.multiplicity.empty() || plan.multiplicity.size() == keep));
                    for (const float m : plan.multiplicity) REQUIRE(m >= 1);
                    for (const float v : plan.keys) REQUIRE(std::isfinite(v));
                }
            });
        }
}

TEST_CASE("Keeping everything changes nothing") {
    const auto sample = make_lane({.heads = 1, .head_size = 8, .tokens = 50, .run = 4});
    const auto scores = random_scores(50);
    for_each_disposal([&](const auto& policy) {
        kv::lane_plan plan;
        policy.dispose(sample.lane.place(), sample.lane.rows(), scores, 50, plan);
        const kv::lane_rows left(sample.lane.rows(), plan);
        for (std::size_t t = 0; t < 50; ++t)
            for (std::size_t c = 0; c < 8; ++c) {
                REQUIRE(std::abs(left.view().keys(t, c) - sample.lane.keys[t * 8 + c]) < 1e-5F);
                REQUIRE(std::abs(left.view().values(t, c) - sample.lane.values[t * 8 + c]) < 1e-5F);
            }
    });
}

TEST_CASE("Equal scores are evicted from the highest index down") {
    const auto sample = make_lane({.heads = 1, .head_size = 4, .tokens = 41});
    std::vector<float> scores(6, 1);
    scores[4] = 2;
    kv::lane_plan plan;
    kv::evict{}.dispose(sample.lane.place(), sample.lane.first(6), scores, 3, plan);
    REQUIRE(plan.kept == std::vector<std::uint32_t>{0, 1, 4});
    scores[0] = NAN;
    plan = {};
    kv::evict{}.dispose(sample.lane.place(), sample.lane.first(6), scores, 3, plan);
    REQUIRE(plan.kept == std::vector<std::uint32_t>{1, 2, 4});
}

TEST_CASE("Merging equal keys in a run leaves every softmax and every output as it was") {
    auto sample = make_lane({.heads = 1, .head_size = 16, .tokens = 80, .run = 4, .run_noise = 0});
    for (std::size_t t = 0; t < 80; ++t)  // values of a run are equal too
        for (std::size_t c = 0; c < 16; ++c)
            sample.lane.values[t * 16 + c] = sample.lane.values[t / 4 * 4 * 16 + c];
    for (const auto& policy : {kv::merge_runs{0.9F, 0}}) {
        kv::lane_plan plan;
        policy.dispose(sample.lane.place(), sample.lane.rows(), std::vector<float>(80, 1), 20, plan);
        REQUIRE(mass(plan) == 80);
        const kv::lane_rows left(sample.lane.rows(), plan);
        REQUIRE(kv::attention_error({1, 2, 16}, sample.held_out(), sample.lane.rows(), left.view()) < 1e-5);
    }
    kv::lane_plan plan;
    kv::accumulate_similar{}.dispose(sample.lane.place(), sample.lane.rows(), {}, 20, plan);
    const kv::lane_rows left(sample.lane.rows(), plan);
    REQUIRE(kv::attention_error({1, 2, 16}, sample.held_out(), sample.lane.rows(), left.view()) < 1e-5);
    kv::lane_plan pooled;
    kv::pool_neighbours{}.dispose(sample.lane.place(), sample.lane.rows(), {}, 20, pooled);
    const kv::lane_rows means(sample.lane.rows(), pooled);
    REQUIRE(kv::attention_error({1, 2, 16}, sample.held_out(), sample.lane.rows(), means.view()) < 1e-5);
}

TEST_CASE("Merged tokens add up their multiplicities, also those of earlier merges") {
    auto sample = make_lane({.heads = 1, .head_size = 8, .tokens = 60, .run = 6});
    sample.lane.multiplicity.assign(60, 2);
    const auto scores = random_scores(60);
    kv::lane_plan runs, pooled, accumulated, merged;
    kv::merge_runs{0.0F, 0}.dispose(sample.lane.place(), sample.lane.rows(), scores, 10, runs);
    kv::pool_neighbours{}.dispose(sample.lane.place(), sample.lane.rows(), scores, 7, pooled);
    kv::accumulate_similar{}.dispose(sample.lane.place(), sample.lane.rows(), scores, 13, accumulated);
    kv::evict_then_merge{100, -2}.dispose(sample.lane.place(), sample.lane.rows(), scores, 9, merged);
    REQUIRE(mass(runs) == 120);
    REQUIRE(mass(pooled) == 120);
    REQUIRE(mass(accumulated) == 120);
    REQUIRE(mass(merged) == 120);
}

TEST_CASE("Heavy hitters are never merged") {
    const auto sample = make_lane({.heads = 1, .head_size = 8, .tokens = 60, .run = 60, .run_noise = 0.01F});
    auto scores = random_scores(60);
    scores[17] = scores[18] = scores[40] = 5;
    kv::lane_plan plan;
    kv::merge_runs{0.5F, 0.5}.dispose(sample.lane.place(), sample.lane.rows(), scores, 7, plan);
    for (const std::uint32_t t : {17U, 18U, 40U}) {
        const auto at = std::find(plan.kept.begin(), plan.kept.end(), t) - plan.kept.begin();
        REQUIRE(static_cast<std::size_t>(at) < plan.kept.size());
        REQUIRE(plan.multiplicity[static_cast<std::size_t>(at)] == 1);
    }
}

TEST_CASE("Flagged tokens accumulate in the slot before them with their weights") {
    const auto sample = make_lane({.heads = 1, .head_size = 4, .tokens = 41});
    kv::lane_plan plan;
    const std::vector<std::uint8_t> flags{1, 1, 0, 0, 1};
    const std::vector<float> weights{1, 3, 1, 2, 2};
    kv::accumulate_flagged(sample.lane.first(5), flags, weights, plan);
    REQUIRE(plan.kept == std::vector<std::uint32_t>{0, 2, 3});
    REQUIRE(plan.multiplicity == std::vector<float>{2, 1, 2});
    const auto& k = sample.lane.keys;
    for (std::size_t c = 0; c < 4; ++c) {
        REQUIRE(std::abs(plan.keys[c] - (k[c] + 3 * k[4 + c]) / 4) < 1e-5F);
        REQUIRE(std::abs(plan.keys[4 + c] - k[8 + c]) < 1e-6F);
        REQUIRE(std::abs(plan.keys[8 + c] - (k[12 + c] + k[16 + c]) / 2) < 1e-5F);
    }
}

TEST_CASE("Low frequencies keep constants and slow waves, and full length is the identity") {
    const std::size_t n = 40;
    std::vector<float> x;
    for (std::size_t t = 0; t < n; ++t) {
        x.push_back(3);
        x.push_back(static_cast<float>(std::cos(3.14159265358979 * (static_cast<double>(t) + 0.5) * 3 / 40)));
        x.push_back(t % 2 == 0 ? 1.0F : -1.0F);
    }
    const view_2d<const float> rows(x.data(), n, 3, 3);
    for (const std::size_t to : {40U, 20U, 13U, 1U}) {
        std::vector<float> out;
        kv::low_pass(rows, to, out);
        REQUIRE(out.size() == to * 3);
        for (std::size_t i = 0; i < to; ++i) {
            REQUIRE(std::abs(out[3 * i] - 3) < 1e-5F);
            if (to >= 13) {
                const double slow =
                    std::cos(3.14159265358979 * (static_cast<double>(i) + 0.5) * 3 / static_cast<double>(to));
                REQUIRE(std::abs(double{out[3 * i + 1]} - slow) < 1e-5);
            }
            if (to == 40) REQUIRE(std::abs(out[3 * i + 2] - x[3 * i + 2]) < 1e-4F);
            if (to == 13) REQUIRE(std::abs(out[3 * i + 2]) < 0.4F);
        }
    }
}

TEST_CASE("No key of a page has a larger product with a query than the page's bound") {
    const auto sample = make_lane({.heads = 1, .head_size = 12, .tokens = 75});
    kv::page_bounds pages(12, 16);
    for (std::size_t t = 0; t < 75; ++t) pages.append(kv::head_of_row(sample.lane.rows().keys, t, 0, 12));
    REQUIRE(pages.pages() == 5);
    for (std::size_t i = 0; i < 20; ++i) {
        const auto q = kv::head_of_row(sample.held_out(), i, 0, 12);
        for (std::size_t t = 0; t < 75; ++t) {
            double dot = 0;
            for (std::size_t j = 0; j < 12; ++j) dot += double{q[j]} * double{sample.lane.keys[t * 12 + j]};
            REQUIRE(dot <= double{pages.bound(q, t / 16)} + 1e-4);
        }
    }
}

TEST_CASE(
    "Page reading reads sinks, window and the best pages, no more than asked, and all of dense layers") {
    auto sample = make_lane({.heads = 1, .head_size = 16, .tokens = 200});
    kv::lane_view rows = sample.lane.rows();
    rows.movable_first = 4;
    rows.movable_count = 200 - 4 - 20;
    const kv::page_reading policy{.tokens = 72, .page = 4, .dense = 2};
    const auto queries = rows.keys.block(100, 0, 2, 16);  // what tokens 100 and 101 would answer to
    std::vector<std::uint8_t> chosen(200, 1);
    policy.read(sample.lane.place(), 1, queries, rows, chosen);
    REQUIRE(std::accumulate(chosen.begin(), chosen.end(), 0) == 200);
    policy.read(sample.lane.place(), 2, queries, rows, chosen);
    REQUIRE(std::accumulate(chosen.begin(), chosen.end(), 0) <= 72);
    REQUIRE(std::accumulate(chosen.begin(), chosen.end(), 0) >= 24 + 11 * 4 + 1);
    for (std::size_t t = 0; t < 200; ++t)
        if (t < 4 || t >= 180) REQUIRE(chosen[t] == 1);
    REQUIRE(chosen[100] + chosen[101] == 2);
}
