// The cut of bytes into separators and words: it covers everything, in one way, and case comes back.
#include <pith/transform/word_cut.hpp>

#include <string>
#include <vector>

#include "support/catch.hpp"

using namespace pith::transform;

namespace {

using bytes = std::vector<std::uint8_t>;

/// "separator|word|case" of each pair.
std::vector<std::string> cut(const std::string& text) {
    std::vector<std::string> out;
    const bytes raw(text.begin(), text.end());
    pith::byte_view rest(raw);
    while (!rest.empty()) {
        const word_token t = next_word(rest);
        const auto part = [&](std::size_t from, std::size_t n) {
            return std::string(rest.begin() + static_cast<std::ptrdiff_t>(from),
                               rest.begin() + static_cast<std::ptrdiff_t>(from + n));
        };
        out.push_back(part(0, t.separator) + "|" + part(t.separator, t.length) + "|" +
                      "ltu"[static_cast<int>(t.letters)]);
        rest = rest.subspan(t.separator + t.length);
    }
    return out;
}

void check_restores(const bytes& raw) {
    pith::byte_view rest(raw);
    bytes back;
    while (!rest.empty()) {
        const word_token t = next_word(rest);
        REQUIRE(t.separator + t.length >= 1);
        REQUIRE(t.separator <= longest_token_separator);
        REQUIRE(t.length <= longest_token_word);
        bytes word;
        for (std::size_t i = 0; i < t.length; ++i) word.push_back(lowered(rest[t.separator + i]));
        if (t.length == 0) REQUIRE((t.separator == longest_token_separator || t.separator == rest.size()));
        if (t.letters == word_case::title) REQUIRE(may_be_title(word));
        if (t.letters == word_case::upper) REQUIRE((may_be_title(word) && may_be_upper(word)));
        back.insert(back.end(), rest.begin(), rest.begin() + static_cast<std::ptrdiff_t>(t.separator));
        restore_case(word, t.letters);
        back.insert(back.end(), word.begin(), word.end());
        rest = rest.subspan(t.separator + t.length);
    }
    REQUIRE(back == raw);
}

}  // namespace

TEST_CASE("words are cut where letters, digits and case change") {
    using list = std::vector<std::string>;
    CHECK(cut("Alice was NOT here.") == list{"|Alice|t", " |was|l", " |NOT|u", " |here|l", ".||l"});
    CHECK(cut("iPhone HTMLpage") == list{"|i|l", "|Phone|t", " |HTML|u", "|page|l"});
    CHECK(cut("in 19901 x") == list{"|in|l", " |1990|l", "|1|l", " |x|l"});
    CHECK(cut("A b") == list{"|A|t", " |b|l"});
    CHECK(cut("na\xC3\xAFve \xC3\x89t") == list{"|na\xC3\xAFve|l", " |\xC3\x89t|l"});
    CHECK(cut("----------------x") == list{"---------------||l", "-|x|l"});
    CHECK(cut("").empty());
}

TEST_CASE("every string of three bytes comes back from its words") {
    const std::uint8_t some[] = {0, 'a', 'z', 'A', 'Z', '0', '9', ' ', '[', '`', '{', '@', 0x7F, 0x80, 0xFF};
    for (const std::uint8_t a : some)
        for (const std::uint8_t b : some)
            for (const std::uint8_t c : some) check_restores({a, b, c});
}

TEST_CASE("long runs of one kind come back from their words") {
    for (std::size_t n = 0; n <= 100; ++n)
        for (const unsigned c : {0x61U, 0x41U, 0x35U, 0x20U, 0xE9U}) {
            const auto b = static_cast<std::uint8_t>(c);
            bytes raw(n, b);
            check_restores(raw);
            raw.push_back('a');
            raw.insert(raw.begin(), 'Q');
            check_restores(raw);
        }
}
