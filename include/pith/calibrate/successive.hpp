// Successive quantization: each column takes over what the columns before it did wrong, in the metric of H.
// GPTQ (Frantar and others, 2022) in the equivalent form of LDLQ (Chee and others, 2023): column j becomes
// Q(w_j + sum over i < j of (w_i - q_i) T_ij / T_jj). By halves, so that nearly all work is in large
// products.
#pragma once

#include <bit>
#include <span>
#include <utility>
#include <vector>

#include <pith/calibrate/concepts.hpp>
#include <pith/calibrate/metric.hpp>

namespace pith::inline v1::calibrate {

struct successive_options {
    std::size_t inner = 32;  ///< columns compensated one by one, a power of two
};

/// What a pass over the columns gives.
struct successive_result {
    matrix<float> quantized;  ///< m x n, in the order of the inputs
    /// sum over j of T_jj^2 |running_j - q_j|^2 = trace(D (H + damping) D^T), D = W - quantized; with a pull
    /// W are the weights as they were pulled.
    double error = 0;
};

namespace detail {

/// The state of a pass: everything transposed, so that a column of the weights is a line of memory.
struct pass {
    const metric& how;
    matrix<float> weights;  ///< n x m, by position; a column becomes its quantized self when its turn is over
    /// n x m, by position: the weights moved by what columns before have left; a column becomes weights -
    /// quantized when its turn is over.
    matrix<float> running;
    matrix<float> pulling;     ///< n x m, or empty without a pull: running when its turn was over
    matrix<float> fitted{};    ///< group x m
    std::vector<float> out{};  ///< of one column

    /// The compensation of columns first .. last for the errors of columns from .. to.
    void compensate(std::size_t from, std::size_t to, std::size_t first, std::size_t last) {
        add(how.feedback, running, {from, to}, {first, last}, running);
        if (pulling.empty()) return;
        add(how.pull, pulling, {from, to}, {first, last}, running);
        add(how.pull, pulling, {from, to}, {first, last}, weights);
    }
    /// The pull of column j on columns j + 1 .. last - 1.
    void pull(std::size_t j, std::size_t last) {
        const std::span<float> from = pulling.row(j), line = running.row(j);
        for (std::size_t r = 0; r < from.size(); ++r) from[r] = line[r];
        for (std::size_t c = j + 1; c < last; ++c)
            for (const std::span<float> to : {running.row(c), weights.row(c)})
                for (std::size_t r = 0; r < from.size(); ++r) to[r] += how.pull(j, c) * from[r];
    }

  private:
    struct range {
        std::size_t first, last;
        [[nodiscard]] std::size_t size() const noexcept { return last - first; }
    };
    static void add(const matrix<float>& factors, const matrix<float>& source, range from, range to,
                    matrix<float>& target) {
        const std::size_t m = source.columns();
        linalg::multiply_add<float>(
            1, factors.view().block(from.first, to.first, from.size(), to.size()).transposed(),
            source.view().block(from.first, 0, from.size(), m),
            target.view().block(to.first, 0, to.size(), m));
    }
};

/// to += factor * from.
inline void add_scaled(std::span<float> to, float factor, std::span<const float> from) noexcept {
    for (std::size_t r = 0; r < to.size(); ++r) to[r] += factor * from[r];
}

/// to += the sum of factors[i] times line i of `lines`; four lines at a time, so that `to` is read seldom.
inline void add_lines(std::span<float> to, std::span<const float> lines,
                      std::span<const float> factors) noexcept {
    const std::size_t width = to.size();
    std::size_t i = 0;
    for (; i + 4 <= factors.size(); i += 4) {
        const float* const from = lines.data() + i * width;
        const float a = factors[i], b = factors[i + 1], c = factors[i + 2], d = factors[i + 3];
        for (std::size_t k = 0; k < width; ++k)
            to[k] +=
                (a * from[k] + b * from[k + width]) + (c * from[k + 2 * width] + d * from[k + 3 * width]);
    }
    for (; i < factors.size(); ++i) add_scaled(to, factors[i], lines.subspan(i * width, width));
}

/// The values towards which a group would be moved if none of its columns were rounded: each column of the
/// group also compensates for the moves of those before it. This is what GPTQ sees when it fits a group.
template <class T = float>
view_2d<const float> unrounded_group(pass& p, std::size_t first, std::size_t count) {
    constexpr std::size_t tile = 32;  // a group of 128 columns: 16 KB of moves
    const std::size_t m = p.weights.columns();
    if (p.fitted.rows() < count) p.fitted = matrix<float>(count, m);
    std::vector<float> moves(count * tile), factors(count);
    for (std::size_t r = 0; r < m; r += tile) {
        const std::size_t rows = m - r < tile ? m - r : tile;
        for (std::size_t j = 0; j < count; ++j) {
            const std::span<float> line = p.fitted.row(j).subspan(r, rows);
            const auto from = std::as_const(p.running).row(first + j).subspan(r, rows);
            const auto w = std::as_const(p.weights).row(first + j).subspan(r, rows);
            for (std::size_t k = 0; k < rows; ++k) line[k] = from[k];
            for (std::size_t i = 0; i < j; ++i) factors[i] = p.how.feedback(first + i, first + j);
            add_lines(line, moves, std::span(factors).first(j));
            for (std::size_t k = 0; k < rows; ++k) moves[j * rows + k] = w[k] - line[k];
        }
    }
    return std::as_const(p.fitted).view().block(0, 0, count, m);
}

/// Columns first .. last - 1, one by one. Gives their share of the error.
template <column_quantizer Quantizer>
double quantize_columns(pass& p, Quantizer& quantizer, std::size_t first, std::size_t last) {
    double error = 0;
    const std::size_t n = p.weights.rows(), group = quantizer.group();
    p.out.resize(p.weights.columns());
    for (std::size_t j = first; j < last; ++j) {
        // Powers of two: a group lies within the columns or begins with them, so its columns have all the
        // compensation that they can have by now.
        if (group != 0 && j % group == 0)
            quantizer.fit(j, unrounded_group(p, j, n - j < group ? n - j : group));
        const std::span<float> line = p.running.row(j), w = p.weights.row(j);
        quantizer.quantize(j, line, p.out);
        if (!p.pulling.empty()) p.pull(j, last);
        double sum = 0;
        for (std::size_t r = 0; r < w.size(); ++r) {
            const float q = p.out[r], e = line[r] - q;
            sum += static_cast<double>(e * e);
            line[r] = w[r] - q;
            w[r] = q;
        }
        error += sum * static_cast<double>(p.how.deviation[j]) * static_cast<double>(p.how.deviation[j]);
        for (std::size_t c = j + 1; c < last; ++c) add_scaled(p.running.row(c), p.how.feedback(j, c), line);
    }
    return error;
}

/// Columns first .. last - 1 by halves, the first half a power of two wide: all its errors reach the second
/// half at once. `size` is the power of two that the columns fill or would fill.
template <column_quantizer Quantizer>
double quantize_halves(pass& p, Quantizer& quantizer, std::size_t first, std::size_t last, std::size_t size,
                       std::size_t inner) {
    if (size <= inner) return quantize_columns(p, quantizer, first, last);
    const std::size_t middle = first + size / 2;
    if (middle >= last) return quantize_halves(p, quantizer, first, last, size / 2, inner);
    const double error = quantize_halves(p, quantizer, first, middle, size / 2, inner);
    p.compensate(first, middle, middle, last);
    return error + quantize_halves(p, quantizer, middle, last, size / 2, inner);
}

/// Rows that are turned into lines together: 16 floats are a cache line, and so many rows of weights fit the
/// second cache.
constexpr std::size_t turned_rows = 16;

/// Columns of the weights as lines, by position; those of dead inputs are zero.
inline matrix<float> by_position(view_2d<const float> weights, const metric& how) {
    auto out = matrix<float>::unset(weights.columns(), weights.rows());
    for (std::size_t r0 = 0; r0 < out.columns(); r0 += turned_rows) {
        const std::size_t rows = out.columns() - r0 < turned_rows ? out.columns() - r0 : turned_rows;
        for (std::size_t j = 0; j < out.rows(); ++j)
            for (std::size_t r = r0; r < r0 + rows; ++r)
                out(j, r) = how.dead[j] != 0 ? 0.0F : weights(r, how.order[j]);
    }
    return out;
}

/// Lines of `from` as columns: line j becomes column order[j]. In the memory of `spare`, of equal size.
inline matrix<float> in_order_of_inputs(const matrix<float>& from, std::span<const std::uint32_t> order,
                                        matrix<float> spare) {
    auto out = std::move(spare).reshaped(from.columns(), from.rows());
    for (std::size_t r0 = 0; r0 < out.rows(); r0 += turned_rows) {
        const std::size_t rows = out.rows() - r0 < turned_rows ? out.rows() - r0 : turned_rows;
        for (std::size_t j = 0; j < from.rows(); ++j)
            for (std::size_t r = r0; r < r0 + rows; ++r) out(r, order[j]) = from(j, r);
    }
    return out;
}

}  // namespace detail

/// Quantizes weights (m x n) column by column in the metric's order. Cost: m n^2 / 2
/// multiplications and additions. Errors: unsupported_parameter for shapes or values that are not finite, or
/// what the quantizer's start says. Encoder-side.
template <column_quantizer Quantizer>
[[nodiscard]] result<successive_result> successive_quantize(input<float> weights, const metric& how,
                                                            Quantizer& quantizer,
                                                            successive_options options = {}) {
    const std::size_t n = how.dimension(), m = weights.rows();
    if (weights.columns() != n) return linalg::wrong_shape();
    if (!linalg::all_finite<float>(weights)) return linalg::not_finite();
    detail::pass p{how, detail::by_position(weights, how), {}, {}};
    p.running = p.weights;
    if (!how.pull.empty()) p.pulling = matrix<float>(n, m);
    if (auto started = quantizer.start(p.weights.view(), how.deviation); !started) return started.error();
    PITH_ASSERT(std::has_single_bit(options.inner));
    PITH_ASSERT(quantizer.group() == 0 || std::has_single_bit(quantizer.group()));
    successive_result out;
    out.error = detail::quantize_halves(p, quantizer, 0, n, std::bit_ceil(n), options.inner);
    out.quantized = detail::in_order_of_inputs(p.weights, how.order, std::move(p.running));
    return out;
}

}  // namespace pith::inline v1::calibrate
