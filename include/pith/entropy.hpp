// Everything in entropy/: models, arithmetic and range coders, rANS, tANS, Huffman, Golomb and Elias codes,
// bit planes. Needs neither xsimd nor intrinsics; the vector kernels are in pith/codec.hpp. Left out, as no
// part of a coder: entropy/coupling.hpp.
#pragma once

#include <pith/entropy/adaptive_binary.hpp>
#include <pith/entropy/adaptive_nibble.hpp>
#include <pith/entropy/arithmetic_binary.hpp>
#include <pith/entropy/bit_plane.hpp>
#include <pith/entropy/carry.hpp>
#include <pith/entropy/chunked.hpp>
#include <pith/entropy/concepts.hpp>
#include <pith/entropy/context.hpp>
#include <pith/entropy/elias.hpp>
#include <pith/entropy/frequency.hpp>
#include <pith/entropy/golomb.hpp>
#include <pith/entropy/huffman.hpp>
#include <pith/entropy/huffman_decode.hpp>
#include <pith/entropy/huffman_hierarchical.hpp>
#include <pith/entropy/huffman_table.hpp>
#include <pith/entropy/latent_order.hpp>
#include <pith/entropy/model_adaptive_bit.hpp>
#include <pith/entropy/model_adaptive_nibble.hpp>
#include <pith/entropy/model_mixture.hpp>
#include <pith/entropy/model_parametric.hpp>
#include <pith/entropy/model_parametric_table.hpp>
#include <pith/entropy/model_static.hpp>
#include <pith/entropy/ordered_latents.hpp>
#include <pith/entropy/package_merge.hpp>
#include <pith/entropy/parametric_codec.hpp>
#include <pith/entropy/plain_block.hpp>
#include <pith/entropy/range.hpp>
#include <pith/entropy/range_cdf.hpp>
#include <pith/entropy/rans.hpp>
#include <pith/entropy/rans_block.hpp>
#include <pith/entropy/rans_classes.hpp>
#include <pith/entropy/rans_intervals.hpp>
#include <pith/entropy/rans_lanes.hpp>
#include <pith/entropy/rans_order1.hpp>
#include <pith/entropy/rans_order1_header.hpp>
#include <pith/entropy/rans_order1_lanes.hpp>
#include <pith/entropy/rans_order1_model.hpp>
#include <pith/entropy/rans_order1_tables.hpp>
#include <pith/entropy/rans_tables.hpp>
#include <pith/entropy/tans.hpp>
#include <pith/entropy/window_code.hpp>
#include <pith/version.hpp>
