// Blocks of bytes by order-0 interleaved rANS: optimal frequencies, compact table, as many lanes as the block
// can afford. Blocks that would not shrink are stored; blocks of one value take two bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include <pith/core/bytes.hpp>
#include <pith/core/result.hpp>
#include <pith/entropy/concepts.hpp>
#include <pith/entropy/frequency.hpp>
#include <pith/entropy/plain_block.hpp>
#include <pith/entropy/rans_lanes.hpp>

namespace pith::inline v1::entropy {

/// A block_coder. First byte of a block: 0 stored, 1 one value repeated, 8 + log2(lanes) coded with 12 bits
/// of precision, 16 + log2(lanes) with 13 (then the frequency table, the states and the words). 36 KB of
/// tables in the object. Exact.
template <rans_rounds Rounds = scalar_rounds>
class rans_bytes {
  public:
    static constexpr std::uint32_t recipe = 0x03;
    static constexpr const char* name = "rans";

    [[nodiscard]] static constexpr std::size_t max_encoded_size(std::size_t n) noexcept {
        return n == 0 ? 0 : n + 1;
    }

    /// Bytes written, or output_too_small. in.size() < 2^32.
    result<std::size_t> encode_into(byte_view in, byte_span out) noexcept {
        if (in.empty()) return std::size_t{0};
        if (is_run(in)) return encode_plain_block(in, out);
        std::uint32_t counts[256];
        count_bytes(in, counts);
        const std::size_t size = encode_coded(in, counts, out);
        return size != 0 ? result<std::size_t>(size) : encode_plain_block(in, out);
    }

    /// out.size(), or truncated, bad_header, bad_model, bad_stream, trailing_data.
    result<std::size_t> decode_into(byte_view in, byte_span out) noexcept {
        if (in.empty() || out.empty() || in[0] < mode_coded) return decode_plain_block(in, out);
        return decode_coded(in, out);
    }

  private:
    // + log2 of the lanes; below them the forms of plain_block.hpp
    static constexpr std::uint8_t mode_coded = 8;
    static constexpr std::uint8_t mode_fine = 16;

    /// log2 of the lanes for a payload of so many bytes. A lane wastes its 15 first bits; this keeps the sum
    /// below 0.16 % of the payload from 4 lanes on, and below 0.05 % from 240 kB on.
    [[nodiscard]] static constexpr unsigned lanes_log2(std::uint64_t payload) noexcept {
        if (payload >= 600'000) return 7;
        if (payload >= 80'000) return 6;
        if (payload >= 40'000) return 5;
        return payload >= 4'000 ? 2 : 0;
    }

    /// Whether 13 bits of precision pay: they save 1/512 of a payload that is long enough for the larger
    /// table. They cost 3 to 9 % of the decoder's speed, since the table fills a first-level cache. Then
    /// `frequencies` and `payload` are theirs.
    [[nodiscard]] static bool refine(const std::uint32_t (&counts)[256], std::uint16_t (&frequencies)[256],
                                     std::uint64_t& payload) noexcept {
        if (payload < 40'000) return false;
        std::uint16_t fine[256];
        normalize_frequencies(counts, fine, 13);
        for (const std::uint16_t f : fine)
            if (f >> 12 != 0) return false;
        const std::uint64_t less = coded_bits(counts, fine, 13) / 8;
        if (less + payload / 512 > payload) return false;
        std::memcpy(frequencies, fine, sizeof fine);
        payload = less;
        return true;
    }

    /// 0 where the block would not shrink or does not fit.
    std::size_t encode_coded(byte_view in, const std::uint32_t (&counts)[256], byte_span out) noexcept {
        std::uint16_t frequencies[256];
        normalize_frequencies(counts, frequencies, 12);
        std::uint64_t payload = coded_bits(counts, frequencies, 12) / 8;
        if (out.empty() || payload >= in.size()) return 0;
        const bool fine = refine(counts, frequencies, payload);
        const unsigned lanes = lanes_log2(payload);
        out[0] = static_cast<std::uint8_t>((fine ? mode_fine : mode_coded) + lanes);
        span_sink header(out.subspan(1));
        write_frequencies(header, frequencies, fine ? 13 : 12);
        if (header.overflowed()) return 0;
        const std::size_t head = 1 + header.size();
        const byte_span body =
            out.subspan(head, out.size() - head < in.size() ? out.size() - head : in.size());
        const result<std::size_t> size = fine ? encode_lanes(symbols_.fine, frequencies, lanes, in, body)
                                              : encode_lanes(symbols_.usual, frequencies, lanes, in, body);
        if (!size || head + *size > in.size()) return 0;
        std::memmove(body.data(), body.data() + (body.size() - *size), *size);
        return head + *size;
    }

    template <unsigned P>
    static result<std::size_t> encode_lanes(rans_symbol_table<P>& symbols,
                                            const std::uint16_t (&frequencies)[256], unsigned log2,
                                            byte_view in, byte_span body) noexcept {
        symbols.build(frequencies);
        switch (log2) {
            case 0:
                return rans_encode_lanes<1, P, Rounds>(in, symbols, body);
            case 2:
                return rans_encode_lanes<4, P, Rounds>(in, symbols, body);
            case 5:
                return rans_encode_lanes<32, P, Rounds>(in, symbols, body);
            case 6:
                return rans_encode_lanes<64, P, Rounds>(in, symbols, body);
            default:
                return rans_encode_lanes<128, P, Rounds>(in, symbols, body);
        }
    }

    result<std::size_t> decode_coded(byte_view in, byte_span out) noexcept {
        const bool fine = in[0] >= mode_fine;
        const auto log2 = static_cast<unsigned>(in[0] - (fine ? mode_fine : mode_coded));
        byte_reader reader(in.subspan(1));
        std::uint16_t frequencies[256];
        if (const auto read = read_frequencies(reader, frequencies, fine ? 13 : 12); !read) {
            return read.error().shifted_by(1);
        }
        for (const std::uint16_t f : frequencies) {
            if (f >> 12 != 0)
                return error{error_code::bad_model, 1, "a value is too frequent for a coded block"};
        }
        const std::size_t head = 1 + reader.position();
        const result<void> decoded =
            fine ? decode_lanes(slots_.fine, frequencies, log2, in.subspan(head), out)
                 : decode_lanes(slots_.usual, frequencies, log2, in.subspan(head), out);
        if (!decoded) return decoded.error().shifted_by(head);
        return out.size();
    }

    template <unsigned P>
    static result<void> decode_lanes(rans_slot_table<P>& slots, const std::uint16_t (&frequencies)[256],
                                     unsigned log2, byte_view body, byte_span out) noexcept {
        slots.build(frequencies);
        switch (log2) {
            case 0:
                return rans_decode_lanes<1, P, Rounds>(body, slots, out);
            case 2:
                return rans_decode_lanes<4, P, Rounds>(body, slots, out);
            case 5:
                return rans_decode_lanes<32, P, Rounds>(body, slots, out);
            case 6:
                return rans_decode_lanes<64, P, Rounds>(body, slots, out);
            case 7:
                return rans_decode_lanes<128, P, Rounds>(body, slots, out);
            default:
                return error{error_code::bad_header, 0, "a block of unknown kind"};
        }
    }

    // Each is built before it is used; only the one of the block's precision is.
    union {
        rans_slot_table<12> usual;
        rans_slot_table<13> fine;
    } slots_;
    union {
        rans_symbol_table<12> usual;
        rans_symbol_table<13> fine;
    } symbols_;
};

static_assert(block_coder<rans_bytes<>>);

}  // namespace pith::inline v1::entropy
