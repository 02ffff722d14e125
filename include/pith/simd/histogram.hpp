// Counts byte values into 256 counters.
// Four tables in turn, so that runs of one value do not wait for their own counter; known from Huff0 (Collet,
// 2013).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include <pith/core/bytes.hpp>
#include <pith/simd/scalar.hpp>

namespace pith::inline v1::simd {

/// Adds the number of occurrences of each byte value to `counts`, modulo 2^32. Exact.
template <instruction_set Arch = native>
inline void histogram(byte_view in, std::span<std::uint32_t, 256> counts) noexcept {
    std::size_t i = 0;
    if (in.size() >= 1024) {  // below, clearing and adding the tables costs more than it saves
        std::uint32_t tables[4][256] = {};
        const auto count_four = [&](std::uint32_t word) {
            ++tables[0][word & 0xFF];
            ++tables[1][(word >> 8) & 0xFF];
            ++tables[2][(word >> 16) & 0xFF];
            ++tables[3][word >> 24];
        };
        for (; i + 8 <= in.size(); i += 8) {
            const std::uint64_t word = load_le<std::uint64_t>(in.data() + i);
            count_four(static_cast<std::uint32_t>(word));
            count_four(static_cast<std::uint32_t>(word >> 32));
        }
        for (std::size_t v = 0; v < 256; ++v)
            counts[v] += tables[0][v] + tables[1][v] + tables[2][v] + tables[3][v];
    }
    twin::histogram<Arch>(in.subspan(i), counts);
}

}  // namespace pith::inline v1::simd
