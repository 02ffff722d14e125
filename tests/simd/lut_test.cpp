#include <pith/simd/lut.hpp>

#include <bit>
#include <vector>

#include "simd/memory.hpp"
#include "support/catch.hpp"

namespace {

using namespace simd_test;
namespace simd = pith::simd;
using simd::native;

template <class T>
std::array<T, 16> some_table() {
    std::array<T, 16> table{};
    numbers next(5);
    fill_bits(std::span<T>(table), next);
    return table;
}

}  // namespace

TEST_CASE("codes are looked up at every size and place, in place too") {
    const simd::byte_table table = some_table<std::uint8_t>();
    area from, to;
    numbers next(6);
    std::size_t wrong = 0;
    everywhere(1, [&](std::size_t n, std::size_t place) {
        const auto codes = from.take<std::uint8_t>(n, place);
        const auto out = to.take<std::uint8_t>(n, place == at_end ? at_end : (place * 5 + 3) % 64);
        fill_bits(codes, next);
        std::vector<std::uint8_t> expected, twin(n);
        for (const std::uint8_t c : codes) expected.push_back(table[c % 16]);
        simd::look_up(codes, table, out);
        simd::twin::look_up<native>(codes, table, twin);
        wrong += !same_bits<std::uint8_t>(out, expected) || !same_bits<std::uint8_t>(twin, expected);
        simd::look_up(codes, table, codes);
        wrong += !same_bits<std::uint8_t>(codes, expected) || !to.intact() || !from.intact();
    });
    CHECK(wrong == 0);
}

TEMPLATE_TEST_CASE("packed pairs of codes are looked up at every size and place", "", std::uint8_t, float) {
    const auto table = some_table<TestType>();
    area from, to;
    numbers next(7);
    std::size_t wrong = 0;
    everywhere(sizeof(TestType), [&](std::size_t n, std::size_t place) {
        const auto packed =
            from.take<std::uint8_t>((n + 1) / 2, place == at_end ? at_end : (place * 5 + 3) % 64);
        const auto out = to.take<TestType>(n, place);
        fill_bits(packed, next);
        std::vector<TestType> expected, twin(n);
        for (std::size_t i = 0; i < n; ++i) expected.push_back(table[(packed[i / 2] >> (i % 2 * 4)) & 15]);
        simd::look_up_nibbles(packed, table, out);
        simd::twin::look_up_nibbles<native, TestType>(packed, table, twin);
        wrong += !same_bits<TestType>(out, expected) || !same_bits<TestType>(twin, expected) || !to.intact();
    });
    CHECK(wrong == 0);
}
