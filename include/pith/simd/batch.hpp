// One vocabulary of vectors over xsimd 8.1 to 14: the only file that includes xsimd.
// xsimd renamed parts of itself at 9, 11, 13 and 14, and its conversions between widths go through memory on
// some versions; what kernels need is named here once, and built from instructions where xsimd lacks it. Call
// its functions with their namespace (simd::min<Arch>): xsimd has some of the names too, and
// argument-dependent lookup would find them.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include <pith/simd/arch.hpp>
#include <pith/simd/intrinsics.hpp>

#ifndef PITH_NO_SIMD
#    include <xsimd/xsimd.hpp>

#    if XSIMD_VERSION_MAJOR < 8 || (XSIMD_VERSION_MAJOR == 8 && XSIMD_VERSION_MINOR < 1)
#        error "pith: xsimd 8.1 or newer is needed"
#    endif

namespace pith::inline v1::simd {

namespace detail {

template <instruction_set Arch>
struct xsimd_arch;
#    if defined(__x86_64__)
template <>
struct xsimd_arch<sse2> : std::type_identity<xsimd::sse2> {};
template <>
struct xsimd_arch<avx2> : std::type_identity<xsimd::avx2> {};
template <>
struct xsimd_arch<avx512> : std::type_identity<xsimd::avx512bw> {};
template <>
struct xsimd_arch<avx512_vnni> : std::type_identity<xsimd::avx512bw> {};
#    else
template <>
struct xsimd_arch<neon> : std::type_identity<xsimd::neon64> {};
template <>
struct xsimd_arch<neon_dotprod> : std::type_identity<xsimd::neon64> {};
#    endif

}  // namespace detail

/// A vector of T in one register; + - * & | ^ and comparisons are xsimd's. Converts to and from the register.
template <class T, instruction_set Arch>
using vec = xsimd::batch<T, typename detail::xsimd_arch<Arch>::type>;
/// What comparisons of vectors give.
template <class T, instruction_set Arch>
using mask = xsimd::batch_bool<T, typename detail::xsimd_arch<Arch>::type>;

/// Elements in a vector.
template <class T, instruction_set Arch>
inline constexpr std::size_t width = Arch::bytes / sizeof(T);

template <instruction_set Arch, class T>
[[nodiscard]] inline vec<T, Arch> load(const T* p) noexcept {
    return vec<T, Arch>::load_unaligned(p);
}
template <instruction_set Arch, class T>
inline void store(T* p, vec<T, Arch> v) noexcept {
    v.store_unaligned(p);
}
template <instruction_set Arch, class T>
[[nodiscard]] inline vec<T, Arch> broadcast(T value) noexcept {
    return vec<T, Arch>(value);
}

/// The same bits as elements of another type.
template <class To, instruction_set Arch, class From>
[[nodiscard]] inline vec<To, Arch> bit_cast_to(vec<From, Arch> v) noexcept {
#    if XSIMD_VERSION_MAJOR >= 11
    return xsimd::bitwise_cast<To>(v);
#    else
    return xsimd::bitwise_cast<vec<To, Arch>>(v);
#    endif
}

/// a where the mask is set, else b.
template <instruction_set Arch, class T>
[[nodiscard]] inline vec<T, Arch> select(mask<T, Arch> m, vec<T, Arch> a, vec<T, Arch> b) noexcept {
    return xsimd::select(m, a, b);
}
template <instruction_set Arch, class T>
[[nodiscard]] inline vec<T, Arch> min(vec<T, Arch> a, vec<T, Arch> b) noexcept {
    if constexpr (std::is_same_v<T, float>)
        return xsimd::select(a < b, a, b);  // b if either is a NaN
    else
        return xsimd::min(a, b);
}
template <instruction_set Arch, class T>
[[nodiscard]] inline vec<T, Arch> max(vec<T, Arch> a, vec<T, Arch> b) noexcept {
    if constexpr (std::is_same_v<T, float>)
        return xsimd::select(a > b, a, b);  // b if either is a NaN
    else
        return xsimd::max(a, b);
}

/// Bit i is set where element i of the mask is.
template <instruction_set Arch, class T>
[[nodiscard]] inline std::uint64_t mask_bits(mask<T, Arch> m) noexcept {
#    if defined(__AVX2__)
    if constexpr (std::is_same_v<T, float> && std::is_same_v<Arch, avx2>)
        return static_cast<std::uint64_t>(_mm256_movemask_ps(m));
#    endif
#    if XSIMD_VERSION_MAJOR >= 9
    return m.mask();
#    else
    bool set[width<T, Arch>];
    m.store_unaligned(set);
    std::uint64_t bits = 0;
    for (std::size_t i = 0; i < width<T, Arch>; ++i) bits |= std::uint64_t{set[i]} << i;
    return bits;
#    endif
}

/// Shifts of every element by a constant below its width: left with zeros, right with zeros or, for signed
/// types, with the sign.
template <int Count, instruction_set Arch, class T>
[[nodiscard]] inline vec<T, Arch> shift_left(vec<T, Arch> v) noexcept {
    return v << Count;
}
template <int Count, instruction_set Arch, class T>
[[nodiscard]] inline vec<T, Arch> shift_right(vec<T, Arch> v) noexcept {
    return v >> Count;
}

/// The sum of the elements, in a fixed tree (i with i + width/2, then + width/4, …); integers modulo 2^bits.
template <instruction_set Arch, class T>
[[nodiscard]] inline T reduce_add(vec<T, Arch> v) noexcept {
    using sum_type = typename std::conditional_t<std::is_integral_v<T>, std::make_unsigned<T>,
                                                 std::type_identity<T>>::type;
#    if defined(__AVX2__)
    if constexpr (std::is_same_v<T, float> && std::is_same_v<Arch, avx2>) {  // not through memory
        const __m256 all = v;
        __m128 sum = _mm_add_ps(_mm256_castps256_ps128(all), _mm256_extractf128_ps(all, 1));
        sum = _mm_add_ps(sum, _mm_movehl_ps(sum, sum));
        return _mm_cvtss_f32(_mm_add_ss(sum, _mm_movehdup_ps(sum)));
    }
#    endif
    T lanes[width<T, Arch>];
    simd::store<Arch>(lanes, v);
    for (std::size_t half = width<T, Arch> / 2; half != 0; half /= 2)
        for (std::size_t l = 0; l < half; ++l)
            lanes[l] =
                static_cast<T>(static_cast<sum_type>(lanes[l]) + static_cast<sum_type>(lanes[l + half]));
    return lanes[0];
}

/// v, in a register that the compiler knows nothing about: it cannot contract what made v with what uses it.
template <instruction_set Arch, class T>
[[nodiscard]] inline vec<T, Arch> kept(vec<T, Arch> v) noexcept {
    typename vec<T, Arch>::register_type r = v;
#    if defined(__AVX512F__)
    asm("" : "+v"(r));
#    elif defined(__x86_64__)
    asm("" : "+x"(r));
#    else
    asm("" : "+w"(r));
#    endif
    return r;
}
/// a * b + c, the product rounded before the sum: the same bits with and without FMA hardware.
template <instruction_set Arch, class T>
[[nodiscard]] inline vec<T, Arch> mul_add(vec<T, Arch> a, vec<T, Arch> b, vec<T, Arch> c) noexcept {
    return simd::kept<Arch, T>(a * b) + c;
}
/// a * b + c in one rounding where the flags offer that, else in two: never in exact code.
template <instruction_set Arch>
[[nodiscard]] inline vec<float, Arch> mul_add_fast(vec<float, Arch> a, vec<float, Arch> b,
                                                   vec<float, Arch> c) noexcept {
#    if defined(__aarch64__)
    return vfmaq_f32(c, a, b);
#    else
#        if defined(__AVX512F__)
    if constexpr (covers<Arch, avx512>) return _mm512_fmadd_ps(a, b, c);
#        endif
#        if defined(__FMA__)
    if constexpr (std::is_same_v<Arch, avx2>) return _mm256_fmadd_ps(a, b, c);
    if constexpr (std::is_same_v<Arch, sse2>) return _mm_fmadd_ps(a, b, c);
#        endif
    return a * b + c;
#    endif
}

/// The nearest integers, ties to even. |v| < 2^31: elsewhere the machines differ.
template <instruction_set Arch>
[[nodiscard]] inline vec<std::int32_t, Arch> round_to_int(vec<float, Arch> v) noexcept {
#    if defined(__aarch64__)
    return vcvtnq_s32_f32(v);
#    else
#        if defined(__AVX512F__)
    if constexpr (covers<Arch, avx512>) return _mm512_cvtps_epi32(v);
#        endif
#        if defined(__AVX2__)
    if constexpr (std::is_same_v<Arch, avx2>) return _mm256_cvtps_epi32(v);
#        endif
    if constexpr (std::is_same_v<Arch, sse2>) return _mm_cvtps_epi32(v);
#    endif
}

}  // namespace pith::inline v1::simd

#endif
