#include <pith/core/random.hpp>
#include <pith/simd/nearest.hpp>

#include <cstring>
#include <limits>
#include <vector>

#include "support/catch.hpp"

namespace {

namespace simd = pith::simd;

struct sample {
    sample(std::size_t entries, std::size_t dimension, std::uint64_t seed, bool small_integers)
        : d(dimension), tile(simd::tile_points * d), values(entries * d), offsets(entries) {
        pith::random_sequence random(seed);
        const auto next = [&] {
            return small_integers ? static_cast<float>(random.below(3)) : random.uniform() - 0.5F;
        };
        for (float& x : tile) x = next();
        for (float& x : values) x = next();
        for (float& x : offsets) x = next();
    }
    [[nodiscard]] simd::scored_entries book() const { return {values, offsets, d}; }
    std::size_t d;
    std::vector<float> tile, values, offsets;
};

void check(const sample& s) {
    simd::nearest_entries fast, plain;
    simd::nearest_in_tile(std::span<const float>(s.tile), s.book(), fast);
    simd::twin::nearest_in_tile(std::span<const float>(s.tile), s.book(), plain);
    CHECK(std::memcmp(&fast, &plain, sizeof(fast)) == 0);
    const std::size_t count = s.offsets.size() * simd::tile_points;
    std::vector<float> a(count), b(count);
    simd::score_tile(std::span<const float>(s.tile), s.book(), std::span(a));
    simd::twin::score_tile(std::span<const float>(s.tile), s.book(), std::span(b));
    CHECK((count == 0 || std::memcmp(a.data(), b.data(), count * sizeof(float)) == 0));
    for (std::size_t l = 0; l < simd::tile_points; ++l)
        for (std::size_t k = 0; k < s.offsets.size(); ++k) {
            const float score = a[k * simd::tile_points + l];
            const bool beaten = k < plain.index[l] ? score > plain.score[l] : score >= plain.score[l];
            if (!beaten) FAIL("entry " << k << " is nearer than " << plain.index[l]);
        }
}

}  // namespace

TEST_CASE("the nearest entries of a tile are those of the scalar twin, to the bit", "[simd]") {
    for (const std::size_t d : {1U, 2U, 3U, 4U, 5U, 8U, 13U, 64U, 100U})
        for (const std::size_t entries : {0U, 1U, 2U, 3U, 4U, 5U, 7U, 16U, 17U, 31U, 100U}) {
            check(sample(entries, d, d * 1000 + entries, false));
            check(sample(entries, d, d * 1000 + entries, true));  // many equal scores
        }
}

TEST_CASE("an entry whose score is no number is never the nearest", "[simd]") {
    sample s(9, 3, 5, false);
    for (std::size_t k = 0; k < 8; ++k) s.offsets[k] = std::numeric_limits<float>::quiet_NaN();
    simd::nearest_entries found;
    simd::nearest_in_tile(std::span<const float>(s.tile), s.book(), found);
    for (const std::uint32_t index : found.index) CHECK(index == 8);
}
