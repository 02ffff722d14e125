// Sums of integer products for packed attention in registers of NEON, with sdot and udot where they are.
// Own work; without the dot products, pairs of 16 bits are added in 32.
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include <pith/core/bytes.hpp>
#include <pith/simd/attention_units.hpp>

#if !defined(PITH_NO_SIMD) && defined(__aarch64__)

namespace pith::inline v1::simd {

namespace detail {

/// Eight sums of four products each, of 32 bytes in order.
template <instruction_set Arch>
struct sum_vector {
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
    template <bool Signed>
    [[gnu::always_inline]] void add_products(byte_vector a, byte_vector b) noexcept {
        if constexpr (Signed) {
            lo = signed_dot(lo, vreinterpretq_s8_u8(a.lo), vreinterpretq_s8_u8(b.lo));
            hi = signed_dot(hi, vreinterpretq_s8_u8(a.hi), vreinterpretq_s8_u8(b.hi));
        } else {
            lo = unsigned_dot(lo, a.lo, b.lo);
            hi = unsigned_dot(hi, a.hi, b.hi);
        }
    }
    /// this * 2^Shift + lower
    template <int Shift>
    [[nodiscard, gnu::always_inline]] sum_vector joined(const sum_vector& lower) const noexcept {
        sum_vector out;
        out.lo = vaddq_s32(vshlq_n_s32(lo, Shift), lower.lo);
        out.hi = vaddq_s32(vshlq_n_s32(hi, Shift), lower.hi);
        return out;
    }
    [[gnu::always_inline]] void hold() noexcept {}
};

/// Products of levels with a query, four channels of a token in each of eight lanes.
template <unsigned Bits, bool Table, instruction_set Arch>
struct key_sum {
    /// Vectors that may be added before `joined`: all.
    static constexpr std::size_t vectors = max_key_vectors;
    sum_vector<Arch> sum;

    /// Levels 0..127, or signed ones, times signed bytes.
    [[gnu::always_inline]] void add(byte_vector x, byte_vector q) noexcept {
        sum.template add_products<true>(x, q);
    }
    /// upper * query_radix + lower, of one half lower alone.
    template <unsigned Halves>
    [[nodiscard, gnu::always_inline]] static sum_vector<Arch> joined(const key_sum& upper,
                                                                     const key_sum& lower) noexcept {
        if constexpr (Halves == 1) return lower.sum;
        return upper.sum.template joined<8>(lower.sum);
    }
};

/// Lane sums of four vectors: tokens of 32, 16 or 8 channels each.
template <instruction_set Arch>
[[gnu::always_inline]] inline void store_token_sums(const sum_vector<Arch>& a, const sum_vector<Arch>& b,
                                                    const sum_vector<Arch>& c, const sum_vector<Arch>& d,
                                                    std::size_t channels, std::int32_t* out) noexcept {
    const auto pairs = [](const sum_vector<Arch>& s) { return vpaddq_s32(s.lo, s.hi); };
    const int32x4_t w = pairs(a), x = pairs(b), y = pairs(c), z = pairs(d);
    if (channels == 8) {
        vst1q_s32(out, w), vst1q_s32(out + 4, x), vst1q_s32(out + 8, y), vst1q_s32(out + 12, z);
        return;
    }
    const int32x4_t wx = vpaddq_s32(w, x), yz = vpaddq_s32(y, z);
    if (channels == 16)
        vst1q_s32(out, wx), vst1q_s32(out + 4, yz);
    else
        vst1q_s32(out, vpaddq_s32(wx, yz));
}

/// Products of four weights with the levels of four tokens, a channel in each of eight lanes.
template <unsigned Bits, bool Table, instruction_set Arch>
struct value_sum {
    /// Units that may be added before `settle`, and what levels are less: nothing.
    static constexpr std::size_t units = 1;
    static constexpr std::uint8_t level_offset = 0;
    sum_vector<Arch> sum;

    /// Four weights, in every lane.
    [[nodiscard, gnu::always_inline]] static byte_vector four(const std::uint8_t* weights) noexcept {
        const uint8x16_t all = vreinterpretq_u8_u32(vdupq_n_u32(load_le<std::uint32_t>(weights)));
        return {all, all};
    }
    /// Of 8-bit codes the weights are below 128.
    [[gnu::always_inline]] void add(byte_vector w, byte_vector x) noexcept {
        sum.template add_products<Bits == 8>(w, x);
    }
    [[gnu::always_inline]] void hold() noexcept {}
    [[gnu::always_inline]] void settle() noexcept {}
    /// this * 2^Shift + lower
    template <int Shift>
    [[nodiscard, gnu::always_inline]] value_sum joined(const value_sum& lower) const noexcept {
        return {sum.template joined<Shift>(lower.sum)};
    }
    [[gnu::always_inline]] void store(std::int32_t more, std::int32_t* to) const noexcept {
        vst1q_s32(to, vaddq_s32(sum.lo, vdupq_n_s32(more)));
        vst1q_s32(to + 4, vaddq_s32(sum.hi, vdupq_n_s32(more)));
    }
};

/// The sum of 16 * groups bytes.
[[nodiscard, gnu::always_inline]] inline std::int32_t byte_sum(const std::uint8_t* bytes,
                                                               std::size_t groups) noexcept {
    std::uint32_t sum = 0;
    for (std::size_t g = 0; g < groups; ++g) sum += vaddlvq_u8(vld1q_u8(bytes + 16 * g));
    return static_cast<std::int32_t>(sum);
}

}  // namespace detail

}  // namespace pith::inline v1::simd

#endif
