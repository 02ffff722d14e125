#include <pith/kv/rope.hpp>

#include <algorithm>
#include <cmath>
#include <vector>

#include "support/catch.hpp"

namespace {

namespace kv = pith::kv;

/// Ones, turned.
std::vector<float> turned(kv::rope_rotation& rotation, std::size_t size, std::uint32_t position) {
    std::vector<float> row(size, 1.0F);
    rotation.turn(row, position);
    return row;
}

}  // namespace

TEST_CASE("every pair turns by its position times its frequency, however far") {
    for (const std::size_t size : {1U, 2U, 7U, 64U, 128U})
        for (const auto pairing : {kv::rope_pairing::adjacent, kv::rope_pairing::halves})
            for (const float base : {10000.0F, 500000.0F}) {
                kv::rope_rotation rotation({base, pairing}, size);
                double wrong = 0;
                for (std::uint64_t position = 0; position < (1ULL << 31);
                     position += position < 2100 ? 1 : position / 3) {
                    const std::vector<float> row =
                        turned(rotation, size, static_cast<std::uint32_t>(position));
                    for (std::size_t i = 0; i < size / 2; ++i) {
                        const bool adjacent = pairing == kv::rope_pairing::adjacent;
                        const double angle =
                            static_cast<double>(position) *
                            std::pow(double{base}, -2.0 * static_cast<double>(i) / static_cast<double>(size));
                        const double first = row[adjacent ? 2 * i : i];
                        const double second = row[adjacent ? 2 * i + 1 : i + size / 2];
                        wrong = std::max(wrong, std::abs(first - (std::cos(angle) - std::sin(angle))));
                        wrong = std::max(wrong, std::abs(second - (std::cos(angle) + std::sin(angle))));
                    }
                    if (size % 2 == 1 && row.back() != 1.0F) wrong = 1;
                }
                CHECK(wrong <= 1e-6);
            }
}

TEST_CASE("what a position turns does not depend on the positions before it") {
    const kv::rope kind{10000, kv::rope_pairing::halves};
    kv::rope_rotation one(kind, 64);
    std::uint32_t position = 1;
    for (std::size_t i = 0; i < 2000; ++i, position = position * 1103515245U + 12345U) {
        const std::uint32_t at = i % 3 == 0 ? position >> 1 : position >> 18;
        kv::rope_rotation fresh(kind, 64);
        REQUIRE(turned(one, 64, at) == turned(fresh, 64, at));
        REQUIRE(turned(one, 64, at + 1) == turned(fresh, 64, at + 1));
    }
}

TEST_CASE("all heads of a row turn alike, and none where the program turns by itself") {
    kv::rope_rotation rotation({10000, kv::rope_pairing::adjacent}, 6);
    const std::vector<float> row = turned(rotation, 18, 5000);
    for (std::size_t i = 0; i < 12; ++i) CHECK(row[i] == row[i + 6]);
    kv::rope_rotation none(kv::rope{}, 6);
    CHECK(turned(none, 18, 5000) == std::vector<float>(18, 1.0F));
}
