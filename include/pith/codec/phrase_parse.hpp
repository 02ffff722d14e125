// Chooses phrases of repeated words, and cuts a sequence of words into phrases where a tiling lets them
// start. After Quasicryth (Tacconelli, 2026): deepest supertile first. Phrases that would be used once are
// dropped.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>

#include <pith/core/assert.hpp>
#include <pith/core/table.hpp>
#include <pith/transform/tiling.hpp>

namespace pith::inline v1::codec {

inline constexpr std::size_t phrase_levels = transform::tile_lengths.size();

// Where phrases may start, as a policy:
//   static constexpr std::uint32_t format;                // part of the recipe id; 0 is the one of
//   Quasicryth static constexpr std::size_t count;                   // choices that an encoder has; a stream
//   names one static void mark(number, starts, scratch) noexcept;   // sets the bits of starts, which are
//   zero

/// `Phases` Fibonacci tilings laid over each other; with one, an encoder chooses among eight phases.
template <std::size_t Phases>
requires(Phases >= 1 && Phases <= 63) struct fibonacci_tilings {
    static constexpr std::uint32_t format = Phases == 12 ? 0 : Phases;
    static constexpr std::size_t count = Phases == 1 ? 8 : 1;
    static void mark(std::size_t number, std::span<std::uint16_t> starts,
                     std::span<std::uint32_t> scratch) noexcept {
        constexpr std::uint64_t between = ~std::uint64_t{0} / (Phases == 1 ? 8 : Phases);
        for (std::size_t k = 0; k < Phases; ++k)
            transform::mark_supertiles(transform::fibonacci_tiling((number + k) * between), starts, scratch);
    }
};
/// The same with tilings of period five, which have five phases.
template <std::size_t Phases>
requires(Phases == 1 || Phases == 5) struct period_five_tilings {
    static constexpr std::uint32_t format = 64 + Phases;
    static constexpr std::size_t count = Phases == 1 ? 5 : 1;
    static void mark(std::size_t number, std::span<std::uint16_t> starts,
                     std::span<std::uint32_t> scratch) noexcept {
        for (std::size_t k = 0; k < Phases; ++k)
            transform::mark_supertiles(transform::period_five_tiling(static_cast<unsigned>(number + k)),
                                       starts, scratch);
    }
};
/// Phrases of every length start anywhere: what a tiling is to be compared with.
struct untiled {
    static constexpr std::uint32_t format = 128;
    static constexpr std::size_t count = 1;
    static void mark(std::size_t, std::span<std::uint16_t> starts, std::span<std::uint32_t>) noexcept {
        for (std::size_t i = 0; i < starts.size(); ++i)
            for (std::size_t l = 0; l < phrase_levels && transform::tile_lengths[l] <= starts.size() - i; ++l)
                starts[i] = static_cast<std::uint16_t>(starts[i] | 1U << l);
    }
};

template <class T>
concept tiling_choice = requires(std::span<std::uint16_t> starts, std::span<std::uint32_t> scratch) {
    { T::format } -> std::convertible_to<std::uint32_t>;
    { T::count } -> std::convertible_to<std::size_t>;
    T::mark(std::size_t{}, starts, scratch);
};

/// How often a phrase of each level must occur to be thought of, and must be used to be kept.
struct phrase_thresholds {
    std::array<std::uint32_t, phrase_levels> occurs;
    std::array<std::uint32_t, phrase_levels> used;
};

inline constexpr std::uint32_t never = ~std::uint32_t{0};
/// All lengths: what pays where words are coded without regard to the words before them.
inline constexpr phrase_thresholds all_phrases{{6, 4, 3, 3, 2, 2, 2, 2, 2, 2},
                                               {4, 3, 2, 2, 2, 2, 2, 2, 2, 2}};
/// From 13 words on: under mixed word contexts shorter phrases cost more than they save.
inline constexpr phrase_thresholds long_phrases{{never, never, never, never, 2, 2, 2, 2, 2, 2},
                                                {never, never, never, never, 2, 2, 2, 2, 2, 2}};
inline constexpr phrase_thresholds no_phrases{
    {never, never, never, never, never, never, never, never, never, never}, {}};

/// The cut of one sequence: at each position that an event starts at, its phrase or none.
class phrase_parse {
  public:
    static constexpr std::uint32_t none = ~std::uint32_t{0};

    explicit phrase_parse(std::size_t most)
        : known_(table<std::uint16_t>::unset(most)),
          starts_(table<std::uint16_t>::unset(most)),
          tiles_(table<std::uint32_t>::unset(most)),
          phrase_(table<std::uint32_t>::unset(most)),
          used_(table<std::uint32_t>::unset(most)),
          grams_(table<std::uint64_t>::unset(std::bit_ceil(2 * most))) {}
    [[nodiscard]] static constexpr std::size_t memory(std::size_t most) noexcept {
        return most * (2 + 2 + 4 + 4 + 4) + 8 * std::bit_ceil(2 * most);
    }

    /// Cuts words; a word >= `vocabulary` is in no phrase. Returns the number of the tiling. Encoder-side.
    template <tiling_choice Tilings>
    std::size_t cut(std::span<const std::uint32_t> words, std::uint32_t vocabulary,
                    const phrase_thresholds& wanted) noexcept {
        words_ = words;
        find_repeated(vocabulary, wanted);
        std::size_t best = 0;
        std::size_t fewest = words.size() + 1;
        for (std::size_t t = 0; t < Tilings::count; ++t) {
            mark<Tilings>(t, words.size());
            words_ = words;
            const std::size_t events = count_events();
            if (events < fewest) {
                fewest = events;
                best = t;
            }
        }
        mark<Tilings>(best, words.size());
        words_ = words;
        for (std::size_t l = phrase_levels; l-- > 0;)
            for (unsigned rounds = 0; rounds < 4 && prune(l, wanted.used[l]); ++rounds) {
            }
        make_books();
        return best;
    }
    /// The decoder's half: where phrases may start.
    template <tiling_choice Tilings>
    void mark(std::size_t number, std::size_t words) noexcept {
        PITH_ASSERT(words <= starts_.size());
        words_ = {static_cast<const std::uint32_t*>(nullptr), words};
        for (std::uint16_t& s : starts()) s = 0;
        Tilings::mark(number, starts(), scratch());
    }

    /// Levels that may start here, a bit each.
    [[nodiscard]] std::uint16_t allowed(std::size_t at) const noexcept { return starts_[at]; }
    /// The level of the event at this position, or phrase_levels for a single word.
    [[nodiscard]] std::size_t level(std::size_t at) const noexcept {
        const unsigned both = starts_[at] & known_[at];
        return both == 0 ? phrase_levels : top_bit(both);
    }
    /// The phrase's number in the book of its level.
    [[nodiscard]] std::uint32_t phrase(std::size_t at) const noexcept { return phrase_[at]; }
    /// Phrases in the book of a level, and where each occurs first in the words.
    [[nodiscard]] std::size_t book_size(std::size_t level) const noexcept {
        return first_[level + 1] - first_[level];
    }
    [[nodiscard]] std::size_t book_entry(std::size_t level, std::size_t number) const noexcept {
        return used_[first_[level] + number];
    }

  private:
    // Bits, roughly, of a word, of a phrase, and of a word of a phrase in its book.
    static constexpr std::size_t word_price = 11;
    static constexpr std::size_t phrase_price = 17;
    static constexpr std::size_t book_price = 9;

    [[nodiscard]] static std::size_t top_bit(unsigned bits) noexcept {
        return static_cast<std::size_t>(std::bit_width(bits)) - 1;
    }
    [[nodiscard]] std::span<std::uint16_t> starts() noexcept { return {starts_.data(), words_.size()}; }
    [[nodiscard]] std::span<std::uint32_t> scratch() noexcept { return {tiles_.data(), words_.size()}; }

    /// known_: the levels whose phrase at this position occurs often enough anywhere.
    void find_repeated(std::uint32_t vocabulary, const phrase_thresholds& wanted) noexcept {
        for (std::size_t i = 0; i < words_.size(); ++i) known_[i] = 0;
        for (std::size_t l = 0; l < phrase_levels; ++l) {
            const std::size_t n = transform::tile_lengths[l];
            if (words_.size() < n) return;
            const std::size_t mask = std::bit_ceil(2 * words_.size()) - 1;
            for (std::size_t i = 0; i <= mask; ++i) grams_[i] = 0;
            for_each_gram(n, vocabulary, [&](std::size_t, std::uint64_t hash) { ++*find(hash, mask); });
            for_each_gram(n, vocabulary, [&](std::size_t i, std::uint64_t hash) {
                if ((*find(hash, mask) & 0xFFFF'FFFFU) >= wanted.occurs[l])
                    known_[i] = static_cast<std::uint16_t>(known_[i] | 1U << l);
            });
        }
    }
    /// A rolling polynomial hash of every n words that are all in the vocabulary.
    template <class F>
    void for_each_gram(std::size_t n, std::uint32_t vocabulary, F&& f) noexcept {
        constexpr std::uint64_t base = 0x9E37'79B9'7F4A'7C15U;
        std::uint64_t oldest = 1;
        for (std::size_t k = 1; k < n; ++k) oldest *= base;
        std::uint64_t hash = 0;
        std::size_t valid = 0;
        for (std::size_t i = 0; i < words_.size(); ++i) {
            if (i >= n) hash -= oldest * (words_[i - n] + std::uint64_t{1});
            hash = hash * base + words_[i] + 1;
            valid = words_[i] < vocabulary ? valid + 1 : 0;
            if (valid >= n) f(i + 1 - n, hash);
        }
    }
    /// A count of this hash: 32 bits of it beside 32 of the count. Hashes that agree in them share a count,
    /// which costs a useless candidate, never correctness.
    [[nodiscard]] std::uint64_t* find(std::uint64_t hash, std::size_t mask) noexcept {
        hash ^= hash >> 31;
        hash *= 0xBF58'476D'1CE4'E5B9U;
        const std::uint64_t check = (hash >> 32 | 1) << 32;
        std::size_t at = hash & mask;
        while (grams_[at] != 0 && grams_[at] >> 32 != check >> 32) at = (at + 1) & mask;
        if (grams_[at] == 0) grams_[at] = check;
        return &grams_[at];
    }

    [[nodiscard]] std::size_t step(std::size_t at) const noexcept {
        const std::size_t l = level(at);
        return l == phrase_levels ? 1 : transform::tile_lengths[l];
    }
    [[nodiscard]] std::size_t count_events() const noexcept {
        std::size_t events = 0;
        for (std::size_t i = 0; i < words_.size(); i += step(i)) ++events;
        return events;
    }

    /// The uses of a level in the present cut, equal phrases together, from used_[first] on; returns the end.
    std::size_t gather(std::size_t at_level, std::size_t first) noexcept {
        std::size_t last = first;
        for (std::size_t i = 0; i < words_.size(); i += step(i))
            if (level(i) == at_level) used_[last++] = static_cast<std::uint32_t>(i);
        const std::size_t n = transform::tile_lengths[at_level];
        std::sort(used_.data() + first, used_.data() + last, [&](std::uint32_t a, std::uint32_t b) {
            const int order = compare(a, b, n);
            return order != 0 ? order < 0 : a < b;
        });
        return last;
    }
    [[nodiscard]] std::size_t end_of_group(std::size_t k, std::size_t last, std::size_t n) const noexcept {
        std::size_t end = k + 1;
        while (end < last && compare(used_[k], used_[end], n) == 0) ++end;
        return end;
    }

    /// Forgets the uses of phrases of a level that cost more in the book than they save; whether there were
    /// any.
    [[nodiscard]] bool prune(std::size_t at_level, std::uint32_t least) noexcept {
        const std::size_t n = transform::tile_lengths[at_level];
        const std::size_t last = gather(at_level, 0);
        bool dropped = false;
        for (std::size_t k = 0, end = 0; k < last; k = end) {
            end = end_of_group(k, last, n);
            std::size_t saved = 0;
            for (std::size_t j = k; j < end; ++j) saved += price_without(used_[j], at_level);
            if (end - k >= least && saved > (end - k) * phrase_price + n * book_price) continue;
            dropped = true;
            for (std::size_t j = k; j < end; ++j)
                known_[used_[j]] = static_cast<std::uint16_t>(known_[used_[j]] & ~(1U << at_level));
        }
        return dropped;
    }
    /// About how many bits the words of a phrase would cost in shorter phrases and single words.
    [[nodiscard]] std::size_t price_without(std::size_t at, std::size_t at_level) const noexcept {
        std::size_t price = 0;
        const std::size_t end = at + transform::tile_lengths[at_level];
        while (at < end) {
            unsigned shorter = starts_[at] & known_[at] & ((1U << at_level) - 1);
            while (shorter != 0 && transform::tile_lengths[top_bit(shorter)] > end - at)
                shorter &= ~(1U << top_bit(shorter));
            price += shorter == 0 ? word_price : phrase_price;
            at += shorter == 0 ? 1 : transform::tile_lengths[top_bit(shorter)];
        }
        return price;
    }

    /// The books of all that the final cut uses, and the numbers of its phrases.
    void make_books() noexcept {
        std::size_t total = 0;
        for (std::size_t l = 0; l < phrase_levels; ++l) {
            const std::size_t n = transform::tile_lengths[l];
            first_[l] = total;
            const std::size_t last = gather(l, total);
            for (std::size_t k = total, end = 0; k < last; k = end) {
                end = end_of_group(k, last, n);
                for (std::size_t j = k; j < end; ++j)
                    phrase_[used_[j]] = static_cast<std::uint32_t>(total - first_[l]);
                used_[total++] = used_[k];  // total <= k
            }
        }
        first_[phrase_levels] = total;
    }
    [[nodiscard]] int compare(std::size_t a, std::size_t b, std::size_t n) const noexcept {
        for (std::size_t k = 0; k < n; ++k)
            if (words_[a + k] != words_[b + k]) return words_[a + k] < words_[b + k] ? -1 : 1;
        return 0;
    }

    std::span<const std::uint32_t> words_;
    std::array<std::size_t, phrase_levels + 1> first_{};
    table<std::uint16_t> known_;
    table<std::uint16_t> starts_;
    table<std::uint32_t> tiles_;
    table<std::uint32_t> phrase_;
    table<std::uint32_t> used_;
    table<std::uint64_t> grams_;
};

}  // namespace pith::inline v1::codec
