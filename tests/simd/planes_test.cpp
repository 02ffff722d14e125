#include <pith/simd/histogram.hpp>
#include <pith/simd/planes.hpp>

#include <array>
#include <limits>
#include <vector>

#include "simd/memory.hpp"
#include "support/catch.hpp"

namespace {

using namespace simd_test;
namespace simd = pith::simd;
using simd::native;

template <std::size_t Width>
void check_planes() {
    area word_area, plane_area;
    numbers next(14);
    std::size_t wrong = 0;
    everywhere(1, [&](std::size_t n, std::size_t place) {
        const auto words = word_area.take<std::uint8_t>(Width * n, place);
        const auto planes =
            plane_area.take<std::uint8_t>(Width * n, place == at_end ? at_end : (place * 5 + 3) % 64);
        fill_bits(words, next);
        const std::vector<std::uint8_t> original(words.begin(), words.end());
        std::vector<std::uint8_t> expected(Width * n), twin(Width * n);
        for (std::size_t i = 0; i < Width * n; ++i) expected[i % Width * n + i / Width] = words[i];
        simd::split_planes<Width>(words, planes);
        simd::twin::split_planes<Width, native>(words, twin);
        wrong += !same_bits<std::uint8_t>(planes, expected) || !same_bits<std::uint8_t>(twin, expected);
        fill_bits(words, next);
        simd::merge_planes<Width>(planes, words);
        simd::twin::merge_planes<Width, native>(planes, twin);
        wrong += !same_bits<std::uint8_t>(words, original) || !same_bits<std::uint8_t>(twin, original);
        wrong += !word_area.intact() || !plane_area.intact();
    });
    CHECK(wrong == 0);
}

}  // namespace

TEST_CASE("words split into planes and merge again, at every size and place") {
    check_planes<2>();
    check_planes<4>();
}

TEST_CASE("a histogram adds the number of every byte value to the counts") {
    numbers next(15);
    for (const std::size_t n : {0U, 1U, 7U, 255U, 1023U, 1024U, 1025U, 1031U, 5000U}) {
        CAPTURE(n);
        area in;
        const auto bytes = in.take<std::uint8_t>(n, at_end);
        fill_bits(bytes, next);
        std::array<std::uint32_t, 256> counts{}, expected{};
        counts.fill(7);
        expected.fill(7);
        for (const std::uint8_t b : bytes) ++expected[b];
        simd::histogram(bytes, counts);
        CHECK(counts == expected);
    }
}
