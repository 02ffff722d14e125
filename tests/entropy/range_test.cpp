// The range coders: identity, cost, carries, large alphabets, integer frequencies, damage.
#include <cmath>
#include <cstdint>
#include <vector>

#include <pith/entropy/concepts.hpp>
#include <pith/entropy/range.hpp>
#include <pith/entropy/range_cdf.hpp>

#include "entropy/adaptive_samples.hpp"
#include "support/catch.hpp"

using namespace pith;
using namespace pith::entropy;

static_assert(interval_encoder<range_encoder<span_sink>> && queue_coder<range_encoder<span_sink>>);
static_assert(interval_decoder<range_decoder<>> && queue_coder<range_decoder<>>);
static_assert(interval_encoder<cdf_encoder<vector_sink>> && interval_decoder<cdf_decoder>);
static_assert(encoder_model<cumulative_model<31>> && decoder_model<cumulative_model<31>>);

namespace {

template <class State, unsigned Step, unsigned Precision>
std::vector<std::uint8_t> encoded(const std::vector<interval>& parts) {
    std::vector<std::uint8_t> out;
    vector_sink sink(out);
    range_encoder<vector_sink, State, Step> encoder(sink);
    for (const interval& i : parts) encoder.template put<Precision>(i);
    encoder.finish();
    return out;
}

/// Whether every slot falls into the interval that was coded, and the end is good.
template <class State, unsigned Step, unsigned Precision>
bool decodes(byte_view in, const std::vector<interval>& parts) {
    range_decoder<State, Step> decoder(in);
    for (const interval& i : parts) {
        const std::uint32_t slot = decoder.template slot<Precision>();
        if (slot < i.start || slot - i.start >= i.size) return false;
        decoder.template remove<Precision>(i);
    }
    return decoder.finish().has_value();
}

template <unsigned Precision>
std::vector<interval> random_intervals(std::size_t n, std::uint64_t seed, double* ideal = nullptr) {
    constexpr std::uint32_t total = std::uint32_t{1} << Precision;
    test::sequence random(seed);
    std::vector<interval> out;
    for (std::size_t i = 0; i < n; ++i) {
        const auto slot = static_cast<std::uint32_t>(random.next() >> (64 - Precision));
        auto size = static_cast<std::uint32_t>(random.next() % total) >> (random.next() % Precision);
        if (size == 0) size = 1;
        const std::uint32_t room = total - size;
        std::uint32_t start = slot > size / 2 ? slot - size / 2 : 0;
        if (start > room) start = room;
        out.push_back({start, size});
        if (ideal != nullptr) *ideal -= std::log2(double(size) / double(total));
    }
    return out;
}

template <class State, unsigned Step, unsigned Precision>
void check(double excess) {
    for (std::size_t n = 0; n <= 300; ++n) {
        const auto parts = random_intervals<Precision>(n, n + 1);
        REQUIRE(decodes<State, Step, Precision>(encoded<State, Step, Precision>(parts), parts));
    }
    double ideal = 0;
    const std::size_t n = 200000;
    const auto parts = random_intervals<Precision>(n, 5, &ideal);
    const auto bytes = encoded<State, Step, Precision>(parts);
    CHECK(decodes<State, Step, Precision>(bytes, parts));
    CHECK(8.0 * double(bytes.size()) <= ideal + excess * double(n) + 64);
}

}  // namespace

TEST_CASE("range coding is the identity at the cost of the intervals", "[range]") {
    check<std::uint32_t, 8, 1>(1e-6);
    check<std::uint32_t, 8, 8>(1e-4);
    check<std::uint32_t, 8, 12>(2e-4);
    check<std::uint32_t, 8, 15>(1e-3);
    check<std::uint32_t, 8, 16>(2e-3);
    check<std::uint64_t, 16, 16>(1e-7);
    check<std::uint64_t, 16, 24>(1e-6);
    check<std::uint64_t, 16, 31>(1e-5);
    check<std::uint64_t, 32, 12>(1e-5);
}

TEST_CASE("range coding carries through long runs of 0xFF", "[range]") {
    // Every step narrows to the two slots that straddle one half; the last one goes below or above it.
    for (std::size_t steps = 1; steps < 300; ++steps) {
        for (const bool above : {false, true}) {
            std::uint32_t range = ~std::uint32_t{0};
            std::uint32_t half = std::uint32_t{1} << 31;
            std::vector<interval> parts;
            const auto narrow = [&](std::uint32_t start, std::uint32_t size) {
                const std::uint32_t unit = range >> 12;
                parts.push_back({start, size});
                half -= unit * start;
                range = start + size == 4096 ? range - unit * start : unit * size;
                for (; range < (std::uint32_t{1} << 24); range <<= 8) half <<= 8;
            };
            for (std::size_t i = 0; i < steps; ++i) {
                const std::uint32_t at = half / (range >> 12);
                const std::uint32_t slot = at > 4095 ? 4095 : at;
                narrow(slot == 0 ? 0 : slot - 1, slot == 0 ? 1 : 2);
            }
            const std::uint32_t at = half / (range >> 12);
            if (at == 0 || at >= 4095) continue;  // no whole interval on both sides here
            if (above)
                narrow(at + 1, 1);
            else
                narrow(at - 1, 1);
            const auto bytes = encoded<std::uint32_t, 8, 12>(parts);
            REQUIRE(decodes<std::uint32_t, 8, 12>(bytes, parts));
            REQUIRE(bytes[0] == (above ? 0x80 : 0x7F));
            if (steps > 10) REQUIRE(bytes[bytes.size() / 2] == (above ? 0x00 : 0xFF));
        }
    }
}

namespace {

std::vector<std::uint64_t> zipf(std::size_t n) {
    std::vector<std::uint64_t> weights(n);
    for (std::size_t i = 0; i < n; ++i) weights[i] = (std::uint64_t{1} << 40) / (i + 1);
    return weights;
}

struct zipf_cost {
    double coded, integer, original;  // bits per symbol
};

/// Codes symbols whose counts follow the distribution, so that the mean is the expectation.
template <unsigned Precision>
zipf_cost zipf_run() {
    const std::size_t n = 50257;
    const auto weights = zipf(n);
    std::vector<std::uint32_t> frequencies(n);
    frequencies_from_weights<Precision>(weights, frequencies);
    std::vector<std::uint32_t> cumulative(n + 1);
    accumulate(frequencies, cumulative);
    REQUIRE(cumulative.back() == std::uint32_t{1} << Precision);
    const cumulative_model<Precision> model(cumulative);
    double sum = 0;
    for (const auto w : weights) sum += double(w);

    std::vector<double> distribution(n + 1, 0.0);
    for (std::size_t i = 0; i < n; ++i) distribution[i + 1] = distribution[i] + double(weights[i]) / sum;
    const std::size_t count = 400000;
    std::vector<std::uint32_t> symbols;
    for (std::size_t i = 0; i < count; ++i) {  // quasi-random: golden-ratio steps through the distribution
        double u = double(i) * 0.6180339887498949;
        u -= std::floor(u);
        std::size_t low = 0;
        std::size_t high = n;
        while (high - low > 1) (distribution[(low + high) / 2] <= u ? low : high) = (low + high) / 2;
        symbols.push_back(static_cast<std::uint32_t>(low));
    }
    std::vector<std::uint8_t> out;
    vector_sink sink(out);
    cdf_encoder<vector_sink> encoder(sink);
    zipf_cost cost{0, 0, 0};
    for (const auto s : symbols) {
        encoder.template put<Precision>(model.interval_of(s));
        cost.integer -= std::log2(double(frequencies[s])) - double(Precision);
        cost.original -= std::log2(double(weights[s]) / sum);
    }
    encoder.finish();
    cdf_decoder decoder(out);
    for (const auto s : symbols) {
        const auto found = model.at(decoder.template slot<Precision>());
        REQUIRE(found.symbol == s);
        decoder.template remove<Precision>(found.where);
    }
    REQUIRE(decoder.finish());
    cost.coded = 8.0 * double(out.size()) / double(count);
    cost.integer /= double(count);
    cost.original /= double(count);
    return cost;
}

}  // namespace

TEST_CASE("an alphabet of 50257 symbols costs 1e-5 bit per symbol more than its frequencies", "[range]") {
    const auto narrow = zipf_run<24>();
    const auto wide = zipf_run<31>();
    CAPTURE(narrow.coded, narrow.integer, narrow.original, wide.coded, wide.integer, wide.original);
    // 64 bits of end, spread over 400000 symbols, are 1.6e-4 at most and about 2e-5 as a rule.
    CHECK(narrow.coded - narrow.integer <= 1e-5 + 32.0 / 400000);
    CHECK(wide.coded - wide.integer <= 1e-5 + 32.0 / 400000);
    // n / 2^24 of the mass goes to the floors: log2(1 / (1 - 0.003)) = 0.0043 bit.
    CHECK(narrow.coded - narrow.original <= 0.0044);
    CHECK(wide.coded - wide.original <= 4e-5 + 32.0 / 400000);
}

TEST_CASE("the coded length does not exceed the frequencies' by more than truncation", "[range]") {
    // Without the end of the stream: a million symbols, so that 8 bytes are 6e-5 bit each.
    const std::size_t n = 50257;
    std::vector<std::uint32_t> frequencies(n);
    frequencies_from_weights<31>(zipf(n), frequencies);
    std::vector<std::uint32_t> cumulative(n + 1);
    accumulate(frequencies, cumulative);
    const cumulative_model<31> model(cumulative);
    test::sequence random(9);
    std::vector<std::uint8_t> out;
    vector_sink sink(out);
    cdf_encoder<vector_sink> encoder(sink);
    double ideal = 0;
    const std::size_t count = 4000000;
    for (std::size_t i = 0; i < count; ++i) {
        const auto found = model.at(static_cast<std::uint32_t>(random.next() >> 33));
        encoder.put<31>(found.where);
        ideal -= std::log2(double(found.where.size)) - 31.0;
    }
    encoder.finish();
    CHECK(8.0 * double(out.size()) - ideal <= 1e-5 * double(count) + 16);
}

TEST_CASE("integer frequencies are positive, sum to the total and follow the formula", "[range]") {
    test::sequence random(4);
    for (std::size_t n = 1; n <= 200; ++n) {
        for (const unsigned shift : {63U, 40U, 20U, 8U, 2U}) {
            std::vector<std::uint64_t> weights(n);
            for (auto& w : weights)
                w = n * 4 >= (1U << (shift > 30 ? 30 : shift)) ? random.next() % 5
                                                               : (random.next() >> (64 - shift)) / (2 * n);
            std::vector<std::uint32_t> f(n);
            frequencies_from_weights<16>(weights, f);
            std::uint64_t sum = 0;
            std::uint64_t total = 0;
            for (const auto w : weights) sum += w;
            std::size_t best = 0;
            for (std::size_t i = 0; i < n; ++i)
                if (weights[i] > weights[best]) best = i;
            for (std::size_t i = 0; i < n; ++i) {
                REQUIRE(f[i] >= 1);
                total += f[i];
                if (i == best || sum == 0) continue;
                // f - 1 <= w (T - n) / W < f, in 128 bits.
                __extension__ using wide = unsigned __int128;
                REQUIRE(wide(f[i] - 1) * sum <= wide(weights[i]) * (65536 - n));
                REQUIRE(wide(f[i]) * sum > wide(weights[i]) * (65536 - n));
            }
            REQUIRE(total == 65536);
        }
    }
}

TEST_CASE("a cumulative model's slots are owned by the symbol that covers them", "[range]") {
    const std::vector<std::uint64_t> weights{5, 0, 900, 3, 3, 70, 0};
    std::vector<std::uint32_t> f(weights.size());
    frequencies_from_weights<10>(weights, f);
    std::vector<std::uint32_t> cumulative(f.size() + 1);
    accumulate(f, cumulative);
    const cumulative_model<10> model(cumulative);
    for (std::uint32_t slot = 0; slot < 1024; ++slot) {
        const auto found = model.at(slot);
        REQUIRE(found.where == model.interval_of(found.symbol));
        REQUIRE(slot - found.where.start < found.where.size);
    }
}

TEST_CASE("a damaged range stream gives an error or another message's only stream", "[range]") {
    const auto parts = random_intervals<12>(60, 2);
    const auto bytes = encoded<std::uint32_t, 8, 12>(parts);
    // A model of four equal symbols, so that every slot has an owner.
    const auto message = [](byte_view in, std::vector<interval>& found) {
        range_decoder<> decoder(in);
        for (int i = 0; i < 100; ++i) {
            const std::uint32_t s = decoder.slot<12>() / 1024;
            found.push_back({s * 1024, 1024});
            decoder.remove<12>(found.back());
        }
        return decoder.finish().has_value();
    };
    std::size_t good = 0;
    for (std::size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
        auto damaged = bytes;
        damaged[bit / 8] = static_cast<std::uint8_t>(damaged[bit / 8] ^ (1U << (bit % 8)));
        std::vector<interval> found;
        if (!message(damaged, found)) continue;
        ++good;
        REQUIRE(encoded<std::uint32_t, 8, 12>(found) == damaged);
    }
    for (std::size_t cut = 0; cut <= 26; ++cut) {
        std::vector<interval> found;
        const std::vector<std::uint8_t> input = test::uniform(cut, cut + 1);
        if (message(input, found)) REQUIRE(encoded<std::uint32_t, 8, 12>(found) == input);
    }
    for (std::size_t cut = 0; cut < bytes.size(); ++cut)
        REQUIRE(!decodes<std::uint32_t, 8, 12>(byte_view(bytes).first(cut), parts));
    CHECK(good < 8 * bytes.size());
}

TEST_CASE("the bytes of the range coders are frozen", "[range]") {
    CHECK(test::digest(encoded<std::uint32_t, 8, 12>(random_intervals<12>(3000, 21))) == 0x17616b4b7f3c8671);
    CHECK(test::digest(encoded<std::uint64_t, 16, 31>(random_intervals<31>(3000, 22))) == 0x248e796609e73caf);
}
