// Binary arithmetic coder: one bit at a time under a probability of P bits.
// A range coder after Martin (1979) with a 64-bit interval and carries, where lpaq (Mahoney, 2007) has 32
// bits and no carries: the interval never gets short, so that P may reach 32, and renormalisation comes once
// in 16 or 32 coded bits instead of once in 8.
#pragma once

#include <cstdint>

#include <pith/core/assert.hpp>
#include <pith/core/bytes.hpp>
#include <pith/core/result.hpp>
#include <pith/entropy/carry.hpp>

namespace pith::inline v1::entropy {

namespace detail {
// The range is >= 2^31 for P <= 16 and >= 2^47 beyond: a unit of it, range >> P, is at least 2^15. Truncation
// moves a probability by 2^-15 of itself at most; no part of the range is lost.
template <unsigned P>
using binary_window = window<std::uint64_t, P <= 16 ? 32 : 16, 1>;
}  // namespace detail

/// Encodes bits under 16-bit (or P-bit, P in 8..32) probabilities of a one. Exact: integer arithmetic only.
template <byte_sink Sink, unsigned P = 16>
requires(P >= 8 && P <= 32) class binary_encoder {
  public:
    static constexpr unsigned precision = P;

    /// The sink must outlive the encoder.
    explicit binary_encoder(Sink& sink) noexcept : writer_(sink) {}

    /// Appends a bit whose probability of being 1 is `one` / 2^P; 1 <= one <= 2^P - 1.
    void put(bool bit, std::uint32_t one) { put_mask(std::uint64_t{0} - std::uint64_t{bit}, one); }
    /// put with the bit as a mask, all ones or 0. Branch-free in the bit, which cannot be predicted.
    void put_mask(std::uint64_t mask, std::uint32_t one) {
        PITH_ASSERT(one >= 1 && one < (std::uint64_t{1} << P));
        const std::uint64_t range = writer_.range();
        const std::uint64_t bound = (range >> P) * one;
        const std::uint64_t rest = range - bound;
        writer_.narrow(bound & ~mask, rest + ((bound - rest) & mask));
    }
    /// Writes what is held, at most 8 bytes. The encoder may be used again for a further stream.
    void finish() { writer_.finish(); }

  private:
    detail::carry_writer<detail::binary_window<P>, Sink> writer_;
};

/// Decodes what binary_encoder with the same P wrote. Never reads outside the view: past the end it sees
/// zeros, and `finish` says that bytes are missing.
template <unsigned P = 16>
requires(P >= 8 && P <= 32) class binary_decoder {
  public:
    static constexpr unsigned precision = P;

    explicit binary_decoder(byte_view in) noexcept : reader_(in) {}

    /// The next bit, given the probability that the encoder was given.
    [[nodiscard]] bool get(std::uint32_t one) noexcept { return get_mask(one) != 0; }
    /// The next bit as a mask: all ones for a 1, else 0. For loops that must not branch on it.
    [[nodiscard]] std::uint64_t get_mask(std::uint32_t one) noexcept {
        PITH_ASSERT(one >= 1 && one < (std::uint64_t{1} << P));
        return reader_.lower_part(reader_.template units<P>() * one);
    }
    /// Success, or truncated, trailing_data or bad_stream when no encoder wrote this.
    [[nodiscard]] result<void> finish() const noexcept { return reader_.finish(); }

  private:
    detail::carry_reader<detail::binary_window<P>> reader_;
};

}  // namespace pith::inline v1::entropy
