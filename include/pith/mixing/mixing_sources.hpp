// What a context mixer predicts from: the histories, matches and runs of the bit that comes next.
// The parts are those of lpaq and PAQ8 (Mahoney and others, 2002-2009). How their predictions are mixed is
// left to the class that holds them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>

#include <pith/core/assert.hpp>
#include <pith/core/fixed.hpp>
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

/// Follows the bytes of a block bit by bit. It views the block: all bytes before the one that is being
/// predicted must be in place. Map i < hashed is that of context i, then come orders 1 and 0. The far match
/// and runs have 2^FarLog2Places places. Exact.
template <mixing_profile Profile, unsigned FarLog2Places = Profile::log2_places>
class mixing_sources {
    using runs = typename Profile::runs;
    static constexpr unsigned log2_places = Profile::log2_places;

  public:
    static constexpr std::size_t hashed = Profile::contexts::size;
    static constexpr std::size_t maps = hashed + 2;
    /// Bytes on the heap, besides the slots.
    static constexpr std::size_t memory =
        3 * 65536 + (std::size_t{4} << log2_places) + (std::size_t{4} << FarLog2Places) + maps * 1024 +
        runs::size * (std::size_t{2} << FarLog2Places) + refinements::memory + Profile::history::memory;

    mixing_sources()
        : order1_(65536),
          direct_(65536),
          near_(log2_places),
          far_(FarLog2Places),
          maps_(maps * 256),
          runs_(make_runs(std::make_index_sequence<runs::size>{})) {
        const auto sure = sure_histories(bit_histories<>);
        for (std::size_t h = 0; h < 256; ++h) sure_[h] = static_cast<std::int16_t>(sure[h] ? -1 : 0);
    }

    /// Forgets everything. Takes the slots, which must be empty and outlive the use. Then has to be started.
    void reset(history_slots& slots) noexcept {
        slots_.use(slots);
        order1_.clear();
        order0_.fill(0);
        for (auto& p : direct_) p = 32768;
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
    /// Goes on, being a copy, with a copy of the slots and of the block. Precondition: no byte has begun.
    void move_to(history_slots& slots, const std::uint8_t* block) noexcept {
        PITH_ASSERT(state_.bits == 0);
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
    /// What map I predicts, in the domain of stretch12, and -1 if its history is deterministic, else 0. Puts
    /// the bits of its adaptive probability into `chance`.
    template <std::size_t I>
    [[nodiscard, gnu::always_inline]] std::array<std::int16_t, 2> predict(std::uint32_t& chance) noexcept {
        const std::uint8_t h = *at(I, node_, state_.partial, order1_at_);
        chance = maps_[256 * I + h];
        return {stretch12_table<>[chance >> 20], sure_[h]};
    }
    /// The prediction of order 1 without a history, which follows what is recent.
    [[nodiscard, gnu::always_inline]] std::int16_t predict_directly() noexcept {
        direct_at_ = &direct_[std::size_t{history_.last_byte()} << 8 | state_.partial];
        return stretch12_table<>[*direct_at_ >> 4];
    }
    /// Takes the bit into all histories, and what their probabilities have become.
    [[gnu::always_inline]] void learn(bool bit, const std::uint32_t* chances) noexcept {
        *direct_at_ = static_cast<std::uint16_t>(*direct_at_ + (((bit ? 65535 : 0) - *direct_at_) >> 5));
        const std::uint8_t* const next = bit_histories<>.next[0].data() + (bit ? 1 : 0);
        // Stores of bytes may change anything, as far as compilers know.
        std::uint32_t* const map = maps_.data();
        const std::size_t node = node_, partial = state_.partial;
        std::uint8_t* const order1 = order1_at_;
#pragma GCC unroll 64
        for (std::size_t i = 0; i < maps; ++i) {
            std::uint8_t* const to = at(i, node, partial, order1);
            const std::size_t h = *to;
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
        return {(static_cast<void>(I), run_map(FarLog2Places))...};
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
    nibble_slots<typename Profile::contexts> slots_;
    table<std::uint8_t> order1_;
    table<std::uint16_t> direct_;
    match_model<6> near_;
    match_model<12> far_;
    table<std::uint32_t> maps_;
    std::array<run_map, runs::size> runs_;
    refinements refined_;
    mixing_state state_;
    std::size_t node_ = 1;
    std::array<std::uint8_t, 256> order0_{};
    std::uint8_t* order1_at_ = nullptr;
    std::uint16_t* direct_at_ = nullptr;
    std::array<std::int16_t, 256> sure_{};
};

}  // namespace pith::inline v1::mixing
