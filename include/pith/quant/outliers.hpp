// Outliers kept apart from what is quantized: the largest values of each vector, of whole channels, or of a
// matrix under a bitmap.
// GEAR (Kang et al., 2024), SqueezeLLM's dense-and-sparse split (Kim et al., 2024), Mustafar's bitmap (2025).
#pragma once

#include <bit>
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
#include <pith/quant/lloyd_max.hpp>

namespace pith::inline v1::quant {

/// Values taken out of a matrix, as half numbers, in row order: of each row their columns. stored_bits counts
/// 16 bits a value and either 16 bits for its column and 16 for the row's count, or one bit for each value of
/// the matrix, whichever is less.
class sparse_values {
  public:
    [[nodiscard]] std::size_t rows() const noexcept { return starts_.empty() ? 0 : starts_.size() - 1; }
    [[nodiscard]] std::size_t columns() const noexcept { return columns_; }
    [[nodiscard]] std::size_t size() const noexcept { return at_.size(); }
    [[nodiscard]] std::span<const std::uint16_t> columns_of(std::size_t row) const noexcept {
        return std::span(at_).subspan(starts_[row], starts_[row + 1] - starts_[row]);
    }
    [[nodiscard]] std::uint64_t stored_bits() const noexcept {
        const std::uint64_t lists = 16 * (std::uint64_t{size()} + rows());
        const std::uint64_t bitmap = std::uint64_t{rows()} * columns_;
        return 16 * std::uint64_t{size()} + (lists < bitmap ? lists : bitmap);
    }
    /// Puts the values back in their places. Precondition: out has the shape of the matrix.
    void restore_into(view_2d<float> out) const noexcept {
        PITH_ASSERT(out.rows() == rows() && out.columns() == columns_);
        for (std::size_t r = 0; r < rows(); ++r)
            for (std::size_t i = starts_[r]; i < starts_[r + 1]; ++i)
                out(r, at_[i]) = static_cast<float>(values_[i]);
    }
    /// Adds a row; `take(column)` says which of its values go, which are then replaced by `left`.
    template <class Take>
    void take_row(strided_span<float> row, Take take, float left) {
        PITH_ASSERT(row.size() <= 65535);
        columns_ = row.size();
        if (starts_.empty()) starts_.push_back(0);
        for (std::size_t c = 0; c < row.size(); ++c) {
            if (!take(c)) continue;
            at_.push_back(static_cast<std::uint16_t>(c));
            values_.push_back(half(row[c]));
            row[c] = left;
        }
        starts_.push_back(at_.size());
    }

  private:
    std::size_t columns_ = 0;
    std::vector<std::size_t> starts_;
    std::vector<std::uint16_t> at_;
    std::vector<half> values_;
};

namespace detail {

/// No half number holds them.
[[nodiscard]] inline result<void> check_outliers(view_2d<const float> x) noexcept {
    if (!all_finite(x)) return not_finite();
    if (x.columns() > 65535)
        return error{error_code::unsupported_parameter, 0, "more than 65535 columns in a sparse matrix"};
    for (std::size_t r = 0; r < x.rows(); ++r)
        for (std::size_t c = 0; c < x.columns(); ++c)
            if (!(x(r, c) < 65520 && x(r, c) > -65520))
                return error{error_code::unsupported_parameter, 0, "an outlier beyond the half numbers"};
    return {};
}

}  // namespace detail

/// Takes the `count` values of largest distance from the row's median out of each row, leaving the median in
/// their places (the lower column first among equals). Error: a value that is not finite or no half number.
[[nodiscard]] inline result<sparse_values> split_largest(view_2d<float> x, std::size_t count) {
    if (const auto fit = detail::check_outliers(x); !fit) return fit.error();
    sparse_values out;
    std::vector<float> sizes(x.columns());
    for (std::size_t r = 0; r < x.rows(); ++r) {
        const auto row = x.row(r);
        for (std::size_t c = 0; c < row.size(); ++c) sizes[c] = row[c];
        detail::sort_floats(sizes);
        const float median = sizes.empty() ? 0 : sizes[sizes.size() / 2];
        const auto distance = [&](std::size_t c) {
            return row[c] < median ? median - row[c] : row[c] - median;
        };
        for (std::size_t c = 0; c < row.size(); ++c) sizes[c] = distance(c);
        detail::sort_floats(sizes);
        const std::size_t n = count < row.size() ? count : row.size();
        const float limit = n == 0 ? 0 : sizes[row.size() - n];
        std::size_t above = 0;
        for (const float s : sizes) above += s > limit;
        std::size_t ties = n - above;  // of those at the limit
        out.take_row(
            row,
            [&](std::size_t c) {
                if (n == 0) return false;
                const float d = distance(c);
                return d > limit || (d == limit && ties != 0 && ties-- != 0);
            },
            median);
    }
    return out;
}

/// Takes every value of magnitude above `limit` out, leaving zeros: the dense-and-sparse split. Errors as
/// above.
[[nodiscard]] inline result<sparse_values> split_above(view_2d<float> x, float limit) {
    if (const auto fit = detail::check_outliers(x); !fit) return fit.error();
    sparse_values out;
    for (std::size_t r = 0; r < x.rows(); ++r) {
        const auto row = x.row(r);
        out.take_row(
            row, [&](std::size_t c) { return row[c] > limit || row[c] < -limit; }, 0);
    }
    return out;
}

/// The `count` columns of largest range, ascending; of equal ones the lower first. Values must be finite.
[[nodiscard]] inline std::vector<std::size_t> widest_columns(view_2d<const float> x, std::size_t count) {
    std::vector<float> ranges(x.columns());
    for (std::size_t c = 0; c < x.columns(); ++c) {
        float low = 0, high = 0;
        for (std::size_t r = 0; r < x.rows(); ++r) {
            low = r == 0 || x(r, c) < low ? x(r, c) : low;
            high = r == 0 || x(r, c) > high ? x(r, c) : high;
        }
        ranges[c] = high - low;
    }
    std::vector<bool> chosen(ranges.size());
    for (std::size_t k = 0; k < count && k < ranges.size(); ++k) {
        std::size_t best = ranges.size();
        for (std::size_t c = 0; c < ranges.size(); ++c)
            if (!chosen[c] && (best == ranges.size() || ranges[c] > ranges[best])) best = c;
        chosen[best] = true;
    }
    std::vector<std::size_t> out;
    for (std::size_t c = 0; c < chosen.size(); ++c)
        if (chosen[c]) out.push_back(c);
    return out;
}

}  // namespace pith::inline v1::quant
