// Looks four-bit codes up in a table of sixteen bytes or floats: the decoder of every 16-entry codebook.
// The table sits in one register (pshufb, tbl); the idea is folklore, known from André et al. (2015) for PQ
// scans.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include <pith/core/assert.hpp>
#include <pith/simd/arch.hpp>
#include <pith/simd/intrinsics.hpp>
#include <pith/simd/scalar.hpp>

namespace pith::inline v1::simd {

namespace detail {

// Each *_vectors function handles whole vectors from the front and returns how many input bytes it has done:
// none where no instruction looks bytes up.
template <instruction_set Arch>
[[nodiscard]] inline std::size_t look_up_vectors(const std::uint8_t*, const byte_table&, std::uint8_t*,
                                                 std::size_t) noexcept {
    return 0;
}
template <instruction_set Arch, class T>
[[nodiscard]] inline std::size_t nibble_vectors(const std::uint8_t*, const std::array<T, 16>&, T*,
                                                std::size_t) noexcept {
    return 0;
}

#if !defined(PITH_NO_SIMD) && defined(__x86_64__) && defined(__AVX2__)
[[nodiscard, gnu::always_inline]] inline __m128i table_register(const byte_table& table) noexcept {
    return _mm_loadu_si128(reinterpret_cast<const __m128i*>(table.data()));
}

template <instruction_set Arch>
requires covers<Arch, avx2>
[[nodiscard]] inline std::size_t look_up_vectors(const std::uint8_t* in, const byte_table& table,
                                                 std::uint8_t* out, std::size_t count) noexcept {
    std::size_t i = 0;
#    if defined(__AVX512BW__)
    if constexpr (covers<Arch, avx512>) {
        const __m512i t = _mm512_broadcast_i32x4(table_register(table));
        for (; i + 64 <= count; i += 64) {
            const __m512i code = _mm512_and_si512(_mm512_loadu_si512(in + i), _mm512_set1_epi8(15));
            _mm512_storeu_si512(out + i, _mm512_shuffle_epi8(t, code));
        }
    }
#    endif
    const __m256i t = _mm256_broadcastsi128_si256(table_register(table));
    for (; i + 32 <= count; i += 32) {
        const __m256i code = _mm256_and_si256(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(in + i)),
                                              _mm256_set1_epi8(15));
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(out + i), _mm256_shuffle_epi8(t, code));
    }
    return i;
}

template <instruction_set Arch>
requires covers<Arch, avx2>
[[nodiscard]] inline std::size_t nibble_vectors(const std::uint8_t* in, const byte_table& table,
                                                std::uint8_t* out, std::size_t count) noexcept {
    std::size_t i = 0;
    // The quarters are put in such an order that interleaving within 128-bit lanes leaves the codes in order.
#    if defined(__AVX512BW__)
    if constexpr (covers<Arch, avx512>) {
        const __m512i t = _mm512_broadcast_i32x4(table_register(table));
        const __m512i order = _mm512_setr_epi64(0, 4, 1, 5, 2, 6, 3, 7);
        const __m512i low = _mm512_set1_epi8(15);
        for (; i + 64 <= count; i += 64) {
            const __m512i x = _mm512_permutexvar_epi64(order, _mm512_loadu_si512(in + i));
            const __m512i even = _mm512_shuffle_epi8(t, _mm512_and_si512(x, low));
            const __m512i odd = _mm512_shuffle_epi8(t, _mm512_and_si512(_mm512_srli_epi16(x, 4), low));
            _mm512_storeu_si512(out + 2 * i, _mm512_unpacklo_epi8(even, odd));
            _mm512_storeu_si512(out + 2 * i + 64, _mm512_unpackhi_epi8(even, odd));
        }
    }
#    endif
    const __m256i t = _mm256_broadcastsi128_si256(table_register(table));
    const __m256i low = _mm256_set1_epi8(15);
    for (; i + 32 <= count; i += 32) {
        const __m256i x =
            _mm256_permute4x64_epi64(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(in + i)), 0xD8);
        const __m256i even = _mm256_shuffle_epi8(t, _mm256_and_si256(x, low));
        const __m256i odd = _mm256_shuffle_epi8(t, _mm256_and_si256(_mm256_srli_epi16(x, 4), low));
        auto* to = reinterpret_cast<__m256i*>(out + 2 * i);
        _mm256_storeu_si256(to, _mm256_unpacklo_epi8(even, odd));
        _mm256_storeu_si256(to + 1, _mm256_unpackhi_epi8(even, odd));
    }
    return i;
}

template <instruction_set Arch>
requires covers<Arch, avx2>
[[nodiscard]] inline std::size_t nibble_vectors(const std::uint8_t* in, const float_table& table, float* out,
                                                std::size_t count) noexcept {
    std::size_t i = 0;
    const auto eight_bytes_as_codes = [](const std::uint8_t* p) {
        const __m128i x = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(p));
        return _mm_unpacklo_epi8(x, _mm_srli_epi16(x, 4));  // the bits above the code are not cleared
    };
#    if defined(__AVX512F__)
    if constexpr (covers<Arch, avx512>) {
        const __m512 t = _mm512_loadu_ps(table.data());
        for (; i + 8 <= count; i += 8)  // vpermps reads no more than the four bits of the code
            _mm512_storeu_ps(out + 2 * i,
                             _mm512_permutexvar_ps(_mm512_cvtepu8_epi32(eight_bytes_as_codes(in + i)), t));
        return i;
    }
#    endif
    const __m256 lower = _mm256_loadu_ps(table.data());
    const __m256 upper = _mm256_loadu_ps(table.data() + 8);
    const auto eight = [&](__m128i codes) {
        const __m256i code = _mm256_cvtepu8_epi32(codes);
        const __m256 high_half = _mm256_castsi256_ps(_mm256_slli_epi32(code, 28));  // bit 3 as the sign
        return _mm256_blendv_ps(_mm256_permutevar8x32_ps(lower, code), _mm256_permutevar8x32_ps(upper, code),
                                high_half);
    };
    for (; i + 8 <= count; i += 8) {
        const __m128i codes = eight_bytes_as_codes(in + i);
        _mm256_storeu_ps(out + 2 * i, eight(codes));
        _mm256_storeu_ps(out + 2 * i + 8, eight(_mm_srli_si128(codes, 8)));
    }
    return i;
}
#elif !defined(PITH_NO_SIMD) && defined(__aarch64__)
template <instruction_set Arch>
requires covers<Arch, neon>
[[nodiscard]] inline std::size_t look_up_vectors(const std::uint8_t* in, const byte_table& table,
                                                 std::uint8_t* out, std::size_t count) noexcept {
    const uint8x16_t t = vld1q_u8(table.data());
    std::size_t i = 0;
    for (; i + 16 <= count; i += 16)
        vst1q_u8(out + i, vqtbl1q_u8(t, vandq_u8(vld1q_u8(in + i), vdupq_n_u8(15))));
    return i;
}
/// The codes of sixteen packed bytes, in order.
[[nodiscard, gnu::always_inline]] inline uint8x16x2_t nibbles_of(const std::uint8_t* p) noexcept {
    const uint8x16_t x = vld1q_u8(p);
    return vzipq_u8(vandq_u8(x, vdupq_n_u8(15)), vshrq_n_u8(x, 4));
}
template <instruction_set Arch>
requires covers<Arch, neon>
[[nodiscard]] inline std::size_t nibble_vectors(const std::uint8_t* in, const byte_table& table,
                                                std::uint8_t* out, std::size_t count) noexcept {
    const uint8x16_t t = vld1q_u8(table.data());
    std::size_t i = 0;
    for (; i + 16 <= count; i += 16) {
        const uint8x16x2_t codes = nibbles_of(in + i);
        vst1q_u8(out + 2 * i, vqtbl1q_u8(t, codes.val[0]));
        vst1q_u8(out + 2 * i + 16, vqtbl1q_u8(t, codes.val[1]));
    }
    return i;
}
template <instruction_set Arch>
requires covers<Arch, neon>
[[nodiscard]] inline std::size_t nibble_vectors(const std::uint8_t* in, const float_table& table, float* out,
                                                std::size_t count) noexcept {
    // One table per byte of the floats; the store with a stride of four puts the bytes together.
    const uint8x16x4_t t = vld4q_u8(reinterpret_cast<const std::uint8_t*>(table.data()));
    std::size_t i = 0;
    for (; i + 16 <= count; i += 16) {
        const uint8x16x2_t codes = nibbles_of(in + i);
        for (std::size_t half = 0; half < 2; ++half) {
            uint8x16x4_t bytes;
            for (std::size_t b = 0; b < 4; ++b) bytes.val[b] = vqtbl1q_u8(t.val[b], codes.val[half]);
            vst4q_u8(reinterpret_cast<std::uint8_t*>(out + 2 * i + 16 * half), bytes);
        }
    }
    return i;
}
#endif

template <instruction_set Arch, class T>
inline void look_up_nibbles(std::span<const std::uint8_t> packed, const std::array<T, 16>& table,
                            std::span<T> out) noexcept {
    PITH_ASSERT(packed.size() == packed_size(out.size(), 4));
    const std::size_t done = nibble_vectors<Arch>(packed.data(), table, out.data(), out.size() / 2);
    twin::look_up_nibbles<Arch>(packed.subspan(done), table, out.subspan(2 * done));
}

}  // namespace detail

/// out[i] = table[codes[i] mod 16]. Precondition: equal sizes; out may be codes itself. Exact.
template <instruction_set Arch = native>
inline void look_up(std::span<const std::uint8_t> codes, const byte_table& table,
                    std::span<std::uint8_t> out) noexcept {
    PITH_ASSERT(out.size() == codes.size());
    const std::size_t done = detail::look_up_vectors<Arch>(codes.data(), table, out.data(), codes.size());
    twin::look_up<Arch>(codes.subspan(done), table, out.subspan(done));
}

/// Looks up two codes per packed byte, the lower four bits first. Precondition: packed holds
/// packed_size(out.size(), 4) bytes and does not overlap out. Exact.
template <instruction_set Arch = native>
inline void look_up_nibbles(std::span<const std::uint8_t> packed, const byte_table& table,
                            std::span<std::uint8_t> out) noexcept {
    detail::look_up_nibbles<Arch>(packed, table, out);
}
/// The same into floats: the bits of the entry are copied, whatever they are.
template <instruction_set Arch = native>
inline void look_up_nibbles(std::span<const std::uint8_t> packed, const float_table& table,
                            std::span<float> out) noexcept {
    detail::look_up_nibbles<Arch>(packed, table, out);
}

}  // namespace pith::inline v1::simd
