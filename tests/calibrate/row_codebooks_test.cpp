// Codebooks of rows: exact weights, the error against Lloyd's steps, what is refused.
#include "support/catch.hpp"

#include <pith/calibrate/row_codebooks.hpp>
#include <pith/core/random.hpp>

#include <cmath>
#include <limits>
#include <vector>

#include "calibrate/problem.hpp"

using namespace pith::calibrate;
using matrix = pith::linalg::matrix<float>;

namespace {

matrix random_matrix(std::size_t rows, std::size_t columns, std::uint64_t seed, bool positive) {
    pith::random_sequence random(seed);
    matrix out(rows, columns);
    for (std::size_t i = 0; i < out.size(); ++i) {
        const auto v = static_cast<float>(random.gaussian());
        out.data()[i] = positive ? 0.01F + v * v : v;
    }
    return out;
}

double weighed_error(const matrix& a, const matrix& b, const matrix& weight) {
    double sum = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
        const double d = static_cast<double>(a.data()[i] - b.data()[i]);
        sum += static_cast<double>(weight.data()[i]) * d * d;
    }
    return sum;
}

/// Lloyd's steps from evenly spaced values, on one row.
double lloyd(std::span<const float> x, std::span<const float> w, std::size_t k) {
    std::vector<double> values(k);
    for (std::size_t j = 0; j < k; ++j)
        values[j] = -3 + 6.0 * static_cast<double>(j) / static_cast<double>(k - 1);
    double error = 0;
    for (int step = 0; step < 50; ++step) {
        std::vector<double> sum(k), weight(k);
        error = 0;
        for (std::size_t i = 0; i < x.size(); ++i) {
            std::size_t best = 0;
            for (std::size_t j = 1; j < k; ++j)
                if (std::fabs(static_cast<double>(x[i]) - values[j]) <
                    std::fabs(static_cast<double>(x[i]) - values[best]))
                    best = j;
            const double d = static_cast<double>(x[i]) - values[best];
            error += static_cast<double>(w[i]) * d * d;
            sum[best] += static_cast<double>(w[i] * x[i]);
            weight[best] += static_cast<double>(w[i]);
        }
        for (std::size_t j = 0; j < k; ++j)
            if (weight[j] > 0) values[j] = sum[j] / weight[j];
    }
    return error;
}

}  // namespace

TEST_CASE("Codebooks of rows are not above Lloyd's, and take the bytes that their parts need",
          "[calibrate]") {
    const auto w = random_matrix(12, 96, 1, false), s = random_matrix(12, 96, 2, true);
    const auto out = quantize_rows(w, s, {.bits = 3, .kept_largest = 0, .kept_sensitive = 0});
    REQUIRE(out);
    CHECK(out->kept == 0);
    CHECK(out->bytes.size() == 3 + 12 * (8 * 2 + 96 * 3 / 8 + 1));
    double bound = 0;
    for (std::size_t r = 0; r < 12; ++r) bound += lloyd(w.row(r), s.row(r), 8);
    CHECK(weighed_error(w, out->quantized, s) <= bound * 1.001);
}

TEST_CASE("Weights that are kept apart are exact, and lower the error", "[calibrate]") {
    auto w = random_matrix(12, 96, 3, false);
    const auto s = random_matrix(12, 96, 4, true);
    w(3, 5) = 40;
    const auto none = quantize_rows(w, s, {.bits = 2, .kept_largest = 0, .kept_sensitive = 0});
    const auto some = quantize_rows(w, s, {.bits = 2, .kept_largest = 0.01, .kept_sensitive = 0.005});
    REQUIRE(some);
    CHECK(some->kept >= 11);
    CHECK(some->kept <= 11 + 5);
    CHECK(some->quantized(3, 5) == 40.0F);
    CHECK(some->bytes.size() == none->bytes.size() + 4 * some->kept);
    CHECK(weighed_error(w, some->quantized, s) < weighed_error(w, none->quantized, s));
    const auto all = quantize_rows(w, s, {.bits = 2, .kept_largest = 1});
    for (std::size_t i = 0; i < w.size(); ++i)
        REQUIRE(std::fabs(all->quantized.data()[i] - w.data()[i]) <= 0x1p-10F * std::fabs(w.data()[i]));
}

TEST_CASE("Rows without weight or variety pass, what does not fit is refused", "[calibrate]") {
    const matrix zero(3, 10);
    const auto out = quantize_rows(zero, zero);
    REQUIRE(out);
    for (std::size_t i = 0; i < zero.size(); ++i) REQUIRE(out->quantized.data()[i] == 0);
    auto w = random_matrix(3, 10, 1, false);
    CHECK_FALSE(quantize_rows(w, matrix(3, 9)));
    CHECK_FALSE(quantize_rows(w, zero, {.bits = 0}));
    CHECK_FALSE(quantize_rows(w, zero, {.bits = 9}));
    w(0, 0) = std::numeric_limits<float>::infinity();
    CHECK_FALSE(quantize_rows(w, zero));
}

TEST_CASE("Rows decode to what was judged; damage gives errors or other finite weights", "[calibrate]") {
    for (const unsigned bits : {1U, 3U, 5U, 8U})
        for (const std::size_t columns : {1U, 7U, 33U}) {
            const auto w = random_matrix(5, columns, 7 + bits, false);
            const auto out = quantize_rows(w, random_matrix(5, columns, 2, true),
                                           {.bits = bits, .kept_largest = 0.1, .kept_sensitive = 0.05});
            REQUIRE(out);
            const auto back = decode_rows(out->bytes);
            REQUIRE(back);
            for (std::size_t i = 0; i < w.size(); ++i) REQUIRE(back->data()[i] == out->quantized.data()[i]);
        }
    const auto out = quantize_rows(random_matrix(4, 9, 1, false), random_matrix(4, 9, 2, true),
                                   {.bits = 2, .kept_largest = 0.2});
    REQUIRE(out->kept > 4);
    calibrate_test::check_damage(out->bytes, 8 * out->bytes.size(),
                                 [](pith::byte_view in) { return decode_rows(in, {.max_output = 1 << 16}); });
    CHECK_FALSE(decode_rows(out->bytes, {.max_output = 100}));
}
