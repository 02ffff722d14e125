// The concepts of entropy coding: what a probability model offers, what a coder takes, and in which order.
// The split of models into an encoder and a decoder half follows constriction (Bamler, 2022).
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include <pith/core/bytes.hpp>
#include <pith/core/result.hpp>

namespace pith::inline v1::entropy {

/// A part of the range [0, 2^precision): `size` slots from `start` on. size >= 1.
struct interval {
    std::uint32_t start;
    std::uint32_t size;
    friend constexpr bool operator==(const interval&, const interval&) = default;
};

/// What a decoder finds at a slot: the symbol that owns it and the symbol's interval.
template <class Symbol>
struct located {
    Symbol symbol;
    interval where;
};

/// Order tags. Symbols leave a queue coder in the order in which they entered it, a stack coder in the
/// reverse one. The tag is part of a coder's type (`C::order`), so a wrong loop does not compile.
struct queue_order {};
struct stack_order {};

/// A distribution over symbols whose probabilities are multiples of 2^-precision.
///   static constexpr unsigned precision;   // 1..31
///   using symbol_type = ...;
/// Laws: the intervals of all symbols tile [0, 2^precision); none is empty.
template <class M>
concept symbol_model = requires {
    typename M::symbol_type;
    { M::precision } -> std::convertible_to<unsigned>;
}
&&(M::precision >= 1 && M::precision <= 31);

/// The encoder's half: symbol to interval.
template <class M>
concept encoder_model = symbol_model<M> && requires(const M m, typename M::symbol_type s) {
    { m.interval_of(s) }
    noexcept->std::same_as<interval>;
};

/// The decoder's half: slot to symbol and interval. Law: at(slot).where holds slot, and
/// interval_of(at(slot).symbol) == at(slot).where.
template <class M>
concept decoder_model = symbol_model<M> && requires(const M m, std::uint32_t slot) {
    { m.at(slot) }
    noexcept->std::same_as<located<typename M::symbol_type>>;
};

/// A model that learns: after each symbol both sides call update. Law: two copies that see the same
/// symbols stay equal. Only queue coders can be used with it.
template <class M>
concept adaptive_model = symbol_model<M> && requires(M m, typename M::symbol_type s) {
    { m.update(s) }
    noexcept;
};

/// A probability of a 1 bit, in 16-bit fixed point, never 0 and never 65536; learns from each bit.
template <class P>
concept bit_predictor = requires(P p, const P c, bool bit) {
    { c.probability_of_one() }
    noexcept->std::convertible_to<std::uint32_t>;
    { p.update(bit) }
    noexcept;
};

/// Takes intervals; `finish` writes out what is still held. Law: decode after encode is the identity.
template <class C>
concept interval_encoder = requires(C c, interval i) {
    typename C::order;
    {c.template put<12>(i)};
    {c.finish()};
};

/// Gives the slot of the next symbol and removes its interval. Law: after the last symbol `finish` returns
/// success on what an encoder wrote, and an error on what no encoder writes, as far as that can be told.
template <class C>
concept interval_decoder = requires(C c, interval i) {
    typename C::order;
    { c.template slot<12>() } -> std::convertible_to<std::uint32_t>;
    {c.template remove<12>(i)};
    { c.finish() } -> std::same_as<result<void>>;
};

template <class C>
concept queue_coder = std::same_as<typename C::order, queue_order>;
template <class C>
concept stack_coder = std::same_as<typename C::order, stack_order>;

/// A coder of whole blocks of bytes. An object owns its tables and may be used for any number of blocks, by
/// one thread at a time; nothing is carried from one block to the next.
///   static constexpr std::uint32_t recipe;                      // stable id in streams, see
///   container/recipe.hpp static constexpr const char* name; static constexpr std::size_t
///   max_encoded_size(std::size_t n) noexcept; result<std::size_t> encode_into(byte_view in, byte_span out)
///   noexcept;   // bytes written result<std::size_t> decode_into(byte_view in, byte_span out) noexcept;   //
///   out.size() = the block's length
/// decode_into fills the whole of `out` and consumes the whole of `in`, or gives an error; what `out` holds
/// after an error is unspecified. Neither allocates. Law: decode_into after encode_into is the identity, and
/// encode_into writes at most max_encoded_size(in.size()) bytes.
template <class C>
concept block_coder = requires(C c, byte_view in, byte_span out, std::size_t n) {
    { C::recipe } -> std::convertible_to<std::uint32_t>;
    { C::name } -> std::convertible_to<const char*>;
    { C::max_encoded_size(n) }
    noexcept->std::same_as<std::size_t>;
    { c.encode_into(in, out) }
    noexcept->std::same_as<result<std::size_t>>;
    { c.decode_into(in, out) }
    noexcept->std::same_as<result<std::size_t>>;
};

}  // namespace pith::inline v1::entropy
