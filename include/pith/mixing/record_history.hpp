// What the bytes before the next one look like in records of a fixed length: the cells above and beside it.
// As the record model of PAQ8 (Mahoney and others, 2004-2009) in kind.
#pragma once

#include <cstddef>
#include <cstdint>

#include <pith/mixing/byte_history.hpp>
#include <pith/mixing/contexts.hpp>

namespace pith::inline v1::mixing {

/// byte_history with a record length. Exact.
class record_history : public byte_history {
  public:
    /// Bytes of a record; 0 counts as 1.
    void set_stride(std::uint32_t stride) noexcept { stride_ = stride == 0 ? 1 : stride; }

    [[nodiscard]] std::uint32_t stride() const noexcept { return stride_; }
    /// The cell `rows` above the next byte and `cells` to the left of that.
    [[nodiscard]] std::uint32_t cell(std::size_t rows, std::size_t cells) const noexcept {
        return byte_back(rows * stride_ + cells);
    }
    [[nodiscard]] std::uint32_t cell_column() const noexcept {
        return static_cast<std::uint32_t>(size() % stride_);
    }

  private:
    std::uint32_t stride_ = 1;
};

/// The cell above, the one on the left and the column.
struct record_above_left {
    [[nodiscard]] static std::uint32_t value(const record_history& h) noexcept {
        return scrambled(h.cell(1, 0) << 8 | h.last_byte(), h.cell_column());
    }
};
/// The two cells above and the column.
struct record_above_two {
    [[nodiscard]] static std::uint32_t value(const record_history& h) noexcept {
        return scrambled(h.cell(1, 0) << 8 | h.cell(2, 0), h.cell_column() + 0x10000U);
    }
};
/// Cells around: left, above, above left, above right.
struct record_around {
    [[nodiscard]] static std::uint32_t value(const record_history& h) noexcept {
        const std::uint32_t right = h.stride() > 1 ? h.byte_back(h.stride() - 1) : 0U;
        return h.last_byte() | h.cell(1, 0) << 8 | h.cell(1, 1) << 16 | right << 24;
    }
};
/// What the next byte would be if it differed from the one above as the last one did.
struct record_slope {
    [[nodiscard]] static std::uint32_t value(const record_history& h) noexcept {
        const std::uint32_t guess = (h.last_byte() + h.cell(1, 0) - h.cell(1, 1)) & 0xFF;
        return guess << 16 | (h.cell(1, 0) & 0xFF) << 8 | h.last_byte();
    }
};
/// The three cells above.
struct record_above_three {
    [[nodiscard]] static std::uint32_t value(const record_history& h) noexcept {
        return h.cell(1, 0) | h.cell(2, 0) << 8 | h.cell(3, 0) << 16;
    }
};
/// The two cells on the left and the one above.
struct record_corner {
    [[nodiscard]] static std::uint32_t value(const record_history& h) noexcept {
        return (h.last() & 0xFFFF) | h.cell(1, 0) << 16;
    }
};
/// The column and the cell above.
struct record_column {
    [[nodiscard]] static std::uint32_t value(const record_history& h) noexcept {
        return h.cell_column() << 8 | h.cell(1, 0);
    }
};

}  // namespace pith::inline v1::mixing
