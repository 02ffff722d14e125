// Where the codes of one head lie in a block that is attended in place.
// Own layout over the units of simd/attention_units.hpp: fixed strides, heads one after another, channels and
// tokens filled up with zeros inside the last unit.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include <pith/core/assert.hpp>
#include <pith/simd/attention_dots.hpp>

namespace pith::inline v1::kv {

[[nodiscard]] constexpr std::size_t rounded_up(std::size_t n, std::size_t to) noexcept {
    return (n + to - 1) / to * to;
}

/// A head of `channels` channels, 1..1024, in units.
struct packed_head {
    std::size_t channels = 0;

    // Keys: tokens in chunks of four vectors; small heads share a vector.
    [[nodiscard]] constexpr std::size_t lane_channels() const noexcept {
        return channels <= 8 ? 8 : channels <= 16 ? 16 : 32;
    }
    [[nodiscard]] constexpr std::size_t vectors() const noexcept { return (channels + 31) / 32; }
    /// Channels of a token's codes: lane_channels() times vectors().
    [[nodiscard]] constexpr std::size_t row() const noexcept { return lane_channels() * vectors(); }
    [[nodiscard]] constexpr std::size_t chunk_tokens() const noexcept {
        return 4 * simd::unit_lanes / lane_channels();
    }
    [[nodiscard]] constexpr std::size_t chunks(std::size_t tokens) const noexcept {
        return (tokens + chunk_tokens() - 1) / chunk_tokens();
    }
    template <unsigned Bits>
    [[nodiscard]] constexpr std::size_t key_bytes(std::size_t tokens) const noexcept {
        return chunks(tokens) * vectors() * simd::unit_bytes<Bits>;
    }

    // Values: units of eight channels and sixteen tokens, all tokens of eight channels after each other.
    [[nodiscard]] constexpr std::size_t channel_groups() const noexcept { return (channels + 7) / 8; }
    [[nodiscard]] static constexpr std::size_t token_groups(std::size_t tokens) noexcept {
        return (tokens + 15) / 16;
    }
    template <unsigned Bits>
    [[nodiscard]] constexpr std::size_t value_bytes(std::size_t tokens) const noexcept {
        return channel_groups() * token_groups(tokens) * simd::unit_bytes<Bits>;
    }
};

namespace detail {

/// Codes of the tokens of a chunk of keys, or of sixteen values, one row each; channels up to a multiple
/// of 32.
struct code_rows {
    std::uint8_t codes[16 * 1024];

    void clear(std::size_t bytes) noexcept { std::memset(codes, 0, bytes); }
};

/// Rows of head.row() codes to the units of a chunk.
template <unsigned Bits, simd::instruction_set Arch>
inline void store_key_chunk(const packed_head& head, const code_rows& rows, std::uint8_t* units) noexcept {
    const std::size_t vectors = head.vectors();
    for (std::size_t u = 0; u < vectors; ++u) {
        const std::uint8_t* const at = rows.codes + 32 * u;
        simd::pack_unit<Bits, Arch>({at, at + 32 * vectors, at + 64 * vectors, at + 96 * vectors},
                                    units + u * simd::unit_bytes<Bits>);
    }
}
/// The reverse.
template <unsigned Bits, simd::instruction_set Arch>
inline void load_key_chunk(const packed_head& head, const std::uint8_t* units, code_rows& rows) noexcept {
    std::uint8_t codes[simd::unit_codes];
    for (std::size_t u = 0; u < head.vectors(); ++u) {
        simd::unpack_unit<Bits, Arch>(units + u * simd::unit_bytes<Bits>, codes);
        for (std::size_t v = 0; v < 4; ++v)
            std::memcpy(rows.codes + 32 * (v * head.vectors() + u), codes + 32 * v, 32);
    }
}

/// Sixteen rows of 32 * head.vectors() codes to their units: group `t` of `stride`.
template <unsigned Bits, simd::instruction_set Arch>
inline void store_value_group(const packed_head& head, const code_rows& rows, std::size_t t,
                              std::size_t stride, std::uint8_t* units) noexcept {
    const std::size_t row = 32 * head.vectors();
    for (std::size_t s = 0; s < head.vectors(); ++s) {
        std::uint8_t turned[4][4][32];  // [eight channels][four tokens]
        for (std::size_t v = 0; v < 4; ++v) {
            const std::uint8_t* const at = rows.codes + 4 * v * row + 32 * s;
            simd::interleave_rows<Arch>({at, at + row, at + 2 * row, at + 3 * row},
                                        {turned[0][v], turned[1][v], turned[2][v], turned[3][v]});
        }
        for (std::size_t i = 0; i < 4 && 4 * s + i < head.channel_groups(); ++i)
            simd::pack_unit<Bits, Arch>({turned[i][0], turned[i][1], turned[i][2], turned[i][3]},
                                        units + ((4 * s + i) * stride + t) * simd::unit_bytes<Bits>);
    }
}
/// The reverse, for the channels that exist; others are left alone.
template <unsigned Bits, simd::instruction_set Arch>
inline void load_value_group(const packed_head& head, const std::uint8_t* units, std::size_t t,
                             std::size_t stride, code_rows& rows) noexcept {
    const std::size_t row = 32 * head.vectors();
    std::uint8_t codes[simd::unit_codes];
    for (std::size_t g = 0; g < head.channel_groups(); ++g) {
        simd::unpack_unit<Bits, Arch>(units + (g * stride + t) * simd::unit_bytes<Bits>, codes);
        for (std::size_t i = 0; i < simd::unit_codes; ++i)
            rows.codes[(i / 32 * 4 + i % 4) * row + 8 * g + i % 32 / 4] = codes[i];
    }
}

}  // namespace detail

}  // namespace pith::inline v1::kv
