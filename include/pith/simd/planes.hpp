// Splits words of 2 or 4 bytes into planes of equal bytes, and merges them again.
// Byte transposition as in the Blosc shuffle filter (Alted, 2009), without its blocks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include <pith/core/assert.hpp>
#include <pith/simd/arch.hpp>
#include <pith/simd/intrinsics.hpp>
#include <pith/simd/scalar.hpp>

namespace pith::inline v1::simd {

namespace detail {

/// A register of bytes that can be zipped and unzipped: of two registers a, b in a row, the bytes at even or
/// odd places; and a[0] b[0] a[1] b[1] …, its lower or upper half.
template <instruction_set Arch>
struct zippable {
    static constexpr std::size_t bytes = 0;
};

#if !defined(PITH_NO_SIMD) && defined(__x86_64__)
template <>
struct zippable<sse2> {
    static constexpr std::size_t bytes = 16;
    using reg = __m128i;
    static reg load(const std::uint8_t* p) noexcept {
        return _mm_loadu_si128(reinterpret_cast<const reg*>(p));
    }
    static void store(std::uint8_t* p, reg v) noexcept { _mm_storeu_si128(reinterpret_cast<reg*>(p), v); }
    static reg even(reg a, reg b) noexcept {
        const reg low = _mm_set1_epi16(255);
        return _mm_packus_epi16(_mm_and_si128(a, low), _mm_and_si128(b, low));
    }
    static reg odd(reg a, reg b) noexcept {
        return _mm_packus_epi16(_mm_srli_epi16(a, 8), _mm_srli_epi16(b, 8));
    }
    static reg zip_low(reg a, reg b) noexcept { return _mm_unpacklo_epi8(a, b); }
    static reg zip_high(reg a, reg b) noexcept { return _mm_unpackhi_epi8(a, b); }
};
#    if defined(__AVX2__)
template <instruction_set Arch>
requires covers<Arch, avx2>
struct zippable<Arch> {
    static constexpr std::size_t bytes = 32;
    using reg = __m256i;
    static reg load(const std::uint8_t* p) noexcept {
        return _mm256_loadu_si256(reinterpret_cast<const reg*>(p));
    }
    static void store(std::uint8_t* p, reg v) noexcept { _mm256_storeu_si256(reinterpret_cast<reg*>(p), v); }
    static reg even(reg a, reg b) noexcept {
        const reg low = _mm256_set1_epi16(255);
        return in_order(_mm256_packus_epi16(_mm256_and_si256(a, low), _mm256_and_si256(b, low)));
    }
    static reg odd(reg a, reg b) noexcept {
        return in_order(_mm256_packus_epi16(_mm256_srli_epi16(a, 8), _mm256_srli_epi16(b, 8)));
    }
    static reg zip_low(reg a, reg b) noexcept {
        return _mm256_permute2x128_si256(_mm256_unpacklo_epi8(a, b), _mm256_unpackhi_epi8(a, b), 0x20);
    }
    static reg zip_high(reg a, reg b) noexcept {
        return _mm256_permute2x128_si256(_mm256_unpacklo_epi8(a, b), _mm256_unpackhi_epi8(a, b), 0x31);
    }

  private:
    static reg in_order(reg v) noexcept { return _mm256_permute4x64_epi64(v, 0xD8); }
};
#    endif
#elif !defined(PITH_NO_SIMD) && defined(__aarch64__)
template <instruction_set Arch>
requires covers<Arch, neon>
struct zippable<Arch> {
    static constexpr std::size_t bytes = 16;
    using reg = uint8x16_t;
    static reg load(const std::uint8_t* p) noexcept { return vld1q_u8(p); }
    static void store(std::uint8_t* p, reg v) noexcept { vst1q_u8(p, v); }
    static reg even(reg a, reg b) noexcept { return vuzp1q_u8(a, b); }
    static reg odd(reg a, reg b) noexcept { return vuzp2q_u8(a, b); }
    static reg zip_low(reg a, reg b) noexcept { return vzip1q_u8(a, b); }
    static reg zip_high(reg a, reg b) noexcept { return vzip2q_u8(a, b); }
};
#endif

/// `step` words from word i on, at w, into planes that lie `count` apart.
template <std::size_t Width, class Z>
inline void split_step(const std::uint8_t* w, std::uint8_t* plane, std::size_t count) noexcept {
    const auto a = Z::load(w);
    const auto b = Z::load(w + Z::bytes);
    if constexpr (Width == 2) {
        Z::store(plane, Z::even(a, b));
        Z::store(plane + count, Z::odd(a, b));
    } else {
        const auto c = Z::load(w + 2 * Z::bytes);
        const auto d = Z::load(w + 3 * Z::bytes);
        const auto even_ab = Z::even(a, b), even_cd = Z::even(c, d);
        const auto odd_ab = Z::odd(a, b), odd_cd = Z::odd(c, d);
        Z::store(plane, Z::even(even_ab, even_cd));
        Z::store(plane + count, Z::even(odd_ab, odd_cd));
        Z::store(plane + 2 * count, Z::odd(even_ab, even_cd));
        Z::store(plane + 3 * count, Z::odd(odd_ab, odd_cd));
    }
}
template <std::size_t Width, class Z>
inline void merge_step(const std::uint8_t* plane, std::uint8_t* w, std::size_t count) noexcept {
    const auto p0 = Z::load(plane);
    const auto p1 = Z::load(plane + count);
    if constexpr (Width == 2) {
        Z::store(w, Z::zip_low(p0, p1));
        Z::store(w + Z::bytes, Z::zip_high(p0, p1));
    } else {
        const auto p2 = Z::load(plane + 2 * count);
        const auto p3 = Z::load(plane + 3 * count);
        const auto low02 = Z::zip_low(p0, p2), low13 = Z::zip_low(p1, p3);
        const auto high02 = Z::zip_high(p0, p2), high13 = Z::zip_high(p1, p3);
        Z::store(w, Z::zip_low(low02, low13));
        Z::store(w + Z::bytes, Z::zip_high(low02, low13));
        Z::store(w + 2 * Z::bytes, Z::zip_low(high02, high13));
        Z::store(w + 3 * Z::bytes, Z::zip_high(high02, high13));
    }
}

}  // namespace detail

/// Byte b of word i goes to planes[b * words + i]. Precondition: sizes equal and a multiple of Width, no
/// overlap. Exact.
template <std::size_t Width, instruction_set Arch = native>
requires(Width == 2 || Width == 4) inline void split_planes(std::span<const std::uint8_t> words,
                                                            std::span<std::uint8_t> planes) noexcept {
    PITH_ASSERT(words.size() % Width == 0 && planes.size() == words.size());
    using Z = detail::zippable<Arch>;
    const std::size_t count = words.size() / Width;
    std::size_t i = 0;
    if constexpr (Z::bytes != 0)
        for (; i + Z::bytes <= count; i += Z::bytes)
            detail::split_step<Width, Z>(words.data() + Width * i, planes.data() + i, count);
    twin::split_planes<Width, Arch>(words, planes, i);
}
/// Undoes split_planes.
template <std::size_t Width, instruction_set Arch = native>
requires(Width == 2 || Width == 4) inline void merge_planes(std::span<const std::uint8_t> planes,
                                                            std::span<std::uint8_t> words) noexcept {
    PITH_ASSERT(words.size() % Width == 0 && planes.size() == words.size());
    using Z = detail::zippable<Arch>;
    const std::size_t count = words.size() / Width;
    std::size_t i = 0;
    if constexpr (Z::bytes != 0)
        for (; i + Z::bytes <= count; i += Z::bytes)
            detail::merge_step<Width, Z>(planes.data() + i, words.data() + Width * i, count);
    twin::merge_planes<Width, Arch>(planes, words, i);
}

}  // namespace pith::inline v1::simd
