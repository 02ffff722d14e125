// Published low-rank corrections as aliases: one compensator, told apart by the metric and by what is
// corrected.
#pragma once

#include <pith/lowrank/compensator.hpp>
#include <pith/lowrank/metric.hpp>

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

// Kang and others, "GEAR" (2024), the low-rank part: power iteration on a sketch of exactly the rank. Plain
// metric; bases are orthonormalized at every step, not the last only. Not reproduced: its outliers.
inline constexpr linalg::randomized gear_power{.power = 1, .oversampling = 0};

}  // namespace pith::inline v1::systems
