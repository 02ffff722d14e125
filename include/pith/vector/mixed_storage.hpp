// Codes of coordinates with 1 to 8 bits each, kept as rows and, for the fast scan, as nibbles in blocks: the
// four highest bits of one coordinate, or all bits of several. Own work over André et al. (2015): a nibble's
// table holds the least cost of the codes that begin so; what its bound admits is scored in full, and the
// result is that of the full scan.
#pragma once

#include <algorithm>
#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include <pith/core/assert.hpp>
#include <pith/core/bytes.hpp>
#include <pith/simd/fast_scan.hpp>
#include <pith/vector/code_storage.hpp>
#include <pith/vector/concepts.hpp>
#include <pith/vector/nearest_list.hpp>

namespace pith::inline v1::vector {

/// A scannable quantizer whose code is one index for each coordinate, bits()[j] of 1 to 8 bits, one behind
/// the other, lowest bits first, and whose table is the costs of all levels of the first coordinate, of the
/// next, ..., and what is common to all codes. A cost is the sum of those of its levels.
template <class Q>
concept level_coded_quantizer = scannable_quantizer<Q> && requires(const Q q) {
    { q.bits() } -> std::same_as<std::span<const std::uint8_t>>;
};

/// The 1 to 8 bits from bit `first` on of a code of `size` bytes. Precondition: they lie within it.
[[nodiscard]] inline unsigned bits_at(const std::uint8_t* code, std::size_t size, std::size_t first,
                                      unsigned bits) noexcept {
    unsigned pair = code[first / 8];
    if (first / 8 + 1 < size) pair |= unsigned{code[first / 8 + 1]} << 8;
    return pair >> first % 8 & ((1U << bits) - 1);
}

/// Storage for a flat_index. Memory: the codes', and at most as much again.
template <simd::instruction_set Arch = simd::native>
class mixed_storage {
  public:
    template <level_coded_quantizer Quantizer>
    explicit mixed_storage(const Quantizer& quantizer)
        : code_size_(quantizer.code_size()), rows_(quantizer.code_size()) {
        std::size_t bit = 0, level = 0;
        for (const std::uint8_t b : quantizer.bits()) {
            const unsigned kept = std::min<unsigned>(b, 4);
            if (parts_.empty() || parts_.back().bits + kept > 4) parts_.push_back({});
            part& last = parts_.back();
            last.coordinates.push_back({bit, level, b, kept, last.bits});
            last.bits += kept;
            bit += b;
            level += std::size_t{1} << b;
        }
    }

    [[nodiscard]] std::size_t size() const noexcept { return rows_.size(); }
    void append(byte_view codes) {
        std::size_t id = size();
        rows_.append(codes);
        for (; !codes.empty(); codes = codes.subspan(code_size_), ++id) {
            if (id % simd::scan_block == 0) nibbles_.resize(nibbles_.size() + block_bytes());
            std::uint8_t* const block = nibbles_.data() + id / simd::scan_block * block_bytes();
            for (std::size_t p = 0; p < parts_.size(); ++p)
                simd::set_scan_code(block, p, id % simd::scan_block, nibble(codes.data(), parts_[p]));
        }
    }
    /// The code of vector i. Precondition: out.size() is the size of a code.
    void copy_code(std::size_t i, std::span<std::uint8_t> out) const noexcept { rows_.copy_code(i, out); }

    template <level_coded_quantizer Quantizer>
    void scan(const Quantizer& quantizer, std::span<const float> tables, const id_filter& filter,
              std::span<nearest_list> lists) const {
        if (parts_.size() > longest) return rows_.scan(quantizer, tables, filter, lists);
        const std::size_t table = quantizer.table_size();
        std::vector<std::vector<float>> bounds;
        std::vector<prepared_query> prepared;
        for (std::size_t q = 0; q < lists.size(); ++q) {
            const auto costs = tables.subspan(q * table, table);
            float slack = 0;
            for (const float c : costs) slack = std::max(slack, c < 0 ? -c : c);
            bounds.push_back(nibble_bounds(costs));
            // Roundings of a sum of n terms, each at most so large: below n^2 2^-24 of that, n <= 4 * 512.
            const auto terms = static_cast<float>(quantizer.bits().size() + 1);
            prepared.push_back(
                {costs, detail::scan_table(bounds.back(), parts_.size()), 0x1p-23F * terms * terms * slack});
        }
        // All queries look at a stretch of codes while the cache holds it.
        const std::size_t stretch = std::max<std::size_t>(1, cached_bytes / block_bytes()) * simd::scan_block;
        for (std::size_t first = 0; first < size(); first += stretch)
            for (std::size_t q = 0; q < lists.size(); ++q)
                scan_stretch(quantizer, first, std::min(size(), first + stretch), prepared[q], filter,
                             lists[q]);
    }

  private:
    static constexpr std::size_t cached_bytes = std::size_t{1} << 17;
    static constexpr std::size_t longest = 512;  // parts: beyond, the bounds of many bytes lie too far below

    /// `kept` highest bits of `bits` from bit `first` of the code on stand at bit `at` of the nibble.
    struct coordinate {
        std::size_t first, level;
        unsigned bits, kept, at;
    };
    struct part {
        std::vector<coordinate> coordinates{};
        unsigned bits = 0;
    };
    struct prepared_query {
        std::span<const float> costs;
        detail::scan_table table;
        float slack;
    };

    [[nodiscard]] std::size_t pairs() const noexcept { return (parts_.size() + 1) / 2; }
    [[nodiscard]] std::size_t block_bytes() const noexcept { return 32 * pairs(); }
    [[nodiscard]] unsigned nibble(const std::uint8_t* code, const part& p) const noexcept {
        unsigned out = 0;
        for (const coordinate& c : p.coordinates)
            out |= bits_at(code, code_size_, c.first, c.bits) >> (c.bits - c.kept) << c.at;
        return out;
    }
    /// Sixteen least costs for each part, and what is common.
    [[nodiscard]] std::vector<float> nibble_bounds(std::span<const float> costs) const {
        std::vector<float> out;
        out.reserve(16 * parts_.size() + 1);
        for (const part& p : parts_)
            for (unsigned code = 0; code < 16; ++code) {
                float sum = 0;
                for (const coordinate& c : p.coordinates) {
                    const std::size_t each = std::size_t{1} << (c.bits - c.kept);
                    const std::size_t top = code >> c.at & ((1U << c.kept) - 1);
                    const auto levels = costs.subspan(c.level + top * each, each);
                    sum += *std::min_element(levels.begin(), levels.end());
                }
                out.push_back(sum);
            }
        out.push_back(costs.back());
        return out;
    }
    template <class Quantizer>
    void scan_stretch(const Quantizer& quantizer, std::size_t first, std::size_t end,
                      const prepared_query& query, const id_filter& filter, nearest_list& list) const {
        std::vector<std::uint8_t> code(code_size_);
        std::uint16_t limit = query.table.limit(list.bound() + query.slack);
        for (; first < end; first += simd::scan_block) {
            std::uint32_t found = filter.admitted_from(first);
            if (found == 0) continue;
            if (limit != 65535)
                found &= simd::fast_scan<Arch>(nibbles_.data() + first / simd::scan_block * block_bytes(),
                                               pairs(), query.table.bytes(), limit);
            if (found == 0) continue;
            for (; found != 0; found &= found - 1) {
                const auto i = first + static_cast<std::size_t>(std::countr_zero(found));
                if (i >= size()) break;
                copy_code(i, code);
                float cost = 0;
                quantizer.costs(query.costs, code, std::span(&cost, 1));
                list.offer(cost, static_cast<std::uint32_t>(i));
            }
            limit = query.table.limit(list.bound() + query.slack);
        }
    }

    std::size_t code_size_;
    row_storage rows_;
    std::vector<part> parts_;
    std::vector<std::uint8_t> nibbles_;
};

}  // namespace pith::inline v1::vector
