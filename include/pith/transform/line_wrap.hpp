// Line ends of wrapped paragraphs as spaces: the width to which the text was filled tells where they were.
// End-of-line coding after Skibinski's WRT (2005); differs in replaying the greedy fill, so most line ends
// cost nothing.
#pragma once

#include <cstddef>
#include <cstdint>

#include <pith/core/bytes.hpp>
#include <pith/core/result.hpp>

namespace pith::inline v1::transform {

/// Reverses greedy filling: a line ends where the next word would pass column `width`. A line end that the
/// rule foretells becomes a space, a space at which the rule foretells a line end becomes the byte `keep`,
/// everything else stays. Columns are characters of UTF-8. A break is "\n", or " \n" where the last one was.
/// Exactly invertible on any bytes without `keep`; exact.
struct line_wrap {
    std::uint8_t width = 0;  ///< 0: nothing is changed
    std::uint8_t keep = 0;   ///< a byte that does not occur in the text

    static constexpr unsigned widest = 250;

    /// The width that saves most, 0 where none saves anything. Encoder-side, exact.
    [[nodiscard]] static std::uint8_t best_width(byte_view text) noexcept;
    /// Unwraps in place; bytes of the result, at most text.size().
    [[nodiscard]] std::size_t forward(byte_span text) const noexcept;
    /// Wraps again. Bytes written, or bad_stream for what `forward` never writes, or output_too_small.
    [[nodiscard]] result<std::size_t> inverse(byte_view in, byte_span out) const noexcept;
};

namespace detail {

/// What stands between two words.
enum class gap_kind : std::uint8_t { space, break_plain, break_spaced, keep, other };

/// A run of spaces, line ends and `keep` bytes, and the word behind it.
struct gap {
    std::size_t size = 0;
    std::size_t word = 0;    ///< columns of the word behind
    std::size_t indent = 0;  ///< columns behind the last line end of the run, or of the whole run
    gap_kind kind = gap_kind::other;
    bool ends_line = false;
    bool holds_keep = false;
};

/// Cuts text into words and gaps.
struct gap_reader {
    byte_view text;
    std::uint8_t keep;
    bool has_keep;

    [[nodiscard]] bool in_gap(std::uint8_t b) const noexcept {
        return b == ' ' || b == '\n' || (has_keep && b == keep);
    }
    // Continuation bytes of UTF-8 take no column.
    [[nodiscard]] std::size_t word_columns(std::size_t& at) const noexcept {
        std::size_t n = 0;
        for (; at < text.size() && !in_gap(text[at]); ++at) n += (text[at] & 0xC0) != 0x80 ? 1U : 0U;
        return n;
    }
    [[nodiscard]] gap at(std::size_t from) const noexcept {
        gap g;
        std::size_t i = from;
        for (; i < text.size() && in_gap(text[i]); ++i) {
            ++g.indent;
            g.holds_keep = g.holds_keep || text[i] != (text[i] == '\n' ? '\n' : ' ');
            if (text[i] != '\n') continue;
            g.ends_line = true;
            g.indent = 0;
        }
        g.size = i - from;
        if (g.size == 1)
            g.kind = text[from] == '\n' ? gap_kind::break_plain
                     : g.holds_keep     ? gap_kind::keep
                                        : gap_kind::space;
        if (g.size == 2 && text[from] == ' ' && text[from + 1] == '\n') g.kind = gap_kind::break_spaced;
        if (g.kind != gap_kind::other) g.word = word_columns(i);
        return g;
    }
};

/// Where the filling stands; both directions keep one.
struct fill_state {
    std::size_t width;
    std::size_t column = 0;
    bool filled = true;  ///< false from a line that passes the width up to its end
    gap_kind style = gap_kind::break_plain;

    [[nodiscard]] bool foretells_break(const gap& g) const noexcept {
        return filled && column != 0 && g.word != 0 && column + 1 + g.word > width;
    }
    void take_break(gap_kind kind) noexcept {
        style = kind;
        column = 0;
        filled = true;
    }
    void take_other(const gap& g) noexcept {
        column = g.ends_line ? g.indent : column + g.indent;
        filled = filled || g.ends_line;
    }
};

[[nodiscard]] inline bool is_break(gap_kind kind) noexcept {
    return kind == gap_kind::break_plain || kind == gap_kind::break_spaced;
}

/// The width of the largest saving, given the differences along the width of two counts: line ends foretold
/// of all `breaks`, and lines that pass the width. 0: none saves.
[[nodiscard]] inline std::uint8_t most_saving(const std::int32_t* foretold, const std::int32_t* passed,
                                              std::int32_t breaks) noexcept {
    // In bits, about: a line end that is foretold saves 3, one that is not costs 3 more than it did, a line
    // that passes the width costs 9.
    std::int64_t best = 0;
    std::uint8_t found = 0;
    std::int64_t hits = 0;
    std::int64_t misses = 0;
    for (unsigned w = 1; w <= line_wrap::widest; ++w) {
        hits += foretold[w];
        misses += passed[w];
        const std::int64_t saved = 3 * hits - 3 * (breaks - hits) - 9 * misses;
        if (saved <= best) continue;
        best = saved;
        found = static_cast<std::uint8_t>(w);
    }
    return found;
}

}  // namespace detail

inline std::uint8_t line_wrap::best_width(byte_view text) noexcept {
    // Differences along the width of what each line contributes: ends foretold, lines that pass the width.
    std::int32_t foretold[widest + 2] = {};
    std::int32_t passed[widest + 2] = {};
    const auto add = [](std::int32_t* to, std::size_t first, std::size_t last) {
        if (first > widest) return;
        ++to[first];
        --to[(last < widest ? last : widest) + 1];
    };
    const detail::gap_reader reader{text, 0, false};
    std::size_t column = 0;
    std::size_t single = 0;  // column of the last word's end that a single space leads to
    std::int32_t breaks = 0;
    for (std::size_t i = 0; i < text.size();) {
        column += reader.word_columns(i);
        const detail::gap g = reader.at(i);
        i += g.size;
        if (g.kind == detail::gap_kind::space) {
            single = column + 1 + g.word;
        } else if (g.ends_line) {
            if (single > 1) add(passed, 1, single - 1);
            if (detail::is_break(g.kind) && g.word != 0 && column != 0) {
                add(foretold, single > column ? single : column, column + g.word);
                ++breaks;
            }
            single = 0;
        }
        column = g.ends_line ? g.indent : column + g.indent;
    }
    return detail::most_saving(foretold, passed, breaks);
}

inline std::size_t line_wrap::forward(byte_span text) const noexcept {
    if (width == 0) return text.size();
    const detail::gap_reader reader{text, keep, true};
    detail::fill_state fill{width};
    std::size_t to = 0;  // never ahead of the bytes that are read
    for (std::size_t i = 0; i < text.size();) {
        const std::size_t word = i;
        fill.column += reader.word_columns(i);
        for (std::size_t k = word; k < i; ++k) text[to++] = text[k];
        const detail::gap g = reader.at(i);
        const bool foretold = fill.foretells_break(g);
        if (detail::is_break(g.kind)) {
            if (foretold && g.kind == fill.style) {
                text[to++] = ' ';
            } else {
                for (std::size_t k = 0; k < g.size; ++k) text[to++] = text[i + k];
            }
            fill.take_break(g.kind);
        } else if (foretold && g.kind == detail::gap_kind::space) {
            text[to++] = keep;
            fill.filled = false;
            fill.take_other(g);
        } else {
            for (std::size_t k = 0; k < g.size; ++k) text[to++] = text[i + k];
            fill.take_other(g);
        }
        i += g.size;
    }
    return to;
}

inline result<std::size_t> line_wrap::inverse(byte_view in, byte_span out) const noexcept {
    span_sink sink(out);
    if (width == 0) {
        sink.append(in);
        return sink.written();
    }
    const detail::gap_reader reader{in, keep, true};
    detail::fill_state fill{width};
    for (std::size_t i = 0; i < in.size();) {
        const std::size_t word = i;
        fill.column += reader.word_columns(i);
        sink.append(in.subspan(word, i - word));
        const detail::gap g = reader.at(i);
        const bool foretold = fill.foretells_break(g);
        const bool keeps = g.kind == detail::gap_kind::keep;
        if (foretold ? g.kind == fill.style : g.holds_keep)
            return error{error_code::bad_stream, i, "a line end that no unwrapping leaves"};
        if (g.holds_keep && !keeps) return error{error_code::bad_stream, i, "a kept space among others"};
        if (foretold && g.kind == detail::gap_kind::space) {
            if (fill.style == detail::gap_kind::break_spaced) sink.put(' ');
            sink.put('\n');
            fill.take_break(fill.style);
        } else if (keeps) {
            sink.put(' ');
            fill.filled = false;
            fill.take_other(g);
        } else {
            sink.append(in.subspan(i, g.size));
            if (detail::is_break(g.kind))
                fill.take_break(g.kind);
            else
                fill.take_other(g);
        }
        i += g.size;
    }
    return sink.written();
}

}  // namespace pith::inline v1::transform
