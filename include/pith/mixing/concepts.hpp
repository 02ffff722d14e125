// The concepts of mixing: what a model that predicts offers to those that combine and code its predictions.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>

namespace pith::inline v1::mixing {

/// Largest alphabet of a symbol_predictor: quantised totals reach 2^31, and sums over it stay exact enough.
inline constexpr std::size_t max_alphabet = std::size_t{1} << 20;

/// A distribution over the symbols 0 .. alphabet_size() - 1, an alphabet known at run time, given what came
/// before. A program's own language model plugs in here. The smallest one:
///   struct uniform_bytes {
///       static std::size_t alphabet_size() noexcept { return 256; }              // 2..max_alphabet,
///       constant static void reset(std::size_t) noexcept {}                              // at most so many
///       will follow static void predict(std::span<float> p) noexcept { for (float& v : p) v = 1.0F / 256; }
///       static void update(std::uint32_t) noexcept {}                           // what the symbol was
///   };
/// predict fills all of p, whose size is the alphabet's, with probabilities: finite, none negative, their sum
/// within 2^-10 of 1. Zeros are allowed, since a coder gives each symbol a share of its total.
/// Laws: predictions depend on the number given to reset and the symbols since then alone. update need not be
/// preceded by predict, and predict may be called twice or never between two updates: it changes no
/// prediction. Two copies that see the same symbols stay equal, also when one is asked and the other is not.
/// The decoder asks in the same places as the encoder, on another machine perhaps: what decides a bit of a
/// prediction is integer arithmetic or core/exact. Copies own what they change.
template <class P>
concept symbol_predictor = requires(P p, const P c, std::span<float> out, std::uint32_t symbol,
                                    std::size_t symbols) {
    { c.alphabet_size() }
    noexcept->std::convertible_to<std::size_t>;
    { p.reset(symbols) }
    noexcept;
    { p.predict(out) }
    noexcept;
    { p.update(symbol) }
    noexcept;
};

/// A predictor that is cheaper to tell than to ask. A mixer that was certain without it calls skip(symbol) in
/// the place of update(symbol), and the predictor may leave the symbol out of what it looks at.
/// Law: as for update, with skipped symbols told apart from others.
template <class P>
concept skipping_predictor = symbol_predictor<P> && requires(P p, std::uint32_t symbol) {
    { p.skip(symbol) }
    noexcept;
};

/// A predictor that can tell itself from another: streams carry the number, and decoders refuse another one.
template <class P>
concept identified_predictor = symbol_predictor<P> && requires(const P c) {
    { c.fingerprint() }
    noexcept->std::convertible_to<std::uint32_t>;
};

/// How a symbol is written under a distribution.
///   explicit S(std::size_t alphabet);                     // memory for an alphabet, shared by many streams
///   S::encoder<Sink>(Sink&, S&): put(p, symbol), finish   // finish writes what is held
///   S::decoder(byte_view, S&): get(p), finish             // finish gives result<void>
/// Law: symbols come back in order under the same distributions, whatever finite floats those are.
template <class S>
concept symbol_coding = std::copy_constructible<S> && std::constructible_from<S, std::size_t> &&
    requires(typename S::decoder d, std::span<const float> p) {
    { d.get(p) }
    noexcept->std::same_as<std::uint32_t>;
    {d.finish()};
};

}  // namespace pith::inline v1::mixing
