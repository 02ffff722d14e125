// Codes with a scale for each token, attended in place: keys and values of one head.
// Own work after the affine codes of KIVI's values (Liu et al., 2024) and the codebooks of TurboQuant; the
// scales of values go into the weights, those of keys into the scores.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include <pith/core/assert.hpp>
#include <pith/core/bytes.hpp>
#include <pith/core/number.hpp>
#include <pith/core/result.hpp>
#include <pith/core/view.hpp>
#include <pith/kv/packed_layout.hpp>
#include <pith/simd/attention_codes.hpp>
#include <pith/simd/attention_factors.hpp>
#include <pith/simd/convert.hpp>

namespace pith::inline v1::kv::detail {

/// What codes stand for: (level - zero) * scale + offset, the level the code itself, signed for 8 bits, or
/// from a table. Offsets false: none is stored.
template <unsigned Bits, bool Table, bool Offsets>
requires simd::attention_kernel<Bits, Table, 1>
struct code_format {
    static constexpr unsigned bits = Bits;
    static constexpr bool table = Table;
    static constexpr bool offsets = Offsets;
    static constexpr float zero = Table ? 64 : 0;
    /// The middle of the levels: what rounding of queries and weights loses is given back as if all were
    /// there.
    static constexpr float middle = Table ? 64 : Bits == 8 ? 0 : static_cast<float>((1U << Bits) - 1) / 2;
    static constexpr float first = Bits == 8 ? -127 : 0;
    static constexpr float last = Bits == 8 ? 127 : static_cast<float>((1U << Bits) - 1);
    /// Bytes beside the codes for each scale.
    static constexpr std::size_t side = Offsets ? 4 : 2;
    /// Largest part of the weights of a tile that one byte each may lose.
    static constexpr float tolerance = Bits == 8 ? 0.002F : Table ? 0.006F : 0.008F;

    /// The level of a code less `zero`.
    [[nodiscard]] static std::int8_t signed_level(std::uint8_t code,
                                                  const simd::code_levels& levels) noexcept {
        if constexpr (Table) return static_cast<std::int8_t>(levels[code & 15U] - 64);
        return static_cast<std::int8_t>(code);
    }
};

[[nodiscard]] inline float load_half(const std::uint8_t* p) noexcept {
    return simd::attention_lanes<simd::scalar>::load_half(p);
}
/// A scale or offset as encoders write them: finite, scales not negative and no -0.
[[nodiscard]] inline bool sound_halves(const std::uint8_t* p, std::size_t n, bool scales) noexcept {
    bool sound = true;
    for (std::size_t i = 0; i < n; ++i) {
        const unsigned bits = load_le<std::uint16_t>(p + 2 * i);
        sound = sound && (bits & half::top) != half::top && !(scales && (bits & half::sign_bit) != 0);
    }
    return sound;
}
[[nodiscard]] inline bool all_zero(const std::uint8_t* p, std::size_t n) noexcept {
    std::uint8_t any = 0;
    for (std::size_t i = 0; i < n; ++i) any = static_cast<std::uint8_t>(any | p[i]);
    return any == 0;
}

/// Turns n ranges, low to high, into what is stored, scales and offsets as halves, and into what codes are
/// made with: low becomes the stored offset, high the inverse of the stored scale, 0 where that is 0.
template <class Format, simd::instruction_set Arch>
inline void store_ranges(float* low, float* high, std::size_t n, std::uint8_t* scales,
                         std::uint8_t* offsets) noexcept {
    constexpr float most = 65504;  // of half floats
    const auto held = [](float x) { return x > most ? most : x < -most ? -most : x; };
    for (std::size_t i = 0; i < n; ++i) {
        const float base = Format::bits == 8 ? low[i] / 2 + high[i] / 2 : low[i];
        const float width =
            high[i] / (Format::last - Format::first) - low[i] / (Format::last - Format::first);
        low[i] = held(base) + 0.0F;
        high[i] = held(width);
    }
    std::uint16_t bits[simd::max_head_channels];
    const auto round = [&](float* x, std::uint8_t* to) {
        simd::float_to_half<Arch>(std::span<const float>(x, n), std::span(bits, n));
        for (std::size_t i = 0; i < n; ++i) store_le<std::uint16_t>(to + 2 * i, bits[i]);
        simd::half_to_float<Arch>(std::span<const std::uint16_t>(bits, n), std::span(x, n));
    };
    round(low, offsets);
    round(high, scales);
    for (std::size_t i = 0; i < n; ++i) high[i] = high[i] > 0 ? 1 / high[i] : 0;
}

/// A query as key_dots wants it: padded with zeros, repeated for heads that share vectors.
template <simd::instruction_set Arch>
struct padded_query {
    float values[simd::max_head_channels];

    /// Rounds to Halves * row bytes. Precondition: the first head.channels values are set, none larger in
    /// magnitude than `largest`.
    template <unsigned Halves>
    [[nodiscard]] simd::rounded_factors round(const packed_head& head, float largest,
                                              std::int8_t* out) noexcept {
        const std::size_t each = head.lane_channels(), n = simd::unit_lanes * head.vectors();
        pad(head);
        if (each == simd::unit_lanes) return simd::round_query<Halves, Arch>(values, n, largest, out);
        for (std::size_t c = each; c < n; ++c) values[c] = values[c - each];
        simd::rounded_factors f = simd::round_query<Halves, Arch>(values, n, largest, out);
        f.remainder *= static_cast<float>(each) / simd::unit_lanes;
        return f;
    }
    /// Zeros up to the next multiple of 32 channels.
    void pad(const packed_head& head) noexcept {
        for (std::size_t c = head.channels; c < simd::unit_lanes * head.vectors(); ++c) values[c] = 0;
    }
    /// The query times scales of its channels; their offsets follow them. Both up to a multiple of 8.
    [[nodiscard]] simd::folded_query fold(const packed_head& head, const float* query,
                                          const std::uint8_t* scales) noexcept {
        const std::size_t channels = rounded_up(head.channels, 8);
        const std::uint8_t* const offsets = scales + 2 * channels;
        if (channels == head.channels)
            return simd::fold_scales<Arch>(query, scales, offsets, channels, values);
        float filled[simd::max_head_channels];
        for (std::size_t c = 0; c < channels; ++c) filled[c] = c < head.channels ? query[c] : 0;
        return simd::fold_scales<Arch>(filled, scales, offsets, channels, values);
    }
};

/// Keys: [scales of n tokens][offsets][units].
template <class Format, unsigned Halves, simd::instruction_set Arch>
struct keys_by_token {
    static constexpr unsigned bits = Format::bits;

    [[nodiscard]] static constexpr std::size_t size(const packed_head& head, std::size_t tokens) noexcept {
        return Format::side * tokens + head.key_bytes<bits>(tokens);
    }
    /// out(r, t) = query r times key t. Precondition: at most max_shared_queries rows.
    static void scores(const std::uint8_t* in, const packed_head& head, const simd::code_levels& levels,
                       view_2d<const float> queries, view_2d<float> out) noexcept {
        constexpr std::size_t most = simd::max_shared_queries;
        const std::size_t row = simd::unit_lanes * head.vectors(), rows = queries.rows();
        std::int8_t bytes[most * Halves * simd::max_head_channels];
        simd::rounded_factors factors[most];
        float totals[most];
        for (std::size_t r = 0; r < rows; ++r) {
            padded_query<Arch> q;
            std::memcpy(q.values, &queries(r, 0), head.channels * sizeof(float));
            q.pad(head);
            totals[r] = simd::sum_of<Arch>(q.values, row);
            factors[r] = q.template round<Halves>(head, simd::largest_magnitude<Arch>(q.values, row),
                                                  bytes + r * Halves * row);
        }
        const std::size_t n = out.columns(), at_once = 128;  // a multiple of every chunk
        const std::uint8_t* const units = in + Format::side * n;
        for (std::size_t t = 0; t < n; t += at_once) {
            std::int32_t dots[most * at_once];
            const std::size_t some = n - t < at_once ? n - t : at_once;
            simd::key_dots<bits, Format::table, Halves, Arch>(units + head.key_bytes<bits>(t), head.vectors(),
                                                              head.lane_channels(), head.chunks(some), bytes,
                                                              levels, dots, {rows, at_once});
            for (std::size_t r = 0; r < rows; ++r) {
                const float shift = Format::middle * factors[r].remainder - Format::zero * totals[r];
                simd::scaled_scores_of<Arch>(dots + r * at_once, factors[r].step, shift, in + 2 * t,
                                             Format::offsets ? in + 2 * n + 2 * t : nullptr, totals[r], some,
                                             &out(r, t));
            }
        }
    }
    /// Levels, scale and offset of every token, by each(token, levels, scale, offset): an error, or not.
    template <class Each>
    [[nodiscard]] static result<void> decode(const std::uint8_t* in, const packed_head& head,
                                             std::size_t tokens, const simd::code_levels& levels,
                                             Each each) noexcept {
        if (!sound_halves(in, tokens, true) ||
            (Format::offsets && !sound_halves(in + 2 * tokens, tokens, false)))
            return error{error_code::bad_model, 0, "a scale that no encoder writes"};
        code_rows rows;
        const std::uint8_t* const units = in + Format::side * tokens;
        const std::size_t chunk = head.chunk_tokens(), row = head.row();
        for (std::size_t t = 0; t < tokens; t += chunk) {
            load_key_chunk<bits, Arch>(head, units + head.key_bytes<bits>(t), rows);
            const std::size_t some = tokens - t < chunk ? tokens - t : chunk;
            for (std::size_t i = 0; i < chunk; ++i) {
                std::uint8_t* const codes = rows.codes + i * row;
                const std::size_t used = i < some ? head.channels : 0;
                if (!all_zero(codes + used, row - used))
                    return error{error_code::bad_stream, 0, "codes beyond the last channel or token"};
                if (used == 0) continue;
                std::int8_t signed_levels[simd::max_head_channels];
                for (std::size_t c = 0; c < used; ++c) {
                    signed_levels[c] = Format::signed_level(codes[c], levels);
                    if (signed_levels[c] == -128) return error{error_code::bad_stream, 0, "a code of -128"};
                }
                each(t + i, signed_levels, load_half(in + 2 * (t + i)),
                     Format::offsets ? load_half(in + 2 * (tokens + t + i)) : 0.0F);
            }
        }
        return {};
    }
};

/// Values: for every `group` channels, [scales of the tokens, up to a multiple of 16][offsets]; then units.
template <class Format, simd::instruction_set Arch>
struct values_by_token {
    static constexpr unsigned bits = Format::bits;

    [[nodiscard]] static constexpr std::size_t groups(const packed_head& head, std::size_t group) noexcept {
        return group == 0 ? 1 : (head.channels + group - 1) / group;
    }
    [[nodiscard]] static constexpr std::size_t group_side(std::size_t tokens) noexcept {
        return Format::side * rounded_up(tokens, 16);
    }
    [[nodiscard]] static constexpr std::size_t size(const packed_head& head, std::size_t tokens,
                                                    std::size_t group) noexcept {
        return groups(head, group) * group_side(tokens) + head.value_bytes<bits>(tokens);
    }
    /// out(r, c) += the sum of weights(r, t) times value c of token t. Precondition: at most
    /// max_shared_queries rows.
    static void accumulate(const std::uint8_t* in, const packed_head& head, std::size_t group,
                           const simd::code_levels& levels, view_2d<const float> weights,
                           view_2d<float> out) noexcept {
        const std::size_t n = weights.columns(), rows = weights.rows(), all_groups = groups(head, group);
        const std::uint8_t* const units = in + all_groups * group_side(n);
        for (std::size_t t = 0; t < n; t += tile) {
            float padded[simd::max_shared_queries * tile];
            const std::size_t some = n - t < tile ? n - t : tile, padded_size = rounded_up(some, 16);
            view_2d<const float> filled(&weights(0, t), rows, some, weights.row_stride(), 1);
            if (some != padded_size) {
                for (std::size_t r = 0; r < rows; ++r)
                    for (std::size_t i = 0; i < padded_size; ++i)
                        padded[r * tile + i] = i < some ? weights(r, t + i) : 0;
                filled = {padded, rows, padded_size, tile, 1};
            }
            for (std::size_t g = 0; g < all_groups; ++g) {
                const std::size_t first = g * group, rest = head.channels - first;
                add_tile(in + g * group_side(n) + 2 * t, rounded_up(n, 16),
                         units + (first / 8 * packed_head::token_groups(n) + t / 16) * simd::unit_bytes<bits>,
                         filled, levels,
                         out.block(0, first, rows, group == 0 || rest < group ? rest : group));
            }
        }
    }
    /// Sixteen rows of levels by each(first token, tokens, rows of codes): an error, or not.
    template <class Each>
    [[nodiscard]] static result<void> decode(const std::uint8_t* in, const packed_head& head,
                                             std::size_t tokens, std::size_t group, Each each) noexcept {
        const std::size_t padded = rounded_up(tokens, 16), token_groups = padded / 16;
        for (std::size_t g = 0; g < groups(head, group); ++g) {
            const std::uint8_t* const at = in + g * group_side(tokens);
            bool sound = sound_halves(at, padded, true) && all_zero(at + 2 * tokens, 2 * (padded - tokens));
            if constexpr (Format::offsets)
                sound = sound && sound_halves(at + 2 * padded, padded, false) &&
                        all_zero(at + 2 * (padded + tokens), 2 * (padded - tokens));
            if (!sound) return error{error_code::bad_model, 0, "a scale that no encoder writes"};
        }
        code_rows rows;
        const std::uint8_t* const units = in + groups(head, group) * group_side(tokens);
        const std::size_t row = 32 * head.vectors(), used = 8 * head.channel_groups();
        for (std::size_t t = 0; t < token_groups; ++t) {
            load_value_group<bits, Arch>(head, units, t, token_groups, rows);
            const std::size_t some = tokens - 16 * t < 16 ? tokens - 16 * t : 16;
            for (std::size_t i = 0; i < 16; ++i) {
                const std::size_t from = i < some ? head.channels : 0;
                if (!all_zero(rows.codes + i * row + from, used - from))
                    return error{error_code::bad_stream, 0, "codes beyond the last channel or token"};
            }
            if (!each(16 * t, some, rows))
                return error{error_code::bad_stream, 0, "a code that no encoder writes"};
        }
        return {};
    }

  private:
    // Tiles of 128: few enough for one byte to hold weights that differ, many enough to pay for rounding.
    static constexpr std::size_t tile = 128;
    static constexpr std::size_t most = simd::max_shared_queries;

    /// Rows of weights that take the same number of bytes each, one after another.
    struct rounded_rows {
        std::uint8_t bytes[most * 2 * tile];
        float steps[most], shifts[most];
        std::size_t rows[most], count;
    };

    static void add_tile(const std::uint8_t* side, std::size_t padded_tokens, const std::uint8_t* units,
                         view_2d<const float> weights, const simd::code_levels& levels,
                         view_2d<float> out) noexcept {
        const std::size_t n = weights.columns(), stride = padded_tokens / 16;
        rounded_rows one, two;
        one.count = two.count = 0;
        for (std::size_t r = 0; r < weights.rows(); ++r) {
            std::uint8_t* const bytes = one.bytes + one.count * n;  // room for two bytes each
            const auto w = simd::round_weights<bits, Arch>(
                &weights(r, 0), side, Format::offsets ? side + 2 * padded_tokens : nullptr, n,
                Format::tolerance, bytes);
            for (std::size_t i = 0; w.halves == 2 && i < 2 * n;
                 i += 32)  // known sizes: no string instruction
                std::memcpy(two.bytes + two.count * 2 * n + i, bytes + i, 32);
            rounded_rows& to = w.halves == 1 ? one : two;
            to.steps[to.count] = w.step;
            to.shifts[to.count] = Format::middle * w.remainder - Format::zero * w.total + w.offsets;
            to.rows[to.count++] = r;
        }
        if (one.count != 0) add_rows<1>(units, stride, n, one, levels, out);
        if (two.count != 0) add_rows<2>(units, stride, n, two, levels, out);
    }
    template <unsigned Halves>
    static void add_rows(const std::uint8_t* units, std::size_t stride, std::size_t tokens,
                         const rounded_rows& weights, const simd::code_levels& levels,
                         view_2d<float> out) noexcept {
        std::int32_t sums[most * simd::max_head_channels];
        const std::size_t channel_groups = (out.columns() + 7) / 8, row = 8 * channel_groups;
        simd::value_sums<bits, Format::table, Halves, Arch>(
            units, channel_groups, tokens / 16, stride, weights.bytes, levels, sums, {weights.count, row});
        for (std::size_t i = 0; i < weights.count; ++i)
            simd::add_sums<Arch>(sums + i * row, weights.steps[i], weights.shifts[i], out.columns(),
                                 &out(weights.rows[i], 0));
    }
};

}  // namespace pith::inline v1::kv::detail
