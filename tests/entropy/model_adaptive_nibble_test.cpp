// Adaptive nibbles and bytes: tiling, inverse halves, positive intervals, determinism, cost, coding.
#include <cmath>
#include <cstdint>
#include <vector>

#include <pith/entropy/concepts.hpp>
#include <pith/entropy/model_adaptive_nibble.hpp>
#include <pith/entropy/range.hpp>
#include <pith/entropy/range_cdf.hpp>

#include "entropy/adaptive_samples.hpp"
#include "support/catch.hpp"

using namespace pith;
using namespace pith::entropy;

namespace {

template <class M>
constexpr bool whole = encoder_model<M>&& decoder_model<M>&& adaptive_model<M>;
static_assert(whole<adaptive_nibble_model<>> && whole<adaptive_byte_model<>>);
static_assert(whole<adaptive_nibble_model<nibble_rates{7, 1}>>);

template <class M>
void check_tiling(const M& m, std::uint32_t symbols) {
    std::uint32_t next = 0;
    for (std::uint32_t s = 0; s < symbols; ++s) {
        const interval i = m.interval_of(static_cast<std::uint8_t>(s));
        REQUIRE(i.start == next);
        REQUIRE(i.size >= 1);
        next = i.start + i.size;
    }
    REQUIRE(next == std::uint32_t{1} << M::precision);
}

template <nibble_rates Rates>
void check_nibble() {
    using model = adaptive_nibble_model<Rates>;
    test::sequence random(Rates.rate);
    model m;
    model copy;
    check_tiling(m, 16);
    for (int i = 0; i < 6000; ++i) {
        // Phases: constant lowest, constant highest, two extremes, few, all.
        std::uint8_t s = 0;
        const auto r = static_cast<std::uint8_t>(random.next() >> 60);
        switch (i / 1000) {
            case 0:
                s = 0;
                break;
            case 1:
                s = 15;
                break;
            case 2:
                s = r < 8 ? 0 : 15;
                break;
            case 3:
                s = r < 14 ? 7 : r;
                break;
            case 4:
                s = 7;
                break;
            default:
                s = r;
        }
        m.update(s);
        copy.update(s);
        REQUIRE(m == copy);
        check_tiling(m, 16);
        if (i % 100 != 0) continue;
        for (std::uint32_t slot = 0; slot < 65536; ++slot) {
            const auto found = m.at(slot);
            REQUIRE(found.where == m.interval_of(found.symbol));
            REQUIRE(slot - found.where.start < found.where.size);
        }
    }
}

template <class Model>
double bits_per_symbol(const std::vector<std::uint8_t>& data) {
    Model m;
    double bits = 0;
    for (const auto s : data) {
        bits += double(Model::precision) - std::log2(double(m.interval_of(s).size));
        m.update(s);
    }
    return bits / double(data.size());
}

double entropy_of(const std::vector<std::uint8_t>& data) {
    double counts[256] = {};
    for (const auto s : data) counts[s] += 1;
    double bits = 0;
    for (const double c : counts)
        if (c > 0) bits -= c * std::log2(c / double(data.size()));
    return bits / double(data.size());
}

}  // namespace

TEST_CASE("an adaptive nibble tiles its range whatever it has seen, and every slot has its owner",
          "[model]") {
    check_nibble<nibble_rates{2, 0}>();
    check_nibble<nibble_rates{4, 0}>();
    check_nibble<nibble_rates{5, 0}>();
    check_nibble<nibble_rates{7, 2}>();
    check_nibble<nibble_rates{8, 1}>();
}

TEST_CASE("a mask tells the same symbol as a search", "[model]") {
    test::sequence random(3);
    adaptive_nibble_model<> m;
    for (int i = 0; i < 200; ++i) {
        m.update(static_cast<std::uint8_t>(random.next() >> 60));
        for (std::uint32_t s = 0; s < 16; ++s) {
            const interval i2 = m.interval_of(static_cast<std::uint8_t>(s));
            REQUIRE(m.at(i2.start).symbol == s);
            REQUIRE(m.at(i2.start + i2.size - 1).symbol == s);
        }
    }
}

TEST_CASE("an adaptive byte model tiles 2^30 and its halves are inverse", "[model]") {
    test::sequence random(5);
    adaptive_byte_model<> m;
    const auto data = test::wordy(2000, 1);
    for (std::size_t i = 0; i < data.size(); ++i) {
        m.update(data[i]);
        if (i % 50 != 0) continue;
        check_tiling(m, 256);
        for (int k = 0; k < 2000; ++k) {
            const auto slot = static_cast<std::uint32_t>(random.next() >> 34);
            const auto found = m.at(slot);
            REQUIRE(found.where == m.interval_of(found.symbol));
            REQUIRE(slot - found.where.start < found.where.size);
        }
        for (std::uint32_t s = 0; s < 256; ++s) {
            const interval w = m.interval_of(static_cast<std::uint8_t>(s));
            REQUIRE(m.at(w.start).symbol == s);
            REQUIRE(m.at(w.start + w.size - 1).symbol == s);
        }
    }
}

TEST_CASE("an adaptive byte model costs entropy plus the noise of its rate", "[model]") {
    using steady = adaptive_byte_model<nibble_rates{7, 2}>;
    const auto skewed = test::skewed(200000, 1);
    CHECK(bits_per_symbol<steady>(skewed) < entropy_of(skewed) * 1.04);
    const auto uniform = test::uniform(200000, 2);
    CHECK(bits_per_symbol<steady>(uniform) < 8.16);
    const std::vector<std::uint8_t> constant(200000, 0x35);
    CHECK(bits_per_symbol<steady>(constant) < 0.016);
    CHECK(bits_per_symbol<adaptive_byte_model<nibble_rates{5, 0}>>(constant) < 0.005);
}

TEST_CASE("adaptive models drive the range coders", "[model]") {
    const auto data = test::wordy(5000, 2);
    std::vector<std::uint8_t> out;
    vector_sink sink(out);
    cdf_encoder<vector_sink> encoder(sink);
    adaptive_byte_model<> m;
    for (const auto s : data) {
        encoder.put<30>(m.interval_of(s));
        m.update(s);
    }
    encoder.finish();
    cdf_decoder decoder(out);
    adaptive_byte_model<> twin;
    for (const auto s : data) {
        const auto found = twin.at(decoder.slot<30>());
        REQUIRE(found.symbol == s);
        decoder.remove<30>(found.where);
        twin.update(found.symbol);
    }
    CHECK(decoder.finish());
    CHECK(m == twin);
    CHECK(test::digest(out) == 0x178bd9e916c92d10);

    out.clear();
    range_encoder<vector_sink> narrow(sink);
    adaptive_nibble_model<> nibble;
    for (const auto s : data) {
        narrow.put<16>(nibble.interval_of(s & 15));
        nibble.update(s & 15);
    }
    narrow.finish();
    range_decoder<> reader(out);
    adaptive_nibble_model<> other;
    for (const auto s : data) {
        const auto found = other.at(reader.slot<16>());
        REQUIRE(found.symbol == (s & 15));
        reader.remove<16>(found.where);
        other.update(found.symbol);
    }
    CHECK(reader.finish());
}
