// Context mixing: many contexts' predictions of the next bit, mixed by gated networks and refined.
// The structure is that of lpaq and PAQ8 (Mahoney and others, 2002-2009); what differs is that every part is
// a policy, that a line of histories is fetched before the last bit of its hash is known, and that training
// stops where nothing is left to learn.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <utility>

#include <pith/core/fixed.hpp>
#include <pith/mixing/adaptive_map.hpp>
#include <pith/mixing/apm.hpp>
#include <pith/mixing/bit_history.hpp>
#include <pith/mixing/byte_history.hpp>
#include <pith/mixing/contexts.hpp>
#include <pith/mixing/history_slots.hpp>
#include <pith/mixing/match.hpp>
#include <pith/mixing/mixer.hpp>
#include <pith/mixing/run_map.hpp>
#include <pith/mixing/selectors.hpp>

namespace pith::inline v1::mixing {

/// What a context mixer is made of.
///   using history = ...;            // byte_history or a class derived from it
///   using contexts = context_list<...>;    // hashed; the first six count as experience
///   using runs = context_list<...>;        // of these the last byte is kept as well
///   using selectors = selector_list<...>;  // a weight vector each
///   using finals = selector_list<...>;     // a mixer of their outputs each: 1, 2, 4, ..., averaged
///   static constexpr bool sure_inputs;     // deterministic histories of hashed contexts count twice
///   static constexpr std::uint32_t first_rate, last_rate, final_rate;  // of training, in 2^-15
///   static constexpr int first_weight;     // in 2^-14
///   static constexpr unsigned log2_places; // of matches and runs
template <class P>
concept mixing_profile = requires {
    typename P::history;
    { P::contexts::size } -> std::convertible_to<std::size_t>;
    { P::runs::size } -> std::convertible_to<std::size_t>;
    { P::selectors::size } -> std::convertible_to<std::size_t>;
    { P::finals::size } -> std::convertible_to<std::size_t>;
    { P::sure_inputs } -> std::convertible_to<bool>;
    { P::first_rate + P::last_rate + P::final_rate } -> std::convertible_to<std::uint32_t>;
    { P::first_weight } -> std::convertible_to<int>;
    { P::log2_places } -> std::convertible_to<unsigned>;
}
&&(P::contexts::size >= 6 && P::selectors::size >= 1 && P::selectors::size <= 16 &&
   std::has_single_bit(P::finals::size));

/// A bit_predictor over the bytes of a block, highest bits first. It views the block: all bytes before the
/// one that is being predicted must be in place. Exact.
template <mixing_profile Profile, mixing_kernel Kernel = portable_mixing>
class context_mixer {
    using contexts = typename Profile::contexts;
    using runs = typename Profile::runs;
    using selectors = typename Profile::selectors;
    using finals = typename Profile::finals;
    static constexpr std::size_t hashed = contexts::size;
    static constexpr std::size_t maps = hashed + 2;  // and orders 1 and 0
    static constexpr std::size_t sets = selectors::size;
    static constexpr std::size_t first_match = maps;
    static constexpr std::size_t first_run = first_match + 4;
    static constexpr std::size_t first_sure = first_run + runs::size;
    static constexpr std::size_t bias = first_sure + (Profile::sure_inputs ? hashed : 0);
    static constexpr std::size_t inputs = bias + 1;
    static constexpr std::size_t chances = maps + 2 + runs::size;  // and of matches and runs
    static constexpr std::size_t padded_chances = (chances + 7) / 8 * 8;
    static constexpr std::size_t padded = (inputs + 15) / 16 * 16;
    static constexpr unsigned log2_places = Profile::log2_places;
    static constexpr int dead_zone = 512;  // errors in 2^-16 that teach nothing
    static constexpr std::size_t hashed_contexts = 32768;

  public:
    context_mixer()
        : order1_(65536),
          near_(log2_places),
          far_(log2_places),
          maps_(maps * 256),
          runs_(make_runs(std::make_index_sequence<runs::size>{})),
          weights_(make_weights(std::make_index_sequence<sets>{})),
          last_(make_last(std::make_index_sequence<finals::size>{})),
          apms_{apm(65536), apm(hashed_contexts), apm(2048)} {}

    /// Bytes that an object holds, besides the slots.
    [[nodiscard]] static constexpr std::size_t memory() noexcept {
        std::size_t vectors = 0;
        for (const std::size_t n : finals::contexts) vectors += n * 16 * 2;
        for (const std::size_t n : selectors::contexts) vectors += n * padded * 2;
        return 65536 + (std::size_t{8} << log2_places) + maps * 1024 +
               runs::size * (std::size_t{2} << log2_places) + vectors +
               (65536 + hashed_contexts + 2048) * apm::points * 2 + Profile::history::memory +
               sizeof(context_mixer);
    }

    /// Forgets everything and starts before the first byte of a block. Takes the slots, which must be empty
    /// and outlive the use.
    void reset(history_slots& slots, const std::uint8_t* block) noexcept {
        slots_ = &slots;
        order1_.clear();
        order0_.fill(0);
        near_.reset();
        far_.reset();
        for (std::size_t i = 0; i < maps; ++i)
            for (std::size_t h = 0; h < 256; ++h)
                maps_[256 * i + h] = adaptive_probability(bit_histories<>.prior(h), 2);
        for (auto& r : runs_) r.reset();
        for (auto& w : weights_) w.reset(inputs, Profile::first_weight);
        for (auto& w : last_) w.reset(static_cast<std::int16_t>(16384 / sets));
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
        predict();
    }

    /// Goes on as `other` would, on a copy of its block: the bytes so far must be equal, and `slots` a copy
    /// of its slots. Not inlined: g++ 12 would take the copied members for those of what surrounds them.
    [[gnu::noinline]] void continue_from(const context_mixer& other, history_slots& slots,
                                         const std::uint8_t* block) noexcept {
        *this = other;  // tables of equal sizes: takes no memory
        slots_ = &slots;
        for (auto& s : slot_) s = slots.moved(s, *other.slots_);
        order1_at_ = &order1_[std::size_t{history_.last_byte()} << 8];
        history_.move_to(block);
        predict();  // points to what it read
    }

    /// The history, for what a profile's own has to be told before `start`.
    [[nodiscard]] typename Profile::history& history() noexcept { return history_; }

    /// In 16-bit fixed point, 1..65535.
    [[nodiscard]] std::uint32_t probability_of_one() const noexcept { return p_; }

    /// Takes the next bit. When it ends a byte, that byte must be in the block.
    void update(bool bit) noexcept {
        learn(bit);
        state_.partial = state_.partial << 1 | (bit ? 1U : 0U);
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
            for (std::size_t i = 0; i < hashed; ++i) slots_->prefetch(low_hash(i, state_.partial));
        }
        predict();
    }

  private:
    template <std::size_t... I>
    static std::array<run_map, sizeof...(I)> make_runs(std::index_sequence<I...>) {
        return {(static_cast<void>(I), run_map(log2_places))...};
    }
    template <std::size_t... I>
    static std::array<weight_set<padded, Kernel>, sizeof...(I)> make_weights(std::index_sequence<I...>) {
        return {weight_set<padded, Kernel>(selectors::contexts[I])...};
    }

    template <std::size_t... I>
    static std::array<small_weight_set<sets>, sizeof...(I)> make_last(std::index_sequence<I...>) {
        return {small_weight_set<sets>(finals::contexts[I])...};
    }

    /// The line of the low nibble depends on the first three bits only, so that it can be fetched early; the
    /// fourth is in the check.
    [[nodiscard]] std::uint32_t low_hash(std::size_t i, std::uint32_t three) const noexcept {
        return (hash_[i] + three * 0x9E3779B1U) * 0x85EBCA6BU;
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
        refine_nibble();
    }
    void begin_nibble() noexcept {
        refine_nibble();
        const std::uint32_t three = state_.partial >> 1, fourth = state_.partial & 1;
        for (std::size_t i = 0; i < hashed; ++i) slot_[i] = slots_->find(low_hash(i, three) ^ fourth << 7);
    }
    /// The refinements of a nibble under the last two bytes stand together.
    void refine_nibble() noexcept {
        nibble_ = scrambled(history_.last() & 0xFFFF, state_.partial) >> 17 & ~std::uint32_t{15};
        apms_[0].prefetch(state_.partial | std::size_t{history_.last_byte()} << 8);
        apms_[1].prefetch(nibble_ + 1);
    }
    /// The node of the current nibble's tree.
    [[nodiscard]] std::size_t node() const noexcept {
        if (state_.bits < 4) return state_.partial;
        const std::uint32_t top = 1U << (state_.bits - 4);
        return (state_.partial & (top - 1)) | top;
    }

    void predict() noexcept {
        node_ = node();
        std::uint32_t seen = 0;
        for (std::size_t i = 0; i < 6; ++i) seen += slot_[i][node_] != 0 ? 1U : 0U;
        state_.seen = seen;
        const bool near = predict_match(near_, 0), far = predict_match(far_, 1);
        state_.expected = far ? far_.expected() : near ? near_.expected() : 0;
        state_.match = far ? (far_.length() >= 32 ? 3 : 2) : near ? 1 : 0;
        prefetch();
        for (std::size_t k = 0; k < runs::size; ++k) {
            const bool holds = runs_[k].holds(state_.partial, state_.bits);
            predict_extra(2 + k, holds ? &runs_[k].chance(state_.bits) : nullptr);
        }
        Kernel::template fill<padded>(inputs_.data(), [this](auto i) { return this->template input<i()>(); });
        mix();
    }
    /// Chances besides those of the histories: k = 0 and 1 of the matches, 2 on of the runs; none is one
    /// half.
    [[gnu::always_inline]] void predict_extra(std::size_t k, adaptive_probability* chance) noexcept {
        extra_[k] = chance != nullptr ? chance : &none_;
        chance_[maps + k] = extra_[k]->bits();
    }
    template <class Match>
    [[gnu::always_inline]] bool predict_match(Match& m, std::size_t k) noexcept {
        const bool holds = m.holds(state_.partial, state_.bits);
        const bool bit = m.next_bit(state_.bits);
        const int firm = static_cast<int>(m.length() < 32 ? m.length() : 32) * 16;
        firm_[k] = static_cast<std::int16_t>(holds ? (bit ? firm : -firm) : 0);
        none_ = adaptive_probability();
        predict_extra(k, holds ? &m.chance(bit) : nullptr);
        return holds;
    }
    /// What input I of the mixers is.
    template <std::size_t I>
    [[nodiscard, gnu::always_inline]] std::int16_t input() noexcept {
        if constexpr (I < maps)
            return predict_map<I>();
        else if constexpr (I < first_run)
            return I % 2 == maps % 2 ? stretched(maps + (I - maps) / 2) : firm_[(I - maps) / 2];
        else if constexpr (I < first_sure)
            return stretched(maps + 2 + I - first_run);
        else if constexpr (I < bias)
            return sure_[history_at_[I - first_sure]] ? stretched(I - first_sure) : std::int16_t{0};
        else
            return I == bias ? std::int16_t{256} : std::int16_t{0};
    }
    template <std::size_t I>
    [[nodiscard, gnu::always_inline]] std::int16_t predict_map() noexcept {
        const std::uint8_t h = I < hashed    ? slot_[I < hashed ? I : 0][node_]
                               : I == hashed ? order1_at_[state_.partial]
                                             : order0_[state_.partial];
        history_at_[I] = h;
        chance_[I] = maps_[256 * I + h].bits();
        return stretched(I);
    }
    [[nodiscard, gnu::always_inline]] std::int16_t stretched(std::size_t i) const noexcept {
        return stretch12_table<>[chance_[i] >> 20];
    }
    /// What depends on the bits so far lies beyond the first caches: it is fetched while inputs are made.
    void prefetch() noexcept {
        chosen_ = selectors::values(state_, history_);
        for (std::size_t k = 0; k < sets; ++k)
            if (selectors::contexts[k] > 256) weights_[k].prefetch(chosen_[k]);
        const std::size_t last = std::size_t{history_.last_byte()} << 8;
        refined_[0] = state_.partial | last;
        refined_[1] = nibble_ + node_;
        refined_[2] = state_.partial | state_.match << 8 | (state_.seen > 3 ? 1024U : 0U);
        // What either value of the bit leads to.
        if (state_.bits != 7) apms_[0].prefetch_pair(last | 2 * state_.partial);
        if (node_ < 8) apms_[1].prefetch_pair(nibble_ + 2 * node_);
    }

    void mix() noexcept {
#pragma GCC unroll 16
        for (std::size_t k = 0; k < sets; ++k) {
            const int x = weights_[k].mix(inputs_.data(), chosen_[k]) >> 3;
            mixed_[k] = static_cast<std::int16_t>(x < -2047 ? -2047 : x > 2047 ? 2047 : x);
        }
        const auto chosen = finals::values(state_, history_);
        int sum = 0;
        for (std::size_t k = 0; k < finals::size; ++k) {
            joined_[k] = last_[k].mix(mixed_.data(), chosen[k]);
            sum += joined_[k];
        }
        const int x = sum >> std::countr_zero(finals::size);
        final_p_ = squash16(x);
        const std::uint32_t a = apms_[0].refine(x, refined_[0]), b = apms_[1].refine(x, refined_[1]);
        const std::uint32_t p = (final_p_ + 2 * a + 3 * b + apms_[2].refine(x, refined_[2])) / 7;
        p_ = p < 1 ? 1 : p > 65535 ? 65535 : p;
    }

    void learn(bool bit) noexcept {
        train(bit);
        for (auto& a : apms_) a.update(bit, 6);
        Kernel::template adapt<padded_chances>(chance_.data(), bit, 1023);
        const auto& next = bit_histories<>.next;
#pragma GCC unroll 64
        for (std::size_t i = 0; i < maps; ++i) {
            const std::uint8_t h = history_at_[i];
            maps_[256 * i + h] = adaptive_probability::from_bits(chance_[i]);
            std::uint8_t& at = i < hashed    ? slot_[i][node_]
                               : i == hashed ? order1_at_[state_.partial]
                                             : order0_[state_.partial];
            at = next[h][bit ? 1 : 0];
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
#pragma GCC unroll 16
        for (std::size_t k = 0; k < sets; ++k) {
            const int p = squash12_to_16<>[static_cast<std::size_t>(mixed_[k] + 2048)];
            weights_[k].train(inputs_.data(), target - p, rate);
        }
        constexpr int final_rate = static_cast<int>(Profile::final_rate);
        for (std::size_t k = 0; k < finals::size; ++k)
            last_[k].train(mixed_.data(), target - static_cast<int>(squash16(joined_[k])), final_rate);
    }

    typename Profile::history history_;
    history_slots* slots_ = nullptr;
    table<std::uint8_t> order1_;
    match_model<6> near_;
    match_model<12> far_;
    table<adaptive_probability> maps_;
    std::array<run_map, runs::size> runs_;
    std::array<weight_set<padded, Kernel>, sets> weights_;
    std::array<small_weight_set<sets>, finals::size> last_;
    std::array<apm, 3> apms_;
    mixing_state state_;
    std::array<std::uint8_t, 256> order0_{};
    std::uint8_t* order1_at_ = nullptr;
    std::array<std::uint8_t*, hashed> slot_{};
    std::array<std::uint32_t, hashed> hash_{};
    std::array<std::uint8_t, maps> history_at_{};
    std::array<bool, 256> sure_ = sure_histories(bit_histories<>);
    alignas(32) std::array<std::uint32_t, padded_chances> chance_{};
    alignas(32) std::array<std::int16_t, padded> inputs_{};
    std::array<std::int16_t, sets> mixed_{};
    std::array<int, finals::size> joined_{};
    std::array<std::uint32_t, sets> chosen_{};
    std::array<std::size_t, 3> refined_{};
    std::array<adaptive_probability*, 2 + runs::size> extra_{};
    std::array<std::int16_t, 2> firm_{};
    adaptive_probability none_;
    std::size_t node_ = 1;
    std::uint32_t nibble_ = 0;
    std::uint32_t rate_ = 0, final_p_ = 32768, p_ = 32768;
};

}  // namespace pith::inline v1::mixing
