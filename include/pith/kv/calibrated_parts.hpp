// Parts with constants fitted beforehand on another text: projections, prediction from the layer before.
// CSKV (Wang et al., 2024) and MatryoshkaKV (Lin et al., 2024) without their training: the principal axes;
// AQUA-KV (Shutova et al., 2025): ridge regression. Constants are shared by copies and counted apart.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include <pith/core/exact.hpp>
#include <pith/kv/block_part.hpp>
#include <pith/kv/calibration.hpp>
#include <pith/kv/factors.hpp>
#include <pith/transform/principal_axes.hpp>

namespace pith::inline v1::kv {

/// Coordinates of a layer's row are down x, and x ~ up^T coordinates; both rank x channels.
struct projection {
    matrix down, up;
};

namespace detail {

/// The sum over rows of x^T x, of all columns.
[[nodiscard]] inline std::vector<double> second_moment(view_2d<const float> x) {
    const std::size_t n = x.columns();
    std::vector<double> out(n * n);
    for (std::size_t r = 0; r < x.rows(); ++r)
        for (std::size_t i = 0; i < n; ++i)
            for (std::size_t j = 0; j < n; ++j) out[i * n + j] += double{x(r, i)} * double{x(r, j)};
    return out;
}

}  // namespace detail

/// The projection of given rank that loses least of the samples' energy, errors of channel c weighing
/// weights[c] > 0 (squared); no weights: all alike. Encoder-side.
[[nodiscard]] inline projection fit_projection(view_2d<const float> samples, std::size_t rank,
                                               std::span<const float> weights = {}) {
    matrix scaled(samples);
    const auto weight = [&](std::size_t c) { return weights.empty() ? 1.0F : std::sqrt(weights[c]); };
    for (std::size_t r = 0; r < scaled.rows(); ++r)
        for (std::size_t c = 0; c < scaled.columns(); ++c) scaled(r, c) *= weight(c);
    matrix axes = low_rank_factors(std::as_const(scaled).view(), rank, 6).right;
    detail::orthonormalize(axes);
    projection out{axes, axes};
    for (std::size_t j = 0; j < axes.rows(); ++j)
        for (std::size_t c = 0; c < axes.columns(); ++c) {
            out.down(j, c) *= weight(c);
            out.up(j, c) /= weight(c);
        }
    return out;
}
/// Principal axes of every head by itself; of all heads' axes the `rank` of largest energy, so that each head
/// gets the rank at which the next axis gains as much as in the others. Encoder-side.
[[nodiscard]] inline projection fit_head_projection(view_2d<const float> samples, std::size_t head_size,
                                                    std::size_t rank) {
    PITH_ASSERT(head_size != 0 && samples.columns() % head_size == 0 && rank <= samples.columns());
    struct axis {
        double energy;
        std::size_t head, index;
    };
    std::vector<axis> axes;
    std::vector<transform::eigen_system> heads;
    for (std::size_t h = 0; h * head_size < samples.columns(); ++h) {
        heads.push_back(transform::symmetric_eigen(
            detail::second_moment(samples.block(0, h * head_size, samples.rows(), head_size)), head_size));
        for (std::size_t i = 0; i < head_size; ++i) axes.push_back({heads[h].values[i], h, i});
    }
    std::sort(axes.begin(), axes.end(), [](const axis& a, const axis& b) {
        if (a.energy != b.energy) return a.energy > b.energy;
        return a.head != b.head ? a.head < b.head : a.index < b.index;
    });
    axes.resize(rank);
    matrix basis(rank, samples.columns());
    for (std::size_t j = 0; j < rank; ++j)
        for (std::size_t i = 0; i < head_size; ++i)
            basis(j, axes[j].head * head_size + i) =
                static_cast<float>(heads[axes[j].head].vectors[axes[j].index * head_size + i]);
    return {basis, basis};
}
/// The mean square of every key channel's queries over the query heads that read it: what weighs its errors.
[[nodiscard]] inline std::vector<float> query_weights(const calibration& sample, std::size_t layer) {
    const std::size_t d = sample.shape.head_size, group = sample.shape.queries_per_head();
    const auto queries = sample.queries_of(layer);
    std::vector<float> out(sample.shape.key_channels(), 1e-6F);
    for (std::size_t r = 0; r < queries.rows(); ++r)
        for (std::size_t q = 0; q < queries.columns(); ++q)
            out[q / d / group * d + q % d] +=
                queries(r, q) * queries(r, q) / static_cast<float>(queries.rows() * group);
    return out;
}

/// A stage: rows become their coordinates under the projection of their layer; what follows codes those.
/// Precondition: a projection for every layer, of one layer's channels; lanes of all heads.
class projected {
  public:
    static constexpr const char* name = "projection";

    explicit projected(std::vector<projection> layers)
        : layers_(std::make_shared<const std::vector<projection>>(std::move(layers))) {}

    template <block_part Inner>
    void write(view_2d<const float> x, const block_scope& scope, byte_output& out, const Inner& inner) const {
        const projection& p = of(scope, x.columns());
        matrix coordinates(x.rows(), p.down.rows());
        const matrix rows(x);
        for (std::size_t r = 0; r < x.rows(); ++r)
            for (std::size_t j = 0; j < p.down.rows(); ++j)
                coordinates(r, j) = exact::dot(p.down.row(j), rows.row(r));
        inner.write(std::as_const(coordinates).view(), scope_of_columns(scope, p.down.rows()), out);
    }
    template <block_part Inner>
    [[nodiscard]] result<void> read(byte_reader& in, const block_scope& scope, view_2d<float> y,
                                    const Inner& inner) const {
        const projection& p = of(scope, y.columns());
        matrix coordinates(y.rows(), p.up.rows());
        if (const auto done = inner.read(in, scope_of_columns(scope, p.up.rows()), coordinates.view()); !done)
            return done.error();
        std::vector<float> row(y.columns());
        for (std::size_t r = 0; r < y.rows(); ++r) {
            std::fill(row.begin(), row.end(), 0.0F);
            for (std::size_t j = 0; j < p.up.rows(); ++j)
                exact::add_scaled(row, coordinates(r, j), p.up.row(j));
            for (std::size_t c = 0; c < row.size(); ++c) y(r, c) = row[c];
        }
        return {};
    }
    /// As floats; a projection whose two matrices are one counts twice.
    [[nodiscard]] std::size_t constant_bytes() const noexcept {
        std::size_t sum = 0;
        for (const projection& p : *layers_) sum += 2 * sizeof(float) * p.down.rows() * p.down.columns();
        return sum;
    }

    [[nodiscard]] std::uint64_t fingerprint() const noexcept {
        detail::mark out;
        for (const projection& p : *layers_)
            for (std::size_t j = 0; j < p.down.rows(); ++j) out.add(p.down.row(j)).add(p.up.row(j));
        return out.value();
    }

  private:
    [[nodiscard]] const projection& of(const block_scope& scope,
                                       [[maybe_unused]] std::size_t columns) const noexcept {
        PITH_ASSERT(scope.first_layer < layers_->size());
        const projection& p = (*layers_)[scope.first_layer];
        PITH_ASSERT(p.down.columns() == columns && p.up.columns() == columns);
        return p;
    }
    std::shared_ptr<const std::vector<projection>> layers_;
};

/// Predicts a row as bias + sum over inputs i of input[i] * weights.row(i); no rows: predicts nothing.
struct linear_prediction {
    matrix weights;
    std::vector<float> bias;
};

/// Least squares of `targets` from `inputs` (equal rows), with a ridge of `ridge` times the inputs' mean
/// energy. Encoder-side.
[[nodiscard]] inline linear_prediction fit_prediction(view_2d<const float> inputs,
                                                      view_2d<const float> targets, double ridge = 1e-3) {
    PITH_ASSERT(inputs.rows() == targets.rows() && !inputs.empty());
    const std::size_t n = inputs.columns(), m = targets.columns(), rows = inputs.rows();
    matrix x(inputs), y(targets);
    const auto centred = [&](matrix& a) {
        std::vector<double> mean(a.columns());
        for (std::size_t r = 0; r < rows; ++r)
            for (std::size_t c = 0; c < mean.size(); ++c)
                mean[c] += double{a(r, c)} / static_cast<double>(rows);
        for (std::size_t r = 0; r < rows; ++r)
            for (std::size_t c = 0; c < mean.size(); ++c) a(r, c) -= static_cast<float>(mean[c]);
        return mean;
    };
    const auto input_mean = centred(x), target_mean = centred(y);
    std::vector<double> gram = detail::second_moment(std::as_const(x).view()), cross(n * m);
    for (std::size_t r = 0; r < rows; ++r)
        for (std::size_t i = 0; i < n; ++i)
            for (std::size_t j = 0; j < m; ++j) cross[i * m + j] += double{x(r, i)} * double{y(r, j)};
    double energy = 0;
    for (std::size_t i = 0; i < n; ++i) energy += gram[i * n + i];
    for (std::size_t i = 0; i < n; ++i) gram[i * n + i] += ridge * energy / static_cast<double>(n) + 1e-12;
    linear_prediction out;
    if (!solve_positive(gram, cross, n)) return out;
    out.weights = matrix(n, m);
    for (std::size_t j = 0; j < m; ++j) {
        double bias = target_mean[j];
        for (std::size_t i = 0; i < n; ++i) {
            out.weights(i, j) = static_cast<float>(cross[i * m + j]);
            bias -= input_mean[i] * cross[i * m + j];
        }
        out.bias.push_back(static_cast<float>(bias));
    }
    return out;
}

/// A stage: subtracts what the layer before tells, closed loop. Keys are predicted from the reconstructed
/// keys of the layer before; values from this layer's reconstructed keys and the values of the layer before,
/// side by side. Where the scope has none of them, or the layer no prediction, nothing is subtracted.
class cross_layer {
  public:
    static constexpr const char* name = "cross-layer";
    static constexpr bool uses_previous = true;
    static constexpr bool uses_current_keys = true;

    /// One prediction for each layer.
    explicit cross_layer(std::vector<linear_prediction> layers)
        : layers_(std::make_shared<const std::vector<linear_prediction>>(std::move(layers))) {}

    template <block_part Inner>
    void write(view_2d<const float> x, const block_scope& scope, byte_output& out, const Inner& inner) const {
        matrix rest(x);
        const matrix told = predicted(scope, x.rows(), x.columns());
        for (std::size_t r = 0; r < told.rows(); ++r)
            for (std::size_t c = 0; c < told.columns(); ++c) rest(r, c) -= told(r, c);
        inner.write(std::as_const(rest).view(), scope, out);
    }
    template <block_part Inner>
    [[nodiscard]] result<void> read(byte_reader& in, const block_scope& scope, view_2d<float> y,
                                    const Inner& inner) const {
        if (const auto done = inner.read(in, scope, y); !done) return done.error();
        const matrix told = predicted(scope, y.rows(), y.columns());
        for (std::size_t r = 0; r < told.rows(); ++r)
            for (std::size_t c = 0; c < told.columns(); ++c) y(r, c) += told(r, c);
        return {};
    }
    [[nodiscard]] std::size_t constant_bytes() const noexcept {
        std::size_t sum = 0;
        for (const auto& p : *layers_)
            sum += sizeof(float) * (p.weights.rows() * p.weights.columns() + p.bias.size());
        return sum;
    }

    [[nodiscard]] std::uint64_t fingerprint() const noexcept {
        detail::mark out;
        for (const auto& p : *layers_) {
            for (std::size_t i = 0; i < p.weights.rows(); ++i) out.add(p.weights.row(i));
            out.add(p.bias);
        }
        return out.value();
    }

  private:
    /// Empty where nothing is predicted.
    [[nodiscard]] matrix predicted(const block_scope& scope, std::size_t rows, std::size_t columns) const {
        if (scope.first_layer >= layers_->size()) return {};
        const linear_prediction& p = (*layers_)[scope.first_layer];
        const bool keys = scope.kind == tensor_kind::keys;
        const view_2d<const float> first = keys ? scope.previous_keys : scope.current_keys;
        const view_2d<const float> second = keys ? view_2d<const float>() : scope.previous_values;
        if (first.empty() || (!keys && second.empty()) || first.rows() != rows ||
            p.weights.rows() != first.columns() + second.columns() || p.weights.columns() != columns)
            return {};
        matrix out(rows, columns);
        for (std::size_t r = 0; r < rows; ++r) {
            const auto row = out.row(r);
            std::copy(p.bias.begin(), p.bias.end(), row.begin());
            for (std::size_t i = 0; i < p.weights.rows(); ++i) {
                const float input = i < first.columns() ? first(r, i) : second(r, i - first.columns());
                exact::add_scaled(row, input, p.weights.row(i));
            }
        }
        return out;
    }
    std::shared_ptr<const std::vector<linear_prediction>> layers_;
};

/// The predictions of keys (or values) of all layers from a sample, as cross_layer takes them. Encoder-side.
[[nodiscard]] inline std::vector<linear_prediction> fit_cross_layer(const calibration& sample,
                                                                    tensor_kind kind) {
    std::vector<linear_prediction> out(sample.shape.layers);
    for (std::size_t layer = 1; layer < out.size() && !sample.empty(); ++layer) {
        if (kind == tensor_kind::keys) {
            out[layer] = fit_prediction(sample.keys_of(layer - 1), sample.keys_of(layer));
            continue;
        }
        const auto keys = sample.keys_of(layer), values = sample.values_of(layer - 1);
        matrix inputs(keys.rows(), 2 * keys.columns());
        copy_into(keys, inputs.view().block(0, 0, keys.rows(), keys.columns()));
        copy_into(values, inputs.view().block(0, keys.columns(), keys.rows(), keys.columns()));
        out[layer] = fit_prediction(std::as_const(inputs).view(), sample.values_of(layer));
    }
    return out;
}

}  // namespace pith::inline v1::kv
