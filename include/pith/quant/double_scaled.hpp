// A scalar codebook times a scale for each group, with the scales coded in eight bits about their mean.
// Double quantization of QLoRA (Dettmers, Pagnoni, Holtzman, Zettlemoyer, 2023). What differs: the eight bits
// are evenly spaced, not a float of eight bits.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include <pith/core/assert.hpp>
#include <pith/core/bytes.hpp>
#include <pith/core/exact.hpp>
#include <pith/core/view.hpp>
#include <pith/quant/concepts.hpp>
#include <pith/quant/grid.hpp>
#include <pith/quant/groups.hpp>
#include <pith/quant/number_format.hpp>
#include <pith/quant/scaled_levels.hpp>
#include <pith/simd/pack.hpp>

namespace pith::inline v1::quant {

struct double_scaled_options {
    grouping groups{axis::token, 64};
    std::size_t scales = 256;  ///< neighbouring groups whose scales share a step
    friend constexpr bool operator==(const double_scaled_options&, const double_scaled_options&) = default;
};

/// A quantizer. Value = level * scale; scale = mean + code * step, at least 0. Bits + 8 / 64 + 32 / (64 *
/// 256) bits a value with the default options, and 32 for the mean. Decoded values are the same bits on every
/// machine.
template <unsigned Bits, double_scaled_options Options = double_scaled_options{},
          simd::instruction_set Arch = simd::native>
requires(Options.scales >= 1) class double_scaled {
  public:
    /// The mean and the steps (fp32), then the codes of the scales (a byte each, two's complement).
    struct parameters {
        std::size_t rows = 0, columns = 0;
        std::vector<std::uint8_t> bytes;
    };
    /// Codes row after row, packed lowest bit first.
    struct codes {
        std::vector<std::uint8_t> bytes;
    };

    /// Precondition: some level is not 0.
    explicit double_scaled(const grid<Bits>& levels) noexcept : levels_(levels) {}

    [[nodiscard]] const grid<Bits>& codebook() const noexcept { return levels_.codebook(); }
    /// Precondition: rows and columns are not 0.
    [[nodiscard]] rational bits_per_value(std::size_t rows, std::size_t columns) const noexcept {
        return {8 * (parameter_bytes(Options.groups.count(rows, columns)) +
                     simd::packed_size(rows * columns, Bits)),
                rows * columns};
    }

    /// Scales that make the largest magnitude of a group the largest level, as near as eight bits come.
    /// Error: a value that is not finite, or above 2^100. Encoder-side.
    [[nodiscard]] result<parameters> fit(view_2d<const float> x) const {
        if (!all_finite(x)) return not_finite();
        const std::size_t groups = Options.groups.count(x.rows(), x.columns());
        std::vector<float> scales(groups);
        double sum = 0;
        const bool fits = Options.groups.for_each(x.rows(), x.columns(), [&](std::size_t g, block group) {
            scales[g] = levels_.full_scale(group.of(x));
            sum += double{scales[g]};
            return scales[g] <= most;
        });
        if (!fits) return error{error_code::unsupported_parameter, 0, "a range is too large for its scale"};
        parameters out{x.rows(), x.columns(), std::vector<std::uint8_t>(parameter_bytes(groups))};
        const float mean = groups == 0 ? 0.0F : static_cast<float>(sum / static_cast<double>(groups));
        store_number(number_format::fp32, mean, out.bytes.data());
        for (std::size_t first = 0; first < groups; first += Options.scales)
            store_run(scales, first, mean, out.bytes);
        return out;
    }
    /// Error: a value that is not finite. Precondition: p is for x's shape, and of fit.
    [[nodiscard]] result<codes> encode(view_2d<const float> x, const parameters& p) const {
        PITH_ASSERT(p.rows == x.rows() && p.columns == x.columns());
        if (!all_finite(x)) return not_finite();
        const std::size_t groups = Options.groups.count(x.rows(), x.columns());
        return codes{
            levels_.encode(Options.groups, x, [&](std::size_t g) { return scale_of(p.bytes, g, groups); })};
    }
    /// Error: parameters or codes that no encoder makes for the shape of `out`.
    [[nodiscard]] result<void> decode_into(const codes& c, const parameters& p,
                                           view_2d<float> out) const noexcept {
        const std::size_t groups = Options.groups.count(out.rows(), out.columns());
        if (p.rows != out.rows() || p.columns != out.columns() || p.bytes.size() != parameter_bytes(groups) ||
            c.bytes.size() != simd::packed_size(p.rows * p.columns, Bits))
            return error{error_code::bad_header, 0, "codes of another shape"};
        if (!sound(p.bytes, groups)) return error{error_code::bad_model, 0, "a scale that no encoder writes"};
        Options.groups.for_each(out.rows(), out.columns(), [&](std::size_t g, block group) {
            levels_.decode_group(c.bytes, group, scale_of(p.bytes, g, groups), out);
            return true;
        });
        return {};
    }

  private:
    static constexpr float most = 0x1p100F;

    [[nodiscard]] static constexpr std::size_t runs_of(std::size_t groups) noexcept {
        return (groups + Options.scales - 1) / Options.scales;
    }
    [[nodiscard]] static constexpr std::size_t parameter_bytes(std::size_t groups) noexcept {
        return 4 * (1 + runs_of(groups)) + groups;
    }
    static void store_run(const std::vector<float>& scales, std::size_t first, float mean,
                          std::vector<std::uint8_t>& bytes) noexcept {
        const std::size_t last =
            scales.size() - first < Options.scales ? scales.size() : first + Options.scales;
        float apart = 0;
        for (std::size_t g = first; g < last; ++g) {
            const float size = scales[g] < mean ? mean - scales[g] : scales[g] - mean;
            apart = size > apart ? size : apart;
        }
        const float step = apart / 127;
        store_number(number_format::fp32, step, bytes.data() + 4 * (1 + first / Options.scales));
        std::uint8_t* const to = bytes.data() + 4 * (1 + runs_of(scales.size()));
        for (std::size_t g = first; g < last; ++g) {
            // |scale - mean| <= apart, so that the code stays within 127 up to rounding, which the cut takes.
            const float place = step > 0 ? (scales[g] - mean) / step : 0.0F;
            const float code = place < 0 ? place - 0.5F : place + 0.5F;
            to[g] = static_cast<std::uint8_t>(static_cast<std::int8_t>(code > 127    ? 127.0F
                                                                       : code < -127 ? -127.0F
                                                                                     : code));
        }
    }
    [[nodiscard]] static float scale_of(std::span<const std::uint8_t> bytes, std::size_t g,
                                        std::size_t groups) noexcept {
        const float mean = load_number(number_format::fp32, bytes.data());
        const float step = load_number(number_format::fp32, bytes.data() + 4 * (1 + g / Options.scales));
        const auto code = static_cast<std::int8_t>(bytes[4 * (1 + runs_of(groups)) + g]);
        const float scale = mean + exact::mul(static_cast<float>(code), step);
        return scale > 0 ? scale : 0.0F;
    }
    [[nodiscard]] static bool sound(std::span<const std::uint8_t> bytes, std::size_t groups) noexcept {
        for (std::size_t i = 0; i <= runs_of(groups); ++i) {
            const float value = load_number(number_format::fp32, bytes.data() + 4 * i);
            if (!(value >= 0 && value <= most)) return false;
        }
        for (const std::uint8_t code : bytes.subspan(bytes.size() - groups))
            if (code == 0x80) return false;
        return true;
    }

    detail::scaled_levels<Bits, Arch> levels_;
};

}  // namespace pith::inline v1::quant
