#include <pith/quant/palette.hpp>

#include <cmath>
#include <limits>
#include <vector>

#include "support/catch.hpp"
#include "support/float_samples.hpp"

namespace {

namespace quant = pith::quant;
using float_samples::floats;

floats gaussian(std::size_t n, std::uint64_t seed) {
    floats x = float_samples::gaussian(n, seed);
    for (float& v : x) v = static_cast<float>(pith::half(v));
    return x;
}
pith::view_2d<const float> row(const floats& x) { return {x, 1, x.size()}; }

double error_of(const quant::value_counts& data, const std::vector<double>& levels) {
    double sum = 0;
    for (std::size_t i = 0; i < data.values.size(); ++i) {
        double least = 1e300;
        for (const double l : levels) least = std::min(least, std::pow(data.values[i] - l, 2));
        sum += data.counts[i] * least;
    }
    return sum;
}

// The least error of any levels, by trying every last cluster of every prefix.
double optimum(const quant::value_counts& data, std::size_t entries) {
    const std::size_t n = data.values.size();
    std::vector<double> before(n + 1, 1e300);
    before[0] = 0;
    for (std::size_t k = 0; k < entries; ++k) {
        std::vector<double> now(n + 1, 1e300);
        now[0] = 0;
        for (std::size_t end = 1; end <= n; ++end) {
            double w = 0, s = 0, q = 0;
            for (std::size_t first = end; first-- > 0;) {
                w += data.counts[first];
                s += data.counts[first] * data.values[first];
                q += data.counts[first] * data.values[first] * data.values[first];
                now[end] = std::min(now[end], before[first] + q - s * s / w);
            }
        }
        before = now;
    }
    return before[n];
}

template <unsigned Bits>
floats coded(const floats& x) {
    const quant::palette<Bits> q;
    const auto p = q.fit(row(x));
    REQUIRE(p.has_value());
    const auto c = q.encode(row(x), *p);
    REQUIRE(c.has_value());
    CHECK(quant::rational(8 * (c->bytes.size() + p->bytes.size()), x.size()) ==
          q.bits_per_value(1, x.size()));
    floats y(x.size());
    REQUIRE(q.decode_into(*c, *p, pith::view_2d<float>(y, 1, y.size())).has_value());
    const auto again = q.encode(row(y), *p);
    REQUIRE(again.has_value());
    CHECK(again->bytes == c->bytes);
    return y;
}

}  // namespace

TEST_CASE("values are counted by what they are as halves") {
    const floats x{1.0F, -0.0F, 0.0F, 1.0001F, -2.0F, 65504.0F};
    const auto counted = quant::count_halves(row(x));
    REQUIRE(counted.has_value());
    CHECK(counted->values == std::vector<double>{-2, 0, 1, 65504});
    CHECK(counted->counts == std::vector<double>{1, 2, 2, 1});
    for (const float bad :
         {65536.0F, std::numeric_limits<float>::infinity(), std::numeric_limits<float>::quiet_NaN()})
        CHECK_FALSE(quant::count_halves(row({0.0F, bad})).has_value());
}

TEST_CASE("soft clusters come close to the best of all levels, and no value wants another one") {
    for (const std::size_t entries : {2UL, 4UL, 8UL, 16UL}) {
        CAPTURE(entries);
        double all = 0, best = 0;
        for (std::uint64_t seed = 0; seed < 6; ++seed) {
            floats x = gaussian(400, seed);
            if (seed % 2 == 1)
                for (float& v : x) v = static_cast<float>(pith::half(v * v * v));  // long tails
            const auto counted = quant::count_halves(row(x));
            REQUIRE(counted.has_value());
            const auto levels = quant::soft_clusters{}(*counted, entries);
            REQUIRE(levels.size() == entries);
            for (std::size_t k = 1; k < entries; ++k) CHECK(levels[k - 1] < levels[k]);
            const double least = optimum(*counted, entries);
            CHECK(error_of(*counted, levels) >= least * (1 - 1e-9));
            CHECK(error_of(*counted, levels) <= 1.5 * least);
            all += error_of(*counted, levels) / least;
            best += 1;
        }
        CHECK(all <= 1.2 * best);
    }
}

TEST_CASE("palettes meet few values exactly and keep the laws of quantizers") {
    const floats few{0.5F, 0.5F, -3.0F, 0.0F, 7.0F, -3.0F};
    CHECK(coded<2>(few) == few);
    CHECK(coded<4>(few) == few);
    CHECK(coded<8>(few) == few);
    CHECK(coded<3>(floats(9, 0.0F)) == floats(9, 0.0F));
    const floats x = gaussian(3001, 9);
    double before = 1e300;
    const auto measure = [&](const floats& y) {
        double sum = 0;
        for (std::size_t i = 0; i < x.size(); ++i) sum += std::pow(double{x[i]} - double{y[i]}, 2);
        CHECK(sum < 0.45 * before);
        before = sum;
    };
    measure(coded<1>(x));
    measure(coded<2>(x));
    measure(coded<3>(x));
    measure(coded<4>(x));
    measure(coded<6>(x));
    CHECK(before < 0.002 * 3001);
}

TEST_CASE("palettes refuse what is no number and levels that no encoder writes") {
    const quant::palette<2> q;
    CHECK_FALSE(q.fit(row({1.0F, std::numeric_limits<float>::infinity()})).has_value());
    const floats x{1, 2, 3, 4, 5, 6};
    auto p = q.fit(row(x));
    REQUIRE(p.has_value());
    CHECK_FALSE(q.encode(row({1, 2, 3, 4, 5, std::numeric_limits<float>::quiet_NaN()}), *p).has_value());
    const auto c = q.encode(row(x), *p);
    REQUIRE(c.has_value());
    floats y(6), other(5);
    CHECK_FALSE(q.decode_into(*c, *p, pith::view_2d<float>(other, 1, 5)).has_value());
    for (const unsigned level : {0x7C00U, 0x7E01U, 0U}) {  // infinite, no number, not ascending
        auto damaged = *p;
        pith::store_le<std::uint16_t>(damaged.bytes.data() + 6, static_cast<std::uint16_t>(level));
        CHECK_FALSE(q.decode_into(*c, damaged, pith::view_2d<float>(y, 1, 6)).has_value());
        CHECK_FALSE(q.encode(row(x), damaged).has_value());
    }
    auto cut = *c;
    cut.bytes.pop_back();
    CHECK_FALSE(q.decode_into(cut, *p, pith::view_2d<float>(y, 1, 6)).has_value());
}
