// Checksums of the frames that examples/demo.cpp makes of its samples. Written by:
//   demo --digests > examples/demo_digests.hpp
#pragma once

#include <cstdint>

/// XXH64 of a frame, by codec and kind of data.
struct committed_digest {
    const char* codec;
    const char* data;
    std::uint64_t digest;
};

// clang-format off
inline constexpr committed_digest committed_digests[] = {
    {"huffman", "text", 0xff0a0a211fa8b2f0U},
    {"tans", "text", 0xc44e52798e7187c8U},
    {"rans", "text", 0xcef18128b2ca5263U},
    {"adaptive_nibble_0", "text", 0x1c98e07c83adb375U},
    {"adaptive_nibble_1", "text", 0x6974f14075e27a6aU},
    {"adaptive_nibble_2", "text", 0xf4061fb9d2774255U},
    {"adaptive_binary_0", "text", 0x92c9adfc8ed11274U},
    {"adaptive_binary_1", "text", 0xb2e2f310c8c6a80aU},
    {"adaptive_binary_2", "text", 0x3b8a2b1f20352d3bU},
    {"huffman", "exponents", 0xe786aeeb3865bf68U},
    {"tans", "exponents", 0xf9cc03736ab2a7f7U},
    {"rans", "exponents", 0xedd5474cab7670aeU},
    {"adaptive_nibble_0", "exponents", 0x5e899b12452251baU},
    {"adaptive_nibble_1", "exponents", 0x3de0be54c0d9e463U},
    {"adaptive_nibble_2", "exponents", 0x22b1a2fc8e4a7909U},
    {"adaptive_binary_0", "exponents", 0xba0443c8d02adde0U},
    {"adaptive_binary_1", "exponents", 0xa717a1352e1a8269U},
    {"adaptive_binary_2", "exponents", 0x50cc03e130c5e9b8U},
};
// clang-format on
