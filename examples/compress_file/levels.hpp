// The codecs of the file compressor, and which of them each level uses.
#pragma once

#include <pith/codec.hpp>

/// All that this program can decode.
using codecs = pith::codec::byte_codecs;

struct level {
    std::uint32_t recipe;
    std::uint32_t block_size;
};

/// -1 is the fastest, -9 gives the smallest files.
inline constexpr level levels[] = {
    {pith::container::recipes::stored, 1 << 20},               // never asked for
    {pith::container::recipes::huffman, 1 << 17},              // 1
    {pith::container::recipes::rans_order0, 1 << 18},          // 2
    {pith::container::recipes::rans_order1, 1 << 19},          // 3
    {pith::container::recipes::rans_order1, 1 << 20},          // 4
    {pith::container::recipes::adaptive_nibble + 2, 1 << 18},  // 5
    {pith::container::recipes::adaptive_nibble + 2, 1 << 21},  // 6
    {pith::container::recipes::smallest, 1 << 21},             // 7
    {pith::container::recipes::smallest, 1 << 23},             // 8
    {pith::container::recipes::smallest, 1 << 26},             // 9
};
