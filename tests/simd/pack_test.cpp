#include <pith/core/bits.hpp>
#include <pith/simd/pack.hpp>

#include <vector>

#include "simd/memory.hpp"
#include "support/catch.hpp"

namespace {

using namespace simd_test;
namespace simd = pith::simd;
using simd::native;

/// What the bit writer makes of the lowest bits of the codes.
std::vector<std::uint8_t> written(std::span<const std::uint8_t> codes, unsigned bits) {
    std::vector<std::uint8_t> bytes;
    pith::vector_sink sink(bytes);
    pith::bit_writer writer(sink);
    for (const std::uint8_t c : codes) writer.put(c & pith::low_mask(bits), bits);
    writer.finish();
    return bytes;
}

template <unsigned Bits>
void check_bits() {
    CAPTURE(Bits);
    area code_area, packed_area;
    numbers next(13);
    std::size_t wrong = 0;
    everywhere(1, [&](std::size_t n, std::size_t place) {
        const std::size_t size = simd::packed_size(n, Bits);
        const auto codes = code_area.take<std::uint8_t>(n, place);
        fill_bits(codes, next);
        const std::vector<std::uint8_t> expected = written(codes, Bits);
        const auto packed =
            packed_area.take<std::uint8_t>(size, place == at_end ? at_end : (place * 5 + 3) % 64);
        simd::pack<Bits>(codes, packed);
        std::vector<std::uint8_t> twin(size);
        simd::twin::pack<Bits, native>(codes, twin);
        wrong += !same_bits<std::uint8_t>(packed, expected) || !same_bits<std::uint8_t>(twin, expected);
        wrong += !packed_area.intact();

        for (std::uint8_t& c : codes) c &= static_cast<std::uint8_t>(pith::low_mask(Bits));
        const std::vector<std::uint8_t> original(codes.begin(), codes.end());
        fill_bits(codes, next);
        simd::unpack<Bits>(packed, codes);
        std::vector<std::uint8_t> back(n);
        simd::twin::unpack<Bits, native>(packed, back);
        wrong += !same_bits<std::uint8_t>(codes, original) || !same_bits<std::uint8_t>(back, original);
        wrong += !code_area.intact();
    });
    CHECK(wrong == 0);
}

}  // namespace

TEST_CASE("codes pack as the bit writer packs them and come back, at every size and place") {
    check_bits<1>();
    check_bits<2>();
    check_bits<3>();
    check_bits<4>();
    check_bits<5>();
    check_bits<6>();
    check_bits<7>();
    check_bits<8>();
}

TEST_CASE("the packed size is the number of bits, rounded up to bytes, and never overflows") {
    for (unsigned bits = 1; bits <= 8; ++bits) {
        for (std::size_t n = 0; n < 100; ++n) CHECK(simd::packed_size(n, bits) == (n * bits + 7) / 8);
        CHECK(simd::packed_size(~std::size_t{0}, bits) == (~std::size_t{0} >> 3) * bits + (7 * bits + 7) / 8);
    }
}
