// Any quantizer behind a rotation of its own; with a product quantizer and `fit`, optimised product
// quantization. Ge, He, Ke, Sun (2013), the non-parametric solution: in turn the codebooks and the rotation.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include <pith/core/assert.hpp>
#include <pith/core/bytes.hpp>
#include <pith/core/exact_math.hpp>
#include <pith/core/limits.hpp>
#include <pith/core/result.hpp>
#include <pith/core/serial.hpp>
#include <pith/core/view.hpp>
#include <pith/transform/matrix_rotation.hpp>
#include <pith/transform/principal_axes.hpp>
#include <pith/vector/checks.hpp>
#include <pith/vector/concepts.hpp>
#include <pith/vector/kmeans.hpp>
#include <pith/vector/procrustes.hpp>
#include <pith/vector/product.hpp>
#include <pith/vector/stored.hpp>
#include <pith/vector/stored_axes.hpp>

namespace pith::inline v1::vector {

struct turning_options {
    std::size_t turns = 8;     ///< of codebooks and rotation
    std::size_t rows = 12288;  ///< at most so many are looked at for the rotation, evenly spaced
};

/// Codes of rotated vectors. Exact given the rotation, which is encoder-side.
template <scannable_quantizer Inner, simd::instruction_set Arch = simd::native>
class turned {
  public:
    using rotation_type = transform::matrix_rotation<Arch>;
    static constexpr std::size_t max_dimension_turned = 4096;

    /// Precondition: rotation.size() == rotation.input_size() == inner.dimension().
    turned(rotation_type rotation, Inner inner) : rotation_(std::move(rotation)), inner_(std::move(inner)) {
        PITH_ASSERT(rotation_.size() == inner_.dimension() && rotation_.input_size() == rotation_.size());
    }

    /// Fits a product quantizer of that many parts and its rotation. Errors: as Inner::fit.
    template <parallel_policy Policy = serial>
    [[nodiscard]] static result<turned> fit(view_2d<const float> rows, std::size_t parts,
                                            const kmeans_options& options = {},
                                            const turning_options& turning = {}, const Policy& policy = {}) {
        const std::size_t d = rows.columns();
        if (d > max_dimension_turned || rows.rows() == 0)
            return error{error_code::unsupported_parameter, 0,
                         "a rotation wants 1 to 4096 coordinates, and rows"};
        if (const auto finite = check_finite(rows); !finite) return finite.error();
        const std::size_t stride =
            std::max<std::size_t>(1, rows.rows() / std::max<std::size_t>(1, turning.rows));
        const view_2d<const float> some(rows.data(), rows.rows() / stride, d, stride * rows.row_stride(),
                                        rows.column_stride());
        kmeans_options quick = options;
        quick.rounds = std::min<std::size_t>(options.rounds, 3);
        // From no rotation or from axes shared out evenly, whichever codes the rows better.
        std::vector<double> matrix(d * d);
        for (std::size_t i = 0; i < d; ++i) matrix[i * d + i] = 1;
        auto start = turn_once(some, matrix, parts, quick, policy);
        if (!start) return start.error();
        auto other = turn_once(some, shared_axes(some, even_parts{d, parts}), parts, quick, policy);
        if (!other) return other.error();
        attempt best = other->error < start->error ? std::move(*other) : std::move(*start);
        matrix = std::move(best.next);
        for (std::size_t turn = 1; turn < turning.turns; ++turn) {
            auto more = turn_once(some, matrix, parts, quick, policy);
            if (!more) return more.error();
            matrix = std::move(more->next);
        }
        rotation_type rotation = rotation_of(matrix, d);
        const std::vector<float> y = apply(rotation, rows);
        auto inner = Inner::fit({y.data(), rows.rows(), d, d}, parts, options, policy);
        if (!inner) return inner.error();
        return turned(std::move(rotation), std::move(*inner));
    }

    [[nodiscard]] std::size_t dimension() const noexcept { return inner_.dimension(); }
    [[nodiscard]] std::size_t code_size() const noexcept { return inner_.code_size(); }
    [[nodiscard]] std::size_t parameter_bytes() const noexcept {
        return 4 + sizeof(float) * dimension() * dimension() + inner_.parameter_bytes();
    }
    [[nodiscard]] const Inner& inner() const noexcept { return inner_; }

    /// Precondition: codes.size() == rows.rows() * code_size(), rows.columns() == dimension().
    [[nodiscard]] result<void> encode_into(view_2d<const float> rows, std::span<std::uint8_t> codes) const {
        if (const auto finite = check_finite(rows); !finite) return finite.error();
        const std::vector<float> y = apply(rotation_, rows);
        return inner_.encode_into({y.data(), rows.rows(), dimension(), dimension()}, codes);
    }
    void decode_into(byte_view codes, view_2d<float> rows) const {
        std::vector<float> y(rows.size()), x(dimension());
        inner_.decode_into(codes, {y.data(), rows.rows(), dimension(), dimension()});
        for (std::size_t r = 0; r < rows.rows(); ++r) {
            rotation_.inverse_into(std::span(y).subspan(r * dimension(), dimension()), x);
            for (std::size_t j = 0; j < x.size(); ++j) rows(r, j) = x[j];
        }
    }

    [[nodiscard]] std::size_t table_size() const noexcept { return inner_.table_size(); }
    void fill_tables(view_2d<const float> queries, metric by, std::span<float> tables) const {
        const std::vector<float> y = apply(rotation_, queries);
        inner_.fill_tables({y.data(), queries.rows(), dimension(), dimension()}, by, tables);
    }
    void costs(std::span<const float> table, byte_view codes, std::span<float> out) const {
        inner_.costs(table, codes, out);
    }

    template <byte_sink Sink>
    void save(Sink& sink) const requires storable_quantizer<Inner> {
        put_le<std::uint32_t>(sink, static_cast<std::uint32_t>(dimension()));
        for (std::size_t r = 0; r < dimension(); ++r) put_floats(sink, rotation_.row(r));
        inner_.save(sink);
    }
    /// Rows that are not orthonormal are bad_model.
    [[nodiscard]] static result<turned> load(byte_reader& from,
                                             const limits& bound = {}) requires storable_quantizer<Inner> {
        const auto dimension = from.read_le<std::uint32_t>();
        if (!dimension) return dimension.error();
        if (*dimension == 0 || *dimension > max_dimension_turned)
            return from.fail(error_code::bad_header, "a rotation's dimension is out of range");
        const std::size_t d = *dimension;
        if (d * d * sizeof(float) > bound.max_memory)
            return from.fail(error_code::limit_exceeded, "the rotation is larger than the limits allow");
        auto rotation = read_axes<Arch>(from, d, d);
        if (!rotation) return rotation.error();
        auto inner = Inner::load(from, bound);
        if (!inner) return inner.error();
        if (inner->dimension() != d)
            return from.fail(error_code::bad_header, "the quantizer's dimension is not the rotation's");
        return turned(std::move(*rotation), std::move(*inner));
    }

  private:
    [[nodiscard]] static rotation_type rotation_of(const std::vector<double>& matrix, std::size_t d) {
        std::vector<float> narrow(matrix.size());
        for (std::size_t i = 0; i < matrix.size(); ++i) narrow[i] = static_cast<float>(matrix[i]);
        return rotation_type(std::move(narrow), d, d);
    }
    [[nodiscard]] static std::vector<float> apply(const rotation_type& rotation, view_2d<const float> rows) {
        const std::size_t d = rows.columns();
        std::vector<float> out(rows.rows() * d), x(d);
        for (std::size_t r = 0; r < rows.rows(); ++r) {
            for (std::size_t j = 0; j < d; ++j) x[j] = rows(r, j);
            rotation.forward_into(x, std::span(out).subspan(r * d, d));
        }
        return out;
    }
    struct attempt {
        double error = 0;
        std::vector<double> next;
    };
    // Codebooks for the rows turned by `matrix`, their squared error, and the rotation that takes the rows
    // nearest to what their codes decode to.
    template <class Policy>
    [[nodiscard]] static result<attempt> turn_once(view_2d<const float> rows,
                                                   const std::vector<double>& matrix, std::size_t parts,
                                                   const kmeans_options& options, const Policy& policy) {
        const std::size_t d = rows.columns();
        const std::vector<float> y = apply(rotation_of(matrix, d), rows);
        const view_2d<const float> turned_rows(y.data(), rows.rows(), d, d);
        const auto inner = Inner::fit(turned_rows, parts, options, policy);
        if (!inner) return inner.error();
        std::vector<std::uint8_t> codes(rows.rows() * inner->code_size());
        std::vector<float> decoded(y.size());
        if (const auto done = inner->encode_into(turned_rows, codes); !done) return done.error();
        inner->decode_into(codes, {decoded.data(), rows.rows(), d, d});
        std::vector<double> cross(d * d), x(d);
        attempt out;
        for (std::size_t r = 0; r < rows.rows(); ++r) {
            for (std::size_t j = 0; j < d; ++j) x[j] = static_cast<double>(rows(r, j));
            for (std::size_t i = 0; i < d; ++i) {
                const double factor = static_cast<double>(decoded[r * d + i]);
                const double off = factor - static_cast<double>(y[r * d + i]);
                out.error += off * off;
                for (std::size_t j = 0; j < d; ++j) cross[i * d + j] += factor * x[j];
            }
        }
        out.next = procrustes_rotation(std::move(cross), matrix, d);
        return out;
    }
    // The paper's parametric solution: principal axes, the largest first, each to the part with room whose
    // variances have the smallest product.
    [[nodiscard]] static std::vector<double> shared_axes(view_2d<const float> rows, const even_parts& cut) {
        const auto axes = transform::fit_principal_axes<Arch>(rows);
        const std::size_t d = rows.columns();
        std::vector<double> product(cut.parts), out(d * d);
        std::vector<std::size_t> used(cut.parts);
        for (std::size_t axis = 0; axis < d; ++axis) {
            std::size_t to = cut.parts;
            for (std::size_t p = 0; p < cut.parts; ++p)
                if (used[p] < cut.size(p) && (to == cut.parts || product[p] < product[to])) to = p;
            const double variance = static_cast<double>(axes.variances[axis]);
            product[to] += exact::log(variance > 1e-30 ? variance : 1e-30) + 100;  // a positive logarithm
            const std::size_t row = cut.first(to) + used[to]++;
            for (std::size_t j = 0; j < d; ++j)
                out[row * d + j] = static_cast<double>(axes.rotation.row(axis)[j]);
        }
        return out;
    }

    rotation_type rotation_;
    Inner inner_;
};

}  // namespace pith::inline v1::vector
