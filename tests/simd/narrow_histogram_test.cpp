#include <pith/simd/narrow_histogram.hpp>

#include <array>
#include <cstring>

#include "simd/memory.hpp"
#include "support/catch.hpp"

namespace {

using namespace simd_test;
namespace simd = pith::simd;

/// The number of errors in the counts of every Step-th byte and in their range.
template <std::size_t Step>
unsigned errors(std::span<const std::uint8_t> in) {
    std::uint16_t expected[256] = {}, counts[256], twin[256];
    std::memset(counts, 0xAA, sizeof counts);
    std::memset(twin, 0xAA, sizeof twin);
    unsigned low = 0, high = 0;
    for (std::size_t i = 0; i < in.size(); i += Step) {
        const unsigned v = in[i];
        ++expected[v];
        if (v != 0) low = low == 0 || v < low ? v : low;
        high = v > high ? v : high;
    }
    const simd::value_range a = simd::narrow_histogram<Step>(in.data(), in.size(), counts);
    const simd::value_range b = simd::twin::narrow_histogram<Step>(in.data(), in.size(), twin);
    unsigned out = std::memcmp(counts, expected, sizeof counts) != 0 ? 1 : 0;
    out += std::memcmp(twin, expected, sizeof twin) != 0 ? 1 : 0;
    out += a.lowest != low || a.highest != high ? 1 : 0;
    return out + (b.lowest != low || b.highest != high ? 1 : 0);
}

}  // namespace

TEST_CASE("a narrow histogram has the number of every value, and the lowest and highest besides zero") {
    area memory;
    numbers next(77);
    unsigned wrong = 0;
    for (const std::size_t n : {0U, 1U, 31U, 32U, 63U, 64U, 96U, 512U, 1000U, 1024U, 1056U, 2048U, 2112U})
        for (const unsigned span : {1U, 2U, 5U, 31U, 40U, 41U, 42U, 256U})
            for (const unsigned top : {0U, 1U, 3U, 40U, 127U, 252U, 255U})
                for (const unsigned zeros : {0U, 3U, 1U}) {
                    const auto in = memory.take<std::uint8_t>(n, at_end);
                    for (std::uint8_t& v : in) {
                        const std::uint64_t r = next();
                        const unsigned drop = static_cast<unsigned>(r >> 8) % span;
                        v = static_cast<std::uint8_t>(top > drop ? top - drop : 0);
                        if (zeros != 0 && (r >> 40) % zeros == 0) v = 0;
                    }
                    wrong += errors<1>(in) + errors<2>(in);
                }
    CHECK(wrong == 0);
}
