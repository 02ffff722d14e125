#include <pith/transform/text.hpp>

#include <memory>
#include <string>
#include <vector>

#include <pith/core/checksum.hpp>
#include <pith/core/random.hpp>
#include <pith/transform/concepts.hpp>

#include "support/catch.hpp"

using namespace pith;
using bytes = std::vector<std::uint8_t>;
// Small blocks get a dictionary too, and words that hardly save anything.
using small_text = transform::text<transform::text_options{
    .most_bytes = 1 << 20, .words_from = 0, .ones = 5, .least_saving = 2}>;

static_assert(transform::byte_transform<small_text>);
static_assert(transform::byte_transform<transform::text<>>);
static_assert(sizeof(transform::text<>) < 1024);

namespace {

// One for all cases: nothing of a block may be left for the next.
template <class Transform>
struct pair {
    std::unique_ptr<Transform> encoder = std::make_unique<Transform>();
    std::unique_ptr<Transform> decoder = std::make_unique<Transform>();

    bytes check(const bytes& in) {
        bytes coded(Transform::max_size(in.size()));
        const auto size = encoder->forward_into(in, coded);
        REQUIRE(size.has_value());
        coded.resize(*size);
        coded.shrink_to_fit();
        bytes back(in.size());
        const auto restored = decoder->inverse_into(coded, back);
        REQUIRE(restored.has_value());
        CHECK(*restored == in.size());
        CHECK(back == in);
        return coded;
    }
};

bytes of(const std::string& s) { return bytes(s.begin(), s.end()); }

// Words of a small language, in any case, filled to `width` (0: not filled) with line ends `end`.
bytes prose(std::size_t n, std::uint64_t seed, std::size_t width, const std::string& end = "\n") {
    random_sequence random(seed);
    std::vector<std::string> words;
    for (int k = 0; k < 200; ++k) {
        std::string word;
        for (std::uint32_t i = 1 + random.below(9); i > 0; --i) word += "etaoinshrdlucmfw"[random.below(16)];
        words.push_back(word);
    }
    std::string out;
    std::size_t column = 0;
    while (out.size() < n) {
        const std::uint32_t rank = random.below(200);
        std::string word = words[random.below(1 + rank)];
        const std::uint32_t how = random.below(20);
        if (how == 0) word[0] = static_cast<char>(word[0] - 32);
        if (how == 1)
            for (char& c : word) c = static_cast<char>(c - 32);
        if (how == 2) word[word.size() / 2] = static_cast<char>(word[word.size() / 2] - 32);
        if (how == 3) word += ",";
        if (how == 4) word += "\xC3\xA9";
        if (how == 5) word = std::to_string(random.below(2000));
        const std::size_t columns = word.size() - (how == 4 ? 1 : 0);
        if (column != 0 && width != 0 && column + 1 + columns > width) {
            out += end;
            column = 0;
        } else if (column != 0) {
            out += ' ';
            ++column;
        }
        out += word;
        column += columns;
        if (random.below(60) == 0) {
            out += random.below(2) == 0 ? end + end : end + "   ";
            column = out.back() == ' ' ? 3 : 0;
        }
    }
    out.resize(n);
    return of(out);
}

// Bytes that mean something to the transform, in no order.
bytes adversarial(std::size_t n, std::uint64_t seed) {
    static constexpr char alphabet[] = "aabbAB  \n\n\r\t.x\x01\x02\x80\xC3\xFF";
    random_sequence random(seed);
    const std::uint32_t letters = 2 + random.below(sizeof(alphabet) - 2);
    bytes out(n);
    for (std::uint8_t& b : out) b = static_cast<std::uint8_t>(alphabet[random.below(letters)]);
    return out;
}

bytes noise(std::size_t n, std::uint64_t seed) {
    random_sequence random(seed);
    bytes out(n);
    for (std::uint8_t& b : out) b = static_cast<std::uint8_t>(random());
    return out;
}

}  // namespace

TEST_CASE("the text transform is undone on blocks of every size and kind") {
    pair<small_text> both;
    for (std::size_t n = 0; n <= 300; ++n) {
        both.check(prose(n, n, 30));
        both.check(adversarial(n, n));
        both.check(noise(n, n));
        both.check(bytes(n, static_cast<std::uint8_t>(n)));
    }
    for (std::uint64_t seed = 0; seed < 40; ++seed) {
        both.check(
            prose(5003 + 97 * seed, seed, seed % 4 == 0 ? 0 : 20 + seed, seed % 3 == 0 ? " \r\n" : "\n"));
        both.check(adversarial(3000 + seed, seed + 1000));
    }
    both.check(prose(1'000'003, 1, 72, "\r\n"));
    both.check(noise(100'003, 2));
}

TEST_CASE("prose becomes shorter by its words and its line ends") {
    pair<small_text> both;
    const bytes plain = prose(50'000, 3, 0);
    const bytes coded = both.check(plain);
    CHECK(coded[0] == 4);
    CHECK(coded.size() < plain.size() * 3 / 4);
    const bytes filled = both.check(prose(50'000, 3, 60, "\r\n"));
    CHECK(filled[0] == 7);
    std::size_t ends = 0;
    for (const std::uint8_t b : filled) ends += b == '\n' ? 1U : 0U;
    CHECK(ends < 600);  // of more than 1200 in the text, half of which end a paragraph
}

TEST_CASE("transformed texts have the same bytes on every machine") {
    pair<small_text> both;
    CHECK(xxh64_of(both.check(prose(50'000, 3, 60, "\r\n"))) == 0x5298af5fe2792790U);
    CHECK(xxh64_of(both.check(prose(30'001, 4, 0))) == 0xe5b1c5de8f50f856U);
    CHECK(xxh64_of(both.check(adversarial(20'000, 5))) == 0xfa224294d2143198U);
}

TEST_CASE("blocks that the text transform cannot shorten stay as they are behind one byte") {
    transform::text<> whole;
    for (const bytes& in : {bytes(), noise(1000, 1), of("short"), bytes(100'000, 'x')}) {
        bytes coded(whole.max_size(in.size()));
        const auto size = whole.forward_into(in, coded);
        REQUIRE(size.has_value());
        CHECK(*size == in.size() + 1);
        CHECK(coded[0] == 0);
        CHECK(bytes(coded.begin() + 1, coded.end()) == in);
    }
}

TEST_CASE("a small text is written as documented") {
    pair<small_text> both;
    using namespace std::string_literals;
    CHECK(both.check(of("the the the the the The THE tHe. It is the end\r\n")) ==
          of("\5\0\1\2\0\2\1 end the\n\3 \3 \3 \3 \3 \0\3 \1\3 tHe. \0it is \3 \2\n"s));
    const std::string line = "aaaa bbbb\ncccc dddd\neeee ffff\ngggg hhhh\niiii jjjj";
    transform::line_wrap wrap;
    CHECK(transform::line_wrap::best_width(of(line)) == 9);
    wrap = {9, 1};
    bytes text = of(line);
    text.resize(wrap.forward(text));
    CHECK(text == of("aaaa bbbb cccc dddd eeee ffff gggg hhhh iiii jjjj"));
}

TEST_CASE("filled lines of any style come back whatever width is assumed") {
    for (std::size_t width = 1; width <= transform::line_wrap::widest; ++width)
        for (const char* const end : {"\n", " \n"}) {
            const bytes original = prose(700, width, 25, end);
            bytes text = original;
            const transform::line_wrap wrap{static_cast<std::uint8_t>(width), 1};
            text.resize(wrap.forward(text));
            bytes back(original.size());
            const auto size = wrap.inverse(text, back);
            REQUIRE(size.has_value());
            CHECK(*size == original.size());
            CHECK(back == original);
        }
}

TEST_CASE("the width to which a text was filled is found") {
    for (const std::size_t width : {30U, 60U, 72U, 100U})
        CHECK(transform::line_wrap::best_width(prose(20'000, width, width)) == width);
    CHECK(transform::line_wrap::best_width(prose(20'000, 1, 0)) == 0);
    CHECK(transform::line_wrap::best_width({}) == 0);
}

TEST_CASE("damage to a transformed text gives an error or other text, and is never written elsewhere") {
    small_text transform;
    for (const bytes& in : {prose(260, 7, 24, "\r\n"), prose(260, 8, 0), adversarial(200, 9)}) {
        bytes coded(small_text::max_size(in.size()));
        coded.resize(transform.forward_into(in, coded).value());
        const auto attempt = [&](bytes damaged) {
            damaged.shrink_to_fit();
            bytes back(in.size());
            const auto size = transform.inverse_into(damaged, back);
            CHECK((!size || *size <= back.size()));
        };
        for (std::size_t n = 0; n < coded.size(); ++n)
            attempt(bytes(coded.begin(), coded.begin() + static_cast<std::ptrdiff_t>(n)));
        for (std::size_t bit = 0; bit < 8 * coded.size(); ++bit) {
            bytes damaged = coded;
            damaged[bit / 8] = static_cast<std::uint8_t>(damaged[bit / 8] ^ 1U << bit % 8);
            attempt(damaged);
        }
    }
}

TEST_CASE("what no encoder writes is refused") {
    small_text transform;
    bytes out(1000);
    const auto code_of = [&](const std::string& s) {
        const auto size = transform.inverse_into(of(s), out);
        return size ? std::string("fine") : std::string(name_of(size.error().code));
    };
    using namespace std::string_literals;
    CHECK(code_of(""s) == "truncated");
    CHECK(code_of("\x08"s) == "bad_header");
    CHECK(code_of("\1no line end"s) == "bad_stream");
    CHECK(code_of("\2\0\1x"s) == "bad_header");
    CHECK(code_of("\2\5ax"s) == "bad_header");
    CHECK(code_of("\2\5\1aaa bbb ccc"s) == "fine");
    CHECK(code_of("\2\5\1aaa\nbbb"s) == "bad_stream");  // the rule foretells it
    CHECK(code_of("\2\7\1aaa\1bbb"s) == "bad_stream");  // the rule foretells none
    CHECK(code_of("\2\5\1aaa\1\1bbb"s) == "bad_stream");
    const std::string head = "\4\1\2\1\1\3\1"s;
    CHECK(code_of(head + " theAwo\n\3 \1\3 \4\x80"s) == "fine");
    CHECK(code_of(head + " theAwo\n\3\3"s) == "bad_stream");
    CHECK(code_of(head + " theAwo\n\3x"s) == "bad_stream");
    CHECK(code_of(head + " theAwo\n\1\1\3"s) == "bad_stream");
    CHECK(code_of(head + " theAwo\n\1 "s) == "bad_stream");
    CHECK(code_of(head + " theAwo\n\1Xa"s) == "bad_stream");
    CHECK(code_of(head + " theAwo\n\4\x81"s) == "bad_stream");
    CHECK(code_of(head + " theAwo\n\4a"s) == "bad_stream");
    CHECK(code_of(head + " theAwo\n\4"s) == "bad_stream");
    // Letters where a code or a mark stands in what an encoder writes.
    CHECK(code_of(head + " theAwo\n\3 them th twofold tHe A"s) == "fine");
    CHECK(code_of(head + " theAwo\n\3 the"s) == "bad_stream");
    CHECK(code_of(head + " theAwo\n\3 two, \4\x80"s) == "bad_stream");
    CHECK(code_of(head + " theAwo\n\1the"s) == "bad_stream");
    CHECK(code_of(head + " theAwo\n\1them \2them"s) == "fine");
    CHECK(code_of(head + " theAwo\n\1tHem"s) == "bad_stream");
    CHECK(code_of(head + " theAwo\n\2thEm"s) == "bad_stream");
    CHECK(code_of(head + " theAwo\n\3 Them"s) == "bad_stream");
    CHECK(code_of(head + " theAwo\n\3 THEM"s) == "bad_stream");
    CHECK(code_of(head + " theAwo"s) == "truncated");
    CHECK(code_of(head + " two@the\n"s) == "bad_model");
    CHECK(code_of(head + " the@the\n"s) == "bad_model");
    CHECK(code_of(head + " the\n"s) == "bad_model");
    CHECK(code_of(head + " theDx\n"s) == "bad_model");
    CHECK(code_of(head + " the"
                         "Bxabcdefghijklmnopqrstuvwxyz\n"s) == "bad_model");
    CHECK(code_of("\4\2\1\1\1\3\1"s) == "bad_header");
    CHECK(code_of("\4\1\2\1\1\3\0\4\0"s) == "bad_header");
    CHECK(code_of("\4\1\2\1\1\2\1"s) == "bad_header");
    CHECK(code_of("\4\1\2\1\1\x08\1"s) == "bad_header");
}

TEST_CASE("an output that is too small is an error, not an overflow") {
    small_text transform;
    const bytes in = prose(3000, 5, 40, "\r\n");
    bytes coded(small_text::max_size(in.size()));
    coded.resize(transform.forward_into(in, coded).value());
    for (const std::size_t room : {std::size_t{0}, std::size_t{1}, coded.size() / 2, coded.size() - 1}) {
        bytes little(room);
        CHECK(transform.forward_into(in, little).error().code == error_code::output_too_small);
    }
    for (const std::size_t room : {std::size_t{0}, in.size() / 2, in.size() - 1}) {
        bytes little(room);
        CHECK(transform.inverse_into(coded, little).error().code == error_code::output_too_small);
    }
}

TEST_CASE("a block longer than the transform was made for is stored") {
    transform::text<transform::text_options{
        .most_bytes = 1000, .words_from = 0, .ones = 5, .least_saving = 2}>
        t;
    const bytes in = prose(1001, 1, 40);
    bytes coded(t.max_size(in.size()));
    CHECK(t.forward_into(in, coded).value() == in.size() + 1);
    bytes back(in.size());
    CHECK(t.inverse_into(coded, back).value() == in.size());
    CHECK(back == in);
}
