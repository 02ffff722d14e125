// The least total error within a budget, exactly: the multiple-choice knapsack problem.
// Dynamic programming over the pairs (cost, error) that no other pair beats (Nemhauser and Ullmann, 1969):
// exact integer costs, where published programs (L-GreCo, ROCKET) round them to bins and lose up to 11 %.
#pragma once

#include <algorithm>
#include <numeric>
#include <utility>

#include <pith/budget/options.hpp>

namespace pith::inline v1::budget {

/// Exact. Time and memory grow with the number of undominated pairs of a prefix of the parts, at most budget
/// / (greatest common divisor of the costs) + 1; when that exceeds most_states, an error says so.
struct knapsack {
    std::size_t most_states = std::size_t{1} << 22;

    [[nodiscard]] result<allocation> operator()(option_table table, std::uint64_t budget) const {
        if (auto least = detail::cheapest_everywhere(table, budget); !least) return least.error();
        std::vector<std::uint64_t> rest(table.size() + 1);  // least cost of the parts from i on
        for (std::size_t i = table.size(); i-- > 0;)
            rest[i] = rest[i + 1] + table[i][detail::cheapest(table[i])].cost;
        std::vector<std::vector<state>> fronts{{state{}}};
        for (std::size_t i = 0; i < table.size(); ++i) {
            auto next = extended(fronts.back(), table[i], budget - rest[i + 1]);
            if (next.size() > most_states)
                return error{error_code::limit_exceeded, 0, "too many undominated allocations"};
            fronts.push_back(std::move(next));
        }
        std::vector<std::size_t> chosen(table.size());
        std::size_t at = fronts.back().size() - 1;  // the dearest undominated state has the least error
        for (std::size_t i = table.size(); i-- > 0;) {
            const state& s = fronts[i + 1][at];
            chosen[i] = s.chosen;
            at = s.from;
        }
        return detail::summed(table, std::move(chosen));
    }

  private:
    struct state {
        std::uint64_t cost = 0;
        double error = 0;
        std::uint32_t from = 0, chosen = 0;
    };

    static std::vector<state> extended(const std::vector<state>& front, const std::vector<option>& part,
                                       std::uint64_t most) {
        std::vector<state> all;
        for (std::size_t j = 0; j < part.size(); ++j)
            for (std::size_t f = 0; f < front.size(); ++f)
                if (part[j].cost <= most && front[f].cost <= most - part[j].cost)
                    all.push_back({front[f].cost + part[j].cost, front[f].error + part[j].error,
                                   static_cast<std::uint32_t>(f), static_cast<std::uint32_t>(j)});
        std::sort(all.begin(), all.end(), [](const state& a, const state& b) {
            return std::pair(a.cost, a.error) < std::pair(b.cost, b.error);
        });
        std::vector<state> out;
        for (const state& s : all)
            if (out.empty() || s.error < out.back().error) out.push_back(s);
        return out;
    }
};

}  // namespace pith::inline v1::budget
