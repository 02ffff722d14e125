#include <pith/core/random.hpp>
#include <pith/simd/fast_scan.hpp>

#include <vector>

#include "support/catch.hpp"

namespace simd = pith::simd;

TEST_CASE("a block's codes are read back", "[simd]") {
    std::vector<std::uint8_t> block(32 * 3);
    for (std::size_t p = 0; p < 6; ++p)
        for (std::size_t v = 0; v < simd::scan_block; ++v)
            simd::set_scan_code(block.data(), p, v, static_cast<unsigned>((p * 7 + v * 3) % 16));
    for (std::size_t p = 0; p < 6; ++p)
        for (std::size_t v = 0; v < simd::scan_block; ++v)
            CHECK(simd::scan_code(block.data(), p, v) == (p * 7 + v * 3) % 16);
}

TEST_CASE("the fast scan finds what the scalar twin finds, at every limit", "[simd]") {
    pith::random_sequence random(3);
    for (std::size_t pairs = 0; pairs < 40; ++pairs) {
        std::vector<std::uint8_t> block(32 * pairs), table(32 * pairs);
        for (auto& b : block) b = static_cast<std::uint8_t>(random());
        for (auto& t : table)
            t = static_cast<std::uint8_t>(pairs % 3 == 0 ? simd::scan_table_limit
                                                         : random.below(simd::scan_table_limit + 1));
        for (int i = 0; i < 40; ++i) {
            // Sums lie around 63 per pair.
            const auto limit =
                static_cast<std::uint16_t>(i == 0   ? 0
                                           : i == 1 ? 65535
                                                    : pairs * 45 + random.below(20) * pairs * 2);
            CHECK(simd::fast_scan(block.data(), pairs, table.data(), limit) ==
                  simd::twin::fast_scan(block.data(), pairs, table.data(), limit));
        }
    }
}

TEST_CASE("sums may come near 2^16", "[simd]") {
    constexpr std::size_t pairs = 520;  // 520 * 2 * 63 = 65520
    std::vector<std::uint8_t> block(32 * pairs, 0xFF), table(32 * pairs, simd::scan_table_limit);
    CHECK(simd::fast_scan(block.data(), pairs, table.data(), 65520) == 0xFFFFFFFF);
    CHECK(simd::fast_scan(block.data(), pairs, table.data(), 65519) == 0);
}
