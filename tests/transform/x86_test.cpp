#include <pith/transform/x86.hpp>

#include <vector>

#include <pith/core/random.hpp>
#include <pith/transform/concepts.hpp>

#include "support/catch.hpp"

using namespace pith;
using transform::x86_branches;
using bytes = std::vector<std::uint8_t>;

static_assert(transform::byte_permutation<x86_branches>);

namespace {

// Bytes of a small alphabet in which operands overlap and sit at the edges of what fits.
bytes adversarial(std::size_t n, std::uint64_t seed, std::uint32_t share) {
    constexpr std::uint8_t alphabet[] = {0xE8, 0xE9, 0x00, 0xFF, 0x7F, 0x80, 0x01};
    random_sequence random(seed);
    bytes out(n);
    for (std::uint8_t& b : out)
        b = random.below(100) < share ? alphabet[random.below(7)] : static_cast<std::uint8_t>(random());
    return out;
}

void check_both_ways(const bytes& original, std::uint64_t origin) {
    bytes block = original;
    x86_branches::forward(block, origin);
    x86_branches::inverse(block, origin);
    CHECK(block == original);
    x86_branches::inverse(block, origin);
    x86_branches::forward(block, origin);
    CHECK(block == original);
}

}  // namespace

TEST_CASE("calls of one function from two places become equal bytes, highest byte first") {
    bytes code(100, 0x90);
    const auto call = [&](std::size_t at, std::uint32_t target) {
        code[at] = 0xE8;
        store_le<std::uint32_t>(code.data() + at + 1, target - static_cast<std::uint32_t>(at + 5));
    };
    call(10, 60);
    call(80, 60);
    bytes block = code;
    x86_branches::forward(block);
    const bytes expected{0xE8, 0, 0, 0, 60};
    CHECK(bytes(block.begin() + 10, block.begin() + 15) == expected);
    CHECK(bytes(block.begin() + 80, block.begin() + 85) == expected);
    x86_branches::inverse(block);
    CHECK(block == code);
}

TEST_CASE("a block cut from a file has the targets that the whole file has") {
    bytes file(3000, 0x90);
    file[2500] = 0xE9;
    store_le<std::uint32_t>(file.data() + 2501, 700U);
    bytes whole = file;
    x86_branches::forward(whole);
    bytes part(file.begin() + 2000, file.end());
    x86_branches::forward(part, 2000);
    CHECK(part == bytes(whole.begin() + 2000, whole.end()));
}

TEST_CASE("the branch transform is a bijection of blocks of every size") {
    for (std::size_t n = 0; n <= 300; ++n)
        for (const std::uint32_t share : {0U, 50U, 95U, 100U}) {
            check_both_ways(adversarial(n, n, share), 0);
            check_both_ways(adversarial(n, n + 1000, share), 0xFFFF'FFF0U + n);
        }
    check_both_ways(adversarial(1'000'003, 1, 60), 0);
    check_both_ways(adversarial((std::size_t{1} << 23) + 7, 2, 30), std::uint64_t{1} << 40);
}

TEST_CASE("every operand of a small family survives behind a branch") {
    constexpr std::uint8_t edge[] = {0x00, 0x01, 0x7F, 0x80, 0xE8, 0xFE, 0xFF};
    for (const std::uint8_t a : edge)
        for (const std::uint8_t b : edge)
            for (const std::uint8_t c : edge)
                for (const std::uint8_t d : edge) {
                    check_both_ways({0xE8, a, b, c, d}, 0);
                    check_both_ways({0xE8, a, b, c, d, a, b, c, d}, 0xFF'FFF0);
                }
}

TEST_CASE("bytes without branches stay as they are") {
    bytes block = adversarial(10'000, 3, 0);
    for (std::uint8_t& b : block) b = (b & 0xFE) == 0xE8 ? std::uint8_t{0} : b;
    const bytes before = block;
    x86_branches::forward(block);
    CHECK(block == before);
}
