// A received chunk as blocks of another codec, such as one that attention reads in place: what was sent is
// decoded and quantized again, a layer's keys or values at a time.
// CacheGen (Liu et al., 2024) decodes to the cache's own form likewise; quantizing twice adds both errors.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include <pith/core/limits.hpp>
#include <pith/core/result.hpp>
#include <pith/core/serial.hpp>
#include <pith/core/view.hpp>
#include <pith/kv/concepts.hpp>
#include <pith/kv/lane.hpp>
#include <pith/kv/placement.hpp>
#include <pith/kv/rope.hpp>
#include <pith/kv/transport_chunk.hpp>

namespace pith::inline v1::kv {

/// For cache::append_blocks: a block a layer, positions those of the chunk.
struct chunk_blocks {
    std::uint32_t first_token = 0, tokens = 0;
    std::uint8_t level = 0;
    std::vector<std::shared_ptr<const block>> keys, values;
};

/// As read_chunk, into blocks of `keys` and `values`; keys are turned by their positions first where
/// Placement stores them so. Floats of one layer's keys or values a thread are all that is decoded at a time.
/// Law: the blocks are what the codecs make of read_chunk's values, so that their error is the sum of the
/// level's and their own. Encoder-side. Errors: those of read_chunk. Precondition: the level's values are
/// finite, as the law of codecs says.
template <placement Placement, block_codec Codec, block_codec Keys, block_codec Values,
          parallel_policy Policy = serial>
requires(blocks_stand_alone<Keys, Values>) [[nodiscard]] inline result<chunk_blocks> read_chunk_blocks(
    const shape& s, const rope& turning, std::span<const Codec> levels, byte_view in, const Keys& keys,
    const Values& values, const limits& limits = {}, const Policy& policy = {}) {
    std::vector<std::shared_ptr<block>> made(2 * s.layers);
    const auto head = detail::read_parts(
        s, levels, in, limits, policy,
        [&](std::size_t, const chunk_header& h) { return std::vector<float>(h.tokens * s.key_channels()); },
        [&](std::size_t i, const block_scope& scope, view_2d<float> rows) {
            auto b = std::make_shared<block>();
            b->positions.assign(scope.positions.begin(), scope.positions.end());
            if (i % 2 == 0 && Placement::rotated) {
                rope_rotation rotation(turning, s.head_size);
                for (std::size_t t = 0; t < rows.rows(); ++t)
                    rotation.turn(rows.row(t).as_span(), b->positions[t]);
            }
            const view_2d<const float> x = rows;
            i % 2 == 0 ? keys.encode(x, scope, b->bytes) : values.encode(x, scope, b->bytes);
            made[i] = std::move(b);
        });
    if (!head) return head.error();
    chunk_blocks out{head->first_token, head->tokens, head->level, {}, {}};
    for (std::size_t i = 0; i < made.size(); ++i)
        (i % 2 == 0 ? out.keys : out.values).push_back(std::move(made[i]));
    return out;
}

}  // namespace pith::inline v1::kv
