// SLiM end to end: a layer as symmetric codes of few bits, 2 of 4 weights cut, and a correction of low rank.
// Mozaffari, Yazdanbakhsh, Mehri Dehnavi, "SLiM" (2024). Clip from a histogram -> codes -> mask -> low rank
// of what both lost, in the metric of the inputs' moments -> factors in 4 bits. Not reproduced: fine-tuning.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include <pith/calibrate/alternating.hpp>
#include <pith/lowrank/compensator.hpp>
#include <pith/systems/weights.hpp>

namespace pith::inline v1::systems {

/// SLiM's base_quantizer: slim_quant<Bits>, then of every 4 neighbours in a row the 4 - Kept of least |w|
/// sqrt(moment) become 0 (Wanda's score). Kept = 4 cuts none. Bytes: Bits for each weight kept and two for
/// its place among four, and the scale.
template <unsigned Bits = 4, std::size_t Kept = 2>
requires(Kept >= 1 && Kept <= 4) class slim_base {
  public:
    /// One moment for each input, finite and >= 0: lowrank::saliency_moments.
    explicit slim_base(std::vector<double> moments) noexcept : moments_(std::move(moments)) {}

    /// Errors: unsupported_parameter for shapes or values that are not finite. Encoder-side.
    [[nodiscard]] result<calibrate::based> operator()(view_2d<const float> target) const {
        if (target.columns() != moments_.size() || target.empty()) return linalg::wrong_shape();
        const slim_quant<Bits> quantizer{};
        const auto scale = quantizer.fit(target);
        if (!scale) return scale.error();
        const auto codes = quantizer.encode(target, *scale);
        if (!codes) return codes.error();
        calibrate::based out{linalg::matrix<float>(target.rows(), target.columns()), 0};
        if (const auto good = quantizer.decode_into(*codes, *scale, out.values.view()); !good)
            return good.error();
        std::size_t left = target.size();
        if constexpr (Kept < 4) left = cut(target, out.values);
        out.bytes = scale->bytes.size() + (left * (Kept < 4 ? Bits + 2 : Bits) + 7) / 8;
        return out;
    }

  private:
    /// Gives how many weights are left. Groups at the end of a row may be shorter; they lose 4 - Kept too.
    std::size_t cut(view_2d<const float> target, linalg::matrix<float>& values) const {
        std::size_t left = 0;
        for (std::size_t r = 0; r < target.rows(); ++r)
            for (std::size_t first = 0; first < target.columns(); first += 4) {
                const std::size_t count = std::min<std::size_t>(4, target.columns() - first);
                std::array<std::pair<double, std::size_t>, 4> scores;
                for (std::size_t k = 0; k < count; ++k) {
                    const auto w = static_cast<double>(target(r, first + k));
                    scores[k] = {w * w * moments_[first + k], first + k};
                }
                std::sort(scores.begin(), scores.begin() + static_cast<std::ptrdiff_t>(count));
                const std::size_t gone = std::min(count, 4 - Kept);
                for (std::size_t k = 0; k < gone; ++k) values(r, scores[k].second) = 0;
                left += count - gone;
            }
        return left;
    }
    std::vector<double> moments_;
};

/// Factors as codes of Bits bits with a half-precision scale for 128 neighbours: SLiM's quantized adapters.
template <unsigned Bits = 4>
struct group_store {
    [[nodiscard]] result<std::pair<linalg::matrix<float>, std::vector<std::uint8_t>>> operator()(
        view_2d<const float> values) const {
        const quant::affine<quant::affine_options{.bits = Bits, .group = 128, .symmetric = true}> quantizer{};
        std::pair<linalg::matrix<float>, std::vector<std::uint8_t>> out{
            linalg::matrix<float>(values.rows(), values.columns()), {}};
        if (values.empty()) return out;
        auto scales = quantizer.fit(values);
        if (!scales) return scales.error();
        const auto codes = quantizer.encode(values, *scales);
        if (!codes) return codes.error();
        if (const auto good = quantizer.decode_into(*codes, *scales, out.first.view()); !good)
            return good.error();
        out.second = std::move(scales->bytes);
        out.second.insert(out.second.end(), codes->bytes.begin(), codes->bytes.end());
        return out;
    }
};

/// The pipeline for weights (m x n) whose inputs have the second moment h: base and correction, with the
/// error in SLiM's metric as the last entry of `trace`. Store: group_store<4>, lowrank::half_store for
/// factors that stay in 16 bits. Errors: those of the parts. Encoder-side.
template <unsigned Bits = 4, std::size_t Kept = 2, lowrank::factor_store Store = group_store<4>>
[[nodiscard]] result<calibrate::alternating_result> slim(linalg::input<float> weights,
                                                         linalg::input<double> h, std::size_t rank,
                                                         const Store& store = {}) {
    if (h.rows() != weights.columns() || h.columns() != weights.columns()) return linalg::wrong_shape();
    auto moments = lowrank::saliency_moments(h);
    const slim_base<Bits, Kept> base(moments);
    return calibrate::alternate(weights, base, lowrank::diagonal_metric(std::move(moments)),
                                lowrank::compensator<linalg::randomized>{}, {.rank = rank, .rounds = 1},
                                store);
}

}  // namespace pith::inline v1::systems
