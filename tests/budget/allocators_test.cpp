// Allocators: exactness against brute force, budgets kept, orders between methods.
#include "support/catch.hpp"

#include <pith/budget.hpp>
#include <pith/core/random.hpp>

#include <cmath>
#include <vector>

namespace {

using namespace pith::budget;

std::vector<std::vector<option>> random_table(pith::random_sequence& random) {
    std::vector<std::vector<option>> out(1 + random.below(5));
    for (auto& part : out)
        for (std::uint32_t j = 0; j <= random.below(4); ++j)
            part.push_back({3 + 7 * random.below(12), random.uniform_double()});
    return out;
}

/// Least error of all combinations within the budget; negative when there is none.
double brute_force(option_table table, std::uint64_t budget, std::size_t at = 0) {
    if (at == table.size()) return 0;
    double best = -1;
    for (const option& o : table[at]) {
        if (o.cost > budget) continue;
        const double rest = brute_force(table, budget - o.cost, at + 1);
        if (rest >= 0 && (best < 0 || rest + o.error < best)) best = rest + o.error;
    }
    return best;
}

}  // namespace

TEST_CASE("The knapsack is exact, and no other allocator goes below it or over the budget", "[budget]") {
    pith::random_sequence random(1);
    int feasible = 0;
    for (int round = 0; round < 400; ++round) {
        const auto table = random_table(random);
        const std::uint64_t budget = random.below(300);
        const double best = brute_force(table, budget);
        const auto exact = knapsack{}(table, budget);
        REQUIRE(exact.has_value() == (best >= 0));
        REQUIRE(lagrangian{}(table, budget).has_value() == (best >= 0));
        if (best < 0) continue;
        ++feasible;
        REQUIRE(std::fabs(exact->error - best) < 1e-12);
        REQUIRE(exact->cost <= budget);
        const auto prices = lagrangian{}(table, budget);
        const auto rest = greedy{}(table, budget);
        REQUIRE(prices->cost <= budget);
        REQUIRE(rest->cost <= budget);
        REQUIRE(prices->error >= best - 1e-12);
        REQUIRE(rest->error >= best - 1e-12);
        REQUIRE(rest->error <= prices->error + 1e-12);
        // What prices explain is optimal for exactly what it costs.
        REQUIRE(std::fabs(prices->error - brute_force(table, prices->cost)) < 1e-12);
    }
    REQUIRE(feasible > 100);
}

TEST_CASE("Allocators refuse tables that make no sense", "[budget]") {
    using table = std::vector<std::vector<option>>;
    CHECK_FALSE(knapsack{}(table{{}}, 10));
    CHECK_FALSE(knapsack{}(table{{{1, std::nan("")}}}, 10));
    CHECK_FALSE(greedy{}(table{{{1, -1.0}}}, 10));
    CHECK_FALSE(lagrangian{}(table{{{~std::uint64_t{0}, 1.0}}, {{2, 1.0}}}, ~std::uint64_t{0}));
    CHECK_FALSE(knapsack{1}(table{{{1, 3.0}, {2, 1.0}}}, 10));
    const auto nothing = knapsack{}(table{}, 0);
    REQUIRE(nothing);
    CHECK(nothing->chosen.empty());
}

TEST_CASE("Water-filling spends all bits at one level of distortion", "[budget]") {
    const std::vector<double> variances{4, 1, 0.25, 0, 1e-6};
    const auto bits = water_filling(variances, 3.0);
    REQUIRE(bits);
    double sum = 0;
    for (const double b : *bits) sum += b;
    CHECK(std::fabs(sum - 3) < 1e-12);
    CHECK((*bits)[3] == 0);
    CHECK((*bits)[4] == 0);
    for (std::size_t i = 0; i < 3; ++i)
        CHECK(std::fabs(variances[i] * std::exp2(-2 * (*bits)[i]) - 4 * std::exp2(-4.0)) < 1e-12);
    CHECK_FALSE(water_filling(std::vector<double>{0.0, 0.0}, 1));
    CHECK_FALSE(water_filling(std::vector<double>{1.0, std::nan("")}, 1));
    CHECK_FALSE(water_filling(std::vector<double>{1.0}, -1));
}

TEST_CASE("Whole bits equal the knapsack over all widths", "[budget]") {
    pith::random_sequence random(2);
    for (int round = 0; round < 100; ++round) {
        std::vector<double> variances(1 + random.below(5));
        for (double& v : variances) v = std::exp(3 * random.gaussian());
        std::vector<std::vector<option>> table(variances.size());
        for (std::size_t i = 0; i < table.size(); ++i)
            for (std::uint64_t b = 0; b <= 6; ++b)
                table[i].push_back({b, variances[i] * std::exp2(-2.0 * static_cast<double>(b))});
        const std::uint64_t total = random.below(20);
        const auto bits = whole_bits(variances, total, 6);
        const auto exact = knapsack{}(table, total);
        REQUIRE(bits);
        REQUIRE(exact);
        double error = 0;
        for (std::size_t i = 0; i < table.size(); ++i) error += table[i][(*bits)[i]].error;
        REQUIRE(std::fabs(error - exact->error) <= 1e-12 * (1 + error));
    }
    CHECK_FALSE(whole_bits(std::vector<double>{-1.0}, 3, 4));
}
