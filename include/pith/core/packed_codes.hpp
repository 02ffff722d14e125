// Codes of 1 to 16 bits one behind the other in bytes, lowest bits first.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include <pith/core/assert.hpp>

namespace pith::inline v1 {

/// Bytes that `count` codes of `bits` bits take.
[[nodiscard]] constexpr std::size_t packed_code_size(std::size_t count, unsigned bits) noexcept {
    return (count * bits + 7) / 8;
}

/// Writes codes into packed_code_size(codes.size(), Bits) bytes; unused bits are zero.
template <unsigned Bits>
requires(Bits >= 1 && Bits <= 16) constexpr void pack_codes(std::span<const std::uint16_t> codes,
                                                            std::span<std::uint8_t> out) noexcept {
    PITH_ASSERT(out.size() == packed_code_size(codes.size(), Bits));
    std::uint32_t pending = 0;
    unsigned held = 0;
    std::size_t at = 0;
    for (const std::uint16_t code : codes) {
        pending |= std::uint32_t{code} << held;  // held <= 7, so at most 23 bits
        for (held += Bits; held >= 8; held -= 8, pending >>= 8)
            out[at++] = static_cast<std::uint8_t>(pending);
    }
    if (held != 0) out[at] = static_cast<std::uint8_t>(pending);
}

/// Code `i` of packed codes.
template <unsigned Bits>
requires(Bits >= 1 && Bits <= 16) [[nodiscard]] constexpr std::uint32_t
    code_at(const std::uint8_t* packed, std::size_t i) noexcept {
    if constexpr (Bits == 8) return packed[i];
    if constexpr (Bits == 4) return (unsigned{packed[i / 2]} >> (4 * (i % 2))) & 15U;
    const std::size_t first = i * Bits, last = first + Bits - 1;
    std::uint32_t word = packed[first / 8];
    if (last / 8 > first / 8) word |= std::uint32_t{packed[first / 8 + 1]} << 8;
    if (last / 8 > first / 8 + 1) word |= std::uint32_t{packed[first / 8 + 2]} << 16;
    return (word >> (first % 8)) & ((std::uint32_t{1} << Bits) - 1);
}

}  // namespace pith::inline v1
