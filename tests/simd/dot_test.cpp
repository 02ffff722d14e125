#include <pith/simd/dot.hpp>
#include <pith/simd/dot_exact.hpp>

#include <array>
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

template <class A, class B>
std::int64_t product_sum(std::span<A> a, std::span<B> b) {
    std::int64_t sum = 0;
    for (std::size_t i = 0; i < a.size(); ++i) sum += std::int64_t{a[i]} * b[i];
    return sum;
}

template <class A, class B>
void check_dot() {
    area left, right;
    numbers next(1);
    std::size_t wrong = 0;
    everywhere(sizeof(A), [&](std::size_t n, std::size_t place) {
        const std::span<A> a = left.take<A>(n, place);
        const std::span<B> b = right.take<B>(n, place == at_end ? at_end : (place * 7 + 8) % 64);
        fill_bits(a, next);
        fill_bits(b, next);
        const std::span<const A> x = a;
        const std::span<const B> y = b;
        const auto expected = static_cast<std::int32_t>(static_cast<std::uint32_t>(product_sum(a, b)));
        wrong += simd::dot(x, y) != expected;
        wrong += simd::twin::dot<native>(x, y) != expected;
        if constexpr (std::is_same_v<A, std::int16_t>) {
            wrong += simd::dot_wide(x, y) != product_sum(a, b);
            wrong += simd::twin::dot_wide<native>(x, y) != product_sum(a, b);
        }
    });
    CHECK(wrong == 0);
}

}  // namespace

TEST_CASE("integer dot products are the sum of products at every size and place") {
    INFO(native::name);
    check_dot<std::int8_t, std::int8_t>();
    check_dot<std::uint8_t, std::int8_t>();
    check_dot<std::int16_t, std::int16_t>();
}

TEST_CASE("integer dot products are right where every product is extreme") {
    for (const std::size_t n : {1U, 31U, 64U, 1000U, 65793U}) {
        CAPTURE(n);
        const auto count = static_cast<std::int64_t>(n);
        const std::vector<std::int8_t> low(n, -128);
        const std::vector<std::uint8_t> high(n, 255);
        const std::vector<std::int16_t> low16(n, -32768);
        const std::vector<std::int16_t> high16(n, 32767);
        CHECK(simd::dot(std::span<const std::int8_t>(low), std::span<const std::int8_t>(low)) ==
              count * 16384);
        CHECK(simd::dot(std::span<const std::uint8_t>(high), std::span<const std::int8_t>(low)) ==
              count * -32640);
        CHECK(simd::dot_wide(low16, low16) == count * 1073741824);
        CHECK(simd::dot_wide(low16, high16) == count * -1073709056);
    }
}

TEST_CASE("the exact float dot product equals its twin and one frozen result on every machine") {
    area left, right;
    numbers next(2);
    std::size_t wrong = 0;
    std::uint64_t digest = 0;
    everywhere(4, [&](std::size_t n, std::size_t place) {
        const std::span<float> a = left.take<float>(n, place);
        const std::span<float> b = right.take<float>(n, place == at_end ? at_end : (place * 3 + 4) % 64);
        fill_values(a, next);
        fill_values(b, next);
        const float kernel = simd::dot_exact(a, b);
        wrong += !same_bits(kernel, simd::twin::dot_exact<native>(a, b));
        digest = (digest ^ std::bit_cast<std::uint32_t>(kernel)) * 0x100000001B3U;
    });
    CHECK(wrong == 0);
    CHECK(digest == 0xC38E8F4AC14B0B26U);
}

TEST_CASE("the exact float dot product adds in sixteen lanes and a tree") {
    numbers next(3);
    std::vector<float> a(1003), b(1003);
    fill_values(a, next);
    fill_values(b, next);
    std::array<float, 16> lanes{};
    for (std::size_t i = 0; i < a.size(); ++i) {
        volatile float product = a[i] * b[i];  // rounded
        lanes[i % 16] += product;
    }
    for (const std::size_t half : {8U, 4U, 2U, 1U})
        for (std::size_t l = 0; l < half; ++l) lanes[l] += lanes[l + half];
    CHECK(same_bits(simd::dot_exact(a, b), lanes[0]));
}

TEST_CASE("the fast float dot product is within its bound at every size and place") {
    area left, right;
    numbers next(4);
    std::size_t wrong = 0;
    everywhere(4, [&](std::size_t n, std::size_t place) {
        const std::span<float> a = left.take<float>(n, place);
        const std::span<float> b = right.take<float>(n, place);
        fill_values(a, next);
        fill_values(b, next);
        double exact = 0, magnitude = 0;
        for (std::size_t i = 0; i < n; ++i) {
            exact += double{a[i]} * double{b[i]};
            magnitude += std::abs(double{a[i]} * double{b[i]});
        }
        const double bound = static_cast<double>(n + 1) * 0x1p-23 * magnitude;
        wrong += !(std::abs(double{simd::dot_fast(a, b)} - exact) <= bound);
    });
    CHECK(wrong == 0);
}
