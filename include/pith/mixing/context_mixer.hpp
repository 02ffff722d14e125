// Context mixing: many contexts' predictions of the next bit, mixed by gated networks and refined.
// The structure is that of lpaq and PAQ8 (Mahoney and others, 2002-2009); what differs is that every part is
// a policy, that a line of histories is fetched before the last bit of its hash is known, and that training
// stops where nothing is left to learn.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#include <pith/core/fixed.hpp>
#include <pith/mixing/adaptive_map.hpp>
#include <pith/mixing/history_slots.hpp>
#include <pith/mixing/mixer.hpp>
#include <pith/mixing/mixer_layer.hpp>
#include <pith/mixing/mixing_profile.hpp>
#include <pith/mixing/mixing_sources.hpp>
#include <pith/mixing/selectors.hpp>

namespace pith::inline v1::mixing {

/// A bit_predictor over the bytes of a block, highest bits first. It views the block: all bytes before the
/// one that is being predicted must be in place. Exact.
template <mixing_profile Profile, mixing_kernel Kernel = portable_mixing>
requires(Profile::first_rate < 512 && Profile::final_rate < 512) class context_mixer {
    using sources = mixing_sources<Profile>;
    using runs = typename Profile::runs;
    using selectors = typename Profile::selectors;
    using finals = typename Profile::finals;
    static constexpr std::size_t maps = sources::maps;
    static constexpr std::size_t sets = selectors::size;
    static constexpr std::size_t extras = 2 + runs::size;  // predictions of matches and runs
    // Predictions of the maps, of matches and of runs; then those of the maps again that come from
    // deterministic histories, lengths of matches, a constant and a direct prediction.
    static constexpr std::size_t lanes = (maps + (extras < 4 ? 4 : extras) + 7) / 8 * 8, inputs = 2 * lanes;
    using layer = mixer_layer<Profile, inputs, Kernel>;
    static constexpr int dead_zone = 512;  // errors in 2^-16 that teach nothing

  public:
    context_mixer() : last_(weight_sets<weight_set<16, Kernel>>(finals::contexts)) {}

    /// Bytes that an object holds, besides the slots.
    [[nodiscard]] static constexpr std::size_t memory() noexcept {
        std::size_t vectors = 0;
        for (const std::size_t n : finals::contexts) vectors += n * 16 * 2;
        return sources::memory + layer::memory + vectors + sizeof(context_mixer);
    }

    /// Forgets everything and starts before the first byte of a block. Takes the slots, which must be empty
    /// and outlive the use.
    void reset(history_slots& slots, const std::uint8_t* block) noexcept {
        sources_.reset(slots);
        layer_.reset();
        for (auto& w : last_) w.reset(sets, static_cast<std::int16_t>(16384 / sets));
        inputs_.fill(0);
        mixed_.fill(0);
        start(block);
    }
    /// Keeps what was learnt and starts before the first byte of another block.
    void start(const std::uint8_t* block) noexcept {
        sources_.start(block);
        predict_anew();
    }

    /// Goes on as `other`, which must be between two bytes, on a copy of its block: the bytes so far must be
    /// equal, and `slots` a copy of its slots. Not inlined: g++ 12 would take the copied members for those of
    /// what surrounds them.
    [[gnu::noinline]] void continue_from(const context_mixer& other, history_slots& slots,
                                         const std::uint8_t* block) noexcept {
        *this = other;  // tables of equal sizes: takes no memory
        sources_.move_to(slots, block);
        predict_anew();  // points to what it read
    }

    /// The history, for what a profile's own has to be told before `start`.
    [[nodiscard]] typename Profile::history& history() noexcept { return sources_.history(); }

    /// In 16-bit fixed point, 1..65535.
    [[nodiscard]] std::uint32_t probability_of_one() const noexcept { return p_; }

    /// Takes the next bit, in one function that keeps in registers what it can. When it ends a byte, that
    /// byte must be in the block.
    [[gnu::noinline]] void update(bool bit) noexcept {
        learn(bit);
        sources_.advance(bit);
        predict();
    }

  private:
    [[gnu::noinline]] void predict_anew() noexcept { predict(); }
    [[gnu::always_inline]] void predict() noexcept {
        mixing_state& state = sources_.state();
        state.seen = sources_.seen();
        none_ = adaptive_probability();
        const bool near = predict_match(sources_.near(), 0), far = predict_match(sources_.far(), 1);
        state.expected = far ? sources_.far().expected() : near ? sources_.near().expected() : 0;
        state.match = far ? (sources_.far().length() >= 32 ? 3 : 2) : near ? 1 : 0;
        // What depends on the bits so far lies beyond the first caches: it is fetched while inputs are made.
        layer_.choose(state, history());
        sources_.refined().prefetch(state, sources_.node());
        for (std::size_t k = 0; k < runs::size; ++k) predict_extra(2 + k, sources_.chance_of_run(k, none_));
        Kernel::template fill_masked<lanes, maps>(inputs_.data(),
                                                  [this](auto i) { return this->template input<i()>(); });
        mix();
    }
    /// Chances besides those of the histories: k = 0 and 1 of the matches, 2 on of the runs.
    [[gnu::always_inline]] void predict_extra(std::size_t k, adaptive_probability* chance) noexcept {
        extra_[k] = chance;
        chance_[maps + k] = extra_[k]->bits();
    }
    template <class Match>
    [[gnu::always_inline]] bool predict_match(Match& m, std::size_t k) noexcept {
        const mixing_state& state = sources_.state();
        const bool holds = m.holds(state.partial, state.bits);
        const bool bit = m.next_bit(state.bits);
        const int firm = static_cast<int>(m.length() < 32 ? m.length() : 32) * 16;
        firm_[k] = static_cast<std::int16_t>(holds ? (bit ? firm : -firm) : 0);
        predict_extra(k, holds ? &m.chance(bit) : &none_);
        return holds;
    }
    /// Lane I: a prediction, and what else the mixers see of it.
    template <std::size_t I>
    [[nodiscard, gnu::always_inline]] std::array<std::int16_t, 2> input() noexcept {
        if constexpr (I < maps) {
            return sources_.template predict<I>(chance_[I]);
        } else {
            constexpr std::size_t k = I - maps;
            std::int16_t x = 0;
            if constexpr (k < extras) x = stretch12_table<>[chance_[I] >> 20];
            if constexpr (k == 3)
                return {x, sources_.predict_directly()};
            else
                return {x, k < 2 ? firm_[k] : k == 2 ? std::int16_t{256} : std::int16_t{0}};
        }
    }
    [[gnu::always_inline]] void mix() noexcept {
        layer_.mix(inputs_.data(), mixed_.data());
        const auto chosen = finals::values(sources_.state(), history());
        int sum = 0;
        for (std::size_t k = 0; k < finals::size; ++k) {
            joined_[k] = last_[k].mix(mixed_.data(), chosen[k]);
            sum += joined_[k];
        }
        const int x = sum >> std::countr_zero(finals::size);
        final_p_ = squash16(x);
        const auto [a, b, c] = sources_.refined().refine(x, sources_.state(), sources_.node());
        const std::uint32_t p = (final_p_ + 2 * a + 3 * b + c) / 7;
        p_ = p < 1 ? 1 : p > 65535 ? 65535 : p;
    }

    [[gnu::always_inline]] void learn(bool bit) noexcept {
        train(bit);
        sources_.refined().update(bit);
        Kernel::template adapt<lanes>(chance_.data(), bit, 1023);
        sources_.learn(bit, chance_.data());
        for (std::size_t k = 0; k < extra_.size(); ++k)
            *extra_[k] = adaptive_probability::from_bits(chance_[maps + k]);
    }
    [[gnu::always_inline]] void train(bool bit) noexcept {
        const int target = bit ? 65536 : 0;
        const int error = target - static_cast<int>(final_p_);
        const bool worth = error > dead_zone || error < -dead_zone;
        layer_.learn(inputs_.data(), mixed_.data(), target, worth);
        if (!worth) return;
        constexpr int final_rate = static_cast<int>(Profile::final_rate);
        for (std::size_t k = 0; k < finals::size; ++k)
            last_[k].train(mixed_.data(), target - static_cast<int>(squash16(joined_[k])), final_rate);
    }

    sources sources_;
    layer layer_;
    std::array<weight_set<16, Kernel>, finals::size> last_;
    alignas(32) std::array<std::uint32_t, lanes> chance_{};
    alignas(32) std::array<std::int16_t, inputs> inputs_{};
    alignas(32) std::array<std::int16_t, 16> mixed_{};
    std::array<int, finals::size> joined_{};
    std::array<adaptive_probability*, extras> extra_{};
    std::array<std::int16_t, 2> firm_{};
    adaptive_probability none_;
    std::uint32_t final_p_ = 32768, p_ = 32768;
};

}  // namespace pith::inline v1::mixing
