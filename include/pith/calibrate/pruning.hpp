// Pruning and quantization in one successive pass: masks chosen group by group on weights that already make
// up for what was cut before. SparseGPT (Frantar and Alistarh, 2023): a weight costs w^2 / [H^-1]_jj = (w
// T_jj)^2; n of m kept, as 2:4, or a share of a group. OBR (2025) prunes and quantizes with one compensation
// too, row by row.
#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include <pith/calibrate/concepts.hpp>

namespace pith::inline v1::calibrate {

/// A column_quantizer that keeps weights as they are.
struct keep_exact {
    [[nodiscard]] std::size_t group() const noexcept { return 0; }
    result<void> start(view_2d<const float>, std::span<const float>) { return {}; }
    void fit(std::size_t, view_2d<const float>) noexcept {}
    void quantize(std::size_t, std::span<const float> running, std::span<float> out) noexcept {
        for (std::size_t r = 0; r < out.size(); ++r) out[r] = running[r];
    }
};

/// Of every `group` weights of a row the `kept` that would cost most go through Inner; the others become 0.
template <column_quantizer Inner = keep_exact>
class pruned {
  public:
    /// Preconditions: group is a power of two, kept <= group, and Inner's group is 0 or a divisor of it.
    pruned(std::size_t kept, std::size_t group, Inner inner = {})
        : kept_(kept), group_(group), inner_(std::move(inner)) {
        PITH_ASSERT(kept <= group && group >= 1);
        PITH_ASSERT(inner_.group() == 0 || group % inner_.group() == 0);
    }

    [[nodiscard]] std::size_t group() const noexcept { return group_; }
    result<void> start(view_2d<const float> weights, std::span<const float> deviation) {
        deviation_.assign(deviation.begin(), deviation.end());
        mask_.assign(weights.rows() * weights.columns(), 1);
        rows_ = weights.columns();
        return inner_.start(weights, deviation);
    }
    void fit(std::size_t first, view_2d<const float> running) {
        const std::size_t count = running.rows(), cut = count > kept_ ? count - kept_ : 0;
        std::vector<std::pair<float, std::uint32_t>> costs(count);
        for (std::size_t r = 0; r < rows_; ++r) {
            for (std::uint32_t j = 0; j < count; ++j) {
                const float c = running(j, r) * deviation_[first + j];
                costs[j] = {c * c, j};
            }
            std::nth_element(costs.begin(), costs.begin() + static_cast<std::ptrdiff_t>(cut), costs.end());
            for (std::size_t k = 0; k < cut; ++k) mask_[(first + costs[k].second) * rows_ + r] = 0;
        }
        fitted_ = running;
        first_ = first;
        if (inner_.group() == group_) inner_.fit(first, running);
    }
    void quantize(std::size_t position, std::span<const float> running, std::span<float> out) {
        const std::size_t part = inner_.group();
        if (part != 0 && part != group_ && position % part == 0) {
            const std::size_t left = fitted_.rows() - (position - first_);
            inner_.fit(position, fitted_.block(position - first_, 0, left < part ? left : part, rows_));
        }
        inner_.quantize(position, running, out);
        for (std::size_t r = 0; r < out.size(); ++r)
            out[r] = mask_[position * rows_ + r] != 0 ? out[r] : 0.0F;
    }

    [[nodiscard]] const Inner& inner() const noexcept { return inner_; }
    /// 1 for a weight that was kept; column after column, by position.
    [[nodiscard]] std::span<const std::uint8_t> mask() const noexcept { return mask_; }

  private:
    std::size_t kept_, group_;
    Inner inner_;
    std::size_t rows_ = 0, first_ = 0;
    view_2d<const float> fitted_;  // of the present group; valid until the next fit
    std::vector<float> deviation_;
    std::vector<std::uint8_t> mask_;
};

}  // namespace pith::inline v1::calibrate
