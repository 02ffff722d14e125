// Prefix codes of bytes with words of up to 32 bits, and their decoding by tables of 256 entries, one for
// eight bits of a word. Source: DFloat11 (Zhang, Hao et al., 2025); differs in entries of 16 bits, so that no
// byte value is taken for references between tables.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include <pith/core/assert.hpp>
#include <pith/core/bytes.hpp>
#include <pith/core/result.hpp>
#include <pith/entropy/huffman_table.hpp>

namespace pith::inline v1::entropy {

/// No word of a hierarchical code is longer.
inline constexpr unsigned hierarchical_max_length = 32;

/// Canonical words of given lengths in 1..32, and 0 for values that do not occur; first bit highest.
struct hierarchical_codes {
    std::uint32_t word[256];
    std::uint8_t length[256];

    /// Precondition: the lengths form a complete code.
    void assign(const huffman_lengths& lengths) noexcept {
        std::uint64_t next = 0;  // of 2^32, scaled so that a word of length l takes 2^(32 - l)
        for (unsigned l = 1; l <= hierarchical_max_length; ++l) {
            for (std::size_t s = 0; s < 256; ++s) {
                if (lengths[s] != l) continue;
                word[s] = static_cast<std::uint32_t>(next >> (hierarchical_max_length - l));
                next += std::uint64_t{1} << (hierarchical_max_length - l);
            }
        }
        for (std::size_t s = 0; s < 256; ++s) length[s] = lengths[s];
    }
};

/// Writes the words of `in`, first bits in the highest places of the first bytes, the last byte filled with
/// zeros. Returns the number of bytes. Precondition: 4 bytes of room for each of `in`, and 8 more; every
/// value has a word.
[[nodiscard]] inline std::size_t write_hierarchical(const hierarchical_codes& codes, byte_view in,
                                                    std::uint8_t* out) noexcept {
    std::uint8_t* const start = out;
    std::uint64_t held = 0;
    unsigned fill = 0;  // < 32 between symbols, and 31 + 32 < 64
    for (const std::uint8_t s : in) {
        held = held << codes.length[s] | codes.word[s];
        fill += codes.length[s];
        if (fill >= 32) {
            fill -= 32;
            store_le<std::uint32_t>(out, byte_swapped(static_cast<std::uint32_t>(held >> fill)));
            out += 4;
        }
    }
    for (; fill >= 8; fill -= 8) *out++ = static_cast<std::uint8_t>(held >> (fill - 8));
    if (fill != 0) *out++ = static_cast<std::uint8_t>(held << (8 - fill));
    return static_cast<std::size_t>(out - start);
}

/// The tables of one code. Table 0 is entered with the first 8 bits of a word; an entry is a symbol and the
/// bits that its word has in this table, or the number of the table for the next 8 bits.
class hierarchical_tables {
  public:
    using entry = std::uint16_t;
    static constexpr entry reference = 0x8000;
    /// A table below another one serves at least two symbols, so that there are at most 128 on each of the
    /// three lower levels.
    static constexpr std::size_t most_tables = 1 + 3 * 128;
    static constexpr std::size_t memory = most_tables * 256 * sizeof(entry);

    /// Precondition: the lengths form a complete code.
    void build(const huffman_lengths& lengths) noexcept {
        hierarchical_codes codes;
        codes.assign(lengths);
        std::size_t used = 1;
        clear_table(0);
        for (std::size_t s = 0; s < 256; ++s) {
            if (lengths[s] == 0) continue;
            std::uint32_t rest = codes.word[s] << (hierarchical_max_length - lengths[s]);
            std::size_t at = 0;
            unsigned length = lengths[s];
            for (; length > 8; length -= 8, rest <<= 8) {
                entry& e = entries_[at * 256 + (rest >> 24)];
                if (e == 0) {
                    PITH_ASSERT(used < most_tables);
                    clear_table(used);
                    e = static_cast<entry>(reference | used++);
                }
                at = e & 0x7FFF;
            }
            entry* const first = entries_.data() + at * 256 + (rest >> 24);
            for (std::size_t i = 0; i < std::size_t{1} << (8 - length); ++i)
                first[i] = static_cast<entry>(s | std::size_t{length} << 8);
        }
    }

    [[nodiscard]] const entry* data() const noexcept { return entries_.data(); }

  private:
    void clear_table(std::size_t k) noexcept {
        for (std::size_t i = 0; i < 256; ++i) entries_[k * 256 + i] = 0;
    }
    std::vector<entry> entries_ = std::vector<entry>(most_tables * 256);
};

/// One symbol from the highest bits of `held`, at least 32 of which are valid. Shifts them out.
[[nodiscard]] inline std::uint8_t take_hierarchical(const hierarchical_tables::entry* tables,
                                                    std::uint64_t& held, unsigned& used) noexcept {
    unsigned e = tables[held >> 56];
    while ((e & hierarchical_tables::reference) != 0) {
        held <<= 8;
        used += 8;
        e = tables[std::size_t{e & 0x7FFFU} * 256 + (held >> 56)];
    }
    held <<= e >> 8;
    used += e >> 8;
    return static_cast<std::uint8_t>(e);
}

/// One stream that write_hierarchical wrote, on its way through the decoder.
class hierarchical_stream {
  public:
    hierarchical_stream() = default;
    hierarchical_stream(byte_view in, byte_span out) noexcept
        : in_(in.data()),
          in_end_(in.data() + in.size()),
          out_(out.data()),
          out_end_(out.data() + out.size()) {}

    /// Up to `rounds` rounds of four symbols can be decoded without looking at the ends: a round loads 8
    /// bytes and moves by 16 at most, four words of 32 bits.
    [[nodiscard]] std::size_t safe_rounds() const noexcept {
        const auto in = static_cast<std::size_t>(in_end_ - in_);
        const auto out = static_cast<std::size_t>(out_end_ - out_) / 4;
        if (in < 24) return 0;
        const std::size_t by_in = (in - 24) / 16 + 1;
        return by_in < out ? by_in : out;
    }
    /// Four symbols. Three words that end in the first table take 24 bits at most: 57 suffice for a fourth of
    /// any length.
    void round(const hierarchical_tables::entry* tables) noexcept {
        std::uint64_t held = load() << bit_;
        unsigned used = 0;
        for (unsigned k = 0; k < 4; ++k) {
            const bool is_long = (tables[held >> 56] & hierarchical_tables::reference) != 0;
            out_[k] = take_hierarchical(tables, held, used);
            if (!is_long) continue;
            advance(used);
            held = load() << bit_;
            used = 0;
        }
        out_ += 4;
        advance(used);
    }
    /// The rest, symbol by symbol. False if the bits run out, bytes are left, or the filling is not zero.
    [[nodiscard]] bool finish(const hierarchical_tables::entry* tables) noexcept {
        while (out_ != out_end_) {
            unsigned used = 0;
            std::uint64_t held = bounded_load() << bit_;
            *out_++ = take_hierarchical(tables, held, used);
            const std::uint64_t left = static_cast<std::uint64_t>(in_end_ - in_) * 8 - bit_;
            if (used > left) return false;
            advance(used);
        }
        if (bit_ == 0) return in_ == in_end_;
        return in_end_ - in_ == 1 && static_cast<std::uint8_t>(*in_ << bit_) == 0;
    }

  private:
    [[nodiscard]] std::uint64_t load() const noexcept { return byte_swapped(load_le<std::uint64_t>(in_)); }
    [[nodiscard]] std::uint64_t bounded_load() const noexcept {
        if (in_end_ - in_ >= 8) return load();
        std::uint64_t v = 0;
        for (std::ptrdiff_t i = 0; i < in_end_ - in_; ++i) v |= std::uint64_t{in_[i]} << (56 - 8 * i);
        return v;
    }
    void advance(unsigned bits) noexcept {
        bit_ += bits;
        in_ += bit_ >> 3;
        bit_ &= 7;
    }

    const std::uint8_t* in_ = nullptr;
    const std::uint8_t* in_end_ = nullptr;
    std::uint8_t* out_ = nullptr;
    std::uint8_t* out_end_ = nullptr;
    unsigned bit_ = 0;  // of the byte at in_
};

namespace detail {
/// The same number of rounds of several streams, whose states stay in registers.
template <std::size_t... K>
inline void hierarchical_rounds(const hierarchical_tables::entry* tables, hierarchical_stream* streams,
                                std::size_t rounds, std::index_sequence<K...>) noexcept {
    hierarchical_stream local[] = {streams[K]...};
    for (; rounds != 0; --rounds) (local[K].round(tables), ...);
    ((streams[K] = local[K]), ...);
}
}  // namespace detail

/// Decodes `Count` streams together. False if one does not end with its symbols. Exact.
template <std::size_t Count>
[[nodiscard]] inline bool read_hierarchical(const hierarchical_tables& tables,
                                            std::span<hierarchical_stream, Count> streams) noexcept {
    const hierarchical_tables::entry* const entries = tables.data();
    for (;;) {
        std::size_t rounds = streams[0].safe_rounds();
        for (const hierarchical_stream& s : streams)
            rounds = s.safe_rounds() < rounds ? s.safe_rounds() : rounds;
        if (rounds == 0) break;
        detail::hierarchical_rounds(entries, streams.data(), rounds, std::make_index_sequence<Count>{});
    }
    bool good = true;
    for (hierarchical_stream& s : streams) {
        while (s.safe_rounds() != 0)
            detail::hierarchical_rounds(entries, &s, s.safe_rounds(), std::index_sequence<0>{});
        good = s.finish(entries) && good;
    }
    return good;
}

}  // namespace pith::inline v1::entropy
