// A reader of JSON that goes forward only: the caller says what it expects, nothing is built in memory.
// ECMA-404; numbers only as unsigned integers, nesting at most 16 deep: headers of model files need no more.
#pragma once

#include <cstdint>
#include <string>

#include <pith/core/bytes.hpp>

namespace lm {

/// Every member returns false from the first fault on; `at` then tells its byte.
class json_reader {
  public:
    explicit json_reader(pith::byte_view text) : text_(text) {}

    [[nodiscard]] bool good() const { return good_; }
    [[nodiscard]] std::size_t at() const { return at_; }
    /// Nothing but blanks follows.
    bool at_end() { return skip_blanks(), good_ && at_ == text_.size(); }
    /// True, and the character taken, when it comes next.
    bool next_is(char c) {
        skip_blanks();
        if (!good_ || at_ == text_.size() || text_[at_] != static_cast<std::uint8_t>(c)) return false;
        return ++at_, true;
    }
    bool expect(char c) { return next_is(c) || fail(); }
    bool read(std::string& out) {
        out.clear();
        if (!expect('"')) return false;
        while (at_ < text_.size() && text_[at_] != '"') {
            if (text_[at_] < 0x20) return fail();
            if (text_[at_] != '\\') {
                out += static_cast<char>(text_[at_++]);
            } else if (!read_escape(out)) {
                return fail();
            }
        }
        return expect('"');
    }
    bool read(std::uint64_t& out) {
        skip_blanks();
        const std::size_t begin = at_;
        out = 0;
        for (; at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9'; ++at_) {
            if (at_ - begin >= 18) return fail();  // 10^18 < 2^63
            out = 10 * out + (text_[at_] - std::uint64_t{'0'});
        }
        return at_ != begin || fail();
    }
    /// f(key) for every member of an object; f reads the value.
    template <class F>
    bool each_member(F f) {
        if (!expect('{')) return false;
        if (next_is('}')) return true;
        do {
            std::string key;
            if (!read(key) || !expect(':') || !f(key)) return fail();
        } while (next_is(','));
        return expect('}');
    }
    /// f() for every element of an array.
    template <class F>
    bool each_element(F f) {
        if (!expect('[')) return false;
        if (next_is(']')) return true;
        do {
            if (!f()) return fail();
        } while (next_is(','));
        return expect(']');
    }
    bool skip_value(unsigned depth = 0) {
        if (depth == 16) return fail();
        skip_blanks();
        if (at_ == text_.size()) return fail();
        std::string ignored;
        if (text_[at_] == '"') return read(ignored);
        if (text_[at_] == '{') return each_member([&](const std::string&) { return skip_value(depth + 1); });
        if (text_[at_] == '[') return each_element([&] { return skip_value(depth + 1); });
        const std::size_t begin = at_;
        while (at_ < text_.size() && is_plain(text_[at_])) ++at_;
        return at_ != begin || fail();
    }

  private:
    static bool is_plain(std::uint8_t c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || c == 'E' || c == '-' || c == '+' ||
               c == '.';
    }
    void skip_blanks() {
        while (at_ < text_.size() &&
               (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\t' || text_[at_] == '\r'))
            ++at_;
    }
    bool read_escape(std::string& out) {
        constexpr char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
        if (++at_ == text_.size()) return false;
        const auto c = static_cast<char>(text_[at_++]);
        for (std::size_t i = 0; i < 8; ++i)
            if (c == from[i]) return out += to[i], true;
        if (c != 'u' || text_.size() - at_ < 4) return false;
        at_ += 4;
        out += '?';  // no name that is looked for has one
        return true;
    }
    bool fail() { return good_ = false; }

    pith::byte_view text_;
    std::size_t at_ = 0;
    bool good_ = true;
};

}  // namespace lm
