// Blocks as the packed codecs see them: the heads one after another, each of a fixed size.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <pith/core/assert.hpp>
#include <pith/core/result.hpp>
#include <pith/core/view.hpp>
#include <pith/kv/bytes.hpp>
#include <pith/kv/concepts.hpp>

namespace pith::inline v1::kv::detail {

/// Appends every head by encode(first row, stride of rows, destination of `size` bytes).
template <class Encode>
inline void encode_heads(view_2d<const float> x, const block_scope& scope, std::size_t size,
                         std::vector<std::byte>& out, Encode encode) {
    const std::size_t d = scope.shape.head_size, heads = scope.layers * scope.heads, start = out.size();
    PITH_ASSERT(x.columns() == heads * d);
    out.resize(start + heads * size);
    std::uint8_t* to = writable_bytes(out).data() + start;
    std::vector<float> copy;
    for (std::size_t h = 0; h < heads && x.rows() != 0; ++h, to += size) {
        if (x.column_stride() == 1) {
            encode(&x(0, h * d), x.row_stride(), to);
            continue;
        }
        copy.resize(x.rows() * d);
        for (std::size_t r = 0; r < x.rows(); ++r)
            for (std::size_t c = 0; c < d; ++c) copy[r * d + c] = x(r, h * d + c);
        encode(copy.data(), d, to);
    }
}

/// Every head by decode(bytes of the head, its columns of out). out: columns next to each other, or copied.
template <class Decode>
[[nodiscard]] inline result<void> decode_heads(std::span<const std::byte> in, const block_scope& scope,
                                               std::size_t size, view_2d<float> out, Decode decode) {
    const std::size_t d = scope.shape.head_size, heads = scope.layers * scope.heads;
    PITH_ASSERT(out.columns() == heads * d);
    if (in.size() != heads * size)
        return error{in.size() < heads * size ? error_code::truncated : error_code::trailing_data, in.size(),
                     "a packed block has another size"};
    for (std::size_t h = 0; h < heads && out.rows() != 0; ++h) {
        PITH_ASSERT(out.column_stride() == 1 || out.columns() == 1);
        const result<void> r =
            decode(readable_bytes(in).data() + h * size, out.block(0, h * d, out.rows(), d));
        if (!r) return r.error().shifted_by(h * size);
    }
    return {};
}

}  // namespace pith::inline v1::kv::detail
