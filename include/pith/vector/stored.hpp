// How parameters of quantizers are written and read: floats as their bits, little endian, all of them finite.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include <pith/core/bytes.hpp>
#include <pith/core/result.hpp>
#include <pith/vector/checks.hpp>
#include <pith/vector/codebook.hpp>

namespace pith::inline v1::vector {

template <byte_sink Sink>
inline void put_floats(Sink& sink, std::span<const float> values) {
    for (const float value : values) put_le<std::uint32_t>(sink, std::bit_cast<std::uint32_t>(value));
}

/// The next `count` floats. Memory is taken once that many bytes are known to be there. Values that no
/// encoder writes (not finite, or too large) are bad_model.
[[nodiscard]] inline result<std::vector<float>> read_floats(byte_reader& from, std::size_t count) {
    const auto raw = from.read_bytes(std::uint64_t{count} * sizeof(float));
    if (!raw) return raw.error();
    std::vector<float> out(count);
    for (std::size_t i = 0; i < count; ++i) {
        out[i] = std::bit_cast<float>(load_le<std::uint32_t>(raw->data() + i * sizeof(float)));
        if (!(out[i] <= 2 * largest_coordinate && out[i] >= -2 * largest_coordinate))
            return error{error_code::bad_model, from.position() - (count - i) * sizeof(float),
                         "a stored coordinate is not a number, or not of a usable size"};
    }
    return out;
}

template <byte_sink Sink>
inline void save_codebook(Sink& sink, const codebook& book) {
    put_floats(sink, book.centre());
    put_floats(sink, book.entries());
}

/// A codebook of stated size. Precondition: dimension in [1, max_codebook_dimension], no overflow of
/// (entries + 1) * dimension * 4.
[[nodiscard]] inline result<codebook> load_codebook(byte_reader& from, std::size_t entries,
                                                    std::size_t dimension) {
    auto centre = read_floats(from, dimension);
    if (!centre) return centre.error();
    auto values = read_floats(from, entries * dimension);
    if (!values) return values.error();
    return codebook(std::move(*values), std::move(*centre));
}

}  // namespace pith::inline v1::vector
