// The laws of every compressor.
#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "feedback/any_compressor.hpp"
#include "support/catch.hpp"

#include <pith/feedback.hpp>

namespace {

using namespace feedback_tests;
namespace fb = pith::feedback;

/// A shape that has n elements, for the matrix codes.
fb::low_rank_shape shape_of(std::size_t n, std::size_t rank) {
    std::size_t rows = 1;
    for (std::size_t r = 1; r * r <= n; ++r)
        if (n % r == 0) rows = r;
    return {rows, n / rows, rank};
}

std::vector<any_compressor> contractive_ones(std::size_t n) {
    const std::size_t k = n / 8 + (n != 0);
    std::vector<any_compressor> out;
    out.push_back(any("identity", fb::identity(n)));
    out.push_back(any("scaled sign", fb::scaled_sign(n)));
    out.push_back(any("top-k", fb::top_k<>(n, k)));
    out.push_back(any("top-k, Golomb, halves", fb::top_k<fb::golomb_mask, fb::half_values>(n, k)));
    out.push_back(any("top-k, adaptive, ternary", fb::top_k<fb::adaptive_mask, fb::ternary_values>(n, k)));
    out.push_back(any("top-0", fb::top_k<>(n, 0)));
    out.push_back(any("top-n", fb::top_k<fb::golomb_mask>(n, n)));
    out.push_back(any("damped random-k", fb::damped(fb::random_k<>(n, k, 7))));
    out.push_back(any("low rank", fb::low_rank(shape_of(n, 2), 3)));
    return out;
}
std::vector<any_compressor> other_ones(std::size_t n) {
    const std::size_t k = n - n / 3;
    std::vector<any_compressor> out;
    out.push_back(any("random-k", fb::random_k<>(n, k, 7)));
    out.push_back(any("stochastic uniform 4", fb::stochastic_uniform(n, 4, 5)));
    out.push_back(any("stochastic uniform 255", fb::stochastic_uniform(n, 255, 5, fb::level_norm::largest)));
    out.push_back(any("natural", fb::natural<>(n, 5)));
    out.push_back(any("grouped uniform 3", fb::grouped_uniform<3, 64>(n, 5)));
    out.push_back(any("low frequency", fb::low_frequency(fb::grouped_uniform<2, 64>(n, 5))));
    out.push_back(any("random projection", fb::random_projection(shape_of(n, 4), 5)));
    out.push_back(any("ComPEFT", fb::top_k<fb::golomb_mask, fb::deviation_values>(n, k, {1.5})));
    return out;
}
std::vector<any_compressor> all(std::size_t n) {
    std::vector<any_compressor> out = contractive_ones(n);
    for (any_compressor& c : other_ones(n)) out.push_back(std::move(c));
    return out;
}

double energy(const floats& x) { return fb::squared_norm(x); }
double distance(const floats& x, const floats& y) {
    double sum = 0;
    for (std::size_t i = 0; i < x.size(); ++i)
        sum += (double{x[i]} - double{y[i]}) * (double{x[i]} - double{y[i]});
    return sum;
}

floats through(const any_compressor& c, const floats& x, std::uint64_t message = 0) {
    bytes out(c.room);
    const auto size = c.encode(x, message, out);
    REQUIRE(size.has_value());
    REQUIRE(*size <= c.room);
    floats y(x.size(), -1.0F), again(x.size(), 1.0F);
    const pith::byte_view in = pith::byte_view(out).first(*size);
    REQUIRE(c.decode(in, message, y).has_value());
    REQUIRE(c.decode(in, message, again).has_value());
    for (std::size_t i = 0; i < y.size(); ++i)
        if (std::bit_cast<std::uint32_t>(y[i]) != std::bit_cast<std::uint32_t>(again[i]))
            FAIL("two decodings differ");
    REQUIRE(pith::all_finite(y));
    return y;
}

std::vector<floats> inputs(std::size_t n) {
    std::vector<floats> out{gaussian(n, n), heavy(n, n + 1), floats(n), floats(n, 0.75F), floats(n, -1e-40F)};
    floats mixed = gaussian(n, n + 2);
    for (std::size_t i = 0; i < n; i += 2) mixed[i] = i % 4 == 0 ? 0.0F : -0.0F;
    out.push_back(mixed);
    for (std::size_t i = 0; i < n; ++i) mixed[i] = std::ldexp(mixed[i], static_cast<int>(i % 60) - 30);
    out.push_back(mixed);
    for (float& v : mixed) v = std::ldexp(v, -130);
    out.push_back(mixed);
    return out;
}

TEST_CASE("every vector passes, whatever its size and values, and contraction holds as stated") {
    for (std::size_t n = 0; n <= 257; n += n < 20 || n > 250 ? 1 : 13) {
        for (const any_compressor& c : all(n)) {
            for (const floats& x : inputs(n)) {
                CAPTURE(c.name, n);
                const floats y = through(c, x);
                // 1e-5 for float's rounding of projections; 1e-80: squares of the least floats. The random
                // one holds on average only.
                if (c.contraction >= 0 && c.name != "damped random-k")
                    CHECK(distance(x, y) <=
                          (1 - c.contraction + 1e-5) * energy(x) + 1e-80 * static_cast<double>(n));
            }
        }
    }
}

TEST_CASE("a compressor that claims to be unbiased is, and its variance is below the stated one") {
    constexpr std::size_t n = 96, trials = 3000;
    for (const floats& x : {gaussian(n, 1), heavy(n, 2)}) {
        std::vector<any_compressor> ones = other_ones(n);
        ones.push_back(any("identity", fb::identity(n)));
        for (const any_compressor& c : ones) {
            if (c.variance < 0) continue;
            CAPTURE(c.name);
            std::vector<double> sum(n), squares(n);
            double error = 0, error_squares = 0;
            for (std::size_t t = 0; t < trials; ++t) {
                const floats y = through(c, x, t);
                for (std::size_t i = 0; i < n; ++i) {
                    sum[i] += double{y[i]};
                    squares[i] += double{y[i]} * double{y[i]};
                }
                const double d = distance(x, y);
                error += d;
                error_squares += d * d;
            }
            // Draws too rare to be seen are not in the sample's sigma: a dozen of them are let pass.
            const double rare = 12 * std::sqrt(energy(x)) / trials;
            std::size_t outside = 0;
            double bias = 0;
            for (std::size_t i = 0; i < n; ++i) {
                const double mean = sum[i] / trials;
                const double sigma = std::sqrt(std::max(0.0, squares[i] / trials - mean * mean) / trials);
                const double off = std::fabs(mean - double{x[i]});
                outside += off > 3 * sigma + rare;
                CHECK(off <= 5 * sigma + rare);
                bias += off * off;
            }
            CHECK(outside <= 3);  // 0.26 are expected beyond three sigma
            // The mean of `trials` messages has 1 / trials of the error of one.
            CHECK(bias <= 1.6 * error / trials / trials + 1e-12 * energy(x));
            const double mean_error = error / trials;
            const double sigma =
                std::sqrt(std::max(0.0, error_squares / trials - mean_error * mean_error) / trials);
            CHECK(mean_error <= c.variance * energy(x) + 3 * sigma);
        }
    }
}

TEST_CASE("damping an unbiased compressor makes a contractive one") {
    constexpr std::size_t n = 60;
    const floats x = heavy(n, 4);
    const any_compressor c = any("", fb::damped(fb::random_k<>(n, 12, 9)));
    CHECK(c.contraction == Approx(0.2));
    double error = 0;
    for (std::uint64_t t = 0; t < 4000; ++t) error += distance(x, through(c, x, t)) / 4000;
    CHECK(error <= (1 - c.contraction) * energy(x) * 1.05);
    CHECK(error >= (1 - c.contraction) * energy(x) * 0.95);  // it holds with equality for this one
}

TEST_CASE("equal message numbers give equal bytes, different ones other draws") {
    constexpr std::size_t n = 200;
    const floats x = gaussian(n, 3);
    for (const any_compressor& c : other_ones(n)) {
        CAPTURE(c.name);
        bytes a(c.room), b(c.room), d(c.room);
        const auto first = c.encode(x, 5, a), second = c.encode(x, 5, b), third = c.encode(x, 6, d);
        REQUIRE((first.has_value() && second.has_value() && third.has_value()));
        CHECK((*first == *second && a == b));
        if (c.variance >= 0) CHECK(a != d);
    }
}

TEST_CASE("values that are not finite, or too large for a code, are refused") {
    const float infinity = std::numeric_limits<float>::infinity();
    constexpr std::size_t n = 33;
    for (const float bad : {infinity, -infinity, std::numeric_limits<float>::quiet_NaN()}) {
        for (const std::size_t at : {0U, 17U, 32U}) {
            floats x = gaussian(n, 1);
            x[at] = bad;
            for (const any_compressor& c : all(n)) {
                CAPTURE(c.name, at);
                bytes out(c.room);
                const auto got = c.encode(x, 0, out);
                REQUIRE_FALSE(got.has_value());
                CHECK(got.error().code == pith::error_code::unsupported_parameter);
                CHECK(got.error().offset == 4 * at);
            }
        }
    }
    floats large(n, std::numeric_limits<float>::max());
    large[0] = 1;
    large[3] = -large[3];
    for (const any_compressor& c : all(n)) {
        CAPTURE(c.name);
        bytes out(c.room);
        const auto got = c.encode(large, 0, out);
        floats y(n);
        if (got)
            CHECK(c.decode(pith::byte_view(out).first(*got), 0, y).has_value());
        else
            CHECK(got.error().code == pith::error_code::unsupported_parameter);
        if (got) CHECK(pith::all_finite(y));
    }
}

TEST_CASE("a destination that is too small is an error, and nothing behind it is written") {
    constexpr std::size_t n = 40;
    const floats x = gaussian(n, 8);
    for (const any_compressor& c : all(n)) {
        bytes whole(c.room);
        const auto full = c.encode(x, 0, whole);
        REQUIRE(full.has_value());
        for (std::size_t room = 0; room < *full; ++room) {
            CAPTURE(c.name, room);
            bytes out(room + 1, 0xA5);
            // A low rank code starts from its past; its length stays.
            const auto got = c.encode(x, 0, pith::byte_span(out).first(room));
            REQUIRE_FALSE(got.has_value());
            CHECK(got.error().code == pith::error_code::output_too_small);
            CHECK(out[room] == 0xA5);
        }
    }
}

TEST_CASE("damaged messages give an error or finite values, never harm") {
    for (const std::size_t n : {1U, 24U, 65U}) {
        const floats x = heavy(n, 5);
        for (const any_compressor& c : all(n)) {
            CAPTURE(c.name, n);
            bytes out(c.room);
            const auto size = c.encode(x, 1, out);
            REQUIRE(size.has_value());
            out.resize(*size);
            floats y(n);
            for (std::size_t cut = 0; cut < out.size(); ++cut) {
                const bytes shorter(out.begin(), out.begin() + static_cast<std::ptrdiff_t>(cut));
                // An arithmetic code's shorter piece may be the message of another vector.
                if (c.decode(shorter, 1, y)) CHECK(pith::all_finite(y));
            }
            bytes longer = out;
            longer.push_back(0);
            CHECK_FALSE(c.decode(longer, 1, y).has_value());
            for (std::size_t bit = 0; bit < 8 * out.size(); ++bit) {
                bytes damaged = out;
                damaged[bit / 8] = static_cast<std::uint8_t>(damaged[bit / 8] ^ 1U << bit % 8);
                if (c.decode(damaged, 1, y)) CHECK(pith::all_finite(y));
            }
            pith::random_sequence random(n);
            for (int trial = 0; trial < 50; ++trial) {
                bytes noise(out.size());
                for (auto& b : noise) b = static_cast<std::uint8_t>(random());
                if (c.decode(noise, 1, y)) CHECK(pith::all_finite(y));
            }
        }
    }
}

TEST_CASE("the largest values are found as sorting finds them, the first of equals") {
    pith::random_sequence random(2);
    for (int trial = 0; trial < 200; ++trial) {
        const std::size_t n = 1 + random.below(300);
        floats x(n);
        for (float& v : x) v = static_cast<float>(random.below(trial % 2 == 0 ? 7 : 100000)) - 3;
        std::vector<std::uint32_t> order(n);
        for (std::size_t i = 0; i < n; ++i) order[i] = static_cast<std::uint32_t>(i);
        std::sort(order.begin(), order.end(), [&](auto a, auto b) {
            return std::fabs(x[a]) != std::fabs(x[b]) ? std::fabs(x[a]) > std::fabs(x[b]) : a < b;
        });
        const std::size_t k = random.below(static_cast<std::uint32_t>(n) + 1);
        order.resize(k);
        std::sort(order.begin(), order.end());
        std::vector<std::uint32_t> at(k + 1);
        fb::largest_indices(x, k, at);
        at.pop_back();
        CHECK(at == order);
    }
}

}  // namespace
