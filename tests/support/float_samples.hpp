// Seeded vectors of float for tests, and what is said of them in one number.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <pith/core/bytes.hpp>
#include <pith/core/checksum.hpp>
#include <pith/core/random.hpp>

namespace float_samples {

using floats = std::vector<float>;

/// Normal deviates around `mean`.
inline floats gaussian(std::size_t n, std::uint64_t seed, float mean = 0) {
    pith::random_sequence random(seed);
    floats x(n);
    for (float& v : x) v = static_cast<float>(random.gaussian()) + mean;
    return x;
}
inline double energy(const floats& x) {
    double sum = 0;
    for (const float v : x) sum += double{v} * v;
    return sum;
}
/// XXH64 of a code and of the values that it decodes to, as they would be stored.
inline std::uint64_t digest(std::span<const std::uint8_t> code, std::span<const float> values) {
    pith::xxh64 hash;
    hash.update(code);
    for (const float v : values) {
        std::uint8_t raw[4];
        pith::store_le<std::uint32_t>(raw, std::bit_cast<std::uint32_t>(v));
        hash.update(raw);
    }
    return hash.digest();
}
inline std::uint64_t digest(std::span<const float> values) { return digest({}, values); }

}  // namespace float_samples
