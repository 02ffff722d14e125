// What both directions of a stream share: totals, the memory they take, slots of the pipeline, counted ends.
// Used by stream_encode.hpp and stream_decode.hpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include <pith/container/concepts.hpp>
#include <pith/container/layout.hpp>
#include <pith/core/assert.hpp>
#include <pith/core/bytes.hpp>
#include <pith/core/result.hpp>

namespace pith::inline v1::container {

/// What passed through a stream.
struct stream_totals {
    std::uint64_t decoded = 0;  ///< bytes of content
    std::uint64_t encoded = 0;  ///< bytes of the frame
    std::uint64_t blocks = 0;
    std::uint64_t digest = 0;  ///< as the end mark has it
};

/// Bytes of working memory that decode_stream may take: `slots` blocks on their way, coded and decoded, half
/// as much again while a buffer grows, and the codecs.
[[nodiscard]] constexpr std::uint64_t decode_memory(const frame_header& header, std::uint64_t codec_memory,
                                                    std::uint64_t workers, std::uint64_t slots) noexcept {
    const std::uint64_t block =
        header.content_size < header.block_size ? header.content_size : header.block_size;
    return workers * codec_memory + slots * (2 * block + block / 2);
}

namespace detail {

using buffer = std::vector<std::uint8_t>;

// A block on its way. An error travels in its slot too, so that the first one in the order of the stream is
// reported, whatever the number of threads.
struct stream_slot {
    buffer raw;    // decoded bytes
    buffer coded;  // encoder: block header and payload; decoder: payload
    std::size_t raw_size = 0;
    std::uint64_t offset = 0;  // in the input: of the content when encoding, of the payload when decoding
    std::uint64_t seed = 0;
    block_header header{};
    bool failed = false;
    error why{};

    void fail(const error& e) noexcept {
        failed = true;
        why = e;
    }
};

// Counts what a source gives, and never asks it again once it has ended.
template <byte_source Source>
class counted_source {
  public:
    explicit counted_source(Source& source) noexcept : source_(&source) {}
    [[nodiscard]] std::uint64_t position() const noexcept { return at_; }
    // Bytes read; fewer than asked for only at the end.
    [[nodiscard]] result<std::size_t> read(byte_span out) {
        if (ended_ || out.empty()) return std::size_t{0};
        const result<std::size_t> n = source_->read(out);
        if (!n) return error{n.error().code, at_, n.error().text};
        PITH_ASSERT(*n <= out.size());
        ended_ = *n < out.size();
        at_ += *n;
        return *n;
    }
    // The whole span, or an error.
    [[nodiscard]] result<void> fill(byte_span out, const char* what_if_short) {
        const result<std::size_t> n = read(out);
        if (!n) return n.error();
        if (*n < out.size()) return error{error_code::truncated, at_, what_if_short};
        return {};
    }

  private:
    Source* source_;
    std::uint64_t at_ = 0;
    bool ended_ = false;
};

// Counts what an output takes.
template <byte_output Output>
class counted_output {
  public:
    explicit counted_output(Output& output) noexcept : output_(&output) {}
    [[nodiscard]] std::uint64_t position() const noexcept { return at_; }
    [[nodiscard]] result<void> write(byte_view bytes, std::uint64_t input_offset) {
        const result<void> ok = output_->write(bytes);
        if (!ok) return error{ok.error().code, input_offset, ok.error().text};
        at_ += bytes.size();
        return {};
    }

  private:
    Output* output_;
    std::uint64_t at_ = 0;
};

inline constexpr error stop_asked{error_code::cancelled, 0, "the work was cancelled"};

}  // namespace detail
}  // namespace pith::inline v1::container
