// The binary arithmetic coder: identity, cost, carries, the canonical end, and damage.
#include <cmath>
#include <cstdint>
#include <vector>

#include <pith/entropy/arithmetic_binary.hpp>
#include <pith/entropy/model_adaptive_bit.hpp>

#include "entropy/adaptive_samples.hpp"
#include "support/catch.hpp"

using namespace pith;
using namespace pith::entropy;

namespace {

struct event {
    bool bit;
    std::uint32_t one;
};

template <unsigned P>
std::vector<std::uint8_t> encoded(const std::vector<event>& events) {
    std::vector<std::uint8_t> out;
    vector_sink sink(out);
    binary_encoder<vector_sink, P> encoder(sink);
    for (const event& e : events) encoder.put(e.bit, e.one);
    encoder.finish();
    return out;
}

/// Decodes under the same probabilities: the bits, and what finish says.
template <unsigned P>
std::pair<std::vector<bool>, bool> decoded(byte_view in, const std::vector<event>& events) {
    binary_decoder<P> decoder(in);
    std::vector<bool> bits;
    for (const event& e : events) bits.push_back(decoder.get(e.one));
    return {bits, decoder.finish().has_value()};
}

std::vector<bool> bits_of(const std::vector<event>& events) {
    std::vector<bool> bits;
    for (const event& e : events) bits.push_back(e.bit);
    return bits;
}

template <unsigned P>
std::vector<event> random_events(std::size_t n, std::uint64_t seed, double* ideal = nullptr) {
    test::sequence random(seed);
    std::vector<event> events;
    constexpr auto total = static_cast<double>(std::uint64_t{1} << P);
    for (std::size_t i = 0; i < n; ++i) {
        // Probabilities of every size: the exponent is uniform.
        const auto top = static_cast<std::uint32_t>((std::uint64_t{1} << P) - 1);
        std::uint32_t p = 1 + static_cast<std::uint32_t>(random.next()) % top;
        p >>= random.next() % P;
        if (p == 0) p = 1;
        if (random.next() % 2 != 0) p = static_cast<std::uint32_t>((std::uint64_t{1} << P) - p);
        const bool bit = (random.next() >> (64 - P)) < p;
        events.push_back({bit, p});
        if (ideal != nullptr) *ideal -= std::log2((bit ? p : total - p) / total);
    }
    return events;
}

template <unsigned P>
void check_identity_and_cost() {
    for (std::size_t n = 0; n <= 300; ++n) {
        const auto events = random_events<P>(n, n + 1);
        const auto bytes = encoded<P>(events);
        const auto [bits, good] = decoded<P>(bytes, events);
        REQUIRE(good);
        REQUIRE(bits == bits_of(events));
    }
    double ideal = 0;
    const auto events = random_events<P>(200000, 7, &ideal);
    const auto bytes = encoded<P>(events);
    const double cost = 8.0 * static_cast<double>(bytes.size());
    CHECK(cost <= ideal * 1.00002 + 64);
    const auto [bits, good] = decoded<P>(bytes, events);
    CHECK(good);
    CHECK(bits == bits_of(events));
}

}  // namespace

TEST_CASE("the binary coder is the identity and costs what its probabilities say", "[arithmetic]") {
    check_identity_and_cost<8>();
    check_identity_and_cost<12>();
    check_identity_and_cost<16>();
    check_identity_and_cost<24>();
    check_identity_and_cost<32>();
}

TEST_CASE("an empty message is an empty stream, and cheap bits take few bytes", "[arithmetic]") {
    CHECK(encoded<16>({}).empty());
    // 65535 / 65536 for a million bits: 22 bits in all, and 2^-16 of range lost to truncation at most.
    CHECK(encoded<16>(std::vector<event>(1000000, {true, 65535})).size() <= 4);
    CHECK(encoded<16>(std::vector<event>(1000000, {false, 1})).size() <= 4);
    CHECK(encoded<32>(std::vector<event>(1000000, {true, 0xFFFFFFFF})).size() <= 1);
}

namespace {

/// Events whose interval straddles the middle after `steps` of them, and then falls below it or above it.
std::vector<event> straddling(std::size_t steps, bool above) {
    std::uint64_t range = ~std::uint64_t{0} >> 1;
    std::uint64_t half = std::uint64_t{1} << 62;  // the middle of the first interval, from low
    std::vector<event> events;
    for (std::size_t i = 0; i < steps || half < (range >> 16) || half / (range >> 16) >= 65535; ++i) {
        const std::uint64_t unit = range >> 16;
        const bool lower = half / unit < 65535 && (i % 2 == 0 || half <= unit);
        const auto p = static_cast<std::uint32_t>(lower ? half / unit + 1 : (half - 1) / unit);
        const std::uint64_t bound = unit * p;
        events.push_back({lower, p});
        half = lower ? half : half - bound;
        range = lower ? bound : range - bound;
        if (range < (std::uint64_t{1} << 31)) {
            range <<= 32;
            half <<= 32;
        }
    }
    const auto p = static_cast<std::uint32_t>(half / (range >> 16));
    events.push_back(above ? event{false, p + 1} : event{true, p});
    return events;
}

std::size_t longest_run(const std::vector<std::uint8_t>& bytes, std::uint8_t value) {
    std::size_t best = 0;
    std::size_t run = 0;
    for (const std::uint8_t b : bytes) {
        run = b == value ? run + 1 : 0;
        best = run > best ? run : best;
    }
    return best;
}

}  // namespace

TEST_CASE("a carry runs through any number of all-ones bytes", "[arithmetic]") {
    for (std::size_t steps = 4; steps < 600; ++steps) {
        for (const bool above : {false, true}) {
            auto events = straddling(steps, above);
            for (int i = 0; i < 50; ++i) events.push_back({i % 3 == 0, 20000});
            const auto bytes = encoded<16>(events);
            const auto [bits, good] = decoded<16>(bytes, events);
            REQUIRE(good);
            REQUIRE(bits == bits_of(events));
            REQUIRE(bytes[0] == (above ? 0x40 : 0x3F));
            REQUIRE(longest_run(bytes, above ? 0x00 : 0xFF) + 8 >= steps / 2);
        }
    }
}

TEST_CASE("what a damaged stream gives is an error, or the stream of another message", "[arithmetic]") {
    const auto events = random_events<16>(400, 3);
    const auto bytes = encoded<16>(events);
    const auto one_form = [&](const std::vector<std::uint8_t>& damaged) {
        const auto [bits, good] = decoded<16>(damaged, events);
        if (!good) return true;
        auto other = events;
        for (std::size_t i = 0; i < bits.size(); ++i) other[i].bit = bits[i];
        return encoded<16>(other) == damaged;
    };
    std::size_t refused = 0;
    for (std::size_t cut = 0; cut < bytes.size(); ++cut) {
        const std::vector<std::uint8_t> damaged(bytes.begin(),
                                                bytes.begin() + static_cast<std::ptrdiff_t>(cut));
        REQUIRE(one_form(damaged));
        if (!decoded<16>(damaged, events).second) ++refused;
    }
    CHECK(2 * refused >= bytes.size());
    for (std::size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
        auto damaged = bytes;
        damaged[bit / 8] = static_cast<std::uint8_t>(damaged[bit / 8] ^ (1U << (bit % 8)));
        REQUIRE(one_form(damaged));
    }
    auto longer = bytes;
    longer.push_back(0);
    binary_decoder<16> decoder(longer);
    for (const event& e : events) REQUIRE(decoder.get(e.one) == e.bit);
    REQUIRE(!decoder.finish());
    CHECK(decoder.finish().error().code == error_code::trailing_data);
    CHECK(!decoded<16>(std::vector<std::uint8_t>(64, 0xFF), events).second);
}

TEST_CASE("the bytes of the binary coder are frozen", "[arithmetic]") {
    CHECK(test::digest(encoded<12>(random_events<12>(5000, 11))) == 0xde8a63d9ccaf7174);
    CHECK(test::digest(encoded<16>(random_events<16>(5000, 12))) == 0x1852375e1d89f1c2);
    CHECK(test::digest(encoded<32>(random_events<32>(5000, 13))) == 0x11dff4ae3b957609);
}
