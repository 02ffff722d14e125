// Integer codes of a matrix in an adaptive arithmetic coder, in the context of the magnitudes around them.
// What group scales store, the coder learns: the size of codes in the same row and in the same column so far.
// Codes of a trellis (vector/trellis.hpp) have models for each of its two quantizers.
#pragma once

#include <array>
#include <bit>
#include <concepts>
#include <cstdint>
#include <vector>

#include <pith/quant/index_coder.hpp>
#include <pith/vector/trellis.hpp>

namespace pith::inline v1::calibrate {

/// How codes stand for multiples of a step: the machine begins each column in state 0. A code k of a state
/// that is odd is 2 k - sign(k) half-steps and never 0, others are 2 k.
template <class M>
concept code_machine = requires(unsigned state) {
    { M::states } -> std::convertible_to<unsigned>;
    { M::odd(state) } -> std::same_as<bool>;
    { M::next[state][0] } -> std::convertible_to<unsigned>;
};

/// Every code is a number of steps.
struct independent_codes {
    static constexpr unsigned states = 1;
    static constexpr std::array<std::array<std::uint8_t, 2>, 1> next{{{0, 0}}};
    [[nodiscard]] static constexpr bool odd(unsigned) noexcept { return false; }
};

namespace detail {

/// Contexts of codes that come column after column: moving averages of |code| along the row and down the
/// column. Integers only, so that every decoder finds the same context.
class magnitude_context {
  public:
    explicit magnitude_context(std::size_t rows)
        : slow_(rows, start), fast_(rows, start), models_(levels * 6) {}

    void begin_column() noexcept { column_ = column_sum_ = 0; }
    [[nodiscard]] quant::index_model& at(std::size_t r, bool odd) noexcept {
        // The row's slow mean, moved towards its fast one, and corrected by how the column's codes compare
        // with what their rows promised.
        const std::uint64_t expected = std::uint64_t{3} * slow_[r] + fast_[r];  // <= 4 * 2^31
        const std::size_t level = level_of(expected >> 2);
        return models_[3 * (level + (odd ? levels : 0)) + relation()];
    }
    void learn(std::size_t r, std::int32_t half_steps) noexcept {
        const std::uint32_t size = static_cast<std::uint32_t>(half_steps < 0 ? -half_steps : half_steps);
        const std::uint32_t target = (size < 0x1'FFFE ? size : 0x1'FFFE) << (fraction - 1);
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
template <code_machine Machine = independent_codes, byte_sink Sink>
void encode_codes(std::span<const std::int32_t> codes, std::size_t rows, Sink& sink) {
    detail::magnitude_context context(rows);
    quant::index_encoder<Sink> encoder(sink);
    for (std::size_t first = 0; first < codes.size(); first += rows) {
        context.begin_column();
        unsigned state = 0;
        for (std::size_t r = 0; r < rows; ++r) {
            const std::int32_t code = codes[first + r];
            const bool odd = Machine::odd(state);
            encoder.put(context.at(r, odd), code);
            context.learn(r, vector::half_steps(code, odd));
            state = Machine::next[state][code & 1];
        }
    }
    encoder.finish();
}

/// Reads half_steps.size() codes that encode_codes wrote, as half-steps; `in` must end with them. Errors:
/// bad_stream, truncated or trailing_data where no encoder wrote this, as far as that shows. Exact.
template <code_machine Machine = independent_codes>
[[nodiscard]] result<void> decode_codes(byte_view in, std::size_t rows, std::span<std::int32_t> half_steps) {
    detail::magnitude_context context(rows);
    quant::index_decoder decoder(in);
    for (std::size_t first = 0; first < half_steps.size(); first += rows) {
        context.begin_column();
        unsigned state = 0;
        for (std::size_t r = 0; r < rows; ++r) {
            const bool odd = Machine::odd(state);
            const auto code = decoder.get(context.at(r, odd));
            if (!code) return code.error();
            if (odd && *code == 0) return error{error_code::bad_stream, 0, "a code that no encoder writes"};
            half_steps[first + r] = vector::half_steps(*code, odd);
            context.learn(r, half_steps[first + r]);
            state = Machine::next[state][*code & 1];
        }
    }
    return decoder.finish();
}

}  // namespace pith::inline v1::calibrate
