// Canonical Huffman codes of bytes: the compact header of code lengths, code words, and decode tables.
// Source: Huffman 1952; canonical order by (length, symbol). Code words go out lowest bit first.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>

#include <pith/core/bits.hpp>
#include <pith/core/bytes.hpp>
#include <pith/core/result.hpp>
#include <pith/entropy/elias.hpp>

namespace pith::inline v1::entropy {

/// No code word is longer than this; decode tables are indexed by this many bits.
inline constexpr unsigned huffman_max_length = 11;
inline constexpr std::size_t huffman_table_size = std::size_t{1} << huffman_max_length;

/// Code length of each byte value in bits, 0 for values that do not occur.
using huffman_lengths = std::array<std::uint8_t, 256>;

/// Writes the lengths of a complete code of at least two symbols: alternately the number of absent and of
/// present values (gamma; the first number of absent ones plus 1), after the latter the steps from length to
/// length, folded to unsigned (gamma of the step plus 1; the first step starts from 8). The end needs no
/// mark, because the code is then complete.
template <byte_sink Sink>
void write_huffman_lengths(bit_writer<Sink>& out, const huffman_lengths& lengths) {
    int last = 8;
    std::size_t end = 256;
    while (end > 0 && lengths[end - 1] == 0) --end;
    for (std::size_t s = 0, start = 0; s < end; start = s) {
        while (lengths[s] == 0) ++s;
        put_gamma(out, s - start + (start == 0 ? 1 : 0));
        std::size_t stop = s;
        while (stop < end && lengths[stop] != 0) ++stop;
        put_gamma(out, stop - s);
        for (; s < stop; ++s) {
            const int step = lengths[s] - last;
            put_gamma(out, static_cast<std::uint64_t>(step > 0 ? 2 * step : 1 - 2 * step));
            last = lengths[s];
        }
    }
}

/// Reads what write_huffman_lengths wrote. Errors: bad_model for lengths out of range and for codes that are
/// not complete; truncated.
template <unsigned MaxLength = huffman_max_length>
requires(MaxLength >= 8 &&
         MaxLength <= 32) inline result<void> read_huffman_lengths(bit_reader& in,
                                                                   huffman_lengths& lengths) noexcept {
    const auto fail = [&in](error_code code, const char* text) {
        return error{code, in.bit_position() / 8, text};
    };
    lengths.fill(0);
    constexpr std::uint64_t all = std::uint64_t{1} << MaxLength;
    std::uint64_t covered = 0;
    int last = 8;
    for (std::size_t s = 0; covered != all;) {
        const result<std::uint64_t> absent = get_gamma(in);
        if (!absent) return absent.error();
        const result<std::uint64_t> present = get_gamma(in);
        if (!present) return present.error();
        if (*absent > 256 || *present > 256 || s + *absent - (s == 0 ? 1 : 0) + *present > 256)
            return fail(error_code::bad_model, "more than 256 code lengths");
        s += static_cast<std::size_t>(*absent) - (s == 0 ? 1 : 0);
        for (const std::size_t stop = s + static_cast<std::size_t>(*present); s < stop; ++s) {
            const result<std::uint64_t> folded = get_gamma(in);
            if (!folded) return folded.error();
            if (*folded > 2 * MaxLength) return fail(error_code::bad_model, "a code length is out of range");
            last += *folded % 2 == 0 ? static_cast<int>(*folded / 2) : -static_cast<int>(*folded / 2);
            if (last < 1 || last > static_cast<int>(MaxLength))
                return fail(error_code::bad_model, "a code length is out of range");
            lengths[s] = static_cast<std::uint8_t>(last);
            covered += std::uint64_t{1} << (MaxLength - lengths[s]);
            if (covered > all) return fail(error_code::bad_model, "the code is over-subscribed");
        }
    }
    return {};
}

/// The canonical code words of given lengths, each with its first bit lowest.
struct huffman_codes {
    std::uint16_t word[256];
    std::uint8_t length[256];

    /// Precondition: the lengths form a complete code.
    void assign(const huffman_lengths& lengths) noexcept {
        std::uint32_t next[huffman_max_length + 2] = {};
        for (const std::uint8_t l : lengths) ++next[l + 1U];
        next[1] = 0;  // absent symbols take no code space
        for (std::size_t l = 1; l <= huffman_max_length; ++l) next[l + 1] = (next[l + 1] + next[l]) << 1;
        for (std::size_t s = 0; s < 256; ++s) {
            length[s] = lengths[s];
            word[s] = lengths[s] != 0 ? reversed(next[lengths[s]]++, lengths[s]) : std::uint16_t{0};
        }
    }

  private:
    static std::uint16_t reversed(std::uint32_t v, unsigned width) noexcept {
        v = (v & 0x5555) << 1 | (v >> 1 & 0x5555);
        v = (v & 0x3333) << 2 | (v >> 2 & 0x3333);
        v = (v & 0x0F0F) << 4 | (v >> 4 & 0x0F0F);
        v = (v & 0x00FF) << 8 | (v >> 8 & 0x00FF);
        return static_cast<std::uint16_t>(v >> (16 - width));
    }
};

/// One symbol per entry: bits 0..7 the symbol, bits 8..11 its length, at every index that starts with its
/// code word.
struct huffman_single_table {
    using entry = std::uint16_t;
    static constexpr unsigned max_symbols = 1;
    entry entries[huffman_table_size];

    void build(const huffman_lengths& lengths) noexcept {
        huffman_codes codes;
        codes.assign(lengths);
        for (std::size_t s = 0; s < 256; ++s) {
            if (lengths[s] == 0) continue;
            const auto e = static_cast<entry>(s | std::size_t{lengths[s]} << 8);
            for (std::size_t i = codes.word[s]; i < huffman_table_size; i += std::size_t{1} << lengths[s])
                entries[i] = e;
        }
    }
    static constexpr unsigned count(entry) noexcept { return 1; }
    static constexpr unsigned shift_byte = 1;  // the byte of an entry whose low six bits are the code bits
};

/// All whole symbols within the 11 bits of the index, at most three (32-bit entries) or six (64-bit ones):
/// symbols in the low bytes; then, in 32 bits, one byte of length + 64 * count; in 64, one byte of each.
template <class Entry>
requires(std::is_same_v<Entry, std::uint32_t> ||
         std::is_same_v<Entry, std::uint64_t>) struct huffman_multi_table {
    using entry = Entry;
    static constexpr unsigned max_symbols = sizeof(Entry) == 4 ? 3 : 6;
    static constexpr unsigned count_shift = sizeof(Entry) == 4 ? 30 : 56;
    static constexpr unsigned shift_byte = sizeof(Entry) == 4 ? 3 : 6;
    entry entries[huffman_table_size];

    void build(const huffman_single_table& single) noexcept {
        for (std::size_t i = 0; i < huffman_table_size; ++i) {
            unsigned used = 0;
            Entry count = 0;
            Entry symbols = 0;
            for (unsigned k = 0; k < max_symbols; ++k) {
                const unsigned e = single.entries[i >> used];
                const bool fits = used + (e >> 8) <= huffman_max_length;  // else it uses bits not known
                symbols |= static_cast<Entry>(fits ? e & 0xFF : 0) << (8 * k);
                used += fits ? e >> 8 : 0;
                count += fits ? 1U : 0U;
            }
            entries[i] = symbols | static_cast<Entry>(used) << (8 * shift_byte) | count << count_shift;
        }
    }
    static constexpr unsigned count(entry e) noexcept { return static_cast<unsigned>(e >> count_shift); }
};

}  // namespace pith::inline v1::entropy
