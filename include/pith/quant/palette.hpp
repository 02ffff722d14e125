// A palette: the values of a tensor as indices into a table of half-precision numbers fitted to that tensor.
// Weight clustering of Deep Compression (Han, Mao, Dally, 2016) and eDKM (Cho et al., 2023); no scales.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include <pith/core/assert.hpp>
#include <pith/core/bytes.hpp>
#include <pith/core/number.hpp>
#include <pith/core/view.hpp>
#include <pith/quant/concepts.hpp>
#include <pith/quant/grid.hpp>
#include <pith/quant/soft_clusters.hpp>
#include <pith/simd/pack.hpp>

namespace pith::inline v1::quant {

/// A quantizer: 2^Bits levels of two bytes for the whole matrix, and Bits bits a value. Values that are
/// halves, and no more distinct ones than levels, are met exactly. Decoded values are the same bits on every
/// machine.
template <unsigned Bits, level_fit Fit = soft_clusters, simd::instruction_set Arch = simd::native>
requires(Bits >= 1 && Bits <= 8) class palette {
  public:
    static constexpr std::size_t entries = std::size_t{1} << Bits;

    /// The levels as little-endian halves, ascending; where the matrix has fewer, the last is repeated.
    struct parameters {
        std::size_t rows = 0, columns = 0;
        std::vector<std::uint8_t> bytes;
    };
    /// Codes row after row, packed lowest bit first.
    struct codes {
        std::vector<std::uint8_t> bytes;
    };

    explicit palette(Fit fit = {}) : fit_(std::move(fit)) {}

    /// Precondition: rows and columns are not 0.
    [[nodiscard]] rational bits_per_value(std::size_t rows, std::size_t columns) const noexcept {
        return {8 * (2 * entries + simd::packed_size(rows * columns, Bits)), rows * columns};
    }

    /// Error: a value that is not finite as a half. Encoder-side.
    [[nodiscard]] result<parameters> fit(view_2d<const float> x) const {
        auto counted = count_halves(x);
        if (!counted) return counted.error();
        if (counted->values.empty()) counted->values.push_back(0), counted->counts.push_back(1);
        parameters out{x.rows(), x.columns(), std::vector<std::uint8_t>(2 * entries)};
        std::size_t used = 0;
        half level{};
        for (const double v : fit_(*counted, entries)) {
            const half next(static_cast<float>(v));
            if (used != 0 && !(static_cast<float>(level) < static_cast<float>(next))) continue;
            level = next;
            store_le<std::uint16_t>(out.bytes.data() + 2 * used++, level.bits);
        }
        for (; used < entries; ++used) store_le<std::uint16_t>(out.bytes.data() + 2 * used, level.bits);
        return out;
    }
    /// Error: a value that is not finite. Precondition: p is of fit, for x's shape.
    [[nodiscard]] result<codes> encode(view_2d<const float> x, const parameters& p) const {
        PITH_ASSERT(p.rows == x.rows() && p.columns == x.columns());
        if (!all_finite(x)) return not_finite();
        const auto levels = levels_of(p);
        if (!levels) return levels.error();
        std::vector<std::uint8_t> raw(x.size());
        std::vector<float> row(x.columns());
        for (std::size_t r = 0; r < x.rows(); ++r) {
            for (std::size_t c = 0; c < row.size(); ++c) row[c] = x(r, c);
            levels->template encode_into<Arch>(row, std::span(raw).subspan(r * row.size(), row.size()));
        }
        codes out{std::vector<std::uint8_t>(simd::packed_size(raw.size(), Bits))};
        simd::pack<Bits, Arch>(raw, out.bytes);
        return out;
    }
    /// Error: parameters or codes that no encoder makes for the shape of `out`.
    [[nodiscard]] result<void> decode_into(const codes& c, const parameters& p,
                                           view_2d<float> out) const noexcept {
        if (p.rows != out.rows() || p.columns != out.columns() || p.bytes.size() != 2 * entries ||
            c.bytes.size() != simd::packed_size(out.size(), Bits))
            return error{error_code::bad_header, 0, "codes of another shape"};
        const auto levels = levels_of(p);
        if (!levels) return levels.error();
        std::array<float, entries> table;
        for (std::size_t k = 0; k < entries; ++k) table[k] = level_of(p, k);
        std::size_t at = 0;
        for (std::size_t r = 0; r < out.rows(); ++r)
            for (std::size_t column = 0; column < out.columns(); ++column, ++at) {
                const std::size_t bit = at * Bits, byte = bit / 8;
                unsigned pair = c.bytes[byte];
                if (byte + 1 < c.bytes.size()) pair |= unsigned{c.bytes[byte + 1]} << 8;
                out(r, column) = table[pair >> bit % 8 & (entries - 1)];
            }
        return {};
    }

  private:
    [[nodiscard]] static float level_of(const parameters& p, std::size_t k) noexcept {
        return static_cast<float>(half::from_bits(load_le<std::uint16_t>(p.bytes.data() + 2 * k)));
    }
    [[nodiscard]] static result<grid<Bits>> levels_of(const parameters& p) noexcept {
        std::array<float, entries> levels;
        std::size_t used = 0;
        for (std::size_t k = 0; k < entries; ++k) {
            const float v = level_of(p, k);
            const bool more = used == 0 || v > levels[used - 1];
            if (!is_finite(v) || (!more && v != levels[used - 1]) || (more && used != k))
                return error{error_code::bad_model, 2 * k, "levels that no encoder writes"};
            if (more) levels[used++] = v;
        }
        return grid<Bits>(std::span<const float>(levels).first(used));
    }

    Fit fit_;
};

}  // namespace pith::inline v1::quant
