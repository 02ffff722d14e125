// What is asked of vectors before anything is fitted to them: numbers, and not so large that squares
// overflow. Own work.
#pragma once

#include <cstddef>
#include <cstdint>

#include <pith/core/result.hpp>
#include <pith/core/view.hpp>

namespace pith::inline v1::vector {

/// The largest magnitude of a coordinate. Squares of 2^26 such coordinates sum to less than 2^127.
inline constexpr float largest_coordinate = 0x1p50F;

/// Nothing, or unsupported_parameter: a coordinate is NaN, infinite or larger than largest_coordinate. The
/// error's offset counts coordinates, row after row.
[[nodiscard]] inline result<void> check_finite(view_2d<const float> rows) noexcept {
    for (std::size_t r = 0; r < rows.rows(); ++r) {
        const strided_span<const float> row = rows.row(r);
        unsigned bad = 0;
        for (std::size_t j = 0; j < row.size(); ++j)
            bad |= static_cast<unsigned>(!(row[j] <= largest_coordinate && row[j] >= -largest_coordinate));
        if (bad == 0) continue;
        std::size_t j = 0;
        while (row[j] <= largest_coordinate && row[j] >= -largest_coordinate) ++j;
        return error{error_code::unsupported_parameter, std::uint64_t{r} * rows.columns() + j,
                     "a coordinate is not a number, or not of a usable size"};
    }
    return {};
}

}  // namespace pith::inline v1::vector
