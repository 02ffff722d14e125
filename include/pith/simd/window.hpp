// Bit planes of windows to bytes and back in vectors: the fast form of entropy::portable_windows.
// Escapes are spread over the lanes that need them, and packed, by byte shuffles from a table, as in
// rans_avx2.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include <pith/simd/arch.hpp>
#include <pith/simd/intrinsics.hpp>

namespace pith::inline v1::simd {

/// A model of entropy::window_kernel. Exact.
template <instruction_set Arch = native>
struct window_kernel;

namespace detail {

/// For each mask of eight lanes the byte shuffle that spreads the first bytes over the marked lanes (0x80:
/// zero), and the one that moves the marked lanes' bytes to the front.
struct window_shuffles {
    std::uint8_t spread[256][8];
    std::uint8_t pack[256][8];
};
[[nodiscard]] constexpr window_shuffles make_window_shuffles() noexcept {
    window_shuffles t{};
    for (unsigned mask = 0; mask < 256; ++mask) {
        unsigned n = 0;
        for (unsigned lane = 0; lane < 8; ++lane) {
            const bool marked = (mask >> lane & 1) != 0;
            t.spread[mask][lane] = static_cast<std::uint8_t>(marked ? n : 0x80);
            if (marked) t.pack[mask][n++] = static_cast<std::uint8_t>(lane);
        }
        for (; n < 8; ++n) t.pack[mask][n] = 0x80;
    }
    return t;
}
template <class Unused = void>
inline constexpr window_shuffles window_shuffle_table = make_window_shuffles();

inline constexpr std::size_t window_pitch = 128;

/// f of a constant of 1 to 7 bits.
template <class F>
[[gnu::always_inline]] inline std::size_t for_window(unsigned bits, F f) noexcept {
    switch (bits) {
        case 1:
            return f(std::integral_constant<unsigned, 1>{});
        case 2:
            return f(std::integral_constant<unsigned, 2>{});
        case 3:
            return f(std::integral_constant<unsigned, 3>{});
        case 4:
            return f(std::integral_constant<unsigned, 4>{});
        case 5:
            return f(std::integral_constant<unsigned, 5>{});
        case 6:
            return f(std::integral_constant<unsigned, 6>{});
        default:
            return f(std::integral_constant<unsigned, 7>{});
    }
}

}  // namespace detail

#if !defined(PITH_NO_SIMD) && defined(__AVX2__)

template <instruction_set Arch>
requires covers<Arch, avx2>
struct window_kernel<Arch> {
    static std::size_t encode(const std::uint8_t* symbols, std::size_t n, std::uint8_t base, unsigned bits,
                              std::uint8_t* planes, std::uint8_t* escapes) noexcept {
        return detail::for_window(
            bits, [=](auto b) { return encode_as<b.value>(symbols, n, base, planes, escapes); });
    }
    static std::size_t decode(const std::uint8_t* planes, std::size_t n, std::uint8_t base, unsigned bits,
                              const std::uint8_t* escapes, std::uint8_t* out) noexcept {
        return detail::for_window(bits,
                                  [=](auto b) { return decode_as<b.value>(planes, n, base, escapes, out); });
    }

    static std::size_t spell(const std::uint8_t* nibbles, std::size_t n, const std::uint8_t* table,
                             const std::uint8_t* far, std::uint8_t* out) noexcept {
        const __m128i values = _mm_loadu_si128(reinterpret_cast<const __m128i*>(table));
        const __m128i low_nibble = _mm_set1_epi8(15);
        const std::uint8_t* at = far;
        for (std::size_t i = 0; i < n; i += 16) {
            alignas(16) std::uint8_t rest[16] = {};
            const bool whole = n - i >= 16;
            if (!whole) std::memcpy(rest, nibbles + i, n - i);
            const __m128i v = _mm_loadu_si128(reinterpret_cast<const __m128i*>(whole ? nibbles + i : rest));
            const __m128i low = _mm_and_si128(v, low_nibble);
            const __m128i high = _mm_and_si128(_mm_srli_epi16(v, 4), low_nibble);
            const __m256i code = _mm256_set_m128i(_mm_unpackhi_epi8(low, high), _mm_unpacklo_epi8(low, high));
            const __m256i is_far = _mm256_cmpeq_epi8(code, _mm256_set1_epi8(15));
            const auto marked = static_cast<unsigned>(_mm256_movemask_epi8(is_far));
            const __m256i near =
                _mm256_andnot_si256(is_far, _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(values), code));
            const __m256i all = _mm256_or_si256(near, spread(at, marked));
            at += std::popcount(marked);
            if (whole) {
                _mm256_storeu_si256(reinterpret_cast<__m256i*>(out + 2 * i), all);
            } else {
                alignas(32) std::uint8_t last[32];
                _mm256_store_si256(reinterpret_cast<__m256i*>(last), all);
                std::memcpy(out + 2 * i, last, 2 * (n - i));
            }
        }
        return static_cast<std::size_t>(at - far);
    }

  private:
    [[nodiscard, gnu::always_inline]] static __m128i eight(const std::uint8_t* p) noexcept {
        return _mm_loadl_epi64(reinterpret_cast<const __m128i*>(p));
    }
    template <unsigned Bits>
    static std::size_t encode_as(const std::uint8_t* symbols, std::size_t n, std::uint8_t base,
                                 std::uint8_t* planes, std::uint8_t* escapes) noexcept {
        const __m256i from = _mm256_set1_epi8(static_cast<char>(base));
        const __m256i outside = _mm256_set1_epi8(static_cast<char>((1U << Bits) - 1));
        std::uint8_t* to = escapes;
        for (std::size_t i = 0; i < n; i += 32) {
            const __m256i v = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(symbols + i));
            const __m256i code = _mm256_min_epu8(_mm256_sub_epi8(v, from), outside);
#    pragma GCC unroll 8
            for (unsigned j = 0; j < Bits; ++j) {
                const int plane = _mm256_movemask_epi8(_mm256_slli_epi16(code, static_cast<int>(7 - j)));
                std::memcpy(planes + j * detail::window_pitch + i / 8, &plane, 4);
            }
            to = pack(v, static_cast<unsigned>(_mm256_movemask_epi8(_mm256_cmpeq_epi8(code, outside))), to);
        }
        return static_cast<std::size_t>(to - escapes);
    }
    /// Appends the marked bytes; writes up to 32 bytes.
    [[nodiscard, gnu::always_inline]] static std::uint8_t* pack(__m256i v, unsigned marked,
                                                                std::uint8_t* to) noexcept {
        const auto& table = detail::window_shuffle_table<>;
        const __m128i half[2] = {_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1)};
#    pragma GCC unroll 4
        for (unsigned k = 0; k < 4; ++k) {
            const unsigned mask = marked >> (8 * k) & 0xFF;
            const __m128i lanes = k % 2 == 0 ? half[k / 2] : _mm_srli_si128(half[k / 2], 8);
            _mm_storel_epi64(reinterpret_cast<__m128i*>(to),
                             _mm_shuffle_epi8(lanes, eight(table.pack[mask])));
            to += std::popcount(mask);
        }
        return to;
    }
    template <unsigned Bits>
    static std::size_t decode_as(const std::uint8_t* planes, std::size_t n, std::uint8_t base,
                                 const std::uint8_t* escapes, std::uint8_t* out) noexcept {
        const __m256i from = _mm256_set1_epi8(static_cast<char>(base));
        const __m256i outside = _mm256_set1_epi8(static_cast<char>((1U << Bits) - 1));
        const __m256i bit = _mm256_set1_epi64x(static_cast<long long>(0x8040'2010'0804'0201U));
        const __m256i byte_of_lane = _mm256_setr_epi8(0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1,  //
                                                      2, 2, 2, 2, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3, 3, 3);
        const std::uint8_t* at = escapes;
        for (std::size_t i = 0; i < n; i += 32) {
            __m256i code = _mm256_setzero_si256();
#    pragma GCC unroll 8
            for (unsigned j = 0; j < Bits; ++j) {
                int plane;
                std::memcpy(&plane, planes + j * detail::window_pitch + i / 8, 4);
                const __m256i copies = _mm256_shuffle_epi8(_mm256_set1_epi32(plane), byte_of_lane);
                const __m256i set = _mm256_cmpeq_epi8(_mm256_and_si256(copies, bit), bit);
                code = _mm256_or_si256(code,
                                       _mm256_and_si256(set, _mm256_set1_epi8(static_cast<char>(1U << j))));
            }
            const __m256i escaped = _mm256_cmpeq_epi8(code, outside);
            const auto marked = static_cast<unsigned>(_mm256_movemask_epi8(escaped));
            const __m256i inside = _mm256_andnot_si256(escaped, _mm256_add_epi8(code, from));
            _mm256_storeu_si256(reinterpret_cast<__m256i*>(out + i),
                                _mm256_or_si256(inside, spread(at, marked)));
            at += std::popcount(marked);
        }
        return static_cast<std::size_t>(at - escapes);
    }
    /// The first bytes at `from` on the marked lanes, 0 on the others; reads up to 32 bytes.
    [[nodiscard, gnu::always_inline]] static __m256i spread(const std::uint8_t* from,
                                                            unsigned marked) noexcept {
        const auto& table = detail::window_shuffle_table<>;
        const auto lanes = [&](const std::uint8_t* p, unsigned mask) {
            return _mm_shuffle_epi8(eight(p), eight(table.spread[mask]));
        };
        const std::uint8_t* const second = from + std::popcount(marked & 0xFF);
        const std::uint8_t* const third = from + std::popcount(marked & 0xFFFF);
        const std::uint8_t* const fourth = from + std::popcount(marked & 0xFF'FFFF);
        const __m128i low = _mm_unpacklo_epi64(lanes(from, marked & 0xFF), lanes(second, marked >> 8 & 0xFF));
        const __m128i high =
            _mm_unpacklo_epi64(lanes(third, marked >> 16 & 0xFF), lanes(fourth, marked >> 24));
        return _mm256_inserti128_si256(_mm256_castsi128_si256(low), high, 1);
    }
};

#elif !defined(PITH_NO_SIMD) && defined(__aarch64__)

template <instruction_set Arch>
requires covers<Arch, neon>
struct window_kernel<Arch> {
    static std::size_t encode(const std::uint8_t* symbols, std::size_t n, std::uint8_t base, unsigned bits,
                              std::uint8_t* planes, std::uint8_t* escapes) noexcept {
        const uint8x16_t outside = vdupq_n_u8(static_cast<std::uint8_t>((1U << bits) - 1));
        std::uint8_t* to = escapes;
        for (std::size_t i = 0; i < n; i += 16) {
            const uint8x16_t v = vld1q_u8(symbols + i);
            const uint8x16_t code = vminq_u8(vsubq_u8(v, vdupq_n_u8(base)), outside);
            for (unsigned j = 0; j < bits; ++j) {
                const std::uint16_t plane =
                    mask_of(vtstq_u8(code, vdupq_n_u8(static_cast<std::uint8_t>(1U << j))));
                std::memcpy(planes + j * detail::window_pitch + i / 8, &plane, 2);
            }
            const unsigned marked = mask_of(vceqq_u8(code, outside));
            to = pack(vget_low_u8(v), marked & 0xFF, to);
            to = pack(vget_high_u8(v), marked >> 8, to);
        }
        return static_cast<std::size_t>(to - escapes);
    }
    static std::size_t decode(const std::uint8_t* planes, std::size_t n, std::uint8_t base, unsigned bits,
                              const std::uint8_t* escapes, std::uint8_t* out) noexcept {
        const uint8x16_t outside = vdupq_n_u8(static_cast<std::uint8_t>((1U << bits) - 1));
        const uint8x16_t bit = vreinterpretq_u8_u64(vdupq_n_u64(0x8040'2010'0804'0201U));
        const std::uint8_t* at = escapes;
        for (std::size_t i = 0; i < n; i += 16) {
            uint8x16_t code = vdupq_n_u8(0);
            for (unsigned j = 0; j < bits; ++j) {
                const std::uint8_t* const p = planes + j * detail::window_pitch + i / 8;
                const uint8x16_t set = vtstq_u8(vcombine_u8(vdup_n_u8(p[0]), vdup_n_u8(p[1])), bit);
                code = vorrq_u8(code, vandq_u8(set, vdupq_n_u8(static_cast<std::uint8_t>(1U << j))));
            }
            const uint8x16_t escaped = vceqq_u8(code, outside);
            const unsigned marked = mask_of(escaped);
            const uint8x8_t low = spread(at, marked & 0xFF);
            at += std::popcount(marked & 0xFF);
            const uint8x8_t high = spread(at, marked >> 8);
            at += std::popcount(marked >> 8);
            vst1q_u8(out + i, vbslq_u8(escaped, vcombine_u8(low, high), vaddq_u8(code, vdupq_n_u8(base))));
        }
        return static_cast<std::size_t>(at - escapes);
    }

    static std::size_t spell(const std::uint8_t* nibbles, std::size_t n, const std::uint8_t* table,
                             const std::uint8_t* far, std::uint8_t* out) noexcept {
        const uint8x16_t values = vld1q_u8(table);
        const std::uint8_t* at = far;
        std::size_t i = 0;
        for (; i + 8 <= n; i += 8) {
            const uint8x8_t v = vld1_u8(nibbles + i);
            const uint8x8x2_t two = vzip_u8(vand_u8(v, vdup_n_u8(15)), vshr_n_u8(v, 4));
            const uint8x16_t code = vcombine_u8(two.val[0], two.val[1]);
            const uint8x16_t is_far = vceqq_u8(code, vdupq_n_u8(15));
            const unsigned marked = mask_of(is_far);
            const uint8x8_t low = spread(at, marked & 0xFF);
            at += std::popcount(marked & 0xFF);
            const uint8x8_t high = spread(at, marked >> 8);
            at += std::popcount(marked >> 8);
            vst1q_u8(out + 2 * i, vbslq_u8(is_far, vcombine_u8(low, high), vqtbl1q_u8(values, code)));
        }
        for (; i < n; ++i)
            for (unsigned k = 0; k < 2; ++k) {
                const unsigned nibble = nibbles[i] >> (4 * k) & 15;
                out[2 * i + k] = nibble == 15 ? *at : table[nibble];
                at += nibble == 15 ? 1 : 0;
            }
        return static_cast<std::size_t>(at - far);
    }

  private:
    /// Bit i is set where byte i is all ones.
    [[nodiscard]] static std::uint16_t mask_of(uint8x16_t marked) noexcept {
        const uint8x16_t bits = vandq_u8(marked, vreinterpretq_u8_u64(vdupq_n_u64(0x8040'2010'0804'0201U)));
        return static_cast<std::uint16_t>(vaddv_u8(vget_low_u8(bits)) | vaddv_u8(vget_high_u8(bits)) << 8);
    }
    [[nodiscard]] static std::uint8_t* pack(uint8x8_t v, unsigned mask, std::uint8_t* to) noexcept {
        vst1_u8(to, vtbl1_u8(v, vld1_u8(detail::window_shuffle_table<>.pack[mask])));
        return to + std::popcount(mask);
    }
    [[nodiscard]] static uint8x8_t spread(const std::uint8_t* from, unsigned mask) noexcept {
        return vtbl1_u8(vld1_u8(from), vld1_u8(detail::window_shuffle_table<>.spread[mask]));
    }
};

#endif

}  // namespace pith::inline v1::simd
