#include <pith/core/parallel.hpp>
#include <pith/vector/flat_index.hpp>
#include <pith/vector/product.hpp>

#include <algorithm>
#include <vector>

#include "support/catch.hpp"
#include "vector/samples.hpp"

namespace {

using namespace vector_test;
namespace vector = pith::vector;
using pq4 = vector::product<4>;
using fast = vector::flat_index<pq4>;
using plain = vector::flat_index<pq4, vector::row_storage>;

static_assert(!std::is_same_v<vector::default_storage<pq4>, vector::row_storage>);
static_assert(std::is_same_v<vector::default_storage<vector::product<8>>, vector::row_storage>);

pq4 fitted(std::size_t dimension, std::size_t parts) {
    auto got = pq4::fit(gaussian(500, dimension, 1).view(), parts, {.rounds = 2});
    REQUIRE(got.has_value());
    return std::move(*got);
}

std::vector<std::uint8_t> saved(const auto& index) {
    std::vector<std::uint8_t> out;
    pith::vector_sink sink(out);
    index.save(sink);
    return out;
}

/// The nearest by costs from decoded vectors.
std::vector<std::uint32_t> by_decoding(const auto& index, std::span<const float> query, std::size_t width,
                                       const vector::id_filter& filter) {
    std::vector<std::pair<double, std::uint32_t>> all;
    std::vector<float> x(query.size());
    for (std::uint32_t i = 0; i < index.size(); ++i) {
        if (!filter.admits(i)) continue;
        index.decode_into(i, x);
        double cost = 0;
        for (std::size_t j = 0; j < x.size(); ++j) {
            const double a = static_cast<double>(query[j]), b = static_cast<double>(x[j]);
            cost += index.measured_by() == vector::metric::inner_product ? -a * b : (a - b) * (a - b);
        }
        all.emplace_back(cost, i);
    }
    std::sort(all.begin(), all.end());
    std::vector<std::uint32_t> out(width, vector::no_neighbor);
    for (std::size_t i = 0; i < width && i < all.size(); ++i) out[i] = all[i].second;
    return out;
}

}  // namespace

TEST_CASE("the fast scan gives the neighbors and costs of the full scan", "[vector]") {
    for (const std::size_t parts : {1U, 3U, 8U, 13U})
        for (const auto by : {vector::metric::inner_product, vector::metric::squared_distance}) {
            const pq4 quantizer = fitted(13, parts);
            const matrix queries = gaussian(19, 13, 5);
            fast quick(quantizer, by);
            plain slow(quantizer, by);
            for (const std::size_t rows : {0U, 1U, 31U, 33U, 1000U}) {
                const matrix more = gaussian(rows, 13, rows);
                REQUIRE(quick.add(more.view()).has_value());
                REQUIRE(slow.add(more.view()).has_value());
                const auto a = quick.search(queries.view(), 7), b = slow.search(queries.view(), 7);
                REQUIRE((a && b));
                CHECK(a->found == b->found);
            }
        }
}

TEST_CASE("neighbors are those that decoding every vector finds", "[vector]") {
    for (const auto by : {vector::metric::inner_product, vector::metric::squared_distance}) {
        const auto eight = vector::product<8>::fit(gaussian(600, 6, 2).view(), 6, {.rounds = 2});
        REQUIRE(eight.has_value());
        vector::flat_index<vector::product<8>> index(*eight, by);
        REQUIRE(index.add(gaussian(700, 6, 3).view()).has_value());
        const matrix queries = gaussian(5, 6, 4);
        std::vector<std::uint64_t> allowed(11);
        for (std::size_t i = 0; i < 700; i += 3) allowed[i / 64] |= std::uint64_t{1} << (i % 64);
        for (const vector::id_filter filter : {vector::id_filter{}, vector::id_filter{allowed}}) {
            const auto got = index.search(queries.view(), 4, filter);
            REQUIRE(got.has_value());
            for (std::size_t q = 0; q < 5; ++q) {
                const auto expected =
                    by_decoding(index, std::span<const float>(queries.values).subspan(6 * q, 6), 4, filter);
                for (std::size_t i = 0; i < 4; ++i) CHECK(got->of(q)[i].id == expected[i]);
            }
        }
    }
}

TEST_CASE("a filter keeps out what it does not name, and nothing else", "[vector]") {
    fast index(fitted(8, 4));
    REQUIRE(index.add(gaussian(100, 8, 3).view()).has_value());
    const matrix query = gaussian(1, 8, 4);
    const std::vector<std::uint64_t> some{(std::uint64_t{1} << 63) | 5, 1};  // 0, 2, 63, 64
    const auto got = index.search(query.view(), 100, {some});
    REQUIRE(got.has_value());
    std::vector<std::uint32_t> ids;
    for (const auto& n : got->found)
        if (n.id != vector::no_neighbor) ids.push_back(n.id);
    std::sort(ids.begin(), ids.end());
    CHECK(ids == std::vector<std::uint32_t>{0, 2, 63, 64});
    const std::vector<std::uint64_t> none{0, 0};
    const auto empty = index.search(query.view(), 3, {none});
    REQUIRE(empty.has_value());
    for (const auto& n : empty->found) CHECK(n.id == vector::no_neighbor);
}

TEST_CASE("threads change nothing", "[vector]") {
    const pq4 quantizer = fitted(8, 4);
    fast one(quantizer), two(quantizer);
    const matrix rows = gaussian(5000, 8, 3), queries = gaussian(100, 8, 4);
    REQUIRE(one.add(rows.view()).has_value());
    REQUIRE(two.add(rows.view(), pith::threads{3}).has_value());
    CHECK(saved(one) == saved(two));
    const auto a = one.search(queries.view(), 5), b = two.search(queries.view(), 5, {}, pith::threads{3});
    REQUIRE((a && b));
    CHECK(a->found == b->found);
}

TEST_CASE("re-ranking enough candidates gives the exact neighbors", "[vector]") {
    const matrix rows = gaussian(400, 8, 3), queries = gaussian(9, 8, 4);
    for (const auto by : {vector::metric::inner_product, vector::metric::squared_distance}) {
        fast index(fitted(8, 4), by);
        REQUIRE(index.add(rows.view()).has_value());
        const auto candidates = index.search(queries.view(), 500);
        REQUIRE(candidates.has_value());
        CHECK(candidates->of(0)[400].id == vector::no_neighbor);
        const auto got = vector::rerank(queries.view(), rows.view(), *candidates, 3, by);
        for (std::size_t q = 0; q < queries.rows; ++q) {
            std::vector<std::pair<double, std::uint32_t>> all(rows.rows);
            for (std::uint32_t i = 0; i < rows.rows; ++i) {
                double cost = 0;
                for (std::size_t j = 0; j < 8; ++j) {
                    const double a = static_cast<double>(queries(q, j)), b = static_cast<double>(rows(i, j));
                    cost += by == vector::metric::inner_product ? -a * b : (a - b) * (a - b);
                }
                all[i] = {cost, i};
            }
            std::sort(all.begin(), all.end());
            for (std::size_t i = 0; i < 3; ++i) CHECK(got.of(q)[i].id == all[i].second);
        }
    }
}

TEST_CASE("an index is read back as it was, and grows on", "[vector]") {
    fast index(fitted(7, 3), vector::metric::squared_distance);
    REQUIRE(index.add(gaussian(77, 7, 3).view()).has_value());
    const auto bytes = saved(index);
    auto loaded = fast::load(bytes);
    REQUIRE(loaded.has_value());
    CHECK(saved(*loaded) == bytes);
    CHECK(loaded->measured_by() == vector::metric::squared_distance);
    REQUIRE(loaded->add(gaussian(5, 7, 4).view()).has_value());
    REQUIRE(index.add(gaussian(5, 7, 4).view()).has_value());
    CHECK(saved(*loaded) == saved(index));
    const auto rows = plain::load(bytes);  // how codes are kept is no part of the file
    REQUIRE(rows.has_value());
    CHECK(rows->size() == 77);
}

TEST_CASE("damaged index files give errors", "[vector]") {
    fast index(fitted(5, 2));
    REQUIRE(index.add(gaussian(40, 5, 3).view()).has_value());
    const auto bytes = saved(index);
    for (std::size_t n = 0; n < bytes.size(); ++n) {
        CHECK_FALSE(fast::load(pith::byte_view(bytes).first(n)).has_value());
        auto hurt = bytes;
        hurt[n] = static_cast<std::uint8_t>(hurt[n] ^ (1U << (n % 8)));
        CHECK_FALSE(fast::load(hurt).has_value());
    }
    auto longer = bytes;
    longer.push_back(0);
    CHECK(fast::load(longer).error().code == pith::error_code::trailing_data);
    pith::limits tight;
    tight.max_memory = 64;
    CHECK(fast::load(bytes, tight).error().code == pith::error_code::limit_exceeded);
    using other = vector::flat_index<vector::product<8>>;
    CHECK_FALSE(other::load(bytes).has_value());
}

TEST_CASE("an index refuses what it cannot hold or compare", "[vector]") {
    fast index(fitted(5, 2));
    matrix bad = gaussian(1500, 5, 3);
    bad(1200, 4) = std::numeric_limits<float>::quiet_NaN();
    const auto refused = index.add(bad.view());
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().offset == 1200 * 5 + 4);
    CHECK(index.size() == 0);
    CHECK_FALSE(index.add(gaussian(3, 4, 1).view()).has_value());
    CHECK_FALSE(index.search(gaussian(3, 4, 1).view(), 2).has_value());
    CHECK_FALSE(index.search(gaussian(3, 5, 1).view(), 0).has_value());
    bad(0, 0) = std::numeric_limits<float>::infinity();
    CHECK_FALSE(index.search(bad.view(), 2).has_value());
    const auto nothing = index.search(gaussian(3, 5, 1).view(), 2);
    REQUIRE(nothing.has_value());
    for (const auto& n : nothing->found) CHECK(n.id == vector::no_neighbor);
}
