// NEON rounds of interleaved order-1 rANS, four lanes a vector. See simd/rans_order1.hpp.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include <pith/simd/intrinsics.hpp>
#include <pith/simd/rans_loops.hpp>
#include <pith/simd/rans_neon.hpp>
#include <pith/simd/rans_order1.hpp>

#if !defined(PITH_NO_SIMD) && defined(__aarch64__)

namespace pith::inline v1::simd {

namespace detail {

template <class Arch>
struct order1_neon {
    using order0 = rans_neon<Arch>;
    using vector = typename order0::vector;
    static constexpr unsigned width = order0::width;

    /// Transposes 16 rows of 16 bytes, `row` bytes apart, to 16 rows of a tile: four rounds of interleaving
    /// row i with row i + 8.
    static void transpose(const std::uint8_t* in, std::size_t row, std::uint8_t* tile) noexcept {
        uint8x16_t a[16], b[16];
        for (unsigned i = 0; i < 16; ++i) a[i] = vld1q_u8(in + i * row);
        interleave(a, b);
        interleave(b, a);
        interleave(a, b);
        interleave(b, a);
        for (unsigned i = 0; i < 16; ++i) vst1q_u8(tile + i * order1_pitch, a[i]);
    }
    static void interleave(const uint8x16_t (&a)[16], uint8x16_t (&b)[16]) noexcept {
        for (unsigned i = 0; i < 8; ++i) {
            b[2 * i] = vzip1q_u8(a[i], a[i + 8]);
            b[2 * i + 1] = vzip2q_u8(a[i], a[i + 8]);
        }
    }
    /// Moves rounds, a row each, to the rows of lanes.
    template <unsigned Lanes>
    static void turn(const std::uint8_t* turned, std::uint8_t* tile) noexcept {
        for (unsigned lane = 0; lane < Lanes; lane += 16) {
            for (unsigned round = 0; round < order1_tile_rounds; round += 16)
                transpose(turned + round * Lanes + lane, Lanes, tile + lane * order1_pitch + round);
        }
    }

    template <unsigned Precision>
    static uint32x4_t advance(uint32x4_t x, uint32x4_t e, const std::uint8_t*& in) noexcept {
        const uint32x4_t offset = vandq_u32(e, vdupq_n_u32((1U << Precision) - 1));
        x = vmlaq_u32(offset, vshrq_n_u32(x, Precision), vshrq_n_u32(e, 20));
        return order0::renormalize(x, in);
    }

    template <class Record>
    static vector push(vector x, const Record& record, std::uint8_t*& at) noexcept {
        return order0::push(x, record, at);
    }

    template <unsigned Lanes, unsigned Precision>
    static void load_contexts(const std::uint8_t* contexts, uint32x4_t* e) noexcept {
        std::uint32_t shifted[Lanes];
        for (unsigned lane = 0; lane < Lanes; ++lane)
            shifted[lane] = std::uint32_t{contexts[lane]} << Precision;
        std::memcpy(e, shifted, sizeof shifted);
    }
    /// One round: a byte for each lane to `row`.
    template <unsigned Lanes, unsigned Precision>
    static void round(uint32x4_t* x, uint32x4_t* e, const std::uint32_t* slots, const std::uint8_t*& at,
                      std::uint8_t* row) noexcept {
        const uint32x4_t slot_mask = vdupq_n_u32((1U << Precision) - 1);
        const uint32x4_t symbol_mask = vdupq_n_u32(0xFFU << Precision);
        for (unsigned group = 0; group < Lanes / width; group += 4) {
            uint32x4_t* const g = e + group;
            for (unsigned k = 0; k < 4; ++k) {
                const uint32x4_t slot = vandq_u32(x[group + k], slot_mask);
                g[k] = order0::lookup(slots, vorrq_u32(slot, vandq_u32(g[k], symbol_mask)));
            }
            const auto low = [&](unsigned k) { return vmovn_u32(vshrq_n_u32(g[k], Precision)); };
            const uint8x8_t a = vmovn_u16(vcombine_u16(low(0), low(1)));
            const uint8x8_t b = vmovn_u16(vcombine_u16(low(2), low(3)));
            vst1q_u8(row + std::size_t{4} * group, vcombine_u8(a, b));
            for (unsigned k = 0; k < 4; ++k) x[group + k] = advance<Precision>(x[group + k], g[k], at);
        }
    }
};

}  // namespace detail

template <instruction_set Arch>
requires(std::same_as<Arch, neon> || std::same_as<Arch, neon_dotprod>) struct order1_rounds<Arch>
    : detail::order1_loops<detail::order1_neon<Arch>, order1_tile_rounds, order1_pitch> {
};

}  // namespace pith::inline v1::simd

#endif
