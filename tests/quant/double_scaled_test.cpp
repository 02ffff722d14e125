#include <pith/quant/codebook_quantizer.hpp>
#include <pith/quant/double_scaled.hpp>
#include <pith/quant/grids.hpp>
#include <pith/systems/weights.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include <pith/core/random.hpp>

#include "support/catch.hpp"

namespace {

namespace quant = pith::quant;
using floats = std::vector<float>;
using input = pith::view_2d<const float>;
using output = pith::view_2d<float>;
using nf4_double = pith::systems::nf4_double;

floats gaussian(std::size_t n, std::uint64_t seed, float scale = 1) {
    pith::random_sequence random(seed);
    floats x(n);
    for (float& v : x) v = static_cast<float>(random.gaussian()) * scale;
    return x;
}

template <quant::quantizer Q>
floats round_trip(const Q& q, const floats& x, std::size_t rows, std::size_t columns) {
    const auto p = q.fit(input(x, rows, columns));
    REQUIRE(p.has_value());
    const auto c = q.encode(input(x, rows, columns), *p);
    REQUIRE(c.has_value());
    floats y(x.size(), std::nanf(""));
    REQUIRE(q.decode_into(*c, *p, output(y, rows, columns)).has_value());
    const auto again = q.encode(input(y, rows, columns), *p);
    REQUIRE(again.has_value());
    CHECK(again->bytes == c->bytes);
    if (!x.empty())
        CHECK(q.bits_per_value(rows, columns) ==
              quant::rational(8 * (p->bytes.size() + c->bytes.size()), rows * columns));
    return y;
}
double squared_error(const floats& a, const floats& b) {
    double sum = 0;
    for (std::size_t i = 0; i < a.size(); ++i) sum += std::pow(double{a[i]} - b[i], 2);
    return sum;
}

}  // namespace

TEST_CASE("double quantization of NF4 stores 4.127 bits, and the error of 4.25", "[quant]") {
    const nf4_double twice(quant::normal_float<4>());
    // 8 / 64 for scales, 32 / (64 * 256) for their steps, and 32 for the mean of all.
    CHECK(twice.bits_per_value(1024, 1024) ==
          quant::rational(4 * 1048576 + 8 * 16384 + 32 * 64 + 32, 1048576));
    CHECK(std::abs(twice.bits_per_value(1024, 1024).value() - 4.127) < 1e-4);
    const floats x = gaussian(128 * 256, 3);
    const double once =
        squared_error(x, round_trip(pith::systems::nf4(quant::normal_float<4>()), x, 128, 256));
    CHECK(squared_error(x, round_trip(twice, x, 128, 256)) < 1.005 * once);
}

TEST_CASE("doubly scaled quantizers take any shape, zeros and constants", "[quant]") {
    using small = quant::double_scaled<3, quant::double_scaled_options{{quant::axis::channel, 5}, 3}>;
    const nf4_double nf4(quant::normal_float<4>());
    const small three(quant::normal_float<3>());
    for (const std::size_t rows : {0U, 1U, 7U, 33U})
        for (const std::size_t columns : {0U, 1U, 63U, 65U}) {
            const floats x = gaussian(rows * columns, rows + columns);
            round_trip(nf4, x, rows, columns);
            round_trip(three, x, rows, columns);
        }
    CHECK(round_trip(nf4, floats(256, 0.0F), 2, 128) == floats(256, 0.0F));
    CHECK(round_trip(nf4, floats(256, -3.5F), 2, 128) == floats(256, -3.5F));
    const floats tiny = gaussian(128, 1, 1e-41F);
    CHECK(squared_error(round_trip(nf4, tiny, 2, 64), floats(128)) < 1e-70);
    floats mixed = gaussian(64 * 4, 2);  // scales apart by more than the steps of eight bits
    for (std::size_t i = 0; i < 64; ++i) mixed[i] *= 1e-6F;
    round_trip(nf4, mixed, 4, 64);
}

TEST_CASE("doubly scaled quantizers refuse what is no number and what no encoder writes", "[quant]") {
    const nf4_double q(quant::normal_float<4>());
    const floats good = gaussian(128, 4);
    const auto p = q.fit(input(good, 2, 64));
    const auto c = q.encode(input(good, 2, 64), *p);
    for (const float bad : {std::numeric_limits<float>::infinity(), std::nanf(""), 1e35F}) {
        floats x = good;
        x[70] = bad;
        CHECK_FALSE(q.fit(input(x, 2, 64)).has_value());
    }
    floats out(128);
    for (std::size_t i = 0; i < 8 * p->bytes.size(); ++i) {
        auto hurt = *p;
        hurt.bytes[i / 8] = static_cast<std::uint8_t>(hurt.bytes[i / 8] ^ 1U << i % 8);
        if (q.decode_into(*c, hurt, output(out, 2, 64)))
            CHECK(std::all_of(out.begin(), out.end(), [](float v) { return std::isfinite(v); }));
    }
    auto hurt = *p;
    hurt.bytes[3] = 0x7F;  // the mean is no number
    CHECK_FALSE(q.decode_into(*c, hurt, output(out, 2, 64)).has_value());
    hurt = *p;
    hurt.bytes.back() = 0x80;  // a code below the least
    CHECK_FALSE(q.decode_into(*c, hurt, output(out, 2, 64)).has_value());
    hurt = *p;
    hurt.bytes.pop_back();
    CHECK_FALSE(q.decode_into(*c, hurt, output(out, 2, 64)).has_value());
}

TEST_CASE("AdaPT's binary point leaves less error than its neighbours", "[quant]") {
    const floats x = gaussian(500, 6, 0.3F);
    const auto error = [&](const quant::grid<5>& g) {
        double sum = 0;
        for (const float v : x) sum += std::pow(double{v} - g.levels()[g.nearest(v)], 2);
        return sum;
    };
    const auto best = pith::systems::adapt<5>(x);
    REQUIRE(best.has_value());
    const auto fraction = quant::fit_fraction<5>(x);
    CHECK(error(*best) <= error(quant::fixed_point<5>(*fraction + 1)));
    CHECK(error(*best) <= error(quant::fixed_point<5>(*fraction - 1)));
    CHECK_FALSE(pith::systems::adapt<5>(floats{}).has_value());
}
