// What a cache asks of retention, and what it does with the answers.
#include "support/catch.hpp"

#include <pith/kv/keep_all.hpp>
#include "kv/support.hpp"

#include <map>

namespace {

using namespace kv_test;

constexpr kv::shape small{2, 2, 4, 4};
const kv::rope turning{10000, kv::rope_pairing::adjacent};

/// Keeps the tokens that queries liked best, a number for each head that depends on the head.
struct liked {
    static constexpr bool per_head = true;

    std::map<std::size_t, std::map<std::uint32_t, float>> sums;  // by lane, by position
    std::size_t observed = 0;

    void observe(const kv::lane_place& lane, view_2d<const float> queries, const kv::lane_view& tokens) {
        const std::size_t before = tokens.tokens() - queries.rows(), d = lane.shape.head_size;
        for (std::size_t r = 0; r < queries.rows(); ++r, ++observed)
            for (std::size_t t = 0; t <= before + r; ++t) {
                float dot = 0;
                for (std::size_t i = 0; i < d; ++i) dot += queries(r, i) * tokens.keys(t, i);
                sums[lane.index][tokens.positions[t]] += dot;
            }
    }
    void score(const kv::lane_place& lane, const kv::lane_view& tokens, std::span<float> out) const {
        for (std::size_t t = 0; t < tokens.tokens(); ++t) {
            const auto& of_lane = sums.at(lane.index);
            out[t] = of_lane.at(tokens.positions[t]);
        }
    }
    [[nodiscard]] bool due(std::size_t movable) const { return movable >= 12; }
    void plan(std::span<const kv::lane_place> lanes, std::span<const kv::lane_view> movable,
              const kv::retention_event&, std::span<kv::lane_plan> plans) const {
        for (std::size_t l = 0; l < lanes.size(); ++l) {
            const std::size_t n = movable[l].tokens(), keep = std::min(n, 4 + lanes[l].first_head);
            floats scores(n);
            score(lanes[l], movable[l], scores);
            std::vector<std::uint32_t> order(n);
            for (std::size_t t = 0; t < n; ++t) order[t] = static_cast<std::uint32_t>(t);
            std::sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) {
                return scores[a] != scores[b] ? scores[a] > scores[b] : a < b;
            });
            order.resize(keep);
            std::sort(order.begin(), order.end());
            plans[l].kept = order;
        }
    }
};

/// Merges neighbours by their mean until no two are left alone.
struct pair_merging {
    static constexpr bool per_head = false;

    [[nodiscard]] bool due(std::size_t movable) const { return movable >= 8; }
    void plan(std::span<const kv::lane_place>, std::span<const kv::lane_view> movable,
              const kv::retention_event&, std::span<kv::lane_plan> plans) const {
        for (std::size_t l = 0; l < plans.size(); ++l) {
            const kv::lane_view& v = movable[l];
            for (std::size_t t = 0; t < v.tokens(); t += 2) {
                const std::size_t u = std::min(t + 1, v.tokens() - 1);
                const float a = v.multiplicity[t], b = u == t ? 0.0F : v.multiplicity[u];
                plans[l].kept.push_back(static_cast<std::uint32_t>(t));
                plans[l].multiplicity.push_back(a + b);
                for (std::size_t c = 0; c < v.keys.columns(); ++c) {
                    plans[l].keys.push_back((a * v.keys(t, c) + b * v.keys(u, c)) / (a + b));
                    plans[l].values.push_back((a * v.values(t, c) + b * v.values(u, c)) / (a + b));
                }
            }
        }
    }
};

/// Reads only tokens at even positions, and the newest.
struct even_reading : kv::keep_all {
    void read(const kv::lane_place&, std::size_t, view_2d<const float>, const kv::lane_view& tokens,
              std::span<std::uint8_t> chosen) const {
        for (std::size_t t = 0; t + 1 < tokens.tokens(); ++t)
            if (tokens.positions[t] % 2 != 0) chosen[t] = 0;
    }
};

template <kv::retention Retention, kv::segmenter Segmenter, class Placement = kv::post_rope>
using cache_of = kv::cache<Placement, Segmenter, affine_of_tokens, affine_of_tokens, Retention>;

template <class Cache>
void grow(Cache& c, std::size_t prefill, std::size_t more, std::size_t batch) {
    for (std::size_t left = prefill; left != 0; left -= std::min(left, batch))
        feed(c, std::min(left, batch), false);
    c.end_prefill();
    for (std::size_t left = more; left != 0; left -= std::min(left, batch))
        feed(c, std::min(left, batch), false);
}

/// The newest token's attention against the oracle of what is kept.
template <class Cache>
float error_of(Cache& c, bool keys_turned, bool by_index) {
    const kv::shape& s = c.shape();
    floats want;
    for (std::size_t l = 0; l < s.layers; ++l)
        for (std::size_t h = 0; h < s.kv_heads; ++h) {
            const kv::head_view v = c.view(l, h);
            std::vector<double> places;
            for (std::size_t t = 0; t < v.positions.size(); ++t)
                places.push_back(by_index ? static_cast<double>(t) : static_cast<double>(v.positions[t]));
            const floats one = oracle(v, s, l, h, c.tokens_seen() - 1, turning, keys_turned, places);
            want.insert(want.end(), one.begin(), one.end());
        }
    return largest_difference(attend_again(c, 1), want);
}

}  // namespace

TEST_CASE("Batches of any size leave the same tokens, and a head's lane has a length of its own") {
    std::vector<std::uint8_t> first;
    for (const std::size_t batch : {1U, 7U, 50U}) {
        cache_of<liked, kv::loose_only> c(small, turning, {}, {}, {2, 5});
        grow(c, 21, 33, batch);
        REQUIRE(c.tokens(1, 1) == c.tokens(1, 0) + 1);
        REQUIRE(c.tokens(0, 0) < 2 + 5 + 4 + 12);
        REQUIRE(c.keeps().observed == 54 * 4);  // every token once in each lane
        REQUIRE(error_of(c, true, false) < 1e-5F);
        if (first.empty()) first = saved(c);
        REQUIRE(saved(c) == first);
        REQUIRE(c.bytes().total() == first.size());
    }
}

TEST_CASE("Tokens are dropped before they are frozen, batches of any size alike") {
    std::vector<std::uint8_t> first;
    for (const std::size_t batch : {1U, 4U, 60U}) {
        cache_of<liked, kv::sink_residual> c(small, turning, {}, {}, {2, 5, 3});
        grow(c, 20, 40, batch);
        REQUIRE(error_of(c, true, false) < 1e-5F);
        if (first.empty()) first = saved(c);
        REQUIRE(saved(c) == first);
    }
}

TEST_CASE("Sinks and the window stay when retention keeps nothing") {
    cache_of<kv::ring<false>, kv::loose_only> c(small, turning, {}, {}, {3, 6});
    grow(c, 5, 0, 5);
    REQUIRE(c.tokens(0, 0) == 5);
    for (std::size_t n = 6; n < 30; ++n) {
        feed(c, 1, false);
        const kv::head_view v = c.view(1, 0);
        REQUIRE(v.positions.size() == std::min<std::size_t>(n, 9));
        for (std::size_t t = 0; t < v.positions.size(); ++t)
            REQUIRE(v.positions[t] == (t < 3 ? t : n - v.positions.size() + t));
        REQUIRE(error_of(c, true, false) < 1e-5F);
    }
}

TEST_CASE("Positions in the cache turn keys and queries by their index") {
    cache_of<kv::ring<true>, kv::loose_only, kv::pre_rope> c(small, turning, {}, {}, {2, 4});
    grow(c, 12, 0, 12);
    for (int i = 0; i < 9; ++i) {
        feed(c, 1, false);
        REQUIRE(c.tokens(0, 0) == 6);
        REQUIRE(error_of(c, false, true) < 1e-5F);
    }
    std::vector<std::uint8_t> file = saved(c);
    auto again = decltype(c)::load(file, {}, {}, {2, 4});
    REQUIRE(again.has_value());
    REQUIRE(attend_again(*again, 1) == attend_again(c, 1));
}

TEST_CASE("A merged token has the mass of those it stands for, also after save and load") {
    const auto check = [](auto& c) {
        grow(c, 12, 9, 3);
        float mass = 0;
        for (const float m : c.view(0, 0).multiplicity) mass += m;
        REQUIRE(mass == 21.0F);
        REQUIRE(c.tokens(0, 0) < 17);
        const std::vector<std::uint8_t> file = saved(c);
        REQUIRE(c.bytes().total() == file.size());
        auto again = std::remove_reference_t<decltype(c)>::load(file, {}, {}, {1, 4});
        REQUIRE(again.has_value());
        REQUIRE(attend_again(*again, 1) == attend_again(c, 1));
        REQUIRE(again->view(1, 1).multiplicity == c.view(1, 1).multiplicity);
    };
    cache_of<pair_merging, kv::loose_only> post(small, turning, {}, {}, {1, 4});
    cache_of<pair_merging, kv::loose_only, kv::pre_rope> pre(small, turning, {}, {}, {1, 4});
    check(post);
    check(pre);
    REQUIRE(error_of(post, true, false) < 1e-5F);
    REQUIRE(error_of(pre, false, false) < 1e-5F);
}

TEST_CASE("Two equal tokens merged attend as before") {
    cache_of<pair_merging, kv::loose_only> merged({1, 1, 1, 4}, {});
    kv::cache<kv::post_rope, kv::loose_only, kv::exact_codec, kv::exact_codec> whole({1, 1, 1, 4}, {});
    const auto both = [&](const floats& k, const floats& v) {
        REQUIRE(merged.append(0, seen(k, 4), seen(v, 4)));
        REQUIRE(whole.append(0, seen(k, 4), seen(v, 4)));
    };
    for (std::size_t t = 0; t < 8; ++t) both(rows(0, 0, t / 2, 1, 4), rows(1, 0, t / 2, 1, 4));
    merged.end_prefill();
    REQUIRE(merged.tokens(0, 0) == 4);
    both(rows(0, 0, 9, 1, 4), rows(1, 0, 9, 1, 4));
    const floats q = rows(2, 0, 0, 1, 4);
    floats a(4), b(4);
    REQUIRE(merged.attend(0, seen(q, 4), view_2d<float>(std::span(a), 1, 4)));
    REQUIRE(whole.attend(0, seen(q, 4), view_2d<float>(std::span(b), 1, 4)));
    REQUIRE(largest_difference(a, b) < 1e-3F);  // halves of means
}

TEST_CASE("A reading retention leaves out of attention what it does not choose, and drops nothing") {
    cache_of<even_reading, kv::sink_residual> c(small, {}, {}, {}, {1, 4, 4});
    grow(c, 12, 7, 3);
    REQUIRE(c.tokens(0, 1) == 19);
    kv::head_view v = c.view(1, 1), kept;
    for (std::size_t t = 0; t < 19; t += 2) {
        kept.positions.push_back(v.positions[t]);
        kept.multiplicity.push_back(1);
        for (std::size_t i = 0; i < 4; ++i) {
            kept.keys.push_back(v.keys[t * 4 + i]);
            kept.values.push_back(v.values[t * 4 + i]);
        }
    }
    const floats want = oracle(kept, small, 1, 1, 18, {}, true, std::vector<double>(11));
    const floats got = attend_again(c, 1);
    REQUIRE(largest_difference(std::span(got).subspan(16 + 8, 8), want) < 1e-5F);
    const std::size_t read = c.bytes_read(), all = c.bytes().sinks + c.bytes().loose + c.bytes().blocks;
    REQUIRE(read < all * 11 / 19);
    REQUIRE(read > all * 9 / 19);
}
