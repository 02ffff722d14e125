// Entropy back ends of learned codecs as aliases: what turns the integers of a network into bytes.
// The networks are the program's own; Balle, Minnen, Singh, Hwang, Johnston (2018) and what followed them.
#pragma once

#include <cstdint>

#include <pith/entropy/latent_order.hpp>
#include <pith/entropy/model_mixture.hpp>
#include <pith/entropy/model_parametric.hpp>
#include <pith/entropy/model_parametric_table.hpp>
#include <pith/entropy/ordered_latents.hpp>
#include <pith/entropy/parametric_codec.hpp>
#include <pith/quant/entropy_coded_scalar.hpp>
#include <pith/quant/priced_integers.hpp>
#include <pith/transform/wavelet_packets.hpp>
#include <pith/transform/wavelets.hpp>
#include <pith/vector/index_stream.hpp>

namespace pith::inline v1::systems {

// Mean-scale hyperpriors (Minnen, Balle, Toderici, 2018), as S2LIC, CMamba, CRA5 and HCFSSNet use them: every
// integer under a Gaussian of its own mean and scale, interleaved rANS. Not reproduced: the networks that
// give the parameters.
using gaussian_latents = entropy::parametric_codec<entropy::parametric_models<entropy::gaussian>>;

// The same with scales from a list of 64, as codecs tabulate them: faster.
using tabled_latents = entropy::parametric_codec<entropy::parametric_scale_table<entropy::gaussian>>;

// Mixtures of logistics or Gaussians (Cheng, Sun, Takeuchi, Katto, 2020; MLIC and spatiotemporal models):
// weights, means and scales of Components for every integer. Not reproduced: the networks.
template <std::size_t Components = 3, class Family = entropy::logistic>
using mixture_latents = entropy::parametric_codec<entropy::mixture_models<Family, Components>>;

// Checkerboard and channel-grouped contexts (He, Zheng, Sun, Wang, Qin, 2021; ELIC: He, Yang, Peng, Ma, Qin,
// Wang, 2022; ISCS). Order: in each group of channels the anchors, then the others, two calls of the context
// model for a group instead of one for each place. Not reproduced: the context models, which are the
// program's callback.
template <entropy::latent_codec Codec = gaussian_latents>
using checkerboard_latents = entropy::ordered_latents<Codec, entropy::checkerboard_groups>;

// Indices of VQ codecs (McQuic, VQGAN codecs, Control-GIC) under adaptive frequencies of their stage or
// channel: vector::encode_indices<Bits> with as many columns as stages. Not reproduced: codebooks reduced by
// k-means, indices of neighbours as contexts.
template <unsigned Bits>
using vq_index_model = vector::symbol_tree<Bits>;

// WaLLoC (Jacobellis, Yadwadkar, 2024), its transform: wavelet packets in front of a quantizer and a coder;
// the tree is uniform there, best_packet_tree finds the cheapest. Not reproduced: the learned linear map.
template <transform::wavelet Wavelet = transform::daubechies_4>
using walloc_transform = transform::wavelet_packets<Wavelet>;

// Supervised bottlenecks (SC2 and Entropic Student, Matsubara and others, 2022), what stands behind the
// bottleneck: uniform steps and an adaptive coder for each channel. Not reproduced: training of the
// bottleneck.
using bottleneck_coder = quant::entropy_coded_scalar<quant::scalar_options{.per_column = true}>;

// BackSlash (Wu and others, 2025): multiples of a step by error and price of bits, Exp-Golomb codes. On
// squares of normal numbers 3 to 6 % less error at equal bits from 2.5 to 4.7 bits, nothing above 6. Not
// reproduced: training under the rate, the shape of the generalized Gaussian (the order of the code is
// given).
using backslash = quant::priced_integers;

}  // namespace pith::inline v1::systems
