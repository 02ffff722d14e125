// Which values of a matrix share a scale: all of them, runs within a row, or runs within a column.
// Rows are tokens and columns channels, as in caches and activations; for weights rows are outputs.
#pragma once

#include <cstddef>
#include <cstdint>

#include <pith/core/view.hpp>

namespace pith::inline v1::quant {

enum class axis : std::uint8_t {
    tensor,   ///< one group
    token,    ///< groups of neighbouring columns within a row: per token
    channel,  ///< groups of neighbouring rows within a column: per channel
};

/// The part of a matrix that a group is.
struct block {
    std::size_t row, column, rows, columns;

    template <class T>
    [[nodiscard]] view_2d<T> of(view_2d<T> x) const noexcept {
        return x.block(row, column, rows, columns);
    }
};

/// How a matrix falls into groups; a `size` of 0 takes whole rows or columns. The last group of a line may be
/// shorter. Groups are numbered row after row (token), or by bands of rows, column after column (channel).
struct grouping {
    axis along = axis::token;
    std::size_t size = 0;

    friend constexpr bool operator==(const grouping&, const grouping&) = default;

    [[nodiscard]] constexpr std::size_t count(std::size_t rows, std::size_t columns) const noexcept {
        if (rows == 0 || columns == 0) return 0;
        if (along == axis::tensor) return 1;
        return along == axis::token ? rows * parts(columns) : columns * parts(rows);
    }
    /// Calls each(number, block) for every group until it returns false; true if it never does.
    template <class Each>
    bool for_each(std::size_t rows, std::size_t columns, Each&& each) const {
        if (rows == 0 || columns == 0) return true;
        const bool lines = along == axis::token, whole = along == axis::tensor;
        const std::size_t height = whole ? rows : lines ? 1 : run(rows);
        const std::size_t width = whole ? columns : lines ? run(columns) : 1;
        std::size_t number = 0;
        for (std::size_t r = 0; r < rows; r += height)
            for (std::size_t c = 0; c < columns; c += width)
                if (!each(number++, block{r, c, rows - r < height ? rows - r : height,
                                          columns - c < width ? columns - c : width}))
                    return false;
        return true;
    }

  private:
    [[nodiscard]] constexpr std::size_t run(std::size_t line) const noexcept {
        return size == 0 || size > line ? line : size;
    }
    [[nodiscard]] constexpr std::size_t parts(std::size_t line) const noexcept {
        return (line + run(line) - 1) / run(line);
    }
};

}  // namespace pith::inline v1::quant
