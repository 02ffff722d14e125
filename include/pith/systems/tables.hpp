// Published coders of tables and point clouds, each one alias over policies of the library.
// Above each: the publication, which slot realises which idea, and what is not reproduced.
#pragma once

#include <pith/codec/latent_blocks.hpp>
#include <pith/entropy/rans_block.hpp>
#include <pith/vector/point_scan.hpp>

namespace pith::inline v1::systems {

// LiZIP (Shibu, Karim, Zito, 2026): points of a scan predicted from decoded ones, quantized differences, a
// coder; the bound of error is an option. Not reproduced: the trained perceptron (the best of fourteen ways
// to go on predicts here, among them ways along the ray of the sensor), its byte shuffle in front of a
// general compressor.
using lizip = vector::point_scan;

// Tables by latent variables (Montanari, Weiner, 2022). Classes of rows and columns, a block for each pair, a
// coder for each block. Not reproduced: latent variables from spectra (likelihood and the description's
// length give them and their number here), blocks in an order of their own for Lempel-Ziv.
template <entropy::block_coder Coder = entropy::rans_bytes<>>
using latent_tables = codec::latent_blocks<Coder>;

}  // namespace pith::inline v1::systems
