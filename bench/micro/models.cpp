// Coders of single decisions and of symbols with models of their own.
#include <cstdint>
#include <memory>
#include <vector>

#include <pith/core/random.hpp>
#include <pith/entropy/arithmetic_binary.hpp>
#include <pith/entropy/model_adaptive_bit.hpp>
#include <pith/entropy/model_parametric.hpp>
#include <pith/entropy/model_parametric_table.hpp>
#include <pith/entropy/model_static.hpp>
#include <pith/entropy/parametric_codec.hpp>
#include <pith/entropy/range.hpp>
#include <pith/entropy/range_cdf.hpp>
#include <pith/entropy/rans.hpp>

#include "micro/data.hpp"

namespace {

using namespace pith::entropy;

constexpr std::size_t count = std::size_t{1} << 18;

void count_items(benchmark::State& state, std::size_t each) {
    state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations()) * static_cast<std::int64_t>(each));
}

// --- Bits ------------------------------------------------------------------------------------------------

/// Bits of which a sixteenth are ones, coded by a predictor that learns that.
template <class Predictor>
void binary_encode(benchmark::State& state) {
    pith::random_sequence random(4);
    std::vector<std::uint8_t> bits(count);
    for (std::uint8_t& b : bits) b = random.below(16) == 0;
    bench::bytes out(count);
    for (auto _ : state) {
        pith::span_sink sink{pith::byte_span(out)};
        binary_encoder<pith::span_sink> encoder(sink);
        Predictor p;
        for (const std::uint8_t b : bits) {
            encoder.put(b != 0, p.probability_of_one());
            p.update(b != 0);
        }
        encoder.finish();
        benchmark::DoNotOptimize(sink.size());
    }
    count_items(state, count);
}

template <class Predictor>
void binary_decode(benchmark::State& state) {
    pith::random_sequence random(4);
    bench::bytes coded;
    pith::vector_sink sink(coded);
    binary_encoder<pith::vector_sink> encoder(sink);
    Predictor start;
    for (std::size_t i = 0; i < count; ++i) {
        const bool b = random.below(16) == 0;
        encoder.put(b, start.probability_of_one());
        start.update(b);
    }
    encoder.finish();
    for (auto _ : state) {
        binary_decoder<> decoder(coded);
        Predictor p;
        for (std::size_t i = 0; i < count; ++i) p.update(decoder.get(p.probability_of_one()));
        if (!decoder.finish()) state.SkipWithError("decoding failed");
    }
    count_items(state, count);
}

using one_rate = adaptive_bit<>;
using two_rates = adaptive_bit<bit_rates{.fast = 4, .slow = 7}>;
using rising_rate = adaptive_bit<bit_rates{.fast = 7, .start = 1}>;
BENCHMARK(binary_encode<one_rate>);
BENCHMARK(binary_encode<two_rates>);
BENCHMARK(binary_encode<rising_rate>);
BENCHMARK(binary_decode<one_rate>);
BENCHMARK(binary_decode<two_rates>);
BENCHMARK(binary_decode<rising_rate>);

// --- Intervals of a static model -------------------------------------------------------------------------

const static_model<12>& byte_model() {
    static const static_model<12> model = [] {
        std::uint32_t counts[256];
        std::uint16_t normal[256];
        count_bytes(bench::residuals(), counts);
        normalize_frequencies(counts, normal, 12);
        return static_model<12>(normal);
    }();
    return model;
}

void range_encode(benchmark::State& state) {
    const auto& model = byte_model();
    bench::bytes out(2 * bench::micro_size);
    for (auto _ : state) {
        pith::span_sink sink{pith::byte_span(out)};
        range_encoder<pith::span_sink> encoder(sink);
        for (const std::uint8_t b : bench::residuals()) encoder.put<12>(model.interval_of(b));
        encoder.finish();
        benchmark::DoNotOptimize(sink.size());
    }
    bench::count_bytes_of(state, bench::micro_size);
}
BENCHMARK(range_encode);

void range_decode(benchmark::State& state) {
    const auto& model = byte_model();
    bench::bytes coded;
    pith::vector_sink sink(coded);
    range_encoder<pith::vector_sink> encoder(sink);
    for (const std::uint8_t b : bench::residuals()) encoder.put<12>(model.interval_of(b));
    encoder.finish();
    bench::bytes out(bench::micro_size);
    for (auto _ : state) {
        range_decoder<> decoder(coded);
        for (std::uint8_t& b : out) {
            const auto found = model.at(decoder.slot<12>());
            decoder.remove<12>(found.where);
            b = found.symbol;
        }
    }
    if (out != bench::residuals()) state.SkipWithError("decoded to something else");
    bench::count_bytes_of(state, bench::micro_size);
}
BENCHMARK(range_decode);

template <class Layout>
void rans_one_state_decode(benchmark::State& state) {
    const auto& model = byte_model();
    bench::bytes buffer(2 * bench::micro_size);
    rans_encoder<Layout> encoder(buffer);
    for (std::size_t i = bench::micro_size; i-- > 0;)
        encoder.template put<12>(model.interval_of(bench::residuals()[i]));
    const pith::byte_view coded = encoder.finish().value_or(pith::byte_view());
    bench::bytes out(bench::micro_size);
    for (auto _ : state) {
        rans_decoder<Layout> decoder(coded);
        for (std::uint8_t& b : out) {
            const auto found = model.at(decoder.template slot<12>());
            decoder.template remove<12>(found.where);
            b = found.symbol;
        }
    }
    if (out != bench::residuals()) state.SkipWithError("decoded to something else");
    bench::count_bytes_of(state, bench::micro_size);
}
BENCHMARK(rans_one_state_decode<rans32>);
BENCHMARK(rans_one_state_decode<rans64>);
BENCHMARK(rans_one_state_decode<rans_byte>);

void large_alphabet_decode(benchmark::State& state) {
    const auto alphabet = static_cast<std::size_t>(state.range(0));
    std::vector<std::uint64_t> weights(alphabet);
    for (std::size_t i = 0; i < alphabet; ++i) weights[i] = (std::uint64_t{1} << 32) / (i + 3);
    std::vector<std::uint32_t> frequencies(alphabet);
    std::vector<std::uint32_t> cumulative(alphabet + 1);
    frequencies_from_weights<31>(weights, frequencies);
    accumulate(frequencies, cumulative);
    const cumulative_model<31> model(cumulative);
    bench::bytes coded;
    pith::vector_sink sink(coded);
    cdf_encoder<pith::vector_sink> encoder(sink);
    pith::random_sequence random(5);
    for (std::size_t i = 0; i < count; ++i) encoder.put<31>(model.at(random() >> 1).where);
    encoder.finish();
    for (auto _ : state) {
        cdf_decoder decoder(coded);
        for (std::size_t i = 0; i < count; ++i) decoder.remove<31>(model.at(decoder.slot<31>()).where);
        if (!decoder.finish()) state.SkipWithError("decoding failed");
    }
    count_items(state, count);
}
BENCHMARK(large_alphabet_decode)->Arg(256)->Arg(50'000);

// --- A mean and a scale for each symbol ------------------------------------------------------------------

template <class Models>
void parametric(benchmark::State& state, const Models& models,
                const std::vector<typename Models::parameters>& given) {
    pith::random_sequence random(6);
    std::vector<std::int32_t> symbols(count);
    for (std::size_t i = 0; i < count; ++i) {
        const auto model = models.given(given[i]);
        symbols[i] = model.at(random.below(std::uint32_t{1} << Models::model::precision)).symbol;
    }
    const parametric_codec<Models, 8> codec(models);
    bench::bytes coded(codec.max_encoded_size(count));
    coded.resize(codec.encode_into(symbols, given, coded).value_or(0));
    std::vector<std::int32_t> back(count);
    for (auto _ : state)
        if (!codec.decode_into(coded, given, back)) state.SkipWithError("decoding failed");
    if (back != symbols) state.SkipWithError("decoded to something else");
    count_items(state, count);
}

void parametric_decode_of_64_scales(benchmark::State& state) {
    const parametric_scale_table<gaussian> table(log_spaced_scales<64>(), 8);
    pith::random_sequence random(7);
    std::vector<indexed_scale> given(count);
    for (indexed_scale& g : given)
        g = {fixed_location((random.uniform_double() - 0.5) * 64), random.below(64)};
    parametric(state, table, given);
}
BENCHMARK(parametric_decode_of_64_scales);

void parametric_decode_of_any_scale(benchmark::State& state) {
    const auto models = std::make_unique<parametric_models<gaussian>>();
    pith::random_sequence random(7);
    std::vector<location_scale> given(count);
    for (location_scale& g : given)
        g = {fixed_location((random.uniform_double() - 0.5) * 64),
             fixed_scale(0.1 + random.uniform_double() * 64)};
    parametric(state, *models, given);
}
BENCHMARK(parametric_decode_of_any_scale);

}  // namespace
