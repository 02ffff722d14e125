#include <pith/core/checksum.hpp>

#include <cstring>
#include <vector>

#if __has_include(<xxhash.h>)
#    define XXH_INLINE_ALL
#    if defined(__GNUC__)
#        pragma GCC diagnostic push
#        pragma GCC diagnostic ignored "-Wconversion"
#        pragma GCC diagnostic ignored "-Wsign-conversion"
#        pragma GCC diagnostic ignored "-Wpedantic"
#    endif
#    include <xxhash.h>
#    if defined(__GNUC__)
#        pragma GCC diagnostic pop
#    endif
#endif

#include "support/catch.hpp"

namespace {

pith::byte_view text(const char* s) { return {reinterpret_cast<const std::uint8_t*>(s), std::strlen(s)}; }

// The buffer of the reference implementation's own self-test: bytes from a 32-bit multiplicative sequence.
std::vector<std::uint8_t> sanity_buffer(std::size_t n) {
    std::vector<std::uint8_t> out(n);
    std::uint64_t state = 2654435761U;
    for (std::uint8_t& b : out) {
        b = static_cast<std::uint8_t>(state >> 56);
        state *= 11400714785074694797ULL;
    }
    return out;
}

}  // namespace

TEST_CASE("XXH64 gives the published values") {
    const std::uint64_t prime32 = 2654435761U;
    const auto buffer = sanity_buffer(222);
    const auto of = [&](std::size_t n, std::uint64_t seed) {
        return pith::xxh64_of(pith::byte_view(buffer).first(n), seed);
    };
    CHECK(of(0, 0) == 0xEF46DB3751D8E999ULL);
    CHECK(of(0, prime32) == 0xAC75FDA2929B17EFULL);
    CHECK(of(1, 0) == 0xE934A84ADB052768ULL);
    CHECK(of(1, prime32) == 0x5014607643A9B4C3ULL);
    CHECK(of(14, 0) == 0x8282DCC4994E35C8ULL);
    CHECK(of(14, prime32) == 0xC3BD6BF63DEB6DF0ULL);
    CHECK(of(222, 0) == 0xB641AE8CB691C174ULL);
    CHECK(of(222, prime32) == 0x20CB8AB7AE10C14AULL);
    CHECK(pith::xxh64_of(text("a")) == 0xD24EC4F1A98C6E5BULL);
    CHECK(pith::xxh64_of(text("abc")) == 0x44BC2CF5AD770999ULL);
}

TEST_CASE("XXH64 does not depend on how the bytes are cut") {
    const auto buffer = sanity_buffer(200);
    for (std::size_t n : {0U, 1U, 31U, 32U, 33U, 64U, 97U, 200U}) {
        const auto whole = pith::byte_view(buffer).first(n);
        const std::uint64_t expected = pith::xxh64_of(whole, 7);
        for (std::size_t first = 0; first <= n; ++first) {
            for (std::size_t step : {1U, 5U, 32U, 100U}) {
                pith::xxh64 hash(7);
                hash.update(whole.first(first));
                for (std::size_t at = first; at < n; at += step)
                    hash.update(whole.subspan(at, step < n - at ? step : n - at));
                REQUIRE(hash.digest() == expected);
            }
        }
    }
}

#if __has_include(<xxhash.h>)
TEST_CASE("XXH64 equals the installed library for every length up to 600 and several seeds") {
    const auto buffer = sanity_buffer(600);
    for (std::uint64_t seed : {0ULL, 1ULL, ~0ULL, 0x0123456789ABCDEFULL})
        for (std::size_t n = 0; n <= buffer.size(); ++n)
            REQUIRE(pith::xxh64_of(pith::byte_view(buffer).first(n), seed) == XXH64(buffer.data(), n, seed));
}
#endif

TEST_CASE("CRC-32C gives the published values and can be chained") {
    CHECK(pith::crc32c(text("123456789")) == 0xE3069283U);
    CHECK(pith::crc32c(std::vector<std::uint8_t>(32, 0x00)) == 0x8A9136AAU);  // RFC 3720, B.4
    CHECK(pith::crc32c(std::vector<std::uint8_t>(32, 0xFF)) == 0x62A8AB43U);
    CHECK(pith::crc32c({}) == 0U);
    const auto buffer = sanity_buffer(77);
    const auto all = pith::byte_view(buffer);
    for (std::size_t cut = 0; cut <= all.size(); ++cut)
        REQUIRE(pith::crc32c(all.subspan(cut), pith::crc32c(all.first(cut))) == pith::crc32c(all));
}

TEST_CASE("every single-bit flip changes both checksums") {
    auto buffer = sanity_buffer(67);
    const std::uint64_t hash = pith::xxh64_of(buffer);
    const std::uint32_t crc = pith::crc32c(buffer);
    for (std::size_t bit = 0; bit < buffer.size() * 8; ++bit) {
        buffer[bit / 8] = static_cast<std::uint8_t>(buffer[bit / 8] ^ (1U << (bit % 8)));
        REQUIRE(pith::xxh64_of(buffer) != hash);
        REQUIRE(pith::crc32c(buffer) != crc);
        buffer[bit / 8] = static_cast<std::uint8_t>(buffer[bit / 8] ^ (1U << (bit % 8)));
    }
}
