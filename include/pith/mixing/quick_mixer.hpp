// Context mixing for speed: sixteen predictions of the next bit, all alike, in two vectors of a machine.
// The structure is that of lpaq and PAQ8 (Mahoney and others, 2002-2009); what differs from context_mixer is
// that everything has a fixed place, so that nothing but look-ups is done one by one.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>

#include <pith/core/fixed.hpp>
#include <pith/mixing/adaptive_map.hpp>
#include <pith/mixing/apm.hpp>
#include <pith/mixing/bit_history.hpp>
#include <pith/mixing/context_mixer.hpp>  // mixing_profile
#include <pith/mixing/contexts.hpp>
#include <pith/mixing/history_slots.hpp>
#include <pith/mixing/match.hpp>
#include <pith/mixing/mixer.hpp>
#include <pith/mixing/run_map.hpp>
#include <pith/mixing/selectors.hpp>

namespace pith::inline v1::mixing {

/// A bit_predictor over the bytes of a block, highest bits first. It views the block: all bytes before the
/// one that is being predicted must be in place. Exact.
template <mixing_profile Profile, mixing_kernel Kernel = portable_mixing>
requires(Profile::contexts::size <= 11 && Profile::runs::size <= 2 && Profile::selectors::size <= 8 &&
         Profile::first_rate < 512 && Profile::final_rate < 512) class quick_mixer {
    using contexts = typename Profile::contexts;
    using runs = typename Profile::runs;
    using selectors = typename Profile::selectors;
    static constexpr std::size_t hashed = contexts::size;
    static constexpr std::size_t maps = hashed + 2;  // and orders 1 and 0
    static constexpr std::size_t sets = selectors::size;
    // Predictions of the maps, of the match and of the runs; then those again that come from deterministic
    // histories, the match's length, a constant and a direct prediction.
    static constexpr std::size_t lanes = 16, inputs = 2 * lanes;
    static constexpr unsigned log2_places = Profile::log2_places;
    static constexpr int dead_zone = 1024;  // errors in 2^-16 that teach nothing
    static constexpr std::size_t hashed_contexts = 32768;

  public:
    quick_mixer()
        : order1_(65536),
          direct_(65536),
          near_(log2_places),
          far_(log2_places - 1),
          maps_(maps * 256),
          runs_(make_runs(std::make_index_sequence<runs::size>{})),
          weights_(make_weights(std::make_index_sequence<sets>{})),
          last_weights_((256 + selected_by::experience::contexts) * 8),
          apms_{apm(65536), apm(hashed_contexts), apm(2048)} {
        const auto sure = sure_histories(bit_histories<>);
        for (std::size_t h = 0; h < 256; ++h) sure_[h] = static_cast<std::int16_t>(sure[h] ? -1 : 0);
    }

    /// Bytes that an object holds, besides the slots.
    [[nodiscard]] static constexpr std::size_t memory() noexcept {
        std::size_t vectors = (256 + selected_by::experience::contexts) * 8 * 2;
        for (const std::size_t n : selectors::contexts) vectors += n * inputs * 2;
        return 3 * 65536 + (std::size_t{6} << log2_places) + maps * 1024 +
               runs::size * (std::size_t{1} << log2_places) + vectors +
               (65536 + hashed_contexts + 2048) * apm::points * 2 + 131072 + sizeof(quick_mixer);
    }

    /// Forgets everything and starts before the first byte of a block. Takes the slots, which must be empty
    /// and outlive the use.
    void reset(history_slots& slots, const std::uint8_t* block) noexcept {
        slots_ = &slots;
        order1_.clear();
        for (auto& p : direct_) p = 32768;
        order0_.fill(0);
        near_.reset();
        far_.reset();
        for (std::size_t i = 0; i < maps; ++i)
            for (std::size_t h = 0; h < 256; ++h)
                maps_[256 * i + h] = adaptive_probability(bit_histories<>.prior(h), 2).bits();
        for (auto& r : runs_) r.reset();
        for (auto& w : weights_) w.reset(inputs, Profile::first_weight);
        for (std::size_t i = 0; i < last_weights_.size(); ++i)
            last_weights_[i] = static_cast<std::int16_t>(i % 8 < sets ? 16384 / sets : 0);
        for (auto& a : apms_) a.reset();
        inputs_.fill(0);
        mixed_.fill(0);
        rate_ = Profile::first_rate << 8;
        start(block);
    }
    /// Keeps what was learnt and starts before the first byte of another block.
    void start(const std::uint8_t* block) noexcept {
        history_.reset(block);
        near_.forget();
        far_.forget();
        state_ = mixing_state{};
        begin_byte();
        predict_anew();
    }
    /// Goes on as `other` would, on a copy of its block: the bytes so far must be equal, and `slots` a copy
    /// of its slots. Not inlined: g++ 12 would take the copied members for those of what surrounds them.
    [[gnu::noinline]] void continue_from(const quick_mixer& other, history_slots& slots,
                                         const std::uint8_t* block) noexcept {
        *this = other;  // tables of equal sizes: takes no memory
        slots_ = &slots;
        for (auto& s : slot_) s = slots.moved(s, *other.slots_);
        order1_at_ = &order1_[std::size_t{history_.last_byte()} << 8];
        history_.move_to(block);
        choose_steady(std::make_index_sequence<sets>{});
        follow_match();
        predict_anew();  // points to what it read
    }
    /// The history, for what a profile's own has to be told before `start`.
    [[nodiscard]] typename Profile::history& history() noexcept { return history_; }
    /// In 16-bit fixed point, 1..65535.
    [[nodiscard]] std::uint32_t probability_of_one() const noexcept { return p_; }

    /// Takes the next bit, in one function that keeps in registers what it can. When it ends a byte, that
    /// byte must be in the block.
    [[gnu::noinline]] void update(bool bit) noexcept {
        learn(bit);
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
            begin_nibble();
        } else if (state_.bits == 3) {
            for (std::size_t i = 0; i < hashed; ++i) {
                hash_[i] = slots_->in_page_of(hash_[i], low_hash(hash_[i], state_.partial));
                slots_->prefetch(hash_[i]);
            }
        }
        predict();
    }

  private:
    template <std::size_t... I>
    static std::array<run_map, sizeof...(I)> make_runs(std::index_sequence<I...>) {
        return {(static_cast<void>(I), run_map(log2_places - 1))...};
    }
    template <std::size_t... I>
    static std::array<weight_set<inputs, Kernel>, sizeof...(I)> make_weights(std::index_sequence<I...>) {
        return {weight_set<inputs, Kernel>(selectors::contexts[I])...};
    }
    /// The line of the low nibble depends on the first three bits only, so that it can be fetched early; the
    /// fourth is in the check.
    [[nodiscard]] static std::uint32_t low_hash(std::uint32_t hash, std::uint32_t three) noexcept {
        return (hash + three * 0x9E3779B1U) * 0x85EBCA6BU;
    }
    void begin_byte() noexcept {
        near_.prefetch(history_);
        far_.prefetch(history_);
        contexts::hash(history_, hash_.data());
        for (std::size_t i = 0; i < hashed; ++i) slots_->prefetch(hash_[i]);
        std::array<std::uint32_t, runs::size> run{};
        runs::hash(history_, run.data());
        for (std::size_t k = 0; k < runs::size; ++k) runs_[k].prefetch(run[k]);
        near_.push(history_);
        far_.push(history_);
        for (std::size_t i = 0; i < hashed; ++i) slot_[i] = slots_->find(hash_[i]);
        for (std::size_t k = 0; k < runs::size; ++k) runs_[k].find(run[k]);
        order1_at_ = &order1_[std::size_t{history_.last_byte()} << 8];
        choose_steady(std::make_index_sequence<sets>{});
        follow_match();
        refine_nibble();
        node_ = 1;
    }
    void follow_match() noexcept {
        if (far_.length() != 0)
            follow(far_, 2);
        else
            follow(near_, 1);
    }
    /// Weights that are chosen by the bytes before stand together for the bits of a byte.
    template <std::size_t... K>
    void choose_steady(std::index_sequence<K...>) noexcept {
        (choose_steady_one<K>(), ...);
    }
    template <std::size_t K>
    [[gnu::always_inline]] void choose_steady_one() noexcept {
        using selector = typename selectors::template at<K>;
        if constexpr (steady_selector<selector>) {
            mixing_state first;
            chosen_[K] = weights_[K].choose(selector::value(first, history_));
            for (std::size_t bit = 0; bit < 8; ++bit) __builtin_prefetch(chosen_[K] + bit * inputs, 1);
        }
    }
    template <std::size_t... K>
    [[gnu::always_inline]] std::array<std::int16_t*, sets> chosen(std::index_sequence<K...>) noexcept {
        return {chosen_one<K>()...};
    }
    template <std::size_t... K>
    [[gnu::always_inline]] std::array<std::int16_t*, sets> trained(std::index_sequence<K...>) noexcept {
        return {chosen_[K] +
                (steady_selector<typename selectors::template at<K>> ? state_.bits * inputs : 0)...};
    }
    template <std::size_t K>
    [[gnu::always_inline]] std::int16_t* chosen_one() noexcept {
        using selector = typename selectors::template at<K>;
        if constexpr (steady_selector<selector>)
            return chosen_[K] + state_.bits * inputs;
        else
            return chosen_[K] = weights_[K].choose(selector::value(state_, history_));
    }
    /// The match that predicts the next byte, as long as it holds.
    template <class Match>
    [[gnu::always_inline]] void follow(Match& m, std::uint32_t kind) noexcept {
        const std::uint32_t length = m.length() < 32 ? m.length() : 32;
        state_.expected = m.expected();
        state_.match = length == 0 ? 0 : length == 32 && kind == 2 ? 3 : kind;
        likely_ = {&m.chance(false), &m.chance(true)};
        sure_match_ = static_cast<int>(length) * 16;
    }
    void begin_nibble() noexcept {
        refine_nibble();
        const std::uint32_t fourth = state_.partial & 1;
        for (std::size_t i = 0; i < hashed; ++i) slot_[i] = slots_->find(hash_[i] ^ fourth << 7);
        node_ = 1;
    }
    /// The refinements of a nibble under the last two bytes stand together.
    void refine_nibble() noexcept {
        nibble_ = scrambled(history_.last() & 0xFFFF, state_.partial) >> 17 & ~std::uint32_t{15};
        apms_[0].prefetch(state_.partial | std::size_t{history_.last_byte()} << 8);
        apms_[1].prefetch(nibble_ + 1);
    }

    [[gnu::noinline]] void predict_anew() noexcept { predict(); }
    [[gnu::always_inline]] void predict() noexcept {
        none_ = adaptive_probability();
        if (state_.expected >> (8 - state_.bits) == state_.partial) {
            const bool next = (state_.expected >> (7 - state_.bits) & 1) != 0;
            extra_[0] = next ? likely_[1] : likely_[0];
            firm_ = static_cast<std::int16_t>(next ? sure_match_ : -sure_match_);
        } else {
            state_.expected = state_.match = 0;
            extra_[0] = &none_;
            firm_ = 0;
        }
        for (std::size_t k = 0; k < runs::size; ++k) {
            const bool holds = runs_[k].holds(state_.partial, state_.bits);
            extra_[1 + k] = holds ? &runs_[k].chance(state_.bits) : &none_;
        }
        std::uint32_t seen = 0;
        for (std::size_t i = 0; i < 6; ++i) seen += slot_[i][node_] != 0 ? 1U : 0U;
        state_.seen = seen;
        Kernel::template fill_masked<lanes, maps>(inputs_.data(),
                                                  [this](auto i) { return this->template input<i()>(); });
        mix();
    }
    /// Lane I: a prediction, and what else the mixers see of it.
    template <std::size_t I>
    [[nodiscard, gnu::always_inline]] std::array<std::int16_t, 2> input() noexcept {
        if constexpr (I < maps) {
            const std::uint8_t h = I < hashed    ? slot_[I < hashed ? I : 0][node_]
                                   : I == hashed ? order1_at_[state_.partial]
                                                 : order0_[state_.partial];
            const std::uint32_t c = maps_[256 * I + h];
            chance_[I] = c;
            const std::int16_t x = stretch12_table<>[c >> 20];
            return {x, sure_[h]};
        } else {
            constexpr std::size_t k = I - maps;
            std::int16_t x = 0;
            if constexpr (k < 1 + runs::size) {
                chance_[I] = extra_[k]->bits();
                x = stretch12_table<>[chance_[I] >> 20];
            }
            if constexpr (k == 2)
                return {x, direct()};
            else
                return {x, k == 0 ? firm_ : k == 1 ? std::int16_t{256} : std::int16_t{0}};
        }
    }

    /// The prediction of order 1 without a history, which follows what is recent.
    [[nodiscard, gnu::always_inline]] std::int16_t direct() noexcept {
        direct_at_ = &direct_[std::size_t{history_.last_byte()} << 8 | state_.partial];
        return stretch12_table<>[*direct_at_ >> 4];
    }

    [[gnu::always_inline]] void mix() noexcept {
        const auto weights = chosen(std::make_index_sequence<sets>{});
        Kernel::template dots<inputs, sets>(inputs_.data(), weights.data(), mixed_.data());
        by_bits_ = &last_weights_[8 * state_.partial];
        by_experience_ = &last_weights_[8 * (256 + selected_by::experience::value(state_, history_))];
        const int sum = Kernel::dot_sum(mixed_.data(), by_bits_, by_experience_) >> 12;
        const int x = sum < -apm::limit ? -apm::limit : sum >= apm::limit ? apm::limit - 1 : sum;
        final_p_ = squash12_to_16<>[static_cast<std::size_t>((x >> 3) + 2048)];
        const std::size_t last = std::size_t{history_.last_byte()} << 8;
        const std::uint32_t a = apms_[0].refine(x, state_.partial | last),
                            b = apms_[1].refine(x, nibble_ + node_);
        const std::uint32_t c =
            apms_[2].refine(x, state_.partial | state_.match << 8 | (state_.seen > 3 ? 1024U : 0U));
        const std::uint32_t p = (a + 2 * b + c) / 4;
        p_ = p < 1 ? 1 : p > 65535 ? 65535 : p;
        // What either value of the bit leads to.
        if (state_.bits != 7) apms_[0].prefetch_pair(last | 2 * state_.partial);
        if (node_ < 8) apms_[1].prefetch_pair(nibble_ + 2 * node_);
    }

    [[gnu::always_inline]] void learn(bool bit) noexcept {
        train(bit);
        *direct_at_ = static_cast<std::uint16_t>(*direct_at_ + (((bit ? 65535 : 0) - *direct_at_) >> 5));
        for (auto& a : apms_) a.update(bit, 6);
        Kernel::template adapt<lanes>(chance_.data(), bit, 1023);
        const std::uint8_t* const next = bit_histories<>.next[0].data() + (bit ? 1 : 0);
        // Stores of bytes may change anything, as far as compilers know.
        std::uint32_t* const map = maps_.data();
        const std::size_t node = node_, partial = state_.partial;
        std::uint8_t* const order1 = order1_at_;
#pragma GCC unroll 16
        for (std::size_t i = 0; i < maps; ++i) {
            std::uint8_t* const at = i < hashed    ? slot_[i] + node
                                     : i == hashed ? order1 + partial
                                                   : order0_.data() + partial;
            const std::size_t h = *at;
            *at = next[2 * h];
            map[256 * i + h] = chance_[i];
        }
        for (std::size_t k = 0; k < extra_.size(); ++k)
            *extra_[k] = adaptive_probability::from_bits(chance_[maps + k]);
    }
    [[gnu::always_inline]] void train(bool bit) noexcept {
        const int target = bit ? 65536 : 0;
        const int rate = static_cast<int>(rate_ >> 8);
        rate_ -= (rate_ - (Profile::last_rate << 8)) >> 14;
        const int error = target - static_cast<int>(final_p_);
        if (error <= dead_zone && error >= -dead_zone) return;
        const auto weights = trained(std::make_index_sequence<sets>{});
#pragma GCC unroll 8
        for (std::size_t k = 0; k < sets; ++k) {
            const int p = squash12_to_16<>[static_cast<std::size_t>(mixed_[k] + 2048)];
            Kernel::template train<inputs>(inputs_.data(), weights[k], (target - p) * rate >> 10);
        }
        const int e = error * static_cast<int>(Profile::final_rate) >> 10;
        Kernel::template train<8>(mixed_.data(), by_bits_, e);
        Kernel::template train<8>(mixed_.data(), by_experience_, e);
    }

    typename Profile::history history_;
    history_slots* slots_ = nullptr;
    table<std::uint8_t> order1_;
    table<std::uint16_t> direct_;
    match_model<6> near_;
    match_model<12> far_;
    table<std::uint32_t> maps_;
    std::array<run_map, runs::size> runs_;
    std::array<weight_set<inputs, Kernel>, sets> weights_;
    table<std::int16_t> last_weights_;
    std::array<apm, 3> apms_;
    mixing_state state_;
    std::size_t node_ = 1;
    std::array<std::uint8_t, 256> order0_{};
    std::uint8_t* order1_at_ = nullptr;
    std::uint16_t* direct_at_ = nullptr;
    std::array<std::uint8_t*, hashed> slot_{};
    std::array<std::uint32_t, hashed> hash_{};
    std::array<std::int16_t, 256> sure_{};
    alignas(32) std::array<std::uint32_t, lanes> chance_{};
    alignas(32) std::array<std::int16_t, inputs> inputs_{};
    alignas(16) std::array<std::int16_t, 8> mixed_{};
    std::array<adaptive_probability*, 1 + runs::size> extra_{};
    std::array<std::int16_t*, sets> chosen_{};
    std::int16_t *by_bits_ = nullptr, *by_experience_ = nullptr;
    adaptive_probability none_;
    std::array<adaptive_probability*, 2> likely_{};
    int sure_match_ = 0;
    std::int16_t firm_ = 0;
    std::uint32_t nibble_ = 0;
    std::uint32_t rate_ = 0, final_p_ = 32768, p_ = 32768;
};

}  // namespace pith::inline v1::mixing
