// A codebook for every row of the weights, fitted to the sensitivity of each weight, and few weights kept
// exact. SqueezeLLM (Kim and others, 2023): dense-and-sparse. Differs in that codebooks are optimal
// (line_codebook.hpp), not where Lloyd's steps stop.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include <pith/calibrate/exact_weights.hpp>
#include <pith/calibrate/line_codebook.hpp>
#include <pith/core/bits.hpp>
#include <pith/core/limits.hpp>
#include <pith/core/number.hpp>
#include <pith/linalg/matrix.hpp>

namespace pith::inline v1::calibrate {

struct row_codebook_options {
    unsigned bits = 3;  ///< 1..8: a code of a weight
    double kept_largest =
        0.004;  ///< share of the weights, largest by magnitude, that stays in half precision
    double kept_sensitive = 5e-4;  ///< the same, largest by sensitivity times square
};

/// Quantized weights and the bytes of their parts: codes, codebooks, exact weights.
struct row_codebook_result {
    linalg::matrix<float> quantized;
    std::vector<std::uint8_t> bytes;  ///< what decode_rows reads
    std::size_t kept = 0;             ///< weights that are exact
};

namespace detail {

/// Marks the share of the weights whose score is largest.
template <class Score>
void mark_largest(std::vector<bool>& marks, double share, const Score& score) {
    std::vector<std::pair<float, std::size_t>> all;
    for (std::size_t i = 0; i < marks.size(); ++i) all.emplace_back(score(i), i);
    const auto count =
        std::min(marks.size(), static_cast<std::size_t>(share * static_cast<double>(marks.size())));
    std::nth_element(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(count), all.end(),
                     std::greater<>());
    for (std::size_t i = 0; i < count; ++i) marks[all[i].second] = true;
}

/// Which weights stay in half precision.
inline std::vector<bool> kept_apart(view_2d<const float> weights, view_2d<const float> sensitivity,
                                    const row_codebook_options& options) {
    const std::size_t n = weights.columns();
    std::vector<bool> exact(weights.size());
    const auto size = [&](std::size_t i) { return std::fabs(weights(i / n, i % n)); };
    mark_largest(exact, options.kept_largest, size);
    mark_largest(exact, options.kept_sensitive,
                 [&](std::size_t i) { return size(i) * size(i) * sensitivity(i / n, i % n); });
    return exact;
}

inline bool fit_half(view_2d<const float> weights) noexcept {
    for (std::size_t r = 0; r < weights.rows(); ++r)
        for (std::size_t c = 0; c < weights.columns(); ++c)
            if (!std::isfinite(float(half(weights(r, c))))) return false;
    return true;
}

/// Makes the marked weights exact in what was quantized, and appends them.
inline void put_exact(vector_sink& sink, view_2d<const float> weights, const std::vector<bool>& exact,
                      row_codebook_result& out) {
    std::vector<exact_weight> kept;
    for (std::size_t r = 0; r < weights.rows(); ++r)
        for (std::size_t c = 0; c < weights.columns(); ++c)
            if (exact[r * weights.columns() + c])
                kept.push_back(
                    {static_cast<std::uint32_t>(r), static_cast<std::uint32_t>(c), half(weights(r, c))});
    for (const exact_weight& w : kept) out.quantized(w.row, w.column) = float(w.value);
    out.kept = kept.size();
    put_exact_weights(sink, weights.rows(), weights.columns(), kept);
}

/// Codebooks and codes of all rows into `out`. False where a value is not finite.
inline bool get_coded(bit_reader& in, unsigned bits, linalg::matrix<float>& out) {
    std::vector<float> book(std::size_t{1} << bits);
    bool finite = true;
    for (std::size_t r = 0; r < out.rows(); ++r) {
        for (float& v : book) {
            v = float(half::from_bits(static_cast<std::uint16_t>(in.get(16))));
            finite = finite && std::isfinite(v);
        }
        for (float& v : out.row(r)) v = book[in.get(bits)];
    }
    return finite && in.padding_is_zero();
}

}  // namespace detail

/// weights and sensitivity (E of squared gradients, >= 0) are m x n. Errors: unsupported_parameter for
/// shapes, values that are no numbers or too large for half precision, or bits out of range. Encoder-side.
[[nodiscard]] inline result<row_codebook_result> quantize_rows(linalg::input<float> weights,
                                                               linalg::input<float> sensitivity,
                                                               row_codebook_options options = {}) {
    const std::size_t m = weights.rows(), n = weights.columns();
    if (sensitivity.rows() != m || sensitivity.columns() != n || n == 0) return linalg::wrong_shape();
    if (!linalg::all_finite<float>(weights) || !linalg::all_finite<float>(sensitivity))
        return linalg::not_finite();
    if (options.bits < 1 || options.bits > 8 || !(options.kept_largest >= 0 && options.kept_sensitive >= 0))
        return error{error_code::unsupported_parameter, 0, "bits of 1 to 8 and shares of 0 or more"};
    if (!detail::fit_half(weights))
        return error{error_code::unsupported_parameter, 0, "a weight is too large for half precision"};
    const std::vector<bool> exact = detail::kept_apart(weights, sensitivity, options);
    row_codebook_result out{linalg::matrix<float>(m, n), {}, 0};
    vector_sink sink(out.bytes);
    put_varint(sink, m);
    put_varint(sink, n);
    sink.put(static_cast<std::uint8_t>(options.bits));
    bit_writer<vector_sink> bits(sink);
    for (std::size_t r = 0; r < m; ++r) {
        std::vector<float> x, w;
        for (std::size_t c = 0; c < n; ++c) {
            x.push_back(weights(r, c));
            w.push_back(exact[r * n + c] ? 0.0F : sensitivity(r, c));  // what is kept apart does not pull
        }
        auto book = best_line_codebook(x, w, std::size_t{1} << options.bits);
        if (!book) return book.error();
        for (float& v : book->values) v = float(half(v));
        for (std::size_t k = 0; k < std::size_t{1} << options.bits; ++k)
            bits.put(half(k < book->values.size() ? book->values[k] : 0.0F).bits, 16);
        for (std::size_t c = 0; c < n; ++c) {
            const std::size_t code = book->nearest(weights(r, c));
            bits.put(code, options.bits);
            out.quantized(r, c) = book->values[code];
        }
    }
    bits.finish();
    detail::put_exact(sink, weights, exact, out);
    return out;
}

/// The weights that quantize_rows wrote. Errors: of outside bytes; limit_exceeded when the weights take more
/// than at_most.max_output bytes.
[[nodiscard]] inline result<linalg::matrix<float>> decode_rows(byte_view in, const limits& at_most = {}) {
    byte_reader reader(in);
    std::uint64_t shape[2] = {};
    if (const auto ok = reader.read_varints(shape); !ok) return ok.error();
    const auto [rows, columns] = shape;
    const auto bits = reader.read_le<std::uint8_t>();
    if (!bits) return bits.error();
    if (rows == 0 || columns == 0 || columns > 0xFFFF'FFFF || *bits < 1 || *bits > 8)
        return reader.fail(error_code::bad_header, "no such matrix");
    if (columns > at_most.max_output / sizeof(float) / rows)
        return reader.fail(error_code::limit_exceeded, "the weights are larger than the limit");
    // rows x columns < 2^62, and a codebook has at most 2^12 bits.
    const std::uint64_t most = 8 * std::uint64_t{reader.remaining()};
    const std::uint64_t a_row = (std::uint64_t{16} << *bits) + columns * *bits;
    if (rows > most / a_row) return reader.fail(error_code::truncated, "the input ends inside the codes");
    const auto coded = reader.read_bytes((rows * a_row + 7) / 8);
    if (!coded) return coded.error();
    linalg::matrix<float> out(rows, columns);
    bit_reader codes(*coded);
    if (!detail::get_coded(codes, *bits, out))
        return reader.fail(error_code::bad_stream, "a codebook that no encoder writes");
    if (const auto exact = get_exact_weights(reader, out); !exact) return exact.error();
    return out;
}

}  // namespace pith::inline v1::calibrate
