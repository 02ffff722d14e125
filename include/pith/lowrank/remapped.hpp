// Factors of which the square part of each takes eight bits a value, and the rest of the longer one sixteen.
// The remapping of Dobi-SVD (Wang and others, 2025): rank k costs k words for each of the larger side, as
// many as a k-th of the matrix itself, so no rank below the full one is larger than the weights. A scale for
// each column and even steps in place of its dynamic code of eight bits.
#pragma once

#include <cmath>
#include <cstdint>
#include <vector>

#include <pith/core/bytes.hpp>
#include <pith/core/limits.hpp>
#include <pith/core/number.hpp>
#include <pith/lowrank/compensator.hpp>

namespace pith::inline v1::lowrank {

/// Factors as their bytes give them back.
struct remapped_factors {
    factors values;
    std::vector<std::uint8_t> bytes;
};

namespace detail {

/// Column c of a factor, right turned: `square` codes of eight bits, then halves.
struct remapped_column {
    half scale;
    std::vector<std::int8_t> codes{};
    std::vector<half> rest{};

    [[nodiscard]] float at(std::size_t i) const noexcept {
        return i < codes.size() ? static_cast<float>(codes[i]) * float(scale) : float(rest[i - codes.size()]);
    }
};

/// |value - code * scale| <= scale / 2, or below 2^-24: the scale is rounded up, so that 127 reaches the
/// largest.
[[nodiscard]] inline remapped_column remap(std::span<const float> values, std::size_t square) {
    float largest = 0;
    for (const float v : values.first(square)) largest = std::fabs(v) > largest ? std::fabs(v) : largest;
    remapped_column out{half(largest / 127)};
    if (127 * float(out.scale) < largest)
        out.scale = half::from_bits(static_cast<std::uint16_t>(out.scale.bits + 1));
    bool some = false;
    for (std::size_t i = 0; i < square; ++i) {
        out.codes.push_back(largest == 0
                                ? std::int8_t{0}
                                : static_cast<std::int8_t>(std::nearbyint(values[i] / float(out.scale))));
        some = some || out.codes.back() != 0;
    }
    if (!some && float(out.scale) < 1) out.scale = half();  // all below the least half number
    for (const float v : values.subspan(square)) out.rest.emplace_back(v);
    return out;
}

inline void put(vector_sink& sink, const remapped_column& column) {
    put_le<std::uint16_t>(sink, column.scale.bits);
    for (const std::int8_t code : column.codes) sink.put(static_cast<std::uint8_t>(code));
    for (const half v : column.rest) put_le<std::uint16_t>(sink, v.bits);
}

[[nodiscard]] inline result<void> read_column(byte_reader& in, std::size_t square, std::span<float> out) {
    const half scale = half::from_bits(*in.read_le<std::uint16_t>());
    if (!(float(scale) >= 0 && float(scale) < 1e5F) || scale.bits >= 0x8000)
        return in.fail(error_code::bad_stream, "no such scale");
    int largest = 0;
    for (std::size_t i = 0; i < square; ++i) {
        const auto code = static_cast<std::int8_t>(*in.read_le<std::uint8_t>());
        if (code == -128) return in.fail(error_code::bad_stream, "no such code");
        largest = code < 0 ? (largest > -code ? largest : -code) : (largest > code ? largest : code);
        out[i] = static_cast<float>(code) * float(scale);
    }
    if ((largest == 0) != (float(scale) == 0)) return in.fail(error_code::bad_stream, "no such scale");
    for (std::size_t i = square; i < out.size(); ++i)
        out[i] = float(half::from_bits(*in.read_le<std::uint16_t>()));
    return {};
}

/// Columns of m, stored; m becomes what is read back. False when a value is too large for half.
inline bool remap_columns(matrix<float>& lines, std::size_t square, vector_sink& sink) {
    for (std::size_t c = 0; c < lines.rows(); ++c) {
        const std::span<float> line = lines.row(c);
        const remapped_column column = remap(line, square);
        put(sink, column);
        for (std::size_t i = 0; i < line.size(); ++i) line[i] = column.at(i);
    }
    return linalg::all_finite<float>(lines);
}

}  // namespace detail

/// The rank that remapped factors of m x n can have in `bytes`, at most the full one.
[[nodiscard]] constexpr std::size_t remapped_rank(std::size_t m, std::size_t n, std::size_t bytes) noexcept {
    const std::size_t longer = m > n ? m : n, shorter = m + n - longer;
    const std::size_t k = bytes / (2 * longer + 4);
    return k < shorter ? k : shorter;
}

/// Stores left, fits right anew to what left has become for the matrix d, and stores right: 2 max(m, n) + 4
/// bytes for each rank, and the shape. Errors: unsupported_parameter for shapes that do not fit, a rank of 0
/// or above the full one, or a factor too large for half. Encoder-side.
template <class T = float>
[[nodiscard]] result<remapped_factors> remap_factors(const factors& exact, input<float> d) {
    const std::size_t m = d.rows(), n = d.columns(), k = exact.rank(), square = m < n ? m : n;
    if (k == 0 || k > square || exact.left.rows() != m || exact.right.rows() != k ||
        exact.right.columns() != n)
        return linalg::wrong_shape();
    remapped_factors out;
    vector_sink sink(out.bytes);
    for (const std::size_t v : {m, k, n}) put_varint(sink, v);
    constexpr error too_large{error_code::unsupported_parameter, 0, "a factor is too large for its storage"};
    auto lines = linalg::transposed<float>(exact.left);
    if (!detail::remap_columns(lines, square, sink)) return too_large;
    out.values.left = linalg::transposed<float>(lines);
    out.values.right = refit_right(out.values.left, d, exact.right);
    if (!detail::remap_columns(out.values.right, square, sink)) return too_large;
    return out;
}

/// What remap_factors wrote. Errors: of outside bytes; limit_exceeded when the product would be larger than
/// the bound's output.
[[nodiscard]] inline result<factors> read_remapped(byte_view in, const limits& bound = {}) {
    byte_reader reader(in);
    const auto shape = read_factor_shape(reader, bound);
    if (!shape) return shape.error();
    const auto [m, k, n] = *shape;
    const std::uint64_t longer = m > n ? m : n, square = m + n - longer;
    if (k > square) return reader.fail(error_code::bad_header, "no such factors");
    if (reader.remaining() != k * (2 * longer + 4))  // < 2^28 (2^29 + 4)
        return reader.fail(error_code::bad_header, "the factors do not fit their shape");
    matrix<float> lines(k, m);
    factors out{{}, matrix<float>(k, n)};
    for (matrix<float>* const to : {&lines, &out.right})
        for (std::size_t c = 0; c < k; ++c)
            if (const auto read = detail::read_column(reader, square, to->row(c)); !read) return read.error();
    out.left = linalg::transposed<float>(lines);
    if (!linalg::all_finite<float>(out.left) || !linalg::all_finite<float>(out.right))
        return reader.fail(error_code::bad_stream, "a factor is not finite");
    return out;
}

}  // namespace pith::inline v1::lowrank
