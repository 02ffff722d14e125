// The block coder of probabilistic circuits: laws, shapes, damage, frozen bytes.
#include <pith/core/checksum.hpp>
#include <pith/mixing/circuit_records.hpp>

#include <memory>

#include "entropy/block_laws.hpp"
#include "support/catch.hpp"

namespace {

using pith::mixing::circuit_layout;
using pith::mixing::circuit_records;

constexpr pith::mixing::circuit_training brief{1, 4, 1, 0.5F, 0.1F, 0.1F};
using small = circuit_records<circuit_layout{.record = 2, .bits = 4, .states = 4, .training = brief}>;
using bits = circuit_records<circuit_layout{.record = 3, .bits = 1, .states = 8, .training = brief}>;
using whole = circuit_records<circuit_layout{.record = 5, .bits = 8, .states = 4, .training = brief}>;

/// Little pictures of 8 x 8 pixels: a bar of random place, width and direction, with some noise.
block_laws::bytes bars(std::size_t count) {
    block_laws::generator g{count + 77};
    block_laws::bytes out;
    for (std::size_t k = 0; k < count; ++k) {
        const unsigned at = g.next() % 7, wide = 1 + g.next() % 2;
        const bool down = g.next() % 2 == 0;
        for (unsigned y = 0; y < 8; ++y) {
            unsigned row = 0;
            for (unsigned x = 0; x < 8; ++x) {
                const unsigned across = down ? x : y;
                const bool ink = across >= at && across < at + wide;
                row = row << 1 | (ink != (g.next() % 61 == 0) ? 1U : 0U);
            }
            out.push_back(static_cast<std::uint8_t>(row));
        }
    }
    return out;
}

template <class Coder>
void check_some(Coder& coder) {
    for (unsigned kind = 0; kind < block_laws::kinds; ++kind) {
        CAPTURE(kind);
        for (std::size_t n = 0; n <= 40; ++n)
            block_laws::check_round_trip(coder, block_laws::sample(kind, n));
        for (const std::size_t n : {300U, 1025U, 4097U, 10007U})
            block_laws::check_round_trip(coder, block_laws::sample(kind, n));
        block_laws::check_small_destinations(coder, block_laws::sample(kind, 60));
        for (const std::size_t n : {1U, 2U, 40U})
            block_laws::check_damage(coder, block_laws::sample(kind, n));
    }
}

std::uint64_t digest_of(const block_laws::bytes& bytes) { return pith::xxh64_of(bytes); }

}  // namespace

TEST_CASE("a circuit coder of records keeps the laws of block coders") {
    const auto coder = std::make_unique<small>();
    check_some(*coder);
    const auto more = std::make_unique<bits>();
    check_some(*more);
    const auto most = std::make_unique<whole>();
    check_some(*most);
}

TEST_CASE("damage to coded records is found or harmless", "[native]") {
    const auto coder = std::make_unique<small>();
    block_laws::bytes in;
    for (unsigned i = 0; i < 1000; ++i)
        for (const unsigned v : {0x31U, i % 2 == 0 ? 0x11U : 0x13U})
            in.push_back(static_cast<std::uint8_t>(v));
    const block_laws::bytes code = block_laws::encoded(*coder, in);
    REQUIRE(code[0] == 2);
    REQUIRE(code.size() < 400);
    block_laws::check_damage(*coder, in);
    block_laws::check_small_destinations(*coder, in);
}

TEST_CASE("records are coded far below one bit a bit where they have structure", "[native]") {
    const auto coder =
        std::make_unique<circuit_records<circuit_layout{.record = 8, .bits = 1, .states = 16}>>();
    const block_laws::bytes in = bars(4000);
    block_laws::check_round_trip(*coder, in);
    // Noise alone costs 0.12 bits a pixel, the picture 0.08; the rest is the stored circuit. Order 0: 0.75.
    CHECK(block_laws::encoded(*coder, in).size() * 2 < in.size());
}

TEST_CASE("any layout is decoded by the coder of any other layout") {
    const auto writer = std::make_unique<circuit_records<circuit_layout{}>>();
    const auto reader = std::make_unique<small>();
    const block_laws::bytes in = bars(3000);
    const block_laws::bytes code = block_laws::encoded(*writer, in);
    REQUIRE(code[0] == 2);
    block_laws::bytes out(in.size());
    REQUIRE(reader->decode_into(code, out));
    CHECK(out == in);
}

TEST_CASE("a header of no valid circuit is refused") {
    const auto coder = std::make_unique<small>();
    block_laws::bytes out(4000);
    for (const block_laws::bytes& bad : {block_laws::bytes{2, 0, 4, 1},
                                         {2, 65, 4, 1},
                                         {2, 8, 3, 1},
                                         {2, 8, 0, 1},
                                         {2, 8, 4, 0},
                                         {2, 8, 4, 9},
                                         {2, 64, 1, 1},
                                         {2, 8, 4},
                                         {2},
                                         {3, 8, 4, 1}}) {
        block_laws::bytes longer = bad;
        CHECK_FALSE(coder->decode_into(longer, out));
        if (longer.size() == 4) longer.resize(100);
        CHECK_FALSE(coder->decode_into(longer, out));
    }
}

TEST_CASE("the bytes of circuit coders are frozen") {
    const auto a = std::make_unique<small>();
    const auto b = std::make_unique<bits>();
    const auto c = std::make_unique<whole>();
    const auto d = std::make_unique<circuit_records<circuit_layout{}>>();
    CHECK(digest_of(block_laws::encoded(*a, bars(700))) == 0x1F88C33FCD7D78BAU);
    CHECK(digest_of(block_laws::encoded(*b, bars(2000))) == 0x640E4722D5737D7BU);
    CHECK(digest_of(block_laws::encoded(*c, block_laws::sample(6, 100003))) == 0x97B98448E1C586AEU);
    CHECK(digest_of(block_laws::encoded(*d, bars(2000))) == 0x27E938EA0685ED94U);
}
