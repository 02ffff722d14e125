// Columns of a log's words as streams of bytes: dictionaries, numbers inside words, and what is left as text.
// The parameters of Logzip (Liu and others, 2019), whose fields are split further here: words that differ in
// their numbers alone become columns of numbers, plain or as differences.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include <pith/core/bits.hpp>
#include <pith/core/bytes.hpp>
#include <pith/core/table.hpp>

namespace pith::inline v1::codec {

namespace detail {

/// The parts of a log. Each is coded by itself.
enum log_stream : std::size_t {
    log_ids,
    log_shapes,
    log_heads,
    log_tails,
    log_texts,
    log_alone,
    log_streams
};

// A number below 192 is one byte; else 191 + k, and what is above 191 in k bytes of the tails, highest first.
inline constexpr std::uint64_t log_small = 192;

template <byte_sink Sink>
void put_log_number(Sink& heads, Sink& tails, std::uint64_t v) noexcept {
    if (v < log_small) return heads.put(static_cast<std::uint8_t>(v));
    v -= log_small;
    const unsigned bytes = v == 0 ? 1 : (static_cast<unsigned>(std::bit_width(v)) + 7) / 8;
    heads.put(static_cast<std::uint8_t>(log_small - 1 + bytes));
    for (unsigned i = bytes; i-- > 0;) tails.put(static_cast<std::uint8_t>(v >> 8 * i));
}
/// False for what put_log_number does not write.
[[nodiscard]] inline bool get_log_number(byte_reader& heads, byte_reader& tails, std::uint64_t& v) noexcept {
    const auto head = heads.read_le<std::uint8_t>();
    if (!head || *head > log_small + 7) return false;
    v = *head;
    if (v < log_small) return true;
    const auto bytes = tails.read_bytes(v - (log_small - 1));
    if (!bytes || (bytes->size() > 1 && (*bytes)[0] == 0)) return false;
    v = 0;
    for (const std::uint8_t b : *bytes) v = v << 8 | b;
    v += log_small;
    return v >= log_small;
}

/// Digits of a number that is coded as one: values stay below 10^18.
inline constexpr std::size_t log_digits = 18;
inline constexpr std::uint64_t log_value_end = 1'000'000'000'000'000'000U;

[[nodiscard]] constexpr bool is_log_digit(std::uint8_t b) noexcept { return b >= '0' && b <= '9'; }

/// A word's numbers and what stands around them, from left to right.
class log_fields {
  public:
    explicit log_fields(byte_view word) noexcept : word_(word) {}
    /// To the next number; false at the end.
    [[nodiscard]] bool next() noexcept {
        start_ = end_;
        while (start_ < word_.size() && !is_log_digit(word_[start_])) ++start_;
        end_ = start_;
        value_ = 0;
        while (end_ < word_.size() && is_log_digit(word_[end_]) && end_ - start_ <= log_digits)
            value_ = value_ * 10 + static_cast<unsigned>(word_[end_++] - '0');  // < 10^19 < 2^64
        return end_ != start_;
    }
    [[nodiscard]] std::uint64_t value() const noexcept { return value_; }
    [[nodiscard]] std::size_t start() const noexcept { return start_; }
    [[nodiscard]] std::size_t end() const noexcept { return end_; }
    [[nodiscard]] std::size_t digits() const noexcept { return end_ - start_; }
    [[nodiscard]] bool padded() const noexcept { return digits() > 1 && word_[start_] == '0'; }

  private:
    byte_view word_;
    std::size_t start_ = 0;
    std::size_t end_ = 0;
    std::uint64_t value_ = 0;
};

[[nodiscard]] constexpr std::uint64_t log_difference(std::uint64_t v, std::uint64_t before) noexcept {
    return zigzag(static_cast<std::int64_t>(v - before));
}

}  // namespace detail

/// Most words of a column, most fields of its words.
inline constexpr std::size_t most_log_cells = std::size_t{1} << 20;
inline constexpr std::size_t most_log_fields = 16;

/// Writes columns. A word is a view into the caller's bytes with an id below `most_ids`, equal for equal
/// words.
class log_column_writer {
    struct last_seen {
        std::uint32_t column = 0;
        std::uint32_t index = 0;
        std::uint32_t listed = 0;  // 1 + its place in the list of all columns
    };

  public:
    struct word {
        byte_view text;
        std::uint32_t id;
    };
    static constexpr std::size_t memory = most_log_cells * (8 + 4 + sizeof(last_seen));

    /// Forgets the words of the columns before.
    void reset(std::size_t ids) noexcept {
        for (std::size_t i = 0; i < ids; ++i) seen_[i] = {};
        column_ = known_ = 0;
    }

    /// word_at(i): the i-th of `count` words, none of them empty. Ids are below most_log_cells, or none.
    template <byte_sink Sink, class F>
    void put(std::size_t count, std::span<Sink> to, F&& word_at) noexcept {
        std::uint64_t text = 0;
        for (std::size_t i = 0; i < count; ++i) text += price_of(word_at(i).text);
        const choice all = choose(count, word_at, text);
        const std::size_t distinct = make_indexes(count, word_at);
        if (distinct != 0) {
            const std::uint64_t indexes = price({numbers_.data(), count});
            const auto first_at = [&](std::size_t i) { return word_at(firsts_[i]); };
            const choice few = choose(distinct, first_at, price_of_list(distinct, first_at));
            if (indexes + few.price < all.price) {
                to[detail::log_heads].put(few.fields ? 3 : 2);
                static_cast<void>(make_indexes(count, word_at));
                put_numbers({numbers_.data(), count}, 0, to);
                if (few.fields) return put_fields(distinct, to, first_at);
                return put_list(distinct, to, first_at);
            }
        }
        to[detail::log_heads].put(all.fields ? 1 : 0);
        if (all.fields) return put_fields(count, to, word_at);
        for (std::size_t i = 0; i < count; ++i) put_text(word_at(i).text, to);
    }

  private:
    struct choice {
        std::uint64_t price;  // about, in bits
        bool fields;
    };

    /// Places of the words among the different ones, in order of appearance, to numbers_. Returns how many
    /// there are; 0 where there is no use in it.
    template <class F>
    std::size_t make_indexes(std::size_t count, F&& word_at) noexcept {
        ++column_;
        std::size_t distinct = 0;
        for (std::size_t i = 0; i < count; ++i) {
            const std::uint32_t id = word_at(i).id;
            if (id >= seen_.size()) return 0;
            if (seen_[id].column != column_) {
                seen_[id].column = column_;
                seen_[id].index = static_cast<std::uint32_t>(distinct);
                firsts_[distinct++] = static_cast<std::uint32_t>(i);
            }
            numbers_[i] = seen_[id].index;
        }
        return distinct;
    }

    template <class F>
    [[nodiscard]] choice choose(std::size_t count, F&& word_at, std::uint64_t text) noexcept {
        const std::size_t fields = common_fields(count, word_at);
        if (fields == 0) return {text, false};
        std::uint64_t numbers = 8 * word_at(0).text.size();
        for (std::size_t f = 0; f < fields; ++f) {
            static_cast<void>(take_field(f, count, word_at));
            numbers += price({numbers_.data(), count});
        }
        return numbers < text ? choice{numbers, true} : choice{text, false};
    }

    /// Numbers in each word, where the words differ in nothing else and each column of numbers is either of
    /// one width or without leading zeros; otherwise 0.
    template <class F>
    [[nodiscard]] static std::size_t common_fields(std::size_t count, F&& word_at) noexcept {
        std::array<std::size_t, most_log_fields> width{};
        std::array<bool, most_log_fields> uneven{}, padded{};
        const byte_view model = word_at(0).text;
        std::size_t fields = 0;
        for (std::size_t i = 0; i < count; ++i) {
            const byte_view text = word_at(i).text;
            detail::log_fields here(text), there(model);
            std::size_t f = 0, a = 0, b = 0;
            for (;; ++f) {
                const bool more = here.next();
                if (there.next() != more ||
                    !equal(text.subspan(a, here.start() - a), model.subspan(b, there.start() - b)))
                    return 0;
                if (!more) break;
                a = here.end(), b = there.end();
                if (f == most_log_fields || here.digits() > detail::log_digits) return 0;
                uneven[f] = uneven[f] || (i != 0 && here.digits() != width[f]);
                padded[f] = padded[f] || here.padded();
                width[f] = here.digits();
                if (uneven[f] && padded[f]) return 0;
            }
            fields = f;
        }
        return fields;
    }
    [[nodiscard]] static bool equal(byte_view a, byte_view b) noexcept {
        return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size()) == 0);
    }
    /// The f-th numbers of all words to numbers_; their width, 0 if they have several.
    template <class F>
    std::size_t take_field(std::size_t f, std::size_t count, F&& word_at) noexcept {
        std::size_t width = 0;
        bool even = true;
        for (std::size_t i = 0; i < count; ++i) {
            detail::log_fields fields(word_at(i).text);
            for (std::size_t k = 0; k <= f; ++k) static_cast<void>(fields.next());
            numbers_[i] = fields.value();
            even = even && (i == 0 || fields.digits() == width);
            width = fields.digits();
        }
        return even ? width : 0;
    }

    [[nodiscard]] static std::uint64_t price_of(std::uint64_t v) noexcept {
        return v == 0 ? 1 : static_cast<unsigned>(std::bit_width(v)) + 2;
    }
    /// The cheaper way of the two.
    [[nodiscard]] static std::uint64_t price(std::span<const std::uint64_t> numbers) noexcept {
        bool differences = false;
        return price(numbers, differences);
    }
    [[nodiscard]] static std::uint64_t price(std::span<const std::uint64_t> numbers,
                                             bool& differences) noexcept {
        std::uint64_t plain = 16, changed = 16, before = 0;
        for (const std::uint64_t v : numbers) {
            plain += price_of(v);
            changed += price_of(detail::log_difference(v, before));
            before = v;
        }
        differences = changed < plain;
        return differences ? changed : plain;
    }
    template <byte_sink Sink>
    static void put_numbers(std::span<const std::uint64_t> numbers, std::size_t width,
                            std::span<Sink> to) noexcept {
        bool differences = false;
        static_cast<void>(price(numbers, differences));
        to[detail::log_heads].put(static_cast<std::uint8_t>(2 * width + (differences ? 1 : 0)));
        std::uint64_t before = 0;
        for (const std::uint64_t v : numbers) {
            detail::put_log_number(to[detail::log_heads], to[detail::log_tails],
                                   differences ? detail::log_difference(v, before) : v);
            before = v;
        }
    }
    [[nodiscard]] static std::uint64_t price_of(byte_view text) noexcept { return 4 * text.size() + 2; }
    template <class F>
    [[nodiscard]] std::uint64_t price_of_list(std::size_t count, F&& word_at) const noexcept {
        std::uint64_t bits = 0;
        for (std::size_t i = 0; i < count; ++i)
            bits += seen_[word_at(i).id].listed != 0 ? 4 : 1 + price_of(word_at(i).text);
        return bits;
    }
    template <byte_sink Sink>
    static void put_text(byte_view text, std::span<Sink> to) noexcept {
        to[detail::log_texts].append(text);
        to[detail::log_texts].put('\n');
    }
    /// Different words: 0 and the text of one that is not in the list yet, or 1 + how far its place is from
    /// the one behind the last word's.
    template <byte_sink Sink, class F>
    void put_list(std::size_t count, std::span<Sink> to, F&& word_at) noexcept {
        std::uint32_t expected = 0;
        for (std::size_t i = 0; i < count; ++i) {
            const word here = word_at(i);
            std::uint32_t& listed = seen_[here.id].listed;
            if (listed != 0) {
                const auto step = static_cast<std::int64_t>(listed - 1) - static_cast<std::int64_t>(expected);
                detail::put_log_number(to[detail::log_heads], to[detail::log_tails], 1 + zigzag(step));
            } else {
                to[detail::log_heads].put(0);
                put_text(here.text, to);
                listed = ++known_;
            }
            expected = listed;
        }
    }
    template <byte_sink Sink, class F>
    void put_fields(std::size_t count, std::span<Sink> to, F&& word_at) noexcept {
        const byte_view model = word_at(0).text;
        detail::log_fields around(model);
        std::size_t at = 0, many = 0;
        for (; around.next(); ++many, at = around.end()) {
            to[detail::log_shapes].append(model.subspan(at, around.start() - at));
            to[detail::log_shapes].put(0);
        }
        to[detail::log_shapes].append(model.subspan(at));
        to[detail::log_shapes].put('\n');
        for (std::size_t f = 0; f < many; ++f) {
            const std::size_t width = take_field(f, count, word_at);
            put_numbers({numbers_.data(), count}, width, to);
        }
    }

    table<std::uint64_t> numbers_ = table<std::uint64_t>::unset(most_log_cells);
    table<std::uint32_t> firsts_ = table<std::uint32_t>::unset(most_log_cells);
    table<last_seen> seen_ = table<last_seen>::unset(most_log_cells);
    std::uint32_t column_ = 0;
    std::uint32_t known_ = 0;  // words of the list
};

}  // namespace pith::inline v1::codec
