// Decoding of several Huffman streams at once: bit reservoirs with a sentinel, five lookups per refill.
// The sentinel bit makes the shifts themselves count the bits consumed; streams are advanced in groups so
// small that a group's state stays in registers, and the processor overlaps the groups.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <utility>

#include <pith/core/bits.hpp>
#include <pith/core/bytes.hpp>
#include <pith/entropy/huffman_table.hpp>

namespace pith::inline v1::entropy::detail {

/// Where one stream stands. `held` are the bits from `in` on, less the low ones already consumed; its
/// highest one is the sentinel, which was bit 63: leading zeros = bits consumed.
struct huffman_cursor {
    const std::uint8_t* in;
    std::uint8_t* out;
    std::uint8_t* out_end;
    std::uint64_t held;
};

inline constexpr std::uint64_t sentinel = std::uint64_t{1} << 63;
inline constexpr unsigned lookups_per_refill = 5;  // 7 + 5 * 11 = 62 bits at most, the sentinel is the 64th

/// A cursor at the start of a stream. Where fewer than 8 bytes are left only decode_rest can go on, and it
/// reads the bits anew.
inline huffman_cursor make_cursor(const std::uint8_t* in, std::uint8_t* out, std::uint8_t* out_end,
                                  const std::uint8_t* in_end) noexcept {
    return {in, out, out_end, (in_end - in >= 8 ? load_le<std::uint64_t>(in) : 0) | sentinel};
}

/// How many rounds of five lookups are safe: a round moves `in` by at most 7 bytes and loads 8 there; it
/// writes at most 5 * max_symbols bytes, and the last store may reach sizeof(entry) - max_symbols further.
template <class Table>
inline std::size_t safe_rounds(const huffman_cursor& c, const std::uint8_t* in_end) noexcept {
    constexpr std::size_t out_step = lookups_per_refill * Table::max_symbols;
    constexpr std::size_t out_slack =
        Table::max_symbols == 1 ? 0 : sizeof(typename Table::entry) - Table::max_symbols;
    const auto in_left = static_cast<std::size_t>(in_end - c.in);
    const auto out_left = static_cast<std::size_t>(c.out_end - c.out);
    if (in_left < 8 || out_left < out_slack) return 0;
    const std::size_t by_in = (in_left - 8) / 7;
    const std::size_t by_out = (out_left - out_slack) / out_step;
    return by_in < by_out ? by_in : by_out;
}

template <class Table>
inline void look_up(const Table& table, std::uint64_t& held, std::uint8_t*& out) noexcept {
    using entry = typename Table::entry;
    constexpr std::size_t shift_at =
        std::endian::native == std::endian::big ? sizeof(entry) - 1 - Table::shift_byte : Table::shift_byte;
    const auto index = static_cast<std::size_t>(held & (huffman_table_size - 1));
    const entry e = table.entries[index];
    // A second, narrow load is cheaper than a shift and a mask on the critical path.
    held >>= reinterpret_cast<const std::uint8_t*>(table.entries)[index * sizeof(entry) + shift_at] & 63;
    if constexpr (Table::max_symbols == 1) {
        *out = static_cast<std::uint8_t>(e);
    } else {
        store_le<entry>(out, e);
    }
    out += Table::count(e);
}

/// `rounds` rounds of five lookups of Count streams, without any check.
template <class Table, std::size_t... K>
inline void decode_group(const Table& table, huffman_cursor* cursors, std::index_sequence<K...>) noexcept {
    const std::uint8_t* in[] = {cursors[K].in...};
    std::uint8_t* out[] = {cursors[K].out...};
    std::uint64_t held[] = {cursors[K].held...};
    for (unsigned i = 0; i < lookups_per_refill; ++i) (look_up(table, held[K], out[K]), ...);
    const auto refill = [](const std::uint8_t*& at, std::uint64_t& bits) {
        const auto used = static_cast<unsigned>(std::countl_zero(bits));
        at += used >> 3;
        bits = (load_le<std::uint64_t>(at) | sentinel) >> (used & 7);
    };
    (refill(in[K], held[K]), ...);
    ((cursors[K].in = in[K], cursors[K].out = out[K], cursors[K].held = held[K]), ...);
}

/// Advances Streams streams together, Group of them at a time, until one is near its end.
template <std::size_t Streams, std::size_t Group, class Table>
inline void decode_together(const Table& table, huffman_cursor* cursors,
                            const std::uint8_t* in_end) noexcept {
    huffman_cursor local[Streams];
    for (std::size_t k = 0; k < Streams; ++k) local[k] = cursors[k];
    for (;;) {
        std::size_t rounds = safe_rounds<Table>(local[0], in_end);
        for (std::size_t k = 1; k < Streams; ++k) {
            const std::size_t other = safe_rounds<Table>(local[k], in_end);
            rounds = other < rounds ? other : rounds;
        }
        if (rounds == 0) break;
        for (; rounds != 0; --rounds)
            for (std::size_t k = 0; k < Streams; k += Group)
                decode_group(table, local + k, std::make_index_sequence<Group>{});
    }
    for (std::size_t k = 0; k < Streams; ++k) cursors[k] = local[k];
}

/// Decodes the rest of one stream, symbol by symbol, reading only inside [.., in_end). Returns the position
/// after the last byte touched, or nullptr when the bits run out or the unused ones of it are not zero.
inline const std::uint8_t* decode_rest(const huffman_single_table& table, huffman_cursor c,
                                       const std::uint8_t* in_end) noexcept {
    const auto used = static_cast<unsigned>(std::countl_zero(c.held));
    bit_reader in(byte_view(c.in, static_cast<std::size_t>(in_end - c.in)));
    in.skip(used);
    while (c.out != c.out_end) {
        const unsigned e = table.entries[in.peek(huffman_max_length)];
        in.skip(e >> 8);
        *c.out++ = static_cast<std::uint8_t>(e);
    }
    if (in.overrun() || !in.padding_is_zero()) return nullptr;
    return c.in + in.byte_position();
}

}  // namespace pith::inline v1::entropy::detail
