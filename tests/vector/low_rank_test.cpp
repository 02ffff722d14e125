#include <pith/vector/low_rank.hpp>

#include <pith/vector/product.hpp>

#include "support/catch.hpp"
#include "vector/quantizer_laws.hpp"
#include "vector/samples.hpp"

namespace {

using namespace vector_test;
namespace vector = pith::vector;
using pq = vector::product<4>;
using projected = vector::low_rank<pq>;
using with_rest = vector::low_rank<pq, pq>;

const auto fit_fully = [](pith::view_2d<const float> rows) {
    return pq::fit(rows, rows.columns(), {.rounds = 4});
};

// Two strong directions in twelve, and noise around them.
matrix flat(std::size_t rows, std::uint64_t seed) {
    const matrix plane = gaussian(2, 12, 77), at = gaussian(rows, 2, seed),
                 noise = gaussian(rows, 12, seed + 1);
    matrix out(rows, 12);
    for (std::size_t r = 0; r < rows; ++r)
        for (std::size_t c = 0; c < 12; ++c)
            out(r, c) = 3 * (at(r, 0) * plane(0, c) + at(r, 1) * plane(1, c)) + 0.3F * noise(r, c) + 0.5F;
    return out;
}

}  // namespace

TEST_CASE("codes in a projected space keep the laws", "[vector]") {
    const auto quantizer = projected::fit(flat(400, 1).view(), 2, fit_fully);
    REQUIRE(quantizer.has_value());
    CHECK(quantizer->rank() == 2);
    CHECK(quantizer->code_size() == 1);
    check_quantizer(*quantizer, flat(41, 5));
}

TEST_CASE("low rank with a coded rest keeps the laws of codes that are searched", "[vector]") {
    const auto fit_rest = [](pith::view_2d<const float> rows) { return pq::fit(rows, 4, {.rounds = 4}); };
    const auto quantizer = with_rest::fit(flat(400, 1).view(), 2, fit_fully, fit_rest);
    REQUIRE(quantizer.has_value());
    CHECK(quantizer->code_size() == 3);
    const matrix in = flat(41, 5);
    check_stored(*quantizer, in);
    check_refusals(*quantizer, in);
    check_costs(*quantizer, in, gaussian(3, 12, 9));
    CHECK_FALSE(projected::fit(in.view(), 0, fit_fully).has_value());
    CHECK_FALSE(projected::fit(in.view(), 13, fit_fully).has_value());
    CHECK_FALSE(projected::fit(matrix(0, 12).view(), 1, fit_fully).has_value());
}

TEST_CASE("low rank and a coded rest beat one product code of as many bits on flat data", "[vector]") {
    const matrix known = flat(3000, 3), fresh = flat(1000, 4);
    const auto both = with_rest::fit(known.view(), 2, fit_fully,
                                     [](pith::view_2d<const float> rows) { return pq::fit(rows, 4); });
    const auto plain = pq::fit(known.view(), 6);
    const auto alone = projected::fit(known.view(), 2, fit_fully);
    REQUIRE((both && plain && alone));
    CHECK(both->code_size() == plain->code_size());
    const double of_both = squared_error(fresh, coded(*both, fresh));
    CHECK(of_both < 0.3 * squared_error(fresh, coded(*plain, fresh)));
    CHECK(of_both < 0.9 * squared_error(fresh, coded(*alone, fresh)));
}
