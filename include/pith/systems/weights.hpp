// Published quantizers of weights as aliases over quant/.
// Each alias names its publication, the slots that realise its ideas, and what is not reproduced.
#pragma once

#include <span>

#include <pith/core/result.hpp>
#include <pith/quant/affine.hpp>
#include <pith/quant/bitmap_values.hpp>
#include <pith/quant/codebook_quantizer.hpp>
#include <pith/quant/double_scaled.hpp>
#include <pith/quant/grids.hpp>
#include <pith/quant/observer.hpp>
#include <pith/quant/rotated.hpp>
#include <pith/transform/randomized_hadamard.hpp>

namespace pith::inline v1::systems {

// --- Grids and clips -------------------------------------------------------------------------------------

/// SLiM-Quant (Mozaffari, Yazdanbakhsh, Mehri Dehnavi, 2024): one symmetric scale whose clip has the least
/// expected error on a histogram of the weights.
/// Histogram observer -> symmetric affine quantizer of the whole tensor.
/// Not reproduced: sparsity and low-rank adapters, which are compensators behind it.
template <unsigned Bits>
using slim_quant = quant::affine<
    quant::affine_options{
        .bits = Bits, .axis = quant::axis::tensor, .symmetric = true, .scale = quant::number_format::fp32},
    quant::slim_clip>;

/// QuEST (Panferov, Chen, Tabesh, Castro, Nikdan, Alistarh, 2025): Hadamard rotation, then the uniform grid
/// that fits a Gaussian of the same root mean square. Rotation of rows -> Gaussian-fit observer -> affine
/// quantizer per row. Not reproduced: training and its trust masks; the block size of the Hadamard is the
/// row.
template <unsigned Bits>
using quest = quant::rotated<quant::affine<quant::affine_options{.bits = Bits}, quant::gaussian_fit>,
                             transform::randomized_hadamard<>>;

/// NF4 of QLoRA (Dettmers, Pagnoni, Holtzman, Zettlemoyer, 2023); construct with quant::normal_float<4>().
/// Normal-float grid -> absolute maximum of 64 neighbours as a half number: 4.25 bits.
/// Not reproduced: what nf4_double does.
using nf4 = quant::codebook_quantizer<4, quant::codebook_options{.groups = {quant::axis::token, 64}}>;

/// NF4 with QLoRA's double quantization; construct with quant::normal_float<4>().
/// Normal-float grid -> absolute maximum of 64 neighbours -> eight bits about the mean of all, a step for 256
/// of them: 4.127 bits. Not reproduced: scales as floats of eight bits; they are evenly spaced here.
using nf4_double = quant::double_scaled<4>;

/// APoT (Li, Dong, Wang, 2020); construct with quant::additive_powers<Bits, Terms>().
/// Sums of powers of two -> a scale of least squared error per row: products by shifts.
/// Not reproduced: training of the clip with reparametrized gradients.
template <unsigned Bits>
using apot = quant::codebook_quantizer<Bits, quant::codebook_options{.groups = {quant::axis::token, 0},
                                                                     .fitted = true}>;

/// AdaPT (Kummer, Sidak, Reichmann, Gansterer, 2021): numbers in fixed point, the binary point that suits the
/// values best. Values -> place of the point -> grid. Not reproduced: word lengths that change in training.
/// Errors: no values, or one that is not finite.
template <unsigned Bits>
[[nodiscard]] inline result<quant::grid<Bits>> adapt(std::span<const float> values) {
    const auto fraction = quant::fit_fraction<Bits>(values);
    if (!fraction) return fraction.error();
    return quant::fixed_point<Bits>(*fraction);
}

/// NUPES / PowerQuant (Yvinec, Dapogny, Cord, Bailly, 2023); construct with quant::power_grid<Bits>(
/// quant::fit_power<Bits>(values)).
/// Power grid with a searched exponent -> absolute maximum per row.
/// Not reproduced: gradient search of the exponents.
template <unsigned Bits>
using nupes = quant::codebook_quantizer<Bits, quant::codebook_options{.groups = {quant::axis::token, 0}}>;

/// Endor (Joo, Hadidi, Feizi, Asgari, 2024): pruned weights as a bitmap and the values left, without loss.
/// 16 kept + 1 bits a weight. Not reproduced: decompression on a GPU and transfers from disks.
using endor = quant::bitmap_values;

// --- End of grids and clips ------------------------------------------------------------------------------

}  // namespace pith::inline v1::systems
