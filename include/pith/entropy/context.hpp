// Contexts of adaptive byte models: the last 0, 1 or 2 bytes as a row of a table.
#pragma once

#include <cstddef>
#include <cstdint>

namespace pith::inline v1::entropy {

/// The last Order bytes, as the number of a table row. Order 2 hashes 65536 pairs to 2^14 rows: a block of a
/// megabyte cannot fill more, and at 1088 bytes a row the table stays at 18 MB. A copyable value of 2 bytes.
template <unsigned Order>
requires(Order <= 2) class byte_context {
  public:
    static constexpr std::size_t rows = Order == 0 ? 1 : Order == 1 ? 256 : std::size_t{1} << 14;

    /// In [0, rows).
    [[nodiscard]] constexpr std::size_t row() const noexcept {
        if constexpr (Order == 0) return 0;
        if constexpr (Order == 1) return history_ & 0xFFU;
        // Fibonacci hashing (Knuth): the top 14 of 32 bits of the product with 2^32 / golden ratio.
        if constexpr (Order == 2) return static_cast<std::uint32_t>(history_ * 0x9E3779B1U) >> 18;
    }
    constexpr void push([[maybe_unused]] std::uint8_t byte) noexcept {
        if constexpr (Order > 0) history_ = static_cast<std::uint16_t>((history_ << 8) | byte);
    }

  private:
    std::uint16_t history_ = 0;
};

/// How a block is cut for decoding several bytes at once: `lanes` lanes in lockstep for `rounds` rounds, then
/// what is left one byte at a time in the last lane. Without context the lanes take neighbouring bytes, so
/// that all learn from what is near; with context each lane has a stretch of its own and thus a history.
template <unsigned Order, unsigned Lanes>
struct lane_layout {
    static constexpr unsigned lanes = Lanes;
    static constexpr std::size_t shortest = 256 * std::size_t{Lanes};  ///< below this there is one lane

    std::size_t rounds;

    explicit constexpr lane_layout(std::size_t n) noexcept : rounds(n < shortest ? 0 : n / Lanes) {}

    /// Where lane `lane` stands in round `round`.
    [[nodiscard]] constexpr std::size_t at(std::size_t lane, std::size_t round) const noexcept {
        return Order == 0 ? round * Lanes + lane : lane * rounds + round;
    }
    /// First byte after the lockstep part.
    [[nodiscard]] constexpr std::size_t tail() const noexcept { return rounds * Lanes; }
};

}  // namespace pith::inline v1::entropy
