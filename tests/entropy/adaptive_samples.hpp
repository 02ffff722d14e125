// Deterministic inputs and a digest for the tests of the adaptive coders.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include <pith/core/bytes.hpp>

namespace test {

/// A 64-bit linear congruential sequence (Knuth's MMIX constants), top bits mixed down.
class sequence {
  public:
    explicit sequence(std::uint64_t seed) : state_(seed * 0x9E3779B97F4A7C15ULL + 1) {}
    std::uint64_t next() {
        state_ = state_ * 6364136223846793005ULL + 1442695040888963407ULL;
        const std::uint64_t x = state_ ^ (state_ >> 33);
        return x * 0xFF51AFD7ED558CCDULL ^ (x >> 29);
    }

  private:
    std::uint64_t state_;
};

/// FNV-1a of 64 bits.
inline std::uint64_t digest(pith::byte_view bytes) {
    std::uint64_t h = 0xCBF29CE484222325ULL;
    for (const std::uint8_t b : bytes) h = (h ^ b) * 0x100000001B3ULL;
    return h;
}

/// Geometric bytes of about 2 bits each.
inline std::vector<std::uint8_t> skewed(std::size_t n, std::uint64_t seed) {
    sequence random(seed);
    std::vector<std::uint8_t> out(n);
    for (auto& b : out) {
        std::uint64_t v = random.next();
        std::uint8_t zeros = 0;
        for (; (v & 1) == 0 && zeros < 63; v >>= 1) ++zeros;
        b = zeros;
    }
    return out;
}

inline std::vector<std::uint8_t> uniform(std::size_t n, std::uint64_t seed) {
    sequence random(seed);
    std::vector<std::uint8_t> out(n);
    for (auto& b : out) b = static_cast<std::uint8_t>(random.next() >> 56);
    return out;
}

/// Sentences from a few words: text-like, with order-2 structure.
inline std::vector<std::uint8_t> wordy(std::size_t n, std::uint64_t seed) {
    static const char* const words[] = {"the ", "cat ",  "that ",  "sat ",  "on ",
                                        "a ",   "mat, ", "there ", "then. "};
    sequence random(seed);
    std::vector<std::uint8_t> out;
    while (out.size() < n)
        for (const char* c = words[(random.next() >> 40) % 9]; *c != 0; ++c)
            out.push_back(static_cast<std::uint8_t>(*c));
    out.resize(n);
    return out;
}

}  // namespace test
