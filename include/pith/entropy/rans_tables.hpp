// Tables of the interleaved rANS coder: one word per slot for decoders, one division-free record per symbol
// for encoders. Reciprocals after T. Granlund and P. Montgomery, 1994; packed slots after F. Giesen, 2014.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

#include <pith/core/assert.hpp>

namespace pith::inline v1::entropy {

/// A slot of the decoder's table: bits 0-7 symbol, 8-19 slot minus the symbol's first slot, 20-31 frequency
/// - 1. 2^Precision words of 32 bits.
template <unsigned Precision>
requires(Precision >= 1 && Precision <= 13) struct rans_slot_table {
    static constexpr unsigned precision = Precision;
    static constexpr std::uint32_t slot_count = std::uint32_t{1} << Precision;

    /// From frequencies with sum 2^Precision, each below 2^12.
    void build(std::span<const std::uint16_t, 256> frequencies) noexcept {
        std::uint32_t* at = words;
        for (std::uint32_t s = 0; s < 256; ++s) {
            const std::uint32_t f = frequencies[s];
            PITH_ASSERT(f < 4096 && f <= slot_count - static_cast<std::uint32_t>(at - words));
            const std::uint32_t first = s | f << 20;
            for (std::uint32_t k = 0; k < f; ++k) at[k] = first | k << 8;
            at += f;
        }
        PITH_ASSERT(at == words + slot_count);
    }
    alignas(64) std::uint32_t words[slot_count];
};

/// What an encoder needs of each symbol with frequency f and first slot c (M = 2^Precision), as four words:
///   0  reciprocal: ceil(2^(31 + k) / f), k = ceil(log2 f); 2^32 - 1 where f = 1
///   1  limit: (f << (31 - Precision)) - 1
///   2  bias: c (f = 1: c + M - 1) in bits 0-15; shift: k - 1 (f = 1: 0) in bits 16-20
///   3  complement: M - f
/// push: if x > limit move 16 bits out; q = mulhi(x, reciprocal) >> shift; x += bias + q * complement.
/// 4 KB. The words of symbols with frequency 0 must not be used.
template <unsigned Precision>
requires(Precision >= 1 && Precision <= 13) struct rans_symbol_table {
    static constexpr unsigned precision = Precision;

    void build(std::span<const std::uint16_t, 256> frequencies) noexcept {
        constexpr std::uint32_t m = std::uint32_t{1} << Precision;
        std::uint32_t start = 0;
        for (std::size_t s = 0; s < 256; ++s) {
            const std::uint32_t f = frequencies[s];
            std::uint32_t* const r = words + 4 * s;
            r[1] = (f << (31 - Precision)) - 1;
            r[3] = m - f;
            if (f < 2) {
                // floor(x * (2^32 - 1) / 2^32) = x - 1 for x >= 1, made good by M - 1 in the bias.
                r[0] = ~std::uint32_t{0};
                r[2] = start + m - 1;
            } else {
                // Exact for x < 2^31: the reciprocal is too large by e < 1, the quotient by x * e / 2^(31 +
                // k) < 1 / f.
                const unsigned k = static_cast<unsigned>(std::bit_width(f - 1));
                r[0] = static_cast<std::uint32_t>(((std::uint64_t{1} << (31 + k)) + f - 1) / f);
                r[2] = start | (k - 1) << 16;
            }
            start += f;
        }
        PITH_ASSERT(start == m);
    }
    alignas(64) std::uint32_t words[4 * 256];
};

}  // namespace pith::inline v1::entropy
