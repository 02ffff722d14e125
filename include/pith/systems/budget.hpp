// Published allocators of bits and ranks as aliases: what each part of a model may cost.
// One table of options for each part (budget::option_table), integer costs, budgets kept to the unit.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include <pith/budget/error_target.hpp>
#include <pith/budget/evolution.hpp>
#include <pith/budget/knapsack.hpp>
#include <pith/budget/marginal.hpp>
#include <pith/budget/water_filling.hpp>

namespace pith::inline v1::systems {

// Markov and others, "L-GreCo" (2024): the smallest message whose error is that of a given uniform choice.
// Exact costs in place of bins of the error. Not reproduced: when to measure anew in training.
using l_greco = budget::least_cost;

// The allocator of "ROCKET" (2025): least error at a size, over shares of entries and of places. Exact costs
// in place of 30,000 bins. Not reproduced: options left out beforehand.
using rocket_budget = budget::knapsack;

// Hubara and others, "AdaQuant" (2020), its integer program: the loss of each layer at each precision against
// sizes or operations. Solved exactly. Not reproduced: losses measured on the network (the table is the
// caller's).
using adaquant_program = budget::knapsack;

// Sieberling and others, "EvoPress" (2024): one parent, mutations at equal budget, staged selection. Not
// reproduced: exchanges of exactly equal sizes; a choice may stay below the budget.
using evopress = budget::evolution;

// "DynaQuant", what needs no training: the bits of each block by the price of a bit. Not reproduced: scales
// and offsets from the content, and bits chosen by a trained network.
using dyna_quant = budget::lagrangian;

/// Fish and others, "myQASR" (2023): from `most` bits down, always at the part whose activations have the
/// least median magnitude. Errors: those of budget::bits_from_above. Not reproduced: uniform quantizers
/// calibrated by the speaker's recordings.
struct my_qasr {
    std::uint32_t most = 8, least = 2;
    [[nodiscard]] result<std::vector<std::uint32_t>> operator()(std::span<const double> medians,
                                                                std::span<const std::uint64_t> sizes,
                                                                std::uint64_t budget) const {
        return budget::bits_from_above(medians, sizes, budget, most, least);
    }
};

/// Gholami and others, "CASP" (2025), its bits of layers: `total` bits over layers of equal size so that the
/// sum of influence 4^-bits is least. Its low rank of queries and keys is systems::casp_low_rank.
struct casp_bits {
    std::uint32_t most = 8;
    [[nodiscard]] result<std::vector<std::uint32_t>> operator()(std::span<const double> influences,
                                                                std::uint64_t total) const {
        return budget::whole_bits(influences, total, most);
    }
};

}  // namespace pith::inline v1::systems
