// Directions that the literature claims, on synthetic lanes with queries that no policy has seen.
#include "support/catch.hpp"

#include <algorithm>
#include <cmath>

#include <pith/kv/merging.hpp>
#include <pith/kv/pages.hpp>
#include <pith/kv/pooling.hpp>
#include <pith/kv/saliency_accumulated.hpp>
#include <pith/kv/saliency_window.hpp>

#include "retention_samples.hpp"

using namespace pith;
using namespace samples;

namespace {

constexpr std::size_t window = 16;

template <class S>
std::vector<float> middle_scores(S policy, const lane_sample& lane) {
    lane.show(policy, 16);
    std::vector<float> out(lane.middle(window).tokens());
    policy.score(lane.place(), lane.middle(window), out);
    return out;
}

template <class D = kv::evict>
double error_after(const lane_with_queries& sample, const std::vector<float>& scores, std::size_t keep,
                   const D& policy = {}) {
    kv::lane_plan plan;
    policy.dispose(sample.lane.place(), sample.lane.middle(window), scores, keep, plan);
    return sample.error_of(plan);
}

std::vector<float> random_scores(std::size_t n) {
    random_sequence draw(77);
    std::vector<float> out(n);
    for (float& v : out) v = draw.uniform();
    return out;
}

std::vector<float> recency(std::size_t n) {
    std::vector<float> out(n);
    for (std::size_t t = 0; t < n; ++t) out[t] = static_cast<float>(t);
    return out;
}

/// Asymmetric 2-bit codes in groups of 32: 3 bits a value with half floats as scale and zero.
void coarsen(std::span<float> row) {
    for (std::size_t at = 0; at < row.size(); at += 32) {
        const auto group = row.subspan(at, 32);
        const auto [low, high] = std::minmax_element(group.begin(), group.end());
        const float zero = *low, step = (*high - *low) / 3;
        for (float& v : group) v = step > 0 ? zero + step * std::round((v - zero) / step) : zero;
    }
}

struct precision_errors {
    double evicted = 0, coarse = 0, mixed = 0;
};

/// At 3.65 bits a value of the middle: eviction alone; all tokens at 3 bits (cheaper); a twentieth exact, the
/// others at 3 bits.
precision_errors compare_precision(bool shifted) {
    precision_errors out;
    for (std::uint64_t seed = 1; seed <= 4; ++seed) {
        const auto sample =
            make_lane({.head_size = 64, .tokens = 320, .heavy = 24, .shifted = shifted, .seed = seed});
        const auto scores = middle_scores(kv::accumulated_attention(), sample.lane);
        const std::size_t n = scores.size(), c = sample.lane.columns();
        out.evicted += error_after(sample, scores, n * 365 / 1600) / 4;
        for (const bool important : {false, true}) {
            auto coded = sample.lane;
            const auto exact = kv::highest(scores, important ? n / 20 : 0);
            for (std::size_t t = 0; t < n; ++t) {
                if (std::find(exact.begin(), exact.end(), t) != exact.end()) continue;
                coarsen(std::span(coded.keys).subspan((4 + t) * c, c));
                coarsen(std::span(coded.values).subspan((4 + t) * c, c));
            }
            (important ? out.mixed : out.coarse) +=
                kv::attention_error({1, 2, c}, sample.held_out(), sample.lane.rows(), coded.rows()) / 4;
        }
    }
    return out;
}

}  // namespace

TEST_CASE(
    "Accumulated attention keeps what later queries need: far better than random tokens or the newest") {
    double heavy = 0, random = 0, newest = 0;
    for (std::uint64_t seed = 1; seed <= 4; ++seed) {
        const auto sample = make_lane({.head_size = 64, .tokens = 320, .seed = seed});
        const std::size_t n = sample.lane.middle(window).tokens();
        heavy += error_after(sample, middle_scores(kv::accumulated_attention(), sample.lane), 40);
        random += error_after(sample, random_scores(n), 40);
        newest += error_after(sample, recency(n), 40);
    }
    INFO("H2O " << heavy / 4 << ", random " << random / 4 << ", newest " << newest / 4);
    REQUIRE(heavy < 0.5 * random);
    REQUIRE(heavy < 0.5 * newest);
}

TEST_CASE(
    "An observation window finds a passage that only the question asks for; a window of tokens does not") {
    auto sample = make_lane({.head_size = 64, .tokens = 320, .heavy = 8, .seed = 6});
    lane_sample& lane = sample.lane;
    const std::size_t c = lane.columns(), needle = 150;
    const auto ask = [&](float* query) {  // the passage of 6 tokens, by its middle
        for (std::size_t j = 0; j < c; ++j)
            query[j] = 1.2F * lane.keys[(needle + 3) * c + j] + 0.3F * lane.keys[j];
    };
    for (std::size_t t = needle; t < needle + 6; ++t)
        for (std::size_t j = 0; j < c; ++j)
            lane.keys[t * c + j] = 0.9F * lane.keys[(needle + 3) * c + j] + 0.2F * lane.keys[t * c + j];
    for (std::size_t t = lane.tokens - 8; t < lane.tokens; ++t)
        for (std::size_t g = 0; g < 2; ++g) ask(&lane.queries[(2 * t + g) * c]);
    for (std::size_t i = 0; i < 64; ++i) ask(&sample.later[i * c]);
    const auto seen = middle_scores(kv::observation_window(8, kv::pooling::max, 5), lane);
    const double found = error_after(sample, seen, 24);
    const double lost = error_after(sample, recency(seen.size()), 24);
    const double heavy = error_after(sample, middle_scores(kv::accumulated_attention(), lane), 24);
    INFO("SnapKV " << found << ", newest " << lost << ", H2O " << heavy);
    REQUIRE(found < 0.3 * lost);
    REQUIRE(found <= heavy);
}

TEST_CASE("Merging beats evicting at equal tokens where runs of similar keys exist") {
    double merged = 0, evicted = 0, counted = 0;
    for (std::uint64_t seed = 1; seed <= 4; ++seed) {
        const auto sample = make_lane(
            {.head_size = 64, .tokens = 320, .heavy = 24, .run = 5, .run_noise = 0.1F, .seed = seed});
        const auto scores = middle_scores(kv::accumulated_attention(), sample.lane);
        evicted += error_after(sample, scores, 64);
        merged += error_after(sample, scores, 64, kv::merge_runs{});
        kv::lane_plan plan;
        kv::merge_runs{}.dispose(sample.lane.place(), sample.lane.middle(window), scores, 64, plan);
        plan.multiplicity.assign(plan.kept.size(), 1);
        counted += sample.error_of(plan);
    }
    INFO("merged " << merged / 4 << ", without multiplicity " << counted / 4 << ", evicted " << evicted / 4);
    REQUIRE(merged < evicted);
    REQUIRE(merged < counted);
}

TEST_CASE("Few bits for all tokens beat eviction at equal bytes when later queries ask for other tokens") {
    const precision_errors shifted = compare_precision(true), steady = compare_precision(false);
    INFO("later queries differ: evicted " << shifted.evicted << ", 3 bits " << shifted.coarse << ", mixed "
                                          << shifted.mixed);
    INFO("they do not: evicted " << steady.evicted << ", 3 bits " << steady.coarse << ", mixed "
                                 << steady.mixed);
    REQUIRE(shifted.mixed < 0.7 * shifted.evicted);
    REQUIRE(steady.mixed < steady.coarse);
}

TEST_CASE("Reading the best pages loses less than reading as many of the newest tokens") {
    double pages = 0, newest = 0;
    for (std::uint64_t seed = 1; seed <= 4; ++seed) {
        const auto sample = make_lane({.head_size = 64, .tokens = 320, .seed = seed});
        const std::size_t d = sample.lane.head_size;
        kv::lane_view rows = sample.lane.rows();
        rows.movable_first = 4;
        rows.movable_count = 320 - 4 - window;
        for (std::size_t i = 0; i < 32; ++i) {
            const view_2d<const float> one(sample.later.data() + 2 * i * d, 2, d, d),
                both(one.data(), 1, 2 * d, 2 * d);
            std::vector<std::uint8_t> chosen(320, 1);
            kv::page_reading{.tokens = 100, .page = 4, .dense = 0}.read(sample.lane.place(), 0, one, rows,
                                                                        chosen);
            kv::lane_plan read, last;
            for (std::uint32_t t = 0; t < 320; ++t) {
                if (chosen[t] != 0) read.kept.push_back(t);
                if (t < 4 || t >= 320 - 96) last.kept.push_back(t);
            }
            const kv::lane_rows a(rows, read), b(rows, last);
            pages += kv::attention_error({1, 2, d}, both, rows, a.view());
            newest += kv::attention_error({1, 2, d}, both, rows, b.view());
        }
    }
    INFO("pages " << pages / 128 << ", newest " << newest / 128);
    REQUIRE(pages < 0.8 * newest);
}
