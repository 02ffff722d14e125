// Published weight quantizers as aliases: what the columns of a layer become, one after the other.
#pragma once

#include <pith/calibrate/decoupled.hpp>
#include <pith/calibrate/group_affine.hpp>
#include <pith/calibrate/group_offset.hpp>
#include <pith/calibrate/incoherence.hpp>
#include <pith/calibrate/line_codebook.hpp>
#include <pith/calibrate/mixed_blocks.hpp>
#include <pith/calibrate/normalized_codebook.hpp>
#include <pith/calibrate/outliers.hpp>
#include <pith/calibrate/pruning.hpp>
#include <pith/calibrate/steps.hpp>
#include <pith/calibrate/successive.hpp>
#include <pith/calibrate/trellis_columns.hpp>

namespace pith::inline v1::systems {

// --- Successive quantization: all are policies of calibrate::successive_quantize --------------------------

// Frantar, Ashkboos, Hoefler, Alistarh, "GPTQ" (2022): affine grids of 128 columns, fitted on weights that
// have been compensated already. The metric's options choose damping and act-order. Not reproduced: static
// groups.
template <unsigned Bits>
using gptq = calibrate::group_affine<Bits>;

// Li and others, "GPTAQ" (2025): calibration with inputs of the compressed network. GPTQ's quantizer in the
// metric of calibrate::prepare_asymmetric, whose pull is their update inside the loop. calibrate::
// asymmetric_target is the least-squares solution that it, ResComp and Qronos approximate, and reaches lower
// errors. Not reproduced: ResComp's own update.
template <unsigned Bits>
using gptaq = gptq<Bits>;

// Chee, Cai, Kuleshov, De Sa, "QuIP" (2023): LDLQ is the same loop with any rounding of a column. The
// feedback is that of metric::feedback. Not reproduced: lattice codebooks; the rotations are in transform/.
template <unsigned Bits>
using ldlq = gptq<Bits>;

// Tseng, Sun, Hou, De Sa, "QTIP" (2024): randomized Hadamard transforms on both sides, calibrate::incoherence
// -> LDLQ -> trellis-coded columns: 2 to 4 bits a weight, 16 more for each row. Not reproduced: blocks of 16
// columns, tables for the codes, fine-tuning.
template <unsigned Bits>
using qtip = calibrate::trellis_columns<Bits>;

// Frantar, Alistarh, "SparseGPT" (2023): masks by (w T_jj)^2 within each group, 2 of 4 kept, compensated in
// the same pass. Not reproduced: masks over 128 columns and all rows together.
using sparse_gpt = calibrate::pruned<>;

// Guo and others, "Optimal Brain Restoration" (2025): pruning and quantization with one compensation. The
// slots of SparseGPT with an inner quantizer. Not reproduced: the solution row by row, of cubic cost for
// every row.
template <unsigned Bits>
using obr = calibrate::pruned<calibrate::group_affine<Bits>>;

// Dettmers and others, "SpQR" (2023): small groups, and outliers by weighed rounding error kept in half
// precision. Not reproduced: scales quantized a second time, leave-one-out grids.
template <unsigned Bits>
using spqr = calibrate::outliers_apart<calibrate::group_affine<Bits>>;

// Zeng and others, "GQSA" (2024): groups of 16 weights, those of least cost cut, 4 bits for the others. Not
// reproduced: a list of groups in place of the bitmap, training after the cut.
inline calibrate::group_offset gqsa(double kept = 0.5) { return calibrate::group_offset(4, 16, kept); }

// WaterSIC (2026): steps c / T_jj, integers without bound, entropy coded. calibrate::entropy_coded finds c
// for a rate by the bytes really written. Not reproduced: alternating row and column scales (rows only), cut
// inputs.
using water_sic = calibrate::stepped<calibrate::inverse_deviation>;

// The same with the codes of a column chosen together on the trellis of eight states: 0.9 dB less error at
// equal bytes on normal weights from 2 bits on, 0.3 to 0.4 dB on trained ones with heavy tails, whose many
// zeros the odd quantizer lacks.
using trellis_sic = calibrate::stepped<calibrate::inverse_deviation, vector::trellis<8>>;

// --- Others -----------------------------------------------------------------------------------------------

// Guo and others, "decoupleQ" (2024): codes and grids in turn, calibrate::decouple. Not reproduced: training
// of norms and biases block by block.
inline constexpr calibrate::decoupled_options decouple_q{.bits = 2, .group = 64};

// Liu and others, "NoWag" (2025): normalized rows and columns, vectors of six weights, 2 bits,
// calibrate::quantize_normalized. Not reproduced: first centres by k-means++, its pruning.
inline constexpr calibrate::normalized_options nowag{.dimension = 6, .index_bits = 12};

// Liu and others, "COMET" (2025), its mixed precision of activations: 8 bits for the blocks of 128 channels
// that hold outliers, 4 for the others, calibrate::gather_outliers. The weights are gptq<4> after the
// permutation.
inline constexpr calibrate::mixed_options comet{};

}  // namespace pith::inline v1::systems
