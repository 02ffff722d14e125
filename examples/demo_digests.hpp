#pragma once
#include <cstdint>
struct committed_digest {
    const char* codec;
    const char* data;
    std::uint64_t digest;
};
inline constexpr committed_digest committed_digests[] = {{"", "", 0}};
