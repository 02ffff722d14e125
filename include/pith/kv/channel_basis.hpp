// The coordinates in which a layer's keys or values are quantized: mean removed, channels weighted by what an
// error costs, then the Karhunen-Loeve transform within groups of channels.
// Weights for keys are those of the queries (E|q|^2 by rotary pair, which a rotation keeps).
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <utility>
#include <vector>

#include <pith/core/assert.hpp>
#include <pith/core/exact.hpp>
#include <pith/core/view.hpp>
#include <pith/transform/principal_axes.hpp>

namespace pith::inline v1::kv {

namespace detail {

/// Lowered to what the machine has.
using float_octet = float __attribute__((vector_size(32)));

/// out (rows x columns, row_stride apart) = a (rows x inner) * b (inner x columns), 4 rows and 16 columns at
/// a time. columns is a multiple of 16. The order of sums is that of `inner` everywhere.
template <std::size_t Rows>
inline void multiply_rows(const float* a, std::size_t a_stride, const float* b, std::size_t inner,
                          std::size_t columns, std::size_t b_stride, float* out,
                          std::size_t out_stride) noexcept {
    for (std::size_t c = 0; c < columns; c += 16) {
        float_octet sum[Rows][2] = {};
        for (std::size_t i = 0; i < inner; ++i) {
            float_octet low, high;
            std::memcpy(&low, b + i * b_stride + c, sizeof low);
            std::memcpy(&high, b + i * b_stride + c + 8, sizeof high);
#pragma GCC unroll 4
            for (std::size_t r = 0; r < Rows; ++r) {
                sum[r][0] += a[r * a_stride + i] * low;
                sum[r][1] += a[r * a_stride + i] * high;
            }
        }
        for (std::size_t r = 0; r < Rows; ++r) std::memcpy(out + r * out_stride + c, sum[r], sizeof sum[r]);
    }
}

}  // namespace detail

/// A basis of all channels. Coordinates lie by variance within a group, groups one after the other.
class channel_basis {
  public:
    /// Channels are taken together in groups of this many at most: work and memory grow with it.
    static constexpr std::size_t largest_group = 256;

    channel_basis() = default;

    /// From rows of samples, all finite. weights[c] > 0: an error e in channel c costs (weights[c] e)^2.
    /// `group` divides the channels. Encoder-side.
    [[nodiscard]] static channel_basis fit(view_2d<const float> samples, std::span<const float> weights,
                                           std::size_t group) {
        PITH_ASSERT(weights.size() == samples.columns() && group > 0 && samples.columns() % group == 0);
        channel_basis out(samples.columns(), group);
        std::vector<float> scaled(samples.rows() * group);
        for (std::size_t first = 0; first < samples.columns(); first += group) {
            for (std::size_t r = 0; r < samples.rows(); ++r)
                for (std::size_t c = 0; c < group; ++c)
                    scaled[r * group + c] = samples(r, first + c) * weights[first + c];
            out.set_group(first,
                          transform::fit_principal_axes(view_2d<const float>(scaled, samples.rows(), group)),
                          weights.subspan(first, group));
        }
        for (std::size_t i = 0; i < out.order_.size(); ++i) out.order_[i] = static_cast<std::uint32_t>(i);
        std::sort(out.order_.begin(), out.order_.end(), [&](std::uint32_t a, std::uint32_t b) {
            const float first = out.deviations_[a], second = out.deviations_[b];
            return first != second ? first > second : a < b;
        });
        return out;
    }

    [[nodiscard]] std::size_t channels() const noexcept { return mean_.size(); }
    [[nodiscard]] std::size_t group() const noexcept { return group_; }
    /// The standard deviation of each coordinate.
    [[nodiscard]] std::span<const float> deviations() const noexcept { return deviations_; }
    /// All coordinates by falling deviation; those of one group keep their order.
    [[nodiscard]] std::span<const std::uint32_t> order() const noexcept { return order_; }
    /// Bytes that a receiver needs who was not given the basis before: 16 bits a number.
    [[nodiscard]] std::size_t bytes() const noexcept { return 2 * (channels() * group_ + 3 * channels()); }

    /// Coordinates of rows; out is rows x channels. Encoder-side.
    void forward(view_2d<const float> x, std::span<float> out) const {
        PITH_ASSERT(x.columns() == channels() && out.size() == x.size());
        std::vector<float> centred(4 * channels());
        for (std::size_t r = 0; r < x.rows(); r += 4) {
            const std::size_t rows = x.rows() - r < 4 ? x.rows() - r : 4;
            for (std::size_t k = 0; k < rows; ++k)
                for (std::size_t c = 0; c < channels(); ++c)
                    centred[k * channels() + c] = x(r + k, c) - mean_[c];
            each_group([&](std::size_t first, std::size_t padded) {
                multiply(rows, centred.data() + first, channels(), forward_.data() + first * padded, group_,
                         padded, out.data() + r * channels() + first);
            });
        }
    }
    /// Rows of coordinates back to channels, where only the first `live` ones in order are not zero.
    void inverse(std::span<const float> y, std::size_t live, view_2d<float> x) const {
        PITH_ASSERT(x.columns() == channels() && y.size() == x.size() && live <= channels());
        std::vector<std::size_t> lives(channels() / group_);
        for (std::size_t i = 0; i < live; ++i) ++lives[order_[i] / group_];
        std::vector<float> rows_of_x(4 * channels());
        for (std::size_t r = 0; r < x.rows(); r += 4) {
            const std::size_t rows = x.rows() - r < 4 ? x.rows() - r : 4;
            each_group([&](std::size_t first, std::size_t padded) {
                multiply(rows, y.data() + r * channels() + first, channels(),
                         inverse_.data() + first * padded, lives[first / group_], padded,
                         rows_of_x.data() + first);
            });
            for (std::size_t k = 0; k < rows; ++k)
                for (std::size_t c = 0; c < channels(); ++c)
                    x(r + k, c) = rows_of_x[k * channels() + c] + mean_[c];
        }
    }

  private:
    channel_basis(std::size_t channels, std::size_t group)
        : group_(group),
          mean_(channels),
          deviations_(channels),
          forward_(channels * padded(group)),
          inverse_(channels * padded(group)),
          order_(channels) {}

    [[nodiscard]] static constexpr std::size_t padded(std::size_t n) noexcept { return (n + 15) / 16 * 16; }

    template <class F>
    void each_group(F&& f) const {
        for (std::size_t first = 0; first < channels(); first += group_) f(first, padded(group_));
    }
    /// Columns beyond the group are cut off.
    void multiply(std::size_t rows, const float* a, std::size_t a_stride, const float* b, std::size_t inner,
                  std::size_t columns, float* out) const {
        const std::size_t whole = group_ / 16 * 16;
        const auto run = [&](auto count, std::size_t row) {
            const float* const from = a + row * a_stride;
            float* const to = out + row * channels();
            detail::multiply_rows<count()>(from, a_stride, b, inner, whole, columns, to, channels());
            if (whole == group_) return;
            float last[4 * 16];
            detail::multiply_rows<count()>(from, a_stride, b + whole, inner, 16, columns, last, 16);
            for (std::size_t r = 0; r < count(); ++r)
                std::memcpy(to + r * channels() + whole, last + 16 * r, (group_ - whole) * sizeof(float));
        };
        if (rows == 4) return run(std::integral_constant<std::size_t, 4>{}, 0);
        for (std::size_t r = 0; r < rows; ++r) run(std::integral_constant<std::size_t, 1>{}, r);
    }
    void set_group(std::size_t first, const transform::principal_axes<>& axes,
                   std::span<const float> weights) {
        const std::size_t stride = padded(group_);
        for (std::size_t i = 0; i < group_; ++i) {
            const float variance = axes.variances[i];
            deviations_[first + i] = variance > 0 ? exact::sqrt(variance) : 0;
            mean_[first + i] = axes.mean.mean()[i] / weights[i];
            for (std::size_t c = 0; c < group_; ++c) {
                forward_[(first + c) * stride + i] = axes.rotation.row(i)[c] * weights[c];
                inverse_[(first + i) * stride + c] = axes.rotation.row(i)[c] / weights[c];
            }
        }
    }

    std::size_t group_ = 1;
    std::vector<float> mean_, deviations_;
    std::vector<float> forward_;  // by group: channel x coordinate, padded
    std::vector<float> inverse_;  // by group: coordinate x channel, padded
    std::vector<std::uint32_t> order_;
};

}  // namespace pith::inline v1::kv
