// Fewer channels between layers, factors in two widths, wavelet bands, optimal transport: what each promises.
#include "support/catch.hpp"

#include <pith/linalg/column_choice.hpp>
#include <pith/linalg/transport.hpp>
#include <pith/lowrank/channels.hpp>
#include <pith/lowrank/remapped.hpp>
#include <pith/lowrank/wavelet_bands.hpp>

#include <algorithm>
#include <limits>
#include <numeric>
#include <vector>

#include "linalg/random_matrices.hpp"

using namespace pith::lowrank;
namespace linalg = pith::linalg;
using linalg::difference;
using linalg::squared_norm;

namespace {

constexpr std::size_t d = 48, o = 32;

/// Hidden activations of a rectified layer in which three neurons each see nearly the same.
matrix<float> clustered(std::size_t count, double apart) {
    const auto x = samples::normal(count, 20, 3), first = samples::normal(20, d / 3, 4);
    const auto own = samples::normal(20, d, 5);
    matrix<float> weights(20, d);
    for (std::size_t r = 0; r < 20; ++r)
        for (std::size_t c = 0; c < d; ++c)
            weights(r, c) = first(r, c % (d / 3)) + static_cast<float>(apart) * own(r, c);
    auto out = linalg::multiply<float>(x, weights);
    for (std::size_t i = 0; i < out.size(); ++i) out.data()[i] = std::max(0.0F, out.data()[i]);
    return out;
}

/// W with what is not kept cut.
double pruned_error(const matrix<float>& w, const std::vector<std::size_t>& kept, const matrix<double>& c) {
    matrix<float> rest(w.rows(), kept.size());
    for (std::size_t r = 0; r < w.rows(); ++r)
        for (std::size_t j = 0; j < kept.size(); ++j) rest(r, j) = w(r, kept[j]);
    return channel_error(w, rest, kept, c);
}

}  // namespace

TEST_CASE("A blend of all channels changes nothing, one of fewer leaves the Schur complement", "[lowrank]") {
    const auto c = samples::moment_of(clustered(600, 0.3));
    const auto w = samples::normal(o, d, 7);
    const auto scores = ridge_leverage(c, 1);
    REQUIRE(scores);
    for (const double s : *scores) CHECK((s > 0 && s < 1));
    std::vector<std::size_t> all(d);
    std::iota(all.begin(), all.end(), std::size_t{0});
    CHECK(largest_scores(*scores, d) == all);
    const auto whole = nystrom_blend(c, all);
    REQUIRE(whole);
    CHECK(channel_error(w, blended(w, *whole), all, c) < 1e-6 * linalg::weighted_error(w, c));

    const auto kept = largest_scores(*scores, 20);
    const auto blend = nystrom_blend(c, kept);
    REQUIRE(blend);
    const double error = channel_error(w, blended(w, *blend), kept, c);
    // tr(W (C - C_:S C_SS^-1 C_S:) W^T)
    matrix<double> across(d, kept.size());
    for (std::size_t i = 0; i < d; ++i)
        for (std::size_t j = 0; j < kept.size(); ++j) across(i, j) = c(i, kept[j]);
    const auto explained = linalg::multiply<double>(*blend, across.view().transposed());
    const double schur = linalg::weighted_error(w, difference<double>(c, explained));
    CHECK(std::fabs(error - schur) < 1e-4 * linalg::weighted_error(w, c));
    // No blend with the same channels is better.
    auto other = *blend;
    for (std::size_t i = 0; i < other.size(); i += 7) other.data()[i] += 0.01;
    CHECK(error < channel_error(w, blended(w, other), kept, c));
    CHECK_FALSE(ridge_leverage(matrix<double>(3, 2)));
    CHECK(largest_scores(std::vector<double>{1, 3, 3, 2}, 2) == std::vector<std::size_t>{1, 2});
}

TEST_CASE("Merged channels lose less than cut ones, and the blend of least squares loses least",
          "[lowrank]") {
    for (const double apart : {0.1, 0.4}) {
        const auto c = samples::moment_of(clustered(600, apart));
        const auto w = samples::normal(o, d, 8);
        // One of each cluster, and what covers the channels best without knowing clusters.
        std::vector<std::size_t> one_each(d / 3);
        std::iota(one_each.begin(), one_each.end(), std::size_t{0});
        auto chosen = linalg::nystrom(c, d / 3)->chosen;
        std::sort(chosen.begin(), chosen.end());
        for (const auto& kept : {one_each, chosen}) {
            const auto merged = transport_blend(c, kept, {.entropy = 0.02});
            const auto best = nystrom_blend(c, kept);
            REQUIRE(merged);
            REQUIRE(best);
            const double by_transport = channel_error(w, blended(w, *merged), kept, c);
            const double by_squares = channel_error(w, blended(w, *best), kept, c);
            INFO("merged " << by_transport << ", blended " << by_squares);
            CHECK(by_transport < 0.5 * pruned_error(w, kept, c));
            CHECK(by_squares < by_transport);
        }
    }
}

TEST_CASE("A plan of transport keeps its masses and comes near to the cheapest one", "[linalg]") {
    const auto x = samples::normal(5, 2, 1), y = samples::normal(5, 2, 2);
    matrix<double> cost(5, 5);
    for (std::size_t i = 0; i < 5; ++i)
        for (std::size_t j = 0; j < 5; ++j)
            for (std::size_t k = 0; k < 2; ++k)
                cost(i, j) += std::pow(static_cast<double>(x(i, k) - y(j, k)), 2);
    const auto plan = linalg::transport_plan(cost, {.entropy = 0.005, .rounds = 2000});
    REQUIRE(plan);
    double spent = 0;
    for (std::size_t i = 0; i < 5; ++i) {
        double row = 0, column = 0;
        for (std::size_t j = 0; j < 5; ++j) {
            CHECK((*plan)(i, j) >= 0);
            row += (*plan)(i, j);
            column += (*plan)(j, i);
            spent += (*plan)(i, j) * cost(i, j);
        }
        CHECK(std::fabs(row - 0.2) < 1e-9);
        CHECK(std::fabs(column - 0.2) < 1e-3);
    }
    std::vector<std::size_t> order{0, 1, 2, 3, 4};
    double least = std::numeric_limits<double>::infinity();
    do {
        double now = 0;
        for (std::size_t i = 0; i < 5; ++i) now += cost(i, order[i]) / 5;
        least = std::min(least, now);
    } while (std::next_permutation(order.begin(), order.end()));
    CHECK(spent < 1.03 * least);
    CHECK(spent > least * (1 - 1e-2));
    CHECK_FALSE(linalg::transport_plan(matrix<double>(0, 0)));
    cost(1, 1) = -1;
    CHECK_FALSE(linalg::transport_plan(cost));
    cost(1, 1) = std::numeric_limits<double>::quiet_NaN();
    CHECK_FALSE(linalg::transport_plan(cost));
    CHECK(linalg::transport_plan(matrix<double>(3, 2)));  // all free
}

TEST_CASE("Queries and keys keep the channels of largest product, rotary ones in pairs", "[lowrank]") {
    const auto h = samples::moment_of(samples::correlated(300, 24, 2));
    auto q = samples::normal(16, 24, 3), k = samples::normal(16, 24, 4);
    for (const std::size_t strong : {3U, 5U, 12U})
        for (float& v : q.row(strong)) v *= 10;
    CHECK(largest_scores(query_key_scores(q, k, h, false), 3) == std::vector<std::size_t>{3, 5, 12});
    const auto kept = largest_scores(query_key_scores(q, k, h, true), 6);
    CHECK(kept == std::vector<std::size_t>{3, 4, 5, 11, 12, 13});
    // A single channel's score is the energy of its part of q . k were the two independent.
    const auto moments = output_moments(q, h);
    CHECK(std::fabs(moments[0] - linalg::weighted_error<float>(q.view().block(0, 0, 1, 24), h)) <
          1e-6 * moments[0]);
}

TEST_CASE("A pair of linear layers of fewer channels is the best one of its rank", "[lowrank]") {
    const auto h = samples::moment_of(samples::correlated(300, 40, 2));
    const auto value = samples::normal(16, 40, 5), output = samples::normal(o, 16, 6);
    const full_metric metric(h);
    const auto whole = linalg::multiply<float>(output, value);
    const auto all = compress_pair(output, value, metric, 16, linalg::exact_svd{});
    REQUIRE(all);
    CHECK(metric.error(difference(whole, all->product()).view()) < 1e-8 * metric.error(whole.view()));
    const auto half_of_them = compress_pair(output, value, metric, 8, linalg::exact_svd{});
    REQUIRE(half_of_them);
    // Better than cutting either layer alone to eight channels.
    const auto inner = samples::moment_of(samples::correlated(300, 40, 2));
    matrix<double> c(16, 16);
    const auto v = matrix<double>::copy_of(value.view());
    c = linalg::multiply<double>(linalg::multiply<double>(v, inner), v.view().transposed());
    const auto kept = largest_scores(*ridge_leverage(c), 8);
    CHECK(metric.error(difference(whole, half_of_them->product()).view()) <
          channel_error(output, blended(output, *nystrom_blend(c, kept)), kept, c));
    CHECK_FALSE(compress_pair(value, output, metric, 8));
}

TEST_CASE("Factors in two widths read back, keep their bound and serve better than halves at equal bytes",
          "[lowrank]") {
    for (const auto& [m, n] : {std::pair{40U, 56U}, std::pair{64U, 24U}, std::pair{32U, 32U}}) {
        auto w = samples::normal(m, n, 9);
        linalg::multiply_add<float>(8, samples::normal(m, 6, 10), samples::normal(6, n, 11), w);
        const auto h = samples::moment_of(samples::correlated(300, n, 2));
        const full_metric metric(h);
        const compensator<linalg::exact_svd> fit{};
        const std::size_t shorter = std::min(m, n), longer = std::max(m, n), k = shorter / 2;
        const auto exact = fit(w, metric, k);
        const auto stored = remap_factors(*exact, w);
        REQUIRE(stored);
        CHECK(stored->bytes.size() == 3 + k * (2 * longer + 4));
        CHECK(remapped_rank(m, n, stored->bytes.size()) == k);
        CHECK(remapped_rank(m, n, 1 << 20) == shorter);
        for (std::size_t c = 0; c < k; ++c) {
            float most = 0;
            for (std::size_t r = 0; r < m; ++r) most = std::max(most, std::fabs(exact->left(r, c)));
            for (std::size_t r = 0; r < m; ++r)
                CHECK(std::fabs(exact->left(r, c) - stored->values.left(r, c)) <= most / 127 * 0.501F);
        }
        const auto back = read_remapped(stored->bytes);
        REQUIRE(back);
        CHECK(squared_norm(difference(back->left, stored->values.left)) == 0);
        CHECK(squared_norm(difference(back->right, stored->values.right)) == 0);
        // Halves of the same bytes: rank k max / (m + n).
        const auto few = fit(w, metric, stored->bytes.size() / (2 * (m + n)));
        const auto halves = store_factors(*few, w, half_store{});
        CHECK(metric.error(difference(w, stored->values.product()).view()) <
              0.9 * metric.error(difference(w, halves->values.product()).view()));
    }
    CHECK_FALSE(remap_factors(factors{matrix<float>(4, 0), matrix<float>(0, 5)}, matrix<float>(4, 5)));
    const auto zero = remap_factors(factors{matrix<float>(4, 2), matrix<float>(2, 5)}, matrix<float>(4, 5));
    REQUIRE(zero);
    CHECK(squared_norm(read_remapped(zero->bytes)->left) == 0);
    auto large = factors{matrix<float>(4, 1), matrix<float>(1, 5)};
    large.left(0, 0) = 1e30F;
    CHECK_FALSE(remap_factors(large, matrix<float>(4, 5)));
}

TEST_CASE("Damaged factors in two widths give errors or other finite factors", "[lowrank]") {
    const auto w = samples::normal(7, 9, 9);
    const auto stored = remap_factors(*compensator<>{}(w, plain_metric(9), 3), w);
    REQUIRE(stored);
    const auto& bytes = stored->bytes;
    for (std::size_t cut = 0; cut < bytes.size(); ++cut)
        REQUIRE_FALSE(read_remapped(pith::byte_view(bytes).first(cut)));
    auto longer = bytes;
    longer.push_back(0);
    CHECK_FALSE(read_remapped(longer));
    for (std::size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
        auto damaged = bytes;
        damaged[bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
        const auto got = read_remapped(damaged);
        if (got) REQUIRE((linalg::all_finite(got->left) && linalg::all_finite(got->right)));
    }
    CHECK_FALSE(read_remapped(bytes, {.max_output = 4 * 62}));
}

TEST_CASE("An orthogonal wavelet keeps singular values; ranks of bands beat one rank where the bands differ",
          "[lowrank]") {
    using pith::transform::daubechies_4;
    using pith::transform::haar;
    constexpr std::size_t m = 48, n = 40;
    const auto a = samples::normal(m, n, 1);
    auto turned = a;
    split_bands<daubechies_4>(turned.view());
    const auto values = [](const matrix<float>& x) {
        return linalg::exact_svd{}(linalg::dense_operator(x.view()), n, 1)->values;
    };
    const auto before = values(a), after = values(turned);
    for (std::size_t i = 0; i < n; ++i) CHECK(std::fabs(before[i] - after[i]) < 1e-3 * before[0]);
    join_bands<daubechies_4>(turned.view());
    CHECK(samples::close(turned, a, 1e-6));

    // Smooth along both sides with much rank, and little rank in the finest band.
    matrix<float> update(m, n);
    const auto smooth = samples::normal(m / 2, n / 2, 2);
    const auto left = samples::normal(m / 2, 1, 3), right = samples::normal(1, n / 2, 4);
    const auto fine = linalg::multiply<float>(left, right);
    for (std::size_t r = 0; r < m; r += 2)
        for (std::size_t c = 0; c < n; c += 2) {
            update(r, c) = smooth(r / 2, c / 2);
            update(r + 1, c + 1) = fine(r / 2, c / 2);
        }
    join_bands<haar>(update.view());
    for (const std::size_t rank : {4U, 8U, 16U}) {
        const std::size_t parameters = rank * (m + n);
        const auto bands = fit_bands(update, parameters);
        REQUIRE(bands);
        CHECK(bands->parameters() <= parameters);
        const double by_bands = squared_norm(difference(update, product_of_bands(*bands)));
        const auto global = linalg::exact_svd{}(linalg::dense_operator(update.view()), rank, 1);
        CHECK(by_bands < 0.8 * squared_norm(difference(update, global->product())));
    }
    // A random matrix has nothing to gain; odd sizes join as well.
    const auto odd = samples::normal(9, 7, 5);
    CHECK(samples::close(product_of_bands(*fit_bands(odd, 1000)), odd, 1e-5));
    CHECK_FALSE(fit_bands(samples::normal(1, 7, 5), 10));
    auto bad = odd;
    bad(1, 1) = std::numeric_limits<float>::infinity();
    CHECK_FALSE(fit_bands(bad, 10));
}
