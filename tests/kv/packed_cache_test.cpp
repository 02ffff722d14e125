#include <pith/core/parallel.hpp>
#include <pith/kv/cache.hpp>
#include <pith/kv/packed_affine.hpp>
#include <pith/kv/segmenter.hpp>

#include <cmath>
#include <vector>

#include "support/catch.hpp"

namespace {

namespace kv = pith::kv;

using packed = kv::packed_affine<kv::packed_affine_options{.bits = 4}>;

/// The same codec without attention in place: the cache decodes its blocks.
struct decoded_only {
    packed codec;

    void encode(pith::view_2d<const float> x, const kv::block_scope& scope,
                std::vector<std::byte>& out) const {
        codec.encode(x, scope, out);
    }
    [[nodiscard]] pith::result<void> decode(std::span<const std::byte> in, const kv::block_scope& scope,
                                            pith::view_2d<float> out) const {
        return codec.decode(in, scope, out);
    }
};

template <class Placement, class Codec>
std::vector<float> attended(const std::vector<float>& keys, const std::vector<float>& values,
                            const std::vector<float>& queries, std::size_t tokens) {
    const kv::shape shape{1, 2, 4, 20};
    kv::cache<Placement, kv::sink_residual, Codec, Codec> cache(shape, {10000, kv::rope_pairing::halves}, {},
                                                                {}, kv::sink_residual{2, 7, 32});
    const auto rows = [&](const std::vector<float>& x, std::size_t first, std::size_t n) {
        const std::size_t width = x.size() / tokens;
        return pith::view_2d<const float>(std::span(x).subspan(first * width, n * width), n, width);
    };
    REQUIRE(cache.append(0, rows(keys, 0, tokens - 1), rows(values, 0, tokens - 1),
                         rows(queries, 0, tokens - 1)));
    cache.end_prefill();
    REQUIRE(cache.append(0, rows(keys, tokens - 1, 1), rows(values, tokens - 1, 1),
                         rows(queries, tokens - 1, 1)));
    std::vector<float> out(80);
    REQUIRE(cache.attend(0, rows(queries, tokens - 1, 1), {std::span<float>(out), 1, 80}));
    return out;
}

}  // namespace

TEST_CASE("a cache attends packed blocks in place as it attends them decoded") {
    const std::size_t tokens = 150;
    std::uint64_t state = 1;
    const auto some = [&](std::size_t n) {
        std::vector<float> x(n);
        for (float& v : x) {
            state = state * 6364136223846793005U + 1442695040888963407U;
            v = static_cast<float>(static_cast<std::int32_t>(state >> 32)) * 0x1p-31F;
        }
        return x;
    };
    const std::vector<float> keys = some(tokens * 40), values = some(tokens * 40),
                             queries = some(tokens * 80);
    const auto check = [&](auto placement) {
        using where = decltype(placement);
        const std::vector<float> a = attended<where, packed>(keys, values, queries, tokens);
        const std::vector<float> b = attended<where, decoded_only>(keys, values, queries, tokens);
        double wrong = 0, all = 0;
        for (std::size_t i = 0; i < a.size(); ++i) {
            wrong += (double{a[i]} - double{b[i]}) * (double{a[i]} - double{b[i]});
            all += double{b[i]} * double{b[i]};
        }
        CHECK(all > 0);
        CHECK(std::sqrt(wrong / all) < 0.01);
    };
    check(kv::post_rope{});
    check(kv::pre_rope{});
}

namespace {

/// Attention of two newest tokens after a long prompt, with any number of threads.
template <class Placement, class Codec, class Segmenter>
void check_threads(Segmenter cuts, std::size_t memo_bytes) {
    const kv::shape shape{1, 2, 6, 8};
    kv::cache<Placement, Segmenter, Codec, Codec> cache(shape, {10000, kv::rope_pairing::adjacent}, {}, {},
                                                        cuts, {}, {memo_bytes});
    const std::size_t tokens = 2 * kv::run_tokens + 1000;
    std::uint64_t state = memo_bytes + 1;
    std::vector<float> x(tokens * 16 + 2 * 48);
    for (float& v : x) {
        state = state * 6364136223846793005U + 1442695040888963407U;
        v = static_cast<float>(static_cast<std::int32_t>(state >> 32)) * 0x1p-31F;
    }
    const pith::view_2d<const float> rows(std::span<const float>(x).first(tokens * 16), tokens, 16);
    const pith::view_2d<const float> queries(std::span<const float>(x).last(2 * 48), 2, 48);
    const pith::view_2d<const float> newest = rows.block(tokens - 2, 0, 2, 16);
    REQUIRE(cache.append(0, rows, rows));
    cache.end_prefill();
    REQUIRE(cache.append(0, newest, newest));
    std::vector<float> one(2 * 48), many(2 * 48);
    REQUIRE(cache.attend(0, queries, {std::span<float>(one), 2, 48}));
    for (const std::size_t count : {1U, 2U, 3U}) {
        REQUIRE(cache.attend(0, queries, {std::span<float>(many), 2, 48}, pith::threads{count}));
        CHECK(one == many);
    }
    double energy = 0;
    for (const float v : one) energy += double{v} * double{v};
    CHECK(energy > 0);
}

}  // namespace

TEST_CASE("a cache attends the same to the last bit with any number of threads") {
    check_threads<kv::post_rope, packed>(kv::sink_residual{2, 7, 32}, 0);
    check_threads<kv::pre_rope, packed>(kv::sink_residual{2, 7, 256}, 1U << 16);
    check_threads<kv::post_rope, decoded_only>(kv::sink_residual{0, 9000, 512}, 1U << 30);
}
