// Length-limited canonical Huffman coding of byte blocks, in several streams that are decoded together.
// Sources: Huffman 1952; Larmore & Hirschberg 1990 for the limit; Giesen 2015 on several streams and bit
// reservoirs. Differs in multi-symbol tables of up to six symbols and in its one-form header of lengths.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <utility>

#include <pith/core/bits.hpp>
#include <pith/core/bytes.hpp>
#include <pith/core/result.hpp>
#include <pith/entropy/concepts.hpp>
#include <pith/entropy/huffman_decode.hpp>
#include <pith/entropy/huffman_table.hpp>
#include <pith/entropy/package_merge.hpp>
#include <pith/entropy/plain_block.hpp>

namespace pith::inline v1::entropy {

/// Huffman coder of whole blocks (a block_coder), about 60 KB of tables. A coded block is the byte 2, the
/// code lengths (write_huffman_lengths), the sizes of all streams but the last, the streams. Stream k codes
/// the bytes from n*k/Streams to n*(k+1)/Streams; blocks below min_split are one stream. A run is written as
/// a run, and a block that coding does not make smaller than n + 1 bytes is stored. Group: how many streams
/// are advanced in registers at a time; it does not change the bytes.
template <unsigned Streams = 6, unsigned Group = Streams>
requires((Streams == 1 || Streams == 2 || Streams == 4 || Streams == 6 || Streams == 8) && Group >= 1 &&
         Streams % Group == 0) class huffman {
  public:
    static constexpr std::uint32_t recipe = Streams == 6 ? 0x01 : 0x01 | Streams << 8;
    static constexpr const char* name = "huffman";
    /// Larger blocks are stored: counts and sizes are 32-bit numbers.
    static constexpr std::size_t max_block = 0x7FFFFFFF;
    static constexpr std::size_t min_split = 1024;

    static constexpr std::size_t max_encoded_size(std::size_t n) noexcept { return n == 0 ? 0 : n + 1; }

    /// Encodes a block; returns the bytes written. Errors: output_too_small. Exact.
    result<std::size_t> encode_into(byte_view in, byte_span out) noexcept {
        if (in.empty()) return std::size_t{0};
        if (in.size() > max_block || is_run(in)) return encode_plain_block(in, out);
        const layout parts(in.size());
        const std::size_t header_size = prepare(in, parts);
        const std::size_t total = coded_size(parts, header_size);
        if (total > in.size()) return encode_plain_block(in, out);
        if (total > out.size())
            return error{error_code::output_too_small, out.size(), "the destination is too small"};
        write_coded(in, out, parts, header_size);
        return total;
    }

    /// Decodes a block of out.size() bytes; returns that. Errors: truncated, trailing_data, bad_header,
    /// bad_model, bad_stream. Exact.
    result<std::size_t> decode_into(byte_view in, byte_span out) noexcept {
        if (in.empty() || out.empty() || in[0] != static_cast<std::uint8_t>(block_form::coded))
            return decode_plain_block(in, out);
        const result<void> done = decode_coded(in, out);
        if (!done) return done.error();
        return out.size();
    }

  private:
    struct layout {  // how a block of n bytes is divided
        std::size_t n;
        unsigned streams;
        unsigned size_bytes;  // of each stream size: enough for the largest at 11 bits a symbol

        explicit constexpr layout(std::size_t size) noexcept
            : n(size), streams(size < min_split ? 1 : Streams) {
            const std::uint64_t most = (std::uint64_t{n} / streams + 1) * huffman_max_length / 8 + 1;
            size_bytes = (static_cast<unsigned>(std::bit_width(most)) + 7) / 8;
        }
        /// Where part k of the bytes starts; k = streams gives the end.
        [[nodiscard]] constexpr std::size_t start(unsigned k) const noexcept {
            return static_cast<std::size_t>(std::uint64_t{n} * k / streams);
        }
        [[nodiscard]] constexpr std::size_t sizes() const noexcept {
            return std::size_t{size_bytes} * (streams - 1);
        }
    };

    /// Counts the bytes of each part apart: gives the exact stream sizes, and lets the counters of all parts
    /// advance together without waiting for one another.
    void count(byte_view in, const layout& parts) noexcept {
        std::memset(counts_, 0, sizeof counts_);
        std::size_t common = 0;
        if (parts.streams == Streams) {
            common = parts.n / Streams;  // no part is shorter
            count_together(in.data(), parts, common, std::make_index_sequence<Streams>{});
        }
        for (unsigned k = 0; k < parts.streams; ++k)
            for (std::size_t i = parts.start(k) + common; i < parts.start(k + 1); ++i) ++counts_[k][in[i]];
    }

    template <std::size_t... K>
    void count_together(const std::uint8_t* in, const layout& parts, std::size_t common,
                        std::index_sequence<K...>) noexcept {
        const std::uint8_t* const at[] = {in + parts.start(K)...};
        for (std::size_t i = 0; i < common; ++i) (++counts_[K][at[K][i]], ...);
    }

    /// Makes the code and its header; returns the header's size in bytes.
    std::size_t prepare(byte_view in, const layout& parts) noexcept {
        count(in, parts);
        make_code();
        span_sink sink{byte_span(header_)};
        bit_writer writer(sink);
        write_huffman_lengths(writer, lengths_);
        writer.finish();
        PITH_ASSERT(!sink.overflowed());
        return sink.size();
    }

    void make_code() noexcept {
        std::uint32_t sum[256] = {};
        for (const auto& part : counts_)
            for (std::size_t s = 0; s < 256; ++s) sum[s] += part[s];
        merge_.assign(sum, lengths_, huffman_max_length);
        codes_.assign(lengths_);
    }

    std::size_t coded_size(const layout& parts, std::size_t header_size) noexcept {
        std::size_t total = 1 + header_size + parts.sizes();
        for (unsigned k = 0; k < parts.streams; ++k) {
            std::uint64_t bits = 0;
            for (std::size_t s = 0; s < 256; ++s) bits += std::uint64_t{counts_[k][s]} * lengths_[s];
            stream_sizes_[k] = static_cast<std::size_t>((bits + 7) / 8);
            total += stream_sizes_[k];
        }
        return total;
    }

    void write_coded(byte_view in, byte_span out, const layout& parts, std::size_t header_size) noexcept {
        std::uint8_t* to = out.data();
        *to++ = static_cast<std::uint8_t>(block_form::coded);
        std::memcpy(to, header_, header_size);
        to += header_size;
        for (unsigned k = 0; k + 1 < parts.streams; ++k)
            for (unsigned b = 0; b < parts.size_bytes; ++b)
                *to++ = static_cast<std::uint8_t>(stream_sizes_[k] >> (8 * b));
        for (unsigned k = 0; k < parts.streams; ++k) {
            const byte_view part = in.subspan(parts.start(k), parts.start(k + 1) - parts.start(k));
            write_stream(part, to, out.data() + out.size());
            to += stream_sizes_[k];
        }
    }

    /// Writes one stream; may scribble up to 7 bytes past it, before `out_end`, where the next one goes.
    void write_stream(byte_view in, std::uint8_t* out, const std::uint8_t* out_end) const noexcept {
        std::uint64_t held = 0;
        unsigned fill = 0;  // < 8 between rounds, and 7 + 5 * 11 < 64
        const std::uint8_t* at = in.data();
        const std::uint8_t* const end = at + in.size();
        const auto put = [&](std::uint8_t s) {
            held |= std::uint64_t{codes_.word[s]} << fill;
            fill += codes_.length[s];
        };
        while (end - at >= 5 && out_end - out >= 8) {
            put(at[0]), put(at[1]), put(at[2]), put(at[3]), put(at[4]);
            at += 5;
            store_le<std::uint64_t>(out, held);
            out += fill >> 3;
            held >>= fill & 56;
            fill &= 7;
        }
        for (;;) {
            for (; fill >= 8; fill -= 8, held >>= 8) *out++ = static_cast<std::uint8_t>(held);
            if (at == end) break;
            put(*at++);
        }
        if (fill != 0) *out = static_cast<std::uint8_t>(held);
    }

    result<void> decode_coded(byte_view in, byte_span out) noexcept {
        if (in.size() > out.size() || out.size() > max_block)
            return error{error_code::bad_header, 0, "a coded block is larger than a stored one"};
        bit_reader header(in.subspan(1));
        const result<void> read = read_huffman_lengths(header, lengths_);
        if (!read) return read.error().shifted_by(1);
        if (!header.padding_is_zero()) return error{error_code::bad_header, 1, "padding is not zero"};
        const layout parts(out.size());
        const byte_view body = in.subspan(1 + header.byte_position());
        if (body.size() < parts.sizes())
            return error{error_code::truncated, in.size(), "the input ends inside the stream sizes"};
        const std::uint8_t* const end = in.data() + in.size();
        const std::uint8_t* at = body.data() + parts.sizes();
        detail::huffman_cursor cursors[Streams];
        for (unsigned k = 0; k < parts.streams; ++k) {
            const auto left = static_cast<std::size_t>(end - at);
            std::size_t size = left;
            if (k + 1 < parts.streams)
                size = read_size(body.data() + std::size_t{k} * parts.size_bytes, parts);
            if (size > left) return error{error_code::truncated, in.size(), "the input ends inside a stream"};
            cursors[k] =
                detail::make_cursor(at, out.data() + parts.start(k), out.data() + parts.start(k + 1), end);
            at += size;
            stream_ends_[k] = at;
        }
        return decode_streams(cursors, parts, in);
    }

    static std::size_t read_size(const std::uint8_t* from, const layout& parts) noexcept {
        std::size_t size = 0;
        for (unsigned b = 0; b < parts.size_bytes; ++b) size |= std::size_t{from[b]} << (8 * b);
        return size;
    }

    /// Wide tables cost time to build; they pay when a lookup gives several symbols, often enough.
    result<void> decode_streams(detail::huffman_cursor* cursors, const layout& parts, byte_view in) noexcept {
        const std::uint8_t* const end = in.data() + in.size();
        single_.build(lengths_);
        const std::uint64_t bits = std::uint64_t{in.size()} * 8;
        if (parts.n < 4096 || bits > std::uint64_t{parts.n} * 13 / 2) {
            decode_fast(single_, cursors, parts.streams, end);
        } else if (bits > std::uint64_t{parts.n} * 3) {
            triple_.build(single_);
            decode_fast(triple_, cursors, parts.streams, end);
        } else {
            sextuple_.build(single_);
            decode_fast(sextuple_, cursors, parts.streams, end);
        }
        for (unsigned k = 0; k < parts.streams; ++k) {
            detail::decode_together<1, 1>(single_, cursors + k, end);
            if (detail::decode_rest(single_, cursors[k], end) != stream_ends_[k])
                return error{error_code::bad_stream, static_cast<std::uint64_t>(stream_ends_[k] - in.data()),
                             "a stream does not end with its symbols"};
        }
        return {};
    }

    template <class Table>
    static void decode_fast(const Table& table, detail::huffman_cursor* cursors, unsigned streams,
                            const std::uint8_t* end) noexcept {
        if (streams == Streams) detail::decode_together<Streams, Group>(table, cursors, end);
        for (unsigned k = 0; k < streams; ++k) detail::decode_together<1, 1>(table, cursors + k, end);
    }

    std::uint32_t counts_[Streams][256];
    std::size_t stream_sizes_[Streams];
    const std::uint8_t* stream_ends_[Streams];
    huffman_lengths lengths_;
    huffman_codes codes_;
    std::uint8_t header_[360];  // at most 9 bits a length and 2 bits a value for the runs, + 2
    package_merge<256, huffman_max_length> merge_;
    huffman_single_table single_;
    huffman_multi_table<std::uint32_t> triple_;
    huffman_multi_table<std::uint64_t> sextuple_;
};

}  // namespace pith::inline v1::entropy
