// Allocation by the gain for each unit spent: Lagrangian and greedy.
// Shoham and Gersho (1988): the options on the convex hull of every part, upgraded in the order of their
// slopes.
#pragma once

#include <algorithm>

#include <pith/budget/options.hpp>

namespace pith::inline v1::budget {

namespace detail {

/// An upgrade of a part from one option of its hull to the next.
struct upgrade {
    std::size_t part = 0, option = 0;
    std::uint64_t cost = 0;
    double slope = 0;  ///< error saved for each unit
};

/// The lower convex hull of a part's options by rising cost, from the cheapest to the least error.
[[nodiscard]] inline std::vector<std::size_t> hull(const std::vector<option>& part) {
    std::vector<std::size_t> order(part.size());
    for (std::size_t j = 0; j < order.size(); ++j) order[j] = j;
    std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
        if (part[a].cost != part[b].cost) return part[a].cost < part[b].cost;
        return part[a].error < part[b].error || (part[a].error == part[b].error && a < b);
    });
    const auto slope = [&](std::size_t a, std::size_t b) {
        return (part[a].error - part[b].error) / static_cast<double>(part[b].cost - part[a].cost);
    };
    std::vector<std::size_t> out;
    for (const std::size_t j : order) {
        if (!out.empty() &&
            (part[j].error >= part[out.back()].error || part[j].cost == part[out.back()].cost))
            continue;
        while (out.size() >= 2 && slope(out[out.size() - 2], out.back()) <= slope(out.back(), j))
            out.pop_back();
        out.push_back(j);
    }
    return out;
}

[[nodiscard]] inline std::vector<upgrade> upgrades(option_table table) {
    std::vector<upgrade> out;
    for (std::size_t i = 0; i < table.size(); ++i) {
        const auto line = hull(table[i]);
        for (std::size_t k = 1; k < line.size(); ++k) {
            const option &a = table[i][line[k - 1]], &b = table[i][line[k]];
            const std::uint64_t cost = b.cost - a.cost;
            out.push_back({i, line[k], cost, (a.error - b.error) / static_cast<double>(cost)});
        }
    }
    std::sort(out.begin(), out.end(), [&](const upgrade& a, const upgrade& b) {
        if (a.slope != b.slope) return a.slope > b.slope;
        if (a.part != b.part) return a.part < b.part;
        return table[a.part][a.option].cost < table[b.part][b.option].cost;
    });
    return out;
}

/// Takes upgrades by falling slope; `pass_over`: those that do not fit are left out and smaller ones tried.
[[nodiscard]] inline result<allocation> by_slope(option_table table, std::uint64_t budget, bool pass_over) {
    auto start = cheapest_everywhere(table, budget);
    if (!start) return start.error();
    std::uint64_t left = budget - start->cost;
    std::vector<bool> closed(table.size());
    for (const upgrade& u : upgrades(table)) {
        if (closed[u.part]) continue;
        if (u.cost > left) {
            if (!pass_over) break;
            closed[u.part] = true;  // later upgrades of the part build on this one
            continue;
        }
        left -= u.cost;
        start->chosen[u.part] = u.option;
    }
    return summed(table, std::move(start->chosen));
}

}  // namespace detail

/// The best allocation that some price of a unit explains: optimal at its own cost, at most one upgrade away
/// from the budget. Law: knapsack's error is never above it.
struct lagrangian {
    [[nodiscard]] result<allocation> operator()(option_table table, std::uint64_t budget) const {
        return detail::by_slope(table, budget, false);
    }
};

/// The same, and what is left over goes to the best upgrades that still fit.
struct greedy {
    [[nodiscard]] result<allocation> operator()(option_table table, std::uint64_t budget) const {
        return detail::by_slope(table, budget, true);
    }
};

}  // namespace pith::inline v1::budget
