#include <pith/systems/lossless.hpp>

#include <cstdint>
#include <string>
#include <vector>

#include <pith/container/frame.hpp>
#include <pith/core/checksum.hpp>
#include <pith/transform/scored_bpe.hpp>

#include "entropy/block_laws.hpp"
#include "mixing/letter_pairs.hpp"
#include "support/catch.hpp"

namespace {

using namespace pith;
using block_laws::bytes;
using test_models::counting_pairs;
using test_models::letter_pairs;

bytes bytes_of(const std::string& text) { return {text.begin(), text.end()}; }

/// A vocabulary with a control token, all bytes, and some words; the tokenizer of `word_model`.
transform::scored_bpe words() {
    transform::scored_bpe out;
    const auto add = [&](const std::string& s, float score) {
        out.add(bytes_of(s), score, transform::token_kind::text);
    };
    out.add({}, 0, transform::token_kind::control);
    for (unsigned b = 0; b < 256; ++b) {
        const auto byte = static_cast<std::uint8_t>(b);
        out.add(byte_view(&byte, 1), 0, transform::token_kind::byte);
    }
    for (char c = 'a'; c <= 'z'; ++c) add(std::string(1, c), -30.0F - static_cast<float>(c - 'a'));
    add(" ", -29);
    add(".", -60);
    for (const char* const s : {"th", "the", " the", "an", "and", " and", "in", "\xC3\xA9"})
        add(s, -static_cast<float>(out.alphabet_size() - 280));
    return out;
}
struct word_tokenizer : transform::scored_bpe {
    word_tokenizer() : transform::scored_bpe(words()) {}
};
/// Numbers of tokens are all alike to it.
struct flat_model {
    static std::size_t alphabet_size() noexcept { return word_tokenizer().alphabet_size(); }
    static void reset(std::size_t) noexcept {}
    static void predict(std::span<float> p) noexcept {
        for (float& v : p) v = 1.0F / static_cast<float>(p.size());
    }
    static void update(std::uint32_t) noexcept {}
};

/// The laws of block coders in sizes that suit a model of 256 floats a symbol.
template <entropy::block_coder Coder>
void check(Coder& coder) {
    static_assert(sizeof(Coder) <= 65536);
    for (unsigned kind = 0; kind < block_laws::kinds; ++kind) {
        CAPTURE(kind);
        for (std::size_t n = 0; n <= 40; ++n)
            block_laws::check_round_trip(coder, block_laws::sample(kind, n));
        for (const std::size_t n : {100U, 257U, 300U, 1025U, 4097U, 9001U})
            block_laws::check_round_trip(coder, block_laws::sample(kind, n));
        block_laws::check_small_destinations(coder, block_laws::sample(kind, 60));
        for (const std::size_t n : {1U, 2U, 40U})
            block_laws::check_damage(coder, block_laws::sample(kind, n));
    }
    const bytes text = bytes_of(test_models::text(150));
    block_laws::check_damage(coder, text);
    block_laws::check_small_destinations(coder, text);
    bytes mixed = bytes_of(test_models::text(9000));
    for (std::size_t i = 5000; i < 7000; ++i) mixed[i] = static_cast<std::uint8_t>(i * i >> 3);
    block_laws::check_round_trip(coder, mixed);
}

/// Text, what is not, and text again, so that all kinds of parts are there.
bytes three_parts() {
    bytes out = bytes_of(test_models::text(10'000));
    for (unsigned i = 0; i < 20'000; ++i)
        out.push_back(static_cast<std::uint8_t>(128 + i % 97 * (i % 89) % 100));
    const bytes more = bytes_of(test_models::text(6000));
    out.insert(out.end(), more.begin(), more.end());
    return out;
}

template <class Coder>
std::uint64_t digest_of(Coder&& coder, const bytes& in) {
    return xxh64_of(block_laws::encoded(coder, in));
}

using nacrith = systems::nacrith<letter_pairs>;
using nacrith_words = systems::nacrith<flat_model, word_tokenizer>;
using llmzip = systems::llmzip<letter_pairs>;
using arithmetic = systems::language_model_coder<letter_pairs>;

}  // namespace

TEST_CASE("Nacrith keeps the laws of block coders") {
    const std::vector<nacrith> coder(1);
    auto own = coder[0];
    check(own);
}
TEST_CASE("Nacrith over words keeps the laws of block coders") {
    nacrith_words coder;
    check(coder);
}
TEST_CASE("LLMZip keeps the laws of block coders") {
    llmzip coder;
    check(coder);
    systems::llmzip<flat_model, word_tokenizer> over_words;
    check(over_words);
}
TEST_CASE("Arithmetic coding under a language model keeps the laws of block coders") {
    arithmetic coder;
    check(coder);
}

TEST_CASE("Whatever is not text takes the other coder, and all parts come back") {
    const bytes in = three_parts();
    nacrith_words coder;
    const bytes code = block_laws::encoded(coder, in);
    REQUIRE(code[0] == 2);
    CHECK(code[1] != 0);  // text first
    block_laws::check_round_trip(coder, in);
    const bytes binary(in.begin() + 10'000, in.begin() + 30'000);
    const bytes code_of_binary = block_laws::encoded(coder, binary);
    entropy::adaptive_nibble<1> other;
    CHECK(code_of_binary.size() < block_laws::encoded(other, binary).size() + 32);
}

TEST_CASE("Parts that no encoder writes are refused") {
    nacrith_words coder;
    const bytes in = three_parts();
    const bytes code = block_laws::encoded(coder, in);
    bytes back(in.size());
    const auto refused = [&](std::size_t at, std::uint8_t value) {
        bytes damaged = code;
        damaged[at] = value;
        const auto got = coder.decode_into(damaged, back);
        return !got.has_value();
    };
    CHECK(refused(1, static_cast<std::uint8_t>(code[1] ^ 1)));  // lengths that do not add up, or other bytes
    CHECK(refused(2, 0x80));
    CHECK(refused(0, 3));
    const bytes longer(in.size() + 1, 2);
    CHECK_FALSE(coder.decode_into(longer, back));
}

TEST_CASE("A block of another model is refused by its fingerprint") {
    using coder_type = systems::nacrith<counting_pairs>;
    const auto made = [](std::uint32_t print) {
        return coder_type(transform::byte_tokenizer(),
                          mixing::token_ensemble<counting_pairs>(counting_pairs(print)));
    };
    const bytes in = bytes_of(test_models::text(400));
    coder_type one = made(1);
    const bytes code = block_laws::encoded(one, in);
    bytes back(in.size());
    coder_type same = made(1);
    REQUIRE(same.decode_into(code, back));
    CHECK(back == in);
    coder_type other = made(2);
    const auto got = other.decode_into(code, back);
    REQUIRE_FALSE(got);
    CHECK(got.error().code == error_code::unknown_recipe);
    mixing::ensemble_options options;
    options.share = 0.02F;
    coder_type other_options(transform::byte_tokenizer(),
                             mixing::token_ensemble<counting_pairs>(counting_pairs(1), options));
    CHECK_FALSE(other_options.decode_into(code, back));
}

TEST_CASE("Language models work in the container like any block coder") {
    const bytes in = three_parts();
    const auto frame = container::encode_frame(in, nacrith(), {.block_size = 1 << 14});
    REQUIRE(frame);
    CHECK(frame->size() < in.size() * 3 / 4);
    const auto back = container::decode_frame<container::recipe_list<nacrith, llmzip>>(*frame);
    REQUIRE(back);
    CHECK(*back == in);
}

TEST_CASE("The vocabulary's best merges are taken and any bytes survive") {
    const transform::scored_bpe bpe = words();
    REQUIRE(bpe.is_complete());
    std::uint32_t tokens[transform::scored_bpe::max_step];
    const bytes in = bytes_of(" the end");
    const auto step = bpe.step(in, tokens);
    CHECK(step.bytes == 4);
    REQUIRE(step.tokens == 1);
    const byte_view the = bpe.bytes_of(tokens[0]);
    CHECK(bytes(the.begin(), the.end()) == bytes_of(" the"));
    for (unsigned kind = 0; kind < block_laws::kinds; ++kind) {
        const bytes any = block_laws::sample(kind, 3000);
        bytes joined;
        for (byte_view rest = any; !rest.empty();) {
            const auto s = bpe.step(rest, tokens);
            REQUIRE(s.bytes >= 1);
            REQUIRE(s.tokens >= 1);
            for (std::size_t i = 0; i < s.tokens; ++i) {
                const byte_view piece = bpe.bytes_of(tokens[i]);
                joined.insert(joined.end(), piece.begin(), piece.end());
            }
            rest = rest.subspan(s.bytes);
            REQUIRE(joined.size() == any.size() - rest.size());
        }
        CHECK(joined == any);
    }
}

TEST_CASE("The bytes of language model systems never change") {
    const bytes in = three_parts();
    CHECK(digest_of(nacrith(), in) == 0x6469d4e9328a7d9aULL);
    CHECK(digest_of(nacrith_words(), in) == 0x1e6c9e0b6cba7cb6ULL);
    CHECK(digest_of(llmzip(), in) == 0xef8f495f71c87b5dULL);
    CHECK(digest_of(arithmetic(), in) == 0x4ae71cbd84b5b0c9ULL);
}
