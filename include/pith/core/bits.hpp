// Bit strings, lowest bit first: a writer over a sink, a bounded reader; widths of integers, and the zigzag
// fold of signed ones.
#pragma once

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include <pith/core/assert.hpp>
#include <pith/core/bytes.hpp>

namespace pith::inline v1 {

/// Bits needed to hold any value in [0, n); 0 for n <= 1.
[[nodiscard]] constexpr unsigned bits_for(std::uint64_t n) noexcept {
    return n <= 1 ? 0U : static_cast<unsigned>(std::bit_width(n - 1));
}

/// The lowest n bits set, n in 0..64.
[[nodiscard]] constexpr std::uint64_t low_mask(unsigned n) noexcept {
    return n >= 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << n) - 1;
}

/// 0, -1, 1, -2, 2, … to 0, 1, 2, 3, 4, …: small magnitudes become small numbers. Exact for every value.
template <std::signed_integral T>
[[nodiscard]] constexpr std::make_unsigned_t<T> zigzag(T v) noexcept {
    using U = std::make_unsigned_t<T>;
    return static_cast<U>(static_cast<U>(static_cast<U>(v) << 1) ^ (v < 0 ? static_cast<U>(~U{0}) : U{0}));
}

/// The inverse of zigzag.
template <std::unsigned_integral U>
[[nodiscard]] constexpr std::make_signed_t<U> unzigzag(U u) noexcept {
    const U magnitude = static_cast<U>(u >> 1);
    return static_cast<std::make_signed_t<U>>((u & 1) != 0 ? static_cast<U>(~magnitude) : magnitude);
}

/// Appends bits to a sink, the first bit in the lowest place of the first byte.
template <byte_sink Sink>
class bit_writer {
  public:
    explicit bit_writer(Sink& sink) noexcept : sink_(&sink) {}

    /// Appends the lowest `count` bits of `value`; count in 0..56, higher bits of value must be 0.
    void put(std::uint64_t value, unsigned count) {
        PITH_ASSERT(count <= 56 && (value & ~low_mask(count)) == 0);
        held_ |= value << fill_;
        fill_ += count;
        for (; fill_ >= 8; fill_ -= 8, held_ >>= 8) sink_->put(static_cast<std::uint8_t>(held_));
    }
    /// Fills the last byte with zero bits. The writer may be used further, on a byte border.
    void finish() {
        if (fill_ != 0) sink_->put(static_cast<std::uint8_t>(held_));
        held_ = 0;
        fill_ = 0;
    }

  private:
    Sink* sink_;
    std::uint64_t held_ = 0;
    unsigned fill_ = 0;  // < 8 between calls
};

/// Reads bits that bit_writer wrote. Past the end it yields zeros and `overrun` turns true.
class bit_reader {
  public:
    explicit bit_reader(byte_view in) noexcept : in_(in) {}

    /// The next `count` bits (0..56), lowest first.
    [[nodiscard]] std::uint64_t get(unsigned count) noexcept {
        const std::uint64_t v = peek(count);
        skip(count);
        return v;
    }
    /// The next `count` bits (0..56) without moving.
    [[nodiscard]] std::uint64_t peek(unsigned count) const noexcept {
        PITH_ASSERT(count <= 56);
        const std::size_t byte = static_cast<std::size_t>(at_ >> 3);
        std::uint64_t word = 0;
        if (byte + 8 <= in_.size()) {
            word = load_le<std::uint64_t>(in_.data() + byte);
        } else {
            for (std::size_t i = byte; i < in_.size(); ++i) word |= std::uint64_t{in_[i]} << (8 * (i - byte));
        }
        return (word >> (at_ & 7)) & low_mask(count);
    }
    void skip(std::uint64_t count) noexcept { at_ += count; }

    [[nodiscard]] std::uint64_t bit_position() const noexcept { return at_; }
    [[nodiscard]] bool overrun() const noexcept { return at_ > std::uint64_t{in_.size()} * 8; }
    /// Bytes touched so far, the last one counted whole.
    [[nodiscard]] std::size_t byte_position() const noexcept {
        return static_cast<std::size_t>((at_ + 7) >> 3);
    }
    /// True when the rest of the current byte holds only zero bits, as bit_writer::finish leaves it.
    [[nodiscard]] bool padding_is_zero() const noexcept {
        return peek(static_cast<unsigned>((8 - (at_ & 7)) & 7)) == 0;
    }

  private:
    byte_view in_;
    std::uint64_t at_ = 0;
};

}  // namespace pith::inline v1
