// Products, moments, Cholesky factors and truncated decompositions against their definitions.
#include "support/catch.hpp"

#include <pith/linalg.hpp>
#include <pith/transform/principal_axes.hpp>

#include <limits>
#include <vector>

#include "linalg/random_matrices.hpp"

using namespace pith::linalg;
using samples::close;
using samples::normal;

TEST_CASE("A product of views of any strides is the sum over the inner index", "[linalg]") {
    for (const std::size_t n : {1U, 2U, 3U, 7U, 40U}) {
        const auto a = normal(n + 3, n, 1), b = normal(n, 2 * n + 1, 2);
        matrix<float> expected(n + 3, 2 * n + 1);
        for (std::size_t r = 0; r < expected.rows(); ++r)
            for (std::size_t c = 0; c < expected.columns(); ++c)
                for (std::size_t k = 0; k < n; ++k) expected(r, c) += a(r, k) * b(k, c);
        CHECK(close(multiply(a, b), expected, 1e-6));
        const auto at = transposed(a), bt = transposed(b);
        CHECK(close(multiply(at.view().transposed(), bt.view().transposed()), expected, 1e-6));
        // Every second row and column of larger matrices; a result that lies column after column.
        matrix<float> wide(2 * a.rows(), 2 * a.columns()), turned(expected.columns(), expected.rows());
        const pith::view_2d<float> apart(wide.data(), a.rows(), a.columns(), 4 * a.columns(), 2);
        copy(a, apart);
        multiply_add(2, apart, b, turned.view().transposed());
        for (std::size_t i = 0; i < turned.size(); ++i) turned.data()[i] /= 2;
        CHECK(close(transposed(turned), expected, 1e-6));
    }
    CHECK(multiply(matrix<float>(3, 0), matrix<float>(0, 2)).size() == 6);
}

TEST_CASE("A second moment does not depend on how samples were batched, and refuses what is no number",
          "[linalg]") {
    const auto x = samples::correlated(2300, 21, 3);
    second_moment whole(21), parts(21);
    REQUIRE(whole.add(x));
    for (std::size_t r = 0; r < x.rows(); r += 100) REQUIRE(parts.add(x.view().block(r, 0, 100, 21)));
    CHECK(whole.count() == parts.count());
    CHECK(close(whole.moment(), parts.moment(), 1e-6));
    CHECK(close(whole.moment(), samples::moment_of(x), 1e-6));
    cross_moment cross(21, 21);
    REQUIRE(cross.add(x, x));
    CHECK(close(cross.moment(), whole.moment(), 1e-6));
    auto bad = normal(2, 21, 1);
    bad(1, 4) = std::numeric_limits<float>::quiet_NaN();
    CHECK_FALSE(whole.add(bad));
    CHECK_FALSE(whole.add(normal(2, 20, 1)));
    CHECK_FALSE(cross.add(x, bad));
    CHECK(close(whole.moment(), samples::moment_of(x), 1e-6));
    CHECK(squared_norm<double>(second_moment(3).moment()) == 0);
}

TEST_CASE("The upper factor and its inverse give back the moment and its inverse", "[linalg]") {
    for (const std::size_t n : {1U, 2U, 5U, 95U, 96U, 97U, 200U}) {
        const auto h = samples::moment_of(samples::correlated(2 * n + 5, n, n));
        auto factor = factor_damped(h);
        REQUIRE(factor);
        auto damped = h;
        for (std::size_t i = 0; i < n; ++i) damped(i, i) += factor->added;
        for (std::size_t i = 0; i < n; ++i)
            for (std::size_t j = 0; j < i; ++j) REQUIRE(factor->upper(i, j) == 0);
        CHECK(close(multiply<double>(factor->upper, factor->upper.view().transposed()), damped, 1e-14));
        invert_upper(factor->upper.view());
        CHECK(close(solve_right(damped, factor->upper), samples::identity<double>(n), 1e-10));
    }
}

TEST_CASE("Damping climbs for a matrix that is singular or worse, and gives up with an error", "[linalg]") {
    const auto few = samples::moment_of(normal(4, 12, 5));  // rank 4 of 12
    CHECK_FALSE(factor_damped(few, {.share = 0, .attempts = 1}));
    const auto factor = factor_damped(few, {.share = 1e-20, .attempts = 10});
    REQUIRE(factor);
    CHECK(factor->added > 1e-19);
    auto indefinite = samples::identity<double>(3);
    indefinite(0, 2) = indefinite(2, 0) = 5;
    CHECK_FALSE(factor_damped(indefinite, {.share = 0.01, .attempts = 2}));
    REQUIRE(factor_damped(indefinite, {.share = 0.01, .attempts = 4}));
    indefinite(1, 1) = -1;
    CHECK_FALSE(factor_damped(indefinite));
    indefinite(1, 1) = std::numeric_limits<double>::infinity();
    CHECK_FALSE(factor_damped(indefinite));
    CHECK_FALSE(factor_damped(matrix<double>(2, 3)));
    CHECK_FALSE(factor_damped(matrix<double>(2, 2)));  // zero cannot be damped by a share of its mean
}

TEST_CASE("The tridiagonal solver finds the spectrum that Jacobi's rotations find", "[linalg]") {
    for (const std::size_t n : {1U, 2U, 9U, 40U}) {
        const auto h = samples::moment_of(samples::correlated(n + 2, n, 8));
        const auto jacobi = pith::transform::symmetric_eigen({h.data(), h.data() + h.size()}, n);
        const spectrum s = symmetric_eigen(h);
        auto scaled = s.vectors;
        for (std::size_t r = 0; r < n; ++r)
            for (std::size_t c = 0; c < n; ++c) scaled(r, c) *= s.values[c];
        CHECK(close(multiply<double>(scaled, s.vectors.view().transposed()), h, 1e-12));
        CHECK(close(multiply<double>(s.vectors.view().transposed(), s.vectors), samples::identity<double>(n),
                    1e-12));
        for (std::size_t i = 0; i < n; ++i)
            CHECK(std::fabs(jacobi.values[i] - s.values[i]) < 1e-12 * s.values[0]);
    }
    CHECK(symmetric_eigen(matrix<double>(3, 3)).values == std::vector<double>(3));
}

namespace {

void check_columns(const matrix<float>& q) {
    CHECK(close(multiply(q.view().transposed(), q), samples::identity<float>(q.columns()), 2e-5));
}

template <svd_solver Solver>
void check_solver(const Solver& solver, double excess) {
    const auto flat = normal(90, 60, 4);
    const dense_operator a(flat.view());
    const double all = squared_norm(flat);
    const auto reference = exact_svd{}(a, 60, 1);
    REQUIRE(reference);
    CHECK(reference->rank() == 60);
    for (const std::size_t rank : {1U, 5U, 20U, 60U, 100U}) {
        const auto got = solver(a, rank, 7);
        REQUIRE(got);
        REQUIRE(got->rank() == (rank < 60 ? rank : 60));
        check_columns(got->left);
        check_columns(got->right);
        double optimal = all;
        for (std::size_t i = 0; i < got->rank(); ++i) optimal -= reference->values[i] * reference->values[i];
        const double error = squared_norm(difference<float>(flat, got->product()));
        CHECK(std::fabs(error - tail(all, *got)) < 1e-5 * all);  // the certificate
        CHECK(error >= optimal - 1e-5 * all);
        CHECK(std::sqrt(error) <=
              std::sqrt(optimal > 0 ? optimal : 0) * (1 + excess) + 2e-3 * std::sqrt(all));
        const auto again = solver(a, rank, 7);
        CHECK(squared_norm(difference<float>(again->left, got->left)) == 0);
    }
    // Rank-deficient, one row, one column, zero, not finite.
    const auto deficient = samples::of_rank(50, 70, 6, 2);
    const auto low = solver(dense_operator(deficient.view()), 20, 1);
    REQUIRE(low);
    CHECK(low->rank() >= 6);
    CHECK(close(low->product(), deficient, 1e-5));
    check_columns(low->left);
    for (const auto& line : {normal(1, 30, 1), normal(30, 1, 1)}) {
        const auto one = solver(dense_operator(line.view()), 4, 1);
        REQUIRE(one);
        CHECK(one->rank() == 1);
        CHECK(close(one->product(), line, 1e-5));
    }
    const auto none = solver(dense_operator(matrix<float>(8, 9).view()), 3, 1);
    REQUIRE(none);
    CHECK(none->rank() == 0);
    CHECK(squared_norm(none->product()) == 0);
    auto bad = normal(8, 9, 1);
    bad(3, 3) = std::numeric_limits<float>::infinity();
    CHECK_FALSE(solver(dense_operator(bad.view()), 3, 1));
    CHECK_FALSE(solver(dense_operator(bad.view()), 0, 1));
    CHECK_FALSE(solver(dense_operator(matrix<float>(0, 9).view()), 2, 1));
}

}  // namespace

TEST_CASE("Every solver comes near the optimal tail and gives orthonormal columns", "[linalg]") {
    check_solver(exact_svd{}, 1e-5);
    check_solver(randomized{}, 0.05);
    check_solver(block_krylov{}, 2e-3);
    check_solver(subspace_iteration{}, 0.02);
}

TEST_CASE("Matrices side by side are the operator that their concatenation is", "[linalg]") {
    const auto a = normal(20, 7, 1), b = normal(20, 12, 2);
    matrix<float> both(20, 19);
    copy(a, both.view().block(0, 0, 20, 7));
    copy(b, both.view().block(0, 7, 20, 12));
    const std::vector<pith::view_2d<const float>> parts{a.view(), b.view()};
    const concatenated_operator side_by_side(parts);
    const dense_operator dense(both.view());
    const auto v = normal(19, 4, 3), u = normal(20, 4, 4);
    CHECK(close(side_by_side.multiply(v.view()), dense.multiply(v.view()), 1e-6));
    CHECK(close(side_by_side.multiply_transposed(u.view()), dense.multiply_transposed(u.view()), 1e-6));
    // A part never has a larger i-th singular value than the whole.
    const auto whole = exact_svd{}(side_by_side, 7, 1), part = exact_svd{}(dense_operator(a.view()), 7, 1);
    for (std::size_t i = 0; i < 7; ++i) CHECK(whole->values[i] >= part->values[i] * (1 - 1e-6));
}

TEST_CASE("A basis of dependent columns spans them and leaves out the rest", "[linalg]") {
    auto y = normal(40, 6, 1);
    for (std::size_t r = 0; r < 40; ++r) {
        y(r, 2) = 2 * y(r, 0) - y(r, 1);
        y(r, 4) = 0;
    }
    const auto q = orthonormal(y);
    CHECK(q.columns() == 4);
    check_columns(q);
    CHECK(close(multiply(q, multiply(q.view().transposed(), y)), y, 1e-5));
    CHECK(orthonormal(normal(3, 8, 1)).columns() == 3);
    CHECK(orthonormal(matrix<float>(5, 2)).columns() == 0);
}
