// Block coder: adaptive 16-symbol distributions per context in front of eight interleaved rANS states.
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
#include <pith/entropy/chunked.hpp>
#include <pith/entropy/concepts.hpp>
#include <pith/entropy/context.hpp>
#include <pith/entropy/model_adaptive_nibble.hpp>

namespace pith::inline v1::entropy {

namespace detail {

/// The rANS state of one lane: in [2^32, 2^64) between bytes, words of 32 bits, 15 bits per symbol. Inside a
/// byte it may fall to f1 f2 2^2, and a word then lifts it again above 2^32.
inline constexpr std::uint64_t smallest_state = std::uint64_t{1} << 32;

/// What the encoder notes for a byte: start and size of the high and of the low nibble.
struct noted_byte {
    std::uint16_t start[2];
    std::uint16_t size[2];
};

/// The state before the decoder takes `i` out of it. x < size 2^49.
[[nodiscard]] inline std::uint64_t pushed(std::uint64_t x, std::uint16_t start, std::uint16_t size) noexcept {
    return ((x / size) << 15) + x % size + start;
}
/// The state after interval `i`, which holds the state's low 15 bits, is taken out.
[[nodiscard, gnu::always_inline]] inline std::uint64_t popped(std::uint64_t x, interval i) noexcept {
    return std::uint64_t{i.size} * (x >> 15) + ((x & 0x7FFF) - i.start);
}

/// The coder of one chunk, see chunked.hpp. Chunk: the number of words as a varint, the states, the words.
template <unsigned Order, nibble_rates Rates, nibble_kernel Kernel>
class nibble_chunks {
    static constexpr unsigned lanes = 8;
    using layout = lane_layout<Order, lanes>;
    using each_lane = std::make_index_sequence<lanes>;
    using contexts = std::array<byte_context<Order>, lanes>;
    using states = std::array<std::uint64_t, lanes>;
    using vector = typename Kernel::vector;

    /// Distributions of a context: of the high nibble, and of the low one after each high one.
    struct row {
        starts16 high;
        std::array<starts16, 16> low;
        std::array<std::uint8_t, 17> age;  // of each low one, then of the high one
    };

  public:
    static constexpr std::size_t memory = byte_context<Order>::rows * sizeof(row) +
                                          chunk_size * (sizeof(noted_byte) + 1) +
                                          3 * sizeof(std::vector<row>);

    nibble_chunks() : rows_(byte_context<Order>::rows), notes_(chunk_size), words_(chunk_size / 4) {}

    void reset() noexcept {
        row start;
        start.high = equal_starts();
        start.low.fill(start.high);
        start.age.fill(youngest<Rates>);
        for (row& r : rows_) r = start;
    }

    /// False if the chunk does not fit.
    [[nodiscard]] bool encode(byte_view in, span_sink& out) noexcept {
        const layout where(in.size());
        note(in, where);
        // Coding order is that of the decoder: round by round, lane by lane, then the rest in the last lane.
        states x;
        x.fill(smallest_state);
        std::size_t first = words_.size();
        for (std::size_t i = in.size(); i-- > 0;) {
            const noted_byte& n = notes_[i];
            std::uint64_t& state = x[i < where.tail() ? i % lanes : lanes - 1];
            // Two symbols at once: the state after both is < 2^64 if and only if it is < f1 f2 2^34 before.
            if (state >> 34 >= std::uint64_t{n.size[0]} * n.size[1]) {
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

    /// Takes 32 bits when the state is below its range. Branch-free: the words are where they are either way.
    [[gnu::always_inline]] static void renormalise(std::uint64_t& x, const std::uint8_t*& p) noexcept {
        const std::uint64_t low = std::uint64_t{0} - std::uint64_t{x < smallest_state};
        x = x << (low & 32) | (low & load_le<std::uint32_t>(p));
        p += low & 4;
    }

    /// Adapts to a chunk and notes the interval of every symbol, as the decoder will see them.
    void note(byte_view in, const layout& where) noexcept {
        contexts histories{};
        for (std::size_t t = 0; t < where.rounds; ++t) {
            std::array<row*, lanes> at;
            std::array<std::uint8_t, lanes> bytes;
            noted_byte* const notes = notes_.data() + t * lanes;
            for (unsigned j = 0; j < lanes; ++j) {
                bytes[j] = in[where.at(j, t)];
                at[j] = &rows_[histories[j].row()];
                note_symbol(notes[j], 0, at[j]->high, bytes[j] >> 4);
            }
            for (unsigned j = 0; j < lanes; ++j) adapt_high(*at[j], Kernel::above_symbol(bytes[j] >> 4));
            for (unsigned j = 0; j < lanes; ++j)
                note_symbol(notes[j], 1, at[j]->low[bytes[j] >> 4], bytes[j] & 15);
            for (unsigned j = 0; j < lanes; ++j) {
                adapt_low(*at[j], bytes[j] >> 4, Kernel::above_symbol(bytes[j] & 15));
                histories[j].push(bytes[j]);
            }
        }
        for (std::size_t i = where.tail(); i < in.size(); ++i) {
            row& r = rows_[histories[lanes - 1].row()];
            note_symbol(notes_[i], 0, r.high, in[i] >> 4);
            note_symbol(notes_[i], 1, r.low[in[i] >> 4], in[i] & 15);
            adapt_high(r, Kernel::above_symbol(in[i] >> 4));
            adapt_low(r, in[i] >> 4, Kernel::above_symbol(in[i] & 15));
            histories[lanes - 1].push(in[i]);
        }
    }
    static void note_symbol(noted_byte& n, unsigned which, const starts16& c, unsigned symbol) noexcept {
        const interval i = interval_in(c, symbol);
        n.start[which] = static_cast<std::uint16_t>(i.start);
        n.size[which] = static_cast<std::uint16_t>(i.size);
    }
    [[gnu::always_inline]] static void adapt_high(row& r, const vector& above) noexcept {
        learn<Rates, Kernel>(r.high, r.age[16], above);
    }
    /// Lane after lane. Without contexts all have one distribution, which stays in a register.
    template <std::size_t... J>
    [[gnu::always_inline]] static void adapt_high_all(const std::array<row*, lanes>& at,
                                                      const vector (&above)[lanes],
                                                      std::index_sequence<J...>) noexcept {
        if constexpr (Order == 0 && Rates.start == 0) {
            std::int16_t* const start = at[0]->high.start.data();
            vector c = Kernel::load(start);
            ((c = Kernel::moved(c, above[J], Rates.rate)), ...);
            Kernel::store(start, c);
        } else {
            (adapt_high(*at[J], above[J]), ...);
        }
    }
    [[gnu::always_inline]] static void adapt_low(row& r, std::uint32_t high, const vector& above) noexcept {
        learn<Rates, Kernel>(r.low[high], r.age[high], above);
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
            vector above[lanes];
            std::array<std::uint32_t, lanes> high;
            ((above[J] = Kernel::above_slot(Kernel::load(at[J]->high.start.data()), x[J] & 0x7FFF),
              high[J] = Kernel::symbol_of(above[J]), x[J] = popped(x[J], interval_in(at[J]->high, high[J]))),
             ...);
            adapt_high_all(at, above, each_lane{});
            std::array<std::uint32_t, lanes> low;
            ((above[J] = Kernel::above_slot(Kernel::load(at[J]->low[high[J]].start.data()), x[J] & 0x7FFF),
              low[J] = Kernel::symbol_of(above[J]),
              x[J] = popped(x[J], interval_in(at[J]->low[high[J]], low[J])), renormalise(x[J], p)),
             ...);
            (adapt_low(*at[J], high[J], above[J]), ...);
            source.advance_to(p);
            ((out[where.at(J, t)] = static_cast<std::uint8_t>(high[J] << 4 | low[J])), ...);
            (local[J].push(static_cast<std::uint8_t>(high[J] << 4 | low[J])), ...);
        }
        shared = x;
        histories = local;
    }

    void decode_tail(const layout where, std::uint64_t& x, byte_context<Order>& history, word_source& source,
                     byte_span out) noexcept {
        for (std::size_t i = where.tail(); i < out.size(); ++i) {
            row& r = rows_[history.row()];
            const vector above_high = Kernel::above_slot(Kernel::load(r.high.start.data()), x & 0x7FFF);
            const std::uint32_t high = Kernel::symbol_of(above_high);
            x = popped(x, interval_in(r.high, high));
            const vector above_low = Kernel::above_slot(Kernel::load(r.low[high].start.data()), x & 0x7FFF);
            const std::uint32_t low = Kernel::symbol_of(above_low);
            x = popped(x, interval_in(r.low[high], low));
            const std::uint8_t* p = source.ready();
            renormalise(x, p);
            source.advance_to(p);
            adapt_high(r, above_high);
            adapt_low(r, high, above_low);
            out[i] = static_cast<std::uint8_t>(high << 4 | low);
            history.push(out[i]);
        }
    }

    std::vector<row> rows_;
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
