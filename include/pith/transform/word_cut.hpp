// Cuts any bytes into pairs of a separator and a word, and takes the case of letters out of the words.
// As text filters since Kruse and Mukherjee (1998) do; here every string of bytes has exactly one cut.
#pragma once

#include <cstddef>
#include <cstdint>

#include <pith/core/bytes.hpp>

namespace pith::inline v1::transform {

/// What the letters of a word were before they were lowered. Words of one capital are `title`.
enum class word_case : std::uint8_t { lower = 0, title = 1, upper = 2 };

/// One pair: `separator` bytes that belong to no word, then `length` bytes of a word. The word is empty only
/// after a separator of `longest_token_separator` bytes, or at the end.
struct word_token {
    std::size_t separator;
    std::size_t length;
    word_case letters;
    friend constexpr bool operator==(const word_token&, const word_token&) = default;
};

inline constexpr std::size_t longest_token_separator = 15;
inline constexpr std::size_t longest_token_word = 40;
inline constexpr std::size_t longest_token_number = 4;

[[nodiscard]] constexpr bool is_capital(std::uint8_t b) noexcept { return b >= 'A' && b <= 'Z'; }
[[nodiscard]] constexpr bool is_small(std::uint8_t b) noexcept { return b >= 'a' && b <= 'z'; }
[[nodiscard]] constexpr bool is_digit(std::uint8_t b) noexcept { return b >= '0' && b <= '9'; }
/// Letters without case: all of UTF-8 beyond ASCII.
[[nodiscard]] constexpr bool is_word_byte(std::uint8_t b) noexcept {
    return is_capital(b) || is_small(b) || is_digit(b) || b >= 0x80;
}
[[nodiscard]] constexpr std::uint8_t lowered(std::uint8_t b) noexcept {
    return is_capital(b) ? static_cast<std::uint8_t>(b + 32) : b;
}

/// The first pair of a nonempty text. Laws: pairs cover the text; at least one byte a pair; lowering a word
/// and `restore_case` after it is the identity.
[[nodiscard]] constexpr word_token next_word(byte_view text) noexcept {
    const auto run = [&](std::size_t from, std::size_t most, auto&& belongs) {
        std::size_t n = 0;
        while (n < most && from + n < text.size() && belongs(text[from + n])) ++n;
        return n;
    };
    const auto uncased = [](std::uint8_t b) { return is_small(b) || b >= 0x80; };
    const std::size_t gap = run(0, longest_token_separator, [](std::uint8_t b) { return !is_word_byte(b); });
    if (gap == text.size() || !is_word_byte(text[gap])) return {gap, 0, word_case::lower};
    if (is_digit(text[gap])) return {gap, run(gap, longest_token_number, is_digit), word_case::lower};
    const std::size_t capitals = run(gap, longest_token_word, is_capital);
    if (capitals > 1) return {gap, capitals, word_case::upper};
    const std::size_t rest = run(gap + capitals, longest_token_word - capitals, uncased);
    return {gap, capitals + rest, capitals == 1 ? word_case::title : word_case::lower};
}

/// Whether a lowered word may be a title, and, longer than one byte, all upper.
[[nodiscard]] constexpr bool may_be_title(byte_view word) noexcept {
    return !word.empty() && is_small(word[0]);
}
[[nodiscard]] constexpr bool may_be_upper(byte_view word) noexcept {
    if (word.size() < 2) return false;
    for (const std::uint8_t b : word)
        if (!is_small(b)) return false;
    return true;
}

/// Raises the letters of a lowered word in place. Precondition: the word may be of that case.
constexpr void restore_case(byte_span word, word_case letters) noexcept {
    const std::size_t raised = letters == word_case::lower   ? 0
                               : letters == word_case::title ? 1
                                                             : word.size();
    for (std::size_t i = 0; i < raised; ++i) word[i] = static_cast<std::uint8_t>(word[i] - 32);
}

}  // namespace pith::inline v1::transform
