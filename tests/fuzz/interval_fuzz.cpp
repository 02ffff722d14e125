// Interval coders from any bytes: symbols are decoded under static and adaptive models, and where the end is
// accepted, encoding them gives the same bytes: a message has one stream.
#include <pith/entropy/arithmetic_binary.hpp>
#include <pith/entropy/model_adaptive_bit.hpp>
#include <pith/entropy/range.hpp>
#include <pith/entropy/range_cdf.hpp>
#include <pith/entropy/rans.hpp>
#include <pith/entropy/rans_intervals.hpp>

#include "fuzz/input.hpp"

namespace {

using namespace pith::entropy;
using pith::vector_sink;

// Intervals of a precision, cut at places that the input names.
template <unsigned Precision>
std::vector<std::uint32_t> cuts(fuzz::input& in) {
    std::vector<std::uint32_t> at{0};
    constexpr std::uint32_t total = std::uint32_t{1} << Precision;
    for (unsigned n = in.byte() % 12; n-- > 0;) {
        const std::uint32_t step = 1 + in.four_bytes() % total;
        if (step < total - at.back()) at.push_back(at.back() + step);
    }
    at.push_back(total);
    return at;
}

template <unsigned P, class Predictor>
void binary(const fuzz::bytes& in, std::size_t count) {
    const auto scaled = [](std::uint32_t p) {
        const std::uint32_t v = P > 16 ? p << (P > 16 ? P - 16 : 0) : p >> (P < 16 ? 16 - P : 0);
        return v == 0 ? 1U : v;
    };
    Predictor reading[4], writing[4];
    binary_decoder<P> decoder(in);
    std::vector<bool> bits;
    for (std::size_t i = 0; i < count; ++i) {
        bits.push_back(decoder.get(scaled(reading[i % 4].probability_of_one())));
        reading[i % 4].update(bits.back());
    }
    if (!decoder.finish()) return;
    fuzz::bytes again;
    vector_sink sink(again);
    binary_encoder<vector_sink, P> encoder(sink);
    for (std::size_t i = 0; i < count; ++i) {
        encoder.put(bits[i], scaled(writing[i % 4].probability_of_one()));
        writing[i % 4].update(bits[i]);
    }
    encoder.finish();
    fuzz::require(again == in, "bits have one stream");
}

template <unsigned Precision, class Decoder>
bool read(Decoder& decoder, const cumulative_model<Precision>& model, std::size_t count,
          std::vector<interval>& found) {
    for (std::size_t i = 0; i < count; ++i) {
        const std::uint32_t slot = decoder.template slot<Precision>();
        const auto symbol = model.at(slot);
        fuzz::require(slot - symbol.where.start < symbol.where.size, "the slot's owner holds the slot");
        decoder.template remove<Precision>(symbol.where);
        found.push_back(symbol.where);
    }
    return decoder.finish().has_value();
}

template <unsigned Precision, class State, unsigned Step>
void queue(fuzz::input& in, std::size_t count) {
    const auto at = cuts<Precision>(in);
    const fuzz::bytes stream = in.rest();
    range_decoder<State, Step> decoder(stream);
    std::vector<interval> found;
    if (!read<Precision>(decoder, cumulative_model<Precision>(at), count, found)) return;
    fuzz::bytes again;
    vector_sink sink(again);
    range_encoder<vector_sink, State, Step> encoder(sink);
    for (const interval i : found) encoder.template put<Precision>(i);
    encoder.finish();
    fuzz::require(again == stream, "intervals have one stream");
}

template <unsigned Precision, class Layout>
void stack(fuzz::input& in, std::size_t count) {
    const auto at = cuts<Precision>(in);
    const fuzz::bytes stream = in.rest();
    rans_decoder<Layout> decoder(stream);
    std::vector<interval> found;
    if (!read<Precision>(decoder, cumulative_model<Precision>(at), count, found)) return;
    fuzz::bytes buffer(8 * count + 16);
    rans_encoder<Layout> encoder(buffer);
    for (std::size_t i = found.size(); i-- > 0;) encoder.template put<Precision>(found[i]);
    const auto again = encoder.finish();
    fuzz::require(again && fuzz::bytes(again->begin(), again->end()) == stream, "intervals have one stack");
}

template <unsigned Precision, unsigned Lanes>
void lanes(fuzz::input& in, std::size_t count) {
    const auto at = cuts<Precision>(in);
    const fuzz::bytes stream = in.rest();
    rans_intervals_decoder<Lanes> decoder(stream);
    std::vector<interval> found;
    if (!read<Precision>(decoder, cumulative_model<Precision>(at), count, found)) return;
    std::vector<kept_interval> room(count);
    fuzz::bytes buffer(8 * (count + Lanes) + 16);
    rans_intervals_encoder<Lanes> encoder(room, buffer);
    for (const interval i : found) encoder.template put<Precision>(i);
    const auto again = encoder.finish();
    fuzz::require(again && fuzz::bytes(again->begin(), again->end()) == stream, "lanes have one stream");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::input in(data, size);
    const unsigned kind = in.byte() % 12;
    const std::size_t count = in.byte();
    switch (kind) {
        case 0:
            binary<12, adaptive_bit<>>(in.rest(), 8 * count);
            break;
        case 1:
            binary<16, adaptive_bit<bit_rates{.fast = 4, .slow = 7}>>(in.rest(), 8 * count);
            break;
        case 2:
            binary<32, adaptive_bit<bit_rates{.fast = 7, .start = 1}>>(in.rest(), 8 * count);
            break;
        case 3:
            queue<12, std::uint32_t, 8>(in, count);
            break;
        case 4:
            queue<16, std::uint32_t, 8>(in, count);
            break;
        case 5:
            queue<31, std::uint64_t, 16>(in, count);
            break;
        case 6:
            stack<12, rans32>(in, count);
            break;
        case 7:
            stack<31, rans64>(in, count);
            break;
        case 8:
            stack<16, rans_byte>(in, count);
            break;
        case 9:
            lanes<16, 4>(in, count);
            break;
        case 10:
            lanes<31, 1>(in, count);
            break;
        default:
            lanes<9, 7>(in, count);
            break;
    }
    return 0;
}
