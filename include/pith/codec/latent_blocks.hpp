// Tables by latent variables: the entries of each pair of a row's and a column's class are a block of their
// own. Montanari, Weiner, "Compressing Tabular Data via Latent Variable Estimation" (2022).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <pith/codec/latent_classes.hpp>
#include <pith/core/assert.hpp>
#include <pith/core/bytes.hpp>
#include <pith/core/checksum.hpp>
#include <pith/core/limits.hpp>
#include <pith/core/result.hpp>
#include <pith/entropy/concepts.hpp>

namespace pith::inline v1::codec {

/// A table of bytes, row after row.
struct byte_table {
    std::size_t rows = 0, columns = 0;
    std::vector<std::uint8_t> entries{};
    friend bool operator==(const byte_table&, const byte_table&) = default;
};

/// Tables of categories. Stream: rows, columns, classes of rows and of columns (varints); the classes of rows
/// if there are several, of columns likewise, and the blocks, a class of rows after the other, each as the
/// size of its code (varint) and what Coder makes of its entries row after row; zeros up to a 1024th of the
/// table; XXH64 of numbers and entries. Exact: equal tables give equal bytes everywhere.
template <entropy::block_coder Coder>
class latent_blocks {
  public:
    /// At most so many classes on either side are looked for.
    explicit latent_blocks(std::size_t most_classes = 16) : most_(most_classes) {
        PITH_ASSERT(most_ >= 1 && most_ <= max_latent_classes);
    }

    /// Precondition: table.size() = rows columns, both below 2^32. Errors: what the coder reports.
    [[nodiscard]] result<std::vector<std::uint8_t>> encode(byte_view table, std::size_t rows,
                                                           std::size_t columns) {
        if (rows == 0 || columns == 0) {
            PITH_ASSERT(table.empty());
            return write(table, rows, columns, {{}, {}, 1, 1});
        }
        return write(table, rows, columns, find_latent_classes(table, rows, columns, most_));
    }
    /// The same under classes that are known: of_row and of_column numbered as they occur.
    [[nodiscard]] result<std::vector<std::uint8_t>> encode(byte_view table, const latent_classes& classes) {
        return write(table, classes.of_row.size(), classes.of_column.size(), classes);
    }

    /// Errors: limit_exceeded, truncated, bad_header, bad_stream, checksum_mismatch, trailing_data, and what
    /// the coder reports.
    [[nodiscard]] result<byte_table> decode(byte_view in, const limits& bound = {}) {
        byte_reader reader(in);
        std::uint64_t head[4];
        if (const auto got = reader.read_varints(head); !got) return got.error();
        const std::uint64_t rows = head[0], columns = head[1], row_classes = head[2],
                            column_classes = head[3];
        if (rows >> 32 != 0 || columns >> 32 != 0 || row_classes < 1 || row_classes > max_latent_classes ||
            column_classes < 1 || column_classes > max_latent_classes)
            return reader.fail(error_code::bad_header, "numbers of rows or classes out of range");
        // Rows and columns without entries would still take memory for their classes.
        const std::uint64_t size = rows * columns;
        if (size == 0 && row_classes + column_classes != 2)
            return reader.fail(error_code::bad_header, "classes of no entries");
        if (size > bound.max_output || size > bound.max_memory / 4 ||
            9 * (rows + columns) > bound.max_memory / 2)
            return reader.fail(error_code::limit_exceeded, "a larger table than the limits allow");
        if (size / 1024 + 8 > in.size())
            return reader.fail(error_code::truncated, "the table is too large for its stream");
        byte_table out{static_cast<std::size_t>(rows), static_cast<std::size_t>(columns), {}};
        const auto done = read(reader, out, static_cast<std::size_t>(row_classes),
                               static_cast<std::size_t>(column_classes));
        if (!done) return done.error();
        return out;
    }

  private:
    using bytes = std::vector<std::uint8_t>;

    [[nodiscard]] static std::uint64_t check_of(std::size_t rows, std::size_t columns, byte_view entries) {
        xxh64 hash;
        std::uint8_t head[16];
        store_le<std::uint64_t>(head, rows);
        store_le<std::uint64_t>(head + 8, columns);
        hash.update(head);
        hash.update(entries);
        return hash.digest();
    }

    /// Members of each class, in order.
    [[nodiscard]] static std::vector<std::vector<std::size_t>> members(const bytes& of, std::size_t classes) {
        std::vector<std::vector<std::size_t>> out(classes);
        for (std::size_t i = 0; i < of.size(); ++i) out[of[i]].push_back(i);
        return out;
    }

    [[nodiscard]] result<void> put_part(const bytes& part, vector_sink& sink) {
        bytes code(Coder::max_encoded_size(part.size()));
        const auto size = coder_.encode_into(part, code);
        if (!size) return size.error();
        put_varint(sink, *size);
        sink.append(byte_view(code).first(*size));
        return {};
    }

    [[nodiscard]] result<bytes> write(byte_view table, std::size_t rows, std::size_t columns,
                                      const latent_classes& classes) {
        bytes out;
        vector_sink sink(out);
        for (const std::size_t v : {rows, columns, classes.rows, classes.columns}) put_varint(sink, v);
        if (classes.rows > 1)
            if (const auto put = put_part(classes.of_row, sink); !put) return put.error();
        if (classes.columns > 1)
            if (const auto put = put_part(classes.of_column, sink); !put) return put.error();
        bytes block;
        if (!table.empty())
            for (const auto& group : members(classes.of_row, classes.rows))
                for (const auto& across : members(classes.of_column, classes.columns)) {
                    block.clear();
                    for (const std::size_t r : group)
                        for (const std::size_t c : across) block.push_back(table[r * columns + c]);
                    if (const auto put = put_part(block, sink); !put) return put.error();
                }
        while (out.size() < table.size() / 1024) sink.put(0);
        put_le<std::uint64_t>(sink, check_of(rows, columns, table));
        return out;
    }

    [[nodiscard]] result<void> get_part(byte_reader& reader, bytes& part) {
        const auto size = reader.read_varint();
        if (!size) return size.error();
        const std::size_t at = reader.position();
        const auto code = reader.read_bytes(*size);
        if (!code) return code.error();
        const auto got = coder_.decode_into(*code, part);
        if (!got) return got.error().shifted_by(at);
        return {};
    }

    /// Classes of `count` rows or columns, each of them occurring, the lower ones first.
    [[nodiscard]] result<bytes> get_classes(byte_reader& reader, std::size_t count, std::size_t classes) {
        bytes of(count);
        if (classes == 1) return of;
        if (const auto got = get_part(reader, of); !got) return got.error();
        std::size_t seen = 0;
        for (const std::uint8_t c : of) {
            if (c > seen) return reader.fail(error_code::bad_stream, "classes that are not in order");
            if (c == seen) ++seen;
        }
        if (seen != classes) return reader.fail(error_code::bad_stream, "other classes than the header says");
        return of;
    }

    [[nodiscard]] result<void> read(byte_reader& reader, byte_table& out, std::size_t row_classes,
                                    std::size_t column_classes) {
        const std::size_t size = out.rows * out.columns;
        if (size != 0) {
            const auto of_row = get_classes(reader, out.rows, row_classes);
            if (!of_row) return of_row.error();
            const auto of_column = get_classes(reader, out.columns, column_classes);
            if (!of_column) return of_column.error();
            out.entries.resize(size);
            bytes block;
            for (const auto& group : members(*of_row, row_classes))
                for (const auto& across : members(*of_column, column_classes)) {
                    block.resize(group.size() * across.size());
                    if (const auto got = get_part(reader, block); !got) return got.error();
                    std::size_t at = 0;
                    for (const std::size_t r : group)
                        for (const std::size_t c : across) out.entries[r * out.columns + c] = block[at++];
                }
        }
        return finish(reader, out);
    }

    [[nodiscard]] static result<void> finish(byte_reader& reader, const byte_table& out) {
        const std::size_t least = out.entries.size() / 1024;
        const auto filling = reader.read_bytes(reader.position() < least ? least - reader.position() : 0);
        if (!filling) return filling.error();
        for (const std::uint8_t b : *filling)
            if (b != 0) return reader.fail(error_code::bad_stream, "filling that is not zero");
        const auto check = reader.read_le<std::uint64_t>();
        if (!check) return check.error();
        if (*check != check_of(out.rows, out.columns, out.entries))
            return reader.fail(error_code::checksum_mismatch, "the table is not the one that was encoded");
        if (reader.remaining() != 0) return reader.fail(error_code::trailing_data, "bytes behind the table");
        return {};
    }

    std::size_t most_;
    Coder coder_{};
};

}  // namespace pith::inline v1::codec
