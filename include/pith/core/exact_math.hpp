// exp, log, tanh, erf and their kin with the same bits on every machine, from + - * / alone.
// Reductions as in Cody and Waite (1980); exp through the Bernoulli series of x coth(x/2), log through atanh,
// erfc through one Chebyshev series after Shepherd and Laframboise (1981), fitted anew.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <type_traits>

#include <pith/core/exact.hpp>

/// Each function has a double form with the stated error in units in the last place of the result (as the
/// tests check over 1e5 arguments a range), and a float form that rounds the double one: error below 0.501
/// ulp. Results that would be subnormal are zero, and subnormal arguments count as zero, so that a machine
/// that flushes subnormals gives the same bits as one that does not. NaN gives NaN. All are exact: same bits
/// everywhere, also in constant expressions.
namespace pith::inline v1::exact {

namespace detail {

inline constexpr double infinity = std::numeric_limits<double>::infinity();
inline constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();
inline constexpr double ln2 = 0x1.62e42fefa39efp-1;
inline constexpr double ln2_high = 0x1.62e42fefp-1;  // 33 bits: times any exponent it stays exact
inline constexpr double ln2_low = 0x1.473de6af278edp-34;
inline constexpr double inverse_ln2 = 0x1.71547652b82fep+0;
inline constexpr double two_pi = 0x1.921fb54442d18p+2;
inline constexpr double sqrt_half = 0x1.6a09e667f3bcdp-1;

/// c[0] + c[1] x + ... by Horner's rule.
template <std::size_t N>
[[nodiscard, gnu::always_inline]] constexpr double polynomial(double x, const double (&c)[N]) noexcept {
    double sum = c[N - 1];
    for (std::size_t i = N - 1; i-- > 0;) sum = mul_add(sum, x, c[i]);
    return sum;
}

/// 2^k for k in -1022..1023.
[[nodiscard]] constexpr double power_of_two(int k) noexcept {
    return std::bit_cast<double>(static_cast<std::uint64_t>(k + 1023) << 52);
}

/// x to the nearest integer, ties to even. |x| <= 2^51.
[[nodiscard]] constexpr double nearest_integer(double x) noexcept {
    constexpr double magic = 0x1.8p52;  // adding it leaves no bit for the fraction
    return sealed(x + magic) - magic;
}

/// (x - low) coth-series part: with r = high - low, |r| <= 0.35, returns e^r - 1 - high + low in full
/// precision, as r c / (2 - c) where c = r - (r coth(r/2) - 2).
[[nodiscard]] constexpr double expm1_rest(double r) noexcept {
    constexpr double bernoulli[] = {0x1.5555555555555p-3,   -0x1.6c16c16c16c17p-9, 0x1.1566abc011567p-14,
                                    -0x1.bbd779334ef0bp-20, 0x1.66a8f2bf70ebep-25, -0x1.22805d644267fp-30,
                                    0x1.d6db2c4e09162p-36};  // 2 B_2n / (2n)!
    const double square = mul(r, r);
    const double c = r - mul(square, polynomial(square, bernoulli));
    return mul(r, c) / (2.0 - c);
}

/// 2^k e^(high - low) for results that are normal or overflow. k in -1022..1024.
[[nodiscard]] constexpr double exp_scaled(double high, double low, int k) noexcept {
    const double y = 1.0 - ((low - expm1_rest(high - low)) - high);
    return k == 1024 ? mul(mul(y, 0x1p1023), 2.0) : mul(y, power_of_two(k));
}

/// Float argument as double; subnormals become zero.
[[nodiscard]] constexpr double widened(float x) noexcept {
    const std::uint32_t bits = std::bit_cast<std::uint32_t>(x);
    return (bits & 0x7F80'0000U) == 0 ? std::bit_cast<double>(std::uint64_t{bits >> 31} << 63)
                                      : static_cast<double>(x);
}

/// A double rounded to float; results below the normal range become zero, above it infinite.
[[nodiscard]] constexpr float narrowed(double v) noexcept {
    const double size = v < 0.0 ? -v : v;
    if (size < 0x1p-126) return v < 0.0 ? -0.0F : 0.0F;
    if (size >= 0x1.ffffffp127) {
        constexpr float limit = std::numeric_limits<float>::infinity();
        return v < 0.0 ? -limit : limit;
    }
    return static_cast<float>(v);
}

/// (1 + 2x) e^(x^2) erfc(x) for x >= 0, as a polynomial in (x - 3) / (x + 3). Relative error of fit 5.3e-18.
[[nodiscard]] constexpr double erfc_body(double x) noexcept {
    constexpr double c[] = {
        0x1.40c522d7e4987p+0,  -0x1.15c084bb9e8f3p-3,  -0x1.85a15c58aa4f5p-5,  0x1.098366a5b4701p-3,
        -0x1.e88b803a4a881p-4, 0x1.17ca2877effabp-4,   -0x1.8574c40b69c6ap-6,  0x1.4b884e464a11bp-9,
        0x1.ef1bdd0e61218p-10, -0x1.98db51673633ep-11, -0x1.b912639d3c363p-14, 0x1.065a3f813e29bp-13,
        0x1.4c228d0f252afp-18, -0x1.513c76b5fc688p-16, -0x1.885c4173e8118p-21, 0x1.d22433a611e6cp-19,
        0x1.7dfecd6d595a4p-22, -0x1.4b8d0b0794184p-21, -0x1.2dabcbdb3b408p-23, 0x1.b96fc70953a87p-24,
        0x1.60bcb894e79d1p-25, -0x1.ddcfc080be09bp-27, -0x1.1a5abb05ab718p-27, 0x1.4a654198bfd96p-30,
        0x1.cd7350f20ad1ap-31, -0x1.2f98d06214628p-35};
    return polynomial((x - 3.0) / (x + 3.0), c);
}

/// erf(x) for |x| < 0.5 by its Taylor series.
[[nodiscard]] constexpr double erf_near_zero(double x) noexcept {
    constexpr double series[] = {0x1.20dd750429b6dp+0,   -0x1.812746b0379e7p-2,  0x1.ce2f21a042be2p-4,
                                 -0x1.b82ce31288b51p-6,  0x1.565bcd0e6a53fp-8,   -0x1.c02db40040b86p-11,
                                 0x1.f9a326f9b89b7p-14,  -0x1.f4d25c3e0c2ebp-17, 0x1.b9e6c9dc651a3p-20,
                                 -0x1.5f742ec43e71ap-23, 0x1.fcc5720624c1cp-27,  -0x1.51d7181c5d36dp-30,
                                 0x1.9e6ad5e55a730p-34};  // 2/sqrt(pi) (-1)^n / (n! (2n + 1))
    return mul(x, polynomial(mul(x, x), series));
}

/// The cosine of 2 pi (u + quarters / 4).
[[nodiscard]] constexpr double cos_of_turns(double u, unsigned quarters) noexcept {
    constexpr double cosine[] = {1.0,
                                 -1.0 / 2,
                                 1.0 / 24,
                                 -1.0 / 720,
                                 1.0 / 40320,
                                 -1.0 / 3628800,
                                 1.0 / 479001600,
                                 -1.0 / 87178291200,
                                 1.0 / 20922789888000};
    constexpr double sine[] = {1.0,
                               -1.0 / 6,
                               1.0 / 120,
                               -1.0 / 5040,
                               1.0 / 362880,
                               -1.0 / 39916800,
                               1.0 / 6227020800,
                               -1.0 / 1307674368000,
                               1.0 / 355687428096000};
    const double nearest = nearest_integer(mul(4.0, u));
    const double r = mul(u - mul(0.25, nearest), two_pi);  // in [-pi/4, pi/4]
    const double square = mul(r, r);
    const unsigned turn = (static_cast<unsigned>(static_cast<std::int64_t>(nearest) & 3) + quarters) & 3;
    const double size = (turn & 1) != 0 ? mul(r, polynomial(square, sine)) : polynomial(square, cosine);
    return turn == 1 || turn == 2 ? -size : size;
}

}  // namespace detail

/// e^x; zero below -708.39, infinite above 709.78. Error <= 0.93 ulp.
[[nodiscard]] constexpr double exp(double x) noexcept {
    if (x != x) return x;
    if (x > 0x1.62e42fefa39efp+9) return detail::infinity;
    if (x < -0x1.6232bdd7abcd2p+9) return 0.0;
    const double k = detail::nearest_integer(mul(x, detail::inverse_ln2));
    return detail::exp_scaled(x - mul(k, detail::ln2_high), mul(k, detail::ln2_low), static_cast<int>(k));
}

/// 2^x; zero below -1022, infinite from 1024 on. Error <= 1 ulp.
[[nodiscard]] constexpr double exp2(double x) noexcept {
    if (x != x) return x;
    if (x >= 1024.0) return detail::infinity;
    if (x < -1022.0) return 0.0;
    const double k = detail::nearest_integer(x);
    const double rest = x - k;
    const double high =
        std::bit_cast<double>(std::bit_cast<std::uint64_t>(rest) & ~std::uint64_t{0x3FF'FFFF});
    const double low = mul(rest - high, detail::ln2) + mul(high, detail::ln2_low);
    return detail::exp_scaled(sealed(high * detail::ln2_high), -low, static_cast<int>(k));
}

/// e^x - 1 without loss near zero. Error <= 1.6 ulp.
[[nodiscard]] constexpr double expm1(double x) noexcept {
    if (x != x) return x;
    if (x > 700.0) return exp(x);
    if (x < -40.0) return -1.0;
    const double k = detail::nearest_integer(mul(x, detail::inverse_ln2));
    const double high = x - mul(k, detail::ln2_high);
    const double low = mul(k, detail::ln2_low);
    const double part = high - (low - detail::expm1_rest(high - low));
    if (k == 0.0) return part;
    const double scale = detail::power_of_two(static_cast<int>(k) - 1);  // k <= 1010
    return mul(mul(scale, part) + (scale - 0.5), 2.0);
}

/// ln x; minus infinity at zero, NaN below. Error <= 0.9 ulp.
[[nodiscard]] constexpr double log(double x) noexcept {
    constexpr std::uint64_t root = std::bit_cast<std::uint64_t>(detail::sqrt_half);
    constexpr std::uint64_t fraction = 0xF'FFFF'FFFF'FFFF;
    constexpr double atanh_series[] = {2.0 / 3,  2.0 / 5,  2.0 / 7,  2.0 / 9,  2.0 / 11, 2.0 / 13,
                                       2.0 / 15, 2.0 / 17, 2.0 / 19, 2.0 / 21, 2.0 / 23};
    if (x != x || x == detail::infinity) return x;
    if (x < 0x1p-1022) return x < 0.0 ? detail::not_a_number : -detail::infinity;
    // x = 2^k (1 + f), 1 + f in [sqrt(1/2), sqrt(2))
    const std::uint64_t moved = std::bit_cast<std::uint64_t>(x) + ((std::uint64_t{1023} << 52) - root);
    const double k = static_cast<double>(static_cast<int>(moved >> 52) - 1023);
    const double f = std::bit_cast<double>((moved & fraction) + root) - 1.0;
    const double s = f / (2.0 + f);
    const double square = mul(s, s);
    const double rest = mul(square, detail::polynomial(square, atanh_series));
    const double half_square = mul(mul(0.5, f), f);
    const double tail = mul(s, half_square + rest) + mul(k, detail::ln2_low);
    return mul(k, detail::ln2_high) - ((half_square - tail) - f);
}

/// ln(1 + x) without loss near zero. Error <= 2.6 ulp.
[[nodiscard]] constexpr double log1p(double x) noexcept {
    const double sum = sealed(1.0 + x);
    if (sum == 1.0) return x;
    if (x > 0x1p60) return log(x);
    if (!(sum > 0.0)) return log(sum);
    return mul(log(sum), x / (sum - 1.0));
}

/// The hyperbolic tangent. Error <= 2.6 ulp.
[[nodiscard]] constexpr double tanh(double x) noexcept {
    const double size = x < 0.0 ? -x : x;
    if (size < 0x1p-28) return x;
    if (size > 22.0) return x < 0.0 ? -1.0 : 1.0;
    const double t = expm1(mul(-2.0, size));
    const double y = -t / (2.0 + t);
    return x < 0.0 ? -y : y;
}

/// 1 / (1 + e^-x). Error <= 1.9 ulp.
[[nodiscard]] constexpr double logistic(double x) noexcept {
    if (x != x) return x;
    const double e = exp(x < 0.0 ? x : -x);
    return (x < 0.0 ? e : 1.0) / (1.0 + e);
}

/// 1 - erf(x) without loss in the upper tail; zero above 26.5. Error <= 7 ulp.
[[nodiscard]] constexpr double erfc(double x) noexcept {
    if (x != x) return x;
    const double size = x < 0.0 ? -x : x;
    if (size > 26.5) return x < 0.0 ? 2.0 : 0.0;
    if (size < 0.5) return 1.0 - detail::erf_near_zero(x);
    // e^-(x^2) with x^2 in two parts: high^2 has at most 52 bits, the rest is below 3e-5.
    const double high =
        std::bit_cast<double>(std::bit_cast<std::uint64_t>(size) & ~std::uint64_t{0x7FF'FFFF});
    const double rest = mul(size - high, size + high);
    const double correction = mul(rest, 1.0 - mul(mul(0.5, rest), 1.0 - rest / 3.0));
    const double power = exp(-mul(high, high));
    const double gauss = power - mul(power, correction);
    const double y = mul(gauss, detail::erfc_body(size)) / (1.0 + mul(2.0, size));
    return x < 0.0 ? 2.0 - y : y;
}

/// The error function. Error <= 2.1 ulp.
[[nodiscard]] constexpr double erf(double x) noexcept {
    const double size = x < 0.0 ? -x : x;
    if (size < 0.5) return detail::erf_near_zero(x);
    return x < 0.0 ? erfc(size) - 1.0 : 1.0 - erfc(x);
}

/// The normal distribution function, P(N(0,1) <= z). Error <= 7 + 2 z^2 ulp for z < 0, 2 ulp above.
[[nodiscard]] constexpr double normal_cdf(double z) noexcept {
    return mul(0.5, erfc(mul(-detail::sqrt_half, z)));
}

/// The cosine of 2 pi u. Absolute error below 3e-16 (1 + |u|). |u| <= 2^48.
[[nodiscard]] constexpr double cos_of_turns(double u) noexcept { return detail::cos_of_turns(u, 0); }

/// The sine of 2 pi u. Absolute error below 3e-16 (1 + |u|). |u| <= 2^48.
[[nodiscard]] constexpr double sin_of_turns(double u) noexcept { return detail::cos_of_turns(u, 3); }

[[nodiscard]] constexpr float exp(float x) noexcept { return detail::narrowed(exp(detail::widened(x))); }
[[nodiscard]] constexpr float exp2(float x) noexcept { return detail::narrowed(exp2(detail::widened(x))); }
[[nodiscard]] constexpr float expm1(float x) noexcept { return detail::narrowed(expm1(detail::widened(x))); }
[[nodiscard]] constexpr float log(float x) noexcept { return detail::narrowed(log(detail::widened(x))); }
[[nodiscard]] constexpr float log1p(float x) noexcept { return detail::narrowed(log1p(detail::widened(x))); }
[[nodiscard]] constexpr float tanh(float x) noexcept { return detail::narrowed(tanh(detail::widened(x))); }
[[nodiscard]] constexpr float logistic(float x) noexcept {
    return detail::narrowed(logistic(detail::widened(x)));
}
[[nodiscard]] constexpr float erf(float x) noexcept { return detail::narrowed(erf(detail::widened(x))); }
[[nodiscard]] constexpr float erfc(float x) noexcept { return detail::narrowed(erfc(detail::widened(x))); }
[[nodiscard]] constexpr float normal_cdf(float z) noexcept {
    return detail::narrowed(normal_cdf(detail::widened(z)));
}

}  // namespace pith::inline v1::exact
