// The codecs of the file compressor, and which of them each level uses.
#pragma once

#include <pith/container.hpp>
#include <pith/entropy/huffman.hpp>
#include <pith/entropy/rans_block.hpp>

/// All that this program can decode.
using codecs = pith::container::recipe_list<pith::entropy::huffman<>, pith::entropy::rans_bytes<>>;

struct level {
    std::uint32_t recipe;
    std::uint32_t block_size;
};

/// -1 is the fastest, -9 gives the smallest files.
inline constexpr level levels[] = {
    {pith::container::recipes::stored, 1 << 20},       // never asked for
    {pith::container::recipes::huffman, 1 << 16},      // 1
    {pith::container::recipes::huffman, 1 << 17},      // 2
    {pith::container::recipes::huffman, 1 << 18},      // 3
    {pith::container::recipes::rans_order0, 1 << 16},  // 4
    {pith::container::recipes::rans_order0, 1 << 17},  // 5
    {pith::container::recipes::rans_order0, 1 << 17},  // 6
    {pith::container::recipes::rans_order0, 1 << 17},  // 7
    {pith::container::recipes::rans_order0, 1 << 16},  // 8
    {pith::container::recipes::rans_order0, 1 << 15},  // 9
};
