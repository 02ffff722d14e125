#include <pith/vector/variable_bits.hpp>

#include <algorithm>
#include <cmath>
#include <numeric>

#include <pith/vector/flat_index.hpp>
#include <pith/vector/id_set.hpp>

#include "support/catch.hpp"
#include "vector/index_laws.hpp"
#include "vector/quantizer_laws.hpp"
#include "vector/samples.hpp"

namespace {

using namespace vector_test;
namespace vector = pith::vector;
using osq = vector::variable_bits<>;

matrix decaying(std::size_t rows, std::size_t columns, std::uint64_t seed) {
    matrix out = gaussian(rows, columns, seed);
    for (std::size_t r = 0; r < rows; ++r)
        for (std::size_t c = 0; c < columns; ++c) out(r, c) = out(r, c) * std::pow(0.6F, float(c)) + 1.0F;
    return out;
}

}  // namespace

TEST_CASE("bits go where they save most, and the total is kept", "[vector]") {
    const std::vector<float> equal(6, 2.0F), falling{100, 10, 1, 0.1F, 0};
    CHECK(vector::share_bits(equal, 12) == std::vector<std::uint8_t>(6, 2));
    CHECK(vector::share_bits(equal, 100) == std::vector<std::uint8_t>(6, 8));
    CHECK(vector::share_bits({}, 5).empty());
    for (std::size_t total = 0; total <= 20; ++total) {
        const auto bits = vector::share_bits(falling, total);
        CHECK(std::accumulate(bits.begin(), bits.end(), std::size_t{0}) == total);
        CHECK(std::is_sorted(bits.rbegin(), bits.rend()));
        CHECK(bits.back() == 0);
    }
}

TEST_CASE("variable bits keep the laws", "[vector]") {
    const matrix known = decaying(900, 9, 1), in = decaying(41, 9, 2);
    for (const std::size_t total : {1UL, 7UL, 18UL, 61UL}) {
        CAPTURE(total);
        const auto quantizer = osq::fit(known.view(), total);
        REQUIRE(quantizer.has_value());
        CHECK(quantizer->code_size() == (total + 7) / 8);
        check_quantizer(*quantizer, in);
    }
    const auto constant = osq::fit(matrix(5, 3).view(), 12);
    REQUIRE(constant.has_value());
    CHECK(squared_error(matrix(5, 3), coded(*constant, matrix(5, 3))) == 0);
    CHECK_FALSE(osq::fit(matrix(0, 3).view(), 4).has_value());
    CHECK_FALSE(osq::fit(known.view(), 0).has_value());
}

TEST_CASE("variable bits beat equal bits where variances differ", "[vector]") {
    const matrix known = decaying(3000, 12, 3), fresh = decaying(1000, 12, 4);
    const auto shared = osq::fit(known.view(), 24), even = osq::fit(known.view(), 24, true);
    REQUIRE((shared && even));
    CHECK(shared->code_size() == even->code_size());
    CHECK(squared_error(fresh, coded(*shared, fresh)) < 0.3 * squared_error(fresh, coded(*even, fresh)));
}

TEST_CASE("a search under attributes finds the nearest of those that have them", "[vector]") {
    const std::size_t n = 500;
    const matrix base = decaying(n, 8, 5), queries = decaying(7, 8, 6);
    auto quantizer = osq::fit(base.view(), 24);
    REQUIRE(quantizer.has_value());
    vector::flat_index<osq> index(std::move(*quantizer), vector::metric::squared_distance);
    REQUIRE(index.add(base.view()).has_value());
    std::vector<int> year(n);
    std::vector<float> price(n);
    for (std::size_t i = 0; i < n; ++i) year[i] = int(i * 7 % 30), price[i] = float(i % 11);
    const auto recent = vector::id_set::between<int>(year, 20, 29);
    const auto cheap = vector::id_set::between<float>(price, 0, 3);
    CHECK((recent & cheap).count() + (recent | cheap).count() == recent.count() + cheap.count());
    CHECK((~recent).count() == n - recent.count());
    CHECK((~vector::id_set::between<int>({}, 0, 1)).count() == 0);
    const auto wanted = recent & ~cheap;
    const auto found = index.search(queries.view(), 5, wanted.filter());
    REQUIRE(found.has_value());
    for (std::size_t q = 0; q < queries.rows; ++q) {
        std::vector<std::pair<double, std::uint32_t>> all;
        for (std::uint32_t i = 0; i < n; ++i) {
            if (year[i] < 20 || price[i] <= 3) continue;
            std::vector<float> x(8);
            index.decode_into(i, x);
            double cost = 0;
            for (std::size_t j = 0; j < 8; ++j) cost += std::pow(double(x[j]) - double(queries(q, j)), 2);
            all.emplace_back(cost, i);
        }
        std::sort(all.begin(), all.end());
        for (std::size_t k = 0; k < 5; ++k) {
            CHECK(wanted.contains(found->of(q)[k].id));
            CHECK(std::abs(double(found->of(q)[k].cost) - all[k].first) < 1e-4);
        }
    }
    const auto none = vector::id_set::between<int>(year, 50, 60);
    const auto nothing = index.search(queries.view(), 5, none.filter());
    REQUIRE(nothing.has_value());
    CHECK(nothing->of(0)[0].id == vector::no_neighbor);
}

TEST_CASE("an index of variable bits is read back as it was", "[vector]") {
    const matrix base = decaying(60, 8, 5);
    auto quantizer = osq::fit(base.view(), 19);
    REQUIRE(quantizer.has_value());
    vector::flat_index<osq> index(std::move(*quantizer));
    REQUIRE(index.add(base.view()).has_value());
    std::vector<std::uint8_t> bytes, again;
    pith::vector_sink sink(bytes), second(again);
    index.save(sink);
    const auto loaded = vector::flat_index<osq>::load(bytes);
    REQUIRE(loaded.has_value());
    loaded->save(second);
    CHECK(again == bytes);
}

TEST_CASE("the fast scan of variable bits finds what the full scan finds", "[vector]") {
    for (const std::size_t columns : {1UL, 5UL, 23UL})
        for (const std::size_t per : {1UL, 2UL, 4UL, 7UL}) {
            CAPTURE(columns, per);
            matrix base = decaying(333, columns, 7);
            for (std::size_t c = 0; c < columns; ++c) base(40, c) = base(39, c);  // equal costs
            const matrix queries = decaying(18, columns, 8);
            const auto quantizer = osq::fit(base.view(), per * columns);
            REQUIRE(quantizer.has_value());
            for (const auto by : {vector::metric::inner_product, vector::metric::squared_distance}) {
                vector::flat_index<osq, vector::mixed_storage<>> fast(*quantizer, by);
                vector::flat_index<osq, vector::row_storage> plain(*quantizer, by);
                for (const std::size_t first : {0UL, 70UL}) {  // in two parts, the first no whole block
                    const auto some = base.view().block(first, 0, first == 0 ? 70 : 263, columns);
                    REQUIRE((fast.add(some) && plain.add(some)));
                }
                const std::vector<std::uint64_t> odd(5, 0xAAAA'0000'FFFF'AAAAU);
                check_same_index(fast, plain, queries.view(), 6, vector::id_filter{odd});
            }
        }
    static_assert(std::is_same_v<vector::default_storage<osq>, vector::mixed_storage<>>);
}
