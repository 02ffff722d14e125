// Successive quantization: identities, orders between methods, streams, and what is refused.
#include "support/catch.hpp"

#include <pith/calibrate.hpp>

#include <algorithm>
#include <limits>
#include <vector>

#include "calibrate/problem.hpp"
#include "linalg/random_matrices.hpp"

using namespace pith::calibrate;
using namespace calibrate_test;
using linalg::difference;
using linalg::squared_norm;
using linalg::weighted_error;

namespace {

matrix<double> damped(const matrix<double>& h, double added) {
    auto out = h;
    for (std::size_t i = 0; i < h.rows(); ++i) out(i, i) += added;
    return out;
}

/// GPTQ as it was published: errors divided by U_ii, spread by the rows of U, H^-1 = U^T U.
matrix<float> gptq_as_published(const matrix<float>& w, const matrix<double>& h, double added, float step) {
    auto factor = linalg::factor_damped(damped(h, added), {.share = 0});
    linalg::invert_upper(factor->upper.view());
    const auto& u = factor->upper;
    matrix<float> out(w.rows(), w.columns());
    for (std::size_t r = 0; r < w.rows(); ++r) {
        std::vector<double> line(w.row(r).begin(), w.row(r).end());
        for (std::size_t i = 0; i < line.size(); ++i) {
            out(r, i) = static_cast<float>(std::nearbyint(line[i] / static_cast<double>(step))) * step;
            const double e = (line[i] - static_cast<double>(out(r, i))) / u(i, i);
            for (std::size_t j = i; j < line.size(); ++j) line[j] -= e * u(i, j);
        }
    }
    return out;
}

std::size_t count_of_differences(const matrix<float>& a, const matrix<float>& b) {
    std::size_t out = 0;
    for (std::size_t i = 0; i < a.size(); ++i) out += std::fabs(a.data()[i] - b.data()[i]) > 1e-4F;
    return out;
}

template <class Quantizer>
successive_result run(const matrix<float>& w, const metric& how, Quantizer&& quantizer,
                      successive_options options = {}) {
    auto out = successive_quantize(w, how, quantizer, options);
    REQUIRE(out);
    return std::move(*out);
}

}  // namespace

TEST_CASE("The columns' errors add up to the error in the damped metric", "[calibrate]") {
    const problem p;
    for (const auto order : {column_order::natural, column_order::falling_diagonal}) {
        const auto how = prepare(p.h, {.order = order});
        REQUIRE(how);
        for (const std::size_t group : {0U, 16U, 64U}) {
            const auto done = run(p.w, *how, group_affine<3>(group));
            const double error = weighted_error(difference(p.w, done.quantized), damped(p.h, how->damping));
            CHECK(std::fabs(done.error - error) < 1e-5 * error);
        }
    }
}

TEST_CASE("Blocks of any size, and the published form with an inverse, give the same codes", "[calibrate]") {
    const problem p;
    const auto how = prepare(p.h);
    REQUIRE(how);
    const stepped<uniform_step> quantizer(0.25);
    const auto base = run(p.w, *how, stepped(quantizer)).quantized;
    CHECK(count_of_differences(base, gptq_as_published(p.w, p.h, how->damping, 0.25F)) <=
          3);  // ties of rounding
    for (const successive_options o : {successive_options{1, 1}, {2, 1}, {8, 4}, {128, 128}, {128, 1}})
        CHECK(count_of_differences(base, run(p.w, *how, stepped(quantizer), o).quantized) <= 3);
    const auto grouped = run(p.w, *how, group_affine<3>(16)).quantized;
    for (const successive_options o : {successive_options{16, 16}, {32, 2}, {128, 128}})
        CHECK(count_of_differences(grouped, run(p.w, *how, group_affine<3>(16), o).quantized) <= 3);
}

TEST_CASE("Uncorrelated inputs leave rounding to nearest; correlated ones gain", "[calibrate]") {
    const problem p;
    auto diagonal = samples::identity<double>(n);
    for (std::size_t i = 0; i < n; ++i) diagonal(i, i) = p.h(i, i);
    const auto nearest = run(p.w, *prepare(diagonal), group_affine<3>(32));
    const auto plain = run(p.w, *prepare(samples::identity<double>(n)), group_affine<3>(32));
    CHECK(squared_norm(difference(nearest.quantized, plain.quantized)) == 0);
    const auto gptq = run(p.w, *prepare(p.h), group_affine<3>(32));
    CHECK(weighted_error(difference(p.w, gptq.quantized), p.h) <
          0.7 * weighted_error(difference(p.w, plain.quantized), p.h));
}

TEST_CASE("Group codes read back what was quantized, and damage gives errors or other weights only",
          "[calibrate]") {
    const problem p;
    for (const auto order : {column_order::natural, column_order::falling_diagonal}) {
        const auto how = prepare(p.h, {.order = order});
        group_affine<2> quantizer(32);
        const auto done = successive_quantize(p.w, *how, quantizer);
        REQUIRE(done);
        const auto bytes = quantizer.encoded(how->order);
        const auto back = decode_group_affine<2>(bytes);
        REQUIRE(back);
        CHECK(squared_norm(difference(*back, done->quantized)) == 0);
        for (std::size_t cut = 0; cut < bytes.size(); cut += 7)
            REQUIRE_FALSE(decode_group_affine<2>(pith::byte_view(bytes).first(cut)));
        for (std::size_t bit = 0; bit < 8 * 64; ++bit) {
            auto damaged = bytes;
            damaged[bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
            const auto got = decode_group_affine<2>(damaged);
            if (got) CHECK(linalg::all_finite(*got));
        }
        CHECK_FALSE(decode_group_affine<2>(bytes, 100));
    }
}

TEST_CASE("Entropy-coded weights keep the rate wanted and decode to what was measured", "[calibrate]") {
    const auto w = samples::normal(128, n, 5);
    const problem p;
    for (const auto order : {column_order::natural, column_order::falling_diagonal})
        for (const double bits : {1.5, 3.0, 5.5}) {
            const auto how = prepare(p.h, {.order = order});
            const auto out = entropy_coded(w, p.h, *how, {.bits_per_weight = bits});
            REQUIRE(out);
            CHECK(out->bits_per_weight() <= bits);
            CHECK(out->bits_per_weight() > bits - 0.02);
            const auto back = decode_weights(out->bytes);
            REQUIRE(back);
            CHECK(squared_norm(difference(*back, out->quantized)) == 0);
        }
    const auto how = prepare(p.h);
    CHECK_FALSE(entropy_coded(w, p.h, *how, {.bits_per_weight = 0.1}));  // less than the scales take
    CHECK_FALSE(entropy_coded(matrix<float>(128, n), p.h, *how));
    CHECK_FALSE(entropy_coded(samples::normal(4, n - 1, 1), p.h, *how));
}

TEST_CASE("Damaged streams of weights give errors or other weights, and never more than allowed",
          "[calibrate]") {
    const problem p;
    const auto out = entropy_coded(samples::normal(6, n, 5), p.h, *prepare(p.h), {.bits_per_weight = 9});
    REQUIRE(out);
    check_damage(out->bytes, 8 * out->bytes.size(), [](pith::byte_view in) {
        auto got = decode_weights(in, {.max_output = 1 << 16});
        if (got) REQUIRE(got->size() * 4 <= 1 << 16);
        return got;
    });
    CHECK_FALSE(decode_weights(out->bytes, {.max_output = 100}));
}

TEST_CASE("Steps of the inverse deviation beat one step by what the arithmetic and geometric means promise",
          "[calibrate]") {
    const problem p;
    const auto w = samples::normal(256, n, 9);
    const auto how = prepare(p.h);
    double sum = 0, logs = 0;
    for (const float d : how->deviation) {
        sum += static_cast<double>(d * d) / n;
        logs += 10 * std::log10(static_cast<double>(d * d)) / n;
    }
    const double promised = 10 * std::log10(sum) - logs;
    REQUIRE(promised > 1);
    const auto one = entropy_coded<uniform_step>(w, p.h, *how, {.bits_per_weight = 4});
    const auto inverse = entropy_coded<inverse_deviation>(w, p.h, *how, {.bits_per_weight = 4});
    const double gain = 10 * std::log10(weighted_error(difference(w, one->quantized), p.h) /
                                        weighted_error(difference(w, inverse->quantized), p.h));
    CHECK(gain > 0.8 * promised);
}

TEST_CASE("Quantizing the closed-form target serves changed inputs better than quantizing the weights",
          "[calibrate]") {
    const problem p;
    const changed_inputs inputs;
    const auto& [x, y, g, h, cross] = inputs;
    const auto target = asymmetric_target(p.w, cross, h);
    REQUIRE(target);
    const auto same = asymmetric_target(p.w, h, h);
    CHECK(squared_norm(difference(*same, p.w)) == 0);
    const auto how = prepare(h);
    const auto symmetric = run(p.w, *how, group_affine<3>(0)).quantized;
    const auto moved = run(*target, *how, group_affine<3>(0)).quantized;
    CHECK(asymmetric_error(p.w, moved, g, cross, h) < asymmetric_error(p.w, symmetric, g, cross, h));
    CHECK(asymmetric_error(p.w, *target, g, cross, h) < asymmetric_error(p.w, p.w, g, cross, h));
    // The error by moments is the error on the samples.
    const auto outputs = difference(linalg::multiply(x, p.w.view().transposed()),
                                    linalg::multiply(y, moved.view().transposed()));
    const double direct = squared_norm(outputs) / 400;
    CHECK(std::fabs(asymmetric_error(p.w, moved, g, cross, h) - direct) < 1e-4 * direct);
    CHECK_FALSE(asymmetric_target(p.w, matrix<double>(2, 2), h));
}

TEST_CASE("Masks keep what they should and compensate for the rest", "[calibrate]") {
    const problem p;
    const auto how = prepare(p.h);
    pruned<> half(2, 4);
    const auto sparse = successive_quantize(p.w, *how, half);
    REQUIRE(sparse);
    for (std::size_t r = 0; r < m; ++r)
        for (std::size_t j = 0; j < n; j += 4) {
            int zeros = 0;
            for (std::size_t k = 0; k < 4; ++k) zeros += sparse->quantized(r, j + k) == 0;
            REQUIRE(zeros == 2);
        }
    auto magnitude = p.w;
    for (std::size_t r = 0; r < m; ++r)
        for (std::size_t j = 0; j < n; ++j)
            if (half.mask()[j * m + r] == 0) magnitude(r, j) = 0;
    CHECK(weighted_error(difference(p.w, sparse->quantized), p.h) <
          0.8 * weighted_error(difference(p.w, magnitude), p.h));
    const auto both = run(p.w, *how, pruned<group_affine<4>>(2, 4, group_affine<4>(0))).quantized;
    const auto only = run(p.w, *how, pruned<group_affine<4>>(4, 4, group_affine<4>(0)));
    CHECK(squared_norm(difference(only.quantized, run(p.w, *how, group_affine<4>(0)).quantized)) == 0);
    CHECK(weighted_error(difference(p.w, both), p.h) > weighted_error(difference(p.w, only.quantized), p.h));
}

TEST_CASE("Outliers are exact and lower the error; an infinite threshold changes nothing", "[calibrate]") {
    problem p;
    for (std::size_t r = 0; r < m; r += 5) p.w(r, (r * 13) % n) = 9.0F;
    const auto how = prepare(p.h);
    const auto plain = run(p.w, *how, group_affine<3>(16));
    const auto none = run(p.w, *how, outliers_apart(group_affine<3>(16), INFINITY));
    CHECK(squared_norm(difference(plain.quantized, none.quantized)) == 0);
    outliers_apart quantizer(group_affine<3>(16), 0.2);
    const auto done = successive_quantize(p.w, *how, quantizer);
    REQUIRE(done);
    REQUIRE_FALSE(quantizer.outliers().empty());
    CHECK(quantizer.outliers().size() < m * n / 10);
    for (const auto& o : quantizer.outliers())
        REQUIRE(done->quantized(o.row, how->order[o.position]) == static_cast<float>(o.value));
    CHECK(done->error < 0.8 * plain.error);
    const auto bytes = quantizer.encoded(how->order);
    const auto decode = [](pith::byte_view in) { return decode_group_affine<3>(in); };
    const auto back = decode_outliers_apart(bytes, decode);
    REQUIRE(back);
    CHECK(squared_norm(difference(*back, done->quantized)) == 0);
    for (std::size_t cut = 0; cut < bytes.size(); cut += 3)
        REQUIRE_FALSE(decode_outliers_apart(pith::byte_view(bytes).first(cut), decode));
}

TEST_CASE("Dead inputs, single rows and columns pass; what is no number or does not fit is refused",
          "[calibrate]") {
    problem p;
    for (std::size_t j = 0; j < n; ++j) p.h(3, j) = p.h(j, 3) = 0;
    const auto how = prepare(p.h);
    REQUIRE(how);
    const auto done = run(p.w, *how, group_affine<4>(0));
    for (std::size_t r = 0; r < m; ++r) REQUIRE(done.quantized(r, 3) == 0);
    REQUIRE(run(samples::normal(1, n, 1), *how, group_affine<4>(16)).quantized.rows() == 1);
    const auto single = prepare(samples::identity<double>(1));
    REQUIRE(run(samples::normal(5, 1, 1), *single, group_affine<8>(0)).quantized.columns() == 1);
    REQUIRE(run(matrix<float>(4, n), *how, group_affine<2>(16)).error == 0);
    const auto few = prepare(samples::moment_of(samples::normal(5, n, 2)));  // 5 samples of 72 inputs
    REQUIRE(few);
    CHECK(linalg::all_finite(run(p.w, *few, group_affine<3>(16)).quantized));
    CHECK(prepare(matrix<double>(6, 6)));  // all inputs dead

    group_affine<4> quantizer(16);
    CHECK_FALSE(successive_quantize(samples::normal(m, n - 1, 1), *how, quantizer));
    p.w(2, 2) = std::numeric_limits<float>::quiet_NaN();
    CHECK_FALSE(successive_quantize(p.w, *how, quantizer));
    p.h(0, 0) = std::numeric_limits<double>::infinity();
    CHECK_FALSE(prepare(p.h));
    CHECK_FALSE(prepare(matrix<double>(2, 3)));
    stepped<uniform_step> too_fine(1e-60);
    CHECK_FALSE(successive_quantize(samples::normal(2, n, 1), *how, too_fine));
}

TEST_CASE("The surgeon's cuts leave a solution of least squares on what is left", "[calibrate]") {
    const std::size_t size = 24;
    const auto h = samples::moment_of(samples::correlated(100, size, 2));
    const auto inverse = damped_inverse(h, {.share = 1e-9});
    REQUIRE(inverse);
    const auto w = samples::normal(1, size, 3);
    const auto cut = surgeon(w.row(0), *inverse, 10, [](float) { return 0.0F; });
    matrix<float> d(1, size);
    std::size_t zeros = 0;
    for (std::size_t j = 0; j < size; ++j) {
        d(0, j) = w(0, j) - cut[j];
        zeros += cut[j] == 0;
    }
    CHECK(zeros == 10);
    const auto gradient = linalg::multiply<double>(matrix<double>::copy_of(d.view()), h);
    for (std::size_t j = 0; j < size; ++j)
        if (cut[j] != 0) CHECK(std::fabs(gradient(0, j)) < 1e-5);
    // Quantizing in the best order is about as good as in the given one.
    const auto rounded = surgeon(w.row(0), *inverse, size, [](float v) { return std::nearbyint(v * 4) / 4; });
    stepped<uniform_step> step(0.25);
    const auto successive = successive_quantize(w, *prepare(h), step);
    for (std::size_t j = 0; j < size; ++j) d(0, j) = w(0, j) - rounded[j];
    CHECK(weighted_error(d, h) < 2 * weighted_error(difference(w, successive->quantized), h));
}

namespace {

/// Least weighted error of k clusters of sorted points, by all splits.
double all_splits(std::span<const float> x, std::span<const float> w, std::size_t k) {
    if (x.empty()) return 0;
    double best = INFINITY;
    for (std::size_t end = k == 1 ? x.size() : 1; end <= x.size(); ++end) {
        double sw = 0, s = 0, q = 0;
        for (std::size_t i = 0; i < end; ++i) {
            sw += static_cast<double>(w[i]);
            s += static_cast<double>(w[i]) * static_cast<double>(x[i]);
        }
        for (std::size_t i = 0; i < end; ++i) {
            const double d = static_cast<double>(x[i]) - s / sw;
            q += static_cast<double>(w[i]) * d * d;
        }
        if (end < x.size()) q += all_splits(x.subspan(end), w.subspan(end), k - 1);
        best = q < best ? q : best;
    }
    return best;
}

}  // namespace

TEST_CASE("The codebook on a line is the best of all splits, and each value the mean of its points",
          "[calibrate]") {
    pith::random_sequence random(1);
    for (int round = 0; round < 200; ++round) {
        std::vector<float> x(1 + random.below(11)), w(x.size());
        for (float& v : x) v = static_cast<float>(random.below(20)) + random.uniform() / 16;
        for (float& v : w) v = 0.1F + random.uniform();
        std::sort(x.begin(), x.end());
        const std::size_t k = 1 + random.below(5);
        const auto book = best_line_codebook(x, w, k);
        REQUIRE(book);
        REQUIRE(std::fabs(book->error - all_splits(x, w, std::min(k, x.size()))) < 1e-4);
        double error = 0;
        for (std::size_t i = 0; i < x.size(); ++i) {
            const double d = static_cast<double>(x[i] - book->values[book->nearest(x[i])]);
            error += static_cast<double>(w[i]) * d * d;
        }
        REQUIRE(error <= book->error + 1e-4);
    }
    const std::vector<float> equal(9, 2.5F), ones(9, 1.0F);
    const auto one = best_line_codebook(equal, ones, 4);
    REQUIRE(one->values == std::vector<float>{2.5F});
    CHECK_FALSE(best_line_codebook(equal, std::vector<float>(8), 2));
    CHECK_FALSE(best_line_codebook(equal, ones, 0));
    CHECK_FALSE(best_line_codebook(std::vector<float>{NAN}, std::vector<float>{1}, 1));
}
