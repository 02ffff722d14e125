// Exponentials and softmax of float vectors with the same bits on every machine, four lanes at a time.
// Cody and Waite's reduction (1980) with a Taylor polynomial of degree 7; own work for the rest.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include <pith/core/assert.hpp>
#include <pith/core/exact.hpp>

namespace pith::inline v1::mixing {

namespace detail {

using quad = exact::detail::quad;
using quad_of_ints = std::int32_t __attribute__((vector_size(16)));

[[nodiscard, gnu::always_inline]] inline quad product(quad a, quad b) noexcept {
    return exact::detail::sealed_product(a, b);
}

/// e^x for each lane, x in [-87, 88]; NaN gives e^-87. Relative error below 2^-22: |r| <= 0.35 leaves 2^-27
/// of the series, and each of its steps rounds once.
[[nodiscard, gnu::always_inline]] inline quad exp_limited(quad x) noexcept {
    constexpr auto all = [](float v) { return quad{v, v, v, v}; };
    x = x >= all(-87.0F) ? x : all(-87.0F);
    x = x <= all(88.0F) ? x : all(88.0F);
    const quad magic = all(0x1.8p23F);  // adding it rounds to the nearest integer
    const quad shifted = product(x, all(0x1.715476p+0F)) + magic;
    const quad k = shifted - magic;
    // ln 2 in two parts, the first of 9 bits: times |k| <= 127 it is exact.
    const quad r = (x - product(k, all(0x1.63p-1F))) - product(k, all(-0x1.bd0106p-13F));
    quad y = all(0x1.a01a02p-13F);  // 1/7!
    for (const float c : {0x1.6c16c2p-10F, 0x1.111112p-7F, 0x1.555556p-5F, 0x1.555556p-3F, 0.5F, 1.0F, 1.0F})
        y = product(y, r) + all(c);
    quad_of_ints exponent;
    std::memcpy(&exponent, &shifted, sizeof exponent);
    // `shifted` ends in the bits of k; those above are shifted out.
    exponent = (exponent + 127) << 23;
    quad scale;
    std::memcpy(&scale, &exponent, sizeof scale);
    return product(y, scale);
}

}  // namespace detail

/// values[i] = e^(values[i] - shift), arguments kept within -87 .. 88. Exact.
inline void exp_in_place(std::span<float> values, float shift) noexcept {
    const detail::quad by{shift, shift, shift, shift};
    std::size_t i = 0;
    for (const std::size_t end = values.size() / 4 * 4; i < end; i += 4) {
        const detail::quad q = detail::exp_limited(exact::detail::load(values.data() + i) - by);
        std::memcpy(values.data() + i, &q, sizeof q);
    }
    const std::size_t left = values.size() - i;
    if (left == 0) return;
    detail::quad q{};
    std::memcpy(&q, values.data() + i, left * sizeof(float));
    q = detail::exp_limited(q - by);
    std::memcpy(values.data() + i, &q, left * sizeof(float));
}

namespace detail {

/// values[i] *= one(i); four(i) gives the four factors from element i on.
template <class Four, class One>
inline void multiply_by(std::span<float> values, Four four, One one) noexcept {
    std::size_t i = 0;
    for (const std::size_t end = values.size() / 4 * 4; i < end; i += 4) {
        const quad q = product(exact::detail::load(values.data() + i), four(i));
        std::memcpy(values.data() + i, &q, sizeof q);
    }
    for (; i < values.size(); ++i) values[i] = exact::mul(values[i], one(i));
}

}  // namespace detail

/// values[i] *= scale. Exact.
inline void multiply(std::span<float> values, float scale) noexcept {
    const detail::quad by{scale, scale, scale, scale};
    detail::multiply_by(
        values, [by](std::size_t) { return by; }, [scale](std::size_t) { return scale; });
}

/// values[i] *= factors[i]. Exact. Precondition: equal sizes.
inline void multiply(std::span<float> values, std::span<const float> factors) noexcept {
    PITH_ASSERT(values.size() == factors.size());
    detail::multiply_by(
        values, [f = factors.data()](std::size_t i) { return exact::detail::load(f + i); },
        [f = factors.data()](std::size_t i) { return f[i]; });
}

/// Scales weights that are not negative to the sum 1. Exact. Precondition: their sum is positive and finite.
inline void normalize(std::span<float> weights) noexcept { multiply(weights, 1.0F / exact::sum(weights)); }

/// e^x / sum of e^x, in place. Exact: the same bits everywhere. Differences beyond 87 count as 87.
/// Precondition: finite values, at least one.
inline void softmax(std::span<float> values) noexcept {
    PITH_ASSERT(!values.empty());
    float largest = values[0];
    for (const float v : values) largest = v > largest ? v : largest;
    exp_in_place(values, largest);
    normalize(values);
}

}  // namespace pith::inline v1::mixing
