// Classes of rows and of columns of a table such that entries depend on the pair of classes.
// Montanari, Weiner, "Compressing Tabular Data via Latent Variable Estimation" (2022), where latent variables
// come from spectra; here from likelihood by turns, and their number from the description's length.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include <pith/core/assert.hpp>
#include <pith/core/bytes.hpp>
#include <pith/core/exact_math.hpp>
#include <pith/core/random.hpp>

namespace pith::inline v1::codec {

inline constexpr std::size_t max_latent_classes = 64;

/// A class for each row and for each column, numbered in the order in which they first occur.
struct latent_classes {
    std::vector<std::uint8_t> of_row, of_column;
    std::size_t rows = 1, columns = 1;  ///< numbers of classes
};

namespace detail {

/// 256 log2 n, rounded down. n >= 1. Exact.
[[nodiscard]] inline std::int64_t latent_log2(std::uint64_t n) noexcept {
    return static_cast<std::int64_t>(exact::mul(exact::log(static_cast<double>(n)), 369.3299304675746));
}

/// A table of symbols 0 .. alphabet - 1, row after row.
struct symbol_table {
    std::vector<std::uint8_t> entries;
    std::size_t rows, columns, alphabet;

    symbol_table(byte_view in, std::size_t row_count, std::size_t column_count)
        : entries(in.begin(), in.end()), rows(row_count), columns(column_count), alphabet(0) {
        std::array<bool, 256> used{};
        std::array<std::uint8_t, 256> number{};
        for (const std::uint8_t e : in) used[e] = true;
        for (std::size_t e = 0; e < 256; ++e)
            if (used[e]) number[e] = static_cast<std::uint8_t>(alphabet++);
        for (std::uint8_t& e : entries) e = number[e];
    }
    /// The table with rows and columns exchanged.
    [[nodiscard]] symbol_table turned() const {
        symbol_table out = *this;
        std::swap(out.rows, out.columns);
        for (std::size_t r = 0; r < rows; ++r)
            for (std::size_t c = 0; c < columns; ++c) out.entries[c * rows + r] = entries[r * columns + c];
        return out;
    }
};

/// Counts of symbols for groups of rows times groups of columns, and the price of each symbol in 1/256 bits.
class block_prices {
  public:
    block_prices(std::size_t groups, std::size_t column_groups, std::size_t alphabet)
        : width_(column_groups * alphabet),
          alphabet_(alphabet),
          counts_(groups * width_),
          prices_(counts_.size()) {}

    void clear() { std::fill(counts_.begin(), counts_.end(), 0); }
    void count(std::size_t group, std::size_t column_group, std::uint8_t symbol) noexcept {
        ++counts_[group * width_ + column_group * alphabet_ + symbol];
    }
    /// Prices from counts: (n + 1/2) / (sum + alphabet / 2).
    void settle() {
        for (std::size_t at = 0; at < counts_.size(); at += alphabet_) {
            std::uint64_t sum = 0;
            for (std::size_t s = 0; s < alphabet_; ++s) sum += counts_[at + s];
            const std::int64_t whole = latent_log2(2 * sum + alphabet_);
            for (std::size_t s = 0; s < alphabet_; ++s)
                prices_[at + s] = whole - latent_log2(2 * std::uint64_t{counts_[at + s]} + 1);
        }
    }
    /// What all that was counted costs.
    [[nodiscard]] std::int64_t total() const noexcept {
        std::int64_t sum = 0;
        for (std::size_t i = 0; i < counts_.size(); ++i) sum += std::int64_t{counts_[i]} * prices_[i];
        return sum;
    }
    /// The group in which a row costs least, the first of equals.
    [[nodiscard]] std::uint8_t cheapest(std::span<const std::uint8_t> row,
                                        std::span<const std::uint8_t> group_of_column) const noexcept {
        std::size_t best = 0;
        std::int64_t least = 0;
        for (std::size_t g = 0; g * width_ < prices_.size(); ++g) {
            const std::int64_t* const at = prices_.data() + g * width_;
            std::int64_t sum = 0;
            for (std::size_t c = 0; c < row.size(); ++c) sum += at[group_of_column[c] * alphabet_ + row[c]];
            if (g == 0 || sum < least) {
                least = sum;
                best = g;
            }
        }
        return static_cast<std::uint8_t>(best);
    }

    /// What two groups cost as one more than apart, in 1/256 bits; prices are not asked.
    [[nodiscard]] std::int64_t merged(std::size_t a, std::size_t b) const noexcept {
        std::int64_t more = 0;
        for (std::size_t at = 0; at < width_; at += alphabet_) {
            std::uint64_t sums[2] = {};
            std::int64_t apart = 0, joined = 0;  // counts times logarithms of counts
            for (std::size_t s = 0; s < alphabet_; ++s) {
                const std::uint64_t x = counts_[a * width_ + at + s], y = counts_[b * width_ + at + s];
                sums[0] += x;
                sums[1] += y;
                apart += counted(x, 1) + counted(y, 1);
                joined += counted(x + y, 1);
            }
            more += apart - joined + counted(sums[0] + sums[1], alphabet_) - counted(sums[0], alphabet_) -
                    counted(sums[1], alphabet_);
        }
        return more;
    }
    void merge(std::size_t a, std::size_t b) noexcept {
        for (std::size_t i = 0; i < width_; ++i) {
            counts_[a * width_ + i] += counts_[b * width_ + i];
            counts_[b * width_ + i] = 0;
        }
    }

  private:
    [[nodiscard]] static std::int64_t counted(std::uint64_t n, std::uint64_t more) noexcept {
        return n == 0 ? 0 : static_cast<std::int64_t>(n) * latent_log2(2 * n + more);
    }

    std::size_t width_, alphabet_;
    std::vector<std::uint32_t> counts_;
    std::vector<std::int64_t> prices_;
};

/// Gives each row the class in which it costs least, columns being as they are. Returns what the table costs
/// after that.
inline std::int64_t assign_rows(const symbol_table& t, std::vector<std::uint8_t>& of_row, std::size_t classes,
                                std::span<const std::uint8_t> of_column, std::size_t column_classes) {
    block_prices prices(classes, column_classes, t.alphabet);
    const auto measure = [&] {
        prices.clear();
        for (std::size_t r = 0; r < t.rows; ++r)
            for (std::size_t c = 0; c < t.columns; ++c)
                prices.count(of_row[r], of_column[c], t.entries[r * t.columns + c]);
        prices.settle();
    };
    measure();
    for (std::size_t r = 0; r < t.rows; ++r)
        of_row[r] = prices.cheapest(std::span(t.entries).subspan(r * t.columns, t.columns), of_column);
    measure();
    return prices.total();
}

/// Numbers classes in the order of their first members; returns how many there are.
inline std::size_t number_classes(std::vector<std::uint8_t>& of) {
    std::array<std::size_t, 256> number{};
    std::size_t count = 0;
    for (std::uint8_t& c : of) {
        if (number[c] == 0) number[c] = ++count;
        c = static_cast<std::uint8_t>(number[c] - 1);
    }
    return count;
}

/// Joins classes of rows while that saves more than `gain`, what a class costs by itself; returns how many
/// are left, renumbered.
inline std::size_t merge_rows(const symbol_table& t, std::vector<std::uint8_t>& of_row, std::size_t classes,
                              std::span<const std::uint8_t> of_column, std::size_t column_classes,
                              std::int64_t gain) {
    block_prices counts(classes, column_classes, t.alphabet);
    for (std::size_t r = 0; r < t.rows; ++r)
        for (std::size_t c = 0; c < t.columns; ++c)
            counts.count(of_row[r], of_column[c], t.entries[r * t.columns + c]);
    std::vector<std::uint8_t> left;
    for (std::size_t k = 0; k < classes; ++k) left.push_back(static_cast<std::uint8_t>(k));
    for (;;) {
        std::size_t a = 0, b = 0;
        std::int64_t least = gain;
        for (std::size_t i = 0; i < left.size(); ++i)
            for (std::size_t j = i + 1; j < left.size(); ++j)
                if (const std::int64_t more = counts.merged(left[i], left[j]); more < least) {
                    least = more;
                    a = i;
                    b = j;
                }
        if (b == 0) break;
        counts.merge(left[a], left[b]);
        for (std::uint8_t& c : of_row)
            if (c == left[b]) c = left[a];
        left.erase(left.begin() + static_cast<std::ptrdiff_t>(b));
    }
    return number_classes(of_row);
}

/// Classes of rows from columns as they are, up to 64 of them, each a class of its own: the first rows of
/// classes are far from each other.
[[nodiscard]] inline std::vector<std::uint8_t> first_classes(const symbol_table& t, std::size_t classes) {
    random_sequence random(0x7AB1E);
    symbol_table part = t;
    part.columns = std::min<std::size_t>(t.columns, 64);
    part.entries.clear();
    std::vector<std::size_t> chosen;
    std::vector<std::uint8_t> each;
    for (std::size_t c = 0; c < part.columns; ++c) {
        chosen.push_back(part.columns == t.columns ? c : random.below(static_cast<std::uint32_t>(t.columns)));
        each.push_back(static_cast<std::uint8_t>(c));
    }
    for (std::size_t r = 0; r < t.rows; ++r)
        for (const std::size_t c : chosen) part.entries.push_back(t.entries[r * t.columns + c]);
    std::vector<std::uint8_t> of_row(t.rows);
    std::vector<std::uint32_t> apart(t.rows, ~std::uint32_t{0});
    std::size_t seed = random.below(static_cast<std::uint32_t>(t.rows));
    for (std::size_t k = 0; k < classes; ++k) {
        std::size_t farthest = 0;
        for (std::size_t r = 0; r < t.rows; ++r) {
            std::uint32_t d = 0;
            for (std::size_t c = 0; c < part.columns; ++c)
                d += part.entries[r * part.columns + c] != part.entries[seed * part.columns + c];
            if (d < apart[r]) {
                apart[r] = d;
                of_row[r] = static_cast<std::uint8_t>(k);
            }
            if (apart[r] > apart[farthest]) farthest = r;
        }
        seed = farthest;
    }
    for (int round = 0; round < 4; ++round) (void)assign_rows(part, of_row, classes, each, part.columns);
    return of_row;
}

/// Searches the classes of one table.
class latent_search {
  public:
    explicit latent_search(symbol_table table) : table_(std::move(table)), turned_(table_.turned()) {}

    /// At most so many classes, by turns until nothing gets shorter, and the length of all in 1/256 bits.
    [[nodiscard]] std::pair<latent_classes, std::int64_t> run(std::size_t rows, std::size_t columns) const {
        latent_classes out{first_classes(table_, rows), std::vector<std::uint8_t>(table_.columns), rows,
                           columns};
        if (columns > 1) {
            out.of_column = first_classes(turned_, columns);
            (void)assign_rows(turned_, out.of_column, columns, out.of_row, rows);
        }
        const std::int64_t cost = settle(out);
        return {std::move(out), cost};
    }

    /// Doubles the number of classes on either side or both while the description gets shorter.
    [[nodiscard]] latent_classes best(std::size_t most) const {
        auto now = run(1, 1);
        std::size_t rows = 1, columns = 1;
        for (;;) {
            auto found = now;
            std::size_t next_rows = rows, next_columns = columns;
            for (const auto& [r, c] : {std::pair<std::size_t, std::size_t>{2 * rows, 2 * columns},
                                       {2 * rows, columns},
                                       {rows, 2 * columns}}) {
                if (r > most || c > most || r > table_.rows || c > table_.columns) continue;
                auto tried = run(r, c);
                if (tried.second >= found.second) continue;
                found = std::move(tried);
                next_rows = r;
                next_columns = c;
            }
            if (found.second >= now.second) return joined(std::move(now));
            now = std::move(found);
            rows = next_rows;
            columns = next_columns;
        }
    }

  private:
    /// Turns until nothing gets shorter. Returns the description's length.
    std::int64_t settle(latent_classes& c) const {
        std::int64_t least = 0;
        for (int turn = 0; turn < 12; ++turn) {
            if (c.rows > 1) (void)assign_rows(table_, c.of_row, c.rows, c.of_column, c.columns);
            const std::int64_t now = assign_rows(turned_, c.of_column, c.columns, c.of_row, c.rows);
            if (turn != 0 && now >= least) break;
            least = now;
        }
        c.rows = number_classes(c.of_row);
        c.columns = number_classes(c.of_column);
        return least + price_of(c);
    }
    /// Without classes that doubling made and that are not worth their price.
    [[nodiscard]] latent_classes joined(std::pair<latent_classes, std::int64_t> now) const {
        latent_classes c = now.first;
        const std::int64_t block = price_of_block(c);
        c.rows = merge_rows(table_, c.of_row, c.rows, c.of_column, c.columns,
                            block * static_cast<std::int64_t>(c.columns));
        c.columns = merge_rows(turned_, c.of_column, c.columns, c.of_row, c.rows,
                               block * static_cast<std::int64_t>(c.rows));
        return settle(c) < now.second ? c : now.first;
    }

    /// Half the logarithm of a block's entries for each frequency, and 4 bytes.
    [[nodiscard]] std::int64_t price_of_block(const latent_classes& c) const noexcept {
        const std::uint64_t entries = table_.entries.size() / (c.rows * c.columns) + 1;
        return (static_cast<std::int64_t>(table_.alphabet) - 1) * latent_log2(entries) / 2 +
               std::int64_t{32} * 256;
    }
    /// Of classes and blocks.
    [[nodiscard]] std::int64_t price_of(const latent_classes& c) const noexcept {
        return static_cast<std::int64_t>(table_.rows) * latent_log2(c.rows) +
               static_cast<std::int64_t>(table_.columns) * latent_log2(c.columns) +
               static_cast<std::int64_t>(c.rows * c.columns) * price_of_block(c);
    }

    symbol_table table_, turned_;
};

}  // namespace detail

/// The classes under which a table of rows times columns bytes, row after row, has a short description.
/// Integers, so that equal tables give equal classes everywhere. Takes some hundred passes over the table for
/// each class. Precondition: table.size() = rows columns, both below 2^32, neither 0;
/// most 1..max_latent_classes.
[[nodiscard]] inline latent_classes find_latent_classes(byte_view table, std::size_t rows,
                                                        std::size_t columns, std::size_t most = 16) {
    PITH_ASSERT(rows != 0 && columns != 0 && table.size() % rows == 0 && table.size() / rows == columns);
    PITH_ASSERT(rows >> 32 == 0 && columns >> 32 == 0 && most >= 1 && most <= max_latent_classes);
    return detail::latent_search(detail::symbol_table(table, rows, columns)).best(most);
}

}  // namespace pith::inline v1::codec
