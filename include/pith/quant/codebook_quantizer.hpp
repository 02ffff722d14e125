// A scalar codebook times a scale for each group: NF4, FP4, power, APoT and ternary weights are instances.
// The scale makes the largest magnitude of the group the largest level, or is that of least squared error.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include <pith/core/assert.hpp>
#include <pith/core/exact.hpp>
#include <pith/core/view.hpp>
#include <pith/quant/concepts.hpp>
#include <pith/quant/grid.hpp>
#include <pith/quant/groups.hpp>
#include <pith/quant/number_format.hpp>
#include <pith/quant/scaled_levels.hpp>
#include <pith/simd/pack.hpp>

namespace pith::inline v1::quant {

struct codebook_options {
    grouping groups{axis::token, 64};
    number_format scale = number_format::fp16;  ///< not fp8
    bool fitted = false;  ///< true: a search for the scale of least squared error, 0.3 to 1.1 of the largest
    friend constexpr bool operator==(const codebook_options&, const codebook_options&) = default;
};

/// A quantizer. Value = level * scale. Decoded values are the same bits on every machine.
template <unsigned Bits, codebook_options Options = codebook_options{},
          simd::instruction_set Arch = simd::native>
requires(Options.scale != number_format::fp8) class codebook_quantizer {
  public:
    /// Stored scales, one for each group.
    struct parameters {
        std::size_t rows = 0, columns = 0;
        std::vector<std::uint8_t> bytes;
    };
    /// Codes row after row, packed lowest bit first.
    struct codes {
        std::vector<std::uint8_t> bytes;
    };

    /// Precondition: some level is not 0.
    explicit codebook_quantizer(const grid<Bits>& levels) noexcept : levels_(levels) {}

    [[nodiscard]] const grid<Bits>& codebook() const noexcept { return levels_.codebook(); }
    /// Precondition: rows and columns are not 0.
    [[nodiscard]] rational bits_per_value(std::size_t rows, std::size_t columns) const noexcept {
        return {
            8 * (Options.groups.count(rows, columns) * scale_size + simd::packed_size(rows * columns, Bits)),
            rows * columns};
    }

    /// Error: a value that is not finite, or too large for the stored format. Encoder-side.
    [[nodiscard]] result<parameters> fit(view_2d<const float> x) const {
        if (!all_finite(x)) return not_finite();
        parameters out{x.rows(), x.columns(), {}};
        out.bytes.resize(Options.groups.count(x.rows(), x.columns()) * scale_size);
        const bool fits = Options.groups.for_each(x.rows(), x.columns(), [&](std::size_t g, block group) {
            const float scale = scale_of(group.of(x));
            store_number(Options.scale, scale, out.bytes.data() + g * scale_size);
            return scale <= largest_scale();
        });
        if (!fits)
            return error{error_code::unsupported_parameter, 0, "a range is too large for its stored format"};
        return out;
    }
    /// Error: a value that is not finite. Precondition: p is for x's shape.
    [[nodiscard]] result<codes> encode(view_2d<const float> x, const parameters& p) const {
        PITH_ASSERT(p.rows == x.rows() && p.columns == x.columns());
        if (!all_finite(x)) return not_finite();
        return codes{levels_.encode(Options.groups, x, [&](std::size_t g) {
            return load_number(Options.scale, p.bytes.data() + g * scale_size);
        })};
    }
    /// Error: parameters or codes that no encoder makes for the shape of `out`.
    [[nodiscard]] result<void> decode_into(const codes& c, const parameters& p,
                                           view_2d<float> out) const noexcept {
        if (p.rows != out.rows() || p.columns != out.columns() ||
            p.bytes.size() != Options.groups.count(p.rows, p.columns) * scale_size ||
            c.bytes.size() != simd::packed_size(p.rows * p.columns, Bits))
            return error{error_code::bad_header, 0, "codes of another shape"};
        const bool sound = Options.groups.for_each(p.rows, p.columns, [&](std::size_t g, block group) {
            const float scale = load_number(Options.scale, p.bytes.data() + g * scale_size);
            if (!(scale >= 0 && scale <= largest_scale())) return false;
            levels_.decode_group(c.bytes, group, scale, out);
            return true;
        });
        if (!sound) return error{error_code::bad_model, 0, "a scale that no encoder writes"};
        return {};
    }

  private:
    static constexpr std::size_t scale_size = bytes_of(Options.scale);

    [[nodiscard]] float largest_scale() const noexcept {
        const float by_format = largest_of(Options.scale), by_value = 0x1p126F / levels_.largest();
        return by_format < by_value ? by_format : by_value;
    }
    [[nodiscard]] float scale_of(view_2d<const float> x) const noexcept {
        const float full = levels_.full_scale(x);
        if constexpr (!Options.fitted) return full;
        float best = full;
        double least = error_of(x, full);
        for (int i = 30; i <= 110; i += 2) {
            const float scale = full * (static_cast<float>(i) / 100);
            const double e = error_of(x, scale);
            if (e < least) least = e, best = scale;
        }
        return best;
    }
    [[nodiscard]] double error_of(view_2d<const float> x, float scale) const noexcept {
        const float stored = rounded_to(Options.scale, scale);
        double sum = 0;
        for (std::size_t r = 0; r < x.rows(); ++r)
            for (std::size_t c = 0; c < x.columns(); ++c) {
                const float level = codebook().levels()[levels_.code_of(x(r, c), stored)];
                const double e = double{x(r, c)} - double{level} * double{stored};
                sum += e * e;
            }
        return sum;
    }

    detail::scaled_levels<Bits, Arch> levels_;
};

}  // namespace pith::inline v1::quant
