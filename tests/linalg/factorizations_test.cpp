// Decompositions that grow, columns and rows that stand for a matrix, trains and Tucker: exact where they
// must be, and within their bounds elsewhere.
#include "support/catch.hpp"

#include <pith/linalg/column_choice.hpp>
#include <pith/linalg/incremental_svd.hpp>
#include <pith/linalg/tensor_train.hpp>

#include <array>
#include <limits>
#include <vector>

#include "linalg/random_matrices.hpp"

using namespace pith::linalg;
using samples::close;
using samples::normal;

namespace {

truncated_svd all_of(const matrix<float>& a) {
    auto out = exact_svd{}(dense_operator(a.view()), a.rows() + a.columns(), 0);
    REQUIRE(out);
    return std::move(*out);
}

double optimal_tail(const matrix<float>& a, std::size_t rank) {
    const auto values = all_of(a).values;
    double out = 0;
    for (std::size_t i = rank; i < values.size(); ++i) out += values[i] * values[i];
    return out;
}

double off_basis(const matrix<float>& a, const matrix<float>& basis) {
    return squared_norm(a) - squared_norm(multiply(basis.view().transposed(), a));
}

constexpr float not_a_number = std::numeric_limits<float>::quiet_NaN();

}  // namespace

TEST_CASE("Columns added in parts give the decomposition of all, and never a better one", "[linalg]") {
    const auto thin = samples::of_rank(30, 50, 4, 1);
    for (const std::size_t width : {1U, 7U, 50U}) {
        incremental_svd parts(30, 6);
        for (std::size_t c = 0; c < 50; c += width)
            REQUIRE(parts.add(thin.view().block(0, c, 30, width < 50 - c ? width : 50 - c)));
        CHECK(parts.left().columns() >= 4);
        for (std::size_t i = 0; i < 4; ++i)
            CHECK(std::fabs(parts.values()[i] - 1 / static_cast<double>(i + 1)) < 1e-5);
        CHECK(off_basis(thin, parts.left()) < 1e-5);
    }
    const auto full = normal(30, 50, 2);
    incremental_svd parts(30, 8);
    for (std::size_t c = 0; c < 50; c += 10) REQUIRE(parts.add(full.view().block(0, c, 30, 10)));
    CHECK(parts.lost() >= optimal_tail(full, 8) * 0.999);
    CHECK(off_basis(full, parts.left()) <= parts.lost() * 1.001);
    CHECK(parts.values()[0] <= all_of(full).values[0] * 1.0001);
    auto bad = normal(30, 2, 1);
    bad(3, 1) = not_a_number;
    CHECK_FALSE(parts.add(bad));
    CHECK_FALSE(parts.add(normal(29, 2, 1)));
}

TEST_CASE("The shared basis of matrices side by side lies within the bounds of their spectra", "[linalg]") {
    const std::vector<matrix<float>> layers{samples::of_rank(20, 24, 6, 3), normal(20, 10, 4),
                                            normal(20, 16, 5)};
    std::vector<std::vector<double>> spectra;
    std::vector<pith::view_2d<const float>> views;
    for (const auto& a : layers) {
        spectra.push_back(all_of(a).values);
        views.push_back(a.view());
    }
    const concatenated_operator together{std::span<const pith::view_2d<const float>>(views)};
    double energy = 0;
    for (const auto& a : layers) energy += squared_norm(a);
    for (const std::size_t rank : {1U, 4U, 10U, 19U}) {
        const auto shared = exact_svd{}(together, rank, 0);
        REQUIRE(shared);
        const double error = tail(energy, *shared);
        const auto bounds = bounds_of_shared_basis(spectra, rank);
        CHECK(bounds.least <= error * 1.0001);
        CHECK(error <= bounds.most * 1.0001);
        for (const auto& values : spectra) CHECK(shared->values[0] >= values[0] * 0.9999);
    }
}

TEST_CASE("Nystrom is exact in the chosen columns, within its stated trace, and exact at full rank",
          "[linalg]") {
    const auto h = samples::moment_of(samples::correlated(60, 24, 6));
    double before = std::numeric_limits<double>::infinity();
    for (const std::size_t rank : {1U, 5U, 12U, 24U, 40U}) {
        const auto part = nystrom(h, rank);
        REQUIRE(part);
        const auto product = multiply<double>(part->factor, part->factor.view().transposed());
        double missing = 0;
        for (std::size_t i = 0; i < 24; ++i) {
            missing += h(i, i) - product(i, i);
            for (const std::size_t j : part->chosen) CHECK(std::fabs(h(i, j) - product(i, j)) < 1e-9);
        }
        CHECK(std::fabs(missing - part->missing) < 1e-9);
        CHECK(part->missing <= before);
        before = part->missing;
    }
    CHECK(before < 1e-9);
    const auto low = nystrom(samples::moment_of(samples::of_rank(40, 24, 3, 1)), 24);
    REQUIRE(low);
    CHECK(low->chosen.size() <= 5);
    CHECK(nystrom(matrix<double>(4, 4), 2)->chosen.empty());
    CHECK_FALSE(nystrom(matrix<double>(4, 3), 2));
}

TEST_CASE("Columns, rows and their core give a matrix of no more rank back, and others nearly as well as any",
          "[linalg]") {
    const auto thin = samples::of_rank(30, 22, 5, 7);
    const auto exact = cur(thin, 5);
    REQUIRE(exact);
    CHECK(close(product_of(thin, *exact), thin, 1e-4));
    const auto a = samples::of_rank(40, 40, 40, 8);
    for (const std::size_t rank : {4U, 16U}) {
        const auto part = cur(a, rank);
        REQUIRE(part);
        CHECK(part->columns.size() == rank);
        const double error = squared_norm(difference(a, product_of(a, *part)));
        CHECK(error >= optimal_tail(a, rank) * 0.999);
        CHECK(error <= optimal_tail(a, rank) * 2 * static_cast<double>(rank + 1));
    }
    const matrix<float> zero(5, 4);
    CHECK(squared_norm(product_of(zero, *cur(zero, 2))) == 0);
    CHECK_FALSE(cur(a, 0));
    CHECK_FALSE(cur(matrix<float>(3, 0), 2));
}

TEST_CASE("A train of full bonds is the matrix, a cut one keeps its bound, and products need no matrix",
          "[linalg]") {
    const auto w = normal(24, 30, 9);
    const std::vector<std::size_t> rows{2, 3, 4}, columns{5, 3, 2};
    const auto one = samples::identity<float>(30);
    const auto full = decompose_train(w, rows, columns, 1000);
    REQUIRE(full);
    CHECK(close(full->apply(one), w, 1e-5));
    CHECK(full->lost < 1e-4);
    const auto x = normal(30, 7, 10);
    for (const std::size_t bond : {1U, 3U, 8U}) {
        const auto part = decompose_train(w, rows, columns, bond);
        REQUIRE(part);
        const auto whole = part->apply(one);
        CHECK(squared_norm(difference(w, whole)) <= part->lost * 1.001);
        CHECK(part->parameters() < full->parameters());
        CHECK(close(part->apply(x), multiply(whole, x), 1e-5));
    }
    // Kronecker products have bonds of one.
    const auto a = normal(4, 3, 1), b = normal(5, 6, 2);
    matrix<float> kronecker(20, 18);
    for (std::size_t r = 0; r < 20; ++r)
        for (std::size_t c = 0; c < 18; ++c) kronecker(r, c) = a(r / 5, c / 6) * b(r % 5, c % 6);
    const auto pair =
        decompose_train(kronecker, std::vector<std::size_t>{4, 5}, std::vector<std::size_t>{3, 6}, 1);
    REQUIRE(pair);
    CHECK(pair->parameters() == a.size() + b.size());
    CHECK(close(pair->apply(samples::identity<float>(18)), kronecker, 1e-5));
    CHECK(squared_norm(decompose_train(matrix<float>(4, 4), std::vector<std::size_t>{2, 2},
                                       std::vector<std::size_t>{2, 2}, 2)
                           ->apply(samples::identity<float>(4))) == 0);
    CHECK_FALSE(decompose_train(w, rows, std::vector<std::size_t>{5, 3, 3}, 4));
    CHECK_FALSE(decompose_train(w, rows, columns, 0));
}

TEST_CASE("Tucker is exact at full ranks and within the sum of its cuts elsewhere", "[linalg]") {
    const std::array<std::size_t, 3> sizes{6, 5, 7}, full{6, 5, 7}, cut{3, 2, 4};
    const auto t = normal(6, 35, 11);
    const auto exact = decompose_tucker(t, sizes, full);
    REQUIRE(exact);
    CHECK(close(exact->product(), t, 1e-5));
    const auto part = decompose_tucker(t, sizes, cut);
    REQUIRE(part);
    CHECK(squared_norm(difference(t, part->product())) <= part->lost * 1.001);
    CHECK(part->parameters() == 6 * 3 + 5 * 2 + 7 * 4 + 3 * 2 * 4);
    for (const auto& factor : part->factors)
        CHECK(close(multiply(factor.view().transposed(), factor), samples::identity<float>(factor.columns()),
                    1e-5));
    CHECK(squared_norm(decompose_tucker(matrix<float>(6, 35), sizes, cut)->product()) == 0);
    CHECK_FALSE(decompose_tucker(normal(6, 34, 1), sizes, cut));
    auto bad = t;
    bad(0, 0) = not_a_number;
    CHECK_FALSE(decompose_tucker(bad, sizes, cut));
}
