// Optimal code lengths under a length limit, by package-merge with one bit of memory per package.
// Source: Larmore & Hirschberg 1990; differs in that each list keeps its weights only until the next is
// made, and afterwards one bit per item (symbol or package), from which the lengths are counted back.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

#include <pith/core/assert.hpp>
#include <pith/core/bits.hpp>

namespace pith::inline v1::entropy {

/// Code lengths of prefix codes for up to Capacity symbols and lengths up to MaxLimit. The object is the
/// working memory (about 40 bytes per symbol); it may be used any number of times and never allocates.
template <std::size_t Capacity = 256, unsigned MaxLimit = 15>
requires(Capacity >= 2 && Capacity <= 65536 && MaxLimit >= 1 && MaxLimit <= 32) class package_merge {
  public:
    /// Writes for each symbol the length, in bits, of its code word: 0 for a symbol that does not occur,
    /// otherwise 1..limit, such that sum(counts * lengths) is the least that any prefix code under the limit
    /// reaches. Laws: with two or more symbols present sum(2^-length) = 1 over them; with fewer all lengths
    /// are 0; a more frequent symbol has no longer code, and of two equal counts the larger symbol has none.
    /// Returns how many symbols occur. Exact: the same lengths on every machine.
    /// Preconditions: counts.size() == lengths.size() <= Capacity, limit <= MaxLimit, and no more symbols
    /// present than 2^limit.
    std::size_t assign(std::span<const std::uint32_t> counts, std::span<std::uint8_t> lengths,
                       unsigned limit) noexcept {
        PITH_ASSERT(counts.size() == lengths.size() && counts.size() <= Capacity && limit <= MaxLimit);
        const std::size_t present = sort_by_count(counts);
        for (std::uint8_t& length : lengths) length = 0;
        if (present < 2) return present;
        PITH_ASSERT(present <= std::size_t{1} << limit);
        build_lists(present, limit);
        count_back(present, limit, lengths);
        return present;
    }

  private:
    // A list never needs more than its 2k - 2 lightest items, k symbols being present.
    static constexpr std::size_t list_words = (2 * Capacity + 63) / 64;
    static constexpr std::uint64_t infinite = ~std::uint64_t{0};

    /// Fills keys_ with count * 2^16 + symbol of the symbols that occur, ascending (radix 2^8), and
    /// weights_ with their counts.
    std::size_t sort_by_count(std::span<const std::uint32_t> counts) noexcept {
        std::size_t present = 0;
        std::uint32_t seen = 0;
        for (std::size_t s = 0; s < counts.size(); ++s) {
            keys_[present] = std::uint64_t{counts[s]} << 16 | s;
            seen |= counts[s];
            present += counts[s] != 0 ? 1U : 0U;
        }
        std::uint64_t* from = keys_;
        std::uint64_t* to = lists_[0];
        for (unsigned shift = 16; shift < 48 && seen >> (shift - 16) != 0; shift += 8) {
            radix_pass(from, to, present, shift);
            std::uint64_t* const other = from;
            from = to;
            to = other;
        }
        if (from != keys_)
            for (std::size_t i = 0; i < present; ++i) keys_[i] = from[i];
        for (std::size_t i = 0; i < present; ++i) weights_[i] = keys_[i] >> 16;
        weights_[present] = infinite;
        return present;
    }

    static void radix_pass(const std::uint64_t* from, std::uint64_t* to, std::size_t size,
                           unsigned shift) noexcept {
        std::uint32_t start[257] = {};
        for (std::size_t i = 0; i < size; ++i) ++start[((from[i] >> shift) & 0xFF) + 1];
        for (std::size_t d = 1; d < 256; ++d) start[d] += start[d - 1];
        for (std::size_t i = 0; i < size; ++i) to[start[(from[i] >> shift) & 0xFF]++] = from[i];
    }

    /// List 1 holds the symbols; list j the symbols merged with the pairs of list j - 1. Weights stay below
    /// 2^53: a package of list j weighs at most j times the sum of all counts, < 2^5 * 2^16 * 2^32.
    void build_lists(std::size_t present, unsigned limit) noexcept {
        const std::size_t needed = 2 * present - 2;
        std::size_t size = present;
        const std::uint64_t* list = weights_;
        for (unsigned level = 1; level < limit; ++level) {
            std::uint64_t* const packages = packages_;
            const std::size_t pairs = size / 2;
            for (std::size_t i = 0; i < pairs; ++i) packages[i] = list[2 * i] + list[2 * i + 1];
            packages[pairs] = infinite;
            size = present + pairs < needed ? present + pairs : needed;
            std::uint64_t* const next = lists_[level & 1];
            merge(next, is_symbol_[level], size);
            list = next;
        }
    }

    /// Merges weights_ and packages_ without branches on the data; on a tie the symbol comes first.
    void merge(std::uint64_t* out, std::uint64_t* is_symbol, std::size_t size) const noexcept {
        const std::uint64_t* symbol = weights_;
        const std::uint64_t* package = packages_;
        for (std::size_t first = 0; first < size; first += 64) {
            const std::size_t count = size - first < 64 ? size - first : 64;
            std::uint64_t flags = 0;
            for (std::size_t i = 0; i < count; ++i) {
                const std::uint64_t s = *symbol;
                const std::uint64_t p = *package;
                const std::uint64_t take = s <= p ? 1 : 0;
                out[first + i] = take != 0 ? s : p;
                flags |= take << i;
                symbol += take;
                package += 1 - take;
            }
            is_symbol[first / 64] = flags;
        }
    }

    /// The solution is the 2k - 2 lightest items of the last list. A package in it stands for two items of
    /// the list before, which are the lightest there; a symbol's length is how often it occurs in all.
    void count_back(std::size_t present, unsigned limit, std::span<std::uint8_t> lengths) noexcept {
        std::uint8_t* const sorted = sorted_lengths_;
        for (std::size_t i = 0; i < present; ++i) sorted[i] = 0;
        std::size_t items = 2 * present - 2;
        for (unsigned level = limit; level-- > 0;) {
            std::size_t symbols = items;
            if (level > 0) {
                symbols = 0;
                for (std::size_t word = 0; word < items / 64; ++word)
                    symbols += static_cast<std::size_t>(std::popcount(is_symbol_[level][word]));
                if (items % 64 != 0)
                    symbols += static_cast<std::size_t>(std::popcount(
                        is_symbol_[level][items / 64] & low_mask(static_cast<unsigned>(items % 64))));
            }
            for (std::size_t i = 0; i < symbols; ++i) ++sorted[i];
            items = 2 * (items - symbols);
        }
        for (std::size_t i = 0; i < present; ++i) lengths[keys_[i] & 0xFFFF] = sorted[i];
    }

    std::uint64_t keys_[Capacity + 1];
    std::uint64_t weights_[Capacity + 1];
    std::uint64_t packages_[Capacity + 1];
    std::uint64_t lists_[2][2 * Capacity];
    std::uint64_t is_symbol_[MaxLimit][list_words];
    std::uint8_t sorted_lengths_[Capacity];
};

}  // namespace pith::inline v1::entropy
