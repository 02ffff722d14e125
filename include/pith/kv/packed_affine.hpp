// A block codec of equally spaced codes that attention reads in place: keys by channel or by token, values by
// token. KIVI (Liu et al., 2024) with 2, 3, 4 or 8 bits; scale and offset are half floats.
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
#include <pith/kv/packed_block.hpp>
#include <pith/kv/packed_channels.hpp>

namespace pith::inline v1::kv {

struct packed_affine_options {
    unsigned bits = 4;           ///< 2, 3, 4 or 8; the latter with 255 levels
    std::size_t key_group = 32;  ///< tokens of a block that share channel scales; 0: each token has one scale
    std::size_t value_group = 0;  ///< channels of a token that share a scale; 0: all of the head
    unsigned query_bytes = 2;  ///< to which queries are rounded; 1 is a little faster, 2 exact to about 2^-15
    friend constexpr bool operator==(const packed_affine_options&, const packed_affine_options&) = default;
};

/// An attended codec. Stored: fp16 scale and offset for every group, codes in units; no header. A value
/// differs from its decoded one by half a step and the rounding of scale and offset. Values beyond those of
/// half floats are held to them. Scores differ from those of decoded keys by at most half a query step (1/127
/// of the largest |query * scale|, or 1/32512) for each channel, times half the levels.
template <packed_affine_options Options = packed_affine_options{}, simd::instruction_set Arch = simd::native>
requires(simd::unit_width<Options.bits>&& Options.key_group % 16 == 0 && Options.key_group <= 256 &&
         Options.value_group % 8 == 0 &&
         (Options.query_bytes == 1 || Options.query_bytes == 2)) class packed_affine {
    using format = detail::code_format<Options.bits, false, true>;
    using keys = detail::keys_by_channel<format, Options.query_bytes, Arch>;
    using token_keys = detail::keys_by_token<format, Options.query_bytes, Arch>;
    using values = detail::values_by_token<format, Arch>;

  public:
    static constexpr packed_affine_options options = Options;
    static constexpr const char* name = "packed affine";

    /// What a cache file compares.
    [[nodiscard]] static constexpr std::uint64_t fingerprint() noexcept {
        return Options.bits | Options.key_group << 8 | Options.value_group << 32;
    }
    /// Bytes of one head of so many tokens.
    [[nodiscard]] static constexpr std::size_t head_bytes(tensor_kind kind, std::size_t head_size,
                                                          std::size_t tokens) noexcept {
        const packed_head head{head_size};
        if (kind == tensor_kind::values) return values::size(head, tokens, Options.value_group);
        if constexpr (Options.key_group == 0)
            return token_keys::size(head, tokens);
        else
            return keys::size(head, tokens, Options.key_group);
    }

    /// Precondition: finite values, x of scope's shape. Encoder-side.
    void encode(view_2d<const float> x, const block_scope& scope, std::vector<std::byte>& out) const {
        const packed_head head{scope.shape.head_size};
        detail::encode_heads(x, scope, head_bytes(scope.kind, head.channels, x.rows()), out,
                             [&](const float* rows, std::size_t stride, std::uint8_t* to) {
                                 if (scope.kind == tensor_kind::values)
                                     encode_values(rows, stride, head, x.rows(), to);
                                 else
                                     encode_keys(rows, stride, head, x.rows(), to);
                             });
    }
    /// Exact.
    [[nodiscard]] result<void> decode(std::span<const std::byte> in, const block_scope& scope,
                                      view_2d<float> out) const noexcept {
        const packed_head head{scope.shape.head_size};
        return detail::decode_heads(in, scope, head_bytes(scope.kind, head.channels, out.rows()), out,
                                    [&](const std::uint8_t* from, view_2d<float> to) {
                                        return scope.kind == tensor_kind::values
                                                   ? decode_values(from, head, to)
                                                   : decode_keys(from, head, to);
                                    });
    }
    /// Precondition: decode accepts the bytes; query.size() is the head size, out.size() the tokens.
    void scores(std::span<const std::byte> in, const block_scope& scope, std::size_t head,
                std::span<const float> query, std::span<float> out) const noexcept {
        scores(in, scope, head, detail::one_row(query), detail::one_row(out));
    }
    /// Precondition: decode accepts the bytes; weights, one for each token, are finite and not negative.
    void accumulate(std::span<const std::byte> in, const block_scope& scope, std::size_t head,
                    std::span<const float> weights, std::span<float> out) const noexcept {
        accumulate(in, scope, head, detail::one_row(weights), detail::one_row(out));
    }
    /// The same of several queries, a row each: the codes are unpacked once for up to eight.
    void scores(std::span<const std::byte> in, const block_scope& scope, std::size_t head_index,
                view_2d<const float> queries, view_2d<float> out) const noexcept {
        const packed_head head{scope.shape.head_size};
        PITH_ASSERT(queries.columns() == head.channels);
        const std::uint8_t* const from =
            readable_bytes(in).data() +
            head_index * head_bytes(tensor_kind::keys, head.channels, out.columns());
        detail::for_shared_rows(queries, out, [&](view_2d<const float> some, view_2d<float> to) {
            if constexpr (Options.key_group == 0)
                token_keys::scores(from, head, {}, some, to);
            else
                keys::scores(from, head, Options.key_group, some, to);
        });
    }
    /// The same of several rows of weights.
    void accumulate(std::span<const std::byte> in, const block_scope& scope, std::size_t head_index,
                    view_2d<const float> weights, view_2d<float> out) const noexcept {
        const packed_head head{scope.shape.head_size};
        PITH_ASSERT(out.columns() == head.channels);
        const std::uint8_t* const from =
            readable_bytes(in).data() +
            head_index * head_bytes(tensor_kind::values, head.channels, weights.columns());
        detail::for_shared_rows(weights, out, [&](view_2d<const float> some, view_2d<float> to) {
            values::accumulate(from, head, Options.value_group, {}, some, to);
        });
    }

  private:
    static void encode_keys(const float* x, std::size_t stride, const packed_head& head, std::size_t tokens,
                            std::uint8_t* out) noexcept {
        if constexpr (Options.key_group != 0) {
            keys::encode(x, stride, head, tokens, Options.key_group, out);
        } else {
            detail::code_rows rows;
            const std::size_t chunk = head.chunk_tokens();
            std::uint8_t* const units = out + format::side * tokens;
            for (std::size_t t = 0; t < tokens; t += chunk) {
                const std::size_t some = tokens - t < chunk ? tokens - t : chunk;
                if (some < chunk || head.channels != head.row()) rows.clear(chunk * head.row());
                encode_rows(x + t * stride, stride, some, head.channels, out + 2 * t, out + 2 * (tokens + t),
                            rows.codes, head.row());
                detail::store_key_chunk<Options.bits, Arch>(head, rows,
                                                            units + head.key_bytes<Options.bits>(t));
            }
        }
    }
    static void encode_values(const float* x, std::size_t stride, const packed_head& head, std::size_t tokens,
                              std::uint8_t* out) noexcept {
        constexpr std::size_t group = Options.value_group;
        detail::code_rows rows;
        const std::size_t padded = rounded_up(tokens, 16), row = 32 * head.vectors();
        const std::size_t groups = values::groups(head, group);
        std::uint8_t* const units = out + groups * values::group_side(tokens);
        for (std::size_t t = 0; t < tokens; t += 16) {
            const std::size_t some = tokens - t < 16 ? tokens - t : 16;
            if (some < 16 || head.channels != row) rows.clear(16 * row);
            for (std::size_t g = 0; g < groups; ++g) {
                const std::size_t first = g * group, rest = head.channels - first;
                std::uint8_t* const side = out + g * values::group_side(tokens) + 2 * t;
                encode_rows(x + t * stride + first, stride, some, group == 0 || rest < group ? rest : group,
                            side, side + 2 * padded, rows.codes + first, row);
                std::memset(side + 2 * some, 0, 2 * (rounded_up(some, 16) - some));
                std::memset(side + 2 * (padded + some), 0, 2 * (rounded_up(some, 16) - some));
            }
            detail::store_value_group<Options.bits, Arch>(head, rows, t / 16, padded / 16, units);
        }
    }
    /// At most sixteen rows with a scale and an offset each.
    static void encode_rows(const float* x, std::size_t stride, std::size_t rows, std::size_t n,
                            std::uint8_t* scales, std::uint8_t* offsets, std::uint8_t* codes,
                            std::size_t code_stride) noexcept {
        float offset[16], inverse[16];
        for (std::size_t r = 0; r < rows; ++r) {
            const simd::float_range range = simd::range_of<Arch>(x + r * stride, n);
            offset[r] = range.low;
            inverse[r] = range.high;
        }
        detail::store_ranges<format, Arch>(offset, inverse, rows, scales, offsets);
        for (std::size_t r = 0; r < rows; ++r)
            simd::affine_codes<true, Arch>(x + r * stride, offset + r, inverse + r, n, format::first,
                                           format::last, codes + r * code_stride);
    }
    [[nodiscard]] static result<void> decode_keys(const std::uint8_t* in, const packed_head& head,
                                                  view_2d<float> out) noexcept {
        if constexpr (Options.key_group == 0)
            return token_keys::decode(
                in, head, out.rows(), {},
                [&](std::size_t t, const std::int8_t* levels, float scale, float offset) {
                    simd::affine_values<true, Arch>(levels, &scale, &offset, head.channels, &out(t, 0));
                });
        else
            return keys::decode(
                in, head, out.rows(), Options.key_group,
                [&](std::size_t t, const std::int8_t* levels, const float* scales, const float* offsets) {
                    simd::affine_values<false, Arch>(levels, scales, offsets, head.channels, &out(t, 0));
                });
    }
    [[nodiscard]] static result<void> decode_values(const std::uint8_t* in, const packed_head& head,
                                                    view_2d<float> out) noexcept {
        constexpr std::size_t group = Options.value_group;
        const std::size_t padded = rounded_up(out.rows(), 16), row = 32 * head.vectors();
        return values::decode(
            in, head, out.rows(), group, [&](std::size_t first, std::size_t some, detail::code_rows& rows) {
                for (std::size_t i = 0; i < some; ++i)
                    for (std::size_t g = 0; g < values::groups(head, group); ++g) {
                        const std::size_t c = g * group, rest = head.channels - c;
                        const std::size_t n = group == 0 || rest < group ? rest : group;
                        const std::uint8_t* const codes = rows.codes + i * row + c;
                        for (std::size_t k = 0; Options.bits == 8 && k < n; ++k)
                            if (codes[k] == 128) return false;
                        const std::uint8_t* const side =
                            in + g * values::group_side(out.rows()) + 2 * (first + i);
                        const float scale = detail::load_half(side);
                        const float offset = detail::load_half(side + 2 * padded);
                        simd::affine_values<true, Arch>(reinterpret_cast<const std::int8_t*>(codes), &scale,
                                                        &offset, n, &out(first + i, c));
                    }
                return true;
            });
    }
};

}  // namespace pith::inline v1::kv
