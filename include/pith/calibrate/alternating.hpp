// Quantized part and low-rank part fitted in turn, W = Q + L R.
// CALDERA (Saha and others, 2024) and LQ-LoRA (Guo and others, 2023): quantize W - L R, then correct W - Q;
// the best pair of all rounds is kept.
#pragma once

#include <concepts>
#include <vector>

#include <pith/lowrank/compensator.hpp>

namespace pith::inline v1::calibrate {

/// A quantized matrix and the bytes that it takes.
struct based {
    linalg::matrix<float> values;
    std::size_t bytes = 0;
};

/// Quantizes a target of the weights' shape.
template <class B>
concept base_quantizer = requires(B base, view_2d<const float> target) {
    { base(target) } -> std::same_as<result<based>>;
};

struct alternating_options {
    std::size_t rank = 32;
    unsigned rounds = 12;  ///< 1 is one-shot: quantize, then correct
    std::uint64_t seed = 1;
};

struct alternating_result {
    based base;
    lowrank::stored_factors correction;
    std::vector<double> trace;  ///< error of each round in the metric; the least is that of the result
    [[nodiscard]] linalg::matrix<float> product() const {
        auto out = base.values;
        linalg::multiply_add<float>(1, correction.values.left, correction.values.right, out);
        return out;
    }
    [[nodiscard]] std::size_t bytes() const noexcept { return base.bytes + correction.bytes; }
};

/// Errors: those of the parts. Law: more rounds never give a larger error. Encoder-side.
template <base_quantizer Base, lowrank::input_metric Metric, linalg::svd_solver Solver,
          lowrank::factor_store Store = lowrank::half_store>
[[nodiscard]] result<alternating_result> alternate(linalg::input<float> weights, Base&& base,
                                                   const Metric& metric,
                                                   const lowrank::compensator<Solver>& compensate,
                                                   alternating_options options, const Store& store = {}) {
    alternating_result best;
    auto target = linalg::matrix<float>::copy_of(weights);
    for (unsigned round = 0; round < options.rounds; ++round) {
        auto quantized = base(target.view());
        if (!quantized) return quantized.error();
        const auto d = linalg::difference<float>(weights, quantized->values);
        const auto fitted = compensate(d, metric, options.rank, options.seed + round);
        if (!fitted) return fitted.error();
        auto stored = lowrank::store_factors(*fitted, d, store);
        if (!stored) return stored.error();
        const auto correction = stored->values.product();
        const double error = metric.error(linalg::difference<float>(d, correction).view());
        target = linalg::difference<float>(weights, correction);
        bool least = true;
        for (const double e : best.trace) least = least && error < e;
        best.trace.push_back(error);
        if (!least) continue;
        best.base = std::move(*quantized);
        best.correction = std::move(*stored);
    }
    return best;
}

}  // namespace pith::inline v1::calibrate
