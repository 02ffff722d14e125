#include <pith/entropy/package_merge.hpp>

#include <algorithm>
#include <memory>
#include <vector>

#include "support/catch.hpp"

using pith::entropy::package_merge;

namespace {

/// The least cost over all complete codes: distribute lengths in ascending order of falling counts.
std::uint64_t brute_force(const std::vector<std::uint32_t>& falling, std::size_t at, unsigned length,
                          std::uint32_t free_words, unsigned limit) {
    if (at == falling.size()) return 0;
    if (free_words == 0) return ~std::uint64_t{0} >> 8;
    // Either the next symbol gets a word of this length, or all free words grow by one bit.
    std::uint64_t best =
        length * std::uint64_t{falling[at]} + brute_force(falling, at + 1, length, free_words - 1, limit);
    if (length < limit) {
        const std::uint64_t other = brute_force(falling, at, length + 1, free_words * 2, limit);
        best = other < best ? other : best;
    }
    return best;
}

struct measured {
    std::uint64_t cost = 0;
    std::uint64_t kraft = 0;  // in units of 2^-16
    unsigned longest = 0;
};
measured measure(const std::vector<std::uint32_t>& counts, const std::vector<std::uint8_t>& lengths) {
    measured m;
    for (std::size_t s = 0; s < counts.size(); ++s) {
        CHECK((lengths[s] != 0) == (counts[s] != 0));
        m.cost += std::uint64_t{counts[s]} * lengths[s];
        if (lengths[s] != 0) m.kraft += 1U << (16 - lengths[s]);
        if (lengths[s] > m.longest) m.longest = lengths[s];
    }
    return m;
}

}  // namespace

TEST_CASE("package-merge finds the cheapest length-limited code of every small alphabet") {
    package_merge<8, 6> merge;
    std::vector<std::uint32_t> counts(6);
    for (std::uint32_t code = 0; code < 7 * 7 * 7 * 7 * 7; ++code) {
        std::uint32_t rest = code;
        const std::uint32_t scale[] = {1, 2, 3, 5, 9, 30, 100};
        std::vector<std::uint32_t> falling;
        for (std::size_t s = 0; s < 5; ++s, rest /= 7) counts[s] = scale[rest % 7];
        counts[5] = code % 3;
        for (const std::uint32_t c : counts)
            if (c != 0) falling.push_back(c);
        std::sort(falling.rbegin(), falling.rend());
        for (unsigned limit = 3; limit <= 5; ++limit) {
            std::vector<std::uint8_t> lengths(6);
            REQUIRE(merge.assign(counts, lengths, limit) == falling.size());
            const measured m = measure(counts, lengths);
            REQUIRE(m.cost == brute_force(falling, 0, 0, 1, limit));
            REQUIRE(m.kraft == 1U << 16);
            REQUIRE(m.longest <= limit);
        }
    }
}

TEST_CASE("code lengths fill the Kraft sum and fall with rising counts, whatever the limit") {
    package_merge<256, 15> merge;
    for (std::uint32_t seed = 1; seed < 60; ++seed) {
        std::vector<std::uint32_t> counts(seed * 4);
        std::uint32_t x = seed;
        for (std::uint32_t& c : counts) {
            x = x * 1664525 + 1013904223;
            c = (x >> 8) >> (seed % 23);
        }
        for (unsigned limit = 8; limit <= 15; ++limit) {
            std::vector<std::uint8_t> lengths(counts.size());
            const std::size_t present = merge.assign(counts, lengths, limit);
            const measured m = measure(counts, lengths);
            if (present >= 2) CHECK(m.kraft == 1U << 16);
            CHECK(m.longest <= limit);
            for (std::size_t a = 0; a < counts.size(); ++a)
                for (std::size_t b = 0; b < counts.size(); ++b)
                    if (counts[a] > counts[b] && counts[b] != 0) REQUIRE(lengths[a] <= lengths[b]);
        }
    }
}

TEST_CASE("Fibonacci counts reach exactly the limit, and Huffman's own lengths when it does not bind") {
    package_merge<32, 16> merge;
    std::vector<std::uint32_t> counts{1, 1};
    while (counts.size() < 17) counts.push_back(counts[counts.size() - 1] + counts[counts.size() - 2]);
    std::vector<std::uint8_t> lengths(17);
    merge.assign(counts, lengths, 16);
    CHECK(lengths[0] == 16);
    for (std::size_t s = 1; s < 17; ++s) CHECK(lengths[s] == 17 - s);
    for (unsigned limit = 5; limit < 16; ++limit) {
        merge.assign(counts, lengths, limit);
        CHECK(measure(counts, lengths).longest == limit);
    }
}

TEST_CASE("fewer than two symbols need no bits, and full alphabets use them all") {
    package_merge<256, 11> merge;
    std::vector<std::uint32_t> counts(256);
    std::vector<std::uint8_t> lengths(256, 9);
    CHECK(merge.assign(counts, lengths, 11) == 0);
    CHECK(lengths == std::vector<std::uint8_t>(256));
    counts[200] = 5;
    CHECK(merge.assign(counts, lengths, 11) == 1);
    CHECK(lengths == std::vector<std::uint8_t>(256));
    counts.assign(256, 0xFFFFFFFF);
    CHECK(merge.assign(counts, lengths, 8) == 256);
    CHECK(lengths == std::vector<std::uint8_t>(256, 8));
}

TEST_CASE("the largest alphabet fits, with the largest counts") {
    const auto merge = std::make_unique<package_merge<65536, 16>>();
    std::vector<std::uint32_t> counts(65536, 0xFFFFFFFF);
    std::vector<std::uint8_t> lengths(65536);
    CHECK(merge->assign(counts, lengths, 16) == 65536);
    CHECK(lengths == std::vector<std::uint8_t>(65536, 16));
    for (std::size_t s = 0; s < 65536; ++s) counts[s] = s < 40000 ? static_cast<std::uint32_t>(s * s + 1) : 0;
    merge->assign(counts, lengths, 16);
    CHECK(measure(counts, lengths).kraft == 1U << 16);
}
