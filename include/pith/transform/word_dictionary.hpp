// The words of a block that are worth a code, and the dictionary that carries them: sorted, front-coded,
// lower case. Semi-static word replacement (mcm, Chartier; WRT, Skibinski): counted in a first pass over the
// block itself.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>

#include <pith/core/bytes.hpp>
#include <pith/core/result.hpp>
#include <pith/core/table.hpp>

namespace pith::inline v1::transform {

namespace detail {

[[nodiscard]] constexpr bool is_letter(std::uint8_t b) noexcept {
    return static_cast<std::uint8_t>((b | 0x20) - 'a') < 26;
}
[[nodiscard]] constexpr bool is_capital(std::uint8_t b) noexcept {
    return static_cast<std::uint8_t>(b - 'A') < 26;
}

/// How a word's letters are written. A single capital is `mixed`: it is as short as any form of it.
enum class word_shape : std::uint8_t { lower, first, upper, mixed };

/// The maximal run of letters at the front of `in`.
struct word_view {
    byte_view letters;
    word_shape shape;
};

[[nodiscard]] inline word_view word_at(byte_view in) noexcept {
    std::size_t n = 0;
    std::size_t capitals = 0;
    for (; n < in.size() && is_letter(in[n]); ++n) capitals += is_capital(in[n]) ? 1U : 0U;
    word_shape shape = capitals == 0 ? word_shape::lower : word_shape::mixed;
    if (capitals == n && n >= 2) shape = word_shape::upper;
    if (capitals == 1 && n >= 2 && is_capital(in[0])) shape = word_shape::first;
    return {in.first(n), shape};
}

/// Sorts `items` by `before`, in place, in O(n log n) steps whatever the order was.
template <class T, class Before>
void heap_sort(T* items, std::size_t size, Before before) noexcept {
    const auto sift = [&](std::size_t root, std::size_t end) {
        for (std::size_t child; (child = 2 * root + 1) < end; root = child) {
            if (child + 1 < end && before(items[child], items[child + 1])) ++child;
            if (!before(items[root], items[child])) return;
            std::swap(items[root], items[child]);
        }
    };
    for (std::size_t k = size / 2; k-- > 0;) sift(k, size);
    for (std::size_t end = size; end > 1;) {
        std::swap(items[0], items[--end]);
        sift(0, end);
    }
}

}  // namespace detail

/// Length limit of dictionary words, so that one byte holds how much a word shares with the one before.
inline constexpr std::size_t longest_word = 25;
/// Second bytes of two-byte codes: 128 to 255. After a lead byte they are no literals.
inline constexpr std::size_t codes_per_lead = 128;

/// Counts words of a block, whatever their case, and chooses those that get codes. Encoder-side, exact.
class word_counter {
  public:
    static constexpr std::size_t most_entries = std::size_t{1} << 18;

    struct entry {
        std::uint32_t offset;  ///< first occurrence
        std::uint32_t count;
        std::uint32_t hash;
        std::uint16_t length;
        std::uint16_t code;  ///< 1 + index into the sorted dictionary; 0: none
    };

    word_counter()
        : entries_(table<entry>::unset(most_entries)), list_(table<std::uint32_t>::unset(most_entries)) {}

    /// Forgets all words and counts those of `text`, which must stay where it is. Words that come when three
    /// quarters of the table are taken are not counted.
    void count(byte_view text) noexcept {
        text_ = text;
        const std::size_t wanted = std::bit_ceil(text.size() / 8 + 1);
        size_ = wanted < 1024 ? 1024 : wanted < most_entries ? wanted : most_entries;
        std::memset(static_cast<void*>(entries_.data()), 0, size_ * sizeof(entry));
        std::size_t taken = 0;
        for (std::size_t i = 0; i < text.size();) {
            if (!detail::is_letter(text[i])) {
                ++i;
                continue;
            }
            const detail::word_view word = detail::word_at(text.subspan(i));
            if (may_be_coded(word)) {
                entry* const e = find(word.letters);
                if (e->count == 0 && taken < size_ - size_ / 4) {
                    *e = {static_cast<std::uint32_t>(i), 0, hash(word.letters),
                          static_cast<std::uint16_t>(word.letters.size()), 0};
                    ++taken;
                }
                if (e->length != 0) ++e->count;
            }
            i += word.letters.size();
        }
    }

    /// Gives codes of one byte to `ones` words and of two bytes to at most `twos`, the ones that save most,
    /// but at least `least` bytes each. Sorts them. Words chosen.
    std::size_t choose(std::size_t ones, std::size_t twos, std::uint64_t least) noexcept {
        std::size_t n = 0;
        for (std::size_t k = 0; k < size_; ++k)
            if (saving(static_cast<std::uint32_t>(k), 1) >= least) list_[n++] = static_cast<std::uint32_t>(k);
        rank(list_.data(), n, 1);
        ones_ = n < ones ? n : ones;
        std::size_t rest = ones_;
        for (std::size_t k = ones_; k < n; ++k)
            if (saving(list_[k], 2) >= least) list_[rest++] = list_[k];
        rank(list_.data() + ones_, rest - ones_, 2);
        chosen_ = rest - ones_ < twos ? rest : ones_ + twos;
        for (std::size_t k = 0; k < chosen_; ++k) entries_[list_[k]].code = k < ones_ ? 1 : 2;
        detail::heap_sort(list_.data(), chosen_,
                          [this](std::uint32_t a, std::uint32_t b) { return less(a, b); });
        return chosen_;
    }
    [[nodiscard]] std::size_t ones() const noexcept { return ones_; }
    [[nodiscard]] std::size_t chosen() const noexcept { return chosen_; }
    /// Entry k of the sorted dictionary; before numbering, `code` is the code's length.
    [[nodiscard]] entry& word(std::size_t k) noexcept { return entries_[list_[k]]; }
    /// Letter i of an entry, in lower case.
    [[nodiscard]] std::uint8_t letter(const entry& e, std::size_t i) const noexcept {
        return static_cast<std::uint8_t>(text_[e.offset + i] | 0x20);
    }
    /// The entry of a word of any case; its count is 0 where there is none.
    [[nodiscard]] entry* find(byte_view letters) noexcept {
        const std::uint32_t h = hash(letters);
        std::size_t at = h & (size_ - 1);
        while (entries_[at].count != 0 && !(entries_[at].hash == h && same(entries_[at], letters)))
            at = (at + 1) & (size_ - 1);
        return &entries_[at];
    }
    [[nodiscard]] static bool may_be_coded(const detail::word_view& word) noexcept {
        return word.shape != detail::word_shape::mixed && word.letters.size() >= 2 &&
               word.letters.size() <= longest_word;
    }

  private:
    [[nodiscard]] static std::uint32_t hash(byte_view letters) noexcept {
        std::uint32_t h = 0;
        for (const std::uint8_t b : letters) h = (h ^ (b | 0x20U)) * 0x9E37'79B1U;
        return h ^ h >> 15;
    }
    [[nodiscard]] bool same(const entry& e, byte_view letters) const noexcept {
        if (e.length != letters.size()) return false;
        for (std::size_t i = 0; i < letters.size(); ++i)
            if (letter(e, i) != (letters[i] | 0x20)) return false;
        return true;
    }
    // Bytes that codes of so many bytes save.
    [[nodiscard]] std::uint64_t saving(std::uint32_t k, std::size_t code_bytes) const noexcept {
        const entry& e = entries_[k];
        return e.length <= code_bytes ? 0 : std::uint64_t{e.count} * (e.length - code_bytes);
    }
    void rank(std::uint32_t* items, std::size_t n, std::size_t code_bytes) noexcept {
        detail::heap_sort(items, n, [&](std::uint32_t a, std::uint32_t b) {
            const std::uint64_t saves_a = saving(a, code_bytes);
            const std::uint64_t saves_b = saving(b, code_bytes);
            return saves_a != saves_b ? saves_a > saves_b : less(a, b);
        });
    }
    [[nodiscard]] bool less(std::uint32_t a, std::uint32_t b) const noexcept {
        const entry& x = entries_[a];
        const entry& y = entries_[b];
        const std::size_t n = x.length < y.length ? x.length : y.length;
        for (std::size_t i = 0; i < n; ++i)
            if (letter(x, i) != letter(y, i)) return letter(x, i) < letter(y, i);
        return x.length < y.length;
    }

    table<entry> entries_;
    table<std::uint32_t> list_;
    byte_view text_;
    std::size_t size_ = 0;
    std::size_t ones_ = 0;
    std::size_t chosen_ = 0;
};

/// The dictionary as the decoder has it: words by the number of their code.
class word_list {
  public:
    static constexpr std::size_t most_words = std::size_t{1} << 13;

    word_list()
        : letters_(table<std::uint8_t>::unset(most_words * longest_word)),
          ones_(table<std::uint16_t>::unset(256)),
          twos_(table<std::uint16_t>::unset(most_words)),
          lengths_(table<std::uint8_t>::unset(most_words)) {}

    /// Reads the words up to the empty one that ends them. bad_model unless they are sorted and share with
    /// the word before what they say.
    result<void> read(byte_reader& in) noexcept {
        size_ = one_count_ = two_count_ = 0;
        for (;;) {
            const result<byte_view> mark = in.read_bytes(1);
            if (!mark) return mark.error();
            const std::uint8_t m = (*mark)[0];
            if (m == '\n') return {};
            const bool one = m < '@';
            const std::size_t shared = static_cast<std::size_t>(m) - (one ? ' ' : '@');
            if (m < ' ' || shared > longest_word || size_ == most_words || (one && one_count_ == 256))
                return in.fail(error_code::bad_model, "a mark that no dictionary has");
            if (const result<void> word = read_word(in, shared); !word) return word.error();
            if (one)
                ones_[one_count_++] = static_cast<std::uint16_t>(size_);
            else
                twos_[two_count_++] = static_cast<std::uint16_t>(size_);
            ++size_;
        }
    }
    [[nodiscard]] std::size_t ones() const noexcept { return one_count_; }
    [[nodiscard]] std::size_t twos() const noexcept { return two_count_; }
    [[nodiscard]] byte_view one(std::size_t k) const noexcept { return word(ones_[k]); }
    [[nodiscard]] byte_view two(std::size_t k) const noexcept { return word(twos_[k]); }
    /// Whether a word of lower case has a code.
    [[nodiscard]] bool contains(byte_view letters) const noexcept {
        std::size_t from = 0, to = size_;  // words before `from` are less, words from `to` on are not
        while (from < to) {
            const std::size_t middle = from + (to - from) / 2;
            const byte_view here = word(middle);
            const std::size_t n = here.size() < letters.size() ? here.size() : letters.size();
            const int order = std::memcmp(here.data(), letters.data(), n);
            if (order < 0 || (order == 0 && here.size() < letters.size()))
                from = middle + 1;
            else
                to = middle;
        }
        return from < size_ && word(from).size() == letters.size() &&
               std::memcmp(word(from).data(), letters.data(), letters.size()) == 0;
    }

    /// Writes the chosen words of a counter, and numbers them: `code` becomes 1 + the code's number, counted
    /// among codes of one byte first.
    static void write(span_sink& to, word_counter& from) noexcept {
        std::uint16_t one = 0;
        auto two = static_cast<std::uint16_t>(from.ones());
        for (std::size_t k = 0; k < from.chosen(); ++k) {
            word_counter::entry& e = from.word(k);
            std::size_t shared = 0;
            if (k != 0) {
                const word_counter::entry& before = from.word(k - 1);
                while (shared < before.length && shared < e.length &&
                       from.letter(before, shared) == from.letter(e, shared))
                    ++shared;
            }
            const bool is_one = e.code == 1;
            to.put(static_cast<std::uint8_t>(shared + (is_one ? ' ' : '@')));
            for (std::size_t i = shared; i < e.length; ++i) to.put(from.letter(e, i));
            e.code = static_cast<std::uint16_t>(1 + (is_one ? one++ : two++));
        }
        to.put('\n');
    }

  private:
    [[nodiscard]] byte_view word(std::size_t k) const noexcept {
        return {letters_.data() + k * longest_word, lengths_[k]};
    }
    // The letters of word size_ behind the `shared` ones that the word before lends.
    result<void> read_word(byte_reader& in, std::size_t shared) noexcept {
        const byte_view before = size_ == 0 ? byte_view() : word(size_ - 1);
        if (shared > before.size()) return in.fail(error_code::bad_model, "a word shares more than there is");
        std::uint8_t* const to = letters_.data() + size_ * longest_word;
        for (std::size_t i = 0; i < shared; ++i) to[i] = before[i];
        std::size_t n = shared;
        for (byte_view rest = in.rest(); n - shared < rest.size() && rest[n - shared] >= 'a'; ++n) {
            if (n == longest_word || rest[n - shared] > 'z')
                return in.fail(error_code::bad_model, "a word that no dictionary has");
            to[n] = rest[n - shared];
        }
        const bool sorted = n > shared && (shared == before.size() || to[shared] > before[shared]);
        if (!sorted || n < 2) return in.fail(error_code::bad_model, "the dictionary is not sorted");
        lengths_[size_] = static_cast<std::uint8_t>(n);
        return in.read_bytes(n - shared) ? result<void>() : result<void>(in.fail(error_code::truncated, ""));
    }

    table<std::uint8_t> letters_;
    table<std::uint16_t> ones_;
    table<std::uint16_t> twos_;
    table<std::uint8_t> lengths_;
    std::size_t size_ = 0;
    std::size_t one_count_ = 0;
    std::size_t two_count_ = 0;
};

}  // namespace pith::inline v1::transform
