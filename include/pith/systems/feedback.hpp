// Published systems of error feedback and communication, each one alias over policies of the library.
// Above each: the publication, which slot realises which idea, and what is not reproduced.
#pragma once

#include <cstddef>

#include <pith/feedback/anchored_extragradient.hpp>
#include <pith/feedback/controlled_feedback.hpp>
#include <pith/feedback/difference_feedback.hpp>
#include <pith/feedback/error_feedback.hpp>
#include <pith/feedback/frozen_adam.hpp>
#include <pith/feedback/grouped_uniform.hpp>
#include <pith/feedback/low_frequency.hpp>
#include <pith/feedback/momentum_correction.hpp>
#include <pith/feedback/power_averaging.hpp>
#include <pith/feedback/random_k.hpp>
#include <pith/feedback/random_projection.hpp>
#include <pith/feedback/scaled_sign.hpp>
#include <pith/feedback/sides.hpp>
#include <pith/feedback/top_k.hpp>

namespace pith::inline v1::systems {

// --- Schemes: a worker's and a server's side over any compressor that fits; run them with feedback::exchange
// ---

// EF14: Seide et al., "1-bit SGD" (2014); Stich et al., "Sparsified SGD with memory" (2018).
// worker: what a message leaves out is added to the next gradient; server: mean.
// Not reproduced: a memory rescaled for changing steps (see the worker's comment).
template <feedback::contractive_compressor C>
using ef14 = feedback::error_feedback<C>;

// EF21: Richtarik, Sokolov, Fatkhullin (2021); weighted: Richtarik et al. (2024); momentum: Fatkhullin et al.
// (2023). worker: compressed differences, difference_options choose weights and momentum; server: weighted
// sum of all. Not reproduced: variance reduction, partial participation, compression of the model on its way
// down.
template <feedback::contractive_compressor C>
using ef21 = feedback::difference_feedback<C>;

// EControl: Gao, Islamov, Stich, "Error control for compressed distributed SGD" (2023).
// worker: error and difference in one message; server: weighted sum of all.
// Not reproduced: nothing of the algorithm.
template <feedback::contractive_compressor C>
using econtrol = feedback::controlled_feedback<C>;

// 1-bit Adam: Tang et al. (2021).
// both sides: plain Adam in warm-up, then frozen variance and momentum by scaled_sign with error feedback.
// Not reproduced: one scale for each of several layers (make one exchange a layer).
using one_bit_adam = feedback::frozen_adam<feedback::scaled_sign>;

// Deep Gradient Compression: Lin et al. (2017).
// worker: clipping, momentum correction, factor masking, warm-up of sparsity; mask by arithmetic coding.
// Not reproduced: the threshold estimated on a sample (selection is exact and takes three passes).
using deep_gradient_compression = feedback::momentum_correction<feedback::top_k<>>;

// MASHA1: Beznosikov et al., "Distributed methods with compressed communication for variational inequalities"
// (2021). messages: unbiased differences to the reference, none remembered; iterate: anchored_extragradient.
// Not reproduced: partial participation.
template <feedback::unbiased_compressor C = feedback::random_k<>>
using masha1 = feedback::naive<C>;

// MASHA2: the same paper, for contractive compressors.
// messages: differences to the reference with error feedback; iterate: feedback::anchored_extragradient.
// Not reproduced: partial participation.
template <feedback::contractive_compressor C = feedback::top_k<>>
using masha2 = feedback::error_feedback<C>;

// PowerSGD: Vogels, Karimireddy, Jaggi (2019).
// worker: memory + gradient, one half-iteration of each factor with a warm start; the caller's all-reduce
// adds. Not reproduced: the choice of which layers to compress, the uncompressed first steps (both the
// caller's).
using power_sgd = feedback::power_averaging;

// --- Codes of vectors
// ------------------------------------------------------------------------------------------

// ComPEFT: Yadav et al. (2023), sparse ternary task vectors.
// mask: Golomb gaps; values: signs under alpha standard deviations (deviation_values{alpha}).
// Not reproduced: the choice of density and alpha by validation (constructor arguments).
using compeft = feedback::top_k<feedback::golomb_mask, feedback::deviation_values>;

/// The same with the mask by adaptive arithmetic coding.
using compeft_arithmetic = feedback::top_k<feedback::adaptive_mask, feedback::deviation_values>;

// GACT: Liu et al. (2022).
// values: groups of 256 with bfloat16 least value and step, random rounding to Bits bits.
// Not reproduced: bits by measured sensitivity (that needs the training loop; allocate with budget/).
template <unsigned Bits = 4>
using gact = feedback::grouped_uniform<Bits, 256>;

// DIVISION: Wang et al. (2023).
// low frequency: means of eight values as bfloat16; the rest: two bits in groups of 256.
// Not reproduced: 8 x 8 blocks of images (means are one-dimensional here), deterministic rounding.
using division = feedback::low_frequency<feedback::grouped_uniform<2, 256>, 8>;

// CompAct: Shamshoum et al. (2024).
// rows times a Gaussian matrix drawn from a seed.
// Not reproduced: gradients taken in the projected space, and optimizer states kept there.
using compact = feedback::random_projection;

}  // namespace pith::inline v1::systems
