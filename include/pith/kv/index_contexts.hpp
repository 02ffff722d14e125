// What an adaptive coder knows before it codes a quantizer index of a column whose spread changes slowly: a
// class of the expected size, and whether the row has been larger than expected so far.
// The two ideas are those of lossless image coders (Weinberger et al., 1996: the expected size of an error
// selects a distribution); what differs: a column is a coordinate of a transform, with a spread known before.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <pith/core/exact.hpp>
#include <pith/core/table.hpp>
#include <pith/entropy/model_adaptive_nibble.hpp>

namespace pith::inline v1::kv {

/// Indices beyond this are refused: expected sizes then stay below 2^31.
inline constexpr std::int32_t max_index = (1 << 20) - 1;

namespace detail {

/// Expected sizes are counted in 2^-10 of an index.
inline constexpr unsigned size_bits = 10;
/// Two classes an octave of the expected size.
inline constexpr std::size_t size_classes = 62;
inline constexpr std::size_t row_classes = 5;
/// Symbols 0 ... 14 are -7 ... 7; 15 says that the rest follows in plain bits.
inline constexpr std::int32_t middle_symbol = 7;
inline constexpr std::uint32_t escape_symbol = 15;

/// The class of an expected size < 2^31.
[[nodiscard, gnu::always_inline]] inline std::uint32_t size_class(std::uint32_t expected) noexcept {
    const std::uint32_t v = expected | 1;
    const auto top = static_cast<std::uint32_t>(std::bit_width(v)) - 1;
    return 2 * top + ((v << 1 >> top) & 1);
}
/// Low bits of an index that are written plainly in a class: those below half of the expected size.
[[nodiscard, gnu::always_inline]] inline std::uint32_t plain_bits(std::uint32_t size_class) noexcept {
    const std::uint32_t top = size_class / 2;
    return top > size_bits ? top - size_bits : 0;
}

/// 2^exponent.
[[nodiscard]] inline double power_of_two(int exponent) noexcept {
    double v = 1;
    for (; exponent > 0; --exponent) v *= 2;
    for (; exponent < 0; ++exponent) v /= 2;
    return v;
}
/// The ratio of the two-sided geometric distribution with a class's mean size, of what is left of an index
/// without its plain bits. Exact.
[[nodiscard]] inline double geometric_ratio(std::uint32_t size_class) noexcept {
    const std::uint32_t top = size_class / 2, down = plain_bits(size_class);
    const double mean =  // the middle of the class
        exact::mul(size_class % 2 == 0 ? 1.22 : 1.73,
                   power_of_two(static_cast<int>(top) - static_cast<int>(size_bits + down)));
    // Mean size 2 t / (1 - t^2) of ratio t.
    return (exact::sqrt(exact::mul(mean, mean) + 1) - 1) / mean;
}

/// One distribution over 16 symbols a context, in rows of 16 starts (entropy/model_adaptive_nibble.hpp).
class index_distributions {
  public:
    static constexpr entropy::nibble_rates rates{.rate = 8, .start = 5};
    static constexpr std::size_t count = size_classes * row_classes * 2;

    index_distributions() : starts_(table<std::int16_t>::unset(16 * count + 1)), ages_(count) {
        for (std::uint32_t c = 0; c < size_classes; ++c) {
            std::array<std::int16_t, 16> row;
            set_geometric(row, c);
            for (std::size_t i = 0; i < 2 * row_classes; ++i)
                std::memcpy(starts_.data() + 16 * (c * 2 * row_classes + i), row.data(), sizeof row);
        }
        starts_[16 * count] = entropy::detail::row_edge;
        for (std::uint8_t& a : ages_) a = entropy::detail::youngest<rates>;
    }
    [[nodiscard, gnu::always_inline]] std::int16_t* row(std::size_t context) noexcept {
        return starts_.data() + 16 * context;
    }
    /// Symbol offset / 2 has come.
    template <entropy::nibble_kernel Kernel>
    [[gnu::always_inline]] void learn(std::size_t context, std::size_t offset) noexcept {
        entropy::detail::learn<rates, Kernel>(row(context), ages_[context], offset);
    }

  private:
    /// The two-sided geometric distribution with the class's mean size. Exact.
    static void set_geometric(std::array<std::int16_t, 16>& row, std::uint32_t c) noexcept {
        const double ratio = geometric_ratio(c);
        const double zero = (1 - ratio) / (1 + ratio);
        std::array<double, 8> p{zero};
        for (std::size_t k = 1; k < 8; ++k) p[k] = exact::mul(p[k - 1], ratio);
        row[0] = entropy::detail::row_edge;
        std::int32_t start = 0;  // <= 65000 + 15 * 16 < 65536 at the escape symbol
        for (std::int32_t s = 0; s < 15; ++s) {
            const std::int32_t size = s < middle_symbol ? middle_symbol - s : s - middle_symbol;
            start += static_cast<std::int32_t>(exact::mul(p[static_cast<std::size_t>(size)], 65000)) + 16;
            row[static_cast<std::size_t>(s) + 1] = static_cast<std::int16_t>(start - 32769);
        }
    }
    table<std::int16_t> starts_;
    std::vector<std::uint8_t> ages_;
};

/// What one lane has seen: how large each column's indices are, and whether this row is a large one.
/// Invariant: expected sizes < 2^31.
class lane_history {
  public:
    /// A row begins.
    [[gnu::always_inline]] void start_row() noexcept { seen_ = foreseen_ = 1U << size_bits; }
    /// The context of the next index, of a column with this expected size.
    [[nodiscard, gnu::always_inline]] std::uint32_t context(std::uint32_t size_class,
                                                            bool odd) const noexcept {
        // Sums are below 16 * 2^31: 64 bits.
        const unsigned large = unsigned{2 * seen_ > foreseen_} + unsigned{4 * seen_ > 3 * foreseen_} +
                               unsigned{4 * seen_ > 5 * foreseen_} + unsigned{seen_ > 2 * foreseen_};
        return (size_class * static_cast<std::uint32_t>(row_classes) + large) * 2 + odd;
    }
    /// An index of this size has come; `expected` is the column's and learns from it.
    template <unsigned Rate>
    [[gnu::always_inline]] void learn(std::uint32_t& expected, std::uint32_t size) noexcept {
        const std::uint32_t scaled = size << size_bits;  // size <= 2^20 - 1
        seen_ += scaled - (seen_ >> 4);
        foreseen_ += expected - (foreseen_ >> 4);
        const auto way = static_cast<std::int32_t>(scaled) - static_cast<std::int32_t>(expected);
        expected = static_cast<std::uint32_t>(static_cast<std::int32_t>(expected) + (way >> Rate));
    }

  private:
    std::uint64_t seen_ = 0, foreseen_ = 0;
};

}  // namespace detail

}  // namespace pith::inline v1::kv
