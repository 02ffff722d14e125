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
    {"rans_order1", "text", 0x81e097922e630cb4U},
    {"adaptive_nibble_0", "text", 0x9eeb32d44b61e3f7U},
    {"adaptive_nibble_1", "text", 0x18a85e819481a5afU},
    {"adaptive_nibble_2", "text", 0x26bbe2803f4b0312U},
    {"adaptive_binary_0", "text", 0x931e83d75e43ffe8U},
    {"adaptive_binary_1", "text", 0x7e9bd0b46b5f2cb1U},
    {"adaptive_binary_2", "text", 0x339bcc67b36bd71eU},
    {"huffman", "exponents", 0xe786aeeb3865bf68U},
    {"tans", "exponents", 0xf9cc03736ab2a7f7U},
    {"rans", "exponents", 0xedd5474cab7670aeU},
    {"rans_order1", "exponents", 0xc67afe48900817c0U},
    {"adaptive_nibble_0", "exponents", 0x7fbf0003f1ccfdf4U},
    {"adaptive_nibble_1", "exponents", 0x18065925833ee832U},
    {"adaptive_nibble_2", "exponents", 0x112e63ae646d90ccU},
    {"adaptive_binary_0", "exponents", 0x754d74cc9f570320U},
    {"adaptive_binary_1", "exponents", 0x88fe266744c46087U},
    {"adaptive_binary_2", "exponents", 0x305f6fa59bff707eU},
};
// clang-format on
