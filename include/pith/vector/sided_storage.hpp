// Codes of levels and one scalar, in blocks for the fast scan: a nibble holds one coordinate of 3 or 4 bits,
// two of 2, four of 1. The scalar of a block that admits most turns the bound on the cost into one on the sum
// of the levels' products (RaBitQ's fast scan, Gao and Long, 2024, has one bit and its error bound instead);
// what passes is scored in full, and the result is that of the full scan.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include <pith/core/assert.hpp>
#include <pith/core/bytes.hpp>
#include <pith/core/packed_codes.hpp>
#include <pith/quant/number_format.hpp>
#include <pith/simd/fast_scan.hpp>
#include <pith/vector/code_storage.hpp>
#include <pith/vector/concepts.hpp>
#include <pith/vector/nearest_list.hpp>

namespace pith::inline v1::vector {

/// Where a code has its parts: packed indices of `bits` bits, then the scalar, then what else there is.
struct sided_shape {
    unsigned bits = 0;
    std::size_t coordinates = 0;
    std::size_t code_size = 0;
    quant::number_format format{};
    float largest_side = 0;

    [[nodiscard]] std::size_t index_size() const noexcept { return packed_code_size(coordinates, bits); }
};

/// What a table of such a quantizer says. Inner products: cost = common - side * <query, levels of the code>;
/// distances: cost = |query - side * levels of the code|^2.
struct sided_query {
    std::span<const float> query;
    float common = 0;
    bool inner_product = true;
};

/// A scannable quantizer whose codes are levels of coordinates times one scalar of the vector.
template <class Q>
concept sided_quantizer = scannable_quantizer<Q> && requires(const Q q, std::span<const float> table) {
    { q.shape() } -> std::same_as<sided_shape>;
    { q.levels() } -> std::same_as<std::span<const float>>;
    { q.sided(table) } -> std::same_as<sided_query>;
};

/// Storage for a flat_index. Long vectors are kept as rows and decoded: the lower bounds of many bytes lie
/// too far below. Memory: the codes', a third more with 3 bits, and 12 bytes for 32 vectors.
template <simd::instruction_set Arch = simd::native>
class sided_storage {
  public:
    template <sided_quantizer Quantizer>
    explicit sided_storage(const Quantizer& quantizer) : shape_(quantizer.shape()), rows_(shape_.code_size) {
        const auto levels = quantizer.levels();  // of an index without one: the last
        for (std::size_t k = 0; k < levels_.size(); ++k) levels_[k] = levels[std::min(k, levels.size() - 1)];
    }

    [[nodiscard]] std::size_t size() const noexcept { return in_blocks() ? size_ : rows_.size(); }
    void append(byte_view codes) {
        if (!in_blocks()) return rows_.append(codes);
        for (; !codes.empty(); codes = codes.subspan(shape_.code_size)) {
            const byte_view code = codes.first(shape_.code_size);
            const std::size_t l = size_ % simd::scan_block;
            if (l == 0) {
                nibbles_.resize(nibbles_.size() + block_bytes());
                sides_.push_back({});
            }
            std::uint8_t* const block = nibbles_.data() + nibbles_.size() - block_bytes();
            for (std::size_t p = 0; p < parts(); ++p)
                simd::set_scan_code(block, p, l, nibble(code.data(), p));
            tails_.insert(tails_.end(), code.begin() + static_cast<std::ptrdiff_t>(shape_.index_size()),
                          code.end());
            sides_.back().add(side_of(code), energy_of(code));
            ++size_;
        }
    }
    /// The code of vector i. Precondition: out.size() is the size of a code.
    void copy_code(std::size_t i, std::span<std::uint8_t> out) const noexcept {
        if (!in_blocks()) return rows_.copy_code(i, out);
        const std::uint8_t* const block = nibbles_.data() + i / simd::scan_block * block_bytes();
        std::fill(out.begin(), out.end(), std::uint8_t{0});
        for (std::size_t p = 0; p < parts(); ++p) {
            const unsigned code = simd::scan_code(block, p, i % simd::scan_block);
            const std::size_t bit = p * nibble_bits();
            out[bit / 8] = static_cast<std::uint8_t>(out[bit / 8] | code << (bit % 8));
            if (bit % 8 + nibble_bits() > 8 && bit / 8 + 1 < shape_.index_size())
                out[bit / 8 + 1] = static_cast<std::uint8_t>(out[bit / 8 + 1] | code >> (8 - bit % 8));
        }
        const std::size_t tail = shape_.code_size - shape_.index_size();
        std::copy_n(tails_.data() + i * tail, tail, out.data() + shape_.index_size());
    }
    template <sided_quantizer Quantizer>
    void scan(const Quantizer& quantizer, std::span<const float> tables, const id_filter& filter,
              std::span<nearest_list> lists) const {
        if (!in_blocks()) return rows_.scan(quantizer, tables, filter, lists);
        const std::size_t size = quantizer.table_size();
        std::vector<std::vector<float>> costs;
        std::vector<prepared_query> prepared;
        for (std::size_t q = 0; q < lists.size(); ++q) {
            const auto table = tables.subspan(q * size, size);
            const sided_query asked = quantizer.sided(table);
            costs.push_back(nibble_costs(asked.query));
            float norm = 0;
            for (const float v : asked.query) norm += v * v;
            prepared.push_back({table, detail::scan_table(costs.back(), parts()),
                                asked.inner_product ? asked.common : norm, asked.inner_product});
        }
        // All queries look at a stretch of codes while the cache holds it.
        const std::size_t stretch = std::max<std::size_t>(1, cached_bytes / block_bytes()) * simd::scan_block;
        for (std::size_t first = 0; first < size_; first += stretch)
            for (std::size_t q = 0; q < lists.size(); ++q)
                scan_stretch(quantizer, first, std::min(size_, first + stretch), prepared[q], filter,
                             lists[q]);
    }

  private:
    static constexpr std::size_t cached_bytes = std::size_t{1} << 17;
    static constexpr std::size_t longest = 512;  // parts

    /// The scalars of a block, and the least |side * levels|^2; what no encoder writes has an infinite scalar
    /// and makes every vector of the block be scored in full.
    struct side_range {
        float least = std::numeric_limits<float>::infinity(), most = 0;
        float least_energy = std::numeric_limits<float>::infinity();
        void add(float side, float energy) noexcept {
            least = std::min(least, side);
            most = std::max(most, side);
            least_energy = std::min(least_energy, energy);
        }
    };
    struct prepared_query {
        std::span<const float> costs;
        detail::scan_table table;
        float common;  // or |query|^2
        bool inner_product;
    };

    [[nodiscard]] bool in_blocks() const noexcept { return parts() <= longest; }
    [[nodiscard]] unsigned nibble_bits() const noexcept { return shape_.bits == 3 ? 3 : 4; }
    /// Nibbles that hold all bits of the packed indices, those behind the last index too.
    [[nodiscard]] std::size_t parts() const noexcept {
        return (8 * shape_.index_size() + nibble_bits() - 1) / nibble_bits();
    }
    [[nodiscard]] std::size_t pairs() const noexcept { return (parts() + 1) / 2; }
    [[nodiscard]] std::size_t block_bytes() const noexcept { return 32 * pairs(); }

    [[nodiscard]] unsigned nibble(const std::uint8_t* code, std::size_t p) const noexcept {
        const std::size_t bit = p * nibble_bits();
        unsigned pair = code[bit / 8];
        if (bit / 8 + 1 < shape_.index_size()) pair |= unsigned{code[bit / 8 + 1]} << 8;
        return pair >> bit % 8 & ((1U << nibble_bits()) - 1);
    }
    /// Infinite for codes that no encoder writes.
    [[nodiscard]] float side_of(byte_view code) const noexcept {
        const float side = quant::load_number(shape_.format, code.data() + shape_.index_size());
        const std::size_t used = shape_.coordinates * shape_.bits % 8;
        const bool sound = side >= 0 && side <= shape_.largest_side &&
                           (used == 0 || code[shape_.index_size() - 1] >> used == 0);
        return sound ? side : std::numeric_limits<float>::infinity();
    }
    /// |side * levels|^2.
    [[nodiscard]] float energy_of(byte_view code) const noexcept {
        const unsigned together = nibble_bits() / shape_.bits;
        float sum = 0;
        for (std::size_t j = 0; j < shape_.coordinates; ++j) {
            const float level = level_of(nibble(code.data(), j / together), j % together);
            sum += level * level;
        }
        const float side = side_of(code);
        return sum * side * side;
    }
    /// The level of coordinate k of a nibble.
    [[nodiscard]] float level_of(unsigned code, std::size_t k) const noexcept {
        return levels_[code >> (k * shape_.bits) & ((1U << shape_.bits) - 1)];
    }
    /// Minus the product of the query with the levels that each nibble stands for; coordinates behind the
    /// last one count nothing.
    [[nodiscard]] std::vector<float> nibble_costs(std::span<const float> query) const {
        std::vector<float> out(16 * parts() + 1);
        const unsigned together = nibble_bits() / shape_.bits;
        for (std::size_t p = 0; p < parts(); ++p)
            for (unsigned code = 0; code < 16; ++code)
                for (std::size_t k = 0; k < together && p * together + k < query.size(); ++k)
                    out[16 * p + code] -= query[p * together + k] * level_of(code, k);
        return out;
    }
    /// The largest sum of bytes that a vector of this block may have for its cost to be within the bound, or
    /// 65535. Inner products: side * product >= common - bound; distances: twice that product >= |query|^2 +
    /// |side * levels|^2 - bound; for some vector of the block.
    [[nodiscard]] static std::uint16_t limit_of(const prepared_query& query, const side_range& sides,
                                                float bound) noexcept {
        constexpr float infinite = std::numeric_limits<float>::infinity();
        if (!(bound < infinite) || !(sides.most < infinite)) return 65535;
        const auto size = [](float v) { return v < 0 ? -v : v; };
        const float more = query.inner_product ? 0 : sides.least_energy;
        const float slack = 0x1p-18F * (size(query.common) + size(bound) + more);  // for roundings
        const float wanted = (query.common + more - bound - slack) * (query.inner_product ? 1.0F : 0.5F);
        const float side = wanted > 0 ? sides.most : sides.least;
        return side > 0 ? query.table.limit(-wanted / side) : std::uint16_t{65535};
    }
    template <class Quantizer>
    void scan_stretch(const Quantizer& quantizer, std::size_t first, std::size_t end,
                      const prepared_query& query, const id_filter& filter, nearest_list& list) const {
        std::vector<std::uint8_t> code(shape_.code_size);
        for (; first < end; first += simd::scan_block) {
            const std::size_t block = first / simd::scan_block;
            const std::uint16_t limit = limit_of(query, sides_[block], list.bound());
            std::uint32_t found = filter.admitted_from(first);
            if (limit != 65535 && found != 0)
                found &= simd::fast_scan<Arch>(nibbles_.data() + block * block_bytes(), pairs(),
                                               query.table.bytes(), limit);
            for (; found != 0; found &= found - 1) {
                const auto i = first + static_cast<std::size_t>(std::countr_zero(found));
                if (i >= size_) break;
                copy_code(i, code);
                float cost = 0;
                quantizer.costs(query.costs, code, std::span(&cost, 1));
                list.offer(cost, static_cast<std::uint32_t>(i));
            }
        }
    }

    sided_shape shape_;
    row_storage rows_;  // of long vectors
    std::array<float, 16> levels_{};
    std::size_t size_ = 0;
    std::vector<std::uint8_t> nibbles_, tails_;
    std::vector<side_range> sides_;
};

}  // namespace pith::inline v1::vector
