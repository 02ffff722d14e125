// Block coder for bfloat16 numbers: exponents by one prefix code for the block, in segments that can be
// decoded apart from each other; sign and mantissa as they are, a byte a number.
// Source: DFloat11 (Zhang, Hao et al., 2025); differs in segments of equally many numbers, whose sizes stand
// in front, where the publication has equally many bytes and the places where their first words start.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include <pith/core/bits.hpp>
#include <pith/core/bytes.hpp>
#include <pith/core/result.hpp>
#include <pith/core/table.hpp>
#include <pith/entropy/huffman_hierarchical.hpp>
#include <pith/entropy/package_merge.hpp>
#include <pith/entropy/plain_block.hpp>
#include <pith/mixing/bitwise_coder.hpp>

namespace pith::inline v1::codec {

/// A block is stored, a run, or: the byte 2, the lengths of the code's words (write_huffman_lengths), the
/// size of each segment in 3 bytes, the segments, the sign and mantissa of each number, and the byte that is
/// left over when the size is odd. Blocks that this does not make smaller than n + 1 bytes are stored.
template <mixing::coder_identity Identity>
class exponent_huffman {
  public:
    static constexpr std::uint32_t recipe = Identity::recipe;
    static constexpr const char* name = Identity::name;
    /// Larger blocks are stored: counts are 32-bit numbers.
    static constexpr std::size_t max_block = 0x7FFFFFFF;
    /// Numbers in a segment; only the last one has fewer.
    static constexpr std::size_t segment = std::size_t{1} << 14;
    /// Bytes that an object holds, its heap included.
    static constexpr std::size_t memory =
        sizeof(entropy::package_merge<256, entropy::hierarchical_max_length>) +
        sizeof(entropy::hierarchical_codes) + entropy::hierarchical_tables::memory + 8 * segment + 4096;

    [[nodiscard]] static constexpr std::size_t max_encoded_size(std::size_t n) noexcept {
        return n == 0 ? 0 : n + 1;
    }

    /// Bytes written, or output_too_small. Exact.
    [[nodiscard]] result<std::size_t> encode_into(byte_view in, byte_span out) noexcept {
        if (in.empty()) return std::size_t{0};
        if (in.size() < 2 || in.size() > max_block || entropy::is_run(in))
            return entropy::encode_plain_block(in, out);
        make_code(in);
        bounded writer{out};
        writer.put(static_cast<std::uint8_t>(entropy::block_form::coded));
        write_header(writer);
        write_segments(in, writer);
        const std::size_t total = writer.size + in.size() / 2 + in.size() % 2;
        if (total > in.size()) return entropy::encode_plain_block(in, out);
        if (total > out.size())
            return error{error_code::output_too_small, out.size(), "the destination is too small"};
        std::uint8_t* to = out.data() + writer.size;
        for (std::size_t i = 0; i < in.size() / 2; ++i) {
            const std::uint32_t w = load_le<std::uint16_t>(in.data() + 2 * i);
            to[i] = static_cast<std::uint8_t>((w >> 8 & 0x80) | (w & 0x7F));
        }
        if (in.size() % 2 != 0) to[in.size() / 2] = in.back();
        return total;
    }

    /// Fills out, or says what is wrong: truncated, trailing_data, bad_header, bad_model, bad_stream. Exact.
    [[nodiscard]] result<std::size_t> decode_into(byte_view in, byte_span out) noexcept {
        if (in.empty() || out.empty() || in[0] != static_cast<std::uint8_t>(entropy::block_form::coded))
            return entropy::decode_plain_block(in, out);
        if (in.size() > out.size() || out.size() > max_block || out.size() < 2)
            return error{error_code::bad_header, 0, "a coded block is larger than a stored one"};
        bit_reader header(in.subspan(1));
        const result<void> read =
            entropy::read_huffman_lengths<entropy::hierarchical_max_length>(header, lengths_);
        if (!read) return read.error().shifted_by(1);
        if (!header.padding_is_zero()) return error{error_code::bad_header, 1, "padding is not zero"};
        tables_.build(lengths_);
        const result<void> done = decode_body(in, 1 + header.byte_position(), out);
        if (!done) return done.error();
        return out.size();
    }

  private:
    static constexpr std::size_t together = 4;  // segments that are decoded at a time
    static constexpr std::size_t size_bytes = 3;
    static constexpr std::size_t code_room = 4 * segment + 8;  // < 2^24

    [[nodiscard]] static constexpr std::size_t segments_of(std::size_t n) noexcept {
        return (n / 2 + segment - 1) / segment;
    }

    struct bounded {  // counts everything, writes what fits
        byte_span out;
        std::size_t size = 0;
        void put(std::uint8_t b) noexcept {
            if (size < out.size()) out[size] = b;
            ++size;
        }
        void append(byte_view v) noexcept {
            if (size <= out.size() && v.size() <= out.size() - size)
                std::memcpy(out.data() + size, v.data(), v.size());
            size += v.size();
        }
        void set(std::size_t at, std::uint8_t b) const noexcept {
            if (at < out.size()) out[at] = b;
        }
    };

    void make_code(byte_view in) noexcept {
        std::uint32_t counts[2][256] = {};  // apart, so that equal neighbours do not wait for each other
        for (std::size_t i = 0; i < in.size() / 2; ++i)
            ++counts[i & 1][load_le<std::uint16_t>(in.data() + 2 * i) >> 7 & 0xFF];
        std::size_t present = 0, last = 0;
        for (std::size_t s = 0; s < 256; ++s) {
            counts[0][s] += counts[1][s];
            if (counts[0][s] != 0) ++present, last = s;
        }
        if (present == 1) counts[0][last ^ 1] = 1;  // a code has two words at least
        merge_.assign(counts[0], lengths_, entropy::hierarchical_max_length);
        codes_.assign(lengths_);
    }

    void write_header(bounded& to) const noexcept {
        std::uint8_t raw[1024];  // at most 11 bits a length and 2 bits a value for the runs, + 2
        span_sink sink{byte_span(raw)};
        bit_writer writer(sink);
        entropy::write_huffman_lengths(writer, lengths_);
        writer.finish();
        PITH_ASSERT(!sink.overflowed());
        to.append(byte_view(raw, sink.size()));
    }

    void write_segments(byte_view in, bounded& to) noexcept {
        const std::size_t numbers = in.size() / 2;
        std::size_t size_at = to.size;
        to.size += size_bytes * segments_of(in.size());
        std::uint8_t* const exponents = scratch_.data();
        std::uint8_t* const code = scratch_.data() + together * segment;
        for (std::size_t first = 0; first < numbers; first += segment) {
            const std::size_t n = numbers - first < segment ? numbers - first : segment;
            for (std::size_t i = 0; i < n; ++i)
                exponents[i] =
                    static_cast<std::uint8_t>(load_le<std::uint16_t>(in.data() + 2 * (first + i)) >> 7);
            const std::size_t size = entropy::write_hierarchical(codes_, byte_view(exponents, n), code);
            for (unsigned b = 0; b < size_bytes; ++b)
                to.set(size_at++, static_cast<std::uint8_t>(size >> (8 * b)));
            to.append(byte_view(code, size));
        }
    }

    /// `at` is where the sizes of the segments start.
    [[nodiscard]] result<void> decode_body(byte_view in, std::size_t at, byte_span out) noexcept {
        const std::size_t numbers = out.size() / 2, count = segments_of(out.size());
        const std::size_t tail = numbers + out.size() % 2;  // bytes behind the segments
        if (in.size() < at + size_bytes * count + tail)
            return error{error_code::truncated, in.size(), "the input ends before the segments"};
        const std::uint8_t* const sizes = in.data() + at;
        at += size_bytes * count;
        const std::size_t end = in.size() - tail;
        const std::uint8_t* const rest = in.data() + end;
        for (std::size_t k = 0; k < count; k += together) {
            const std::size_t n = count - k < together ? count - k : together;
            entropy::hierarchical_stream streams[together];
            for (std::size_t j = 0; j < n; ++j) {
                const std::size_t size = size_of_segment(sizes + size_bytes * (k + j));
                if (size > end - at)
                    return error{error_code::truncated, in.size(), "the input ends inside a segment"};
                streams[j] = entropy::hierarchical_stream(
                    in.subspan(at, size),
                    byte_span(scratch_.data() + j * segment, numbers_in(k + j, numbers)));
                at += size;
            }
            if (!decode_streams(streams, n))
                return error{error_code::bad_stream, at, "a segment does not end with its numbers"};
            for (std::size_t j = 0; j < n; ++j)
                merge(j, (k + j) * segment, numbers_in(k + j, numbers), rest, out);
        }
        if (at != end) return error{error_code::trailing_data, at, "bytes follow the segments"};
        if (out.size() % 2 != 0) out.back() = in.back();
        return {};
    }

    [[nodiscard]] bool decode_streams(entropy::hierarchical_stream (&streams)[together],
                                      std::size_t n) const noexcept {
        if (n == together) return entropy::read_hierarchical<together>(tables_, streams);
        bool good = true;
        for (std::size_t j = 0; j < n; ++j)
            good = entropy::read_hierarchical<1>(
                       tables_, std::span<entropy::hierarchical_stream, 1>(streams + j, 1)) &&
                   good;
        return good;
    }

    /// Puts the exponents in scratch slot j and the other bytes together.
    void merge(std::size_t j, std::size_t first, std::size_t n, const std::uint8_t* rest,
               byte_span out) const noexcept {
        const std::uint8_t* const exponents = scratch_.data() + j * segment;
        const std::uint8_t* const others = rest + first;
        std::uint8_t* const to = out.data() + 2 * first;
        for (std::size_t i = 0; i < n; ++i) {
            const unsigned e = exponents[i], o = others[i];
            store_le<std::uint16_t>(to + 2 * i,
                                    static_cast<std::uint16_t>((o & 0x80) << 8 | e << 7 | (o & 0x7F)));
        }
    }

    [[nodiscard]] static std::size_t numbers_in(std::size_t k, std::size_t numbers) noexcept {
        return numbers - k * segment < segment ? numbers - k * segment : segment;
    }
    [[nodiscard]] static std::size_t size_of_segment(const std::uint8_t* p) noexcept {
        return p[0] | std::size_t{p[1]} << 8 | std::size_t{p[2]} << 16;
    }

    entropy::huffman_lengths lengths_;
    entropy::hierarchical_codes codes_;
    entropy::package_merge<256, entropy::hierarchical_max_length> merge_;
    entropy::hierarchical_tables tables_;
    table<std::uint8_t> scratch_ = table<std::uint8_t>::unset(together * segment + code_room);
};

}  // namespace pith::inline v1::codec
