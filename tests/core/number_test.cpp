#include <pith/core/number.hpp>

#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "support/catch.hpp"

namespace {

std::uint32_t bits_of(float v) { return std::bit_cast<std::uint32_t>(v); }

/// The value of a pattern by the definition of the format, in double.
template <unsigned Exponent, unsigned Mantissa, bool Infinite>
double slow_value(std::uint32_t bits) {
    const int bias = (1 << (Exponent - 1)) - 1;
    const std::uint32_t mantissa = bits & ((1U << Mantissa) - 1);
    const std::uint32_t exponent = (bits >> Mantissa) & ((1U << Exponent) - 1);
    const double sign = (bits >> (Exponent + Mantissa)) != 0 ? -1.0 : 1.0;
    if (Infinite && exponent == (1U << Exponent) - 1)
        return mantissa != 0 ? std::numeric_limits<double>::quiet_NaN()
                             : sign * std::numeric_limits<double>::infinity();
    if (!Infinite && (bits & ((1U << (Exponent + Mantissa)) - 1)) == (1U << (Exponent + Mantissa)) - 1)
        return std::numeric_limits<double>::quiet_NaN();
    if (exponent == 0) return sign * std::ldexp(mantissa, 1 - bias - static_cast<int>(Mantissa));
    return sign * std::ldexp((1U << Mantissa) + mantissa,
                             static_cast<int>(exponent) - bias - static_cast<int>(Mantissa));
}

/// Nearest pattern of a finite value by search over all non-negative finite values; ties to the even pattern;
/// past the largest plus half a step, `overflow`.
template <class T>
std::uint32_t slow_nearest(const std::vector<double>& values, double size, std::uint32_t overflow) {
    const std::size_t last = values.size() - 1;
    const double step = values[last] - values[last - 1];
    if (size > values[last])
        return size - values[last] < step / 2 ? static_cast<std::uint32_t>(last) : overflow;
    std::size_t low = 0;
    std::size_t high = last;
    while (low < high) {
        const std::size_t middle = (low + high) / 2;
        if (values[middle] < size)
            low = middle + 1;
        else
            high = middle;
    }
    if (values[low] == size || low == 0) return static_cast<std::uint32_t>(low);
    const double above = values[low] - size;
    const double below = size - values[low - 1];
    if (above == below) return static_cast<std::uint32_t>(low % 2 == 0 ? low : low - 1);
    return static_cast<std::uint32_t>(above < below ? low : low - 1);
}

std::vector<float> interesting_floats() {
    std::vector<float> out;
    std::uint64_t state = 1;
    for (int i = 0; i < 300000; ++i) {
        state = state * 6364136223846793005ULL + 1442695040888963407ULL;
        std::uint32_t bits = static_cast<std::uint32_t>(state >> 32);
        if (i % 2 == 0)
            bits = (bits & 0x807FFFFFU) | (((bits >> 23) % 48 + 100) << 23);  // near the formats' ranges
        out.push_back(std::bit_cast<float>(bits));
    }
    for (std::uint32_t top = 0; top < 65536; ++top)  // around every bfloat16 and its midpoint
        for (std::uint32_t low : {0x0000U, 0x0001U, 0x7FFFU, 0x8000U, 0x8001U, 0xFFFFU})
            out.push_back(std::bit_cast<float>(top << 16 | low));
    return out;
}

template <class T, unsigned Exponent, unsigned Mantissa, bool Infinite>
void check_format() {
    const std::uint32_t count = 1U << (1 + Exponent + Mantissa);
    std::vector<double> values;
    std::size_t wrong = 0;
    for (std::uint32_t b = 0; b < count; ++b) {
        const T number = T::from_bits(static_cast<typename T::storage>(b));
        const double truth = slow_value<Exponent, Mantissa, Infinite>(b);
        const float value = static_cast<float>(number);
        if (std::isnan(truth)) {
            wrong += !std::isnan(value) || !number.is_nan();
            wrong += std::signbit(value) != ((b >> (Exponent + Mantissa)) != 0);
            continue;
        }
        wrong += number.is_nan();
        wrong += static_cast<double>(value) != truth || std::signbit(value) != std::signbit(truth);
        wrong += T(value).bits != b;
        if (b < count / 2 && std::isfinite(truth)) values.push_back(truth);
    }
    CHECK(wrong == 0);

    std::vector<float> floats = interesting_floats();
    for (std::size_t i = 0; i + 1 < values.size(); ++i) {  // each midpoint and its neighbours
        const float middle = static_cast<float>((values[i] + values[i + 1]) / 2);
        floats.push_back(middle);
        floats.push_back(-middle);
        floats.push_back(std::nextafterf(middle, 1e30F));
        floats.push_back(std::nextafterf(middle, 0.0F));
    }
    for (float f : floats) {
        const T number(f);
        if (std::isnan(f)) {
            wrong += !number.is_nan() || std::signbit(static_cast<float>(number)) != std::signbit(f);
            continue;
        }
        const std::uint32_t sign = std::signbit(f) ? count / 2 : 0;
        const std::uint32_t expected =
            slow_nearest<T>(values, std::fabs(static_cast<double>(f)), Infinite ? T::top : T::largest_finite);
        wrong += number.bits != (sign | expected);
    }
    CHECK(wrong == 0);
}

}  // namespace

TEST_CASE("half converts exactly to float and to nearest even from it") {
    check_format<pith::half, 5, 10, true>();
}
TEST_CASE("fp8 e4m3 converts exactly to float and saturates from it") {
    check_format<pith::fp8_e4m3, 4, 3, false>();
}
TEST_CASE("fp8 e5m2 converts exactly to float and to nearest even from it") {
    check_format<pith::fp8_e5m2, 5, 2, true>();
}

TEST_CASE("bfloat16 is the upper half of a float, rounded to nearest even") {
    std::size_t wrong = 0;
    for (std::uint32_t b = 0; b < 65536; ++b) {
        const auto number = pith::bfloat16::from_bits(static_cast<std::uint16_t>(b));
        const float value = static_cast<float>(number);
        if (number.is_nan()) {
            wrong += !std::isnan(value) || pith::bfloat16(value).bits != (b | 0x40);
        } else {
            wrong += std::isnan(value) || bits_of(value) != b << 16 || pith::bfloat16(value).bits != b;
        }
    }
    CHECK(wrong == 0);
    for (float f : interesting_floats()) {
        const std::uint32_t got = pith::bfloat16(f).bits;
        if (std::isnan(f)) {
            wrong += got != ((bits_of(f) >> 16) | 0x40);
            continue;
        }
        // Positive patterns are ordered as values: the nearest is decided by the dropped 16 bits.
        const std::uint32_t below = bits_of(f) >> 16;
        const std::uint32_t rest = bits_of(f) & 0xFFFF;
        const std::uint32_t expected =
            rest > 0x8000 || (rest == 0x8000 && below % 2 == 1) ? below + 1 : below;
        wrong += got != expected;
    }
    CHECK(wrong == 0);
}

TEST_CASE("not-a-numbers keep sign and upper payload and become quiet") {
    const float signalling = std::bit_cast<float>(0xFFA0'2000U);
    CHECK(pith::half(signalling).bits == (0xFC00 | 0x200 | 0x101));
    CHECK(pith::bfloat16(signalling).bits == 0xFFE0);
    CHECK(bits_of(static_cast<float>(pith::half::from_bits(0xFD01))) == 0xFFE0'2000U);
    CHECK(pith::fp8_e4m3(signalling).bits == 0xFF);
    CHECK(pith::fp8_e5m2(signalling).bits == 0xFF);
}

TEST_CASE("short floats convert in constant expressions") {
    STATIC_REQUIRE(static_cast<float>(pith::half(65504.0F)) == 65504.0F);
    STATIC_REQUIRE(pith::half(65520.0F).bits == 0x7C00);
    STATIC_REQUIRE(pith::half(5.9604644775390625e-8F).bits == 1);
    STATIC_REQUIRE(static_cast<float>(pith::fp8_e4m3(1e9F)) == 448.0F);
    STATIC_REQUIRE(static_cast<float>(pith::bfloat16(1.0F)) == 1.0F);
}
