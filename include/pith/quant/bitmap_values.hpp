// A sparse matrix of 16-bit numbers as a bitmap of its nonzero places and their values, without loss.
// Endor's format (Joo, Hadidi, Feizi, Asgari, 2024): a bit for each weight beats lists of indices from a
// density of a sixteenth on.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <pith/core/bytes.hpp>
#include <pith/core/limits.hpp>
#include <pith/core/result.hpp>

namespace pith::inline v1::quant {

/// Any patterns of 16 bits (half, bfloat16); the pattern 0 is what is left out, so minus zero is kept.
/// Stream: their number (varint), the bitmap (lowest bit of a byte first, zero padding), the values.
struct bitmap_values {
    [[nodiscard]] static std::vector<std::uint8_t> encode(std::span<const std::uint16_t> patterns) {
        std::vector<std::uint8_t> out;
        vector_sink sink(out);
        put_varint(sink, patterns.size());
        for (std::size_t i = 0; i < patterns.size(); i += 8) {
            unsigned bits = 0;
            for (std::size_t k = i; k < patterns.size() && k < i + 8; ++k)
                bits |= unsigned{patterns[k] != 0} << (k - i);
            sink.put(static_cast<std::uint8_t>(bits));
        }
        for (const std::uint16_t v : patterns)
            if (v != 0) put_le<std::uint16_t>(sink, v);
        return out;
    }

    /// Errors: those of outside bytes, and limit_exceeded.
    [[nodiscard]] static result<std::vector<std::uint16_t>> decode(byte_view in, const limits& most = {}) {
        byte_reader reader(in);
        const auto count = reader.read_varint();
        if (!count) return count.error();
        if (*count > most.max_output / 2)
            return reader.fail(error_code::limit_exceeded, "more values than allowed");
        const auto map = reader.read_bytes(*count / 8 + (*count % 8 != 0 ? 1 : 0));
        if (!map) return map.error();
        std::uint64_t kept = 0;
        for (const std::uint8_t b : *map) kept += static_cast<unsigned>(std::popcount(b));
        if (*count % 8 != 0 && map->back() >> *count % 8 != 0)
            return reader.fail(error_code::bad_stream, "padding that is not zero");
        if (reader.remaining() != 2 * kept)
            return reader.fail(
                reader.remaining() < 2 * kept ? error_code::truncated : error_code::trailing_data,
                "not as many values as the bitmap says");
        std::vector<std::uint16_t> out(static_cast<std::size_t>(*count));
        for (std::size_t i = 0; i < out.size(); ++i) {
            if (((*map)[i / 8] >> i % 8 & 1) == 0) continue;
            out[i] = *reader.read_le<std::uint16_t>();
            if (out[i] == 0) return reader.fail(error_code::bad_stream, "a zero among the values");
        }
        return out;
    }
};

}  // namespace pith::inline v1::quant
