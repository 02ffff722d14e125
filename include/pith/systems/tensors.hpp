// Published lossless coders of network weights, each one alias over policies of the library.
// Above each: the publication, which slot realises which idea, and what is not reproduced.
#pragma once

#include <cstdint>

#include <pith/codec/bytes.hpp>
#include <pith/codec/exponent_huffman.hpp>
#include <pith/codec/plane_chunks.hpp>
#include <pith/codec/smallest.hpp>
#include <pith/core/float_layout.hpp>
#include <pith/mixing/base_residuals.hpp>

namespace pith::inline v1::systems {

namespace detail {
struct dfloat11_identity {
    static constexpr std::uint32_t recipe = 0x58;
    static constexpr const char* name = "dfloat11";
};

template <float_format Float>
struct zipnn_identity;
template <>
struct zipnn_identity<bfloat16> {
    static constexpr std::uint32_t recipe = 0x59;
    static constexpr const char* name = "zipnn bf16";
};
template <>
struct zipnn_identity<half> {
    static constexpr std::uint32_t recipe = 0x5A;
    static constexpr const char* name = "zipnn fp16";
};
template <>
struct zipnn_identity<float> {
    static constexpr std::uint32_t recipe = 0x5B;
    static constexpr const char* name = "zipnn fp32";
};

template <float_format Float>
struct zipnn_delta_identity {
    static constexpr std::uint32_t recipe = zipnn_identity<Float>::recipe + 3;
    static constexpr const char* name = "zipnn delta";
};
}  // namespace detail

// DFloat11 (Zhang, Hao, Hsu, Wang, Liu, Shrivastava, Hu, 2025). exponent_huffman: one code of words of up to
// 32 bits for the exponents of a block, tables for 8 bits at a time, segments that are decoded apart, sign
// and mantissa stored. Not reproduced: decoding by a GPU in two passes, from the places where the words of
// each thread start; exponents of 240 and more are ordinary here.
using dfloat11 = codec::exponent_huffman<detail::dfloat11_identity>;

// ZipNN (Hershcovitch, Wood, Choshen, Girmonsky, Leibovitz, Ozeri et al., 2024). plane_chunks: chunks of 256
// KB, bits turned so that exponents fill a byte, byte planes, each coded or stored, tried on a tenth of the
// chunks; coder: Huffman. Not reproduced: its bytes; two Huffman blocks a plane (ours are one of 6 streams).
template <float_format Float = bfloat16>
using zipnn = codec::plane_chunks<Float, entropy::huffman<>, detail::zipnn_identity<Float>>;

// ZipNN's delta mode: encode_into and decode_into with a base, the checkpoint before. What differs from it is
// coded as above; planes of zeros take less than the one bit a byte that Huffman needs, by rANS, where the
// publication has zstd.
template <float_format Float = bfloat16>
using zipnn_delta = codec::plane_chunks<Float, codec::smallest<entropy::huffman<>, codec::rans>,
                                        detail::zipnn_delta_identity<Float>>;

// Kim and Belyaev, "An Efficient Compression of Deep Neural Network Checkpoints Based on Prediction and
// Context Modeling" (2025). base_residuals: the checkpoint before is prediction and context of an adaptive
// arithmetic coder. Not reproduced: pruning and quantization (all bits come back), the moments of the
// optimizer, and the recurrent network that gives the probabilities: contexts are mixed here.
template <float_format Float = bfloat16>
using checkpoint_prediction = mixing::base_residuals<Float>;

}  // namespace pith::inline v1::systems
