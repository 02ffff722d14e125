// Token sequences made shorter: runs of tokens that recur are replaced by new tokens, defined in front.
// "Lossless token sequence compression via meta-tokens" (Harvill and others, 2025); phrases are numbered by
// their first use, and one that does not pay is undone, so that a decoder can refuse it.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include <pith/core/assert.hpp>
#include <pith/core/limits.hpp>
#include <pith/core/result.hpp>

namespace pith::inline v1::transform {

/// Sequences of tokens below `alphabet`. Shortened: for phrase k = 0, 1, … token alphabet + 1 + k and its 2
/// or more tokens; token `alphabet`; the sequence, in which token alphabet + 1 + k stands for phrase k. A
/// sequence that would not be shorter stays as it is. Lossless and exact.
class meta_tokens {
  public:
    /// longest: tokens of a phrase, from 2 on. Encoder-side. Encoding takes time in proportion to it.
    explicit meta_tokens(std::uint32_t alphabet, std::size_t longest = 32) noexcept
        : alphabet_(alphabet), longest_(longest) {
        PITH_ASSERT(alphabet < (std::uint32_t{1} << 31) && longest >= 2);
    }

    /// Tokens of a phrase that `uses` uses of it pay for: they save more than its definition takes.
    [[nodiscard]] static constexpr bool pays(std::size_t length, std::size_t uses) noexcept {
        return uses >= 2 && uses * (length - 1) > length + 1;
    }

    /// At most as many tokens as there are, all below alphabet + 1 + their number. Precondition: tokens are
    /// below the alphabet, and fewer than 2^31. Throws std::bad_alloc.
    [[nodiscard]] std::vector<std::uint32_t> encode(std::span<const std::uint32_t> tokens) const {
        search found(tokens);
        for (std::size_t n = longest_ < tokens.size() / 2 ? longest_ : tokens.size() / 2; n >= 2; --n)
            found.replace(n);
        return written(tokens, found);
    }
    /// The tokens, or what is wrong; offsets count tokens. Takes memory for them (4 bytes each, counted
    /// before) and for the phrases. Errors: bad_header for phrases that no encoder defines, bad_stream for
    /// their uses, truncated, limit_exceeded. Throws std::bad_alloc.
    [[nodiscard]] result<std::vector<std::uint32_t>> decode(std::span<const std::uint32_t> in,
                                                            const limits& bound = {}) const {
        std::vector<phrase> phrases;
        std::size_t body = 0;
        if (!in.empty() && in[0] >= alphabet_) {
            const auto start = read_phrases(in, phrases);
            if (!start) return start.error();
            body = *start;
        }
        const auto total = measure(in.subspan(body), body, phrases);
        if (!total) return total.error();
        if (*total > bound.max_output / 4 || *total * 4 + phrases.size() * sizeof(phrase) > bound.max_memory)
            return error{error_code::limit_exceeded, body, "more tokens than the limits allow"};
        if (body != 0 && *total <= in.size())
            return error{error_code::bad_stream, body, "phrases that make nothing shorter"};
        std::vector<std::uint32_t> out;
        out.reserve(static_cast<std::size_t>(*total));
        for (const std::uint32_t t : in.subspan(body)) {
            if (t < alphabet_) {
                out.push_back(t);
                continue;
            }
            const phrase& p = phrases[t - alphabet_ - 1];
            out.insert(out.end(), in.begin() + static_cast<std::ptrdiff_t>(p.first),
                       in.begin() + static_cast<std::ptrdiff_t>(p.first + p.size));
        }
        return out;
    }

  private:
    static constexpr std::uint32_t none = ~std::uint32_t{0};

    struct phrase {
        std::size_t first;  // token, in what is decoded
        std::size_t size;
        std::size_t uses;
    };

    /// Phrases and where they are used, the longest ones first.
    class search {
      public:
        explicit search(std::span<const std::uint32_t> tokens)
            : phrase_(tokens.size(), none),
              taken_(tokens.size(), 0),
              window_(tokens.size(), none),
              slots_(std::bit_ceil(2 * tokens.size() + 1), none),
              tokens_(tokens) {}

        /// Replaces what recurs of n tokens in places that are still free.
        void replace(std::size_t n) {
            find(n);
            const std::uint32_t first_new = count_;
            numbers_.assign(windows_.size(), none);
            uses_.clear();
            for (std::size_t i = 0; i + n <= tokens_.size();) {
                const std::uint32_t w = window_[i];
                if (w == none || !pays(n, windows_[w].uses) || !is_free(i, n)) {
                    ++i;
                    continue;
                }
                if (numbers_[w] == none) {
                    numbers_[w] = count_++;
                    uses_.push_back(0);
                }
                phrase_[i] = numbers_[w];
                ++uses_[numbers_[w] - first_new];
                for (std::size_t k = 0; k < n; ++k) taken_[i + k] = 1;
                i += n;
            }
            undo(n, first_new);
        }
        /// The phrase that starts at a token, or none; and the tokens that it has.
        [[nodiscard]] std::uint32_t at(std::size_t i) const noexcept { return phrase_[i]; }
        [[nodiscard]] std::size_t size_at(std::size_t i) const noexcept {
            std::size_t n = 1;
            while (i + n < taken_.size() && taken_[i + n] == 1 && phrase_[i + n] == none) ++n;
            return n;
        }
        [[nodiscard]] std::uint32_t count() const noexcept { return count_; }

      private:
        struct window {
            std::uint32_t first;
            std::uint32_t end;  // of the last use that was counted
            std::uint32_t uses;
        };

        [[nodiscard]] bool is_free(std::size_t i, std::size_t n) const noexcept {
            for (std::size_t k = 0; k < n; ++k)
                if (taken_[i + k] != 0) return false;
            return true;
        }
        /// Numbers the different runs of n free tokens and counts their uses that do not overlap.
        void find(std::size_t n) {
            constexpr std::uint64_t base = 0x9E37'79B9'7F4A'7C15U;
            for (std::uint32_t& s : slots_) s = none;
            windows_.clear();
            std::uint64_t oldest = 1, hash = 0;
            for (std::size_t k = 1; k < n; ++k) oldest *= base;
            std::size_t free = 0;
            for (std::size_t i = 0; i < tokens_.size(); ++i) {
                if (i >= n) hash -= oldest * (tokens_[i - n] + std::uint64_t{1});
                hash = hash * base + tokens_[i] + 1;
                free = taken_[i] != 0 ? 0 : free + 1;
                window_[i] = none;
                if (free >= n) note(i + 1 - n, n, hash);
            }
        }
        void note(std::size_t start, std::size_t n, std::uint64_t hash) {
            const std::size_t mask = slots_.size() - 1;
            std::size_t slot = (hash ^ hash >> 32) * 0xBF58'476D'1CE4'E5B9U >> 24 & mask;
            while (slots_[slot] != none && std::memcmp(tokens_.data() + windows_[slots_[slot]].first,
                                                       tokens_.data() + start, 4 * n) != 0)
                slot = (slot + 1) & mask;
            const auto from = static_cast<std::uint32_t>(start);
            if (slots_[slot] == none) {
                slots_[slot] = static_cast<std::uint32_t>(windows_.size());
                windows_.push_back({from, 0, 0});
            }
            window_[start] = slots_[slot];
            window& w = windows_[slots_[slot]];
            if (w.uses != 0 && from < w.end) return;
            ++w.uses;
            w.end = from + static_cast<std::uint32_t>(n);
        }
        /// Frees the uses of new phrases that others left too few of.
        void undo(std::size_t n, std::uint32_t first_new) {
            for (std::size_t i = 0; i < tokens_.size(); ++i) {
                const std::uint32_t p = phrase_[i];
                if (p == none || p < first_new || pays(n, uses_[p - first_new])) continue;
                phrase_[i] = none;
                for (std::size_t k = 0; k < n; ++k) taken_[i + k] = 0;
            }
        }

        std::vector<std::uint32_t> phrase_;
        std::vector<std::uint8_t> taken_;
        std::vector<std::uint32_t> window_;
        std::vector<std::uint32_t> slots_;
        std::vector<window> windows_;
        std::vector<std::uint32_t> numbers_, uses_;
        std::uint32_t count_ = 0;
        std::span<const std::uint32_t> tokens_;
    };

    [[nodiscard]] std::vector<std::uint32_t> written(std::span<const std::uint32_t> tokens,
                                                     const search& found) const {
        std::vector<std::uint32_t> out, body, number(found.count(), none);
        std::uint32_t next = alphabet_ + 1;
        for (std::size_t i = 0; i < tokens.size();) {
            PITH_ASSERT(tokens[i] < alphabet_);
            const std::uint32_t p = found.at(i);
            const std::size_t size = p == none ? 1 : found.size_at(i);
            if (p == none) {
                body.push_back(tokens[i]);
            } else {
                if (number[p] == none) {
                    number[p] = next++;
                    out.push_back(number[p]);
                    for (std::size_t k = 0; k < size; ++k) out.push_back(tokens[i + k]);
                }
                body.push_back(number[p]);
            }
            i += size;
        }
        if (out.size() + 1 + body.size() >= tokens.size()) return {tokens.begin(), tokens.end()};
        out.push_back(alphabet_);
        out.insert(out.end(), body.begin(), body.end());
        return out;
    }

    /// Where the sequence behind the phrases begins.
    [[nodiscard]] result<std::size_t> read_phrases(std::span<const std::uint32_t> in,
                                                   std::vector<phrase>& phrases) const {
        for (std::size_t i = 0; i < in.size();) {
            if (in[i] == alphabet_ && !phrases.empty()) return i + 1;
            if (in[i] != alphabet_ + 1 + phrases.size())
                return error{error_code::bad_header, i, "phrases are not numbered in order"};
            const std::size_t first = ++i;
            while (i < in.size() && in[i] < alphabet_) ++i;
            if (i - first < 2) return error{error_code::bad_header, i, "a phrase of fewer than two tokens"};
            phrases.push_back({first, i - first, 0});
        }
        return error{error_code::truncated, in.size(), "the tokens end inside the phrases"};
    }
    /// Tokens that the sequence stands for; checks the uses of phrases. The sum is below 2^31 * 2^31.
    [[nodiscard]] result<std::uint64_t> measure(std::span<const std::uint32_t> in, std::size_t offset,
                                                std::vector<phrase>& phrases) const noexcept {
        std::uint64_t total = 0;
        std::size_t seen = 0;
        for (std::size_t i = 0; i < in.size(); ++i) {
            if (in[i] < alphabet_) {
                ++total;
                continue;
            }
            const std::size_t p = std::size_t{in[i]} - alphabet_ - 1;  // wraps for the token between
            if (p > seen || p >= phrases.size())
                return error{error_code::bad_stream, offset + i, "a phrase is used out of order"};
            seen += p == seen ? 1U : 0U;
            ++phrases[p].uses;
            total += phrases[p].size;
        }
        for (const phrase& p : phrases)
            if (!pays(p.size, p.uses))
                return error{error_code::bad_stream, offset, "a phrase that does not pay"};
        return total;
    }

    std::uint32_t alphabet_;
    std::size_t longest_;
};

}  // namespace pith::inline v1::transform
