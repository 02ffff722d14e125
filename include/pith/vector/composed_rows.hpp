// A table of vectors in less memory than its rows: each row is the sum of one entry from each of a few small
// tables, found from the row's number, so that no codes are stored.
// Hash embeddings (Svenstrup, Hansen, Winther, 2017) and quotient-remainder tables (Shi et al., 2020);
// entries are fitted to given rows by least squares instead of being learned with a network.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include <pith/core/assert.hpp>
#include <pith/core/bytes.hpp>
#include <pith/core/limits.hpp>
#include <pith/core/random.hpp>
#include <pith/core/result.hpp>
#include <pith/core/view.hpp>
#include <pith/vector/checks.hpp>
#include <pith/vector/stored.hpp>

namespace pith::inline v1::vector {

/// Which entry of a table belongs to a row: a(row, table, entries) < entries, the same on every machine.
template <class A>
concept row_addressing = std::default_initializable<A> &&
    requires(const A a, std::uint64_t row, std::uint32_t n) {
    { a(row, n, n) } -> std::same_as<std::uint32_t>;
};

/// A hash for each table.
struct hashed_rows {
    [[nodiscard]] std::uint32_t operator()(std::uint64_t row, std::uint32_t table,
                                           std::uint32_t entries) const noexcept {
        const auto words = philox(
            {static_cast<std::uint32_t>(row), static_cast<std::uint32_t>(row >> 32), table, 0}, {1, 0});
        return static_cast<std::uint32_t>(std::uint64_t{words[0]} * entries >> 32);
    }
};
/// The digits of the row's number: two rows below entries^tables differ in a table.
struct row_digits {
    [[nodiscard]] std::uint32_t operator()(std::uint64_t row, std::uint32_t table,
                                           std::uint32_t entries) const noexcept {
        for (; table > 0; --table) row /= entries;
        return static_cast<std::uint32_t>(row % entries);
    }
};

struct composed_rows_options {
    std::uint32_t tables = 2;     ///< 1 to 16
    std::uint32_t entries = 256;  ///< of each table
    unsigned rounds = 8;          ///< through all tables; none makes the error larger
};

/// Stored: rows (varint), dimension, tables, entries (u32), the entries (fp32). Rows are the same bits on
/// every machine, given the entries, which are encoder-side.
template <row_addressing Addressing = hashed_rows>
class composed_rows {
  public:
    static constexpr std::uint32_t max_tables = 16;

    /// Errors: no rows, options or a dimension (above 2^16) out of range, values that are not finite.
    [[nodiscard]] static result<composed_rows> fit(view_2d<const float> rows,
                                                   composed_rows_options options = {}) {
        if (rows.empty() || rows.columns() > max_dimension || options.tables < 1 ||
            options.tables > max_tables || options.entries < 1)
            return error{error_code::unsupported_parameter, 0,
                         "rows, and 1 to 16 tables of entries are wanted"};
        if (const auto finite = check_finite(rows); !finite) return finite.error();
        composed_rows out(rows.rows(), rows.columns(), options.tables, options.entries);
        out.values_.assign(out.value_count(), 0.0F);
        std::vector<float> left;  // what the entries do not give yet
        for (std::size_t r = 0; r < rows.rows(); ++r)
            for (std::size_t c = 0; c < rows.columns(); ++c) left.push_back(rows(r, c));
        for (unsigned round = 0; round < options.rounds; ++round)
            for (std::uint32_t t = 0; t < options.tables; ++t) out.refit(t, left);
        return out;
    }

    [[nodiscard]] std::uint64_t rows() const noexcept { return rows_; }
    [[nodiscard]] std::size_t dimension() const noexcept { return dimension_; }
    /// Bytes as stored, next to four for each value of a full table.
    [[nodiscard]] std::size_t stored_bytes() const noexcept {
        return varint_size(rows_) + 12 + sizeof(float) * values_.size();
    }
    /// Row `row`. Precondition: row < rows(), out.size() == dimension().
    void row_into(std::uint64_t row, std::span<float> out) const noexcept {
        PITH_ASSERT(row < rows_ && out.size() == dimension_);
        for (float& v : out) v = 0;
        for (std::uint32_t t = 0; t < tables_; ++t) {
            const float* const entry = values_.data() + place(row, t);
            for (std::size_t c = 0; c < dimension_; ++c) out[c] += entry[c];
        }
    }

    template <byte_sink Sink>
    void save(Sink& sink) const {
        put_varint(sink, rows_);
        for (const std::size_t v : {dimension_, std::size_t{tables_}, std::size_t{entries_}})
            put_le<std::uint32_t>(sink, static_cast<std::uint32_t>(v));
        put_floats(sink, values_);
    }
    [[nodiscard]] static result<composed_rows> load(byte_reader& from, const limits& bound = {}) {
        const auto rows = from.read_varint();
        if (!rows) return rows.error();
        std::uint32_t shape[3];
        for (std::uint32_t& v : shape) {
            const auto got = from.read_le<std::uint32_t>();
            if (!got) return got.error();
            v = *got;
        }
        const auto [dimension, tables, entries] = shape;
        if (*rows == 0 || dimension == 0 || dimension > max_dimension || tables == 0 || tables > max_tables ||
            entries == 0)
            return from.fail(error_code::bad_header, "no such tables");
        // Below 2^16 * 2^4 * 2^32.
        if (std::uint64_t{dimension} * tables * entries > bound.max_memory / sizeof(float))
            return from.fail(error_code::limit_exceeded, "the tables are larger than the limits allow");
        composed_rows out(*rows, dimension, tables, entries);
        auto values = read_floats(from, out.value_count());
        if (!values) return values.error();
        out.values_ = std::move(*values);
        return out;
    }

  private:
    static constexpr std::size_t max_dimension = 1 << 16;

    composed_rows(std::uint64_t rows, std::size_t dimension, std::uint32_t tables, std::uint32_t entries)
        : rows_(rows), dimension_(dimension), tables_(tables), entries_(entries) {}

    [[nodiscard]] std::size_t value_count() const noexcept {
        return std::size_t{tables_} * entries_ * dimension_;
    }
    [[nodiscard]] std::size_t place(std::uint64_t row, std::uint32_t table) const noexcept {
        return (std::size_t{table} * entries_ + Addressing{}(row, table, entries_)) * dimension_;
    }
    [[nodiscard]] static std::size_t varint_size(std::uint64_t v) noexcept {
        std::size_t size = 1;
        while (v >>= 7) ++size;
        return size;
    }
    /// Moves the entries of a table by the means of what is left of their rows: least squares given the
    /// others.
    void refit(std::uint32_t table, std::vector<float>& left) {
        std::vector<double> sum(std::size_t{entries_} * dimension_);
        std::vector<std::uint64_t> count(entries_);
        const std::size_t first = std::size_t{table} * entries_ * dimension_;
        for (std::uint64_t r = 0; r < rows_; ++r) {
            const std::size_t at = place(r, table) - first;
            for (std::size_t c = 0; c < dimension_; ++c)
                sum[at + c] += static_cast<double>(left[r * dimension_ + c]);
            ++count[at / dimension_];
        }
        for (std::size_t i = 0; i < sum.size(); ++i) {
            const std::uint64_t n = count[i / dimension_];
            sum[i] = n == 0 ? 0 : static_cast<double>(static_cast<float>(sum[i] / static_cast<double>(n)));
            values_[first + i] += static_cast<float>(sum[i]);
        }
        for (std::uint64_t r = 0; r < rows_; ++r) {
            const std::size_t at = place(r, table) - first;
            for (std::size_t c = 0; c < dimension_; ++c)
                left[r * dimension_ + c] -= static_cast<float>(sum[at + c]);
        }
    }

    std::uint64_t rows_;
    std::size_t dimension_;
    std::uint32_t tables_, entries_;
    std::vector<float> values_;  // entries of the first table, of the next, ...
};

}  // namespace pith::inline v1::vector
