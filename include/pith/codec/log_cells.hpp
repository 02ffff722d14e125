// The words of a log's columns read back from their streams: the decoder's half of log_columns.hpp.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include <pith/codec/log_columns.hpp>
#include <pith/core/bits.hpp>
#include <pith/core/bytes.hpp>
#include <pith/core/table.hpp>

namespace pith::inline v1::codec {

/// Words of up to `most` cells, whose bytes together are at most `room`. All functions that read are false
/// for what no encoder writes.
class log_cells {
    struct cell {
        std::uint32_t at;
        std::uint32_t size;
    };

  public:
    explicit log_cells(std::size_t most, std::size_t room)
        : cells_(table<cell>::unset(most)),
          numbers_(table<std::uint64_t>::unset(most)),
          places_(table<std::uint32_t>::unset(most_log_cells)),
          list_(table<cell>::unset(most_log_cells)),
          bytes_(table<std::uint8_t>::unset(room)) {}
    [[nodiscard]] static constexpr std::size_t memory(std::size_t most, std::size_t room) noexcept {
        return most * (sizeof(cell) + 8) + most_log_cells * (4 + sizeof(cell)) + room;
    }

    void reset(std::span<byte_reader, detail::log_streams> from) noexcept {
        from_ = from.data();
        cells_count_ = used_ = known_ = 0;
    }
    /// Appends the cells of a column of count >= 1 words.
    [[nodiscard]] bool get(std::size_t count) noexcept {
        if (count > most_log_cells || cells_.size() - cells_count_ < count) return false;
        const std::size_t first = cells_count_;
        const auto form = from_[detail::log_heads].read_le<std::uint8_t>();
        if (!form || *form > 3) return false;
        std::size_t distinct = count;
        if (*form >= 2 && !get_indexes(count, distinct)) return false;
        if (!(*form == 0 ? get_texts(distinct) : *form == 2 ? get_list(distinct) : get_fields(distinct)))
            return false;
        if (*form < 2) return true;
        // From the last to the first: place i reads a cell at or below itself, which is still the original,
        // because the index of a place is at most the place.
        for (std::size_t i = count; i-- > 0;) cells_[first + i] = cells_[first + places_[i]];
        cells_count_ = first + count;
        return true;
    }
    [[nodiscard]] byte_view text(std::size_t number) const noexcept {
        return {bytes_.data() + cells_[number].at, cells_[number].size};
    }
    [[nodiscard]] std::size_t size() const noexcept { return cells_count_; }

  private:
    /// f(i, value) for each of `count` numbers below `end`.
    template <class F>
    [[nodiscard]] bool get_numbers(std::size_t count, bool differences, std::uint64_t end, F&& f) noexcept {
        std::uint64_t before = 0;
        for (std::size_t i = 0; i < count; ++i) {
            std::uint64_t v = 0;
            if (!detail::get_log_number(from_[detail::log_heads], from_[detail::log_tails], v)) return false;
            if (differences) v = before + static_cast<std::uint64_t>(unzigzag(v));
            if (v >= end || !f(i, v)) return false;
            before = v;
        }
        return true;
    }
    [[nodiscard]] bool get_indexes(std::size_t count, std::size_t& distinct) noexcept {
        const auto form = from_[detail::log_heads].read_le<std::uint8_t>();
        if (!form || *form > 1) return false;
        distinct = 0;
        return get_numbers(count, *form == 1, count, [&](std::size_t i, std::uint64_t v) {
            if (v > distinct) return false;
            distinct += v == distinct ? 1U : 0U;
            places_[i] = static_cast<std::uint32_t>(v);
            return true;
        });
    }
    /// The bytes before the next end of a text, without it.
    [[nodiscard]] static bool get_text(byte_reader& from, byte_view& text) noexcept {
        const byte_view rest = from.rest();
        const void* end = rest.empty() ? nullptr : std::memchr(rest.data(), '\n', rest.size());
        if (end == nullptr) return false;
        text = rest.first(static_cast<std::size_t>(static_cast<const std::uint8_t*>(end) - rest.data()));
        return from.read_bytes(text.size() + 1).has_value();
    }
    [[nodiscard]] bool append(byte_view text) noexcept {
        if (bytes_.size() - used_ < text.size()) return false;
        if (!text.empty()) std::memcpy(bytes_.data() + used_, text.data(), text.size());
        used_ += text.size();
        return true;
    }
    [[nodiscard]] bool append_number(std::uint64_t v, std::size_t width) noexcept {
        std::uint8_t digits[20];
        std::size_t n = 0;
        do digits[n++] = static_cast<std::uint8_t>('0' + v % 10);
        while ((v /= 10) != 0);
        if (width != 0 && n > width) return false;
        while (n < width) digits[n++] = '0';  // width <= 18
        if (bytes_.size() - used_ < n) return false;
        while (n > 0) bytes_[used_++] = digits[--n];
        return true;
    }
    void close_cell(std::size_t start) noexcept {
        cells_[cells_count_++] = {static_cast<std::uint32_t>(start),
                                  static_cast<std::uint32_t>(used_ - start)};
    }

    [[nodiscard]] bool get_texts(std::size_t count) noexcept {
        for (std::size_t i = 0; i < count; ++i) {
            byte_view text;
            const std::size_t start = used_;
            if (!get_text(from_[detail::log_texts], text) || text.empty() || !append(text)) return false;
            close_cell(start);
        }
        return true;
    }
    [[nodiscard]] bool get_list(std::size_t count) noexcept {
        std::uint64_t expected = 0;
        for (std::size_t i = 0; i < count; ++i) {
            std::uint64_t step = 0;
            if (!detail::get_log_number(from_[detail::log_heads], from_[detail::log_tails], step))
                return false;
            if (step == 0) {
                if (known_ == list_.size() || !get_texts(1)) return false;
                expected = known_;
                list_[known_++] = cells_[cells_count_ - 1];
            } else {
                expected += static_cast<std::uint64_t>(unzigzag(step - 1));
                if (expected >= known_) return false;
                cells_[cells_count_++] = list_[static_cast<std::size_t>(expected)];
            }
            ++expected;
        }
        return true;
    }
    [[nodiscard]] bool get_fields(std::size_t count) noexcept {
        byte_view shape;
        if (!get_text(from_[detail::log_shapes], shape)) return false;
        std::size_t fields = 0;
        for (const std::uint8_t b : shape) {
            fields += b == 0 ? 1U : 0U;
            if (detail::is_log_digit(b)) return false;
        }
        if (fields == 0 || fields > most_log_fields || fields > numbers_.size() / count) return false;
        std::array<std::size_t, most_log_fields> width{};
        for (std::size_t f = 0; f < fields; ++f) {
            const auto form = from_[detail::log_heads].read_le<std::uint8_t>();
            if (!form || *form / 2 > detail::log_digits) return false;
            width[f] = *form / 2;
            if (!get_numbers(count, (*form & 1) != 0, detail::log_value_end,
                             [&](std::size_t i, std::uint64_t v) {
                                 numbers_[i * fields + f] = v;
                                 return true;
                             }))
                return false;
        }
        for (std::size_t i = 0; i < count; ++i) {
            const std::size_t start = used_;
            std::size_t at = 0;
            for (std::size_t f = 0; f < fields; ++f) {
                const std::size_t zero = at + zero_of(shape.subspan(at));
                if (!append(shape.subspan(at, zero - at)) ||
                    !append_number(numbers_[i * fields + f], width[f]))
                    return false;
                at = zero + 1;
            }
            if (!append(shape.subspan(at))) return false;
            close_cell(start);
        }
        return true;
    }
    [[nodiscard]] static std::size_t zero_of(byte_view shape) noexcept {
        std::size_t at = 0;
        while (shape[at] != 0) ++at;
        return at;
    }

    byte_reader* from_ = nullptr;
    std::size_t cells_count_ = 0;
    std::size_t used_ = 0;
    std::size_t known_ = 0;  // words of the list
    table<cell> cells_;
    table<std::uint64_t> numbers_;
    table<std::uint32_t> places_;
    table<cell> list_;
    table<std::uint8_t> bytes_;
};

}  // namespace pith::inline v1::codec
