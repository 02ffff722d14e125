// Contexts of text that need more than bytes and words, as policies.
// As the word model of PAQ8 (Mahoney and others, 2006-) in kind; what followed the last words is own work.
#pragma once

#include <cstdint>

#include <pith/mixing/contexts.hpp>
#include <pith/mixing/text_history.hpp>

namespace pith::inline v1::mixing {

/// The word so far and the last two letters of each of the two before.
struct word_endings {
    [[nodiscard]] static std::uint32_t value(const text_history& h) noexcept {
        const std::uint32_t two = h.ending(0) << 16 | (h.ending(1) & 0xFFFF);
        return scrambled(h.word(0) + 5, two);
    }
};
/// The last five letters, whatever stood between them.
struct letters {
    [[nodiscard]] static std::uint32_t value(const text_history& h) noexcept {
        return scrambled(static_cast<std::uint32_t>(h.letters()), h.letters() >> 32 & 0xFF);
    }
};
/// The last five bytes, digits and capitals as one of each.
struct shapes {
    [[nodiscard]] static std::uint32_t value(const text_history& h) noexcept {
        return scrambled(static_cast<std::uint32_t>(h.shapes()), h.shapes() >> 32 & 0xFF);
    }
};
/// The word so far, the one before and what stands between them.
struct word_gap {
    [[nodiscard]] static std::uint32_t value(const text_history& h) noexcept {
        return scrambled(scrambled(h.word(0) + 9, h.gap()), h.word(1));
    }
};
/// The word so far and the one that came last after the last word, or the last two words.
struct follower_of_word {
    [[nodiscard]] static std::uint32_t value(const text_history& h) noexcept {
        return scrambled(h.word(0) + 13, h.follower_of_word());
    }
};
struct follower_of_two_words {
    [[nodiscard]] static std::uint32_t value(const text_history& h) noexcept {
        return scrambled(h.word(0) + 17, h.follower_of_two_words());
    }
};
/// The last tag and the last two bytes; and the word so far.
struct tag_pair {
    [[nodiscard]] static std::uint32_t value(const text_history& h) noexcept {
        return scrambled(h.tag(), h.last() & 0xFFFF);
    }
};
struct tag_word {
    [[nodiscard]] static std::uint32_t value(const text_history& h) noexcept {
        return scrambled(h.tag(), h.word(0));
    }
};
/// The first word of the line and the word so far; with the first word of the line before.
struct line_word {
    [[nodiscard]] static std::uint32_t value(const text_history& h) noexcept {
        return scrambled(h.first_word(), h.word(0) + 21);
    }
};
struct line_words {
    [[nodiscard]] static std::uint32_t value(const text_history& h) noexcept {
        return scrambled(h.first_word_above() + 3, h.word(0) * 3 + h.first_word());
    }
};
/// How long the word so far is, its last byte and the last two letters of the word before.
struct word_length {
    [[nodiscard]] static std::uint32_t value(const text_history& h) noexcept {
        const std::uint32_t length = h.length() < 255 ? h.length() : 255;
        return length << 24 | std::uint32_t{h.last_byte()} << 16 | (h.ending(0) & 0xFFFF);
    }
};

}  // namespace pith::inline v1::mixing
