#include <pith/mixing/block_history.hpp>
#include <pith/mixing/byte_distribution.hpp>

#include <cstdint>
#include <vector>

#include "support/catch.hpp"

namespace mixing = pith::mixing;

TEST_CASE("the sum at a node is the sum of the masses of all bytes that begin with its bits") {
    mixing::byte_distribution d;
    std::uint32_t largest = 0;
    for (unsigned s = 0; s < 256; ++s) {
        const std::uint32_t mass = (s * 2654435761U) >> 9;  // sums to less than 2^31
        d.set(static_cast<std::uint8_t>(s), mass - mass / 2);
        d.add(static_cast<std::uint8_t>(s), mass / 2);
        largest = mass > largest ? mass : largest;
    }
    d.sum_up();
    for (unsigned depth = 0; depth <= 8; ++depth)
        for (unsigned lead = 0; lead < 1U << depth; ++lead) {
            std::uint32_t expected = 0;
            for (unsigned s = 0; s < 256; ++s)
                if (s >> (8 - depth) == lead) expected += d.mass_of(static_cast<std::uint8_t>(s));
            std::uint32_t prefix = 0;  // the first bit of the byte in the lowest place
            for (unsigned k = 0; k < depth; ++k) prefix |= (lead >> (depth - 1 - k) & 1) << k;
            CAPTURE(depth, lead);
            REQUIRE(d.sum(depth, prefix) == expected);
        }
    CHECK(d.peak() == largest);
}

TEST_CASE("a history knows the last eight bytes, with zeros before the block") {
    const std::vector<std::uint8_t> bytes{1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
    mixing::block_history history{bytes.data(), 0, 0};
    CHECK(history.last(8) == 0);
    history.push(1);
    history.push(2);
    CHECK(history.last(1) == 0x02);
    CHECK(history.last(3) == 0x000102);
    for (std::size_t i = 2; i < bytes.size(); ++i) history.push(bytes[i]);
    CHECK(history.size == 10);
    CHECK(history.last(8) == 0x030405060708090AULL);
    CHECK(history.last(2) == 0x090A);
}

TEST_CASE("a table's size for a block is the power of two above its wish, within its bounds") {
    CHECK(mixing::scaled_size(0, 1, 256, 1024) == 256);
    CHECK(mixing::scaled_size(300, 1, 256, 1024) == 512);
    CHECK(mixing::scaled_size(512, 1, 256, 1024) == 512);
    CHECK(mixing::scaled_size(200, 3, 256, 1024) == 1024);
    CHECK(mixing::scaled_size(~std::size_t{0}, 3, 256, 1024) == 1024);
    CHECK(mixing::scaled_size(0, 1, 512, 256) == 256);
}

TEST_CASE("contexts of different kinds and neighbours have different hashes") {
    std::vector<std::uint64_t> seen;
    for (std::uint32_t kind = 0; kind < 8; ++kind)
        for (std::uint64_t context = 0; context < 64; ++context) {
            const std::uint64_t h = mixing::context_hash(context << (8 * (context % 8)), kind);
            for (const std::uint64_t other : seen) REQUIRE(h != other);
            seen.push_back(h);
        }
}
