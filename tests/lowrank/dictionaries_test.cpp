// Stacks of sign blocks, sparse dictionaries and leaning targets: what each must gain over one low-rank
// matrix.
#include "support/catch.hpp"

#include <pith/calibrate/cumulative.hpp>
#include <pith/lowrank/sign_blocks.hpp>
#include <pith/lowrank/sparse_dictionary.hpp>

#include <cmath>
#include <limits>
#include <vector>

#include "linalg/random_matrices.hpp"

using namespace pith::lowrank;
namespace linalg = pith::linalg;
using linalg::difference;
using linalg::squared_norm;
using samples::normal;

TEST_CASE("Every block lowers the error, and every prefix of blocks decodes to what was judged",
          "[lowrank]") {
    const auto w = normal(24, 40, 1);
    std::vector<double> moments;
    for (std::size_t j = 0; j < 40; ++j) moments.push_back(0.1 + static_cast<double>(j % 7));
    const auto out = stack_sign_blocks(w, moments, {.rank = 3, .blocks = 5});
    REQUIRE(out);
    REQUIRE(out->trace.size() == 6);
    double before = std::numeric_limits<double>::infinity();
    for (std::size_t k = 0; k <= 5; ++k) {
        if (k > 0) CHECK(out->trace[k] < 0.7 * out->trace[k - 1]);
        const auto prefix = pith::byte_view(out->bytes).first(out->head + k * out->block);
        const auto some = decode_sign_blocks(prefix);
        REQUIRE(some);
        const auto same = decode_sign_blocks(out->bytes, k);
        CHECK(squared_norm(difference(*same, *some)) == 0);
        const double error = diagonal_metric(moments).error(difference(w, *some));
        CHECK(error < before);
        before = error;
    }
    CHECK(out->block == 24 * 40 / 8 + 2 * 3 * (24 + 40));
    CHECK(squared_norm(difference(*decode_sign_blocks(out->bytes), out->values)) == 0);
    // The first block leaves the tail of the magnitudes.
    const auto plain =
        stack_sign_blocks(w, std::vector<double>(40, 1.0), {.rank = 3, .blocks = 1}, linalg::exact_svd{});
    auto sizes = w;
    for (std::size_t i = 0; i < sizes.size(); ++i) sizes.data()[i] = std::fabs(sizes.data()[i]);
    const auto best = linalg::exact_svd{}(linalg::dense_operator(sizes.view()), 3, 0);
    const double left = linalg::tail(squared_norm(sizes), *best);
    CHECK(std::fabs(plain->trace[1] - left) < 1e-3 * left);

    for (std::size_t cut = 0; cut < out->bytes.size(); cut += 5)
        if (cut < out->head || (cut - out->head) % out->block != 0)
            REQUIRE_FALSE(decode_sign_blocks(pith::byte_view(out->bytes).first(cut)));
    for (std::size_t bit = 0; bit < 1200; ++bit) {
        auto damaged = out->bytes;
        damaged[bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
        const auto got = decode_sign_blocks(damaged, 1, {.max_output = 1 << 16});
        if (got) REQUIRE(got->size() <= 1 << 14);
    }
    CHECK_FALSE(stack_sign_blocks(w, std::vector<double>(39, 1.0)));
    CHECK(squared_norm(stack_sign_blocks(matrix<float>(3, 4), std::vector<double>(4))->values) == 0);
}

TEST_CASE("Sparse codes beat one low-rank matrix of as many bits where rows lie in several subspaces",
          "[lowrank]") {
    // Eight groups of rows, each in a plane of its own.
    const auto planes = normal(16, 48, 2);
    const auto mix = normal(96, 2, 3);
    matrix<float> w(96, 48);
    for (std::size_t r = 0; r < 96; ++r)
        for (std::size_t c = 0; c < 48; ++c)
            w(r, c) = mix(r, 0) * planes(2 * (r / 12), c) + mix(r, 1) * planes(2 * (r / 12) + 1, c);
    const auto h = samples::moment_of(samples::correlated(200, 48, 4));
    const full_metric metric(h);
    const auto sparse = fit_sparse_dictionary(w, metric, {.entries = 16, .nonzeros = 4, .rounds = 20});
    REQUIRE(sparse);
    for (std::size_t r = 0; r < 96; ++r) {
        std::size_t used = 0;
        for (const float v : sparse->codes.row(r)) used += v != 0;
        REQUIRE(used <= 4);
    }
    const double error = metric.error(difference(w, sparse->product()));
    double least = sparse->trace[0];
    for (const double e : sparse->trace) least = e < least ? e : least;
    CHECK(std::fabs(error - least) < 1e-3 * least + 1e-6);
    const std::size_t rank = (sparse->stored_bits() + 16 * (96 + 48) - 1) / (16 * (96 + 48));
    const auto low = compensator<>{}(w, metric, rank);
    CHECK(error < 0.8 * metric.error(difference(w, low->product())));
    // With as many nonzeros as entries it is the low-rank matrix.
    const auto full = fit_sparse_dictionary(w, metric, {.entries = 5, .nonzeros = 5, .rounds = 3});
    const auto five = compensator<>{}(w, metric, 5);
    const double reference = metric.error(difference(w, five->product()));
    CHECK(metric.error(difference(w, full->product())) < 1.02 * reference);
    CHECK_FALSE(fit_sparse_dictionary(w, metric, {.entries = 4, .nonzeros = 5}));
    CHECK(squared_norm(fit_sparse_dictionary(matrix<float>(6, 48), metric)->product()) == 0);
}

TEST_CASE("A target that leans to the original outputs is held by the rank at least as well", "[lowrank]") {
    const std::size_t n = 32;
    const auto w = normal(24, n, 5), x = samples::correlated(300, n, 6);
    auto y = x;
    const auto noise = normal(300, n, 7);
    for (std::size_t i = 0; i < y.size(); ++i) y.data()[i] += 0.5F * noise.data()[i];
    const auto h = samples::moment_of(y);
    matrix<double> cross(n, n);
    for (std::size_t r = 0; r < 300; ++r)
        for (std::size_t i = 0; i < n; ++i)
            for (std::size_t j = 0; j < n; ++j)
                cross(i, j) += static_cast<double>(x(r, i)) * static_cast<double>(y(r, j)) / 300;
    const auto plain = pith::calibrate::compensate_cumulative(w, cross, h, 6, 0, linalg::exact_svd{});
    const auto leaning = pith::calibrate::compensate_cumulative(w, cross, h, 6, 6, linalg::exact_svd{});
    REQUIRE(leaning);
    CHECK(plain->lean == 0);
    CHECK(leaning->share >= plain->share);
    const auto svd_llm = compensator<linalg::exact_svd>{}(w, full_metric(h), 6);
    CHECK(samples::close(plain->factors.product(), svd_llm->product(), 1e-5));
    // Equal inputs: nothing leans.
    const auto same = pith::calibrate::compensate_cumulative(w, h, h, 6, 3, linalg::exact_svd{});
    CHECK(samples::close(same->factors.product(), svd_llm->product(), 1e-4));
    CHECK_FALSE(pith::calibrate::compensate_cumulative(w, matrix<double>(3, 3), h, 6));
}
