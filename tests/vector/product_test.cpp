#include <pith/core/parallel.hpp>
#include <pith/vector/product.hpp>

#include "support/catch.hpp"
#include "support/digest.hpp"
#include "vector/quantizer_laws.hpp"
#include "vector/samples.hpp"

namespace {

using namespace vector_test;
namespace vector = pith::vector;

static_assert(vector::scannable_quantizer<vector::product<8>>);

template <unsigned Bits>
void check_laws(std::size_t dimension, std::size_t parts) {
    const matrix points = gaussian(300, dimension, Bits, 2);
    const auto quantizer = vector::product<Bits>::fit(points.view(), parts, {.rounds = 2});
    REQUIRE(quantizer.has_value());
    CHECK(quantizer->code_size() == (parts * Bits + 7) / 8);
    check_quantizer(*quantizer, gaussian(53, dimension, 77, 2));
}

}  // namespace

TEST_CASE("product quantizers keep the laws, in odd dimensions too", "[vector]") {
    check_laws<4>(7, 3);
    check_laws<3>(11, 11);
    check_laws<8>(13, 2);
    check_laws<1>(5, 5);
    check_laws<12>(3, 1);
}

TEST_CASE("a part for each coordinate comes near the best scalar quantizer", "[vector]") {
    const matrix points = gaussian(8000, 6, 1);
    const auto quantizer = vector::product<2>::fit(points.view(), 6, {.rounds = 40, .points_per_entry = 0});
    REQUIRE(quantizer.has_value());
    // Max (1960): 0.1175 with four levels.
    CHECK(squared_error(points, coded(*quantizer, points)) / 48000 < 0.1225);
}

TEST_CASE("codes are the same on every machine and any number of threads", "[vector]") {
    const matrix points = gaussian(2000, 10, 2);
    const auto one = vector::product<4>::fit(points.view(), 3, {.points_per_entry = 50});
    const auto two = vector::product<4>::fit(points.view(), 3, {.points_per_entry = 50}, pith::threads{2});
    REQUIRE((one && two));
    CHECK(saved(*one) == saved(*two));
    std::vector<std::uint8_t> codes(points.rows * one->code_size());
    REQUIRE(one->encode_into(points.view(), codes).has_value());
    digest of_codes;
    for (const std::uint8_t c : codes) of_codes.add(c);
    CHECK(of_codes.value() == 0x4353586527b4229c);
}

TEST_CASE("constant vectors and zeros are coded without error", "[vector]") {
    for (const float value : {0.0F, 7.25F, 1e-40F}) {
        matrix same(50, 5);
        for (float& x : same.values) x = value;
        const auto quantizer = vector::product<4>::fit(same.view(), 2);
        REQUIRE(quantizer.has_value());
        CHECK(squared_error(same, coded(*quantizer, same)) == 0.0);
    }
}

TEST_CASE("a product quantizer refuses parts that cannot be", "[vector]") {
    const matrix points = gaussian(20, 3, 9);
    CHECK_FALSE(vector::product<4>::fit(points.view(), 0).has_value());
    CHECK_FALSE(vector::product<4>::fit(points.view(), 4).has_value());
    CHECK_FALSE(vector::product<4>::fit(matrix(0, 3).view(), 2).has_value());
}
