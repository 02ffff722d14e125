#include <pith/vector/residual.hpp>

#include "support/catch.hpp"
#include "support/digest.hpp"
#include "vector/quantizer_laws.hpp"
#include "vector/samples.hpp"

namespace {

using namespace vector_test;
namespace vector = pith::vector;
using rq = vector::residual<4>;

rq fitted(const matrix& points, const vector::residual_options& options) {
    auto got = rq::fit(points.view(), options);
    REQUIRE(got.has_value());
    return std::move(*got);
}

}  // namespace

TEST_CASE("residual quantizers are stored, refuse and score as the laws say", "[vector]") {
    const matrix in = gaussian(35, 7, 77, 1);
    for (const std::size_t groups : {1U, 3U}) {
        const rq quantizer = fitted(gaussian(300, 7, 1, 1), {.stages = 3, .groups = groups, .beam = 3});
        CHECK(quantizer.code_size() == (3 * groups + 1) / 2);
        check_stored(quantizer, in);
        check_refusals(quantizer, in);
        check_costs(quantizer, in, gaussian(16, 7, 5));
    }
    check_codes(fitted(gaussian(300, 5, 1), {.stages = 2, .groups = 5, .beam = 16}), gaussian(35, 5, 2));
}

TEST_CASE("distortion falls with every stage, and with the width of the beam", "[vector]") {
    const matrix points = correlated(1500, 12, 1);
    double before = 1e30;
    for (const std::size_t stages : {1U, 2U, 4U, 6U}) {
        const double now =
            squared_error(points, coded(fitted(points, {.stages = stages, .beam = 1}), points));
        CHECK(now < 0.8 * before);
        before = now;
    }
    const double wide = squared_error(points, coded(fitted(points, {.stages = 6, .beam = 8}), points));
    CHECK(wide < 0.95 * before);
}

TEST_CASE("additive codebooks are no worse than the residual ones they come from", "[vector]") {
    const matrix points = correlated(1200, 10, 2);
    rq quantizer = fitted(points, {.stages = 3, .beam = 4});
    double before = squared_error(points, coded(quantizer, points));
    REQUIRE(quantizer.refine(points.view(), 3).has_value());
    const double after = squared_error(points, coded(quantizer, points));
    CHECK(after < 0.97 * before);
}

TEST_CASE("residual codes are the same on every machine", "[vector]") {
    const matrix points = correlated(900, 9, 3);
    rq quantizer = fitted(points, {.stages = 3, .groups = 2, .beam = 3});
    REQUIRE(quantizer.refine(points.view(), 1).has_value());
    digest of_codes;
    std::vector<std::uint8_t> codes(points.rows * quantizer.code_size());
    REQUIRE(quantizer.encode_into(points.view(), codes).has_value());
    for (const std::uint8_t c : codes) of_codes.add(c);
    CHECK(of_codes.value() == 0x97dd45d44ad4e6ee);
}

TEST_CASE("constant vectors and zeros lose nothing in residual stages", "[vector]") {
    for (const float value : {0.0F, -3.0F}) {
        matrix same(40, 3);
        for (float& x : same.values) x = value;
        CHECK(squared_error(same, coded(fitted(same, {.stages = 2}), same)) < 1e-10);
    }
}

TEST_CASE("a residual quantizer refuses options out of range", "[vector]") {
    const matrix points = gaussian(20, 3, 9);
    CHECK_FALSE(rq::fit(points.view(), {.stages = 0}).has_value());
    CHECK_FALSE(rq::fit(points.view(), {.groups = 4}).has_value());
    CHECK_FALSE(rq::fit(points.view(), {.beam = 65}).has_value());
    CHECK_FALSE(rq::fit(matrix(0, 3).view(), {}).has_value());
}
