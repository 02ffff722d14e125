// Integer codes and their grids fitted in turn to the outputs of a layer.
// decoupleQ (Guo and others, 2024): given codes, scales and offsets solve least squares; given grids, codes
// are moved one by one. Differs in that a step is kept only where it lowers the error of its row, so the
// error never rises; the first codes are those of successive quantization.
#pragma once

#include <cmath>
#include <utility>
#include <vector>

#include <pith/calibrate/group_offset.hpp>
#include <pith/calibrate/successive.hpp>

namespace pith::inline v1::calibrate {

struct decoupled_options {
    unsigned bits = 3;
    std::size_t group = 128;  ///< 0: whole rows
    unsigned rounds = 4;      ///< each a fit of the grids and a pass over the codes
};

struct decoupled_result {
    offset_codes codes;  ///< by position
    matrix<float> quantized;
    std::vector<double> trace;  ///< trace(D H D^T) at first and after every half-step
};

namespace detail {

/// The two steps. Everything by position.
class decoupling {
  public:
    decoupling(offset_codes& codes, matrix<double> h, const matrix<float>& weights)
        : codes_(codes), h_(std::move(h)), weights_(weights), ones_(codes.groups(), codes.columns) {
        for (std::size_t i = 0; i < codes.columns; ++i)
            for (std::size_t j = 0; j < codes.columns; ++j) ones_(i / codes.group, j) += h_(i, j);
    }

    /// Moves single codes of row r by what lowers its error most, given g = d H of the row, which is kept.
    void move_codes(std::size_t r, std::span<double> g) const {
        const double top = static_cast<double>((1U << codes_.bits) - 1);
        for (std::size_t j = 0; j < codes_.columns; ++j) {
            const std::size_t grid = codes_.grid_of(j, r);
            const double scale = static_cast<double>(float(codes_.scales[grid]));
            std::uint8_t& code = codes_.codes[j * codes_.rows + r];
            if (!(h_(j, j) > 0) || codes_.kept[grid] == 0) continue;
            // The error changes by -2 t g_j + t^2 h_jj when the weight moves by t.
            const double best = static_cast<double>(code) + std::nearbyint(g[j] / (scale * h_(j, j)));
            const double now = best < 0 ? 0 : best > top ? top : best;
            const double t = (now - static_cast<double>(code)) * scale;
            if (!(t * (t * h_(j, j) - 2 * g[j]) < 0)) continue;
            code = static_cast<std::uint8_t>(now);
            const std::span<const double> line = h_.row(j);
            for (std::size_t k = 0; k < g.size(); ++k) g[k] -= t * line[k];
        }
    }

    /// Gives row r the grids of least error for its codes, where rounding to half leaves an advantage.
    void fit_grids(std::size_t r) const {
        const std::size_t groups = codes_.groups(), k = 2 * groups;
        matrix<double> normal(k, k), right(1, k);
        fill(r, normal, right);
        std::vector<double> before(k), after(k);
        const matrix<double> solved = solution(normal, right);
        if (solved.empty()) return;
        for (std::size_t g = 0; g < groups; ++g) {
            const std::size_t grid = g * codes_.rows + r;
            before[g] = static_cast<double>(float(codes_.scales[grid]));
            before[groups + g] = static_cast<double>(float(codes_.offsets[grid]));
            after[g] = static_cast<double>(float(half(static_cast<float>(solved(0, g)))));
            after[groups + g] = static_cast<double>(float(half(static_cast<float>(solved(0, groups + g)))));
            if (!(after[g] > 0) || !std::isfinite(after[g]) || !std::isfinite(after[groups + g])) return;
        }
        if (!(error(normal, right, after) < error(normal, right, before))) return;
        for (std::size_t g = 0; g < groups; ++g) {
            codes_.scales[g * codes_.rows + r] = half(static_cast<float>(after[g]));
            codes_.offsets[g * codes_.rows + r] = half(static_cast<float>(after[groups + g]));
        }
    }

  private:
    /// x normal x^T - 2 right x^T: the error of the row less that of no grids at all.
    static double error(const matrix<double>& normal, const matrix<double>& right,
                        const std::vector<double>& x) {
        double out = 0;
        for (std::size_t i = 0; i < x.size(); ++i) {
            double line = -2 * right(0, i);
            for (std::size_t j = 0; j < x.size(); ++j) line += normal(i, j) * x[j];
            out += x[i] * line;
        }
        return out;
    }
    static matrix<double> solution(const matrix<double>& normal, const matrix<double>& right) {
        auto factor = linalg::factor_damped(normal, {.share = 1e-9});
        if (!factor) return {};
        linalg::invert_upper(factor->upper.view());
        return linalg::solve_right(right, factor->upper);
    }
    /// The normal equations of scales, then offsets: B H B^T and w H B^T for lines B of masked codes and
    /// ones.
    void fill(std::size_t r, matrix<double>& normal, matrix<double>& right) const {
        const std::size_t groups = codes_.groups(), n = codes_.columns, m = codes_.rows;
        matrix<double> lines(2 * groups, n);
        for (std::size_t j = 0; j < n; ++j) {
            const auto code = static_cast<double>(codes_.codes[j * m + r]);
            const std::span<const double> h = h_.row(j);
            const std::span<double> line = lines.row(j / codes_.group);
            if (code != 0)
                for (std::size_t k = 0; k < n; ++k) line[k] += code * h[k];
        }
        for (std::size_t g = 0; g < groups; ++g)
            for (std::size_t k = 0; k < n; ++k) lines(groups + g, k) = ones_(g, k);
        for (std::size_t i = 0; i < 2 * groups; ++i)
            for (std::size_t j = 0; j < n; ++j) {
                const double v = lines(i, j);
                normal(i, j / codes_.group) += v * static_cast<double>(codes_.codes[j * m + r]);
                normal(i, groups + j / codes_.group) += v;
                right(0, i) += v * static_cast<double>(weights_(j, r));
            }
    }

    offset_codes& codes_;
    matrix<double> h_;
    const matrix<float>& weights_;  // n x m
    matrix<double> ones_;           // sums of the rows of H in each group
};

}  // namespace detail

/// Quantizes weights (m x n) in the metric `how` that prepare made of h, and judges by h itself. About
/// (rounds + 1) m n^2 operations. Errors: unsupported_parameter for shapes or values that are not finite.
/// Encoder-side.
template <class T = float>
[[nodiscard]] result<decoupled_result> decouple(input<T> weights, input<double> h, const metric& how,
                                                decoupled_options options = {}) {
    const std::size_t n = how.dimension(), m = weights.rows();
    if (h.rows() != n || h.columns() != n) return linalg::wrong_shape();
    if (!linalg::all_finite<double>(h)) return linalg::not_finite();
    group_offset quantizer(options.bits, options.group);
    const auto first = successive_quantize(weights, how, quantizer);
    if (!first) return first.error();
    decoupled_result out{quantizer.codes(), {}, {first->error}};
    const matrix<float> lines = detail::by_position(weights, how);
    matrix<double> sorted(n, n);
    for (std::size_t i = 0; i < n; ++i)
        for (std::size_t j = 0; j < n; ++j) sorted(i, j) = h(how.order[i], how.order[j]);
    const detail::decoupling steps(out.codes, sorted, lines);
    const auto missing = [&] {
        matrix<double> d(m, n);
        for (std::size_t j = 0; j < n; ++j)
            for (std::size_t r = 0; r < m; ++r)
                d(r, j) = static_cast<double>(lines(j, r) - out.codes.value(j, r));
        return d;
    };
    out.trace = {linalg::weighted_error<double>(missing(), sorted)};
    for (unsigned round = 0; round < options.rounds; ++round) {
        for (std::size_t r = 0; r < m; ++r) steps.fit_grids(r);
        matrix<double> g = linalg::multiply<double>(missing(), sorted);
        out.trace.push_back(linalg::weighted_error<double>(missing(), sorted));
        for (std::size_t r = 0; r < m; ++r) steps.move_codes(r, g.row(r));
        out.trace.push_back(linalg::weighted_error<double>(missing(), sorted));
    }
    out.quantized = out.codes.weights(how.order);
    return out;
}

}  // namespace pith::inline v1::calibrate
