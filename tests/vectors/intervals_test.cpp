#include <pith/entropy/arithmetic_binary.hpp>
#include <pith/entropy/model_adaptive_bit.hpp>
#include <pith/entropy/model_static.hpp>
#include <pith/entropy/range.hpp>
#include <pith/entropy/range_cdf.hpp>
#include <pith/entropy/rans.hpp>
#include <pith/entropy/rans_intervals.hpp>

#include <memory>

#include "vectors/frozen.hpp"
#include "vectors/samples.hpp"

namespace {

using namespace pith::entropy;
using bytes = std::vector<std::uint8_t>;
using pith::vector_sink;

// Bytes as eight decisions each, under predictors chosen by the bits before.
template <class Predictor, unsigned P>
void check_binary(frozen::rows& rows, const char* name, unsigned kind) {
    const bytes in = samples::sample(kind, 3000);
    bytes coded, back;
    vector_sink sink(coded);
    constexpr unsigned up = P > 16 ? P - 16 : 0, down = P < 16 ? 16 - P : 0;
    const auto scaled = [](std::uint32_t p) {  // never 0 and never full
        const std::uint32_t v = p >> down << up;
        return v == 0 ? 1U : v;
    };
    binary_encoder<vector_sink, P> encoder(sink);
    std::vector<Predictor> predictors(256);
    for (const std::uint8_t b : in) {
        for (unsigned node = 1, k = 8; k-- > 0;) {
            const bool bit = (b >> k & 1) != 0;
            encoder.put(bit, scaled(predictors[node].probability_of_one()));
            predictors[node].update(bit);
            node = 2 * node + bit;
        }
    }
    encoder.finish();
    binary_decoder<P> decoder(coded);
    predictors.assign(256, Predictor());
    for (std::size_t i = 0; i < in.size(); ++i) {
        unsigned node = 1;
        while (node < 256) {
            const bool bit = decoder.get(scaled(predictors[node].probability_of_one()));
            predictors[node].update(bit);
            node = 2 * node + bit;
        }
        back.push_back(static_cast<std::uint8_t>(node));
    }
    REQUIRE(decoder.finish());
    rows.check(name, samples::name(kind, 3000), in, coded, back);
}

static_model<12> model_of(const bytes& in) {
    std::uint32_t counts[256];
    std::uint16_t frequencies[256];
    count_bytes(in, counts);
    normalize_frequencies(counts, frequencies, 12);
    return static_model<12>(frequencies);
}

template <class Encoder, class Decoder>
void check_queue(frozen::rows& rows, const char* name, unsigned kind) {
    const bytes in = samples::sample(kind, 3000);
    const static_model<12> model = model_of(in);
    bytes coded, back;
    vector_sink sink(coded);
    Encoder encoder(sink);
    for (const std::uint8_t b : in) encoder.template put<12>(model.interval_of(b));
    encoder.finish();
    Decoder decoder(coded);
    for (std::size_t i = 0; i < in.size(); ++i) {
        const auto found = model.at(decoder.template slot<12>());
        decoder.template remove<12>(found.where);
        back.push_back(found.symbol);
    }
    REQUIRE(decoder.finish());
    rows.check(name, samples::name(kind, 3000), in, coded, back);
}

template <class Layout>
void check_stack(frozen::rows& rows, const char* name, unsigned kind) {
    const bytes in = samples::sample(kind, 3000);
    const static_model<12> model = model_of(in);
    bytes buffer(in.size() * 2 + 16), back;
    rans_encoder<Layout> encoder(buffer);
    for (std::size_t i = in.size(); i-- > 0;) encoder.template put<12>(model.interval_of(in[i]));
    const auto coded = encoder.finish();
    REQUIRE(coded);
    rans_decoder<Layout> decoder(*coded);
    for (std::size_t i = 0; i < in.size(); ++i) {
        const auto found = model.at(decoder.template slot<12>());
        decoder.template remove<12>(found.where);
        back.push_back(found.symbol);
    }
    REQUIRE(decoder.finish());
    rows.check(name, samples::name(kind, 3000), in, *coded, back);
}

// Bits, nibbles and bytes through one coder: three precisions in turns.
void check_mixed(frozen::rows& rows) {
    const bytes in = samples::sample(2, 3000);
    std::vector<kept_interval> room(3 * in.size());
    bytes buffer(8 * in.size()), back;
    rans_intervals_encoder<4> encoder(room, buffer);
    for (const std::uint8_t b : in) {
        encoder.put<1>({b & 1U, 1});
        encoder.put<10>({(b >> 1 & 7U) << 7, 128});
        encoder.put<31>({std::uint32_t{b} >> 4 << 27, 1U << 27});
    }
    const auto coded = encoder.finish();
    REQUIRE(coded);
    rans_intervals_decoder<4> decoder(*coded);
    for (std::size_t i = 0; i < in.size(); ++i) {
        const std::uint32_t low = decoder.slot<1>();
        decoder.remove<1>({low, 1});
        const std::uint32_t middle = decoder.slot<10>() >> 7;
        decoder.remove<10>({middle << 7, 128});
        const std::uint32_t high = decoder.slot<31>() >> 27;
        decoder.remove<31>({high << 27, 1U << 27});
        back.push_back(static_cast<std::uint8_t>(low | middle << 1 | high << 4));
    }
    REQUIRE(decoder.finish());
    rows.check("interval/rans_intervals", samples::name(2, 3000), in, *coded, back);
}

// 50000 symbols under totals of 2^31, from weights.
void check_large_alphabet(frozen::rows& rows) {
    constexpr std::uint32_t n = 50000;
    std::vector<std::uint64_t> weights(n);
    std::vector<std::uint32_t> frequencies(n), cumulative(n + 1);
    for (std::uint32_t i = 0; i < n; ++i) weights[i] = (std::uint64_t{1} << 40) / (i + 2) + i % 7;
    frequencies_from_weights<31>(weights, frequencies);
    accumulate(frequencies, cumulative);
    const cumulative_model<31> model(cumulative);
    samples::generator g{12345};
    bytes in, coded, back;
    vector_sink sink(coded), symbols(in), decoded(back);
    cdf_encoder<vector_sink> encoder(sink);
    for (int i = 0; i < 3000; ++i) {
        const std::uint32_t most = 1 + g.next() % n;
        const std::uint32_t s = g.next() % most;
        pith::put_le<std::uint32_t>(symbols, s);
        encoder.put<31>(model.interval_of(s));
    }
    encoder.finish();
    cdf_decoder decoder(coded);
    for (int i = 0; i < 3000; ++i) {
        const auto found = model.at(decoder.slot<31>());
        decoder.remove<31>(found.where);
        pith::put_le<std::uint32_t>(decoded, found.symbol);
    }
    REQUIRE(decoder.finish());
    rows.check("interval/cdf31", "zipf/50000", in, coded, back);
}

}  // namespace

TEST_CASE("interval coders write and read what is frozen, under static and adaptive models") {
    frozen::rows rows("interval/");
    for (const unsigned kind : {0U, 2U, 3U, 4U, 6U}) {
        check_binary<adaptive_bit<>, 16>(rows, "interval/binary16.one_rate", kind);
        check_binary<adaptive_bit<bit_rates{.fast = 4, .slow = 7}>, 12>(rows, "interval/binary12.two_rates",
                                                                        kind);
        check_binary<adaptive_bit<bit_rates{.fast = 6, .start = 1}>, 32>(rows, "interval/binary32.counting",
                                                                         kind);
        if (kind == 0) continue;
        check_queue<range_encoder<vector_sink>, range_decoder<>>(rows, "interval/range32", kind);
        check_queue<cdf_encoder<vector_sink>, cdf_decoder>(rows, "interval/range64", kind);
        check_stack<rans32>(rows, "interval/rans32", kind);
        check_stack<rans64>(rows, "interval/rans64", kind);
        check_stack<rans_byte>(rows, "interval/rans_byte", kind);
    }
    check_mixed(rows);
    check_large_alphabet(rows);
    rows.finish();
}

TEST_CASE("frequency tables are normalised, written and read as frozen, at every precision") {
    frozen::rows rows("frequency/");
    for (const unsigned precision : {8U, 9U, 10U, 11U, 12U, 13U, 14U, 15U}) {
        for (const unsigned kind : {1U, 2U, 3U, 4U, 6U, 8U}) {
            const bytes in = samples::sample(kind, 5000);
            std::uint32_t counts[256];
            std::uint16_t frequencies[256], again[256];
            count_bytes(in, counts);
            normalize_frequencies(counts, frequencies, precision);
            bytes table, before, after;
            vector_sink sink(table), first(before), second(after);
            write_frequencies(sink, frequencies, precision);
            pith::byte_reader reader(table);
            REQUIRE(read_frequencies(reader, again, precision));
            for (std::size_t s = 0; s < 256; ++s) {
                pith::put_le<std::uint16_t>(first, frequencies[s]);
                pith::put_le<std::uint16_t>(second, again[s]);
            }
            rows.check("frequency/" + std::to_string(precision), samples::name(kind, 5000), before, table,
                       after);
        }
    }
    rows.finish();
}
