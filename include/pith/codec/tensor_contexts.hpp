// What is known of a tensor's value before it is coded: neighbours, scales of its row and column, place,
// base. Own work; the contexts are those of lossless image coders with scales of matrices in place of
// colours.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <pith/codec/element.hpp>
#include <pith/mixing/symbol_mixer.hpp>

namespace pith::inline v1::codec::detail {

/// The matrix that a tensor is for its contexts.
struct tensor_matrix {
    std::size_t columns = 1;  // >= 1
    std::size_t inner = 1;    // values between places that match, such as of one kernel; >= 1
    std::uint8_t highest = 255;
    bool floats = false;       // the highest plane holds exponents, the next one signs and mantissas
    bool differences = false;  // planes are of differences to the base, whose own planes are contexts
};

/// A mean that is quick at first: of up to `limit` values, in 1/256.
class running_mean {
  public:
    explicit running_mean(std::int32_t start = 0) noexcept : mean_(start) {}
    [[nodiscard]] std::int32_t value() const noexcept { return mean_; }
    void update(std::int32_t v, std::uint32_t limit) noexcept {
        count_ += count_ < limit ? 1 : 0;
        mean_ += (v - mean_) / (static_cast<std::int32_t>(count_) + 1);
    }

  private:
    std::int32_t mean_;
    std::uint32_t count_ = 0;
};

/// Walks the values of a block in order. planes[p][i] must be set for i below the present one, and for the
/// present one in planes above the one that is asked for. base[p] may be null.
class context_walk {
  public:
    context_walk(const tensor_matrix& m, std::size_t width, std::uint8_t* const* planes,
                 const std::uint8_t* const* base)
        : matrix_(m), width_(width), planes_(planes), base_(base) {
        const std::int32_t start = (m.highest > 8 ? m.highest - 8 : 0) * 256;
        all_ = row_ = running_mean(start);
        columns_.assign(m.columns, running_mean(start));
        signs_.assign(m.columns, running_mean(0));
    }

    /// Contexts for plane p of value i.
    [[nodiscard]] mixing::symbol_contexts at(std::size_t p, std::size_t i) noexcept {
        if (p + 1 == width_) place(i);
        mixing::symbol_contexts out;
        out.selector[1] = stage_;
        if (matrix_.floats && p + 1 == width_) return exponent(p, i, out);
        if (matrix_.floats && p + 2 == width_) return mantissa(p, i, out);
        return other(p, i, out);
    }
    /// After all planes of value i are known.
    void update(std::size_t i) noexcept {
        if (matrix_.floats) {
            const std::int32_t v = planes_[width_ - 1][i];
            const std::int32_t floor = matrix_.highest - 24;
            const std::int32_t clipped = (v < floor ? floor : v) * 256;
            row_.update(clipped, 64);
            all_.update(clipped, 1023);
            columns_[column_].update(clipped, 48);
            const std::int32_t sign = (planes_[width_ - 2][i] >> 7) != 0 ? 1024 : -1024;
            signs_[column_].update(sign, 12);
            row_sign_.update(sign, 24);
        }
        if (++column_ == matrix_.columns) column_ = 0;
        if (column_ == 0) row_ = running_mean(row_.value());
        if (++kernel_ == matrix_.inner) kernel_ = 0;
    }
    /// Where the block's first value stands in the tensor.
    void start(std::uint64_t first) noexcept {
        column_ = static_cast<std::size_t>(first % matrix_.columns);
        kernel_ = static_cast<std::size_t>(first % matrix_.inner);
    }

  private:
    [[nodiscard]] static std::uint32_t clamp(std::int32_t v, std::int32_t most) noexcept {
        return static_cast<std::uint32_t>(v < 0 ? 0 : v > most ? most : v);
    }
    /// How far below the highest exponent, at most 20.
    [[nodiscard]] std::uint32_t depth(std::uint8_t symbol) const noexcept {
        return clamp(matrix_.highest - symbol, 20);
    }
    /// A mean's distance from the highest exponent, in 2^shift / 256.
    [[nodiscard]] std::uint32_t level(std::int32_t mean, unsigned shift, std::int32_t most) const noexcept {
        return clamp((matrix_.highest * 256 - mean + 512) >> shift, most);
    }
    [[nodiscard]] static std::uint8_t before(const std::uint8_t* plane, std::size_t i,
                                             std::size_t back) noexcept {
        return back <= i ? plane[i - back] : 0;
    }

    void place(std::size_t i) noexcept {
        std::uint32_t width = 0;
        for (std::size_t v = i; v != 0; v >>= 1) ++width;
        stage_ =
            width < 31 ? 2 * width + static_cast<std::uint32_t>(i >> (width > 1 ? width - 2 : 0) & 1) : 63;
        mean_ = row_.value() + columns_[column_].value() - all_.value();
        pos_ = static_cast<std::uint32_t>(kernel_ < 31 ? kernel_ : 31);
    }

    mixing::symbol_contexts exponent(std::size_t p, std::size_t i,
                                     mixing::symbol_contexts& out) const noexcept {
        const std::uint8_t* const e = planes_[p];
        const std::uint8_t left = before(e, i, 1), second = before(e, i, 2);
        const std::uint8_t up = before(e, i, matrix_.columns), above = before(e, i, 2 * matrix_.columns);
        const std::uint8_t same = before(e, i, matrix_.inner);
        const std::uint8_t prior = base_[p] != nullptr ? base_[p][i] : 0;
        const std::uint32_t coarse = level(mean_, 7, 20);
        const std::int32_t row = row_.value(), column = columns_[column_].value();
        const auto sum = static_cast<std::int32_t>(depth(left) + depth(second) + 2 * depth(up) +
                                                   depth(above) + 2 * depth(same));
        out.number = {0,
                      left,
                      up,
                      depth(left) * 21 + depth(up),
                      level(row, 5, 255),
                      level(column, 5, 255),
                      level(mean_, 5, 255),
                      level(row, 7, 20) * 21 + level(column, 7, 20),
                      pos_ * 16 + level(mean_, 7, 15),
                      clamp(sum, 140),
                      depth(same) * 21 + coarse,
                      depth(left) * 21 + coarse,
                      prior,
                      base_[p] != nullptr ? depth(prior) * 21 + depth(left) : depth(up) * 21 + coarse,
                      level(mean_, 4, 511)};
        out.selector[0] = level(mean_, 6, 63);
        return out;
    }

    mixing::symbol_contexts mantissa(std::size_t p, std::size_t i,
                                     mixing::symbol_contexts& out) const noexcept {
        const std::uint8_t* const m = planes_[p];
        const std::uint8_t e = planes_[p + 1][i];
        const std::uint8_t left = before(m, i, 1), up = before(m, i, matrix_.columns);
        const std::uint8_t same = before(m, i, matrix_.inner);
        const auto sign = [](std::uint8_t v) { return std::uint32_t{v} >> 7; };
        const std::uint32_t signs = sign(left) | sign(before(m, i, 2)) << 1 | sign(up) << 2 |
                                    sign(before(m, i, matrix_.columns + 1)) << 3 | sign(same) << 4 |
                                    sign(before(m, i, 2 * matrix_.columns)) << 5;
        const std::uint8_t prior = base_[p] != nullptr ? base_[p][i] : 0;
        const bool same_exponent = base_[p] != nullptr && base_[p + 1][i] == e;
        const std::uint32_t column_sign = clamp((signs_[column_].value() + 1024) >> 7, 15);
        const std::uint32_t row_sign = clamp((row_sign_.value() + 1024) >> 7, 15);
        const std::uint32_t residual = clamp(((e * 256 - mean_) >> 7) + 16, 31);
        out.number = {0,
                      e,
                      residual,
                      signs,
                      column_sign * 16 + row_sign,
                      left,
                      up,
                      same,
                      pos_ * 8 + (signs & 5) + (signs >> 4 & 1) * 2,
                      depth(e) * 16 + (signs & 15),
                      prior,
                      256U * (same_exponent ? 1U : 0U) + prior,
                      depth(e) * 16 + column_sign,
                      residual * 16 + row_sign,
                      pos_ * 16 + column_sign};
        out.selector[0] = clamp(matrix_.highest - e, 63);
        return out;
    }

    mixing::symbol_contexts other(std::size_t p, std::size_t i, mixing::symbol_contexts& out) const noexcept {
        const std::uint8_t* const s = planes_[p];
        const std::uint8_t above = p + 1 < width_ ? planes_[p + 1][i] : 0;
        const std::uint8_t left = before(s, i, 1), up = before(s, i, matrix_.columns);
        const std::uint8_t corner = before(s, i, matrix_.columns + 1), same = before(s, i, matrix_.inner);
        const std::uint8_t prior = base_[p] != nullptr ? base_[p][i] : 0;
        bool equal = base_[p] != nullptr;
        for (std::size_t q = p + 1; equal && q < width_; ++q)
            equal = planes_[q][i] == (matrix_.differences ? 0 : base_[q][i]);
        out.number = {0,
                      above,
                      left,
                      up,
                      same,
                      (left & 0xF0U) | up >> 4,
                      (above & 0xF0U) | left >> 4,
                      prior,
                      256U * (equal ? 1U : 0U) + prior,
                      (std::uint32_t{left} + up) / 2,
                      matrix_.differences ? base_[width_ - 1][i] + 256U * (above == 0 ? 1U : 0U)
                                          : pos_ * 16 + (left >> 4),
                      (std::uint32_t{left} + up - corner) & 0xFF,
                      planes_[width_ - 1][i] * std::uint32_t{p + 1 < width_},
                      static_cast<std::uint32_t>(column_ % 512),
                      (above & 0xF0U) | up >> 4};
        out.selector[0] = pos_;
        return out;
    }

    tensor_matrix matrix_;
    std::size_t width_;
    std::uint8_t* const* planes_;
    const std::uint8_t* const* base_;
    running_mean all_, row_, row_sign_;
    std::vector<running_mean> columns_, signs_;
    std::size_t column_ = 0, kernel_ = 0;
    std::int32_t mean_ = 0;
    std::uint32_t stage_ = 0, pos_ = 0;
};

}  // namespace pith::inline v1::codec::detail
