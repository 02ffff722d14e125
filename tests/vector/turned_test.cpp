#include <pith/vector/product.hpp>
#include <pith/vector/sign_split.hpp>
#include <pith/vector/turned.hpp>

#include <cmath>

#include "support/catch.hpp"
#include "vector/quantizer_laws.hpp"
#include "vector/samples.hpp"

namespace {

using namespace vector_test;
namespace vector = pith::vector;
using pq = vector::product<4>;
using opq = vector::turned<pq>;
using split = vector::sign_split<pq>;

}  // namespace

TEST_CASE("the Procrustes rotation undoes a rotation, and is orthogonal where the data leave it open",
          "[vector]") {
    constexpr std::size_t n = 5;
    const auto truth = pith::transform::random_rotation(n, 3);
    for (const std::size_t rank : {std::size_t{5}, std::size_t{3}, std::size_t{0}}) {
        std::vector<double> cross(n * n), identity(n * n);
        for (std::size_t i = 0; i < n; ++i) identity[i * n + i] = 1;
        matrix points = gaussian(100, n, 4);
        for (std::size_t r = 0; r < points.rows; ++r)
            for (std::size_t j = rank; j < n; ++j) points(r, j) = 0;
        for (std::size_t r = 0; r < points.rows; ++r) {
            std::vector<float> x(n), y(n);
            for (std::size_t j = 0; j < n; ++j) x[j] = points(r, j);
            truth.forward_into(x, y);
            for (std::size_t i = 0; i < n; ++i)
                for (std::size_t j = 0; j < n; ++j)
                    cross[i * n + j] += static_cast<double>(y[i]) * static_cast<double>(x[j]);
        }
        const auto found = vector::procrustes_rotation(cross, identity, n);
        for (std::size_t i = 0; i < n; ++i)
            for (std::size_t j = 0; j < n; ++j) {
                double product = 0;
                for (std::size_t k = 0; k < n; ++k) product += found[i * n + k] * found[j * n + k];
                CHECK(std::abs(product - (i == j ? 1 : 0)) < 1e-6);
                if (rank == n)
                    CHECK(std::abs(found[i * n + j] - static_cast<double>(truth.row(i)[j])) < 0.01);
            }
    }
}

TEST_CASE("optimised product quantizers keep the laws", "[vector]") {
    const matrix in = gaussian(40, 7, 2, 1);
    const auto quantizer = opq::fit(gaussian(300, 7, 1, 1).view(), 3, {.rounds = 2}, {.turns = 2});
    REQUIRE(quantizer.has_value());
    check_stored(*quantizer, in);
    check_refusals(*quantizer, in);
    check_costs(*quantizer, in, gaussian(3, 7, 5));
    CHECK_FALSE(opq::fit(matrix(0, 3).view(), 1).has_value());
    CHECK_FALSE(opq::fit(gaussian(9, 3, 1).view(), 4).has_value());
}

TEST_CASE("a fitted rotation lowers the distortion of correlated coordinates", "[vector]") {
    matrix points = gaussian(4000, 8, 3);
    // Two directions hold the variance, and both lie in the first part.
    for (std::size_t r = 0; r < points.rows; ++r)
        for (std::size_t j = 0; j < 8; ++j) points(r, j) *= j < 2 ? 4.0F : 0.25F;
    const auto plain = pq::fit(points.view(), 2);
    const auto fitted = opq::fit(points.view(), 2);
    REQUIRE((plain && fitted));
    CHECK(squared_error(points, coded(*fitted, points)) < 0.7 * squared_error(points, coded(*plain, points)));
}

TEST_CASE("signs apart from magnitudes keep the laws, and the signs", "[vector]") {
    const auto fit = [](pith::view_2d<const float> rows) { return pq::fit(rows, 3, {.rounds = 2}); };
    const matrix in = gaussian(41, 11, 2);
    const auto quantizer = split::fit(gaussian(400, 11, 1).view(), fit);
    REQUIRE(quantizer.has_value());
    CHECK(quantizer->code_size() == 4);
    check_quantizer(*quantizer, in);
    const matrix out = coded(*quantizer, in);
    for (std::size_t i = 0; i < in.values.size(); ++i) CHECK(in.values[i] * out.values[i] >= 0);
}

TEST_CASE("signs apart beat one codebook of as many bits where the data are symmetric", "[vector]") {
    // Two points per coordinate, +-1, with a little noise: the magnitudes are all alike.
    const auto sample = [](std::size_t rows, std::uint64_t seed) {
        matrix points = gaussian(rows, 8, seed);
        for (float& x : points.values) x = (x < 0 ? -1.0F : 1.0F) + 0.05F * x;
        return points;
    };
    const matrix known = sample(3000, 5), fresh = sample(1000, 6);
    const auto signs = split::fit(known.view(), [](auto rows) { return pq::fit(rows, 1); });
    const auto plain = vector::product<12>::fit(known.view(), 1, {.rounds = 3});
    REQUIRE((signs && plain));
    CHECK(squared_error(fresh, coded(*signs, fresh)) < squared_error(fresh, coded(*plain, fresh)));
}
