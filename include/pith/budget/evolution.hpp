// Allocation by search, where errors of parts do not add up: any function of the whole choice is made small.
// EvoPress (Sieberling and others, 2024): one parent, mutations that take from a part and give to another,
// and rounds of selection with fewer candidates on finer measures.
#pragma once

#include <algorithm>
#include <concepts>
#include <span>
#include <utility>
#include <vector>

#include <pith/budget/marginal.hpp>
#include <pith/core/random.hpp>

namespace pith::inline v1::budget {

/// A choice's error at one of several levels of care, 0 the coarsest.
template <class F>
concept fitness = requires(F f, std::span<const std::size_t> chosen, std::size_t level) {
    { f(chosen, level) } -> std::convertible_to<double>;
};

/// survivors: how many candidates are left after each level, the last 1.
struct evolution {
    std::size_t generations = 200;
    std::size_t offspring = 16;
    std::vector<std::size_t> survivors{4, 1};
    std::uint64_t seed = 1;

    /// Starts from the greedy choice. Laws: every choice that is tried keeps the budget; the error at the
    /// last level never rises. The error given back is the sum of the table's, as for other allocators.
    template <fitness Fitness>
    [[nodiscard]] result<allocation> operator()(option_table table, std::uint64_t budget,
                                                Fitness&& error_of) const {
        if (survivors.empty() || survivors.back() != 1)
            return error{error_code::unsupported_parameter, 0, "selection must end with one survivor"};
        auto start = greedy{}(table, budget);
        if (!start) return start.error();
        std::vector<std::size_t> parent = std::move(start->chosen);
        std::uint64_t cost = start->cost;
        random_sequence random(seed);
        const std::size_t last = survivors.size() - 1;
        double least = error_of(std::span<const std::size_t>(parent), last);
        for (std::size_t g = 0; g < generations; ++g) {
            std::vector<candidate> all;
            for (std::size_t k = 0; k < offspring; ++k)
                all.push_back(mutated(table, budget, parent, cost, random));
            for (std::size_t level = 0; level <= last; ++level) {
                for (candidate& c : all) c.error = error_of(std::span<const std::size_t>(c.chosen), level);
                std::sort(all.begin(), all.end(), [](const candidate& a, const candidate& b) {
                    return a.error != b.error ? a.error < b.error : a.chosen < b.chosen;
                });
                if (all.size() > survivors[level]) all.resize(survivors[level]);
            }
            if (all.empty() || !(all.front().error < least)) continue;
            least = all.front().error;
            cost = all.front().cost;
            parent = std::move(all.front().chosen);
        }
        return detail::summed(table, std::move(parent));
    }

  private:
    struct candidate {
        std::vector<std::size_t> chosen;
        std::uint64_t cost = 0;
        double error = 0;
    };

    /// One to three exchanges: a part gets another option, and where that exceeds the budget parts at random
    /// get cheaper ones; an exchange that finds no room is undone.
    static candidate mutated(option_table table, std::uint64_t budget, const std::vector<std::size_t>& parent,
                             std::uint64_t cost, random_sequence& random) {
        candidate out{parent, cost, 0};
        for (std::uint32_t times = 1 + random.below(3); times > 0; --times) {
            const candidate before = out;
            set(table, out, random);
            for (std::size_t tries = 0; out.cost > budget && tries < 4 * table.size(); ++tries) {
                const candidate dear = out;
                set(table, out, random);
                if (out.cost >= dear.cost) out = dear;
            }
            if (out.cost > budget) out = before;
        }
        return out;
    }
    static void set(option_table table, candidate& c, random_sequence& random) {
        if (table.empty()) return;
        const std::size_t part = random.below(static_cast<std::uint32_t>(table.size()));
        const std::size_t to = random.below(static_cast<std::uint32_t>(table[part].size()));
        c.cost = c.cost - table[part][c.chosen[part]].cost + table[part][to].cost;
        c.chosen[part] = to;
    }
};

}  // namespace pith::inline v1::budget
