// Codes for the values at chosen places: floats, halves under a common exponent, signs under one scale.
// The last as in sparse ternary compression (Sattler et al., 2019) and ComPEFT (Yadav et al., 2023).
#pragma once

#include <bit>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>

#include <pith/core/assert.hpp>
#include <pith/core/bytes.hpp>
#include <pith/core/exact.hpp>
#include <pith/core/number.hpp>
#include <pith/feedback/signs.hpp>
#include <pith/feedback/vectors.hpp>

namespace pith::inline v1::feedback {

/// A code for x[at[0]], x[at[1]], ... in value_bytes(at.size()) bytes. The values are finite, and so are
/// those decoded, or there is an error. `put` may give an error where its own numbers overflow.
template <class V>
concept value_code = requires(const V v, std::span<const float> x, std::span<float> y,
                              std::span<const std::uint32_t> at, byte_span out, byte_view in, std::size_t k) {
    { V::value_bytes(k) }
    noexcept->std::same_as<std::size_t>;
    { v.put(x, at, out) }
    noexcept->std::same_as<result<void>>;
    { v.get(in, at, y) }
    noexcept->std::same_as<result<void>>;
};

/// 32 bits a value. Exact.
struct float_values {
    [[nodiscard]] static constexpr std::size_t value_bytes(std::size_t k) noexcept { return 4 * k; }
    /// The least part of the kept energy that survives coding.
    [[nodiscard]] static constexpr double retained(std::size_t) noexcept { return 1; }
    result<void> put(std::span<const float> x, std::span<const std::uint32_t> at,
                     byte_span out) const noexcept {
        for (std::size_t j = 0; j < at.size(); ++j) store_float(out.data() + 4 * j, x[at[j]]);
        return {};
    }
    result<void> get(byte_view in, std::span<const std::uint32_t> at, std::span<float> y) const noexcept {
        for (std::size_t j = 0; j < at.size(); ++j) {
            y[at[j]] = load_float(in.data() + 4 * j);
            if (!is_finite(y[at[j]])) return bad_message(4 * j, "a value is infinite or not a number");
        }
        return {};
    }
};

/// 16 bits a value, and one exponent that brings the largest to 2^14 .. 2^15: no float is out of range.
/// Error: 2^-11 of the value and 2^-39 of the largest one.
struct half_values {
    [[nodiscard]] static constexpr std::size_t value_bytes(std::size_t k) noexcept { return 2 + 2 * k; }
    [[nodiscard]] static constexpr double retained(std::size_t) noexcept { return 1 - 0x1p-20; }
    result<void> put(std::span<const float> x, std::span<const std::uint32_t> at,
                     byte_span out) const noexcept {
        float largest = 0;
        for (const std::uint32_t i : at) largest = std::fabs(x[i]) > largest ? std::fabs(x[i]) : largest;
        const int exponent = largest == 0 ? 0 : std::ilogb(largest) - 14;  // -163 .. 113
        store_le<std::uint16_t>(out.data(), static_cast<std::uint16_t>(exponent + bias));
        const double scale = power_of_two(-exponent);
        for (std::size_t j = 0; j < at.size();
             ++j)  // exact but below 2^-149 of float, far below half's last bit
            store_le<std::uint16_t>(out.data() + 2 + 2 * j,
                                    half(static_cast<float>(double{x[at[j]]} * scale)).bits);
        return {};
    }
    result<void> get(byte_view in, std::span<const std::uint32_t> at, std::span<float> y) const noexcept {
        const int exponent = int{load_le<std::uint16_t>(in.data())} - bias;
        if (exponent < -163 || exponent > 113) return bad_message(0, "an exponent is out of range");
        const double scale = power_of_two(exponent);
        for (std::size_t j = 0; j < at.size(); ++j) {
            const half h = half::from_bits(load_le<std::uint16_t>(in.data() + 2 + 2 * j));
            if ((h.bits & 0x7FFF) > 0x7800)
                return bad_message(2 + 2 * j, "a value exceeds the common exponent");
            y[at[j]] =
                static_cast<float>(double{static_cast<float>(h)} * scale);  // <= 2^15 2^113: may be 2^128
            if (!is_finite(y[at[j]])) y[at[j]] = std::copysign(0x1.fffffep127F, y[at[j]]);
        }
        return {};
    }

  private:
    static constexpr int bias = 163;
};

namespace detail {

inline void put_ternary(float scale, std::span<const float> x, std::span<const std::uint32_t> at,
                        byte_span out) noexcept {
    store_float(out.data(), scale);
    pack_signs(
        at.size(), [=](std::size_t j) { return x[at[j]]; }, out.subspan(4));
}
[[nodiscard]] inline result<void> get_ternary(byte_view in, std::span<const std::uint32_t> at,
                                              std::span<float> y) noexcept {
    const float scale = load_float(in.data());
    if (std::bit_cast<std::uint32_t>(scale) >= 0x7F80'0000U)
        return bad_message(0, "a scale is negative or not finite");
    if (!signs_end_in_zeros(in.subspan(4), at.size()))
        return bad_message(in.size() - 1, "bits follow the signs");
    for_each_sign(in.subspan(4), at.size(),
                  [=](std::size_t j, bool minus) { y[at[j]] = minus ? -scale : scale; });
    return {};
}

}  // namespace detail

/// One bit a value: its sign, times the mean magnitude of the kept ones, which loses least.
struct ternary_values {
    [[nodiscard]] static constexpr std::size_t value_bytes(std::size_t k) noexcept {
        return 4 + signs_size(k);
    }
    [[nodiscard]] static constexpr double retained(std::size_t k) noexcept {
        return k == 0 ? 1 : (1 - 1e-6) / static_cast<double>(k);
    }
    result<void> put(std::span<const float> x, std::span<const std::uint32_t> at,
                     byte_span out) const noexcept {
        double sum = 0;
        for (const std::uint32_t i : at) sum += double{std::fabs(x[i])};
        const double mean = at.empty() ? 0 : sum / static_cast<double>(at.size());
        detail::put_ternary(static_cast<float>(mean), x, at, out);
        return {};
    }
    result<void> get(byte_view in, std::span<const std::uint32_t> at, std::span<float> y) const noexcept {
        return detail::get_ternary(in, at, y);
    }
};

/// One bit a value: its sign, times alpha standard deviations of the whole vector, as ComPEFT does; alpha is
/// chosen by validation. No contraction: alpha may be anything.
struct deviation_values {
    double alpha = 1;  ///< positive

    [[nodiscard]] static constexpr std::size_t value_bytes(std::size_t k) noexcept {
        return 4 + signs_size(k);
    }
    result<void> put(std::span<const float> x, std::span<const std::uint32_t> at,
                     byte_span out) const noexcept {
        double sum = 0;
        for (const float v : x) sum += double{v};
        const double n = x.empty() ? 1 : static_cast<double>(x.size());
        double squares = 0;
        for (const float v : x) squares += exact::mul(double{v} - sum / n, double{v} - sum / n);
        const double scale = std::fabs(alpha) * std::sqrt(squares / n);
        if (!(scale <= 0x1.fffffep127)) return too_large();
        detail::put_ternary(static_cast<float>(scale), x, at, out);
        return {};
    }
    result<void> get(byte_view in, std::span<const std::uint32_t> at, std::span<float> y) const noexcept {
        return detail::get_ternary(in, at, y);
    }
};

}  // namespace pith::inline v1::feedback
