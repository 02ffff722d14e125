#include <pith/entropy/arithmetic_binary.hpp>
#include <pith/entropy/bit_plane.hpp>
#include <pith/entropy/model_adaptive_bit.hpp>

#include <cmath>
#include <limits>
#include <memory>
#include <vector>

#include "block_laws.hpp"

using namespace pith;
using namespace pith::entropy;
using block_laws::bytes;

namespace {

/// The smallest coder that offers the concept: plain bits, and the ideal cost beside them.
struct plain_encoder {
    std::vector<bool> bits;
    double cost = 0;
    void put(bool bit, std::uint32_t p) {
        REQUIRE((p >= 1 && p <= 65535));
        bits.push_back(bit);
        cost -= std::log2((bit ? p : 65536 - p) / 65536.0);
    }
};
struct plain_decoder {
    const std::vector<bool>* bits;
    std::size_t at = 0;
    bool get(std::uint32_t) { return at < bits->size() && (*bits)[at++]; }
};
static_assert(bit_encoder<plain_encoder> && bit_decoder<plain_decoder>);
static_assert(bit_predictor<frequency_predictor<>>);

/// The least that a predictor must be.
struct even_predictor {
    std::uint32_t probability_of_one() const noexcept { return 32768; }
    void update(bool) noexcept {}
};

template <class Value>
std::vector<Value> residuals(std::size_t n, double spread) {
    block_laws::generator g{n + 17};
    std::vector<Value> out(n);
    for (Value& v : out) {
        const double u = (g.next() + 0.5) / 4294967296.0;
        const double limit = static_cast<double>(std::numeric_limits<Value>::max());
        double r = std::floor(0.5 - spread * std::log(u));
        r = r > limit ? limit : r;
        v = static_cast<Value>(g.next() % 2 != 0 ? r : -r);
    }
    return out;
}

template <class Value, class Predictor>
void check_embedded(const std::vector<Value>& values) {
    using coder = bit_plane_coder<Value, Predictor>;
    const auto encoder_side = std::make_unique<coder>();
    const auto decoder_side = std::make_unique<coder>();
    const unsigned planes = coder::planes_of(values);
    plain_encoder encoder;
    for (unsigned p = planes; p-- > 0;) encoder_side->encode_plane(values, p, encoder);
    plain_decoder decoder{&encoder.bits};
    std::vector<Value> back(values.size());
    for (unsigned p = planes; p-- > 0;) {
        decoder_side->decode_plane(back, p, decoder);
        for (std::size_t i = 0; i < values.size(); ++i) REQUIRE(back[i] == coder::truncated(values[i], p));
    }
    CHECK(back == values);
    CHECK(decoder.at == encoder.bits.size());
}

}  // namespace

TEST_CASE("bit planes are embedded: any prefix of planes is a coarser quantizer, all of them the values") {
    for (std::size_t n = 0; n < 70; ++n) {
        check_embedded<std::int8_t, frequency_predictor<>>(residuals<std::int8_t>(n, 3));
        check_embedded<std::int16_t, even_predictor>(residuals<std::int16_t>(n, 900));
    }
    check_embedded<std::int8_t, frequency_predictor<1023>>(residuals<std::int8_t>(5000, 0.5));
    check_embedded<std::int8_t, even_predictor>(residuals<std::int8_t>(5000, 60));
    check_embedded<std::int32_t, frequency_predictor<>>(residuals<std::int32_t>(500, 1e8));
    std::vector<std::int8_t> all;
    for (int v = -128; v <= 127; ++v) all.push_back(static_cast<std::int8_t>(v));
    check_embedded<std::int8_t, frequency_predictor<>>(all);
    check_embedded<std::int64_t, frequency_predictor<>>(
        {std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max(), 0, -1, 1});
}

TEST_CASE(
    "the most negative value is complete with its highest plane, so that all bits make values of one form") {
    using coder = bit_plane_coder<std::int8_t, even_predictor>;
    coder forward, backward;
    for (unsigned first = 0; first < 256; ++first) {
        // Eight bits, and zeros behind them, as the planes of two values.
        std::vector<bool> bits;
        for (unsigned k = 0; k < 8; ++k) bits.push_back((first >> k & 1) != 0);
        plain_decoder decoder{&bits};
        std::vector<std::int8_t> values(2, 0);
        for (unsigned p = 8; p-- > 0;) backward.decode_plane(values, p, decoder);
        plain_encoder encoder;
        for (unsigned p = 8; p-- > 0;) forward.encode_plane(values, p, encoder);
        const std::size_t used = encoder.bits.size();
        REQUIRE(decoder.at == (used < 8 ? used : 8));
        bits.resize(used, false);
        REQUIRE(encoder.bits == bits);
    }
}

TEST_CASE("significance planes cost within 0.4 % of the order-0 entropy") {
    for (const double spread : {0.48, 24.0}) {
        const std::vector<std::int8_t> values = residuals<std::int8_t>(400000, spread);
        std::vector<double> counts(256);
        for (const std::int8_t v : values) ++counts[static_cast<std::uint8_t>(v)];
        double entropy = 0;
        for (const double c : counts)
            if (c != 0) entropy -= c * std::log2(c / static_cast<double>(values.size()));
        bit_plane_coder<> coder;
        plain_encoder encoder;
        for (unsigned p = coder.planes_of(values); p-- > 0;) coder.encode_plane(values, p, encoder);
        CAPTURE(spread);
        CHECK(encoder.cost < entropy * 1.004);
    }
}

TEMPLATE_TEST_CASE("planes go through the binary arithmetic coder, each plane a stream of its own", "",
                   frequency_predictor<>, adaptive_bit<>) {
    const std::vector<std::int8_t> values = residuals<std::int8_t>(3000, 2);
    using coder = bit_plane_coder<std::int8_t, TestType>;
    coder encoder_side, decoder_side;
    std::vector<bytes> planes;
    for (unsigned p = coder::planes_of(values); p-- > 0;) {
        planes.emplace_back();
        vector_sink sink(planes.back());
        binary_encoder encoder(sink);
        encoder_side.encode_plane(std::span<const std::int8_t>(values), p, encoder);
        encoder.finish();
    }
    std::vector<std::int8_t> back(values.size());
    for (std::size_t i = 0; i < planes.size(); ++i) {
        binary_decoder<> decoder(planes[i]);
        decoder_side.decode_plane(back, static_cast<unsigned>(planes.size() - 1 - i), decoder);
        CHECK(decoder.finish());
    }
    CHECK(back == values);
}

TEST_CASE("predictors of equal history are equal, and stay off 0 and 1") {
    frequency_predictor<1023> a, b;
    block_laws::generator g{5};
    for (unsigned i = 0; i < 20000; ++i) {
        const bool bit = i < 6000 || (i > 12000 && g.next() % 2 != 0);  // all ones, all zeros, noise
        a.update(bit), b.update(bit);
        REQUIRE(a.probability_of_one() == b.probability_of_one());
        REQUIRE((a.probability_of_one() >= 1 && a.probability_of_one() <= 65535));
    }
}

TEST_CASE("raw planes come back at every size, in ceil(n/8) bytes") {
    for (std::size_t n = 0; n <= 300; ++n) {
        const bytes values = block_laws::sample(2, n);
        bytes stream;
        vector_sink sink(stream);
        for (unsigned p = 8; p-- > 0;) put_raw_plane(sink, values, p);
        REQUIRE(stream.size() == 8 * ((n + 7) / 8));
        byte_reader reader(stream);
        bytes back(n);
        for (unsigned p = 8; p-- > 0;) REQUIRE(get_raw_plane(reader, back, p));
        REQUIRE(back == values);
        REQUIRE(reader.remaining() == 0);
    }
}

TEST_CASE("raw planes that are cut or not filled with zeros are refused") {
    const bytes values = block_laws::sample(2, 13);
    bytes stream;
    vector_sink sink(stream);
    put_raw_plane(sink, values, 3);
    bytes back(13);
    byte_reader cut(byte_view(stream).first(1));
    CHECK(get_raw_plane(cut, back, 3).error().code == error_code::truncated);
    stream[1] = static_cast<std::uint8_t>(stream[1] | 0x20);
    byte_reader filled(stream);
    CHECK(get_raw_plane(filled, back, 3).error().code == error_code::bad_stream);
}
