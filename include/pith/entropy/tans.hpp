// Table ANS of byte blocks: coding by look-up alone, with several states over one stream of bits.
// Source: Duda 2014 (tANS), Collet 2013 (interval arithmetic of the encoder). Differs in the spread (each
// symbol's slots at equal distances, the nearest thing to Duda's precise one that is linear in time), in
// states whose start and end are both known, and in a stream that the encoder writes backwards.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include <pith/core/bits.hpp>
#include <pith/core/bytes.hpp>
#include <pith/core/result.hpp>
#include <pith/entropy/concepts.hpp>
#include <pith/entropy/frequency.hpp>
#include <pith/entropy/plain_block.hpp>

namespace pith::inline v1::entropy {

namespace detail {

/// Deals 2^Precision slots out to the symbols: the i-th of f slots of a symbol wants the place
/// (i + 1/2) * 2^Precision / f; all are sorted by that, smaller symbols first on a tie.
template <unsigned Precision>
struct tans_spread {
    static constexpr std::uint32_t slots = 1U << Precision;
    std::uint8_t symbol[slots];

    void assign(std::span<const std::uint16_t, 256> frequencies) noexcept {
        std::uint16_t start[slots + 1] = {};
        each_place(frequencies, [&](std::size_t, std::uint32_t place) { ++start[place + 1]; });
        for (std::size_t i = 1; i < slots; ++i)
            start[i] = static_cast<std::uint16_t>(start[i] + start[i - 1]);
        each_place(frequencies, [&](std::size_t s, std::uint32_t place) {
            symbol[start[place]++] = static_cast<std::uint8_t>(s);
        });
    }

  private:
    template <class Visit>
    static void each_place(std::span<const std::uint16_t, 256> frequencies, Visit visit) noexcept {
        for (std::size_t s = 0; s < 256; ++s) {
            if (frequencies[s] == 0) continue;
            // Fixed point with 16 bits: (f - 1/2) * step < 2^(Precision + 16), so no place is out of range.
            const std::uint32_t step = (slots << 16) / frequencies[s];
            std::uint32_t at = step / 2;
            for (std::uint32_t i = 0; i < frequencies[s]; ++i, at += step) visit(s, at >> 16);
        }
    }
};

}  // namespace detail

/// tANS coder of whole blocks (a block_coder). A coded block is the byte 2, the frequencies
/// (write_frequencies), and the bits, lowest first: zeros up to the first one bit (fewer than 8), the States
/// states in Precision bits each, then what each symbol's step of its state takes; symbol i steps state
/// i mod States. The bits end with the last byte, and all states then are 0.
template <unsigned Precision = 12, unsigned States = 4>
requires(Precision >= 9 && Precision <= 12 && (States == 1 || States == 2 || States == 4)) class tans {
  public:
    static constexpr std::uint32_t recipe =
        Precision == 12 && States == 4 ? 0x02 : 0x02 | States << 8 | Precision << 12;
    static constexpr const char* name = "tans";
    /// Larger blocks are stored: counts are 32-bit numbers.
    static constexpr std::size_t max_block = 0x7FFFFFFF;

    static constexpr std::size_t max_encoded_size(std::size_t n) noexcept { return n == 0 ? 0 : n + 1; }

    /// Encodes a block; returns the bytes written. Errors: output_too_small. Exact.
    result<std::size_t> encode_into(byte_view in, byte_span out) noexcept {
        if (in.empty()) return std::size_t{0};
        if (in.size() > max_block || is_run(in)) return encode_plain_block(in, out);
        const std::size_t size = encode_coded(in, out.size() > in.size() ? out.first(in.size()) : out);
        return size != 0 ? result<std::size_t>(size) : encode_plain_block(in, out);
    }

    /// Decodes a block of out.size() bytes; returns that. Errors: truncated, trailing_data, bad_header,
    /// bad_model, bad_stream. Exact.
    result<std::size_t> decode_into(byte_view in, byte_span out) noexcept {
        if (in.empty() || out.empty() || in[0] != static_cast<std::uint8_t>(block_form::coded))
            return decode_plain_block(in, out);
        if (in.size() > out.size() || out.size() > max_block)
            return error{error_code::bad_header, 0, "a coded block is larger than a stored one"};
        byte_reader reader(in.subspan(1));
        const result<void> read = read_frequencies(reader, frequencies_, Precision);
        if (!read) return read.error().shifted_by(1);
        for (const std::uint16_t f : frequencies_)
            if (f == slots) return error{error_code::bad_model, 1, "a run was coded"};
        spread_.assign(frequencies_);
        build_steps();
        if (!decode_bits(reader.rest(), out))
            return error{error_code::bad_stream, in.size(), "the states do not end where they began"};
        return out.size();
    }

  private:
    static constexpr std::uint32_t slots = 1U << Precision;
    static_assert(7 + 4 * Precision < 63, "four steps fit into one refill");

    struct step {  // the decoder's: state -> symbol, and the next state is base + the next `bits` bits
        std::uint16_t base;
        std::uint8_t symbol;
        std::uint8_t bits;
    };
    struct transition {  // the encoder's: bits = (x + to_bits) >> 16, next state at (x >> bits) + to_next
        std::uint32_t to_bits;
        std::int32_t to_next;
    };
    /// Bits written from the last to the first: the oldest are the highest.
    struct backward_bits {
        std::uint8_t* begin;
        std::uint8_t* at;
        std::uint64_t held = 0;
        unsigned fill = 0;

        void put(std::uint64_t value, unsigned count) noexcept {
            held = held << count | value;
            fill += count;
        }
        /// Writes out all whole bytes; false when there is no room.
        [[nodiscard]] bool flush() noexcept {
            if (at - begin >= 8) {
                store_le<std::uint64_t>(at - 8, held << 1 << (63 - fill));  // scribbles below what counts
                at -= fill >> 3;
                fill &= 7;
                return true;
            }
            for (; fill >= 8; fill -= 8) {
                if (at == begin) return false;
                *--at = static_cast<std::uint8_t>(held >> (fill - 8));
            }
            return true;
        }
    };

    /// Returns the size, or 0 when `out` is too small.
    std::size_t encode_coded(byte_view in, byte_span out) noexcept {
        std::uint32_t counts[256];
        count_bytes(in, counts);
        normalize_frequencies(counts, frequencies_, Precision);
        span_sink header(out);
        header.put(static_cast<std::uint8_t>(block_form::coded));
        write_frequencies(header, frequencies_, Precision);
        if (header.overflowed()) return 0;
        spread_.assign(frequencies_);
        build_transitions();
        std::uint8_t* const begin = out.data() + header.size();
        const std::uint8_t* const end = out.data() + out.size();
        const std::uint8_t* const from = encode_bits(in, begin, out.data() + out.size());
        if (from == nullptr) return 0;
        const auto size = static_cast<std::size_t>(end - from);
        std::memmove(begin, from, size);
        return header.size() + size;
    }

    /// A symbol of frequency f leaves the state x in [2^P, 2^(P+1)) with x >> bits in [f, 2f): that takes
    /// k = P - floor(log2 f) bits where x >= f << k, else k - 1.
    void build_transitions() noexcept {
        std::uint32_t next[256];
        std::uint32_t start = 0;
        for (std::size_t s = 0; s < 256; ++s) {
            const std::uint32_t f = frequencies_[s];
            next[s] = start;
            if (f == 0) continue;
            const unsigned k = Precision + 1 - static_cast<unsigned>(std::bit_width(f));
            transitions_[s].to_bits = (k << 16) - (f << k);
            transitions_[s].to_next = static_cast<std::int32_t>(start) - static_cast<std::int32_t>(f);
            start += f;
        }
        for (std::uint32_t slot = 0; slot < slots; ++slot)
            next_[next[spread_.symbol[slot]]++] = static_cast<std::uint16_t>(slots + slot);
    }

    void build_steps() noexcept {
        std::uint32_t next[256];
        for (std::size_t s = 0; s < 256; ++s) next[s] = frequencies_[s];
        for (std::uint32_t slot = 0; slot < slots; ++slot) {
            const std::uint8_t symbol = spread_.symbol[slot];
            const std::uint32_t x = next[symbol]++;
            const unsigned bits = Precision + 1 - static_cast<unsigned>(std::bit_width(x));
            steps_[slot] = {static_cast<std::uint16_t>((x << bits) - slots), symbol,
                            static_cast<std::uint8_t>(bits)};
        }
    }

    /// Returns where the bits start, or nullptr when they do not fit between begin and end.
    const std::uint8_t* encode_bits(byte_view in, std::uint8_t* begin, std::uint8_t* end) const noexcept {
        backward_bits bits{begin, end};
        std::uint32_t x[States];
        for (std::uint32_t& state : x) state = slots;
        const auto code = [&](std::uint32_t& state, std::uint8_t symbol) {
            const transition t = transitions_[symbol];
            const unsigned count = (state + t.to_bits) >> 16;
            bits.put(state & low_mask(count), count);
            state = next_[static_cast<std::size_t>(static_cast<std::int32_t>(state >> count) + t.to_next)];
        };
        std::size_t i = in.size();
        for (; i % 4 != 0; --i) {
            code(x[(i - 1) % States], in[i - 1]);
            if (!bits.flush()) return nullptr;
        }
        for (; i != 0; i -= 4) {
            code(x[3 % States], in[i - 1]);
            code(x[2 % States], in[i - 2]);
            code(x[1 % States], in[i - 3]);
            code(x[0], in[i - 4]);
            if (!bits.flush()) return nullptr;
        }
        for (unsigned k = States; k-- > 0;) bits.put(x[k] - slots, Precision);
        bits.put(1, 1);
        bits.put(0, (8 - (bits.fill & 7)) & 7);  // 7 + 4 * 12 + 1 + 7 = 63 bits at most
        return bits.flush() ? bits.at : nullptr;
    }

    [[nodiscard]] bool decode_bits(byte_view in, byte_span out) const noexcept {
        if (in.empty() || in[0] == 0) return false;
        bit_reader start(in);
        start.skip(static_cast<unsigned>(std::countr_zero(in[0])) + 1);
        std::uint32_t x[States];
        for (std::uint32_t& state : x) state = static_cast<std::uint32_t>(start.get(Precision));
        std::size_t position = static_cast<std::size_t>(start.bit_position());
        const std::size_t done = decode_fast(in, out, position, x);
        bit_reader rest(in);
        rest.skip(position);
        for (std::size_t i = done; i < out.size(); ++i) {
            const step s = steps_[x[i % States]];
            out[i] = s.symbol;
            x[i % States] = s.base + static_cast<std::uint32_t>(rest.get(s.bits));
        }
        for (const std::uint32_t state : x)
            if (state != 0) return false;
        return rest.bit_position() == std::uint64_t{in.size()} * 8;
    }

    /// Decodes four symbols per refill while 8 bytes can be read; returns how many, a multiple of 4.
    std::size_t decode_fast(byte_view in, byte_span out, std::size_t& position,
                            std::uint32_t (&states)[States]) const noexcept {
        constexpr std::uint64_t sentinel = std::uint64_t{1} << 63;  // leading zeros = bits consumed
        if (in.size() < position / 8 + 8) return 0;
        const std::uint8_t* at = in.data() + position / 8;
        const std::uint8_t* const last = in.data() + (in.size() - 8);  // of which 8 bytes can be read
        std::uint64_t held = (load_le<std::uint64_t>(at) | sentinel) >> (position & 7);
        std::uint32_t x[States];
        for (unsigned k = 0; k < States; ++k) x[k] = states[k];
        const auto decode = [&](std::uint32_t& state) {
            const step s = steps_[state];
            state = s.base + static_cast<std::uint32_t>(held & low_mask_below_64(s.bits));
            held >>= s.bits;
            return s.symbol;
        };
        std::size_t i = 0;
        while (out.size() - i >= 4 && last - at >= 7) {  // a refill moves at most 55 / 8 < 7 bytes on
            out[i] = decode(x[0]);
            out[i + 1] = decode(x[1 % States]);
            out[i + 2] = decode(x[2 % States]);
            out[i + 3] = decode(x[3 % States]);
            i += 4;
            const auto used = static_cast<unsigned>(std::countl_zero(held));
            at += used >> 3;
            held = (load_le<std::uint64_t>(at) | sentinel) >> (used & 7);
        }
        for (unsigned k = 0; k < States; ++k) states[k] = x[k];
        position =
            static_cast<std::size_t>(at - in.data()) * 8 + static_cast<unsigned>(std::countl_zero(held));
        return i;
    }
    static constexpr std::uint64_t low_mask_below_64(unsigned n) noexcept {
        return (std::uint64_t{1} << (n & 63)) - 1;
    }

    std::uint16_t frequencies_[256];
    transition transitions_[256];
    detail::tans_spread<Precision> spread_;
    std::uint16_t next_[slots];
    step steps_[slots];
};

}  // namespace pith::inline v1::entropy
