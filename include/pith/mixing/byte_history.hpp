// What the bytes before the next one look like: the features from which contexts are made.
// Features as in PAQ8 (Mahoney and others, 2002-2009) and mcm (Chartier, 2013-): words, byte classes, open
// brackets, lines, and what followed the same bytes before. Written from their descriptions.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include <pith/core/assert.hpp>
#include <pith/core/bytes.hpp>
#include <pith/core/table.hpp>

namespace pith::inline v1::mixing {

/// A class of bytes that act alike in text, 0..15.
[[nodiscard]] constexpr std::uint8_t byte_class(std::uint8_t c) noexcept {
    const auto among = [c](const char* set) {
        for (; *set != 0; ++set)
            if (static_cast<std::uint8_t>(*set) == c) return true;
        return false;
    };
    if (c >= 'a' && c <= 'z') return among("aeiou") ? 1 : 2;
    if (c >= 'A' && c <= 'Z') return 3;
    if (c >= '0' && c <= '9') return 4;
    if (c == ' ') return 5;
    if (c == '\n' || c == '\r') return 6;
    if (among(".!?")) return 7;
    if (among(",;:")) return 8;
    if (among("'\"")) return 9;
    if (among("([{<")) return 10;
    if (among(")]}>")) return 11;
    if (c >= 128) return 12;
    if (c < 32) return 13;
    return among("=-+*/|_") ? 14 : 15;
}

/// A byte that opens a bracket or a quotation gives the one that closes it, else 0.
[[nodiscard]] constexpr std::uint8_t closing_byte(std::uint8_t c) noexcept {
    switch (c) {
        case '(':
            return ')';
        case '[':
            return ']';
        case '{':
            return '}';
        case '<':
            return '>';
        case '"':
            return '"';
        default:
            return 0;
    }
}

/// Follows a block byte by byte. It views the block: bytes before `size()` must be in place. Exact.
class byte_history {
  public:
    static constexpr std::size_t memory = 131072;  ///< besides the object itself

    byte_history() : followers_(65536) {
        for (std::size_t c = 0; c < 256; ++c) {
            const auto b = static_cast<std::uint8_t>(c);
            class_[c] = byte_class(b);
            closing_[c] = closing_byte(b);
            const std::uint8_t lower = b >= 'A' && b <= 'Z' ? static_cast<std::uint8_t>(b + 32) : b;
            const bool code = b >= 127 || (b < 32 && b != '\n' && b != '\r' && b != '\t');
            letter_[c] = (lower >= 'a' && lower <= 'z') || code ? lower : 0;
        }
    }

    /// Bytes that stand before words without being part of them (capital marks of transform::text); \n means
    /// none.
    void set_marks(std::uint8_t first, std::uint8_t second) noexcept { marks_ = {first, second}; }

    /// Starts before the first byte of a block.
    void reset(const std::uint8_t* block) noexcept {
        followers_.clear();
        text_ = state{};
        text_.block = block;
        follower_ = {};
    }

    /// Goes on with a copy of the block: its first size() bytes must be equal.
    void move_to(const std::uint8_t* block) noexcept { text_.block = block; }

    /// Takes the byte at position size() of the block.
    void push(std::uint8_t c) noexcept {
        std::uint32_t& follower = follower_[text_.last & 0xFF];
        follower = follower << 8 | c;
        std::uint16_t& pair = followers_[text_.last & 0xFFFF];
        pair = static_cast<std::uint16_t>(pair << 8 | c);
        text_.before = text_.before << 8 | text_.last >> 24;
        text_.last = text_.last << 8 | c;
        ++text_.size;
        if (c != marks_[0] && c != marks_[1]) push_word(letter_[c]);
        text_.classes = text_.classes << 4 | class_[c];
        if ((text_.changes & 15) != class_[c]) text_.changes = text_.changes << 4 | class_[c];
        push_bracket(c);
        push_line(c);
    }

    [[nodiscard]] const std::uint8_t* block() const noexcept { return text_.block; }
    [[nodiscard]] std::size_t size() const noexcept { return text_.size; }
    /// The last four bytes, the last one lowest; and the four before them.
    [[nodiscard]] std::uint32_t last() const noexcept { return text_.last; }
    [[nodiscard]] std::uint32_t before() const noexcept { return text_.before; }
    [[nodiscard]] std::uint8_t last_byte() const noexcept { return static_cast<std::uint8_t>(text_.last); }
    /// A hash of the letters of word k back, lower-cased; 0 counts the one that is being spelled, 0 if none.
    [[nodiscard]] std::uint32_t word(std::size_t k) const noexcept { return text_.words[k]; }
    /// Four bits for each of the last 16 bytes; for each of the last 8 runs of one class.
    [[nodiscard]] std::uint64_t classes() const noexcept { return text_.classes; }
    [[nodiscard]] std::uint32_t class_changes() const noexcept { return text_.changes; }
    /// What closes the innermost open bracket, 0 if none is open, and the distance from it, up to 15.
    [[nodiscard]] std::uint32_t open_bracket() const noexcept {
        return text_.depth == 0 ? 0U : text_.closing[text_.depth - 1];
    }
    [[nodiscard]] std::uint32_t bracket_distance() const noexcept {
        if (text_.depth == 0) return 0;
        const std::uint32_t d = text_.opened[text_.depth - 1];
        return d < 15 ? d : 15;
    }
    /// The last four bytes that followed the last byte; the last two that followed the last two.
    [[nodiscard]] std::uint32_t followers_of_one() const noexcept { return follower_[text_.last & 0xFF]; }
    [[nodiscard]] std::uint32_t followers_of_two() const noexcept { return followers_[text_.last & 0xFFFF]; }
    /// Bytes since the start of the line; its first byte; the byte above the next one, 0 where there is none.
    [[nodiscard]] std::uint32_t column() const noexcept {
        return static_cast<std::uint32_t>(text_.size - text_.line);
    }
    [[nodiscard]] std::uint8_t first_of_line() const noexcept { return text_.first; }
    [[nodiscard]] std::uint8_t above() const noexcept {
        const std::size_t at = text_.previous_line + (text_.size - text_.line);
        return at < text_.line ? text_.block[at] : std::uint8_t{0};
    }
    /// The byte k before the next one, k >= 1; 0 before the start.
    [[nodiscard]] std::uint8_t byte_back(std::size_t k) const noexcept {
        return k <= text_.size ? text_.block[text_.size - k] : std::uint8_t{0};
    }

  private:
    static constexpr std::size_t deepest = 16;
    static constexpr std::uint16_t longest_bracket = 250;  // an apostrophe or a < that nothing closes

    struct state {
        const std::uint8_t* block = nullptr;
        std::size_t size = 0, line = 0, previous_line = 0, depth = 0;
        std::uint32_t last = 0, before = 0, changes = 0;
        std::uint64_t classes = 0;
        std::array<std::uint32_t, 4> words{};
        std::array<std::uint16_t, deepest> opened{};
        std::array<std::uint8_t, deepest> closing{};
        std::uint8_t first = 0;
    };

    void push_word(std::uint8_t letter) noexcept {
        auto& w = text_.words;
        if (letter != 0) {
            w[0] = (w[0] + letter + 1) * 0x2F0B4C47U;
            w[0] ^= w[0] >> 15;
        } else if (w[0] != 0) {
            w = {0, w[0], w[1], w[2]};
        }
    }
    void push_bracket(std::uint8_t c) noexcept {
        auto& t = text_;
        if (t.depth != 0) {
            for (std::size_t i = 0; i < t.depth; ++i)
                t.opened[i] = static_cast<std::uint16_t>(t.opened[i] + (t.opened[i] < 65535));
            if (c == t.closing[t.depth - 1]) {
                --t.depth;
                return;
            }
        }
        if (closing_[c] != 0) {
            if (t.depth == deepest) {  // the outermost is forgotten
                for (std::size_t i = 1; i < deepest; ++i) {
                    t.opened[i - 1] = t.opened[i];
                    t.closing[i - 1] = t.closing[i];
                }
                --t.depth;
            }
            t.closing[t.depth] = closing_[c];
            t.opened[t.depth++] = 0;
        } else if (t.depth != 0 && t.opened[t.depth - 1] > longest_bracket) {
            --t.depth;
        }
    }
    void push_line(std::uint8_t c) noexcept {
        if (text_.size - text_.line == 1) text_.first = c;
        if (c != '\n') return;
        text_.previous_line = text_.line;
        text_.line = text_.size;
        text_.first = 0;
    }

    state text_;
    std::array<std::uint8_t, 2> marks_{'\n', '\n'};
    std::array<std::uint8_t, 256> class_{}, closing_{}, letter_{};
    std::array<std::uint32_t, 256> follower_{};
    table<std::uint16_t> followers_;
};

}  // namespace pith::inline v1::mixing
