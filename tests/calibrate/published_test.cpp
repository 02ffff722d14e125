// Trellises, asymmetric calibration, decoupled grids, cut groups, normalized codebooks, mixed blocks: what
// each must gain, what it must leave, and its streams.
#include "support/catch.hpp"

#include <pith/calibrate/decoupled.hpp>
#include <pith/calibrate/entropy_coded.hpp>
#include <pith/calibrate/mixed_blocks.hpp>
#include <pith/calibrate/normalized_codebook.hpp>
#include <pith/calibrate/targets.hpp>

#include <cmath>
#include <limits>
#include <vector>

#include "calibrate/problem.hpp"
#include "linalg/random_matrices.hpp"

using namespace pith::calibrate;
using namespace calibrate_test;
using linalg::difference;
using linalg::squared_norm;
using linalg::weighted_error;
using pith::vector::trellis;

namespace {

constexpr pith::limits small{.max_output = 1 << 18};

}  // namespace

TEST_CASE("Codes chosen together on a trellis save most of a decibel at equal bits", "[calibrate]") {
    const auto w = samples::normal(256, n, 9);
    const problem p;
    const auto how = prepare(p.h);
    for (const double bits : {2.5, 4.0}) {
        const auto single = entropy_coded(w, p.h, *how, {.bits_per_weight = bits});
        const auto eight =
            entropy_coded<inverse_deviation, trellis<8>>(w, p.h, *how, {.bits_per_weight = bits});
        REQUIRE(eight);
        CHECK(eight->bits_per_weight() <= bits);
        const double gain = 10 * std::log10(weighted_error(difference(w, single->quantized), p.h) /
                                            weighted_error(difference(w, eight->quantized), p.h));
        CHECK(gain > 0.6);
        const auto back = decode_weights(eight->bytes);
        REQUIRE(back);
        CHECK(squared_norm(difference(*back, eight->quantized)) == 0);
    }
    const auto four = entropy_coded<inverse_deviation, trellis<4>>(samples::normal(6, n, 5), p.h, *how,
                                                                   {.bits_per_weight = 9});
    REQUIRE(four);
    CHECK(squared_norm(difference(*decode_weights(four->bytes), four->quantized)) == 0);
    check_damage(four->bytes, 4000, [](pith::byte_view in) { return decode_weights(in, small); });
}

TEST_CASE("A pull towards other inputs serves them better than none, and the closed form better still",
          "[calibrate]") {
    const problem p;
    const changed_inputs inputs;
    const auto& [x, y, g, h, cross] = inputs;
    const auto quantized = [&](const matrix<float>& target, const metric& how, successive_options o = {}) {
        group_affine<3> quantizer(0);
        return successive_quantize(target, how, quantizer, o)->quantized;
    };
    const auto error = [&](const matrix<float>& q) { return asymmetric_error(p.w, q, g, cross, h); };
    const auto plain = prepare(h);
    const auto pulled = prepare_asymmetric(h, cross, 1);
    REQUIRE(pulled);
    const double symmetric = error(quantized(p.w, *plain)), inside = error(quantized(p.w, *pulled));
    const double closed = error(quantized(*asymmetric_target(p.w, cross, h), *plain));
    CHECK(inside < symmetric);
    CHECK(closed < inside * 1.02);
    // Equal inputs pull nothing, and blocks of any size give the same codes.
    const auto same = prepare_asymmetric(h, h, 1);
    CHECK(squared_norm(difference(quantized(p.w, *same), quantized(p.w, *plain))) == 0);
    const auto one_by_one = quantized(p.w, *pulled, {1});
    const auto apart = difference(one_by_one, quantized(p.w, *pulled));
    std::size_t different = 0;
    for (std::size_t i = 0; i < apart.size(); ++i) different += std::fabs(apart.data()[i]) > 1e-3F;
    CHECK(different <= 5);  // ties of rounding
    CHECK_FALSE(prepare_asymmetric(h, matrix<double>(2, 2)));
}

TEST_CASE("The lifted weights and their pull are the published residual compensation, column by column",
          "[calibrate]") {
    const problem p;
    const changed_inputs inputs;
    const matrix<double>&g = inputs.g, &h = inputs.h, &cross = inputs.cross;
    const auto wide = prepare_residual(h, cross, 0.25);
    const auto plain = prepare(h), pulled = prepare_asymmetric(h, cross, 0.25);
    REQUIRE(wide);
    const auto run = [&](const matrix<float>& w, const metric& how) {
        stepped<uniform_step> quantizer(0.25);
        return successive_quantize(w, how, quantizer)->quantized;
    };
    const auto got = run(lifted(p.w, wide->lift), wide->how);

    auto damped = h;
    for (std::size_t i = 0; i < n; ++i) damped(i, i) += plain->damping;
    auto factor = linalg::factor_damped(damped, {.share = 0});
    linalg::invert_upper(factor->upper.view());
    const matrix<double>& u = factor->upper;
    const auto spread = [&](const matrix<double>& from) {  // triu_strict(from U^T) U
        auto s = linalg::multiply<double>(from, u.view().transposed());
        for (std::size_t i = 0; i < n; ++i)
            for (std::size_t j = 0; j <= i; ++j) s(i, j) = 0;
        return linalg::multiply<double>(s, u);
    };
    // Only what lies right of the diagonal reaches the strict triangle.
    const auto again = spread(cross), moved = spread(difference<double>(cross, h));
    std::size_t different = 0;
    for (std::size_t r = 0; r < m; ++r) {
        std::vector<double> line(p.w.row(r).begin(), p.w.row(r).end());
        for (std::size_t i = 0; i < n; ++i) {
            const double q = std::nearbyint(line[i] / 0.25) * 0.25, e = (line[i] - q) / u(i, i);
            const double now = line[i], original = static_cast<double>(p.w(r, i));
            for (std::size_t j = i + 1; j < n; ++j)
                line[j] += 0.25 * (now * moved(i, j) + (original - now) * again(i, j)) - e * u(i, j);
            different += std::fabs(static_cast<double>(got(r, i)) - q) > 1e-3;
        }
    }
    CHECK(different <= 10);  // ties of rounding
    const auto error = [&](const matrix<float>& q) { return asymmetric_error(p.w, q, g, cross, h); };
    INFO("gptq " << error(run(p.w, *plain)) << ", gptaq " << error(run(p.w, *pulled)) << ", rescomp "
                 << error(got) << ", closed form " << error(run(*asymmetric_target(p.w, cross, h), *plain)));
    CHECK(error(run(*asymmetric_target(p.w, cross, h), *plain)) < error(got));
    CHECK_FALSE(prepare_residual(h, matrix<double>(2, 2)));
}

TEST_CASE("No half-step of decoupled codes and grids raises the error, and together they lower it",
          "[calibrate]") {
    const problem p;
    for (const std::size_t group : {0U, 16U}) {
        const auto how = prepare(p.h, {.order = column_order::falling_diagonal});
        const auto out = decouple(p.w, p.h, *how, {.bits = 2, .group = group, .rounds = 3});
        REQUIRE(out);
        REQUIRE(out->trace.size() == 7);
        for (std::size_t i = 1; i < out->trace.size(); ++i)
            CHECK(out->trace[i] <= out->trace[i - 1] * (1 + 1e-6));
        CHECK(out->trace.back() < 0.9 * out->trace.front());
        CHECK(std::fabs(p.error(out->quantized) - out->trace.back()) < 1e-4 * out->trace.back());
        const auto bytes = encode_offset_codes(out->codes, how->order);
        const auto back = decode_offset_codes(bytes);
        REQUIRE(back);
        CHECK(squared_norm(difference(*back, out->quantized)) == 0);
    }
    const auto how = prepare(p.h);
    CHECK_FALSE(decouple(samples::normal(m, n - 1, 1), p.h, *how));
    CHECK_FALSE(decouple(p.w, matrix<double>(n, n - 1), *how));
    const auto flat = decouple(matrix<float>(m, n), p.h, *how, {.bits = 2, .group = 16});
    REQUIRE(flat);
    CHECK(squared_norm(flat->quantized) == 0);
}

TEST_CASE("Cut groups are zero, as many as asked, and those of least cost", "[calibrate]") {
    const problem p;
    const auto how = prepare(p.h);
    group_offset half_of_them(4, 8, 5.0 / 9);
    const auto done = successive_quantize(p.w, *how, half_of_them);
    REQUIRE(done);
    for (std::size_t r = 0; r < m; ++r) {
        std::size_t zeros = 0;
        for (std::size_t g = 0; g < 9; ++g) {
            bool all = true;
            for (std::size_t j = 0; j < 8; ++j) all = all && done->quantized(r, 8 * g + j) == 0;
            zeros += all;
        }
        REQUIRE(zeros == 4);
    }
    const auto bytes = encode_offset_codes(half_of_them.codes(), how->order);
    CHECK(bytes.size() == 4 + (2 + m * 9 + m * 5 * (32 + 8 * 4) + 7) / 8);
    const auto back = decode_offset_codes(bytes);
    REQUIRE(back);
    CHECK(squared_norm(difference(*back, done->quantized)) == 0);
    // Compensation makes up for a part of what was cut.
    auto cut_only = p.w;
    for (std::size_t r = 0; r < m; ++r)
        for (std::size_t j = 0; j < n; ++j)
            if (half_of_them.codes().kept[j / 8 * m + r] == 0) cut_only(r, j) = 0;
    CHECK(p.error(done->quantized) < 0.9 * p.error(cut_only));
    group_offset all(4, 8);
    CHECK(successive_quantize(p.w, *how, all)->error < done->error);
    group_offset few(2, 4, 0.5);
    const auto sorted = prepare(samples::identity<double>(10), {.order = column_order::falling_diagonal});
    REQUIRE(successive_quantize(samples::normal(3, 10, 1), *sorted, few));
    check_damage(encode_offset_codes(few.codes(), std::vector<std::uint32_t>{9, 8, 7, 6, 5, 4, 3, 2, 1, 0}),
                 4000, [](pith::byte_view in) { return decode_offset_codes(in, small); });
}

TEST_CASE("Normalization inverts, Lloyd's steps never raise the error, and streams decode", "[calibrate]") {
    problem p;
    for (std::size_t j = 0; j < n; ++j) p.w(5, j) *= 20;
    const auto by = normalize(p.w);
    REQUIRE(by);
    for (std::size_t r = 0; r < m; ++r) {
        double sum = 0;
        for (std::size_t j = 0; j < n; ++j) {
            const double v = static_cast<double>(p.w(r, j) / by->factor(r, j));
            sum += v * v / n;
        }
        REQUIRE(std::fabs(sum - 1) < 0.01);
    }
    for (const std::size_t d : {1U, 5U, 6U}) {
        const auto out = quantize_normalized(p.w, p.h, {.dimension = d, .index_bits = 6, .steps = 8});
        REQUIRE(out);
        for (std::size_t i = 1; i < out->trace.size(); ++i)
            CHECK(out->trace[i] <= out->trace[i - 1] * (1 + 1e-6));
        CHECK(out->bytes.size() == 4 + 2 * (m + n + 64 * d) + m * ((n + d - 1) / d) * 6 / 8);
        const auto back = decode_normalized(out->bytes);
        REQUIRE(back);
        CHECK(squared_norm(difference(*back, out->quantized)) == 0);
    }
    const auto fine = quantize_normalized(p.w, p.h, {.dimension = 1, .index_bits = 6, .steps = 8});
    CHECK(squared_norm(difference(p.w, fine->quantized)) < 0.01 * squared_norm(p.w));
    const auto tiny = quantize_normalized(samples::normal(2, 5, 1), samples::identity<double>(5),
                                          {.dimension = 2, .index_bits = 3, .steps = 2});
    check_damage(tiny->bytes, 4000, [](pith::byte_view in) { return decode_normalized(in, small); });
    REQUIRE(quantize_normalized(matrix<float>(2, 5), samples::identity<double>(5), {.index_bits = 3}));
    CHECK_FALSE(quantize_normalized(p.w, samples::identity<double>(5)));
    CHECK_FALSE(quantize_normalized(p.w, p.h, {.dimension = 17}));
    p.w(0, 0) = std::numeric_limits<float>::quiet_NaN();
    CHECK_FALSE(quantize_normalized(p.w, p.h));
}

TEST_CASE("Outlier channels share the fewest wide blocks, and permuted products stay what they were",
          "[calibrate]") {
    auto x = samples::normal(50, n, 1);
    for (std::size_t r = 0; r < 50; ++r)
        for (const std::size_t j : {3U, 40U, 41U, 42U, 71U}) x(r, j) *= 30;
    const auto h = samples::moment_of(x);
    std::vector<double> moments;
    for (std::size_t j = 0; j < n; ++j) moments.push_back(h(j, j));
    const auto by = gather_outliers(moments, {.block = 4});
    CHECK(by.wide == 2);  // five outliers in blocks of four
    CHECK(by.order[0] == 3);
    CHECK(by.order[4] == 71);
    CHECK(by.order[5] == 0);
    CHECK(std::fabs(by.bits_per_value() - (4 + 4 * 8.0 / n + 4)) < 1e-9);
    const auto w = samples::normal(7, n, 2);
    const auto product = linalg::multiply(x, w.view().transposed());
    const auto px = permuted(x, by), pw = permuted(w, by);
    CHECK(samples::close(linalg::multiply(px, pw.view().transposed()), product, 1e-6));
    const auto plain = gather_outliers(std::vector<double>(n, 1.0), {.block = 4});
    CHECK(plain.wide == 0);
    const auto mixed = linalg::multiply(quantize_activations(px, by), pw.view().transposed());
    const auto narrow = linalg::multiply(quantize_activations(x, plain), w.view().transposed());
    CHECK(squared_norm(difference(mixed, product)) < 0.3 * squared_norm(difference(narrow, product)));
    CHECK(gather_outliers({}).order.empty());
}
