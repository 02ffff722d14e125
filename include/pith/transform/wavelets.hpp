// Two-band wavelets as lifting steps in place: Haar and Daubechies-4 on floats, CDF 5/3 on integers,
// lossless. Haar (1910); Daubechies (1988), lifting by Daubechies and Sweldens (1998), periodic ends; Cohen,
// Daubechies, Feauveau (1992) in the integer form of Calderbank et al. (1998), mirrored ends.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>

#include <pith/core/exact.hpp>

namespace pith::inline v1::transform {

/// Values of a line in any layout.
template <class L, class T>
concept wavelet_line = requires(const L line, std::size_t i) {
    { line[i] } -> std::same_as<T&>;
};

namespace detail {
template <class T>
struct line_archetype {
    T& operator[](std::size_t) const;
};
}  // namespace detail

/// split(line, n) leaves the low band at even places and the high band at odd ones; join undoes it. n >= 2,
/// odd sizes included. Law: join after split is the identity, for integers to the bit, for floats within
/// rounding; where `orthogonal` is true, split keeps sums of squares.
template <class W>
concept wavelet = requires(const detail::line_archetype<typename W::value_type> line, std::size_t n) {
    { W::orthogonal } -> std::convertible_to<bool>;
    { W::split(line, n) }
    noexcept;
    { W::join(line, n) }
    noexcept;
};

/// Sums and differences of two neighbours over sqrt(2). Of an odd number the last is kept as it is.
struct haar {
    using value_type = float;
    static constexpr bool orthogonal = true;

    template <wavelet_line<float> Line>
    static void split(const Line& line, std::size_t n) noexcept {
        for (std::size_t i = 0; i + 1 < n; i += 2) {
            const float sum = line[i] + line[i + 1], difference = line[i] - line[i + 1];
            line[i] = sum * sqrt_half;
            line[i + 1] = difference * sqrt_half;
        }
    }
    template <wavelet_line<float> Line>
    static void join(const Line& line, std::size_t n) noexcept {
        split(line, n);
    }

  private:
    static constexpr float sqrt_half = 0x1.6a09e6p-1F;
};

/// Four taps, two vanishing moments; of an odd number the last is kept as it is.
struct daubechies_4 {
    using value_type = float;
    static constexpr bool orthogonal = true;

    template <wavelet_line<float> Line>
    static void split(const Line& line, std::size_t n) noexcept {
        const std::size_t end = n / 2 * 2;
        for (std::size_t i = 0; i < end; i += 2) line[i] += exact::mul(sqrt_3, line[i + 1]);
        for (std::size_t i = 0; i < end; i += 2)
            line[i + 1] -= exact::mul(near, line[i]) + exact::mul(far, line[i == 0 ? end - 2 : i - 2]);
        for (std::size_t i = 0; i < end; i += 2) line[i] -= line[i + 2 == end ? 1 : i + 3];
        for (std::size_t i = 0; i < end; i += 2) {
            line[i] = line[i] * low_scale;
            line[i + 1] = line[i + 1] * high_scale;
        }
    }
    template <wavelet_line<float> Line>
    static void join(const Line& line, std::size_t n) noexcept {
        const std::size_t end = n / 2 * 2;
        for (std::size_t i = 0; i < end; i += 2) {
            line[i] = line[i] * high_scale;  // the scales are each other's inverse
            line[i + 1] = line[i + 1] * low_scale;
        }
        for (std::size_t i = 0; i < end; i += 2) line[i] += line[i + 2 == end ? 1 : i + 3];
        for (std::size_t i = 0; i < end; i += 2)
            line[i + 1] += exact::mul(near, line[i]) + exact::mul(far, line[i == 0 ? end - 2 : i - 2]);
        for (std::size_t i = 0; i < end; i += 2) line[i] -= exact::mul(sqrt_3, line[i + 1]);
    }

  private:
    static constexpr float sqrt_3 = 1.7320508075688772F;
    static constexpr float near = 0.4330127018922193F;        // sqrt(3) / 4
    static constexpr float far = -0.0669872981077807F;        // (sqrt(3) - 2) / 4
    static constexpr float low_scale = 0.5176380902050415F;   // (sqrt(3) - 1) / sqrt(2)
    static constexpr float high_scale = 1.9318516525781366F;  // (sqrt(3) + 1) / sqrt(2)
};

/// Predicts odd values by the mean of their neighbours and keeps the running mean in the even ones. Every
/// 32-bit integer comes back: sums are taken modulo 2^32.
struct lifting_5_3 {
    using value_type = std::int32_t;
    static constexpr bool orthogonal = false;

    template <wavelet_line<std::int32_t> Line>
    static void split(const Line& line, std::size_t n) noexcept {
        for (std::size_t i = 1; i < n; i += 2) line[i] = shifted(line[i], -predicted(line, i, n));
        for (std::size_t i = 0; i < n; i += 2) line[i] = shifted(line[i], smoothed(line, i, n));
    }
    template <wavelet_line<std::int32_t> Line>
    static void join(const Line& line, std::size_t n) noexcept {
        for (std::size_t i = 0; i < n; i += 2) line[i] = shifted(line[i], -smoothed(line, i, n));
        for (std::size_t i = 1; i < n; i += 2) line[i] = shifted(line[i], predicted(line, i, n));
    }

  private:
    // At most 2^32 in magnitude.
    template <class Line>
    [[nodiscard]] static std::int64_t predicted(const Line& line, std::size_t i, std::size_t n) noexcept {
        return (std::int64_t{line[i - 1]} + line[i + 1 < n ? i + 1 : i - 1]) >> 1;
    }
    template <class Line>
    [[nodiscard]] static std::int64_t smoothed(const Line& line, std::size_t i, std::size_t n) noexcept {
        return (std::int64_t{line[i == 0 ? 1 : i - 1]} + line[i + 1 < n ? i + 1 : i - 1] + 2) >> 2;
    }
    [[nodiscard]] static std::int32_t shifted(std::int32_t value, std::int64_t by) noexcept {
        return static_cast<std::int32_t>(static_cast<std::uint32_t>(value) + static_cast<std::uint32_t>(by));
    }
};

}  // namespace pith::inline v1::transform
