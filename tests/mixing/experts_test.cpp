// The experts of byte-wise mixing, each on data that it is made for.
#include <pith/mixing/byte_match.hpp>
#include <pith/mixing/high_orders.hpp>
#include <pith/mixing/hit_rate.hpp>
#include <pith/mixing/word_trie.hpp>

#include <cstdint>
#include <string>

#include "entropy/block_laws.hpp"
#include "support/catch.hpp"

namespace mixing = pith::mixing;
using block_laws::bytes;

namespace {

using small_match = mixing::byte_match<4096>;
using small_words = mixing::word_trie<mixing::context_room{1, 4096, 1, 4096}>;
using small_orders = mixing::high_orders<5, 8, mixing::context_room{4, 16384, 1, 4096}>;
static_assert(mixing::byte_expert<small_match> && mixing::byte_expert<small_words> &&
              mixing::byte_expert<small_orders>);

bytes of(const std::string& text) { return bytes(text.begin(), text.end()); }

std::string repeated(const std::string& text, int times) {
    std::string out;
    for (int i = 0; i < times; ++i) out += text;
    return out;
}

/// Runs an expert to the end of the data, checks its laws on the way, and keeps its last word.
template <class Expert>
struct reader {
    Expert expert;
    mixing::byte_distribution out;
    std::uint32_t share = 0;

    void read(const bytes& data) {
        expert.reset(data.size());
        mixing::block_history history{data.data(), 0, 0};
        for (;;) {
            share = expert.look_up(history);
            REQUIRE(share <= 65535);
            for (unsigned s = 0; s < 256; ++s) out.set(static_cast<std::uint8_t>(s), 0);
            if (share != 0) {
                expert.spread(out, 1U << 30);
                out.sum_up();
                REQUIRE(out.sum(0, 0) <= 1U << 30);
                REQUIRE(out.sum(0, 0) >= (1U << 30) - 4096);
            }
            if (history.size == data.size()) return;
            const std::uint8_t byte = data[history.size];
            history.push(byte);
            expert.prepare(history);
            expert.update(byte);
        }
    }
    [[nodiscard]] double probability(char c) const {
        return out.mass_of(static_cast<std::uint8_t>(c)) / 1073741824.0;
    }
};

}  // namespace

TEST_CASE("experts keep their laws on data of all kinds") {
    for (unsigned kind = 0; kind < block_laws::kinds; ++kind)
        for (const std::size_t n : {0U, 1U, 5U, 40U, 3000U}) {
            CAPTURE(kind, n);
            const bytes data = block_laws::sample(kind, n);
            reader<small_match>{}.read(data);
            reader<small_words>{}.read(data);
            reader<small_orders>{}.read(data);
        }
}

TEST_CASE("a match predicts what followed and is trusted more as it goes on") {
    reader<small_match> r;
    r.read(of("a phrase to be repeated, then something else. a phr"));
    CHECK(r.probability('a') == 1);
    const std::uint32_t young = r.share;
    r.read(of("a phrase to be repeated, then something else. a phrase to be repeat"));
    CHECK(r.probability('e') == 1);
    CHECK(r.share > young);
    r.read(of("nothing here comes back"));
    CHECK(r.share == 0);
}

TEST_CASE("the longest repetition wins") {
    reader<small_match> r;
    // The last four bytes were last followed by X, the last twelve by Y.
    r.read(of("0123456789abcdefY....cdefX....456789abcdef"));
    CHECK(r.probability('Y') == 1);
}

TEST_CASE("a word's beginning predicts its letters and its end, whatever its case") {
    const std::string words = repeated("the house stands. the house falls, ", 20);
    reader<small_words> r;
    r.read(of(words + "the hous"));
    CHECK(r.probability('e') > 0.99);
    r.read(of(words + "The Hous"));
    CHECK(r.probability('e') > 0.99);
    r.read(of(words + "the house"));
    CHECK(r.probability(' ') > 0.08);
    CHECK(r.probability(' ') == r.probability('.'));
    r.read(of(words + "the "));
    CHECK(r.probability('h') > 0.99);
    CHECK(r.share > 0);
    r.read(of(words + "xq"));
    CHECK(r.share == 0);
}

TEST_CASE("long contexts speak from the fourth time on, the longer the louder") {
    reader<small_orders> r;
    r.read(of(repeated("12345678A", 3) + "12345678"));
    CHECK(r.share == 0);
    r.read(of(repeated("12345678A", 6) + "12345678"));
    CHECK(r.probability('A') > 0.999);
    const std::uint32_t order8 = r.share;
    r.read(of(repeated("12345678A", 6) + "__45678"));
    CHECK(r.probability('A') > 0.999);
    CHECK(r.share > 0);
    CHECK(r.share < order8);
}

TEST_CASE("a hit rate is the share of hits, and forgets") {
    mixing::hit_rate rate;
    CHECK(rate.value() == 32768);
    for (int i = 0; i < 98; ++i) rate.update(true);
    CHECK(rate.value() == 65536 * 99 / 100);
    for (int i = 0; i < 100000; ++i) rate.update(i % 4 == 0);
    CHECK(rate.value() > 65536 * 24 / 100);
    CHECK(rate.value() < 65536 * 26 / 100);
    for (int i = 0; i < 5000; ++i) rate.update(true);
    CHECK(rate.value() > 65000);
    CHECK(rate.value() <= 65536);
}
