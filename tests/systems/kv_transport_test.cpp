#include <pith/systems/kv_transport.hpp>

#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include <pith/core/random.hpp>
#include <pith/kv/exact_codec.hpp>

#include "support/catch.hpp"

using namespace pith;

namespace {

constexpr kv::shape shape{.layers = 2, .kv_heads = 2, .query_heads = 4, .head_size = 8};
constexpr kv::rope rope{.base = 10000, .pairing = kv::rope_pairing::adjacent};
constexpr std::size_t width = 16, query_width = 32, tokens = 300;

std::vector<float> sample(std::size_t rows, std::size_t columns, std::uint64_t seed) {
    random_sequence random(seed);
    std::vector<float> out(rows * columns);
    for (float& v : out) v = static_cast<float>(random.gaussian());
    return out;
}
kv::calibration calibration() {
    kv::calibration out;
    out.shape = shape;
    out.rope = rope;
    for (std::uint32_t t = 0; t < tokens; ++t) out.positions.push_back(t);
    for (std::size_t l = 0; l < shape.layers; ++l) {
        out.keys.push_back(sample(tokens, width, 1 + l));
        out.values.push_back(sample(tokens, width, 3 + l));
        out.queries.push_back(sample(tokens, query_width, 5 + l));
    }
    return out;
}
/// What the last token's attention gives, after the others have been compressed.
std::vector<float> attention(kv::any_cache& cache) {
    const auto feed = [&](std::size_t l, std::size_t first, std::size_t n) {
        const std::vector<float> k = sample(tokens, width, 11 + l), v = sample(tokens, width, 13 + l),
                                 q = sample(tokens, query_width, 15 + l);
        REQUIRE(cache
                    .append(l, view_2d<const float>(k, tokens, width).block(first, 0, n, width),
                            view_2d<const float>(v, tokens, width).block(first, 0, n, width),
                            view_2d<const float>(q, tokens, query_width).block(first, 0, n, query_width))
                    .has_value());
    };
    for (std::size_t l = 0; l < shape.layers; ++l) feed(l, 0, tokens - 1);
    cache.end_prefill();
    std::vector<float> out;
    for (std::size_t l = 0; l < shape.layers; ++l) {
        feed(l, tokens - 1, 1);
        const std::vector<float> q = sample(1, query_width, 30);
        std::vector<float> row(query_width);
        REQUIRE(cache
                    .attend(l, view_2d<const float>(q, 1, query_width),
                            view_2d<float>(std::span<float>(row), 1, query_width))
                    .has_value());
        out.insert(out.end(), row.begin(), row.end());
    }
    return out;
}

}  // namespace

TEST_CASE("every transport system compresses a whole prefill and attends near the exact cache") {
    using exact = kv::cache<kv::post_rope, kv::chunked, kv::exact_codec, kv::exact_codec>;
    const auto reference =
        kv::make_any<exact>(shape, rope, kv::exact_codec{}, kv::exact_codec{}, kv::chunked{});
    const std::vector<float> wanted = attention(*reference);
    const std::size_t all = reference->bytes().total();
    const kv::calibration c = calibration();
    std::vector<std::string> names;
    systems::for_each_transport([&](const char* name, auto make) {
        CAPTURE(name);
        names.emplace_back(name);
        const auto cache = make(shape, rope, c);
        REQUIRE(cache != nullptr);
        const std::vector<float> got = attention(*cache);
        double error = 0, size = 0;
        for (std::size_t i = 0; i < got.size(); ++i) {
            error += std::pow(double(got[i] - wanted[i]), 2);
            size += std::pow(double(wanted[i]), 2);
        }
        const bool coarse = names.back() == "transport, step 0.8" || names.back() == "transport, step 1.6";
        CHECK(error < (coarse ? 1.25 : 0.3) * size);  // the rows are noise: coarse steps keep little
        CHECK(cache->bytes().total() < all);
        CHECK(cache->tokens_seen() == tokens);
    });
    CHECK(names.size() == 12);
}

TEST_CASE("systems that need a calibration say so when there is none") {
    kv::calibration none;
    none.shape = shape;
    std::size_t made = 0;
    systems::for_each_transport([&](const char*, auto make) { made += make(shape, rope, none) != nullptr; });
    CHECK(made == 1);  // CacheGen with tables in its chunks
}
