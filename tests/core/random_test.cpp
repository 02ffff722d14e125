#include <pith/core/random.hpp>

#include <cmath>
#include <random>
#include <vector>

#include "support/catch.hpp"
#include "support/digest.hpp"

using words = std::array<std::uint32_t, 4>;

TEST_CASE("philox gives the words its authors publish") {
    STATIC_REQUIRE(pith::philox({0, 0, 0, 0}, {0, 0}) ==
                   words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
    constexpr std::uint32_t ones = 0xFFFFFFFF;
    STATIC_REQUIRE(pith::philox({ones, ones, ones, ones}, {ones, ones}) ==
                   words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
    STATIC_REQUIRE(pith::philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}) ==
                   words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
}

TEST_CASE("any block of a random sequence can be reached at once") {
    pith::random_sequence walked(7, 3);
    for (int i = 0; i < 4 * 1000; ++i) static_cast<void>(walked());
    pith::random_sequence jumped(7, 3);
    jumped.seek(1000);
    for (int i = 0; i < 9; ++i) CHECK(walked() == jumped());
    CHECK(pith::random_sequence(7, 3)() != pith::random_sequence(7, 4)());
    CHECK(pith::random_sequence(7, 3)() != pith::random_sequence(8, 3)());
    STATIC_REQUIRE(std::uniform_random_bit_generator<pith::random_sequence>);
}

TEST_CASE("bounded integers are unbiased, uniform numbers stay below one") {
    pith::random_sequence draw(1);
    std::vector<int> count(7, 0);
    for (int i = 0; i < 70000; ++i) ++count[draw.below(7)];
    for (int c : count) CHECK(std::abs(c - 10000) < 500);  // five standard deviations
    for (std::uint32_t n : {1U, 2U, 3U, 0x80000001U, 0xFFFFFFFFU})
        for (int i = 0; i < 100; ++i) CHECK(draw.below(n) < n);
    int above = 0;  // without rejection the lower third would come twice as often
    for (int i = 0; i < 30000; ++i) above += draw.below(0xC0000000U) >= 0x80000000U;
    CHECK(std::abs(above - 10000) < 500);
    double sum = 0;
    for (int i = 0; i < 20000; ++i) {
        const float u = draw.uniform();
        const double w = draw.uniform_double();
        if (!(u >= 0.0F && u < 1.0F && w >= 0.0 && w < 1.0)) FAIL("outside [0, 1)");
        sum += static_cast<double>(u) + w;
    }
    CHECK(std::fabs(sum / 40000 - 0.5) < 0.01);
}

TEST_CASE("normal deviates have the normal moments") {
    pith::random_sequence draw(2);
    double m[5] = {};
    const int n = 200000;
    for (int i = 0; i < n; ++i) {
        const double g = draw.gaussian();
        for (int k = 1; k <= 4; ++k) m[k] += std::pow(g, k) / n;
    }
    CHECK(std::fabs(m[1]) < 0.012);
    CHECK(std::fabs(m[2] - 1) < 0.016);
    CHECK(std::fabs(m[3]) < 0.05);
    CHECK(std::fabs(m[4] - 3) < 0.12);
}

TEST_CASE("random sequences are frozen") {
    pith::random_sequence draw(20240229, 5);
    digest d;
    for (int i = 0; i < 1000; ++i) {
        d.add(draw());
        d.add(draw.next_64());
        d.add(draw.below(1000003));
        d.add(draw.uniform());
        d.add(draw.uniform_double());
        d.add(draw.gaussian());
    }
    CHECK(d.value() == 0xb5916593be0860ee);
}
