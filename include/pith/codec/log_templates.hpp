// Lines of a log cut into words, and clustered into templates over several rounds. Encoder-side.
// Iterative structure extraction of Logzip (Liu, Zhu, He, He, Zheng, Lyu, 2019); frequent words stand for its
// prefix tree, all lines are looked at in place of a sample, and the form of the line's head is found, not
// asked of the user.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include <pith/codec/string_set.hpp>
#include <pith/core/bytes.hpp>
#include <pith/core/table.hpp>

namespace pith::inline v1::codec {

/// A word: bytes between delimiters, never empty. `id` is equal for equal words, or string_set::none.
struct log_word {
    std::uint32_t at;
    std::uint32_t size;
    std::uint32_t id;
};

/// A line without its end, and the template that was chosen for it.
struct log_line {
    std::uint32_t at;
    std::uint32_t size;
    std::uint32_t first;  // of its words
    std::uint32_t words;
    std::uint32_t chosen;  // log_templates::none for a line on its own
    bool headed;
};

/// The template that `line` shows: its words are constants unless `is_wild` says otherwise.
struct log_template {
    std::uint32_t line;
    std::uint32_t uses;
    bool headed;
};

/// Templates of up to 2^22 bytes of lines. An object holds 129 MB and takes none later. The same on every
/// machine.
class log_templates {
    struct cluster {
        std::uint64_t key;
        std::uint32_t line;
        std::uint32_t uses;
        std::uint32_t number;  // of its template
    };
    static constexpr std::size_t most_distinct = std::size_t{1} << 20;

  public:
    static constexpr std::size_t most_bytes = std::size_t{1} << 22;
    static constexpr std::size_t most_lines = most_bytes / 4;
    static constexpr std::size_t most_words = most_bytes / 2 + 1;  // a delimiter between any two
    static constexpr std::size_t most_templates = std::size_t{1} << 16;
    static constexpr std::size_t most_head = 6;
    static constexpr std::uint32_t none = ~std::uint32_t{0};
    static constexpr std::size_t memory =
        most_words * (sizeof(log_word) + 1) + most_lines * (sizeof(log_line) + sizeof(cluster)) +
        3 * most_lines * 4 + most_distinct * 4 + string_set::memory(most_distinct, most_bytes) +
        most_templates * (sizeof(log_template) + 4);

    /// Cuts at most most_bytes bytes; false if they are no lines: none at all, or very short ones.
    [[nodiscard]] bool cut(byte_view in) noexcept {
        in_ = in;
        lines_count_ = words_count_ = templates_count_ = headed_templates_ = 0;
        set_.reset(in.size() / 2 + 1);
        for (std::size_t at = 0; at < in.size();) {
            const void* end = std::memchr(in.data() + at, '\n', in.size() - at);
            const std::size_t size =
                end == nullptr
                    ? in.size() - at
                    : static_cast<std::size_t>(static_cast<const std::uint8_t*>(end) - in.data()) - at;
            if (lines_count_ == most_lines) return false;
            lines_[lines_count_++] = cut_line(at, size);
            at += size + 1;
        }
        return lines_count_ >= 2;
    }
    /// Finds templates, frequent kinds of lines first, each round among the lines that are left.
    void cluster_lines() noexcept {
        find_head();
        for (unsigned round = 0; round < rounds; ++round) {
            count_words();
            gather(round);
            accept(round);
        }
        rank_templates();
    }

    [[nodiscard]] std::span<const log_line> lines() const noexcept { return {lines_.data(), lines_count_}; }
    [[nodiscard]] const log_word& word(std::size_t number) const noexcept { return words_[number]; }
    [[nodiscard]] byte_view text(std::size_t number) const noexcept {
        return in_.subspan(words_[number].at, words_[number].size);
    }
    /// Whether this word of the line that shows a template is a place for any word.
    [[nodiscard]] bool is_wild(std::size_t number) const noexcept { return wild_[number] != 0; }
    /// Those whose lines have a head are in front.
    [[nodiscard]] std::span<const log_template> templates() const noexcept {
        return {templates_.data(), templates_count_};
    }
    [[nodiscard]] std::size_t headed_templates() const noexcept { return headed_templates_; }
    /// Words of a head: the first wild words of each template that has one.
    [[nodiscard]] std::size_t head() const noexcept { return head_; }
    /// Ids of words are below.
    [[nodiscard]] std::size_t distinct() const noexcept { return set_.size(); }

    [[nodiscard]] static constexpr bool is_digit(std::uint8_t b) noexcept { return b >= '0' && b <= '9'; }

  private:
    static constexpr unsigned rounds = 4;
    // A word is part of a kind of lines if one line in 2^shift that is left has it; in the last round none
    // is.
    static constexpr unsigned shifts[rounds] = {6, 9, 12, 32};
    static constexpr std::uint32_t least_uses[rounds] = {6, 6, 4, 3};

    [[nodiscard]] static bool is_delimiter(std::uint8_t b) noexcept {
        switch (b) {
            case ' ':
            case '\t':
            case '\r':
            case ',':
            case ';':
            case '=':
            case '(':
            case ')':
            case '[':
            case ']':
            case '{':
            case '}':
            case '<':
            case '>':
            case '"':
            case '\'':
            case '|':
                return true;
            default:
                return false;
        }
    }
    [[nodiscard]] static bool has_digit(byte_view word) noexcept {
        for (const std::uint8_t b : word)
            if (is_digit(b)) return true;
        return false;
    }
    [[nodiscard]] static std::uint64_t mixed(std::uint64_t hash, std::uint64_t value) noexcept {
        hash = (hash ^ value) * 0x9E37'79B9'7F4A'7C15U;
        return hash ^ hash >> 29;
    }
    /// Of the word with every number replaced by one mark.
    [[nodiscard]] static std::uint64_t form_of(byte_view word) noexcept {
        std::uint64_t hash = 1;
        for (std::size_t i = 0; i < word.size(); ++i)
            if (!is_digit(word[i]) || i == 0 || !is_digit(word[i - 1]))
                hash = mixed(hash, is_digit(word[i]) ? std::uint8_t{'0'} : word[i]);
        return hash;
    }

    [[nodiscard]] log_line cut_line(std::size_t at, std::size_t size) noexcept {
        log_line out{static_cast<std::uint32_t>(at),
                     static_cast<std::uint32_t>(size),
                     static_cast<std::uint32_t>(words_count_),
                     0,
                     none,
                     false};
        const byte_view line = in_.subspan(at, size);
        for (std::size_t i = 0; i < size;) {
            if (is_delimiter(line[i])) {
                ++i;
                continue;
            }
            std::size_t end = i + 1;
            while (end < size && !is_delimiter(line[end])) ++end;
            const std::uint32_t id = set_.add(line.subspan(i, end - i));
            wild_[words_count_] = 0;
            words_[words_count_++] = {static_cast<std::uint32_t>(at + i), static_cast<std::uint32_t>(end - i),
                                      id};
            i = end;
        }
        out.words = static_cast<std::uint32_t>(words_count_) - out.first;
        return out;
    }
    /// Zero marks the wild words of templates, so a line that has one stays alone.
    [[nodiscard]] bool is_open(const log_line& line) const noexcept {
        return line.chosen == none &&
               (line.size == 0 || std::memchr(in_.data() + line.at, 0, line.size) == nullptr);
    }

    /// The head ends with the last of the first words that has a number and one form in half of the lines.
    void find_head() noexcept {
        std::array<std::uint64_t, most_head> forms{};
        std::array<bool, most_head> common{};
        head_ = 0;
        for (std::size_t p = 0; p < most_head; ++p) {
            bool digits = false;
            forms[p] = majority(p, digits);
            std::size_t same = 0;
            for (const log_line& line : lines())
                same += line.words > p && form_of(text(line.first + p)) == forms[p] ? 1U : 0U;
            common[p] = 2 * same > lines_count_;
            if (common[p] && digits) head_ = p + 1;
        }
        for (std::size_t i = 0; i < lines_count_; ++i) {
            log_line& line = lines_[i];
            line.headed = head_ != 0 && line.words >= head_;
            for (std::size_t p = 0; p < head_ && line.headed; ++p)
                line.headed = !common[p] || form_of(text(line.first + p)) == forms[p];
        }
    }
    /// The form of word p that more than half of the lines have, if there is one (Boyer, Moore, 1981).
    [[nodiscard]] std::uint64_t majority(std::size_t p, bool& digits) const noexcept {
        std::uint64_t form = 0;
        std::size_t lead = 0;
        for (const log_line& line : lines()) {
            const std::uint64_t here = line.words > p ? form_of(text(line.first + p)) : 0;
            if (lead == 0 && here != 0) {
                form = here;
                digits = has_digit(text(line.first + p));
            }
            lead = here == form ? lead + 1 : lead == 0 ? 0 : lead - 1;
        }
        return form;
    }

    void count_words() noexcept {
        if (set_.size() != 0) std::memset(counts_.data(), 0, set_.size() * sizeof(std::uint32_t));
        left_ = 0;
        for (const log_line& line : lines()) {
            if (line.chosen != none) continue;
            ++left_;
            for (std::size_t i = line.first; i < line.first + line.words; ++i)
                if (words_[i].id != string_set::none) ++counts_[words_[i].id];
        }
    }
    /// Whether a word tells what kind of line it is in: no number, and frequent.
    [[nodiscard]] bool tells(std::size_t number, unsigned round) const noexcept {
        const std::uint32_t id = words_[number].id;
        return round + 1 != rounds && id != string_set::none && counts_[id] >= 8 &&
               counts_[id] >= left_ >> shifts[round] && !has_digit(text(number));
    }
    [[nodiscard]] std::uint64_t key_of(const log_line& line, unsigned round) const noexcept {
        std::uint64_t key = line.headed ? 3 : 1;
        std::size_t at = line.at;
        for (std::size_t i = 0; i <= line.words; ++i) {
            const bool last = i == line.words;
            const std::size_t next = last ? line.at + line.size : words_[line.first + i].at;
            for (; at < next; ++at) key = mixed(key, in_[at]);
            if (last) break;
            const bool kept = !(line.headed && i < head_) && tells(line.first + i, round);
            key = mixed(key, kept ? std::uint64_t{words_[line.first + i].id} + 512 : 256);
            at = next + words_[line.first + i].size;
        }
        return key;
    }
    /// Lines that one template can show: as many words, and the same between them.
    [[nodiscard]] bool alike(const log_line& a, const log_line& b) const noexcept {
        if (a.words != b.words || a.headed != b.headed) return false;
        std::size_t x = a.at, y = b.at;
        for (std::size_t i = 0; i <= a.words; ++i) {
            const bool last = i == a.words;
            const std::size_t end_x = last ? a.at + a.size : words_[a.first + i].at;
            const std::size_t end_y = last ? b.at + b.size : words_[b.first + i].at;
            if (end_x - x != end_y - y) return false;
            if (end_x != x && std::memcmp(in_.data() + x, in_.data() + y, end_x - x) != 0) return false;
            if (last) break;
            x = end_x + words_[a.first + i].size;
            y = end_y + words_[b.first + i].size;
        }
        return true;
    }
    [[nodiscard]] bool equal_words(std::size_t a, std::size_t b) const noexcept {
        const log_word &x = words_[a], &y = words_[b];
        if (x.id != string_set::none && y.id != string_set::none) return x.id == y.id;
        return x.size == y.size && std::memcmp(in_.data() + x.at, in_.data() + y.at, x.size) == 0;
    }

    /// Lines with equal keys form clusters; a cluster's first line notes where the others differ.
    void gather(unsigned round) noexcept {
        const std::size_t mask = std::bit_ceil(2 * lines_count_) - 1;
        std::memset(slots_.data(), 0xFF, (mask + 1) * sizeof(std::uint32_t));
        clusters_count_ = 0;
        for (std::size_t n = 0; n < lines_count_; ++n) {
            const log_line& line = lines_[n];
            belongs_[n] = none;
            if (!is_open(line)) continue;
            const std::uint64_t key = key_of(line, round);
            std::size_t slot = key & mask;
            while (slots_[slot] != none && clusters_[slots_[slot]].key != key) slot = (slot + 1) & mask;
            if (slots_[slot] == none) {
                slots_[slot] = static_cast<std::uint32_t>(clusters_count_);
                clusters_[clusters_count_++] = {key, static_cast<std::uint32_t>(n), 0, none};
            }
            cluster& home = clusters_[slots_[slot]];
            const log_line& first = lines_[home.line];
            if (!alike(first, line)) continue;  // another line with the same hash
            ++home.uses;
            belongs_[n] = slots_[slot];
            for (std::size_t i = 0; i < line.words; ++i)
                if ((line.headed && i < head_) || !equal_words(first.first + i, line.first + i))
                    wild_[first.first + i] = 1;
        }
    }
    /// Clusters that are large and have enough in common become templates.
    void accept(unsigned round) noexcept {
        for (std::size_t c = 0; c < clusters_count_; ++c) {
            cluster& home = clusters_[c];
            const log_line& shown = lines_[home.line];
            if (home.uses >= least_uses[round] && templates_count_ < most_templates &&
                (round >= 2 || has_much_in_common(shown))) {
                home.number = static_cast<std::uint32_t>(templates_count_);
                templates_[templates_count_++] = {home.line, home.uses, shown.headed};
            } else {
                for (std::size_t i = 0; i < shown.words; ++i) wild_[shown.first + i] = 0;
            }
        }
        for (std::size_t n = 0; n < lines_count_; ++n)
            if (belongs_[n] != none) lines_[n].chosen = clusters_[belongs_[n]].number;
    }
    /// Half of the words without numbers are the same in all lines.
    [[nodiscard]] bool has_much_in_common(const log_line& shown) const noexcept {
        std::size_t of = 0, common = 0;
        for (std::size_t i = shown.headed ? head_ : 0; i < shown.words; ++i) {
            if (has_digit(text(shown.first + i))) continue;
            ++of;
            common += wild_[shown.first + i] == 0 ? 1U : 0U;
        }
        return 2 * common >= of;
    }
    [[nodiscard]] static bool before(const log_template& x, const log_template& y) noexcept {
        if (x.headed != y.headed) return x.headed;
        return x.uses != y.uses ? x.uses > y.uses : x.line < y.line;
    }
    /// Templates with a head first, the most used ones first among each.
    void rank_templates() noexcept {
        for (std::size_t t = 0; t < templates_count_; ++t) order_[t] = static_cast<std::uint32_t>(t);
        std::sort(order_.data(), order_.data() + templates_count_,
                  [&](std::uint32_t a, std::uint32_t b) { return before(templates_[a], templates_[b]); });
        // The places of templates, where the clusters were.
        for (std::size_t r = 0; r < templates_count_; ++r)
            clusters_[order_[r]].number = static_cast<std::uint32_t>(r);
        for (std::size_t n = 0; n < lines_count_; ++n)
            if (lines_[n].chosen != none) lines_[n].chosen = clusters_[lines_[n].chosen].number;
        std::sort(templates_.data(), templates_.data() + templates_count_, before);
        while (headed_templates_ < templates_count_ && templates_[headed_templates_].headed)
            ++headed_templates_;
        if (headed_templates_ == 0) head_ = 0;
    }

    byte_view in_;
    std::size_t lines_count_ = 0;
    std::size_t words_count_ = 0;
    std::size_t clusters_count_ = 0;
    std::size_t templates_count_ = 0;
    std::size_t headed_templates_ = 0;
    std::size_t head_ = 0;
    std::size_t left_ = 0;
    string_set set_ = string_set(most_distinct, most_bytes);
    table<log_word> words_ = table<log_word>::unset(most_words);
    table<std::uint8_t> wild_ = table<std::uint8_t>::unset(most_words);
    table<log_line> lines_ = table<log_line>::unset(most_lines);
    table<std::uint32_t> belongs_ = table<std::uint32_t>::unset(most_lines);
    table<std::uint32_t> counts_ = table<std::uint32_t>::unset(most_distinct);
    table<cluster> clusters_ = table<cluster>::unset(most_lines);
    table<std::uint32_t> slots_ = table<std::uint32_t>::unset(2 * most_lines);
    table<log_template> templates_ = table<log_template>::unset(most_templates);
    table<std::uint32_t> order_ = table<std::uint32_t>::unset(most_templates);
};

}  // namespace pith::inline v1::codec
