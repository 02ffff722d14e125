// Integer codes with a scale and an offset in half precision for every row and group of columns; whole groups
// may be cut.
// The format of decoupleQ (Guo and others, 2024) and, with groups of 16 of which some are pruned, of GQSA
// (Zeng and others, 2024), which keeps a list of groups where this keeps a bit for each.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <utility>
#include <vector>

#include <pith/calibrate/group_affine.hpp>
#include <pith/core/limits.hpp>

namespace pith::inline v1::calibrate {

/// Codes 0 .. 2^bits - 1 of m x n weights by position: a weight is scale * code + offset, or 0 in a cut
/// group.
struct offset_codes {
    std::size_t rows = 0, columns = 0, group = 0;  ///< group: columns that share a grid, >= 1
    unsigned bits = 0;
    std::vector<std::uint8_t> codes{};  ///< column after column
    std::vector<half> scales{}, offsets{};
    std::vector<std::uint8_t> kept{};  ///< all three: group after group, a value for each row

    offset_codes() = default;
    offset_codes(std::size_t m, std::size_t n, std::size_t width, unsigned b)
        : rows(m),
          columns(n),
          group(width == 0 ? n : width),
          bits(b),
          codes(m * n),
          scales(m * groups()),
          offsets(m * groups()),
          kept(m * groups(), 1) {}
    [[nodiscard]] std::size_t groups() const noexcept { return columns / group + (columns % group != 0); }
    [[nodiscard]] std::size_t grid_of(std::size_t position, std::size_t row) const noexcept {
        return position / group * rows + row;
    }
    [[nodiscard]] float value(std::size_t position, std::size_t row) const noexcept {
        const std::size_t g = grid_of(position, row);
        return kept[g] == 0
                   ? 0.0F
                   : static_cast<float>(codes[position * rows + row]) * float(scales[g]) + float(offsets[g]);
    }
    /// The weights in the order of the inputs.
    [[nodiscard]] linalg::matrix<float> weights(std::span<const std::uint32_t> order) const {
        linalg::matrix<float> out(rows, columns);
        for (std::size_t j = 0; j < columns; ++j)
            for (std::size_t r = 0; r < rows; ++r) out(r, order[j]) = value(j, r);
        return out;
    }
    /// The grid of least range for weights between low and high.
    void span_range(std::size_t grid, float low, float high) noexcept {
        const auto top = static_cast<float>((1U << bits) - 1);
        half scale(std::min((high - low) / top, 65504.0F));
        if (float(scale) == 0) scale = half::from_bits(1);  // the least positive one
        scales[grid] = scale;
        offsets[grid] = half(std::clamp(low, -65504.0F, 65504.0F));
    }
    /// Gives a weight of a kept group its nearest code.
    void round(std::size_t position, std::size_t row, float v) noexcept {
        const std::size_t g = grid_of(position, row);
        const float code = std::nearbyint((v - float(offsets[g])) / float(scales[g]));
        codes[position * rows + row] =
            static_cast<std::uint8_t>(std::clamp(code, 0.0F, static_cast<float>((1U << bits) - 1)));
    }
};

/// Stream: rows, columns, group (varints), bits (a byte); then fields of bits: 1 and the order of the columns
/// unless natural; 1 and a bit for each group if some are cut; for kept groups 16 + 16 bits of grid and all
/// codes.
[[nodiscard]] inline std::vector<std::uint8_t> encode_offset_codes(const offset_codes& from,
                                                                   std::span<const std::uint32_t> order) {
    std::vector<std::uint8_t> out;
    vector_sink sink(out);
    for (const std::uint64_t v : {from.rows, from.columns, from.group}) put_varint(sink, v);
    sink.put(static_cast<std::uint8_t>(from.bits));
    bit_writer<vector_sink> bits(sink);
    const bool natural = std::is_sorted(order.begin(), order.end());
    bits.put(natural ? 0 : 1, 1);
    if (!natural)
        for (const std::uint32_t p : order) bits.put(p, bits_for(from.columns));
    const bool sparse = std::find(from.kept.begin(), from.kept.end(), 0) != from.kept.end();
    bits.put(sparse ? 1 : 0, 1);
    if (sparse)
        for (const std::uint8_t k : from.kept) bits.put(k, 1);
    for (std::size_t g = 0; g < from.kept.size(); ++g) {
        if (from.kept[g] == 0) continue;
        bits.put(from.scales[g].bits, 16);
        bits.put(from.offsets[g].bits, 16);
        const std::size_t first = g / from.rows * from.group, r = g % from.rows;
        for (std::size_t j = first; j < from.columns && j < first + from.group; ++j)
            bits.put(from.codes[j * from.rows + r], from.bits);
    }
    bits.finish();
    return out;
}

namespace detail {

/// Grids and codes of kept groups. False where the input ends or a grid is not finite.
inline bool get_groups(bit_reader& in, offset_codes& out) {
    for (std::size_t g = 0; g < out.kept.size(); ++g) {
        if (out.kept[g] == 0) continue;
        out.scales[g] = half::from_bits(static_cast<std::uint16_t>(in.get(16)));
        out.offsets[g] = half::from_bits(static_cast<std::uint16_t>(in.get(16)));
        if (!(float(out.scales[g]) > 0 && std::isfinite(float(out.scales[g])) &&
              std::isfinite(float(out.offsets[g]))))
            return false;
        const std::size_t first = g / out.rows * out.group, r = g % out.rows;
        for (std::size_t j = first; j < out.columns && j < first + out.group; ++j)
            out.codes[j * out.rows + r] = static_cast<std::uint8_t>(in.get(out.bits));
    }
    return !in.overrun();
}

}  // namespace detail

/// The weights of encode_offset_codes in the order of the inputs. Errors: of outside bytes; limit_exceeded
/// when the weights take more than at_most.max_output bytes.
[[nodiscard]] inline result<linalg::matrix<float>> decode_offset_codes(byte_view in,
                                                                       const limits& at_most = {}) {
    byte_reader reader(in);
    std::uint64_t shape[3] = {};
    if (const auto ok = reader.read_varints(shape); !ok) return ok.error();
    const auto bits = reader.read_le<std::uint8_t>();
    if (!bits) return bits.error();
    const auto [rows, columns, group] = shape;
    if (rows == 0 || columns == 0 || group == 0 || group > columns || *bits < 1 || *bits > 8)
        return reader.fail(error_code::bad_header, "no such matrix");
    if (columns > at_most.max_output / sizeof(float) / rows)
        return reader.fail(error_code::limit_exceeded, "the weights are larger than the limit");
    bit_reader fields(reader.rest());
    const std::uint64_t present = 8 * std::uint64_t{reader.remaining()};
    const bool natural = fields.get(1) == 0;
    if (!natural && columns > present)
        return reader.fail(error_code::truncated, "the input ends inside the order of the columns");
    const auto order = detail::order_from(fields, columns, natural);
    if (order.size() != columns) return reader.fail(error_code::bad_stream, "no order of the columns");
    if (rows * ((columns - 1) / group + 1) > present)  // at least a bit for each group
        return reader.fail(error_code::truncated, "the input ends inside the grids");
    offset_codes codes(rows, columns, group, *bits);
    const bool sparse = fields.get(1) != 0;
    if (sparse)
        for (std::uint8_t& k : codes.kept) k = static_cast<std::uint8_t>(fields.get(1));
    if (!detail::get_groups(fields, codes) || !fields.padding_is_zero() ||
        fields.byte_position() != reader.remaining() ||
        (sparse && std::find(codes.kept.begin(), codes.kept.end(), 0) == codes.kept.end()))
        return reader.fail(error_code::bad_stream, "codes or grids that no encoder writes");
    return codes.weights(std::vector<std::uint32_t>(order.begin(), order.end()));
}

/// A column_quantizer to offset codes. Of the groups of a row it keeps the share whose weights would cost
/// most, by sums of (w T_jj)^2 before any compensation.
class group_offset {
  public:
    /// Preconditions: bits in 1..8; group is 0 or a power of two; share in 0..1, and 1 where group is 0.
    explicit group_offset(unsigned bits, std::size_t group = 128, double share = 1) noexcept
        : bits_(bits), group_(group), share_(share) {
        PITH_ASSERT(bits >= 1 && bits <= 8 && share >= 0 && share <= 1 && (group != 0 || share == 1));
    }

    [[nodiscard]] std::size_t group() const noexcept { return group_; }
    result<void> start(view_2d<const float> weights, std::span<const float> deviation) {
        codes_ = offset_codes(weights.columns(), weights.rows(), group_, bits_);
        if (share_ < 1) cut(weights, deviation);
        if (group_ == 0) fit(0, weights);
        return {};
    }
    void fit(std::size_t first, view_2d<const float> running) {
        for (std::size_t r = 0; r < codes_.rows; ++r) {
            float low = running(0, r), high = low;
            for (std::size_t j = 1; j < running.rows(); ++j) {
                low = std::min(low, running(j, r));
                high = std::max(high, running(j, r));
            }
            codes_.span_range(codes_.grid_of(first, r), low, high);
        }
    }
    void quantize(std::size_t position, std::span<const float> running, std::span<float> out) {
        for (std::size_t r = 0; r < out.size(); ++r) {
            codes_.round(position, r, running[r]);
            out[r] = codes_.value(position, r);
        }
    }
    [[nodiscard]] const offset_codes& codes() const noexcept { return codes_; }

  private:
    void cut(view_2d<const float> weights, std::span<const float> deviation) {
        const std::size_t groups = codes_.groups();
        const auto gone =
            groups - static_cast<std::size_t>(std::lround(share_ * static_cast<double>(groups)));
        std::vector<std::pair<double, std::size_t>> costs(groups);
        for (std::size_t r = 0; r < codes_.rows; ++r) {
            for (std::size_t g = 0; g < groups; ++g) costs[g] = {0, g};
            for (std::size_t j = 0; j < codes_.columns; ++j) {
                const auto c = static_cast<double>(weights(j, r) * deviation[j]);
                costs[j / codes_.group].first += c * c;
            }
            std::sort(costs.begin(), costs.end());
            for (std::size_t k = 0; k < gone; ++k) codes_.kept[costs[k].second * codes_.rows + r] = 0;
        }
    }

    unsigned bits_;
    std::size_t group_;
    double share_;
    offset_codes codes_{};
};

}  // namespace pith::inline v1::calibrate
