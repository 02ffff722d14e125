#include <pith/core/exact_math.hpp>
#include <pith/core/fixed.hpp>

#include <cmath>

#include "support/catch.hpp"
#include "support/digest.hpp"

TEST_CASE("knots of the frozen tables are the rounded functions") {
    std::size_t wrong = 0;
    for (std::size_t i = 0; i <= 256; ++i)
        wrong += pith::detail::log_knots[i] !=
                 std::floor(0x1p24 * pith::exact::log1p(static_cast<double>(i) / 256) + 0.5);
    for (std::size_t i = 0; i <= 768; ++i)
        wrong += pith::detail::squash_knots[i] !=
                 std::floor(0x1p24 * pith::exact::logistic(-static_cast<double>(i) / 64) + 0.5);
    CHECK(wrong == 0);
}

TEST_CASE("stretch and squash have the stated error, are monotone and odd") {
    double worst = 0;
    int last = -100000;
    std::size_t wrong = 0;
    for (std::uint32_t p = 1; p < 65536; ++p) {
        const int x = pith::stretch16(p);
        const double truth = 2048 * std::log(p / (65536.0 - p));
        worst = std::max(worst, std::fabs(x - truth));
        wrong += x < last || x != -pith::stretch16(65536 - p);
        last = x;
    }
    CHECK(worst < 0.51);
    worst = 0;
    std::uint32_t last_p = 0;
    for (int x = -25000; x <= 25000; ++x) {
        const std::uint32_t p = pith::squash16(x);
        const double truth = 65536 / (1 + std::exp(-std::max(-24576, std::min(24576, x)) / 2048.0));
        worst = std::max(worst, std::fabs(p - std::max(1.0, std::min(65535.0, truth))));
        wrong += p < last_p || p < 1 || p > 65535 || p + pith::squash16(-x) != 65536;
        last_p = p;
    }
    CHECK(worst < 0.7);
    worst = 0;
    last = -100000;
    for (std::uint32_t p = 1; p < 4096; ++p) {
        const int x = pith::stretch12(p);
        const double truth = std::max(-2047.0, std::min(2047.0, 256 * std::log(p / (4096.0 - p))));
        worst = std::max(worst, std::fabs(x - truth));
        wrong += x < last || x != -pith::stretch12(4096 - p);
        last = x;
    }
    CHECK(worst < 0.51);
    worst = 0;
    last_p = 0;
    for (int x = -3000; x <= 3000; ++x) {
        const std::uint32_t p = pith::squash12(x);
        const double truth = 4096 / (1 + std::exp(-std::max(-2047, std::min(2047, x)) / 256.0));
        worst = std::max(worst, std::fabs(p - truth));
        wrong += p < last_p || p < 1 || p > 4095 || p + pith::squash12(-x) != 4096;
        last_p = p;
    }
    CHECK(worst < 0.65);
    CHECK(wrong == 0);
}

TEST_CASE("tables of one load equal the functions") {
    std::size_t wrong = 0;
    for (std::uint32_t p = 1; p < 4096; ++p) wrong += pith::stretch12_table<>[p] != pith::stretch12(p);
    for (int x = -2048; x < 2048; ++x)
        wrong += pith::squash12_table<>[static_cast<std::size_t>(x + 2048)] != pith::squash12(x);
    CHECK(wrong == 0);
}

TEST_CASE("stretch and squash are frozen") {
    digest d12;
    for (std::uint32_t p = 1; p < 4096; ++p) d12.add(static_cast<std::int32_t>(pith::stretch12(p)));
    for (int x = -2047; x <= 2047; ++x) d12.add(pith::squash12(x));
    CHECK(d12.value() == 0x8221f11047c08ef5);
    digest d16;
    for (std::uint32_t p = 1; p < 65536; ++p) d16.add(static_cast<std::int32_t>(pith::stretch16(p)));
    for (int x = -24576; x <= 24576; ++x) d16.add(pith::squash16(x));
    CHECK(d16.value() == 0xb86c7f05de1405aa);
}

TEST_CASE("counts turn into probabilities that are never zero or one") {
    CHECK(pith::probability16(0, 0) == 32768);
    CHECK(pith::probability16(0, 1) == 16384);
    CHECK(pith::probability16(3, 3) == 65536 * 7 / 8);
    CHECK(pith::probability16(0, (std::uint64_t{1} << 46) - 1) == 1);
    CHECK(pith::probability16((std::uint64_t{1} << 46) - 1, (std::uint64_t{1} << 46) - 1) == 65535);
}
