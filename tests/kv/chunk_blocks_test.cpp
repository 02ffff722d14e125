#include <pith/kv/chunk_blocks.hpp>

#include <cmath>
#include <cstdint>
#include <memory>
#include <vector>

#include <pith/core/parallel.hpp>
#include <pith/core/random.hpp>
#include <pith/kv/cache.hpp>
#include <pith/kv/chunk_segmenter.hpp>
#include <pith/kv/exact_codec.hpp>
#include <pith/kv/packed_affine.hpp>
#include <pith/kv/transform_coded.hpp>

#include "kv/transport_samples.hpp"
#include "support/catch.hpp"

using namespace pith;

namespace {

constexpr kv::shape shape{.layers = 2, .kv_heads = 2, .query_heads = 4, .head_size = 16};
constexpr kv::rope turning{10000, kv::rope_pairing::halves};
constexpr std::size_t width = 32, query_width = 64, chunk = 48;
using packed = kv::packed_affine<kv::packed_affine_options{.bits = 8}>;
using received = kv::cache<kv::post_rope, kv::chunked, packed, packed>;
using half_floats = kv::cache<kv::post_rope, kv::chunked, kv::exact_codec, kv::exact_codec>;

std::vector<float> sample(std::size_t rows, std::size_t columns, std::uint64_t seed) {
    return transport_samples::sample(rows, columns, seed, 1);
}
view_2d<const float> rows_of(const std::vector<float>& x, std::size_t columns) {
    return {std::span<const float>(x), x.size() / columns, columns};
}
std::vector<kv::transform_coded<>> levels() {
    const auto c = transport_samples::calibration_of(shape, turning, 1);
    return {{std::make_shared<const kv::transport_bases>(kv::transport_bases::fit(c)), 0.05F}};
}
/// The chunk of tokens index * 48 to index * 48 + 47.
std::vector<std::uint8_t> sent(const std::vector<kv::transform_coded<>>& by, std::size_t index) {
    std::vector<std::vector<float>> data;
    std::vector<view_2d<const float>> keys, values;
    for (std::size_t i = 0; i < 4; ++i) data.push_back(sample(chunk, width, 100 * index + i));
    for (std::size_t l = 0; l < 2; ++l) {
        keys.push_back(rows_of(data[2 * l], width));
        values.push_back(rows_of(data[2 * l + 1], width));
    }
    std::vector<std::uint8_t> out;
    kv::write_chunk(shape, by[0], 0, static_cast<std::uint32_t>(index * chunk), keys, values, out);
    return out;
}
kv::chunk_blocks blocks_of(const std::vector<kv::transform_coded<>>& by, std::size_t index) {
    auto made = kv::read_chunk_blocks<kv::post_rope, kv::transform_coded<>>(
        shape, turning, by, sent(by, index), packed{}, packed{});
    REQUIRE(made.has_value());
    return std::move(*made);
}
std::vector<std::uint8_t> saved(received& cache) {
    std::vector<std::uint8_t> out;
    vector_sink sink(out);
    REQUIRE(cache.save(sink).has_value());
    return out;
}

}  // namespace

TEST_CASE("the blocks of a received chunk are what the codec makes of its decoded values") {
    const auto by = levels();
    const auto bytes = sent(by, 1);
    const auto floats = kv::read_chunk<kv::transform_coded<>>(shape, by, bytes);
    REQUIRE(floats.has_value());
    const auto blocks = kv::read_chunk_blocks<kv::post_rope, kv::transform_coded<>>(
        shape, turning, by, bytes, packed{}, packed{}, limits{}, threads{3});
    REQUIRE(blocks.has_value());
    CHECK(blocks->first_token == chunk);
    CHECK(blocks->tokens == chunk);
    kv::rope_rotation rotation(turning, shape.head_size);
    for (std::size_t l = 0; l < shape.layers; ++l) {
        std::vector<float> keys = floats->keys[l];
        for (std::size_t t = 0; t < chunk; ++t)
            rotation.turn(std::span(keys).subspan(t * width, width), static_cast<std::uint32_t>(chunk + t));
        const auto& positions = blocks->keys[l]->positions;
        std::vector<std::byte> of_keys, of_values;
        packed{}.encode(rows_of(keys, width),
                        kv::detail::chunk_scope(shape, l, kv::tensor_kind::keys, positions), of_keys);
        packed{}.encode(rows_of(floats->values[l], width),
                        kv::detail::chunk_scope(shape, l, kv::tensor_kind::values, positions), of_values);
        CHECK(blocks->keys[l]->bytes == of_keys);
        CHECK(blocks->values[l]->bytes == of_values);
    }
    auto damaged = bytes;
    damaged[bytes.size() / 2] ^= 1;
    CHECK_FALSE(kv::read_chunk_blocks<kv::post_rope, kv::transform_coded<>>(shape, turning, by, damaged,
                                                                            packed{}, packed{})
                    .has_value());
}

TEST_CASE("attention over received chunks is near that over their floats, and goes on with new tokens") {
    const auto by = levels();
    received cache(shape, turning);
    half_floats other(shape, turning);
    for (std::size_t i = 0; i < 3; ++i) {
        const kv::chunk_blocks b = blocks_of(by, i);
        REQUIRE(cache.append_blocks(b.keys, b.values).has_value());
        const auto floats = kv::read_chunk<kv::transform_coded<>>(shape, by, sent(by, i));
        for (std::size_t l = 0; l < shape.layers; ++l)
            REQUIRE(other.append(l, rows_of(floats->keys[l], width), rows_of(floats->values[l], width))
                        .has_value());
    }
    CHECK_FALSE(cache.in_prefill());
    CHECK(cache.tokens_seen() == 3 * chunk);
    double error = 0, size = 0;
    for (std::uint64_t step = 0; step < 3; ++step)
        for (std::size_t l = 0; l < shape.layers; ++l) {
            const std::vector<float> k = sample(1, width, 900 + step), v = sample(1, width, 910 + step),
                                     q = sample(1, query_width, 920 + step + l);
            std::vector<float> got(query_width), wanted(query_width);
            REQUIRE(cache.append(l, rows_of(k, width), rows_of(v, width)).has_value());
            REQUIRE(other.append(l, rows_of(k, width), rows_of(v, width)).has_value());
            REQUIRE(cache.attend(l, rows_of(q, query_width), {std::span<float>(got), 1, query_width})
                        .has_value());
            REQUIRE(other.attend(l, rows_of(q, query_width), {std::span<float>(wanted), 1, query_width})
                        .has_value());
            for (std::size_t i = 0; i < got.size(); ++i) {
                error += std::pow(double(got[i] - wanted[i]), 2);
                size += std::pow(double(wanted[i]), 2);
            }
        }
    CHECK(error < 1e-4 * size);  // 255 levels
    CHECK(error > 0);
    CHECK(cache.bytes().blocks < other.bytes().total() * 3 / 4);
    const auto file = saved(cache);
    auto again = received::load(file);
    REQUIRE(again.has_value());
    CHECK(saved(*again) == file);
}

TEST_CASE("blocks that do not continue a cache are refused, and nothing is changed") {
    const auto by = levels();
    received cache(shape, turning);
    const kv::chunk_blocks first = blocks_of(by, 0), second = blocks_of(by, 1);
    CHECK_FALSE(cache.append_blocks(second.keys, second.values).has_value());
    CHECK_FALSE(cache.append_blocks(first.keys, std::span(first.values).first(1)).has_value());
    REQUIRE(cache.append_blocks(first.keys, first.values).has_value());
    CHECK_FALSE(cache.append_blocks(first.keys, first.values).has_value());
    const auto before = saved(cache);

    auto damaged = std::make_shared<kv::block>(*second.values[1]);
    damaged->bytes.pop_back();
    auto values = second.values;
    values[1] = damaged;
    CHECK_FALSE(cache.append_blocks(second.keys, values).has_value());
    CHECK(saved(cache) == before);
    REQUIRE(cache.append_blocks(second.keys, second.values).has_value());

    const std::vector<float> k = sample(1, width, 1);
    for (std::size_t l = 0; l < shape.layers; ++l)
        REQUIRE(cache.append(l, rows_of(k, width), rows_of(k, width)).has_value());
    const kv::chunk_blocks third = blocks_of(by, 2);
    CHECK_FALSE(cache.append_blocks(third.keys, third.values).has_value());
}
