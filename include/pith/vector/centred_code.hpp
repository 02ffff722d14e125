// Rotation codes of vectors whose mean has been taken away, for an index: one rotation of each query, and
// then inner products with rotated codes. The mean costs nothing per vector; queries are compared with the
// rest (as RaBitQ's centroids, Gao and Long, 2024, with one of them).
#pragma once

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include <pith/core/assert.hpp>
#include <pith/core/bytes.hpp>
#include <pith/core/exact.hpp>
#include <pith/core/limits.hpp>
#include <pith/core/result.hpp>
#include <pith/core/view.hpp>
#include <pith/simd/dot_exact.hpp>
#include <pith/vector/checks.hpp>
#include <pith/vector/concepts.hpp>
#include <pith/vector/rotation_code.hpp>
#include <pith/vector/sided_storage.hpp>
#include <pith/vector/stored.hpp>

namespace pith::inline v1::vector {

/// A code of rotated vectors, whose rotation is chosen by a dimension and a seed.
template <class Code>
concept seeded_code = requires(const Code code, std::span<const float> x, std::span<float> y, byte_view bytes,
                               byte_span to) {
    typename std::remove_cvref_t<decltype(code.rotation())>;
    requires std::constructible_from<std::remove_cvref_t<decltype(code.rotation())>, std::size_t,
                                     std::uint64_t>;
    { code.encode_into(x, to) } -> std::same_as<result<void>>;
    { code.decode_into(bytes, y) } -> std::same_as<result<void>>;
    { code.rotated_into(bytes, y) } -> std::same_as<result<void>>;
    { code.rotated_dimension() } -> std::same_as<std::size_t>;
};

/// A scannable quantizer from a rotation code. Codes that no encoder writes decode to the mean.
template <seeded_code Code>
class centred_code {
  public:
    using rotation_type = std::remove_cvref_t<decltype(std::declval<const Code&>().rotation())>;

    /// Precondition: 1 to max_dimension finite coordinates.
    explicit centred_code(std::vector<float> mean, std::uint64_t seed = 1)
        : mean_(std::move(mean)), seed_(seed), code_(rotation_type(mean_.size(), seed)) {}

    /// With the mean of the rows. Errors: no rows, a dimension out of range, coordinates that are not finite.
    [[nodiscard]] static result<centred_code> fit(view_2d<const float> rows, std::uint64_t seed = 1) {
        if (rows.rows() == 0 || rows.columns() == 0 || rows.columns() > max_dimension)
            return error{error_code::unsupported_parameter, 0,
                         "a rotation code wants vectors, and not too long ones"};
        if (const auto finite = check_finite(rows); !finite) return finite.error();
        std::vector<double> sum(rows.columns());
        for (std::size_t r = 0; r < rows.rows(); ++r)
            for (std::size_t j = 0; j < sum.size(); ++j) sum[j] += static_cast<double>(rows(r, j));
        std::vector<float> mean(sum.size());
        for (std::size_t j = 0; j < mean.size(); ++j)
            mean[j] = static_cast<float>(sum[j] / static_cast<double>(rows.rows()));
        return centred_code(std::move(mean), seed);
    }

    [[nodiscard]] std::size_t dimension() const noexcept { return mean_.size(); }
    [[nodiscard]] std::size_t code_size() const noexcept { return code_.code_size(); }
    [[nodiscard]] std::size_t parameter_bytes() const noexcept { return 12 + sizeof(float) * dimension(); }
    [[nodiscard]] const Code& code() const noexcept { return code_; }

    /// Precondition: codes.size() == rows.rows() * code_size(), rows.columns() == dimension().
    [[nodiscard]] result<void> encode_into(view_2d<const float> rows, std::span<std::uint8_t> codes) const {
        PITH_ASSERT(rows.columns() == dimension() && codes.size() == rows.rows() * code_size());
        if (const auto finite = check_finite(rows); !finite) return finite.error();
        constexpr std::size_t step = 16;
        const std::size_t d = dimension();
        std::vector<float> x(std::min(step, rows.rows()) * d);
        for (std::size_t first = 0; first < rows.rows(); first += step) {
            const std::size_t some = std::min(step, rows.rows() - first);
            for (std::size_t i = 0; i < some; ++i)
                for (std::size_t j = 0; j < d; ++j) x[i * d + j] = rows(first + i, j) - mean_[j];
            if (const auto done = encode(std::span<const float>(x).first(some * d),
                                         codes.subspan(first * code_size(), some * code_size()));
                !done)
                return done.error().shifted_by(std::uint64_t{first} * d);
        }
        return {};
    }
    void decode_into(byte_view codes, view_2d<float> rows) const {
        PITH_ASSERT(rows.columns() == dimension() && codes.size() == rows.rows() * code_size());
        std::vector<float> x(dimension());
        for (std::size_t r = 0; r < rows.rows(); ++r) {
            if (!code_.decode_into(codes.subspan(r * code_size(), code_size()), x))
                std::fill(x.begin(), x.end(), 0.0F);
            for (std::size_t j = 0; j < x.size(); ++j) rows(r, j) = x[j] + mean_[j];
        }
    }

    /// The rotated query, what all costs have in common, and 1 for distances.
    [[nodiscard]] std::size_t table_size() const noexcept { return code_.rotated_dimension() + 2; }
    void fill_tables(view_2d<const float> queries, metric by, std::span<float> tables) const {
        PITH_ASSERT(tables.size() == queries.rows() * table_size());
        const bool distance = by == metric::squared_distance;
        std::vector<float> x(dimension());
        for (std::size_t l = 0; l < queries.rows(); ++l) {
            const std::span<float> table = tables.subspan(l * table_size(), table_size());
            float product = 0;
            for (std::size_t j = 0; j < x.size(); ++j) {
                x[j] = distance ? queries(l, j) - mean_[j] : queries(l, j);
                product += exact::mul(queries(l, j), mean_[j]);
            }
            code_.rotation().forward_into(x, table.first(code_.rotated_dimension()));
            table[table.size() - 2] = distance ? 0 : -product;
            table.back() = distance ? 1 : 0;
        }
    }
    void costs(std::span<const float> table, byte_view codes, std::span<float> out) const {
        PITH_ASSERT(codes.size() == out.size() * code_size() && table.size() == table_size());
        std::vector<float> y(code_.rotated_dimension());
        const std::span<const float> query = table.first(y.size());
        for (std::size_t i = 0; i < out.size(); ++i) {
            if (!code_.rotated_into(codes.subspan(i * code_size(), code_size()), y))
                std::fill(y.begin(), y.end(), 0.0F);
            if (table.back() != 0) {
                for (std::size_t j = 0; j < y.size(); ++j) y[j] -= query[j];
                out[i] = simd::dot_exact(std::span<const float>(y), std::span<const float>(y));
            } else {
                out[i] = table[y.size()] - simd::dot_exact(query, std::span<const float>(y));
            }
        }
    }

    /// For sided_storage.
    [[nodiscard]] sided_shape shape() const noexcept requires(Code::bits <= 4) {
        return {Code::bits, code_.rotated_dimension(), code_.code_size(), Code::options.format,
                largest_scale};
    }
    [[nodiscard]] std::span<const float> levels() const noexcept requires(Code::bits <= 4) {
        return code_.codebook().levels();
    }
    [[nodiscard]] sided_query sided(std::span<const float> table) const noexcept requires(Code::bits <= 4) {
        return {table.first(code_.rotated_dimension()), table[table.size() - 2], table.back() == 0};
    }

    template <byte_sink Sink>
    void save(Sink& sink) const {
        put_le<std::uint32_t>(sink, static_cast<std::uint32_t>(dimension()));
        put_le<std::uint64_t>(sink, seed_);
        put_floats(sink, mean_);
    }
    [[nodiscard]] static result<centred_code> load(byte_reader& from, const limits& = {}) {
        const auto dimension = from.read_le<std::uint32_t>();
        if (!dimension) return dimension.error();
        const auto seed = from.read_le<std::uint64_t>();
        if (!seed) return seed.error();
        if (*dimension == 0 || *dimension > max_dimension)
            return from.fail(error_code::bad_header, "a rotation code's dimension is out of range");
        auto mean = read_floats(from, *dimension);
        if (!mean) return mean.error();
        return centred_code(std::move(*mean), *seed);
    }

  private:
    [[nodiscard]] result<void> encode(std::span<const float> x, byte_span codes) const {
        if constexpr (requires { code_.encode_rows_into(x, codes); }) return code_.encode_rows_into(x, codes);
        const std::size_t d = dimension();
        for (std::size_t r = 0; r * d < x.size(); ++r)
            if (const auto done =
                    code_.encode_into(x.subspan(r * d, d), codes.subspan(r * code_size(), code_size()));
                !done)
                return done.error().shifted_by(std::uint64_t{r} * d);
        return {};
    }

    std::vector<float> mean_;
    std::uint64_t seed_;
    Code code_;
};

}  // namespace pith::inline v1::vector
