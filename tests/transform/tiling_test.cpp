// Quasi-periodic tilings: frequencies of tiles, supertiles against a direct deflation, where hierarchies end.
#include <pith/transform/tiling.hpp>

#include <string>
#include <vector>

#include "support/catch.hpp"

using namespace pith::transform;

namespace {

std::vector<std::uint16_t> marked(const tiling& t, std::size_t places) {
    std::vector<std::uint16_t> starts(places, 0);
    std::vector<std::uint32_t> scratch(places);
    mark_supertiles(t, starts, scratch);
    return starts;
}

unsigned levels_of(const std::vector<std::uint16_t>& starts) {
    unsigned all = 0;
    for (const std::uint16_t s : starts) all |= s;
    return all;
}

/// The same by the rules: every LS becomes L, every other L becomes S, a first S and a last L go away.
std::vector<std::uint16_t> rewritten(const tiling& t, std::size_t places) {
    struct tile {
        std::size_t place;
        bool is_long;
    };
    std::vector<tile> tiles;
    for (std::size_t k = 0, place = 0; place < places; ++k) {
        tiles.push_back({place, t.is_long(k)});
        place += t.is_long(k) ? 2U : 1U;
    }
    std::vector<std::uint16_t> starts(places, 0);
    for (std::size_t level = 0; level < tile_lengths.size() && !tiles.empty(); ++level) {
        std::vector<tile> next;
        bool ends = false;
        for (std::size_t k = 0; k < tiles.size(); ++k) {
            const bool last = k + 1 == tiles.size();
            if (tiles[k].is_long && tiles[k].place + tile_lengths[level] <= places)
                starts[tiles[k].place] = static_cast<std::uint16_t>(starts[tiles[k].place] | 1U << level);
            ends = ends || (!last && !tiles[k].is_long && !tiles[k + 1].is_long);
            if (tiles[k].is_long && !last) next.push_back({tiles[k].place, !tiles[k + 1].is_long});
        }
        if (ends) break;
        tiles = next;
    }
    return starts;
}

}  // namespace

TEST_CASE("Fibonacci's tiling has golden frequencies and no two short tiles in a row") {
    for (unsigned phase = 0; phase < 16; ++phase) {
        const tiling t = fibonacci_tiling(std::uint64_t{phase} << 60);
        std::size_t longs = 0;
        for (std::uint64_t k = 0; k < 10000; ++k) {
            longs += t.is_long(k);
            CHECK((t.is_long(k) || t.is_long(k + 1)));
        }
        CHECK(longs >= 6179);
        CHECK(longs <= 6181);
    }
}

TEST_CASE("the tiling of period five repeats, and has three long tiles in five") {
    for (unsigned shift = 0; shift < 5; ++shift) {
        const tiling t = period_five_tiling(shift);
        for (std::uint64_t k = 0; k < 100000; ++k) REQUIRE(t.is_long(k) == t.is_long(k % 5));
        CHECK(t.is_long(0) + t.is_long(1) + t.is_long(2) + t.is_long(3) + t.is_long(4) == 3);
    }
}

TEST_CASE("marked supertiles are those of the rewriting rules") {
    for (std::size_t places = 0; places <= 300; ++places) {
        for (unsigned phase = 0; phase < 8; ++phase)
            REQUIRE(marked(fibonacci_tiling(std::uint64_t{phase} << 61), places) ==
                    rewritten(fibonacci_tiling(std::uint64_t{phase} << 61), places));
        for (unsigned shift = 0; shift < 5; ++shift)
            REQUIRE(marked(period_five_tiling(shift), places) ==
                    rewritten(period_five_tiling(shift), places));
    }
}

TEST_CASE("Fibonacci's hierarchy reaches 144 places, that of period five ends at eight") {
    CHECK(levels_of(marked(fibonacci_tiling(), 5000)) == 0x3FF);
    for (unsigned shift = 0; shift < 5; ++shift)
        CHECK(levels_of(marked(period_five_tiling(shift), 5000)) == 0xF);
}

TEST_CASE("supertiles of one level do not overlap, and every boundary is one of the level below") {
    const std::vector<std::uint16_t> starts = marked(fibonacci_tiling(12345), 4000);
    for (std::size_t level = 0; level < tile_lengths.size(); ++level) {
        std::size_t end = 0;
        for (std::size_t p = 0; p < starts.size(); ++p) {
            if ((starts[p] >> level & 1) == 0) continue;
            REQUIRE(p >= end);
            end = p + tile_lengths[level];
            REQUIRE(end <= starts.size());
            if (level != 0) REQUIRE((starts[p] >> (level - 1) & 1) != 0);
        }
    }
}

TEST_CASE("tilings can be laid over each other") {
    std::vector<std::uint16_t> both(1000, 0);
    std::vector<std::uint32_t> scratch(1000);
    mark_supertiles(fibonacci_tiling(), both, scratch);
    mark_supertiles(period_five_tiling(), both, scratch);
    const auto first = marked(fibonacci_tiling(), 1000), second = marked(period_five_tiling(), 1000);
    for (std::size_t p = 0; p < both.size(); ++p) REQUIRE(both[p] == (first[p] | second[p]));
}
