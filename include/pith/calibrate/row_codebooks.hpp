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

#include <pith/calibrate/line_codebook.hpp>
#include <pith/core/bits.hpp>
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
    std::vector<std::uint8_t> bytes;  ///< what a decoder needs beside the shape and the options
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

/// Values and columns of the weights that stay, then how many there are in each row.
inline void put_exact(vector_sink& sink, view_2d<const float> weights, const std::vector<bool>& exact,
                      row_codebook_result& out) {
    const std::size_t m = weights.rows(), n = weights.columns();
    for (std::size_t i = 0; i < m * n; ++i) {
        if (!exact[i]) continue;
        const half value(weights(i / n, i % n));
        out.quantized(i / n, i % n) = float(value);
        put_le<std::uint16_t>(sink, value.bits);
        put_le<std::uint32_t>(sink, static_cast<std::uint32_t>(i % n));
        ++out.kept;
    }
    for (std::size_t r = 0; r < m; ++r) {  // how many of each row
        std::uint64_t count = 0;
        for (std::size_t c = 0; c < n; ++c) count += exact[r * n + c];
        put_varint(sink, count);
    }
}

}  // namespace detail

/// weights and sensitivity (E of squared gradients, >= 0) are m x n. Errors: unsupported_parameter for
/// shapes, values that are no numbers, or bits out of range. Encoder-side.
[[nodiscard]] inline result<row_codebook_result> quantize_rows(linalg::input<float> weights,
                                                               linalg::input<float> sensitivity,
                                                               row_codebook_options options = {}) {
    const std::size_t m = weights.rows(), n = weights.columns();
    if (sensitivity.rows() != m || sensitivity.columns() != n || n == 0) return linalg::wrong_shape();
    if (!linalg::all_finite<float>(weights) || !linalg::all_finite<float>(sensitivity))
        return linalg::not_finite();
    if (options.bits < 1 || options.bits > 8 || !(options.kept_largest >= 0 && options.kept_sensitive >= 0))
        return error{error_code::unsupported_parameter, 0, "bits of 1 to 8 and shares of 0 or more"};
    const std::vector<bool> exact = detail::kept_apart(weights, sensitivity, options);
    row_codebook_result out{linalg::matrix<float>(m, n), {}, 0};
    vector_sink sink(out.bytes);
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

}  // namespace pith::inline v1::calibrate
