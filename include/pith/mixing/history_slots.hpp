// A hash table of bit histories: for each context a slot with the histories of one nibble's tree.
// As in lpaq (Mahoney, 2007): fifteen histories and a byte of check, four slots to a cache line; here the
// four checks stand together, so that one comparison of a word finds the slot.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include <pith/core/assert.hpp>
#include <pith/core/bytes.hpp>
#include <pith/core/table.hpp>

namespace pith::inline v1::mixing {

/// Slots that many contexts share. A slot is found by a hash; where it is missing, the slot of its line with
/// the least experience gives way. Exact.
class history_slots {
  public:
    static constexpr std::size_t line_bytes = 64;

    /// Memory for at most 2^log2_lines lines.
    explicit history_slots(unsigned log2_lines)
        : bytes_(random_table<std::uint8_t>::unset(line_bytes << log2_lines)) {}

    /// Empties the first 2^log2_lines lines and uses only those. 7 <= log2_lines <= 24.
    void reset(unsigned log2_lines) noexcept {
        PITH_ASSERT(line_bytes << log2_lines <= bytes_.size());
        shift_ = 32 - log2_lines;
        std::memset(bytes_.data(), 0, line_bytes << log2_lines);
    }

    /// Takes over the lines of another table that are in use; there must be memory for as many.
    void copy(const history_slots& from) noexcept {
        const std::size_t used = line_bytes << (32 - from.shift_);
        PITH_ASSERT(used <= bytes_.size());
        shift_ = from.shift_;
        std::memcpy(bytes_.data(), from.bytes_.data(), used);
    }
    /// What `at` in `from` is here, after copy(from).
    [[nodiscard]] std::uint8_t* moved(const std::uint8_t* at, const history_slots& from) noexcept {
        return bytes_.data() + (at - from.bytes_.data());
    }

    /// Starts to fetch the line of `hash`, whose upper bits name it.
    [[gnu::always_inline]] void prefetch(std::uint32_t hash) const noexcept {
        __builtin_prefetch(line(hash), 1);  // g++ 12 drops calls of functions that do nothing else
    }

    /// A hash in the page of `hash`, else as `other`: what stands in one page needs one translation of
    /// addresses.
    [[nodiscard]] std::uint32_t in_page_of(std::uint32_t hash, std::uint32_t other) const noexcept {
        const std::uint32_t inside = (1U << (shift_ + log2_page)) - 1;
        return (hash & ~inside) | (other & inside);
    }

    /// Histories of a context's nibble, to be indexed by the node of its tree: 1 for the first bit, 2n and
    /// 2n + 1 after node n. The lowest 8 bits of `hash` tell contexts of one line apart.
    [[nodiscard, gnu::always_inline]] std::uint8_t* find(std::uint32_t hash) noexcept {
        std::uint8_t* const at = line(hash);
        const std::uint32_t differing = load_le<std::uint32_t>(at) ^ (hash & 0xFF) * 0x01010101U;
        const std::uint32_t equal = (differing - 0x01010101U) & ~differing & 0x80808080U;
        if (equal != 0) return at + 3 + 15 * (static_cast<unsigned>(std::countr_zero(equal)) >> 3);
        return replace(at, static_cast<std::uint8_t>(hash));
    }

  private:
    static constexpr unsigned log2_page = 6;  // 64 lines of 64 bytes

    [[nodiscard]] std::uint8_t* line(std::uint32_t hash) const noexcept {
        return const_cast<std::uint8_t*>(bytes_.data()) + (std::size_t{hash >> shift_} << 6);
    }
    [[nodiscard]] static std::uint8_t* replace(std::uint8_t* at, std::uint8_t check) noexcept {
        unsigned worst = 0;
        for (unsigned k = 1; k < 4; ++k)
            if (at[4 + 15 * k] < at[4 + 15 * worst]) worst = k;
        at[worst] = check;
        std::memset(at + 4 + 15 * worst, 0, 15);
        return at + 3 + 15 * worst;
    }

    random_table<std::uint8_t> bytes_;
    unsigned shift_ = 31;
};

}  // namespace pith::inline v1::mixing
