// Weights as vectors of one codebook, after rows and columns have been brought to one length.
// NoWag (Liu and others, 2025): columns, then rows are normalized; k-means with the second moments of the
// inputs as weights. Differs in that the first centres are vectors chosen at random.
#pragma once

#include <cmath>
#include <cstdint>
#include <utility>
#include <vector>

#include <pith/core/bits.hpp>
#include <pith/core/limits.hpp>
#include <pith/core/number.hpp>
#include <pith/core/random.hpp>
#include <pith/linalg/product.hpp>

namespace pith::inline v1::calibrate {

struct normalized_options {
    std::size_t dimension = 6;  ///< neighbouring weights of a row that are one vector, 1..16
    unsigned index_bits = 12;   ///< of the codebook: 2^index_bits entries, 1..16
    unsigned steps = 20;        ///< of Lloyd's
    std::uint64_t seed = 1;
};

/// Factors of rows and columns in half precision: weights are row * column * normalized.
struct normalization {
    std::vector<half> rows, columns;
    [[nodiscard]] float factor(std::size_t r, std::size_t c) const noexcept {
        return float(rows[r]) * float(columns[c]);
    }
};

struct normalized_result {
    linalg::matrix<float> quantized;
    std::vector<std::uint8_t> bytes;  ///< what decode_normalized reads
    std::vector<double> trace;  ///< weighed error of the normalized weights before each of Lloyd's steps
};

/// The factors that give columns, then rows a mean square of 1. Errors: unsupported_parameter for values that
/// are not finite or factors beyond half precision.
template <class T = float>
[[nodiscard]] result<normalization> normalize(linalg::input<T> weights) {
    if (!linalg::all_finite<T>(weights)) return linalg::not_finite();
    const std::size_t m = weights.rows(), n = weights.columns();
    normalization out{std::vector<half>(m), std::vector<half>(n)};
    const auto root = [](double sum, std::size_t count) -> half {
        const half v(static_cast<float>(std::sqrt(sum / static_cast<double>(count))));
        return float(v) > 0 ? v : half(sum > 0 ? 0x1p-24F : 1.0F);
    };
    for (std::size_t c = 0; c < n; ++c) {
        double sum = 0;
        for (std::size_t r = 0; r < m; ++r)
            sum += static_cast<double>(weights(r, c)) * static_cast<double>(weights(r, c));
        out.columns[c] = root(sum, m);
        if (!std::isfinite(float(out.columns[c])))
            return error{error_code::unsupported_parameter, 0, "weights are too large for half precision"};
    }
    for (std::size_t r = 0; r < m; ++r) {
        double sum = 0;
        for (std::size_t c = 0; c < n; ++c) {
            const double v = static_cast<double>(weights(r, c)) / static_cast<double>(float(out.columns[c]));
            sum += v * v;
        }
        out.rows[r] = root(sum, n);
    }
    return out;
}

namespace detail {

/// Weighted k-means of vectors of d values, each value with a weight of its own.
class weighted_vectors {
  public:
    /// Both are count x d.
    weighted_vectors(linalg::matrix<float> x, linalg::matrix<float> w)
        : features_(x.rows(), 2 * x.columns()), x_(std::move(x)), w_(std::move(w)), nearest_(x_.rows()) {
        const std::size_t d = x_.columns();
        for (std::size_t i = 0; i < x_.rows(); ++i)
            for (std::size_t k = 0; k < d; ++k) {
                features_(i, k) = -2 * w_(i, k) * x_(i, k);
                features_(i, d + k) = w_(i, k);
            }
    }

    /// Gives every vector its nearest entry; the weighed error.
    double assign(const linalg::matrix<float>& book) {
        const std::size_t d = x_.columns(), entries = book.rows();
        linalg::matrix<float> sides(2 * d, entries);  // |x - c|^2 - |x|^2 = -2 w x c + w c^2
        for (std::size_t e = 0; e < entries; ++e)
            for (std::size_t k = 0; k < d; ++k) {
                sides(k, e) = book(e, k);
                sides(d + k, e) = book(e, k) * book(e, k);
            }
        constexpr std::size_t strip = 128;
        for (std::size_t i = 0; i < x_.rows(); i += strip) {
            const std::size_t rows = x_.rows() - i < strip ? x_.rows() - i : strip;
            const auto costs = linalg::multiply<float>(features_.view().block(i, 0, rows, 2 * d), sides);
            for (std::size_t r = 0; r < rows; ++r) {
                const std::span<const float> line = costs.row(r);
                std::size_t best = 0;
                for (std::size_t e = 1; e < entries; ++e) best = line[e] < line[best] ? e : best;
                nearest_[i + r] = static_cast<std::uint32_t>(best);
            }
        }
        double error = 0;
        for (std::size_t i = 0; i < x_.rows(); ++i)
            for (std::size_t k = 0; k < d; ++k) {
                const auto e = static_cast<double>(x_(i, k) - book(nearest_[i], k));
                error += static_cast<double>(w_(i, k)) * e * e;
            }
        return error;
    }
    /// Moves every entry to the weighed mean of its vectors, value by value.
    void update(linalg::matrix<float>& book) const {
        linalg::matrix<double> sum(book.rows(), book.columns()), weight(book.rows(), book.columns());
        for (std::size_t i = 0; i < x_.rows(); ++i)
            for (std::size_t k = 0; k < x_.columns(); ++k) {
                sum(nearest_[i], k) += static_cast<double>(w_(i, k)) * static_cast<double>(x_(i, k));
                weight(nearest_[i], k) += static_cast<double>(w_(i, k));
            }
        for (std::size_t i = 0; i < book.size(); ++i)
            if (weight.data()[i] > 0) book.data()[i] = static_cast<float>(sum.data()[i] / weight.data()[i]);
    }
    [[nodiscard]] const std::vector<std::uint32_t>& nearest() const noexcept { return nearest_; }
    [[nodiscard]] linalg::matrix<float> chosen(std::size_t entries, std::uint64_t seed) const {
        linalg::matrix<float> out(entries, x_.columns());
        random_sequence random(seed);
        for (std::size_t e = 0; e < entries; ++e) {
            const auto from = x_.row(random.below(static_cast<std::uint32_t>(x_.rows())));
            for (std::size_t k = 0; k < from.size(); ++k) out(e, k) = from[k];
        }
        return out;
    }

  private:
    linalg::matrix<float> features_, x_, w_;
    std::vector<std::uint32_t> nearest_;
};

/// Normalized weights and their moments cut to vectors; what sticks out of a row has no weight.
inline weighted_vectors vectors_of(view_2d<const float> weights, view_2d<const double> h,
                                   const normalization& by, std::size_t d) {
    const std::size_t n = weights.columns(), per_row = (n - 1) / d + 1;
    linalg::matrix<float> x(weights.rows() * per_row, d), w(weights.rows() * per_row, d);
    for (std::size_t r = 0; r < weights.rows(); ++r)
        for (std::size_t c = 0; c < n; ++c) {
            x(r * per_row + c / d, c % d) = weights(r, c) / by.factor(r, c);
            w(r * per_row + c / d, c % d) = static_cast<float>(h(c, c));
        }
    return {std::move(x), std::move(w)};
}

/// Stream: rows, columns, dimension, bits of an index (varints); factors of columns, then rows; the codebook;
/// all of 16 bits; then the indices.
inline std::vector<std::uint8_t> normalized_stream(const normalization& by, const linalg::matrix<float>& book,
                                                   const std::vector<std::uint32_t>& indices, unsigned bits) {
    std::vector<std::uint8_t> out;
    vector_sink sink(out);
    for (const std::uint64_t v : {by.rows.size(), by.columns.size(), book.columns(), std::size_t{bits}})
        put_varint(sink, v);
    for (const half v : by.columns) put_le<std::uint16_t>(sink, v.bits);
    for (const half v : by.rows) put_le<std::uint16_t>(sink, v.bits);
    for (std::size_t i = 0; i < book.size(); ++i) put_le<std::uint16_t>(sink, half(book.data()[i]).bits);
    bit_writer<vector_sink> writer(sink);
    for (const std::uint32_t i : indices) writer.put(i, bits);
    writer.finish();
    return out;
}

/// `count` values of 16 bits, finite, and positive where that is asked. The input must have them.
inline result<std::vector<float>> finite_halves(byte_reader& in, std::uint64_t count, bool positive) {
    std::vector<float> out;
    for (std::uint64_t i = 0; i < count; ++i) {
        out.push_back(float(half::from_bits(*in.read_le<std::uint16_t>())));
        if (!std::isfinite(out.back()) || (positive && !(out.back() > 0)))
            return in.fail(error_code::bad_stream, "a factor or codebook that no encoder writes");
    }
    return out;
}

}  // namespace detail

/// The weights of a stream of quantize_normalized. Errors: of outside bytes; limit_exceeded when the weights
/// take more than at_most.max_output bytes.
[[nodiscard]] inline result<linalg::matrix<float>> decode_normalized(byte_view in,
                                                                     const limits& at_most = {}) {
    byte_reader reader(in);
    std::uint64_t shape[4] = {};
    if (const auto ok = reader.read_varints(shape); !ok) return ok.error();
    const auto [rows, columns, d, bits] = shape;
    if (rows == 0 || columns == 0 || d < 1 || d > 16 || bits < 1 || bits > 16)
        return reader.fail(error_code::bad_header, "no such matrix");
    if (columns > at_most.max_output / sizeof(float) / rows)
        return reader.fail(error_code::limit_exceeded, "the weights are larger than the limit");
    const std::uint64_t per_row = (columns - 1) / d + 1, book_size = d << bits;
    // Factors take two bytes and an index at least a bit: below, no sum overflows.
    if (rows > reader.remaining() || columns > reader.remaining() ||
        per_row > 8 * std::uint64_t{reader.remaining()} / rows)
        return reader.fail(error_code::truncated, "the bytes do not fit the shape of the weights");
    const std::uint64_t needed = 2 * (rows + columns + book_size) + (rows * per_row * bits + 7) / 8;
    if (reader.remaining() != needed)
        return reader.fail(reader.remaining() < needed ? error_code::truncated : error_code::trailing_data,
                           "the bytes do not fit the shape of the weights");
    const auto by_column = detail::finite_halves(reader, columns, true);
    if (!by_column) return by_column.error();
    const auto by_row = detail::finite_halves(reader, rows, true);
    if (!by_row) return by_row.error();
    const auto book = detail::finite_halves(reader, book_size, false);
    if (!book) return book.error();
    bit_reader indices(reader.rest());
    linalg::matrix<float> out(rows, columns);
    for (std::uint64_t r = 0; r < rows; ++r)
        for (std::uint64_t c = 0; c < columns; c += d) {
            const std::uint64_t entry = indices.get(static_cast<unsigned>(bits)) * d;
            for (std::uint64_t k = 0; k < d && c + k < columns; ++k)
                out(r, c + k) = (*book)[entry + k] * ((*by_row)[r] * (*by_column)[c + k]);
        }
    if (!indices.padding_is_zero()) return reader.fail(error_code::bad_stream, "the padding is not zero");
    return out;
}

/// weights are m x n, h the second moment of the inputs, of which the diagonal counts. Errors:
/// unsupported_parameter for shapes, values that are not finite, or options out of range. Encoder-side.
template <class T = float>
[[nodiscard]] result<normalized_result> quantize_normalized(linalg::input<T> weights, linalg::input<double> h,
                                                            normalized_options options = {}) {
    const std::size_t d = options.dimension;
    if (h.rows() != weights.columns() || h.columns() != h.rows() || weights.empty())
        return linalg::wrong_shape();
    if (!linalg::all_finite<double>(h)) return linalg::not_finite();
    if (d < 1 || d > 16 || options.index_bits < 1 || options.index_bits > 16)
        return error{error_code::unsupported_parameter, 0,
                     "vectors of 1 to 16 weights, indices of 1 to 16 bits"};
    const auto by = normalize<T>(weights);
    if (!by) return by.error();
    detail::weighted_vectors vectors = detail::vectors_of(weights, h, *by, d);
    linalg::matrix<float> book = vectors.chosen(std::size_t{1} << options.index_bits, options.seed);
    normalized_result out;
    for (unsigned step = 0; step < options.steps; ++step) {
        out.trace.push_back(vectors.assign(book));
        vectors.update(book);
    }
    for (std::size_t i = 0; i < book.size(); ++i) book.data()[i] = float(half(book.data()[i]));
    vectors.assign(book);
    out.bytes = detail::normalized_stream(*by, book, vectors.nearest(), options.index_bits);
    auto decoded = decode_normalized(out.bytes, no_limits);
    if (!decoded)
        return error{error_code::unsupported_parameter, 0, "weights beyond the range of the format"};
    out.quantized = std::move(*decoded);
    return out;
}

}  // namespace pith::inline v1::calibrate
