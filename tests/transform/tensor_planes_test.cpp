#include <pith/transform/float_planes.hpp>
#include <pith/transform/tensor_delta.hpp>

#include <cstdint>
#include <vector>

#include "support/catch.hpp"

using namespace pith;
using namespace pith::transform;

namespace {

using bytes = std::vector<std::uint8_t>;

bytes noise(std::size_t n, std::uint64_t seed) {
    std::uint64_t state = seed * 77 + 0x9E37'79B9'7F4A'7C15U;
    bytes out(n);
    for (auto& b : out) {
        state ^= state << 13, state ^= state >> 7, state ^= state << 17;
        b = static_cast<std::uint8_t>(state >> 40);
    }
    return out;
}

template <class Delta>
void check_delta(std::size_t width) {
    const bytes values = noise(64 * width, 1), base = noise(64 * width, 2);
    bytes delta(values.size()), back(values.size());
    Delta::forward(values, base, width, delta);
    Delta::inverse(delta, base, width, back);
    REQUIRE(back == values);
    Delta::forward(values, values, width, delta);
    REQUIRE(delta == bytes(values.size(), 0));
}

}  // namespace

TEST_CASE("planes of elements merge to the elements, for every width, order and odd length") {
    for (const std::size_t width : std::initializer_list<std::size_t>{1, 2, 4, 8})
        for (const plane_order order : {plane_order::plain, plane_order::exponent_first}) {
            if (width == 1 && order == plane_order::exponent_first) continue;
            for (const std::size_t n :
                 std::initializer_list<std::size_t>{0, 1, 2, 31, 32, 33, 63, 65, 255, 256, 257, 1000}) {
                const bytes words = noise(n * width, n);
                const std::size_t stride = n + 5;
                bytes planes(stride * width, 0xEE), back(words.size());
                split_elements(words, width, order, planes.data(), stride);
                for (std::size_t p = 0; p < width; ++p)
                    for (std::size_t k = n; k < stride; ++k) REQUIRE(planes[p * stride + k] == 0xEE);
                merge_elements(planes.data(), stride, width, order, back);
                REQUIRE(back == words);
            }
        }
}

TEST_CASE("the highest plane of a float is its exponent, the next begins with its sign") {
    const bytes bf16 = {0x81, 0xBF};  // 1 01111111 0000001
    std::uint8_t two[2];
    split_elements(bf16, 2, plane_order::exponent_first, two, 1);
    CHECK(two[1] == 0x7F);
    CHECK(two[0] == 0x81);
    const bytes f32 = {0x03, 0x02, 0x81, 0xBF};
    std::uint8_t four[4];
    split_elements(f32, 4, plane_order::exponent_first, four, 1);
    CHECK(four[3] == 0x7F);
    CHECK(four[2] == 0x81);
    CHECK(four[1] == 0x02);
    CHECK(four[0] == 0x03);
}

TEST_CASE("differences to a base undo, and equal tensors differ by zeros") {
    for (const std::size_t width : std::initializer_list<std::size_t>{1, 2, 4, 8}) {
        check_delta<xor_delta>(width);
        check_delta<rank_delta<true>>(width);
        check_delta<rank_delta<false>>(width);
    }
}

TEST_CASE("neighbours in the order of floats differ by one, across zero too") {
    const auto difference = [](std::uint16_t value, std::uint16_t base) {
        std::uint8_t v[2], b[2], d[2];
        store_le<std::uint16_t>(v, value);
        store_le<std::uint16_t>(b, base);
        rank_delta<true>::forward(v, b, 2, d);
        return load_le<std::uint16_t>(d);
    };
    CHECK(difference(0x3F80, 0x3F7F) == 2);  // up by one
    CHECK(difference(0x3F7F, 0x3F80) == 1);  // down by one
    CHECK(difference(0xBF80, 0xBF7F) == 1);
    CHECK(difference(0x0000, 0x8000) == 2);
    CHECK(difference(0x8000, 0x0000) == 1);
}
