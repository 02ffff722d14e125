// Entropy coding of a matrix of quantizer indices, a row a token, a column a coordinate of known spread:
// adaptive distributions of 16 symbols, chosen by expected sizes, in front of interleaved rANS.
// Rows are dealt to one, two or four lanes that share the distributions, so that one lane's work hides what
// another waits for; the construction of entropy/adaptive_nibble.hpp with other contexts.
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include <pith/core/bits.hpp>
#include <pith/core/bytes.hpp>
#include <pith/core/result.hpp>
#include <pith/entropy/model_adaptive_nibble.hpp>
#include <pith/kv/index_contexts.hpp>
#include <pith/simd/nibble.hpp>
#include <pith/vector/entropy_coded_trellis.hpp>

namespace pith::inline v1::kv {

/// The state machine of a plain uniform quantizer: index k stands for 2 k half-steps.
struct no_trellis {
    static constexpr std::array<std::array<std::uint8_t, 2>, 1> next{{{0, 0}}};
    [[nodiscard]] static constexpr bool odd(unsigned) noexcept { return false; }
};

namespace detail {

#if !defined(PITH_NO_SIMD) && defined(__AVX2__)
using index_kernel = simd::nibbles<>;
#else
using index_kernel = entropy::portable_nibbles;
#endif

inline constexpr std::uint64_t first_state = std::uint64_t{1} << 32;

/// 1, 2 or 4: a lane costs four bytes in the mean.
[[nodiscard]] constexpr unsigned index_lanes(std::size_t values) noexcept {
    return values < 16384 ? 1 : values < 131072 ? 2 : 4;
}

/// The rows of each lane: equal numbers in order, and what is left over goes to the last one.
template <unsigned Lanes, class Step, class Row>
inline bool for_each_index(std::size_t rows, std::size_t columns, Step&& step, Row&& row_begins) {
    const std::size_t each = rows / Lanes;
    for (std::size_t r = 0; r < each; ++r) {
        if (!row_begins(false)) return false;
        for (std::size_t c = 0; c < columns; ++c)
#pragma GCC unroll 4
            for (unsigned lane = 0; lane < Lanes; ++lane) step(lane, lane * each + r, c);
    }
    for (std::size_t r = Lanes * each; r < rows; ++r) {
        if (!row_begins(true)) return false;
        for (std::size_t c = 0; c < columns; ++c) step(Lanes - 1, r, c);
    }
    return true;
}

/// The expected sizes of all lanes, a column's together.
template <unsigned Lanes>
[[nodiscard]] inline std::vector<std::uint32_t> spread_of_lanes(std::span<const std::uint32_t> expected) {
    std::vector<std::uint32_t> all;
    all.reserve(expected.size() * Lanes);
    for (const std::uint32_t e : expected) all.insert(all.end(), Lanes, e);
    return all;
}

template <class Machine, unsigned Lanes>
class index_writer {
    struct noted {
        std::uint16_t start, size;
    };

  public:
    index_writer(std::size_t rows, std::span<const std::uint32_t> expected)
        : rows_(rows), columns_(expected.size()), expected_(spread_of_lanes<Lanes>(expected)) {
        notes_.reserve(rows * columns_);
    }
    void write(std::span<const std::int32_t> indices, std::vector<std::uint8_t>& out) {
        std::array<lane_history, Lanes> history;
        std::array<unsigned, Lanes> state{};
        vector_sink plain_sink(plain_);
        bit_writer plain(plain_sink);
        for_each_index<Lanes>(
            rows_, columns_,
            [&](unsigned lane, std::size_t r, std::size_t c) {
                const std::int32_t k = indices[r * columns_ + c];
                note(history[lane], expected_[c * Lanes + lane], k, Machine::odd(state[lane]), plain);
                state[lane] = Machine::next[state[lane]][static_cast<std::uint32_t>(k) & 1];
            },
            [&](bool) {
                for (lane_history& h : history) h.start_row();
                state = {};
                return true;
            });
        plain.finish();
        append(out);
    }

  private:
    template <class Plain>
    void note(lane_history& history, std::uint32_t& expected, std::int32_t k, bool odd, Plain& plain) {
        const std::uint32_t kind = size_class(expected), down = plain_bits(kind);
        const std::uint32_t context = history.context(kind, odd);
        const std::int32_t half = down == 0 ? 0 : std::int32_t{1} << (down - 1);
        const std::int32_t coarse = (k + half) >> down;
        const std::uint32_t size = static_cast<std::uint32_t>(coarse < 0 ? -coarse : coarse);
        const bool far = size > 7;
        const std::size_t offset =
            2 * (far ? escape_symbol : static_cast<std::uint32_t>(coarse + middle_symbol));
        const entropy::interval i = entropy::detail::biased_interval(distributions_.row(context), offset);
        notes_.push_back({static_cast<std::uint16_t>(i.start), static_cast<std::uint16_t>(i.size)});
        distributions_.learn<index_kernel>(context, offset);
        if (far) {  // Elias gamma of size - 7 and the sign
            const std::uint32_t rest = size - 7;
            const auto bits = static_cast<unsigned>(std::bit_width(rest));
            plain.put(0, bits - 1);
            plain.put(1, 1);
            plain.put(rest - (1U << (bits - 1)), bits - 1);
            plain.put(coarse < 0, 1);
        }
        if (down != 0) plain.put(static_cast<std::uint32_t>(k + half) & ((1U << down) - 1), down);
        history.template learn<4>(expected, static_cast<std::uint32_t>(k < 0 ? -k : k));
    }
    /// Codes what was noted backwards, then writes: bytes of plain bits, states, words, plain bits.
    void append(std::vector<std::uint8_t>& out) const {
        std::array<std::uint64_t, Lanes> x;
        x.fill(first_state);
        std::vector<std::uint32_t> words;
        const std::size_t dealt = rows_ / Lanes * Lanes * columns_;
        for (std::size_t i = notes_.size(); i-- > 0;) {
            std::uint64_t& state = x[i < dealt ? i % Lanes : Lanes - 1];
            const noted n = notes_[i];
            if (state >> 48 >= n.size) {  // pushed, it would not stay below 2^64
                words.push_back(static_cast<std::uint32_t>(state));
                state >>= 32;
            }
            state = ((state / n.size) << 16) + static_cast<std::uint16_t>(state % n.size + n.start + 1);
        }
        vector_sink sink(out);
        put_varint(sink, plain_.size());
        for (const std::uint64_t state : x) put_le<std::uint64_t>(sink, state);
        for (std::size_t i = words.size(); i-- > 0;) put_le<std::uint32_t>(sink, words[i]);
        sink.append(plain_);
    }

    std::size_t rows_, columns_;
    std::vector<std::uint32_t> expected_;
    std::vector<noted> notes_;
    std::vector<std::uint8_t> plain_;
    index_distributions distributions_;
};

template <class Machine, unsigned Lanes>
class index_reader {
  public:
    index_reader(std::size_t rows, std::span<const std::uint32_t> expected)
        : rows_(rows), columns_(expected.size()), expected_(spread_of_lanes<Lanes>(expected)) {}

    [[nodiscard]] result<void> read(byte_view in, std::span<std::int32_t> half_steps) {
        byte_reader reader(in);
        const auto plain_size = reader.read_varint();
        if (!plain_size) return plain_size.error();
        for (std::uint64_t& x : x_) {
            const auto state = reader.read_le<std::uint64_t>();
            if (!state) return state.error();
            if (*state < first_state)
                return reader.fail(error_code::bad_stream, "a state is out of its range");
            x = *state;
        }
        if (*plain_size > reader.remaining())
            return reader.fail(error_code::truncated, "the input ends inside a field");
        plain_size_ = static_cast<std::size_t>(*plain_size);
        if ((reader.remaining() - plain_size_) % 4 != 0)
            return reader.fail(error_code::bad_stream, "a word is not whole");
        const byte_view words = *reader.read_bytes(reader.remaining() - plain_size_);
        const auto plain = reader.read_bytes(plain_size_);
        return read_rows(words, bit_reader(*plain), half_steps);
    }

  private:
    [[nodiscard]] result<void> read_rows(byte_view words, bit_reader plain,
                                         std::span<std::int32_t> half_steps) {
        // A row of all lanes takes a word an index at most: so much may be read beyond the end before it is
        // told.
        std::vector<std::uint8_t> padded(words.size() + 4 * Lanes * columns_ + 4);
        if (!words.empty()) std::memcpy(padded.data(), words.data(), words.size());
        const std::uint8_t* at = padded.data();
        const std::uint8_t* const end = at + words.size();
        std::array<std::uint64_t, Lanes> x = x_;
        std::array<lane_history, Lanes> history;
        std::array<unsigned, Lanes> state{};
        std::uint32_t largest = 0;
        const bool whole = for_each_index<Lanes>(
            rows_, columns_,
            [&](unsigned lane, std::size_t r, std::size_t c) {
                const bool odd = Machine::odd(state[lane]);
                const std::int32_t k =
                    next(x[lane], at, history[lane], expected_[c * Lanes + lane], odd, plain, largest);
                state[lane] = Machine::next[state[lane]][static_cast<std::uint32_t>(k) & 1];
                half_steps[r * columns_ + c] = 2 * k - (odd ? (k > 0) - (k < 0) : 0);
            },
            [&](bool) {
                for (lane_history& h : history) h.start_row();
                state = {};
                return at <= end && !plain.overrun() && largest <= static_cast<std::uint32_t>(max_index);
            });
        return finish(
            whole && at <= end && !plain.overrun() && largest <= static_cast<std::uint32_t>(max_index),
            at == end, x, plain);
    }
    [[nodiscard, gnu::always_inline]] std::int32_t next(std::uint64_t& x, const std::uint8_t*& at,
                                                        lane_history& history, std::uint32_t& expected,
                                                        bool odd, bit_reader& plain,
                                                        std::uint32_t& largest) noexcept {
        const std::uint32_t kind = size_class(expected);
        const std::uint32_t context = history.context(kind, odd);
        const std::int16_t* const row = distributions_.row(context);
        const std::size_t offset = index_kernel::find(row, x);
        x = index_kernel::popped(x, row, offset);
        index_kernel::renormalise(x, at);
        distributions_.learn<index_kernel>(context, offset);
        std::int32_t k = static_cast<std::int32_t>(offset / 2) - middle_symbol;
        const std::uint32_t down = plain_bits(kind);
        if (down != 0 || offset == 2 * escape_symbol) [[unlikely]]
            k = with_plain_bits(k, down, plain);
        std::uint32_t size = static_cast<std::uint32_t>(k < 0 ? -k : k);
        largest = size > largest ? size : largest;
        history.template learn<4>(expected, size & static_cast<std::uint32_t>(max_index));
        return k;
    }
    /// Sizes stay below 2^30: a gamma code of more than 21 bits, or a shift beyond the escape, is cut to
    /// max_index + 1.
    [[nodiscard]] static std::int32_t with_plain_bits(std::int32_t coarse, std::uint32_t down,
                                                      bit_reader& plain) noexcept {
        if (coarse == static_cast<std::int32_t>(escape_symbol) - middle_symbol) {
            unsigned bits = 0;
            while (bits < 21 && plain.get(1) == 0) ++bits;
            const auto rest =
                static_cast<std::int32_t>((1U << bits) | static_cast<std::uint32_t>(plain.get(bits)));
            const bool negative = plain.get(1) != 0;
            if (bits + down > 21) return max_index + 1;
            coarse = negative ? -(rest + 7) : rest + 7;
        }
        if (down == 0) return coarse;
        const auto low = static_cast<std::int32_t>(plain.get(down));
        return coarse * (std::int32_t{1} << down) + low - (std::int32_t{1} << (down - 1));
    }
    [[nodiscard]] result<void> finish(bool whole, bool exhausted, const std::array<std::uint64_t, Lanes>& x,
                                      const bit_reader& plain) const noexcept {
        if (!whole) return error{error_code::bad_stream, 0, "the indices end before the matrix is full"};
        for (const std::uint64_t state : x)
            if (state != first_state)
                return error{error_code::bad_stream, 0, "a state does not end as it began"};
        if (!exhausted || !plain.padding_is_zero() || plain.byte_position() != plain_size_)
            return error{error_code::bad_stream, 0, "the words do not end with the indices"};
        return {};
    }

    std::size_t rows_, columns_;
    std::vector<std::uint32_t> expected_;
    std::array<std::uint64_t, Lanes> x_{};
    std::size_t plain_size_ = 0;
    index_distributions distributions_;
};

/// Calls f with the number of lanes as a constant.
template <class F>
inline auto with_lanes(std::size_t values, F&& f) {
    switch (index_lanes(values)) {
        case 1:
            return f(std::integral_constant<unsigned, 1>{});
        case 2:
            return f(std::integral_constant<unsigned, 2>{});
        default:
            return f(std::integral_constant<unsigned, 4>{});
    }
}

}  // namespace detail

/// Appends the code of a row-major matrix of indices; expected[c], in 2^-10 of an index, is the size that
/// column c is expected to have. Preconditions: indices.size() is a multiple of expected.size(), |index| <=
/// max_index, expected[c] < 2^30. Exact: the same bytes on every machine.
template <class Machine>
inline void write_indices(std::span<const std::int32_t> indices, std::span<const std::uint32_t> expected,
                          std::vector<std::uint8_t>& out) {
    const std::size_t rows = expected.empty() ? 0 : indices.size() / expected.size();
    PITH_ASSERT(rows * expected.size() == indices.size());
    detail::with_lanes(indices.size(), [&](auto lanes) {
        detail::index_writer<Machine, lanes()>(rows, expected).write(indices, out);
    });
}
/// Reads them again, as numbers of half-steps. Memory: about the size of `in` and 160 KB. Exact.
template <class Machine>
[[nodiscard]] inline result<void> read_indices(byte_view in, std::span<const std::uint32_t> expected,
                                               std::span<std::int32_t> half_steps) {
    const std::size_t rows = expected.empty() ? 0 : half_steps.size() / expected.size();
    PITH_ASSERT(rows * expected.size() == half_steps.size());
    return detail::with_lanes(half_steps.size(), [&](auto lanes) {
        return detail::index_reader<Machine, lanes()>(rows, expected).read(in, half_steps);
    });
}

/// Codes matrices of indices, as write_indices and read_indices do.
template <class C>
concept index_coder = requires(std::span<const std::int32_t> indices, std::span<const std::uint32_t> expected,
                               std::vector<std::uint8_t>& out, byte_view in, std::span<std::int32_t> to) {
    C::template write<no_trellis>(indices, expected, out);
    { C::template read<no_trellis>(in, expected, to) } -> std::same_as<result<void>>;
};

/// The fast index_coder.
struct adaptive_indices {
    static constexpr const char* codec_name = "transform_coded";

    template <class Machine>
    static void write(std::span<const std::int32_t> indices, std::span<const std::uint32_t> expected,
                      std::vector<std::uint8_t>& out) {
        write_indices<Machine>(indices, expected, out);
    }
    template <class Machine>
    [[nodiscard]] static result<void> read(byte_view in, std::span<const std::uint32_t> expected,
                                           std::span<std::int32_t> half_steps) {
        return read_indices<Machine>(in, expected, half_steps);
    }
};
static_assert(index_coder<adaptive_indices>);

}  // namespace pith::inline v1::kv
