// Published caches of low rank, of merged layers and of calibrated constants as aliases.
// What is fitted is made by make_X_... from a calibration on another text, which must not be empty; its bytes
// are counted apart.
#pragma once

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

#include <pith/kv/block_part.hpp>
#include <pith/kv/cache.hpp>
#include <pith/kv/calibrated_parts.hpp>
#include <pith/kv/calibration.hpp>
#include <pith/kv/codebook_part.hpp>
#include <pith/kv/linear_stages.hpp>
#include <pith/kv/low_rank_parts.hpp>
#include <pith/kv/merged_layers.hpp>
#include <pith/kv/placement.hpp>
#include <pith/kv/segmenter.hpp>
#include <pith/kv/selected_parts.hpp>
#include <pith/kv/vector_part.hpp>
#include <pith/systems/kv_scalar.hpp>

namespace pith::inline v1::systems {

// Chang and others, "xKV" (2025): the prefill of four neighbouring layers side by side as factors; keys
// before the rotary embedding; later tokens exact. Ranks 512 and 768 of 4096 channels, here the same shares
// of any width. 16 rank (1 / channels + 1 / tokens) bits. Not reproduced: ranks by layer group, and attention
// that selects rows before it rebuilds them.
template <std::size_t Layers = 4>
using xkv_codec = kv::pipeline<kv::low_rank<Layers>>;
template <std::size_t Layers = 4>
[[nodiscard]] inline xkv_codec<Layers> make_xkv_codec(const kv::shape& shape, kv::tensor_kind kind) {
    const std::size_t channels = std::min(Layers, shape.layers) * shape.key_channels();
    const std::size_t sixteenths = kind == kv::tensor_kind::keys ? 2 : 3;
    return xkv_codec<Layers>(
        kv::low_rank<Layers>{.rank = std::max<std::size_t>(1, channels * sixteenths / 16)});
}
template <std::size_t Layers = 4>
using xkv = kv::cache<kv::pre_rope, kv::whole_prefill, xkv_codec<Layers>, xkv_codec<Layers>>;

/// What xKV is measured against: each layer's own factors, with the bytes of xkv or a few more at so many
/// tokens. Of a rank r of n layers and c channels each, the rank is r (tokens + n c) / (n (tokens + c)).
[[nodiscard]] inline xkv_codec<1> make_single_layer_codec(const kv::shape& shape, kv::tensor_kind kind,
                                                          std::size_t tokens) {
    const std::size_t layers = std::min<std::size_t>(4, shape.layers), c = shape.key_channels();
    const std::size_t rank =
        std::max<std::size_t>(1, layers * c * (kind == kv::tensor_kind::keys ? 2 : 3) / 16);
    const std::size_t whole = rank * (tokens + layers * c), part = layers * (tokens + c);
    return xkv_codec<1>(kv::low_rank<1>{.rank = (whole + part - 1) / part});
}

// Sun and others, "ShadowKV" (2024): factors of the prefill's keys before the rotary embedding (160 of 1024
// channels), the mean of every 8 tokens, the chunks least like their means exact (one in 64, at most 48);
// values as halves, which are offloaded there. Not reproduced: fetching only the chunks whose landmarks
// answer a query (kv::landmark_factors::landmarks gives them, before the rotary embedding).
using shadowkv_keys = kv::pipeline<kv::landmark_factors>;
using shadowkv_values = kv::pipeline<kv::halves>;
using shadowkv = kv::cache<kv::pre_rope, kv::whole_prefill, shadowkv_keys, shadowkv_values>;
[[nodiscard]] inline shadowkv_keys make_shadowkv_keys(const kv::shape& shape, std::size_t exact_chunks = 2) {
    const std::size_t rank = std::max<std::size_t>(1, shape.key_channels() * 5 / 32);
    return shadowkv_keys(kv::landmark_factors{.rank = rank, .exact_chunks = exact_chunks});
}

// Wang and others, "CSKV" (2024): rows projected to `share` of the channels, a window of 32 exact; with
// `Inner` token_groups<4, 0> the coordinates have four bits. Projections are principal axes, of keys weighted
// by E[q^2], in the place of ASVD's activations. Not reproduced: ASVD from the model's weights, and its
// fine-tuning.
template <kv::block_part Inner = kv::halves>
using cskv_codec = kv::pipeline<kv::projected, Inner>;
template <kv::block_part Inner = kv::halves>
[[nodiscard]] inline cskv_codec<Inner> make_cskv_codec(const kv::calibration& sample, kv::tensor_kind kind,
                                                       double share = 0.2) {
    const auto channels = static_cast<double>(sample.shape.key_channels());
    const auto rank = static_cast<std::size_t>(std::max(1.0, share * channels + 0.5));
    std::vector<kv::projection> layers;
    for (std::size_t l = 0; l < sample.shape.layers; ++l)
        layers.push_back(kind == kv::tensor_kind::keys
                             ? kv::fit_projection(sample.keys_of(l), rank, kv::query_weights(sample, l))
                             : kv::fit_projection(sample.values_of(l), rank));
    return cskv_codec<Inner>(kv::projected(std::move(layers)), Inner());
}
template <kv::block_part Inner = kv::halves>
using cskv = kv::cache<kv::pre_rope, kv::sink_residual, cskv_codec<Inner>, cskv_codec<Inner>>;

// Lin and others, "MatryoshkaKV" (2024): principal axes head by head, the rank of each head by greedy choice
// of the axis that gains most, `share` of the channels in all. Not reproduced: axes trained by distillation.
using matryoshka_codec = kv::pipeline<kv::projected, kv::halves>;
[[nodiscard]] inline matryoshka_codec make_matryoshka_codec(const kv::calibration& sample,
                                                            kv::tensor_kind kind, double share = 0.5) {
    const auto channels = static_cast<double>(sample.shape.key_channels());
    const auto rank = static_cast<std::size_t>(std::max(1.0, share * channels + 0.5));
    std::vector<kv::projection> layers;
    for (std::size_t l = 0; l < sample.shape.layers; ++l)
        layers.push_back(
            kv::fit_head_projection(kind == kv::tensor_kind::keys ? sample.keys_of(l) : sample.values_of(l),
                                    sample.shape.head_size, rank));
    return matryoshka_codec(kv::projected(std::move(layers)), {});
}
using matryoshka = kv::cache<kv::pre_rope, kv::sink_residual, matryoshka_codec, matryoshka_codec>;

// Liu and others, "MiniCache" (2024): from the middle of the model on, pairs of layers share each token's
// direction (spherical interpolation, 0.6) and keep their norms; tokens whose layers point apart are kept.
// Not reproduced: tokens are chosen head by head; its 4-bit variant.
using minicache_codec = kv::pipeline<kv::merged_layers>;
using minicache = kv::cache<kv::post_rope, kv::sink_residual, minicache_codec, minicache_codec>;

// Shutova and others, "AQUA-KV" (2025): keys predicted from the layer before, values from this layer's keys
// and the layer before, closed loop; what is left through a Hadamard rotation of a row (1024 channels at
// most) and a grid of pairs: Bits + 16 / channels. 4 sinks, 128 exact tokens. Not reproduced: predictors
// trained on reconstructed (not exact) inputs, grids of four and eight dimensions.
template <unsigned Bits = 2>
using aqua_codec =
    kv::pipeline<kv::cross_layer, kv::rotated<transform::randomized_hadamard<>>, kv::pair_codes<Bits>>;
template <unsigned Bits = 2>
[[nodiscard]] inline aqua_codec<Bits> make_aqua_codec(const kv::calibration& sample, kv::tensor_kind kind) {
    const std::size_t channels = sample.shape.key_channels();
    const std::size_t run = channels % 1024 == 0 ? 1024 : channels;
    return aqua_codec<Bits>(kv::cross_layer(kv::fit_cross_layer(sample, kind)),
                            kv::rotated(transform::randomized_hadamard<>(run, 1)),
                            kv::pair_codes<Bits>(run + run % 2));
}
template <unsigned Bits = 2>
using aqua = kv::cache<kv::pre_rope, kv::sink_residual, aqua_codec<Bits>, aqua_codec<Bits>>;

// Hooper and others, "KVQuant" (2024): keys before the rotary embedding in ranges of their channels that were
// fitted offline, values in ranges of their tokens; 1 % outliers as halves; levels by k-means for each layer,
// E[q^2] in the place of the Fisher information; the first token exact.
// Not reproduced: sensitivity from gradients, Q-Norm, and thresholds (the share of outliers is exact).
template <unsigned Bits = 3>
using kvquant_keys =
    kv::pipeline<kv::fitted_ranges, kv::outliers<quant::axis::channel, 10>, kv::levels<Bits>>;
template <unsigned Bits = 3>
using kvquant_values =
    kv::pipeline<kv::outliers<quant::axis::token, 10>, kv::own_ranges<quant::axis::token>, kv::levels<Bits>>;
template <unsigned Bits = 3>
[[nodiscard]] inline kvquant_keys<Bits> make_kvquant_keys(const kv::calibration& sample) {
    std::vector<std::vector<kv::line_range>> ranges;
    std::vector<quant::grid<Bits>> grids;
    for (std::size_t l = 0; l < sample.shape.layers; ++l) {
        ranges.push_back(kv::fit_ranges(sample.keys_of(l), 0.01));
        kv::matrix unit(sample.keys_of(l));
        std::vector<float> weights = kv::query_weights(sample, l);
        for (std::size_t c = 0; c < unit.columns(); ++c) {
            const kv::line_range range = ranges.back()[c];
            for (std::size_t r = 0; r < unit.rows(); ++r)
                unit(r, c) = (unit(r, c) - range.middle) / range.radius;
            weights[c] *= range.radius * range.radius;
        }
        grids.push_back(kv::fit_levels<Bits>(std::as_const(unit).view(), weights));
    }
    return kvquant_keys<Bits>(kv::fitted_ranges(std::move(ranges)), {}, kv::levels<Bits>(std::move(grids)));
}
template <unsigned Bits = 3>
[[nodiscard]] inline kvquant_values<Bits> make_kvquant_values(const kv::calibration& sample) {
    std::vector<quant::grid<Bits>> grids;
    for (std::size_t l = 0; l < sample.shape.layers; ++l) {
        kv::matrix unit(sample.values_of(l));
        for (std::size_t r = 0; r < unit.rows(); ++r) {
            const kv::line_range range = kv::fit_ranges(
                std::as_const(unit).view().block(r, 0, 1, unit.columns()).transposed(), 0.01)[0];
            for (float& v : unit.row(r)) v = (v - range.middle) / range.radius;
        }
        grids.push_back(kv::fit_levels<Bits>(std::as_const(unit).view()));
    }
    return kvquant_values<Bits>({}, {}, kv::levels<Bits>(std::move(grids)));
}
template <unsigned Bits = 3>
using kvquant = kv::cache<kv::pre_rope, kv::sink_residual, kvquant_keys<Bits>, kvquant_values<Bits>>;

}  // namespace pith::inline v1::systems
