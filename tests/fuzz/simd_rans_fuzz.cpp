// Vector rounds of rANS against scalar ones: the same states, bytes and verdict on any words and tables, in
// both directions and for every number of lanes.
#include <pith/entropy/frequency.hpp>
#include <pith/entropy/rans_lanes.hpp>
#include <pith/simd/rans.hpp>

#include <memory>

#include "fuzz/input.hpp"

namespace {

using namespace pith::entropy;
using vector_rounds = pith::simd::rans_rounds<>;

struct tables {
    rans_slot_table<12> slots;
    rans_symbol_table<12> symbols;
};

template <unsigned Lanes>
void decode(const fuzz::bytes& in, const tables& t, std::size_t length) {
    fuzz::bytes out(length, 1), also(length, 2);
    const auto a = rans_decode_lanes<Lanes, 12, scalar_rounds>(in, t.slots, out);
    const auto b = rans_decode_lanes<Lanes, 12, vector_rounds>(in, t.slots, also);
    fuzz::require(a.has_value() == b.has_value(), "scalar and vector rounds accept the same");
    fuzz::require(a || a.error() == b.error(), "scalar and vector rounds see the same error");
    // Reading goes on with zeros never: both stop at the same word, so that all before it is equal.
    if (a) fuzz::require(out == also, "scalar and vector rounds decode alike");
}

template <unsigned Lanes>
void encode(const fuzz::bytes& in, const tables& t, std::size_t room) {
    fuzz::bytes out(room, 1), also(room, 2);
    const auto a = rans_encode_lanes<Lanes, 12, scalar_rounds>(in, t.symbols, out);
    const auto b = rans_encode_lanes<Lanes, 12, vector_rounds>(in, t.symbols, also);
    fuzz::require(a.has_value() == b.has_value(), "scalar and vector rounds need the same room");
    if (!a) return;
    fuzz::require(*a == *b, "scalar and vector rounds write as much");
    const auto start = out.size() - *a;
    for (std::size_t i = start; i < room; ++i)
        fuzz::require(out[i] == also[i], "scalar and vector rounds write the same");
    fuzz::bytes back(in.size());
    const fuzz::bytes stream(out.begin() + static_cast<std::ptrdiff_t>(start), out.end());
    fuzz::require(
        rans_decode_lanes<Lanes, 12, vector_rounds>(stream, t.slots, back).has_value() && back == in,
        "vector rounds read what scalar ones wrote");
}

template <unsigned Lanes>
void both(bool decoding, const fuzz::bytes& in, const tables& t, std::size_t size) {
    if (decoding) decode<Lanes>(in, t, size);
    if (!decoding) encode<Lanes>(in, t, size);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const auto t = std::make_unique<tables>();
    fuzz::input in(data, size);
    const std::uint8_t kind = in.byte();
    const std::size_t length = in.two_bytes() % 4000;
    // Counts of a few symbols; to encode, those of the content itself.
    std::uint32_t counts[256] = {};
    for (unsigned n = 2 + in.byte() % 8; n-- > 0;) {
        const std::size_t s = in.byte();
        counts[s] += 1U + in.byte();
    }
    fuzz::bytes rest = in.rest();
    const bool decoding = kind % 2 == 0;
    if (!decoding) {
        const fuzz::bytes seed = rest;
        for (unsigned k = kind >> 5; k-- > 0 && rest.size() < 4000;)
            rest.insert(rest.end(), seed.begin(), seed.end());
        count_bytes(rest, counts);
    }
    std::size_t used = 0;
    for (const std::uint32_t c : counts) used += c != 0 ? 1 : 0;
    if (used < 2) return 0;
    std::uint16_t frequencies[256];
    normalize_frequencies(counts, frequencies, 12);
    t->slots.build(frequencies);
    t->symbols.build(frequencies);
    switch (kind / 2 % 5) {
        case 0:
            both<8>(decoding, rest, *t, length);
            break;
        case 1:
            both<32>(decoding, rest, *t, length);
            break;
        case 2:
            both<64>(decoding, rest, *t, length);
            break;
        case 3:
            both<128>(decoding, rest, *t, length);
            break;
        default:
            both<1>(decoding, rest, *t, length);
            break;
    }
    return 0;
}
