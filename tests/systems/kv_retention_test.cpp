#include "support/catch.hpp"

#include <cmath>
#include <set>
#include <string>

#include <pith/core/random.hpp>
#include <pith/systems/kv_retention.hpp>

using namespace pith;

namespace {

struct text {
    kv::shape shape{3, 2, 4, 8};
    kv::rope rope{10000, kv::rope_pairing::adjacent};
    std::vector<std::vector<float>> keys, values, queries;
    std::size_t tokens;

    explicit text(std::size_t n, std::uint64_t seed = 1) : tokens(n) {
        random_sequence draw(seed);
        for (std::size_t l = 0; l < shape.layers; ++l)
            for (auto* rows : {&keys, &values, &queries}) {
                rows->emplace_back(n * (rows == &queries ? shape.query_channels() : shape.key_channels()));
                for (float& v : rows->back()) v = static_cast<float>(draw.gaussian());
            }
    }
    [[nodiscard]] view_2d<const float> rows(const std::vector<float>& x, std::size_t first,
                                            std::size_t n) const {
        const std::size_t columns = x.size() / tokens;
        return {x.data() + first * columns, n, columns, columns};
    }
    void append(kv::any_cache& cache, std::size_t first, std::size_t n) const {
        for (std::size_t l = 0; l < shape.layers; ++l)
            REQUIRE(cache.append(l, rows(keys[l], first, n), rows(values[l], first, n),
                                 rows(queries[l], first, n)));
    }
    [[nodiscard]] std::vector<float> attend(kv::any_cache& cache, std::size_t first) const {
        std::vector<float> all;
        for (std::size_t l = 0; l < shape.layers; ++l) {
            std::vector<float> out(shape.query_channels());
            REQUIRE(cache.attend(l, rows(queries[l], first, 1), {out.data(), 1, out.size(), out.size()}));
            all.insert(all.end(), out.begin(), out.end());
        }
        return all;
    }
    [[nodiscard]] kv::calibration calibration() const {
        kv::calibration c{shape, rope, {}, keys, values, queries};
        for (std::size_t t = 0; t < tokens; ++t) c.positions.push_back(static_cast<std::uint32_t>(t));
        return c;
    }
};

std::size_t tokens_of(kv::any_cache& cache) {
    std::size_t sum = 0;
    for (std::size_t l = 0; l < cache.shape().layers; ++l)
        for (std::size_t h = 0; h < cache.shape().kv_heads; ++h) sum += cache.tokens(l, h);
    return sum;
}

}  // namespace

TEST_CASE("Every retention system keeps its budget exactly after the prefill and stays near it afterwards") {
    const text source(150), other(100, 2);
    for (const bool calibrated : {false, true})
        systems::for_each_retention(
            [&](const std::string& name, auto factory) {
                CAPTURE(name);
                const auto cache =
                    factory(source.shape, source.rope, calibrated ? other.calibration() : kv::calibration{});
                source.append(*cache, 0, 120);
                REQUIRE(tokens_of(*cache) == 6 * 120);
                cache->end_prefill();
                const bool reads = name == "Quest";
                REQUIRE(tokens_of(*cache) == (reads ? 6 * 120 : 6 * 60));
                for (std::size_t t = 120; t < 150; ++t) {
                    source.append(*cache, t, 1);
                    for (const float v : source.attend(*cache, t)) REQUIRE(std::isfinite(v));
                }
                REQUIRE(tokens_of(*cache) >= 6 * 60);
                // At most an interval of 16 more in every lane.
                if (!reads) REQUIRE(tokens_of(*cache) <= 6 * 77);
            },
            60);
}

TEST_CASE("Every retention system gives the same cache however its tokens were batched") {
    const text source(110);
    systems::for_each_retention(
        [&](const std::string& name, auto factory) {
            CAPTURE(name);
            const auto whole = factory(source.shape, source.rope, kv::calibration{});
            const auto single = factory(source.shape, source.rope, kv::calibration{});
            source.append(*whole, 0, 70);
            for (std::size_t t = 0; t < 70; ++t) source.append(*single, t, 1);
            whole->end_prefill();
            single->end_prefill();
            source.append(*whole, 70, 40);
            for (std::size_t t = 70; t < 110; ++t) source.append(*single, t, 1);
            REQUIRE(whole->bytes().total() == single->bytes().total());
            REQUIRE(tokens_of(*whole) == tokens_of(*single));
            REQUIRE(source.attend(*whole, 109) == source.attend(*single, 109));
        },
        48);
}

TEST_CASE("With room for all tokens every retention system is the exact cache") {
    const text source(60);
    const auto exact = kv::make_any<systems::retained_cache<kv::keep_all>>(source.shape, source.rope);
    source.append(*exact, 0, 60);
    exact->end_prefill();
    const auto expected = source.attend(*exact, 59);
    systems::for_each_retention(
        [&](const std::string& name, auto factory) {
            CAPTURE(name);
            const auto cache = factory(source.shape, source.rope, kv::calibration{});
            source.append(*cache, 0, 60);
            cache->end_prefill();
            const auto got = source.attend(*cache, 59);
            REQUIRE(tokens_of(*cache) == 6 * 60);
            for (std::size_t i = 0; i < got.size(); ++i) REQUIRE(std::abs(got[i] - expected[i]) < 5e-3F);
        },
        64);
}

TEST_CASE("Retention systems have names of their own") {
    std::set<std::string> names;
    std::size_t count = 0;
    systems::for_each_retention([&](const char* name, auto) {
        names.insert(name);
        ++count;
    });
    REQUIRE(names.size() == count);
    REQUIRE(count == 25);
}
