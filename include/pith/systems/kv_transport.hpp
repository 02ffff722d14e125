// Systems that send and keep key-value caches, as compositions over kv/: CacheGen, and pith's own transport
// tier. Each alias names its publication, the slots that realise its ideas, and what is not reproduced.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <pith/kv/any_cache.hpp>
#include <pith/kv/cache.hpp>
#include <pith/kv/cachegen_codec.hpp>
#include <pith/kv/calibration.hpp>
#include <pith/kv/chunk_segmenter.hpp>
#include <pith/kv/index_mixture.hpp>
#include <pith/kv/prefix_store.hpp>
#include <pith/kv/transform_coded.hpp>
#include <pith/kv/transport_bases.hpp>

namespace pith::inline v1::systems {

/// CacheGen (Liu et al., 2024): differences to anchor tokens, fewer bins for later layers, entropy coded.
/// Segmenter: chunks of 256 tokens; codec: anchors, symmetric bins by token, static tables by layer and
/// channel; level by the link: kv::link_rate. Not reproduced: the arithmetic coder on a GPU (rANS, the same
/// size).
using cachegen = kv::cache<kv::post_rope, kv::chunked, kv::cachegen_codec, kv::cachegen_codec>;

/// Sequential KV, "probabilistic language tries" (2026): what sequences have in common is kept once, and
/// found by its tokens; under it any cache. Its prediction of rows by the model itself is to run the model
/// again on the tokens, which any codec of text keeps smallest (codec::max). Not reproduced: ratios against
/// that.
template <kv::forkable Cache>
using sequential_kv = kv::prefix_store<Cache>;

/// pith's transport tier; no publication has this combination (specifications of its parts in kv/).
/// Placement: before the rotary embedding; transform: calibrated Karhunen-Loeve basis weighted by the
/// queries; quantizer: 8-state trellis with priced indices; index coder: adaptive distributions by expected
/// size.
using kv_transport = kv::cache<kv::pre_rope, kv::chunked, kv::transform_coded<>, kv::transform_coded<>>;

/// The same with mixed contexts behind the quantizer, for caches that are kept or sent over a slow link: 1 to
/// 4 % fewer bytes, at a fifth of the speed.
using mixed_transform = kv::transform_coded<vector::trellis<8>, kv::mixed_indices>;
using kv_transport_mixed = kv::cache<kv::pre_rope, kv::chunked, mixed_transform, mixed_transform>;

/// Chunks of 256 tokens, nothing exact but what does not fill one after the prefill.
inline constexpr kv::chunked transport_chunks{};
/// The same with chunks of 16 tokens after the prefill, for a codec that has no tables to send.
inline constexpr kv::chunked short_chunks{.later_page = 16};

/// Samples for cachegen_codec::fit: keys as a cache after the rotary embedding stores them, and values.
class rotated_samples {
  public:
    explicit rotated_samples(const kv::calibration& sample) : keys_(sample.keys) {
        kv::rope_rotation rotation(sample.rope, sample.shape.head_size);
        const std::size_t width = sample.shape.key_channels();
        for (std::size_t l = 0; l < keys_.size(); ++l) {
            for (std::size_t t = 0; t < sample.tokens(); ++t)
                rotation.turn(std::span(keys_[l]).subspan(t * width, width), sample.positions[t]);
            views_.emplace_back(std::span<const float>(keys_[l]), sample.tokens(), width);
            views_.push_back(sample.values_of(l));
        }
    }
    [[nodiscard]] std::span<const view_2d<const float>> views() const noexcept { return views_; }

  private:
    std::vector<std::vector<float>> keys_;
    std::vector<view_2d<const float>> views_;
};

/// Calls f(name, factory) for each system; factory(shape, rope, calibration) gives a kv::any_cache. Codecs of
/// an empty calibration cannot be made: null.
template <class F>
void for_each_transport(F f) {
    using made = std::unique_ptr<kv::any_cache>;
    const auto add_cachegen = [&](const char* name, kv::cachegen_options options, bool calibrated) {
        f(name, [=](const kv::shape& s, const kv::rope& r, const kv::calibration& sample) -> made {
            kv::cachegen_codec codec(options);
            if (calibrated) {
                if (sample.empty()) return nullptr;
                codec.fit(rotated_samples(sample).views());
            }
            return kv::make_any<cachegen>(s, r, codec, codec, transport_chunks);
        });
    };
    add_cachegen("cachegen, level 1", {.level = 1}, true);
    add_cachegen("cachegen, level 2", {.level = 2}, true);
    add_cachegen("cachegen, level 3", {.level = 3}, true);
    add_cachegen("cachegen, level 2, tables sent", {.level = 2, .anchor_every = 0}, false);
    const auto add_transport = [&]<class Coder = kv::adaptive_indices>(const char* name, float step,
                                                                       Coder = {}) {
        using codec_type = kv::transform_coded<vector::trellis<8>, Coder>;
        using cache_type = kv::cache<kv::pre_rope, kv::chunked, codec_type, codec_type>;
        f(name, [=](const kv::shape& s, const kv::rope& r, const kv::calibration& sample) -> made {
            if (sample.empty()) return nullptr;
            const codec_type codec(
                std::make_shared<const kv::transport_bases>(kv::transport_bases::fit(sample)), step);
            return kv::make_any<cache_type>(s, r, codec, codec, short_chunks);
        });
    };
    add_transport("transport, step 0.02", 0.02F);
    add_transport("transport, step 0.05", 0.05F);
    add_transport("transport, step 0.1", 0.1F);
    add_transport("transport, step 0.2", 0.2F);
    add_transport("transport, step 0.4", 0.4F);
    add_transport("transport, step 0.8", 0.8F);
    add_transport("transport, step 1.6", 1.6F);
    add_transport("mixed transport, step 0.1", 0.1F, kv::mixed_indices{});
}

}  // namespace pith::inline v1::systems
