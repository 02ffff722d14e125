// The concepts of feedback/: a lossy code for vectors of float, and what theory asks of it.
// Contraction and relative variance as in Karimireddy et al. (2019) and Horvath et al. (2019).
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>

#include <pith/core/bytes.hpp>
#include <pith/core/result.hpp>

namespace pith::inline v1::feedback {

/// A lossy code C for vectors of size() floats; an object is used by one thread at a time. A message carries
/// no lengths and no parameters: both sides make their object alike. `message` numbers the messages, in a way
/// that both sides know (step and sender, say); it seeds whatever is random, so that equal numbers give equal
/// bytes.
///   result<std::size_t> encode_into(x, message, out) noexcept;  // bytes written; at most max_encoded_size()
///   result<void> decode_into(in, message, y) noexcept;          // fills y, or an error
/// Neither allocates. Preconditions: x.size() == y.size() == size(). Errors of encoding:
/// unsupported_parameter for a value that is not finite or too large for the code, output_too_small. Laws:
/// decode_into takes what encode_into gave, and gives finite floats; bytes from elsewhere give an error or
/// some finite vector; both directions give the same on every machine.
template <class C>
concept compressor = requires(C c, const C k, std::span<const float> x, std::uint64_t message, byte_span out,
                              byte_view in, std::span<float> y) {
    { k.size() } -> std::same_as<std::size_t>;
    { k.max_encoded_size() } -> std::same_as<std::size_t>;
    { c.encode_into(x, message, out) }
    noexcept->std::same_as<result<std::size_t>>;
    { c.decode_into(in, message, y) }
    noexcept->std::same_as<result<void>>;
};

/// Law: E||C(x) - x||^2 <= (1 - d) ||x||^2 with d = contraction(), 0 <= d <= 1. What error feedback needs.
template <class C>
concept contractive_compressor = compressor<C> && requires(const C k) {
    { k.contraction() }
    noexcept->std::same_as<double>;
};

/// Law: E C(x) = x and E||C(x) - x||^2 <= w ||x||^2 with w = variance(). What averaging needs.
template <class C>
concept unbiased_compressor = compressor<C> && requires(const C k) {
    { k.variance() }
    noexcept->std::same_as<double>;
};

/// A compressor whose number of kept values may change between messages, for schedules.
///   void keep(std::size_t k) noexcept;   // 1 <= k <= size()
template <class C>
concept adjustable_compressor = compressor<C> && requires(C c, std::size_t k) {
    { c.keep(k) }
    noexcept;
};

/// Which message of an exchange: the round, and who sends. The server sends as the worker after the last one.
struct message_id {
    std::uint64_t step = 0;    ///< below 2^44
    std::uint32_t worker = 0;  ///< below 2^20
    /// What a compressor is given as the message's number.
    [[nodiscard]] constexpr std::uint64_t number() const noexcept { return step << 20 | worker; }
};

/// A worker's half of a scheme: turns its gradient into a message and remembers what the message leaves out.
/// After an error it is as it was before.
template <class W>
concept worker_side = requires(W w, const W k, std::span<const float> gradient, message_id id,
                               byte_span out) {
    { k.max_encoded_size() } -> std::same_as<std::size_t>;
    { w.send(gradient, id, out) }
    noexcept->std::same_as<result<std::size_t>>;
};

/// The server's half: `begin` opens a round, `receive` takes each worker's message, `direction` is then what
/// the model moves against, times the step.
template <class S>
concept server_side = requires(S s, const S k, std::uint64_t step, message_id id, byte_view in) {
    { s.begin(step) }
    noexcept;
    { s.receive(id, in) }
    noexcept->std::same_as<result<void>>;
    { k.direction() }
    noexcept->std::same_as<std::span<const float>>;
};

/// A server that answers with one message to all, which each worker then takes by receive(id, in).
template <class S>
concept answering_server = server_side<S> && requires(S s, message_id id, byte_span out) {
    { s.answer(id, out) }
    noexcept->std::same_as<result<std::size_t>>;
};

/// A pair of sides that understand each other.
template <class S>
concept scheme = worker_side<typename S::worker> && server_side<typename S::server>;

}  // namespace pith::inline v1::feedback
