#include <pith/systems/weights.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
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

TEST_CASE(
    "Endor's bitmap gives pruned weights back to the bit, in sixteen bits for each kept and one for all") {
    pith::random_sequence random(9);
    for (const std::size_t n : {0U, 1U, 7U, 8U, 9U, 300U}) {
        std::vector<std::uint16_t> patterns(n);
        std::size_t kept = 0;
        for (auto& v : patterns) {
            v = random.below(2) == 0 ? std::uint16_t{0} : static_cast<std::uint16_t>(random.below(65536));
            kept += v != 0;
        }
        if (n > 1) kept += patterns[1] == 0, patterns[1] = 0x8000;  // minus zero
        const auto bytes = systems::endor::encode(patterns);
        CHECK(bytes.size() == (n < 128 ? 1U : 2U) + (n + 7) / 8 + 2 * kept);
        const auto back = systems::endor::decode(bytes);
        REQUIRE(back.has_value());
        CHECK(*back == patterns);
        for (std::size_t cut = 0; cut < bytes.size(); ++cut)
            REQUIRE_FALSE(systems::endor::decode(pith::byte_view(bytes).first(cut)).has_value());
        for (std::size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
            auto damaged = bytes;
            damaged[bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
            const auto got = systems::endor::decode(damaged);
            if (got.has_value()) REQUIRE(systems::endor::encode(*got) == damaged);
        }
    }
    CHECK_FALSE(
        systems::endor::decode(systems::endor::encode(std::vector<std::uint16_t>(9)), {.max_output = 17}));
}
