// The stream of events of a text cut into words and phrases, under contexts that are words; one form for both
// directions. After Quasicryth (Tacconelli, 2026): levels, indexes, case flags and escapes. What differs: all
// are mixed predictions under words before them, and what lies between words is a stream of its own.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

#include <pith/codec/phrase_parse.hpp>
#include <pith/codec/string_set.hpp>
#include <pith/core/bytes.hpp>
#include <pith/mixing/mixed_number.hpp>
#include <pith/transform/word_cut.hpp>

namespace pith::inline v1::codec {

/// Kinds of numbers that have mixing weights of their own.
enum class phrase_number : std::size_t {
    size,
    prefix,
    letter,
    separator_size,
    separator_byte,
    level,
    word,
    phrase,
    separator,
    letters,
    count
};

/// What events are coded under: `published` levels under the two levels before, indexes under their level and
/// case flags under the two before, as Quasicryth does; `words` adds the words and separators before them.
enum class phrase_contexts { published, words };

/// Codes events and strings, and remembers what came before them.
template <phrase_contexts Contexts>
class phrase_model {
    using kind = phrase_number;

  public:
    static constexpr std::uint32_t escape = ~std::uint32_t{0};  ///< the word that is spelled where it stands
    using numbers = mixing::mixed_number<static_cast<std::size_t>(kind::count)>;
    static constexpr std::size_t memory = numbers::memory;

    void reset(std::size_t tokens) noexcept {
        numbers_.reset(tokens + 64);
        history_ = {};
    }

    /// A number without context.
    template <mixing::coding_end End>
    std::uint32_t size(End& end, std::uint32_t value, std::uint64_t which) noexcept {
        return code<kind::size>(end, value, {context(kind::size, which)});
    }

    /// A word's letters: never 0, at most longest_token_word. `text` holds room for longest_token_word bytes;
    /// returns the length, or longest_token_word + 1 if that is exceeded.
    template <mixing::coding_end End>
    std::size_t spell(End& end, std::uint8_t* text, std::size_t length, std::size_t from = 0) noexcept {
        std::uint64_t last = 0;
        for (std::size_t i = 0; i < from; ++i) last = last << 8 | text[i];
        for (std::size_t i = from; i <= transform::longest_token_word; ++i) {
            const std::uint32_t letter = i < length ? text[i] : 0U;
            const std::uint32_t got = fixed<kind::letter>(
                end, letter, 8,
                {context(kind::letter, i < 3 ? i : 3), context(kind::letter, last & 0xFF, 8),
                 context(kind::letter, last & 0xFFFF, 16), context(kind::letter, last & 0xFF'FFFF, 24),
                 context(kind::letter, last & 0xFFFF'FFFF, i < 5 ? i + 32 : 37)});
            if (got == 0) return i;
            if (i == transform::longest_token_word) break;
            text[i] = static_cast<std::uint8_t>(got);
            last = last << 8 | got;
        }
        return transform::longest_token_word + 1;
    }
    /// What the word shares with the word before it in a vocabulary, 0..longest_token_word.
    template <mixing::coding_end End>
    std::size_t prefix(End& end, std::size_t shared, std::size_t before) noexcept {
        return code<kind::prefix>(end, static_cast<std::uint32_t>(shared),
                                  {context(kind::prefix, 0), context(kind::prefix, 1, before)});
    }
    /// A separator's bytes, 0..longest_token_separator of them; returns the length.
    template <mixing::coding_end End>
    std::size_t spell_separator(End& end, std::uint8_t* text, std::size_t length) noexcept {
        const std::size_t n = fixed<kind::separator_size>(end, static_cast<std::uint32_t>(length), 4,
                                                          {context(kind::separator_size, 0)});
        std::uint64_t last = 0;
        for (std::size_t i = 0; i < n; ++i) {
            text[i] = static_cast<std::uint8_t>(fixed<kind::separator_byte>(
                end, End::encodes ? text[i] : 0U, 8,
                {context(kind::separator_byte, 0), context(kind::separator_byte, last & 0xFF, 8),
                 context(kind::separator_byte, last & 0xFFFF, 16)}));
            last = last << 8 | text[i];
        }
        return n;
    }

    /// What an event is: 0 an escaped word, 1 a word, 2 + l a phrase of level l; up to 15.
    template <mixing::coding_end End>
    std::uint32_t level(End& end, std::uint32_t value, std::uint16_t allowed) noexcept {
        const auto top = static_cast<std::uint64_t>(std::bit_width(allowed));
        const std::uint64_t before = history_.levels & 0xFF;
        const std::uint32_t got = fixed<kind::level>(
            end, value, 4,
            {context(kind::level, top, before), context(kind::level, top, history_.levels & 0xFFFF),
             context(kind::level, top + 16, history_.words[0]),
             context(kind::level, top + 16, history_.words[0], history_.words[1] + 1),
             context(kind::level, top + 32, history_.separator, before)});
        history_.levels = history_.levels << 4 | got;
        return got;
    }
    /// A word's place in the vocabulary.
    template <mixing::coding_end End>
    std::uint32_t word(End& end, std::uint32_t rank) noexcept {
        const auto& w = history_.words;
        return code<kind::word>(
            end, rank,
            {context(kind::word, 0), context(kind::word, 1, history_.separator, history_.letters & 3),
             context(kind::word, 2, w[1]), context(kind::word, 3, w[0]),
             context(kind::word, 4, w[0], w[1] + 1),
             context(kind::word, w[2] + std::uint64_t{5}, w[0], w[1] + 1)});
    }
    /// A phrase's place in the book of its level.
    template <mixing::coding_end End>
    std::uint32_t phrase(End& end, std::uint32_t number, std::size_t at_level) noexcept {
        const auto& w = history_.words;
        return code<kind::phrase>(
            end, number,
            {context(kind::phrase, at_level), context(kind::phrase, at_level + 16, history_.separator),
             context(kind::phrase, at_level + 32, w[0]),
             context(kind::phrase, at_level + 48, w[0], w[1] + 1)});
    }
    /// A separator's place in its list plus one; 0: it is spelled. `next` is the word behind it.
    template <mixing::coding_end End>
    std::uint32_t separator(End& end, std::uint32_t place, std::uint32_t next) noexcept {
        const std::uint64_t before = history_.separator;
        const std::uint64_t last = history_.words[0];
        return code<kind::separator>(
            end, place,
            {context(kind::separator, 0, before),
             context(kind::separator, 1, before, history_.older_separator), context(kind::separator, 2, next),
             context(kind::separator, 3, last), context(kind::separator, before + 4, next, last + 1),
             context(kind::separator, 5, next, last + 1)});
    }
    /// A word_case; 3 is none.
    template <mixing::coding_end End>
    std::uint32_t letters(End& end, std::uint32_t value, std::uint32_t word) noexcept {
        const std::uint64_t before = history_.letters;
        return fixed<kind::letters>(
            end, value, 2,
            {context(kind::letters, 0, before & 0xF),
             context(kind::letters, 1, history_.separator, before & 3), context(kind::letters, 2, word),
             context(kind::letters, 3, word, history_.separator + 1),
             context(kind::letters, 4, word, history_.words[0] + 1)});
    }

    /// To be told after each word is known, with its separator and case.
    void saw_separator(std::uint32_t separator) noexcept {
        history_.older_separator = history_.separator;
        history_.separator = separator;
    }
    void saw_word(std::uint32_t word, std::uint32_t letters) noexcept {
        history_.letters = history_.letters << 2 | letters;
        push_word(word);
    }
    /// A word alone: in the books there is nothing between words.
    void push_word(std::uint32_t word) noexcept {
        history_.words = {word, history_.words[0], history_.words[1]};
    }
    void forget_words() noexcept { history_.words = {}; }

  private:
    struct history {
        std::array<std::uint32_t, 3> words{};
        std::uint32_t separator = 0;
        std::uint32_t older_separator = 0;
        std::uint64_t levels = 0;
        std::uint64_t letters = 0;
    };

    /// How many of N contexts are used: Quasicryth's come first.
    [[nodiscard]] static constexpr std::size_t used(kind of, std::size_t n) noexcept {
        const bool rich = Contexts == phrase_contexts::words;
        return rich || !(of == kind::level || of == kind::word || of == kind::phrase || of == kind::letters)
                   ? n
               : of == kind::level ? 2
                                   : 1;
    }
    [[nodiscard]] static constexpr std::uint64_t context(kind of, std::uint64_t a, std::uint64_t b = 0,
                                                         std::uint64_t c = 0) noexcept {
        return mixing::context_of(static_cast<std::uint64_t>(of) << 32 ^ a, b, c);
    }
    template <kind Kind, mixing::coding_end End, std::size_t N>
    std::uint32_t code(End& end, std::uint32_t value, const std::uint64_t (&contexts)[N]) noexcept {
        return numbers_.code(end, value, static_cast<std::size_t>(Kind), {contexts, used(Kind, N)});
    }
    template <kind Kind, mixing::coding_end End, std::size_t N>
    std::uint32_t fixed(End& end, std::uint32_t value, unsigned bits,
                        const std::uint64_t (&contexts)[N]) noexcept {
        return numbers_.code_fixed(end, value, bits, static_cast<std::size_t>(Kind),
                                   {contexts, used(Kind, N)});
    }

    history history_;
    numbers numbers_;
};

}  // namespace pith::inline v1::codec
