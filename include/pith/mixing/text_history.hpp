// What text before the next byte looks like beyond its bytes: endings of words, shapes, tags, what words led
// to. Kinds as in the word model of PAQ8 (Mahoney and others, 2006-), with plain endings where it has stems.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include <pith/core/table.hpp>
#include <pith/mixing/byte_history.hpp>
#include <pith/mixing/contexts.hpp>

namespace pith::inline v1::mixing {

/// byte_history with features of text. Exact.
class text_history : public byte_history {
    static constexpr unsigned log2_words = 16;

  public:
    static constexpr std::size_t memory = byte_history::memory + (std::size_t{8} << log2_words);

    text_history() : after_one_(std::size_t{1} << log2_words), after_two_(std::size_t{1} << log2_words) {}

    void reset(const std::uint8_t* block) noexcept {
        byte_history::reset(block);
        after_one_.clear();
        after_two_.clear();
        text_ = state{};
    }
    void push(std::uint8_t c) noexcept {
        const std::array<std::uint32_t, 3> before{word(0), word(1), word(2)};
        byte_history::push(c);
        const std::uint32_t now = word(0);
        if (now != 0 && now != before[0])
            push_letter(c, before[0] == 0);
        else if (now == 0)
            push_other(c, before);
        const std::uint8_t shape = c >= '0' && c <= '9' ? '0' : c >= 'A' && c <= 'Z' ? 'A' : c;
        text_.shapes = text_.shapes << 8 | shape;
        push_tag(c);
    }

    /// The last letters, up to four, of word k + 1 back, in lower case.
    [[nodiscard]] std::uint32_t ending(std::size_t k) const noexcept { return text_.endings[k]; }
    /// Of the word that is being spelled, else of the last one: the first three letters, fewer while it is
    /// shorter. Letters of the word that is being spelled.
    [[nodiscard]] std::uint32_t beginning() const noexcept { return text_.beginning; }
    [[nodiscard]] std::uint32_t length() const noexcept { return text_.length; }
    /// The last eight letters in lower case, whatever stood between them.
    [[nodiscard]] std::uint64_t letters() const noexcept { return text_.letters; }
    /// The last eight bytes, digits and capitals as one of each.
    [[nodiscard]] std::uint64_t shapes() const noexcept { return text_.shapes; }
    /// The last bytes, up to four, between the last word and the one that is being spelled or may begin.
    [[nodiscard]] std::uint32_t gap() const noexcept { return word(0) != 0 ? text_.gap_before : text_.gap; }
    /// The word that came last after the last word; after the last two.
    [[nodiscard]] std::uint32_t follower_of_word() const noexcept { return text_.follower_of_one; }
    [[nodiscard]] std::uint32_t follower_of_two_words() const noexcept { return text_.follower_of_two; }
    /// A hash of the name of the last tag, as far as it has been read.
    [[nodiscard]] std::uint32_t tag() const noexcept { return text_.tag; }
    /// The first word of this line, 0 before its end; of the line before.
    [[nodiscard]] std::uint32_t first_word() const noexcept { return text_.first_word; }
    [[nodiscard]] std::uint32_t first_word_above() const noexcept { return text_.first_word_above; }

  private:
    struct state {
        std::uint64_t letters = 0, shapes = 0;
        std::array<std::uint32_t, 2> endings{};
        std::uint32_t ending = 0, beginning = 0, length = 0, gap = 0, gap_before = 0;
        std::uint32_t follower_of_one = 0, follower_of_two = 0;
        std::uint32_t tag = 0, first_word = 0, first_word_above = 0;
        bool in_tag = false;
    };

    [[nodiscard]] static std::size_t place(std::uint32_t word) noexcept {
        return (word * 0x9E3779B1U) >> (32 - log2_words);
    }
    void push_letter(std::uint8_t c, bool first) noexcept {
        state& t = text_;
        const std::uint8_t letter = c >= 'A' && c <= 'Z' ? static_cast<std::uint8_t>(c + 32) : c;
        t.ending = t.ending << 8 | letter;
        t.letters = t.letters << 8 | letter;
        if (first) {
            t.beginning = letter;
            t.gap_before = t.gap;
        } else if (t.length < 3) {
            t.beginning = t.beginning << 8 | letter;
        }
        ++t.length;
    }
    /// A byte that is no letter; `before` are the words as they were before it.
    void push_other(std::uint8_t c, const std::array<std::uint32_t, 3>& before) noexcept {
        state& t = text_;
        if (before[0] != 0) {
            after_one_[place(before[1])] = before[0];
            after_two_[place(scrambled(before[1], before[2]))] = before[0];
            t.follower_of_one = after_one_[place(before[0])];
            t.follower_of_two = after_two_[place(scrambled(before[0], before[1]))];
            t.endings = {t.ending, t.endings[0]};
            t.ending = t.length = t.gap = 0;
            if (t.first_word == 0) t.first_word = before[0];
        }
        t.gap = t.gap << 8 | c;
        if (c != '\n') return;
        t.first_word_above = t.first_word;
        t.first_word = 0;
    }
    void push_tag(std::uint8_t c) noexcept {
        if (c == '<') {
            text_.in_tag = true;
            text_.tag = 0;
        } else if (text_.in_tag) {
            if (c == '>' || c == ' ')
                text_.in_tag = false;
            else
                text_.tag = scrambled(text_.tag, c);
        }
    }

    state text_;
    table<std::uint32_t> after_one_, after_two_;
};

}  // namespace pith::inline v1::mixing
