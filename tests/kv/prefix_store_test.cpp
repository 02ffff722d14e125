// Caches found by the beginnings of requests.
#include "support/catch.hpp"

#include "kv/support.hpp"

#include <pith/kv/prefix_store.hpp>

#include <algorithm>
#include <optional>

namespace {

using namespace kv_test;

/// A cache that is nothing but the number of tokens it was made of.
struct counter {
    std::size_t tokens = 0;
    counter fork() { return *this; }
};

std::vector<std::uint32_t> word(std::uint32_t& state, std::size_t most) {
    const auto next = [&] { return state = state * 1664525 + 1013904223, state >> 16; };
    std::vector<std::uint32_t> out(next() % (most + 1));
    for (auto& t : out) t = next() % 3;
    return out;
}

}  // namespace

TEST_CASE("A request goes on from the longest beginning that is kept, as a search of all says") {
    std::uint32_t state = 5;
    for (unsigned round = 0; round < 200; ++round) {
        kv::prefix_store<counter> store(1000);
        std::vector<std::vector<std::uint32_t>> all;
        for (unsigned i = 0; i < 12; ++i) {
            all.push_back(word(state, 6));
            counter c{all.back().size()};
            store.keep(all.back(), c);
        }
        for (unsigned i = 0; i < 20; ++i) {
            const std::vector<std::uint32_t> request = word(state, 8);
            std::optional<std::size_t> expected;
            for (const auto& one : all)
                if (one.size() <= request.size() && std::equal(one.begin(), one.end(), request.begin()))
                    expected = std::max(expected.value_or(0), one.size());
            const auto found = store.longest(request);
            REQUIRE(found.has_value() == expected.has_value());
            if (!found) continue;
            REQUIRE(found->tokens == *expected);
            REQUIRE(found->cache.tokens == *expected);
        }
    }
}

TEST_CASE("What was asked for longest ago makes room") {
    kv::prefix_store<counter> store(2);
    const std::vector<std::uint32_t> a{1}, b{2}, c{3};
    counter one{1};
    store.keep(a, one);
    store.keep(b, one);
    REQUIRE(store.longest(a));
    store.keep(c, one);
    REQUIRE(store.size() == 2);
    CHECK(store.longest(a));
    CHECK_FALSE(store.longest(b));
    CHECK(store.longest(c));
}

TEST_CASE("Forks that go on leave the kept cache as it was") {
    using lossy = kv::cache<kv::post_rope, kv::sink_residual, affine_of_tokens, affine_of_tokens>;
    lossy prompt({2, 2, 4, 6}, {10000, kv::rope_pairing::adjacent}, {}, {}, {3, 8, 5});
    feed(prompt, 30, false);
    prompt.end_prefill();
    kv::prefix_store<lossy> store(4);
    const std::vector<std::uint32_t> tokens(30, 7);
    store.keep(tokens, prompt);
    const std::vector<std::uint8_t> before = saved(prompt);

    std::vector<std::uint32_t> request = tokens;
    request.push_back(8);
    auto first = store.longest(request);
    REQUIRE(first);
    REQUIRE(first->tokens == 30);
    feed(first->cache, 25, false);
    auto second = store.longest(request);
    REQUIRE(second);
    CHECK(saved(second->cache) == before);
    CHECK(saved(first->cache) != before);
}
