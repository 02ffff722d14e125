// Integer codes with a scale and a zero point for every row and group of columns: the format of GPTQ.
// Frantar and others (2022): asymmetric minimum-maximum grids, scales in half precision; fitted on weights
// that earlier columns have moved already.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <utility>
#include <vector>

#include <pith/calibrate/concepts.hpp>
#include <pith/core/bits.hpp>
#include <pith/core/number.hpp>
#include <pith/linalg/matrix.hpp>

namespace pith::inline v1::calibrate {

/// A column_quantizer to Bits-bit codes; `group` columns share the grid of a row, 0: all of them.
template <unsigned Bits>
requires(Bits >= 1 && Bits <= 8) class group_affine {
  public:
    /// Precondition: group is 0 or a power of two.
    explicit group_affine(std::size_t group = 128) noexcept : group_(group) {}

    [[nodiscard]] std::size_t group() const noexcept { return group_; }
    result<void> start(view_2d<const float> weights, std::span<const float>) {
        rows_ = weights.columns();
        columns_ = weights.rows();
        const std::size_t groups = group_ == 0 ? 1 : (columns_ + group_ - 1) / group_;
        codes_.assign(rows_ * columns_, 0);
        scales_.assign(rows_ * groups, half());
        zeros_.assign(rows_ * groups, 0);
        scale_.assign(rows_, 1);
        zero_.assign(rows_, 0);
        if (group_ == 0) fit(0, weights);
        return {};
    }
    void fit(std::size_t first, view_2d<const float> running) {
        std::vector<float> low(rows_, 0.0F), high(rows_, 0.0F);
        for (std::size_t j = 0; j < running.rows(); ++j) {
            const auto line = running.row(j).as_span();
            for (std::size_t r = 0; r < rows_; ++r) {
                low[r] = line[r] < low[r] ? line[r] : low[r];
                high[r] = line[r] > high[r] ? line[r] : high[r];
            }
        }
        const std::size_t at = index_of(first) * rows_;
        for (std::size_t r = 0; r < rows_; ++r) {
            half scale(std::min((high[r] - low[r]) / float{top}, 65504.0F));
            if (float(scale) == 0) scale = half::from_bits(1);  // the least positive one
            scales_[at + r] = scale;
            zeros_[at + r] = static_cast<std::uint8_t>(
                std::clamp(std::nearbyint(-low[r] / float(scale)), 0.0F, float{top}));
            scale_[r] = float(scale);
            zero_[r] = zeros_[at + r];
        }
    }
    void quantize(std::size_t position, std::span<const float> running, std::span<float> out) {
        std::uint8_t* const codes = codes_.data() + position * rows_;
        for (std::size_t r = 0; r < rows_; ++r) {
            const float code =
                std::clamp(std::nearbyint(running[r] / scale_[r]) + zero_[r], 0.0F, float{top});
            codes[r] = static_cast<std::uint8_t>(code);
            out[r] = (code - zero_[r]) * scale_[r];
        }
    }

    /// All that a decoder needs: codes, scales and zero points in fields of Bits and 16 bits, and the order
    /// of the columns where it is not the natural one.
    [[nodiscard]] std::vector<std::uint8_t> encoded(std::span<const std::uint32_t> order) const {
        std::vector<std::uint8_t> out;
        vector_sink sink(out);
        for (const std::uint64_t v : {rows_, columns_, group_}) put_varint(sink, v);
        bit_writer<vector_sink> bits(sink);
        const bool natural = std::is_sorted(order.begin(), order.end());
        bits.put(natural ? 0 : 1, 1);
        if (!natural)
            for (const std::uint32_t p : order) bits.put(p, bits_for(columns_));
        for (std::size_t i = 0; i < scales_.size(); ++i) {
            bits.put(scales_[i].bits, 16);
            bits.put(zeros_[i], Bits);
        }
        for (const std::uint8_t code : codes_) bits.put(code, Bits);
        bits.finish();
        return out;
    }

  private:
    static constexpr std::uint16_t top = (1U << Bits) - 1;
    [[nodiscard]] std::size_t index_of(std::size_t position) const noexcept {
        return group_ == 0 ? 0 : position / group_;
    }

    std::size_t group_;
    std::size_t rows_ = 0, columns_ = 0;
    std::vector<std::uint8_t> codes_;  // column after column
    std::vector<half> scales_;         // group after group
    std::vector<std::uint8_t> zeros_;
    std::vector<float> scale_, zero_;  // of the present group, by row
};

namespace detail {

/// The order of `columns` columns, written unless natural; empty when what is written is none.
inline std::vector<std::uint64_t> order_from(bit_reader& bits, std::uint64_t columns, bool natural) {
    std::vector<std::uint64_t> order(columns);
    for (std::uint64_t j = 0; j < columns; ++j) order[j] = natural ? j : bits.get(bits_for(columns));
    auto sorted = order;
    std::sort(sorted.begin(), sorted.end());
    for (std::uint64_t j = 0; j < columns; ++j)
        if (sorted[j] != j) return {};
    return order;
}

}  // namespace detail

/// The weights that group_affine<Bits>::encoded wrote, rows x columns in the order of the inputs. Errors: of
/// outside bytes; limit_exceeded for a matrix of more than `most` values.
template <unsigned Bits>
[[nodiscard]] result<linalg::matrix<float>> decode_group_affine(byte_view in,
                                                                std::uint64_t most = std::uint64_t{1} << 28) {
    byte_reader reader(in);
    std::uint64_t shape[3] = {};
    if (const auto ok = reader.read_varints(shape); !ok) return ok.error();
    const auto [rows, columns, group] = shape;
    if (rows == 0 || columns == 0 || (group & (group - 1)) != 0)
        return reader.fail(error_code::bad_header, "no such matrix");
    if (columns > most / rows) return reader.fail(error_code::limit_exceeded, "too many weights");
    if (columns > 8 * std::uint64_t{reader.remaining()} / rows)
        return reader.fail(error_code::truncated, "the bytes do not fit the shape of the weights");
    const std::uint64_t groups = group == 0 ? 1 : columns / group + (columns % group != 0);
    bit_reader bits(reader.rest());
    const bool natural = bits.get(1) == 0;
    const std::uint64_t needed =
        1 + (natural ? 0 : columns * bits_for(columns)) + rows * groups * (16 + Bits) + rows * columns * Bits;
    if ((needed + 7) / 8 != reader.remaining())
        return reader.fail(error_code::bad_header, "the bytes do not fit the shape of the weights");
    const auto order = detail::order_from(bits, columns, natural);
    if (order.size() != columns) return reader.fail(error_code::bad_stream, "no order of the columns");
    std::vector<std::pair<float, float>> grids(rows * groups);
    for (auto& [scale, zero] : grids) {
        scale = float(half::from_bits(static_cast<std::uint16_t>(bits.get(16))));
        zero = static_cast<float>(bits.get(Bits));
        if (!(scale > 0 && scale < 1e5F)) return reader.fail(error_code::bad_stream, "no such scale");
    }
    linalg::matrix<float> out(rows, columns);
    for (std::uint64_t j = 0; j < columns; ++j)
        for (std::uint64_t r = 0; r < rows; ++r) {
            const auto [scale, zero] = grids[(group == 0 ? 0 : j / group) * rows + r];
            out(r, order[j]) = (static_cast<float>(bits.get(Bits)) - zero) * scale;
        }
    if (!bits.padding_is_zero()) return reader.fail(error_code::bad_stream, "the padding is not zero");
    return out;
}

}  // namespace pith::inline v1::calibrate
