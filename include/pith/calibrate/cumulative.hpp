// The low-rank weights of a layer whose inputs come from compressed layers before it.
// SAES-SVD (2025): the target W (H + b (C - H)) H^-1 leans towards the original network's outputs by b in
// 0..1, and b is chosen so that rank r holds the largest share of it. Both are asymmetric_target and the
// compensator; b by golden sections on the share itself, where they solve a quadratic with the basis held.
#pragma once

#include <pith/calibrate/targets.hpp>
#include <pith/lowrank/compensator.hpp>

namespace pith::inline v1::calibrate {

struct cumulative_result {
    lowrank::factors factors;
    double lean = 0;   ///< b
    double share = 0;  ///< of the target's energy that the rank holds
};

/// weights m x n; h = E[y y^T] of the compressed inputs y, cross = E[x y^T]. Law: the share is not below that
/// of b = 0, which is SVD-LLM. Errors: those of the parts. Encoder-side.
template <linalg::svd_solver Solver = linalg::randomized>
[[nodiscard]] result<cumulative_result> compensate_cumulative(linalg::input<float> weights,
                                                              linalg::input<double> cross,
                                                              linalg::input<double> h, std::size_t rank,
                                                              unsigned sections = 6,
                                                              const Solver& solver = {}) {
    const auto whole = asymmetric_target(weights, cross, h);
    if (!whole) return whole.error();
    const lowrank::full_metric metric(h);
    const auto at = [&](double lean) -> result<cumulative_result> {
        auto target = matrix<float>::copy_of(weights);
        for (std::size_t i = 0; i < target.size(); ++i) {
            float& t = target.data()[i];
            t += static_cast<float>(lean) * (whole->data()[i] - t);
        }
        auto fitted = lowrank::compensator<Solver>{solver}(target.view(), metric, rank);
        if (!fitted) return fitted.error();
        const double all = metric.error(target.view());
        const double left = metric.error(linalg::difference<float>(target, fitted->product()).view());
        return cumulative_result{std::move(*fitted), lean, all > 0 ? 1 - left / all : 1};
    };
    auto best = at(0);
    if (!best) return best.error();
    double low = 0, high = 1;
    for (unsigned k = 0; k < sections; ++k) {
        constexpr double golden = 0.6180339887498949;
        auto a = at(high - golden * (high - low)), b = at(low + golden * (high - low));
        if (!a) return a.error();
        if (!b) return b.error();
        (a->share > b->share ? high : low) = a->share > b->share ? b->lean : a->lean;
        auto& better = a->share > b->share ? *a : *b;
        if (better.share > best->share) *best = std::move(better);
    }
    return best;
}

}  // namespace pith::inline v1::calibrate
