// The inputs of the frozen vectors: seeded synthetic samples that are the same on every machine. Their
// digests are frozen too, so nothing here may ever change; new samples get new names.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace samples {

using bytes = std::vector<std::uint8_t>;

/// xorshift64 (Marsaglia, 2003).
struct generator {
    std::uint64_t state;
    constexpr std::uint32_t next() noexcept {
        state ^= state << 13, state ^= state >> 7, state ^= state << 17;
        return static_cast<std::uint32_t>(state >> 32);
    }
};

inline constexpr const char* names[] = {"run",  "two",     "uniform", "geometric", "rare",
                                        "ramp", "letters", "halves",  "wide",      "peaks"};
inline constexpr unsigned kinds = 9;
inline constexpr unsigned letters = 6, wide = 8, peaks = 9;  // peaks are not among `kinds`

/// Byte i of n of a kind, given a random number.
constexpr unsigned value(unsigned kind, std::size_t i, std::size_t n, std::uint32_t r) noexcept {
    unsigned v = 0;
    switch (kind) {
        case 0:
            return 77;
        case 1:
            return r % 5 == 0 ? 0 : 255;
        case 2:
            return r & 255;
        case 3:
            while ((r >> v & 1) == 1 && v < 31) ++v;
            return v;
        case 4:
            return r % 97 == 0 ? r >> 8 & 255 : 32;
        case 5:
            return i & 255;
        case 6:
            return 97 + (r % 26) * (r / 26 % 26) / 26;
        case 7:
            return i < n / 2 ? r % 3 : 128 + r % 128;
        case 9:
            return r % 333 == 0 ? 130 + r / 333 % 60 : 120 + r / 333 % 4;
        default:
            return (r & 255) * (r >> 8 & 255) >> 8;
    }
}

inline bytes sample(unsigned kind, std::size_t n) {
    generator g{0x9E3779B97F4A7C15ULL + kind + n * 64};
    bytes out(n);
    for (std::size_t i = 0; i < n; ++i) out[i] = static_cast<std::uint8_t>(value(kind, i, n, g.next()));
    return out;
}

inline std::string name(unsigned kind, std::size_t n) {
    return std::string(names[kind]) + "/" + std::to_string(n);
}

}  // namespace samples
