// A table of attributes whose important rows are coded finely and the others by a codebook, all entropy
// coded. LightGaussian's VecTree (Fan et al., 2024): vectors of little significance go to a codebook, the
// others keep their values; parts with codebooks of their own and coded indices as in OMG (Lee et al., 2025).
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <span>
#include <utility>
#include <vector>

#include <pith/core/assert.hpp>
#include <pith/core/bytes.hpp>
#include <pith/core/exact.hpp>
#include <pith/core/limits.hpp>
#include <pith/core/packed_codes.hpp>
#include <pith/core/result.hpp>
#include <pith/core/view.hpp>
#include <pith/quant/entropy_coded_scalar.hpp>
#include <pith/quant/index_coder.hpp>
#include <pith/vector/checks.hpp>
#include <pith/vector/index_stream.hpp>
#include <pith/vector/product.hpp>

namespace pith::inline v1::vector {

struct importance_options {
    float kept = 0.4F;      ///< share of the rows that are coded finely, the most important ones
    float step = 0.1F;      ///< of their uniform quantizer, over the root mean square of the column
    std::size_t parts = 1;  ///< of the other rows, each with a codebook of its own
    kmeans_options clustering{};
};

/// Stream: the columns' scales, the numbers of bytes of what follows, which rows are kept, their indices, the
/// codebooks, the other rows' indices. Rows are coded in their order; decoded values are the same bits on
/// every machine.
template <unsigned Bits = 8>
class importance_split {
  public:
    using scalar = quant::entropy_coded_scalar<quant::scalar_options{.per_column = true}>;
    using book = product<Bits>;

    /// Errors: as many importances as rows and 1 to 2^24 rows are wanted, finite values, and parts that are
    /// no more than columns. Precondition: 0 <= kept <= 1, step > 0.
    [[nodiscard]] static result<std::vector<std::uint8_t>> encode(view_2d<const float> rows,
                                                                  std::span<const float> importance,
                                                                  const importance_options& options) {
        PITH_ASSERT(options.kept >= 0 && options.kept <= 1 && options.step > 0);
        if (rows.rows() != importance.size() || rows.rows() == 0 || rows.rows() >> 24 != 0 ||
            rows.columns() == 0 || rows.columns() > max_columns)
            return error{error_code::unsupported_parameter, 0,
                         "a table has 1 to 2^24 rows of 1 to 1024 columns, and an importance for each row"};
        if (const auto finite = check_finite(rows); !finite) return finite.error();
        const std::vector<bool> kept = most_important(importance, options.kept);
        const std::vector<float> scales = scales_of(rows);
        auto [fine, coarse] = parted(rows, kept, scales);
        const std::size_t n = coarse.size() / scales.size();
        auto values = scalar::encode({fine.data(), fine.size() / scales.size(), scales.size(), scales.size()},
                                     options.step);
        if (!values) return values.error();
        std::vector<std::uint8_t> books, indices;
        if (n != 0) {
            const view_2d<const float> others(coarse.data(), n, scales.size(), scales.size());
            const auto fitted = book::fit(others, options.parts, options.clustering);
            if (!fitted) return fitted.error();
            vector_sink sink(books);
            fitted->save(sink);
            indices = encode_others(*fitted, others);
        }
        std::vector<std::uint8_t> out;
        vector_sink sink(out);
        put_floats(sink, scales);
        const std::vector<std::uint8_t> marks = encode_marks(kept);
        for (const byte_view part : {byte_view(marks), byte_view(*values), byte_view(books)})
            put_le<std::uint32_t>(sink, static_cast<std::uint32_t>(part.size()));
        for (const byte_view part :
             {byte_view(marks), byte_view(*values), byte_view(books), byte_view(indices)})
            sink.append(part);
        return out;
    }

    /// For a table of the same shape. Error: bytes that no encoder writes for it, as far as that shows.
    [[nodiscard]] static result<void> decode_into(byte_view in, view_2d<float> out,
                                                  const limits& bound = {}) {
        byte_reader from(in);
        const std::size_t d = out.columns();
        if (out.rows() == 0 || out.rows() >> 24 != 0 || d == 0 || d > max_columns)
            return from.fail(error_code::unsupported_parameter, "no table of this shape has a code");
        const auto scales = read_floats(from, d);
        if (!scales) return scales.error();
        for (const float s : *scales)
            if (!(s > 0)) return from.fail(error_code::bad_model, "a scale that no encoder writes");
        byte_view parts[3];
        if (const auto found = cut(from, parts); !found) return found.error();
        std::vector<bool> kept(out.rows());
        if (const auto done = decode_marks(parts[0], kept); !done) return done.error();
        const auto fine_rows = static_cast<std::size_t>(std::count(kept.begin(), kept.end(), true));
        std::vector<float> fine(fine_rows * d), coarse((out.rows() - fine_rows) * d);
        if (const auto done = scalar::decode_into(parts[1], {fine.data(), fine_rows, d, d}); !done)
            return done.error();
        if (const auto done = decode_others(parts[2], from.rest(), coarse, d, bound); !done)
            return done.error();
        const float *next_fine = fine.data(), *next_coarse = coarse.data();
        for (std::size_t r = 0; r < out.rows(); ++r) {
            const float*& next = kept[r] ? next_fine : next_coarse;
            for (std::size_t c = 0; c < d; ++c) out(r, c) = *next++ * (*scales)[c];
        }
        return {};
    }

    /// The rows that are kept: the largest importances, of equal ones the first; what is not a number last.
    [[nodiscard]] static std::vector<bool> most_important(std::span<const float> importance, float share) {
        std::vector<std::uint32_t> order(importance.size());
        std::iota(order.begin(), order.end(), 0U);
        const auto before = [&](std::uint32_t a, std::uint32_t b) {
            const float x = importance[a], y = importance[b];
            return x > y || (x == x && y != y) || (!(y > x) && (x == x) == (y == y) && a < b);
        };
        std::sort(order.begin(), order.end(), before);
        const double wanted = static_cast<double>(share) * static_cast<double>(order.size());
        std::vector<bool> kept(importance.size());
        for (std::size_t i = 0; i < order.size() && static_cast<double>(i) + 0.5 <= wanted; ++i)
            kept[order[i]] = true;
        return kept;
    }

  private:
    static constexpr std::size_t max_columns = 1024;

    /// Root mean squares; 1 for columns without values.
    [[nodiscard]] static std::vector<float> scales_of(view_2d<const float> rows) {
        std::vector<float> out(rows.columns());
        for (std::size_t c = 0; c < out.size(); ++c) {
            double sum = 0;
            for (std::size_t r = 0; r < rows.rows(); ++r) sum += double{rows(r, c)} * double{rows(r, c)};
            out[c] = static_cast<float>(exact::sqrt(sum / static_cast<double>(rows.rows())));
            if (!(out[c] >= 0x1p-100F)) out[c] = 1;
        }
        return out;
    }
    /// Kept rows and the others, each divided by the scales.
    [[nodiscard]] static std::pair<std::vector<float>, std::vector<float>> parted(
        view_2d<const float> rows, const std::vector<bool>& kept, std::span<const float> scales) {
        std::pair<std::vector<float>, std::vector<float>> out;
        for (std::size_t r = 0; r < rows.rows(); ++r)
            for (std::size_t c = 0; c < rows.columns(); ++c)
                (kept[r] ? out.first : out.second).push_back(rows(r, c) / scales[c]);
        return out;
    }
    [[nodiscard]] static std::vector<std::uint8_t> encode_marks(const std::vector<bool>& kept) {
        std::vector<std::uint16_t> marks(kept.begin(), kept.end());
        return encode_indices<1>(marks, 1);
    }
    [[nodiscard]] static result<void> decode_marks(byte_view in, std::vector<bool>& kept) {
        std::vector<std::uint16_t> marks(kept.size());
        if (const auto done = decode_indices<1>(in, 1, marks); !done) return done.error();
        kept.assign(marks.begin(), marks.end());
        return {};
    }
    [[nodiscard]] static std::vector<std::uint8_t> encode_others(const book& fitted,
                                                                 view_2d<const float> rows) {
        std::vector<std::uint8_t> codes(rows.rows() * fitted.code_size());
        [[maybe_unused]] const auto done = fitted.encode_into(rows, codes);
        PITH_ASSERT(done.has_value());  // the rows are finite: they were fitted to
        std::vector<std::uint16_t> indices;
        for (std::size_t r = 0; r < rows.rows(); ++r)
            for (std::size_t p = 0; p < fitted.parts(); ++p)
                indices.push_back(
                    static_cast<std::uint16_t>(code_at<Bits>(codes.data() + r * fitted.code_size(), p)));
        return encode_indices<Bits>(indices, fitted.parts());
    }
    [[nodiscard]] static result<void> decode_others(byte_view books, byte_view in, std::span<float> coarse,
                                                    std::size_t d, const limits& bound) {
        if (coarse.empty()) {
            if (books.empty() && in.empty()) return {};
            return error{error_code::trailing_data, 0, "codes of rows that are not there"};
        }
        byte_reader from(books);
        const auto fitted = book::load(from, bound);
        if (!fitted) return fitted.error();
        if (from.remaining() != 0 || fitted->dimension() != d)
            return from.fail(error_code::bad_header, "codebooks of another shape");
        const std::size_t n = coarse.size() / d, parts = fitted->parts();
        std::vector<std::uint16_t> indices(n * parts);
        if (const auto done = decode_indices<Bits>(in, parts, indices); !done) return done.error();
        for (std::size_t r = 0; r < n; ++r)
            for (std::size_t p = 0; p < parts; ++p)
                for (std::size_t j = 0; j < fitted->cut().size(p); ++j)
                    coarse[r * d + fitted->cut().first(p) + j] =
                        fitted->book(p).at(indices[r * parts + p], j);
        return {};
    }
    [[nodiscard]] static result<void> cut(byte_reader& from, std::span<byte_view, 3> parts) {
        std::uint32_t sizes[3];
        for (std::uint32_t& size : sizes) {
            const auto got = from.read_le<std::uint32_t>();
            if (!got) return got.error();
            size = *got;
        }
        for (std::size_t i = 0; i < 3; ++i) {
            const auto got = from.read_bytes(sizes[i]);
            if (!got) return got.error();
            parts[i] = *got;
        }
        return {};
    }
};

}  // namespace pith::inline v1::vector
