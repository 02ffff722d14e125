#include <pith/transform/detect.hpp>
#include <pith/transform/stride.hpp>

#include <string>
#include <vector>

#include <pith/core/random.hpp>

#include "support/catch.hpp"

using namespace pith;
using transform::block_description;
using transform::block_kind;
using transform::describe_block;
using transform::detect_stride;
using bytes = std::vector<std::uint8_t>;

namespace {

bytes noise(std::size_t n, std::uint64_t seed) {
    random_sequence random(seed);
    bytes out(n);
    for (std::uint8_t& b : out) b = static_cast<std::uint8_t>(random());
    return out;
}

// Rows that differ from the row before in one byte of eight.
bytes rows(std::size_t n, std::size_t length, std::uint64_t seed) {
    random_sequence random(seed);
    bytes out = noise(n, seed + 1);
    for (std::size_t i = length; i < n; ++i)
        if (random.below(8) != 0) out[i] = out[i - length];
    return out;
}

// A walk of little-endian samples, `channels` of them in turn.
bytes samples(std::size_t n, std::size_t width, std::size_t channels) {
    random_sequence random(77);
    std::vector<std::uint32_t> level(channels, 1U << (8 * width - 1));
    bytes out;
    for (std::size_t k = 0; out.size() < n; ++k) {
        std::uint32_t& v = level[k % channels];
        v += random.below(301) - 150;
        for (std::size_t b = 0; b < width; ++b) out.push_back(static_cast<std::uint8_t>(v >> (8 * b)));
    }
    out.resize(n);
    return out;
}

bytes text(std::size_t n, std::uint64_t seed) {
    const char* const words[] = {"the",
                                 "of",
                                 "Record",
                                 "length",
                                 "is",
                                 "found",
                                 "by",
                                 "what",
                                 "it",
                                 "saves",
                                 "and",
                                 "a",
                                 "gr\xC3\xB6\xC3\x9F",
                                 "in",
                                 "bytes",
                                 "no",
                                 "text",
                                 "has",
                                 "one",
                                 "language",
                                 "every",
                                 "1984",
                                 "which",
                                 "with",
                                 "under",
                                 "same",
                                 "Would"};
    random_sequence random(seed);
    std::string out;
    std::size_t line = 0;
    while (out.size() < n) {
        out += words[random.below(27)];
        for (std::uint32_t k = random.below(6); k > 1; --k) out += "etaoinshrdlu"[random.below(12)];
        const bool end = out.size() - line > 60 + random.below(20);
        out += random.below(9) == 0 ? "." : "";
        out += end ? "\n" : " ";
        if (end) line = out.size();
    }
    out.resize(n);
    return bytes(out.begin(), out.end());
}

// Moves, pushes and calls of a few functions.
bytes code(std::size_t n) {
    random_sequence random(5);
    bytes out;
    while (out.size() < n) {
        const std::uint32_t kind = random.below(6);
        if (kind == 0) {
            out.push_back(0xE8);
            const std::uint32_t target = random.below(40) * 512;
            for (unsigned b = 0; b < 4; ++b)
                out.push_back(static_cast<std::uint8_t>(
                    (target - static_cast<std::uint32_t>(out.size() + 4 - b)) >> (8 * b)));
        } else {
            out.push_back(kind < 3 ? std::uint8_t{0x8B} : std::uint8_t{0x50});
            for (std::uint32_t k = random.below(4); k > 0; --k)
                out.push_back(static_cast<std::uint8_t>(random()));
        }
    }
    out.resize(n);
    return out;
}

}  // namespace

TEST_CASE("the record length of rows is found for every length that occurs in practice") {
    for (const std::uint32_t length : {2U, 3U, 5U, 13U, 28U, 33U, 100U, 216U, 997U, 1920U, 4096U})
        CHECK(detect_stride(rows(65536, length, length)) == length);
    for (const std::uint32_t length : {2U, 7U, 24U, 64U})
        CHECK(detect_stride(rows(2001, length, 9)) == length);
}

TEST_CASE("samples of several bytes and channels have the stride of a frame") {
    CHECK(detect_stride(samples(65536, 2, 1)) == 2);
    CHECK(detect_stride(samples(65536, 3, 1)) == 3);
    CHECK(detect_stride(samples(50'001, 2, 2)) == 4);
    CHECK(detect_stride(samples(50'001, 3, 2)) == 6);
}

TEST_CASE("text, noise, constants and code have no stride") {
    for (const std::size_t n : {0U, 1U, 255U, 256U, 1000U, 4096U, 30'001U, 65'536U, 200'000U}) {
        CHECK(detect_stride(bytes(n, 0)) == 0);
        CHECK(detect_stride(noise(n, n)) == 0);
        CHECK(detect_stride(text(n, n)) == 0);
    }
    CHECK(detect_stride(code(65536)) == 0);
}

TEST_CASE("no size of block is too odd for detection") {
    for (std::size_t n = 0; n <= 600; ++n) {
        CHECK(detect_stride(rows(n, 3, n)) <= n / 4);
        CHECK(describe_block(text(n, n)).kind == (n == 0 ? block_kind::other : block_kind::text));
        const block_description noisy = describe_block(noise(n, n + 1));
        CHECK((n < 64 || noisy == block_description{}));
    }
}

TEST_CASE("a block is described as what it is") {
    for (const std::size_t n : {5000U, 65'536U, 65'537U, 300'000U}) {
        CHECK(describe_block(text(n, 1)) == block_description{block_kind::text, 0});
        CHECK(describe_block(rows(n, 24, 2)) == block_description{block_kind::records, 24});
        CHECK(describe_block(code(n)) == block_description{block_kind::x86, 0});
        CHECK(describe_block(noise(n, 3)) == block_description{block_kind::other, 0});
    }
}

TEST_CASE("a few odd windows do not change the description of a block") {
    bytes mixed = rows(65'536 * 8, 24, 4);
    const bytes words = text(65'536 * 2, 5);
    std::copy(words.begin(), words.end(), mixed.begin());
    CHECK(describe_block(mixed) == block_description{block_kind::records, 24});
}
