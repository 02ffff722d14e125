// Ranges of rows and columns, and their equally spaced codes and levels: freezing tokens for packed
// attention. Own work over the definition of affine quantization; decoding is exact, one rounding for the
// product and one for the sum.
#pragma once

#include <cstddef>
#include <cstdint>

#include <pith/core/exact.hpp>
#include <pith/simd/attention_lanes.hpp>

namespace pith::inline v1::simd {

struct float_range {
    float low = 0, high = 0;
};

/// The range of n >= 1 values.
template <instruction_set Arch = native>
[[nodiscard]] inline float_range range_of(const float* x, std::size_t n) noexcept {
    using L = attention_lanes<Arch>;
    auto low = L::all(x[0]), down = L::all(-x[0]);  // largest of -x: -smallest
    const std::size_t whole = n / L::width * L::width;
    for (std::size_t i = 0; i < whole; i += L::width) {
        const auto v = L::load(x + i);
        low = L::larger(v, low);
        down = L::larger(L::all(0) - v, down);
    }
    float high = L::largest(low), negative = L::largest(down);
    for (std::size_t i = whole; i < n; ++i) {
        high = x[i] > high ? x[i] : high;
        negative = -x[i] > negative ? -x[i] : negative;
    }
    return {-negative, high};
}

/// The range of every column of `rows` >= 1 rows of n values, `stride` apart.
template <instruction_set Arch = native>
inline void column_ranges(const float* x, std::size_t rows, std::size_t stride, std::size_t n, float* low,
                          float* high) noexcept {
    using L = attention_lanes<Arch>;
    const std::size_t whole = n / L::width * L::width;
    for (std::size_t i = 0; i < whole; i += L::width) {
        auto least = L::load(x + i), most = least;
        for (std::size_t r = 1; r < rows; ++r) {
            const auto v = L::load(x + r * stride + i);
            least = L::smaller(v, least);
            most = L::larger(v, most);
        }
        L::store(low + i, least);
        L::store(high + i, most);
    }
    for (std::size_t i = whole; i < n; ++i) {
        low[i] = high[i] = x[i];
        for (std::size_t r = 1; r < rows; ++r) {
            const float v = x[r * stride + i];
            low[i] = v < low[i] ? v : low[i];
            high[i] = v > high[i] ? v : high[i];
        }
    }
}

/// codes[i] = the integer next to (x[i] - offset) * inverse, held to first..last; the lowest byte of it. The
/// offset and inverse of every value by itself, or (Shared) one for all.
template <bool Shared, instruction_set Arch = native>
inline void affine_codes(const float* x, const float* offset, const float* inverse, std::size_t n,
                         float first, float last, std::uint8_t* codes) noexcept {
    using L = attention_lanes<Arch>;
    const auto code = [&](std::size_t i) {
        const auto o = Shared ? L::all(*offset) : L::load(offset + i);
        const auto f = Shared ? L::all(*inverse) : L::load(inverse + i);
        return L::rounded(L::larger(L::smaller((L::load(x + i) - o) * f, L::all(last)), L::all(first)));
    };
    const std::size_t whole = n / 32 * 32;
    for (std::size_t i = 0; i < whole; i += 32)
        store_32_bytes<Arch>(codes + i, [&](std::size_t at) { return code(i + at); });
    for (std::size_t i = whole; i < n; ++i) {
        using one = attention_lanes<scalar>;
        const float place = (x[i] - offset[Shared ? 0 : i]) * inverse[Shared ? 0 : i];
        codes[i] =
            static_cast<std::uint8_t>(one::rounded(one::larger(one::smaller(place, last), first)) & 255);
    }
}

/// out[i] = levels[i] * scale + offset, of every value by itself or (Shared) one for all; levels are signed
/// bytes. Exact.
template <bool Shared, instruction_set Arch = native>
inline void affine_values(const std::int8_t* levels, const float* scale, const float* offset, std::size_t n,
                          float* out) noexcept {
    using L [[maybe_unused]] = attention_lanes<Arch>;
    std::size_t i = 0;
#ifndef PITH_NO_SIMD
    if constexpr (!std::is_same_v<Arch, scalar>)
        for (; i < n / L::width * L::width; i += L::width) {
            const auto s = Shared ? L::all(*scale) : L::load(scale + i);
            const auto o = Shared ? L::all(*offset) : L::load(offset + i);
            L::store(out + i, simd::mul_add<Arch, float>(L::to_real(L::load_bytes(levels + i)), s, o));
        }
#endif
    for (; i < n; ++i)
        out[i] = exact::mul(static_cast<float>(levels[i]), scale[Shared ? 0 : i]) + offset[Shared ? 0 : i];
}

/// The sum of squares of n values.
template <instruction_set Arch = native>
[[nodiscard]] inline float energy_of(const float* x, std::size_t n) noexcept {
    using L = attention_lanes<Arch>;
    constexpr std::size_t w = L::width;
    auto even = L::all(0), odd = even, third = even, fourth = even;  // an addition waits for none of the last
    const auto add = [&](auto& sum, std::size_t at) {
        const auto v = L::load(x + at);
        sum = L::mul_add(v, v, sum);
    };
    std::size_t whole = n / (4 * w) * 4 * w;
    for (std::size_t i = 0; i < whole; i += 4 * w)
        add(even, i), add(odd, i + w), add(third, i + 2 * w), add(fourth, i + 3 * w);
    for (; whole + w <= n; whole += w) add(even, whole);
    float energy = L::sum((even + odd) + (third + fourth));
    for (std::size_t i = whole; i < n; ++i) energy += x[i] * x[i];
    return energy;
}

/// The scale with which levels come nearest to n values: <x, levels> / <levels, levels>; 0 if it is not
/// positive.
template <instruction_set Arch = native>
[[nodiscard]] inline float nearest_scale(const float* x, const std::int8_t* levels, std::size_t n) noexcept {
    using L = attention_lanes<Arch>;
    constexpr std::size_t w = L::width;
    auto along = L::all(0), length = along, along2 = along, length2 = along;
    const auto add = [&](auto& product, auto& square, std::size_t at) {
        const auto l = L::to_real(L::load_bytes(levels + at));
        product = L::mul_add(L::load(x + at), l, product);
        square = L::mul_add(l, l, square);
    };
    std::size_t whole = n / (2 * w) * 2 * w;
    for (std::size_t i = 0; i < whole; i += 2 * w) add(along, length, i), add(along2, length2, i + w);
    for (; whole + w <= n; whole += w) add(along, length, whole);
    float a = L::sum(along + along2), b = L::sum(length + length2);
    for (std::size_t i = whole; i < n; ++i) {
        const auto l = static_cast<float>(levels[i]);
        a += x[i] * l;
        b += l * l;
    }
    return a > 0 && b > 0 ? a / b : 0;
}

}  // namespace pith::inline v1::simd
