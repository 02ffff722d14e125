// Successive quantization: each column takes over what the columns before it did wrong, in the metric of H.
// GPTQ (Frantar and others, 2022) in the equivalent form of LDLQ (Chee and others, 2023): column j becomes
// Q(w_j + sum over i < j of (w_i - q_i) T_ij / T_jj). Blocked at two levels; the quantizer is a policy.
#pragma once

#include <bit>
#include <utility>

#include <pith/calibrate/concepts.hpp>
#include <pith/calibrate/metric.hpp>

namespace pith::inline v1::calibrate {

struct successive_options {
    std::size_t block = 128;  ///< columns between two large products, a power of two
    std::size_t inner = 32;   ///< columns compensated one by one, a power of two <= block
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
    matrix<float> errors;   ///< n x m: weights - quantized, by position
    matrix<float> running;  ///< block x m
    matrix<float> fitted;   ///< group x m
    matrix<float> pulling;  ///< n x m, or empty without a pull: running when its turn was over

    /// running[first - base ...] += the compensation for errors of positions from .. to, for columns
    /// first .. last.
    void compensate(std::size_t from, std::size_t to, std::size_t first, std::size_t last, std::size_t base) {
        const std::size_t m = weights.columns();
        linalg::multiply_add<float>(
            1, how.feedback.view().block(from, first, to - from, last - first).transposed(),
            errors.view().block(from, 0, to - from, m),
            running.view().block(first - base, 0, last - first, m));
        if (pulling.empty()) return;
        for (const view_2d<float> moved : {running.view().block(first - base, 0, last - first, m),
                                           weights.view().block(first, 0, last - first, m)})
            linalg::multiply_add<float>(
                1, how.pull.view().block(from, first, to - from, last - first).transposed(),
                pulling.view().block(from, 0, to - from, m), moved);
    }
    /// The pull of column j on columns j + 1 .. last - 1.
    void pull(std::size_t j, std::size_t last, std::size_t base) {
        const std::span<float> from = pulling.row(j), line = running.row(j - base);
        for (std::size_t r = 0; r < from.size(); ++r) from[r] = line[r];
        for (std::size_t c = j + 1; c < last; ++c)
            for (const std::span<float> to : {running.row(c - base), weights.row(c)})
                for (std::size_t r = 0; r < from.size(); ++r) to[r] += how.pull(j, c) * from[r];
    }
};

/// to += factor * from.
inline void add_scaled(std::span<float> to, float factor, std::span<const float> from) noexcept {
    for (std::size_t r = 0; r < to.size(); ++r) to[r] += factor * from[r];
}

/// The values towards which a group would be moved if none of its columns were rounded: each column of the
/// group also compensates for the moves of those before it. This is what GPTQ sees when it fits a group.
template <class T = float>
view_2d<const float> unrounded_group(pass& p, std::size_t first, std::size_t count, std::size_t base) {
    constexpr std::size_t tile = 256;
    const std::size_t m = p.weights.columns();
    if (p.fitted.rows() < count) p.fitted = matrix<float>(count, m);
    for (std::size_t r = 0; r < m; r += tile) {
        const std::size_t rows = m - r < tile ? m - r : tile;
        for (std::size_t j = 0; j < count; ++j) {
            const std::span<float> line = p.fitted.row(j).subspan(r, rows);
            const auto from = std::as_const(p.running).row(first - base + j).subspan(r, rows);
            for (std::size_t k = 0; k < rows; ++k) line[k] = from[k];
            for (std::size_t i = 0; i < j; ++i) {
                const float f = p.how.feedback(first + i, first + j);
                const auto moved = p.fitted.row(i).subspan(r, rows);
                const auto w = p.weights.row(first + i).subspan(r, rows);
                for (std::size_t k = 0; k < rows; ++k) line[k] += f * (w[k] - moved[k]);
            }
        }
    }
    return std::as_const(p.fitted).view().block(0, 0, count, m);
}

/// Columns first .. last - 1 of the block that begins at base, one by one. Gives their share of the error.
template <column_quantizer Quantizer>
double quantize_columns(pass& p, Quantizer& quantizer, std::size_t first, std::size_t last, std::size_t base,
                        std::size_t end) {
    double error = 0;
    for (std::size_t j = first; j < last; ++j) {
        const std::size_t group = quantizer.group();
        // Powers of two: a group lies within the inner block or begins with it, so its columns have all the
        // compensation that they can have by now.
        if (group != 0 && j % group == 0)
            quantizer.fit(j, unrounded_group(p, j, end - j < group ? end - j : group, base));
        const std::span<float> line = p.running.row(j - base);
        const std::span<float> d = p.errors.row(j);
        quantizer.quantize(j, line, d);
        const std::span<float> w = p.weights.row(j);
        double sum = 0;
        for (std::size_t r = 0; r < d.size(); ++r) {
            const float q = d[r], e = line[r] - q;
            sum += static_cast<double>(e * e);
            d[r] = w[r] - q;
            w[r] = q;
        }
        error += sum * static_cast<double>(p.how.deviation[j]) * static_cast<double>(p.how.deviation[j]);
        for (std::size_t c = j + 1; c < last; ++c)
            add_scaled(p.running.row(c - base), p.how.feedback(j, c), d);
        if (!p.pulling.empty()) p.pull(j, last, base);
    }
    return error;
}

/// Columns of the weights as lines, by position; those of dead inputs are zero.
inline matrix<float> by_position(view_2d<const float> weights, const metric& how) {
    constexpr std::size_t tile = 32;
    matrix<float> out(weights.columns(), weights.rows());
    for (std::size_t j0 = 0; j0 < out.rows(); j0 += tile)
        for (std::size_t r = 0; r < out.columns(); ++r)
            for (std::size_t j = j0; j < j0 + tile && j < out.rows(); ++j)
                out(j, r) = how.dead[j] != 0 ? 0.0F : weights(r, how.order[j]);
    return out;
}

/// Lines of `from` as columns: line j becomes column order[j].
inline matrix<float> in_order_of_inputs(const matrix<float>& from, std::span<const std::uint32_t> order) {
    constexpr std::size_t tile = 32;
    matrix<float> out(from.columns(), from.rows());
    for (std::size_t j0 = 0; j0 < from.rows(); j0 += tile)
        for (std::size_t r = 0; r < from.columns(); ++r)
            for (std::size_t j = j0; j < j0 + tile && j < from.rows(); ++j) out(r, order[j]) = from(j, r);
    return out;
}

}  // namespace detail

/// Quantizes weights (m x n) column by column in the metric's order. Cost: m n^2 multiplications and
/// additions. Errors: unsupported_parameter for shapes or values that are not finite, or what the quantizer's
/// start says. Encoder-side.
template <column_quantizer Quantizer>
[[nodiscard]] result<successive_result> successive_quantize(input<float> weights, const metric& how,
                                                            Quantizer& quantizer,
                                                            successive_options options = {}) {
    const std::size_t n = how.dimension(), m = weights.rows();
    if (weights.columns() != n) return linalg::wrong_shape();
    if (!linalg::all_finite<float>(weights)) return linalg::not_finite();
    detail::pass p{how, detail::by_position(weights, how), matrix<float>(n, m), {}, {}, {}};
    if (!how.pull.empty()) p.pulling = matrix<float>(n, m);
    if (auto started = quantizer.start(p.weights.view(), how.deviation); !started) return started.error();
    const std::size_t block = options.block > quantizer.group() ? options.block : quantizer.group();
    PITH_ASSERT(std::has_single_bit(block) && std::has_single_bit(options.inner) && options.inner <= block);
    PITH_ASSERT(quantizer.group() == 0 || std::has_single_bit(quantizer.group()));
    p.running = matrix<float>(block, m);
    successive_result out;
    for (std::size_t base = 0; base < n; base += block) {
        const std::size_t end = n - base < block ? n : base + block;
        linalg::copy<float>(p.weights.view().block(base, 0, end - base, m),
                            p.running.view().block(0, 0, end - base, m));
        p.compensate(0, base, base, end, base);
        for (std::size_t first = base; first < end; first += options.inner) {
            const std::size_t last = end - first < options.inner ? end : first + options.inner;
            out.error += detail::quantize_columns(p, quantizer, first, last, base, end);
            p.compensate(first, last, last, end, base);
        }
    }
    out.quantized = detail::in_order_of_inputs(p.weights, how.order);
    return out;
}

}  // namespace pith::inline v1::calibrate
