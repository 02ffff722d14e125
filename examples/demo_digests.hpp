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
    {"huffman", "exponents", 0xe786aeeb3865bf68U},
    {"tans", "exponents", 0xf9cc03736ab2a7f7U},
    {"rans", "exponents", 0xedd5474cab7670aeU},
};
// clang-format on
