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
#include <pith/simd/attention_units.hpp>

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

/// Calls f(rows of a, rows of b) for as many rows at a time as share one reading of the codes.
template <class F>
inline void for_shared_rows(view_2d<const float> a, view_2d<float> b, F f) noexcept {
    PITH_ASSERT(a.rows() == b.rows() && (a.column_stride() == 1 || a.columns() <= 1) &&
                (b.column_stride() == 1 || b.columns() <= 1));
    if (a.columns() == 0 || b.columns() == 0) return;
    for (std::size_t r = 0; r < a.rows(); r += simd::max_shared_queries) {
        const std::size_t n =
            a.rows() - r < simd::max_shared_queries ? a.rows() - r : simd::max_shared_queries;
        f(a.block(r, 0, n, a.columns()), b.block(r, 0, n, b.columns()));
    }
}
/// A row as a matrix.
template <class T>
[[nodiscard]] inline view_2d<T> one_row(std::span<T> row) noexcept {
    return {row, 1, row.size()};
}

}  // namespace pith::inline v1::kv::detail
