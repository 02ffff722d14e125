// Integer codes of a matrix in an adaptive arithmetic coder, in the context of the magnitudes around them.
// What group scales store, the coder learns: the size of codes in the same row and in the same column so far.
#pragma once

#include <bit>
#include <cstdint>
#include <vector>

#include <pith/quant/index_coder.hpp>

namespace pith::inline v1::calibrate {

namespace detail {

/// Contexts of codes that come column after column: moving averages of |code| along the row and down the
/// column. Integers only, so that every decoder finds the same context.
class magnitude_context {
  public:
    explicit magnitude_context(std::size_t rows)
        : slow_(rows, start), fast_(rows, start), models_(levels * 3) {}

    void begin_column() noexcept { column_ = column_sum_ = 0; }
    [[nodiscard]] quant::index_model& at(std::size_t r) noexcept {
        // The row's slow mean, moved towards its fast one, and corrected by how the column's codes compare
        // with what their rows promised.
        const std::uint64_t expected = std::uint64_t{3} * slow_[r] + fast_[r];  // <= 4 * 2^31
        const std::size_t level = level_of(expected >> 2);
        return models_[3 * level + relation()];
    }
    void learn(std::size_t r, std::int32_t code) noexcept {
        const std::uint32_t size = static_cast<std::uint32_t>(code < 0 ? -code : code);
        const std::uint32_t target = (size < 0xFFFF ? size : 0xFFFF) << fraction;
        column_ += target >> 4;
        column_sum_ += slow_[r] >> 4;
        step(slow_[r], target, 5);
        step(fast_[r], target, 2);
    }

  private:
    static constexpr unsigned fraction = 12;
    static constexpr std::uint32_t start = 1U << fraction;
    static constexpr std::size_t levels = 64;

    static void step(std::uint32_t& mean, std::uint32_t target, unsigned rate) noexcept {
        mean = target > mean ? mean + ((target - mean) >> rate) : mean - ((mean - target) >> rate);
    }
    /// Four levels an octave.
    static std::size_t level_of(std::uint64_t mean) noexcept {
        const std::uint64_t v = mean + 64;  // >= 2^6
        const unsigned octave = static_cast<unsigned>(std::bit_width(v)) - 1;
        const std::size_t level = (octave - 6) * 4 + static_cast<std::size_t>(v >> (octave - 2) & 3);
        return level < levels ? level : levels - 1;
    }
    [[nodiscard]] std::size_t relation() const noexcept {
        if (column_ * 8 < column_sum_ * 7) return 0;
        return column_ * 7 > column_sum_ * 8 ? 2 : 1;
    }

    std::vector<std::uint32_t> slow_, fast_;
    std::vector<quant::index_model> models_;
    std::uint64_t column_ = 0, column_sum_ = 0;
};

}  // namespace detail

/// Appends the codes, `rows` to a column, to `sink`. Precondition: |code| <= quant::max_index. Exact.
template <byte_sink Sink>
void encode_codes(std::span<const std::int32_t> codes, std::size_t rows, Sink& sink) {
    detail::magnitude_context context(rows);
    quant::index_encoder<Sink> encoder(sink);
    for (std::size_t first = 0; first < codes.size(); first += rows) {
        context.begin_column();
        for (std::size_t r = 0; r < rows; ++r) {
            encoder.put(context.at(r), codes[first + r]);
            context.learn(r, codes[first + r]);
        }
    }
    encoder.finish();
}

/// Reads codes.size() codes that encode_codes wrote; `in` must end with them. Errors: bad_stream, truncated
/// or trailing_data where no encoder wrote this, as far as that shows. Exact.
[[nodiscard]] inline result<void> decode_codes(byte_view in, std::size_t rows,
                                               std::span<std::int32_t> codes) {
    detail::magnitude_context context(rows);
    quant::index_decoder decoder(in);
    for (std::size_t first = 0; first < codes.size(); first += rows) {
        context.begin_column();
        for (std::size_t r = 0; r < rows; ++r) {
            const auto code = decoder.get(context.at(r));
            if (!code) return code.error();
            codes[first + r] = *code;
            context.learn(r, *code);
        }
    }
    return decoder.finish();
}

}  // namespace pith::inline v1::calibrate
