// The concepts of byte-wise mixing: a model that gives every byte a mass, experts blended into it,
// calibration.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>

#include <pith/mixing/block_history.hpp>
#include <pith/mixing/byte_distribution.hpp>

namespace pith::inline v1::mixing {

/// What a byte-wise model says of its own prediction: the context of a calibration.
struct byte_evidence {
    unsigned order = 0;            ///< length of the longest known context
    std::uint32_t confidence = 0;  ///< how often that context was seen
    std::uint32_t peak = 0;        ///< mass of the likeliest byte, of 2^30
};

/// What base models and experts share. For each byte of a block, after reset(n):
///   look_up(history), then spread, if the model is asked; the byte is coded; prepare(history) with the byte
///   in the history already, which begins to fetch what the next look_up reads; update(byte).
/// Law: two copies that see the same bytes stay equal. `memory` counts the bytes that an object holds.
template <class M>
concept byte_learner = requires(M m, const block_history& history, std::size_t n, std::uint8_t symbol) {
    { M::memory } -> std::convertible_to<std::size_t>;
    { m.reset(n) }
    noexcept;
    { m.prepare(history) }
    noexcept;
    { m.update(symbol) }
    noexcept;
};

/// A model that always has an opinion. look_up gives the evidence (its peak is not used); spread overwrites
/// all leaves with masses that sum to at most `mass` <= 2^30.
template <class M>
concept byte_model = byte_learner<M> &&
    requires(M m, const block_history& history, byte_distribution& out, std::uint32_t mass) {
    { m.look_up(history) }
    noexcept->std::same_as<byte_evidence>;
    { m.spread(out, mass) }
    noexcept;
};

/// A model that speaks up at times. look_up gives the share of the mixture that it asks for, in 16-bit fixed
/// point, at most 65535; 0: it is silent and spread is not called. spread adds at most `mass` to the leaves.
template <class M>
concept byte_expert = byte_learner<M> &&
    requires(M m, const block_history& history, byte_distribution& out, std::uint32_t mass) {
    { m.look_up(history) }
    noexcept->std::same_as<std::uint32_t>;
    { m.spread(out, mass) }
    noexcept;
};

/// Corrects the decisions on the path through a byte's tree. begin(evidence) opens a byte; for each of its
/// eight bits refine(depth, prefix, p) gives the corrected probability of a one, p and result in 30-bit fixed
/// point, 0..2^30, and learn(bit) says what came true. Law: two copies that see the same stay equal.
template <class C>
concept byte_calibration = requires(C c, const byte_evidence& e, unsigned depth, std::uint32_t p, bool bit) {
    { C::memory } -> std::convertible_to<std::size_t>;
    { c.reset() }
    noexcept;
    { c.begin(e) }
    noexcept;
    { c.refine(depth, p, p) }
    noexcept->std::same_as<std::uint32_t>;
    { c.learn(bit) }
    noexcept;
};

/// The calibration that changes nothing.
class no_calibration {
  public:
    static constexpr std::size_t memory = 0;
    void reset() noexcept {}
    void begin(const byte_evidence&) noexcept {}
    [[nodiscard]] std::uint32_t refine(unsigned, std::uint32_t, std::uint32_t p) noexcept { return p; }
    void learn(bool) noexcept {}
};

}  // namespace pith::inline v1::mixing
