// Distinct short strings of a block with their counts: what vocabularies are made from.
// Open addressing over an arena; nothing is allocated after construction.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include <pith/core/assert.hpp>
#include <pith/core/bytes.hpp>
#include <pith/core/table.hpp>

namespace pith::inline v1::codec {

/// Up to `most` strings of up to `arena` bytes in all; those that come later are not taken in.
class string_set {
  public:
    static constexpr std::uint32_t none = ~std::uint32_t{0};

    string_set(std::size_t most, std::size_t arena)
        : entries_(table<entry>::unset(most)),
          slots_(table<std::uint32_t>::unset(std::bit_ceil(2 * most))),
          order_(table<std::uint32_t>::unset(most)),
          arena_(table<std::uint8_t>::unset(arena)) {}

    [[nodiscard]] static constexpr std::size_t memory(std::size_t most, std::size_t arena) noexcept {
        return most * (sizeof(entry) + 4) + 4 * std::bit_ceil(2 * most) + arena;
    }

    /// Forgets all strings. `expected` bounds how many will be added; small sets clear little memory.
    void reset(std::size_t expected) noexcept {
        const std::size_t wanted = expected < entries_.size() ? expected : entries_.size();
        mask_ = std::bit_ceil(2 * wanted + 2) - 1;
        if (mask_ >= slots_.size()) mask_ = slots_.size() - 1;
        std::memset(slots_.data(), 0xFF, (mask_ + 1) * sizeof(std::uint32_t));
        count_ = 0;
        used_ = 0;
    }

    /// Counts one more of this string; its number, in order of appearance, or none if the set is full.
    std::uint32_t add(byte_view text) noexcept {
        std::size_t at = hash_of(text) & mask_;
        for (; slots_[at] != none; at = (at + 1) & mask_) {
            entry& e = entries_[slots_[at]];
            if (!equal(e, text)) continue;
            ++e.count;
            return slots_[at];
        }
        // Half of the slots stay free, so that the search above ends.
        if (count_ > mask_ / 2 || !append(text)) return none;
        slots_[at] = static_cast<std::uint32_t>(count_ - 1);
        return slots_[at];
    }
    /// Adds a string without looking for it. False if the set is full.
    [[nodiscard]] bool append(byte_view text) noexcept {
        if (count_ == entries_.size() || arena_.size() - used_ < text.size()) return false;
        if (!text.empty()) std::memcpy(arena_.data() + used_, text.data(), text.size());
        entries_[count_++] = {static_cast<std::uint32_t>(used_), static_cast<std::uint32_t>(text.size()), 1,
                              none};
        used_ += text.size();
        return true;
    }

    [[nodiscard]] std::size_t size() const noexcept { return count_; }
    [[nodiscard]] byte_view text(std::size_t number) const noexcept {
        return {arena_.data() + entries_[number].offset, entries_[number].length};
    }
    /// The place of a string in the ranking, or none.
    [[nodiscard]] std::uint32_t rank(std::size_t number) const noexcept { return entries_[number].rank; }
    /// The string at a place of the ranking.
    [[nodiscard]] std::uint32_t ranked(std::size_t rank) const noexcept { return order_[rank]; }

    /// Ranks the strings that occur at least twice, at most `most`: by octave of their counts, frequent ones
    /// first, and inside an octave by their bytes. Returns how many.
    std::size_t rank_repeated(std::size_t most) noexcept {
        std::size_t kept = 0;
        for (std::size_t i = 0; i < count_; ++i) {
            entries_[i].rank = none;
            if (entries_[i].count >= 2) order_[kept++] = static_cast<std::uint32_t>(i);
        }
        std::sort(order_.data(), order_.data() + kept, [this](std::uint32_t a, std::uint32_t b) {
            const auto x = std::bit_width(entries_[a].count), y = std::bit_width(entries_[b].count);
            return x != y ? x > y : before(text(a), text(b));
        });
        kept = kept < most ? kept : most;
        for (std::size_t r = 0; r < kept; ++r) entries_[order_[r]].rank = static_cast<std::uint32_t>(r);
        return kept;
    }

  private:
    struct entry {
        std::uint32_t offset;
        std::uint32_t length;
        std::uint32_t count;
        std::uint32_t rank;
    };

    [[nodiscard]] static std::uint64_t hash_of(byte_view text) noexcept {
        std::uint64_t hash = text.size();
        for (const std::uint8_t b : text) hash = (hash ^ b) * 0x9E37'79B9'7F4A'7C15U;
        return hash >> 24;
    }
    [[nodiscard]] bool equal(const entry& e, byte_view text) const noexcept {
        return e.length == text.size() &&
               (text.empty() || std::memcmp(arena_.data() + e.offset, text.data(), text.size()) == 0);
    }
    [[nodiscard]] static bool before(byte_view a, byte_view b) noexcept {
        const std::size_t n = a.size() < b.size() ? a.size() : b.size();
        const int order = n == 0 ? 0 : std::memcmp(a.data(), b.data(), n);
        return order != 0 ? order < 0 : a.size() < b.size();
    }

    std::size_t mask_ = 0;
    std::size_t count_ = 0;
    std::size_t used_ = 0;
    table<entry> entries_;
    table<std::uint32_t> slots_;
    table<std::uint32_t> order_;
    table<std::uint8_t> arena_;
};

}  // namespace pith::inline v1::codec
