// Couplings: marginals are kept exactly, entropy stays near the optimum that enumeration finds.
#include <pith/entropy/coupling.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include <pith/core/random.hpp>

#include "support/catch.hpp"

namespace {

using namespace pith::entropy;
using masses = std::vector<std::uint64_t>;

/// n masses of sum 4096, some of them 0.
masses random_masses(pith::random_sequence& random, std::size_t n) {
    masses out(n);
    const std::uint32_t kind = random.below(3);
    for (int i = 0; i < 4096; ++i) {
        std::size_t at = random.below(static_cast<std::uint32_t>(n));
        for (std::uint32_t k = 0; k < kind; ++k)
            at = std::min<std::size_t>(at, random.below(static_cast<std::uint32_t>(n)));
        ++out[at];
    }
    return out;
}

/// The least sum of -m log2 m over all couplings. Entropy is concave, so that it is least where as many cells
/// as can be are empty; such couplings come from filling cells as far as they go, in some order.
double least_sum(masses& rows, masses& columns, std::uint64_t left) {
    if (left == 0) return 0;
    double best = 1e300;
    for (auto& a : rows)
        for (auto& b : columns) {
            const std::uint64_t m = std::min(a, b);
            if (m == 0) continue;
            a -= m;
            b -= m;
            const auto x = static_cast<double>(m);
            best = std::min(best, least_sum(rows, columns, left - m) - x * std::log2(x));
            a += m;
            b += m;
        }
    return best;
}
double least_entropy(masses rows, masses columns) { return least_sum(rows, columns, 4096) / 4096 + 12; }

/// The greatest entropy <= bound of all maps to classes: partitions by restricted growth.
double best_bounded(const masses& p, double bound, masses& classes, std::size_t at) {
    if (at == p.size()) {
        const double h = entropy_of(classes);
        return h <= bound ? h : -1;
    }
    double best = -1;
    for (std::size_t c = 0; c <= classes.size() && c < p.size(); ++c) {
        const bool fresh = c == classes.size();
        if (fresh) classes.push_back(0);
        classes[c] += p[at];
        best = std::max(best, best_bounded(p, bound, classes, at + 1));
        classes[c] -= p[at];
        if (fresh) {
            classes.pop_back();
            break;
        }
    }
    return best;
}

void check_marginals(const coupling& c, const masses& rows, const masses& columns) {
    masses by_row(rows.size()), by_column(columns.size());
    for (const auto& cell : c.cells()) {
        REQUIRE(cell.mass >= 1);
        by_row[cell.row] += cell.mass;
        by_column[cell.column] += cell.mass;
    }
    REQUIRE(by_row == rows);
    REQUIRE(by_column == columns);
    REQUIRE(c.cells().size() < rows.size() + columns.size());
}

}  // namespace

TEST_CASE("The greedy coupling keeps both marginals and stays within 0.53 bits of the least entropy") {
    pith::random_sequence random(1);
    double worst = 0;
    for (int round = 0; round < 300; ++round) {
        const masses a = random_masses(random, 2 + random.below(2)),
                     b = random_masses(random, 2 + random.below(2));
        const coupling c = coupling::greedy(a, b);
        check_marginals(c, a, b);
        const double least = least_entropy(a, b), got = c.joint_entropy();
        REQUIRE(got >= least - 1e-9);
        REQUIRE(got >= std::max(entropy_of(a), entropy_of(b)) - 1e-9);
        worst = std::max(worst, got - least);
    }
    CHECK(worst <= 0.5308);
    CHECK(worst > 0);  // greedy is not always best
    const masses same{1000, 3000, 96};
    CHECK(coupling::greedy(same, same).joint_entropy() == entropy_of(same));
}

TEST_CASE("Marginals of other sizes couple, and columns drawn given rows have the columns' distribution") {
    pith::random_sequence random(2);
    for (const std::size_t n : {1U, 5U, 64U})
        for (const std::size_t m : {1U, 3U, 300U}) {
            const masses a = random_masses(random, n), b = random_masses(random, m);
            const coupling c = coupling::greedy(a, b);
            check_marginals(c, a, b);
            masses drawn(m);
            for (std::uint32_t row = 0; row < n; ++row)
                for (std::uint64_t at = 0; at < a[row]; ++at) ++drawn[c.column_given(row, at)];
            REQUIRE(drawn == b);
        }
}

TEST_CASE("Classes keep the bound of entropy and nearly all that any map below it keeps") {
    pith::random_sequence random(3);
    double lost = 0, sum = 0;
    for (int round = 0; round < 100; ++round) {
        const masses p = random_masses(random, 2 + random.below(5));
        const double bound = 2.5 * random.uniform_double();
        const symbol_classes got = entropy_bounded_classes(p, bound);
        masses sums(got.masses.size());
        for (std::size_t i = 0; i < p.size(); ++i) sums[got.class_of[i]] += p[i];
        REQUIRE(sums == got.masses);
        const double h = entropy_of(got.masses);
        REQUIRE(h <= bound);
        masses none;
        const double best = best_bounded(p, bound, none, 0);
        REQUIRE(h <= best + 1e-9);
        lost = std::max(lost, best - h);
        sum += best - h;
    }
    CAPTURE(lost, sum);
    CHECK(sum < 3);
    CHECK(lost < 0.5);
    const masses p{8, 4, 2, 1, 1};
    CHECK(entropy_bounded_classes(p, 3).masses.size() == 5);
    CHECK(entropy_bounded_classes(p, 0).masses.size() == 1);
}

TEST_CASE(
    "Through a bottleneck the output knows no more of the source than the bound, and more with more bits") {
    pith::random_sequence random(4);
    for (int round = 0; round < 20; ++round) {
        const masses source = random_masses(random, 40), out = random_masses(random, 30);
        double before = -1e-9;
        for (const double bound : {0.0, 1.0, 2.0, 3.0, 4.0, 6.0}) {
            const bottleneck_coupling pair = couple_through(source, out, bound);
            check_marginals(pair.code_to_out, pair.code.masses, out);
            const double information =
                entropy_of(pair.code.masses) + entropy_of(out) - pair.code_to_out.joint_entropy();
            REQUIRE(information <= bound + 1e-9);
            REQUIRE(information > 0.7 * std::min(bound, entropy_of(out)) - 1);
            REQUIRE(information > before - 0.3);
            before = information;
        }
    }
}
