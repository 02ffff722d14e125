// The methods that compress_layer knows, by name: each makes parts of a layer.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include <pith/systems/calibrated_weights.hpp>
#include <pith/systems/lowrank.hpp>

#include "parts.hpp"

namespace layers {

struct wanted {
    double bits = 3;
    std::size_t group = 128;  ///< columns with one scale, 0: the whole row
    std::size_t rank = 0;     ///< of corrections; 0: a thirty-second of the shorter side
};

struct method {
    const char* name;
    const char* about;
    pith::result<parts> (*run)(const layer&, const wanted&);
};

namespace detail {

namespace calibrate = pith::calibrate;

inline moment identity(std::size_t n) {
    moment out(n, n);
    for (std::size_t i = 0; i < n; ++i) out(i, i) = 1;
    return out;
}

/// Whole bits, or 0 where there are none.
inline unsigned whole(double bits) {
    const auto out = static_cast<unsigned>(bits);
    return static_cast<double>(out) == bits ? out : 0;
}

inline std::size_t rank_of(const layer& l, const wanted& w) {
    const std::size_t m = l.weights.rows(), n = l.weights.columns(), r = (m < n ? m : n) / 32;
    return w.rank != 0 ? w.rank : r != 0 ? r : 1;
}

/// The target in groups, compensated in the metric of h.
template <unsigned Bits>
pith::result<part> grouped(const matrix& target, const moment& h, calibrate::column_order order,
                           std::size_t group) {
    const auto metric = calibrate::prepare(h, {.order = order});
    if (!metric) return metric.error();
    pith::systems::gptq<Bits> quantizer(group);
    if (const auto done = calibrate::successive_quantize(target, *metric, quantizer); !done)
        return done.error();
    return part{with_bits("GA", Bits), quantizer.encoded(metric->order)};
}

inline pith::result<parts> one(pith::result<part> p) {
    if (!p) return p.error();
    return parts{std::move(*p)};
}

inline pith::result<parts> nearest(const layer& l, const wanted& w) {
    return with_width(whole(w.bits), [&]<unsigned Bits>() {
        return one(grouped<Bits>(l.weights, identity(l.weights.columns()), calibrate::column_order::natural,
                                 w.group));
    });
}
inline pith::result<parts> gptq(const layer& l, const wanted& w) {
    return with_width(whole(w.bits), [&]<unsigned Bits>() {
        return one(
            grouped<Bits>(l.weights, l.calibration, calibrate::column_order::falling_diagonal, w.group));
    });
}
/// The published damping and groups: outliers are told in a metric that is nearly flat.
inline pith::result<parts> spqr(const layer& l, const wanted& w) {
    return with_width(whole(w.bits), [&]<unsigned Bits>() -> pith::result<parts> {
        const auto metric = calibrate::prepare(
            l.calibration, {.damping = {.share = 1}, .order = calibrate::column_order::falling_diagonal});
        if (!metric) return metric.error();
        pith::systems::spqr<Bits> quantizer(calibrate::group_affine<Bits>(16), 0.2);
        if (const auto done = calibrate::successive_quantize(l.weights, *metric, quantizer); !done)
            return done.error();
        return parts{{with_bits("SP", Bits), quantizer.encoded(metric->order)}};
    });
}

/// Sensitivities are the second moments of the inputs: a layer has no gradients to show.
inline pith::result<parts> squeeze_llm(const layer& l, const wanted& w) {
    matrix sensitivity(l.weights.rows(), l.weights.columns());
    for (std::size_t r = 0; r < sensitivity.rows(); ++r)
        for (std::size_t c = 0; c < sensitivity.columns(); ++c)
            sensitivity(r, c) = static_cast<float>(l.calibration(c, c));
    auto done = calibrate::quantize_rows(l.weights, sensitivity, {.bits = whole(w.bits)});
    if (!done) return done.error();
    return parts{{rows_id, std::move(done->bytes)}};
}

inline pith::result<parts> decoupled(const layer& l, const wanted& w) {
    const auto metric =
        calibrate::prepare(l.calibration, {.order = calibrate::column_order::falling_diagonal});
    if (!metric) return metric.error();
    if (whole(w.bits) == 0)
        return pith::error{pith::error_code::unsupported_parameter, 0, "decoupleq needs whole bits"};
    const auto done =
        calibrate::decouple(l.weights, l.calibration, *metric, {.bits = whole(w.bits), .group = w.group});
    if (!done) return done.error();
    return parts{{offset_id, calibrate::encode_offset_codes(done->codes, metric->order)}};
}

/// Half of the groups are cut; with 4 bits for the others about 3 are left.
inline pith::result<parts> gqsa(const layer& l, const wanted&) {
    const auto metric =
        calibrate::prepare(l.calibration, {.order = calibrate::column_order::falling_diagonal});
    if (!metric) return metric.error();
    auto quantizer = pith::systems::gqsa();
    if (const auto done = calibrate::successive_quantize(l.weights, *metric, quantizer); !done)
        return done.error();
    return parts{{offset_id, calibrate::encode_offset_codes(quantizer.codes(), metric->order)}};
}

/// The longest vectors, up to six weights, whose codebook takes at most a tenth of a bit per weight.
inline pith::result<parts> nowag(const layer& l, const wanted& w) {
    const unsigned bits = whole(w.bits);
    auto options = pith::systems::nowag;
    const auto codebook = [&](std::size_t d) {
        return 16 * static_cast<double>(d << (d * bits)) / static_cast<double>(l.weights.size());
    };
    while (options.dimension > 1 && (options.dimension * bits > 16 || codebook(options.dimension) > 0.1))
        --options.dimension;
    options.index_bits = static_cast<unsigned>(options.dimension) * bits;
    auto done = calibrate::quantize_normalized(l.weights, l.calibration, options);
    if (!done) return done.error();
    return parts{{normalized_id, std::move(done->bytes)}};
}

/// What `base` leaves, corrected in the metric by factors in half precision.
template <class Metric>
pith::result<parts> corrected(const layer& l, const wanted& w, pith::result<parts> base,
                              const Metric& metric) {
    if (!base) return base.error();
    const auto restored = restore(*base, pith::no_limits);
    if (!restored) return restored.error();
    const auto d = pith::linalg::difference<float>(l.weights, *restored);
    const auto exact = pith::systems::eora{}(d, metric, rank_of(l, w));
    if (!exact) return exact.error();
    const auto kept = pith::lowrank::store_factors(*exact, d, pith::lowrank::half_store{});
    if (!kept) return kept.error();
    if (kept->values.rank() != 0) base->push_back({factors_id, encode_factors(kept->values)});
    return base;
}
inline pith::result<parts> eora(const layer& l, const wanted& w) {
    return corrected(l, w, gptq(l, w), pith::systems::eora_metric(l.calibration));
}
inline pith::result<parts> lqer(const layer& l, const wanted& w) {
    return corrected(l, w, nearest(l, w),
                     pith::systems::lqer_metric(pith::lowrank::saliency_moments(l.calibration)));
}

/// Quantized part and correction in turn; the best pair of twelve rounds.
inline pith::result<parts> caldera(const layer& l, const wanted& w) {
    return with_width(whole(w.bits), [&]<unsigned Bits>() -> pith::result<parts> {
        parts last, best;
        double least = INFINITY;
        const pith::lowrank::full_metric metric(l.calibration);
        matrix target = l.weights;
        for (unsigned round = 0; round < 12; ++round) {
            auto base =
                grouped<Bits>(target, l.calibration, calibrate::column_order::falling_diagonal, w.group);
            if (!base) return base.error();
            auto both = corrected(l, w, parts{std::move(*base)}, metric);
            if (!both) return both.error();
            const auto restored = restore(*both, pith::no_limits);
            const double error = metric.error(pith::linalg::difference<float>(l.weights, *restored).view());
            if (both->size() < 2) return both;
            const auto correction = layers::decode(both->back(), pith::no_limits);
            target = pith::linalg::difference<float>(l.weights, *correction);
            if (error < least) best = std::move(*both);
            least = error < least ? error : least;
        }
        return best;
    });
}

/// The weights themselves as two factors, of the rank that so many bits allow.
inline pith::result<parts> dobi(const layer& l, const wanted& w) {
    const std::size_t m = l.weights.rows(), n = l.weights.columns();
    const auto bytes = static_cast<std::size_t>(w.bits * static_cast<double>(m * n) / 8);
    const std::size_t fitting = pith::lowrank::remapped_rank(m, n, bytes),
                      rank = w.rank != 0 ? w.rank : fitting;
    const auto exact = pith::systems::dobi_svd{}(l.weights, pith::systems::svd_llm_metric(l.calibration),
                                                 rank != 0 ? rank : 1);
    if (!exact) return exact.error();
    auto kept = pith::lowrank::remap_factors(*exact, l.weights);
    if (!kept) return kept.error();
    return parts{{remapped_id, std::move(kept->bytes)}};
}

template <class Rule, class Machine = calibrate::independent_codes>
pith::result<parts> coded(const layer& l, const wanted& w) {
    const auto metric = calibrate::prepare(l.calibration);
    if (!metric) return metric.error();
    auto done = calibrate::entropy_coded<Rule, Machine>(l.weights, l.calibration, *metric,
                                                        {.bits_per_weight = w.bits});
    if (!done) return done.error();
    return parts{{coded_id, std::move(done->bytes)}};
}

}  // namespace detail

inline std::vector<method> all_methods() {
    using namespace pith::calibrate;
    return {
        {"rtn", "rounding to nearest in groups", detail::nearest},
        {"gptq", "groups, each column making up for those before it", detail::gptq},
        {"spqr", "gptq in groups of 16, with outliers in half precision", detail::spqr},
        {"squeezellm", "the best codebook of each row, outliers apart", detail::squeeze_llm},
        {"decoupleq", "codes and grids in groups, fitted in turn to the outputs", detail::decoupled},
        {"gqsa", "half of the groups of 16 cut, 4 bits for the others, whatever --bits", detail::gqsa},
        {"nowag", "a codebook of vectors after rows and columns are normalized", detail::nowag},
        {"dobi-svd", "no quantizer: factors of the weights, 8 and 16 bits a value, as many as fit",
         detail::dobi},
        {"lqer", "rtn and a correction of low rank by input scales", detail::lqer},
        {"eora", "gptq and the best correction of low rank for the outputs", detail::eora},
        {"caldera", "gptq and correction fitted in turn", detail::caldera},
        {"coded-uniform", "gptq with one step, entropy coded; any number of bits",
         detail::coded<uniform_step>},
        {"coded", "steps of equal loss, entropy coded; any number of bits", detail::coded<inverse_deviation>},
        {"coded-trellis", "the same with codes chosen together on a trellis of eight states",
         detail::coded<inverse_deviation, pith::vector::trellis<8>>},
    };
}

}  // namespace layers
