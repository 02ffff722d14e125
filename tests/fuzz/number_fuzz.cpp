// Codes of numbers and bit planes from any bytes: what is read is written again as the same bits.
#include <pith/entropy/arithmetic_binary.hpp>
#include <pith/entropy/bit_plane.hpp>
#include <pith/entropy/elias.hpp>
#include <pith/entropy/golomb.hpp>

#include "fuzz/input.hpp"

namespace {

using namespace pith::entropy;
using writer = pith::bit_writer<pith::vector_sink>;

template <class Get, class Put>
void read_all(const fuzz::bytes& in, Get get, Put put) {
    pith::bit_reader reader(in);
    fuzz::bytes again;
    pith::vector_sink sink(again);
    writer bits(sink);
    std::uint64_t end = 0;
    while (end < std::uint64_t{in.size()} * 8) {
        const auto v = get(reader);
        if (!v) break;
        fuzz::require(!reader.overrun() && reader.bit_position() > end, "reading moves on, inside the input");
        end = reader.bit_position();
        put(bits, *v);
    }
    bits.finish();
    fuzz::require(again.size() == (end + 7) / 8, "a number has one code word");
    pith::bit_reader first(in), second(again);
    for (std::uint64_t i = 0; i < end; ++i)
        fuzz::require(first.get(1) == second.get(1), "a number has one code word");
}

void planes(const fuzz::bytes& in, std::size_t count) {
    std::vector<std::int8_t> values(count, 0);
    bit_plane_coder<> reading, writing;
    binary_decoder<> decoder(in);
    for (unsigned p = 8; p-- > 0;) reading.decode_plane(values, p, decoder);
    if (!decoder.finish()) return;
    fuzz::bytes again;
    pith::vector_sink sink(again);
    binary_encoder<pith::vector_sink> encoder(sink);
    for (unsigned p = 8; p-- > 0;) writing.encode_plane(values, p, encoder);
    encoder.finish();
    fuzz::require(again == in, "planes of bits have one form");
}

void raw_planes(const fuzz::bytes& in, std::size_t count) {
    fuzz::bytes values(count, 0), again;
    pith::byte_reader reader(in);
    pith::vector_sink sink(again);
    for (unsigned p = 0; p < 8; ++p)
        if (!get_raw_plane(reader, values, p)) return;
    for (unsigned p = 0; p < 8; ++p) put_raw_plane(sink, values, p);
    fuzz::require(
        again == fuzz::bytes(in.begin(), in.begin() + static_cast<std::ptrdiff_t>(reader.position())),
        "raw planes have one form");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using pith::bit_reader;
    fuzz::input in(data, size);
    const unsigned kind = in.byte() % 7;
    const std::uint8_t a = in.byte(), b = in.byte();
    const fuzz::bytes rest = in.rest();
    if (kind == 0) read_all(rest, get_gamma, [](writer& w, std::uint64_t v) { put_gamma(w, v); });
    if (kind == 1) read_all(rest, get_delta, [](writer& w, std::uint64_t v) { put_delta(w, v); });
    if (kind == 2) read_all(rest, get_omega, [](writer& w, std::uint64_t v) { put_omega(w, v); });
    if (kind == 3) {
        const unsigned k = a % 57;
        read_all(
            rest, [&](bit_reader& r) { return get_exp_golomb(r, k); },
            [&](writer& w, std::uint64_t v) { put_exp_golomb(w, v, k); });
    }
    if (kind == 4) {
        const unsigned width = a % 57;
        const rice_code code{b % (width + 1), width, 1 + static_cast<unsigned>(a ^ b) % 32};
        read_all(
            rest, [&](bit_reader& r) { return code.get(r); },
            [&](writer& w, std::uint64_t v) { code.put(w, v); });
    }
    if (kind == 5) planes(rest, a);
    if (kind == 6) raw_planes(rest, a);
    return 0;
}
