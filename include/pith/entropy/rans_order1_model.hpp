// The model of an order-1 rANS block: which contexts share which frequency table, and its compact header.
// Contexts too rare to pay for a table join the one that codes them best (greedy clustering by description
// length, after J. Rissanen, 1978). Integers only: the choice is the same on every machine.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include <pith/core/assert.hpp>
#include <pith/core/bits.hpp>
#include <pith/core/bytes.hpp>
#include <pith/core/result.hpp>
#include <pith/entropy/frequency.hpp>

namespace pith::inline v1::entropy {

/// The alphabet of a block, the table of each of its symbols as a context, and the context of its segments'
/// first bytes. Symbols are known by rank, their index in `symbols`.
struct order1_map {
    std::uint16_t symbol_count = 0;
    std::uint16_t table_count = 0;
    std::uint8_t first = 0;          ///< a rank
    std::uint8_t symbols[256] = {};  ///< ascending
    std::uint8_t table[256] = {};    ///< of each rank; numbered in the order of their first ranks
};

/// Writes a map: the alphabet as runs, then the first context, then the tables of the contexts.
template <byte_sink Sink>
void write_order1_map(Sink& sink, const order1_map& map) {
    bit_writer writer(sink);
    const auto present = [&map](std::size_t rank, std::size_t s) {
        return rank < map.symbol_count && map.symbols[rank] == s;
    };
    std::size_t rank = 0;
    std::uint32_t run = 1;
    writer.put(present(0, 0) ? 1 : 0, 1);
    for (std::size_t s = 0; s < 255; ++s) {
        const bool here = present(rank, s);
        rank += here ? 1 : 0;
        if (present(rank, s + 1) == here) {
            ++run;
            continue;
        }
        put_gamma(writer, run);
        run = 1;
    }
    put_gamma(writer, run);
    writer.put(map.first, bits_for(map.symbol_count));
    std::size_t tables = 0;
    for (std::size_t r = 0; r < map.symbol_count; ++r) {
        const bool fresh = map.table[r] == tables;
        if (tables != 0) writer.put(fresh ? 1 : 0, 1);
        if (!fresh) writer.put(map.table[r], bits_for(tables));
        tables += fresh ? 1 : 0;
    }
    writer.finish();
}

/// Reads a map that write_order1_map wrote. Errors: truncated, bad_model. Every valid map has one form.
[[nodiscard]] inline result<order1_map> read_order1_map(byte_reader& reader) noexcept {
    const error bad = reader.fail(error_code::bad_model, "the context map is not one that an encoder writes");
    const error cut = reader.fail(error_code::truncated, "the input ends inside a context map");
    order1_map map;
    bit_reader bits(reader.rest());
    bool here = bits.get(1) != 0;
    for (std::size_t s = 0; s < 256; here = !here) {
        const result<std::uint64_t> run = get_gamma(bits);
        if (!run || *run > 256 - s) return bits.overrun() ? cut : bad;
        for (std::size_t k = 0; k < *run && here; ++k)
            map.symbols[map.symbol_count++] = static_cast<std::uint8_t>(s + k);
        s += static_cast<std::size_t>(*run);
    }
    if (map.symbol_count < 2) return bad;
    const std::uint64_t first = bits.get(bits_for(map.symbol_count));
    if (first >= map.symbol_count) return bad;
    map.first = static_cast<std::uint8_t>(first);
    for (std::size_t r = 0; r < map.symbol_count; ++r) {
        const bool fresh = map.table_count == 0 || bits.get(1) != 0;
        const std::uint64_t table = fresh ? map.table_count : bits.get(bits_for(map.table_count));
        if (table >= std::uint64_t{map.table_count} + (fresh ? 1 : 0)) return bad;
        map.table[r] = static_cast<std::uint8_t>(table);
        map.table_count = static_cast<std::uint16_t>(map.table_count + (fresh ? 1 : 0));
    }
    if (bits.overrun()) return cut;
    if (!bits.padding_is_zero() || !reader.read_bytes(bits.byte_position())) return bad;
    return map;
}

/// Counts pairs of bytes: counts[s << 8 | c] becomes the number of bytes s after a byte c. `counts` is
/// overwritten; in.size() < 2^32.
inline void count_pairs(byte_view in, std::span<std::uint32_t, 65536> counts) noexcept {
    PITH_ASSERT(in.size() <= 0xFFFF'FFFFU);
    std::memset(counts.data(), 0, counts.size_bytes());
    std::size_t i = 1;
    for (; i + 7 <= in.size(); i += 7) {
        const std::uint64_t w = load_le<std::uint64_t>(in.data() + i - 1);
        for (unsigned k = 0; k < 7; ++k) ++counts[(w >> (8 * k)) & 0xFFFF];
    }
    for (; i < in.size(); ++i) ++counts[std::size_t{in[i]} << 8 | in[i - 1]];
}

/// Frequencies of a context at a precision of its own, which is returned: rounding them to 2^-r costs about
/// size / (24 * 2^r) nats a symbol, and telling them about a bit each for each step of r. Sum 2^r, r <=
/// precision; scaled to `precision`, none is above 4095.
inline unsigned normalize_order1_row(std::span<const std::uint32_t> counts,
                                     std::span<std::uint16_t> frequencies, unsigned precision) noexcept {
    std::uint32_t dense[256];
    std::uint16_t f[256];
    std::uint8_t symbol[256];
    std::size_t n = 0;
    std::uint32_t total = 0;
    for (std::size_t s = 0; s < counts.size(); ++s) {
        frequencies[s] = 0;
        if (counts[s] == 0) continue;
        symbol[n] = static_cast<std::uint8_t>(s);
        dense[n++] = counts[s];
        total += counts[s];
    }
    if (n == 1) {
        frequencies[symbol[0]] = 1;
        if (precision < 12) return 0;
        frequencies[symbol[0]] = 4095;
        frequencies[symbol[0] == 0 ? 1 : 0] = 1;
        return 12;
    }
    const unsigned by_total = static_cast<unsigned>(std::bit_width(total));
    const unsigned by_count = static_cast<unsigned>(std::bit_width(n)) + 1;
    unsigned own = by_total > by_count + 3 ? by_total - 3 : by_count;
    own = own < precision ? own : precision;
    normalize_frequencies({dense, n}, {f, n}, own);
    std::uint32_t all = 0;
    for (std::size_t k = 0; k < n; ++k) all |= f[k];
    const int even = std::countr_zero(all);  // the smallest form is the only one
    for (std::size_t k = 0; k < n; ++k) frequencies[symbol[k]] = static_cast<std::uint16_t>(f[k] >> even);
    return own - static_cast<unsigned>(even);
}

/// Groups contexts. `tally` holds, for each pair of ranks, how often the second follows the first, in rows of
/// 256; rows of contexts that share a table are added up in the row of the last that joined.
class order1_clustering {
  public:
    /// Bits that a table costs: what it takes on average of text and weights.
    static constexpr std::uint64_t table_bits = 14;
    static constexpr std::uint64_t symbol_bits = 5;
    /// Contexts that one may join: the most frequent ones, whose distributions are the broadest.
    static constexpr std::size_t candidates = 16;

    order1_clustering(std::uint32_t* tally, std::size_t ranks) noexcept : tally_(tally), ranks_(ranks) {
        for (std::uint32_t i = 0; i <= 256; ++i)
            log2_[i] = static_cast<std::uint32_t>(detail::log2_fixed(256 + i) - (std::uint64_t{8} << 24));
        recount();
    }
    /// Adds up the rows again, each context alone.
    void recount() noexcept {
        for (std::size_t c = 0; c < ranks_; ++c) {
            parent_[c] = static_cast<std::uint8_t>(c);
            total_[c] = 0;
            for (std::size_t s = 0; s < ranks_; ++s) total_[c] += row(c)[s];
        }
    }

    /// Joins contexts, rarest first, where that saves bits.
    void join() noexcept {
        std::uint8_t order[256];
        for (std::size_t c = 0; c < ranks_; ++c) {
            std::size_t at = c;
            for (; at > 0 && total_[order[at - 1]] > total_[c]; --at) order[at] = order[at - 1];
            order[at] = static_cast<std::uint8_t>(c);
        }
        const std::size_t from = ranks_ > candidates ? ranks_ - candidates : 0;
        for (std::size_t i = from; i < ranks_; ++i) refresh(i - from, order[i]);
        for (std::size_t i = 0; i + 1 < ranks_; ++i)
            place(order[i], order + from, i < from ? 0 : i - from + 1);
    }
    /// The context in whose row c's counts are.
    [[nodiscard]] std::size_t owner(std::size_t c) const noexcept {
        while (parent_[c] != c) c = parent_[c];
        return c;
    }
    [[nodiscard]] const std::uint32_t* row(std::size_t c) const noexcept { return tally_ + 256 * c; }

    /// Bits (2^-16) that the rows coded under their own statistics take, and about what rounding all
    /// frequencies to 2^precision adds: symbols that deserve less than a slot take one, and the others pay
    /// for it.
    struct price {
        std::uint64_t entropy = 0;
        std::uint64_t excess = 0;
        std::uint64_t frequencies = 0;  ///< how many are not 0
    };
    [[nodiscard]] price priced(unsigned precision) const noexcept {
        price sum;
        for (std::size_t c = 0; c < ranks_; ++c) {
            if (parent_[c] != c || total_[c] == 0) continue;
            const std::uint64_t total = total_[c], all = plogp(total_[c]);
            std::uint64_t symbols = 0, rare = 0, mass = 0, won = 0;
            for (std::size_t s = 0; s < ranks_; ++s) {
                const std::uint32_t n = row(c)[s];
                const std::uint64_t own = plogp(n);
                symbols += own;
                sum.frequencies += n != 0 ? 1U : 0U;
                if (n == 0 || std::uint64_t{n} << precision >= total) continue;
                ++rare, mass += n;
                won += n * (all / total) - own - ((std::uint64_t{n} * precision) << 16);
            }
            sum.entropy += all > symbols ? all - symbols : 0;
            const std::uint64_t slots = (total * rare) >> precision;
            const std::uint64_t lost = slots > mass ? (slots - mass) * 94548 : 0;  // 2^16 / ln 2
            sum.excess += static_cast<std::int64_t>(lost - won) > 0 ? lost - won : 0;
        }
        return sum;
    }

    /// v * log2(v) in 2^-16 bit, v < 2^32; a relative error below 2^-17 of v.
    [[nodiscard]] std::uint64_t plogp(std::uint32_t v) const noexcept {
        const std::uint32_t w = v | (v == 0 ? 1U : 0U);  // no branch: counts of 0 and 1 come at random
        const unsigned whole = static_cast<unsigned>(std::bit_width(w)) - 1;
        const std::uint32_t mantissa = w << (31 - whole);
        const std::uint32_t index = (mantissa >> 23) & 0xFF;
        const std::uint64_t between = (mantissa >> 7) & 0xFFFF;
        const std::uint64_t low = log2_[index];
        const std::uint64_t fraction = low + (((log2_[index + 1] - low) * between) >> 16);
        return v * ((std::uint64_t{whole} << 16) + (fraction >> 8));  // < 2^32 * 2^21
    }

  private:
    /// Keeps plogp of a candidate's row.
    void refresh(std::size_t candidate, std::size_t c) noexcept {
        for (std::size_t s = 0; s < ranks_; ++s) known_[candidate][s] = plogp(row(c)[s]);
    }
    /// What context `a` takes (in 2^-16 bit) when it is coded in the row of candidate `b`.
    [[nodiscard]] std::uint64_t cost(std::span<const std::uint8_t> support, std::size_t a, std::size_t b,
                                     const std::uint64_t* known) const noexcept {
        const std::uint64_t together = plogp(total_[a] + total_[b]) - plogp(total_[b]);
        std::uint64_t symbols = 0, fresh = 0;
        for (const std::uint8_t s : support) {
            symbols += plogp(row(a)[s] + row(b)[s]) - known[s];
            fresh += row(b)[s] == 0 ? 1U : 0U;
        }
        return (together > symbols ? together - symbols : 0) + ((fresh * symbol_bits) << 16);
    }
    /// Joins context `a` to the best of candidates `first` and later, or to none.
    void place(std::size_t a, const std::uint8_t* others, std::size_t first) noexcept {
        std::uint8_t support[256];
        std::size_t count = 0;
        std::uint64_t symbols = 0;
        for (std::size_t s = 0; s < ranks_; ++s) {
            if (row(a)[s] == 0) continue;
            support[count++] = static_cast<std::uint8_t>(s);
            symbols += plogp(row(a)[s]);
        }
        const std::uint64_t table = table_bits + symbol_bits * count;
        if (total_[a] > 12 * table) return;  // would have to lose less than 1/12 bit a symbol
        const std::uint64_t all = plogp(total_[a]);
        std::uint64_t best = (all > symbols ? all - symbols : 0) + (table << 16);
        std::size_t winner = candidates;
        for (std::size_t k = first; k < candidates && k < ranks_; ++k) {
            const std::uint64_t bits = cost({support, count}, a, others[k], known_[k]);
            if (bits >= best) continue;
            best = bits;
            winner = k;
        }
        if (winner == candidates) return;
        const std::size_t b = others[winner];
        parent_[a] = static_cast<std::uint8_t>(b);
        for (std::size_t k = 0; k < count; ++k) {
            tally_[256 * b + support[k]] += row(a)[support[k]];
            known_[winner][support[k]] = plogp(row(b)[support[k]]);
        }
        total_[b] += total_[a];
    }

    std::uint32_t* tally_;
    std::size_t ranks_;
    std::uint32_t log2_[257];
    std::uint32_t total_[256];
    std::uint8_t parent_[256];
    std::uint64_t known_[candidates][256];
};

}  // namespace pith::inline v1::entropy
