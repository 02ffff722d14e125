// The codecs of the file compressor, and which of them each level uses.
#pragma once

#include <pith/codec.hpp>

#include <cstddef>
#include <cstdint>

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
    {pith::container::recipes::rans_order1, 1 << 20},          // 3
    {pith::container::recipes::adaptive_nibble + 2, 1 << 18},  // 4
    {pith::container::recipes::adaptive_nibble + 2, 1 << 21},  // 5
    {pith::container::recipes::smallest, 1 << 23},             // 6
    {pith::container::recipes::fast, 1 << 24},                 // 7
    {pith::container::recipes::max, 1 << 24},                  // 8
    {pith::container::recipes::max, 1 << 26},                  // 9
};
inline constexpr std::size_t usual_level = 5;

/// Bytes that this program may take.
inline constexpr std::uint64_t most_memory = std::uint64_t{4} << 30;

/// Threads for encoding, at most `wanted` and at least one, so that codecs (one for each thread and the one
/// they are made from) and blocks (one more than threads, raw and coded) stay within most_memory.
[[nodiscard]] constexpr std::size_t threads_for(std::size_t wanted, std::uint64_t codec_memory,
                                                std::uint64_t block_size) noexcept {
    std::size_t threads = wanted < 1 ? 1 : wanted;
    while (threads > 1 && (threads + 1) * (codec_memory + 2 * block_size) > most_memory) --threads;
    return threads;
}
