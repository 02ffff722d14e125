// Published caches of quantized keys and values as aliases: what needs neither calibration nor factors.
// `X_keys` and `X_values` are block codecs; where a codec has run-time constants, make_X_... builds it for a
// shape. Bits are stored ones, scales included, without exact windows.
#pragma once

#include <cstddef>
#include <cstdint>

#include <pith/kv/affine_part.hpp>
#include <pith/kv/block_part.hpp>
#include <pith/kv/cache.hpp>
#include <pith/kv/engine_blocks.hpp>
#include <pith/kv/eviction.hpp>
#include <pith/kv/linear_stages.hpp>
#include <pith/kv/low_rank_parts.hpp>
#include <pith/kv/placement.hpp>
#include <pith/kv/retention.hpp>
#include <pith/kv/saliency_accumulated.hpp>
#include <pith/kv/segmenter.hpp>
#include <pith/kv/selected_parts.hpp>
#include <pith/kv/vector_part.hpp>
#include <pith/systems/vector.hpp>
#include <pith/transform/randomized_hadamard.hpp>

namespace pith::inline v1::systems {

/// Affine groups of `Group` tokens in each channel, or of `Group` channels (0: a whole row) in each token.
template <unsigned Bits, std::size_t Group>
using channel_groups =
    kv::affine<quant::affine_options{.bits = Bits, .group = Group, .axis = quant::axis::channel}>;
template <unsigned Bits, std::size_t Group>
using token_groups =
    kv::affine<quant::affine_options{.bits = Bits, .group = Group, .axis = quant::axis::token}>;

/// No publication: what KIVI is compared with. Keys and values per token; Bits + 32 / Group.
template <unsigned Bits, std::size_t Group = 32>
using per_token = kv::pipeline<kv::each_head, token_groups<Bits, Group>>;

// Liu and others, "KIVI" (2024): keys by channel over groups of tokens, values by token over groups of
// channels, minimum and step; segmenter `residual`. Bits + 32 / Group: 3.0 for 2 bits. Not reproduced: values
// frozen one by one (pages of 32).
template <unsigned Bits = 2, std::size_t Group = 32>
using kivi_keys = kv::pipeline<channel_groups<Bits, Group>>;
template <unsigned Bits = 2, std::size_t Group = 32>
using kivi_values = per_token<Bits, Group>;
template <unsigned Bits = 2, std::size_t Group = 32>
using kivi = kv::cache<kv::post_rope, kv::residual, kivi_keys<Bits, Group>, kivi_values<Bits, Group>>;

// Kang and others, "GEAR" (2024): 2 % outliers of every channel of keys and token of values, KIVI's
// quantizer, and rank 4 (2 in pages of 20) of its error, head by head; power iteration. Not reproduced: the
// ranks' tuning by layer; indices are 16 bits. GEAR-L is the same without outliers.
template <unsigned Bits = 2, std::size_t Group = 64>
using gear_keys = kv::pipeline<kv::each_head, kv::outliers<quant::axis::channel>, kv::error_factors,
                               channel_groups<Bits, Group>>;
template <unsigned Bits = 2, std::size_t Group = 64>
using gear_values = kv::pipeline<kv::each_head, kv::outliers<quant::axis::token>, kv::error_factors,
                                 token_groups<Bits, Group>>;
template <unsigned Bits = 2, std::size_t Group = 64>
using gear_l_keys = kv::pipeline<kv::each_head, kv::error_factors, channel_groups<Bits, Group>>;
template <unsigned Bits = 2, std::size_t Group = 64>
using gear_l_values = kv::pipeline<kv::each_head, kv::error_factors, token_groups<Bits, Group>>;
template <unsigned Bits = 2, std::size_t Group = 64>
using gear = kv::cache<kv::post_rope, kv::whole_prefill, gear_keys<Bits, Group>, gear_values<Bits, Group>>;

// He and others, "ZipCache" (2024): the 60 % of tokens with most normalized attention at 4 bits, the others
// at 2, one bit a token for the class; keys by channel, values by token after division by sqrt(max) of the
// channel. Not reproduced: coding anew every 100 tokens what was frozen before; only pages of 100 are.
using zipcache_keys = kv::pipeline<kv::token_classes<60, channel_groups<4, 0>, channel_groups<2, 0>>>;
using zipcache_values =
    kv::pipeline<kv::channel_scaled<>, kv::token_classes<60, token_groups<4, 0>, token_groups<2, 0>>>;
using zipcache_saliency =
    kv::scored_retention<kv::normalized_attention, kv::uniform_budget, kv::lower_bits, false>;
using zipcache =
    kv::cache<kv::post_rope, kv::whole_prefill, zipcache_keys, zipcache_values, zipcache_saliency>;

// Yang and others, "No Token Left Behind" (MiKV, 2024): the 20 % of tokens with most accumulated attention at
// 8 bits, those that others would evict at 2; keys are balanced by sqrt(max|k| / max|q|) of the recent
// queries. Not reproduced: half-precision heavy hitters (8 bits here); from the paper alone, no code was
// published.
using mikv_keys = kv::pipeline<kv::channel_scaled<true>, kv::each_head,
                               kv::token_classes<20, token_groups<8, 32>, token_groups<2, 32>>>;
using mikv_values =
    kv::pipeline<kv::each_head, kv::token_classes<20, token_groups<8, 32>, token_groups<2, 32>>>;
using mikv_saliency =
    kv::scored_retention<kv::accumulated_attention, kv::uniform_budget, kv::lower_bits, false>;
using mikv = kv::cache<kv::post_rope, kv::whole_prefill, mikv_keys, mikv_values, mikv_saliency>;

// Tao and others, "VidKV" (2025): of a head's key channels the half of largest range at 2 bits, the others
// through a cosine transform along channels at 1 bit, groups of 32 tokens; values ternary by channel, 20 % of
// the tokens at 2 bits. Not reproduced: the complex Fourier transform, which stores two numbers a value; the
// choice of tokens by the text's attention to the video (accumulated attention instead).
using vidkv_low = kv::pipeline<kv::rotated<transform::matrix_rotation<>>, channel_groups<1, 32>>;
using vidkv_keys =
    kv::pipeline<kv::each_head,
                 kv::channel_classes<kv::channel_order::range, channel_groups<2, 32>, vidkv_low>>;
using vidkv_values = kv::pipeline<kv::token_classes<20, token_groups<2, 32>, kv::ternary>>;
/// Precondition: head_size >= 2.
[[nodiscard]] inline vidkv_keys make_vidkv_keys(std::size_t head_size) {
    const std::size_t wide = head_size / 2;
    vidkv_low low(kv::rotated(kv::cosine_rotation(head_size - wide)), {});
    return vidkv_keys(kv::each_head{}, {wide, {}, std::move(low)});
}

// Hariri and others, "KV-AdaQuant" (2025): keys need more bits than values; K4V2 in groups of 64.
// The budget is the alias's two bit widths. Not reproduced: choosing them by the weights' spectral norms.
using kv_adaquant_keys = kivi_keys<4, 64>;
using kv_adaquant_values = kivi_values<2, 64>;
using kv_adaquant = kv::cache<kv::post_rope, kv::residual, kv_adaquant_keys, kv_adaquant_values>;

// Wu and others, "PolarQuant" (2025): rotary pairs as radius and angle, 4 bits each over 128 tokens of a
// channel pair: 4.25 bits. Values are KIVI's at 4 bits. Not reproduced: scores by table, without decoding.
using polarquant_keys = kv::pipeline<kv::polar_pairs, channel_groups<4, 128>>;
using polarquant = kv::cache<kv::post_rope, kv::residual, polarquant_keys, kivi_values<4>>;

// Joo and others, "Mustafar" (2025): of each token's head the largest values under a bitmap, `Kept`
// thousandths of them, as halves or (Survivors) at 4 bits; window of 32. 16 kept + 1 bits. Not reproduced:
// tiles of 64 with offsets, as the count of a row is fixed.
template <std::size_t Kept = 300, kv::block_part Survivors = kv::halves>
using mustafar_codec = kv::pipeline<kv::each_head, kv::largest_kept<Kept>, Survivors>;
template <std::size_t Kept = 300, kv::block_part Survivors = kv::halves>
using mustafar = kv::cache<kv::post_rope, kv::sink_residual, mustafar_codec<Kept, Survivors>,
                           mustafar_codec<Kept, Survivors>>;

// llama.cpp's cache types: runs of 32 channels, online, token by token (pages of
// 32). 8.5, 5.5, 4.5, 5.0, 4.5. The `turned` ones take a Hadamard rotation of each head first, as the program
// does since 2026; here with random signs. Not reproduced: queries quantized to eight bits for the products.
template <kv::engine_format Format>
using engine_codec = kv::pipeline<kv::each_head, kv::engine_blocks<Format>>;
template <kv::engine_format Format>
using turned_engine_codec =
    kv::pipeline<kv::each_head, kv::rotated<transform::randomized_hadamard<>>, kv::engine_blocks<Format>>;
template <kv::engine_format Format>
[[nodiscard]] inline turned_engine_codec<Format> make_turned_engine_codec(std::size_t head_size) {
    return turned_engine_codec<Format>(kv::each_head{},
                                       kv::rotated(transform::randomized_hadamard<>(head_size, 1)), {});
}

// Zandieh and others, "TurboQuant" (2025): a random rotation of each head's vector, Lloyd-Max levels and the
// norm as a half: Bits + 16 / head size. `factor` stores RaBitQ's factor for the norm; `centred` subtracts
// the block's mean of each channel first (no publication). Not reproduced: entropy coding.
template <unsigned Bits>
using turboquant_code =
    vector::rotation_code<vector::nearest_assignment<Bits>, transform::randomized_hadamard<>,
                          vector::rotation_options{.scalar = vector::side_scalar::norm,
                                                   .format = quant::number_format::fp16}>;
template <unsigned Bits>
using turboquant_codec = kv::pipeline<kv::each_head, kv::vector_codes<turboquant_code<Bits>>>;
template <unsigned Bits>
[[nodiscard]] inline turboquant_codec<Bits> make_turboquant_codec(std::size_t head_size) {
    return turboquant_codec<Bits>(
        kv::each_head{},
        kv::vector_codes(turboquant_code<Bits>(transform::randomized_hadamard<>(head_size, 1))));
}
template <unsigned Bits>
using centred_turboquant_codec =
    kv::pipeline<kv::mean_removed, kv::each_head, kv::vector_codes<turboquant_code<Bits>>>;
template <unsigned Bits>
[[nodiscard]] inline centred_turboquant_codec<Bits> make_centred_turboquant_codec(std::size_t head_size) {
    return centred_turboquant_codec<Bits>(
        kv::mean_removed{}, kv::each_head{},
        kv::vector_codes(turboquant_code<Bits>(transform::randomized_hadamard<>(head_size, 1))));
}
/// TurboQuant-prod: one bit less, and the signs of a projection of what is left, with its norm.
template <unsigned Bits>
using turboquant_prod_code =
    vector::residual_code<turboquant_code<Bits - 1>,
                          vector::sign_sketch<kv::orthogonal_blocks, quant::number_format::fp16>>;
template <unsigned Bits>
using turboquant_prod_codec = kv::pipeline<kv::each_head, kv::vector_codes<turboquant_prod_code<Bits>>>;
template <unsigned Bits>
[[nodiscard]] inline turboquant_prod_codec<Bits> make_turboquant_prod_codec(std::size_t head_size) {
    using sketch = vector::sign_sketch<kv::orthogonal_blocks, quant::number_format::fp16>;
    return turboquant_prod_codec<Bits>(
        kv::each_head{}, kv::vector_codes(turboquant_prod_code<Bits>(
                             turboquant_code<Bits - 1>(transform::randomized_hadamard<>(head_size, 1)),
                             sketch(kv::orthogonal_blocks(head_size, head_size, 2)))));
}
/// The split rates: a quarter of a head's channels, those of largest norm, have a bit more than the others.
/// 3 and 2 bits give 2.25 and two norms, not the 2.5 of the publication.
template <unsigned Bits>
using split_turboquant_codec =
    kv::pipeline<kv::each_head,
                 kv::channel_classes<kv::channel_order::norm, kv::vector_codes<turboquant_code<Bits + 1>>,
                                     kv::vector_codes<turboquant_code<Bits>>>>;
/// Precondition: head_size >= 4.
template <unsigned Bits>
[[nodiscard]] inline split_turboquant_codec<Bits> make_split_turboquant_codec(std::size_t head_size) {
    const std::size_t wide = head_size / 4;
    return split_turboquant_codec<Bits>(
        kv::each_head{},
        {wide, kv::vector_codes(turboquant_code<Bits + 1>(transform::randomized_hadamard<>(wide, 1))),
         kv::vector_codes(turboquant_code<Bits>(transform::randomized_hadamard<>(head_size - wide, 2)))});
}

// Zandieh, Daliri, Han, "QJL" (2024): the signs of 2 d orthogonalised projections and the norm of each key;
// the 8 channels of largest norm (an eighth of small heads) have a sketch of d signs of their own. Values are
// KIVI's at 2 bits. Not reproduced: 4 d signs in the first 15 layers; the outlier channels are chosen for
// each block.
using qjl_sketch = kv::vector_codes<vector::sign_sketch<kv::orthogonal_blocks, quant::number_format::fp16>>;
using qjl_keys =
    kv::pipeline<kv::each_head, kv::channel_classes<kv::channel_order::norm, qjl_sketch, qjl_sketch>>;
/// Precondition: head_size >= 2.
[[nodiscard]] inline qjl_keys make_qjl_keys(std::size_t head_size) {
    const std::size_t wide = head_size >= 64  ? 8
                             : head_size >= 8 ? head_size / 8
                                              : 1,
                      rest = head_size - wide;
    const auto sketch = [](std::size_t signs, std::size_t n, std::uint64_t seed) {
        return qjl_sketch(vector::sign_sketch<kv::orthogonal_blocks, quant::number_format::fp16>(
            kv::orthogonal_blocks(signs, n, seed)));
    };
    return qjl_keys(kv::each_head{}, {wide, sketch(head_size, wide, 1), sketch(2 * head_size, rest, 9)});
}

}  // namespace pith::inline v1::systems
