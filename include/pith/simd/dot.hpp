// Dot products: 8-bit and 16-bit integers exactly, floats fast.
// Pairwise multiply-add (pmaddwd, vpdpbusd, vmlal, sdot) instead of widening each product by itself.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include <pith/core/assert.hpp>
#include <pith/simd/arch.hpp>
#include <pith/simd/batch_integer.hpp>
#include <pith/simd/scalar.hpp>

namespace pith::inline v1::simd {

namespace detail {

#ifndef PITH_NO_SIMD
/// The products of the largest multiple of the vector that fits, two running sums; `done` counts elements.
template <instruction_set Arch, class A, class B>
[[nodiscard]] inline std::int32_t dot_vectors(std::span<const A> a, std::span<const B> b,
                                              std::size_t& done) noexcept {
    using sums = vec<std::int32_t, Arch>;
    constexpr std::size_t step = width<A, Arch>;
    const auto next = [&](sums sum, std::size_t i) {
        if constexpr (sizeof(A) == 1)
            return simd::dot8<Arch, A>(sum, simd::load<Arch>(a.data() + i), simd::load<Arch>(b.data() + i));
        else
            return sums(sum +
                        simd::madd16<Arch>(simd::load<Arch>(a.data() + i), simd::load<Arch>(b.data() + i)));
    };
    sums even(std::int32_t{0});
    sums odd(std::int32_t{0});
    std::size_t i = 0;
    for (; i + 2 * step <= a.size(); i += 2 * step) {
        even = next(even, i);
        odd = next(odd, i + step);
    }
    if (i + step <= a.size()) {
        even = next(even, i);
        i += step;
    }
    done = i;
    return simd::reduce_add<Arch, std::int32_t>(even + odd);
}
#endif

template <instruction_set Arch, class A, class B>
[[nodiscard]] inline std::int32_t dot(std::span<const A> a, std::span<const B> b) noexcept {
    PITH_ASSERT(a.size() == b.size());
#ifndef PITH_NO_SIMD
    if constexpr (!std::is_same_v<Arch, scalar>) {
        std::size_t done = 0;
        const auto head = static_cast<std::uint32_t>(dot_vectors<Arch>(a, b, done));
        const auto tail = static_cast<std::uint32_t>(twin::dot<Arch>(a.subspan(done), b.subspan(done)));
        return static_cast<std::int32_t>(head + tail);
    } else
#endif
        return twin::dot<Arch>(a, b);
}

}  // namespace detail

/// The dot product modulo 2^32; exact up to 131,071 elements. Precondition: equal sizes. Exact.
template <instruction_set Arch = native>
[[nodiscard]] inline std::int32_t dot(std::span<const std::int8_t> a,
                                      std::span<const std::int8_t> b) noexcept {
    return detail::dot<Arch>(a, b);
}
/// The dot product modulo 2^32; exact up to 65,793 elements. Precondition: equal sizes. Exact.
template <instruction_set Arch = native>
[[nodiscard]] inline std::int32_t dot(std::span<const std::uint8_t> a,
                                      std::span<const std::int8_t> b) noexcept {
    return detail::dot<Arch>(a, b);
}
/// The dot product modulo 2^32: the caller bounds the values. Precondition: equal sizes. Exact.
template <instruction_set Arch = native>
[[nodiscard]] inline std::int32_t dot(std::span<const std::int16_t> a,
                                      std::span<const std::int16_t> b) noexcept {
    return detail::dot<Arch>(a, b);
}

/// The dot product in 64 bits, exact below 2^33 elements. Precondition: equal sizes. Exact.
template <instruction_set Arch = native>
[[nodiscard]] inline std::int64_t dot_wide(std::span<const std::int16_t> a,
                                           std::span<const std::int16_t> b) noexcept {
    PITH_ASSERT(a.size() == b.size());
#ifndef PITH_NO_SIMD
    if constexpr (!std::is_same_v<Arch, scalar>) {
        using pairs = vec<std::int32_t, Arch>;
        using wide = vec<std::uint64_t, Arch>;
        // A pair lies in [-floor_, 2^31]: with floor_ added it fits 32 unsigned bits, which the vector
        // widens.
        constexpr std::int32_t floor_ = 2 * 32768 * 32767;
        wide sum(std::uint64_t{0});
        std::size_t i = 0;
        constexpr std::size_t step = width<std::int16_t, Arch>;
        for (; i + step <= a.size(); i += step) {
            const pairs raised =
                simd::madd16<Arch>(simd::load<Arch>(a.data() + i), simd::load<Arch>(b.data() + i)) +
                pairs(floor_);
            const wide both = simd::bit_cast_to<std::uint64_t, Arch>(raised);
            sum = sum + (both & wide(std::uint64_t{0xFFFFFFFF})) +
                  simd::shift_right<32, Arch, std::uint64_t>(both);
        }
        const std::uint64_t head = simd::reduce_add<Arch, std::uint64_t>(sum) - std::uint64_t{i} / 2 * floor_;
        const std::int64_t tail = twin::dot_wide<Arch>(a.subspan(i), b.subspan(i));
        return static_cast<std::int64_t>(head + static_cast<std::uint64_t>(tail));
    } else
#endif
        return twin::dot_wide<Arch>(a, b);
}

/// The dot product of floats in whatever order is fastest: |error| <= (n + 1) * 2^-23 * sum |a[i] * b[i]|,
/// the bits differ between machines. Precondition: equal sizes. Encoder-side.
template <instruction_set Arch = native>
[[nodiscard]] inline float dot_fast(std::span<const float> a, std::span<const float> b) noexcept {
    PITH_ASSERT(a.size() == b.size());
    std::size_t i = 0;
    float sum = 0;
#ifndef PITH_NO_SIMD
    if constexpr (!std::is_same_v<Arch, scalar>) {
        constexpr std::size_t step = width<float, Arch>;
        using floats = vec<float, Arch>;
        const auto next = [&](floats so_far, std::size_t at) {
            return simd::mul_add_fast<Arch>(simd::load<Arch>(a.data() + at), simd::load<Arch>(b.data() + at),
                                            so_far);
        };
        floats s0(0.0F), s1(0.0F), s2(0.0F), s3(0.0F);  // enough to hide the latency of the addition
        for (; i + 4 * step <= a.size(); i += 4 * step) {
            s0 = next(s0, i);
            s1 = next(s1, i + step);
            s2 = next(s2, i + 2 * step);
            s3 = next(s3, i + 3 * step);
        }
        for (; i + step <= a.size(); i += step) s0 = next(s0, i);
        sum = simd::reduce_add<Arch, float>((s0 + s1) + (s2 + s3));
    } else
#endif
    {
        float lanes[16] = {};
        for (; i + 16 <= a.size(); i += 16)
            for (std::size_t l = 0; l < 16; ++l) lanes[l] += a[i + l] * b[i + l];
        for (const float lane : lanes) sum += lane;
    }
    for (; i < a.size(); ++i) sum += a[i] * b[i];
    return sum;
}

}  // namespace pith::inline v1::simd
