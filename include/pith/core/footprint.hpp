// footprint: where the bytes of a stream or a structure went, as a tree of named parts, and its printed form.
// The idea of a printable space tree is that of the succinct-structure libraries (Gog et al., 2014).
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include <pith/core/assert.hpp>
#include <pith/core/bytes.hpp>

namespace pith::inline v1 {

/// How a footprint is printed.
struct footprint_style {
    bool ascii = false;               ///< branches from ASCII instead of box-drawing characters (UTF-8)
    std::uint32_t max_children = 12;  ///< further children of one part are summed up in one line
};

/// A tree of parts, each with bits of its own. Law: bits(part) = its own bits + the bits of its children.
class footprint {
  public:
    using part = std::uint32_t;
    static constexpr part root = 0;
    static constexpr std::size_t max_name = 47;  ///< longer names are cut

    explicit footprint(const char* name) { append(root, name, 0); }

    /// Adds a part as the last child of `parent`; its name is copied.
    part add_bits(part parent, const char* name, std::uint64_t bits) {
        PITH_ASSERT(parent < parts_.size());
        return append(parent, name, bits);
    }
    part add(part parent, const char* name, std::uint64_t bytes = 0) {
        return add_bits(parent, name, bytes * 8);
    }
    /// Adds bits to a part itself.
    void charge_bits(part p, std::uint64_t bits) { at(p).own += bits; }
    void charge(part p, std::uint64_t bytes) { charge_bits(p, bytes * 8); }
    /// Hangs a copy of a whole tree below `parent`.
    part adopt(part parent, const footprint& tree) {
        const std::vector<entry> source = tree.parts_;  // a copy, as `tree` may be *this
        const auto first = static_cast<part>(parts_.size());
        for (std::size_t i = 0; i < source.size(); ++i)
            append(i == 0 ? parent : first + source[i].parent, source[i].name, source[i].own);
        return first;
    }

    [[nodiscard]] std::size_t size() const noexcept { return parts_.size(); }
    [[nodiscard]] const char* name(part p) const { return at(p).name; }
    [[nodiscard]] part parent(part p) const { return at(p).parent; }
    [[nodiscard]] std::uint64_t bits(part p = root) const { return totals()[p]; }
    /// Bytes of a part, a started byte counted whole.
    [[nodiscard]] std::uint64_t bytes(part p = root) const { return (bits(p) + 7) / 8; }

    /// Appends the tree to a sink as lines of text: names, bytes aligned to the right, and percent of the
    /// whole.
    template <byte_sink Sink>
    void print(Sink& sink, footprint_style style = {}) const;

  private:
    static constexpr part none = ~part{0};
    struct entry {
        std::uint64_t own;
        part parent, first_child, last_child, next;
        char name[max_name + 1];
    };
    struct line {  // one printed line: a part, or the `more` children that follow it summed up
        part at;
        std::uint32_t depth, more;
        bool last;
        std::uint64_t bits;
    };

    [[nodiscard]] entry& at(part p) { return PITH_ASSERT(p < parts_.size()), parts_[p]; }
    [[nodiscard]] const entry& at(part p) const { return PITH_ASSERT(p < parts_.size()), parts_[p]; }

    part append(part parent, const char* name, std::uint64_t bits) {
        entry e{bits, parent, none, none, none, {}};
        for (std::size_t i = 0; i < max_name && name[i] != 0; ++i) e.name[i] = name[i];
        const auto id = static_cast<part>(parts_.size());
        parts_.push_back(e);
        if (id == root) return id;
        entry& up = parts_[parent];
        (up.first_child == none ? up.first_child : parts_[up.last_child].next) = id;
        up.last_child = id;
        return id;
    }
    // A child stands behind its parent, so one pass from the end sums everything.
    [[nodiscard]] std::vector<std::uint64_t> totals() const {
        std::vector<std::uint64_t> sum(parts_.size());
        for (std::size_t i = parts_.size(); i-- > 0;) {
            sum[i] += parts_[i].own;
            if (i != root) sum[parts_[i].parent] += sum[i];
        }
        return sum;
    }
    [[nodiscard]] std::vector<line> lines(std::uint32_t max_children) const;
    static constexpr char others[] = " others)";  // after "(" and a number
    template <byte_sink Sink>
    void print_name(Sink& sink, const line& l, std::size_t width) const;
    template <byte_sink Sink>
    static void print_bytes(Sink& sink, std::uint64_t bits, std::size_t width, bool fraction);

    std::vector<entry> parts_;
};

namespace detail {

// Decimal digits of v with commas between thousands, written at the end of `text`; returns their number.
struct grouped_number {
    char text[27];
    std::size_t size = 0;

    explicit constexpr grouped_number(std::uint64_t v) noexcept : text{} {
        std::size_t digits = 0;
        do {
            if (digits != 0 && digits % 3 == 0) push(',');
            push(static_cast<char>('0' + v % 10));
            v /= 10;
            ++digits;
        } while (v != 0);
    }
    template <byte_sink Sink>
    void print(Sink& sink, std::size_t width) const {
        for (std::size_t i = size; i < width; ++i) sink.put(' ');
        for (std::size_t i = size; i-- > 0;) sink.put(static_cast<std::uint8_t>(text[i]));
    }

  private:
    constexpr void push(char c) noexcept { text[size++] = c; }  // lowest first
};

template <byte_sink Sink>
void print_text(Sink& sink, const char* text) {
    for (; *text != 0; ++text) sink.put(static_cast<std::uint8_t>(*text));
}

// part/whole in tenths of a percent, rounded to nearest. Both lose low bits together until 1000 * part fits.
[[nodiscard]] constexpr std::uint64_t permille(std::uint64_t part, std::uint64_t whole) noexcept {
    while (whole >> 53 != 0) {
        part >>= 1;
        whole >>= 1;
    }
    return whole == 0 ? 0 : (part * 1000 + whole / 2) / whole;
}

}  // namespace detail

inline std::vector<footprint::line> footprint::lines(std::uint32_t max_children) const {
    const std::vector<std::uint64_t> sum = totals();
    std::vector<line> out;
    std::vector<line> open{{root, 0, 0, true, sum[root]}};  // a stack: what stands on top is printed next
    while (!open.empty()) {
        const line now = open.back();
        open.pop_back();
        out.push_back(now);
        if (now.more != 0) continue;
        const std::size_t start = open.size();
        std::uint32_t count = 0;
        for (part c = parts_[now.at].first_child; c != none; c = parts_[c].next, ++count) {
            if (count < max_children || (count == max_children && parts_[c].next == none)) {
                open.push_back({c, now.depth + 1, 0, parts_[c].next == none, sum[c]});
            } else if (count == max_children) {
                open.push_back({c, now.depth + 1, 1, true, sum[c]});
            } else {
                open.back().more += 1;
                open.back().bits += sum[c];
            }
        }
        for (std::size_t i = start, j = open.size(); i + 1 < j; ++i, --j) std::swap(open[i], open[j - 1]);
    }
    return out;
}

template <byte_sink Sink>
void footprint::print_bytes(Sink& sink, std::uint64_t bits, std::size_t width, bool fraction) {
    detail::grouped_number(bits / 8).print(sink, width);
    if (!fraction) return;
    const std::uint64_t eighths = (bits % 8) * 125;
    sink.put('.');
    for (const std::uint64_t unit : {100U, 10U, 1U})
        sink.put(static_cast<std::uint8_t>('0' + eighths / unit % 10));
}

// The name of a line after its branches, filled up to `width` characters in all.
template <byte_sink Sink>
void footprint::print_name(Sink& sink, const line& l, std::size_t width) const {
    std::size_t column = std::size_t{3} * l.depth;
    if (l.more != 0) {
        const detail::grouped_number count(l.more);
        sink.put('(');
        count.print(sink, 0);
        detail::print_text(sink, others);
        column += count.size + sizeof(others);
    } else {
        for (const char* c = parts_[l.at].name; *c != 0; ++c, ++column)
            sink.put(static_cast<std::uint8_t>(*c));
    }
    for (; column < width; ++column) sink.put(' ');
}

template <byte_sink Sink>
void footprint::print(Sink& sink, footprint_style style) const {
    const std::vector<line> all = lines(style.max_children);
    std::size_t names = 0;
    bool fraction = false;
    for (const line& l : all) {
        std::size_t n = l.more != 0 ? detail::grouped_number(l.more).size + sizeof(others) : 0;
        while (l.more == 0 && parts_[l.at].name[n] != 0) ++n;
        names = names > n + 3 * l.depth ? names : n + 3 * l.depth;
        fraction = fraction || l.bits % 8 != 0;
    }
    const std::size_t width = detail::grouped_number(all[0].bits / 8).size;
    std::vector<bool> closed;  // per depth: the branch drawn there has had its last child
    for (const line& l : all) {
        closed.resize(l.depth + 1);
        closed[l.depth] = l.last;
        for (std::uint32_t d = 1; d < l.depth; ++d)
            detail::print_text(sink, closed[d] ? "   " : style.ascii ? "|  " : "│  ");
        if (l.depth != 0)
            detail::print_text(sink, style.ascii ? (l.last ? "`- " : "|- ") : (l.last ? "└─ " : "├─ "));
        print_name(sink, l, names + 2);
        print_bytes(sink, l.bits, width, fraction);
        const std::uint64_t share = detail::permille(l.bits, all[0].bits);
        detail::print_text(sink, " B ");
        detail::grouped_number(share / 10).print(sink, 4);
        sink.put('.');
        sink.put(static_cast<std::uint8_t>('0' + share % 10));
        detail::print_text(sink, " %\n");
    }
}

}  // namespace pith::inline v1
