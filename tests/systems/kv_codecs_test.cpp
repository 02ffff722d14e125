#include <pith/systems/kv_low_rank.hpp>
#include <pith/systems/kv_scalar.hpp>

#include <cmath>
#include <vector>

#include "../kv/block_samples.hpp"
#include "support/catch.hpp"

namespace {

namespace kv = pith::kv;
namespace quant = pith::quant;
namespace systems = pith::systems;
using block_samples::block;
using block_samples::codec;
using block_samples::erased;
using block_samples::measure;

constexpr auto keys = kv::tensor_kind::keys;
constexpr auto values = kv::tensor_kind::values;
constexpr kv::shape wide{.layers = 4, .kv_heads = 2, .query_heads = 4, .head_size = 128};
constexpr kv::shape narrow{.layers = 4, .kv_heads = 2, .query_heads = 4, .head_size = 64};

/// Sums of fractions that are no multiples of powers of two.
bool near(double a, double b) { return std::abs(a - b) < 1e-9; }

template <class C>
double bits(const C& c, std::size_t tokens, kv::tensor_kind kind = keys, const kv::shape& shape = wide) {
    return measure(erased(c), block_samples::make_block(shape, tokens, kind, 11, C::layers)).bits;
}
template <class C>
double error_of(const C& c, const block& b) {
    return measure(erased(c), b).error;
}

kv::calibration calibration_for(const kv::shape& shape, std::size_t tokens, std::uint64_t seed) {
    std::vector<kv::matrix> k, v, q;
    for (std::size_t l = 0; l < shape.layers; ++l) {
        k.push_back(block_samples::structured(keys, tokens, shape.key_channels(), seed + l));
        v.push_back(block_samples::structured(values, tokens, shape.key_channels(), seed + 50 + l));
        q.push_back(block_samples::gaussian(tokens, shape.query_channels(), seed + 90 + l));
    }
    return block_samples::calibration_of(shape, k, v, q);
}

/// The relative error of attention over one head with decoded keys and values, over queries that lean to the
/// keys' mean as those of models do.
double attention_error(const kv::matrix& k, const kv::matrix& v, const kv::matrix& k2, const kv::matrix& v2,
                       std::size_t d) {
    const auto attend = [&](const kv::matrix& from, const kv::matrix& to, std::span<const float> q) {
        std::vector<double> weight(from.rows()), out(d);
        double largest = -1e30, sum = 0;
        for (std::size_t t = 0; t < from.rows(); ++t) {
            for (std::size_t c = 0; c < d; ++c) weight[t] += double{q[c]} * double{from(t, c)};
            weight[t] /= std::sqrt(static_cast<double>(d));
            largest = std::max(largest, weight[t]);
        }
        for (double& w : weight) sum += w = std::exp(w - largest);
        for (std::size_t t = 0; t < from.rows(); ++t)
            for (std::size_t c = 0; c < d; ++c) out[c] += weight[t] / sum * double{to(t, c)};
        return out;
    };
    const kv::matrix queries = block_samples::gaussian(40, d, 77);
    double lost = 0, all = 0;
    for (std::size_t i = 0; i < queries.rows(); ++i) {
        const auto a = attend(k, v, queries.row(i)), b = attend(k2, v2, queries.row(i));
        for (std::size_t c = 0; c < d; ++c) {
            lost += (a[c] - b[c]) * (a[c] - b[c]);
            all += a[c] * a[c];
        }
    }
    return std::sqrt(lost / all);
}

/// Of one system's two codecs on a block of each kind.
template <class Keys, class Values>
double attention_error(const Keys& k, const Values& v, const kv::shape& shape = wide,
                       std::size_t tokens = 256) {
    const block kb = block_samples::make_block(shape, tokens, keys, 21),
                vb = block_samples::make_block(shape, tokens, values, 22);
    return attention_error(kb.x, vb.x, measure(erased(k), kb).decoded, measure(erased(v), vb).decoded,
                           shape.head_size);
}

}  // namespace

TEST_CASE("The bits of quantizing codecs are those of their formulas") {
    CHECK(bits(systems::kivi_keys<2>(), 128) == 3.0);
    CHECK(bits(systems::kivi_values<2>(), 128, values) == 3.0);
    CHECK(bits(systems::kivi_keys<2, 64>(), 128) == 2.5);
    CHECK(bits(systems::kivi_keys<4>(), 128) == 5.0);
    CHECK(bits(systems::kv_adaquant_values(), 128, values) == 2.5);
    CHECK(bits(systems::polarquant_keys(), 128) == 4.25);
    CHECK(bits(systems::make_turboquant_codec<3>(128), 32) == 3.125);
    CHECK(bits(systems::make_turboquant_prod_codec<3>(128), 32) == 3.25);
    CHECK(bits(systems::make_centred_turboquant_codec<3>(128), 32) == 3.625);  // 16 / 32 of means
    CHECK(bits(systems::engine_codec<kv::engine_format::q8_0>(), 32) == 8.5);
    CHECK(bits(systems::engine_codec<kv::engine_format::q5_0>(), 32) == 5.5);
    CHECK(bits(systems::engine_codec<kv::engine_format::q4_0>(), 32) == 4.5);
    CHECK(bits(systems::engine_codec<kv::engine_format::q4_1>(), 32) == 5.0);
    CHECK(bits(systems::engine_codec<kv::engine_format::iq4_nl>(), 32) == 4.5);
    // 38 of 128 values, and a bit for each; 4-bit survivors with a scale and a minimum for each row.
    CHECK(bits(systems::mustafar_codec<300>(), 32) == 16 * 38 / 128.0 + 1);
    CHECK(bits(systems::mustafar_codec<300, systems::token_groups<4, 0>>(), 32) == (38 * 4 + 32) / 128.0 + 1);
    // Two sketches of 256 and 128 signs with their norms; which channels, once for the block.
    CHECK(bits(systems::make_qjl_keys(128), 64) == (256 + 128 + 32) / 128.0 + 1 / 64.0);
    CHECK(bits(systems::make_split_turboquant_codec<2>(128), 64) == 2.25 + 32 / 128.0 + 1 / 64.0);
    // Of a head's 64 + 64 channels 2 and 1 bit, scale and minimum for 32 values, which channels.
    CHECK(bits(systems::make_vidkv_keys(128), 128) == 1.5 + 1 + 1 / 128.0);
}

TEST_CASE("The bits of codecs with outliers, classes and factors are those of their formulas") {
    constexpr double d = 128, tokens = 512;
    const double factors = 16 * 4 * (tokens + d) / (tokens * d);
    CHECK(bits(systems::gear_keys<2>(), 512) == 2.5 + factors + 32 * 10 / tokens);
    CHECK(bits(systems::gear_values<2>(), 512, values) == 2.5 + factors + 32 * 2 / d);
    CHECK(bits(systems::gear_l_keys<4>(), 512) == 4.5 + factors);
    // 60 % at 4 bits, 40 % at 2; keys: two scales of each channel for 1000 tokens; values: one of each token.
    CHECK(near(bits(systems::zipcache_keys(), 1000), 3.2 + 2 * 32 / 1000.0 + 1 / 256.0));
    CHECK(near(bits(systems::zipcache_values(), 1000, values), 3.2 + 32 / 256.0 + 16 / 1000.0 + 1 / 256.0));
    CHECK(near(bits(systems::mikv_values(), 500, values), 0.2 * 8 + 0.8 * 2 + 1 + 504 / (128.0 * 500)));
    CHECK(bits(systems::vidkv_values(), 500, values) > 1.6 * 0.8 + 0.2 * 3);
    CHECK(bits(systems::vidkv_values(), 500, values) < 1.6 * 0.8 + 0.2 * 3 + 0.1);
    const std::size_t rank = 4 * 256 / 8;
    CHECK(bits(systems::make_xkv_codec<>(wide, keys), 512) == 16.0 * rank * (1 / 1024.0 + 1 / tokens));
    CHECK(near(bits(systems::make_shadowkv_keys(wide), 512),
               16.0 * 40 * (1 / 256.0 + 1 / tokens) + 16 / 8.0 + 16 * 2 * 8 / tokens + 64 / (tokens * 256)));
    // A pair of layers: a direction of 128 halves, two norms; the few tokens that point apart cost 128 halves
    // more.
    block pair = block_samples::make_block(wide, 512, keys, 1, 2);
    pair.first_layer = 2;
    const double merged = (16 * 128 + 32 + 1) / 256.0;
    CHECK(measure(erased(systems::minicache_codec()), pair).bits >= merged);
    CHECK(measure(erased(systems::minicache_codec()), pair).bits < merged * 1.1);
}

TEST_CASE("The bits of calibrated codecs are those of their formulas") {
    const auto sample = calibration_for(narrow, 150, 5);
    const auto of_keys = [&](const auto& c, std::size_t tokens) { return bits(c, tokens, keys, narrow); };
    CHECK(of_keys(systems::make_cskv_codec<>(sample, keys), 64) == 16 * 26 / 128.0);
    CHECK(of_keys(systems::make_cskv_codec<systems::token_groups<4, 0>>(sample, keys), 64) ==
          (4 * 26 + 32) / 128.0);
    CHECK(of_keys(systems::make_matryoshka_codec(sample, keys), 64) == 8.0);
    CHECK(of_keys(systems::make_aqua_codec<2>(sample, keys), 64) == 2 + 16 / 128.0);
    CHECK(near(of_keys(systems::make_kvquant_keys<>(sample), 1000), 3 + 32 * 10 / 1000.0));
    CHECK(bits(systems::make_kvquant_values<>(sample), 1000, values, narrow) ==
          3 + 32 * 2 / 128.0 + 32 / 128.0);
    // Three of four layers have a prediction.
    CHECK(systems::make_aqua_codec<2>(sample, values).constant_bytes() == 3 * 4 * (2 * 128 * 128 + 128));
}

TEST_CASE("KIVI: keys by channel lose less than keys by token, at equal bits") {
    const block b = block_samples::make_block(wide, 256, keys, 3);
    CHECK(error_of(systems::kivi_keys<2>(), b) < 0.5 * error_of(systems::per_token<2>(), b));
    CHECK(attention_error(systems::kivi_keys<2>(), systems::kivi_values<2>()) <
          attention_error(systems::per_token<2>(), systems::per_token<2>()));
    CHECK(attention_error(systems::kivi_keys<4>(), systems::kivi_values<4>()) <
          attention_error(systems::per_token<4>(), systems::per_token<4>()));
}

TEST_CASE("GEAR: outliers and factors take error from the bare quantizer") {
    for (const auto kind : {keys, values}) {
        const block b = block_samples::make_block(wide, 256, kind, 4);
        const double all =
            kind == keys ? error_of(systems::gear_keys<2>(), b) : error_of(systems::gear_values<2>(), b);
        const double factors =
            kind == keys ? error_of(systems::gear_l_keys<2>(), b) : error_of(systems::gear_l_values<2>(), b);
        const double bare = kind == keys ? error_of(systems::kivi_keys<2, 64>(), b)
                                         : error_of(systems::kivi_values<2, 64>(), b);
        CAPTURE(all, factors, bare);
        CHECK(all < factors);
        CHECK(factors < bare);
    }
}

TEST_CASE("A rotation of keys loses less once the mean of each channel is gone") {
    const block b = block_samples::make_block(wide, 256, keys, 5);
    const double rotated = error_of(systems::make_turboquant_codec<3>(128), b);
    const double centred = error_of(systems::make_centred_turboquant_codec<3>(128), b);
    CAPTURE(rotated, centred);
    CHECK(centred < rotated);
}

TEST_CASE("TurboQuant: the mse code loses less than the one with a sketch, at equal bits") {
    const block b = block_samples::make_block(wide, 64, values, 6);
    CHECK(error_of(systems::make_turboquant_codec<3>(128), b) <
          error_of(systems::make_turboquant_prod_codec<3>(128), b));
}

TEST_CASE("KV-AdaQuant: four bits for keys and two for values beat the reverse in attention") {
    const double more_keys = attention_error(systems::kivi_keys<4, 64>(), systems::kivi_values<2, 64>());
    const double more_values = attention_error(systems::kivi_keys<2, 64>(), systems::kivi_values<4, 64>());
    CAPTURE(more_keys, more_values);
    CHECK(more_keys < more_values);
    CHECK(attention_error(systems::make_turboquant_codec<4>(128), systems::make_turboquant_codec<2>(128)) <
          attention_error(systems::make_turboquant_codec<2>(128), systems::make_turboquant_codec<4>(128)));
}

TEST_CASE("ZipCache and MiKV: salient tokens lose less than the others") {
    const block b = block_samples::make_block(wide, 110, keys, 7);
    const auto split = [&](const codec& c) {
        const auto decoded = measure(c, b).decoded;
        double salient = 0, other = 0;
        std::size_t n = 0, m = 0;
        for (std::size_t t = 0; t < b.x.rows(); ++t) {
            double lost = 0;
            for (std::size_t c2 = 0; c2 < b.x.columns(); ++c2)
                lost += (double{b.x(t, c2)} - double{decoded(t, c2)}) *
                        (double{b.x(t, c2)} - double{decoded(t, c2)});
            if (b.saliency[t] >= 9) salient += lost, ++n;
            if (b.saliency[t] <= 3) other += lost, ++m;
        }
        return salient / static_cast<double>(n) / (other / static_cast<double>(m));
    };
    CHECK(split(erased(systems::zipcache_keys())) < 0.2);
    CHECK(split(erased(systems::mikv_keys())) < 0.05);
}

TEST_CASE("xKV: one subspace of four layers loses less than one for each layer, at equal bytes") {
    // Four layers whose tokens differ by a rotation within one subspace, and noise.
    const kv::shape shape{.layers = 4, .kv_heads = 1, .query_heads = 1, .head_size = 64};
    block b = block_samples::make_block(shape, 256, values, 8, 4);
    const kv::matrix tokens = block_samples::gaussian(256, 24, 31),
                     basis = block_samples::gaussian(24, 256, 32),
                     noise = block_samples::gaussian(256, 256, 33);
    for (std::size_t t = 0; t < 256; ++t)
        for (std::size_t c = 0; c < 256; ++c) {
            b.x(t, c) = 0.3F * noise(t, c);
            for (std::size_t k = 0; k < 24; ++k) b.x(t, c) += tokens(t, k) * basis(k, c) / 5;
        }
    const auto together = measure(block_samples::of(kv::low_rank<4>{.rank = 24}), b);
    double lost = 0, stored = 0;
    for (std::size_t l = 0; l < 4; ++l) {
        block one = block_samples::make_block(shape, 256, values, 8);
        kv::copy_into(b.view().block(0, 64 * l, 256, 64), one.x.view());
        const auto alone = measure(block_samples::of(kv::low_rank<>{.rank = 10}), one);
        lost += alone.error / 4;
        stored += alone.bits / 4;
    }
    CAPTURE(together.error, lost, together.bits, stored);
    CHECK(together.bits <= stored);
    CHECK(together.error < 0.5 * lost);
}

TEST_CASE("AQUA-KV: what the layer before tells need not be stored") {
    const auto sample = calibration_for(narrow, 400, 60);
    auto related = sample;  // layer 1 is a mixture of layer 0's channels and noise
    const kv::matrix mixture = block_samples::gaussian(128, 128, 61),
                     noise = block_samples::gaussian(700, 128, 62);
    const auto told = [&](const kv::matrix& from, std::size_t first) {
        kv::matrix out(from.rows(), 128);
        for (std::size_t t = 0; t < from.rows(); ++t)
            for (std::size_t c = 0; c < 128; ++c) {
                out(t, c) = 0.3F * noise(first + t, c);
                for (std::size_t i = 0; i < 128; i += 16) out(t, c) += from(t, i) * mixture(i, c) / 4;
            }
        return out;
    };
    const kv::matrix fitted = told(kv::matrix(sample.keys_of(0)), 0);
    for (std::size_t t = 0; t < 400; ++t)
        std::copy(fitted.row(t).begin(), fitted.row(t).end(),
                  related.keys[1].begin() + static_cast<std::ptrdiff_t>(128 * t));
    const auto aqua = systems::make_aqua_codec<2>(related, keys);
    block b = block_samples::make_block(narrow, 200, keys, 64);
    b.first_layer = 1;
    b.previous_keys = kv::matrix(block_samples::structured(keys, 200, 128, 65));
    b.x = told(b.previous_keys, 500);
    const double with = error_of(aqua, b);
    b.previous_keys = {};
    CHECK(with < 0.2 * error_of(aqua, b));
}

TEST_CASE("KVQuant: fitted levels lose less than equally spaced ones of as many bits") {
    const auto sample = calibration_for(narrow, 600, 70);
    const block b = block_samples::make_block(narrow, 500, keys, 71);
    const auto fitted = systems::make_kvquant_keys<3>(sample);
    const auto grouped = kv::pipeline<systems::channel_groups<3, 0>>();
    CHECK(error_of(fitted, b) < error_of(grouped, b));
}

TEST_CASE("A projection of full rank loses nothing but the rounding to halves, and less rank loses more") {
    const auto sample = calibration_for(narrow, 600, 80);
    const block b = block_samples::make_block(narrow, 64, keys, 81);
    const double quarter = error_of(systems::make_matryoshka_codec(sample, keys, 0.25), b);
    const double half = error_of(systems::make_matryoshka_codec(sample, keys, 0.5), b);
    const double full = error_of(systems::make_matryoshka_codec(sample, keys, 1.0), b);
    CAPTURE(quarter, half, full);
    CHECK(half < quarter);
    CHECK(full < 1e-5);
    CHECK(error_of(systems::make_cskv_codec<>(sample, keys, 0.5), b) <
          error_of(systems::make_cskv_codec<>(sample, keys, 0.2), b));
}

TEST_CASE("ShadowKV's landmarks are the means of chunks") {
    const auto c = systems::make_shadowkv_keys(wide);
    const block b = block_samples::make_block(wide, 20, keys, 9);
    std::vector<std::byte> bytes;
    c.encode(b.view(), b.scope(), bytes);
    const auto marks = c.first().landmarks(bytes, 20, 256);
    REQUIRE(marks.has_value());
    REQUIRE(marks->rows() == 3);
    float mean = 0;
    for (std::size_t t = 16; t < 20; ++t) mean += b.x(t, 7) / 4;
    CHECK(std::abs((*marks)(2, 7) - mean) < 2e-3F * std::abs(mean) + 1e-3F);
}
