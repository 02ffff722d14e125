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
    {"rans", "text", 0x3a391537c7178686U},
    {"rans_order1", "text", 0x81e097922e630cb4U},
    {"adaptive_nibble_0", "text", 0x69990ac397bc314aU},
    {"adaptive_nibble_1", "text", 0x90485f0ecb060425U},
    {"adaptive_nibble_2", "text", 0xa39d2ef523baec61U},
    {"adaptive_binary_0", "text", 0x931e83d75e43ffe8U},
    {"adaptive_binary_1", "text", 0x7e9bd0b46b5f2cb1U},
    {"adaptive_binary_2", "text", 0x339bcc67b36bd71eU},
    {"huffman", "exponents", 0xe786aeeb3865bf68U},
    {"tans", "exponents", 0xf9cc03736ab2a7f7U},
    {"rans", "exponents", 0xedd5474cab7670aeU},
    {"rans_order1", "exponents", 0xc67afe48900817c0U},
    {"adaptive_nibble_0", "exponents", 0x355e9de0e3583a81U},
    {"adaptive_nibble_1", "exponents", 0xcfa9a8bf0cfc1ec2U},
    {"adaptive_nibble_2", "exponents", 0xec5c9e4d170ad8e0U},
    {"adaptive_binary_0", "exponents", 0x754d74cc9f570320U},
    {"adaptive_binary_1", "exponents", 0x88fe266744c46087U},
    {"adaptive_binary_2", "exponents", 0x305f6fa59bff707eU},
};
// clang-format on
