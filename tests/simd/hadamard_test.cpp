#include <pith/simd/hadamard.hpp>

#include <bit>
#include <vector>

#include "simd/memory.hpp"
#include "support/catch.hpp"

namespace {

using namespace simd_test;
namespace simd = pith::simd;
using simd::native;

}  // namespace

TEST_CASE("the Hadamard transform equals its twin and one frozen result on every machine") {
    area memory;
    numbers next(16);
    std::uint64_t digest = 0;
    for (std::size_t n = 0; n <= 1024; n = n == 0 ? 1 : 2 * n)
        for (std::size_t place = 0; place <= at_end; place += 4) {
            CAPTURE(n, place);
            const auto x = memory.take<float>(n, place);
            fill_values(x, next);
            std::vector<float> twin(x.begin(), x.end());
            simd::hadamard(x);
            simd::twin::hadamard<native>(twin);
            REQUIRE(same_bits<float>(x, twin));
            REQUIRE(memory.intact());
            for (const float v : x) digest = (digest ^ std::bit_cast<std::uint32_t>(v)) * 0x100000001B3U;
        }
    CHECK(digest == 0x07E2DE1012333A23U);
}

TEST_CASE("the Hadamard transform is the matrix of signs (-1)^popcount(i and j)") {
    for (std::size_t n = 1; n <= 256; n *= 2) {
        std::vector<float> x(n);
        numbers next(17);
        for (float& v : x) v = static_cast<float>(next() % 2048) - 1024;  // sums are exact
        const std::vector<float> original = x;
        simd::hadamard(x);
        for (std::size_t i = 0; i < n; ++i) {
            float expected = 0;
            for (std::size_t j = 0; j < n; ++j)
                expected += std::popcount(i & j) % 2 == 0 ? original[j] : -original[j];
            REQUIRE(x[i] == expected);
        }
        simd::hadamard(x);
        for (std::size_t i = 0; i < n; ++i) REQUIRE(x[i] == static_cast<float>(n) * original[i]);
    }
}
