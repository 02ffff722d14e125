// Meta-tokens: round trips, the form by hand, what pays, and every damage to small sequences.
#include <pith/core/checksum.hpp>
#include <pith/core/random.hpp>
#include <pith/systems/tokens.hpp>

#include <vector>

#include "support/catch.hpp"

namespace {

using pith::error_code;
using pith::systems::meta_tokens;
using tokens = std::vector<std::uint32_t>;

/// Words of a few tokens and whole passages that recur, and noise.
tokens sample(std::size_t size, std::uint32_t alphabet, std::uint64_t seed) {
    pith::random_sequence random(seed);
    tokens out;
    while (out.size() < size) {
        if (out.size() > 50 && random.below(4) == 0) {
            const std::size_t from = random.below(static_cast<std::uint32_t>(out.size() - 40));
            const std::size_t n = 2 + random.below(38);
            for (std::size_t i = 0; i < n; ++i) out.push_back(out[from + i]);
        } else {
            out.push_back(random.below(alphabet));
        }
    }
    out.resize(size);
    return out;
}

tokens checked(const meta_tokens& system, const tokens& in) {
    const tokens out = system.encode(in);
    REQUIRE(out.size() <= in.size());
    const auto back = system.decode(out);
    REQUIRE(back);
    REQUIRE(*back == in);
    return out;
}

error_code fault(const tokens& in, const pith::limits& bound = {}) {
    const auto got = meta_tokens(10).decode(in, bound);
    REQUIRE_FALSE(got);
    CHECK(got.error().offset <= in.size());
    return got.error().code;
}

}  // namespace

TEST_CASE("sequences of all sizes come back, and none gets longer") {
    for (const std::uint32_t alphabet : {1U, 2U, 30U, 50000U})
        for (std::size_t size = 0; size <= 150; ++size)
            checked(meta_tokens(alphabet), sample(size, alphabet, size));
    for (const std::size_t longest : {2U, 3U, 7U, 100U, 5000U})
        checked(meta_tokens(300, longest), sample(4000, 300, longest));
    CHECK(checked(meta_tokens(1000), sample(20000, 1000, 1)).size() < 18000);
}

TEST_CASE("a phrase is defined in front and numbered by its first use") {
    const tokens in = {7, 1, 2, 3, 4, 5, 6, 8, 1, 2, 3, 4, 8, 5, 6, 9, 5, 6, 7, 5, 6, 9, 9, 1, 2, 3, 4};
    CHECK(checked(meta_tokens(10), in) ==
          tokens{11, 1, 2, 3, 4, 12, 5, 6, 10, 7, 11, 12, 8, 11, 8, 12, 9, 12, 7, 12, 9, 9, 11});
    const tokens once = {1, 2, 3, 1, 2, 3, 4};  // what would be saved is what the definition takes
    CHECK(meta_tokens(10).encode(once) == once);
    STATIC_REQUIRE(meta_tokens::pays(2, 4));
    STATIC_REQUIRE(!meta_tokens::pays(2, 3));
    STATIC_REQUIRE(!meta_tokens::pays(100, 1));
}

TEST_CASE("token streams that no encoder writes are refused") {
    CHECK(fault({1, 10, 2}) == error_code::bad_stream);  // the end of phrases in their absence
    CHECK(fault({10, 1}) == error_code::bad_header);     // no phrases, but their end
    CHECK(fault({12, 1, 2, 10, 12}) == error_code::bad_header);
    CHECK(fault({11, 1, 10, 11, 11}) == error_code::bad_header);
    CHECK(fault({11, 1, 2}) == error_code::truncated);
    CHECK(fault({11, 1, 2, 3, 4, 5, 10, 11, 12}) == error_code::bad_stream);
    CHECK(fault({11, 1, 2, 10, 11, 11}) == error_code::bad_stream);          // it does not pay
    CHECK(fault({11, 1, 2, 10, 11, 11, 11, 11}) == error_code::bad_stream);  // no shorter
    CHECK(fault({4'000'000'000, 1, 2}) == error_code::bad_header);
    const tokens good = {11, 1, 2, 3, 10, 11, 11, 11, 11};
    CHECK(meta_tokens(10).decode(good));
    CHECK(fault(good, {.max_output = 47}) == error_code::limit_exceeded);
    CHECK(fault(good, {.max_memory = 47}) == error_code::limit_exceeded);
}

TEST_CASE("damage to a shortened sequence is found or harmless") {
    const meta_tokens system(40);
    const tokens code = checked(system, sample(120, 40, 5));
    REQUIRE(code[0] >= 40);
    const auto survives = [&](const tokens& damaged) {
        const auto got = system.decode(damaged, {.max_output = 1 << 16});
        CHECK((!got || got->size() <= 1 << 14));
    };
    for (std::size_t at = 0; at < code.size(); ++at) {
        for (unsigned bit = 0; bit < 32; ++bit) {
            tokens damaged = code;
            damaged[at] ^= std::uint32_t{1} << bit;
            survives(damaged);
        }
        survives(tokens(code.begin(), code.begin() + static_cast<std::ptrdiff_t>(at)));
    }
}

TEST_CASE("the sequences of meta-tokens are frozen") {
    std::vector<std::uint8_t> stored;
    pith::vector_sink sink(stored);
    for (const std::uint32_t t : meta_tokens(500).encode(sample(5000, 500, 6)))
        pith::put_le<std::uint32_t>(sink, t);
    CHECK(pith::xxh64_of(stored) == 0x94713CB407EF1280U);
}
