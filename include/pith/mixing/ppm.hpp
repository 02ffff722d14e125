// Prediction by partial matching over bytes: orders Order..1 with exclusion, order 0 below.
// Cleary and Witten (1984), escapes by method C (Moffat, 1990), all orders updated, as in Midicoth.
#pragma once
#ifndef PRIOR
#define PRIOR 16
#endif

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#include <pith/core/table.hpp>
#include <pith/mixing/byte_distribution.hpp>
#include <pith/mixing/byte_history.hpp>
#include <pith/mixing/context_counts.hpp>

namespace pith::inline v1::mixing {

/// Size of the tables of a model, chosen for each block: per byte of the block, up to a largest number.
struct ppm_options {
    std::size_t contexts_per_byte = 1;
    std::size_t values_per_byte = 2;
    std::size_t most_contexts = std::size_t{1} << 21;
    std::size_t most_values = std::size_t{1} << 22;
};

/// Gives every byte value a mass. Exact: integer arithmetic only.
template <unsigned Order = 4, ppm_options Options = ppm_options{}>
requires(Order >= 1 && Order <= 8) class ppm {
  public:
    static constexpr std::size_t memory =
        context_counts::bytes_for(Options.most_contexts, Options.most_values);

    ppm() : counts_(Options.most_contexts, Options.most_values) { reset(0); }

    /// Forgets everything; the next block has n bytes.
    void reset(std::size_t n) noexcept {
        counts_.reset(detail::scaled(n, Options.contexts_per_byte, 1024, Options.most_contexts),
                      detail::scaled(n, Options.values_per_byte, 1024, Options.most_values));
        single_.fill(prior);
        single_total_ = 256 * prior;
        known_.fill(nullptr);
    }

    /// Begins to fetch what the next prediction needs.
    void prepare(const byte_history& history) noexcept {
        for (unsigned k = 1; k <= Order; ++k) {
            hashes_[k] = context_hash(history.last(k), k);
            counts_.prefetch(hashes_[k]);
        }
    }
    void look_up() noexcept {
        order_ = 0;
        for (unsigned k = 1; k <= Order; ++k) {
            known_[k] = counts_.find(hashes_[k]);
            if (known_[k] == nullptr) continue;
            counts_.prefetch(*known_[k]);
            order_ = k;
        }
    }
    /// The longest context that is known, and how often it was seen.
    [[nodiscard]] unsigned order() const noexcept { return order_; }
    [[nodiscard]] std::uint32_t confidence() const noexcept {
        return order_ == 0 ? single_total_ / unit : known_[order_]->total;
    }

    /// Overwrites `out`: masses that sum to at most `mass`, which is at most 2^30.
    void spread(byte_distribution& out, std::uint32_t mass) noexcept {
        excluded_.fill(0);
        taken_ = 0;
        std::uint64_t rest = mass;
        for (unsigned k = order_; k >= 1; --k)
            if (known_[k] != nullptr) rest -= spread_order(counts_.counts(*known_[k]), rest);
        spread_single(out, static_cast<std::uint32_t>(rest));
        for (std::size_t i = 0; i < taken_; ++i) out.leaves()[places_[i]] = masses_[i];
    }

    void update(std::uint8_t symbol) noexcept {
        for (unsigned k = 1; k <= Order; ++k) counts_.count(hashes_[k], symbol);
        single_[byte_distribution::leaf(symbol)] += unit;
        single_total_ += unit;
        if (single_total_ >= std::uint32_t{1} << 31) {
            single_total_ = 0;
            for (std::uint32_t& c : single_) single_total_ += c = (c + 1) / 2;
        }
    }

  private:
    static constexpr std::uint32_t unit = 256;   // of order 0: what one occurrence adds
    static constexpr std::uint32_t prior = PRIOR;

    // Returns what it gave. rest <= 2^30.
    [[nodiscard]] std::uint64_t spread_order(std::span<const byte_count> counts, std::uint64_t rest) noexcept {
        std::uint32_t total = 0;  // < 2^24
        std::uint32_t distinct = 0;
        for (const byte_count c : counts) {
            const bool open = excluded_[symbol_of(c)] == 0;
            total += open ? count_of(c) : 0;
            distinct += open;
        }
        if (distinct == 0) return 0;
        // A count is below the divisor, so that its product with `share` is below 2^62.
        const std::uint64_t share = (rest << 32) / (total + distinct);
        std::uint64_t given = 0;
        for (const byte_count c : counts) {
            const std::uint8_t symbol = symbol_of(c);
            if (excluded_[symbol] != 0) continue;
            excluded_[symbol] = 1;
            const auto mass = static_cast<std::uint32_t>(count_of(c) * share >> 32);
            places_[taken_] = static_cast<std::uint8_t>(byte_distribution::leaf(symbol));
            masses_[taken_++] = mass;
            given += mass;
        }
        return given;
    }

    // Order 0, in which every value has been seen: all 256 at once, whatever is excluded.
    void spread_single(byte_distribution& out, std::uint32_t rest) noexcept {
        std::uint64_t open = single_total_;
        for (std::size_t i = 0; i < taken_; ++i) open -= single_[places_[i]];
        // open >= 2^(bits - 1), so that share < 2^32; it has 31 bits or so whatever the sizes of the two.
        const auto bits = static_cast<unsigned>(std::bit_width(open));
        const unsigned shift = 31 + bits - static_cast<unsigned>(std::bit_width(rest));
        const auto share = static_cast<std::uint32_t>(open == 0 ? 0 : (std::uint64_t{rest} << shift) / open);
        std::uint32_t* const leaves = out.leaves();
        for (std::size_t i = 0; i < 256; ++i)
            leaves[i] = static_cast<std::uint32_t>(std::uint64_t{single_[i]} * share >> shift);
    }

    context_counts counts_;
    std::array<std::uint64_t, Order + 1> hashes_{};
    std::array<const context_counts::context*, Order + 1> known_{};
    unsigned order_ = 0;
    std::uint32_t single_total_ = 0;
    std::size_t taken_ = 0;
    alignas(64) std::array<std::uint32_t, 256> single_;  // in the order of leaves
    std::array<std::uint8_t, 256> excluded_;
    std::array<std::uint8_t, 256> places_;
    std::array<std::uint32_t, 256> masses_;
};

}  // namespace pith::inline v1::mixing
