#include <pith/systems/weights.hpp>

#include <algorithm>
#include <cmath>
#include <vector>

#include <pith/core/random.hpp>

#include "support/catch.hpp"

namespace {

namespace quant = pith::quant;
namespace systems = pith::systems;
using floats = std::vector<float>;
using input = pith::view_2d<const float>;

constexpr std::size_t rows = 32, columns = 256;

/// Gaussian weights; some columns are larger.
floats weights(float outliers) {
    pith::random_sequence random(5);
    floats w(rows * columns);
    for (std::size_t i = 0; i < w.size(); ++i)
        w[i] = static_cast<float>(random.gaussian()) * (i % columns % 64 == 7 ? outliers : 1.0F);
    return w;
}

template <quant::quantizer Q>
double squared_error(const Q& q, const floats& w) {
    const input view(w, rows, columns);
    const auto p = q.fit(view);
    REQUIRE(p.has_value());
    const auto c = q.encode(view, *p);
    REQUIRE(c.has_value());
    floats y(w.size());
    REQUIRE(q.decode_into(*c, *p, pith::view_2d<float>(y, rows, columns)).has_value());
    double sum = 0;
    for (std::size_t i = 0; i < w.size(); ++i) sum += std::pow(double{w[i]} - y[i], 2);
    return sum;
}

}  // namespace

TEST_CASE("SLiM-Quant's clip has less error than the largest weight, on Gaussian weights and on outliers") {
    using largest =
        quant::affine<quant::affine_options{.bits = 4, .axis = quant::axis::tensor, .symmetric = true}>;
    for (const float outliers : {1.0F, 8.0F})
        CHECK(squared_error(systems::slim_quant<4>{}, weights(outliers)) <
              0.9 * squared_error(largest{}, weights(outliers)));
}

TEST_CASE("QuEST's grid has less error than the range of the row, on Gaussian weights and on outliers") {
    using range = quant::affine<quant::affine_options{.bits = 3}>;
    const systems::quest<3> q(pith::transform::randomized_hadamard<>(columns, 1));
    for (const float outliers : {1.0F, 8.0F})
        CHECK(squared_error(q, weights(outliers)) < 0.8 * squared_error(range{}, weights(outliers)));
    CHECK(q.bits_per_value(rows, columns) == quant::rational(3 * 256 + 32, 256));
}

TEST_CASE("the grids of weights beat a uniform grid of the same bits on heavy tails") {
    floats w = weights(1);
    float largest = 0;
    for (float& v : w) v = v * v * v, largest = std::max(largest, std::abs(v));
    floats unit = w;
    for (float& v : unit) v /= largest;
    using uniform = quant::affine<quant::affine_options{.bits = 5, .symmetric = true}>;
    const double plain = squared_error(uniform{}, w);
    CHECK(squared_error(systems::nupes<5>(quant::power_grid<5>(quant::fit_power<5>(unit))), w) < 0.5 * plain);
    CHECK(squared_error(systems::apot<5>(quant::additive_powers<5>()), w) < 0.7 * plain);
    CHECK(squared_error(systems::nf4(quant::normal_float<4>()), weights(1)) <
          squared_error(quant::affine<quant::affine_options{.bits = 4, .group = 64, .symmetric = true}>{},
                        weights(1)));
}
