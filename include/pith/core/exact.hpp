// Floating-point arithmetic whose every result has the same bits on every compiler, machine and -O level.
// Products pass a barrier that keeps compilers from contracting a * b + c into one rounding; sums and dot
// products run in one fixed order of 16 lanes whatever the vector width.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <span>
#include <type_traits>

#include <pith/core/assert.hpp>

#if defined(__FAST_MATH__) || defined(__ASSOCIATIVE_MATH__) || defined(__RECIPROCAL_MATH__) || \
    (defined(__FINITE_MATH_ONLY__) && __FINITE_MATH_ONLY__)
#    error "pith/core/exact.hpp needs IEEE arithmetic: compile without -ffast-math, -Ofast and their parts"
#endif
#if defined(__FLT_EVAL_METHOD__) && __FLT_EVAL_METHOD__ != 0
#    error \
        "pith/core/exact.hpp needs float and double to be computed in their own width: on 32-bit x86 use -msse2 -mfpmath=sse"
#endif

/// Arithmetic that may decide a bit of a lossless stream. Only + - * / and square root are used, each rounded
/// once, to nearest (the rounding mode that every program starts with); no libm.
/// Subnormals: where a machine flushes them (FTZ, DAZ), sums, products and dots agree with other machines as
/// long as no operand or result lies in (0, 2^-126) for float, (0, 2^-1022) for double. The functions of
/// core/exact_math.hpp keep to that range by themselves.
namespace pith::inline v1::exact {

template <class T>
concept binary_float = std::is_same_v<T, float> || std::is_same_v<T, double>;

/// The value, in a register that the compiler knows nothing about: arithmetic on it is not merged with the
/// arithmetic that made it.
template <binary_float T>
[[nodiscard, gnu::always_inline]] constexpr T sealed(T value) noexcept {
    if (!std::is_constant_evaluated()) {
#if defined(__SSE2__)
        asm("" : "+x"(value));
#elif defined(__aarch64__)
        asm("" : "+w"(value));
#elif defined(__riscv_flen)
        asm("" : "+f"(value));
#else
        asm("" : "+m"(value));
#endif
    }
    return value;
}

/// a * b, rounded before anything is added to it.
template <binary_float T>
[[nodiscard, gnu::always_inline]] constexpr T mul(T a, std::type_identity_t<T> b) noexcept {
    return sealed(a * b);
}

/// a * b + c with two roundings.
template <binary_float T>
[[nodiscard, gnu::always_inline]] constexpr T mul_add(T a, std::type_identity_t<T> b,
                                                      std::type_identity_t<T> c) noexcept {
    return mul(a, b) + c;
}

/// The correctly rounded square root; the positive quiet NaN below 0.
template <binary_float T>
[[nodiscard]] inline T sqrt(T value) noexcept {
    if (!(value >= T{0})) return value != value ? value : std::numeric_limits<T>::quiet_NaN();
    constexpr bool narrow = std::is_same_v<T, float>;
#if defined(__AVX__)
    if constexpr (narrow) asm("vsqrtss %0, %0, %0" : "+x"(value));
    if constexpr (!narrow) asm("vsqrtsd %0, %0, %0" : "+x"(value));
    return value;
#elif defined(__SSE2__)
    if constexpr (narrow) asm("sqrtss %0, %0" : "+x"(value));
    if constexpr (!narrow) asm("sqrtsd %0, %0" : "+x"(value));
    return value;
#elif defined(__aarch64__)
    if constexpr (narrow) asm("fsqrt %s0, %s0" : "+w"(value));
    if constexpr (!narrow) asm("fsqrt %d0, %d0" : "+w"(value));
    return value;
#else
    if constexpr (narrow) return __builtin_sqrtf(value);
    if constexpr (!narrow) return __builtin_sqrt(value);
#endif
}

/// Lanes of the fixed order: element i belongs to lane i mod 16.
inline constexpr std::size_t lanes = 16;

/// The sum of 16 lanes as a tree: l + (l + 8), then + 4, + 2, + 1 apart.
[[nodiscard]] constexpr float sum_of_lanes(std::array<float, lanes> lane) noexcept {
    for (std::size_t half = lanes / 2; half != 0; half /= 2)
        for (std::size_t l = 0; l < half; ++l) lane[l] = lane[l] + lane[l + half];
    return lane[0];
}

namespace detail {

/// Four floats side by side; arithmetic acts on each.
using quad = float __attribute__((vector_size(16)));

[[nodiscard, gnu::always_inline]] inline quad load(const float* p) noexcept {
    quad q;
    std::memcpy(&q, p, sizeof q);
    return q;
}

[[nodiscard, gnu::always_inline]] inline quad sealed_product(quad a, quad b) noexcept {
    quad q = a * b;
#if defined(__SSE2__)
    asm("" : "+x"(q));
#elif defined(__aarch64__)
    asm("" : "+w"(q));
#else
    asm("" : "+m"(q));
#endif
    return q;
}

/// Adds the whole groups of 16 of `term(i)` (four values from element i on) into lanes; returns their number
/// of elements.
template <class Term>
[[gnu::always_inline]] inline std::size_t add_groups(std::array<float, lanes>& lane, std::size_t n,
                                                     Term term) noexcept {
    quad q0{}, q1{}, q2{}, q3{};
    std::size_t i = 0;
    for (; n - i >= lanes; i += lanes) {
        q0 = q0 + term(i);
        q1 = q1 + term(i + 4);
        q2 = q2 + term(i + 8);
        q3 = q3 + term(i + 12);
    }
    std::memcpy(lane.data(), &q0, sizeof q0);
    std::memcpy(lane.data() + 4, &q1, sizeof q1);
    std::memcpy(lane.data() + 8, &q2, sizeof q2);
    std::memcpy(lane.data() + 12, &q3, sizeof q3);
    return i;
}

}  // namespace detail

/// The sum of values, in the fixed order. Zero for none. The spans need no alignment.
[[nodiscard]] constexpr float sum(std::span<const float> values) noexcept {
    std::array<float, lanes> lane{};
    std::size_t i = 0;
    if (!std::is_constant_evaluated())
        i = detail::add_groups(lane, values.size(),
                               [&](std::size_t at) { return detail::load(values.data() + at); });
    for (; i < values.size(); ++i) lane[i % lanes] = lane[i % lanes] + values[i];
    return sum_of_lanes(lane);
}

/// The sum of a[i] * b[i], in the fixed order. Precondition: equal sizes.
[[nodiscard]] constexpr float dot(std::span<const float> a, std::span<const float> b) noexcept {
    PITH_ASSERT(a.size() == b.size());
    std::array<float, lanes> lane{};
    std::size_t i = 0;
    if (!std::is_constant_evaluated())
        i = detail::add_groups(lane, a.size(), [&](std::size_t at) {
            return detail::sealed_product(detail::load(a.data() + at), detail::load(b.data() + at));
        });
    for (; i < a.size(); ++i) lane[i % lanes] = lane[i % lanes] + mul(a[i], b[i]);
    return sum_of_lanes(lane);
}

/// y[i] += scale * x[i]: the other half of a gradient step. Precondition: equal sizes, no partial overlap.
constexpr void add_scaled(std::span<float> y, float scale, std::span<const float> x) noexcept {
    PITH_ASSERT(x.size() == y.size());
    std::size_t i = 0;
    if (!std::is_constant_evaluated()) {
        const detail::quad s{scale, scale, scale, scale};
        for (const std::size_t end = y.size() / 4 * 4; i < end; i += 4) {
            const detail::quad q =
                detail::load(y.data() + i) + detail::sealed_product(s, detail::load(x.data() + i));
            std::memcpy(y.data() + i, &q, sizeof q);
        }
    }
    for (; i < y.size(); ++i) y[i] = y[i] + mul(scale, x[i]);
}

}  // namespace pith::inline v1::exact
