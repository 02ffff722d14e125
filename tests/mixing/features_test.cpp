#include <pith/mixing/contexts.hpp>
#include <pith/mixing/contexts_binary.hpp>
#include <pith/mixing/profiles.hpp>
#include <pith/mixing/record_history.hpp>
#include <pith/mixing/selectors.hpp>
#include <pith/mixing/x86_history.hpp>

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include <pith/core/random.hpp>

#include "support/catch.hpp"

using namespace pith::mixing;
using bytes = std::vector<std::uint8_t>;

namespace {

/// A history after the whole of a text.
struct after {
    explicit after(const std::string& text) : block(text.begin(), text.end()) {
        h.reset(block.data());
        for (const std::uint8_t c : block) h.push(c);
    }
    bytes block;
    byte_history h;
};

bytes any_bytes(std::size_t n, std::uint64_t seed) {
    constexpr char often[] = "the (quick) [brown] {fox}, \"jumps\" <over>\n\x0F\x66\xE8\xFF";
    pith::random_sequence random(seed);
    bytes out(n);
    for (auto& b : out)
        b = static_cast<std::uint8_t>(
            random.below(4) == 0 ? random() : static_cast<std::uint8_t>(often[random.below(sizeof often)]));
    return out;
}

template <class Profile>
void check_profile() {
    using contexts = typename Profile::contexts;
    using selectors = typename Profile::selectors;
    const bytes block = any_bytes(3000, 50), copy = block;
    typename Profile::history one, other;
    if constexpr (requires { one.set_stride(7U); }) {
        one.set_stride(7);
        other.set_stride(7);
    }
    // One of them has a past that reset must take away.
    const bytes before = any_bytes(500, 51);
    other.reset(before.data());
    for (const std::uint8_t c : before) other.push(c);
    one.reset(block.data());
    other.reset(copy.data());
    std::array<std::uint32_t, contexts::size> a{}, b{};
    pith::random_sequence random(52);
    for (const std::uint8_t c : block) {
        contexts::hash(one, a.data());
        contexts::hash(other, b.data());
        REQUIRE(a == b);
        mixing_state state;
        state.bits = random.below(8);
        state.partial = 1U << state.bits | random.below(1U << state.bits);
        state.expected = random.below(2) == 0 ? 0 : 256 + random.below(256);
        state.match = random.below(4);
        state.seen = random.below(7);
        const auto chosen = selectors::values(state, one);
        REQUIRE(chosen == selectors::values(state, other));
        for (std::size_t k = 0; k < chosen.size(); ++k) REQUIRE(chosen[k] < selectors::contexts[k]);
        one.push(c);
        other.push(c);
    }
}

/// One instruction of 32-bit code, its length written as the number of its bytes.
struct instruction_bytes {
    const char* what;
    bytes code;
};
const std::vector<instruction_bytes>& real_instructions() {
    static const std::vector<instruction_bytes> list = {
        {"push ebp", {0x55}},
        {"mov ebp, esp", {0x8B, 0xEC}},
        {"mov eax, [ebp+8]", {0x8B, 0x45, 0x08}},
        {"mov eax, [esp+4]", {0x8B, 0x44, 0x24, 0x04}},
        {"mov ecx, [eax+ecx*4+0x1234]", {0x8B, 0x8C, 0x88, 0x34, 0x12, 0x00, 0x00}},
        {"mov eax, [0x404000]", {0xA1, 0x00, 0x40, 0x40, 0x00}},
        {"mov edx, [0x404000]", {0x8B, 0x15, 0x00, 0x40, 0x40, 0x00}},
        {"mov eax, [ecx*8+0x404000]", {0x8B, 0x04, 0xCD, 0x00, 0x40, 0x40, 0x00}},
        {"mov eax, 5", {0xB8, 0x05, 0x00, 0x00, 0x00}},
        {"mov al, 5", {0xB0, 0x05}},
        {"mov dword [ebp-4], 1", {0xC7, 0x45, 0xFC, 0x01, 0x00, 0x00, 0x00}},
        {"mov byte [eax], 7", {0xC6, 0x00, 0x07}},
        {"add esp, 12", {0x83, 0xC4, 0x0C}},
        {"sub esp, 0x200", {0x81, 0xEC, 0x00, 0x02, 0x00, 0x00}},
        {"add eax, 0x12345678", {0x05, 0x78, 0x56, 0x34, 0x12}},
        {"cmp al, 3", {0x3C, 0x03}},
        {"call near", {0xE8, 0x10, 0x20, 0x00, 0x00}},
        {"call [0x404000]", {0xFF, 0x15, 0x00, 0x40, 0x40, 0x00}},
        {"jmp short", {0xEB, 0x05}},
        {"jmp near", {0xE9, 0x10, 0x20, 0x00, 0x00}},
        {"je short", {0x74, 0x05}},
        {"je near", {0x0F, 0x84, 0x10, 0x20, 0x00, 0x00}},
        {"ret", {0xC3}},
        {"ret 8", {0xC2, 0x08, 0x00}},
        {"lea eax, [ebp-0x100]", {0x8D, 0x85, 0x00, 0xFF, 0xFF, 0xFF}},
        {"test eax, eax", {0x85, 0xC0}},
        {"test byte [ecx], 1", {0xF6, 0x01, 0x01}},
        {"test ecx, 0x100", {0xF7, 0xC1, 0x00, 0x01, 0x00, 0x00}},
        {"neg eax", {0xF7, 0xD8}},
        {"imul eax, ecx, 10", {0x6B, 0xC1, 0x0A}},
        {"imul eax, ecx, 1000", {0x69, 0xC1, 0xE8, 0x03, 0x00, 0x00}},
        {"imul eax, ecx", {0x0F, 0xAF, 0xC1}},
        {"movzx eax, byte [ecx]", {0x0F, 0xB6, 0x01}},
        {"setne al", {0x0F, 0x95, 0xC0}},
        {"bt eax, 4", {0x0F, 0xBA, 0xE0, 0x04}},
        {"shld eax, edx, 4", {0x0F, 0xA4, 0xD0, 0x04}},
        {"push 0x404000", {0x68, 0x00, 0x40, 0x40, 0x00}},
        {"push 1", {0x6A, 0x01}},
        {"shl eax, 4", {0xC1, 0xE0, 0x04}},
        {"sar eax, 1", {0xD1, 0xF8}},
        {"fld dword [ebp+8]", {0xD9, 0x45, 0x08}},
        {"rep movsd", {0xF3, 0xA5}},
        {"mov ax, [ecx]", {0x66, 0x8B, 0x01}},
        {"mov eax, fs:[0]", {0x64, 0xA1, 0x00, 0x00, 0x00, 0x00}},
        {"lock xadd [ecx], eax", {0xF0, 0x0F, 0xC1, 0x01}},
        {"enter 16, 0", {0xC8, 0x10, 0x00, 0x00}},
        {"nop", {0x90}},
        {"int 3", {0xCC}},
        {"int 0x80", {0xCD, 0x80}},
    };
    return list;
}

}  // namespace

TEST_CASE("words are known by their letters, whatever their case") {
    const after a("Hello WORLD and"), b("hello world and");
    for (std::size_t k = 0; k < 3; ++k) CHECK(a.h.word(k) == b.h.word(k));
    CHECK(a.h.word(0) != 0);
    CHECK(after("x hello world").h.word(0) == after("world").h.word(0));
    CHECK(after("hello world").h.word(1) == after("hello x").h.word(1));
    CHECK(after("hello, ").h.word(0) == 0);
    CHECK(after("hello, ").h.word(1) == after("hello").h.word(0));
    CHECK(after("abc").h.word(0) != after("acb").h.word(0));
    CHECK(after("one two three four five").h.word(3) == after("two").h.word(0));
}

TEST_CASE("a history keeps the last bytes and classes in order") {
    const after a("abcdefgh1 ");
    CHECK(a.h.size() == 10);
    CHECK(a.h.last() == 0x67683120);
    CHECK(a.h.before() == 0x63646566);
    CHECK(a.h.last_byte() == ' ');
    CHECK(a.h.byte_back(1) == ' ');
    CHECK(a.h.byte_back(10) == 'a');
    CHECK(a.h.byte_back(11) == 0);
    CHECK((a.h.classes() & 0xFFF) == (byte_class('h') << 8 | byte_class('1') << 4 | byte_class(' ')));
    CHECK((after("bcd12  x").h.class_changes() & 0xFFFF) == 0x2452);
}

TEST_CASE("the innermost open bracket is known, with its distance") {
    CHECK(after("no").h.open_bracket() == 0);
    CHECK(after("f(x").h.open_bracket() == ')');
    CHECK(after("f(x").h.bracket_distance() == 1);
    CHECK(after("f(x[").h.open_bracket() == ']');
    CHECK(after("f(x[i]").h.open_bracket() == ')');
    CHECK(after("f(x[i])").h.open_bracket() == 0);
    CHECK(after("say \"yes").h.open_bracket() == '"');
    CHECK(after("say \"yes\" ").h.open_bracket() == 0);
    CHECK(after("(" + std::string(40, 'x')).h.bracket_distance() == 15);
    CHECK(after("(" + std::string(400, 'x')).h.open_bracket() == 0);  // nothing will close it any more
}

TEST_CASE("brackets deeper than the history holds forget the outermost") {
    const after deep("[" + std::string(20, '('));
    CHECK(deep.h.open_bracket() == ')');
    CHECK(after("[" + std::string(15, '(') + std::string(15, ')')).h.open_bracket() == ']');
    CHECK(after("[" + std::string(20, '(') + std::string(15, ')')).h.open_bracket() == ')');
    CHECK(after("[" + std::string(20, '(') + std::string(16, ')')).h.open_bracket() == 0);
    CHECK(after("[" + std::string(20, '(') + std::string(40, ')')).h.open_bracket() == 0);
}

TEST_CASE("columns count from the start of the line, and the byte above stands in the line before") {
    const after a("abcdef\nuvwxyz\nAB");
    CHECK(a.h.column() == 2);
    CHECK(a.h.above() == 'w');
    CHECK(a.h.first_of_line() == 'A');
    CHECK(after("abc").h.above() == 0);
    CHECK(after("ab\nabcdef").h.above() == 0);  // the line above is shorter
    CHECK(after("ab\nab").h.above() == '\n');
    CHECK(after("ab\n").h.column() == 0);
    CHECK(after("ab\n").h.first_of_line() == 0);
    CHECK(after("\n\n\n").h.above() == '\n');
}

TEST_CASE("what followed the last one and the last two bytes is remembered") {
    const after a("xaya_xbxa");
    CHECK((a.h.followers_of_one() & 0xFFFF) == ('y' << 8 | '_'));
    CHECK((a.h.followers_of_two() & 0xFF) == 'y');
    CHECK((after("q1q2q3q4q").h.followers_of_one()) == 0x31323334);
}

TEST_CASE("brackets have classes and bytes that close them") {
    for (unsigned c = 0; c < 256; ++c) {
        const auto b = static_cast<std::uint8_t>(c);
        CHECK(byte_class(b) < 16);
        if (closing_byte(b) != 0 && b != '"') CHECK(byte_class(b) == 10);
    }
    CHECK(byte_class(0) == 13);
    CHECK(byte_class(255) == 12);
}

TEST_CASE("instructions of 32-bit code end where the processor ends them") {
    for (const auto& first : real_instructions()) {
        for (const auto& second : real_instructions()) {
            bytes code = first.code;
            code.insert(code.end(), second.code.begin(), second.code.end());
            x86_history h;
            h.reset(code.data());
            for (std::size_t i = 0; i < code.size(); ++i) {
                INFO(first.what << "; " << second.what << ", byte " << i);
                const bool boundary = i == 0 || i == first.code.size();
                REQUIRE((h.field() == 0) == boundary);
                h.push(code[i]);
            }
            REQUIRE(h.field() == 0);
        }
    }
}

TEST_CASE("fields of an instruction are named as they come") {
    const bytes code{0x66, 0x81, 0x84, 0x88, 1, 2, 3, 4};
    x86_history h;
    h.reset(code.data());
    const std::uint32_t fields[] = {0, 16, 18, 19, 23, 22, 21, 20};
    for (std::size_t i = 0; i < code.size(); ++i) {
        CHECK(h.field() == fields[i]);
        h.push(code[i]);
    }
    CHECK(h.field() >= 24);  // an immediate behind a prefix
    CHECK(h.opcode() == 0x81);
    CHECK(h.operand() == 0x84);
}

TEST_CASE("any bytes leave the instruction decoder in a known field") {
    const bytes block = any_bytes(50000, 53);
    x86_history h;
    h.reset(block.data());
    std::size_t opcodes = 0;
    for (const std::uint8_t c : block) {
        h.push(c);
        REQUIRE(h.field() < 32);
        opcodes += h.field() == 0 ? 1U : 0U;
    }
    CHECK(opcodes > 5000);
}

TEST_CASE("cells of a record are found above and on the left") {
    const bytes block{'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j'};
    record_history h;
    h.set_stride(4);
    h.reset(block.data());
    for (const std::uint8_t c : block) h.push(c);
    CHECK(h.stride() == 4);
    CHECK(h.cell_column() == 2);  // the next byte stands below 'g' and 'c'
    CHECK(h.cell(1, 0) == 'g');
    CHECK(h.cell(2, 0) == 'c');
    CHECK(h.cell(3, 0) == 0);
    CHECK(h.cell(1, 1) == 'f');
    CHECK(record_around::value(h) == ('j' | 'g' << 8 | 'f' << 16 | static_cast<std::uint32_t>('h') << 24));
    CHECK(record_column::value(h) == (2U << 8 | 'g'));
    CHECK(record_slope::value(h) >> 16 == 'k');  // g + (j - f)
    h.set_stride(0);
    CHECK(h.stride() == 1);
}

TEST_CASE("contexts and selectors are functions of the history, and selectors stay in their bounds") {
    check_profile<fast_text>();
    check_profile<fast_code>();
    check_profile<fast_records>();
    check_profile<max_text>();
    check_profile<max_code>();
    check_profile<max_records>();
}

TEST_CASE("contexts of order n depend on the last n bytes and on nothing before") {
    const after a("0123456789abcdefg"), b("##########bcdefg"), c("##########.cdefg");
    CHECK(order<6>::value(a.h) == order<6>::value(b.h));
    CHECK(order<6>::value(a.h) != order<6>::value(c.h));
    CHECK(order<8>::value(a.h) != order<8>::value(b.h));
    CHECK(order<1>::value(a.h) == 'g');
    CHECK(order<4>::value(a.h) == 0x64656667);
    CHECK(sparse<0xFF00FF00>::value(a.h) == 0x64006600);
}

TEST_CASE("equal values of different contexts in a list have different hashes") {
    const after a("aaaa");
    std::uint32_t hash[3];
    context_list<order<2>, order<2>, order<2>>::hash(a.h, hash);
    CHECK(hash[0] != hash[1]);
    CHECK(hash[0] != hash[2]);
    CHECK(hash[1] != hash[2]);
}
