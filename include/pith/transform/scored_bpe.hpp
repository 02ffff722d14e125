// A tokenizer that merges pairs of pieces by the scores of a trained vocabulary, with a fallback to bytes.
// Byte-pair encoding after Sennrich, Haddow, Birch (2016) with scores as in SentencePiece (Kudo, Richardson,
// 2018). Merging stops at word boundaries, so that steps and memory are bounded; unlike SentencePiece no
// blank is put before the text and nothing is normalised, so that bytes come back as they were.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include <pith/core/assert.hpp>
#include <pith/core/bytes.hpp>
#include <pith/core/checksum.hpp>
#include <pith/transform/tokenizer.hpp>

namespace pith::inline v1::transform {

/// What a token of a vocabulary is.
enum class token_kind : std::uint8_t {
    text,     ///< found by merging
    byte,     ///< one byte, used where no text token fits
    control,  ///< never found in text: marks of beginning, end, padding
};

/// A tokenizer over a vocabulary that is added token by token.
class scored_bpe {
  public:
    /// A step is one word with the blanks before it, cut at this many bytes.
    static constexpr std::size_t max_step = 64;

    /// Appends the token with the next number. A control token's bytes are ignored. Of text tokens with the
    /// same bytes the first counts. Throws std::bad_alloc.
    void add(byte_view bytes, float score, token_kind kind) {
        const auto id = static_cast<std::uint32_t>(tokens_.size());
        PITH_ASSERT(kind != token_kind::byte || bytes.size() == 1);
        if (kind == token_kind::control) bytes = {};
        tokens_.push_back({text_.size(), bytes.size(), score, kind});
        text_.insert(text_.end(), bytes.begin(), bytes.end());
        if (kind == token_kind::byte) byte_tokens_[bytes[0]] = id;
        if (kind != token_kind::text || bytes.empty()) return;
        if (2 * tokens_.size() > index_.size()) grow();
        if (find(bytes) == none) place(id);
    }
    /// Whether each byte has a token of its own; without that the tokenizer must not be used.
    [[nodiscard]] bool is_complete() const noexcept {
        for (const std::uint32_t t : byte_tokens_)
            if (t == none) return false;
        return true;
    }

    [[nodiscard]] std::size_t alphabet_size() const noexcept { return tokens_.size(); }
    [[nodiscard]] byte_view bytes_of(std::uint32_t token) const noexcept {
        PITH_ASSERT(token < tokens_.size());
        return byte_view(text_).subspan(tokens_[token].at, tokens_[token].size);
    }
    [[nodiscard]] bool is_fallback(std::uint32_t token) const noexcept {
        PITH_ASSERT(token < tokens_.size());
        return tokens_[token].kind == token_kind::byte;
    }

    [[nodiscard]] token_step step(byte_view rest, std::span<std::uint32_t> tokens) const noexcept {
        PITH_ASSERT(!rest.empty() && tokens.size() >= max_step && is_complete());
        const byte_view word = rest.first(word_size(rest));
        std::array<part, max_step> parts;
        std::size_t count = split(word, parts);
        while (merge_best(word, parts, count)) --count;
        for (std::size_t i = 0; i < count; ++i) tokens[i] = parts[i].token;
        return {word.size(), count};
    }

    /// Bytes of a step: blanks, then up to the next blank; no more than max_step bytes.
    [[nodiscard]] static std::size_t word_size(byte_view rest) noexcept {
        const std::size_t most = rest.size() < max_step ? rest.size() : max_step;
        std::size_t n = 0;
        while (n < most && rest[n] == ' ') ++n;
        while (n < most && rest[n] != ' ') ++n;
        return n;
    }

  private:
    static constexpr std::uint32_t none = ~std::uint32_t{0};

    struct entry {
        std::size_t at, size;
        float score;
        token_kind kind;
    };
    struct part {
        std::size_t at, size;
        std::uint32_t token;
    };

    /// Bytes of the UTF-8 character at the start, as its first byte says.
    [[nodiscard]] static std::size_t character_size(byte_view rest) noexcept {
        const std::uint8_t lead = rest[0];
        const std::size_t n = lead < 0xC0 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
        return n < rest.size() ? n : rest.size();
    }
    /// The word's characters that the vocabulary has, bytes for the others; the number of parts.
    std::size_t split(byte_view word, std::array<part, max_step>& parts) const noexcept {
        std::size_t count = 0;
        for (std::size_t at = 0; at < word.size();) {
            const std::size_t size = character_size(word.subspan(at));
            const std::uint32_t token = find(word.subspan(at, size));
            if (token != none) {
                parts[count++] = {at, size, token};
            } else {
                for (std::size_t i = 0; i < size; ++i)
                    parts[count++] = {at + i, 1, byte_tokens_[word[at + i]]};
            }
            at += size;
        }
        return count;
    }
    /// Joins the two neighbours whose token has the best score, the first such; false when none has one.
    bool merge_best(byte_view word, std::array<part, max_step>& parts, std::size_t count) const noexcept {
        std::size_t best = max_step;
        std::uint32_t joined = none;
        for (std::size_t i = 0; i + 1 < count; ++i) {
            const std::uint32_t token = find(word.subspan(parts[i].at, parts[i].size + parts[i + 1].size));
            if (token == none || (joined != none && !(tokens_[token].score > tokens_[joined].score)))
                continue;
            best = i;
            joined = token;
        }
        if (joined == none) return false;
        parts[best].size += parts[best + 1].size;
        parts[best].token = joined;
        for (std::size_t i = best + 2; i < count; ++i) parts[i - 1] = parts[i];
        return true;
    }

    [[nodiscard]] std::uint32_t find(byte_view bytes) const noexcept {
        if (index_.empty()) return none;
        for (std::size_t i = xxh64_of(bytes) & (index_.size() - 1);; i = (i + 1) & (index_.size() - 1)) {
            if (index_[i] == none) return none;
            const byte_view there = bytes_of(index_[i]);
            if (there.size() == bytes.size() && std::memcmp(there.data(), bytes.data(), bytes.size()) == 0)
                return index_[i];
        }
    }
    void place(std::uint32_t id) noexcept {
        std::size_t i = xxh64_of(bytes_of(id)) & (index_.size() - 1);
        while (index_[i] != none) i = (i + 1) & (index_.size() - 1);
        index_[i] = id;
    }
    void grow() {
        const std::vector<std::uint32_t> old = index_;
        index_.assign(old.empty() ? 64 : 2 * old.size(), none);
        for (const std::uint32_t id : old)
            if (id != none) place(id);
    }

    std::vector<entry> tokens_;
    std::vector<std::uint8_t> text_;
    std::vector<std::uint32_t> index_;  // at most half full
    std::array<std::uint32_t, 256> byte_tokens_ = [] {
        std::array<std::uint32_t, 256> out;
        for (std::uint32_t& t : out) t = none;
        return out;
    }();
};

static_assert(tokenizer<scored_bpe>);

}  // namespace pith::inline v1::transform
