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

TEST_CASE("The least cost for an error is that of all combinations", "[budget]") {
    pith::random_sequence random(5);
    int feasible = 0;
    for (int round = 0; round < 150; ++round) {
        const auto table = random_table(random);
        const double most = random.uniform_double() * 3;
        const auto got = least_cost{}(table, most);
        std::uint64_t dear = 0;
        for (const auto& part : table)
            for (const option& o : part) dear += o.cost;
        if (!got) {
            REQUIRE(brute_force(table, dear) > most);
            continue;
        }
        ++feasible;
        REQUIRE(got->error <= most);
        const double cheaper = got->cost == 0 ? -1 : brute_force(table, got->cost - 1);
        REQUIRE((cheaper < 0 || cheaper > most));
    }
    REQUIRE(feasible > 50);
    CHECK_FALSE(least_cost{}(std::vector<std::vector<option>>{{}}, 1));
}

TEST_CASE("Evolution keeps the budget, never rises, and finds what sums of errors hide", "[budget]") {
    pith::random_sequence random(6);
    std::vector<std::vector<option>> table(8);
    for (auto& part : table) {
        const double scale = 1 + random.uniform_double();
        for (std::uint32_t bits = 1; bits <= 4; ++bits)
            part.push_back({bits, scale * std::exp2(-2.0 * static_cast<double>(bits))});
    }
    const std::uint64_t budget = 20;
    const auto cost = [&](std::span<const std::size_t> chosen) {
        std::uint64_t out = 0;
        for (std::size_t i = 0; i < chosen.size(); ++i) out += table[i][chosen[i]].cost;
        return out;
    };
    const auto separable = [&](std::span<const std::size_t> chosen, std::size_t) {
        REQUIRE(cost(chosen) <= budget);
        double out = 0;
        for (std::size_t i = 0; i < chosen.size(); ++i) out += table[i][chosen[i]].error;
        return out;
    };
    const auto best = knapsack{}(table, budget);
    const auto found = evolution{.generations = 400}(table, budget, separable);
    REQUIRE(found);
    CHECK(found->cost <= budget);
    CHECK(found->error <= best->error * 1.0001);
    // Parts 0 and 1 fail together: their errors multiply a hundredfold unless one of them is exact.
    const auto joint = [&](std::span<const std::size_t> chosen, std::size_t level) {
        return separable(chosen, level) + 100 * table[0][chosen[0]].error * table[1][chosen[1]].error;
    };
    const auto together = evolution{.generations = 400}(table, budget, joint);
    CHECK(joint(together->chosen, 0) < joint(best->chosen, 0));
    CHECK_FALSE(evolution{}(table, 7, separable));
    CHECK_FALSE(evolution{.survivors = {4}}(table, budget, separable));
    CHECK(evolution{}(std::vector<std::vector<option>>{}, 0, separable)->chosen.empty());
}

TEST_CASE("Bits go from the least sensitive parts first, and as few as the budget asks", "[budget]") {
    const std::vector<double> medians{0.5, 0.1, 2.0};
    const std::vector<std::uint64_t> sizes{10, 20, 5};
    const auto bits = [&](std::uint64_t budget) { return *bits_from_above(medians, sizes, budget, 8, 2); };
    using all = std::vector<std::uint32_t>;
    CHECK(bits(280) == all{8, 8, 8});
    CHECK(bits(279) == all{8, 7, 8});
    CHECK(bits(259) == all{7, 7, 8});
    CHECK(bits(245) == all{7, 7, 7});
    CHECK(bits(244) == all{7, 6, 7});
    CHECK(bits(70) == all{2, 2, 2});
    CHECK_FALSE(bits_from_above(medians, sizes, 69, 8, 2));
    CHECK_FALSE(bits_from_above(medians, std::vector<std::uint64_t>{1}, 69, 8, 2));
    CHECK_FALSE(bits_from_above(std::vector<double>{NAN, 1, 1}, sizes, 200, 8, 2));
}
