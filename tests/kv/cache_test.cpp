// The laws of the cache with every segmenter: batches, windows, attention, forks.
#include "support/catch.hpp"

#include "kv/support.hpp"

#include <thread>

namespace {

using namespace kv_test;
using pairing = kv::rope_pairing;
using exact_cache = kv::cache<kv::post_rope, kv::loose_only, kv::exact_codec, kv::exact_codec>;
template <class Segmenter, class Placement = kv::post_rope>
using lossy = kv::cache<Placement, Segmenter, affine_of_tokens, affine_of_tokens>;

constexpr kv::shape small{2, 2, 4, 6};

/// The saved cache after 23 tokens of prefill and 40 more, in batches of n.
template <class Cache>
std::vector<std::uint8_t> grown(Cache cache, std::size_t n) {
    for (std::size_t left = 23; left != 0; left -= std::min(left, n)) feed(cache, std::min(left, n), false);
    cache.end_prefill();
    for (std::size_t left = 40; left != 0; left -= std::min(left, n)) feed(cache, std::min(left, n), false);
    const std::vector<std::uint8_t> bytes = saved(cache);
    const kv::stored_bytes counted = cache.bytes();
    REQUIRE(counted.total() == bytes.size());
    return bytes;
}

template <class Cache, class Make>
void check_batches(Make make) {
    const std::vector<std::uint8_t> one = grown<Cache>(make(), 1);
    for (const std::size_t n : {2U, 7U, 64U}) REQUIRE(grown<Cache>(make(), n) == one);
}

/// The exact tokens of a head are to the bit what was appended, as half floats.
void check_exact(const kv::head_view& v, std::size_t layer, std::size_t head, std::size_t from,
                 std::size_t to, const kv::shape& s) {
    const std::size_t d = s.head_size;
    for (std::size_t t = from; t < to; ++t)
        for (std::size_t i = 0; i < d; ++i) {
            const float k = number(0, layer, v.positions[t], head * d + i);
            REQUIRE(v.keys[t * d + i] == static_cast<float>(pith::half(k)));
            const float value = number(1, layer, v.positions[t], head * d + i);
            REQUIRE(v.values[t * d + i] == static_cast<float>(pith::half(value)));
        }
}

}  // namespace

TEST_CASE("Batches of any size leave the same bytes under every segmenter") {
    const kv::rope turning{10000, pairing::adjacent};
    check_batches<exact_cache>([&] { return exact_cache(small, turning); });
    check_batches<lossy<kv::sink_residual>>([&] {
        return lossy<kv::sink_residual>(small, turning, {}, {}, {3, 8, 5});
    });
    check_batches<lossy<kv::residual>>([&] { return lossy<kv::residual>(small, turning, {}, {}, {8, 3}); });
    check_batches<lossy<kv::residual, kv::pre_rope>>([&] {
        return lossy<kv::residual, kv::pre_rope>(small, turning, {}, {}, {8, 1});
    });
    check_batches<lossy<kv::whole_prefill>>([&] {
        return lossy<kv::whole_prefill>(small, turning, {}, {}, {2, 6, 5});
    });
}

TEST_CASE("Batches count alike when the prefill is empty and sinks come one by one") {
    using cache = lossy<kv::sink_residual>;
    std::vector<std::uint8_t> first;
    for (const std::size_t n : {1U, 5U, 30U}) {
        cache c(small, {}, {}, {}, {4, 6, 3});
        c.end_prefill();
        for (std::size_t at = 0; at < 30; at += n) feed(c, n);
        if (first.empty()) first = saved(c);
        REQUIRE(saved(c) == first);
        REQUIRE(c.tokens(1, 1) == 30);
    }
}

TEST_CASE("Sinks and the recent window are exact, what lies between is coded in pages") {
    lossy<kv::sink_residual> c(small, {}, {}, {}, {3, 8, 5});
    feed(c, 30, false);
    kv::head_view v = c.view(1, 1);
    check_exact(v, 1, 1, 0, 30, small);  // nothing is frozen in the prefill
    c.end_prefill();
    for (std::size_t n = 30; n < 50; ++n) {
        v = c.view(1, 1);
        REQUIRE(v.positions.size() == n);
        check_exact(v, 1, 1, 0, 3, small);
        const std::size_t pages = (n - 3 - 8) / 5;
        check_exact(v, 1, 1, 3 + 5 * pages, n, small);
        REQUIRE(c.bytes().loose == 2 * (n - 3 - 5 * pages) * 12 * 2 * 2);  // layers, kinds, channels, halves
        REQUIRE(c.bytes().sinks == std::size_t{2 * 3 * 12 * 2 * 2});
        feed(c, 1, false);
    }
}

TEST_CASE("KIVI freezes keys all at once and lets values slide") {
    lossy<kv::residual> c({1, 1, 1, 4}, {}, {}, {}, {8, 1});
    c.end_prefill();
    for (std::size_t n = 1; n <= 40; ++n) {
        feed(c, 1, false);
        const std::size_t loose_keys = n % 8, loose_values = std::min<std::size_t>(n, 8);
        REQUIRE(c.bytes().loose == (loose_keys + loose_values) * 4 * 2);
        const std::size_t frozen = (n - loose_keys) + (n - loose_values);
        REQUIRE(c.bytes().blocks >= frozen * (8 + 2));
        REQUIRE(c.tokens(0, 0) == n);
    }
}

TEST_CASE("Attention equals the oracle for every pairing, placement, group and head size") {
    for (const pairing how : {pairing::none, pairing::adjacent, pairing::halves})
        for (const kv::shape s : {kv::shape{1, 1, 1, 1}, kv::shape{2, 1, 3, 5}, kv::shape{2, 2, 4, 16}}) {
            const kv::rope turning{500, how};
            lossy<kv::sink_residual> post(s, turning, {}, {}, {2, 4, 3});
            lossy<kv::sink_residual, kv::pre_rope> pre(s, turning, {}, {}, {2, 4, 3});
            feed(post, 12, false);
            feed(pre, 12, false);
            post.end_prefill();
            pre.end_prefill();
            feed(post, 1, false);
            feed(pre, 1, false);
            floats want_post, want_pre;
            std::vector<double> places(13);
            for (std::size_t t = 0; t < 13; ++t) places[t] = static_cast<double>(t);
            for (std::size_t l = 0; l < s.layers; ++l)
                for (std::size_t h = 0; h < s.kv_heads; ++h) {
                    const floats a = oracle(post.view(l, h), s, l, h, 12, turning, true, places);
                    const floats b = oracle(pre.view(l, h), s, l, h, 12, turning, false, places);
                    want_post.insert(want_post.end(), a.begin(), a.end());
                    want_pre.insert(want_pre.end(), b.begin(), b.end());
                }
            REQUIRE(largest_difference(attend_again(post, 1), want_post) < 1e-5F);
            REQUIRE(largest_difference(attend_again(pre, 1), want_pre) < 1e-5F);
        }
}

TEST_CASE("A batch attends causally: each token as if it had come alone") {
    const kv::rope turning{10000, pairing::halves};
    exact_cache together(small, turning), alone(small, turning);
    const floats all = feed(together, 9);
    const std::size_t width = small.query_channels();
    for (std::size_t t = 0; t < 9; ++t) {
        const floats one = feed(alone, 1);
        for (std::size_t l = 0; l < small.layers; ++l)
            for (std::size_t c = 0; c < width; ++c)
                REQUIRE(std::abs(one[l * width + c] - all[(l * 9 + t) * width + c]) < 1e-6F);
    }
}

TEST_CASE("Attention without room for the memo equals attention with it") {
    const kv::rope turning{10000, pairing::adjacent};
    using cache = lossy<kv::sink_residual, kv::pre_rope>;
    cache with(small, turning, {}, {}, {1, 4, 4}), without(small, turning, {}, {}, {1, 4, 4}, {}, {0});
    for (cache* c : {&with, &without}) {
        feed(*c, 20, false);
        c->end_prefill();
    }
    for (std::size_t i = 0; i < 10; ++i) REQUIRE(feed(with, 1) == feed(without, 1));
}

TEST_CASE("A fork goes its own way while another thread uses the original") {
    const kv::rope turning{10000, pairing::adjacent};
    lossy<kv::sink_residual> original(small, turning, {}, {}, {2, 4, 4});
    feed(original, 40, false);
    original.end_prefill();
    const std::vector<std::uint8_t> before = saved(original);
    const floats attended = attend_again(original, 1);
    lossy<kv::sink_residual> fork = original.fork(), reference = original.fork();
    bool same = true;
    const auto quiet_attend = [&](auto& cache) {  // without assertions, which one thread alone may make
        const floats q = rows(2, 0, 39, 1, small.query_channels());
        floats out(small.query_channels());
        const bool ok =
            cache.attend(0, seen(q, q.size()), view_2d<float>(std::span(out), 1, q.size())).has_value();
        return ok && std::equal(out.begin(), out.end(), attended.begin());
    };
    std::thread other([&] {
        for (int i = 0; i < 200; ++i) same = quiet_attend(original) && same;
    });
    for (int i = 0; i < 50; ++i) feed(fork, 1);
    other.join();
    REQUIRE(same);
    REQUIRE(saved(original) == before);
    for (int i = 0; i < 50; ++i) feed(reference, 1);
    REQUIRE(saved(fork) == saved(reference));
    REQUIRE(saved(fork) != before);
}

TEST_CASE("What does not fit is refused and leaves the cache as it was") {
    exact_cache c(small, {});
    feed(c, 5, false);
    const std::vector<std::uint8_t> before = saved(c);
    const floats good = rows(0, 0, 0, 3, 12), q = rows(2, 0, 0, 3, 24);
    const auto refused = [&](std::size_t layer, const floats& k, const floats& v, std::size_t width,
                             const floats& queries) {
        const auto r = c.append(layer, seen(k, width), seen(v, width), seen(queries, 24));
        return !r && r.error().code == pith::error_code::unsupported_parameter;
    };
    for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(),
                            -std::numeric_limits<float>::infinity(), 70000.0F}) {
        for (std::size_t at : {std::size_t{0}, good.size() - 1}) {
            floats broken = good;
            broken[at] = bad;
            REQUIRE(refused(0, broken, good, 12, q));
            REQUIRE(refused(0, good, broken, 12, q));
        }
    }
    floats nan_query = q;
    nan_query[7] = std::numeric_limits<float>::quiet_NaN();
    REQUIRE(refused(0, good, good, 12, nan_query));
    REQUIRE(refused(1, good, good, 12, q));           // layers in order
    REQUIRE(refused(2, good, good, 12, q));           // no such layer
    REQUIRE(refused(0, good, good, 6, q));            // width
    REQUIRE(refused(0, good, floats(24), 12, q));     // fewer values than keys
    REQUIRE(refused(0, good, good, 12, floats(24)));  // fewer queries
    REQUIRE(saved(c) == before);
    REQUIRE(c.append(0, seen(good, 12), seen(good, 12)));
    REQUIRE(refused(1, floats(24), floats(24), 12, floats(48)));  // another number of tokens than layer 0
    std::vector<std::uint8_t> out;
    pith::vector_sink sink(out);
    REQUIRE(!c.save(sink));  // inside a batch
    REQUIRE(c.append(1, seen(good, 12), seen(good, 12)));
    REQUIRE(c.tokens(0, 0) == 8);
    floats result(24 * 9);
    const floats many = rows(2, 0, 0, 9, 24);
    REQUIRE(!c.attend(0, seen(many, 24), view_2d<float>(std::span(result), 9, 24)));
    REQUIRE(!c.attend(2, seen(q, 24), view_2d<float>(std::span(result).first(72), 3, 24)));
}

TEST_CASE("A batch of no tokens changes nothing") {
    exact_cache c(small, {});
    feed(c, 3);
    const std::vector<std::uint8_t> before = saved(c);
    feed(c, 0);
    REQUIRE(saved(c) == before);
}
