// What a context mixer predicts from: the histories, matches and runs of the bit that comes next.
// The parts are those of lpaq and PAQ8 (Mahoney and others, 2002-2009). How their predictions are mixed is
// left to the class that holds them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>

#include <pith/core/table.hpp>
#include <pith/mixing/adaptive_map.hpp>
#include <pith/mixing/bit_history.hpp>
#include <pith/mixing/history_slots.hpp>
#include <pith/mixing/match.hpp>
#include <pith/mixing/mixing_profile.hpp>
#include <pith/mixing/nibble_slots.hpp>
#include <pith/mixing/refinements.hpp>
#include <pith/mixing/run_map.hpp>
#include <pith/mixing/selectors.hpp>

namespace pith::inline v1::mixing {

/// How much memory sources take, and where.
struct source_layout {
    bool one_page = false;           ///< both nibbles of a byte in one page of histories
    bool halved_far_places = false;  ///< half the places for the far match and for runs
    /// Histories that predicted are noted: another context, if it shares the slot, may have moved them on
    /// before they learn. Else the probability goes to where the history then is.
    bool noted_histories = false;
};

/// Follows the bytes of a block bit by bit. It views the block: all bytes before the one that is being
/// predicted must be in place. Map i < hashed is that of context i, then come orders 1 and 0. Exact.
template <mixing_profile Profile, source_layout Layout>
class mixing_sources {
    using runs = typename Profile::runs;
    static constexpr unsigned log2_places = Profile::log2_places;
    static constexpr unsigned far_log2_places = log2_places - (Layout.halved_far_places ? 1 : 0);

  public:
    static constexpr std::size_t hashed = Profile::contexts::size;
    static constexpr std::size_t maps = hashed + 2;
    /// Bytes on the heap, besides the slots.
    static constexpr std::size_t memory =
        65536 + (std::size_t{4} << log2_places) + (std::size_t{4} << far_log2_places) + maps * 1024 +
        runs::size * (std::size_t{2} << far_log2_places) + refinements::memory + Profile::history::memory;

    mixing_sources()
        : order1_(65536),
          near_(log2_places),
          far_(far_log2_places),
          maps_(maps * 256),
          runs_(make_runs(std::make_index_sequence<runs::size>{})) {}

    /// Forgets everything. Takes the slots, which must be empty and outlive the use. Then has to be started.
    void reset(history_slots& slots) noexcept {
        slots_.use(slots);
        order1_.clear();
        order0_.fill(0);
        near_.reset();
        far_.reset();
        for (std::size_t i = 0; i < maps; ++i)
            for (std::size_t h = 0; h < 256; ++h)
                maps_[256 * i + h] = adaptive_probability(bit_histories<>.prior(h), 2).bits();
        for (auto& r : runs_) r.reset();
        refined_.reset();
    }
    /// Keeps what was learnt and starts before the first byte of another block.
    void start(const std::uint8_t* block) noexcept {
        history_.reset(block);
        near_.forget();
        far_.forget();
        state_ = mixing_state{};
        begin_byte();
    }
    /// Goes on, being a copy, with a copy of the slots and of the block.
    void move_to(history_slots& slots, const std::uint8_t* block) noexcept {
        slots_.move_to(slots);
        order1_at_ = &order1_[std::size_t{history_.last_byte()} << 8];
        history_.move_to(block);
    }

    /// Goes to the place after the next bit. When it ends a byte, that byte must be in the block.
    [[gnu::always_inline]] void advance(bool bit) noexcept {
        state_.partial = state_.partial << 1 | (bit ? 1U : 0U);
        node_ = 2 * node_ + (bit ? 1U : 0U);
        ++state_.bits;
        if (state_.bits == 8) {
            const auto c = static_cast<std::uint8_t>(state_.partial);
            for (auto& r : runs_) r.push(c);
            history_.push(c);
            state_.partial = 1;
            state_.bits = 0;
            begin_byte();
        } else if (state_.bits == 4) {
            refined_.begin_nibble(history_.last(), state_.partial);
            slots_.find_low(bit);
            node_ = 1;
        } else if (state_.bits == 3) {
            slots_.prefetch_low(state_.partial);
        }
    }

    /// The node of the current nibble's tree.
    [[nodiscard, gnu::always_inline]] std::size_t node() const noexcept { return node_; }
    /// How many of the first six contexts have been here.
    [[nodiscard, gnu::always_inline]] std::uint32_t seen() const noexcept { return slots_.seen(node_); }
    /// The history of map I, and the bits of the adaptive probability that it has there.
    template <std::size_t I>
    [[nodiscard, gnu::always_inline]] std::uint8_t history_of() noexcept {
        const std::uint8_t h = *at(I, node_, state_.partial, order1_at_);
        if constexpr (Layout.noted_histories) noted_[I] = h;
        return h;
    }
    [[nodiscard, gnu::always_inline]] std::uint8_t noted(std::size_t i) const noexcept
        requires(Layout.noted_histories) {
        return noted_[i];
    }
    template <std::size_t I>
    [[nodiscard, gnu::always_inline]] std::uint32_t chance_of(std::uint8_t bit_history) const noexcept {
        return maps_[256 * I + bit_history];
    }
    /// Takes the bit into all histories, and what their probabilities have become.
    [[gnu::always_inline]] void learn(bool bit, const std::uint32_t* chances) noexcept {
        const std::uint8_t* const next = bit_histories<>.next[0].data() + (bit ? 1 : 0);
        // Stores of bytes may change anything, as far as compilers know.
        std::uint32_t* const map = maps_.data();
        const std::size_t node = node_, partial = state_.partial;
        std::uint8_t* const order1 = order1_at_;
#pragma GCC unroll 64
        for (std::size_t i = 0; i < maps; ++i) {
            std::uint8_t* const to = at(i, node, partial, order1);
            const std::size_t h = predicted(i, *to);
            *to = next[2 * h];
            map[256 * i + h] = chances[i];
        }
    }

    [[nodiscard]] match_model<6>& near() noexcept { return near_; }
    [[nodiscard]] match_model<12>& far() noexcept { return far_; }
    /// What run k says of the next bit, `none` if it has nothing to say.
    [[nodiscard, gnu::always_inline]] adaptive_probability* chance_of_run(
        std::size_t k, adaptive_probability& none) noexcept {
        return runs_[k].holds(state_.partial, state_.bits) ? &runs_[k].chance(state_.bits) : &none;
    }

    [[nodiscard]] typename Profile::history& history() noexcept { return history_; }
    /// Its part on matches is for the holder to fill in, after every advance.
    [[nodiscard]] mixing_state& state() noexcept { return state_; }
    [[nodiscard]] refinements& refined() noexcept { return refined_; }

  private:
    template <std::size_t... I>
    static std::array<run_map, sizeof...(I)> make_runs(std::index_sequence<I...>) {
        return {(static_cast<void>(I), run_map(far_log2_places))...};
    }
    [[nodiscard, gnu::always_inline]] std::uint8_t predicted(std::size_t i, std::uint8_t now) const noexcept {
        if constexpr (Layout.noted_histories)
            return noted_[i];
        else
            return now;
    }
    [[nodiscard, gnu::always_inline]] std::uint8_t* at(std::size_t i, std::size_t node, std::size_t partial,
                                                       std::uint8_t* order1) noexcept {
        return i < hashed ? slots_.at(i) + node : i == hashed ? order1 + partial : order0_.data() + partial;
    }
    void begin_byte() noexcept {
        near_.prefetch(history_);
        far_.prefetch(history_);
        slots_.prefetch_high(history_);
        std::array<std::uint32_t, runs::size> run{};
        runs::hash(history_, run.data());
        for (std::size_t k = 0; k < runs::size; ++k) runs_[k].prefetch(run[k]);
        near_.push(history_);
        far_.push(history_);
        slots_.find_high();
        for (std::size_t k = 0; k < runs::size; ++k) runs_[k].find(run[k]);
        order1_at_ = &order1_[std::size_t{history_.last_byte()} << 8];
        refined_.begin_nibble(history_.last(), state_.partial);
        node_ = 1;
    }

    typename Profile::history history_;
    nibble_slots<typename Profile::contexts, Layout.one_page> slots_;
    table<std::uint8_t> order1_;
    match_model<6> near_;
    match_model<12> far_;
    table<std::uint32_t> maps_;
    std::array<run_map, runs::size> runs_;
    refinements refined_;
    mixing_state state_;
    std::size_t node_ = 1;
    std::array<std::uint8_t, 256> order0_{};
    std::uint8_t* order1_at_ = nullptr;
    std::array<std::uint8_t, Layout.noted_histories ? maps : 0> noted_{};
};

}  // namespace pith::inline v1::mixing
