// Options with a cost and an error for each part of a model: what every allocator chooses from.
// Costs are integers in units of the caller's, best bytes really written; errors add up over the parts.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include <pith/core/result.hpp>

namespace pith::inline v1::budget {

/// One way to store a part.
struct option {
    std::uint64_t cost = 0;
    double error = 0;
};

/// The options of every part; one of each is taken.
using option_table = std::span<const std::vector<option>>;

/// The choice for every part, and what it comes to.
struct allocation {
    std::vector<std::size_t> chosen;
    std::uint64_t cost = 0;
    double error = 0;
};

/// Laws: cost <= budget; chosen[i] is an option of part i; the same table gives the same choice.
template <class A>
concept allocator = requires(const A a, option_table table, std::uint64_t budget) {
    { a(table, budget) } -> std::same_as<result<allocation>>;
};

namespace detail {

inline constexpr error infeasible{error_code::unsupported_parameter, 0,
                                  "the budget does not hold the cheapest option of every part"};

/// Errors: a part without options, an error that is negative or not finite, or costs that overflow in sum.
[[nodiscard]] inline result<void> check(option_table table) noexcept {
    std::uint64_t left = ~std::uint64_t{0};
    for (const auto& part : table) {
        if (part.empty()) return error{error_code::unsupported_parameter, 0, "a part without options"};
        std::uint64_t most = 0;
        for (const option& o : part) {
            if (!(o.error >= 0 && o.error <= 1e300))
                return error{error_code::unsupported_parameter, 0, "an error is negative or not finite"};
            most = o.cost > most ? o.cost : most;
        }
        if (most > left) return error{error_code::unsupported_parameter, 0, "the costs are too large"};
        left -= most;
    }
    return {};
}

[[nodiscard]] inline std::size_t cheapest(const std::vector<option>& part) noexcept {
    std::size_t best = 0;
    for (std::size_t j = 1; j < part.size(); ++j)
        if (part[j].cost < part[best].cost ||
            (part[j].cost == part[best].cost && part[j].error < part[best].error))
            best = j;
    return best;
}

/// The allocation with its sums.
[[nodiscard]] inline allocation summed(option_table table, std::vector<std::size_t> chosen) {
    allocation out{std::move(chosen)};
    for (std::size_t i = 0; i < table.size(); ++i) {
        out.cost += table[i][out.chosen[i]].cost;
        out.error += table[i][out.chosen[i]].error;
    }
    return out;
}

/// The cheapest option everywhere; an error when that exceeds the budget.
[[nodiscard]] inline result<allocation> cheapest_everywhere(option_table table, std::uint64_t budget) {
    if (auto good = check(table); !good) return good.error();
    std::vector<std::size_t> chosen;
    for (const auto& part : table) chosen.push_back(cheapest(part));
    allocation out = summed(table, std::move(chosen));
    if (out.cost > budget) return infeasible;
    return out;
}

}  // namespace detail
}  // namespace pith::inline v1::budget
