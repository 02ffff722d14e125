// NEON rounds of interleaved order-1 rANS, four lanes a vector. See simd/rans_order1.hpp.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include <pith/simd/intrinsics.hpp>
#include <pith/simd/rans_neon.hpp>
#include <pith/simd/rans_order1.hpp>

#if !defined(PITH_NO_SIMD) && defined(__aarch64__)

namespace pith::inline v1::simd {

namespace detail {

template <class Arch>
struct order1_neon {
    using order0 = rans_neon<Arch>;

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

    template <unsigned Lanes, unsigned Precision>
    static std::size_t decode(std::uint32_t* states, std::uint8_t* contexts, const std::uint32_t* slots,
                              const std::uint8_t*& in, const std::uint8_t* in_end, std::uint8_t* tile,
                              std::size_t rounds) noexcept {
        constexpr unsigned vectors = Lanes / 4;
        const uint32x4_t slot_mask = vdupq_n_u32((1U << Precision) - 1);
        const uint32x4_t symbol_mask = vdupq_n_u32(0xFFU << Precision);
        uint32x4_t x[vectors], e[vectors];
        std::memcpy(x, states, sizeof x);
        std::uint32_t shifted[Lanes];
        for (unsigned lane = 0; lane < Lanes; ++lane)
            shifted[lane] = std::uint32_t{contexts[lane]} << Precision;
        std::memcpy(e, shifted, sizeof e);
        std::uint8_t turned[order1_tile_rounds * Lanes];
        const std::uint8_t* at = in;
        std::size_t done = 0;
        // A round takes at most 2 * Lanes bytes, and its last load of 8 ends with the last of them.
        for (; done < rounds && static_cast<std::size_t>(in_end - at) >= 2 * Lanes; ++done) {
            for (unsigned group = 0; group < vectors; group += 4) {
                uint32x4_t* const g = e + group;
                for (unsigned k = 0; k < 4; ++k) {
                    const uint32x4_t slot = vandq_u32(x[group + k], slot_mask);
                    g[k] = order0::lookup(slots, vorrq_u32(slot, vandq_u32(g[k], symbol_mask)));
                }
                const auto low = [&](unsigned k) { return vmovn_u32(vshrq_n_u32(g[k], Precision)); };
                const uint8x8_t a = vmovn_u16(vcombine_u16(low(0), low(1)));
                const uint8x8_t b = vmovn_u16(vcombine_u16(low(2), low(3)));
                vst1q_u8(turned + done * Lanes + std::size_t{4} * group, vcombine_u8(a, b));
                for (unsigned k = 0; k < 4; ++k) x[group + k] = advance<Precision>(x[group + k], g[k], at);
            }
        }
        if (done != 0) std::memcpy(contexts, turned + (done - 1) * Lanes, Lanes);
        std::memset(turned + done * Lanes, 0, sizeof turned - done * Lanes);
        turn<Lanes>(turned, tile);
        in = at;
        std::memcpy(states, x, sizeof x);
        return done;
    }

    template <unsigned Lanes>
    static std::size_t encode(std::uint32_t* states, const std::uint32_t* records, const std::uint8_t* tile,
                              std::uint8_t* out_begin, std::uint8_t*& out_at, std::size_t rounds) noexcept {
        constexpr unsigned vectors = Lanes / 4;
        uint32x4_t x[vectors];
        std::memcpy(x, states, sizeof x);
        std::uint8_t* at = out_at;
        std::size_t done = 0;
        // A round puts at most 2 * Lanes bytes, and its last store of 8 begins with the last of them.
        for (; done < rounds && static_cast<std::size_t>(at - out_begin) >= 2 * Lanes; ++done) {
            for (unsigned v = vectors; v-- > 0;) {
                const std::uint8_t* const from =
                    tile + (rounds - done - 1) + std::size_t{4} * v * order1_pitch;
                const auto record = [&](unsigned lane) {
                    std::uint16_t pair;  // a byte and the one before
                    std::memcpy(&pair, from + lane * order1_pitch, 2);
                    return records + 4 * std::size_t{pair};
                };
                x[v] = order0::push(x[v], record, at);
            }
        }
        out_at = at;
        std::memcpy(states, x, sizeof x);
        return done;
    }
};

}  // namespace detail

template <instruction_set Arch>
requires(std::same_as<Arch, neon> || std::same_as<Arch, neon_dotprod>) struct order1_rounds<Arch> {
    template <unsigned Lanes, unsigned Precision>
    static std::size_t decode(std::uint32_t* states, std::uint8_t* contexts, const std::uint32_t* slots,
                              const std::uint8_t*& in, const std::uint8_t* in_end, std::uint8_t* tile,
                              std::size_t rounds) noexcept {
        if constexpr (Lanes < 32)
            return 0;
        else
            return detail::order1_neon<Arch>::template decode<Lanes, Precision>(states, contexts, slots, in,
                                                                                in_end, tile, rounds);
    }
    template <unsigned Lanes>
    static std::size_t encode(std::uint32_t* states, const std::uint32_t* records, const std::uint8_t* tile,
                              std::uint8_t* out_begin, std::uint8_t*& out_at, std::size_t rounds) noexcept {
        if constexpr (Lanes < 32)
            return 0;
        else
            return detail::order1_neon<Arch>::template encode<Lanes>(states, records, tile, out_begin, out_at,
                                                                     rounds);
    }
};

}  // namespace pith::inline v1::simd

#endif
