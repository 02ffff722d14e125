#include <pith/calibrate/exact_levels.hpp>
#include <pith/quant/palette.hpp>

#include <cmath>
#include <vector>

#include <pith/core/random.hpp>

#include "support/catch.hpp"

namespace {

template <class Palette>
double palette_error(const std::vector<float>& x) {
    const Palette q;
    const pith::view_2d<const float> in(x, 1, x.size());
    const auto p = q.fit(in);
    REQUIRE(p.has_value());
    const auto c = q.encode(in, *p);
    REQUIRE(c.has_value());
    std::vector<float> y(x.size());
    REQUIRE(q.decode_into(*c, *p, pith::view_2d<float>(y, 1, y.size())).has_value());
    double sum = 0;
    for (std::size_t i = 0; i < x.size(); ++i) sum += std::pow(double{x[i]} - double{y[i]}, 2);
    return sum;
}

}  // namespace

TEST_CASE("exact levels of a palette are no worse than iterated ones") {
    using pith::calibrate::exact_levels;
    for (const bool tails : {false, true}) {
        pith::random_sequence random(4);
        std::vector<float> x(5000);
        for (float& v : x) {
            v = static_cast<float>(random.gaussian());
            if (tails) v = v * v * v;
        }
        const double soft = palette_error<pith::quant::palette<4>>(x);
        const double exact = palette_error<pith::quant::palette<4, exact_levels>>(x);
        CHECK(exact <= soft * 1.0001);  // levels are rounded to halves
    }
}
