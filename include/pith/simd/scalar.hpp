// The scalar twin of every integer kernel and of every conversion: what the kernels must equal, bit for bit.
// Own work. Written in fixed blocks over restricted pointers, so that compilers vectorise them, and as
// templates on the instruction set, because the flags of the translation unit decide their code too.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

#include <pith/core/assert.hpp>
#include <pith/core/bytes.hpp>
#include <pith/simd/arch.hpp>

namespace pith::inline v1::simd {

/// Sixteen bytes, looked up by a four-bit index.
using byte_table = std::array<std::uint8_t, 16>;
/// Sixteen values, looked up by a four-bit index.
using float_table = std::array<float, 16>;

/// Bytes that `count` codes of `bits` bits take, the last byte filled with zero bits.
[[nodiscard, gnu::always_inline]] constexpr std::size_t packed_size(std::size_t count,
                                                                    unsigned bits) noexcept {
    return count / 8 * bits + (count % 8 * bits + 7) / 8;
}

}  // namespace pith::inline v1::simd

namespace pith::inline v1::simd::twin {

namespace detail {

/// Calls each(i) for i in [0, n). g++ -O2 vectorises only loops of constant length; clang would unroll those.
/// `each` is a closure inside a function template on the instruction set, which makes this one's name differ
/// too.
template <class Each>
inline void for_each_index(std::size_t n, Each each) noexcept {
    std::size_t i = 0;
#ifndef __clang__
    for (const std::size_t whole = n / 32 * 32; i < whole; i += 32)
        for (std::size_t j = 0; j < 32; ++j) each(i + j);
#endif
    for (; i < n; ++i) each(i);
}

/// a if the condition holds, else b, without a branch that would keep compilers from vectorising.
[[nodiscard, gnu::always_inline]] constexpr std::uint32_t pick(bool condition, std::uint32_t a,
                                                               std::uint32_t b) noexcept {
    return b ^ ((a ^ b) & (0U - std::uint32_t{condition}));
}
/// x < y for x, y < 2^31: vector units compare signed numbers only.
[[nodiscard, gnu::always_inline]] constexpr bool less(std::uint32_t x, std::uint32_t y) noexcept {
    return static_cast<std::int32_t>(x) < static_cast<std::int32_t>(y);
}

/// The sum of value(i), modulo 2^bits of Sum.
template <class Sum, class Value>
[[nodiscard]] inline Sum sum_over(std::size_t n, Value value) noexcept {
    Sum sum = 0;
    for (std::size_t i = 0; i < n; ++i) sum += value(i);
    return sum;
}

template <class Arch, class A, class B>
[[nodiscard]] inline std::int32_t dot(std::span<const A> a, std::span<const B> b) noexcept {
    PITH_ASSERT(a.size() == b.size());
    const A* x = a.data();
    const B* y = b.data();
    // |product| <= 2^30, so no product overflows; the sum is unsigned, which wraps.
    return static_cast<std::int32_t>(sum_over<std::uint32_t>(a.size(), [=](std::size_t i) {
        return static_cast<std::uint32_t>(std::int32_t{x[i]} * std::int32_t{y[i]});
    }));
}

}  // namespace detail

template <instruction_set Arch>
[[nodiscard]] inline std::int32_t dot(std::span<const std::int8_t> a,
                                      std::span<const std::int8_t> b) noexcept {
    return detail::dot<Arch>(a, b);
}
template <instruction_set Arch>
[[nodiscard]] inline std::int32_t dot(std::span<const std::uint8_t> a,
                                      std::span<const std::int8_t> b) noexcept {
    return detail::dot<Arch>(a, b);
}
template <instruction_set Arch>
[[nodiscard]] inline std::int32_t dot(std::span<const std::int16_t> a,
                                      std::span<const std::int16_t> b) noexcept {
    return detail::dot<Arch>(a, b);
}
template <instruction_set Arch>
[[nodiscard]] inline std::int64_t dot_wide(std::span<const std::int16_t> a,
                                           std::span<const std::int16_t> b) noexcept {
    PITH_ASSERT(a.size() == b.size());
    const std::int16_t* x = a.data();
    const std::int16_t* y = b.data();
    // |product| <= 2^30: 2^33 of them fit.
    return detail::sum_over<std::int64_t>(
        a.size(), [=](std::size_t i) { return std::int64_t{std::int32_t{x[i]} * std::int32_t{y[i]}}; });
}

template <instruction_set Arch>
inline void look_up(std::span<const std::uint8_t> codes, const byte_table& table,
                    std::span<std::uint8_t> out) noexcept {
    PITH_ASSERT(out.size() == codes.size());
    const std::uint8_t* in = codes.data();
    std::uint8_t* to = out.data();
    for (std::size_t i = 0; i < codes.size(); ++i) to[i] = table[in[i] & 15U];
}
template <instruction_set Arch, class T>
inline void look_up_nibbles(std::span<const std::uint8_t> packed, const std::array<T, 16>& table,
                            std::span<T> out) noexcept {
    PITH_ASSERT(packed.size() == packed_size(out.size(), 4));
    const std::uint8_t* in = packed.data();
    T* to = out.data();
    for (std::size_t i = 0; i < out.size() / 2; ++i) {
        to[2 * i] = table[in[i] & 15U];
        to[2 * i + 1] = table[in[i] >> 4];
    }
    if (out.size() % 2 != 0) out.back() = table[packed.back() & 15U];
}

/// Widening: To represents every value of From exactly.
template <instruction_set Arch, class From, class To>
inline void widen(std::span<const From> in, std::span<To> out) noexcept {
    PITH_ASSERT(in.size() == out.size());
    const From* __restrict from = in.data();
    To* __restrict to = out.data();
    detail::for_each_index(in.size(), [=](std::size_t i) { to[i] = static_cast<To>(from[i]); });
}

/// Bits of the binary16 number -> bits of the equal binary32 number; a NaN becomes quiet and keeps its
/// payload.
template <instruction_set Arch>
[[nodiscard]] constexpr std::uint32_t half_to_float_bits(std::uint16_t half) noexcept {
    using detail::less, detail::pick;
    const std::uint32_t magnitude = half & 0x7FFFU;
    // m * 2^-24 is a normal binary32 number for every subnormal m in 1..1023, so that flush-to-zero is
    // harmless.
    const std::uint32_t tiny =
        std::bit_cast<std::uint32_t>(static_cast<float>(static_cast<std::int32_t>(magnitude)) * 0x1p-24F);
    const std::uint32_t normal = (magnitude << 13) + (112U << 23);
    const std::uint32_t special =
        (magnitude << 13) | pick(less(0x7C00U, magnitude), 0x7FC00000U, 0x7F800000U);
    const std::uint32_t finite = pick(less(magnitude, 0x400U), tiny, normal);
    return pick(less(magnitude, 0x7C00U), finite, special) | ((half & 0x8000U) << 16);
}
/// Bits of a binary32 number -> bits of the nearest binary16 number, ties to even, 65520 and more to
/// infinity; a NaN becomes quiet and keeps the upper ten bits of its payload.
template <instruction_set Arch>
[[nodiscard]] constexpr std::uint16_t float_to_half_bits(std::uint32_t bits) noexcept {
    using detail::less, detail::pick;
    const std::uint32_t magnitude = bits & 0x7FFFFFFFU;
    // Below 2^-14: |x| + 0.5 has steps of 2^-24, the steps of binary16 there, and so rounds as wanted.
    const std::uint32_t small = pick(less(magnitude, 0x38800000U), magnitude, 0);
    const std::uint32_t tiny = std::bit_cast<std::uint32_t>(std::bit_cast<float>(small) + 0.5F) - 0x3F000000U;
    const std::uint32_t rounded = (magnitude + 0xFFFU + ((magnitude >> 13) & 1U)) >> 13;
    const std::uint32_t normal = pick(less(magnitude, 0x477FF000U), rounded - (112U << 10), 0x7C00U);
    const std::uint32_t finite = pick(less(magnitude, 0x38800000U), tiny, normal);
    const std::uint32_t nan = 0x7E00U | ((magnitude >> 13) & 0x3FFU);
    return static_cast<std::uint16_t>(pick(less(0x7F800000U, magnitude), nan, finite) |
                                      ((bits >> 16) & 0x8000U));
}
/// Bits of a binary32 number -> bits of the nearest bfloat16 number, ties to even; a NaN becomes quiet.
template <instruction_set Arch>
[[nodiscard]] constexpr std::uint16_t float_to_bfloat16_bits(std::uint32_t bits) noexcept {
    const std::uint32_t rounded = (bits + 0x7FFFU + ((bits >> 16) & 1U)) >> 16;
    const std::uint32_t nan = (bits >> 16) | 0x40U;
    return static_cast<std::uint16_t>(
        detail::pick(detail::less(0x7F800000U, bits & 0x7FFFFFFFU), nan, rounded));
}

template <instruction_set Arch>
inline void half_to_float(std::span<const std::uint16_t> in, std::span<float> out) noexcept {
    PITH_ASSERT(in.size() == out.size());
    const std::uint16_t* __restrict from = in.data();
    float* __restrict to = out.data();
    detail::for_each_index(
        in.size(), [=](std::size_t i) { to[i] = std::bit_cast<float>(half_to_float_bits<Arch>(from[i])); });
}
template <instruction_set Arch>
inline void float_to_half(std::span<const float> in, std::span<std::uint16_t> out) noexcept {
    PITH_ASSERT(in.size() == out.size());
    const float* __restrict from = in.data();
    std::uint16_t* __restrict to = out.data();
    detail::for_each_index(in.size(), [=](std::size_t i) {
        to[i] = float_to_half_bits<Arch>(std::bit_cast<std::uint32_t>(from[i]));
    });
}
template <instruction_set Arch>
inline void bfloat16_to_float(std::span<const std::uint16_t> in, std::span<float> out) noexcept {
    PITH_ASSERT(in.size() == out.size());
    const std::uint16_t* __restrict from = in.data();
    float* __restrict to = out.data();
    detail::for_each_index(
        in.size(), [=](std::size_t i) { to[i] = std::bit_cast<float>(std::uint32_t{from[i]} << 16); });
}
template <instruction_set Arch>
inline void float_to_bfloat16(std::span<const float> in, std::span<std::uint16_t> out) noexcept {
    PITH_ASSERT(in.size() == out.size());
    const float* __restrict from = in.data();
    std::uint16_t* __restrict to = out.data();
    detail::for_each_index(in.size(), [=](std::size_t i) {
        to[i] = float_to_bfloat16_bits<Arch>(std::bit_cast<std::uint32_t>(from[i]));
    });
}

/// Codes of Bits bits into bytes, lowest bit first; bits of a code above that are dropped.
template <unsigned Bits, instruction_set Arch>
inline void pack(std::span<const std::uint8_t> codes, std::span<std::uint8_t> out) noexcept {
    PITH_ASSERT(out.size() == packed_size(codes.size(), Bits));
    constexpr std::uint8_t mask = (1U << Bits) - 1U;
    const std::uint8_t* in = codes.data();
    std::uint8_t* to = out.data();
    for (std::size_t left = codes.size(); left != 0;) {
        const std::size_t group = left < 8 ? left : 8;
        std::uint64_t word = 0;
        for (std::size_t j = 0; j < group; ++j)
            word |= std::uint64_t{static_cast<std::uint8_t>(in[j] & mask)} << (Bits * j);
        const std::size_t bytes = group == 8 ? Bits : (group * Bits + 7) / 8;
        for (std::size_t j = 0; j < bytes; ++j) to[j] = static_cast<std::uint8_t>(word >> (8 * j));
        in += group, to += bytes, left -= group;
    }
}
template <unsigned Bits, instruction_set Arch>
inline void unpack(std::span<const std::uint8_t> packed, std::span<std::uint8_t> codes) noexcept {
    PITH_ASSERT(packed.size() == packed_size(codes.size(), Bits));
    constexpr std::uint8_t mask = (1U << Bits) - 1U;
    const std::uint8_t* in = packed.data();
    std::uint8_t* to = codes.data();
    for (std::size_t left = codes.size(); left != 0;) {
        const std::size_t group = left < 8 ? left : 8;
        const std::size_t bytes = group == 8 ? Bits : (group * Bits + 7) / 8;
        std::uint64_t word = 0;
        for (std::size_t j = 0; j < bytes; ++j) word |= std::uint64_t{in[j]} << (8 * j);
        for (std::size_t j = 0; j < group; ++j)
            to[j] = static_cast<std::uint8_t>((word >> (Bits * j)) & mask);
        in += bytes, to += group, left -= group;
    }
}

/// Byte b of word i goes to planes[b * words + i], for the words from `first` on.
template <std::size_t Width, instruction_set Arch>
inline void split_planes(std::span<const std::uint8_t> words, std::span<std::uint8_t> planes,
                         std::size_t first = 0) noexcept {
    PITH_ASSERT(words.size() % Width == 0 && planes.size() == words.size());
    const std::size_t count = words.size() / Width;
    const std::uint8_t* __restrict from = words.data();
    std::uint8_t* __restrict to = planes.data();
    for (std::size_t b = 0; b < Width; ++b)
        for (std::size_t i = first; i < count; ++i) to[b * count + i] = from[Width * i + b];
}
template <std::size_t Width, instruction_set Arch>
inline void merge_planes(std::span<const std::uint8_t> planes, std::span<std::uint8_t> words,
                         std::size_t first = 0) noexcept {
    PITH_ASSERT(words.size() % Width == 0 && planes.size() == words.size());
    const std::size_t count = words.size() / Width;
    const std::uint8_t* __restrict from = planes.data();
    std::uint8_t* __restrict to = words.data();
    for (std::size_t i = first; i < count; ++i)
        for (std::size_t b = 0; b < Width; ++b) to[Width * i + b] = from[b * count + i];
}

/// Adds the number of occurrences of each byte value to `counts`, modulo 2^32.
template <instruction_set Arch>
inline void histogram(std::span<const std::uint8_t> in, std::span<std::uint32_t, 256> counts) noexcept {
    for (const std::uint8_t value : in) ++counts[value];
}

}  // namespace pith::inline v1::simd::twin
