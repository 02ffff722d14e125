// A checksum of long byte strings at the speed of vectors: 32 lanes of 32 bits, folded by XXH64.
// Own work: multiply and rotate as in XXH32 (Collet, 2012), in as many lanes as hide the multiplier's
// latency.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include <pith/core/bytes.hpp>
#include <pith/core/checksum.hpp>

namespace pith::inline v1 {

/// XXH64, with the seed, of: for 128 bytes or more the 32 lanes after all whole stripes of 128 bytes, little
/// endian; then the bytes behind the last stripe. Lane j begins as j + 1 and takes word j of each stripe:
/// lane = rotl((lane ^ word) * 0x9E3779B1, 15). A step is one-to-one in the lane and in the word, so a change
/// of one word, or of words in one stripe, always shows in the lanes. Exact.
[[nodiscard]] inline std::uint64_t stripe_hash(byte_view in, std::uint64_t seed = 0) noexcept {
    constexpr std::size_t stripe = 128;
    if (in.size() < stripe) return xxh64_of(in, seed);
    using vector [[gnu::vector_size(32)]] = std::uint32_t;
    constexpr std::uint32_t prime = 0x9E37'79B1U;
    vector lanes[4];
    std::uint8_t folded[stripe + stripe];
    for (std::uint32_t j = 0; j < 32; ++j) lanes[j / 8][j % 8] = j + 1;
    std::size_t at = 0;
    for (; in.size() - at >= stripe; at += stripe) {
#pragma GCC unroll 4
        for (std::size_t k = 0; k < 4; ++k) {
            vector w;
            std::memcpy(&w, in.data() + at + 32 * k, 32);
            if constexpr (std::endian::native == std::endian::big)
                for (unsigned j = 0; j < 8; ++j) w[j] = byte_swapped<std::uint32_t>(w[j]);
            w = (lanes[k] ^ w) * prime;
            lanes[k] = w << 15 | w >> 17;
        }
    }
    for (std::uint32_t j = 0; j < 32; ++j) store_le<std::uint32_t>(folded + 4 * j, lanes[j / 8][j % 8]);
    const std::size_t tail = in.size() - at;
    if (tail != 0) std::memcpy(folded + stripe, in.data() + at, tail);
    return xxh64_of(byte_view(folded, stripe + tail), seed);
}

}  // namespace pith::inline v1
