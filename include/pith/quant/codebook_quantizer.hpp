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
    explicit codebook_quantizer(const grid<Bits>& levels) noexcept : grid_(levels) {
        for (const float v : levels.levels()) {
            const float size = v < 0 ? -v : v;
            largest_ = size > largest_ ? size : largest_;
        }
        PITH_ASSERT(largest_ > 0);
    }

    [[nodiscard]] const grid<Bits>& codebook() const noexcept { return grid_; }
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
        std::vector<std::uint8_t> raw(x.size());
        Options.groups.for_each(x.rows(), x.columns(), [&](std::size_t g, block group) {
            const float scale = load_number(Options.scale, p.bytes.data() + g * scale_size);
            const auto in = group.of(x);
            const auto to = group.of(view_2d<std::uint8_t>(raw, x.rows(), x.columns()));
            for (std::size_t r = 0; r < in.rows(); ++r)
                for (std::size_t c = 0; c < in.columns(); ++c)
                    to(r, c) = static_cast<std::uint8_t>(grid_.nearest(scale > 0 ? in(r, c) / scale : 0.0F));
            return true;
        });
        codes out;
        out.bytes.resize(simd::packed_size(raw.size(), Bits));
        simd::pack<Bits, Arch>(raw, out.bytes);
        return out;
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
            for (std::size_t r = group.row; r < group.row + group.rows; ++r)
                for (std::size_t k = group.column; k < group.column + group.columns; ++k) {
                    const std::size_t code = code_at(c.bytes, r * out.columns() + k);
                    const auto levels = grid_.levels();
                    out(r, k) = levels[code < levels.size() ? code : levels.size() - 1] * scale;
                }
            return true;
        });
        if (!sound) return error{error_code::bad_model, 0, "a scale that no encoder writes"};
        return {};
    }

  private:
    static constexpr std::size_t scale_size = bytes_of(Options.scale);

    [[nodiscard]] float largest_scale() const noexcept {
        const float by_format = largest_of(Options.scale), by_value = 0x1p126F / largest_;
        return by_format < by_value ? by_format : by_value;
    }
    [[nodiscard]] float scale_of(view_2d<const float> x) const noexcept {
        float largest = 0;
        for (std::size_t r = 0; r < x.rows(); ++r)
            for (std::size_t c = 0; c < x.columns(); ++c) {
                const float size = x(r, c) < 0 ? -x(r, c) : x(r, c);
                largest = size > largest ? size : largest;
            }
        const float full = largest / largest_;
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
                const float level = grid_.levels()[grid_.nearest(stored > 0 ? x(r, c) / stored : 0.0F)];
                const double e = double{x(r, c)} - double{level} * double{stored};
                sum += e * e;
            }
        return sum;
    }
    [[nodiscard]] static std::size_t code_at(std::span<const std::uint8_t> packed, std::size_t i) noexcept {
        const std::size_t bit = i * Bits, byte = bit / 8;
        unsigned pair = packed[byte];
        if (byte + 1 < packed.size()) pair |= unsigned{packed[byte + 1]} << 8;
        return pair >> bit % 8 & ((1U << Bits) - 1);
    }

    grid<Bits> grid_;
    float largest_ = 0;
};

}  // namespace pith::inline v1::quant
