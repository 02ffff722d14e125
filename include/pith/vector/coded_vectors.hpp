// Vectors as one stream for search by inner product: principal axes, an entropy-coded quantizer of their
// coordinates, and for each vector a coded factor that makes its own inner product exact.
// Own work. Coordinates are finer where queries like the vectors are larger, and RaBitQ's factor (Gao and
// Long, 2024) is taken along the vector itself, its mean included: what is near is near to the vector.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include <pith/core/assert.hpp>
#include <pith/core/bytes.hpp>
#include <pith/core/exact.hpp>
#include <pith/core/exact_math.hpp>
#include <pith/core/limits.hpp>
#include <pith/core/result.hpp>
#include <pith/core/view.hpp>
#include <pith/quant/index_coder.hpp>
#include <pith/quant/rate_control.hpp>
#include <pith/transform/principal_axes.hpp>
#include <pith/vector/array_file.hpp>
#include <pith/vector/checks.hpp>
#include <pith/vector/stored_axes.hpp>

namespace pith::inline v1::vector {

/// Codes a matrix at a rate: quant::entropy_coded_scalar, entropy_coded_trellis, entropy_coded_lattice.
template <class C>
concept matrix_coder = requires(view_2d<const float> in, byte_view bytes, view_2d<float> out) {
    { C::encode_to(in, quant::rate_target{}) } -> std::same_as<result<std::vector<std::uint8_t>>>;
    { C::decode_into(bytes, out) } -> std::same_as<result<void>>;
};

struct coded_vectors_options {
    double bits = 2;  ///< of a coordinate, factors included; what all vectors share comes on top
    /// Steps fall with this power of the root mean square of queries like the vectors: 0 has the least error
    /// of vectors, 1 the least of their inner products, where variances are small against the rate.
    double emphasis = 0.5;
};

/// Stream: vectors (varint), mean and axes (mean_and_axes::save), a weight for each axis (fp32), steps of the
/// factor in one (u16), bytes of the two parts that follow (varints), the coder's stream of the weighted
/// coordinates, the adaptive code of the factors. Factor = 1 + index / steps. Decoded values are the same
/// bits on every machine.
template <matrix_coder Coder, simd::instruction_set Arch = simd::native>
class coded_vectors {
  public:
    /// Errors: no vectors, a dimension out of range, values that are not finite, a rate that cannot be met.
    [[nodiscard]] static result<std::vector<std::uint8_t>> encode(view_2d<const float> rows,
                                                                  coded_vectors_options options = {}) {
        using axes_type = mean_and_axes<Arch>;
        if (rows.empty() || rows.columns() > axes_type::max_dimension_stored)
            return error{error_code::unsupported_parameter, 0, "vectors of 1 to 4096 coordinates are wanted"};
        if (const auto finite = check_finite(rows); !finite) return finite.error();
        auto found = transform::fit_principal_axes<Arch>(rows);
        const auto mean = found.mean.mean();
        coded_vectors parts(axes_type({mean.begin(), mean.end()}, std::move(found.rotation)));
        parts.weigh(found.variances, options.emphasis);
        auto coded = parts.code_at(rows, options.bits);
        if (!coded) return coded.error();
        std::vector<std::uint8_t> out;
        vector_sink sink(out);
        put_varint(sink, rows.rows());
        parts.axes_.save(sink);
        put_floats(sink, parts.weights_);
        put_le<std::uint16_t>(sink, coded->steps);
        for (const std::size_t size : {coded->coordinates.size(), coded->factors.size()})
            put_varint(sink, size);
        out.insert(out.end(), coded->coordinates.begin(), coded->coordinates.end());
        out.insert(out.end(), coded->factors.begin(), coded->factors.end());
        return out;
    }
    /// Errors: bytes that no encoder writes, as far as that shows; limit_exceeded.
    [[nodiscard]] static result<float_rows> decode(byte_view in, const limits& bound = {}) {
        byte_reader reader(in);
        const auto count = reader.read_varint();
        if (!count) return count.error();
        auto axes = mean_and_axes<Arch>::load(reader, bound);
        if (!axes) return axes.error();
        const std::size_t d = axes->dimension();
        if (*count == 0 || axes->rank() != d)
            return reader.fail(error_code::bad_header, "no vectors, or not all of their axes");
        if (*count > bound.max_output / (sizeof(float) * d) || *count > bound.max_memory / (8 * d))
            return reader.fail(error_code::limit_exceeded, "the vectors are larger than the limits allow");
        coded_vectors parts(std::move(*axes));
        auto weights = read_floats(reader, d);
        if (!weights) return weights.error();
        for (const float w : *weights)
            if (!(w >= least_weight && w <= most_weight))
                return reader.fail(error_code::bad_model, "a weight that no encoder writes");
        parts.weights_ = std::move(*weights);
        return parts.decode_rest(reader, static_cast<std::size_t>(*count));
    }

  private:
    static constexpr float least_weight = 0x1p-20F, most_weight = 0x1p20F;
    static constexpr std::uint16_t most_steps = 4096;

    struct coded_parts {
        std::vector<std::uint8_t> coordinates, factors;
        std::uint16_t steps = 1;

        [[nodiscard]] double bits() const noexcept {
            return 8.0 * static_cast<double>(coordinates.size() + factors.size());
        }
    };

    explicit coded_vectors(mean_and_axes<Arch> axes) : axes_(std::move(axes)), centre_(axes_.dimension()) {
        axes_.axes().forward_into(axes_.mean(), centre_);
    }

    /// The root mean square of vectors along each axis, to a power; relative, so that the scale is free.
    void weigh(std::span<const float> variances, double power) {
        double sum = 0;
        std::vector<double> square(variances.size());
        for (std::size_t j = 0; j < square.size(); ++j) {
            square[j] = (variances[j] > 0 ? double{variances[j]} : 0.0) +
                        exact::mul(double{centre_[j]}, double{centre_[j]});
            sum += square[j] / static_cast<double>(square.size());
        }
        for (const double s : square) {
            const float w =
                s > 0 && sum > 0 ? static_cast<float>(exact::exp2(power / 2 * log2_of(s / sum))) : 1.0F;
            weights_.push_back(w < least_weight ? least_weight : w > most_weight ? most_weight : w);
        }
    }
    [[nodiscard]] static double log2_of(double x) noexcept { return exact::log(x) * 1.4426950408889634; }

    /// Parts of at most `bits` a coordinate: what the factors take is found on some of the rows.
    [[nodiscard]] result<coded_parts> code_at(view_2d<const float> rows, double bits) const {
        constexpr std::size_t sample = 4096;
        const double d = static_cast<double>(rows.columns());
        double reserved = 4 / d;
        if (rows.rows() > 2 * sample) {
            const std::size_t stride = rows.rows() / sample;
            std::vector<float> some;
            for (std::size_t r = 0; r < sample; ++r)
                for (std::size_t c = 0; c < rows.columns(); ++c) some.push_back(rows(r * stride, c));
            const auto tried = code({some.data(), sample, rows.columns(), rows.columns()}, bits - reserved);
            if (tried) reserved = 8.0 * static_cast<double>(tried->factors.size()) / (d * sample) + 0.05 / d;
        }
        for (int attempt = 0;; ++attempt) {
            auto out = code(rows, bits - reserved);
            if (!out) return out;
            const double values = static_cast<double>(rows.size());
            if (out->bits() <= bits * values) return out;
            if (attempt == 3)
                return error{error_code::unsupported_parameter, 0, "the rate is too low for these vectors"};
            reserved += (out->bits() / values - bits) * 1.1 + 8 / values;
        }
    }
    [[nodiscard]] result<coded_parts> code(view_2d<const float> rows, double bits) const {
        const std::size_t d = rows.columns();
        const std::vector<float> z = axes_.coordinates(rows);
        std::vector<float> decoded(z.size());
        for (std::size_t i = 0; i < z.size(); ++i) decoded[i] = z[i] * weights_[i % d];
        auto stream = Coder::encode_to({decoded.data(), rows.rows(), d, d}, {.bits_per_value = bits});
        if (!stream) return stream.error();
        if (const auto done = coordinates_of(*stream, decoded); !done) return done.error();
        coded_parts out{std::move(*stream), {}, steps_for(z, decoded)};
        vector_sink sink(out.factors);
        quant::index_encoder<vector_sink> coder(sink);
        quant::index_model model;
        for (std::size_t r = 0; r < rows.rows(); ++r) {
            double wanted = 0, got = 0;
            for (std::size_t j = 0; j < d; ++j) {
                const double x = double{z[r * d + j]} + double{centre_[j]};
                wanted += exact::mul(double{z[r * d + j]}, x);
                got += exact::mul(double{decoded[r * d + j]}, x);
            }
            const double factor = got != 0 ? wanted / got : 1;
            const double index = exact::mul(factor >= 0.5 && factor <= 2 ? factor - 1 : 0.0, out.steps);
            coder.put(model, static_cast<std::int32_t>(index < 0 ? index - 0.5 : index + 0.5));
        }
        coder.finish();
        return out;
    }
    /// Steps of factors small against the error of an inner product: the root of the relative error over the
    /// dimension.
    [[nodiscard]] std::uint16_t steps_for(const std::vector<float>& z,
                                          const std::vector<float>& decoded) const {
        double error = 0, energy = 0;
        for (std::size_t i = 0; i < z.size(); ++i) {
            const double e = double{z[i]} - double{decoded[i]};
            error += exact::mul(e, e);
            energy += exact::mul(double{z[i]}, double{z[i]});
        }
        if (!(error > 0)) return most_steps;
        const double steps = exact::sqrt(energy / error * static_cast<double>(centre_.size()));
        return static_cast<std::uint16_t>(steps < 8 ? 8.0 : steps > most_steps ? double{most_steps} : steps);
    }
    /// Decodes a coder's stream and takes the weights away.
    [[nodiscard]] result<void> coordinates_of(byte_view stream, std::span<float> out) const {
        const std::size_t d = weights_.size();
        if (const auto done = Coder::decode_into(stream, {out.data(), out.size() / d, d, d}); !done)
            return done.error();
        for (std::size_t i = 0; i < out.size(); ++i) out[i] /= weights_[i % d];
        return {};
    }
    [[nodiscard]] result<float_rows> decode_rest(byte_reader& reader, std::size_t count) const {
        const std::size_t d = weights_.size();
        const auto steps = reader.read_le<std::uint16_t>();
        if (!steps) return steps.error();
        if (*steps == 0 || *steps > most_steps)
            return reader.fail(error_code::bad_header, "steps that no encoder writes");
        std::uint64_t sizes[2] = {};
        if (const auto ok = reader.read_varints(sizes); !ok) return ok.error();
        const auto stream = reader.read_bytes(sizes[0]);
        if (!stream) return stream.error();
        std::vector<float> z(count * d);
        if (const auto done = coordinates_of(*stream, z); !done)
            return done.error().shifted_by(reader.position() - sizes[0]);
        if (reader.remaining() != sizes[1])
            return reader.fail(
                reader.remaining() < sizes[1] ? error_code::truncated : error_code::trailing_data,
                "factors of another size");
        quant::index_decoder coder(reader.rest());
        quant::index_model model;
        for (std::size_t r = 0; r < count; ++r) {
            const auto index = coder.get(model);
            if (!index) return index.error().shifted_by(reader.position());
            if (*index > *steps || 2 * *index < -std::int32_t{*steps} - 1)
                return reader.fail(error_code::bad_stream, "a factor that no encoder writes");
            const float factor = 1 + static_cast<float>(*index) / static_cast<float>(*steps);
            for (std::size_t j = 0; j < d; ++j) z[r * d + j] *= factor;
        }
        if (const auto end = coder.finish(); !end) return end.error().shifted_by(reader.position());
        float_rows out{count, d, std::vector<float>(count * d)};
        axes_.expand(z, out.view());
        for (const float v : out.values)
            if (!(v <= 2 * largest_coordinate && v >= -2 * largest_coordinate))
                return reader.fail(error_code::bad_stream, "a coordinate out of range");
        return out;
    }

    mean_and_axes<Arch> axes_;
    std::vector<float> centre_;   // the mean along the axes
    std::vector<float> weights_;  // of coordinates
};

}  // namespace pith::inline v1::vector
