// Counts of the bytes that followed each of many contexts, in memory that is taken once.
// Sparse where dense counts take 2 KB a context (Midicoth): 16 bytes for a context that saw one value, and 4
// more for each value from the second on, in blocks that grow by doubling.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include <pith/core/assert.hpp>
#include <pith/core/table.hpp>

namespace pith::inline v1::mixing {

/// A byte value and how often it was seen: the value in the low 8 bits, the count, below 2^24, above.
using byte_count = std::uint32_t;
[[nodiscard]] constexpr std::uint8_t symbol_of(byte_count c) noexcept { return static_cast<std::uint8_t>(c); }
[[nodiscard]] constexpr std::uint32_t count_of(byte_count c) noexcept { return c >> 8; }

/// A hash table of contexts, which are 64-bit hashes. Where contexts have no place left the one that was seen
/// least gives way; where the counts' memory is full, new values of a context are not learnt.
class context_counts {
  public:
    /// What is known of a context.
    struct context {
        std::uint32_t check;
        std::uint32_t total;   ///< sum of the counts, < 2^24; 0: an empty place
        std::uint32_t values;  ///< the count of the one value, or the place of the first of several
        std::uint16_t distinct;
        std::uint16_t room;  ///< log2 of the values that there is room for
    };
    [[nodiscard]] static constexpr std::size_t bytes_for(std::size_t contexts, std::size_t values) noexcept {
        return contexts * sizeof(context) + values * sizeof(byte_count);
    }

    /// Powers of two: the largest numbers that `reset` may ask for. contexts >= 8, 256 <= values <= 2^31.
    context_counts(std::size_t contexts, std::size_t values)
        : contexts_(table<context>::unset(contexts)), values_(table<byte_count>::unset(values)) {
        PITH_ASSERT(std::has_single_bit(contexts) && contexts >= 8);
        PITH_ASSERT(std::has_single_bit(values) && values >= 256 && values <= std::size_t{1} << 31);
        reset(8, 256);
    }

    /// Forgets everything. From now on this much of the memory is used; both within the bounds above.
    void reset(std::size_t contexts, std::size_t values) noexcept {
        PITH_ASSERT(std::has_single_bit(contexts) && contexts >= 8 && contexts <= contexts_.size());
        PITH_ASSERT(values >= 256 && values <= values_.size());
        lines_mask_ = contexts / line - 1;
        for (std::size_t i = 0; i < contexts; ++i) contexts_[i] = context{};
        limit_ = static_cast<std::uint32_t>(values);
        used_ = 0;
        free_.fill(none);
    }

    /// Begins to fetch what `find` will read, and what `counts` will.
    void prefetch(std::uint64_t hash) const noexcept { __builtin_prefetch(home(hash)); }
    void prefetch(const context& c) const noexcept {
        if (c.distinct > 1) __builtin_prefetch(values_.data() + c.values);
    }

    /// The context, or null if it is not known. Valid until the next call of `count`.
    [[nodiscard]] const context* find(std::uint64_t hash) const noexcept {
        const context* const at = home(hash);
        const context* const c = find_in(at, check_of(hash));
        return c != nullptr ? c : find_in(contexts_.data() + neighbour(at), check_of(hash));
    }
    [[nodiscard]] std::span<const byte_count> counts(const context& c) const noexcept {
        if (c.distinct == 1) return {&c.values, 1};
        return {values_.data() + c.values, c.distinct};
    }

    /// Counts that `symbol` followed the context.
    void count(std::uint64_t hash, std::uint8_t symbol) noexcept {
        const context* const known = find(hash);
        context& c = known != nullptr ? contexts_[static_cast<std::size_t>(known - contexts_.data())] : place(hash);
        if (c.total == 0) {
            c = {check_of(hash), 1, one | symbol, 1, 0};
            return;
        }
        if (c.total == max_total) halve(c);
        if (c.distinct == 1 && symbol_of(c.values) == symbol) {
            c.values += one;
            ++c.total;
            return;
        }
        if (c.distinct > 1 && raise(c, symbol)) return;
        append(c, symbol);
    }

  private:
    static constexpr std::size_t line = 4;  // contexts in a line of the cache
    static constexpr byte_count one = 256;
    static constexpr std::uint32_t none = ~std::uint32_t{0};
    static constexpr std::uint32_t max_total = (std::uint32_t{1} << 24) - 1;

    [[nodiscard]] static std::uint32_t check_of(std::uint64_t hash) noexcept {
        return static_cast<std::uint32_t>(hash >> 32);
    }
    [[nodiscard]] const context* home(std::uint64_t hash) const noexcept {
        return contexts_.data() + (static_cast<std::size_t>(hash) & lines_mask_) * line;
    }
    [[nodiscard]] std::size_t neighbour(const context* at) const noexcept {
        return static_cast<std::size_t>(at - contexts_.data()) ^ line;
    }
    [[nodiscard]] static const context* find_in(const context* at, std::uint32_t check) noexcept {
        for (std::size_t i = 0; i < line; ++i)
            if (at[i].check == check && at[i].total != 0) return at + i;
        return nullptr;
    }

    // An empty place for a context that is not known: in its line, in the neighbour, or that of the context
    // in its line that was seen least.
    [[nodiscard]] context& place(std::uint64_t hash) noexcept {
        context* const at = contexts_.data() + (home(hash) - contexts_.data());
        context* const next = contexts_.data() + neighbour(at);
        context* least = at;
        for (std::size_t i = 0; i < 2 * line; ++i) {
            context& c = i < line ? at[i] : next[i - line];
            if (c.total == 0) return c;
            if (i < line && c.total < least->total) least = &c;
        }
        if (least->distinct > 1) release(least->values, least->room);
        *least = context{};
        return *least;
    }

    // Adds one to a value that is there; values that are seen more move to the front.
    [[nodiscard]] bool raise(context& c, std::uint8_t symbol) noexcept {
        byte_count* const first = values_.data() + c.values;
        for (std::size_t i = 0; i < c.distinct; ++i) {
            if (symbol_of(first[i]) != symbol) continue;
            first[i] += one;
            ++c.total;
            if (i != 0 && first[i] > first[i - 1]) std::swap(first[i], first[i - 1]);
            return true;
        }
        return false;
    }
    void append(context& c, std::uint8_t symbol) noexcept {
        if (c.distinct == 1 || c.distinct == 1U << c.room) {
            const unsigned room = c.room + 1U;
            const std::uint32_t block = take(room);
            if (block == none) return;
            const auto old = counts(c);
            for (std::size_t i = 0; i < old.size(); ++i) values_[block + i] = old[i];
            if (c.distinct > 1) release(c.values, c.room);
            c.values = block;
            c.room = static_cast<std::uint16_t>(room);
        }
        values_[c.values + std::size_t{c.distinct}] = one | symbol;
        ++c.distinct;
        ++c.total;
    }
    void halve(context& c) noexcept {
        byte_count* const first = c.distinct == 1 ? &c.values : values_.data() + c.values;
        c.total = 0;
        for (std::size_t i = 0; i < c.distinct; ++i) {
            const std::uint32_t count = (count_of(first[i]) + 1) / 2;
            first[i] = count * one | symbol_of(first[i]);
            c.total += count;
        }
    }

    // Blocks of 2, 4, … 256 counts; those given back form a list for each size, linked by their first count.
    [[nodiscard]] std::uint32_t take(unsigned room) noexcept {
        PITH_ASSERT(room >= 1 && room <= 8);
        const std::uint32_t given_back = free_[room];
        if (given_back != none) {
            free_[room] = values_[given_back];
            return given_back;
        }
        if (limit_ - used_ < 1U << room) return none;
        const std::uint32_t fresh = used_;
        used_ += 1U << room;
        return fresh;
    }
    void release(std::uint32_t block, unsigned room) noexcept {
        values_[block] = free_[room];
        free_[room] = block;
    }

    table<context> contexts_;
    table<byte_count> values_;
    std::size_t lines_mask_ = 0;
    std::uint32_t limit_ = 0;
    std::uint32_t used_ = 0;
    std::array<std::uint32_t, 9> free_{};
};

}  // namespace pith::inline v1::mixing
