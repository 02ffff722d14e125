#include <pith/core/bytes.hpp>

#include <array>
#include <cstdint>
#include <vector>

#include "support/catch.hpp"

namespace {
constexpr std::array<std::uint64_t, 4> numbers{0, 300, ~std::uint64_t{0}, 127};

std::vector<std::uint8_t> written() {
    std::vector<std::uint8_t> bytes;
    pith::vector_sink sink(bytes);
    for (const std::uint64_t v : numbers) pith::put_varint(sink, v);
    return bytes;
}
}  // namespace

TEST_CASE("several base-128 integers are read as one after the other, and what follows stays") {
    std::vector<std::uint8_t> bytes = written();
    bytes.push_back(0xAB);
    pith::byte_reader reader(bytes);
    std::array<std::uint64_t, numbers.size()> read{};
    REQUIRE(reader.read_varints(read));
    CHECK(read == numbers);
    REQUIRE(reader.read_varints({}));
    CHECK(reader.position() == bytes.size() - 1);
}

TEST_CASE("several base-128 integers fail as the first that cannot be read does, at the same byte") {
    std::vector<std::vector<std::uint8_t>> broken;
    const std::vector<std::uint8_t> whole = written();
    for (std::size_t n = 0; n < whole.size(); ++n)
        broken.emplace_back(whole.begin(), whole.begin() + long(n));
    broken.push_back({0, 0x80, 0});  // longer than it needs
    broken.push_back({7, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 2, 1, 1});  // over 64 bits
    for (const std::vector<std::uint8_t>& bytes : broken) {
        CAPTURE(bytes);
        pith::byte_reader one(bytes), all(bytes);
        pith::error wrong;
        for (std::size_t i = 0; i < numbers.size(); ++i) {
            const auto v = one.read_varint();
            if (v) continue;
            wrong = v.error();
            break;
        }
        std::array<std::uint64_t, numbers.size()> read{};
        const auto got = all.read_varints(read);
        REQUIRE_FALSE(got);
        CHECK(got.error() == wrong);
        CHECK(all.position() == one.position());
    }
}
