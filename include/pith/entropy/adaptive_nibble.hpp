// Block coder: adaptive 16-symbol distributions per context in front of six interleaved rANS states.
// The construction is TurboANX's (Powzy): a forward pass adapts and notes intervals, a backward pass codes
// them. What differs: a state takes a byte, that is two symbols, per renormalisation of 32 bits, and the
// lanes of a round all read the models before any lane updates them, so that no lane waits for another one.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>
#include <vector>

#include <pith/core/bytes.hpp>
#include <pith/core/result.hpp>
#include <pith/core/table.hpp>
#include <pith/entropy/chunked.hpp>
#include <pith/entropy/concepts.hpp>
#include <pith/entropy/context.hpp>
#include <pith/entropy/model_adaptive_nibble.hpp>

namespace pith::inline v1::entropy {

namespace detail {

/// The rANS state of one lane: in [2^32, 2^64) between bytes, words of 32 bits, 16 bits per symbol. Inside a
/// byte it may fall to f1 f2, and a word then lifts it again above 2^32.
inline constexpr std::uint64_t smallest_state = std::uint64_t{1} << 32;

/// What the encoder notes for a byte: the high and the low nibble's intervals, see biased_interval.
struct noted_byte {
    std::uint16_t start[2];
    std::uint16_t size[2];
};

/// The state before the decoder takes the interval out of it. x < size 2^48.
[[nodiscard]] inline std::uint64_t pushed(std::uint64_t x, std::uint16_t start, std::uint16_t size) noexcept {
    return ((x / size) << 16) + static_cast<std::uint16_t>(x % size + start + 1);
}

/// The coder of one chunk, see chunked.hpp. Chunk: the number of words as a varint, the states, the words.
template <unsigned Order, nibble_rates Rates, nibble_kernel Kernel>
class nibble_chunks {
    static constexpr unsigned lanes = 6;
    using layout = lane_layout<Order, lanes>;
    using each_lane = std::make_index_sequence<lanes>;
    using contexts = std::array<byte_context<Order>, lanes>;
    using states = std::array<std::uint64_t, lanes>;

    /// Distributions of a context: of the high nibble, of the low one after each high one, and the edge.
    struct row {
        alignas(32) std::array<std::int16_t, 17 * 16 + 1> from;
        std::array<std::uint8_t, 17> age;

        [[nodiscard]] std::int16_t* high() noexcept { return from.data(); }
        /// Of the high nibble at `offset` in its row, that is twice the nibble.
        [[nodiscard]] std::int16_t* low(std::size_t offset) noexcept { return from.data() + 16 + 8 * offset; }
    };

  public:
    static constexpr std::size_t memory = byte_context<Order>::rows * sizeof(row) +
                                          chunk_size * (sizeof(noted_byte) + 1) +
                                          3 * sizeof(std::vector<noted_byte>);

    nibble_chunks()
        : rows_(table<row>::unset(byte_context<Order>::rows)), notes_(chunk_size), words_(chunk_size / 4) {}

    void reset() noexcept {
        row start;
        for (std::size_t d = 0; d < 17; ++d) set_equal_starts(&start.from[16 * d]);
        start.from.back() = row_edge;
        start.age.fill(youngest<Rates>);
        for (row& r : rows_) r = start;
    }

    /// False if the chunk does not fit.
    [[nodiscard]] bool encode(byte_view in, span_sink& out) noexcept {
        const layout where(in.size());
        note(in, where, each_lane{});
        // Coding order is that of the decoder: round by round, lane by lane, then the rest in the last lane.
        states x;
        x.fill(smallest_state);
        std::size_t first = words_.size();
        for (std::size_t i = in.size(); i-- > 0;) {
            const noted_byte& n = notes_[i];
            std::uint64_t& state = x[i < where.tail() ? i % lanes : lanes - 1];
            // Two symbols at once: the state after both is < 2^64 if and only if it is < f1 f2 2^32 before.
            if (state >> 32 >= std::uint64_t{n.size[0]} * n.size[1]) {
                if (first == 0) return false;
                words_[--first] = static_cast<std::uint32_t>(state);
                state >>= 32;
            }
            state = pushed(pushed(state, n.start[1], n.size[1]), n.start[0], n.size[0]);
        }
        put_varint(out, words_.size() - first);
        for (std::size_t j = where.rounds == 0 ? lanes - 1 : 0; j < lanes; ++j)
            put_le<std::uint64_t>(out, x[j]);
        for (; first < words_.size(); ++first) put_le<std::uint32_t>(out, words_[first]);
        return true;
    }

    [[nodiscard]] result<void> decode(byte_reader& in, byte_span out) noexcept {
        const layout where(out.size());
        const auto count = in.read_varint();
        if (!count) return count.error();
        if (*count > chunk_size / 4)
            return in.fail(error_code::bad_header, "a chunk is longer than its bytes");
        states x;
        x.fill(smallest_state);
        for (std::size_t j = where.rounds == 0 ? lanes - 1 : 0; j < lanes; ++j) {
            const auto got = in.read_le<std::uint64_t>();
            if (!got) return got.error();
            if (*got < smallest_state) return in.fail(error_code::bad_stream, "a state is out of its range");
            x[j] = *got;
        }
        const auto words = in.read_bytes(4 * *count);
        if (!words) return words.error();
        word_source source(*words);
        contexts histories{};
        decode_rounds(where, x, histories, source, out, each_lane{});
        decode_tail(where, x[lanes - 1], histories[lanes - 1], source, out);
        for (const std::uint64_t state : x)
            if (state != smallest_state)
                return in.fail(error_code::bad_stream, "a state does not end as it began");
        if (!source.exhausted())
            return in.fail(error_code::bad_stream, "the words do not end with the symbols");
        return {};
    }

  private:
    /// Words in order. `at` may be read for lanes() words whatever is left: past the end there are zeros, and
    /// the position runs on, which `exhausted` tells.
    class word_source {
      public:
        explicit word_source(byte_view in) noexcept : next_(in.data()), end_(in.data() + in.size()) {}

        /// Makes sure that a round's words can be read from the place that is returned.
        [[nodiscard]] const std::uint8_t* ready() noexcept {
            if (static_cast<std::size_t>(end_ - next_) < 4 * lanes) [[unlikely]]
                pad();
            return next_;
        }
        void advance_to(const std::uint8_t* p) noexcept { next_ = p; }
        [[nodiscard]] bool exhausted() const noexcept {
            return padding_ == static_cast<std::size_t>(end_ - next_);
        }

      private:
        /// Goes on in a copy that ends with zeros; what was read of the zeros is forgotten, `overrun_` keeps
        /// it.
        void pad() noexcept {
            const auto left = static_cast<std::size_t>(end_ - next_);
            std::array<std::uint8_t, 8 * lanes> copy{};
            if (left != 0) std::memcpy(copy.data(), next_, left);
            tail_ = copy;
            next_ = tail_.data();
            end_ = next_ + tail_.size();
            padding_ += tail_.size() - left;
        }
        const std::uint8_t* next_;
        const std::uint8_t* end_;
        std::array<std::uint8_t, 8 * lanes> tail_;
        std::size_t padding_ = 0;  // zeros appended; exactly these must be left
    };

    /// Adapts to a chunk and notes the interval of every symbol, as the decoder will see them.
    template <std::size_t... J>
    void note(byte_view in, const layout& where, std::index_sequence<J...>) noexcept {
        contexts histories{};
        for (std::size_t t = 0; t < where.rounds; ++t) {
            noted_byte* const notes = notes_.data() + t * lanes;
            const std::array<std::uint8_t, lanes> bytes{in[where.at(J, t)]...};
            const std::array<row*, lanes> at{&rows_[histories[J].row()]...};
            const std::array<std::size_t, lanes> high{high_of(bytes[J])...};
            (note_symbol(notes[J], 0, at[J]->high(), high[J]), ...);
            adapt_high_all(at, high, each_lane{});
            (note_symbol(notes[J], 1, at[J]->low(high[J]), low_of(bytes[J])), ...);
            (adapt_low(*at[J], high[J], low_of(bytes[J])), ...);
            (histories[J].push(bytes[J]), ...);
        }
        for (std::size_t i = where.tail(); i < in.size(); ++i) {
            row& r = rows_[histories[lanes - 1].row()];
            note_symbol(notes_[i], 0, r.high(), high_of(in[i]));
            note_symbol(notes_[i], 1, r.low(high_of(in[i])), low_of(in[i]));
            adapt_high(r, high_of(in[i]));
            adapt_low(r, high_of(in[i]), low_of(in[i]));
            histories[lanes - 1].push(in[i]);
        }
    }
    /// Offsets of a byte's nibbles in their rows.
    [[nodiscard]] static std::size_t high_of(std::uint8_t byte) noexcept { return (byte >> 4) * 2U; }
    [[nodiscard]] static std::size_t low_of(std::uint8_t byte) noexcept { return (byte & 15) * 2U; }
    [[nodiscard]] static std::uint8_t byte_of(std::size_t high, std::size_t low) noexcept {
        return static_cast<std::uint8_t>(8 * high + low / 2);
    }
    /// The same byte, and no vectors: a compiler that gathers the lanes' bytes for its vector units pays more
    /// than it gains.
    [[nodiscard, gnu::always_inline]] static std::uint8_t apart(std::uint8_t byte) noexcept {
        asm("" : "+r"(byte));
        return byte;
    }
    static void note_symbol(noted_byte& n, unsigned which, const std::int16_t* from,
                            std::size_t offset) noexcept {
        const interval i = biased_interval(from, offset);
        n.start[which] = static_cast<std::uint16_t>(i.start);
        n.size[which] = static_cast<std::uint16_t>(i.size);
    }
    [[gnu::always_inline]] static void adapt_high(row& r, std::size_t high) noexcept {
        learn<Rates, Kernel>(r.high(), r.age[0], high);
    }
    /// Lane after lane. Without contexts all have one distribution, which stays in a register.
    template <std::size_t... J>
    [[gnu::always_inline]] static void adapt_high_all(const std::array<row*, lanes>& at,
                                                      const std::array<std::size_t, lanes>& high,
                                                      std::index_sequence<J...>) noexcept {
        if constexpr (Order == 0 && Rates.start == 0) {
            auto from = Kernel::load(at[0]->high());
            ((from = Kernel::template moved<Rates.rate>(from, half_target(high[J]))), ...);
            Kernel::store(at[0]->high(), from);
        } else {
            (adapt_high(*at[J], high[J]), ...);
        }
    }
    [[gnu::always_inline]] static void adapt_low(row& r, std::size_t high, std::size_t low) noexcept {
        learn<Rates, Kernel>(r.low(high), r.age[1 + high / 2], low);
    }
    /// Takes a symbol out of the state; twice the symbol.
    [[nodiscard, gnu::always_inline]] static std::size_t take(std::uint64_t& x,
                                                              const std::int16_t* from) noexcept {
        const std::size_t offset = Kernel::find(from, x);
        x = Kernel::popped(x, from, offset);
        return offset;
    }

    // Not inlined: alone it fits the registers.
    template <std::size_t... J>
    [[gnu::noinline]] void decode_rounds(const layout where, states& shared, contexts& histories,
                                         word_source& source, byte_span out,
                                         std::index_sequence<J...>) noexcept {
        states x = shared;
        contexts local = histories;
        for (std::size_t t = 0; t < where.rounds; ++t) {
            const std::uint8_t* p = source.ready();
            const std::array<row*, lanes> at{&rows_[local[J].row()]...};
            std::array<std::size_t, lanes> high, low;
            ((high[J] = take(x[J], at[J]->high())), ...);
            adapt_high_all(at, high, each_lane{});
            ((low[J] = take(x[J], at[J]->low(high[J])), Kernel::renormalise(x[J], p)), ...);
            (adapt_low(*at[J], high[J], low[J]), ...);
            source.advance_to(p);
            const std::array<std::uint8_t, lanes> bytes{apart(byte_of(high[J], low[J]))...};
            ((out[where.at(J, t)] = bytes[J]), ...);
            (local[J].push(bytes[J]), ...);
        }
        shared = x;
        histories = local;
    }

    void decode_tail(const layout where, std::uint64_t& x, byte_context<Order>& history, word_source& source,
                     byte_span out) noexcept {
        for (std::size_t i = where.tail(); i < out.size(); ++i) {
            row& r = rows_[history.row()];
            const std::size_t high = take(x, r.high());
            const std::size_t low = take(x, r.low(high));
            const std::uint8_t* p = source.ready();
            Kernel::renormalise(x, p);
            source.advance_to(p);
            adapt_high(r, high);
            adapt_low(r, high, low);
            out[i] = byte_of(high, low);
            history.push(out[i]);
        }
    }

    table<row> rows_;
    std::vector<noted_byte> notes_;
    std::vector<std::uint32_t> words_;
};

}  // namespace detail

/// Adaptive nibble coding under the last Order bytes (0, 1 or 2). Lossless and exact on every machine.
/// Memory: 2.3 MB for encoding, and tables of 576 B, 147 KB or 9.4 MB.
template <unsigned Order, nibble_kernel Kernel = portable_nibbles,
          nibble_rates Rates = Order == 0 ? nibble_rates{7, 0} : nibble_rates{7, 2}>
requires(Order <= 2) class adaptive_nibble
    : public detail::chunked_coder<detail::nibble_chunks<Order, Rates, Kernel>> {
  public:
    static constexpr std::uint32_t recipe = 0x20 + Order;
    static constexpr const char* name = Order == 0   ? "adaptive_nibble_0"
                                        : Order == 1 ? "adaptive_nibble_1"
                                                     : "adaptive_nibble_2";
};

}  // namespace pith::inline v1::entropy
