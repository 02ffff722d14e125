#include "support/catch.hpp"

#include <cmath>
#include <numeric>

#include <pith/kv/retention.hpp>
#include <pith/kv/saliency_accumulated.hpp>
#include <pith/kv/saliency_expected.hpp>
#include <pith/kv/saliency_geometry.hpp>
#include <pith/kv/saliency_subspace.hpp>
#include <pith/kv/saliency_window.hpp>

#include "retention_samples.hpp"

using namespace pith;
using namespace samples;

namespace {

/// Calls f with one policy of every kind.
template <class F>
void for_each_saliency(F f) {
    f(kv::accumulated_attention());
    f(kv::normalized_attention());
    f(kv::normalized_attention({.recent = 0.2, .random = 0.3, .most_recent = 9, .seed = 3}));
    f(kv::global_local_attention(5));
    f(kv::observation_window(8, kv::pooling::max, 5));
    f(kv::observation_window(16, kv::pooling::mean, 7));
    f(kv::observation_window(1));
    f(kv::run_scores<kv::observation_window>(kv::observation_window(4)));
    f(kv::key_norm());
    f(kv::value_norm());
    f(kv::key_difference());
    f(kv::lag_relative(16));
    f(kv::expected_attention());
    f(kv::subspace_residual({.window = 4, .frame = 12, .rank = 6}));
}

template <class S>
std::vector<float> scores_of(const S& policy, const lane_sample& lane, const kv::lane_view& rows) {
    std::vector<float> out(rows.tokens());
    policy.score(lane.place(), rows, out);
    return out;
}

const lane_traits small{.heads = 2, .head_size = 12, .tokens = 90};

}  // namespace

TEST_CASE("Every saliency gives the same scores however tokens were batched") {
    const auto sample = make_lane(small);
    for_each_saliency([&](const auto& policy) {
        auto whole = policy, single = policy, odd = policy;
        sample.lane.show(whole, 90);
        sample.lane.show(single, 1);
        sample.lane.show(odd, 7);
        const auto expected = scores_of(whole, sample.lane, sample.lane.middle());
        REQUIRE(scores_of(single, sample.lane, sample.lane.middle()) == expected);
        REQUIRE(scores_of(odd, sample.lane, sample.lane.middle()) == expected);
        for (const float v : expected) REQUIRE(std::isfinite(v));
    });
}

TEST_CASE("Scores of nothing, of one token and before any query are finite") {
    const auto sample = make_lane(small);
    for_each_saliency([&](auto policy) {
        REQUIRE(scores_of(policy, sample.lane, sample.lane.first(0)).empty());
        for (const float v : scores_of(policy, sample.lane, sample.lane.first(9))) REQUIRE(std::isfinite(v));
        sample.lane.show(policy, 90);
        REQUIRE(std::isfinite(scores_of(policy, sample.lane, sample.lane.first(1))[0]));
    });
}

TEST_CASE("Lanes do not share what was observed") {
    const auto sample = make_lane(small),
               other = make_lane({.heads = 2, .head_size = 12, .tokens = 90, .seed = 8});
    for_each_saliency([&](const auto& policy) {
        auto alone = policy, both = policy;
        sample.lane.show(alone, 90);
        sample.lane.show(both, 90);
        kv::lane_place second = other.lane.place();
        second.index = 1;
        both.observe(second, other.lane.queries_from(0, 90), other.lane.rows());
        REQUIRE(scores_of(both, sample.lane, sample.lane.rows()) ==
                scores_of(alone, sample.lane, sample.lane.rows()));
    });
}

TEST_CASE("Queries that come later change no score of a copy made before") {
    const auto sample = make_lane(small);
    for_each_saliency([&](auto policy) {
        policy.observe(sample.lane.place(), sample.lane.queries_from(0, 60), sample.lane.first(60));
        const auto before = policy;
        const auto expected = scores_of(before, sample.lane, sample.lane.first(40));
        policy.observe(sample.lane.place(), sample.lane.queries_from(60, 30), sample.lane.rows());
        REQUIRE(scores_of(before, sample.lane, sample.lane.first(40)) == expected);
    });
}

TEST_CASE("Accumulated attention is the sum of the columns of the attention matrix") {
    const auto sample = make_lane({.heads = 1, .head_size = 8, .tokens = 30});
    kv::accumulated_attention policy;
    sample.lane.show(policy, 4);
    const auto scores = scores_of(policy, sample.lane, sample.lane.rows());
    // Every row of softmax adds up to one: 30 queries of two heads.
    REQUIRE(std::abs(std::accumulate(scores.begin(), scores.end(), 0.0) - 60) < 1e-3);
    std::vector<double> columns(30);
    for (std::size_t i = 0; i < 30; ++i)
        for (std::size_t g = 0; g < 2; ++g) {
            double sum = 0;
            std::vector<double> w(i + 1);
            for (std::size_t t = 0; t <= i; ++t) {
                double dot = 0;
                for (std::size_t j = 0; j < 8; ++j)
                    dot += double{sample.lane.queries[(2 * i + g) * 8 + j]} *
                           double{sample.lane.keys[t * 8 + j]};
                sum += w[t] = std::exp(dot / std::sqrt(8.0));
            }
            for (std::size_t t = 0; t <= i; ++t) columns[t] += w[t] / sum;
        }
    for (std::size_t t = 0; t < 30; ++t) REQUIRE(std::abs(columns[t] - double{scores[t]}) < 1e-4);
}

TEST_CASE("Scores stay with their tokens when others leave") {
    const auto sample = make_lane(small);
    kv::accumulated_attention policy;
    sample.lane.show(policy, 90);
    kv::lane_plan plan;
    plan.kept = {1, 5, 6, 40, 80, 89};
    const kv::lane_rows left(sample.lane.rows(), plan);
    const auto all = scores_of(policy, sample.lane, sample.lane.rows());
    const auto some = scores_of(policy, sample.lane, left.view());
    for (std::size_t i = 0; i < plan.kept.size(); ++i) REQUIRE(some[i] == all[plan.kept[i]]);
}

TEST_CASE("A token that stands for many draws the attention of many") {
    auto sample = make_lane({.heads = 1, .head_size = 8, .tokens = 20});
    kv::accumulated_attention plain, merged;
    sample.lane.show(plain, 20);
    sample.lane.multiplicity.assign(20, 1);
    sample.lane.multiplicity[7] = 50;
    sample.lane.show(merged, 20);
    REQUIRE(scores_of(merged, sample.lane, sample.lane.rows())[7] >
            3 * scores_of(plain, sample.lane, sample.lane.rows())[7]);
}

TEST_CASE("Normalized attention does not favour early tokens, accumulated attention does") {
    // Equal keys: every query spreads its attention evenly over what it sees.
    auto sample = make_lane({.heads = 1, .head_size = 8, .tokens = 200});
    std::fill(sample.lane.keys.begin(), sample.lane.keys.end(), 0.5F);
    kv::accumulated_attention sums;
    kv::normalized_attention means({.recent = 0.05, .random = 0.3});
    sample.lane.show(sums, 200);
    sample.lane.show(means, 200);
    const auto a = scores_of(sums, sample.lane, sample.lane.first(180));
    const auto b = scores_of(means, sample.lane, sample.lane.first(180));
    REQUIRE(a[0] > 10 * a[170]);
    REQUIRE(b[0] < 5 * b[170]);
}

TEST_CASE("The random probes follow the seed") {
    const auto sample = make_lane(small);
    kv::normalized_attention a({.seed = 1}), b({.seed = 1}), c({.random = 0.2, .seed = 2}),
        d({.random = 0.2, .seed = 9});
    for (auto* p : {&a, &b, &c, &d}) sample.lane.show(*p, 90);
    const auto rows = sample.lane.first(60);
    REQUIRE(scores_of(a, sample.lane, rows) == scores_of(b, sample.lane, rows));
    REQUIRE(scores_of(c, sample.lane, rows) != scores_of(d, sample.lane, rows));
}

TEST_CASE("Pooling takes the mean or the largest of the neighbours there are") {
    const std::vector<float> in{1, 5, 2, 0, 0, 7};
    std::vector<float> out(6);
    kv::pool(in, kv::pooling::max, 3, out);
    REQUIRE(out == std::vector<float>{5, 5, 5, 2, 7, 7});
    kv::pool(in, kv::pooling::mean, 3, out);
    REQUIRE(out[0] == 3.0F);
    REQUIRE(std::abs(out[2] - 7.0F / 3) < 1e-6F);
    kv::pool(in, kv::pooling::none, 5, out);
    REQUIRE(out == in);
}

TEST_CASE("Heads without a vote have no influence on an observation window") {
    auto sample = make_lane(small);
    kv::observation_window policy(8);
    policy.weigh_heads({0, 1, 0, 0});
    auto other = policy;
    sample.lane.show(policy, 90);
    const auto expected = scores_of(policy, sample.lane, sample.lane.rows());
    for (std::size_t t = 0; t < 90; ++t)  // the other query heads look elsewhere
        for (const std::size_t g : {0U, 2U, 3U})
            for (std::size_t j = 0; j < 12; ++j) sample.lane.queries[(t * 4 + g) * 12 + j] *= -2;
    sample.lane.show(other, 90);
    REQUIRE(scores_of(other, sample.lane, sample.lane.rows()) == expected);
}

TEST_CASE("Runs of tokens share one score") {
    const auto sample = make_lane(small);
    kv::run_scores<kv::observation_window, 8> policy{kv::observation_window(4)};
    sample.lane.show(policy, 90);
    const auto scores = scores_of(policy, sample.lane, sample.lane.rows());
    for (std::size_t t = 0; t < 90; ++t) REQUIRE(scores[t] == scores[t / 8 * 8]);
    REQUIRE(scores[0] != scores[8]);
}

TEST_CASE("Scores from keys alone move with their tokens under any permutation") {
    const auto sample = make_lane(small);
    std::vector<std::size_t> order(90);
    std::iota(order.begin(), order.end(), std::size_t{0});
    random_sequence draw(5);
    for (std::size_t i = 89; i > 0; --i)
        std::swap(order[i], order[draw.below(static_cast<std::uint32_t>(i + 1))]);
    auto shuffled = sample.lane;
    for (std::size_t t = 0; t < 90; ++t)
        for (std::size_t c = 0; c < 24; ++c) {
            shuffled.keys[t * 24 + c] = sample.lane.keys[order[t] * 24 + c];
            shuffled.values[t * 24 + c] = sample.lane.values[order[t] * 24 + c];
        }
    const auto check = [&](const auto& policy) {
        const auto a = scores_of(policy, sample.lane, sample.lane.rows());
        const auto b = scores_of(policy, shuffled, shuffled.rows());
        for (std::size_t t = 0; t < 90; ++t) REQUIRE(std::abs(b[t] - a[order[t]]) < 1e-5F);
    };
    check(kv::key_norm());
    check(kv::value_norm());
    check(kv::key_difference());
}

TEST_CASE("Short keys, and keys unlike the others, score high") {
    auto sample = make_lane({.heads = 1, .head_size = 8, .tokens = 40});
    for (std::size_t t = 0; t < 40; ++t)
        for (std::size_t j = 0; j < 8; ++j)
            sample.lane.keys[t * 8 + j] =
                (j == 0 ? 4.0F : 0.1F) + 0.01F * static_cast<float>((t * 7 + j) % 5);
    for (std::size_t j = 0; j < 8; ++j) sample.lane.keys[11 * 8 + j] *= 0.5F;
    sample.lane.keys[23 * 8] = -4;
    REQUIRE(kv::ranking(scores_of(kv::key_norm(), sample.lane, sample.lane.rows()))[0] == 11);
    REQUIRE(kv::ranking(scores_of(kv::key_difference(), sample.lane, sample.lane.rows()))[0] == 23);
}

TEST_CASE("Lag-relative ranks are spread evenly over every run, and the newest rows stand above") {
    const auto sample = make_lane({.heads = 1, .head_size = 8, .tokens = 70});
    auto scores = scores_of(kv::lag_relative(16), sample.lane, sample.lane.rows());
    for (std::size_t t = 48; t < 70; ++t) REQUIRE(scores[t] == 2.0F);
    for (std::size_t r = 0; r < 3; ++r) {
        std::sort(scores.begin() + static_cast<std::ptrdiff_t>(16 * r),
                  scores.begin() + static_cast<std::ptrdiff_t>(16 * r + 16));
        for (std::size_t i = 0; i < 16; ++i) REQUIRE(scores[16 * r + i] == static_cast<float>(i) / 16);
    }
}

TEST_CASE("Old keys in the span of the current frame's keys lose against others") {
    auto sample = make_lane({.heads = 1, .head_size = 16, .tokens = 60, .heavy = 0});
    for (std::size_t t = 0; t < 60; ++t)
        for (std::size_t j = 0; j < 16; ++j)  // the frame and even old tokens live in the first 4 channels
            if ((t >= 44 || t % 2 == 0) == (j >= 4)) sample.lane.keys[t * 16 + j] = 0;
    kv::subspace_residual policy({.window = 8, .frame = 16, .rank = 8});
    sample.lane.show(policy, 60);
    const auto scores = scores_of(policy, sample.lane, sample.lane.rows());
    for (std::size_t t = 0; t < 44; t += 2) {
        REQUIRE(scores[t] < 1e-2F);
        REQUIRE(scores[t + 1] > 0.1F);
    }
}

TEST_CASE("Expected attention finds the tokens that queries like on average") {
    auto sample = make_lane({.heads = 1, .head_size = 16, .tokens = 128, .heavy = 1, .seed = 3});
    kv::expected_attention policy;
    sample.lane.show(policy, 128);
    const auto order = kv::ranking(scores_of(policy, sample.lane, sample.lane.middle()));
    const auto place = std::find(order.begin(), order.end(), sample.heavy[0] - 4) - order.begin();
    REQUIRE(place < 3);
}
