// Counts of the bytes that followed each of many contexts, in memory that is taken once.
// Sparse, where dense counts take 2 KB a context (Midicoth, 2026): 16 bytes for a context that saw one value,
// and 4 for each value of the others, in blocks that grow by doubling.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <utility>

#include <pith/core/assert.hpp>
#include <pith/core/table.hpp>
#include <pith/mixing/block_history.hpp>

namespace pith::inline v1::mixing {

/// A byte value and how often it was seen: the value in the low 8 bits, the count, below 2^24, above.
using byte_count = std::uint32_t;
[[nodiscard]] constexpr std::uint8_t symbol_of(byte_count c) noexcept { return static_cast<std::uint8_t>(c); }
[[nodiscard]] constexpr std::uint32_t count_of(byte_count c) noexcept { return c >> 8; }

/// Numbers of contexts and of counts: for each byte of a block, and the most. Powers of two, `most_contexts`
/// >= 8, 256 <= most_values <= 2^31.
struct context_room {
    std::size_t contexts_per_byte;
    std::size_t most_contexts;
    std::size_t values_per_byte;
    std::size_t most_values;
};

/// A hash table of contexts, which are 64-bit hashes. Where contexts have no place left the one that was seen
/// least gives way; where the counts' memory is full, new values of a context are not learnt.
class context_counts {
  public:
    /// What is known of a context; a copy, valid until the next call of `count`.
    struct context {
        std::uint32_t check;
        std::uint32_t total;   ///< sum of the counts, < 2^24; 0: the context is not known
        std::uint32_t values;  ///< the count of the one value, or the place of the first of several
        std::uint16_t distinct;
        std::uint16_t room;  ///< log2 of the number of values that there is room for
    };
    [[nodiscard]] static constexpr std::size_t memory_of(const context_room& room) noexcept {
        return room.most_contexts * sizeof(context) + room.most_values * sizeof(byte_count);
    }

    explicit context_counts(const context_room& room)
        : room_(room),
          contexts_(table<context>::unset(room.most_contexts)),
          values_(table<byte_count>::unset(room.most_values)) {
        PITH_ASSERT(std::has_single_bit(room.most_contexts) && room.most_contexts >= 2 * line);
        PITH_ASSERT(std::has_single_bit(room.most_values) && room.most_values >= 256);
        PITH_ASSERT(room.most_values <= std::size_t{1} << 31);
        reset(0);
    }

    /// Forgets everything and keeps to the memory for a block of n bytes.
    void reset(std::size_t n) noexcept {
        const std::size_t contexts = scaled_size(n, room_.contexts_per_byte, 512, room_.most_contexts);
        std::memset(contexts_.data(), 0, contexts * sizeof(context));
        last_line_ = contexts / line - 1;
        limit_ = static_cast<std::uint32_t>(scaled_size(n, room_.values_per_byte, 512, room_.most_values));
        used_ = 0;
        free_.fill(none);
    }

    /// Begins to fetch what `find` will read, and what `counts` will.
    [[gnu::always_inline]] void prefetch(std::uint64_t hash) const noexcept {
        __builtin_prefetch(contexts_.data() + home(hash));
    }
    [[gnu::always_inline]] void prefetch(const context& c) const noexcept {
        if (c.distinct > 1) __builtin_prefetch(values_.data() + c.values);
    }

    /// The context; its total is 0 if it is not known.
    [[nodiscard]] context find(std::uint64_t hash) const noexcept {
        const std::size_t at = position(hash);
        return at == absent ? context{} : contexts_[at];
    }
    /// The counts of a known context, those that were raised most near the front. Views into `c` or the
    /// table.
    [[nodiscard]] std::span<const byte_count> counts(const context& c) const noexcept {
        if (c.distinct == 1) return {&c.values, 1};
        return {values_.data() + c.values, c.distinct};
    }

    /// Counts that `symbol` followed the context.
    void count(std::uint64_t hash, std::uint8_t symbol) noexcept {
        const std::size_t known = position(hash);
        if (known == absent) {
            contexts_[place(hash)] = {check_of(hash), 1, one | symbol, 1, 0};
            return;
        }
        context& c = contexts_[known];
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
    static constexpr std::size_t absent = ~std::size_t{0};
    static constexpr byte_count one = 256;
    static constexpr std::uint32_t none = ~std::uint32_t{0};
    static constexpr std::uint32_t max_total = (std::uint32_t{1} << 24) - 1;

    [[nodiscard]] static std::uint32_t check_of(std::uint64_t hash) noexcept {
        return static_cast<std::uint32_t>(hash >> 32);
    }
    [[nodiscard]] std::size_t home(std::uint64_t hash) const noexcept {
        return (static_cast<std::size_t>(hash) & last_line_) * line;
    }
    // A context stands in its home line or in that line's neighbour.
    [[nodiscard]] std::size_t position(std::uint64_t hash) const noexcept {
        const std::size_t first = home(hash);
        for (const std::size_t at : {first, first ^ line})
            for (std::size_t i = at; i < at + line; ++i)
                if (contexts_[i].check == check_of(hash) && contexts_[i].total != 0) return i;
        return absent;
    }
    // A place for a context that is not known: an empty one, or that of the least seen in its home line.
    [[nodiscard]] std::size_t place(std::uint64_t hash) noexcept {
        const std::size_t first = home(hash);
        for (const std::size_t at : {first, first ^ line})
            for (std::size_t i = at; i < at + line; ++i)
                if (contexts_[i].total == 0) return i;
        std::size_t least = first;
        for (std::size_t i = first + 1; i < first + line; ++i)
            if (contexts_[i].total < contexts_[least].total) least = i;
        if (contexts_[least].distinct > 1) give_back(contexts_[least].values, contexts_[least].room);
        return least;
    }

    // Adds one to a value if it is there; what is raised moves towards the front.
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
        if (c.distinct == 1U << c.room) {
            const std::uint32_t block = take(c.room + 1U);
            if (block == none) return;
            const auto old = counts(c);
            std::memcpy(values_.data() + block, old.data(), old.size_bytes());
            if (c.distinct > 1) give_back(c.values, c.room);
            c.values = block;
            ++c.room;
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

    // Blocks of 2, 4, … 256 counts. Those given back form a list for each size, linked through their first.
    [[nodiscard]] std::uint32_t take(unsigned room) noexcept {
        PITH_ASSERT(room >= 1 && room <= 8);
        const std::uint32_t given_back = free_[room];
        if (given_back != none) {
            free_[room] = values_[given_back];
            return given_back;
        }
        if (limit_ - used_ < 1U << room) return none;
        used_ += 1U << room;
        return used_ - (1U << room);
    }
    void give_back(std::uint32_t block, unsigned room) noexcept {
        values_[block] = free_[room];
        free_[room] = block;
    }

    context_room room_;
    table<context> contexts_;
    table<byte_count> values_;
    std::size_t last_line_ = 0;
    std::uint32_t limit_ = 0;  // counts in use for this block
    std::uint32_t used_ = 0;
    std::array<std::uint32_t, 9> free_{};
};

}  // namespace pith::inline v1::mixing
