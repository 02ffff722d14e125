// Context mixing for speed: sixteen predictions of the next bit, all alike, in two vectors of a machine.
// The structure is that of lpaq and PAQ8 (Mahoney and others, 2002-2009); what differs from context_mixer is
// that everything has a fixed place, so that nothing but look-ups is done one by one.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include <pith/core/fixed.hpp>
#include <pith/mixing/adaptive_map.hpp>
#include <pith/mixing/apm.hpp>
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
requires(Profile::contexts::size <= 11 && Profile::runs::size <= 2 && Profile::selectors::size <= 8 &&
         Profile::first_rate < 512 && Profile::final_rate < 512) class quick_mixer {
    using sources = mixing_sources<Profile, Profile::log2_places - 1>;
    using runs = typename Profile::runs;
    using selectors = typename Profile::selectors;
    static constexpr std::size_t maps = sources::maps;
    static constexpr std::size_t sets = selectors::size;
    // Predictions of the maps, of the match and of the runs; then those again that come from deterministic
    // histories, the match's length, a constant and a direct prediction.
    static constexpr std::size_t lanes = 16, inputs = 2 * lanes;
    using layer = mixer_layer<Profile, inputs, Kernel>;
    static constexpr int dead_zone = 1024;  // errors in 2^-16 that teach nothing

  public:
    quick_mixer() : last_weights_((256 + selected_by::experience::contexts) * 8) {}

    /// Bytes that an object holds, besides the slots.
    [[nodiscard]] static constexpr std::size_t memory() noexcept {
        constexpr std::size_t vectors = (256 + selected_by::experience::contexts) * 8 * 2;
        return sources::memory + layer::memory + vectors + sizeof(quick_mixer);
    }

    /// Forgets everything and starts before the first byte of a block. Takes the slots, which must be empty
    /// and outlive the use.
    void reset(history_slots& slots, const std::uint8_t* block) noexcept {
        sources_.reset(slots);
        layer_.reset();
        for (std::size_t i = 0; i < last_weights_.size(); ++i)
            last_weights_[i] = static_cast<std::int16_t>(i % 8 < sets ? 16384 / sets : 0);
        inputs_.fill(0);
        mixed_.fill(0);
        start(block);
    }
    /// Keeps what was learnt and starts before the first byte of another block.
    void start(const std::uint8_t* block) noexcept {
        sources_.start(block);
        follow_match();
        predict_anew();
    }
    /// Goes on as `other`, which must be between two bytes, on a copy of its block: the bytes so far must be
    /// equal, and `slots` a copy of its slots. Not inlined: g++ 12 would take the copied members for those of
    /// what surrounds them.
    [[gnu::noinline]] void continue_from(const quick_mixer& other, history_slots& slots,
                                         const std::uint8_t* block) noexcept {
        *this = other;  // tables of equal sizes: takes no memory
        sources_.move_to(slots, block);
        follow_match();
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
        if (sources_.state().bits == 0) follow_match();
        predict();
    }

  private:
    void follow_match() noexcept {
        if (sources_.far().length() != 0)
            follow(sources_.far(), 2);
        else
            follow(sources_.near(), 1);
    }
    /// The match that predicts the next byte, as long as it holds.
    template <class Match>
    [[gnu::always_inline]] void follow(Match& m, std::uint32_t kind) noexcept {
        const std::uint32_t length = m.length() < 32 ? m.length() : 32;
        sources_.state().expected = m.expected();
        sources_.state().match = length == 0 ? 0 : length == 32 && kind == 2 ? 3 : kind;
        likely_ = {&m.chance(false), &m.chance(true)};
        sure_match_ = static_cast<int>(length) * 16;
    }

    [[gnu::noinline]] void predict_anew() noexcept { predict(); }
    [[gnu::always_inline]] void predict() noexcept {
        none_ = adaptive_probability();
        mixing_state& state = sources_.state();
        if (state.expected >> (8 - state.bits) == state.partial) {
            const bool next = (state.expected >> (7 - state.bits) & 1) != 0;
            extra_[0] = next ? likely_[1] : likely_[0];
            firm_ = static_cast<std::int16_t>(next ? sure_match_ : -sure_match_);
        } else {
            state.expected = state.match = 0;
            extra_[0] = &none_;
            firm_ = 0;
        }
        for (std::size_t k = 0; k < runs::size; ++k) extra_[1 + k] = sources_.chance_of_run(k, none_);
        state.seen = sources_.seen();
        Kernel::template fill_masked<lanes, maps>(inputs_.data(),
                                                  [this](auto i) { return this->template input<i()>(); });
        mix();
    }
    /// Lane I: a prediction, and what else the mixers see of it.
    template <std::size_t I>
    [[nodiscard, gnu::always_inline]] std::array<std::int16_t, 2> input() noexcept {
        if constexpr (I < maps) {
            return sources_.template predict<I>(chance_[I]);
        } else {
            constexpr std::size_t k = I - maps;
            std::int16_t x = 0;
            if constexpr (k < 1 + runs::size) {
                chance_[I] = extra_[k]->bits();
                x = stretch12_table<>[chance_[I] >> 20];
            }
            if constexpr (k == 2)
                return {x, sources_.predict_directly()};
            else
                return {x, k == 0 ? firm_ : k == 1 ? std::int16_t{256} : std::int16_t{0}};
        }
    }

    [[gnu::always_inline]] void mix() noexcept {
        const mixing_state& state = sources_.state();
        layer_.choose(state, history());
        layer_.mix(inputs_.data(), mixed_.data());
        by_bits_ = &last_weights_[8 * state.partial];
        by_experience_ = &last_weights_[8 * (256 + selected_by::experience::value(state, history()))];
        const int sum = Kernel::dot_sum(mixed_.data(), by_bits_, by_experience_) >> 12;
        const int x = sum < -apm::limit ? -apm::limit : sum >= apm::limit ? apm::limit - 1 : sum;
        final_p_ = squash12_to_16<>[static_cast<std::size_t>((x >> 3) + 2048)];
        const auto [a, b, c] = sources_.refined().refine(x, state, sources_.node());
        const std::uint32_t p = (a + 2 * b + c) / 4;
        p_ = p < 1 ? 1 : p > 65535 ? 65535 : p;
        sources_.refined().prefetch(state, sources_.node());
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
        const int e = error * static_cast<int>(Profile::final_rate) >> 10;
        Kernel::template train<8>(mixed_.data(), by_bits_, e);
        Kernel::template train<8>(mixed_.data(), by_experience_, e);
    }

    sources sources_;
    layer layer_;
    table<std::int16_t> last_weights_;
    alignas(32) std::array<std::uint32_t, lanes> chance_{};
    alignas(32) std::array<std::int16_t, inputs> inputs_{};
    alignas(16) std::array<std::int16_t, 8> mixed_{};
    std::array<adaptive_probability*, 1 + runs::size> extra_{};
    std::int16_t *by_bits_ = nullptr, *by_experience_ = nullptr;
    adaptive_probability none_;
    std::array<adaptive_probability*, 2> likely_{};
    int sure_match_ = 0;
    std::int16_t firm_ = 0;
    std::uint32_t final_p_ = 32768, p_ = 32768;
};

}  // namespace pith::inline v1::mixing
