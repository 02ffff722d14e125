// Distributions over 16 symbols in one AVX2 register: the fast form of entropy::portable_nibbles, with equal
// results. Source: F. Giesen, 2015 (16 numbers of 16 bits, one compare and one mask to find a symbol). Raw
// memory in and out, so that entropy/ does not depend on this folder: pass simd::nibbles<> as its policy.
#pragma once

#include <bit>
#include <cstdint>

#include <pith/simd/arch.hpp>
#include <pith/simd/intrinsics.hpp>

namespace pith::inline v1::simd {

/// True where a kernel for nibble distributions exists; elsewhere the compiler's own vectors are as good.
template <instruction_set Arch>
inline constexpr bool has_nibbles = covers<Arch, avx2>;

#if !defined(PITH_NO_SIMD) && defined(__AVX2__)

/// A model of entropy::nibble_kernel. Exact.
template <instruction_set Arch = native>
requires(has_nibbles<Arch>) struct nibbles {
    using vector = __m256i;

    [[nodiscard, gnu::always_inline]] static __m256i load(const std::int16_t* from) noexcept {
        return _mm256_load_si256(reinterpret_cast<const __m256i*>(from));
    }
    [[gnu::always_inline]] static void store(std::int16_t* to, __m256i v) noexcept {
        _mm256_store_si256(reinterpret_cast<__m256i*>(to), v);
    }
    [[nodiscard, gnu::always_inline]] static __m256i numbers() noexcept {
        return _mm256_setr_epi16(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    }
    [[nodiscard, gnu::always_inline]] static __m256i above_slot(__m256i c, std::uint32_t slot) noexcept {
        return _mm256_cmpgt_epi16(c, _mm256_set1_epi16(static_cast<short>(slot)));
    }
    [[nodiscard, gnu::always_inline]] static __m256i above_symbol(std::uint32_t symbol) noexcept {
        return above_slot(numbers(), symbol);
    }
    /// The last symbol that does not start above the slot. Two mask bits a symbol; none set means the last
    /// one.
    [[nodiscard, gnu::always_inline]] static std::uint32_t symbol_of(__m256i above) noexcept {
        const auto mask = static_cast<std::uint32_t>(_mm256_movemask_epi8(above));
        return static_cast<std::uint32_t>(std::countr_zero(mask)) / 2 - 1;
    }
    [[nodiscard, gnu::always_inline]] static __m256i moved(__m256i c, __m256i above, unsigned rate) noexcept {
        const auto top = static_cast<short>(rate < 4 ? 32751 + (1 << rate) : 32767);
        const __m256i target = _mm256_add_epi16(_mm256_and_si256(above, _mm256_set1_epi16(top)), numbers());
        return _mm256_add_epi16(c, _mm256_srai_epi16(_mm256_sub_epi16(target, c), static_cast<int>(rate)));
    }
};

#endif

}  // namespace pith::inline v1::simd
