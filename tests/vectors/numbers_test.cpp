#include <pith/entropy/arithmetic_binary.hpp>
#include <pith/entropy/bit_plane.hpp>
#include <pith/entropy/elias.hpp>
#include <pith/entropy/golomb.hpp>

#include <string>

#include "vectors/frozen.hpp"
#include "vectors/samples.hpp"

namespace {

using namespace pith::entropy;
using bytes = std::vector<std::uint8_t>;
using pith::bit_reader;
using pith::vector_sink;

// Numbers of every width from 1 to 64 bits, small ones more often.
std::vector<std::uint64_t> numbers() {
    samples::generator g{777};
    std::vector<std::uint64_t> out;
    for (int i = 0; i < 2000; ++i) {
        std::uint64_t v = g.next();  // one call a statement: operands have no order
        v = v << 32 | g.next();
        const unsigned shift = g.next() % 64;
        out.push_back((v >> (shift | g.next() % 64)) + 1);
        if (out.back() == 0) out.back() = 1;
    }
    return out;
}

template <class Put, class Get>
void check(frozen::rows& rows, const std::string& name, const std::vector<std::uint64_t>& values, Put put,
           Get get) {
    bytes in, coded, back;
    vector_sink plain(in), sink(coded), decoded(back);
    pith::bit_writer writer(sink);
    for (const std::uint64_t v : values) {
        pith::put_le<std::uint64_t>(plain, v);
        put(writer, v);
    }
    writer.finish();
    bit_reader reader(coded);
    for (std::size_t i = 0; i < values.size(); ++i) {
        const auto v = get(reader);
        REQUIRE(v);
        pith::put_le<std::uint64_t>(decoded, *v);
    }
    rows.check("number/" + name, "widths", in, coded, back);
}

using writer = pith::bit_writer<vector_sink>;

void check_planes(frozen::rows& rows, unsigned kind) {
    const bytes in = samples::sample(kind, 3001);
    std::vector<std::int8_t> values, back(in.size(), 0);
    for (const std::uint8_t b : in) values.push_back(static_cast<std::int8_t>(b));
    bytes coded, out, raw;
    vector_sink sink(coded), raw_sink(raw);
    binary_encoder<vector_sink> encoder(sink);
    bit_plane_coder<> forward, backward;
    for (unsigned p = 8; p-- > 0;) forward.encode_plane(values, p, encoder);
    encoder.finish();
    binary_decoder<> decoder(coded);
    for (unsigned p = 8; p-- > 0;) backward.decode_plane(back, p, decoder);
    REQUIRE(decoder.finish());
    for (const std::int8_t v : back) out.push_back(static_cast<std::uint8_t>(v));
    rows.check("number/significance", samples::name(kind, 3001), in, coded, out);
    for (unsigned p = 0; p < 8; ++p) put_raw_plane(raw_sink, in, p);
    bytes again(in.size());
    pith::byte_reader reader(raw);
    for (unsigned p = 0; p < 8; ++p) REQUIRE(get_raw_plane(reader, again, p));
    rows.check("number/raw_planes", samples::name(kind, 3001), in, raw, again);
}

}  // namespace

TEST_CASE("codes of numbers and bit planes are written and read as frozen") {
    frozen::rows rows("number/");
    const auto values = numbers();
    check(
        rows, "gamma", values, [](writer& w, std::uint64_t v) { put_gamma(w, v); }, get_gamma);
    check(
        rows, "delta", values, [](writer& w, std::uint64_t v) { put_delta(w, v); }, get_delta);
    check(
        rows, "omega", values, [](writer& w, std::uint64_t v) { put_omega(w, v); }, get_omega);
    for (const unsigned k : {0U, 3U, 20U}) {
        check(
            rows, "exp_golomb" + std::to_string(k), values,
            [&](writer& w, std::uint64_t v) { put_exp_golomb(w, v >> 1, k); },
            [&](bit_reader& r) { return get_exp_golomb(r, k); });
        const rice_code rice{k, 40};
        check(
            rows, "rice" + std::to_string(k), values,
            [&](writer& w, std::uint64_t v) { rice.put(w, v & pith::low_mask(40)); },
            [&](bit_reader& r) { return rice.get(r); });
    }
    for (const unsigned kind : {0U, 2U, 3U, 8U}) check_planes(rows, kind);
    rows.finish();
}
