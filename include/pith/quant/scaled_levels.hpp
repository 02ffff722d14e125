// Groups of values as levels of one grid times a scale: what quantizers share that differ in how scales are
// stored.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <pith/core/assert.hpp>
#include <pith/core/packed_codes.hpp>
#include <pith/core/view.hpp>
#include <pith/quant/grid.hpp>
#include <pith/quant/groups.hpp>
#include <pith/simd/pack.hpp>

namespace pith::inline v1::quant::detail {

template <unsigned Bits, simd::instruction_set Arch>
class scaled_levels {
  public:
    /// Precondition: some level is not 0.
    explicit scaled_levels(const grid<Bits>& levels) noexcept : grid_(levels) {
        for (const float v : levels.levels()) {
            const float size = v < 0 ? -v : v;
            largest_ = size > largest_ ? size : largest_;
        }
        PITH_ASSERT(largest_ > 0);
    }

    [[nodiscard]] const grid<Bits>& codebook() const noexcept { return grid_; }
    [[nodiscard]] float largest() const noexcept { return largest_; }

    /// The scale that makes the largest magnitude of x the largest level.
    [[nodiscard]] float full_scale(view_2d<const float> x) const noexcept {
        float largest = 0;
        for (std::size_t r = 0; r < x.rows(); ++r)
            for (std::size_t c = 0; c < x.columns(); ++c) {
                const float size = x(r, c) < 0 ? -x(r, c) : x(r, c);
                largest = size > largest ? size : largest;
            }
        return largest / largest_;
    }
    /// The code of x under a scale; under none, that of 0.
    [[nodiscard]] std::uint8_t code_of(float x, float scale) const noexcept {
        return static_cast<std::uint8_t>(grid_.nearest(scale > 0 ? x / scale : 0.0F));
    }
    /// Codes row after row, packed lowest bit first; scale_of(g) is asked once for each group.
    template <std::invocable<std::size_t> Scales>
    [[nodiscard]] std::vector<std::uint8_t> encode(const grouping& groups, view_2d<const float> x,
                                                   const Scales& scale_of) const {
        std::vector<std::uint8_t> raw(x.size());
        const view_2d<std::uint8_t> to(raw, x.rows(), x.columns());
        groups.for_each(x.rows(), x.columns(), [&](std::size_t g, block group) {
            const float scale = scale_of(g);
            const auto in = group.of(x);
            const auto codes = group.of(to);
            for (std::size_t r = 0; r < in.rows(); ++r)
                for (std::size_t c = 0; c < in.columns(); ++c) codes(r, c) = code_of(in(r, c), scale);
            return true;
        });
        std::vector<std::uint8_t> out(simd::packed_size(raw.size(), Bits));
        simd::pack<Bits, Arch>(raw, out);
        return out;
    }
    /// The values of one group of `out`, whose codes are packed as encode does.
    void decode_group(std::span<const std::uint8_t> packed, block group, float scale,
                      view_2d<float> out) const noexcept {
        const auto levels = grid_.levels();
        for (std::size_t r = group.row; r < group.row + group.rows; ++r)
            for (std::size_t c = group.column; c < group.column + group.columns; ++c) {
                const std::size_t code = code_at<Bits>(packed.data(), r * out.columns() + c);
                out(r, c) = levels[code < levels.size() ? code : levels.size() - 1] * scale;
            }
    }

  private:
    grid<Bits> grid_;
    float largest_ = 0;
};

}  // namespace pith::inline v1::quant::detail
