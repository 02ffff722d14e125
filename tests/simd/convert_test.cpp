#include <pith/simd/convert.hpp>

#include <bit>
#include <cmath>
#include <limits>
#include <vector>

#include "simd/memory.hpp"
#include "support/catch.hpp"

namespace {

using namespace simd_test;
namespace simd = pith::simd;
using simd::native;

template <class From, class To>
void check_widen() {
    area in_area, out_area;
    numbers next(8);
    std::size_t wrong = 0;
    everywhere(sizeof(To), [&](std::size_t n, std::size_t place) {
        const auto in = in_area.take<From>(n, place);
        const auto out = out_area.take<To>(n, place);
        fill_bits(in, next);
        simd::widen(std::span<const From>(in), out);
        for (std::size_t i = 0; i < n; ++i) wrong += out[i] != static_cast<To>(in[i]);
        wrong += !out_area.intact();
    });
    CHECK(wrong == 0);
}

/// Compares a conversion with its twin, bit for bit, on random bits at every size and place.
template <class From, class To, class Kernel, class Twin>
void check_twins(Kernel kernel, Twin twin) {
    area in_area, out_area;
    numbers next(9);
    std::size_t wrong = 0;
    everywhere(4, [&](std::size_t n, std::size_t place) {
        const auto in = in_area.take<From>(n, place);
        const auto out = out_area.take<To>(n, place);
        fill_bits(in, next);
        std::vector<To> expected(n);
        kernel(in, out);
        twin(in, std::span<To>(expected));
        wrong += !same_bits<To>(out, expected) || !out_area.intact();
    });
    CHECK(wrong == 0);
}

/// The value of a finite half, from its definition.
double value_of_half(unsigned h) {
    const int exponent = static_cast<int>(h >> 10 & 31);
    const double mantissa = h & 1023;
    const double magnitude =
        exponent == 0 ? std::ldexp(mantissa, -24) : std::ldexp(mantissa + 1024, exponent - 25);
    return h & 0x8000 ? -magnitude : magnitude;
}

template <class Value>
std::uint16_t to_half(Value v) {
    // Nine copies: both the vector code and the tail must agree.
    const std::vector<float> in(9, static_cast<float>(v));
    std::vector<std::uint16_t> out(9);
    simd::float_to_half(in, out);
    for (const std::uint16_t h : out) REQUIRE(h == out[0]);
    return out[0];
}
std::uint16_t to_bfloat16(float v) {
    std::uint16_t out = 0;
    simd::float_to_bfloat16({&v, 1}, {&out, 1});
    return out;
}

}  // namespace

TEST_CASE("small integers widen to the same number at every size and place") {
    check_widen<std::uint8_t, std::int32_t>();
    check_widen<std::int8_t, std::int32_t>();
    check_widen<std::uint16_t, std::int32_t>();
    check_widen<std::int16_t, std::int32_t>();
    check_widen<std::uint8_t, float>();
    check_widen<std::int8_t, float>();
    check_widen<std::uint16_t, float>();
    check_widen<std::int16_t, float>();
}

TEST_CASE("float conversions equal their twins on any bits, at every size and place") {
    check_twins<std::uint16_t, float>([](auto in, auto out) { simd::half_to_float(in, out); },
                                      [](auto in, auto out) { simd::twin::half_to_float<native>(in, out); });
    check_twins<float, std::uint16_t>([](auto in, auto out) { simd::float_to_half(in, out); },
                                      [](auto in, auto out) { simd::twin::float_to_half<native>(in, out); });
    check_twins<std::uint16_t, float>(
        [](auto in, auto out) { simd::bfloat16_to_float(in, out); },
        [](auto in, auto out) { simd::twin::bfloat16_to_float<native>(in, out); });
    check_twins<float, std::uint16_t>(
        [](auto in, auto out) { simd::float_to_bfloat16(in, out); },
        [](auto in, auto out) { simd::twin::float_to_bfloat16<native>(in, out); });
}

TEST_CASE("every half becomes its value and comes back") {
    std::vector<std::uint16_t> all(65536), back(65536);
    std::vector<float> values(65536);
    for (unsigned h = 0; h < 65536; ++h) all[h] = static_cast<std::uint16_t>(h);
    simd::half_to_float(all, values);
    simd::float_to_half(values, back);
    std::size_t wrong = 0;
    for (unsigned h = 0; h < 65536; ++h) {
        const bool special = (h & 0x7C00) == 0x7C00;
        const bool nan = special && (h & 0x3FF) != 0;
        if (!special) wrong += !same_bits(values[h], static_cast<float>(value_of_half(h)));
        if (special && !nan)
            wrong += values[h] != (h & 0x8000 ? -std::numeric_limits<float>::infinity()
                                              : std::numeric_limits<float>::infinity());
        if (nan)
            wrong += std::bit_cast<std::uint32_t>(values[h]) !=
                     ((h & 0x8000) << 16 | 0x7FC00000 | (h & 0x3FF) << 13);
        wrong += back[h] != (nan ? h | 0x200 : h);
    }
    CHECK(wrong == 0);
}

TEST_CASE("floats round to the nearest half, ties to even") {
    std::size_t wrong = 0;
    for (unsigned h = 0; h < 0x7BFF; h += 1 + h / 64 % 7) {
        const auto middle = static_cast<float>((value_of_half(h) + value_of_half(h + 1)) / 2);
        wrong += to_half(middle) != (h % 2 == 0 ? h : h + 1);
        wrong += to_half(std::nextafter(middle, 0.0F)) != h;
        wrong += to_half(std::nextafter(middle, 1e9F)) != h + 1;
        wrong += to_half(-middle) != ((h % 2 == 0 ? h : h + 1) | 0x8000);
    }
    CHECK(wrong == 0);
    CHECK(to_half(65504.0F) == 0x7BFF);
    CHECK(to_half(std::nextafter(65520.0F, 0.0F)) == 0x7BFF);
    CHECK(to_half(65520.0F) == 0x7C00);
    CHECK(to_half(-1e30F) == 0xFC00);
    CHECK(to_half(std::numeric_limits<float>::denorm_min()) == 0);
    CHECK(to_half(-0.0F) == 0x8000);
    CHECK(to_half(std::bit_cast<float>(0x7F800001U)) == 0x7E00);
    CHECK(to_half(std::bit_cast<float>(0xFFFFFFFFU)) == 0xFFFF);
}

TEST_CASE("floats round to the nearest bfloat16, ties to even") {
    CHECK(to_bfloat16(1.0F) == 0x3F80);
    CHECK(to_bfloat16(std::bit_cast<float>(0x3F808000U)) == 0x3F80);
    CHECK(to_bfloat16(std::bit_cast<float>(0x3F818000U)) == 0x3F82);
    CHECK(to_bfloat16(std::bit_cast<float>(0x3F808001U)) == 0x3F81);
    CHECK(to_bfloat16(std::bit_cast<float>(0x7F7FFFFFU)) == 0x7F80);
    CHECK(to_bfloat16(std::bit_cast<float>(0x7F800001U)) == 0x7FC0);
    CHECK(to_bfloat16(std::bit_cast<float>(0xFFFFFFFFU)) == 0xFFFF);
    CHECK(to_bfloat16(std::bit_cast<float>(0x80000001U)) == 0x8000);
}
