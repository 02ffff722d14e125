// How an index keeps its codes, and how it finds the nearest among them: rows, or blocks for the fast scan.
// The fast scan's byte tables are rounded down, so that their sums bound the cost from below (the pruning of
// André et al., 2015, made exact): what passes is scored in full, and the result is that of the full scan.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <pith/core/assert.hpp>
#include <pith/core/bytes.hpp>
#include <pith/simd/fast_scan.hpp>
#include <pith/vector/concepts.hpp>
#include <pith/vector/nearest_list.hpp>

namespace pith::inline v1::vector {

/// Which vectors may be found: bit i % 64 of word i / 64 says so of vector i; no words at all mean every one.
struct id_filter {
    std::span<const std::uint64_t> allowed{};

    [[nodiscard]] bool admits(std::size_t id) const noexcept {
        return allowed.empty() || (id / 64 < allowed.size() && (allowed[id / 64] >> (id % 64) & 1) != 0);
    }
    /// The answers for 32 vectors from a multiple of 32 on, as bits.
    [[nodiscard]] std::uint32_t admitted_from(std::size_t id) const noexcept {
        if (allowed.empty()) return ~std::uint32_t{0};
        return id / 64 < allowed.size() ? static_cast<std::uint32_t>(allowed[id / 64] >> (id % 64)) : 0;
    }
};

/// Codes one behind the other; every one is scored in full.
class row_storage {
  public:
    explicit row_storage(std::size_t code_size) : code_size_(code_size) {}

    [[nodiscard]] std::size_t size() const noexcept { return bytes_.size() / code_size_; }
    void append(byte_view codes) { bytes_.insert(bytes_.end(), codes.begin(), codes.end()); }
    /// The code of vector i. Precondition: out.size() is the size of a code.
    void copy_code(std::size_t i, std::span<std::uint8_t> out) const noexcept {
        std::copy_n(bytes_.data() + i * code_size_, code_size_, out.data());
    }
    /// Offers to lists[q] every admitted vector, by the q-th of the tables.
    template <scannable_quantizer Quantizer>
    void scan(const Quantizer& quantizer, std::span<const float> tables, const id_filter& filter,
              std::span<nearest_list> lists) const {
        constexpr std::size_t step = 256;
        float costs[step];
        const std::size_t table = quantizer.table_size();
        for (std::size_t q = 0; q < lists.size(); ++q)
            for (std::size_t i = 0; i < size(); i += step) {
                const std::size_t n = std::min(step, size() - i);
                quantizer.costs(tables.subspan(q * table, table),
                                byte_view(bytes_).subspan(i * code_size_, n * code_size_),
                                std::span(costs).first(n));
                for (std::size_t l = 0; l < n; ++l)
                    if (costs[l] <= lists[q].bound() && filter.admits(i + l))
                        lists[q].offer(costs[l], static_cast<std::uint32_t>(i + l));
            }
    }

  private:
    std::size_t code_size_;
    std::vector<std::uint8_t> bytes_;
};

namespace detail {

/// One query's table for the fast scan: bytes that sum to a lower bound of the cost.
class scan_table {
  public:
    /// From 16 costs per part, and what all vectors have in common.
    scan_table(std::span<const float> costs, std::size_t parts)
        : costs_(costs), parts_(parts), bytes_((parts + 1) / 2 * 32) {
        float widest = 0;
        double base = static_cast<double>(costs[16 * parts]);
        std::vector<float> least(parts);
        for (std::size_t p = 0; p < parts; ++p) {
            const auto [low, high] = std::minmax_element(costs.begin() + at(p), costs.begin() + at(p + 1));
            least[p] = *low;
            base += static_cast<double>(*low);
            widest = std::max(widest, *high - *low);
        }
        // Sums stay below 2^16. What lies above the last level counts as that: still a lower bound.
        const auto levels = static_cast<float>(std::min<std::size_t>(simd::scan_table_limit, 65535 / parts));
        step_ = widest > 0 ? widest * spread / levels : 1.0F;
        base_ = base;
        for (std::size_t i = 0; i < 16 * parts; ++i)
            bytes_[i] = static_cast<std::uint8_t>(std::min(levels, (costs[i] - least[i / 16]) / step_));
    }
    [[nodiscard]] const std::uint8_t* bytes() const noexcept { return bytes_.data(); }
    /// The largest sum that a vector of at most this cost may have; one more than needed, for roundings.
    [[nodiscard]] std::uint16_t limit(float cost) const noexcept {
        const double steps = (static_cast<double>(cost) - base_) / static_cast<double>(step_) + 1;
        return !(steps < 65535) ? std::uint16_t{65535}
               : steps < 1      ? std::uint16_t{1}
                                : static_cast<std::uint16_t>(steps);
    }
    /// The cost in full of one vector of a block.
    [[nodiscard]] float cost(const std::uint8_t* block, std::size_t vector) const noexcept {
        float sum = costs_[16 * parts_];
        for (std::size_t p = 0; p < parts_; ++p) sum += costs_[16 * p + simd::scan_code(block, p, vector)];
        return sum;
    }

  private:
    static constexpr float spread = 0.5F;
    [[nodiscard]] static std::ptrdiff_t at(std::size_t p) noexcept {
        return static_cast<std::ptrdiff_t>(16 * p);
    }

    std::span<const float> costs_;
    std::size_t parts_;
    std::vector<std::uint8_t> bytes_;
    float step_ = 1;
    double base_ = 0;
};

}  // namespace detail

/// Four-bit codes in blocks of 32 vectors (simd/fast_scan.hpp). A quantizer's code must be its parts' codes,
/// the lower four bits first, and its table 16 costs per part and one that is common to all.
template <simd::instruction_set Arch = simd::native>
class block_storage {
  public:
    explicit block_storage(std::size_t code_size) : code_size_(code_size) {}

    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    void append(byte_view codes) {
        for (; !codes.empty(); codes = codes.subspan(code_size_)) {
            if (size_ % simd::scan_block == 0) bytes_.resize(bytes_.size() + block_bytes());
            std::uint8_t* const block = bytes_.data() + size_ / simd::scan_block * block_bytes();
            for (std::size_t p = 0; p < 2 * code_size_; ++p)
                simd::set_scan_code(block, p, size_ % simd::scan_block,
                                    (unsigned{codes[p / 2]} >> (p % 2 * 4)) & 15U);
            ++size_;
        }
    }
    void copy_code(std::size_t i, std::span<std::uint8_t> out) const noexcept {
        const std::uint8_t* const block = bytes_.data() + i / simd::scan_block * block_bytes();
        for (std::size_t b = 0; b < code_size_; ++b)
            out[b] = static_cast<std::uint8_t>(simd::scan_code(block, 2 * b, i % simd::scan_block) |
                                               simd::scan_code(block, 2 * b + 1, i % simd::scan_block) << 4);
    }
    template <scannable_quantizer Quantizer>
    void scan(const Quantizer& quantizer, std::span<const float> tables, const id_filter& filter,
              std::span<nearest_list> lists) const {
        const std::size_t table = quantizer.table_size();
        std::vector<detail::scan_table> prepared;
        for (std::size_t q = 0; q < lists.size(); ++q)
            prepared.emplace_back(tables.subspan(q * table, table), quantizer.parts());
        // All queries look at a stretch of codes while the cache holds it.
        const std::size_t stretch = std::max<std::size_t>(1, cached_bytes / block_bytes()) * simd::scan_block;
        for (std::size_t first = 0; first < size_; first += stretch)
            for (std::size_t q = 0; q < lists.size(); ++q)
                scan_stretch(first, std::min(size_, first + stretch), prepared[q], filter, lists[q]);
    }

  private:
    static constexpr std::size_t cached_bytes = std::size_t{1} << 17;

    [[nodiscard]] std::size_t block_bytes() const noexcept { return 32 * code_size_; }

    void scan_stretch(std::size_t first, std::size_t end, const detail::scan_table& table,
                      const id_filter& filter, nearest_list& list) const noexcept {
        std::uint16_t limit = table.limit(list.bound());
        for (; first < end; first += simd::scan_block) {
            const std::uint8_t* const block = bytes_.data() + first * code_size_;
            std::uint32_t found = simd::fast_scan<Arch>(block, code_size_, table.bytes(), limit);
            if (found == 0) continue;
            for (found &= filter.admitted_from(first); found != 0; found &= found - 1) {
                const auto l = static_cast<std::size_t>(std::countr_zero(found));
                if (first + l < size_)
                    list.offer(table.cost(block, l), static_cast<std::uint32_t>(first + l));
            }
            limit = table.limit(list.bound());
        }
    }

    std::size_t code_size_, size_ = 0;
    std::vector<std::uint8_t> bytes_;
};

}  // namespace pith::inline v1::vector
