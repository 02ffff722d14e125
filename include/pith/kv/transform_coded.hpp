// The transport codec of key-value blocks: calibrated Karhunen-Loeve coordinates, a dependent quantizer, and
// adaptive entropy coding by the expected size of each index.
// Reverse water-filling (Shannon, 1959; transform coding: Huang and Schultheiss, 1963) with one step for all
// coordinates; no published cache compressor combines these parts (the nearest is CacheGen, Liu et al.,
// 2024).
#pragma once

#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include <pith/core/assert.hpp>
#include <pith/core/bytes.hpp>
#include <pith/core/number.hpp>
#include <pith/core/result.hpp>
#include <pith/core/view.hpp>
#include <pith/kv/bytes.hpp>
#include <pith/kv/concepts.hpp>
#include <pith/kv/index_stream.hpp>
#include <pith/kv/transport_bases.hpp>
#include <pith/kv/trellis_rows.hpp>

namespace pith::inline v1::kv {

namespace detail {

/// Expected index size of a coordinate with a deviation of so many full steps, in 2^-10. Exact: no sum of
/// products.
[[nodiscard]] inline std::uint32_t expected_size(float ratio) noexcept {
    if (!(ratio < 0x1p18F)) return 1U << 28;
    const float square = exact::mul(ratio, ratio);
    const float size = exact::mul(square / (ratio + 0.8F), 717.0F);
    return size < 1 ? 1 : static_cast<std::uint32_t>(size);
}
/// Which reconstruction a coordinate shares: by deviation in full steps.
[[nodiscard]] inline std::size_t spread_class(float ratio) noexcept {
    return std::size_t{ratio > 0.35F} + std::size_t{ratio > 0.7F} + std::size_t{ratio > 1.4F};
}

/// By how much values fall short of |m| half-steps, by spread class, for |m| <= 2 and for more: means over
/// caches of two language models and made-up ones. A table of a block's own makes errors 0.5 % smaller, and
/// short blocks larger.
inline constexpr std::array<std::array<float, 2>, 4> shortfalls{{{-6.0F / 128, 8.0F / 128},
                                                                 {-4.0F / 128, 15.0F / 128},
                                                                 {-7.0F / 128, 9.0F / 128},
                                                                 {-10.0F / 128, 2.0F / 128}}};

/// Where eight indices of m half-steps are put, in half-steps.
[[gnu::always_inline]] inline void place_all(const int8x32& half_steps, const float8& less_small,
                                             const float8& less_large, float8& out) noexcept {
    const float8 m = __builtin_convertvector(half_steps, float8);
    const float8 size = m < 0.0F ? -m : m;
    const float8 place = size - (size > 2.0F ? less_large : less_small);
    out = m > 0.0F ? place : m < 0.0F ? -place : m;
}

}  // namespace detail

struct transform_coded_options {
    float price = 0.15F;  ///< squared half-steps that a bit is worth to the encoder
};

/// A block_codec for lanes of one layer and all heads. Stream: half-step (bfloat16), how many coordinates of
/// the largest variance are coded (varint; the others are zero), then their indices.
/// Indices and half-steps are the same on every machine; the last bits of decoded floats depend on how the
/// compiler sums the inverse transform.
template <class Machine = vector::trellis<8>, index_coder Coder = adaptive_indices>
class transform_coded {
  public:
    static constexpr const char* name = Coder::codec_name;

    /// `step`: in units of the bases, twice the half-step, which is rounded to bfloat16. 2^-38 < step < 2^20;
    /// about 0.1 for fine caches, 1 for coarse.
    transform_coded(std::shared_ptr<const transport_bases> bases, float step,
                    transform_coded_options options = {})
        : bases_(std::move(bases)), half_step_(static_cast<float>(bfloat16(step / 2))), options_(options) {
        PITH_ASSERT(bases_ != nullptr && step > 0x1p-38F && step < 0x1p20F);
    }
    [[nodiscard]] std::size_t constant_bytes() const noexcept { return bases_->bytes(); }
    [[nodiscard]] float step() const noexcept { return 2 * half_step_; }

    /// Values beyond 2^20 steps are cut. Precondition: finite values, all heads of one layer.
    void encode(view_2d<const float> x, const block_scope& scope, std::vector<std::byte>& out) const {
        const channel_basis& basis = bases_->of(scope.first_layer, scope.kind);
        PITH_ASSERT(scope.layers == 1 && x.columns() == basis.channels());
        std::vector<float> y(x.size());
        basis.forward(x, y);
        std::vector<std::int32_t> indices(x.size());
        quantize(y, basis.order(), x.rows(), indices);
        std::vector<std::uint8_t> bytes;
        write(basis, indices, x.rows(), bytes);
        const auto raw = as_std_bytes(bytes);
        out.insert(out.end(), raw.begin(), raw.end());
    }
    /// Error: bytes that no encoder writes for a block of this shape, as far as that shows.
    [[nodiscard]] result<void> decode(std::span<const std::byte> in, const block_scope& scope,
                                      view_2d<float> out) const {
        if (scope.layers != 1 || scope.first_layer >= bases_->layers() ||
            bases_->of(scope.first_layer, scope.kind).channels() != out.columns())
            return error{error_code::unsupported_parameter, 0,
                         "the block is not of a layer that was calibrated"};
        const channel_basis& basis = bases_->of(scope.first_layer, scope.kind);
        byte_reader reader(readable_bytes(in));
        const auto raw = reader.read_le<std::uint16_t>();
        if (!raw) return raw.error();
        const auto half_step = static_cast<float>(bfloat16::from_bits(*raw));
        if (!(half_step > 0x1p-40F && half_step <= 0x1p20F))
            return error{error_code::bad_header, 0, "a step that is no step"};
        const auto live = reader.read_varint();
        if (!live) return live.error();
        if (*live > basis.channels())
            return reader.fail(error_code::bad_header, "more coordinates than channels");
        const columns kept(basis, static_cast<std::size_t>(*live), half_step);
        const std::size_t count = out.rows() * kept.at.size();
        std::vector<std::int32_t> half_steps(count + 7);  // read in eights
        if (const auto read = Coder::template read<Machine>(reader.rest(), kept.expected,
                                                            std::span(half_steps).first(count));
            !read)
            return read.error().shifted_by(reader.position());
        reconstruct(basis, kept, half_steps, half_step, out);
        return {};
    }

  private:
    /// The coordinates that are coded.
    struct columns {
        columns(const channel_basis& basis, std::size_t live, float half_step)
            : at(basis.order().first(live)) {
            for (const std::uint32_t c : at) {
                const float ratio = basis.deviations()[c] / (2 * half_step);
                expected.push_back(detail::expected_size(ratio));
                spread.push_back(detail::spread_class(ratio));
            }
        }
        std::span<const std::uint32_t> at;
        std::vector<std::uint32_t> expected;
        std::vector<std::size_t> spread;
    };

    /// Indices come in the order of the coordinates.
    void quantize(std::span<const float> y, std::span<const std::uint32_t> order, std::size_t rows,
                  std::span<std::int32_t> indices) const {
        const std::size_t channels = order.size();
        const std::vector<float> prices = prices_of(y, order, rows);
        detail::trellis_of_rows<Machine> search(channels);
        std::vector<float> places(8 * channels);
        constexpr float most = 2.0F * max_index - 8;
        for (std::size_t r = 0; r < rows; r += 8) {
            const std::size_t count = rows - r < 8 ? rows - r : 8;
            for (std::size_t k = 0; k < count; ++k)
                for (std::size_t c = 0; c < channels; ++c) {
                    const float place = y[(r + k) * channels + order[c]] / half_step_;
                    places[8 * c + k] = place < -most ? -most : place > most ? most : place;
                }
            search.quantize(places.data(), prices, count, indices.data() + r * channels);
        }
    }
    /// What a unit of index size costs in each column: price times log2 of the inverse ratio of the geometric
    /// distribution with the size that is expected.
    [[nodiscard]] std::vector<float> prices_of(std::span<const float> y, std::span<const std::uint32_t> order,
                                               std::size_t rows) const {
        const std::size_t channels = order.size();
        std::vector<float> size(channels);
        for (std::size_t r = 0; r < rows; ++r)
            for (std::size_t c = 0; c < channels; ++c) {
                const float v = y[r * channels + order[c]];
                size[c] += v < 0 ? -v : v;
            }
        for (float& s : size) {
            const float ratio = s / static_cast<float>(rows) / half_step_ * 0.63F;
            const double mean = static_cast<double>(detail::expected_size(ratio)) / 1024;
            const double inverse = mean / (std::sqrt(1 + mean * mean) - 1);
            s = options_.price * static_cast<float>(std::log2(inverse));
        }
        return size;
    }
    void write(const channel_basis& basis, std::span<const std::int32_t> indices, std::size_t rows,
               std::vector<std::uint8_t>& out) const {
        const std::size_t channels = basis.channels();
        std::size_t live = 0;
        for (std::size_t i = 0; i < indices.size(); ++i)
            if (indices[i] != 0 && i % channels >= live) live = i % channels + 1;
        const columns kept(basis, live, half_step_);
        std::vector<std::int32_t> coded(rows * live);
        for (std::size_t r = 0; r < rows && live != 0; ++r)
            std::memcpy(coded.data() + r * live, indices.data() + r * channels, live * sizeof coded[0]);
        vector_sink sink(out);
        put_le<std::uint16_t>(sink, bfloat16(half_step_).bits);
        put_varint(sink, live);
        Coder::template write<Machine>(coded, kept.expected, out);
    }
    /// half_steps: those of all rows, and seven more.
    static void reconstruct(const channel_basis& basis, const columns& kept,
                            std::span<const std::int32_t> half_steps, float half_step, view_2d<float> out) {
        const std::size_t live = kept.at.size();
        std::vector<float> y(out.size()), small(live + 7), large(live + 7), row(live + 7);
        for (std::size_t c = 0; c < live; ++c) {
            small[c] = detail::shortfalls[kept.spread[c]][0];
            large[c] = detail::shortfalls[kept.spread[c]][1];
        }
        for (std::size_t r = 0; r < out.rows(); ++r) {
            for (std::size_t c = 0; c < live; c += 8) {
                detail::int8x32 m;
                detail::float8 less_small, less_large, place;
                std::memcpy(&m, half_steps.data() + r * live + c, sizeof m);
                std::memcpy(&less_small, small.data() + c, sizeof less_small);
                std::memcpy(&less_large, large.data() + c, sizeof less_large);
                detail::place_all(m, less_small, less_large, place);
                place *= half_step;
                std::memcpy(row.data() + c, &place, sizeof place);
            }
            float* const to = y.data() + r * out.columns();
            for (std::size_t c = 0; c < live; ++c) to[kept.at[c]] = row[c];
        }
        basis.inverse(y, live, out);
    }

    std::shared_ptr<const transport_bases> bases_;
    float half_step_;
    transform_coded_options options_;
};

}  // namespace pith::inline v1::kv
