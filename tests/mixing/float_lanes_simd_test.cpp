// Lanes of floats: every width gives the bits of one float at a time; the functions on them are accurate.
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <type_traits>
#include <vector>

#include <pith/core/random.hpp>
#include <pith/mixing/adam.hpp>
#include <pith/mixing/float_lanes.hpp>
#include <pith/simd/float_lanes.hpp>

#include "support/catch.hpp"

using namespace pith;
using namespace pith::mixing;

namespace {

/// One lane of each vector counts: the archetype, without a vector in sight.
struct lone_lanes {
    struct vector {
        std::array<float, 4> v;
        friend vector operator+(vector a, const vector& b) {
            return a.each(b, [](float x, float y) { return x + y; });
        }
        friend vector operator-(vector a, const vector& b) {
            return a.each(b, [](float x, float y) { return x - y; });
        }
        friend vector operator/(vector a, const vector& b) {
            return a.each(b, [](float x, float y) { return x / y; });
        }
        template <class F>
        [[nodiscard]] vector each(const vector& b, F f) const {
            vector out;
            for (std::size_t i = 0; i < 4; ++i) out.v[i] = f(v[i], b.v[i]);
            return out;
        }
    };
    static constexpr std::size_t width = 4;
    static vector load(const float* from) { return {{from[0], from[1], from[2], from[3]}}; }
    static void store(float* to, const vector& a) { std::copy(a.v.begin(), a.v.end(), to); }
    static vector all(float f) { return {{f, f, f, f}}; }
    static vector product(const vector& a, const vector& b) {
        return a.each(b, [](float x, float y) { return exact::mul(x, y); });
    }
    static vector root(const vector& a) {
        return a.each(a, [](float x, float) { return exact::sqrt(x); });
    }
    static vector smaller(const vector& a, const vector& b) {
        return a.each(b, [](float x, float y) { return x < y ? x : y; });
    }
    static vector larger(const vector& a, const vector& b) {
        return a.each(b, [](float x, float y) { return x > y ? x : y; });
    }
    static vector power_of_two(const vector& a) {
        return a.each(a, [](float x, float) {
            return std::bit_cast<float>((std::bit_cast<std::uint32_t>(x) << 23) + 0x3F80'0000U);
        });
    }
    static float sum(const vector& a) { return (a.v[0] + a.v[2]) + (a.v[1] + a.v[3]); }
};
static_assert(float_lanes<lone_lanes> && float_lanes<portable_lanes>);

#if !defined(PITH_NO_SIMD) && defined(__AVX2__)
using widest = simd::float_lanes<>;
static_assert(float_lanes<widest>);
#else
using widest = portable_lanes;
#endif

std::vector<float> numbers(std::size_t n, std::uint64_t seed, float size) {
    random_sequence random(seed);
    std::vector<float> out(n);
    for (float& f : out) f = size * (2.0F * random.uniform() - 1.0F);
    return out;
}
bool same(const std::vector<float>& a, const std::vector<float>& b) {
    return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

/// Everything that networks do with lanes, in one list of numbers.
template <float_lanes L>
std::vector<float> everything() {
    const std::vector<float> a = numbers(192, 1, 3.0F), b = numbers(192 * 160, 2, 2.0F),
                             c = numbers(160, 3, 1.0F);
    std::vector<float> out(160 + 96 + 48);
    lanes::combine<L, 160, false>(out.data(), a.data(), 3, b.data(), 60);
    lanes::combine<L, 96, true>(out.data() + 160, a.data() + 1, 1, b.data(), 100);
    lanes::combine<L, 48, false>(out.data() + 256, a.data(), 2, b.data(), 77);
    out.push_back(lanes::dot<L>(a.data(), b.data(), 176));
    lanes::add_scaled<L>(out.data(), 0.37F, c.data(), 160);
    std::vector<float> normed(176);
    out.push_back(lanes::normalise<L>(normed.data(), a.data(), 176));
    lanes::normalise_back<L>(normed.data(), b.data(), a.data(), 0.7F, 176);
    out.insert(out.end(), normed.begin(), normed.end());
    for (std::size_t i = 0; i < 176; i += L::width) {
        float y[2][16];
        L::store(y[0], lanes::exp<L>(L::product(L::all(20.0F), L::load(a.data() + i))));
        L::store(y[1], lanes::logistic<L>(L::load(b.data() + i)));
        for (const auto& row : y) out.insert(out.end(), row, row + L::width);
    }
    std::vector<float> sorted;  // exp and logistic come in groups of the width
    for (std::size_t i = 482; i < out.size(); i += 2 * L::width)
        sorted.insert(sorted.end(), out.begin() + static_cast<std::ptrdiff_t>(i),
                      out.begin() + static_cast<std::ptrdiff_t>(i + L::width));
    for (std::size_t i = 482 + L::width; i < out.size(); i += 2 * L::width)
        sorted.insert(sorted.end(), out.begin() + static_cast<std::ptrdiff_t>(i),
                      out.begin() + static_cast<std::ptrdiff_t>(i + L::width));
    out.resize(482);
    out.insert(out.end(), sorted.begin(), sorted.end());
    adam<L> optimiser{adam_rates{}};
    std::vector<float> weight = numbers(64, 4, 1.0F), mean(64), square(64);
    for (int step = 0; step < 20; ++step) {
        std::vector<float> gradient = numbers(64, 5 + static_cast<std::uint64_t>(step), 0.1F);
        optimiser.advance();
        optimiser.update(weight.data(), gradient.data(), mean.data(), square.data(), 64);
        out.insert(out.end(), weight.begin(), weight.end());
    }
    return out;
}

}  // namespace

TEST_CASE("Lanes of every width give the bits of single floats") {
    const std::vector<float> one = everything<lone_lanes>();
    CHECK(one.size() == 482 + 352 + 20 * 64);
    CHECK(same(everything<portable_lanes>(), one));
    CHECK(same(everything<widest>(), one));
}

TEST_CASE("exp and logistic on lanes are within a few units in the last place") {
    double worst = 0, worst_logistic = 0;
    for (int i = -87000; i <= 88000; i += 3) {
        const float x = static_cast<float>(i) / 1000.0F;
        const double truth = std::exp(static_cast<double>(x));
        const double got = portable_lanes::vector(lanes::exp<portable_lanes>(portable_lanes::all(x)))[0];
        worst = std::max(worst, std::abs(got / truth - 1));
        const double probability = 1 / (1 + std::exp(-static_cast<double>(x)));
        worst_logistic = std::max(worst_logistic, std::abs(lanes::logistic(x) - probability));
    }
    CHECK(worst < 4e-7);
    CHECK(worst_logistic < 2e-7);
}

TEST_CASE("exp and logistic on lanes stay finite whatever the argument") {
    const float infinite = std::numeric_limits<float>::infinity();
    for (const float x : {infinite, -infinite, 1e30F, -1e30F, 89.0F, -104.0F, 0.0F, -0.0F}) {
        const float y = portable_lanes::vector(lanes::exp<portable_lanes>(portable_lanes::all(x)))[0];
        CHECK(std::isfinite(y));
        CHECK(y > 0);
        CHECK(lanes::logistic(x) >= 0.0F);
        CHECK(lanes::logistic(x) <= 1.0F);
    }
    // What is not a number counts as the lower bound.
    CHECK(portable_lanes::vector(lanes::exp<portable_lanes>(portable_lanes::all(std::nanf(""))))[0] < 1e-37F);
}

TEST_CASE("Adam keeps weights within their bound under any gradient") {
    adam_rates rates;
    rates.step = 1.0F;
    rates.bound = 2.0F;
    adam<portable_lanes> optimiser{rates};
    std::vector<float> weight(16), gradient(16), mean(16), square(16);
    for (int i = 0; i < 50; ++i) {
        for (std::size_t k = 0; k < 16; ++k) gradient[k] = k % 2 == 0 ? 1e6F : -1e-3F;
        optimiser.advance();
        optimiser.update(weight.data(), gradient.data(), mean.data(), square.data(), 16);
        for (const float g : gradient) REQUIRE(g == 0.0F);
    }
    CHECK(weight[0] == -2.0F);
    CHECK(weight[1] == 2.0F);
}
