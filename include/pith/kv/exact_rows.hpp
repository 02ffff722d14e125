// Rows of tokens kept as half floats, and beside them the floats as attention takes them.
// Only the half floats are the cache; the others are made from them again at will.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <pith/core/assert.hpp>
#include <pith/core/number.hpp>
#include <pith/core/view.hpp>
#include <pith/kv/bytes.hpp>
#include <pith/simd/convert.hpp>

namespace pith::inline v1::kv {

class exact_rows {
  public:
    explicit exact_rows(std::size_t channels) : channels_(channels) {}

    [[nodiscard]] std::size_t channels() const noexcept { return channels_; }
    [[nodiscard]] std::size_t rows() const noexcept { return stored_.size() / channels_; }
    /// The half floats of some rows.
    [[nodiscard]] std::span<const std::uint16_t> stored(std::size_t first, std::size_t count) const noexcept {
        return std::span(stored_).subspan(first * channels_, count * channels_);
    }
    /// Some rows as attention takes them: as stored, unless the owner turned them.
    [[nodiscard]] view_2d<const float> ready(std::size_t first, std::size_t count) const noexcept {
        return {std::span(ready_).subspan(first * channels_, count * channels_), count, channels_};
    }
    [[nodiscard]] std::span<float> ready_row(std::size_t row) noexcept {
        return std::span(ready_).subspan(row * channels_, channels_);
    }
    /// Some rows as stored. Precondition: out.size() == count * channels().
    void read(std::size_t first, std::size_t count, std::span<float> out) const noexcept {
        simd::half_to_float(stored(first, count), out);
    }
    /// Makes `ready` what is stored.
    void refresh(std::size_t first, std::size_t count) noexcept {
        read(first, count, std::span(ready_).subspan(first * channels_, count * channels_));
    }
    /// Appends rows of zeros.
    void extend(std::size_t count) {
        stored_.resize(stored_.size() + count * channels_);
        ready_.resize(stored_.size());
    }
    void append(std::span<const std::uint16_t> rows) {
        PITH_ASSERT(rows.size() % channels_ == 0);
        const std::size_t first = this->rows();
        stored_.insert(stored_.end(), rows.begin(), rows.end());
        ready_.resize(stored_.size());
        refresh(first, this->rows() - first);
    }
    /// Writes finite values, rounded to half floats, from a column of a row on.
    void set(std::size_t row, std::size_t column, strided_span<const float> values) noexcept {
        const std::size_t at = row * channels_ + column;
        for (std::size_t i = 0; i < values.size(); ++i) {
            const half h = nearest_half(values[i]);
            stored_[at + i] = h.bits;
            ready_[at + i] = static_cast<float>(h);
        }
    }
    void erase(std::size_t first, std::size_t count) {
        const auto cut = [&](auto& rows) {
            const auto from = rows.begin() + static_cast<std::ptrdiff_t>(first * channels_);
            rows.erase(from, from + static_cast<std::ptrdiff_t>(count * channels_));
        };
        cut(stored_);
        cut(ready_);
    }
    /// Of `count` rows from `first` on, leaves those at these ascending offsets.
    void keep(std::size_t first, std::size_t count, std::span<const std::uint32_t> kept) {
        for (std::size_t i = 0; i < kept.size(); ++i) {
            PITH_ASSERT(kept[i] < count && (i == 0 || kept[i] > kept[i - 1]));
            const std::size_t from = (first + kept[i]) * channels_, to = (first + i) * channels_;
            if (from == to) continue;
            std::copy_n(stored_.data() + from, channels_, stored_.data() + to);  // to < from: downwards
            std::copy_n(ready_.data() + from, channels_, ready_.data() + to);
        }
        erase(first + kept.size(), count - kept.size());
    }

  private:
    std::size_t channels_;
    std::vector<std::uint16_t> stored_;
    std::vector<float> ready_;
};

}  // namespace pith::inline v1::kv
