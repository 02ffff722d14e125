// The first layer of a context mixer: every selector's weight vector makes a prediction of the same inputs.
// As in PAQ8 (Mahoney and others, 2005-2009); vectors that one byte chooses stand together for its bits, so
// that they are known, and can be fetched, before the bits are.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

#include <pith/mixing/mixer.hpp>
#include <pith/mixing/mixing_profile.hpp>
#include <pith/mixing/selectors.hpp>

namespace pith::inline v1::mixing {

/// Weight vectors for Profile::selectors, over Inputs numbers, trained at the profile's rates. Exact.
template <mixing_profile Profile, std::size_t Inputs, mixing_kernel Kernel>
requires(Profile::first_rate < 512) class mixer_layer {
    using selectors = typename Profile::selectors;
    static constexpr std::size_t sets = selectors::size;
    static constexpr bool fetches_bytes = Inputs <= 32;  // a vector is a line of the cache

  public:
    /// Bytes on the heap.
    static constexpr std::size_t memory = [] {
        std::size_t total = 0;
        for (const std::size_t n : selectors::contexts) total += n * Inputs * 2;
        return total;
    }();

    mixer_layer() : weights_(weight_sets<weight_set<Inputs, Kernel>>(selectors::contexts)) {}

    void reset() noexcept {
        for (auto& w : weights_) w.reset(Inputs, Profile::first_weight);
        rate_ = Profile::first_rate << 8;
    }
    /// Chooses the vectors of the next bit and starts to fetch them. To be called once for every bit.
    template <class History>
    [[gnu::always_inline]] void choose(const mixing_state& state, const History& history) noexcept {
        choose_each(state, history, std::make_index_sequence<sets>{});
    }
    /// A prediction for each selector, in the domain of stretch12, then zeros up to eight or sixteen.
    [[gnu::always_inline]] void mix(const std::int16_t* inputs, std::int16_t* predictions) const noexcept {
        Kernel::template dots<Inputs, sets>(inputs, at_.data(), predictions);
    }
    /// Gradient step on what `mix` took and gave, unless it is not worth it; target = bit << 16. The rate
    /// falls with every bit.
    [[gnu::always_inline]] void learn(const std::int16_t* inputs, const std::int16_t* predictions, int target,
                                      bool worth) noexcept {
        const int rate = static_cast<int>(rate_ >> 8);
        rate_ -= (rate_ - (Profile::last_rate << 8)) >> 14;
        if (!worth) return;
#pragma GCC unroll 16
        for (std::size_t k = 0; k < sets; ++k) {
            const int p = squash12_to_16<>[static_cast<std::size_t>(predictions[k] + 2048)];
            // |target - p| < 2^16 and rate < 2^9: below 2^15 after the shift.
            Kernel::template train<Inputs>(inputs, at_[k], (target - p) * rate >> 10);
        }
    }

  private:
    template <class History, std::size_t... K>
    [[gnu::always_inline]] void choose_each(const mixing_state& state, const History& history,
                                            std::index_sequence<K...>) noexcept {
        if (state.bits == 0)
            (choose_steady<K>(history), ...);
        else
            (follow_steady<K>(), ...);
        (choose_other<K>(state, history), ...);
    }
    template <std::size_t K>
    static constexpr bool steady = steady_selector<typename selectors::template at<K>>;

    template <std::size_t K, class History>
    [[gnu::always_inline]] void choose_steady(const History& history) noexcept {
        if constexpr (steady<K>) {
            at_[K] = weights_[K].choose(selectors::template at<K>::value(mixing_state{}, history));
            for (std::size_t i = 0; i < (fetches_bytes ? 8 : 2) * Inputs; i += 32)
                __builtin_prefetch(at_[K] + i, 1);
        }
    }
    /// The vector of the next bit, and a fetch of the one behind it.
    template <std::size_t K>
    [[gnu::always_inline]] void follow_steady() noexcept {
        if constexpr (steady<K>) {
            at_[K] += Inputs;
            if constexpr (!fetches_bytes)
                for (std::size_t i = 0; i < Inputs; i += 32) __builtin_prefetch(at_[K] + Inputs + i, 1);
        }
    }
    template <std::size_t K, class History>
    [[gnu::always_inline]] void choose_other(const mixing_state& state, const History& history) noexcept {
        using selector = typename selectors::template at<K>;
        if constexpr (!steady<K>) {
            at_[K] = weights_[K].choose(selector::value(state, history));
            // What is smaller stays in the second cache.
            if constexpr (selector::contexts * Inputs > (std::size_t{1} << 17))
                for (std::size_t i = 0; i < Inputs; i += 32) __builtin_prefetch(at_[K] + i, 1);
        }
    }

    std::array<weight_set<Inputs, Kernel>, sets> weights_;
    std::array<std::int16_t*, sets> at_{};
    std::uint32_t rate_ = 0;
};

}  // namespace pith::inline v1::mixing
