// The integer products of packed attention in registers of NEON, with sdot and udot where they are.
// Own work; without the dot products, pairs of 16 bits are added in 32.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include <pith/simd/attention_units.hpp>

#if !defined(PITH_NO_SIMD) && defined(__aarch64__)

namespace pith::inline v1::simd {

namespace detail {

/// Running sums of four products each, of 32 bytes in order.
template <instruction_set Arch>
struct product_sums {
    int32x4_t lo = vdupq_n_s32(0), hi = lo;

    [[nodiscard, gnu::always_inline]] static int32x4_t signed_dot(int32x4_t sum, int8x16_t a,
                                                                  int8x16_t b) noexcept {
#    if defined(__ARM_FEATURE_DOTPROD)
        if constexpr (std::is_same_v<Arch, neon_dotprod>) return vdotq_s32(sum, a, b);
#    endif
        return vaddq_s32(sum, vpaddq_s32(vpaddlq_s16(vmull_s8(vget_low_s8(a), vget_low_s8(b))),
                                         vpaddlq_s16(vmull_high_s8(a, b))));
    }
    [[nodiscard, gnu::always_inline]] static int32x4_t unsigned_dot(int32x4_t sum, uint8x16_t a,
                                                                    uint8x16_t b) noexcept {
        const uint32x4_t s = vreinterpretq_u32_s32(sum);
#    if defined(__ARM_FEATURE_DOTPROD)
        if constexpr (std::is_same_v<Arch, neon_dotprod>) return vreinterpretq_s32_u32(vdotq_u32(s, a, b));
#    endif
        const uint32x4_t four = vpaddq_u32(vpaddlq_u16(vmull_u8(vget_low_u8(a), vget_low_u8(b))),
                                           vpaddlq_u16(vmull_high_u8(a, b)));
        return vreinterpretq_s32_u32(vaddq_u32(s, four));
    }
    /// Levels 0..127, or signed ones, times signed bytes.
    [[gnu::always_inline]] void add_key(byte_vector x, byte_vector q) noexcept {
        lo = signed_dot(lo, vreinterpretq_s8_u8(x.lo), vreinterpretq_s8_u8(q.lo));
        hi = signed_dot(hi, vreinterpretq_s8_u8(x.hi), vreinterpretq_s8_u8(q.hi));
    }
    /// Four weights, repeated, times levels; for 8-bit codes the weights are below 128.
    template <unsigned Bits>
    [[gnu::always_inline]] void add_value(uint8x16_t w, byte_vector x) noexcept {
        if constexpr (Bits == 8) {
            lo = signed_dot(lo, vreinterpretq_s8_u8(w), vreinterpretq_s8_u8(x.lo));
            hi = signed_dot(hi, vreinterpretq_s8_u8(w), vreinterpretq_s8_u8(x.hi));
        } else {
            lo = unsigned_dot(lo, w, x.lo);
            hi = unsigned_dot(hi, w, x.hi);
        }
    }
    /// this * 2^Shift + lower
    template <int Shift>
    [[nodiscard, gnu::always_inline]] product_sums joined(const product_sums& lower) const noexcept {
        product_sums out;
        out.lo = vaddq_s32(vshlq_n_s32(lo, Shift), lower.lo);
        out.hi = vaddq_s32(vshlq_n_s32(hi, Shift), lower.hi);
        return out;
    }
    [[gnu::always_inline]] void store(std::int32_t* to) const noexcept {
        vst1q_s32(to, lo);
        vst1q_s32(to + 4, hi);
    }
};

template <bool Table>
[[nodiscard, gnu::always_inline]] inline unit_vectors looked_up(unit_vectors x, byte_vector table) noexcept {
    if constexpr (!Table) return x;
    return {x.a.looked_up_in(table), x.b.looked_up_in(table), x.c.looked_up_in(table),
            x.d.looked_up_in(table)};
}

template <unsigned Bits, bool Table, unsigned Halves, instruction_set Arch>
inline void key_dots_vectors(const std::uint8_t* units, std::size_t vectors, std::size_t channels,
                             std::size_t chunks, const std::int8_t* query, const code_levels& levels,
                             std::int32_t* out) noexcept {
    const byte_vector table = byte_vector::load_twice(levels.data());
    const auto* factors = reinterpret_cast<const std::uint8_t*>(query);
    for (std::size_t i = 0; i < chunks; ++i) {
        product_sums<Arch> a[Halves], b[Halves], c[Halves], d[Halves];
        for (std::size_t u = 0; u < vectors; ++u) {
            const unit_vectors x =
                looked_up<Table>(load_unit<Bits>(units + (i * vectors + u) * unit_bytes<Bits>), table);
            for (unsigned h = 0; h < Halves; ++h) {
                const byte_vector q = byte_vector::load(factors + unit_lanes * (h * vectors + u));
                a[h].add_key(x.a, q), b[h].add_key(x.b, q), c[h].add_key(x.c, q), d[h].add_key(x.d, q);
            }
        }
        const auto store = [&](const product_sums<Arch>(&s)[Halves], std::size_t v) {
            std::int32_t lanes[8];
            product_sums<Arch> sum = s[0];
            if constexpr (Halves == 2) sum = sum.template joined<8>(s[1]);
            sum.store(lanes);
            const std::size_t each = channels / 4, tokens = unit_lanes / channels;  // lanes of a token
            for (std::size_t t = 0; t < tokens; ++t) {
                std::int32_t total = 0;
                for (std::size_t l = 0; l < each; ++l) total += lanes[each * t + l];
                out[(4 * i + v) * tokens + t] = total;
            }
        };
        store(a, 0), store(b, 1), store(c, 2), store(d, 3);
    }
}

template <unsigned Bits, bool Table, unsigned Halves, instruction_set Arch>
inline void value_sums_vectors(const std::uint8_t* units, std::size_t channel_groups,
                               std::size_t token_groups, std::size_t stride, const std::uint8_t* weights,
                               const code_levels& levels, std::int32_t* out) noexcept {
    const byte_vector table = byte_vector::load_twice(levels.data());
    for (std::size_t g = 0; g < channel_groups; ++g) {
        product_sums<Arch> sum[Halves];
        for (std::size_t t = 0; t < token_groups; ++t) {
            const unit_vectors x =
                looked_up<Table>(load_unit<Bits>(units + (g * stride + t) * unit_bytes<Bits>), table);
            for (unsigned h = 0; h < Halves; ++h) {
                const uint32x4_t w = vreinterpretq_u32_u8(vld1q_u8(weights + 16 * (h * token_groups + t)));
                const auto four = [](uint32x4_t same) { return vreinterpretq_u8_u32(same); };
                sum[h].template add_value<Bits>(four(vdupq_laneq_u32(w, 0)), x.a);
                sum[h].template add_value<Bits>(four(vdupq_laneq_u32(w, 1)), x.b);
                sum[h].template add_value<Bits>(four(vdupq_laneq_u32(w, 2)), x.c);
                sum[h].template add_value<Bits>(four(vdupq_laneq_u32(w, 3)), x.d);
            }
        }
        if constexpr (Halves == 2)
            sum[0].template joined<Bits == 8 ? 7 : 8>(sum[1]).store(out + 8 * g);
        else
            sum[0].store(out + 8 * g);
    }
}

}  // namespace detail

}  // namespace pith::inline v1::simd

#endif
