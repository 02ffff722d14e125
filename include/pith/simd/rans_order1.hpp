// Rounds of interleaved order-1 rANS in vectors: the fast form of entropy::scalar_order1_rounds, with the
// same bytes. Raw memory in and out, so that entropy/ does not depend on this folder: pass
// simd::order1_rounds<> as its policy.
#pragma once

#include <cstddef>
#include <cstdint>

#include <pith/simd/arch.hpp>

namespace pith::inline v1::simd {

/// Bytes between the rows of a tile, entropy::order1_pitch, and the rounds in it.
inline constexpr unsigned order1_pitch = 96;
inline constexpr unsigned order1_tile_rounds = 64;

/// A model of entropy::order1_rounds. Where an instruction set has no kernel, or there are fewer than 32
/// lanes, both functions do nothing and leave all rounds to the caller's scalar form. Exact.
template <instruction_set Arch = native>
struct order1_rounds {
    template <unsigned Lanes, unsigned Precision>
    static std::size_t decode(std::uint32_t*, std::uint8_t*, const std::uint32_t*, const std::uint8_t*&,
                              const std::uint8_t*, std::uint8_t*, std::size_t) noexcept {
        return 0;
    }
    template <unsigned Lanes>
    static std::size_t encode(std::uint32_t*, const std::uint32_t*, const std::uint8_t*, std::uint8_t*,
                              std::uint8_t*&, std::size_t) noexcept {
        return 0;
    }
};

}  // namespace pith::inline v1::simd

#ifndef PITH_NO_SIMD
#    if defined(__AVX2__)
#        include <pith/simd/rans_order1_avx2.hpp>
#    endif
#    if defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512DQ__) && defined(__AVX512VL__)
#        include <pith/simd/rans_order1_avx512.hpp>
#    endif
#    if defined(__aarch64__)
#        include <pith/simd/rans_order1_neon.hpp>
#    endif
#endif
