#include <pith/core/random.hpp>
#include <pith/entropy/model_mixture.hpp>
#include <pith/entropy/model_parametric.hpp>
#include <pith/entropy/model_parametric_table.hpp>
#include <pith/entropy/parametric_codec.hpp>
#include <pith/entropy/range.hpp>

#include <cmath>
#include <memory>
#include <vector>

#include "support/catch.hpp"
#include "support/digest.hpp"

using namespace pith::entropy;

namespace {

constexpr std::int32_t least = -2147483647 - 1;
constexpr std::int32_t greatest = 2147483647;

struct sample {
    std::vector<location_scale> given;
    std::vector<std::int32_t> symbols;
};

/// Symbols from Gaussians of scales 0.05 .. 256 and some far outliers.
sample draw_sample(std::size_t n, std::uint64_t seed, unsigned outliers_in_256) {
    pith::random_sequence draw(seed);
    sample s;
    for (std::size_t i = 0; i < n; ++i) {
        const location_scale p{fixed_location((draw.uniform_double() - 0.5) * 200),
                               fixed_scale(pith::exact::exp2(draw.uniform_double() * 12.3 - 4.3))};
        s.given.push_back(p);
        const double value = p.mean / 4096.0 + p.scale / 4096.0 * draw.gaussian();
        std::int32_t symbol = static_cast<std::int32_t>(std::lround(value));
        if (draw.below(256) < outliers_in_256) symbol = static_cast<std::int32_t>(draw()) >> draw.below(32);
        s.symbols.push_back(symbol);
    }
    return s;
}

const parametric_models<gaussian>& gaussians() {
    static const auto models = std::make_unique<parametric_models<gaussian>>();
    return *models;
}

template <class Codec, class Parameters>
std::vector<std::uint8_t> encoded(const Codec& codec, const std::vector<Parameters>& given,
                                  const std::vector<std::int32_t>& symbols) {
    std::vector<std::uint8_t> out(Codec::max_encoded_size(symbols.size()));
    auto size = codec.encode_into(symbols, given, out);
    REQUIRE(size.has_value());
    out.resize(*size);
    return out;
}

template <class Codec, class Parameters>
void check_round_trip(const Codec& codec, const std::vector<Parameters>& given,
                      const std::vector<std::int32_t>& symbols) {
    const auto bytes = encoded(codec, given, symbols);
    std::vector<std::int32_t> back(symbols.size(), -77);
    const auto end = codec.decode_into(bytes, given, back);
    CHECK(end.has_value());
    CHECK(back == symbols);
}

}  // namespace

TEST_CASE("symbols with their own parameters come back, on every size") {
    const parametric_codec<parametric_models<gaussian>> codec(gaussians());
    const parametric_codec<parametric_models<gaussian>, 1> one(gaussians());
    const parametric_codec<parametric_models<gaussian>, 8> eight(gaussians());
    for (std::size_t n = 0; n <= 70; ++n) {
        const sample s = draw_sample(n, n, 20);
        check_round_trip(codec, s.given, s.symbols);
        check_round_trip(one, s.given, s.symbols);
        check_round_trip(eight, s.given, s.symbols);
    }
    for (std::size_t n : {127U, 300U, 4097U}) {
        const sample s = draw_sample(n, n, 3);
        check_round_trip(codec, s.given, s.symbols);
        check_round_trip(eight, s.given, s.symbols);
    }
}

TEST_CASE("any int32 can be coded under any parameters") {
    const parametric_codec<parametric_models<gaussian>> codec(gaussians());
    std::vector<location_scale> given;
    std::vector<std::int32_t> symbols;
    for (std::int32_t mean : {least, -1, 0, 123456, greatest})
        for (std::uint32_t scale : {0U, 205U, 4096U, 1U << 24, 0xFFFFFFFFU})
            for (std::int32_t symbol :
                 {least, least + 1, -100000, -3, 0, 1, 524287, 524288, greatest - 1, greatest}) {
                given.push_back({mean, scale});
                symbols.push_back(symbol);
            }
    check_round_trip(codec, given, symbols);
    CHECK(encoded(codec, given, symbols).size() <= decltype(codec)::max_encoded_size(symbols.size()));
}

TEST_CASE("drawn symbols cost within a thousandth of the ideal") {
    const parametric_codec<parametric_models<gaussian>> codec(gaussians());
    const sample s = draw_sample(300000, 5, 0);
    double ideal = 0;
    for (std::size_t i = 0; i < s.symbols.size(); ++i) {
        const double scale = s.given[i].scale / 4096.0;
        const double a = (s.symbols[i] - 0.5 - s.given[i].mean / 4096.0) / scale;
        const double b = a + 1 / scale;
        ideal -=
            std::log2(a > 0 ? gaussian::cdf(-a) - gaussian::cdf(-b) : gaussian::cdf(b) - gaussian::cdf(a));
    }
    const double size = 8.0 * static_cast<double>(encoded(codec, s.given, s.symbols).size());
    CAPTURE(ideal, size / ideal - 1);
    CHECK(size < 1.001 * ideal);
    CHECK(size > 0.9999 * ideal);
}

TEST_CASE("tables of scales and the general path read each other's streams") {
    const parametric_scale_table<gaussian> table(log_spaced_scales<64>(0.05, 256), 3);
    const parametric_codec<parametric_scale_table<gaussian>> fast(table);
    const parametric_codec<parametric_models<gaussian>> slow(gaussians());
    const sample s = draw_sample(3000, 6, 4);
    std::vector<indexed_scale> indexed;
    std::vector<location_scale> general;
    for (const location_scale& p : s.given) {
        indexed.push_back({p.mean, table.index_for(p.scale)});
        general.push_back(table.general(indexed.back()));
    }
    const auto bytes = encoded(fast, indexed, s.symbols);
    CHECK(bytes == encoded(slow, general, s.symbols));
    std::vector<std::int32_t> back(s.symbols.size());
    CHECK(slow.decode_into(bytes, general, back).has_value());
    CHECK(back == s.symbols);
    check_round_trip(fast, indexed, s.symbols);
}

TEST_CASE("mixtures come back through the block codec") {
    const auto models = std::make_unique<mixture_models<laplace, 4>>();
    const parametric_codec<mixture_models<laplace, 4>> codec(*models);
    pith::random_sequence draw(8);
    std::vector<mixture<4>> given(777);
    std::vector<std::int32_t> symbols;
    for (auto& m : given) {
        for (auto& c : m.component)
            c = {static_cast<std::int32_t>(draw.below(1U << 19)), 200 + draw.below(1U << 17)};
        m.weight = mixture_weights<4>({1 + draw.below(9), draw.below(9), draw.below(9), draw.below(9)});
        symbols.push_back(static_cast<std::int32_t>(draw.below(150)) - (draw.below(50) == 0 ? 100000 : 0));
    }
    check_round_trip(codec, given, symbols);
}

TEST_CASE("parametric symbols pass through any queue coder, escapes included") {
    const sample s = draw_sample(500, 12, 30);
    std::vector<kept_interval> room(500 * 80);
    std::vector<std::uint8_t> buffer(20000);
    rans_intervals_encoder<> encoder(room, buffer);
    for (std::size_t i = 0; i < s.symbols.size(); ++i)
        put_parametric(encoder, gaussians().given(s.given[i]), s.symbols[i]);
    auto stream = encoder.finish();
    REQUIRE(stream.has_value());
    rans_intervals_decoder<> decoder(*stream);
    std::size_t wrong = 0;
    for (std::size_t i = 0; i < s.symbols.size(); ++i) {
        auto symbol = get_parametric(decoder, gaussians().given(s.given[i]));
        wrong += !symbol || *symbol != s.symbols[i];
    }
    CHECK(wrong == 0);
    CHECK(decoder.finish().has_value());
}

TEST_CASE("parametric symbols pass through the range coder, escapes and mixtures included") {
    const sample s = draw_sample(800, 18, 30);
    const auto mixtures = std::make_unique<mixture_models<gaussian, 2>>();
    const auto mixed = [&](std::size_t i) {
        return mixtures->given({{s.given[i], location_scale{-5000, 9000}}, {30000, 2768}});
    };
    std::vector<std::uint8_t> bytes;
    pith::vector_sink sink(bytes);
    range_encoder encoder(sink);
    for (std::size_t i = 0; i < s.symbols.size(); ++i) {
        put_parametric(encoder, gaussians().given(s.given[i]), s.symbols[i]);
        put_parametric(encoder, mixed(i), s.symbols[i]);
    }
    encoder.finish();
    range_decoder decoder(bytes);
    std::size_t wrong = 0;
    for (std::size_t i = 0; i < s.symbols.size(); ++i) {
        auto first = get_parametric(decoder, gaussians().given(s.given[i]));
        auto second = get_parametric(decoder, mixed(i));
        wrong += !first || *first != s.symbols[i] || !second || *second != s.symbols[i];
    }
    CHECK(wrong == 0);
    CHECK(decoder.finish().has_value());
}

TEST_CASE("a destination that is too small is told, whatever its size") {
    const parametric_codec<parametric_models<gaussian>> codec(gaussians());
    const sample s = draw_sample(60, 13, 30);
    const std::size_t size = encoded(codec, s.given, s.symbols).size();
    for (std::size_t room = 0; room < size + 3; ++room) {
        std::vector<std::uint8_t> out(room);
        const auto written = codec.encode_into(s.symbols, s.given, out);
        CHECK(written.has_value() == (room >= size));
        if (!written) CHECK(written.error().code == pith::error_code::output_too_small);
    }
}

TEST_CASE("every truncation and extension of a parametric stream is an error, every bit flip is harmless") {
    const parametric_codec<parametric_models<gaussian>> codec(gaussians());
    for (unsigned outliers : {0U, 60U}) {
        const sample s = draw_sample(50, 14, outliers);
        const auto bytes = encoded(codec, s.given, s.symbols);
        std::vector<std::int32_t> back(s.symbols.size());
        for (std::size_t n = 0; n < bytes.size(); ++n) {
            const std::vector<std::uint8_t> cut(bytes.begin(),
                                                bytes.begin() + static_cast<std::ptrdiff_t>(n));
            CHECK_FALSE(codec.decode_into(cut, s.given, back).has_value());
        }
        auto longer = bytes;
        longer.push_back(0);
        CHECK_FALSE(codec.decode_into(longer, s.given, back).has_value());
        std::size_t unnoticed = 0;
        for (std::size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
            const std::vector<std::uint8_t> flipped = [&] {
                auto copy = bytes;
                copy[bit / 8] = static_cast<std::uint8_t>(copy[bit / 8] ^ (1U << (bit % 8)));
                return copy;
            }();
            if (codec.decode_into(flipped, s.given, back).has_value()) {
                ++unnoticed;
                // A stream has one form: whatever is accepted is what the encoder writes for it.
                CHECK(encoded(codec, s.given, back) == flipped);
            }
        }
        // Only bits of escaped distances may change a symbol without a trace.
        if (outliers == 0) CHECK(unnoticed < 4);
        CHECK(unnoticed < 2 * bytes.size());
    }
    std::vector<std::int32_t> none;
    CHECK(codec.decode_into(std::vector<std::uint8_t>{}, std::vector<location_scale>{}, none).has_value());
    CHECK_FALSE(
        codec.decode_into(std::vector<std::uint8_t>{0}, std::vector<location_scale>{}, none).has_value());
}

TEST_CASE("random bytes never decode out of bounds") {
    const parametric_codec<parametric_models<gaussian>> codec(gaussians());
    pith::random_sequence draw(15);
    std::vector<std::int32_t> back(100);
    const sample s = draw_sample(100, 16, 0);
    std::size_t accepted = 0;
    for (int i = 0; i < 2000; ++i) {
        std::vector<std::uint8_t> noise(draw.below(200));
        for (auto& b : noise) b = static_cast<std::uint8_t>(draw());
        if (!noise.empty()) noise[0] &= 0x3F;
        accepted += codec.decode_into(noise, s.given, back).has_value();
    }
    CHECK(accepted == 0);
}

TEST_CASE("parametric streams are frozen") {
    const parametric_codec<parametric_models<gaussian>> codec(gaussians());
    pith::random_sequence draw(17);
    std::vector<location_scale> given;
    std::vector<std::int32_t> symbols;
    for (int i = 0; i < 5000; ++i) {
        given.push_back(
            {static_cast<std::int32_t>(draw.below(1U << 16)), 200 + draw.below(1U << (8 + draw.below(12)))});
        symbols.push_back((given.back().mean >> 12) +
                          static_cast<std::int32_t>(draw.below(2 + given.back().scale / 2048)) -
                          static_cast<std::int32_t>(given.back().scale / 4096));
    }
    digest d;
    for (std::uint8_t b : encoded(codec, given, symbols)) d.add(b);
    CHECK(d.value() == 0xb6e95b5467bb16f8);
}
