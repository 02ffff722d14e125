// Columns of weights coded on a bitshift trellis that runs down their rows: 2 to 4 bits a weight and one
// scale for each row. QTIP (Tseng et al., 2024). What differs: the trellis runs along a column, so that the
// loop of successive quantization compensates every column for the one before it, where blocks of 16 columns
// go together there.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <span>
#include <vector>

#include <pith/calibrate/concepts.hpp>
#include <pith/calibrate/group_affine.hpp>
#include <pith/core/bits.hpp>
#include <pith/core/number.hpp>
#include <pith/linalg/matrix.hpp>
#include <pith/vector/trellis_code.hpp>

namespace pith::inline v1::calibrate {

/// A column_quantizer. The scale of a row is the root mean square of its weights, so weights should be
/// normal: rotated by calibrate::incoherence. 2^Window / 2 steps a weight.
template <unsigned Bits, unsigned Window = 16>
class trellis_columns {
  public:
    using trellis_type = vector::bitshift_trellis<Bits, Window>;

    [[nodiscard]] std::size_t group() const noexcept { return 0; }
    /// Error: a row whose root mean square is beyond the range of halves.
    result<void> start(view_2d<const float> weights, std::span<const float>) {
        rows_ = weights.columns();
        columns_ = weights.rows();
        codes_.assign(columns_ * trellis_type::bytes_of(rows_), 0);
        std::vector<double> sum(rows_);
        for (std::size_t j = 0; j < columns_; ++j) {
            const auto line = weights.row(j).as_span();
            for (std::size_t r = 0; r < rows_; ++r)
                sum[r] += static_cast<double>(line[r]) * static_cast<double>(line[r]);
        }
        scales_.clear();
        for (const double s : sum) {
            half scale(static_cast<float>(std::sqrt(s / static_cast<double>(columns_))));
            if (!(float(scale) < 65504.0F))
                return error{error_code::unsupported_parameter, 0, "a row is too large for its scale"};
            if (float(scale) == 0) scale = half::from_bits(1);  // the least positive one
            scales_.push_back(scale);
        }
        return {};
    }
    void fit(std::size_t, view_2d<const float>) noexcept {}
    void quantize(std::size_t position, std::span<const float> running, std::span<float> out) {
        const std::size_t size = trellis_type::bytes_of(rows_);
        const byte_span codes = std::span(codes_).subspan(position * size, size);
        const auto place = [&](std::size_t r) {
            const float at = running[r] / float(scales_[r]);
            return (at > 64 ? 64.0F : at < -64 ? -64.0F : at) * trellis_type::deviation;
        };
        vector::detail::encode_circles(search_, rows_, place, codes);
        vector::detail::decode_circles<trellis_type>(codes, 1 / trellis_type::deviation, out);
        for (std::size_t r = 0; r < rows_; ++r) out[r] *= float(scales_[r]);
    }

    /// All that a decoder needs: shape (varints); whether the columns have an order of their own (a bit) and
    /// that order, filled up to a byte; the scales of rows (halves); the codes, column after column.
    [[nodiscard]] std::vector<std::uint8_t> encoded(std::span<const std::uint32_t> order) const {
        std::vector<std::uint8_t> out;
        vector_sink sink(out);
        for (const std::uint64_t v : {rows_, columns_}) put_varint(sink, v);
        bit_writer<vector_sink> bits(sink);
        const bool natural = std::is_sorted(order.begin(), order.end());
        bits.put(natural ? 0 : 1, 1);
        if (!natural)
            for (const std::uint32_t p : order) bits.put(p, bits_for(columns_));
        bits.finish();
        for (const half scale : scales_) put_le<std::uint16_t>(sink, scale.bits);
        out.insert(out.end(), codes_.begin(), codes_.end());
        return out;
    }

  private:
    std::size_t rows_ = 0, columns_ = 0;
    std::vector<std::uint8_t> codes_;  // column after column, by position
    std::vector<half> scales_;
    vector::bitshift_search<trellis_type> search_;
};

namespace detail {

/// What trellis_columns::encoded wrote, cut into its parts.
struct trellis_parts {
    std::uint64_t rows = 0, columns = 0;
    std::vector<std::uint64_t> order{};
    byte_view scales{}, codes{};
};

/// column_bytes(rows): bytes of a column's codes.
template <class Bytes>
result<trellis_parts> trellis_parts_of(byte_reader& reader, std::uint64_t most, Bytes column_bytes) {
    trellis_parts out;
    std::uint64_t shape[2] = {};
    if (const auto ok = reader.read_varints(shape); !ok) return ok.error();
    out.rows = shape[0], out.columns = shape[1];
    if (out.rows == 0 || out.columns == 0) return reader.fail(error_code::bad_header, "no such matrix");
    if (out.columns > most / out.rows) return reader.fail(error_code::limit_exceeded, "too many weights");
    if (out.columns > 8 * std::uint64_t{reader.remaining()} / out.rows)
        return reader.fail(error_code::truncated, "the bytes do not fit the shape of the weights");
    const byte_view rest = reader.rest();
    bit_reader ordering(rest);
    const bool natural = ordering.get(1) == 0;
    const std::uint64_t order_bits = 1 + (natural ? 0 : out.columns * bits_for(out.columns));
    const std::uint64_t order_bytes = (order_bits + 7) / 8;
    if (rest.size() != order_bytes + 2 * out.rows + out.columns * column_bytes(out.rows))
        return reader.fail(error_code::bad_header, "the bytes do not fit the shape of the weights");
    out.order = order_from(ordering, out.columns, natural);
    const unsigned padding = static_cast<unsigned>(8 * order_bytes - order_bits);
    if (out.order.size() != out.columns || ordering.get(padding) != 0)
        return reader.fail(error_code::bad_stream, "no order of the columns");
    out.scales = rest.subspan(order_bytes, 2 * out.rows);
    out.codes = rest.subspan(order_bytes + 2 * out.rows);
    return out;
}

}  // namespace detail

/// The weights that trellis_columns<Bits, Window>::encoded wrote, rows x columns in the order of the inputs;
/// the same bits on every machine. Errors: of outside bytes; limit_exceeded for a matrix of more than `most`
/// values.
template <unsigned Bits, unsigned Window = 16>
[[nodiscard]] result<linalg::matrix<float>> decode_trellis_columns(byte_view in,
                                                                   std::uint64_t most = std::uint64_t{1}
                                                                                        << 28) {
    using trellis_type = vector::bitshift_trellis<Bits, Window>;
    byte_reader reader(in);
    const auto parts = detail::trellis_parts_of(reader, most, trellis_type::bytes_of);
    if (!parts) return parts.error();
    const std::size_t rows = parts->rows, size = trellis_type::bytes_of(rows);
    std::vector<float> scales, line(rows);
    for (std::size_t r = 0; r < rows; ++r) {
        scales.push_back(float(half::from_bits(load_le<std::uint16_t>(parts->scales.data() + 2 * r))));
        if (!(scales.back() > 0 && scales.back() < 65504.0F))
            return reader.fail(error_code::bad_stream, "no such scale");
    }
    linalg::matrix<float> out(rows, parts->columns);
    for (std::size_t j = 0; j < parts->columns; ++j) {
        const byte_view codes = parts->codes.subspan(j * size, size);
        if (const auto used = rows * Bits % 8; used != 0 && codes.back() >> used)
            return reader.fail(error_code::bad_stream, "the padding is not zero");
        vector::detail::decode_circles<trellis_type>(codes, 1 / trellis_type::deviation, line);
        for (std::size_t r = 0; r < rows; ++r) out(r, parts->order[j]) = line[r] * scales[r];
    }
    return out;
}

}  // namespace pith::inline v1::calibrate
