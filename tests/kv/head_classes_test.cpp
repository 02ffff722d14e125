#include "support/catch.hpp"

#include <cmath>
#include <numeric>

#include <pith/core/random.hpp>
#include <pith/kv/head_classes.hpp>
#include <pith/kv/saliency_accumulated.hpp>

using namespace pith;

namespace {

/// Two layers of two KV heads with two query heads each. In layer 0, query head 3 asks for one distant token;
/// KV head 1 of layer 1 attends to itself and what is near, its head 0 to three fixed tokens.
kv::calibration sample_text(std::size_t n = 120) {
    kv::calibration c{kv::shape{2, 2, 4, 16}, kv::rope{}, {}, {}, {}, {}};
    random_sequence draw(3);
    const auto noise = [&](std::size_t count, float scale) {
        std::vector<float> out(count);
        for (float& v : out) v = scale * static_cast<float>(draw.gaussian());
        return out;
    };
    for (std::size_t l = 0; l < 2; ++l) {
        c.keys.push_back(noise(n * 32, 0.3F));
        c.values.push_back(noise(n * 32, 1));
        c.queries.push_back(noise(n * 64, 0.3F));
    }
    for (std::size_t t = 0; t < n; ++t) {
        c.positions.push_back(static_cast<std::uint32_t>(t));
        if (t == 20) c.keys[0][t * 32 + 16] = 9;     // KV head 1, channel 0
        c.queries[0][(t * 4 + 3) * 16] = 6;          // query head 3 asks for it
        if (t % 40 == 7) c.keys[1][t * 32 + 1] = 8;  // KV head 0: three columns
        for (const std::size_t g : {0U, 1U}) c.queries[1][(t * 4 + g) * 16 + 1] = 6;
        const double angle = 0.2 * static_cast<double>(t);  // KV head 1: keys and queries turn together
        for (float* const part :
             {&c.keys[1][t * 32 + 16], &c.queries[1][(t * 4 + 2) * 16], &c.queries[1][(t * 4 + 3) * 16]}) {
            part[0] = static_cast<float>(6 * std::cos(angle));
            part[1] = static_cast<float>(6 * std::sin(angle));
        }
    }
    return c;
}

}  // namespace

TEST_CASE("Heads that attend to distant tokens are found and vote") {
    const auto votes = kv::retrieval_votes(sample_text(), 1);
    REQUIRE(votes.size() == 8);
    REQUIRE(votes[3] == 1);
    REQUIRE(std::accumulate(votes.begin(), votes.begin() + 4, 0.0F) == 1);
    REQUIRE(std::accumulate(votes.begin() + 4, votes.end(), 0.0F) == 1);
    const auto all = kv::retrieval_votes(sample_text(), 9);
    REQUIRE(std::accumulate(all.begin(), all.end(), 0.0F) == 8);
}

TEST_CASE("The share of attention on a passage is measured for each head") {
    const kv::calibration text = sample_text();
    const kv::rotated_sample sample(text, 0, 120);
    const auto shares = kv::retrieval_shares(kv::layout_of(sample.place()),
                                             sample.queries().block(100, 0, 20, 64), sample.rows(), 20, 1, 0);
    REQUIRE(shares.size() == 4);
    REQUIRE(shares[3] > 0.9F);
    for (std::size_t g = 0; g < 3; ++g) REQUIRE(shares[g] < 0.1F);
}

TEST_CASE("Heads whose attention stands in columns are told from those that follow the distance") {
    const auto flags = kv::contextual_heads(sample_text());
    REQUIRE(flags == std::vector<std::uint8_t>{0, 1, 1, 0});
    kv::pattern_scores<kv::accumulated_attention> policy(flags);
    const kv::calibration text = sample_text();
    const kv::rotated_sample sample(text, 0, 120);
    kv::lane_place place = sample.place();
    std::vector<float> scores(120);
    place.index = 3;
    policy.score(place, sample.rows(), scores);
    for (std::size_t t = 1; t < 120; ++t) REQUIRE(scores[t] > scores[t - 1]);
    place.index = 1;
    policy.score(place, sample.rows(), scores);
    REQUIRE(std::accumulate(scores.begin(), scores.end(), 0.0F) == 0);
}

TEST_CASE("Eviction errors vanish when everything stays and grow as less does") {
    const kv::calibration text = sample_text();
    for (const double e : kv::eviction_errors(text, 1)) REQUIRE(e == 0);
    const auto half = kv::eviction_errors(text, 0.5), few = kv::eviction_errors(text, 0.05);
    for (std::size_t l = 0; l < 2; ++l) {
        REQUIRE(half[l] > 0);
        REQUIRE(half[l] < few[l]);
    }
    REQUIRE(kv::eviction_errors(text, 0.5) == half);
}

TEST_CASE("Spread attention has the entropy of equal weights at most") {
    auto text = sample_text();
    for (float& v : text.queries[0]) v = 0;
    const auto entropies = kv::layer_entropies(text);
    double expected = 0;
    for (std::size_t i = 60; i < 120; ++i) expected += std::log(static_cast<double>(i + 1)) / 60;
    REQUIRE(std::abs(entropies[0] - expected) < 1e-3);
    REQUIRE(entropies[1] < entropies[0]);
}

TEST_CASE("A rotated sample holds keys and queries as attention takes them") {
    auto text = sample_text(10);
    text.rope = {10000, kv::rope_pairing::adjacent};
    const kv::rotated_sample sample(text, 1, 7);
    REQUIRE(sample.rows().tokens() == 7);
    for (std::size_t c = 0; c < 32; ++c) REQUIRE(sample.rows().keys(0, c) == text.keys[1][c]);
    const float x = text.keys[1][6 * 32], y = text.keys[1][6 * 32 + 1];
    REQUIRE(std::abs(sample.rows().keys(6, 0) - (x * std::cos(6.0F) - y * std::sin(6.0F))) < 1e-4F);
}
