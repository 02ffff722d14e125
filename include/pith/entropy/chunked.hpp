// What the adaptive block coders share: chunks of bounded size, coded or stored, under models that go on from
// one coded chunk to the next.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include <pith/core/bytes.hpp>
#include <pith/core/result.hpp>

namespace pith::inline v1::entropy::detail {

/// Bytes in a chunk; only the last one of a block is shorter. It bounds the encoders' scratch memory.
inline constexpr std::size_t chunk_size = std::size_t{1} << 18;

/// A coder of chunks under models that it owns.
///   static constexpr std::size_t memory;                                 // bytes that an object holds
///   void reset() noexcept;                                               // models as at the start
///   bool encode(byte_view in, span_sink& out) noexcept;                  // false: it did not fit
///   result<void> decode(byte_reader& in, byte_span out) noexcept;        // fills out
template <class C>
concept chunk_coder = requires(C c, byte_view in, byte_span out, span_sink& sink, byte_reader& reader) {
    { C::memory } -> std::convertible_to<std::size_t>;
    { c.reset() }
    noexcept;
    { c.encode(in, sink) }
    noexcept->std::same_as<bool>;
    { c.decode(reader, out) }
    noexcept->std::same_as<result<void>>;
};

/// A block coder over a chunk coder. Each chunk is a byte 1 and what the chunk coder wrote, or, where that is
/// not shorter, a byte 0 and the bytes themselves; after a stored chunk the models start anew.
template <chunk_coder Chunks>
class chunked_coder {
  public:
    /// Bytes that an object holds, its heap included: what `limits` are compared with.
    static constexpr std::size_t memory = Chunks::memory;

    [[nodiscard]] static constexpr std::size_t max_encoded_size(std::size_t n) noexcept {
        return n + (n + chunk_size - 1) / chunk_size;
    }

    /// Bytes written, or output_too_small; max_encoded_size(in.size()) bytes always suffice.
    [[nodiscard]] result<std::size_t> encode_into(byte_view in, byte_span out) noexcept {
        std::size_t size = 0;
        chunks_.reset();
        for (std::size_t at = 0; at < in.size(); at += chunk_size) {
            const byte_view chunk = in.subspan(at, in.size() - at < chunk_size ? in.size() - at : chunk_size);
            const byte_span rest = out.subspan(size);
            // Room for a chunk that is worth coding, no more.
            span_sink coded(rest.first(rest.size() < chunk.size() ? rest.size() : chunk.size()));
            coded.put(1);
            if (chunks_.encode(chunk, coded) && !coded.overflowed()) {
                size += coded.size();
                continue;
            }
            if (rest.size() <= chunk.size())
                return error{error_code::output_too_small, out.size(), "the destination is too small"};
            rest[0] = 0;
            std::memcpy(rest.data() + 1, chunk.data(), chunk.size());
            size += 1 + chunk.size();
            chunks_.reset();
        }
        return size;
    }

    /// Fills `out` from the whole of `in`, or says what is wrong; nothing is read outside `in`.
    [[nodiscard]] result<std::size_t> decode_into(byte_view in, byte_span out) noexcept {
        byte_reader reader(in);
        chunks_.reset();
        for (std::size_t at = 0; at < out.size(); at += chunk_size) {
            const byte_span chunk =
                out.subspan(at, out.size() - at < chunk_size ? out.size() - at : chunk_size);
            const auto mode = reader.read_le<std::uint8_t>();
            if (!mode) return mode.error();
            if (*mode > 1) return reader.fail(error_code::bad_header, "a chunk is neither stored nor coded");
            if (*mode == 1) {
                const auto done = chunks_.decode(reader, chunk);
                if (!done) return done.error();
                continue;
            }
            const auto bytes = reader.read_bytes(chunk.size());
            if (!bytes) return bytes.error();
            std::memcpy(chunk.data(), bytes->data(), chunk.size());
            chunks_.reset();
        }
        if (reader.remaining() != 0) return reader.fail(error_code::trailing_data, "bytes follow the block");
        return out.size();
    }

  private:
    Chunks chunks_;
};

}  // namespace pith::inline v1::entropy::detail
