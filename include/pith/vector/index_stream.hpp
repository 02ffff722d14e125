// Indices of codebooks as an arithmetic code: each under the adaptive frequencies of its column.
// A binary tree of adaptive bits for each column (as in LZMA's coders, Pavlov, 1998); what OMG (Lee et al.,
// 2025) does with Huffman codes for the indices of its sub-vectors.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <pith/core/assert.hpp>
#include <pith/core/bytes.hpp>
#include <pith/core/result.hpp>
#include <pith/quant/index_coder.hpp>

namespace pith::inline v1::vector {

/// Adaptive frequencies of symbols of Bits bits, the highest bit first.
template <unsigned Bits>
requires(Bits >= 1 && Bits <= 12) class symbol_tree {
  public:
    template <byte_sink Sink>
    void put(quant::index_encoder<Sink>& coder, std::uint32_t symbol) {
        std::size_t node = 1;
        for (unsigned b = Bits; b-- > 0;) {
            const bool bit = (symbol >> b & 1) != 0;
            coder.put(nodes_[node], bit);
            node = 2 * node + bit;
        }
    }
    [[nodiscard]] std::uint32_t get(quant::index_decoder& coder) noexcept {
        std::size_t node = 1;
        for (unsigned b = Bits; b-- > 0;) node = 2 * node + coder.get(nodes_[node]);
        return static_cast<std::uint32_t>(node - (std::size_t{1} << Bits));
    }

  private:
    std::array<quant::counted_bit, std::size_t{1} << Bits> nodes_{};
};

/// The code of indices[i], i % columns being the column. Precondition: columns >= 1, indices below 2^Bits.
template <unsigned Bits>
[[nodiscard]] inline std::vector<std::uint8_t> encode_indices(std::span<const std::uint16_t> indices,
                                                              std::size_t columns) {
    PITH_ASSERT(columns >= 1);
    std::vector<std::uint8_t> out;
    vector_sink sink(out);
    quant::index_encoder<vector_sink> coder(sink);
    std::vector<symbol_tree<Bits>> trees(columns);
    for (std::size_t i = 0; i < indices.size(); ++i) trees[i % columns].put(coder, indices[i]);
    coder.finish();
    return out;
}
/// Error: bytes that no encoder writes for so many indices, as far as that shows.
template <unsigned Bits>
[[nodiscard]] inline result<void> decode_indices(byte_view in, std::size_t columns,
                                                 std::span<std::uint16_t> indices) {
    PITH_ASSERT(columns >= 1);
    quant::index_decoder coder(in);
    std::vector<symbol_tree<Bits>> trees(columns);
    for (std::size_t i = 0; i < indices.size(); ++i)
        indices[i] = static_cast<std::uint16_t>(trees[i % columns].get(coder));
    return coder.finish();
}

}  // namespace pith::inline v1::vector
