// Frames in memory: a header, blocks that are coded one by one (or stored when that is shorter), and an end
// mark. FORMAT.md, parts 2 and 3. Every block has a checksum of its decoded bytes; one content has one form.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>
#include <vector>

#include <pith/container/concepts.hpp>
#include <pith/container/layout.hpp>
#include <pith/container/recipe.hpp>
#include <pith/core/bytes.hpp>
#include <pith/core/limits.hpp>
#include <pith/core/result.hpp>

namespace pith::inline v1::container {

/// Codes one block (1 … max_block_size bytes) into `out`, which must have payload_room<Codec>(in.size())
/// bytes. The payload is in `out`, unless the returned header says stored: then it is `in` itself.
template <block_codec Codec>
[[nodiscard]] result<block_header> encode_payload(Codec& codec, byte_view in, std::uint64_t seed,
                                                  byte_span out) {
    const auto n = static_cast<std::uint32_t>(in.size());
    block_header header{n, n, xxh64_of(in, seed)};
    if constexpr (Codec::recipe != recipes::stored) {
        const result<std::size_t> coded = codec.encode_into(in, out.first(Codec::max_encoded_size(n)));
        if (!coded) return coded.error();
        if (*coded == 0 || *coded >= n) return header;
        header.coded = static_cast<std::uint32_t>(*coded);
        if (header.payload_size() > header.coded)
            std::memset(out.data() + header.coded, 0, header.payload_size() - header.coded);
    }
    return header;
}

/// Bytes of memory that encode_payload needs for the payload of n bytes.
template <block_codec Codec>
[[nodiscard]] constexpr std::size_t payload_room(std::size_t n) noexcept {
    const std::size_t most = Codec::max_encoded_size(n);
    return most < n ? n : most;  // n, so that a stored block finds room too
}

/// Whether decoded bytes are those that were encoded. Offsets of errors count from the payload.
[[nodiscard]] inline result<void> check_block(const block_header& header, byte_view decoded,
                                              std::uint64_t seed) noexcept {
    if (xxh64_of(decoded, seed) != header.check)
        return error{error_code::checksum_mismatch, 0, "a decoded block does not match its checksum"};
    return {};
}

/// Decodes one block into `out` (header.decoded bytes) and checks it. Offsets of errors count from the
/// payload.
template <block_codec Codec>
[[nodiscard]] result<void> decode_payload(Codec& codec, const block_header& header, byte_view payload,
                                          std::uint64_t seed, byte_span out) {
    if (header.stored()) {
        std::memcpy(out.data(), payload.data(), out.size());
    } else {
        for (std::size_t i = header.coded; i < payload.size(); ++i)
            if (payload[i] != 0)
                return error{error_code::bad_stream, i, "the filling of a block is not zero"};
        const result<std::size_t> n = codec.decode_into(payload.first(header.coded), out);
        if (!n) return n.error();
        if (*n != out.size())
            return error{error_code::bad_stream, 0, "a block decodes to another size than it states"};
    }
    return check_block(header, out, seed);
}

/// One block of a frame in memory.
struct frame_block {
    block_header header;
    byte_view payload;
    std::uint64_t offset = 0;  ///< of the payload in the input
    std::uint64_t seed = 0;
};

/// Walks the blocks of a frame in memory and checks everything but the payloads. Takes no memory.
class frame_walker {
  public:
    /// Reads the frame header.
    [[nodiscard]] static result<frame_walker> open(byte_view in, const limits& bound = {}) noexcept {
        const result<frame_header> header = frame_header::parse(in);
        if (!header) return header.error();
        return frame_walker(in, *header, bound);
    }
    [[nodiscard]] const frame_header& header() const noexcept { return header_; }
    /// Totals so far.
    [[nodiscard]] const block_ledger& ledger() const noexcept { return ledger_; }
    /// Moves to the next block; false after the last one, when the end mark and the end of the input are as
    /// they must be.
    [[nodiscard]] result<bool> next(frame_block& block) noexcept {
        const std::size_t left = in_.size() - at_;
        if (left < 4) return truncated("the input ends where a block or the end mark must stand");
        if (load_le<std::uint32_t>(in_.data() + at_) == 0) return finish();
        if (left < block_header::size) return truncated("the input ends inside a block header");
        block.header = block_header::read(in_.data() + at_);
        if (const result<void> ok = ledger_.admit(block.header, bound_, at_); !ok) return ok.error();
        const std::uint32_t size = block.header.payload_size();
        if (left - block_header::size < size) return truncated("the input ends inside a block");
        block.offset = at_ + block_header::size;
        block.payload = in_.subspan(at_ + block_header::size, size);
        block.seed = ledger_.seed();
        ledger_.add(block.header);
        at_ += block_header::size + size;
        return true;
    }

  private:
    frame_walker(byte_view in, const frame_header& header, const limits& bound) noexcept
        : in_(in), header_(header), bound_(bound), ledger_(header), at_(header.size()) {}

    [[nodiscard]] error truncated(const char* text) const noexcept {
        return {error_code::truncated, in_.size(), text};
    }
    [[nodiscard]] result<bool> finish() const noexcept {
        const std::size_t left = in_.size() - at_;
        if (left < end_mark::size) return truncated("the input ends inside the end mark");
        if (const result<void> ok = ledger_.close(end_mark::read(in_.data() + at_), at_); !ok)
            return ok.error();
        if (left > end_mark::size)
            return error{error_code::trailing_data, at_ + end_mark::size,
                         "bytes follow the end of the frame"};
        return false;
    }

    byte_view in_;
    frame_header header_;
    limits bound_;
    block_ledger ledger_;
    std::size_t at_;
};

/// Bytes that encode_frame_into must be given for n bytes of content. More than any frame of n bytes has: a
/// frame has at most 24 + n + 16 ceil(n / block_size) + 20 bytes; the rest is room for a codec that finds no
/// gain.
template <block_codec Codec>
[[nodiscard]] constexpr std::size_t max_frame_size(std::size_t n, std::uint32_t block_size) noexcept {
    const std::size_t full = n < block_size ? n : block_size, last = n % block_size;
    const std::size_t slack_full = payload_room<Codec>(full) - full;
    const std::size_t slack_last = payload_room<Codec>(last) - last;
    const std::size_t blocks = n / block_size + (last != 0 ? 1 : 0);
    return frame_header::max_size + n + blocks * block_header::size + end_mark::size +
           (slack_full < slack_last ? slack_last : slack_full);
}

/// Writes `in` as one frame; the number of bytes, or output_too_small when `out` has fewer than
/// max_frame_size bytes, unsupported_parameter, or what the codec reports. Exact: the same bytes on every
/// machine if the codec is.
template <block_codec Codec>
[[nodiscard]] result<std::size_t> encode_frame_into(byte_view in, byte_span out, Codec& codec,
                                                    frame_options options = {}) noexcept {
    options.content_size = in.size();
    result<frame_header> header = make_header(Codec::recipe, options);
    if (!header) return header.error();
    if (out.size() < max_frame_size<Codec>(in.size(), options.block_size))
        return error{error_code::output_too_small, out.size(),
                     "the destination is smaller than max_frame_size"};
    header->write(out.data());
    block_ledger ledger(*header);
    std::size_t at = header->size();
    while (!in.empty()) {
        const byte_view raw = in.first(in.size() < options.block_size ? in.size() : options.block_size);
        const result<block_header> block =
            encode_payload(codec, raw, ledger.seed(), out.subspan(at + block_header::size));
        if (!block) return block.error();
        block->write(out.data() + at);
        at += block_header::size;
        if (block->stored()) std::memcpy(out.data() + at, raw.data(), raw.size());
        at += block->payload_size();
        ledger.add(*block);
        in = in.subspan(raw.size());
    }
    ledger.end().write(out.data() + at);
    return at + end_mark::size;
}

/// The same into a vector of its own, e.g. encode_frame(in, stored_codec{}).
template <class Codec>
requires block_codec<std::remove_cvref_t<Codec>>
[[nodiscard]] result<std::vector<std::uint8_t>> encode_frame(byte_view in, Codec&& codec,
                                                             frame_options options = {}) {
    using codec_type = std::remove_cvref_t<Codec>;
    if (const auto ok = make_header(codec_type::recipe, options); !ok) return ok.error();
    std::vector<std::uint8_t> out(max_frame_size<codec_type>(in.size(), options.block_size));
    const result<std::size_t> n = encode_frame_into(in, out, codec, options);
    if (!n) return n.error();
    out.resize(*n);
    return out;
}

/// Decodes a frame of the codec's recipe; the number of bytes. Never allocates. What `out` holds after an
/// error is unspecified.
template <block_codec Codec>
[[nodiscard]] result<std::size_t> decode_frame_into(byte_view in, byte_span out, Codec& codec,
                                                    const limits& bound = {}) noexcept {
    result<frame_walker> walker = frame_walker::open(in, bound);
    if (!walker) return walker.error();
    if (walker->header().recipe != Codec::recipe)
        return error{error_code::unknown_recipe, 8, "the frame was written with another recipe"};
    std::size_t done = 0;
    for (frame_block block;;) {
        const result<bool> more = walker->next(block);
        if (!more) return more.error();
        if (!*more) return done;
        const std::size_t n = block.header.decoded;
        if (out.size() - done < n)
            return error{error_code::output_too_small, block.offset,
                         "the destination is smaller than the content"};
        const result<void> ok =
            decode_payload(codec, block.header, block.payload, block.seed, out.subspan(done, n));
        if (!ok) return ok.error().shifted_by(block.offset);
        done += n;
    }
}

/// Bytes that a whole frame in memory decodes to. All headers are checked, no payload is.
[[nodiscard]] inline result<std::uint64_t> decoded_size(byte_view in, const limits& bound = {}) noexcept {
    result<frame_walker> walker = frame_walker::open(in, bound);
    if (!walker) return walker.error();
    for (frame_block block;;) {
        const result<bool> more = walker->next(block);
        if (!more) return more.error();
        if (!*more) return walker->ledger().total();
    }
}

/// Decodes a frame whose recipe is in the list, e.g. decode_frame<recipe_list<A, B>>(in). All headers are
/// checked before memory is taken, so the output is at most 1024 times as large as the input.
template <class Recipes>
[[nodiscard]] result<std::vector<std::uint8_t>> decode_frame(byte_view in, const limits& bound = {}) {
    using bytes = std::vector<std::uint8_t>;
    const result<frame_walker> walker = frame_walker::open(in, bound);
    if (!walker) return walker.error();
    return Recipes::visit(walker->header().recipe, 8, [&]<class Codec>() -> result<bytes> {
        if (codec_memory<Codec>() > bound.max_memory)
            return error{error_code::limit_exceeded, 8, "the recipe needs more memory than the limits allow"};
        const result<std::uint64_t> size = decoded_size(in, bound);
        if (!size) return size.error();
        std::vector<Codec> codec(1);  // its tables may be too large for a stack
        bytes out(static_cast<std::size_t>(*size));
        const result<std::size_t> n = decode_frame_into(in, out, codec[0], bound);
        if (!n) return n.error();
        return out;
    });
}

}  // namespace pith::inline v1::container
