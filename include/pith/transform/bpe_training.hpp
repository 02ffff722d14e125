// Training of byte-pair vocabularies, with the pair to be merged chosen by a policy: its count, or the bits
// that merging it saves.
// Byte-pair encoding after Sennrich, Haddow, Birch (2016); merging by the gain in code length as in
// compression-aware tokenizers and, before them, minimum description length segmentation (de Marcken, 1996).
#pragma once

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <span>
#include <utility>
#include <vector>

#include <pith/core/assert.hpp>
#include <pith/core/bits.hpp>
#include <pith/core/bytes.hpp>
#include <pith/core/checksum.hpp>
#include <pith/transform/scored_bpe.hpp>

namespace pith::inline v1::transform {

/// A pair of tokens in a text: how often it, its two tokens and all tokens occur.
struct pair_statistics {
    std::uint64_t pair;
    std::uint64_t left;
    std::uint64_t right;
    std::uint64_t total;
    bool same;  ///< the two tokens are one: left == right counts it once
};

/// What merging a pair is worth. Law: gain(s) <= bound(s.pair, s.total); nothing is merged whose gain is not
/// positive. Integers, so that vocabularies are the same on every machine.
template <class C>
concept merge_criterion = std::default_initializable<C> &&
    requires(const C c, pair_statistics s, std::uint64_t n) {
    { c.gain(s) }
    noexcept->std::same_as<std::int64_t>;
    { c.bound(n, n) }
    noexcept->std::same_as<std::int64_t>;
};

/// Plain byte-pair encoding: the most frequent pair.
struct pair_count {
    [[nodiscard]] static std::int64_t gain(const pair_statistics& s) noexcept {
        return static_cast<std::int64_t>(s.pair);
    }
    [[nodiscard]] static std::int64_t bound(std::uint64_t pair, std::uint64_t) noexcept {
        return static_cast<std::int64_t>(pair);
    }
};

/// The bits, times 2^30, that the text is shorter after the merge under an ideal coder of order 0: with f(x)
/// = x log2 x and the counts n of a pair, a, b of its tokens, N of all tokens, that is
/// f(N) - f(N - n) - (f(a) - f(a - n)) - (f(b) - f(b - n)) + f(n);
/// and TokenPrice bits for each token less, which later merges will not have to join.
template <unsigned TokenPrice = 1>
requires(TokenPrice <= 64) class order0_gain {
    static constexpr unsigned fraction = 30;
    static constexpr unsigned index_bits = 12;

  public:
    /// Counts are at most 2^26, so that gains are below 2^26 (26 + 64) 2^30 < 2^63.
    static constexpr std::uint64_t most_tokens = std::uint64_t{1} << 26;

    order0_gain() : logarithms_((std::size_t{1} << index_bits) + 1) {
        for (std::size_t i = 0; i < logarithms_.size(); ++i)
            logarithms_[i] = squared_log((std::uint64_t{1} << index_bits) + i);
    }
    [[nodiscard]] std::int64_t gain(const pair_statistics& s) const noexcept {
        const auto price = static_cast<std::int64_t>((s.pair * TokenPrice) << fraction);
        const std::int64_t all = price + weighted(s.total) - weighted(s.total - s.pair) + weighted(s.pair);
        if (s.same) return all - weighted(s.left) + weighted(s.left - 2 * s.pair);
        return all - (weighted(s.left) - weighted(s.left - s.pair)) -
               (weighted(s.right) - weighted(s.right - s.pair));
    }
    /// The gain falls with a and b, so it is largest where both are n: f(N) - f(N - n) - f(n), and by the
    /// mean value theorem f(N) - f(N - n) <= n (log2 N + log2 e).
    [[nodiscard]] static std::int64_t bound(std::uint64_t pair, std::uint64_t total) noexcept {
        const auto bits =
            static_cast<unsigned>(std::bit_width(total) - std::bit_width(pair) + 3) + TokenPrice;
        return static_cast<std::int64_t>((pair * bits) << fraction);
    }

  private:
    /// log2 of x / 2^index_bits, x in [2^index_bits, 2^(index_bits + 1)], in units of 2^-30, rounded down.
    [[nodiscard]] static std::uint32_t squared_log(std::uint64_t x) noexcept {
        std::uint64_t m = x << (31 - index_bits);  // in [2^31, 2^32]
        std::uint64_t log = m >> 32;
        m >>= m >> 32;
        for (unsigned i = 0; i < fraction; ++i) {
            m = m * m >> 31;  // < 2^33
            log = 2 * log + (m >> 32);
            m >>= m >> 32;
        }
        return static_cast<std::uint32_t>(log);
    }
    /// x log2 x in units of 2^-30; the logarithm, between entries of the table a straight line, is low by
    /// less than 2^-26. 0 for 0.
    [[nodiscard]] std::int64_t weighted(std::uint64_t x) const noexcept {
        if (x <= 1) return 0;
        PITH_ASSERT(x <= most_tokens);
        constexpr unsigned rest = 31 - index_bits;
        const unsigned whole = static_cast<unsigned>(std::bit_width(x)) - 1;
        const std::uint64_t m = (x << (31 - whole)) - (std::uint64_t{1} << 31);
        const std::uint64_t low = logarithms_[m >> rest], high = logarithms_[(m >> rest) + 1];
        const std::uint64_t part = low + ((high - low) * (m & low_mask(rest)) >> rest);
        return static_cast<std::int64_t>(x * ((std::uint64_t{whole} << fraction) + part));
    }

    std::vector<std::uint32_t> logarithms_;
};

/// Two tokens that become one. Tokens below 256 are bytes; the i-th merge makes token 256 + i.
struct bpe_merge {
    std::uint32_t left;
    std::uint32_t right;
    friend constexpr bool operator==(const bpe_merge&, const bpe_merge&) = default;
};

/// Learns merges from a text that is cut into words as scored_bpe cuts it.
template <merge_criterion Criterion>
class bpe_trainer {
  public:
    /// At most 2^26 bytes of text; more are not looked at. Throws std::bad_alloc.
    explicit bpe_trainer(byte_view text) : counts_(256) {
        constexpr std::size_t most = order0_gain<>::most_tokens;
        text = text.first(text.size() < most ? text.size() : most);
        gather_words(text);
        for (std::uint32_t w = 0; w < words_.size(); ++w) count_pairs(w, none);
    }
    /// The next `count` merges, fewer where no merge gains. They follow those of the calls before.
    [[nodiscard]] std::vector<bpe_merge> learn(std::size_t count) {
        std::vector<bpe_merge> out;
        while (out.size() < count) {
            const std::uint32_t best = find_best();
            if (best == none) break;
            out.push_back(pairs_[best]);
            merge(best);
        }
        return out;
    }
    /// Tokens of the text after the merges so far.
    [[nodiscard]] std::uint64_t tokens() const noexcept { return total_; }

  private:
    static constexpr std::uint32_t none = ~std::uint32_t{0};

    struct word {
        std::uint32_t first;
        std::uint32_t size;  // in tokens
        std::uint64_t count;
    };

    void gather_words(byte_view text) {
        std::vector<std::uint32_t> slots(1024, none);
        std::vector<byte_view> texts;
        while (!text.empty()) {
            const byte_view here = text.first(scored_bpe::word_size(text));
            text = text.subspan(here.size());
            if (2 * words_.size() >= slots.size()) {
                slots.assign(2 * slots.size(), none);
                for (std::uint32_t w = 0; w < words_.size(); ++w) *slot_of(slots, texts, texts[w]) = w;
            }
            std::uint32_t* const slot = slot_of(slots, texts, here);
            if (*slot == none) {
                *slot = static_cast<std::uint32_t>(words_.size());
                const auto size = static_cast<std::uint32_t>(here.size());
                words_.push_back({static_cast<std::uint32_t>(symbols_.size()), size, 0});
                texts.push_back(here);
                symbols_.insert(symbols_.end(), here.begin(), here.end());
            }
            ++words_[*slot].count;
            total_ += here.size();
            for (const std::uint8_t b : here) ++counts_[b];
        }
    }
    [[nodiscard]] static std::uint32_t* slot_of(std::vector<std::uint32_t>& slots,
                                                const std::vector<byte_view>& texts,
                                                byte_view text) noexcept {
        const std::size_t mask = slots.size() - 1;
        std::size_t at = xxh64_of(text) & mask;
        for (; slots[at] != none; at = (at + 1) & mask) {
            const byte_view there = texts[slots[at]];
            if (there.size() == text.size() && std::memcmp(there.data(), text.data(), text.size()) == 0)
                break;
        }
        return &slots[at];
    }

    /// f(left, right) for the pairs of a word that do not overlap one of the same kind.
    template <class F>
    void for_each_pair(std::uint32_t w, F&& f) {
        const std::uint32_t* const s = symbols_.data() + words_[w].first;
        bool taken = false;
        for (std::size_t i = 0; i + 1 < words_[w].size; ++i) {
            taken = s[i] == s[i + 1] && i != 0 && s[i - 1] == s[i] && !taken;
            if (!taken) f(s[i], s[i + 1]);
        }
    }
    /// Counts the pairs of a word; those with the token `fresh`, or all if it is none, have not seen the
    /// word.
    void count_pairs(std::uint32_t w, std::uint32_t fresh) {
        for_each_pair(w, [&](std::uint32_t a, std::uint32_t b) {
            const std::uint32_t p = pair_of(a, b);
            pair_counts_[p] += words_[w].count;
            const bool unseen = fresh == none || a == fresh || b == fresh;
            if (unseen && (where_[p].empty() || where_[p].back() != w)) where_[p].push_back(w);
        });
    }
    [[nodiscard]] bool holds(std::uint32_t w, bpe_merge pair) const noexcept {
        const std::uint32_t* const s = symbols_.data() + words_[w].first;
        for (std::size_t i = 0; i + 1 < words_[w].size; ++i)
            if (s[i] == pair.left && s[i + 1] == pair.right) return true;
        return false;
    }
    [[nodiscard]] std::uint32_t pair_of(std::uint32_t a, std::uint32_t b) {
        if (2 * pairs_.size() >= index_.size()) {
            index_.assign(index_.empty() ? 4096 : 2 * index_.size(), none);
            for (std::uint32_t p = 0; p < pairs_.size(); ++p) index_[place_of(pairs_[p])] = p;
        }
        const std::size_t at = place_of({a, b});
        if (index_[at] == none) {
            index_[at] = static_cast<std::uint32_t>(pairs_.size());
            pairs_.push_back({a, b});
            pair_counts_.push_back(0);
            where_.emplace_back();
        }
        return index_[at];
    }
    [[nodiscard]] std::size_t place_of(bpe_merge pair) const noexcept {
        const std::size_t mask = index_.size() - 1;
        const std::uint64_t key = std::uint64_t{pair.left} << 32 | pair.right;
        std::size_t at = (key * 0x9E37'79B9'7F4A'7C15U >> 32) & mask;
        while (index_[at] != none && !(pairs_[index_[at]] == pair)) at = (at + 1) & mask;
        return at;
    }

    /// The first of the pairs with the largest gain.
    [[nodiscard]] std::uint32_t find_best() const noexcept {
        std::uint32_t best = none;
        std::int64_t most = 0;
        for (std::uint32_t p = 0; p < pairs_.size(); ++p) {
            const std::uint64_t n = pair_counts_[p];
            if (n < 2 || criterion_.bound(n, total_) <= most) continue;
            const bpe_merge pair = pairs_[p];
            const std::int64_t gain = criterion_.gain(
                {n, counts_[pair.left], counts_[pair.right], total_, pair.left == pair.right});
            if (gain <= most) continue;
            most = gain;
            best = p;
        }
        return best;
    }
    void merge(std::uint32_t p) {
        const bpe_merge pair = pairs_[p];
        const auto joined = static_cast<std::uint32_t>(counts_.size());
        counts_.push_back(0);
        const std::vector<std::uint32_t> words = std::move(where_[p]);
        where_[p] = {};
        for (const std::uint32_t w : words) {
            if (!holds(w, pair)) continue;
            for_each_pair(
                w, [&](std::uint32_t a, std::uint32_t b) { pair_counts_[pair_of(a, b)] -= words_[w].count; });
            const std::uint64_t merged = join(w, pair, joined) * words_[w].count;
            counts_[pair.left] -= merged;
            counts_[pair.right] -= merged;
            counts_[joined] += merged;
            total_ -= merged;
            count_pairs(w, joined);
        }
    }
    /// How many pairs of the word became one.
    [[nodiscard]] std::uint64_t join(std::uint32_t w, bpe_merge pair, std::uint32_t joined) noexcept {
        std::uint32_t* const s = symbols_.data() + words_[w].first;
        const std::uint32_t size = words_[w].size;
        std::uint32_t to = 0;
        for (std::uint32_t i = 0; i < size; ++to) {
            const bool both = i + 1 < size && s[i] == pair.left && s[i + 1] == pair.right;
            s[to] = both ? joined : s[i];
            i += both ? 2 : 1;
        }
        words_[w].size = to;
        return size - to;
    }

    Criterion criterion_;
    std::uint64_t total_ = 0;
    std::vector<std::uint64_t> counts_;
    std::vector<word> words_;
    std::vector<std::uint32_t> symbols_;
    std::vector<bpe_merge> pairs_;
    std::vector<std::uint64_t> pair_counts_;
    std::vector<std::vector<std::uint32_t>> where_;  // words that have, or had, the pair
    std::vector<std::uint32_t> index_;               // at most half full
};

/// The tokenizer of these merges: 256 bytes, then one token for each merge, earlier ones preferred. Each
/// merge names earlier tokens only, and none of more than scored_bpe::max_step bytes is of use. Throws
/// std::bad_alloc.
[[nodiscard]] inline scored_bpe vocabulary_of(std::span<const bpe_merge> merges) {
    scored_bpe out;
    for (unsigned b = 0; b < 256; ++b) {
        const auto byte = static_cast<std::uint8_t>(b);
        out.add({&byte, 1}, 0.0F, token_kind::byte);
    }
    std::vector<std::uint8_t> bytes;
    for (std::size_t i = 0; i < merges.size(); ++i) {
        PITH_ASSERT(merges[i].left < 256 + i && merges[i].right < 256 + i);
        bytes.clear();
        for (const std::uint32_t part : {merges[i].left, merges[i].right})
            for (const std::uint8_t b : out.bytes_of(part)) bytes.push_back(b);
        // Below 2^24 merges each has a score of its own.
        out.add(bytes, -static_cast<float>(i), token_kind::text);
    }
    return out;
}

}  // namespace pith::inline v1::transform
