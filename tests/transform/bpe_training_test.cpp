// Training of byte-pair vocabularies: the laws of criteria and tokenizers, merges known by hand, the claim.
#include <pith/core/checksum.hpp>
#include <pith/systems/tokens.hpp>

#include <cmath>
#include <map>
#include <string>
#include <vector>

#include "support/catch.hpp"
#include "systems/text_samples.hpp"

namespace {

using namespace pith::transform;
using bytes = std::vector<std::uint8_t>;

bytes of(const std::string& text) { return {text.begin(), text.end()}; }

std::vector<std::uint32_t> tokens_of(const scored_bpe& vocabulary, pith::byte_view text) {
    std::vector<std::uint32_t> out;
    std::uint32_t step[scored_bpe::max_step];
    while (!text.empty()) {
        const token_step s = vocabulary.step(text, step);
        out.insert(out.end(), step, step + s.tokens);
        text = text.subspan(s.bytes);
    }
    return out;
}

/// Bits of all tokens at the frequencies that they have.
double order0_bits(const std::vector<std::uint32_t>& tokens) {
    std::map<std::uint32_t, double> counts;
    for (const std::uint32_t t : tokens) ++counts[t];
    double bits = 0;
    for (const auto& [token, n] : counts) bits -= n * std::log2(n / static_cast<double>(tokens.size()));
    return bits;
}

}  // namespace

TEST_CASE("plain training merges the most frequent pair, and the first of equal ones") {
    const bytes text = of("abab abab abab cd abcd");
    pith::systems::plain_bpe trainer{pith::byte_view(text)};
    const std::vector<bpe_merge> merges = trainer.learn(2);
    REQUIRE(merges.size() == 2);
    CHECK(merges[0] == bpe_merge{'a', 'b'});
    CHECK(merges[1] == bpe_merge{256, 256});
    CHECK(trainer.tokens() == 1 + 2 + 2 + 3 + 4);  // X, " " X twice, " cd", " " 256 "cd"
}

TEST_CASE("pairs that overlap are merged once") {
    const bytes text = of("aaa aaa aaaa");
    bpe_trainer<pair_count> trainer{pith::byte_view(text)};
    const std::vector<bpe_merge> merges = trainer.learn(1);
    REQUIRE(merges.size() == 1);
    CHECK(merges[0] == bpe_merge{'a', 'a'});
    CHECK(trainer.tokens() == 2 + 3 + 3);
    bpe_trainer<pair_count> empty{pith::byte_view()};
    CHECK(empty.learn(5).empty());
}

TEST_CASE("the gain of a merge is the difference of code lengths, and below its bound") {
    const order0_gain<0> bits;
    const order0_gain<3> priced;
    const auto f = [](double x) { return x == 0 ? 0 : x * std::log2(x); };
    for (const std::uint64_t total : {10U, 1000U, 123457U, 1U << 26})
        for (const std::uint64_t n : {2U, 3U, 100U, 4097U, 60000U}) {
            if (2 * n > total) continue;
            for (const std::uint64_t more : {0U, 1U, 50U}) {
                const pair_statistics s{n, n + more, n, total, false};
                if (s.left + s.right > total) continue;
                const auto x = static_cast<double>(n), all = static_cast<double>(total);
                const double wanted = f(all) - f(all - x) - f(x + static_cast<double>(more)) +
                                      f(static_cast<double>(more)) - f(x) + f(x);
                const double got = static_cast<double>(bits.gain(s)) / (1 << 30);
                CHECK(std::abs(got - wanted) <= 1e-3 + 1e-7 * f(all) / 20);
                CHECK(bits.gain(s) <= bits.bound(n, total));
                CHECK(priced.gain(s) == bits.gain(s) + (static_cast<std::int64_t>(3 * n) << 30));
                CHECK(priced.gain(s) <= priced.bound(n, total));
                const pair_statistics twice{n, 2 * n + more, 2 * n + more, total, true};
                if (twice.left <= total) CHECK(bits.gain(twice) <= bits.bound(n, total));
            }
        }
}

TEST_CASE("the tokenizer of learned merges gives back all bytes, and the tokens that training counted") {
    const bytes text = text_samples::prose(30000, 1000, 1);
    bpe_trainer<order0_gain<>> trainer{pith::byte_view(text)};
    std::vector<bpe_merge> merges = trainer.learn(100);
    for (const bpe_merge m : trainer.learn(60)) merges.push_back(m);
    REQUIRE(merges.size() == 160);
    bpe_trainer<order0_gain<>> again{pith::byte_view(text)};
    CHECK(again.learn(160) == merges);
    const scored_bpe vocabulary = vocabulary_of(merges);
    REQUIRE(vocabulary.is_complete());
    CHECK(vocabulary.alphabet_size() == 416);
    const std::vector<std::uint32_t> tokens = tokens_of(vocabulary, text);
    bytes back;
    for (const std::uint32_t t : tokens)
        for (const std::uint8_t b : vocabulary.bytes_of(t)) back.push_back(b);
    CHECK(back == text);
    // The tokenizer joins any two tokens that make a third, training only those that made it.
    CHECK(std::abs(static_cast<double>(tokens.size()) / static_cast<double>(trainer.tokens()) - 1) < 0.01);
    bytes stored;
    pith::vector_sink sink(stored);
    for (const bpe_merge m : merges) pith::put_le<std::uint64_t>(sink, std::uint64_t{m.left} << 32 | m.right);
    CHECK(pith::xxh64_of(stored) == 0x35F933A8B3E8E30DU);
}

TEST_CASE("at equal vocabularies merging by code length takes fewer bits of order 0 than merging by count") {
    const bytes text = text_samples::prose(100000, 1000, 2);
    for (const std::size_t merges : {128U, 512U}) {
        CAPTURE(merges);
        pith::systems::plain_bpe plain{pith::byte_view(text)};
        pith::systems::compression_aware_bpe aware{pith::byte_view(text)};
        const double by_count = order0_bits(tokens_of(vocabulary_of(plain.learn(merges)), text));
        const double by_bits = order0_bits(tokens_of(vocabulary_of(aware.learn(merges)), text));
        CHECK(by_bits < 0.995 * by_count);
    }
}
