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

/// A block_coder. First byte of a block: 0 stored, 1 one value repeated, 8 + log2(lanes) coded (then the
/// frequency table, the states and the words). 20 KB of tables in the object. Exact.
template <rans_rounds Rounds = scalar_rounds>
class rans_bytes {
  public:
    static constexpr std::uint32_t recipe = 0x03;
    static constexpr const char* name = "rans";
    static constexpr unsigned precision = 12;

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
    static constexpr std::uint8_t mode_coded =
        8;  // + log2 of the lanes; below it the forms of plain_block.hpp

    /// log2 of the lanes for a payload of so many bytes. A lane wastes its 15 first bits; this keeps the sum
    /// below 0.16 % of the payload from 4 lanes on.
    [[nodiscard]] static constexpr unsigned lanes_log2(std::uint64_t payload) noexcept {
        if (payload >= 320'000) return 7;
        if (payload >= 80'000) return 6;
        if (payload >= 40'000) return 5;
        return payload >= 4'000 ? 2 : 0;
    }

    /// 0 where the block would not shrink or does not fit.
    std::size_t encode_coded(byte_view in, const std::uint32_t (&counts)[256], byte_span out) noexcept {
        std::uint16_t frequencies[256];
        normalize_frequencies(counts, frequencies, precision);
        const std::uint64_t payload = coded_bits(counts, frequencies, precision) / 8;
        if (out.empty() || payload >= in.size()) return 0;
        const unsigned lanes = lanes_log2(payload);
        out[0] = static_cast<std::uint8_t>(mode_coded + lanes);
        span_sink header(out.subspan(1));
        write_frequencies(header, frequencies, precision);
        if (header.overflowed()) return 0;
        const std::size_t head = 1 + header.size();
        symbols_.build(frequencies);
        const byte_span body =
            out.subspan(head, out.size() - head < in.size() ? out.size() - head : in.size());
        const result<std::size_t> size = encode_lanes(lanes, in, body);
        if (!size || head + *size > in.size()) return 0;
        std::memmove(body.data(), body.data() + (body.size() - *size), *size);
        return head + *size;
    }

    result<std::size_t> encode_lanes(unsigned log2, byte_view in, byte_span body) noexcept {
        switch (log2) {
            case 0:
                return rans_encode_lanes<1, precision, Rounds>(in, symbols_, body);
            case 2:
                return rans_encode_lanes<4, precision, Rounds>(in, symbols_, body);
            case 5:
                return rans_encode_lanes<32, precision, Rounds>(in, symbols_, body);
            case 6:
                return rans_encode_lanes<64, precision, Rounds>(in, symbols_, body);
            default:
                return rans_encode_lanes<128, precision, Rounds>(in, symbols_, body);
        }
    }

    result<std::size_t> decode_coded(byte_view in, byte_span out) noexcept {
        byte_reader reader(in.subspan(1));
        std::uint16_t frequencies[256];
        if (const auto read = read_frequencies(reader, frequencies, precision); !read) {
            return read.error().shifted_by(1);
        }
        for (const std::uint16_t f : frequencies) {
            if (f >> precision != 0)
                return error{error_code::bad_model, 1, "a coded block has only one value"};
        }
        slots_.build(frequencies);
        const std::size_t head = 1 + reader.position();
        const result<void> decoded = decode_lanes(in[0], in.subspan(head), out);
        if (!decoded) return decoded.error().shifted_by(head);
        return out.size();
    }

    result<void> decode_lanes(std::uint8_t mode, byte_view body, byte_span out) noexcept {
        switch (mode) {
            case mode_coded + 0:
                return rans_decode_lanes<1, precision, Rounds>(body, slots_, out);
            case mode_coded + 2:
                return rans_decode_lanes<4, precision, Rounds>(body, slots_, out);
            case mode_coded + 5:
                return rans_decode_lanes<32, precision, Rounds>(body, slots_, out);
            case mode_coded + 6:
                return rans_decode_lanes<64, precision, Rounds>(body, slots_, out);
            case mode_coded + 7:
                return rans_decode_lanes<128, precision, Rounds>(body, slots_, out);
            default:
                return error{error_code::bad_header, 0, "a block of unknown kind"};
        }
    }

    rans_slot_table<precision> slots_;
    rans_symbol_table<precision> symbols_;
};

static_assert(block_coder<rans_bytes<>>);

}  // namespace pith::inline v1::entropy
