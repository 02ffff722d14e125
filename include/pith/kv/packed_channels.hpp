// Keys with a scale for each channel of some tokens, attended in place: KIVI's keys of one head.
// Liu et al. (KIVI, 2024); here the scales go into the query, once for every group of tokens.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

#include <pith/kv/packed_tokens.hpp>

namespace pith::inline v1::kv::detail {

/// Keys in groups of tokens: [scales of the channels, up to a multiple of 8][offsets][units], and so on.
template <class Format, unsigned Halves, simd::instruction_set Arch>
requires(Format::offsets && !Format::table) struct keys_by_channel {
    static constexpr unsigned bits = Format::bits;

    [[nodiscard]] static constexpr std::size_t side(const packed_head& head) noexcept {
        return 4 * rounded_up(head.channels, 8);
    }
    [[nodiscard]] static constexpr std::size_t size(const packed_head& head, std::size_t tokens,
                                                    std::size_t group) noexcept {
        return tokens / group * group_size(head, group) +
               (tokens % group == 0 ? 0 : group_size(head, tokens % group));
    }
    /// Bytes of a group of so many tokens.
    [[nodiscard]] static constexpr std::size_t group_size(const packed_head& head,
                                                          std::size_t tokens) noexcept {
        return side(head) + head.key_bytes<bits>(tokens);
    }
    /// out(r, t) = query r times key t. Precondition: at most max_shared_queries rows.
    static void scores(const std::uint8_t* in, const packed_head& head, std::size_t group,
                       view_2d<const float> queries, view_2d<float> out) noexcept {
        const std::size_t rows = queries.rows();
        const std::size_t step = group_size(head, group), row = Halves * simd::unit_lanes * head.vectors();
        // Several groups of tokens are prepared before the first is scored: each waits for its own maximum.
        const std::size_t together = rounded_rows / rows;
        padded_query<Arch> padded;
        std::int8_t bytes[rounded_rows * 2 * simd::max_head_channels];
        simd::rounded_factors factors[rounded_rows];
        float shifts[rounded_rows];
        for (std::size_t t = 0; t < out.columns(); t += together * group, in += together * step) {
            const std::size_t some = std::min(out.columns() - t, together * group);
            std::size_t i = 0;
            for (std::size_t g = 0; g * group < some; ++g)
                for (std::size_t r = 0; r < rows; ++r, ++i) {
                    const simd::folded_query folded = padded.fold(head, &queries(r, 0), in + g * step);
                    factors[i] = padded.template round<Halves>(head, folded.largest, bytes + i * row);
                    shifts[i] = folded.bias + Format::middle * factors[i].remainder;
                }
            for (std::size_t g = 0; g * group < some; ++g) {
                const std::size_t tokens = std::min(some - g * group, group);
                std::int32_t dots[simd::max_shared_queries * max_group];
                simd::key_dots<bits, false, Halves, Arch>(
                    in + g * step + side(head), head.vectors(), head.lane_channels(), head.chunks(tokens),
                    bytes + g * rows * row, {}, dots, {rows, max_group});
                for (std::size_t r = 0; r < rows; ++r)
                    simd::scores_of<Arch>(dots + r * max_group, factors[g * rows + r].step,
                                          shifts[g * rows + r], tokens, &out(r, t + g * group));
            }
        }
    }
    /// Appends nothing: writes size(head, x.rows, group) bytes for `tokens` rows at x, `stride` apart.
    static void encode(const float* x, std::size_t stride, const packed_head& head, std::size_t tokens,
                       std::size_t group, std::uint8_t* out) noexcept {
        for (std::size_t t = 0; t < tokens; t += group, out += group_size(head, group))
            encode_group(x + t * stride, stride, head, tokens - t < group ? tokens - t : group, out);
    }
    /// Rows by each(token, levels, scales, offsets), arrays of all channels: an error, or not.
    template <class Each>
    [[nodiscard]] static result<void> decode(const std::uint8_t* in, const packed_head& head,
                                             std::size_t tokens, std::size_t group, Each each) noexcept {
        const std::size_t channels = rounded_up(head.channels, 8);
        code_rows rows;
        float scales[simd::max_head_channels], offsets[simd::max_head_channels];
        for (std::size_t t = 0; t < tokens; t += group, in += group_size(head, group)) {
            const std::size_t beyond = 2 * (channels - head.channels);
            if (!sound_halves(in, channels, true) || !sound_halves(in + 2 * channels, channels, false) ||
                !all_zero(in + 2 * head.channels, beyond) ||
                !all_zero(in + 2 * (channels + head.channels), beyond))
                return error{error_code::bad_model, 0, "a scale that no encoder writes"};
            for (std::size_t c = 0; c < head.channels; ++c) {
                scales[c] = load_half(in + 2 * c);
                offsets[c] = load_half(in + 2 * (channels + c));
            }
            const std::size_t some = tokens - t < group ? tokens - t : group, chunk = head.chunk_tokens();
            for (std::size_t i = 0; i < some; i += chunk) {
                load_key_chunk<bits, Arch>(head, in + side(head) + head.key_bytes<bits>(i), rows);
                for (std::size_t r = 0; r < chunk; ++r) {
                    const std::uint8_t* const codes = rows.codes + r * head.row();
                    const std::size_t used = i + r < some ? head.channels : 0;
                    bool sound = all_zero(codes + used, head.row() - used);
                    for (std::size_t c = 0; bits == 8 && c < used; ++c) sound = sound && codes[c] != 128;
                    if (!sound) return error{error_code::bad_stream, 0, "a code that no encoder writes"};
                    if (used != 0)
                        each(t + i + r, reinterpret_cast<const std::int8_t*>(codes), scales, offsets);
                }
            }
        }
        return {};
    }

    static constexpr std::size_t max_group = 256;

  private:
    static constexpr std::size_t rounded_rows = simd::max_shared_queries;

    static void encode_group(const float* x, std::size_t stride, const packed_head& head, std::size_t tokens,
                             std::uint8_t* out) noexcept {
        const std::size_t n = head.channels, channels = rounded_up(n, 8), chunk = head.chunk_tokens();
        float offset[simd::max_head_channels], inverse[simd::max_head_channels];
        simd::column_ranges<Arch>(x, tokens, stride, n, offset, inverse);
        store_ranges<Format, Arch>(offset, inverse, n, out, out + 2 * channels);
        for (std::size_t i = n; i < channels; ++i) {
            store_le<std::uint16_t>(out + 2 * i, 0);
            store_le<std::uint16_t>(out + 2 * (channels + i), 0);
        }
        code_rows rows;
        for (std::size_t t = 0; t < tokens; t += chunk) {
            if (tokens - t < chunk || n != head.row()) rows.clear(chunk * head.row());
            for (std::size_t i = 0; i < chunk && t + i < tokens; ++i)
                simd::affine_codes<false, Arch>(x + (t + i) * stride, offset, inverse, n, Format::first,
                                                Format::last, rows.codes + i * head.row());
            store_key_chunk<bits, Arch>(head, rows, out + side(head) + head.key_bytes<bits>(t));
        }
    }
};

}  // namespace pith::inline v1::kv::detail
