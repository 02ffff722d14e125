#include <cmath>
#include <cstdint>
#include <memory>
#include <vector>

#include <pith/core/parallel.hpp>
#include <pith/core/random.hpp>
#include <pith/kv/cachegen_codec.hpp>
#include <pith/kv/index_mixture.hpp>
#include <pith/kv/link_rate.hpp>
#include <pith/kv/transform_coded.hpp>
#include <pith/kv/transport_chunk.hpp>

#include "kv/transport_samples.hpp"
#include "support/catch.hpp"

using namespace pith;

namespace {

constexpr kv::shape small{.layers = 2, .kv_heads = 2, .query_heads = 4, .head_size = 6};
constexpr std::size_t width = 12;

std::vector<float> sample(std::size_t rows, std::size_t columns, std::uint64_t seed) {
    return transport_samples::sample(rows, columns, seed, 2);
}
kv::calibration calibration_of(const kv::shape& s) {
    return transport_samples::calibration_of(s, {10000, kv::rope_pairing::adjacent}, 2);
}
std::shared_ptr<const kv::transport_bases> bases() {
    return std::make_shared<const kv::transport_bases>(kv::transport_bases::fit(calibration_of(small)));
}
struct block {
    std::vector<std::uint32_t> positions;
    kv::block_scope scope;
    explicit block(std::size_t tokens, kv::tensor_kind kind = kv::tensor_kind::keys, std::size_t layer = 1)
        : positions(tokens), scope(kv::detail::chunk_scope(small, layer, kind, positions)) {}
};
template <class Codec>
std::vector<std::byte> encoded(const Codec& codec, const std::vector<float>& x,
                               const kv::block_scope& scope) {
    std::vector<std::byte> out;
    codec.encode(view_2d<const float>(x, x.size() / width, width), scope, out);
    return out;
}
double mean_square(const std::vector<float>& a, const std::vector<float>& b) {
    double sum = 0;
    for (std::size_t i = 0; i < a.size(); ++i) sum += double(a[i] - b[i]) * double(a[i] - b[i]);
    return sum / static_cast<double>(a.size());
}

/// Every truncation and every flipped bit: an error or finite values, the same ones each time.
template <class Codec>
void survives_damage(const Codec& codec, const std::vector<float>& x) {
    const block b(x.size() / width);
    const auto bytes = encoded(codec, x, b.scope);
    std::vector<float> back(x.size());
    const view_2d<float> out(std::span<float>(back), b.scope.tokens(), width);
    for (std::size_t n = 0; n < bytes.size(); ++n)
        CHECK_FALSE(codec.decode(std::span(bytes).first(n), b.scope, out).has_value());
    for (std::size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
        auto damaged = bytes;
        damaged[bit / 8] ^= static_cast<std::byte>(1U << bit % 8);
        if (!codec.decode(damaged, b.scope, out)) continue;
        bool finite = true;
        for (const float v : back) finite = finite && std::isfinite(v);
        CHECK(finite);
    }
    auto longer = bytes;
    longer.push_back(std::byte{0});
    CHECK_FALSE(codec.decode(longer, b.scope, out).has_value());
}

}  // namespace

using mixed_codec = kv::transform_coded<vector::trellis<8>, kv::mixed_indices>;
static_assert(kv::block_codec<mixed_codec> && kv::block_codec<kv::transform_coded<>> &&
              kv::block_codec<kv::transform_coded<kv::no_trellis>>);

TEMPLATE_TEST_CASE("finer steps give smaller errors and more bytes", "", kv::no_trellis, vector::trellis<4>,
                   vector::trellis<8>) {
    const auto b = bases();
    for (const std::size_t tokens : {1U, 3U, 8U, 70U}) {
        const std::vector<float> x = sample(tokens, width, 10 + tokens);
        double last_error = 1e9;
        std::size_t last_size = 0;
        for (const float step : {2.0F, 0.5F, 0.1F, 0.01F}) {
            const kv::transform_coded<TestType> codec(b, step);
            const block k(tokens);
            const auto bytes = encoded(codec, x, k.scope);
            std::vector<float> back(x.size());
            REQUIRE(codec.decode(bytes, k.scope, view_2d<float>(std::span<float>(back), tokens, width))
                        .has_value());
            const double error = mean_square(x, back);
            CHECK(error <= last_error * 1.05);
            CHECK(bytes.size() >= last_size);
            last_error = error;
            last_size = bytes.size();
        }
        CHECK(last_error < 1e-3);
    }
}

TEST_CASE("the trellis errs less than rounding at no more bytes") {
    constexpr std::size_t rows = 400, columns = 64;
    random_sequence random(1);
    std::vector<float> places(rows * columns);  // half-steps, eight rows together
    for (float& v : places) v = static_cast<float>(8 * random.gaussian());
    const auto run = [&]<class Machine>(float step, double& error, Machine) {
        kv::detail::trellis_of_rows<Machine> search(columns);
        const std::vector<float> prices(columns, 0.05F);
        std::vector<float> scaled(places);
        for (float& v : scaled) v /= step;
        std::vector<std::int32_t> indices(rows * columns), half_steps(rows * columns);
        for (std::size_t r = 0; r < rows; r += 8)
            search.quantize(scaled.data() + r * columns, prices, 8, indices.data() + r * columns);
        const std::vector<std::uint32_t> expected(columns, static_cast<std::uint32_t>(3.2F / step * 1024));
        std::vector<std::uint8_t> bytes;
        kv::write_indices<Machine>(indices, expected, bytes);
        REQUIRE(kv::read_indices<Machine>(bytes, expected, half_steps).has_value());
        error = 0;
        for (std::size_t i = 0; i < places.size(); ++i) {
            const std::size_t r = i / columns, c = i % columns;
            const float wanted = places[r / 8 * 8 * columns + 8 * c + r % 8];
            error += std::pow(double(wanted - step * static_cast<float>(half_steps[i])), 2);
        }
        return bytes.size();
    };
    double plain = 0, finer = 0;
    const std::size_t size = run(1, plain, kv::no_trellis{});
    CHECK(run(1.06F, finer, vector::trellis<8>{}) <= size);
    CHECK(finer < 0.9 * plain);
}

TEST_CASE("mixed contexts decode to the values of the fast coder, from fewer bytes") {
    const auto b = bases();
    for (const std::size_t tokens : {0U, 1U, 16U, 200U}) {
        const std::vector<float> x = sample(tokens, width, 10 + tokens);
        const block k(tokens);
        std::vector<float> fast(x.size()), mixed(x.size());
        const auto fast_bytes = encoded(kv::transform_coded<>(b, 0.1F), x, k.scope);
        const auto mixed_bytes = encoded(mixed_codec(b, 0.1F), x, k.scope);
        REQUIRE(kv::transform_coded<>(b, 0.1F)
                    .decode(fast_bytes, k.scope, view_2d<float>(std::span<float>(fast), tokens, width))
                    .has_value());
        REQUIRE(mixed_codec(b, 0.1F)
                    .decode(mixed_bytes, k.scope, view_2d<float>(std::span<float>(mixed), tokens, width))
                    .has_value());
        CHECK(fast == mixed);
        CHECK(mixed_bytes.size() < fast_bytes.size());
    }
}

TEST_CASE("wild values are cut and stay finite") {
    const kv::transform_coded<> codec(bases(), 0.001F);
    const std::vector<float> x(5 * width, 60000.0F);
    const block k(5);
    std::vector<float> back(x.size());
    REQUIRE(
        codec.decode(encoded(codec, x, k.scope), k.scope, view_2d<float>(std::span<float>(back), 5, width))
            .has_value());
    for (const float v : back) CHECK(std::isfinite(v));
}

TEST_CASE("damaged transport blocks are told or give finite values") {
    survives_damage(kv::transform_coded<>(bases(), 0.3F), sample(7, width, 5));
    survives_damage(kv::transform_coded<kv::no_trellis>(bases(), 3.0F), sample(2, width, 6));
}

TEST_CASE("a basis inverts itself, whatever its group") {
    for (const std::size_t group : {1U, 3U, 4U, 12U}) {
        const std::vector<float> x = sample(50, width, group);
        const std::vector<float> weights{1, 2, 3, 1, 0.5F, 1, 1, 1, 4, 1, 1, 1};
        const view_2d<const float> view(x, 50, width);
        const auto basis = kv::channel_basis::fit(view, weights, group);
        std::vector<float> y(x.size()), back(x.size());
        basis.forward(view, y);
        basis.inverse(y, width, view_2d<float>(std::span<float>(back), 50, width));
        CHECK(mean_square(x, back) < 1e-8);
    }
}

TEST_CASE("a basis of many channels inverts itself, for any number of rows") {
    constexpr std::size_t channels = 70;
    const std::vector<float> weights(channels, 0.5F);
    for (const std::size_t group : {35U, 70U})
        for (const std::size_t rows : {1U, 4U, 7U}) {
            const std::vector<float> all = sample(90, channels, group),
                                     x(all.data(), all.data() + rows * channels);
            const auto basis =
                kv::channel_basis::fit(view_2d<const float>(all, 90, channels), weights, group);
            std::vector<float> y(x.size()), back(x.size());
            basis.forward(view_2d<const float>(x, rows, channels), y);
            basis.inverse(y, channels, view_2d<float>(std::span<float>(back), rows, channels));
            CHECK(mean_square(x, back) < 1e-8);
        }
}

TEST_CASE("CacheGen's symbols are within half a bin of each token's largest value") {
    for (const std::size_t every : {0U, 10U})
        for (const unsigned bins : {4U, 16U, 256U})
            for (const std::size_t tokens : {1U, 10U, 33U}) {
                const kv::cachegen_codec codec({.bins = bins, .anchor_every = every});
                const std::vector<float> x = sample(tokens, width, tokens);
                const block k(tokens);
                const auto bytes = encoded(codec, x, k.scope);
                std::vector<float> back(x.size());
                REQUIRE(codec.decode(bytes, k.scope, view_2d<float>(std::span<float>(back), tokens, width))
                            .has_value());
                float largest = 0, worst = 0;
                for (const float v : x) largest = std::max(largest, std::abs(v));
                for (std::size_t i = 0; i < x.size(); ++i) worst = std::max(worst, std::abs(x[i] - back[i]));
                // Differences to an anchor are at most twice as large.
                CHECK(worst <= 1.01F * (every == 0 ? 1 : 2.2F) * largest / static_cast<float>(bins - 2));
            }
}

TEST_CASE("calibrated tables of CacheGen save what sending them costs") {
    const kv::calibration c = calibration_of(small);
    std::vector<view_2d<const float>> views;
    for (std::size_t l = 0; l < 2; ++l) {
        views.push_back(c.keys_of(l));
        views.push_back(c.values_of(l));
    }
    kv::cachegen_codec fitted({.level = 2});
    fitted.fit(views);
    CHECK(fitted.constant_bytes() > 0);
    const std::vector<float> x = sample(64, width, 77);
    const block k(64);
    const auto bytes = encoded(fitted, x, k.scope);
    CHECK(bytes.size() < encoded(kv::cachegen_codec({.level = 2}), x, k.scope).size());
    std::vector<float> back(x.size());
    REQUIRE(fitted.decode(bytes, k.scope, view_2d<float>(std::span<float>(back), 64, width)).has_value());
    CHECK(mean_square(x, back) < 0.1);
    survives_damage(fitted, sample(3, width, 6));
}

TEST_CASE("damaged CacheGen blocks are told or give finite values") {
    survives_damage(kv::cachegen_codec({.bins = 4}), sample(4, width, 8));
    survives_damage(kv::cachegen_codec({.bins = 6, .anchor_every = 0}), sample(2, width, 9));
}

TEST_CASE("CacheGen's levels have the published bins") {
    using kv::tensor_kind;
    const auto bins = [](unsigned level, tensor_kind kind, std::size_t layer) {
        return kv::cachegen_bins({.level = level}, kind, layer, 32);
    };
    CHECK(bins(2, tensor_kind::keys, 9) == 32);
    CHECK(bins(2, tensor_kind::keys, 11) == 16);
    CHECK(bins(2, tensor_kind::values, 1) == 32);
    CHECK(bins(2, tensor_kind::values, 2) == 16);
    CHECK(bins(1, tensor_kind::keys, 31) == 12);
    CHECK(bins(3, tensor_kind::values, 31) == 32);
}

// --- Chunks and the link
// ------------------------------------------------------------------------------------

namespace {

struct rows {
    std::vector<std::vector<float>> data;
    std::vector<view_2d<const float>> keys, values;
    explicit rows(std::size_t tokens) {
        for (std::size_t i = 0; i < 4; ++i) data.push_back(sample(tokens, width, 50 + i));
        for (std::size_t l = 0; l < 2; ++l) {
            keys.emplace_back(std::span<const float>(data[2 * l]), tokens, width);
            values.emplace_back(std::span<const float>(data[2 * l + 1]), tokens, width);
        }
    }
};
const std::vector<kv::transform_coded<>>& levels() {
    static const std::vector<kv::transform_coded<>> made{{bases(), 0.8F}, {bases(), 0.1F}};
    return made;
}
std::vector<std::uint8_t> chunk(std::uint8_t level, std::uint32_t first, std::size_t tokens) {
    const rows r(tokens);
    std::vector<std::uint8_t> out;
    kv::write_chunk(small, levels()[level], level, first, r.keys, r.values, out);
    return out;
}
result<kv::chunk_values> read(byte_view in, const limits& l = {}) {
    return kv::read_chunk<kv::transform_coded<>>(small, levels(), in, l);
}

}  // namespace

TEST_CASE("a chunk decodes alone, on any number of threads to the same values") {
    const auto bytes = chunk(1, 512, 9);
    const auto alone = read(bytes);
    REQUIRE(alone.has_value());
    CHECK(alone->first_token == 512);
    CHECK(alone->tokens == 9);
    CHECK(alone->level == 1);
    const rows r(9);
    for (std::size_t l = 0; l < 2; ++l) {
        CHECK(mean_square(alone->keys[l], r.data[2 * l]) < 0.05);
        CHECK(mean_square(alone->values[l], r.data[2 * l + 1]) < 0.05);
    }
    const auto parallel = kv::read_chunk<kv::transform_coded<>>(small, levels(), bytes, limits{}, threads{3});
    REQUIRE(parallel.has_value());
    CHECK(parallel->keys == alone->keys);
    CHECK(parallel->values == alone->values);
    std::vector<std::uint8_t> again;
    kv::write_chunk(small, levels()[1], 1, 512, r.keys, r.values, again, threads{2});
    CHECK(again == bytes);
}

TEST_CASE("every damaged chunk is refused") {
    const auto bytes = chunk(0, 0, 3);
    for (std::size_t n = 0; n < bytes.size(); ++n) CHECK_FALSE(read(byte_view(bytes).first(n)).has_value());
    for (std::size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
        auto damaged = bytes;
        damaged[bit / 8] = static_cast<std::uint8_t>(damaged[bit / 8] ^ 1U << bit % 8);
        CHECK_FALSE(read(damaged).has_value());
    }
    auto longer = bytes;
    longer.push_back(0);
    CHECK(read(longer).error().code == error_code::trailing_data);
}

TEST_CASE("a chunk keeps the limits, and unknown levels are refused") {
    const auto bytes = chunk(1, 0, 3);
    CHECK(read(bytes, {.max_output = 100}).error().code == error_code::limit_exceeded);
    CHECK(read(bytes, {.max_memory = 10}).error().code == error_code::limit_exceeded);
    const auto fewer = kv::read_chunk<kv::transform_coded<>>(small, std::span(levels()).first(1), bytes);
    CHECK(fewer.error().code == error_code::unsupported_parameter);
}

TEST_CASE("the link's controller keeps the deadline when it can, with the finest level that fits") {
    kv::link_rate control({.deadline = 10, .forgetting = 1, .safety = 1});
    const std::vector<std::uint64_t> left{100, 300, 1000};
    CHECK(control.choose(0, left) == 0);  // nothing known
    control.measured(100, 1);
    CHECK(control.estimate() == 100);
    CHECK(control.choose(0, left) == 2);
    CHECK(control.choose(0.1, left) == 1);
    CHECK(control.choose(7, left) == 1);
    CHECK(control.choose(7.1, left) == 0);
    CHECK(control.choose(11, left) == 0);  // too late anyway
    control.measured(0, 1);
    control.measured(5, 0);
    CHECK(control.estimate() == 100);

    // A link that drops to less than a third in the middle: 20 chunks of 10, 30 or 100 bytes.
    kv::link_rate live({.deadline = 12, .forgetting = 0.5, .safety = 0.95});
    double elapsed = 0;
    for (std::uint64_t i = 0; i < 20; ++i) {
        const std::uint64_t chunks = 20 - i;
        const std::vector<std::uint64_t> all{10 * chunks, 30 * chunks, 100 * chunks};
        const std::uint64_t bytes = all[live.choose(elapsed, all)] / chunks;
        const double seconds = static_cast<double>(bytes) / (i < 8 ? 200.0 : 60.0);
        live.measured(bytes, seconds);
        elapsed += seconds;
    }
    CHECK(elapsed < 12);
    CHECK(elapsed > 6);  // and did not stay coarse
}
