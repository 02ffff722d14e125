// Affine quantization: equally spaced levels, with a scale and an offset for each group of values.
// Asymmetric as in KIVI (Liu et al., 2024), with a float offset; symmetric with an exact zero.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <utility>
#include <vector>

#include <pith/core/assert.hpp>
#include <pith/core/bytes.hpp>
#include <pith/core/exact.hpp>
#include <pith/core/view.hpp>
#include <pith/quant/concepts.hpp>
#include <pith/quant/groups.hpp>
#include <pith/quant/number_format.hpp>
#include <pith/quant/observer.hpp>
#include <pith/quant/rounding.hpp>
#include <pith/simd/pack.hpp>

namespace pith::inline v1::quant {

struct affine_options {
    unsigned bits = 4;                           ///< 1..8
    std::size_t group = 0;                       ///< values that share a scale; 0: a whole line
    quant::axis axis = quant::axis::token;       ///< along which
    bool symmetric = false;                      ///< no offset; 2^bits - 1 levels about 0, two for one bit
    number_format scale = number_format::fp16;   ///< fp8: times one fp32 for the whole matrix
    number_format offset = number_format::fp16;  ///< not fp8
    friend constexpr bool operator==(const affine_options&, const affine_options&) = default;

    [[nodiscard]] constexpr unsigned levels() const noexcept {
        return symmetric && bits > 1 ? (1U << bits) - 1 : 1U << bits;
    }
};

/// A quantizer. Value = code * scale + offset, with codes of 0 ... levels - 1; symmetric: offset = -scale *
/// (levels - 1) / 2. |value - decoded| <= scale / 2 inside the observed range, plus the rounding of scale and
/// offset to their stored formats. Decoded values are the same bits on every machine.
template <affine_options Options, observer Observer = min_max, simd::instruction_set Arch = simd::native>
requires(Options.bits >= 1 && Options.bits <= 8 && Options.offset != number_format::fp8) class affine {
  public:
    static constexpr affine_options options = Options;
    static constexpr grouping groups{Options.axis, Options.group};

    /// The side information, as stored: for fp8 scales an fp32 unit, then scale (and offset) of each group.
    struct parameters {
        std::size_t rows = 0, columns = 0;
        std::vector<std::uint8_t> bytes;
    };
    /// Codes row after row, packed lowest bit first.
    struct codes {
        std::vector<std::uint8_t> bytes;
    };

    /// Bytes of the parameters and of the codes of a matrix.
    [[nodiscard]] static constexpr std::size_t parameter_size(std::size_t rows,
                                                              std::size_t columns) noexcept {
        return unit_size + groups.count(rows, columns) * group_size;
    }
    [[nodiscard]] static constexpr std::size_t code_size(std::size_t rows, std::size_t columns) noexcept {
        return simd::packed_size(rows * columns, Options.bits);
    }
    /// Precondition: rows and columns are not 0.
    [[nodiscard]] static constexpr rational bits_per_value(std::size_t rows, std::size_t columns) noexcept {
        return {8 * (parameter_size(rows, columns) + code_size(rows, columns)), rows * columns};
    }

    /// Error: a value that is not finite, or a range beyond the stored formats. Encoder-side.
    [[nodiscard]] static result<parameters> fit(view_2d<const float> x) {
        if (!all_finite(x)) return not_finite();
        const Observer observe(Options.levels());
        std::vector<range> ranges;
        groups.for_each(x.rows(), x.columns(), [&](std::size_t, block group) {
            ranges.push_back(observe(group.of(x)));
            return true;
        });
        return with_ranges(ranges, x.rows(), x.columns());
    }
    /// The parameters for given ranges, one for each group.
    [[nodiscard]] static result<parameters> with_ranges(std::span<const range> ranges, std::size_t rows,
                                                        std::size_t columns) {
        PITH_ASSERT(ranges.size() == groups.count(rows, columns));
        parameters out{rows, columns, std::vector<std::uint8_t>(parameter_size(rows, columns))};
        float unit = 1;
        if constexpr (unit_size != 0) {
            float largest = 0;
            for (const range& r : ranges) largest = scale_of(r) > largest ? scale_of(r) : largest;
            unit = largest > 0x1p-100F ? largest / largest_of(number_format::fp8) : 1;
            store_number(number_format::fp32, unit, out.bytes.data());
        }
        for (std::size_t g = 0; g < ranges.size(); ++g) {
            const float scale = scale_of(ranges[g]) / unit, low = ranges[g].low;
            std::uint8_t* at = out.bytes.data() + unit_size + g * group_size;
            constexpr float largest_offset = largest_of(Options.offset) / 4;
            if (!(scale <= largest_of(Options.scale) / (unit_size != 0 ? 1 : 4)) ||
                (!Options.symmetric && !(low <= largest_offset && low >= -largest_offset)))
                return error{error_code::unsupported_parameter, 0,
                             "a range is too large for its stored format"};
            store_number(Options.scale, scale, at);
            if constexpr (!Options.symmetric) store_number(Options.offset, low, at + bytes_of(Options.scale));
        }
        return out;
    }

    /// Codes of the nearest levels. Error: a value that is not finite. Precondition: p is for x's shape.
    template <rounding Rounding = nearest_rounding>
    [[nodiscard]] static result<codes> encode(view_2d<const float> x, const parameters& p,
                                              Rounding round = {}) {
        PITH_ASSERT(p.rows == x.rows() && p.columns == x.columns());
        if (!all_finite(x)) return not_finite();
        std::vector<std::uint8_t> raw(x.size());
        const view_2d<std::uint8_t> view(raw, x.rows(), x.columns());
        std::uint64_t number = 0;
        groups.for_each(x.rows(), x.columns(), [&](std::size_t g, block group) {
            const line l = line_of(p, g);
            const auto in = group.of(x);
            const auto to = group.of(view);
            for (std::size_t r = 0; r < in.rows(); ++r)
                for (std::size_t c = 0; c < in.columns(); ++c)
                    to(r, c) = code_of(in(r, c), l, round, number++);
            return true;
        });
        codes out{std::vector<std::uint8_t>(code_size(x.rows(), x.columns()))};
        simd::pack<Options.bits, Arch>(raw, out.bytes);
        return out;
    }

    /// Error: parameters or codes that no encoder makes for the shape of `out`.
    [[nodiscard]] static result<void> decode_into(const codes& c, const parameters& p,
                                                  view_2d<float> out) noexcept {
        if (p.rows != out.rows() || p.columns != out.columns() ||
            p.bytes.size() != parameter_size(p.rows, p.columns) ||
            c.bytes.size() != code_size(p.rows, p.columns))
            return error{error_code::bad_header, 0, "codes of another shape"};
        std::size_t refused = 0;
        const bool sound = groups.for_each(p.rows, p.columns, [&](std::size_t g, block group) {
            const line l = line_of(p, g);
            refused = g;
            if (l.valid()) decode_group(c.bytes, l, group, out);
            return l.valid();
        });
        if (sound) return {};
        return error{error_code::bad_model, unit_size + refused * group_size,
                     "a scale that no encoder writes"};
    }

  private:
    static constexpr std::size_t unit_size = Options.scale == number_format::fp8 ? 4 : 0;
    static constexpr std::size_t group_size =
        bytes_of(Options.scale) + (Options.symmetric ? 0 : bytes_of(Options.offset));

    struct line {
        float scale, offset;

        // Scales are bounded so that levels times them, and the sum with an offset, stay finite.
        [[nodiscard]] bool valid() const noexcept {
            return scale >= 0 && scale <= 0x1p115F && offset >= -0x1p126F && offset <= 0x1p126F;
        }
        [[nodiscard]] float value(std::uint8_t code) const noexcept {
            return exact::mul(static_cast<float>(code), scale) + offset;
        }
    };

    [[nodiscard]] static float scale_of(const range& r) noexcept {
        if constexpr (Options.symmetric) {
            const float largest = r.high > -r.low ? r.high : -r.low;
            return largest / (static_cast<float>(Options.levels() - 1) / 2);
        }
        constexpr float steps = static_cast<float>(Options.levels() - 1);
        return r.high / steps - r.low / steps;
    }
    [[nodiscard]] static line line_of(const parameters& p, std::size_t group) noexcept {
        const std::uint8_t* at = p.bytes.data() + unit_size + group * group_size;
        float scale = load_number(Options.scale, at);
        if constexpr (unit_size != 0) scale *= load_number(number_format::fp32, p.bytes.data());
        if constexpr (Options.symmetric)
            return {scale, -exact::mul(scale, static_cast<float>(Options.levels() - 1) / 2)};
        return {scale, load_number(Options.offset, at + bytes_of(Options.scale))};
    }
    template <class Rounding>
    [[nodiscard]] static std::uint8_t code_of(float x, const line& l, const Rounding& round,
                                              std::uint64_t number) noexcept {
        constexpr auto last = static_cast<double>(Options.levels() - 1);
        if (!(l.scale > 0)) return 0;
        const double place = (double{x} - double{l.offset}) / double{l.scale};
        const std::int32_t code = round(place < 0 ? 0 : place > last ? last : place, number);
        return static_cast<std::uint8_t>(code);
    }
    static void decode_group(std::span<const std::uint8_t> packed, line l, block group,
                             view_2d<float> out) noexcept {
        for (std::size_t r = group.row; r < group.row + group.rows; ++r)
            for (std::size_t c = group.column; c < group.column + group.columns; ++c) {
                const std::size_t bit = (r * out.columns() + c) * Options.bits, byte = bit / 8;
                unsigned pair = packed[byte];
                if (byte + 1 < packed.size()) pair |= unsigned{packed[byte + 1]} << 8;
                out(r, c) = l.value(static_cast<std::uint8_t>(pair >> bit % 8 & ((1U << Options.bits) - 1)));
            }
    }
};

}  // namespace pith::inline v1::quant
