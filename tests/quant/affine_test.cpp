#include <pith/quant/affine.hpp>
#include <pith/quant/codebook_quantizer.hpp>
#include <pith/quant/grids.hpp>
#include <pith/quant/outliers.hpp>

#include <bit>
#include <cmath>
#include <limits>
#include <type_traits>
#include <vector>

#include <pith/core/random.hpp>

#include "support/catch.hpp"
#include "support/float_samples.hpp"

namespace {

namespace quant = pith::quant;
using float_samples::floats;
using float_samples::gaussian;
using input = pith::view_2d<const float>;
using output = pith::view_2d<float>;
using quant::axis;
using quant::number_format;

template <class Q>
floats decoded(const Q& q, const typename Q::codes& c, const typename Q::parameters& p) {
    floats y(p.rows * p.columns, std::nanf(""));
    REQUIRE(q.decode_into(c, p, output(y, p.rows, p.columns)).has_value());
    return y;
}

/// The laws of the concept on one matrix; the largest error.
template <quant::quantizer Q>
double check_laws(const Q& q, const floats& x, std::size_t rows, std::size_t columns) {
    const input view(x, rows, columns);
    const auto p = q.fit(view);
    REQUIRE(p.has_value());
    const auto c = q.encode(view, *p);
    REQUIRE(c.has_value());
    const floats y = decoded(q, *c, *p);
    const auto again = q.encode(input(y, rows, columns), *p);
    REQUIRE(again.has_value());
    REQUIRE(decoded(q, *again, *p) == y);
    if (rows * columns != 0)
        REQUIRE(q.bits_per_value(rows, columns) ==
                quant::rational(8 * (p->bytes.size() + c->bytes.size()), rows * columns));
    double worst = 0;
    for (std::size_t i = 0; i < x.size(); ++i) worst = std::max(worst, std::abs(double{x[i]} - y[i]));
    return worst;
}

template <quant::affine_options Options>
void check_affine() {
    using q = quant::affine<Options>;
    constexpr double levels = Options.levels() - 1;
    constexpr double rounding = Options.scale == number_format::fp32   ? 1e-6
                                : Options.scale == number_format::fp16 ? 1e-3
                                : Options.scale == number_format::bf16 ? 8e-3
                                                                       : 0.0625;
    const std::size_t shapes[][2] = {{0, 0}, {1, 1}, {1, 7}, {9, 1}, {33, 5}, {5, 33}, {64, 32}, {37, 41}};
    for (const auto& [rows, columns] : shapes) {
        CAPTURE(Options.bits, rows, columns);
        const floats x = gaussian(rows * columns, rows * 100 + columns, 0.5F);
        float low = 0, high = 0;
        for (const float v : x) low = std::min(low, v), high = std::max(high, v);
        const double span = Options.symmetric ? 2.0 * std::max(-low, high) : double{high} - low;
        const double error = check_laws(q{}, x, rows, columns);
        CHECK(error <= span / levels * 0.5 * 1.0001 + span * rounding +
                           1e-2 * (Options.offset != number_format::fp32));
    }
    floats odd(8 * 16);
    for (const float value : {0.0F, 1.0F, -3.25F, 1e-42F, 6e4F / 8}) {
        for (float& v : odd) v = value;
        CHECK(check_laws(q{}, odd, 8, 16) <= 0.07 * std::abs(value) + 1e-7);
    }
    odd = gaussian(8 * 16, 1);
    for (const float bad : {std::numeric_limits<float>::infinity(), std::nanf("")}) {
        floats x = odd;
        x[77] = bad;
        CHECK_FALSE(q::fit(input(x, 8, 16)).has_value());
        CHECK_FALSE(q::encode(input(x, 8, 16), *q::fit(input(odd, 8, 16))).has_value());
    }
}

}  // namespace

TEST_CASE("affine quantizers keep their error bound and are idempotent, for every axis, format and width") {
    check_affine<quant::affine_options{.bits = 1}>();
    check_affine<quant::affine_options{.bits = 2, .group = 32, .axis = axis::channel}>();
    check_affine<quant::affine_options{.bits = 3, .group = 5, .axis = axis::token}>();
    check_affine<quant::affine_options{
        .bits = 4, .axis = axis::tensor, .scale = number_format::fp32, .offset = number_format::fp32}>();
    check_affine<quant::affine_options{.bits = 5, .group = 16, .scale = number_format::fp8}>();
    check_affine<quant::affine_options{.bits = 7, .group = 8, .axis = axis::channel, .symmetric = true}>();
    check_affine<quant::affine_options{
        .bits = 8, .scale = number_format::bf16, .offset = number_format::bf16}>();
    check_affine<quant::affine_options{.bits = 1, .symmetric = true}>();
}

TEST_CASE("stored bits are counted to the last scale") {
    using kivi_key = quant::affine<quant::affine_options{.bits = 2, .group = 32, .axis = axis::channel}>;
    CHECK(kivi_key::bits_per_value(128, 64) == quant::rational(3, 1));
    CHECK(kivi_key::bits_per_value(33, 1) == quant::rational(8 * (9 + 8), 33));
    using fp8 = quant::affine<quant::affine_options{
        .bits = 4, .group = 16, .symmetric = true, .scale = number_format::fp8}>;
    CHECK(fp8::bits_per_value(4, 64) == quant::rational(4 * 256 + 16 * 8 + 32, 256));
    CHECK(quant::codebook_quantizer<4>(quant::normal_float<4>()).bits_per_value(2, 64) ==
          quant::rational(17, 4));
    CHECK(quant::rational(6, 4).numerator == 3);
}

TEST_CASE("a channel's scale does not see other channels") {
    floats x = gaussian(64 * 8, 4);
    for (std::size_t r = 0; r < 64; ++r) x[r * 8 + 3] *= 1000;
    using channel = quant::affine<quant::affine_options{.bits = 4, .axis = axis::channel}>;
    using token = quant::affine<quant::affine_options{.bits = 4, .axis = axis::token}>;
    const auto error = [&]<class Q>(Q) {
        const auto p = Q::fit(input(x, 64, 8));
        const floats y = decoded(Q{}, *Q::encode(input(x, 64, 8), *p), *p);
        double sum = 0;
        for (std::size_t i = 0; i < x.size(); ++i) sum += i % 8 == 3 ? 0 : std::pow(double{x[i]} - y[i], 2);
        return sum;
    };
    CHECK(error(channel{}) * 100 < error(token{}));
}

TEST_CASE("ranges beyond the stored format are refused, and damaged parameters too") {
    using q = quant::affine<quant::affine_options{}>;
    CHECK_FALSE(q::fit(input(floats{0, 1e6F}, 1, 2)).has_value());
    CHECK_FALSE(q::fit(input(floats{1e6F, 1e6F}, 1, 2)).has_value());
    const floats x = gaussian(32, 1);
    auto p = *q::fit(input(x, 2, 16));
    const auto c = *q::encode(input(x, 2, 16), p);
    floats y(32);
    CHECK_FALSE(q::decode_into(c, p, output(y, 16, 2)).has_value());
    for (std::size_t bit = 0; bit < 8 * p.bytes.size(); ++bit) {
        auto damaged = p;
        damaged.bytes[bit / 8] = static_cast<std::uint8_t>(damaged.bytes[bit / 8] ^ (1U << bit % 8));
        if (q::decode_into(c, damaged, output(y, 2, 16)))
            for (const float v : y) CHECK(std::isfinite(v));
    }
    p.bytes[1] = 0x7E;  // a NaN
    CHECK_FALSE(q::decode_into(c, p, output(y, 2, 16)).has_value());
    p.bytes.pop_back();
    CHECK_FALSE(q::decode_into(c, p, output(y, 2, 16)).has_value());
}

TEST_CASE("stochastic rounding is unbiased and depends on the value's number alone") {
    double sum = 0;
    for (std::uint64_t i = 0; i < 100'000; ++i) sum += quant::stochastic_rounding{3}(-2.3, i);
    CHECK(std::abs(sum / 100'000 + 2.3) < 0.006);  // four standard deviations
    CHECK(quant::stochastic_rounding{3}(0.5, 7) == quant::stochastic_rounding{3}(0.5, 7));
    CHECK(quant::stochastic_rounding{1}(5.0, 9) == 5);
    using q = quant::affine<quant::affine_options{.bits = 3}>;
    const floats x = gaussian(4000, 8);
    const auto p = *q::fit(input(x, 1, 4000));
    const auto c = *q::encode(input(x, 1, 4000), p, quant::stochastic_rounding{5});
    const floats y = decoded(q{}, c, p);
    double bias = 0, largest = 0;
    for (std::size_t i = 0; i < x.size(); ++i) {
        bias += double{y[i]} - x[i];
        largest = std::max(largest, std::abs(double{y[i]} - x[i]));
    }
    CHECK(std::abs(bias / 4000) < 0.03);
    CHECK(largest > 0.6);  // more than half a step: not to nearest
}

TEST_CASE("observers find the clip that brute force finds") {
    floats x = gaussian(20'000, 12);
    for (std::size_t i = 0; i < x.size(); i += 500) x[i] *= 8;
    const input view(x, 100, 200);
    for (const unsigned levels : {3U, 7U, 15U, 4U}) {
        const auto error = [&](double clip) {
            double sum = 0;
            const double step = 2 * clip / (levels - 1);
            for (const float v : x) {
                const double place = std::min(std::max((double{v} + clip) / step, 0.0), levels - 1.0);
                sum += std::pow(std::floor(place + 0.5) * step - clip - double{v}, 2);
            }
            return sum;
        };
        const double largest = quant::min_max{}(view).high > -quant::min_max{}(view).low
                                   ? quant::min_max{}(view).high
                                   : -quant::min_max{}(view).low;
        double best = 0, least = 1e300;
        for (int i = 1; i <= 512; ++i)
            if (const double e = error(largest * i / 512); e < least) least = e, best = largest * i / 512;
        const double found = quant::slim_clip(levels)(view).high;
        CAPTURE(levels, found, best);
        CHECK(error(found) < least * 1.002);
        CHECK(std::abs(found - best) <= largest * 8 / 512);
    }
    // QuEST: steps of 1.596, .9955, .586, .335 standard deviations.
    const double steps[] = {1.5958, 0.9957, 0.5860, 0.3352};
    for (unsigned b = 1; b <= 4; ++b)
        CHECK(std::abs(2 * quant::gaussian_fit(1U << b).clip() / ((1U << b) - 1) / steps[b - 1] - 1) < 1e-3);
    CHECK(quant::percentile<100>{}(input(floats{5, 1, 4, 2, 3}, 1, 5)) == quant::range{1, 5});
    CHECK(quant::percentile<2500>{}(input(floats{5, 1, 4, 2, 3}, 1, 5)) == quant::range{2, 4});
    quant::moving_range moving(0.5F);
    moving.update({-2, 4});
    moving.update({-4, 8});
    CHECK(moving.value() == quant::range{-3, 6});
}

TEST_CASE("fitted clips beat the largest value on data with outliers") {
    floats x = gaussian(8192, 2);
    for (std::size_t i = 0; i < x.size(); i += 256) x[i] *= 6;
    const input view(x, 4, 2048);
    const auto error = [&]<class Q>(Q) {
        const auto p = Q::fit(view);
        const floats y = decoded(Q{}, *Q::encode(view, *p), *p);
        double sum = 0;
        for (std::size_t i = 0; i < x.size(); ++i) sum += std::pow(double{x[i]} - y[i], 2);
        return sum;
    };
    constexpr quant::affine_options options{.bits = 3, .symmetric = true};
    const double plain = error(quant::affine<options>{});
    CHECK(error(quant::affine<options, quant::slim_clip>{}) < 0.6 * plain);
    CHECK(error(quant::affine<options, quant::gaussian_fit>{}) < 0.7 * plain);
}

TEST_CASE("codebooks are what their publications say") {
    const auto levels = [](const auto& g) { return floats(g.levels().begin(), g.levels().end()); };
    const floats nf4{
        -1,         -0.6961928F, -0.5250731F, -0.3949175F, -0.2844414F, -0.1847734F, -0.0910500F, 0,
        0.0795803F, 0.1609302F,  0.2461123F,  0.3379152F,  0.4407098F,  0.5626170F,  0.7229568F,  1};
    const floats own = levels(quant::normal_float<4>());
    REQUIRE(own.size() == 16);
    for (std::size_t i = 0; i < 16; ++i) CHECK(std::abs(own[i] - nf4[i]) < 2e-6F);
    CHECK(levels(quant::minifloat<2, 1>()) ==
          floats{-6, -4, -3, -2, -1.5F, -1, -0.5F, 0, 0.5F, 1, 1.5F, 2, 3, 4, 6});
    CHECK(quant::storage_grid<pith::fp8_e4m3>().levels().back() == 448);
    CHECK(quant::storage_grid<pith::fp8_e5m2>().size() == 247);
    CHECK(levels(quant::ternary_grid()) == floats{-1, 0, 1});
    CHECK(levels(quant::fixed_point<3>(1)) == floats{-2, -1.5F, -1, -0.5F, 0, 0.5F, 1, 1.5F});
    CHECK(*quant::fit_fraction<4>(floats{0.25F, -0.5F, 0.75F, 1.75F}) == 2);
    CHECK(levels(quant::power_grid<3>(1)) == floats{-1, -2 / 3.0F, -1 / 3.0F, 0, 1 / 3.0F, 2 / 3.0F, 1});
    // APoT with two terms of two bits: sums of {0, 1, 1/4, 1/16} and {0, 1/2, 1/8, 1/32}, over 3/2.
    const floats apot = levels(quant::additive_powers<5>());
    CHECK(apot.size() == 31);
    CHECK(apot.back() == 1);
    for (const float v : apot) {  // every level is a sum of two powers of two: at most two bits set
        const auto bits = static_cast<unsigned>(std::lround(std::abs(v) * 1.5F * 32));
        CHECK(std::popcount(bits) <= 2);
    }
    const auto p4 = quant::power_grid<4>(0.5);
    for (std::size_t i = 1; i <= 7; ++i)
        CHECK(std::abs(p4.levels()[7 + i] - static_cast<float>(i * i) / 49) < 1e-6F);
    floats heavy = gaussian(2000, 5);
    float largest = 0;
    for (float& v : heavy) v = v * v * v, largest = std::max(largest, std::abs(v));
    for (float& v : heavy) v /= largest;
    CHECK(quant::fit_power<4>(heavy) < 0.6);
}

TEST_CASE("nearest levels equal the search through all of them, for one value and for many") {
    pith::random_sequence random(4);
    const auto check = [&](const auto& g) {
        floats x(301);
        for (float& v : x) v = random.uniform() * 6 - 3;
        for (std::size_t i = 0; i < g.size() && i < 100; ++i) x[i] = g.levels()[i];
        for (std::size_t i = 0; i + 1 < g.size() && i < 100; ++i) x[100 + i] = g.thresholds()[i];
        std::vector<std::uint8_t> codes(x.size());
        g.encode_into(x, codes);
        for (std::size_t i = 0; i < x.size(); ++i) {
            std::uint32_t best = 0;
            for (std::uint32_t k = 1; k < g.size(); ++k)
                if (std::abs(double{x[i]} - g.entry(k)[0]) < std::abs(double{x[i]} - g.entry(best)[0]) - 1e-7)
                    best = k;
            REQUIRE(g.nearest(x[i]) == codes[i]);
            REQUIRE(std::abs(double{x[i]} - g.entry(best)[0]) + 5e-7 >=
                    std::abs(double{x[i]} - g.entry(codes[i])[0]));
            if (i < g.size() && i < 100) REQUIRE(codes[i] == i);
            if (i >= 100 && i < 200 && i < 100 + g.size() - 1)
                REQUIRE(codes[i] == i - 100);  // the lower of two
        }
    };
    check(quant::lloyd_max<1>(quant::gaussian_density{}));
    check(quant::lloyd_max<2>(quant::laplace_density{}));
    check(quant::lloyd_max<3>(quant::sphere_density{64}));
    check(quant::lloyd_max<4>(quant::gaussian_density{}));
    check(quant::lloyd_max<6>(quant::gaussian_density{}));
    check(quant::ternary_grid());
    check(quant::minifloat<2, 1>());
    check(quant::storage_grid<pith::fp8_e4m3>());
}

TEST_CASE("Lloyd-Max levels have the known errors, and on data every level is the mean of its values") {
    const double gauss[] = {0.36338, 0.11748, 0.03455, 0.009497};
    const double laplace[] = {0.5, 0.17620, 0.05447, 0.015369};
    const auto check = [&]<unsigned B>(std::integral_constant<unsigned, B>) {
        CHECK(std::abs(quant::mean_squared_error(quant::lloyd_max<B>(quant::gaussian_density{}),
                                                 quant::gaussian_density{}) /
                           gauss[B - 1] -
                       1) < 1e-3);
        CHECK(std::abs(quant::mean_squared_error(quant::lloyd_max<B>(quant::laplace_density{}),
                                                 quant::laplace_density{}) /
                           laplace[B - 1] -
                       1) < 1e-3);
    };
    check(std::integral_constant<unsigned, 1>{});
    check(std::integral_constant<unsigned, 2>{});
    check(std::integral_constant<unsigned, 3>{});
    check(std::integral_constant<unsigned, 4>{});
    const floats x = gaussian(5000, 3);
    const auto g = *quant::lloyd_max_of<3>(x, 1000);
    REQUIRE(g.size() == 8);
    std::vector<double> sums(8), counts(8);
    double error = 0;
    for (const float v : x) {
        const auto k = g.nearest(v);
        sums[k] += v;
        counts[k] += 1;
        error += std::pow(double{v} - g.levels()[k], 2) / 5000;
    }
    for (std::size_t k = 0; k < 8; ++k) CHECK(std::abs(sums[k] / counts[k] - g.levels()[k]) < 1e-5);
    CHECK(error < 0.0365);
    const auto few = *quant::lloyd_max_of<4>(floats{2, 2, -1, 2, 0.5F});
    CHECK(floats(few.levels().begin(), few.levels().end()) == floats{-1, 0.5F, 2});
    CHECK_FALSE(quant::lloyd_max_of<2>(floats{}).has_value());
    CHECK_FALSE(quant::lloyd_max_of<2>(floats{1, std::nanf("")}).has_value());
}

TEST_CASE("codebook quantizers obey the laws, and NF4 beats four uniform bits on Gaussian weights") {
    const quant::codebook_quantizer<4> nf4(quant::normal_float<4>());
    for (const std::size_t columns : {1UL, 63UL, 64UL, 65UL, 130UL})
        check_laws(nf4, gaussian(7 * columns, columns), 7, columns);
    check_laws(quant::codebook_quantizer<2>(quant::ternary_grid()), gaussian(640, 1), 10, 64);
    check_laws(nf4, floats(64, 0.0F), 1, 64);
    CHECK(check_laws(nf4, floats(64, -3.5F), 1, 64) == 0);
    CHECK_FALSE(nf4.fit(input(floats{1, std::nanf("")}, 1, 2)).has_value());
    const floats x = gaussian(64 * 64, 9);
    const auto error = [&](const auto& q) {
        const auto p = q.fit(input(x, 64, 64));
        const floats y = decoded(q, *q.encode(input(x, 64, 64), *p), *p);
        double sum = 0;
        for (std::size_t i = 0; i < x.size(); ++i) sum += std::pow(double{x[i]} - y[i], 2);
        return sum;
    };
    using uniform = quant::affine<quant::affine_options{.bits = 4, .group = 64, .symmetric = true}>;
    CHECK(error(nf4) < error(uniform{}));
    using fitted = quant::codebook_quantizer<4, quant::codebook_options{.fitted = true}>;
    CHECK(error(fitted(quant::normal_float<4>())) < error(nf4));
}

TEST_CASE("outliers come back exactly, and what is left has none") {
    floats x = gaussian(20 * 50, 3);
    for (float& v : x) v = static_cast<float>(pith::half(v));
    x[37] = 100;
    x[5 * 50 + 2] = -50;
    floats rest = x;
    const auto taken = quant::split_largest(output(rest, 20, 50), 3);
    REQUIRE(taken.has_value());
    CHECK(taken->size() == 60);
    CHECK(taken->stored_bits() == 60 * 16 + 1000);  // a bitmap: shorter than 80 numbers
    CHECK(rest[37] < 1);
    floats back = rest;
    taken->restore_into(output(back, 20, 50));
    CHECK(back == x);
    rest = x;
    const auto above = quant::split_above(output(rest, 20, 50), 10);
    CHECK(above->size() == 2);
    CHECK(above->columns_of(5)[0] == 2);
    CHECK(above->stored_bits() == 2 * 16 + 16 * 22);
    above->restore_into(output(rest, 20, 50));
    CHECK(rest == x);
    CHECK(quant::widest_columns(input(x, 20, 50), 2) == std::vector<std::size_t>{2, 37});
    floats flat(30, 2.0F);
    CHECK(quant::split_largest(output(flat, 3, 10), 4)->size() == 12);
    CHECK(quant::split_largest(output(flat, 3, 10), 40)->size() == 30);
    x[0] = 1e6F;
    CHECK_FALSE(quant::split_above(output(x, 20, 50), 10).has_value());
}
