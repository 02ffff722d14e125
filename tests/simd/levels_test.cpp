#include <pith/simd/hadamard.hpp>
#include <pith/simd/levels.hpp>
#include <pith/simd/signs.hpp>

#include <cmath>
#include <limits>
#include <vector>

#include "simd/memory.hpp"
#include "support/catch.hpp"

namespace {

using namespace simd_test;
namespace simd = pith::simd;

template <unsigned Bits>
void check_levels() {
    CAPTURE(Bits);
    simd::level_table levels{};
    std::array<float, 16> ascending{};
    for (float& t : ascending) t = std::numeric_limits<float>::infinity();
    for (unsigned i = 0; i < 1U << Bits; ++i) levels[i] = static_cast<float>(i * i + 3 * i) * 0.05F - 1.1F;
    for (unsigned i = 0; i + 1 < 1U << Bits; ++i) ascending[i] = (levels[i] + levels[i + 1]) * 0.5F;
    if (Bits == 3) ascending[6] = ascending[5] = std::numeric_limits<float>::infinity();  // fewer levels
    const auto thresholds = simd::thresholds_of<Bits>(ascending);
    area values_area, codes_area, out_area;
    numbers next(30 + Bits);
    std::size_t wrong = 0;
    everywhere(4, [&](std::size_t n, std::size_t place) {
        const auto values = values_area.take<float>(n, place);
        fill_values(values, next);
        for (std::size_t i = 0; i < n; i += 5) values[i] = ascending[i / 5 % 16] * 0.75F;  // at a threshold
        if (n > 7) values[7] = std::nanf("");
        const auto codes = codes_area.take<std::uint8_t>(n, place == at_end ? at_end : place / 4 * 3);
        simd::nearest_levels<Bits>(values, thresholds, 0.75F, codes);
        for (std::size_t i = 0; i < n; ++i) {
            unsigned code = 0;
            for (unsigned t = 0; t + 1 < 1U << Bits; ++t) code += values[i] > ascending[t] * 0.75F;
            wrong += codes[i] != code;
        }
        const auto out = out_area.take<float>(n, place);
        simd::scaled_levels<Bits>(codes, levels, 1.7F, out);
        for (std::size_t i = 0; i < n; ++i) wrong += out[i] != levels[codes[i]] * 1.7F;
        wrong += !values_area.intact() || !codes_area.intact() || !out_area.intact();
    });
    CHECK(wrong == 0);
}

}  // namespace

TEST_CASE("nearest levels are counted thresholds, and levels are looked up, at every size and place") {
    check_levels<1>();
    check_levels<2>();
    check_levels<3>();
    check_levels<4>();
}

TEST_CASE("signs are turned and values scaled one by one, at every size and place") {
    area in_area, mask_area, out_area;
    numbers next(40);
    std::size_t wrong = 0;
    everywhere(4, [&](std::size_t n, std::size_t place) {
        const auto in = in_area.take<float>(n, place);
        const auto masks = mask_area.take<std::uint32_t>(n, place == at_end ? at_end : place / 8 * 4);
        const auto out = out_area.take<float>(n, place);
        fill_values(in, next);
        for (std::uint32_t& m : masks) m = static_cast<std::uint32_t>(next()) & 0x8000'0000U;
        std::vector<float> expected(in.begin(), in.end());
        for (std::size_t i = 0; i < n; ++i) expected[i] = masks[i] != 0 ? -in[i] : in[i];
        simd::flip_signs(in, masks, out);
        wrong += !same_bits<float>(out, expected);
        for (float& v : expected) v *= 0.3F;
        simd::scale(out, 0.3F);
        wrong += !same_bits<float>(out, expected) || !out_area.intact();
    });
    CHECK(wrong == 0);
}

TEST_CASE("a signed Hadamard transform is signs, then the transform, then the factor") {
    numbers next(41);
    for (std::size_t n = 0; n <= 2048; n = n == 0 ? 1 : 2 * n)
        for (const float factor : {1.0F, 0.3F}) {
            CAPTURE(n, factor);
            std::vector<float> x(n), y(n), expected(n);
            std::vector<std::uint32_t> masks(n);
            fill_values(x, next);
            for (std::uint32_t& m : masks) m = static_cast<std::uint32_t>(next()) & 0x8000'0000U;
            simd::flip_signs(x, masks, expected);
            simd::twin::hadamard<simd::native>(expected);
            for (float& v : expected) v *= factor;
            simd::signed_hadamard(x, masks, factor, y);
            REQUIRE(same_bits<float>(y, expected));
            simd::signed_hadamard(x, masks, factor, x);
            REQUIRE(same_bits<float>(x, expected));
        }
}
