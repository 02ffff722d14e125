// Prediction by partial matching over bytes: orders Order..1 with exclusion, over a dense order 0.
// Cleary and Witten (1984), escapes by method C (Moffat, 1990), every order updated, as in Midicoth (2026).
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

#include <pith/core/assert.hpp>
#include <pith/mixing/byte_concepts.hpp>
#include <pith/mixing/context_counts.hpp>

namespace pith::inline v1::mixing {

/// A byte_model. Exact: integer arithmetic only. A value costs at most the escapes and order 0, whose counts
/// start at 1/16; its mass may be 0, which the coder must see to.
template <unsigned Order = 4,
          context_room Room = context_room{1, std::size_t{1} << 21, 2, std::size_t{1} << 22}>
requires(Order >= 1 && Order <= 8) class ppm {
  public:
    static constexpr std::size_t memory = context_counts::memory_of(Room);

    ppm() : counts_(Room) { reset(0); }

    void reset(std::size_t n) noexcept {
        counts_.reset(n);
        single_.fill(prior);
        single_total_ = 256 * prior;
        for (unsigned k = 0; k < Order; ++k) hashes_[k] = context_hash(0, k);
        next_ = hashes_;
    }
    void prepare(const block_history& history) noexcept {
        for (unsigned k = 0; k < Order; ++k) {
            next_[k] = context_hash(history.last(k + 1), k);
            counts_.prefetch(next_[k]);
        }
    }
    [[nodiscard]] byte_evidence look_up(const block_history&) noexcept {
        byte_evidence evidence{0, single_total_ / occurrence, 0};
        for (unsigned k = 0; k < Order; ++k) {
            known_[k] = counts_.find(hashes_[k]);
            if (known_[k].total == 0) continue;
            counts_.prefetch(known_[k]);
            evidence.order = k + 1;
            evidence.confidence = known_[k].total;
        }
        return evidence;
    }
    void spread(byte_distribution& out, std::uint32_t mass) noexcept {
        PITH_ASSERT(mass <= byte_distribution::unit);
        excluded_.fill(0);
        taken_ = 0;
        std::uint32_t rest = mass;
        for (unsigned k = Order; k-- > 0;)
            if (known_[k].total != 0) rest -= spread_order(counts_.counts(known_[k]), rest);
        spread_single(out, rest);
        for (std::size_t i = 0; i < taken_; ++i)
            out.leaves()[byte_distribution::leaf(symbols_[i])] = masses_[i];
    }
    void update(std::uint8_t symbol) noexcept {
        for (const std::uint64_t hash : hashes_) counts_.count(hash, symbol);
        hashes_ = next_;
        single_[byte_distribution::leaf(symbol)] += occurrence;
        single_total_ += occurrence;
        if (single_total_ < std::uint32_t{1} << 31) return;
        single_total_ = 0;
        for (std::uint32_t& c : single_) single_total_ += c = (c + 1) / 2;
    }

  private:
    static constexpr std::uint32_t occurrence = 256;  // what order 0 counts for one
    static constexpr std::uint32_t prior = occurrence / 16;

    // Shares `rest` among the values of an order that no longer one had, and its escape. Returns what it
    // gave.
    [[nodiscard]] std::uint32_t spread_order(std::span<const byte_count> counts,
                                             std::uint32_t rest) noexcept {
        std::size_t end = taken_;
        std::uint32_t total = 0;  // < 2^24
        for (const byte_count c : counts) {
            const std::uint8_t symbol = symbol_of(c);
            const bool open = excluded_[symbol] == 0;
            excluded_[symbol] = 1;
            symbols_[end] = symbol;  // end <= 255 when it is open, 256 at most when not
            masses_[end] = count_of(c);
            end += open;
            total += open ? count_of(c) : 0;
        }
        const std::size_t distinct = end - taken_;
        if (distinct == 0) return 0;
        // A count is below the divisor: its product with `share` is below rest 2^32 <= 2^62.
        const std::uint64_t share = (std::uint64_t{rest} << 32) / (total + distinct);
        std::uint32_t given = 0;
        for (; taken_ < end; ++taken_) {
            masses_[taken_] = static_cast<std::uint32_t>(masses_[taken_] * share >> 32);
            given += masses_[taken_];
        }
        return given;
    }

    // Order 0, in which every value has been seen: all 256 at once, excluded or not.
    void spread_single(byte_distribution& out, std::uint32_t rest) const noexcept {
        std::uint64_t open = single_total_;
        for (std::size_t i = 0; i < taken_; ++i) open -= single_[byte_distribution::leaf(symbols_[i])];
        // rest < 2^r and open >= 2^(o - 1), so that rest 2^(31 + o - r) / open < 2^32; the numerator is below
        // 2^(31 + o) <= 2^63, and a share of at most 2^32 times a count of at most 2^31 stays below 2^63.
        const unsigned shift =
            31 + static_cast<unsigned>(std::bit_width(open)) - static_cast<unsigned>(std::bit_width(rest));
        const auto share = static_cast<std::uint32_t>(open == 0 ? 0 : (std::uint64_t{rest} << shift) / open);
        std::uint32_t* const leaves = out.leaves();
        for (std::size_t i = 0; i < 256; ++i)
            leaves[i] = static_cast<std::uint32_t>(std::uint64_t{single_[i]} * share >> shift);
    }

    context_counts counts_;
    std::array<std::uint64_t, Order> hashes_{};  // of this byte's contexts, shortest first
    std::array<std::uint64_t, Order> next_{};    // of the next byte's
    std::array<context_counts::context, Order> known_{};
    std::uint32_t single_total_ = 0;
    std::size_t taken_ = 0;                    // values that some order has given a mass
    std::array<std::uint32_t, 256> single_{};  // order 0, in the order of leaves
    std::array<std::uint8_t, 256> excluded_{};
    std::array<std::uint8_t, 257> symbols_{};
    std::array<std::uint32_t, 257> masses_{};
};

}  // namespace pith::inline v1::mixing
