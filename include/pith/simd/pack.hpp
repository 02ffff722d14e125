// Packs codes of 1 to 8 bits into bytes and unpacks them, lowest bit first.
// Shuffle, multiply to align, shift: after Lemire and Boytsov (2015), for every width; multishift with VBMI.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include <pith/core/assert.hpp>
#include <pith/simd/arch.hpp>
#include <pith/simd/intrinsics.hpp>
#include <pith/simd/scalar.hpp>

namespace pith::inline v1::simd {

namespace detail {

// Codes are handled in groups of eight, which fill Bits bytes. Each *_vectors function handles groups from
// the front, stays within the spans, and returns how many groups it has done.
template <unsigned Bits, instruction_set Arch>
[[nodiscard]] inline std::size_t pack_vectors(const std::uint8_t*, std::uint8_t*, std::size_t) noexcept {
    return 0;
}
template <unsigned Bits, instruction_set Arch>
[[nodiscard]] inline std::size_t unpack_vectors(const std::uint8_t*, std::uint8_t*, std::size_t) noexcept {
    return 0;
}

/// For a shuffle of bytes into 16-bit places: place j gets the two bytes that hold code j of a group.
template <unsigned Bits>
inline constexpr auto unpack_shuffle = [] {
    std::array<std::uint8_t, 16> at{};
    for (unsigned j = 0; j < 8; ++j) {
        at[2 * j] = static_cast<std::uint8_t>(Bits * j / 8);
        at[2 * j + 1] = static_cast<std::uint8_t>(Bits * j / 8 + 1);
    }
    return at;
}();
/// Times this, code j stands at the top of its 16 bits: Bits + its offset in its byte <= 15.
template <unsigned Bits>
inline constexpr auto unpack_factor = [] {
    std::array<std::uint16_t, 8> factor{};
    for (unsigned j = 0; j < 8; ++j) factor[j] = static_cast<std::uint16_t>(1U << (16 - Bits - Bits * j % 8));
    return factor;
}();
/// For a shuffle that moves the lowest Bits bytes of two 64-bit places together.
template <unsigned Bits>
inline constexpr auto pack_shuffle = [] {
    std::array<std::uint8_t, 16> at{};
    for (auto& a : at) a = 0x80;  // gives zero
    for (unsigned j = 0; j < 2 * Bits; ++j) at[j] = static_cast<std::uint8_t>(j / Bits * 8 + j % Bits);
    return at;
}();

#if !defined(PITH_NO_SIMD) && defined(__x86_64__) && defined(__AVX2__)
[[nodiscard, gnu::always_inline]] inline __m128i sixteen_bytes(const void* p) noexcept {
    return _mm_loadu_si128(static_cast<const __m128i*>(p));
}
/// Sixteen bytes from each of two places.
[[nodiscard, gnu::always_inline]] inline __m256i two_loads(const std::uint8_t* low,
                                                           const std::uint8_t* high) noexcept {
    return _mm256_inserti128_si256(_mm256_castsi128_si256(sixteen_bytes(low)), sixteen_bytes(high), 1);
}

#    if defined(__AVX512VBMI__)
template <unsigned Bits, instruction_set Arch>
[[nodiscard]] inline std::size_t unpack_multishift(const std::uint8_t* in, std::uint8_t* out,
                                                   std::size_t groups) noexcept {
    alignas(64) static constexpr auto gather = [] {
        std::array<std::uint8_t, 64> at{};
        for (unsigned j = 0; j < 64; ++j)
            at[j] = static_cast<std::uint8_t>(j % 8 < Bits ? j / 8 * Bits + j % 8 : 0);
        return at;
    }();
    constexpr std::uint64_t shifts = [] {
        std::uint64_t s = 0;
        for (unsigned j = 0; j < 8; ++j) s |= std::uint64_t{j * Bits} << (8 * j);
        return s;
    }();
    const __m512i at = _mm512_load_si512(gather.data());
    std::size_t g = 0;
    for (; g < groups; g += 8) {
        const std::size_t n = groups - g < 8 ? groups - g : 8;
        const __m512i bytes = _mm512_maskz_loadu_epi8(~std::uint64_t{0} >> (64 - n * Bits), in + g * Bits);
        const __m512i codes = _mm512_multishift_epi64_epi8(_mm512_set1_epi64(static_cast<long long>(shifts)),
                                                           _mm512_permutexvar_epi8(at, bytes));
        _mm512_mask_storeu_epi8(out + 8 * g, ~std::uint64_t{0} >> (64 - n * 8),
                                _mm512_and_si512(codes, _mm512_set1_epi8((1U << Bits) - 1U)));
    }
    return groups;
}
#    endif

template <unsigned Bits, instruction_set Arch>
requires covers<Arch, avx2>
[[nodiscard]] inline std::size_t unpack_vectors(const std::uint8_t* in, std::uint8_t* out,
                                                std::size_t groups) noexcept {
#    if defined(__AVX512VBMI__)
    if constexpr (std::is_same_v<Arch, avx512_vnni>) return unpack_multishift<Bits, Arch>(in, out, groups);
#    endif
    const __m256i shuffle = _mm256_broadcastsi128_si256(sixteen_bytes(unpack_shuffle<Bits>.data()));
    const __m256i factor = _mm256_broadcastsi128_si256(sixteen_bytes(unpack_factor<Bits>.data()));
    const auto sixteen = [&](__m256i bytes) {
        const __m256i raised = _mm256_mullo_epi16(_mm256_shuffle_epi8(bytes, shuffle), factor);
        return _mm256_srli_epi16(raised, 16 - Bits);
    };
    std::size_t g = 0;
    std::uint8_t copy[48] = {};  // 4 * Bits <= 28 bytes and what the last load reads behind them
    for (; g + 4 <= groups; g += 4) {
        const std::uint8_t* p = in + g * Bits;
        if ((g + 3) * Bits + 16 > groups * Bits) {  // the last of the four loads would read behind the end
            std::memcpy(copy, p, 4 * Bits);
            p = copy;
        }
        const __m256i first = sixteen(two_loads(p, p + 2 * Bits));
        const __m256i second = sixteen(two_loads(p + Bits, p + 3 * Bits));
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(out + 8 * g), _mm256_packus_epi16(first, second));
    }
    return g;
}

/// Where bytes hold whole codes, 32 bytes at once.
template <unsigned Bits, instruction_set Arch>
[[nodiscard]] inline std::size_t pack_whole_bytes([[maybe_unused]] const std::uint8_t* in,
                                                  [[maybe_unused]] std::uint8_t* out,
                                                  [[maybe_unused]] std::size_t groups) noexcept {
    std::size_t g = 0;
    [[maybe_unused]] const auto pairs_from = [](const std::uint8_t* p) {
        const __m256i raw = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
        return _mm256_maddubs_epi16(_mm256_and_si256(raw, _mm256_set1_epi8((1 << Bits) - 1)),
                                    _mm256_set1_epi16(1 | 1 << (8 + Bits)));
    };
    if constexpr (Bits == 1)
        for (; g + 4 <= groups; g += 4) {
            const __m256i raw = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(in + 8 * g));
            const int top = _mm256_movemask_epi8(_mm256_slli_epi16(raw, 7));
            std::memcpy(out + g, &top, 4);
        }
    if constexpr (Bits == 4)
        for (; g + 8 <= groups; g += 8) {
            const std::uint8_t* p = in + 8 * g;
            const __m256i bytes = _mm256_packus_epi16(pairs_from(p), pairs_from(p + 32));
            _mm256_storeu_si256(reinterpret_cast<__m256i*>(out + g * Bits),
                                _mm256_permute4x64_epi64(bytes, 0xD8));
        }
    if constexpr (Bits == 2)
        for (; g + 16 <= groups; g += 16) {
            const auto fours_from = [&](const std::uint8_t* p) {
                return _mm256_madd_epi16(pairs_from(p), _mm256_set1_epi32(1 | 1 << 20));
            };
            const std::uint8_t* p = in + 8 * g;
            const __m256i first = _mm256_packs_epi32(fours_from(p), fours_from(p + 32));
            const __m256i second = _mm256_packs_epi32(fours_from(p + 64), fours_from(p + 96));
            _mm256_storeu_si256(reinterpret_cast<__m256i*>(out + g * Bits),
                                _mm256_permutevar8x32_epi32(_mm256_packus_epi16(first, second),
                                                            _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7)));
        }
    return g;
}

template <unsigned Bits, instruction_set Arch>
requires(covers<Arch, avx2>&& Bits <= 6)  // two codes fit the signed factor of pmaddubsw
    [[nodiscard]] inline std::size_t
    pack_vectors(const std::uint8_t* in, std::uint8_t* out, std::size_t groups) noexcept {
    const __m256i shuffle = _mm256_broadcastsi128_si256(sixteen_bytes(pack_shuffle<Bits>.data()));
    const __m256i code = _mm256_set1_epi8(static_cast<char>((1U << Bits) - 1U));
    const __m256i times2 = _mm256_set1_epi16(static_cast<short>(1U | (1U << (8 + Bits))));
    const __m256i times4 = _mm256_set1_epi32(static_cast<int>(1U | (1U << (16 + 2 * Bits))));
    const __m256i low = _mm256_set1_epi64x(0xFFFFFFFF);
    std::size_t g = pack_whole_bytes<Bits, Arch>(in, out, groups);
    // Neighbours join: 2 codes < 2^12 in 16 bits, 4 < 2^24 in 32, 8 in 64. The second store writes up to
    // (g + 2) * Bits + 16; what it writes too much is written again, or lies in front of the end.
    for (; g + 4 <= groups; g += 4) {
        const __m256i codes =
            _mm256_and_si256(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(in + 8 * g)), code);
        const __m256i fours = _mm256_madd_epi16(_mm256_maddubs_epi16(codes, times2), times4);
        const __m256i eights = _mm256_or_si256(_mm256_and_si256(fours, low),
                                               _mm256_slli_epi64(_mm256_srli_epi64(fours, 32), 4 * Bits));
        const __m256i bytes = _mm256_shuffle_epi8(eights, shuffle);
        std::uint8_t last[32];
        const bool inside = (g + 2) * Bits + 16 <= groups * Bits;
        std::uint8_t* to = inside ? out + g * Bits : last;
        _mm_storeu_si128(reinterpret_cast<__m128i*>(to), _mm256_castsi256_si128(bytes));
        _mm_storeu_si128(reinterpret_cast<__m128i*>(to + 2 * Bits), _mm256_extracti128_si256(bytes, 1));
        if (!inside) std::memcpy(out + g * Bits, last, 4 * Bits);
    }
    return g;
}
#elif !defined(PITH_NO_SIMD) && defined(__aarch64__)
template <unsigned Bits, instruction_set Arch>
requires covers<Arch, neon>
[[nodiscard]] inline std::size_t unpack_vectors(const std::uint8_t* in, std::uint8_t* out,
                                                std::size_t groups) noexcept {
    const uint8x16_t shuffle = vld1q_u8(unpack_shuffle<Bits>.data());
    const uint16x8_t factor = vld1q_u16(unpack_factor<Bits>.data());
    std::size_t g = 0;
    for (; g * Bits + 16 <= groups * Bits; ++g) {
        const uint8x16_t bytes = vqtbl1q_u8(vld1q_u8(in + g * Bits), shuffle);
        const uint16x8_t raised = vmulq_u16(vreinterpretq_u16_u8(bytes), factor);
        vst1_u8(out + 8 * g, vmovn_u16(vshrq_n_u16(raised, 16 - Bits)));
    }
    return g;
}
#endif

}  // namespace detail

/// Writes code i to bits [i * Bits, (i + 1) * Bits) of `out`; higher bits of a code are dropped, the last
/// byte is filled with zeros. Precondition: out.size() = packed_size(codes.size(), Bits), no overlap. Exact.
template <unsigned Bits, instruction_set Arch = native>
requires(Bits >= 1 && Bits <= 8) inline void pack(std::span<const std::uint8_t> codes,
                                                  std::span<std::uint8_t> out) noexcept {
    PITH_ASSERT(out.size() == packed_size(codes.size(), Bits));
    if constexpr (Bits == 8) {
        if (!codes.empty()) std::memcpy(out.data(), codes.data(), codes.size());
    } else {
        const std::size_t done = detail::pack_vectors<Bits, Arch>(codes.data(), out.data(), codes.size() / 8);
        twin::pack<Bits, Arch>(codes.subspan(8 * done), out.subspan(Bits * done));
    }
}
/// Undoes pack. Precondition: packed.size() = packed_size(codes.size(), Bits), no overlap. Exact.
template <unsigned Bits, instruction_set Arch = native>
requires(Bits >= 1 && Bits <= 8) inline void unpack(std::span<const std::uint8_t> packed,
                                                    std::span<std::uint8_t> codes) noexcept {
    PITH_ASSERT(packed.size() == packed_size(codes.size(), Bits));
    if constexpr (Bits == 8) {
        if (!codes.empty()) std::memcpy(codes.data(), packed.data(), codes.size());
    } else {
        const std::size_t done =
            detail::unpack_vectors<Bits, Arch>(packed.data(), codes.data(), codes.size() / 8);
        twin::unpack<Bits, Arch>(packed.subspan(Bits * done), codes.subspan(8 * done));
    }
}

}  // namespace pith::inline v1::simd
