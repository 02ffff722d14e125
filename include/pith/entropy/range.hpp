// Range coder: intervals of precision up to 16 bits through a 32-bit range, byte by byte, with carries.
// After Martin (1979), Schindler (1998) and LZMA (Pavlov); unlike these the part of the range that truncation
// leaves over goes to the last symbol, and the end of a stream is canonical.
#pragma once

#include <concepts>
#include <cstdint>

#include <pith/core/assert.hpp>
#include <pith/core/bytes.hpp>
#include <pith/core/result.hpp>
#include <pith/entropy/carry.hpp>
#include <pith/entropy/concepts.hpp>

namespace pith::inline v1::entropy {

/// Encodes intervals in queue order. With State of b bits and words of Step bits the range stays
/// >= 2^(b - Step), and a symbol under precision p costs at most 2^(p + Step - b) / ln 2 bits too much:
/// for (32, 8) 2^-9 at p = 15 in the worst case, 2^-13 on average.
template <byte_sink Sink, std::unsigned_integral State = std::uint32_t, unsigned Step = 8>
class range_encoder {
  public:
    using order = queue_order;
    /// Largest precision that leaves every interval at least 2^8 (32-bit) or 2^16 (64-bit) units.
    static constexpr unsigned max_precision = sizeof(State) == 4 ? 16 : 31;

    /// The sink must outlive the encoder.
    explicit range_encoder(Sink& sink) noexcept : writer_(sink) {}

    /// Appends the symbol that owns interval `i` of [0, 2^Precision).
    template <unsigned Precision>
    requires(Precision >= 1 && Precision <= max_precision) void put(interval i) {
        constexpr State total = State{1} << Precision;
        PITH_ASSERT(i.size >= 1 && i.start < total && i.size <= total - i.start);
        const State unit = writer_.range() >> Precision;
        const State offset = unit * i.start;
        const bool last = i.start + i.size == total;
        writer_.narrow(offset, last ? writer_.range() - offset : unit * i.size);
    }
    /// Writes what is held. The encoder may be used again for a further stream.
    void finish() { writer_.finish(); }

  private:
    detail::carry_writer<detail::window<State, Step, 0>, Sink> writer_;
};

/// Decodes what range_encoder with the same State and Step wrote. Past the end of the view it sees zeros.
template <std::unsigned_integral State = std::uint32_t, unsigned Step = 8>
class range_decoder {
  public:
    using order = queue_order;
    static constexpr unsigned max_precision = sizeof(State) == 4 ? 16 : 31;

    explicit range_decoder(byte_view in) noexcept : reader_(in) {}

    /// The slot of the next symbol, in [0, 2^Precision); the symbol's interval holds it.
    template <unsigned Precision>
    requires(Precision >= 1 && Precision <= max_precision) [[nodiscard]] std::uint32_t slot() const noexcept {
        constexpr State top = (State{1} << Precision) - 1;
        const State v = reader_.code() / (reader_.range() >> Precision);
        return static_cast<std::uint32_t>(v < top ? v : top);
    }
    /// Removes the symbol that owns `i`; i must hold slot().
    template <unsigned Precision>
    requires(Precision >= 1 && Precision <= max_precision) void remove(interval i) noexcept {
        constexpr State total = State{1} << Precision;
        PITH_ASSERT(i.size >= 1 && i.start < total && i.size <= total - i.start);
        const State unit = reader_.range() >> Precision;
        const State offset = unit * i.start;
        const bool last = i.start + i.size == total;
        reader_.narrow(offset, last ? reader_.range() - offset : unit * i.size);
    }
    /// Success, or truncated, trailing_data or bad_stream when no encoder wrote this.
    [[nodiscard]] result<void> finish() const noexcept { return reader_.finish(); }

  private:
    detail::carry_reader<detail::window<State, Step, 0>> reader_;
};

}  // namespace pith::inline v1::entropy
