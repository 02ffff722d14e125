// inspect: what a frame in memory says of itself, without decoding; and where its bytes went, as a footprint.
// Walks headers only, takes no memory for the content; the payloads may still be damaged (see verify_stream).
#pragma once

#include <cstddef>
#include <cstdint>

#include <pith/container/frame.hpp>
#include <pith/container/layout.hpp>
#include <pith/container/recipe.hpp>
#include <pith/container/stream_parts.hpp>
#include <pith/core/bytes.hpp>
#include <pith/core/footprint.hpp>
#include <pith/core/limits.hpp>
#include <pith/core/result.hpp>

namespace pith::inline v1::container {

/// Sizes in bytes.
struct frame_info {
    frame_header header;           ///< version, recipe, block size, stated content size
    const char* recipe_name = "";  ///< name_of_recipe; a program's own list may know a better one
    std::uint64_t blocks = 0;
    std::uint64_t stored_blocks = 0;
    std::uint64_t decoded = 0;        ///< the content
    std::uint64_t encoded = 0;        ///< the whole frame
    std::uint64_t coded = 0;          ///< payloads as the codec wrote them
    std::uint64_t stored = 0;         ///< payloads of stored blocks
    std::uint64_t filling = 0;        ///< zeros at the ends of payloads
    std::uint64_t decode_memory = 0;  ///< to decode as a stream on one thread, besides the codec's own memory
    std::uint64_t digest = 0;         ///< of the checksums of all blocks
};

/// Reads all headers of a frame and checks them against each other.
[[nodiscard]] inline result<frame_info> inspect(byte_view in, const limits& bound = no_limits) noexcept {
    result<frame_walker> walker = frame_walker::open(in, bound);
    if (!walker) return walker.error();
    frame_info info;
    info.header = walker->header();
    for (frame_block block;;) {
        const result<bool> more = walker->next(block);
        if (!more) return more.error();
        if (!*more) break;
        const block_header& h = block.header;
        if (h.stored()) ++info.stored_blocks;
        (h.stored() ? info.stored : info.coded) += h.coded;
        info.filling += h.payload_size() - h.coded;
    }
    info.recipe_name = name_of_recipe(info.header.recipe);
    info.blocks = walker->ledger().blocks();
    info.decoded = walker->ledger().total();
    info.encoded = in.size();
    info.decode_memory = decode_memory(info.header, 0, 1, 1);
    info.digest = walker->ledger().end().digest;
    return info;
}

/// The bytes of a frame by what they are for. Law: the root has exactly info.encoded bytes.
[[nodiscard]] inline footprint footprint_of(const frame_info& info) {
    footprint tree("frame");
    tree.add(footprint::root, "frame header", info.header.size());
    const footprint::part blocks = tree.add(footprint::root, "blocks");
    tree.add(blocks, "sizes", 8 * info.blocks);
    tree.add(blocks, "checksums", 8 * info.blocks);
    if (info.coded != 0) tree.add(blocks, "coded payloads", info.coded);
    if (info.stored != 0) tree.add(blocks, "stored payloads", info.stored);
    if (info.filling != 0) tree.add(blocks, "filling", info.filling);
    tree.add(footprint::root, "end mark", end_mark::size);
    return tree;
}

}  // namespace pith::inline v1::container
