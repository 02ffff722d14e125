// Product quantization: a vector is cut into parts, and each part is coded with a codebook of its own.
// Jégou, Douze, Schmid (2011). Parts differ by at most one coordinate in length where the dimension asks it.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include <pith/core/assert.hpp>
#include <pith/core/bytes.hpp>
#include <pith/core/limits.hpp>
#include <pith/core/packed_codes.hpp>
#include <pith/core/result.hpp>
#include <pith/core/serial.hpp>
#include <pith/core/view.hpp>
#include <pith/simd/nearest.hpp>
#include <pith/vector/checks.hpp>
#include <pith/vector/codebook.hpp>
#include <pith/vector/concepts.hpp>
#include <pith/vector/kmeans.hpp>
#include <pith/vector/stored.hpp>

namespace pith::inline v1::vector {

/// The parts of a vector of `dimension` coordinates: the first dimension % parts of them are one longer.
struct even_parts {
    std::size_t dimension = 0, parts = 0;

    [[nodiscard]] constexpr std::size_t first(std::size_t part) const noexcept {
        const std::size_t longer = dimension % parts;
        return part * (dimension / parts) + (part < longer ? part : longer);
    }
    [[nodiscard]] constexpr std::size_t size(std::size_t part) const noexcept {
        return first(part + 1) - first(part);
    }
};

/// Codes of Bits bits for each of a number of parts. Exact: equal codes on every machine.
template <unsigned Bits, simd::instruction_set Arch = simd::native>
requires(Bits >= 1 && Bits <= 12) class product {
  public:
    static constexpr unsigned bits = Bits;
    static constexpr std::size_t entries = std::size_t{1} << Bits;
    static constexpr std::size_t max_parts = 1024;

    product() = default;

    /// Fits one codebook per part to the rows, each with a seed of its own. Errors: as kmeans, and
    /// unsupported_parameter for no parts, more than max_parts or than coordinates.
    template <parallel_policy Policy = serial>
    [[nodiscard]] static result<product> fit(view_2d<const float> rows, std::size_t parts,
                                             const kmeans_options& options = {}, const Policy& policy = {}) {
        if (parts == 0 || parts > max_parts || parts > rows.columns())
            return error{error_code::unsupported_parameter, 0,
                         "a product quantizer has 1 to 1024 parts, at most one per coordinate"};
        const even_parts cut{rows.columns(), parts};
        if (const auto sizes = detail::check_clustering(rows.rows(), cut.size(0), entries); !sizes)
            return sizes.error();
        if (const auto finite = check_finite(rows); !finite) return finite.error();
        std::vector<codebook> books(parts);
        for_each_index(policy, parts, [&](std::size_t p, std::size_t) {
            kmeans_options own = options;
            own.seed = options.seed + p;
            books[p] = detail::cluster<Arch>(rows.block(0, cut.first(p), rows.rows(), cut.size(p)), entries,
                                             own, serial{});
        });
        return product(rows.columns(), std::move(books));
    }
    /// From codebooks of `entries` entries each, whose dimensions are those of even_parts.
    product(std::size_t dimension, std::vector<codebook> books)
        : cut_{dimension, books.size()}, books_(std::move(books)) {
        for (std::size_t p = 0; p < books_.size(); ++p)
            PITH_ASSERT(books_[p].size() == entries && books_[p].dimension() == cut_.size(p));
    }

    [[nodiscard]] std::size_t dimension() const noexcept { return cut_.dimension; }
    [[nodiscard]] std::size_t parts() const noexcept { return books_.size(); }
    [[nodiscard]] std::size_t code_size() const noexcept { return packed_code_size(parts(), Bits); }
    [[nodiscard]] std::size_t parameter_bytes() const noexcept {
        return 8 + sizeof(float) * (entries + 1) * dimension();
    }
    [[nodiscard]] const codebook& book(std::size_t part) const noexcept { return books_[part]; }
    [[nodiscard]] even_parts cut() const noexcept { return cut_; }

    /// Precondition: codes.size() == rows.rows() * code_size(), rows.columns() == dimension().
    [[nodiscard]] result<void> encode_into(view_2d<const float> rows,
                                           std::span<std::uint8_t> codes) const noexcept {
        PITH_ASSERT(rows.columns() == dimension() && codes.size() == rows.rows() * code_size());
        if (const auto finite = check_finite(rows); !finite) return finite.error();
        std::uint16_t chosen[simd::tile_points][max_parts];
        for (std::size_t r = 0; r < rows.rows(); r += simd::tile_points) {
            const std::size_t count =
                rows.rows() - r < simd::tile_points ? rows.rows() - r : simd::tile_points;
            for (std::size_t p = 0; p < parts(); ++p) {
                simd::nearest_entries found;
                books_[p].template nearest<Arch>(rows.block(r, cut_.first(p), count, cut_.size(p)), found);
                for (std::size_t l = 0; l < count; ++l)
                    chosen[l][p] = static_cast<std::uint16_t>(found.index[l]);
            }
            for (std::size_t l = 0; l < count; ++l)
                pack_codes<Bits>({chosen[l], parts()}, codes.subspan((r + l) * code_size(), code_size()));
        }
        return {};
    }
    /// Precondition: as encode_into.
    void decode_into(byte_view codes, view_2d<float> rows) const noexcept {
        PITH_ASSERT(rows.columns() == dimension() && codes.size() == rows.rows() * code_size());
        for (std::size_t r = 0; r < rows.rows(); ++r)
            for (std::size_t p = 0; p < parts(); ++p) {
                const std::size_t k = code_at<Bits>(codes.data() + r * code_size(), p);
                for (std::size_t j = 0; j < cut_.size(p); ++j)
                    rows(r, cut_.first(p) + j) = books_[p].at(k, j);
            }
    }

    /// A cost per part and entry, and what is common to all codes.
    [[nodiscard]] std::size_t table_size() const noexcept { return parts() * entries + 1; }
    /// Precondition: at most 16 queries; tables.size() == queries.rows() * table_size().
    void fill_tables(view_2d<const float> queries, metric by, std::span<float> tables) const {
        PITH_ASSERT(queries.rows() <= simd::tile_points && tables.size() == queries.rows() * table_size());
        std::vector<float> scores(entries * simd::tile_points), zeros(entries);
        for (std::size_t l = 0; l < queries.rows(); ++l) tables[(l + 1) * table_size() - 1] = 0;
        for (std::size_t p = 0; p < parts(); ++p) {
            const view_2d<const float> part = queries.block(0, cut_.first(p), queries.rows(), cut_.size(p));
            fill_part(part, books_[p], by, zeros, scores);
            for (std::size_t l = 0; l < queries.rows(); ++l) {
                float* const table = tables.data() + l * table_size();
                const float scale = by == metric::squared_distance ? 2.0F : 1.0F;
                for (std::size_t k = 0; k < entries; ++k)
                    table[p * entries + k] = scale * scores[k * simd::tile_points + l];
                table[parts() * entries] += common_cost(part.row(l), books_[p].centre(), by);
            }
        }
    }
    /// Precondition: codes.size() == out.size() * code_size(), table.size() == table_size().
    void costs(std::span<const float> table, byte_view codes, std::span<float> out) const noexcept {
        PITH_ASSERT(codes.size() == out.size() * code_size() && table.size() == table_size());
        std::size_t i = 0;
        for (; i + 4 <= out.size(); i += 4) {
            const std::uint8_t* code = codes.data() + i * code_size();
            float sum[4] = {table.back(), table.back(), table.back(), table.back()};
            for (std::size_t p = 0; p < parts(); ++p)
                for (std::size_t l = 0; l < 4; ++l)
                    sum[l] += table[p * entries + code_at<Bits>(code + l * code_size(), p)];
            for (std::size_t l = 0; l < 4; ++l) out[i + l] = sum[l];
        }
        for (; i < out.size(); ++i) {
            out[i] = table.back();
            for (std::size_t p = 0; p < parts(); ++p)
                out[i] += table[p * entries + code_at<Bits>(codes.data() + i * code_size(), p)];
        }
    }

    template <byte_sink Sink>
    void save(Sink& sink) const {
        put_le<std::uint32_t>(sink, static_cast<std::uint32_t>(dimension()));
        put_le<std::uint32_t>(sink, static_cast<std::uint32_t>(parts()));
        for (const codebook& book : books_) save_codebook(sink, book);
    }
    [[nodiscard]] static result<product> load(byte_reader& from, const limits& bound = {}) {
        const auto dimension = from.read_le<std::uint32_t>();
        if (!dimension) return dimension.error();
        const auto parts = from.read_le<std::uint32_t>();
        if (!parts) return parts.error();
        if (*parts == 0 || *parts > max_parts || *parts > *dimension ||
            (*dimension - 1) / *parts + 1 > max_codebook_dimension)
            return from.fail(error_code::bad_header, "a product quantizer's dimensions are out of range");
        // At most 2^20 coordinates of 2^12 entries of 4 bytes, so nothing overflows.
        const std::uint64_t bytes = std::uint64_t{sizeof(float)} * (entries + 1) * *dimension;
        if (bytes > bound.max_memory)
            return from.fail(error_code::limit_exceeded, "the codebooks are larger than the limits allow");
        if (bytes > from.remaining())
            return from.fail(error_code::truncated, "the input ends inside the codebooks");
        const even_parts cut{*dimension, *parts};
        std::vector<codebook> books;
        books.reserve(*parts);
        for (std::size_t p = 0; p < *parts; ++p) {
            auto book = load_codebook(from, entries, cut.size(p));
            if (!book) return book.error();
            books.push_back(std::move(*book));
        }
        return product(*dimension, std::move(books));
    }

  private:
    // scores[k * 16 + l]: minus the inner product, or half the distance less half the query's norm.
    static void fill_part(view_2d<const float> part, const codebook& book, metric by, std::span<float> zeros,
                          std::span<float> scores) {
        float room[simd::tile_points * max_codebook_dimension];
        const std::span<float> tile(room, simd::tile_points * book.dimension());
        simd::scored_entries with = book.scored();
        if (by == metric::inner_product) with.offsets = zeros;
        const std::vector<float> none(book.dimension());
        fill_tile(part, by == metric::inner_product ? std::span<const float>(none) : book.centre(), tile);
        simd::score_tile<Arch>(tile, with, scores);
    }
    [[nodiscard]] static float common_cost(strided_span<const float> query, std::span<const float> centre,
                                           metric by) noexcept {
        float sum = 0;
        for (std::size_t j = 0; j < centre.size(); ++j) {
            const float apart = query[j] - centre[j];
            sum += by == metric::inner_product ? -exact::mul(query[j], centre[j]) : exact::mul(apart, apart);
        }
        return sum;
    }

    even_parts cut_{};
    std::vector<codebook> books_;
};

}  // namespace pith::inline v1::vector
