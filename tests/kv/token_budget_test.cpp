#include "support/catch.hpp"

#include <cmath>
#include <numeric>

#include <pith/kv/entropy_budget.hpp>
#include <pith/kv/token_budget.hpp>

#include "retention_samples.hpp"

using namespace pith;
using namespace samples;

namespace {

/// Lanes of one head with different numbers of tokens and scores.
struct demands {
    std::vector<lane_with_queries> data;
    std::vector<std::vector<float>> scores;
    std::vector<kv::lane_demand> lanes;

    demands(std::size_t layers, std::size_t heads, std::size_t least, std::size_t most,
            std::uint64_t seed = 1) {
        random_sequence draw(seed);
        for (std::size_t i = 0; i < layers * heads; ++i) {
            const std::size_t n = least + draw.below(static_cast<std::uint32_t>(most - least + 1));
            data.push_back(
                make_lane({.head_size = 8, .tokens = std::max<std::size_t>(n, 41), .seed = seed + i}));
            scores.emplace_back();
            for (std::size_t t = 0; t < n; ++t) scores.back().push_back(std::exp(4 * draw.uniform()));
        }
        for (std::size_t i = 0; i < data.size(); ++i)
            lanes.push_back({{i, i / heads, 1, i % heads, 1, kv::shape{layers, heads, heads, 8}},
                             data[i].lane.first(scores[i].size()),
                             scores[i]});
    }
    [[nodiscard]] std::size_t tokens() const {
        std::size_t sum = 0;
        for (const auto& s : scores) sum += s.size();
        return sum;
    }
};

template <class F>
void for_each_budget(F f) {
    f(kv::uniform_budget{});
    f(kv::pyramid_budget{});
    f(kv::pyramid_budget{1});
    f(kv::grouped_pyramid_budget{2});
    f(kv::weighted_budget{{0, 3, 1.5, 0, 1e-9, 7}});
    f(kv::prefix_budget{});
    f(kv::head_share_budget{});
    f(kv::head_share_budget{1});
    f(kv::entropy_stages_budget{});
    f(kv::entropy_stages_budget{2, 8, 3});
}

std::size_t sum_of(const std::vector<std::size_t>& x) {
    return std::accumulate(x.begin(), x.end(), std::size_t{0});
}

}  // namespace

TEST_CASE("Every budget meets every total exactly and gives no lane more than it has") {
    for (const auto& [layers, heads, least, most] :
         {std::array<std::size_t, 4>{1, 1, 20, 20}, {3, 2, 0, 30}, {5, 3, 7, 7}, {6, 1, 1, 60}}) {
        const demands d(layers, heads, least, most);
        for_each_budget([&](const auto& budget) {
            for (std::size_t total = 0; total <= d.tokens() + 3; total += 1 + total / 9) {
                const auto kept = budget.allocate(d.lanes, total);
                REQUIRE(kept.size() == d.lanes.size());
                REQUIRE(sum_of(kept) == std::min(total, d.tokens()));
                for (std::size_t i = 0; i < kept.size(); ++i) REQUIRE(kept[i] <= d.scores[i].size());
            }
            REQUIRE(sum_of(budget.allocate(d.lanes, d.tokens())) == d.tokens());
            REQUIRE(budget.allocate({}, 10).empty());
        });
    }
}

TEST_CASE("Shares are apportioned by largest remainders under caps") {
    const std::vector<double> weights{5, 3, 1, 0};
    const std::vector<std::size_t> wide{100, 100, 100, 100}, tight{2, 100, 1, 100};
    REQUIRE(kv::apportion(weights, wide, 9) == std::vector<std::size_t>{5, 3, 1, 0});
    REQUIRE(kv::apportion(weights, wide, 10) == std::vector<std::size_t>{6, 3, 1, 0});
    REQUIRE(kv::apportion(weights, tight, 20) == std::vector<std::size_t>{2, 17, 1, 0});
    REQUIRE(kv::apportion(weights, tight, 110) == std::vector<std::size_t>{2, 100, 1, 7});
    REQUIRE(kv::apportion(std::vector<double>(3), std::vector<std::size_t>{9, 9, 9}, 7) ==
            std::vector<std::size_t>{3, 2, 2});
}

TEST_CASE("Random shares stay within one of the exact quota where no cap binds") {
    random_sequence draw(4);
    for (int trial = 0; trial < 300; ++trial) {
        std::vector<double> weights(1 + draw.below(12));
        for (double& w : weights) w = draw.uniform_double();
        const std::vector<std::size_t> caps(weights.size(), 5000);
        const std::size_t total = draw.below(4000);
        const auto parts = kv::apportion(weights, caps, total);
        REQUIRE(sum_of(parts) == total);
        const double sum = std::accumulate(weights.begin(), weights.end(), 0.0);
        for (std::size_t i = 0; i < parts.size(); ++i)
            REQUIRE(std::abs(static_cast<double>(parts[i]) - weights[i] / sum * static_cast<double>(total)) <=
                    1 + 1e-9);
    }
}

TEST_CASE("A pyramid falls linearly from 2k - k/beta to k/beta") {
    const demands d(5, 1, 60, 60);
    const auto kept = kv::pyramid_budget{20}.allocate(d.lanes, 100);  // k = 20
    REQUIRE(kept.front() == 39);
    REQUIRE(kept.back() == 1);
    for (std::size_t i = 1; i < 5; ++i)
        REQUIRE(std::abs(static_cast<double>(kept[i - 1] - kept[i]) - 9.5) <= 0.5);
    const auto groups =
        kv::grouped_pyramid_budget{2, 20}.allocate(d.lanes, 119);  // weights 1.95 1.95 1 1 .05
    REQUIRE(groups[0] - groups[1] <= 1);
    REQUIRE(groups[2] - groups[3] <= 1);
    REQUIRE(groups[1] > groups[2]);
}

TEST_CASE("A prefix budget gives each lane the smallest prefix that reaches one common share") {
    const demands d(6, 1, 30, 60);
    const auto kept = kv::prefix_budget{}.allocate(d.lanes, 120);
    double most_before = 0, least_after = 1;
    for (std::size_t i = 0; i < kept.size(); ++i) {
        auto sorted = d.scores[i];
        std::sort(sorted.rbegin(), sorted.rend());
        const double sum = std::accumulate(sorted.begin(), sorted.end(), 0.0);
        const auto end = sorted.begin() + static_cast<std::ptrdiff_t>(kept[i]);
        const double reached = std::accumulate(sorted.begin(), end, 0.0) / sum;
        least_after = std::min(least_after, reached);
        if (kept[i] > 0) most_before = std::max(most_before, reached - double{*(end - 1)} / sum);
    }
    REQUIRE(most_before <= least_after + 1e-6);  // any share between the two gives these prefixes
}

TEST_CASE("Heads of a layer compete for its budget, down to a safeguard") {
    demands d(2, 2, 50, 50);
    for (float& s : d.scores[1]) s *= 1000;
    for (std::size_t i = 0; i < 4; ++i) d.lanes[i].scores = d.scores[i];
    const auto kept = kv::head_share_budget{0.2}.allocate(d.lanes, 80);
    REQUIRE(kept[0] == 4);
    REQUIRE(kept[1] == 36);
    REQUIRE(kept[2] + kept[3] == 40);
}

TEST_CASE("Matrix entropy is one for isotropic keys and small for keys of few directions") {
    auto wide = make_lane({.head_size = 8, .tokens = 2000}), narrow = wide;
    for (std::size_t t = 0; t < 2000; ++t)
        for (std::size_t j = 2; j < 8; ++j) narrow.lane.keys[t * 8 + j] *= 0.01F;
    const double full = kv::truncated_matrix_entropy(wide.lane.rows().keys, 0, 8);
    const double low = kv::truncated_matrix_entropy(narrow.lane.rows().keys, 0, 8);
    REQUIRE(full <= 1);
    REQUIRE(low < 0.5);
    REQUIRE(low >= 0);
    const std::vector<float> equal(80, 3.0F);
    REQUIRE(kv::truncated_matrix_entropy({equal.data(), 10, 8, 8}, 0, 8) == 0);
    REQUIRE(kv::truncated_matrix_entropy({equal.data(), 1, 8, 8}, 0, 8) == 0);
}

TEST_CASE("Layers and heads whose keys use more directions get more tokens") {
    demands d(4, 2, 200, 200);
    const auto flatten = [&](std::size_t lane) {
        for (std::size_t t = 0; t < 200; ++t)
            for (std::size_t j = 2; j < 8; ++j) d.data[lane].lane.keys[t * 8 + j] *= 0.01F;
    };
    flatten(2), flatten(3), flatten(5);
    const auto kept = kv::entropy_stages_budget{4, 20, 2}.allocate(d.lanes, 400);
    REQUIRE(kept[2] + kept[3] < kept[4] + kept[5]);
    REQUIRE(kept[4] + kept[5] < kept[0] + kept[1]);
    REQUIRE(kept[4] > kept[5]);
}
