// The two forms of a block that every block coder shares: stored bytes, and one value repeated.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include <pith/core/bytes.hpp>
#include <pith/core/result.hpp>

namespace pith::inline v1::entropy {

/// First byte of a nonempty block; other values belong to the coder. An empty block has no bytes at all.
enum class block_form : std::uint8_t { stored = 0, run = 1, coded = 2 };

/// True when all bytes are equal; in is not empty.
[[nodiscard]] inline bool is_run(byte_view in) noexcept {
    return std::memcmp(in.data(), in.data() + 1, in.size() - 1) == 0;
}

/// Writes a nonempty block as a run if it is one, else stored. Errors: output_too_small. Exact.
inline result<std::size_t> encode_plain_block(byte_view in, byte_span out) noexcept {
    const bool run = is_run(in);
    span_sink sink(out);
    sink.put(static_cast<std::uint8_t>(run ? block_form::run : block_form::stored));
    sink.append(run ? in.first(1) : in);
    return sink.written();
}

/// Reads an empty, stored or repeated block of out.size() bytes; a run that was stored is refused.
/// Errors: truncated, trailing_data, bad_header, bad_stream. Exact.
inline result<std::size_t> decode_plain_block(byte_view in, byte_span out) noexcept {
    const auto sized = [&](std::size_t size) -> result<std::size_t> {
        if (in.size() == size) return out.size();
        if (in.size() < size) return error{error_code::truncated, in.size(), "the block is cut off"};
        return error{error_code::trailing_data, size, "bytes follow the block"};
    };
    if (out.empty() || in.empty()) return sized(out.empty() ? 0 : 2);
    if (in[0] == static_cast<std::uint8_t>(block_form::run)) {
        if (in.size() == 2) std::memset(out.data(), in[1], out.size());
        return sized(2);
    }
    if (in[0] != static_cast<std::uint8_t>(block_form::stored))
        return error{error_code::bad_header, 0, "a block of unknown form"};
    if (in.size() != out.size() + 1) return sized(out.size() + 1);
    if (is_run(in.subspan(1))) return error{error_code::bad_stream, 1, "a run was stored"};
    std::memcpy(out.data(), in.data() + 1, out.size());
    return out.size();
}

}  // namespace pith::inline v1::entropy
