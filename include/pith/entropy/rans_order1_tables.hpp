// Tables of order-1 interleaved rANS: a slot table for each context, and one record for each pair of bytes.
// As the tables of order 0 (rans_tables.hpp), but laid out so that a slot's symbol leads to the next context
// without a shift.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

#include <pith/core/assert.hpp>

namespace pith::inline v1::entropy {

/// Slot words of one context: bits 0 .. P-1 slot minus the symbol's first slot, P .. P+7 symbol, 20-31
/// frequency. The table of context c begins at word c << P, so `(word & 0xFF << P) | next slot` is the next
/// index.
template <unsigned Precision>
requires(Precision >= 8 && Precision <= 12) struct order1_slot_word {
    static constexpr std::uint32_t slot_mask = (std::uint32_t{1} << Precision) - 1;
    static constexpr std::uint32_t symbol_mask = std::uint32_t{0xFF} << Precision;
    /// Words behind a table that building it may spoil: build contexts upwards, and have so many to spare.
    static constexpr std::size_t overrun = 7;

    /// Fills a context's 2^Precision words from frequencies (0..4095, sum 2^Precision) of the symbols named
    /// by `alphabet`.
    static void build(std::span<const std::uint16_t> frequencies, const std::uint8_t* alphabet,
                      std::uint32_t* words) noexcept {
        std::uint32_t* at = words;
        for (std::size_t r = 0; r < frequencies.size(); ++r) {
            const std::uint32_t f = frequencies[r];
            if (f == 0) continue;
            PITH_ASSERT(f < 4096 && f <= slot_mask + 1 - static_cast<std::uint32_t>(at - words));
            const std::uint32_t first = f << 20 | std::uint32_t{alphabet[r]} << Precision;
            for (std::uint32_t k = 0; k < f; k += 8) {  // eights: most runs are shorter than a loop is worth
                for (std::uint32_t i = 0; i < 8; ++i) at[k + i] = first + k + i;
            }
            at += f;
        }
        PITH_ASSERT(at == words + slot_mask + 1);
    }
};

/// The four words that an encoder needs of a symbol with frequency f and first slot c; meanings as in
/// rans_symbol_table. f in 1..2^precision, precision <= 12.
inline void build_order1_record(std::uint32_t f, std::uint32_t c, unsigned precision,
                                std::uint32_t* record) noexcept {
    const std::uint32_t m = std::uint32_t{1} << precision;
    record[1] = (f << (31 - precision)) - 1;
    record[3] = m - f;
    if (f < 2) {
        record[0] = ~std::uint32_t{0};
        record[2] = c + m - 1;
        return;
    }
    const unsigned k = static_cast<unsigned>(std::bit_width(f - 1));
    record[0] = static_cast<std::uint32_t>(((std::uint64_t{1} << (31 + k)) + f - 1) / f);
    record[2] = c | (k - 1) << 16;
}

}  // namespace pith::inline v1::entropy
