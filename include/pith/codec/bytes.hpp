// The codecs for bytes: every block coder of the library with the fastest kernels that the compiler flags
// allow, the list that decodes them all, and the two calls that most programs need.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include <pith/codec/context_mixing.hpp>
#include <pith/codec/smallest.hpp>
#include <pith/container/frame.hpp>
#include <pith/container/recipe.hpp>
#include <pith/core/bytes.hpp>
#include <pith/core/limits.hpp>
#include <pith/core/result.hpp>
#include <pith/core/serial.hpp>
#include <pith/entropy/adaptive_binary.hpp>
#include <pith/entropy/adaptive_nibble.hpp>
#include <pith/entropy/golomb.hpp>
#include <pith/entropy/huffman.hpp>
#include <pith/entropy/rans_block.hpp>
#include <pith/entropy/rans_order1.hpp>
#include <pith/entropy/tans.hpp>
#include <pith/simd/mixing.hpp>
#include <pith/simd/nibble.hpp>
#include <pith/simd/rans.hpp>
#include <pith/simd/rans_order1.hpp>

namespace pith::inline v1::codec {

namespace detail {
#if !defined(PITH_NO_SIMD) && defined(__AVX2__)
using nibble_kernel = simd::nibbles<>;
#else
using nibble_kernel = entropy::portable_nibbles;
#endif
#ifndef PITH_NO_SIMD
using mixing_kernel = simd::mixing_kernel<>;
#else
using mixing_kernel = mixing::portable_mixing;
#endif
}  // namespace detail

/// Static order 0 by code words: the fastest where values are skewed.
using huffman = entropy::huffman<>;
/// Static order 0 within 0.3 % of the entropy, at the speed of SIMD.
using rans = entropy::rans_bytes<simd::rans_rounds<>>;
/// Static order 1: text and other data in which the byte before tells something.
using rans_order1 = entropy::rans_order1<simd::order1_rounds<>, simd::rans_rounds<>>;
/// Static order 0 by look-ups alone, one state after the other.
using tans = entropy::tans<>;
/// Rice codes: small residuals.
using rice = entropy::rice_bytes;
/// Models that learn while they code, under the last 0, 1 or 2 bytes, nibble by nibble.
template <unsigned Order>
using adaptive_nibble = entropy::adaptive_nibble<Order, detail::nibble_kernel>;
/// The same bit by bit: slower, a little smaller.
template <unsigned Order>
using adaptive_binary = entropy::adaptive_binary<Order>;
/// For each block whatever is smallest. Encodes at the speed of all of them together.
using smallest_bytes = smallest<rans_order1, adaptive_nibble<0>, adaptive_nibble<1>, adaptive_nibble<2>>;

/// Context mixing for text, machine code and records; objects hold hundreds of MB, see their `memory`.
/// Encoding and decoding take as long. The larger the block the better: 2^24 or more.
using fast = context_mixing<fast_mixing, detail::mixing_kernel>;
/// The same with more contexts: smaller, at a fifth of the speed.
using max = context_mixing<max_mixing, detail::mixing_kernel>;
/// The same for large blocks on two threads, e.g. fast_pair<threads>{threads{2}}: a sixteenth of a block of
/// 2 MB or more is coded alone, then two halves of the rest beside each other. Half a percent larger; the
/// bytes do not depend on the policy, which may take memory for threads when a block is coded. To decode on
/// two threads give container::decode_frame a list with fast_pair<threads>.
template <parallel_policy Policy = serial>
using fast_pair = context_mixing<fast_pair_mixing, detail::mixing_kernel, Policy>;
template <parallel_policy Policy = serial>
using max_pair = context_mixing<max_pair_mixing, detail::mixing_kernel, Policy>;

/// Every recipe of the library that codes bytes; what `decompress` reads.
using byte_codecs =
    container::recipe_list<huffman, rans, rans_order1, tans, rice, adaptive_nibble<0>, adaptive_nibble<1>,
                           adaptive_nibble<2>, adaptive_binary<0>, adaptive_binary<1>, adaptive_binary<2>,
                           smallest_bytes, fast, max, fast_pair<>, max_pair<>>;

/// `in` as one frame of Codec, e.g. compress<codec::rans>(bytes). Takes memory for the codec's tables and the
/// frame. Errors: unsupported_parameter for a block size that is no power of two from 2^12 to 2^26. Exact.
template <container::block_codec Codec>
[[nodiscard]] result<std::vector<std::uint8_t>> compress(byte_view in,
                                                         container::frame_options options = {}) {
    const auto codec = std::make_unique<Codec>();
    return container::encode_frame(in, *codec, options);
}

/// The content of a frame of any codec in the list. Errors: all that a damaged or hostile frame can cause,
/// see container::decode_frame. A template, so that only programs that call it compile every codec. Exact.
template <class Recipes = byte_codecs>
[[nodiscard]] result<std::vector<std::uint8_t>> decompress(byte_view frame, const limits& bound = {}) {
    return container::decode_frame<Recipes>(frame, bound);
}

}  // namespace pith::inline v1::codec
