// Residual quantization: each stage codes what the stages before have left; groups of coordinates apart.
// Juang, Gray (1982) with a beam; groups as in HiFi-Codec (Yang et al., 2023). `refine` turns the stages into
// additive codebooks (Babenko, Lempitsky, 2014; AQLM, Egiazarian et al., 2024): least squares for the
// entries, one stage after the other, and codes anew.
#pragma once

#include <algorithm>
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
#include <pith/core/view.hpp>
#include <pith/vector/beam.hpp>
#include <pith/vector/checks.hpp>
#include <pith/vector/codebook.hpp>
#include <pith/vector/concepts.hpp>
#include <pith/vector/decoded_costs.hpp>
#include <pith/vector/kmeans.hpp>
#include <pith/vector/product.hpp>
#include <pith/vector/stored.hpp>

namespace pith::inline v1::vector {

struct residual_options {
    std::size_t stages = 4;
    std::size_t groups = 1;  ///< of coordinates, each with stages of its own
    std::size_t beam = 4;    ///< prefixes kept while coding, in fit as well
    kmeans_options clustering{};
};

/// Codes of Bits bits for each stage of each group. Inner products are found by tables, distances by
/// decoding. Exact: equal codes on every machine from equal codebooks.
template <unsigned Bits, simd::instruction_set Arch = simd::native>
requires(Bits >= 1 && Bits <= 12) class residual {
  public:
    static constexpr std::size_t entries = std::size_t{1} << Bits;
    static constexpr std::size_t max_codes = 1024, max_beam = 64;

    residual() = default;

    /// Errors: as kmeans, and unsupported_parameter for options out of range.
    [[nodiscard]] static result<residual> fit(view_2d<const float> rows, const residual_options& options) {
        const std::size_t groups = options.groups;
        if (groups == 0 || groups > rows.columns() || options.stages == 0 || options.beam == 0 ||
            options.beam > max_beam || options.stages > max_codes / groups)
            return error{error_code::unsupported_parameter, 0,
                         "a residual quantizer has 1 to 1024 codes, a beam of 1 to 64, and a coordinate for "
                         "every group"};
        if (const auto finite = check_finite(rows); !finite) return finite.error();
        residual out;
        out.cut_ = {rows.columns(), groups};
        out.stages_ = options.stages;
        out.beam_ = options.beam;
        out.books_.resize(groups * options.stages);
        for (std::size_t g = 0; g < groups; ++g)
            if (const auto done = out.fit_group(out.part(rows, g), g, options.clustering); !done)
                return done.error();
        return out;
    }

    [[nodiscard]] std::size_t dimension() const noexcept { return cut_.dimension; }
    [[nodiscard]] std::size_t stages() const noexcept { return stages_; }
    [[nodiscard]] std::size_t groups() const noexcept { return cut_.parts; }
    [[nodiscard]] std::size_t code_size() const noexcept { return packed_code_size(books_.size(), Bits); }
    [[nodiscard]] std::size_t parameter_bytes() const noexcept {
        return 16 + sizeof(float) * (entries + 1) * stages_ * dimension();
    }

    /// Precondition: codes.size() == rows.rows() * code_size(), rows.columns() == dimension().
    [[nodiscard]] result<void> encode_into(view_2d<const float> rows, std::span<std::uint8_t> codes) const {
        PITH_ASSERT(rows.columns() == dimension() && codes.size() == rows.rows() * code_size());
        if (const auto finite = check_finite(rows); !finite) return finite.error();
        for (std::size_t r = 0; r < rows.rows(); r += simd::tile_points) {
            const std::size_t count = std::min(simd::tile_points, rows.rows() - r);
            const std::vector<std::uint16_t> chosen = search(rows.block(r, 0, count, dimension()));
            for (std::size_t l = 0; l < count; ++l)
                pack_codes<Bits>(std::span(chosen).subspan(l * books_.size(), books_.size()),
                                 codes.subspan((r + l) * code_size(), code_size()));
        }
        return {};
    }
    /// Precondition: as encode_into.
    void decode_into(byte_view codes, view_2d<float> rows) const noexcept {
        PITH_ASSERT(rows.columns() == dimension() && codes.size() == rows.rows() * code_size());
        for (std::size_t r = 0; r < rows.rows(); ++r)
            for (std::size_t g = 0; g < groups(); ++g)
                for (std::size_t j = 0; j < cut_.size(g); ++j) {
                    float sum = 0;
                    for (std::size_t s = 0; s < stages_; ++s)
                        sum +=
                            book(g, s).at(code_at<Bits>(codes.data() + r * code_size(), g * stages_ + s), j);
                    rows(r, cut_.first(g) + j) = sum;
                }
    }

    /// A round of least squares: with the rows' codes held, every entry becomes the mean of what its rows
    /// want of it, one stage after the other; then the rows are coded anew, each keeping its old code where
    /// the new one is no better. The squared error of the rows never grows, up to rounding.
    [[nodiscard]] result<void> refine(view_2d<const float> rows, std::size_t rounds) {
        if (rows.columns() != dimension())
            return error{error_code::unsupported_parameter, 0,
                         "the vectors' dimension is not the quantizer's"};
        if (const auto finite = check_finite(rows); !finite) return finite.error();
        std::vector<std::uint16_t> codes = search_all(rows);
        for (std::size_t round = 0; round < rounds; ++round) {
            for (std::size_t g = 0; g < groups(); ++g) improve_group(part(rows, g), g, codes);
            const std::vector<std::uint16_t> fresh = search_all(rows);
            for (std::size_t r = 0; r < rows.rows(); ++r)
                for (std::size_t g = 0; g < groups(); ++g) {
                    const std::size_t at = r * books_.size() + g * stages_;
                    const auto row = part(rows, g).row(r);
                    if (error_of(row, g, fresh.data() + at) < error_of(row, g, codes.data() + at))
                        std::copy_n(fresh.data() + at, stages_, codes.data() + at);
                }
        }
        return {};
    }

    [[nodiscard]] std::size_t table_size() const noexcept {
        return books_.size() * entries + dimension() + 1;
    }
    /// The queries themselves lie behind the tables, for the distances.
    void fill_tables(view_2d<const float> queries, metric by, std::span<float> tables) const {
        PITH_ASSERT(queries.rows() <= simd::tile_points && tables.size() == queries.rows() * table_size());
        std::vector<float> scores(entries * simd::tile_points), offsets(entries);
        for (std::size_t l = 0; l < queries.rows(); ++l) {
            float* const end = tables.data() + (l + 1) * table_size();
            end[-1] = by == metric::squared_distance ? 1.0F : 0.0F;
            for (std::size_t j = 0; j < dimension(); ++j)
                end[-1 - static_cast<int>(dimension() - j)] = queries(l, j);
        }
        for (std::size_t i = 0; i < books_.size(); ++i) {
            const view_2d<const float> part_of = part(queries, i / stages_);
            const std::vector<float> none(part_of.columns());
            std::vector<float> tile(part_of.columns() * simd::tile_points);
            fill_tile(part_of, none, tile);
            simd::score_tile<Arch>(tile, {books_[i].entries(), offsets, part_of.columns()}, scores);
            for (std::size_t l = 0; l < queries.rows(); ++l) {
                float common = 0;
                for (std::size_t j = 0; j < part_of.columns(); ++j)
                    common -= exact::mul(part_of(l, j), books_[i].centre()[j]);
                for (std::size_t k = 0; k < entries; ++k)
                    tables[l * table_size() + i * entries + k] = scores[k * simd::tile_points + l] + common;
            }
        }
    }
    void costs(std::span<const float> table, byte_view codes, std::span<float> out) const {
        PITH_ASSERT(codes.size() == out.size() * code_size() && table.size() == table_size());
        if (table.back() != 0)
            return decoded_costs(*this, table.subspan(books_.size() * entries, dimension()),
                                 metric::squared_distance, codes, out);
        for (std::size_t i = 0; i < out.size(); ++i) {
            out[i] = 0;
            for (std::size_t p = 0; p < books_.size(); ++p)
                out[i] += table[p * entries + code_at<Bits>(codes.data() + i * code_size(), p)];
        }
    }

    template <byte_sink Sink>
    void save(Sink& sink) const {
        for (const std::size_t v : {dimension(), groups(), stages_, beam_})
            put_le<std::uint32_t>(sink, static_cast<std::uint32_t>(v));
        for (const codebook& b : books_) save_codebook(sink, b);
    }
    [[nodiscard]] static result<residual> load(byte_reader& from, const limits& bound = {}) {
        std::uint32_t head[4];
        for (std::uint32_t& v : head) {
            const auto got = from.read_le<std::uint32_t>();
            if (!got) return got.error();
            v = *got;
        }
        const auto [dimension, groups, stages, width] = head;
        if (groups == 0 || groups > dimension || stages == 0 || stages > max_codes / groups || width == 0 ||
            width > max_beam || (dimension - 1) / groups + 1 > max_codebook_dimension)
            return from.fail(error_code::bad_header, "a residual quantizer's sizes are out of range");
        // dimension <= 2^20, stages <= 2^10, entries <= 2^12: no overflow.
        const std::uint64_t bytes = std::uint64_t{sizeof(float)} * (entries + 1) * stages * dimension;
        if (bytes > bound.max_memory)
            return from.fail(error_code::limit_exceeded, "the codebooks are larger than the limits allow");
        if (bytes > from.remaining())
            return from.fail(error_code::truncated, "the input ends inside the codebooks");
        residual out;
        out.cut_ = {dimension, groups};
        out.stages_ = stages;
        out.beam_ = width;
        for (std::size_t i = 0; i < std::size_t{groups} * stages; ++i) {
            auto book = load_codebook(from, entries, out.cut_.size(i / stages));
            if (!book) return book.error();
            out.books_.push_back(std::move(*book));
        }
        return out;
    }

  private:
    [[nodiscard]] const codebook& book(std::size_t g, std::size_t s) const noexcept {
        return books_[g * stages_ + s];
    }
    [[nodiscard]] view_2d<const float> part(view_2d<const float> rows, std::size_t g) const noexcept {
        return rows.block(0, cut_.first(g), rows.rows(), cut_.size(g));
    }
    // The first points_per_entry * entries rows are fitted to: rows are taken as being in no order.
    [[nodiscard]] result<void> fit_group(view_2d<const float> rows, std::size_t g,
                                         const kmeans_options& clustering) {
        const std::size_t most =
            clustering.points_per_entry == 0 ? rows.rows() : clustering.points_per_entry * entries;
        const std::size_t count = std::min(rows.rows(), most), d = rows.columns();
        std::vector<beam<Arch>> beams;
        for (std::size_t r = 0; r < count; r += simd::tile_points)
            beams.emplace_back(rows.block(r, 0, std::min(simd::tile_points, count - r), d), beam_);
        std::vector<float> rest(count * d);
        for (std::size_t s = 0; s < stages_; ++s) {
            for (std::size_t r = 0; r < count; ++r)
                beams[r / simd::tile_points].copy_rest(r % simd::tile_points,
                                                       std::span(rest).subspan(r * d, d));
            kmeans_options own = clustering;
            own.seed += g * stages_ + s;
            auto fitted = kmeans<Arch>({rest.data(), count, d, d}, entries, own);
            if (!fitted) return fitted.error();
            for (beam<Arch>& b : beams) b.advance(*fitted);
            books_[g * stages_ + s] = std::move(*fitted);
        }
        return {};
    }
    // The codes of up to 16 rows.
    [[nodiscard]] std::vector<std::uint16_t> search(view_2d<const float> rows) const {
        std::vector<std::uint16_t> out(rows.rows() * books_.size());
        for (std::size_t g = 0; g < groups(); ++g) {
            beam<Arch> state(part(rows, g), beam_);
            for (std::size_t s = 0; s < stages_; ++s) state.advance(book(g, s));
            for (std::size_t l = 0; l < rows.rows(); ++l)
                std::copy_n(state.best(l).data(), stages_, out.data() + l * books_.size() + g * stages_);
        }
        return out;
    }
    [[nodiscard]] std::vector<std::uint16_t> search_all(view_2d<const float> rows) const {
        std::vector<std::uint16_t> out;
        for (std::size_t r = 0; r < rows.rows(); r += simd::tile_points) {
            const std::size_t count = std::min(simd::tile_points, rows.rows() - r);
            const auto some = search(rows.block(r, 0, count, dimension()));
            out.insert(out.end(), some.begin(), some.end());
        }
        return out;
    }
    [[nodiscard]] double error_of(strided_span<const float> row, std::size_t g,
                                  const std::uint16_t* codes) const noexcept {
        double sum = 0;
        for (std::size_t j = 0; j < row.size(); ++j) {
            double x = static_cast<double>(row[j]);
            for (std::size_t s = 0; s < stages_; ++s) x -= static_cast<double>(book(g, s).at(codes[s], j));
            sum += exact::mul(x, x);
        }
        return sum;
    }
    void improve_group(view_2d<const float> rows, std::size_t g, const std::vector<std::uint16_t>& codes) {
        const std::size_t d = rows.columns();
        for (std::size_t s = 0; s < stages_; ++s) {
            std::vector<double> wanted(entries * d);
            std::vector<std::uint32_t> members(entries);
            for (std::size_t r = 0; r < rows.rows(); ++r) {
                const std::uint16_t* const code = codes.data() + r * books_.size() + g * stages_;
                ++members[code[s]];
                for (std::size_t j = 0; j < d; ++j) {
                    double x = static_cast<double>(rows(r, j)) - static_cast<double>(book(g, s).centre()[j]);
                    for (std::size_t t = 0; t < stages_; ++t)
                        if (t != s) x -= static_cast<double>(book(g, t).at(code[t], j));
                    wanted[code[s] * d + j] += x;
                }
            }
            books_[g * stages_ + s].update([&](std::span<float> to) {
                for (std::size_t k = 0; k < entries; ++k)
                    for (std::size_t j = 0; j < d && members[k] != 0; ++j)
                        to[k * d + j] = static_cast<float>(wanted[k * d + j] / members[k]);
            });
        }
    }

    even_parts cut_{};
    std::size_t stages_ = 0, beam_ = 1;
    std::vector<codebook> books_;
};

}  // namespace pith::inline v1::vector
