#include <pith/core/parallel.hpp>
#include <pith/vector/concepts.hpp>
#include <pith/vector/kmeans.hpp>

#include <algorithm>
#include <cmath>
#include <vector>

#include "support/catch.hpp"
#include "support/digest.hpp"
#include "vector/samples.hpp"

namespace {

using namespace vector_test;
namespace vector = pith::vector;

static_assert(vector::codebook_type<vector::codebook>);

std::vector<std::uint32_t> assigned(const vector::codebook& book, const matrix& points) {
    std::vector<std::uint32_t> out(points.rows);
    for (std::size_t r = 0; r < points.rows; ++r)
        out[r] =
            book.nearest(std::span<const float>(points.values).subspan(r * points.columns, points.columns));
    return out;
}

double error_of(const vector::codebook& book, const matrix& points) {
    matrix near(points.rows, points.columns);
    const auto index = assigned(book, points);
    for (std::size_t r = 0; r < points.rows; ++r)
        for (std::size_t c = 0; c < points.columns; ++c) near(r, c) = book.at(index[r], c);
    return squared_error(points, near);
}

std::uint64_t digest_of(const vector::codebook& book) {
    digest out;
    for (const float x : book.centre()) out.add(x);
    for (const float x : book.entries()) out.add(x);
    return out.value();
}

}  // namespace

TEST_CASE("the nearest entry is the one that brute force finds, the first among equals", "[vector]") {
    const matrix points = integers(200, 3, 4, 1);
    const matrix entries = integers(37, 3, 4, 2);
    const vector::codebook book(entries.values, {0, 0, 0});
    const auto index = assigned(book, points);
    for (std::size_t r = 0; r < points.rows; ++r) {
        std::uint32_t best = 0;
        float least = 1e9F;
        for (std::uint32_t k = 0; k < 37; ++k) {
            float distance = 0;
            for (std::size_t c = 0; c < 3; ++c)
                distance += (points(r, c) - entries(k, c)) * (points(r, c) - entries(k, c));
            if (distance < least) {
                least = distance;
                best = k;
            }
        }
        CHECK(index[r] == best);
    }
}

TEST_CASE("k-means finds clusters that lie apart, wherever they lie", "[vector]") {
    for (const float offset : {0.0F, 1e4F}) {
        matrix points = gaussian(1000, 5, 3, offset);
        for (std::size_t r = 0; r < points.rows; ++r) points(r, r % 5) += 100;
        const auto book = vector::kmeans(points.view(), 5);
        REQUIRE(book.has_value());
        CHECK(error_of(*book, points) < 1.05 * 5 * 1000);
    }
}

TEST_CASE("a codebook does not depend on the number of threads, but on the seed", "[vector]") {
    const matrix points = gaussian(5000, 7, 4);
    const auto one = vector::kmeans(points.view(), 50, {.seed = 9});
    const auto two = vector::kmeans(points.view(), 50, {.seed = 9}, pith::threads{3});
    const auto other = vector::kmeans(points.view(), 50, {.seed = 10});
    REQUIRE((one && two && other));
    CHECK(digest_of(*one) == digest_of(*two));
    CHECK(digest_of(*one) != digest_of(*other));
}

TEST_CASE("codebooks are the same on every machine", "[vector]") {
    const auto narrow = vector::kmeans(integers(3000, 4, 255, 5).view(), 64, {.points_per_entry = 32});
    const auto wide = vector::kmeans(gaussian(400, 19, 6).view(), 20, {.balanced = true});
    REQUIRE((narrow && wide));
    CHECK(digest_of(*narrow) == 0x8668583a7b6fea8);
    CHECK(digest_of(*wide) == 0x18d9503b381aeb4);
}

TEST_CASE("more rounds make no worse codebook, and Lloyd's rounds a better one than none", "[vector]") {
    const matrix points = gaussian(4000, 2, 7);
    double before = 0;
    for (const std::size_t rounds : {0U, 1U, 4U, 40U}) {
        const auto book = vector::kmeans(points.view(), 16, {.rounds = rounds});
        REQUIRE(book.has_value());
        const double now = error_of(*book, points);
        if (rounds != 0) CHECK(now <= before * 1.001);
        before = now;
    }
    CHECK(before / 8000 < 0.14);  // 16 entries for two Gaussian coordinates: the optimum is near 0.11
}

TEST_CASE("few, equal and constant points have codebooks too", "[vector]") {
    for (const std::size_t rows : {1U, 2U, 15U, 16U, 17U}) {
        const matrix points = gaussian(rows, 3, rows);
        const auto book = vector::kmeans(points.view(), rows + 3);
        REQUIRE(book.has_value());
        CHECK(book->size() == rows + 3);
        CHECK(error_of(*book, points) < 1e-9);
    }
    matrix same(100, 4);
    for (float& x : same.values) x = 3.5F;
    const auto constant = vector::kmeans(same.view(), 8);
    REQUIRE(constant.has_value());
    CHECK(error_of(*constant, same) == 0.0);
    const auto zeros = vector::kmeans(matrix(100, 4).view(), 8);
    REQUIRE(zeros.has_value());
    CHECK(error_of(*zeros, matrix(100, 4)) == 0.0);
}

TEST_CASE("balanced clusters have equal shares", "[vector]") {
    matrix points = gaussian(1003, 2, 8);
    for (std::size_t r = 0; r < 700; ++r) points(r, 0) = 0.01F * points(r, 0);
    std::vector<std::uint32_t> index(points.rows);
    const auto book = vector::kmeans(points.view(), 10, {.balanced = true});
    REQUIRE(book.has_value());
    const auto score = [&](std::size_t t, std::span<float> scores) {
        std::vector<float> tile(pith::simd::tile_points * 2);
        const std::size_t count = std::min<std::size_t>(16, points.rows - 16 * t);
        vector::fill_tile(points.view().block(16 * t, 0, count, 2), book->centre(), tile);
        pith::simd::score_tile(std::span<const float>(tile), book->scored(), scores);
    };
    vector::detail::assign_balanced(points.rows, 10, score, index);
    std::vector<std::size_t> members(10);
    for (const std::uint32_t k : index) ++members[k];
    CHECK(*std::max_element(members.begin(), members.end()) <= 101);
    CHECK(*std::min_element(members.begin(), members.end()) >= 94);
}

TEST_CASE("k-means refuses what it cannot cluster", "[vector]") {
    matrix points = gaussian(20, 3, 9);
    CHECK_FALSE(vector::kmeans(points.view(), 0).has_value());
    CHECK_FALSE(vector::kmeans(matrix(0, 3).view(), 2).has_value());
    CHECK_FALSE(vector::kmeans(matrix(3, 0).view(), 2).has_value());
    CHECK_FALSE(vector::kmeans(matrix(2, 1025).view(), 2).has_value());
    points(4, 1) = std::numeric_limits<float>::infinity();
    const auto got = vector::kmeans(points.view(), 2);
    REQUIRE_FALSE(got.has_value());
    CHECK(got.error().offset == 13);
}

TEST_CASE("tiles of near points find what the full search finds", "[vector]") {
    pith::random_sequence random(7);
    for (const std::size_t d : {1UL, 2UL, 3UL, 4UL, 5UL, 6UL})
        for (const std::size_t entries : {64UL, 100UL, 256UL})
            for (const float unit : {0.0F, 0.25F, 1e-18F, 1e15F}) {  // 0: no rounding to a grid, so few ties
                CAPTURE(d, entries, unit);
                const auto draw = [&] {
                    const auto x = static_cast<float>(random.gaussian());
                    return unit == 0 ? x : std::floor(4 * x) * unit;
                };
                const std::size_t n = 300 + random.below(300), t = pith::simd::tile_points;
                std::vector<float> points(n * d), book(entries * d);
                for (float& x : points) x = draw() * (random.below(50) == 0 ? 20.0F : 1.0F);
                for (float& x : book) x = draw();
                const vector::codebook all(book, std::vector<float>(d));
                const auto order = vector::detail::placed_order(
                    n, d, [&](std::size_t i, std::size_t j) { return points[i * d + j]; });
                std::vector<float> tiles((n + t - 1) / t * t * d);
                for (std::size_t p = 0; p < n; ++p)
                    for (std::size_t j = 0; j < d; ++j)
                        tiles[(p / t * d + j) * t + p % t] = points[order[p] * d + j];
                const vector::near_tiles<> near(tiles, d);
                const vector::near_tiles<>::target target(all.scored());
                std::size_t seen = 0;
                for (std::size_t g = 0; g < near.groups(); ++g)
                    near.search(g, target, [&](std::size_t tile, const pith::simd::nearest_entries& found) {
                        pith::simd::nearest_entries full;
                        pith::simd::nearest_in_tile(
                            std::span<const float>(tiles).subspan(tile * t * d, t * d), all.scored(), full);
                        for (std::size_t l = 0; l < t; ++l) {
                            CHECK(found.index[l] == full.index[l]);
                            CHECK(found.score[l] == full.score[l]);
                        }
                        ++seen;
                    });
                CHECK(seen == (n + t - 1) / t);
            }
}
