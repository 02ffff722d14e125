// Fewer hidden channels between two layers: which stay, and what the outgoing layer makes of those that go.
// MoDeGPT (Lin and others, 2024): ridge leverage and Nystrom's blend for the channels of a feed-forward
// layer, products of norms for queries and keys, one decomposition for values and outputs. DOTResize (2025):
// channels merged by optimal transport. Not reproduced: DOTResize's rotations of the residual stream.
#pragma once

#include <cmath>
#include <cstddef>
#include <span>
#include <vector>

#include <pith/linalg/cholesky.hpp>
#include <pith/linalg/transport.hpp>
#include <pith/lowrank/compensator.hpp>

namespace pith::inline v1::lowrank {

/// Places of the `count` largest scores, rising; of equal scores the first.
[[nodiscard]] inline std::vector<std::size_t> largest_scores(std::span<const double> scores,
                                                             std::size_t count) {
    std::vector<char> taken(scores.size());
    std::vector<std::size_t> out;
    for (std::size_t k = 0; k < count && k < scores.size(); ++k) {
        std::size_t best = scores.size();
        for (std::size_t i = 0; i < scores.size(); ++i)
            if (taken[i] == 0 && (best == scores.size() || scores[i] > scores[best])) best = i;
        taken[best] = 1;
    }
    for (std::size_t i = 0; i < scores.size(); ++i)
        if (taken[i] != 0) out.push_back(i);
    return out;
}

/// The diagonal of C (C + a I)^-1 for the moment C of the channels, a = share of the mean of its diagonal: 0
/// .. 1 for each channel, how little the others can stand for it. Errors: as linalg::factor_damped.
template <class T = double>
[[nodiscard]] result<std::vector<double>> ridge_leverage(input<double> moment, double share = 1) {
    auto factor = linalg::factor_damped(moment, {.share = share, .attempts = 1});
    if (!factor) return factor.error();
    linalg::invert_upper(factor->upper.view());  // (C + a I)^-1 = U^T U
    std::vector<double> out(moment.rows(), 1);
    for (std::size_t r = 0; r < moment.rows(); ++r)
        for (std::size_t i = 0; i < moment.rows(); ++i)
            out[i] -= factor->added * factor->upper(r, i) * factor->upper(r, i);
    return out;
}

/// Sums of squares E (w_i x)^2 of the outputs of a layer (d x n) for inputs of moment h.
template <class T = double>
[[nodiscard]] std::vector<double> output_moments(input<float> weights, input<double> h) {
    const auto w = matrix<double>::copy_of(weights);
    const auto image = linalg::multiply<double>(w, h);
    std::vector<double> out(w.rows());
    for (std::size_t i = 0; i < w.rows(); ++i)
        for (std::size_t j = 0; j < w.columns(); ++j) out[i] += w(i, j) * image(i, j);
    return out;
}

/// Scores of the channels of a query and a key layer (d x n each): |C^1/2 q_i| |C^1/2 k_i|. With `rotary`
/// channels i and i + d / 2 are turned by one angle and get one score, the sum of both.
template <class T = double>
[[nodiscard]] std::vector<double> query_key_scores(input<float> query, input<float> key, input<double> h,
                                                   bool rotary) {
    PITH_ASSERT(query.rows() == key.rows() && (!rotary || query.rows() % 2 == 0));
    const auto q = output_moments(query, h), k = output_moments(key, h);
    std::vector<double> out(q.size());
    for (std::size_t i = 0; i < q.size(); ++i) out[i] = std::sqrt(q[i] * k[i]);
    const std::size_t apart = q.size() / 2;
    for (std::size_t i = 0; rotary && i < apart; ++i) out[i] = out[i + apart] = out[i] + out[i + apart];
    return out;
}

/// A blend B (d x k) gives all channels from those kept, x ~ B x_kept; the outgoing layer becomes W B.
/// Nystrom: the blend of least squares, C_:S C_SS^-1. Errors: as linalg::factor_damped.
template <class T = double>
[[nodiscard]] result<matrix<double>> nystrom_blend(input<double> moment, std::span<const std::size_t> kept) {
    const std::size_t d = moment.rows(), k = kept.size();
    matrix<double> across(d, k), within(k, k);
    for (std::size_t j = 0; j < k; ++j) {
        for (std::size_t i = 0; i < d; ++i) across(i, j) = moment(i, kept[j]);
        for (std::size_t i = 0; i < k; ++i) within(i, j) = moment(kept[i], kept[j]);
    }
    auto factor = linalg::factor_damped(within, {.share = 1e-9, .attempts = 6});
    if (!factor) return factor.error();
    linalg::invert_upper(factor->upper.view());
    return linalg::solve_right(across, factor->upper);
}

/// DOTResize: each channel becomes the mean of those kept to which optimal transport moves it, costs being
/// E (x_i - x_j)^2 and all channels of equal mass. It serves kept channels that stand for equally many
/// others, as linalg::nystrom chooses them; those of most energy it can serve worse than a cut. Errors: those
/// of the plan.
template <class T = double>
[[nodiscard]] result<matrix<double>> transport_blend(input<double> moment, std::span<const std::size_t> kept,
                                                     linalg::transport_options how = {}) {
    const std::size_t d = moment.rows();
    matrix<double> cost(d, kept.size());
    for (std::size_t i = 0; i < d; ++i)
        for (std::size_t j = 0; j < kept.size(); ++j) {
            const std::size_t to = kept[j];
            const double c = moment(i, i) + moment(to, to) - 2 * moment(i, to);
            cost(i, j) = i == to || c < 0 ? 0 : c;
        }
    auto plan = linalg::transport_plan(cost, how);
    if (plan)
        for (std::size_t i = 0; i < plan->size(); ++i) plan->data()[i] *= static_cast<double>(d);
    return plan;
}

/// W B, for outgoing weights of o x d.
template <class T = float>
[[nodiscard]] matrix<float> blended(input<float> outgoing, input<double> blend) {
    const auto wide = linalg::multiply<double>(matrix<double>::copy_of(outgoing), blend);
    return matrix<float>::copy_of(wide.view());
}

/// E |W x - V x_kept|^2 for outgoing weights W (o x d), their successors V (o x k) and the moment of x.
template <class T = float>
[[nodiscard]] double channel_error(input<float> outgoing, input<float> successor,
                                   std::span<const std::size_t> kept, input<double> moment) {
    auto d = matrix<float>::copy_of(outgoing);
    for (std::size_t r = 0; r < d.rows(); ++r)
        for (std::size_t j = 0; j < kept.size(); ++j) d(r, kept[j]) -= successor(r, j);
    return linalg::weighted_error<float>(d, moment);
}

/// The best layers of `rank` hidden channels in place of a linear pair, values V (d x n) and outputs O (o x
/// d): O V in the metric of V's inputs, left for O and right for V. Errors: as compensator. Encoder-side.
template <linalg::svd_solver Solver = linalg::randomized, input_metric Metric>
[[nodiscard]] result<factors> compress_pair(input<float> output, input<float> value, const Metric& metric,
                                            std::size_t rank, const Solver& solver = {}) {
    if (output.columns() != value.rows()) return linalg::wrong_shape();
    return compensator<Solver>{solver}(linalg::multiply<float>(output, value), metric, rank);
}

}  // namespace pith::inline v1::lowrank
