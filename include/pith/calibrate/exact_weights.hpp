// Weights that stay in half precision beside a quantized matrix: how they are stored and put back.
// The sparse part of SpQR and SqueezeLLM (both 2023): a value and a column each, sorted by rows.
#pragma once

#include <cmath>
#include <cstdint>
#include <span>
#include <vector>

#include <pith/core/bytes.hpp>
#include <pith/core/number.hpp>
#include <pith/linalg/matrix.hpp>

namespace pith::inline v1::calibrate {

/// A weight and its place, in the order of the inputs.
struct exact_weight {
    std::uint32_t row = 0, column = 0;
    half value;
    friend bool operator<(const exact_weight& a, const exact_weight& b) noexcept {
        return a.row < b.row || (a.row == b.row && a.column < b.column);
    }
};

namespace detail {
/// Bytes of a value with its column: 4 for up to 2^16 columns.
constexpr std::uint64_t exact_size(std::uint64_t columns) noexcept { return columns <= 0x1'0000 ? 4 : 6; }
}  // namespace detail

/// Appends how many of the weights are in each of `rows` rows, then their values and columns. Precondition:
/// weights rise, finite, within the shape; columns <= 2^32.
inline void put_exact_weights(vector_sink& sink, std::size_t rows, std::size_t columns,
                              std::span<const exact_weight> weights) {
    std::size_t at = 0;
    for (std::size_t r = 0; r < rows; ++r) {
        const std::size_t first = at;
        while (at < weights.size() && weights[at].row == r) ++at;
        put_varint(sink, at - first);
    }
    for (const exact_weight& w : weights) {
        put_le<std::uint16_t>(sink, w.value.bits);
        if (detail::exact_size(columns) == 4)
            put_le<std::uint16_t>(sink, static_cast<std::uint16_t>(w.column));
        else
            put_le<std::uint32_t>(sink, w.column);
    }
}

/// Puts the weights that were written into their places of `out`, whose shape was theirs; they must end the
/// input. Errors: of outside bytes.
[[nodiscard]] inline result<void> get_exact_weights(byte_reader& in, linalg::matrix<float>& out) {
    std::vector<std::uint64_t> counts;
    std::uint64_t all = 0;
    for (std::size_t r = 0; r < out.rows(); ++r) {
        const auto count = in.read_varint();
        if (!count) return count.error();
        if (*count > out.columns())
            return in.fail(error_code::bad_stream, "a row has more exact weights than columns");
        counts.push_back(*count);
        all += *count;  // <= rows x columns
    }
    const std::uint64_t size = detail::exact_size(out.columns());
    if (in.remaining() / size != all || in.remaining() % size != 0)
        return in.fail(in.remaining() / size < all ? error_code::truncated : error_code::trailing_data,
                       "the exact weights are not as many as stated");
    for (std::size_t r = 0; r < out.rows(); ++r) {
        std::uint64_t least = 0;
        for (std::uint64_t k = 0; k < counts[r]; ++k) {
            const float v = float(half::from_bits(*in.read_le<std::uint16_t>()));
            const std::uint64_t column =
                size == 4 ? std::uint64_t{*in.read_le<std::uint16_t>()} : *in.read_le<std::uint32_t>();
            if (column < least || column >= out.columns() || !std::isfinite(v))
                return in.fail(error_code::bad_stream, "an exact weight that no encoder writes");
            out(r, column) = v;
            least = column + 1;
        }
    }
    return {};
}

}  // namespace pith::inline v1::calibrate
