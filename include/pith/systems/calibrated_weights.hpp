// Published weight quantizers as aliases: what the columns of a layer become, one after the other.
#pragma once

#include <pith/calibrate/group_affine.hpp>
#include <pith/calibrate/line_codebook.hpp>
#include <pith/calibrate/outliers.hpp>
#include <pith/calibrate/pruning.hpp>
#include <pith/calibrate/steps.hpp>
#include <pith/calibrate/successive.hpp>

namespace pith::inline v1::systems {

// --- Successive quantization: all are policies of calibrate::successive_quantize --------------------------

// Frantar, Ashkboos, Hoefler, Alistarh, "GPTQ" (2022): affine grids of 128 columns, fitted on weights that
// have been compensated already. The metric's options choose damping and act-order. Not reproduced: static
// groups.
template <unsigned Bits>
using gptq = calibrate::group_affine<Bits>;

// Li and others, "GPTAQ" (2025); ResComp; Qronos: calibration with inputs of the compressed network. The
// target is calibrate::asymmetric_target, the least-squares solution that they approximate; the quantizer is
// GPTQ's. Not reproduced: their updates inside the loop, which reach higher objectives than the closed form.
template <unsigned Bits>
using gptaq = gptq<Bits>;

// Chee, Cai, Kuleshov, De Sa, "QuIP" (2023): LDLQ is the same loop with any rounding of a column. The
// feedback is that of metric::feedback. Not reproduced: lattice codebooks; the rotations are in transform/.
template <unsigned Bits>
using ldlq = gptq<Bits>;

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

// WaterSIC (2026): steps c / T_jj, integers without bound, entropy coded. calibrate::entropy_coded finds c
// for a rate by the bytes really written. Not reproduced: alternating row and column scales (rows only), cut
// inputs.
using water_sic = calibrate::stepped<calibrate::inverse_deviation>;

}  // namespace pith::inline v1::systems
