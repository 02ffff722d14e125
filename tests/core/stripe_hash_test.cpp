#include <pith/core/stripe_hash.hpp>

#include <vector>

#include "support/catch.hpp"

using namespace pith;

namespace {

using bytes = std::vector<std::uint8_t>;

/// The definition, word by word.
std::uint64_t plain(byte_view in, std::uint64_t seed) {
    if (in.size() < 128) return xxh64_of(in, seed);
    bytes folded;
    for (std::uint32_t j = 0; j < 32; ++j) {
        std::uint32_t lane = j + 1;
        for (std::size_t at = 0; at + 128 <= in.size(); at += 128) {
            lane = (lane ^ load_le<std::uint32_t>(in.data() + at + 4 * j)) * 0x9E37'79B1U;
            lane = lane << 15 | lane >> 17;
        }
        vector_sink sink(folded);
        put_le<std::uint32_t>(sink, lane);
    }
    const byte_view tail = in.subspan(in.size() / 128 * 128);
    folded.insert(folded.end(), tail.begin(), tail.end());
    return xxh64_of(folded, seed);
}

}  // namespace

TEST_CASE("the hash of stripes is its definition at every length and address") {
    bytes data(1100);
    for (std::size_t i = 0; i < data.size(); ++i) data[i] = static_cast<std::uint8_t>(i * 167 >> 3);
    for (std::size_t n = 0; n < 1050; ++n) {
        const byte_view part = byte_view(data).subspan(n % 37, n);
        REQUIRE(stripe_hash(part, n) == plain(part, n));
    }
}

TEST_CASE("a change of any bit changes the hash of stripes") {
    bytes data(300, 7);
    const std::uint64_t before = stripe_hash(data);
    for (std::size_t bit = 0; bit < 8 * data.size(); ++bit) {
        data[bit / 8] = static_cast<std::uint8_t>(data[bit / 8] ^ (1U << bit % 8));
        REQUIRE(stripe_hash(data) != before);
        data[bit / 8] = static_cast<std::uint8_t>(data[bit / 8] ^ (1U << bit % 8));
    }
    REQUIRE(stripe_hash(data, 1) != before);
}
