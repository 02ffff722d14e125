// Low-rank corrections: the analytic tail, equalities between methods, storage, and what is refused.
#include "support/catch.hpp"

#include <pith/calibrate/alternating.hpp>
#include <pith/lowrank.hpp>

#include <algorithm>
#include <limits>
#include <vector>

#include "linalg/random_matrices.hpp"

using namespace pith::lowrank;
namespace linalg = pith::linalg;
using linalg::difference;

namespace {

constexpr std::size_t m = 40, n = 56;

/// The sum of all but the r largest eigenvalues of d h d^T, in double.
double analytic_tail(const matrix<float>& d, const linalg::matrix<double>& h, std::size_t r) {
    const auto e = linalg::matrix<double>::copy_of(d.view());
    const auto square = linalg::multiply<double>(linalg::multiply<double>(e, h), e.view().transposed());
    const auto s = linalg::symmetric_eigen(square);
    double sum = 0;
    for (std::size_t i = r; i < s.values.size(); ++i) sum += s.values[i];
    return sum;
}

const compensator<linalg::exact_svd> exact{};

template <class Metric>
double error_after(const matrix<float>& d, const Metric& metric, std::size_t rank) {
    const auto f = exact(d, metric, rank);
    REQUIRE(f);
    return metric.error(difference(d, f->product()).view());
}

}  // namespace

TEST_CASE("The correction leaves the analytic tail, whatever the metric and its rank", "[lowrank]") {
    const auto d = samples::normal(m, n, 1);
    const auto h = samples::moment_of(samples::correlated(200, n, 2));
    const auto deficient = samples::moment_of(samples::correlated(9, n, 3));  // fewer samples than inputs
    std::vector<double> moments = saliency_moments(h);
    auto diagonal = samples::identity<double>(n);
    for (std::size_t i = 0; i < n; ++i) diagonal(i, i) = moments[i];
    for (const std::size_t r : {1U, 4U, 16U, 39U}) {
        const double scale = analytic_tail(d, h, 0);
        CHECK(std::fabs(error_after(d, full_metric(h), r) - analytic_tail(d, h, r)) < 2e-5 * scale);
        CHECK(std::fabs(error_after(d, full_metric(deficient), r) - analytic_tail(d, deficient, r)) <
              2e-5 * analytic_tail(d, deficient, 0));
        CHECK(std::fabs(error_after(d, diagonal_metric(moments), r) - analytic_tail(d, diagonal, r)) <
              2e-5 * analytic_tail(d, diagonal, 0));
        CHECK(std::fabs(error_after(d, plain_metric(n), r) -
                        analytic_tail(d, samples::identity<double>(n), r)) < 2e-5 * m * n);
    }
    // A randomized solver with its default effort comes near.
    const auto quick = compensator<>{}(d, full_metric(h), 8);
    REQUIRE(quick);
    CHECK(full_metric(h).error(difference(d, quick->product()).view()) < 1.05 * analytic_tail(d, h, 8));
}

TEST_CASE("More rank never hurts, scaling the metric changes nothing, a full metric beats a plain one",
          "[lowrank]") {
    const auto d = samples::normal(m, n, 4);
    const auto h = samples::moment_of(samples::correlated(200, n, 5));
    const full_metric metric(h);
    double last = metric.error(d.view());
    for (std::size_t r = 0; r <= m; r += 5) {
        const double now = error_after(d, metric, r);
        CHECK(now <= last * (1 + 1e-6) + 1e-6);
        last = now;
    }
    auto scaled = h;
    for (std::size_t i = 0; i < scaled.size(); ++i) scaled.data()[i] *= 256;
    CHECK(samples::close(exact(d, metric, 6)->product(), exact(d, full_metric(scaled), 6)->product(), 1e-4));
    CHECK(samples::close(exact(d, plain_metric(n), 6)->product(),
                         exact(d, full_metric(samples::identity<double>(n)), 6)->product(), 1e-5));
    const auto plain = exact(d, plain_metric(n), 6)->product();
    CHECK(metric.error(difference(d, plain).view()) > error_after(d, metric, 6));
}

TEST_CASE("Factors are stored in the bytes that they say, and refitted to what was stored", "[lowrank]") {
    const auto d = samples::of_rank(m, n, 6, 1);
    const auto h = samples::moment_of(samples::correlated(200, n, 5));
    const full_metric metric(h);
    const auto f = exact(d, metric, 6);
    REQUIRE(f);
    const auto kept = store_factors(*f, d, half_store{});
    REQUIRE(kept);
    CHECK(kept->bytes == 2 * 6 * (m + n));
    CHECK(samples::close(kept->values.product(), d, 1e-3));
    const auto x = samples::normal(n, 3, 1);
    CHECK(samples::close(kept->values.apply(x.view()), linalg::multiply(kept->values.product(), x), 1e-5));
    auto huge = d;
    for (std::size_t i = 0; i < huge.size(); ++i) huge.data()[i] *= 1e12F;
    CHECK_FALSE(store_factors(*exact(huge, metric, 6), huge, half_store{}));
}

TEST_CASE("Corrections of nothing, single rows and columns, and no rank are well defined", "[lowrank]") {
    const auto h = samples::moment_of(samples::correlated(100, n, 2));
    const full_metric metric(h);
    CHECK(exact(matrix<float>(m, n), metric, 4)->rank() == 0);
    CHECK(exact(samples::normal(m, n, 1), metric, 0)->rank() == 0);
    CHECK(linalg::squared_norm(exact(samples::normal(m, n, 1), metric, 0)->product()) == 0);
    const auto row = samples::normal(1, n, 1);
    CHECK(samples::close(exact(row, metric, 3)->product(), row, 1e-5));
    const auto column = samples::normal(m, 1, 1);
    CHECK(samples::close(exact(column, plain_metric(1), 3)->product(), column, 1e-5));
    auto bad = samples::normal(m, n, 1);
    bad(0, 0) = std::numeric_limits<float>::quiet_NaN();
    CHECK_FALSE(exact(bad, metric, 3));
    CHECK_FALSE(exact(row, plain_metric(n + 1), 3));
    CHECK(store_factors(*exact(matrix<float>(m, n), metric, 4), matrix<float>(m, n), half_store{})->bytes ==
          0);
}

TEST_CASE("Alternating keeps its best round, and more rounds never end worse", "[lowrank]") {
    const auto w = samples::normal(m, n, 7);
    const auto h = samples::moment_of(samples::correlated(200, n, 8));
    const full_metric metric(h);
    const auto base = [](pith::view_2d<const float> target) -> pith::result<pith::calibrate::based> {
        auto out = matrix<float>::copy_of(target);
        for (std::size_t i = 0; i < out.size(); ++i) out.data()[i] = std::nearbyint(out.data()[i]);
        return pith::calibrate::based{std::move(out), 0};
    };
    double last = INFINITY;
    for (const unsigned rounds : {1U, 2U, 6U}) {
        const auto out = pith::calibrate::alternate(w, base, metric, exact, {.rank = 8, .rounds = rounds});
        REQUIRE(out);
        const double error = metric.error(difference(w, out->product()).view());
        CHECK(error <= last);
        CHECK(std::fabs(error - *std::min_element(out->trace.begin(), out->trace.end())) < 1e-4 * error);
        CHECK(out->bytes() == 2 * 8 * (m + n));
        last = error;
    }
}
