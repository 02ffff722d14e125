#include <pith/mixing/denoiser.hpp>

#include <cmath>
#include <cstdint>
#include <cstdlib>

#include "entropy/block_laws.hpp"
#include "support/catch.hpp"

namespace mixing = pith::mixing;

namespace {

static_assert(mixing::byte_calibration<mixing::denoiser<>>);
static_assert(mixing::byte_calibration<mixing::no_calibration>);

constexpr std::uint32_t unit = 1U << 30;
constexpr mixing::byte_evidence evidence{3, 50, unit / 4};

/// Corrects p after so many observations of a coin that shows ones with the given probability.
template <class Denoiser>
std::uint32_t after(Denoiser& d, std::uint32_t p, double truth, int observations) {
    block_laws::generator g{99};
    d.begin(evidence);
    for (int i = 0; i < observations; ++i) {
        static_cast<void>(d.refine(0, 0, p));
        d.learn(g.next() < truth * 4294967296.0);
    }
    return d.refine(0, 0, p);
}
double distance(std::uint32_t p, double q) { return std::fabs(p / static_cast<double>(unit) - q); }

}  // namespace

TEST_CASE("a denoiser that has seen nothing changes nothing but certainty") {
    mixing::denoiser<> d;
    d.begin(evidence);
    for (unsigned depth = 0; depth < 8; ++depth)
        for (std::uint32_t p = 1024; p < unit - 1024; p += 12345677) {
            REQUIRE(d.refine(depth, (1U << depth) - 1, p) == p);
        }
    CHECK(d.refine(0, 0, 0) > 0);
    CHECK(d.refine(0, 0, unit) < unit);
    CHECK(d.refine(0, 0, 0) < unit >> 20);
}

TEST_CASE("a bias that is larger than its noise is taken away") {
    for (const double truth : {0.1, 0.35, 0.8, 0.97})
        for (const double told : {0.2, 0.5, 0.6, 0.9}) {
            if (std::fabs(truth - told) < 0.05) continue;
            mixing::denoiser<> d;
            const std::uint32_t p = after(d, static_cast<std::uint32_t>(told * unit), truth, 1000);
            CAPTURE(truth, told);
            CHECK(distance(p, truth) < 0.25 * std::fabs(truth - told));
        }
}

TEST_CASE("a bias within the noise is shrunk") {
    mixing::denoiser<mixing::denoiser_options{.passes = 1, .prior = 1, .limit = 2000}> d;
    d.begin(evidence);
    for (const bool bit : {true, true, true, false, true, false}) {  // 4 ones of 6: says little
        static_cast<void>(d.refine(0, 0, unit / 2));
        d.learn(bit);
    }
    // E = 1, Q = 1.5 and the prior's: E / n would be 1/7; the ratio E^2 / (4 Q) is at most 1/6.
    const std::uint32_t p = d.refine(0, 0, unit / 2);
    CHECK(p > unit / 2);
    CHECK(distance(p, 0.5) < 1.0 / 7 / 6);
}

TEST_CASE("passes add up: three take away more of a bias than one") {
    mixing::denoiser<mixing::denoiser_options{.passes = 1}> one;
    mixing::denoiser<mixing::denoiser_options{.passes = 3}> three;
    const double left_by_one = distance(after(one, unit / 2, 0.9, 60), 0.9);
    const double left_by_three = distance(after(three, unit / 2, 0.9, 60), 0.9);
    CHECK(left_by_three < left_by_one);
}

TEST_CASE("situations, nodes and odds are learnt apart") {
    mixing::denoiser<> d;
    static_cast<void>(after(d, unit / 2, 0.9, 500));
    d.begin({0, 50, unit / 4});
    CHECK(d.refine(0, 0, unit / 2) == unit / 2);
    d.begin({3, 50, unit / 2});
    CHECK(d.refine(0, 0, unit / 2) == unit / 2);
    d.begin({3, 5000, unit / 4});
    CHECK(d.refine(0, 0, unit / 2) == unit / 2);
    d.begin(evidence);
    CHECK(d.refine(1, 0, unit / 2) == unit / 2);
    CHECK(d.refine(0, 0, unit / 50) == unit / 50);
    CHECK(d.refine(0, 0, unit / 2) > unit / 2);
}

TEST_CASE("whatever is told and comes true, probabilities stay inside 0 and 1") {
    mixing::denoiser<mixing::denoiser_options{.passes = 4, .prior = 1, .limit = 2046}> one;
    block_laws::generator g{5};
    for (int round = 0; round < 2; ++round) {
        for (int i = 0; i < 20000; ++i) {
            const bool liar = round == 0;  // the one that is told to be impossible comes always
            const std::uint32_t r = g.next();
            const std::uint32_t p = liar ? (r & 1) * unit : r >> 2;
            one.begin({r >> 4 & 7, liar ? ~0U - 200 : r >> 8, r >> 2});
            const unsigned depth = r >> 13 & 7;
            const std::uint32_t prefix = (r >> 16) & ((1U << depth) - 1);
            const std::uint32_t q = one.refine(depth, prefix, p);
            REQUIRE(q > 0);
            REQUIRE(q < unit);
            one.learn(liar ? p == 0 : (r & 2) != 0);
        }
    }
}
