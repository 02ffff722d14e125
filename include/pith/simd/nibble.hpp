// Rows of 16 adaptive starts in one AVX2 register: the fast form of entropy::portable_nibbles, with equal
// results. Source: F. Giesen, 2015 (16 numbers of 16 bits, one compare and one mask to find a symbol). Raw
// memory in and out, so that entropy/ does not depend on this folder: pass simd::nibbles<> as its policy.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

#include <pith/simd/arch.hpp>
#include <pith/simd/intrinsics.hpp>

namespace pith::inline v1::simd {

/// True where a kernel for nibble distributions exists; elsewhere the compiler's own vectors are as good.
template <instruction_set Arch>
inline constexpr bool has_nibbles = covers<Arch, avx2>;

#if !defined(PITH_NO_SIMD) && defined(__AVX2__)

/// A model of entropy::nibble_kernel. Exact. The scalar steps are written out, because compilers widen every
/// 16-bit number by itself and make branches of conditional moves: 203 MB/s in place of 176.
template <instruction_set Arch = native>
requires(has_nibbles<Arch>) struct nibbles {
    using vector = __m256i;

    [[nodiscard, gnu::always_inline]] static __m256i load(const std::int16_t* from) noexcept {
        return _mm256_load_si256(reinterpret_cast<const __m256i*>(from));
    }
    [[gnu::always_inline]] static void store(std::int16_t* to, __m256i v) noexcept {
        _mm256_store_si256(reinterpret_cast<__m256i*>(to), v);
    }
    template <unsigned Rate>
    [[nodiscard, gnu::always_inline]] static __m256i moved(__m256i from,
                                                           const std::int16_t* half_target) noexcept {
        const __m256i way = _mm256_sub_epi16(_mm256_srai_epi16(from, 1), load(half_target));
        return _mm256_sub_epi16(from, _mm256_srai_epi16(way, Rate - 1));
    }
    [[nodiscard, gnu::always_inline]] static std::size_t find(const std::int16_t* row,
                                                              std::uint64_t slot) noexcept {
        const __m256i all = _mm256_set1_epi16(static_cast<short>(slot));
        const __m256i passed = _mm256_cmpgt_epi16(all, load(row));
        const std::uint64_t mask = static_cast<std::uint32_t>(_mm256_movemask_epi8(passed));
        return static_cast<std::size_t>(std::popcount(mask));  // two bits a symbol
    }
    [[nodiscard, gnu::always_inline]] static std::uint64_t popped(std::uint64_t x, const std::int16_t* row,
                                                                  std::size_t offset) noexcept {
        std::uint64_t size, rest;
        asm("movzwl 2(%[row],%[at]), %k[size]\n\t"
            "subw (%[row],%[at]), %w[size]\n\t"
            "movzwl %w[x], %k[rest]\n\t"
            "subw (%[row],%[at]), %w[rest]\n\t"
            "shrq $16, %[x]\n\t"
            "imulq %[size], %[x]\n\t"
            "leaq -1(%[x],%[rest]), %[x]"
            : [x] "+r"(x), [size] "=&r"(size), [rest] "=&r"(rest)
            : [row] "r"(row), [at] "r"(offset), "m"(*reinterpret_cast<const std::int16_t(*)[17]>(row))
            : "cc");
        return x;
    }
    [[gnu::always_inline]] static void renormalise(std::uint64_t& x, const std::uint8_t*& words) noexcept {
        std::uint64_t turned, lifted;
        const std::uint8_t* next;
        asm("movq %[x], %[turned]\n\t"
            "movl %[word], %k[lifted]\n\t"
            "rolq $32, %[turned]\n\t"
            "leaq 4(%[words]), %[next]\n\t"
            "testl %k[turned], %k[turned]\n\t"
            "leaq (%[turned],%[lifted]), %[lifted]\n\t"
            "cmovzq %[lifted], %[x]\n\t"
            "cmovzq %[next], %[words]"
            : [x] "+&r"(x), [words] "+&r"(words), [turned] "=&r"(turned), [lifted] "=&r"(lifted),
              [next] "=&r"(next)
            : [word] "m"(*reinterpret_cast<const unsigned char(*)[4]>(words))
            : "cc");
    }
};

#endif

}  // namespace pith::inline v1::simd
