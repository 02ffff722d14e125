// A predictor of symbols from counts: contexts of 1 to Order symbols, interpolated, in bounded memory.
// Interpolation after Witten and Bell (1991) with the constant weight of Nacrith (Tacconelli, 2026):
// P_k = n / (n + 5) ML + 5 / (n + 5) P_(k-1), at most 64 continuations a context. Here contexts are hashed
// with checks and continuations share one pool, so that memory is bounded and old contexts give way.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include <pith/core/assert.hpp>
#include <pith/core/exact.hpp>
#include <pith/core/table.hpp>
#include <pith/mixing/concepts.hpp>

namespace pith::inline v1::mixing {

/// How much an n-gram model may hold. 16 bytes a context, 12 a continuation.
struct ngram_sizes {
    std::size_t contexts = std::size_t{1} << 19;       ///< a power of two, at least 4
    std::size_t continuations = std::size_t{1} << 20;  ///< at most 2^32 - 2
};

/// A symbol_predictor over contexts of up to Order symbols, above counts of all symbols. Exact: counts are
/// integers and their quotients go through core/exact.
template <unsigned Order = 4>
requires(Order >= 1 && Order <= 8) class token_ngram {
  public:
    static constexpr unsigned order = Order;
    static constexpr std::uint32_t max_continuations = 64;

    explicit token_ngram(std::size_t alphabet, ngram_sizes sizes = {})
        : slots_(sizes.contexts),
          pool_(table<continuation>::unset(sizes.continuations + 1)),
          counts_(alphabet) {
        PITH_ASSERT(alphabet >= 1 && alphabet <= max_alphabet);
        PITH_ASSERT(sizes.contexts >= ways && (sizes.contexts & (sizes.contexts - 1)) == 0);
        PITH_ASSERT(sizes.continuations < ~std::uint32_t{0} - 1);
        reset(~std::size_t{0});
    }

    /// Bytes of the tables, beside 4 for each symbol of the alphabet.
    [[nodiscard]] static constexpr std::size_t memory_of(ngram_sizes sizes) noexcept {
        return sizes.contexts * sizeof(context) + (sizes.continuations + 1) * sizeof(continuation);
    }
    [[nodiscard]] std::size_t alphabet_size() const noexcept { return counts_.size(); }

    /// As at the start, for at most `symbols` to come: tables grow with them up to what was taken.
    void reset(std::size_t symbols) noexcept {
        std::size_t wanted = 1024;
        while (wanted < slots_.size() && wanted / (2 * Order) < symbols) wanted *= 2;
        used_slots_ = wanted < slots_.size() ? wanted : slots_.size();
        for (std::size_t i = 0; i < used_slots_; ++i) slots_[i] = {};
        for (float& c : counts_) c = 0.0F;
        total_ = 0.0F;
        next_unused_ = 1;
        free_ = 0;
        recent_ = {};
        seen_ = 0;
        find_contexts();
    }

    void predict(std::span<float> p) noexcept {
        PITH_ASSERT(p.size() == counts_.size());
        std::array<float, Order + 1> scale{};  // of a count, by order
        float rest = 1.0F;
        for (unsigned k = Order; k >= 1; --k) {
            const context* const c = find(k);
            if (c == nullptr) continue;
            scale[k] = rest / (static_cast<float>(c->total) + lower_weight);
            rest = exact::mul(scale[k], lower_weight);
        }
        const float unit = rest / (total_ + lower_weight);
        const float floor = exact::mul(unit, lower_weight) / static_cast<float>(counts_.size());
        for (float& v : p) v = floor;
        exact::add_scaled(p, unit, std::span<const float>(counts_.data(), counts_.size()));
        for (unsigned k = 1; k <= Order; ++k) {
            if (scale[k] == 0.0F) continue;
            for (std::uint32_t i = find(k)->first; i != 0; i = pool_[i].next) {
                const continuation& c = pool_[i];
                p[c.symbol] = p[c.symbol] + exact::mul(scale[k], static_cast<float>(c.count));
            }
        }
    }

    void update(std::uint32_t symbol) noexcept {
        PITH_ASSERT(symbol < counts_.size());
        for (unsigned k = 1; k <= Order && k <= seen_; ++k) count(find_or_make(k), symbol);
        counts_[symbol] = counts_[symbol] + 1.0F;
        total_ = total_ + 1.0F;
        if (total_ >= 0x1p22F) halve_all();
        for (unsigned k = Order; k > 1; --k) recent_[k - 1] = recent_[k - 2];
        recent_[0] = symbol;
        if (seen_ < Order) ++seen_;
        find_contexts();
    }

    /// The longest context that has been seen before, in symbols.
    [[nodiscard]] unsigned matched_order() const noexcept {
        for (unsigned k = Order; k >= 1; --k)
            if (find(k) != nullptr) return k;
        return 0;
    }

  private:
    static constexpr float lower_weight = 5.0F;
    static constexpr std::size_t ways = 4;  // one cache line
    static constexpr std::uint32_t most_counts = std::uint32_t{1} << 16;

    /// total = 0: unused. The list from `first` holds total in all.
    struct context {
        std::uint32_t check;
        std::uint32_t total;
        std::uint32_t first;
        std::uint32_t kinds;
    };
    struct continuation {
        std::uint32_t symbol;
        std::uint32_t count;
        std::uint32_t next;
    };

    void find_contexts() noexcept {
        std::uint64_t hash = 0;
        for (unsigned k = 1; k <= seen_; ++k) {
            hash = (hash + recent_[k - 1] + 1) * 0x9E37'79B9'7F4A'7C15;
            const std::uint64_t mixed = (hash ^ (hash >> 29)) * 0xBF58'476D'1CE4'E5B9;
            lines_[k] = static_cast<std::size_t>(mixed >> 32) & (used_slots_ / ways - 1);
            checks_[k] = static_cast<std::uint32_t>(mixed) ^ k;
            hash ^= hash >> 32;
        }
    }
    [[nodiscard]] const context* find(unsigned k) const noexcept {
        if (k > seen_) return nullptr;
        const context* const line = slots_.data() + lines_[k] * ways;
        for (std::size_t w = 0; w < ways; ++w)
            if (line[w].total != 0 && line[w].check == checks_[k]) return line + w;
        return nullptr;
    }
    /// The context's place, or that of the one in its line that has seen least, emptied. When the pool is
    /// used up an unused place is of no use: then one that gives continuations back goes first.
    [[nodiscard]] context& find_or_make(unsigned k) noexcept {
        context* const line = slots_.data() + lines_[k] * ways;
        const std::uint32_t of_unused = free_ == 0 && next_unused_ == pool_.size() ? most_counts : 0;
        const auto worth = [&](const context& c) { return c.total != 0 ? c.total : of_unused; };
        context* least = line;
        for (std::size_t w = 0; w < ways; ++w) {
            if (line[w].total != 0 && line[w].check == checks_[k]) return line[w];
            if (worth(line[w]) < worth(*least)) least = line + w;
        }
        for (std::uint32_t i = least->first; i != 0;) {
            const std::uint32_t next = pool_[i].next;
            pool_[i].next = free_;
            free_ = i;
            i = next;
        }
        *least = {checks_[k], 0, 0, 0};
        return *least;
    }
    void count(context& c, std::uint32_t symbol) noexcept {
        std::uint32_t i = c.first;
        while (i != 0 && pool_[i].symbol != symbol) i = pool_[i].next;
        if (i == 0) {
            if (c.kinds == max_continuations) return;
            i = take();
            if (i == 0) return;  // the pool is used up until contexts give way
            pool_[i] = {symbol, 0, c.first};
            c.first = i;
            ++c.kinds;
        }
        ++pool_[i].count;
        ++c.total;
        if (c.total >= most_counts) halve(c);
    }
    [[nodiscard]] std::uint32_t take() noexcept {
        if (free_ != 0) {
            const std::uint32_t i = free_;
            free_ = pool_[i].next;
            return i;
        }
        return next_unused_ < pool_.size() ? next_unused_++ : 0;
    }
    void halve(context& c) noexcept {
        c.total = 0;
        for (std::uint32_t i = c.first; i != 0; i = pool_[i].next) {
            pool_[i].count = (pool_[i].count + 1) / 2;
            c.total += pool_[i].count;
        }
    }
    void halve_all() noexcept {
        total_ = 0.0F;  // sums of integers below 2^24: exact
        for (float& c : counts_) {
            c = static_cast<float>((static_cast<std::uint32_t>(c) + 1) / 2);
            total_ = total_ + c;
        }
    }

    table<context> slots_;
    table<continuation> pool_;  // element 0 is the end of a list
    table<float> counts_;
    float total_ = 0.0F;
    std::size_t used_slots_ = ways;
    std::uint32_t next_unused_ = 1;
    std::uint32_t free_ = 0;
    unsigned seen_ = 0;
    std::array<std::uint32_t, Order> recent_{};
    std::array<std::size_t, Order + 1> lines_{};
    std::array<std::uint32_t, Order + 1> checks_{};
};

static_assert(symbol_predictor<token_ngram<>>);

}  // namespace pith::inline v1::mixing
