// The least cost that keeps an error, and bits taken away where a model feels it least.
// L-GreCo (Markov and others, 2024) in exact form: its bins of the error are the budgets of a bisection here.
// myQASR (Fish and others, 2023): from the most bits down, always at the part of the least activations.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include <pith/budget/knapsack.hpp>

namespace pith::inline v1::budget {

/// The cheapest allocation whose error is at most `most`. Exact: the knapsack's error falls with its budget,
/// so bisection on integer budgets finds the least. Errors: those of the table, and unsupported_parameter
/// where the best options everywhere err more.
struct least_cost {
    knapsack exact{};

    [[nodiscard]] result<allocation> operator()(option_table table, double most) const {
        if (const auto good = detail::check(table); !good) return good.error();
        std::uint64_t low = 0, high = 0;  // costs: the cheapest everywhere, the dearest everywhere
        for (const auto& part : table) {
            std::uint64_t dear = 0;
            for (const option& o : part) dear = o.cost > dear ? o.cost : dear;
            low += part[detail::cheapest(part)].cost;
            high += dear;
        }
        auto best = exact(table, high);
        if (!best) return best.error();
        if (!(best->error <= most))
            return error{error_code::unsupported_parameter, 0, "the best options err more than allowed"};
        while (low < best->cost) {
            const std::uint64_t middle = low + (best->cost - low) / 2;
            auto tried = exact(table, middle);
            if (!tried) return tried.error();
            if (tried->error <= most)
                best = std::move(tried);
            else
                low = middle + 1;
        }
        return best;
    }
};

/// Whole bits for parts of given sizes in values: all begin at `most`, and the part whose sensitivity
/// (myQASR: the median magnitude of its activations) is least gives up a bit until size x bits fit the
/// budget; parts that have `least` bits give none. One round takes a bit from every part before any gives a
/// second. Errors: lengths that differ, sensitivities that are no numbers, or a budget below `least` bits
/// everywhere.
[[nodiscard]] inline result<std::vector<std::uint32_t>> bits_from_above(std::span<const double> sensitivities,
                                                                        std::span<const std::uint64_t> sizes,
                                                                        std::uint64_t budget,
                                                                        std::uint32_t most,
                                                                        std::uint32_t least) {
    constexpr std::uint64_t top = std::uint64_t{1} << 48;
    if (sensitivities.size() != sizes.size() || least > most || most > 64)
        return error{error_code::unsupported_parameter, 0, "lengths that differ, or no range of bits"};
    std::vector<std::size_t> order;
    std::uint64_t total = 0;
    for (std::size_t i = 0; i < sizes.size(); ++i) {
        if (!(sensitivities[i] >= 0 && sensitivities[i] <= 1e300) || sizes[i] > top || total > top)
            return error{error_code::unsupported_parameter, 0, "a sensitivity or size out of range"};
        total += sizes[i];
        order.push_back(i);
    }
    if (budget < total * least)
        return error{error_code::unsupported_parameter, 0, "the budget is below the least bits"};
    std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
        return sensitivities[a] != sensitivities[b] ? sensitivities[a] < sensitivities[b] : a < b;
    });
    std::vector<std::uint32_t> out(sizes.size(), most);
    std::uint64_t used = total * most;
    for (std::uint32_t round = most; round > least; --round)
        for (const std::size_t i : order) {
            if (used <= budget) return out;
            --out[i];
            used -= sizes[i];
        }
    return out;
}

}  // namespace pith::inline v1::budget
