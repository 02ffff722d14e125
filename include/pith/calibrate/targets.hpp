// What the quantized weights should come near to, when the inputs of the compressed network differ from those
// of the original one.
// GPTAQ (Li and others, 2025), ResComp and Qronos approximate the least-squares problem |W X - Q Y|^2;
// completing the square shows that it is successive quantization of W* = (W C + d W)(H + d I)^-1, C = E[x
// y^T], H = E[y y^T].
#pragma once

#include <pith/calibrate/metric.hpp>

namespace pith::inline v1::calibrate {

/// W* for weights (m x n), cross moment C (n x n, original by compressed inputs) and second moment H of the
/// compressed inputs; `toward` in 0..1 goes that part of the way from W. C = H gives W itself. Errors:
/// unsupported_parameter for shapes, values that are not finite, or an H that damping cannot repair.
template <class T = float>
[[nodiscard]] result<matrix<float>> asymmetric_target(input<float> weights, input<double> cross,
                                                      input<double> h, double toward = 1,
                                                      linalg::damping damping = {}) {
    const std::size_t n = weights.columns();
    if (cross.rows() != n || cross.columns() != n || h.rows() != n) return linalg::wrong_shape();
    if (!linalg::all_finite<float>(weights) || !linalg::all_finite<double>(cross))
        return linalg::not_finite();
    auto factor = linalg::factor_damped(h, damping);
    if (!factor) return factor.error();
    linalg::invert_upper(factor->upper.view());
    // W* - W = W (C - H)(H + d I)^-1: nothing is lost where C and H agree.
    const matrix<double> change = linalg::difference<double>(cross, h);
    const auto w = matrix<double>::copy_of(weights);
    const auto moved = linalg::solve_right(linalg::multiply<double>(w, change), factor->upper);
    auto out = matrix<float>::copy_of(weights);
    for (std::size_t i = 0; i < out.size(); ++i)
        out.data()[i] += static_cast<float>(toward * moved.data()[i]);
    return out;
}

/// E |W x - Q y|^2 = tr(W G W^T) - 2 tr(W C Q^T) + tr(Q H Q^T), G = E[x x^T].
template <class T = float>
[[nodiscard]] double asymmetric_error(input<float> weights, input<float> quantized, input<double> g,
                                      input<double> cross, input<double> h) {
    const auto w = matrix<double>::copy_of(weights), q = matrix<double>::copy_of(quantized);
    const auto wc = linalg::multiply<double>(w, cross);
    double mixed = 0;
    for (std::size_t i = 0; i < wc.size(); ++i) mixed += wc.data()[i] * q.data()[i];
    return linalg::weighted_error<float>(weights, g) - 2 * mixed +
           linalg::weighted_error<float>(quantized, h);
}

}  // namespace pith::inline v1::calibrate
