// Published weight quantizers as aliases: what the columns of a layer become, one after the other.
#pragma once

#include <cmath>
#include <cstddef>
#include <span>
#include <vector>

#include <pith/calibrate/alternating.hpp>
#include <pith/calibrate/decoupled.hpp>
#include <pith/calibrate/group_affine.hpp>
#include <pith/calibrate/group_offset.hpp>
#include <pith/calibrate/incoherence.hpp>
#include <pith/calibrate/line_codebook.hpp>
#include <pith/calibrate/mixed_blocks.hpp>
#include <pith/calibrate/normalized_codebook.hpp>
#include <pith/calibrate/outliers.hpp>
#include <pith/calibrate/pruning.hpp>
#include <pith/calibrate/row_codebooks.hpp>
#include <pith/calibrate/steps.hpp>
#include <pith/calibrate/successive.hpp>
#include <pith/calibrate/surgeon.hpp>
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
// errors.
template <unsigned Bits>
using gptaq = gptq<Bits>;

// "ResComp" (2025): GPTAQ's update and one for what compensation has changed; the same quantizer for
// calibrate::lifted weights in the metric of calibrate::prepare_residual. Not reproduced: weights clamped to
// the range of their group in the outer update.
template <unsigned Bits>
using rescomp = gptq<Bits>;

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

// --- Greedy in the best order: exact, of cubic cost, for small layers ------------------------------------

// Frantar, Singh, Alistarh, "Optimal Brain Compression" (2022), pruning of a row: the weight of least cost,
// one after the other. Not reproduced: the choice of weights over all rows together.
inline constexpr calibrate::block_surgeon obc{.block = 1};

/// The same paper's OBQ: every weight of the row goes to one of 2^Bits evenly spaced levels over its range,
/// always the one that costs least. inverse is that of the inputs' moment. Not reproduced: weights beyond the
/// range first.
template <unsigned Bits>
requires(Bits >= 1 && Bits <= 8)
    [[nodiscard]] inline std::vector<float> obq(std::span<const float> row, linalg::input<double> inverse) {
    float low = 0, high = 0;
    for (const float v : row) {
        low = v < low ? v : low;
        high = v > high ? v : high;
    }
    constexpr auto top = static_cast<float>((1U << Bits) - 1);
    const float scale = high > low ? (high - low) / top : 1;
    return calibrate::surgeon(row, inverse, row.size(), [=](float v) {
        const float code = std::nearbyint((v - low) / scale);
        return low + scale * (code < 0 ? 0 : code > top ? top : code);
    });
}

// Kurtic and others, "The Optimal BERT Surgeon" (2022): blocks of four neighbours of a row by their joint
// cost. Not reproduced: the Fisher information of gradients (any moment will do), training between the cuts.
inline constexpr calibrate::block_surgeon optimal_bert_surgeon{.block = 4};

// van der Ouderaa and others, "The LLM Surgeon" (2023): whole columns, or rows of the transposed weights, in
// a Kronecker-factored curvature: moments of inputs and of output gradients. Not reproduced: several shots
// with new curvature, low-rank corrections between them, one threshold for all layers.
inline constexpr calibrate::column_surgeon llm_surgeon{};

// --- Others -----------------------------------------------------------------------------------------------

// Kim and others, "SqueezeLLM" (2023): a codebook for each row by sensitivity, outliers in half precision,
// calibrate::quantize_rows. Its codebooks come from Lloyd's steps, here from the exact dynamic program.
inline constexpr calibrate::row_codebook_options squeeze_llm{.bits = 3};

// Saha and others, "CALDERA" (2024): a quantized part and a correction of low rank in turn, the best round
// kept, calibrate::alternate over any base and any store of factors. Not reproduced: its lattice, its random
// rotations.
inline constexpr calibrate::alternating_options caldera{.rank = 64, .rounds = 20};

// Guo and others, "decoupleQ" (2024): codes and grids in turn, calibrate::decouple. Not reproduced: training
// of norms and biases block by block.
inline constexpr calibrate::decoupled_options decouple_q{.bits = 2, .group = 64};

// Hubara and others, "AdaQuant" (2020): weights and grids of a layer fitted to its outputs on a calibration
// text; calibrate::decouple has closed forms where the publication descends by gradients. Its integer program
// is systems::adaquant_program. Not reproduced: biases fitted too.
inline constexpr calibrate::decoupled_options ada_quant{.bits = 4, .group = 0};

// Liu and others, "NoWag" (2025): normalized rows and columns, vectors of six weights, 2 bits,
// calibrate::quantize_normalized. Not reproduced: first centres by k-means++, its pruning.
inline constexpr calibrate::normalized_options nowag{.dimension = 6, .index_bits = 12};

// Liu and others, "COMET" (2025), its mixed precision of activations: 8 bits for the blocks of 128 channels
// that hold outliers, 4 for the others, calibrate::gather_outliers. The weights are gptq<4> after the
// permutation.
inline constexpr calibrate::mixed_options comet{};

}  // namespace pith::inline v1::systems
