#include <pith/systems/vector.hpp>

#include <cmath>
#include <limits>
#include <vector>

#include "support/catch.hpp"
#include "support/float_samples.hpp"

namespace {

namespace vector = pith::vector;
namespace systems = pith::systems;
namespace transform = pith::transform;
using float_samples::digest;
using float_samples::floats;
using float_samples::gaussian;
using bytes = std::vector<std::uint8_t>;

double dot(std::span<const float> a, std::span<const float> b) {
    double sum = 0;
    for (std::size_t i = 0; i < a.size(); ++i) sum += double{a[i]} * b[i];
    return sum;
}

/// Mean squared error over energy.
template <pith::quant::vector_quantizer Q>
double distortion(const Q& q, std::size_t vectors, std::uint64_t seed) {
    const std::size_t d = q.dimension();
    bytes code(q.code_size());
    floats y(d);
    double error = 0, energy = 0;
    for (std::size_t v = 0; v < vectors; ++v) {
        const floats x = gaussian(d, seed + v);
        REQUIRE(q.encode_into(x, code).has_value());
        REQUIRE(q.decode_into(code, y).has_value());
        for (std::size_t i = 0; i < d; ++i) error += std::pow(double{y[i]} - x[i], 2);
        energy += dot(x, x);
    }
    return error / energy;
}

template <unsigned Bits>
void check_distortion(double published) {
    for (const std::size_t d : {64UL, 128UL, 1536UL}) {
        CAPTURE(Bits, d);
        const systems::turboquant_mse<Bits> q(transform::randomized_hadamard<>(d, 9));
        const double measured = distortion(q, d == 1536 ? 300 : 3000, 77);
        const double theory = pith::quant::mean_squared_error(q.codebook(), pith::quant::sphere_density{d});
        CHECK(std::abs(measured / theory - 1) < 0.01);
        CHECK(measured < published * 1.01);
        CHECK(theory > published * 0.95);  // a sphere of few dimensions is easier than the Gaussian limit
    }
}

struct estimate {
    double slope, slope_deviation, variance;  ///< the variance is d E[(score - <q,x>)^2] / (|q|^2 |x|^2)
};

/// Regression of scores on inner products, over pairs of correlated directions and fresh rotations.
template <class Make>
estimate regression(Make make, std::size_t d, std::size_t rotations, std::size_t pairs) {
    double xy = 0, xx = 0, squares = 0, weighted = 0;
    std::uint64_t seed = 1;
    for (std::size_t r = 0; r < rotations; ++r) {
        const auto q = make(r);
        bytes code(q.code_size());
        for (std::size_t p = 0; p < pairs; ++p) {
            const floats x = gaussian(d, ++seed);
            floats query = gaussian(d, ++seed);
            for (std::size_t i = 0; i < d; ++i) query[i] += 0.5F * x[i];
            REQUIRE(q.encode_into(x, code).has_value());
            const double scale = 1 / std::sqrt(dot(x, x) * dot(query, query));
            const double truth = dot(x, query) * scale;
            const double score = double{q.score(*q.prepare(query), code)} * scale;
            xy += truth * score;
            xx += truth * truth;
            squares += (score - truth) * (score - truth);
            weighted += (score - truth) * (score - truth) * truth * truth;
        }
    }
    const auto n = static_cast<double>(rotations * pairs);
    return {xy / xx, std::sqrt(weighted) / xx, squares / n * static_cast<double>(d)};
}

template <pith::quant::scoring_quantizer Q>
void check_odd_vectors(const Q& q) {
    const std::size_t d = q.dimension();
    bytes code(q.code_size());
    floats y(d);
    for (const float value : {0.0F, 1.0F, -3.5F, 1e-44F, 1e-38F, 1e-20F, 1e30F}) {
        CAPTURE(d, value);
        const floats x(d, value);
        REQUIRE(q.encode_into(x, code).has_value());
        REQUIRE(q.decode_into(code, y).has_value());
        double error = 0;
        for (std::size_t i = 0; i < d; ++i)
            error += std::pow((double{y[i]} - x[i]) / (value == 0 ? 1 : value), 2);
        if (value == 0) CHECK(error == 0);
        if (std::abs(value) > 1e-40F) CHECK(error < 30.0 * static_cast<double>(d));
        const floats query(d, 0.25F);
        const double score = double{q.score(*q.prepare(query), code)};
        CHECK(std::isfinite(score));
    }
    for (const float bad : {std::numeric_limits<float>::infinity(), std::nanf("")}) {
        floats x(d, 1);
        x[d / 2] = bad;
        CHECK_FALSE(q.encode_into(x, code).has_value());
        CHECK_FALSE(q.prepare(x).has_value());
    }
    // Whatever the bytes, decoding ends, with finite values or an error.
    pith::random_sequence random(d);
    for (int i = 0; i < 200; ++i) {
        for (auto& b : code) b = static_cast<std::uint8_t>(random());
        if (q.decode_into(code, y)) CHECK(std::isfinite(q.score(*q.prepare(floats(d, 0.0F)), code)));
    }
}

/// Codes and decoded values of some vectors.
template <class Q>
std::uint64_t frozen(const Q& q) {
    std::uint64_t all = 0;
    bytes code(q.code_size());
    floats y(q.dimension());
    for (std::uint64_t v = 0; v < 10; ++v) {
        REQUIRE(q.encode_into(gaussian(q.dimension(), v), code).has_value());
        REQUIRE(q.decode_into(code, y).has_value());
        all = all * 31 + digest(code, y);
    }
    return all;
}

}  // namespace

TEST_CASE("TurboQuant's squared error is the published one") {
    check_distortion<1>(0.3634);
    check_distortion<2>(0.1175);
    check_distortion<3>(0.03455);
    check_distortion<4>(0.00950);
}

TEST_CASE(
    "rotation codes take odd dimensions, constant, tiny and huge vectors, and refuse what is no number") {
    for (const std::size_t d : {1UL, 2UL, 3UL, 7UL, 31UL, 33UL, 100UL, 129UL, 257UL}) {
        check_odd_vectors(systems::turboquant_mse<2>(transform::randomized_hadamard<>(d, 1)));
        check_odd_vectors(
            systems::turboquant_factor<3, transform::matrix_rotation<>>(transform::random_rotation(d, 1)));
        check_odd_vectors(systems::rabitq<4>(transform::random_rotation(d, 1)));
        check_odd_vectors(systems::qjl<>(vector::gaussian_projection<>(2 * d, d)));
    }
    check_odd_vectors(
        systems::turboquant_prod<3>(systems::turboquant_mse<2>(transform::randomized_hadamard<>(65)),
                                    systems::qjl<>(vector::gaussian_projection<>(65, 65, 5))));
}

TEST_CASE("a rotation code of a decoded vector is that code again") {
    const systems::turboquant_factor<2> q(transform::randomized_hadamard<>(96, 3));
    bytes code(q.code_size()), again(q.code_size());
    floats y(96);
    std::size_t same = 0;
    for (std::uint64_t v = 0; v < 100; ++v) {
        REQUIRE(q.encode_into(gaussian(96, v), code).has_value());
        REQUIRE(q.decode_into(code, y).has_value());
        REQUIRE(q.encode_into(y, again).has_value());
        same += std::equal(code.begin(), code.begin() + static_cast<std::ptrdiff_t>(q.index_size()),
                           again.begin());
    }
    CHECK(same == 100);
}

TEST_CASE("the factor makes inner products unbiased with less variance than the QJL stage") {
    const auto factor = [](std::uint64_t seed) {
        return systems::turboquant_factor<2, transform::matrix_rotation<>>(
            transform::random_rotation(128, seed));
    };
    const estimate e = regression(factor, 128, 20, 500);
    CHECK(std::abs(e.slope - 1) < 3 * e.slope_deviation);
    CHECK(e.variance < 0.131 * 1.02 * 1.05);  // pairs correlate by 0.45 here: measured over 1e6 in bench
    const auto prod = [](std::uint64_t seed) {
        return systems::turboquant_prod<2, transform::matrix_rotation<>>(
            systems::turboquant_mse<1, transform::matrix_rotation<>>(transform::random_rotation(128, seed)),
            systems::qjl<>(vector::gaussian_projection<>(128, 128, seed)));
    };
    const estimate p = regression(prod, 128, 10, 300);
    CHECK(std::abs(p.slope - 1) < 3 * p.slope_deviation + 0.01);
    CHECK(p.variance > 3 * e.variance);
    const auto mse = [](std::uint64_t seed) {
        return systems::turboquant_mse<2>(transform::randomized_hadamard<>(128, seed));
    };
    CHECK(std::abs(regression(mse, 128, 5, 200).slope - 0.884) < 0.01);  // 1 - D: what the factor repairs
}

TEST_CASE("QJL's estimate is unbiased, and an orthogonal projection has less variance") {
    const auto gauss = [](std::uint64_t seed) {
        return systems::qjl<>(vector::gaussian_projection<>(64, 64, seed));
    };
    const auto orthogonal = [](std::uint64_t seed) {
        return systems::qjl<transform::matrix_rotation<>>(transform::random_rotation(64, seed));
    };
    const estimate g = regression(gauss, 64, 100, 50), o = regression(orthogonal, 64, 100, 50);
    CHECK(std::abs(g.slope - 1) < 0.02);
    CHECK(std::abs(o.slope - 1) < 0.02);
    CHECK(o.variance < 0.6 * g.variance);
}

TEST_CASE("RaBitQ's error stays within its bound") {
    // |score / <q,x> ...| : P(error > sqrt((1 - c^2) / c^2 / (d - 1)) * 4 |x| |q|) < 1e-4, c the code's
    // cosine
    const std::size_t d = 96;
    const systems::rabitq<1> q(transform::random_rotation(d, 5));
    bytes code(q.code_size());
    std::size_t outside = 0;
    for (std::uint64_t v = 0; v < 2000; ++v) {
        const floats x = gaussian(d, 2 * v), query = gaussian(d, 2 * v + 1);
        REQUIRE(q.encode_into(x, code).has_value());
        const double norm = std::sqrt(dot(x, x));
        CHECK(std::abs(double{q.norm_of(code)} / norm - 1) < 1e-5);
        const double cosine = norm / (double{q.side_of(code)} * 0.5 * std::sqrt(static_cast<double>(d)));
        const double bound =
            4 * std::sqrt((1 - cosine * cosine) / (cosine * cosine) / (static_cast<double>(d) - 1));
        const double error = double{q.score(*q.prepare(query), code)} - dot(x, query);
        outside += std::abs(error) > bound * norm * std::sqrt(dot(query, query));
    }
    CHECK(outside <= 2);
}

TEST_CASE("the swept grid has at least the cosine of every plainly scaled grid") {
    const std::size_t d = 40;
    const vector::swept_assignment<3> sweep(d);
    bytes codes(d);
    for (std::uint64_t v = 0; v < 50; ++v) {
        const floats y = gaussian(d, v);
        const auto cosine = [&](auto code_of) {
            double product = 0, energy = 0;
            for (std::size_t i = 0; i < d; ++i) {
                const double level = code_of(i);
                product += level * y[i];
                energy += level * level;
            }
            return product / std::sqrt(energy);
        };
        sweep.assign<pith::simd::scalar>(y, 1, codes);
        const double best = cosine([&](std::size_t i) { return codes[i] - 3.5; });
        for (double scale = 0.1; scale < 4; scale += 0.01)
            CHECK(best * (1 + 1e-6) >= cosine([&](std::size_t i) {
                      const double steps = std::min(3.0, std::floor(std::abs(double{y[i]}) * scale)) + 0.5;
                      return y[i] < 0 ? -steps : steps;
                  }));
    }
}

TEST_CASE("rotation codes and their decoded values have the same bytes on every machine") {
    CHECK(frozen(systems::turboquant_mse<1>(transform::randomized_hadamard<>(128, 1))) ==
          0x41EEB735D4516CACU);
    CHECK(frozen(systems::turboquant_mse<2>(transform::randomized_hadamard<>(100, 1))) ==
          0x7624B8B3FA87E28DU);
    CHECK(frozen(systems::turboquant_factor<3>(transform::randomized_hadamard<>(77, 1))) ==
          0xE8C781956EA85944U);
    CHECK(frozen(systems::turboquant_factor<4, transform::matrix_rotation<>>(
              transform::random_rotation(64, 1))) == 0x76F9E69BB56AE86EU);
    CHECK(frozen(systems::turboquant_mse<8>(transform::randomized_hadamard<>(128, 1))) ==
          0x06DBF1F2AF088881U);
    CHECK(frozen(systems::rabitq<4>(transform::random_rotation(33, 1))) == 0x998E1F4B221A25EDU);
    CHECK(frozen(systems::qjl<>(vector::gaussian_projection<>(50, 33))) == 0x032378E198035269U);
}
