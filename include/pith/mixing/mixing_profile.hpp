// What a context mixer is made of: the lists of contexts, runs and selectors of one kind of data, and rates.
// The parts are those of lpaq and PAQ8 (Mahoney and others, 2002-2009), named so that they can be exchanged.
#pragma once

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>

namespace pith::inline v1::mixing {

/// What a context mixer is made of.
///   using history = ...;            // byte_history or a class derived from it
///   using contexts = context_list<...>;    // hashed; the first six count as experience
///   using runs = context_list<...>;        // of these the last byte is kept as well
///   using selectors = selector_list<...>;  // a weight vector each
///   using finals = selector_list<...>;     // a mixer of their outputs each: 1, 2, 4, ..., averaged
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
    { P::first_rate + P::last_rate + P::final_rate } -> std::convertible_to<std::uint32_t>;
    { P::first_weight } -> std::convertible_to<int>;
    { P::log2_places } -> std::convertible_to<unsigned>;
}
&&(P::contexts::size >= 6 && P::selectors::size >= 1 && P::selectors::size <= 16 &&
   std::has_single_bit(P::finals::size));

}  // namespace pith::inline v1::mixing
