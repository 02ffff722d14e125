// Words as codes and capitals as marks: what a text model gains from is that one word has one form.
// Capital conversion and word codes after WRT (Skibinski, 2005); codes follow the alphabet, as contexts like
// it.
#pragma once

#include <cstddef>
#include <cstdint>

#include <pith/core/bytes.hpp>
#include <pith/core/result.hpp>
#include <pith/transform/word_dictionary.hpp>

namespace pith::inline v1::transform {

/// Bytes that may get a meaning of their own: neither printable ASCII nor white space of text.
[[nodiscard]] constexpr bool may_be_code(std::uint8_t b) noexcept {
    return b < 0x20 ? b != '\t' && b != '\n' && b != '\r' : b >= 0x7F;
}

/// Which of these bytes do not occur in a text.
class free_bytes {
  public:
    explicit free_bytes(byte_view text) noexcept {
        bool used[256] = {};
        for (const std::uint8_t b : text) used[b] = true;
        for (unsigned b = 0; b < 256; ++b)
            if (!used[b] && may_be_code(static_cast<std::uint8_t>(b)))
                list_[size_++] = static_cast<std::uint8_t>(b);
    }
    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    [[nodiscard]] std::uint8_t operator[](std::size_t k) const noexcept { return list_[k]; }

  private:
    std::uint8_t list_[256] = {};
    std::size_t size_ = 0;
};

/// The bytes that mean something else than themselves: marks before capitalised words, codes of one byte, and
/// first bytes of codes of two. The second byte of a code is 128 + its number modulo 128.
struct word_alphabet {
    enum class role : std::uint8_t { literal, first, upper, one, lead };

    std::uint8_t first = 0;  ///< the next word has one capital, in front
    std::uint8_t upper = 0;  ///< the next word is all capitals
    std::uint8_t ones = 0;
    std::uint8_t leads = 0;
    std::uint8_t codes[256] = {};  ///< `ones` codes of one byte, then `leads` first bytes, ascending

    /// From `from` on, the free bytes.
    void assign(const free_bytes& free, std::size_t from, std::size_t one_count,
                std::size_t lead_count) noexcept {
        first = free[from];
        upper = free[from + 1];
        ones = static_cast<std::uint8_t>(one_count);
        leads = static_cast<std::uint8_t>(lead_count);
        for (std::size_t k = 0; k < one_count + lead_count; ++k) codes[k] = free[from + 2 + k];
    }
    void write(span_sink& to) const noexcept {
        for (const std::uint8_t b : {first, upper, ones, leads}) to.put(b);
        const std::size_t n = std::size_t{ones} + leads;
        for (std::size_t k = 0; k < n;) {
            std::size_t run = 1;
            while (k + run < n && codes[k + run] == codes[k] + run) ++run;
            to.put(codes[k]);
            to.put(static_cast<std::uint8_t>(run - 1));
            k += run;
        }
    }
    result<void> read(byte_reader& in) noexcept {
        for (std::uint8_t* const to : {&first, &upper, &ones, &leads}) {
            const result<std::uint8_t> b = in.read_le<std::uint8_t>();
            if (!b) return b.error();
            *to = *b;
        }
        const std::size_t n = std::size_t{ones} + leads;
        if (first >= upper || !may_be_code(first) || !may_be_code(upper) || n > 254)
            return in.fail(error_code::bad_header, "marks that no encoder chooses");
        for (std::size_t k = 0; k < n;) {
            const result<std::uint16_t> run = in.read_le<std::uint16_t>();
            if (!run) return run.error();
            const unsigned from = *run & 0xFFU;
            const std::size_t size = (*run >> 8) + 1U;
            const unsigned least = k == 0 ? upper + 1U : codes[k - 1] + 2U;
            if (from < least || size > n - k || from + size > 256)
                return in.fail(error_code::bad_header, "code bytes that no encoder chooses");
            for (std::size_t i = 0; i < size; ++i, ++k) {
                codes[k] = static_cast<std::uint8_t>(from + i);
                if (!may_be_code(codes[k]))
                    return in.fail(error_code::bad_header, "a code that is a literal");
            }
        }
        return {};
    }
    /// What each byte means, and for codes which.
    void roles(role* of, std::uint8_t* number) const noexcept {
        for (unsigned b = 0; b < 256; ++b) of[b] = role::literal;
        of[first] = role::first;
        of[upper] = role::upper;
        for (unsigned k = 0; k < unsigned{ones} + leads; ++k) {
            of[codes[k]] = k < ones ? role::one : role::lead;
            number[codes[k]] = static_cast<std::uint8_t>(k < ones ? k : k - ones);
        }
    }
};

/// Replaces the words of `text` that `counter` has numbered; appends to `to`. No byte of the alphabet may
/// occur in the text. Exact.
inline void encode_words(byte_view text, word_counter& counter, const word_alphabet& alphabet,
                         span_sink& to) noexcept {
    for (std::size_t i = 0; i < text.size();) {
        if (!detail::is_letter(text[i])) {
            to.put(text[i++]);
            continue;
        }
        const detail::word_view word = detail::word_at(text.subspan(i));
        i += word.letters.size();
        if (word.shape == detail::word_shape::mixed) {
            to.append(word.letters);
            continue;
        }
        if (word.shape == detail::word_shape::first) to.put(alphabet.first);
        if (word.shape == detail::word_shape::upper) to.put(alphabet.upper);
        const std::size_t code = word_counter::may_be_coded(word) ? counter.find(word.letters)->code : 0U;
        if (code == 0) {
            for (const std::uint8_t b : word.letters) to.put(static_cast<std::uint8_t>(b | 0x20));
        } else if (code <= alphabet.ones) {
            to.put(alphabet.codes[code - 1]);
        } else {
            const std::size_t k = code - 1 - alphabet.ones;
            to.put(alphabet.codes[alphabet.ones + k / codes_per_lead]);
            to.put(static_cast<std::uint8_t>(128 + k % codes_per_lead));
        }
    }
}

namespace detail {

/// The word whose code or letters stand at `i`, which moves behind it; empty where neither stands there.
[[nodiscard]] inline result<byte_view> word_behind(byte_view in, std::size_t& i,
                                                   const word_alphabet::role* roles,
                                                   const std::uint8_t* number,
                                                   const word_list& words) noexcept {
    if (i < in.size() && roles[in[i]] == word_alphabet::role::one) return words.one(number[in[i++]]);
    if (i < in.size() && roles[in[i]] == word_alphabet::role::lead) {
        if (in.size() - i < 2) return error{error_code::bad_stream, i, "the text ends inside a code"};
        const std::size_t k = number[in[i]] * codes_per_lead + in[i + 1] - 128U;
        if (in[i + 1] < 128 || k >= words.twos())
            return error{error_code::bad_stream, i, "a code of no word"};
        i += 2;
        return words.two(k);
    }
    const word_view word = word_at(in.subspan(i));
    if (word.shape == word_shape::first || word.shape == word_shape::upper)
        return error{error_code::bad_stream, i, "a word in capitals without a mark"};
    if (word.shape == word_shape::lower && words.contains(word.letters))
        return error{error_code::bad_stream, i, "the letters of a word that has a code"};
    i += word.letters.size();
    return word.letters;
}

}  // namespace detail

/// Undoes encode_words; `text` is what it wrote. Appends to `to`. bad_stream for codes without a word, marks
/// before no word, words that touch, and words that encode_words writes otherwise.
inline result<void> decode_words(byte_reader& text, const word_list& words, const word_alphabet& alphabet,
                                 span_sink& to) noexcept {
    using role = word_alphabet::role;
    role roles[256];
    std::uint8_t number[256] = {};
    alphabet.roles(roles, number);
    const byte_view in = text.rest();
    for (std::size_t i = 0; i < in.size();) {
        const role mark = roles[in[i]];
        if (mark == role::literal && !detail::is_letter(in[i])) {
            to.put(in[i++]);
            continue;
        }
        if (mark == role::first || mark == role::upper) ++i;
        const auto fail = [&](const char* why) {
            return error{error_code::bad_stream, text.position() + i, why};
        };
        const auto next = detail::word_behind(in, i, roles, number, words);
        if (!next) return fail(next.error().text);
        const byte_view word = *next;
        const bool marked = mark == role::first || mark == role::upper;
        if (marked && (word.size() < 2 || detail::word_at(word).shape != detail::word_shape::lower))
            return fail("a mark before no word");
        if (i < in.size() && (roles[in[i]] != role::literal || detail::is_letter(in[i])))
            return fail("two words without anything between");
        if (!marked) {
            to.append(word);
            continue;
        }
        const std::size_t capitals = mark == role::first ? 1 : word.size();
        for (std::size_t k = 0; k < word.size(); ++k)
            to.put(static_cast<std::uint8_t>(k < capitals ? word[k] & 0xDF : word[k]));
    }
    return {};
}

}  // namespace pith::inline v1::transform
