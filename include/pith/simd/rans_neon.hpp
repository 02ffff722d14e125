// NEON rounds of interleaved rANS, four lanes a vector. See simd/rans.hpp.
// There is no gather: slots are looked up by scalar loads into lanes.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include <pith/simd/intrinsics.hpp>
#include <pith/simd/rans.hpp>
#include <pith/simd/rans_loops.hpp>

#if !defined(PITH_NO_SIMD) && defined(__aarch64__)

namespace pith::inline v1::simd {

namespace detail {

/// For each mask of four lanes: the byte shuffle that spreads the first 16-bit words over the marked 32-bit
/// lanes (0xFF: zero), the one that moves the marked lanes' low halves to the end of 8 bytes, and the bytes
/// they take.
struct rans_neon_shuffles {
    std::uint8_t spread[16][16];
    std::uint8_t pack[16][8];
    std::uint8_t bytes[16];
};
[[nodiscard]] constexpr rans_neon_shuffles make_rans_neon_shuffles() noexcept {
    rans_neon_shuffles t{};
    for (unsigned mask = 0; mask < 16; ++mask) {
        unsigned from = 0;
        for (unsigned i = 0; i < 16; ++i) t.spread[mask][i] = 0xFF;
        for (unsigned lane = 0; lane < 4; ++lane) {
            if ((mask >> lane & 1) == 0) continue;
            t.spread[mask][4 * lane] = static_cast<std::uint8_t>(2 * from);
            t.spread[mask][4 * lane + 1] = static_cast<std::uint8_t>(2 * from + 1);
            ++from;
        }
        t.bytes[mask] = static_cast<std::uint8_t>(2 * from);
        unsigned to = 8;
        for (unsigned lane = 4; lane-- > 0;) {
            if ((mask >> lane & 1) == 0) continue;
            t.pack[mask][--to] = static_cast<std::uint8_t>(4 * lane + 1);
            t.pack[mask][--to] = static_cast<std::uint8_t>(4 * lane);
        }
    }
    return t;
}
inline constexpr rans_neon_shuffles rans_neon_table = make_rans_neon_shuffles();

template <class Arch>
struct rans_neon {
    using vector = uint32x4_t;
    static constexpr unsigned width = 4;

    static uint32x4_t lookup(const std::uint32_t* table, uint32x4_t index) noexcept {
        uint32x4_t v = vdupq_n_u32(table[vgetq_lane_u32(index, 0)]);
        v = vsetq_lane_u32(table[vgetq_lane_u32(index, 1)], v, 1);
        v = vsetq_lane_u32(table[vgetq_lane_u32(index, 2)], v, 2);
        return vsetq_lane_u32(table[vgetq_lane_u32(index, 3)], v, 3);
    }
    /// Bit i is set where lane i is all ones.
    static unsigned mask_bits(uint32x4_t marked) noexcept {
        constexpr std::uint32_t weights[4] = {1, 2, 4, 8};
        return vaddvq_u32(vandq_u32(marked, vld1q_u32(weights)));
    }

    template <unsigned Precision>
    static uint32x4_t advance(uint32x4_t x, uint32x4_t e, const std::uint8_t*& in) noexcept {
        const uint32x4_t frequency = vshrq_n_u32(e, 20);
        const uint32x4_t offset = vandq_u32(vshrq_n_u32(e, 8), vdupq_n_u32(0xFFF));
        return renormalize(vmlaq_u32(offset, vshrq_n_u32(x, Precision), frequency), in);
    }
    /// Gives the lanes that fell below 2^15 their words.
    static uint32x4_t renormalize(uint32x4_t x, const std::uint8_t*& in) noexcept {
        const uint32x4_t low = vcltq_u32(x, vdupq_n_u32(1U << 15));
        const unsigned mask = mask_bits(low);
        const uint8x16_t words = vcombine_u8(vld1_u8(in), vdup_n_u8(0));
        const uint32x4_t spread =
            vreinterpretq_u32_u8(vqtbl1q_u8(words, vld1q_u8(rans_neon_table.spread[mask])));
        in += rans_neon_table.bytes[mask];
        return vorrq_u32(vbslq_u32(low, vshlq_n_u32(x, 16), x), spread);
    }

    /// One round: a symbol for each lane to `out`.
    template <unsigned Lanes, unsigned Precision>
    static void round(vector* x, const std::uint32_t* slots, const std::uint8_t*& at,
                      std::uint8_t* out) noexcept {
        constexpr unsigned vectors = Lanes / 4;
        const uint32x4_t slot_mask = vdupq_n_u32((1U << Precision) - 1);
        for (unsigned group = 0; group < vectors; group += 4) {
            uint32x4_t e[4];
            for (unsigned k = 0; k < 4; ++k) e[k] = lookup(slots, vandq_u32(x[group + k], slot_mask));
            const uint16x8_t a = vcombine_u16(vmovn_u32(e[0]), vmovn_u32(e[1]));
            const uint16x8_t b = vcombine_u16(vmovn_u32(e[2]), vmovn_u32(e[3]));
            vst1q_u8(out + std::size_t{4} * group, vcombine_u8(vmovn_u16(a), vmovn_u16(b)));
            for (unsigned k = 0; k < 4; ++k) x[group + k] = advance<Precision>(x[group + k], e[k], at);
        }
    }

    /// Pushes the symbols with records record(0..3) onto four states; the words that leave go below `at`,
    /// lane 0 lowest.
    template <class Record>
    static uint32x4_t push(uint32x4_t x, const Record& record, std::uint8_t*& at) noexcept {
        const uint32x4_t r0 = vld1q_u32(record(0));
        const uint32x4_t r1 = vld1q_u32(record(1));
        const uint32x4_t r2 = vld1q_u32(record(2));
        const uint32x4_t r3 = vld1q_u32(record(3));
        const uint64x2_t a = vreinterpretq_u64_u32(vzip1q_u32(r0, r1)),
                         b = vreinterpretq_u64_u32(vzip1q_u32(r2, r3));
        const uint64x2_t c = vreinterpretq_u64_u32(vzip2q_u32(r0, r1)),
                         d = vreinterpretq_u64_u32(vzip2q_u32(r2, r3));
        const uint32x4_t reciprocal = vreinterpretq_u32_u64(vzip1q_u64(a, b));
        const uint32x4_t limit = vreinterpretq_u32_u64(vzip2q_u64(a, b));
        const uint32x4_t bias_shift = vreinterpretq_u32_u64(vzip1q_u64(c, d));
        const uint32x4_t complement = vreinterpretq_u32_u64(vzip2q_u64(c, d));
        const uint32x4_t full = vcgtq_u32(x, limit);
        const unsigned mask = mask_bits(full);
        vst1_u8(at - 8, vqtbl1_u8(vreinterpretq_u8_u32(x), vld1_u8(rans_neon_table.pack[mask])));
        at -= rans_neon_table.bytes[mask];
        x = vbslq_u32(full, vshrq_n_u32(x, 16), x);
        const uint32x4_t high =
            vcombine_u32(vshrn_n_u64(vmull_u32(vget_low_u32(x), vget_low_u32(reciprocal)), 32),
                         vshrn_n_u64(vmull_u32(vget_high_u32(x), vget_high_u32(reciprocal)), 32));
        const int32x4_t shift = vnegq_s32(vreinterpretq_s32_u32(vshrq_n_u32(bias_shift, 16)));
        const uint32x4_t bias = vandq_u32(bias_shift, vdupq_n_u32(0xFFFF));
        return vmlaq_u32(vaddq_u32(x, bias), vshlq_u32(high, shift), complement);
    }
};

}  // namespace detail

template <instruction_set Arch>
requires(std::same_as<Arch, neon> || std::same_as<Arch, neon_dotprod>) struct rans_rounds<Arch>
    : detail::rans_loops<detail::rans_neon<Arch>> {
};

}  // namespace pith::inline v1::simd

#endif
