// Block coder for text: words, and phrases of 2 to 144 words where a quasi-periodic tiling lets them start.
// The system of Quasicryth (Tacconelli, 2026), whose entropy stages are replaced by mixed predictions.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include <pith/codec/phrase_model.hpp>
#include <pith/codec/phrase_parse.hpp>
#include <pith/codec/string_set.hpp>
#include <pith/core/bytes.hpp>
#include <pith/core/result.hpp>
#include <pith/core/table.hpp>
#include <pith/entropy/plain_block.hpp>
#include <pith/mixing/mixed_number.hpp>
#include <pith/transform/word_cut.hpp>

namespace pith::inline v1::codec {

/// Where the bytes of a block went, and how many events it became. For reports.
struct phrase_report {
    std::size_t words = 0;
    std::size_t events = 0;
    std::array<std::size_t, phrase_levels> uses{};
    std::array<std::size_t, phrase_levels> book{};
};

/// Blocks of any bytes; text is what it is made for. Coded block: a form byte, then one range-coded number
/// with chunks of 4 MB that know nothing of each other. 227 MB of tables. Exact.
template <tiling_choice Tilings, phrase_contexts Contexts = phrase_contexts::words,
          phrase_thresholds Thresholds = Contexts == phrase_contexts::words ? long_phrases : all_phrases>
class phrases {
    static constexpr std::size_t chunk_size = std::size_t{1} << 22;
    static constexpr std::size_t most_words = 65535;
    static constexpr std::size_t most_strings = std::size_t{1} << 19;
    static constexpr std::size_t most_separators = std::size_t{1} << 16;
    static constexpr std::size_t arena = std::size_t{1} << 22;
    static constexpr std::size_t separator_arena = std::size_t{1} << 20;
    static constexpr std::uint32_t escape = phrase_model<Contexts>::escape;

  public:
    /// Tilings and contexts are part of the format: others than the alias's have ids of their own.
    static constexpr std::uint32_t recipe =
        Tilings::format == 0 && Contexts == phrase_contexts::words
            ? 0x52
            : 0x8000'5200U + 2 * Tilings::format + (Contexts == phrase_contexts::words ? 1 : 0);
    static constexpr const char* name = "quasicryth";
    static constexpr std::size_t memory =
        string_set::memory(most_strings, arena) + string_set::memory(most_separators, separator_arena) +
        phrase_parse::memory(chunk_size) + phrase_model<Contexts>::memory + chunk_size * (4 + 4 + 4 + 1);

    [[nodiscard]] static constexpr std::size_t max_encoded_size(std::size_t n) noexcept {
        return n == 0 ? 0 : n + 1;
    }

    /// Bytes written, or output_too_small.
    [[nodiscard]] result<std::size_t> encode_into(byte_view in, byte_span out) noexcept {
        report_ = {};
        if (in.empty()) return std::size_t{0};
        if (!entropy::is_run(in)) {
            span_sink sink(out.first(out.size() < in.size() ? out.size() : in.size()));
            sink.put(static_cast<std::uint8_t>(entropy::block_form::coded));
            mixing::bit_writer_end<span_sink> end(sink);
            for (std::size_t at = 0; at < in.size() && sink.size() <= in.size(); at += chunk_size)
                encode_chunk(end, in.subspan(at, in.size() - at < chunk_size ? in.size() - at : chunk_size));
            end.finish();
            if (sink.size() <= in.size()) return sink.written();
        }
        return entropy::encode_plain_block(in, out);
    }

    /// out.size(), or what is wrong with the block.
    [[nodiscard]] result<std::size_t> decode_into(byte_view in, byte_span out) noexcept {
        if (out.empty() || in.empty() || in[0] != static_cast<std::uint8_t>(entropy::block_form::coded))
            return entropy::decode_plain_block(in, out);
        if (in.size() > out.size())
            return error{error_code::bad_stream, 0, "a block that is longer coded than stored"};
        mixing::bit_reader_end end(in.subspan(1));
        for (std::size_t at = 0; at < out.size(); at += chunk_size) {
            if (!decode_chunk(end,
                              out.subspan(at, out.size() - at < chunk_size ? out.size() - at : chunk_size)))
                return error{error_code::bad_stream, 1, "events that no encoder writes"};
        }
        const auto finished = end.finish();
        if (!finished) return finished.error().shifted_by(1);
        if (entropy::is_run(out)) return error{error_code::bad_stream, 1, "a run was coded"};
        return out.size();
    }

    /// What the last call of encode_into made of its block.
    [[nodiscard]] const phrase_report& report() const noexcept { return report_; }

  private:
    /// How the chunk looks from the model's side: sizes known to both ends.
    struct sizes {
        std::uint32_t words;       // tokens
        std::uint32_t tiling;      // number of the tiling
        std::uint32_t vocabulary;  // ranked words
        std::uint32_t separators;  // ranked separators
    };
    template <mixing::coding_end End>
    [[nodiscard]] sizes code_sizes(End& end, sizes s) noexcept {
        s.words = model_.size(end, s.words, 0);
        s.tiling = model_.size(end, s.tiling, 1);
        s.vocabulary = model_.size(end, s.vocabulary, 2);
        s.separators = model_.size(end, s.separators, 3);
        return s;
    }

    template <mixing::coding_end End>
    void encode_chunk(End& end, byte_view in) noexcept {
        sizes s{static_cast<std::uint32_t>(cut_words(in)), 0, 0, 0};
        s.vocabulary = static_cast<std::uint32_t>(words_.rank_repeated(most_words));
        s.separators = static_cast<std::uint32_t>(separators_.rank_repeated(most_separators - 1));
        for (std::size_t i = 0; i < s.words; ++i) {
            word_of_[i] = word_of_[i] == string_set::none ? escape : words_.rank(word_of_[i]);
            separator_of_[i] =
                separator_of_[i] == string_set::none ? escape : separators_.rank(separator_of_[i]);
        }
        s.tiling = static_cast<std::uint32_t>(
            parse_.template cut<Tilings>({word_of_.data(), s.words}, s.vocabulary, Thresholds));
        model_.reset(in.size() / 4);
        s = code_sizes(end, s);
        encode_strings(end, s);
        encode_books(end);
        for (std::size_t i = 0; i < s.words;) i += encode_event(end, in, i);
        report_.words += s.words;
    }

    /// Fills the tokens and the sets of strings. Returns the number of tokens.
    std::size_t cut_words(byte_view in) noexcept {
        words_.reset(in.size());
        separators_.reset(in.size());
        std::size_t count = 0;
        for (std::size_t at = 0; at < in.size(); ++count) {
            const transform::word_token token = transform::next_word(in.subspan(at));
            std::uint8_t text[transform::longest_token_word];
            start_[count] = static_cast<std::uint32_t>(at);
            separator_of_[count] = separators_.add(in.subspan(at, token.separator));
            at += token.separator;
            for (std::size_t i = 0; i < token.length; ++i) text[i] = transform::lowered(in[at + i]);
            word_of_[count] = words_.add({text, token.length});
            case_of_[count] = static_cast<std::uint8_t>(token.letters);
            at += token.length;
        }
        return count;
    }

    template <mixing::coding_end End>
    void encode_strings(End& end, const sizes& s) noexcept {
        std::size_t shared = 0;
        for (std::size_t r = 0; r < s.vocabulary; ++r) {
            const byte_view text = words_.text(words_.ranked(r));
            const byte_view before = r == 0 ? byte_view() : words_.text(words_.ranked(r - 1));
            std::size_t same = 0;
            while (same < text.size() && same < before.size() && text[same] == before[same]) ++same;
            shared = model_.prefix(end, same, shared);
            std::uint8_t letters[transform::longest_token_word];
            for (std::size_t i = 0; i < text.size(); ++i) letters[i] = text[i];
            static_cast<void>(model_.spell(end, letters, text.size(), shared));
        }
        for (std::size_t r = 0; r < s.separators; ++r)
            encode_separator(end, separators_.text(separators_.ranked(r)));
    }
    template <mixing::coding_end End>
    void encode_separator(End& end, byte_view text) noexcept {
        std::uint8_t bytes[transform::longest_token_separator + 1];
        for (std::size_t i = 0; i < text.size(); ++i) bytes[i] = text[i];
        static_cast<void>(model_.spell_separator(end, bytes, text.size()));
    }
    template <mixing::coding_end End>
    void encode_books(End& end) noexcept {
        for (std::size_t l = 0; l < phrase_levels; ++l) {
            const std::size_t count = parse_.book_size(l);
            report_.book[l] += count;
            static_cast<void>(model_.size(end, static_cast<std::uint32_t>(count), 4));
            for (std::size_t k = 0; k < count; ++k) {
                model_.forget_words();
                for (std::size_t j = 0; j < transform::tile_lengths[l]; ++j) {
                    const std::uint32_t word = word_of_[parse_.book_entry(l, k) + j];
                    model_.push_word(model_.word(end, word));
                }
            }
        }
        model_.forget_words();
    }

    /// One event and what goes with its words. Returns the number of words.
    template <mixing::coding_end End>
    std::size_t encode_event(End& end, byte_view in, std::size_t at) noexcept {
        const std::size_t l = parse_.level(at);
        ++report_.events;
        std::size_t count = 1;
        if (l != phrase_levels) {
            count = transform::tile_lengths[l];
            ++report_.uses[l];
            static_cast<void>(model_.level(end, static_cast<std::uint32_t>(2 + l), parse_.allowed(at)));
            static_cast<void>(model_.phrase(end, parse_.phrase(at), l));
        } else if (word_of_[at] != escape) {
            static_cast<void>(model_.level(end, 1, parse_.allowed(at)));
            static_cast<void>(model_.word(end, word_of_[at]));
        } else {
            static_cast<void>(model_.level(end, 0, parse_.allowed(at)));
            const transform::word_token token = transform::next_word(in.subspan(start_[at]));
            std::uint8_t text[transform::longest_token_word];
            for (std::size_t i = 0; i < token.length; ++i)
                text[i] = transform::lowered(in[start_[at] + token.separator + i]);
            static_cast<void>(model_.spell(end, text, token.length));
        }
        for (std::size_t i = at; i < at + count; ++i) encode_word(end, in, i);
        return count;
    }
    template <mixing::coding_end End>
    void encode_word(End& end, byte_view in, std::size_t i) noexcept {
        const transform::word_token token = transform::next_word(in.subspan(start_[i]));
        const std::uint32_t place = separator_of_[i] == escape ? 0 : separator_of_[i] + 1;
        static_cast<void>(model_.separator(end, place, word_of_[i]));
        if (place == 0) encode_separator(end, in.subspan(start_[i], token.separator));
        model_.saw_separator(place);
        std::uint8_t first = token.length == 0 ? std::uint8_t{0} : in[start_[i] + token.separator];
        first = transform::lowered(first);
        std::uint32_t letters = 3;
        if (transform::may_be_title({&first, 1})) letters = model_.letters(end, case_of_[i], word_of_[i]);
        model_.saw_word(word_of_[i], letters);
    }

    /// A cursor over the chunk that is decoded.
    struct writer {
        byte_span out;
        std::size_t at = 0;
        [[nodiscard]] bool put(byte_view bytes) noexcept {
            if (out.size() - at < bytes.size()) return false;
            for (std::size_t i = 0; i < bytes.size(); ++i) out[at + i] = bytes[i];
            at += bytes.size();
            return true;
        }
    };

    [[nodiscard]] bool decode_chunk(mixing::bit_reader_end& end, byte_span out) noexcept {
        model_.reset(out.size() / 4);
        const sizes s = code_sizes(end, {});
        if (s.words == 0 || s.words > out.size() || s.tiling >= Tilings::count || s.vocabulary > most_words ||
            s.vocabulary > s.words / 2 || s.separators >= most_separators || s.separators > s.words / 2)
            return false;
        parse_.template mark<Tilings>(s.tiling, s.words);
        if (!decode_strings(end, s) || !decode_books(end, s)) return false;
        writer to{out};
        for (std::size_t i = 0; i < s.words;) {
            const std::size_t count = decode_event(end, s, i, to);
            if (count == 0) return false;
            i += count;
        }
        return to.at == out.size();
    }
    [[nodiscard]] bool decode_strings(mixing::bit_reader_end& end, const sizes& s) noexcept {
        words_.reset(0);
        separators_.reset(0);
        std::uint8_t text[transform::longest_token_word] = {};
        std::size_t length = 0;
        std::size_t shared = 0;
        for (std::size_t r = 0; r < s.vocabulary; ++r) {
            shared = model_.prefix(end, 0, shared);
            if (shared > length) return false;
            length = model_.spell(end, text, 0, shared);
            if (length > transform::longest_token_word || !words_.append({text, length})) return false;
        }
        for (std::size_t r = 0; r < s.separators; ++r) {
            std::uint8_t bytes[transform::longest_token_separator + 1] = {};
            if (!separators_.append({bytes, model_.spell_separator(end, bytes, 0)})) return false;
        }
        return true;
    }
    [[nodiscard]] bool decode_books(mixing::bit_reader_end& end, const sizes& s) noexcept {
        std::size_t total = 0;
        for (std::size_t l = 0; l < phrase_levels; ++l) {
            const std::size_t n = transform::tile_lengths[l];
            book_[l] = {total, model_.size(end, 0, 4)};
            if (book_[l].count > (s.words - total) / n) return false;  // uses of phrases do not overlap
            for (std::size_t k = 0; k < book_[l].count; ++k) {
                model_.forget_words();
                for (std::size_t j = 0; j < n; ++j) {
                    const std::uint32_t word = model_.word(end, 0);
                    if (word >= s.vocabulary) return false;
                    model_.push_word(word);
                    word_of_[total++] = word;
                }
            }
        }
        model_.forget_words();
        return true;
    }

    /// Number of words, 0 for what no encoder writes.
    [[nodiscard]] std::size_t decode_event(mixing::bit_reader_end& end, const sizes& s, std::size_t at,
                                           writer& to) noexcept {
        const std::uint32_t level = model_.level(end, 0, parse_.allowed(at));
        if (level == 0) {
            std::uint8_t text[transform::longest_token_word] = {};
            const std::size_t length = model_.spell(end, text, 0);
            if (length > transform::longest_token_word) return 0;
            return decode_word(end, s, escape, {text, length}, to) ? 1 : 0;
        }
        if (level == 1) {
            const std::uint32_t word = model_.word(end, 0);
            return word < s.vocabulary && decode_word(end, s, word, words_.text(word), to) ? 1 : 0;
        }
        const std::size_t l = level - 2;
        if (l >= phrase_levels || (parse_.allowed(at) >> l & 1) == 0) return 0;
        const std::size_t n = transform::tile_lengths[l];
        const std::uint32_t number = model_.phrase(end, 0, l);
        if (number >= book_[l].count) return 0;
        for (std::size_t j = 0; j < n; ++j) {
            const std::uint32_t word = word_of_[book_[l].first + number * n + j];
            if (!decode_word(end, s, word, words_.text(word), to)) return 0;
        }
        return n;
    }
    [[nodiscard]] bool decode_word(mixing::bit_reader_end& end, const sizes& s, std::uint32_t word,
                                   byte_view text, writer& to) noexcept {
        const std::uint32_t place = model_.separator(end, 0, word);
        if (place > s.separators) return false;
        if (place == 0) {
            std::uint8_t bytes[transform::longest_token_separator + 1] = {};
            if (!to.put({bytes, model_.spell_separator(end, bytes, 0)})) return false;
        } else if (!to.put(separators_.text(place - 1))) {
            return false;
        }
        model_.saw_separator(place);
        std::uint32_t letters = 3;
        if (transform::may_be_title(text)) letters = model_.letters(end, 0, word);
        model_.saw_word(word, letters);
        if (!to.put(text)) return false;
        const byte_span written = to.out.subspan(to.at - text.size(), text.size());
        if (letters == 3) return !transform::may_be_title(text);
        if (letters == 2 && !transform::may_be_upper(text)) return false;
        transform::restore_case(written, static_cast<transform::word_case>(letters));
        return true;
    }

    struct book_range {
        std::size_t first = 0;
        std::size_t count = 0;
    };

    phrase_report report_;
    std::array<book_range, phrase_levels> book_{};
    phrase_model<Contexts> model_;
    phrase_parse parse_{chunk_size};
    string_set words_{most_strings, arena};
    string_set separators_{most_separators, separator_arena};
    table<std::uint32_t> start_ = table<std::uint32_t>::unset(chunk_size);
    table<std::uint32_t> word_of_ = table<std::uint32_t>::unset(chunk_size);  // decoding: words of the books
    table<std::uint32_t> separator_of_ = table<std::uint32_t>::unset(chunk_size);
    table<std::uint8_t> case_of_ = table<std::uint8_t>::unset(chunk_size);
};

}  // namespace pith::inline v1::codec
