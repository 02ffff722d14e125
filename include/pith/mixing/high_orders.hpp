// Counts under long contexts as one expert: the longest context that was seen often enough speaks.
// As in Midicoth: orders 5 to 8, four occurrences at least, a share that grows with order and occurrences.
#pragma once
#ifndef HL
#define HL 4
#endif
#ifndef HO
#define HO 0
#endif

#include <array>
#include <cstddef>
#include <cstdint>

#include <pith/mixing/byte_distribution.hpp>
#include <pith/mixing/byte_history.hpp>
#include <pith/mixing/context_counts.hpp>
#include <pith/mixing/ppm.hpp>

namespace pith::inline v1::mixing {

template <unsigned First = 5, unsigned Last = 8,
          ppm_options Options = ppm_options{3, 1, std::size_t{1} << 23, std::size_t{1} << 22}>
requires(First >= 1 && First <= Last && Last <= 8) class high_orders {
    static constexpr std::size_t orders = Last - First + 1;

  public:
    static constexpr std::size_t memory =
        context_counts::bytes_for(Options.most_contexts, Options.most_values);

    high_orders() : counts_(Options.most_contexts, Options.most_values) { reset(0); }
    void reset(std::size_t n) noexcept {
        counts_.reset(detail::scaled(n, Options.contexts_per_byte, 1024, Options.most_contexts),
                      detail::scaled(n, Options.values_per_byte, 1024, Options.most_values));
    }
    void prepare(const byte_history& history) noexcept {
        for (unsigned k = 0; k < orders; ++k) {
            hashes_[k] = context_hash(history.last(First + k), First + k);
            counts_.prefetch(hashes_[k]);
        }
    }
    [[nodiscard]] std::uint32_t look_up(const byte_history&) noexcept {
        known_ = nullptr;
        unsigned order = 0;
        for (unsigned k = 0; k < orders; ++k) {
            const auto* const c = counts_.find(hashes_[k]);
            if (c == nullptr || c->total < least) continue;
            known_ = c;
            order = First + k;
        }
        if (known_ == nullptr) return 0;
        counts_.prefetch(*known_);
        const std::uint64_t n = known_->total;
        const std::uint64_t wanted = 2 * (n - least + offset) * (26214 + 6554 * std::uint64_t{order - First}) / (n + 8);
        return static_cast<std::uint32_t>(wanted < 39322 ? wanted : 39322);
    }
    void spread(byte_distribution& out, std::uint32_t mass) const noexcept {
        const std::uint64_t share = (std::uint64_t{mass} << 32) / known_->total;
        for (const byte_count c : counts_.counts(*known_))
            out.add(symbol_of(c), static_cast<std::uint32_t>(count_of(c) * share >> 32));
    }
    void update(std::uint8_t symbol) noexcept {
        for (const std::uint64_t hash : hashes_) counts_.count(hash, symbol);
    }

  private:
    static constexpr std::uint32_t least = HL;
    static constexpr std::uint32_t offset = HO;
    context_counts counts_;
    std::array<std::uint64_t, orders> hashes_{};
    const context_counts::context* known_ = nullptr;
};

}  // namespace pith::inline v1::mixing
