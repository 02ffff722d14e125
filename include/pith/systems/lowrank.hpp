// Published low-rank corrections as aliases: one compensator, told apart by the metric and by what is
// corrected.
#pragma once

#include <pith/budget/water_filling.hpp>
#include <pith/linalg/incremental_svd.hpp>
#include <pith/linalg/tensor_train.hpp>
#include <pith/lowrank/channels.hpp>
#include <pith/lowrank/compensator.hpp>
#include <pith/lowrank/metric.hpp>
#include <pith/lowrank/remapped.hpp>
#include <pith/lowrank/sign_blocks.hpp>
#include <pith/lowrank/sparse_dictionary.hpp>
#include <pith/lowrank/wavelet_bands.hpp>

namespace pith::inline v1::systems {

// Liu and others, "EoRA" (2024): the quantization error in the full second moment. U_r and U_r^T D of D H
// D^T; no eigenvectors of H. Not reproduced: fine-tuning from the result.
using eora = lowrank::compensator<linalg::randomized>;
using eora_metric = lowrank::full_metric;

// Wang and others, "SVD-LLM" (2024): the weights themselves in the full moment.
using svd_llm = lowrank::compensator<linalg::randomized>;
using svd_llm_metric = lowrank::full_metric;

// Wang and others, "Dobi-SVD" (2025): the same truncation, stored by lowrank::remap_factors, whose rank
// lowrank::remapped_rank takes from a number of bytes. Its basis comes from outputs by incremental PCA, here
// from the moment itself, which is exact. Not reproduced: ranks learned by gradients, codes of eight bits
// with dynamic exponents.
using dobi_svd = svd_llm;

// Gholami and others, "CASP" (2025): queries and keys by svd_llm at a low rank, which sparse attention
// forgives, then all layers quantized at bits by their influence: budget::whole_bits of the influences. Not
// reproduced: the quantizers behind it are the caller's choice.
using casp_low_rank = svd_llm;

// Lin and others, "MoDeGPT" (2024), one function for each kind of module: ridge_leverage, largest_scores and
// nystrom_blend for feed-forward layers, query_key_scores for queries and keys, compress_pair (values and
// outputs) for the third. Not reproduced: shares of layers by a softmax of their influence.
using modegpt_values = lowrank::factors;

// "DOTResize" (2025): neurons merged by optimal transport, lowrank::transport_blend over those kept. At equal
// channels nystrom_blend leaves less error, since it is the best of all blends. Not reproduced: rotations
// that carry the merged residual stream through the norms.
inline constexpr linalg::transport_options dot_resize{.entropy = 0.02};

// "WaRA" (2025): ranks of wavelet bands of an update, lowrank::fit_bands. Not reproduced: the training of the
// factors; here they are fitted to an update that exists.
using wara_wavelet = transform::daubechies_4;

// Zhang and others, "LQER" (2024); Yuan and others, "ASVD" (2023); the adapters of Mozaffari and others,
// "SLiM" (2024): a moment for every input, lowrank::saliency_moments. Not reproduced: 8-bit factors of LQER,
// exponents of ASVD other than 1, ranks by perplexity.
using lqer = lowrank::compensator<linalg::randomized>;
using lqer_metric = lowrank::diagonal_metric;

// Kaushal and others, "LoRD" (2023): the same projection in the centred moment E[x x^T] - E[x] E[x]^T; what
// it cuts of the mean, (W - U U^T W) E[x], is the caller's bias.
using lord = lowrank::compensator<linalg::randomized>;

// Yu and others, "Unified Low-rank Compression Framework for Click-through Rate Prediction" (2024): principal
// axes of what a layer gives out (atomic feature mimicking), which is lord for layers; for a table of
// embeddings the metric is that of how often its rows are asked for. Not reproduced: the activation put
// between the factors, fine-tuning.
using ctr_low_rank = lord;

// Chai and others, "INT2.1" (2023), its error correction: eora on what calibrate::asymmetric_target asks
// beyond the quantized weights; a closed form where the publication trains. Not reproduced: that training.
using int21_lrec = lowrank::compensator<linalg::randomized>;

// "CompactifAI" (2024): a train of tensors, linalg::decompose_train, which is multiplied without forming the
// weights. Not reproduced: training after the cut.
using compactif_ai = linalg::tensor_train;

// Layers and tables kept in tensor formats with ranks fixed beforehand: the train above, and Tucker's form by
// linalg::decompose_tucker. Not reproduced: formats that are trained from the start.
using tucker_layer = linalg::tucker;

// Layers that share one basis (concatenated decompositions; xKV, 2025, does so for caches): the joint
// operator, or linalg::incremental_svd where the layers come one by one; linalg::bounds_of_shared_basis tells
// beforehand.
using shared_basis = linalg::concatenated_operator;

// Wang and others, "BitStack" (2024): signs times magnitudes of rank 16, block on block, by
// lowrank::stack_sign_blocks; a prefix of the blocks is a coarser layer. Not reproduced: blocks of all layers
// sorted by what they are worth to the model.
inline constexpr lowrank::sign_block_options bitstack{.rank = 16, .blocks = 8};

// "ROCKET" (2025), by lowrank::fit_sparse_dictionary. Not reproduced: its global share of places; its
// knapsack is systems::rocket_budget.
inline constexpr lowrank::sparse_dictionary_options rocket{.entries = 128, .nonzeros = 64};

// "CoSpaDi" (2025): the same product of sparse codes and a dense dictionary, half of the entries in a code,
// more rounds. Not reproduced: K-SVD; codes come from hard thresholding, the dictionary from least squares.
inline constexpr lowrank::sparse_dictionary_options cospadi{.entries = 128, .nonzeros = 64, .rounds = 60};

// "DSFormer" (2025): few values in each code, a fixed number of them. Not reproduced: places fixed for blocks
// of columns, training through a straight-through estimator.
inline constexpr lowrank::sparse_dictionary_options dsformer{.entries = 128, .nonzeros = 16, .rounds = 20};

// "SAES-SVD" (2025): calibrate::compensate_cumulative. Not reproduced: ratios of ranks over layers.

// Kang and others, "GEAR" (2024), the low-rank part: power iteration on a sketch of exactly the rank. Plain
// metric; bases are orthonormalized at every step, not the last only. Not reproduced: its outliers.
inline constexpr linalg::randomized gear_power{.power = 1, .oversampling = 0};

}  // namespace pith::inline v1::systems
