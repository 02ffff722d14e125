// Published low-rank corrections as aliases: one compensator, told apart by the metric and by what is
// corrected.
#pragma once

#include <pith/lowrank/compensator.hpp>
#include <pith/lowrank/metric.hpp>
#include <pith/lowrank/sign_blocks.hpp>
#include <pith/lowrank/sparse_dictionary.hpp>

namespace pith::inline v1::systems {

// Liu and others, "EoRA" (2024): the quantization error in the full second moment. U_r and U_r^T D of D H
// D^T; no eigenvectors of H. Not reproduced: fine-tuning from the result.
using eora = lowrank::compensator<linalg::randomized>;
using eora_metric = lowrank::full_metric;

// Wang and others, "SVD-LLM" (2024), and "Dobi-SVD" (2025): the weights themselves in the
// full moment. Not reproduced: ranks learned by gradients, remapped 8-bit storage.
using svd_llm = lowrank::compensator<linalg::randomized>;
using svd_llm_metric = lowrank::full_metric;

// Zhang and others, "LQER" (2024); Yuan and others, "ASVD" (2023); the adapters of Mozaffari and others,
// "SLiM" (2024): a moment for every input, lowrank::saliency_moments. Not reproduced: 8-bit factors of LQER,
// exponents of ASVD other than 1, ranks by perplexity.
using lqer = lowrank::compensator<linalg::randomized>;
using lqer_metric = lowrank::diagonal_metric;

// Wang and others, "BitStack" (2024): signs times magnitudes of rank 16, block on block, by
// lowrank::stack_sign_blocks; a prefix of the blocks is a coarser layer. Not reproduced: blocks of all layers
// sorted by what they are worth to the model.
inline constexpr lowrank::sign_block_options bitstack{.rank = 16, .blocks = 8};

// "ROCKET" (2025), by lowrank::fit_sparse_dictionary; "CoSpaDi" (2025) and "DSFormer" (2025) have the same
// product of sparse codes and a dense dictionary. Not reproduced: K-SVD, training through a straight-through
// estimator, fixed patterns of places, ROCKET's global share of places; its knapsack is budget::knapsack.
inline constexpr lowrank::sparse_dictionary_options rocket{.entries = 128, .nonzeros = 64};

// "SAES-SVD" (2025): calibrate::compensate_cumulative. Not reproduced: ratios of ranks over layers.

// Kang and others, "GEAR" (2024), the low-rank part: power iteration on a sketch of exactly the rank. Plain
// metric; bases are orthonormalized at every step, not the last only. Not reproduced: its outliers.
inline constexpr linalg::randomized gear_power{.power = 1, .oversampling = 0};

}  // namespace pith::inline v1::systems
