// The bytes of a block that have been coded so far, as byte-wise models see them, and hashes of contexts.
// The hash is the multiply and shift of splitmix64 (Steele, Lea and Flood, 2014), shortened by a round.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

#include <pith/core/assert.hpp>

namespace pith::inline v1::mixing {

/// A view on what encoder and decoder both know. The memory belongs to the block.
struct block_history {
    const std::uint8_t* bytes = nullptr;  ///< the block's first byte
    std::size_t size = 0;                 ///< bytes known
    std::uint64_t recent = 0;             ///< the last eight, the latest in the lowest place; zeros before

    /// The last n bytes as a number; n in 1..8.
    [[nodiscard]] std::uint64_t last(unsigned n) const noexcept {
        PITH_ASSERT(n >= 1 && n <= 8);
        return recent & (~std::uint64_t{0} >> (64 - 8 * n));
    }
    /// Takes in the byte at bytes[size].
    void push(std::uint8_t byte) noexcept {
        recent = recent << 8 | byte;
        ++size;
    }
};

/// Scatters a context over 64 bits; contexts of different kinds have different hashes but by chance.
[[nodiscard]] constexpr std::uint64_t context_hash(std::uint64_t context, std::uint32_t kind) noexcept {
    std::uint64_t h = context + (std::uint64_t{kind} + 1) * 0x9E3779B97F4A7C15ULL;
    h = (h ^ h >> 32) * 0xBF58476D1CE4E5B9ULL;
    return h ^ h >> 29;
}

/// The size of a table for a block: the power of two at or above n * per_byte, kept in [least, most], which
/// are powers of two. per_byte >= 1.
[[nodiscard]] constexpr std::size_t scaled_size(std::size_t n, std::size_t per_byte, std::size_t least,
                                                std::size_t most) noexcept {
    PITH_ASSERT(std::has_single_bit(least) && std::has_single_bit(most) && per_byte >= 1);
    if (n >= most / per_byte) return most;
    const std::size_t wanted = std::bit_ceil(n * per_byte);
    return wanted > least ? wanted : least < most ? least : most;
}

}  // namespace pith::inline v1::mixing
