// Counts under long contexts as one expert: the longest context that was seen often enough speaks.
// After Midicoth (2026): orders 5 to 8, four occurrences at least; ours weighs n by n - 2, not by n - 4.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include <pith/mixing/byte_concepts.hpp>
#include <pith/mixing/context_counts.hpp>
#include <pith/mixing/hit_rate.hpp>

namespace pith::inline v1::mixing {

/// A byte_expert. An order k context seen n times asks for the share 2 (n - 2) / (n + 8) (0.4 + 0.1 (k -
/// First)), at most 0.6.
template <unsigned First = 5, unsigned Last = 8,
          context_room Room = context_room{2, std::size_t{1} << 23, 1, std::size_t{1} << 22}>
requires(First >= 1 && First <= Last && Last <= 8) class high_orders {
    static constexpr std::size_t orders = Last - First + 1;

  public:
    static constexpr std::size_t memory = context_counts::memory_of(Room);

    high_orders() : counts_(Room) { reset(0); }
    void reset(std::size_t n) noexcept {
        counts_.reset(n);
        for (unsigned k = 0; k < orders; ++k) hashes_[k] = context_hash(0, First + k);
        next_ = hashes_;
    }
    void prepare(const block_history& history) noexcept {
        for (unsigned k = 0; k < orders; ++k) {
            next_[k] = context_hash(history.last(First + k), First + k);
            counts_.prefetch(next_[k]);
        }
    }
    [[nodiscard]] std::uint32_t look_up(const block_history&) noexcept {
        using detail::fixed16;
        for (unsigned k = orders; k-- > 0;) {
            known_ = counts_.find(hashes_[k]);
            if (known_.total < least) continue;
            counts_.prefetch(known_);
            const std::uint64_t n = known_.total;
            const std::uint64_t wanted = 2 * (n - 2) * (fixed16(0.4) + fixed16(0.1) * k) / (n + 8);
            return static_cast<std::uint32_t>(wanted < fixed16(0.6) ? wanted : fixed16(0.6));
        }
        return 0;
    }
    void spread(byte_distribution& out, std::uint32_t mass) const noexcept {
        const std::uint64_t share = (std::uint64_t{mass} << 32) / known_.total;  // times a count: < 2^62
        for (const byte_count c : counts_.counts(known_))
            out.add(symbol_of(c), static_cast<std::uint32_t>(count_of(c) * share >> 32));
    }
    void update(std::uint8_t symbol) noexcept {
        for (const std::uint64_t hash : hashes_) counts_.count(hash, symbol);
        hashes_ = next_;
    }

  private:
    static constexpr std::uint32_t least = 4;

    context_counts counts_;
    std::array<std::uint64_t, orders> hashes_{};  // of this byte's contexts
    std::array<std::uint64_t, orders> next_{};    // of the next byte's
    context_counts::context known_{};
};

}  // namespace pith::inline v1::mixing
