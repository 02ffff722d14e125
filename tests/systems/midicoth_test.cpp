#include <pith/systems/lossless.hpp>

#include <pith/core/checksum.hpp>

#include <cstdint>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "entropy/block_laws.hpp"
#include "support/catch.hpp"

namespace mixing = pith::mixing;
using block_laws::bytes;
using pith::systems::midicoth;

static_assert(pith::entropy::block_coder<midicoth>);
static_assert(midicoth::recipe == 0x50);
static_assert(midicoth::memory <= 500'000'000);
static_assert(sizeof(midicoth) <= 65536);

namespace {

struct part_identity {
    static constexpr std::uint32_t recipe = 0x8000'0000;
    static constexpr const char* name = "part";
};
using model = mixing::linear_blend<mixing::ppm<4>, mixing::byte_match<>, mixing::word_trie<>,
                                   mixing::high_orders<5, 8>>;

/// Sentences from a small grammar: words, capitals, numbers and lines.
bytes made_up_text(std::size_t n, std::uint64_t seed) {
    static const char* const nouns[] = {"river",  "engine",   "window", "Alice",    "theorem", "garden",
                                        "signal", "mountain", "reader", "question", "morning", "coder"};
    static const char* const verbs[] = {"carries",   "answers", "forgets",  "follows",
                                        "describes", "opens",   "measures", "keeps"};
    static const char* const links[] = {"and then", "because", "while", "although", "so that", "before"};
    block_laws::generator g{seed};
    const auto skewed = [&](std::uint32_t size) {
        const std::uint32_t a = (g.next() >> 8) % size;
        return a * ((g.next() >> 8) % size) / size;
    };
    std::string out;
    while (out.size() < n) {
        out += g.next() % 3 == 0 ? "A " : "The ";
        for (;;) {
            out += nouns[skewed(12)];
            out += ' ';
            out += verbs[skewed(8)];
            out += " the ";
            out += nouns[skewed(12)];
            if (g.next() % 3 != 0) break;
            out += std::string(", ") + links[skewed(6)] + " the ";
        }
        if (g.next() % 5 == 0) out += " in " + std::to_string(1800 + g.next() % 220);
        out += g.next() % 4 == 0 ? ".\n" : ". ";
    }
    out.resize(n);
    return {out.begin(), out.end()};
}

/// The prose that every checkout has: the licence and the description of the formats.
bytes project_text() {
    bytes out;
    for (const char* const name : {"/../LICENSE", "/../FORMAT.md"}) {
        std::ifstream file(std::string(PITH_TEST_FOLDER) + name, std::ios::binary);
        REQUIRE(file);
        out.insert(out.end(), std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
    }
    return out;
}

/// Records of twelve bytes with counters, small numbers and noise.
bytes made_up_records(std::size_t n) {
    block_laws::generator g{321};
    bytes out;
    for (std::uint32_t i = 0; out.size() < n; ++i) {
        const std::uint32_t r = g.next();
        for (unsigned k = 0; k < 4; ++k) out.push_back(static_cast<std::uint8_t>(i >> (8 * k)));
        for (unsigned k = 0; k < 4; ++k) out.push_back(static_cast<std::uint8_t>(k == 0 ? r % 7 : 0));
        for (unsigned k = 0; k < 4; ++k) out.push_back(static_cast<std::uint8_t>(k < 2 ? 255 : r >> (8 * k)));
    }
    out.resize(n);
    return out;
}

template <class Coder>
std::size_t size_with(const bytes& data) {
    const auto coder = std::make_unique<Coder>();
    return block_laws::encoded(*coder, data).size();
}

}  // namespace

TEST_CASE("Midicoth keeps the laws of block coders") {
    const auto coder = std::make_unique<midicoth>();
    for (unsigned kind = 0; kind < block_laws::kinds; ++kind) {
        CAPTURE(kind);
        for (const std::size_t n : {0U, 1U, 2U, 3U, 7U, 64U, 300U, 4097U})
            block_laws::check_round_trip(*coder, block_laws::sample(kind, n));
        block_laws::check_damage(*coder, block_laws::sample(kind, 10));
    }
    block_laws::check_small_destinations(*coder, made_up_text(80, 1));
    block_laws::check_damage(*coder, made_up_text(60, 2));
    block_laws::check_round_trip(*coder, block_laws::fibonacci(18));
    block_laws::check_round_trip(*coder, made_up_text(40000, 3));
    block_laws::check_round_trip(*coder, made_up_records(30000));
}

TEST_CASE("each of Midicoth's parts makes text smaller") {
    using mixing::byte_mixture, mixing::linear_blend;
    using ppm = mixing::ppm<4>;
    using words = linear_blend<ppm, mixing::byte_match<>, mixing::word_trie<>>;
    const bytes text = project_text();
    const std::size_t with_ppm = size_with<byte_mixture<part_identity, linear_blend<ppm>>>(text);
    const std::size_t with_match =
        size_with<byte_mixture<part_identity, linear_blend<ppm, mixing::byte_match<>>>>(text);
    const std::size_t with_words = size_with<byte_mixture<part_identity, words>>(text);
    const std::size_t with_orders = size_with<byte_mixture<part_identity, model>>(text);
    const std::size_t denoised = size_with<midicoth>(text);
    CAPTURE(text.size(), with_ppm, with_match, with_words, with_orders, denoised);
    CHECK(with_match < with_ppm);
    CHECK(with_words < with_match);
    CHECK(with_orders < with_words);
    CHECK(denoised < with_orders - with_orders / 100);  // 2.4 % when this was written
}

TEST_CASE("the denoiser and long contexts gain on text of a small grammar") {
    const bytes text = made_up_text(50000, 4);
    using words = mixing::linear_blend<mixing::ppm<4>, mixing::byte_match<>, mixing::word_trie<>>;
    const std::size_t with_words = size_with<mixing::byte_mixture<part_identity, words>>(text);
    const std::size_t with_orders = size_with<mixing::byte_mixture<part_identity, model>>(text);
    const std::size_t denoised = size_with<midicoth>(text);
    CAPTURE(with_words, with_orders, denoised);
    CHECK(with_orders < with_words - with_words / 20);
    CHECK(denoised < with_orders - with_orders / 20);
}

TEST_CASE("a finer total is smaller") {
    const bytes text = made_up_text(30000, 5);
    const std::size_t coarse =
        size_with<mixing::byte_mixture<part_identity, model, mixing::denoiser<>, 14>>(text);
    CHECK(size_with<midicoth>(text) < coarse);
}

TEST_CASE("a block leaves nothing behind for the next one") {
    const auto used = std::make_unique<midicoth>();
    const bytes text = made_up_text(10000, 6);
    static_cast<void>(block_laws::encoded(*used, made_up_records(10000)));
    const auto fresh = std::make_unique<midicoth>();
    CHECK(block_laws::encoded(*used, text) == block_laws::encoded(*fresh, text));
}

TEST_CASE("Midicoth's bytes are frozen") {
    const auto coder = std::make_unique<midicoth>();
    const auto digest = [&](const bytes& data) {
        const bytes code = block_laws::encoded(*coder, data);
        return pith::xxh64_of(code);
    };
    CHECK(digest(made_up_text(1, 7)) == 0xD72B399497B579F4ULL);
    CHECK(digest(made_up_text(200, 7)) == 0x610BDC6CFC14BE53ULL);
    CHECK(digest(made_up_text(30000, 7)) == 0x8500795961C340A9ULL);
    CHECK(digest(made_up_records(10000)) == 0x6B447EA10E26765DULL);
    CHECK(digest(block_laws::sample(6, 5000)) == 0x221E43C06E014E07ULL);
    CHECK(digest(block_laws::sample(3, 3000)) == 0xB1525CE870651799ULL);
}
