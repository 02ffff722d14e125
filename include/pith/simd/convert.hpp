// Conversions between number types: small integers to wider ones and floats, half and bfloat16 to and from
// float. IEEE 754 binary16 and the upper half of binary32, held as their 16 bits; F16C and NEON where they
// exist.
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

// Each *_vectors function converts whole vectors from the front and returns how many numbers it has done.
template <instruction_set Arch>
[[nodiscard]] inline std::size_t half_to_float_vectors(const std::uint16_t*, float*, std::size_t) noexcept {
    return 0;
}
template <instruction_set Arch>
[[nodiscard]] inline std::size_t float_to_half_vectors(const float*, std::uint16_t*, std::size_t) noexcept {
    return 0;
}

#if !defined(PITH_NO_SIMD) && defined(__x86_64__) && defined(__F16C__) && defined(__AVX2__)
template <instruction_set Arch>
requires covers<Arch, avx2>
[[nodiscard]] inline std::size_t half_to_float_vectors(const std::uint16_t* in, float* out,
                                                       std::size_t n) noexcept {
    std::size_t i = 0;
    for (; i + 8 <= n; i += 8)
        _mm256_storeu_ps(out + i, _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(in + i))));
    return i;
}
template <instruction_set Arch>
requires covers<Arch, avx2>
[[nodiscard]] inline std::size_t float_to_half_vectors(const float* in, std::uint16_t* out,
                                                       std::size_t n) noexcept {
    std::size_t i = 0;
    for (; i + 8 <= n; i += 8)
        _mm_storeu_si128(
            reinterpret_cast<__m128i*>(out + i),
            _mm256_cvtps_ph(_mm256_loadu_ps(in + i), _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
    return i;
}
#elif !defined(PITH_NO_SIMD) && defined(__aarch64__)
template <instruction_set Arch>
requires covers<Arch, neon>
[[nodiscard]] inline std::size_t half_to_float_vectors(const std::uint16_t* in, float* out,
                                                       std::size_t n) noexcept {
    std::size_t i = 0;
    for (; i + 4 <= n; i += 4) vst1q_f32(out + i, vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(in + i))));
    return i;
}
template <instruction_set Arch>
requires covers<Arch, neon>
[[nodiscard]] inline std::size_t float_to_half_vectors(const float* in, std::uint16_t* out,
                                                       std::size_t n) noexcept {
    std::size_t i = 0;
    for (; i + 4 <= n; i += 4) vst1_u16(out + i, vreinterpret_u16_f16(vcvt_f16_f32(vld1q_f32(in + i))));
    return i;
}
#endif

}  // namespace detail

/// A conversion in which To has every value of From.
template <class From, class To>
concept widening = (std::same_as<To, std::int32_t> ||
                    std::same_as<To, float>)&&(std::same_as<From, std::uint8_t> ||
                                               std::same_as<From, std::int8_t> ||
                                               std::same_as<From, std::uint16_t> ||
                                               std::same_as<From, std::int16_t>);

/// out[i] = in[i]. Precondition: equal sizes, no overlap. Exact.
template <instruction_set Arch = native, class From, class To>
requires widening<std::remove_const_t<From>, To>
inline void widen(std::span<From> in, std::span<To> out) noexcept {
    twin::widen<Arch, std::remove_const_t<From>, To>(in, out);
}

/// Bits of half numbers to the equal floats; a NaN becomes quiet and keeps its payload. Precondition: equal
/// sizes, no overlap. Exact.
template <instruction_set Arch = native>
inline void half_to_float(std::span<const std::uint16_t> in, std::span<float> out) noexcept {
    PITH_ASSERT(in.size() == out.size());
    const std::size_t done = detail::half_to_float_vectors<Arch>(in.data(), out.data(), in.size());
    twin::half_to_float<Arch>(in.subspan(done), out.subspan(done));
}
/// Floats to the bits of the nearest half numbers, ties to even, 65520 and more to infinity; a NaN becomes
/// quiet and keeps the upper ten bits of its payload. Precondition: equal sizes, no overlap. Exact.
template <instruction_set Arch = native>
inline void float_to_half(std::span<const float> in, std::span<std::uint16_t> out) noexcept {
    PITH_ASSERT(in.size() == out.size());
    const std::size_t done = detail::float_to_half_vectors<Arch>(in.data(), out.data(), in.size());
    twin::float_to_half<Arch>(in.subspan(done), out.subspan(done));
}
/// Bits of bfloat16 numbers to the equal floats, NaNs unchanged. Precondition: equal sizes, no overlap.
/// Exact.
template <instruction_set Arch = native>
inline void bfloat16_to_float(std::span<const std::uint16_t> in, std::span<float> out) noexcept {
    twin::bfloat16_to_float<Arch>(in, out);
}
/// Floats to the bits of the nearest bfloat16 numbers, ties to even; a NaN becomes quiet and keeps the upper
/// six bits of its payload. Precondition: equal sizes, no overlap. Exact.
template <instruction_set Arch = native>
inline void float_to_bfloat16(std::span<const float> in, std::span<std::uint16_t> out) noexcept {
    twin::float_to_bfloat16<Arch>(in, out);
}

}  // namespace pith::inline v1::simd
