#include <pith/mixing/context_counts.hpp>

#include <cstdint>
#include <map>
#include <vector>

#include "entropy/block_laws.hpp"
#include "support/catch.hpp"

namespace mixing = pith::mixing;
using mixing::context_counts;
using mixing::context_room;

namespace {

std::map<unsigned, std::uint32_t> counts_of(const context_counts& c, std::uint64_t hash) {
    std::map<unsigned, std::uint32_t> out;
    const auto known = c.find(hash);
    if (known.total == 0) return out;
    std::uint32_t total = 0;
    for (const mixing::byte_count b : c.counts(known)) {
        REQUIRE(mixing::count_of(b) >= 1);
        REQUIRE(out.emplace(mixing::symbol_of(b), mixing::count_of(b)).second);
        total += mixing::count_of(b);
    }
    REQUIRE(total == known.total);
    return out;
}

}  // namespace

TEST_CASE("with room enough the counts are those of a map") {
    context_counts counts(context_room{1, 4096, 64, std::size_t{1} << 18});
    std::map<std::uint64_t, std::map<unsigned, std::uint32_t>> expected;
    block_laws::generator g{42};
    for (int round = 0; round < 2; ++round) {
        counts.reset(4096);
        expected.clear();
        for (int i = 0; i < 60000; ++i) {
            const std::uint32_t r = g.next();
            const std::uint64_t hash = mixing::context_hash(r % 400 * (r % 400) / 400, 7);
            const auto symbol = static_cast<std::uint8_t>((r >> 12 & 15) * (r >> 16 & 15) + (r >> 20 & 15));
            counts.count(hash, symbol);
            ++expected[hash][symbol];
        }
        for (const auto& [hash, values] : expected) REQUIRE(counts_of(counts, hash) == values);
        REQUIRE(counts.find(mixing::context_hash(1000, 7)).total == 0);
    }
}

TEST_CASE("all 256 values of one context fit") {
    context_counts counts(context_room{1, 8, 1, 512});
    for (unsigned round = 1; round <= 3; ++round)
        for (unsigned s = 0; s < 256; ++s) counts.count(5, static_cast<std::uint8_t>(s));
    const auto known = counts_of(counts, 5);
    REQUIRE(known.size() == 256);
    for (const auto& [symbol, count] : known) REQUIRE(count == 3);
}

TEST_CASE(
    "where memory is short contexts give way and values are not learnt, and totals stay sums of counts") {
    context_counts counts(context_room{1, 8, 1, 256});
    block_laws::generator g{7};
    for (int i = 0; i < 100000; ++i) {
        const std::uint64_t hash = mixing::context_hash(g.next() % 50, 1);
        counts.count(hash, static_cast<std::uint8_t>(g.next()));
        counts_of(counts, hash);
    }
    unsigned known = 0;
    for (std::uint64_t c = 0; c < 50; ++c) known += counts.find(mixing::context_hash(c, 1)).total != 0;
    CHECK(known >= 1);
    CHECK(known <= 8);
}

TEST_CASE("a context that was seen often stays when rare ones come and go") {
    context_counts counts(context_room{1, 8, 1, 256});
    for (int i = 0; i < 100; ++i) counts.count(3, 'a');
    for (std::uint64_t c = 0; c < 1000; ++c) counts.count(mixing::context_hash(c, 2), 'b');
    CHECK(counts.find(3).total == 100);
}

TEST_CASE("counts halve before they leave their 24 bits") {
    context_counts counts(context_room{1, 8, 1, 256});
    counts.count(9, 'x');
    for (std::uint32_t i = 0; i < std::uint32_t{1} << 24; ++i) counts.count(9, 'y');
    const auto known = counts_of(counts, 9);
    REQUIRE(known.size() == 2);
    CHECK(known.at('x') == 1);
    CHECK(known.at('y') >= std::uint32_t{1} << 23);
    CHECK(known.at('y') < std::uint32_t{1} << 24);
}

TEST_CASE("a copy of the counts goes on as the original does") {
    context_counts one(context_room{1, 64, 1, 256});
    for (unsigned i = 0; i < 300; ++i) one.count(i % 5, static_cast<std::uint8_t>(i % 7));
    context_counts other = one;
    for (unsigned i = 0; i < 50; ++i) {
        one.count(i % 6, static_cast<std::uint8_t>(i));
        other.count(i % 6, static_cast<std::uint8_t>(i));
    }
    for (std::uint64_t hash = 0; hash < 6; ++hash) CHECK(counts_of(one, hash) == counts_of(other, hash));
}
