// Parts of non-uniform quantization: lines brought to [-1, 1], by their range or by calibrated ones, and
// levels fitted to samples. KVQuant (Hooper et al., 2024): ranges of key channels and levels fitted offline,
// weighted by sensitivity; here E[q^2] stands for the Fisher information.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include <pith/core/bits.hpp>
#include <pith/core/exact.hpp>
#include <pith/kv/block_part.hpp>
#include <pith/kv/calibration.hpp>
#include <pith/quant/grid.hpp>
#include <pith/quant/groups.hpp>

namespace pith::inline v1::kv {

/// A line's middle and half its width.
struct line_range {
    float middle = 0, radius = 1;
};

/// A stage: every channel (or token) minus the middle of its range, over half its width; both as halves.
template <quant::axis Along>
requires(Along != quant::axis::tensor) struct own_ranges {
    static constexpr const char* name = Along == quant::axis::channel ? "channel ranges" : "token ranges";

    template <block_part Inner>
    void write(view_2d<const float> x, const block_scope& scope, byte_output& out, const Inner& inner) const {
        matrix rest(x);
        const auto lines = oriented(rest.view());
        for (std::size_t l = 0; l < lines.rows() && lines.columns() != 0; ++l) {
            const auto line = lines.row(l);
            float low = line[0], high = line[0];
            for (std::size_t i = 0; i < line.size(); ++i) {
                low = std::min(low, line[i]);
                high = std::max(high, line[i]);
            }
            const line_range range{as_half(low / 2 + high / 2), as_half(high / 2 - low / 2)};
            put_half(out, range.middle);
            put_half(out, range.radius);
            for (std::size_t i = 0; i < line.size(); ++i)
                line[i] = range.radius > 0 ? (line[i] - range.middle) / range.radius : 0;
        }
        inner.write(std::as_const(rest).view(), scope, out);
    }
    template <block_part Inner>
    [[nodiscard]] result<void> read(byte_reader& in, const block_scope& scope, view_2d<float> y,
                                    const Inner& inner) const {
        const auto lines = oriented(y);
        std::vector<float> ranges(lines.columns() == 0 ? 0 : 2 * lines.rows());
        if (const auto done = read_halves(in, ranges); !done) return done.error();
        if (const auto done = inner.read(in, scope, y); !done) return done.error();
        for (std::size_t l = 0; 2 * l < ranges.size(); ++l) {
            if (ranges[2 * l + 1] < 0) return in.fail(error_code::bad_stream, "a width below zero");
            for (std::size_t i = 0; i < lines.columns(); ++i)
                lines(l, i) = exact::mul_add(lines(l, i), ranges[2 * l + 1], ranges[2 * l]);
        }
        return {};
    }

  private:
    template <class T>
    [[nodiscard]] static view_2d<T> oriented(view_2d<T> x) noexcept {
        return Along == quant::axis::channel ? x.transposed() : x;
    }
};

/// A stage: the same with ranges of every layer's channels that were fitted beforehand; nothing is stored.
/// Precondition: ranges of every layer, of one layer's channels; lanes of all heads.
class fitted_ranges {
  public:
    static constexpr const char* name = "fitted ranges";

    explicit fitted_ranges(std::vector<std::vector<line_range>> layers)
        : layers_(std::make_shared<const std::vector<std::vector<line_range>>>(std::move(layers))) {}

    template <block_part Inner>
    void write(view_2d<const float> x, const block_scope& scope, byte_output& out, const Inner& inner) const {
        const auto& ranges = of(scope, x.columns());
        matrix rest(x);
        for (std::size_t r = 0; r < x.rows(); ++r)
            for (std::size_t c = 0; c < x.columns(); ++c)
                rest(r, c) = (x(r, c) - ranges[c].middle) / ranges[c].radius;
        inner.write(std::as_const(rest).view(), scope, out);
    }
    template <block_part Inner>
    [[nodiscard]] result<void> read(byte_reader& in, const block_scope& scope, view_2d<float> y,
                                    const Inner& inner) const {
        const auto& ranges = of(scope, y.columns());
        if (const auto done = inner.read(in, scope, y); !done) return done.error();
        for (std::size_t r = 0; r < y.rows(); ++r)
            for (std::size_t c = 0; c < y.columns(); ++c)
                y(r, c) = exact::mul_add(y(r, c), ranges[c].radius, ranges[c].middle);
        return {};
    }
    [[nodiscard]] std::size_t constant_bytes() const noexcept {
        std::size_t sum = 0;
        for (const auto& layer : *layers_) sum += sizeof(line_range) * layer.size();
        return sum;
    }

    [[nodiscard]] std::uint64_t fingerprint() const noexcept {
        detail::mark out;
        for (const auto& layer : *layers_)
            for (const line_range& r : layer) out.add(std::array{r.middle, r.radius});
        return out.value();
    }

  private:
    [[nodiscard]] const std::vector<line_range>& of(const block_scope& scope,
                                                    [[maybe_unused]] std::size_t columns) const noexcept {
        PITH_ASSERT(scope.first_layer < layers_->size() && (*layers_)[scope.first_layer].size() == columns);
        return (*layers_)[scope.first_layer];
    }
    std::shared_ptr<const std::vector<std::vector<line_range>>> layers_;
};

/// The range of every channel without the `outlying` part of its samples, half of it at either end.
[[nodiscard]] inline std::vector<line_range> fit_ranges(view_2d<const float> samples, double outlying) {
    std::vector<line_range> out(samples.columns());
    std::vector<float> line(samples.rows());
    for (std::size_t c = 0; c < out.size() && !line.empty(); ++c) {
        for (std::size_t r = 0; r < line.size(); ++r) line[r] = samples(r, c);
        std::sort(line.begin(), line.end());
        const auto skipped = static_cast<std::size_t>(outlying / 2 * static_cast<double>(line.size()));
        const float low = line[skipped], high = line[line.size() - 1 - skipped];
        out[c] = {low / 2 + high / 2, high > low ? high / 2 - low / 2 : 1};
    }
    return out;
}

/// A leaf: the nearest of 2^Bits levels, which are constants: one list for all layers, or one for each.
template <unsigned Bits>
class levels {
  public:
    static constexpr auto text = detail::numbered_name("levels", {Bits});
    static constexpr const char* name = text.data();

    explicit levels(quant::grid<Bits> grid) : levels(std::vector<quant::grid<Bits>>{std::move(grid)}) {}
    explicit levels(std::vector<quant::grid<Bits>> layers)
        : layers_(std::make_shared<const std::vector<quant::grid<Bits>>>(std::move(layers))) {
        PITH_ASSERT(!layers_->empty());
    }

    void write(view_2d<const float> x, const block_scope& scope, byte_output& out) const {
        bit_writer writer(out);
        for (std::size_t r = 0; r < x.rows(); ++r)
            for (std::size_t c = 0; c < x.columns(); ++c) writer.put(of(scope).nearest(x(r, c)), Bits);
        writer.finish();
    }
    [[nodiscard]] result<void> read(byte_reader& in, const block_scope& scope,
                                    view_2d<float> y) const noexcept {
        const auto bytes = in.read_bytes((y.size() * Bits + 7) / 8);
        if (!bytes) return bytes.error();
        bit_reader reader(*bytes);
        const auto list = of(scope).levels();
        for (std::size_t r = 0; r < y.rows(); ++r)
            for (std::size_t c = 0; c < y.columns(); ++c) {
                const std::uint64_t code = reader.get(Bits);
                if (code >= list.size()) return in.fail(error_code::bad_stream, "a code without a level");
                y(r, c) = list[code];
            }
        if (!reader.padding_is_zero())
            return in.fail(error_code::bad_stream, "bits behind the last code are set");
        return {};
    }
    [[nodiscard]] std::size_t constant_bytes() const noexcept {
        return layers_->size() * sizeof(float) * (std::size_t{1} << Bits);
    }

    [[nodiscard]] std::uint64_t fingerprint() const noexcept {
        detail::mark out;
        for (const auto& grid : *layers_) out.add(grid.levels());
        return out.value();
    }

  private:
    [[nodiscard]] const quant::grid<Bits>& of(const block_scope& scope) const noexcept {
        return (*layers_)[layers_->size() == 1 ? 0 : std::min(scope.first_layer, layers_->size() - 1)];
    }
    std::shared_ptr<const std::vector<quant::grid<Bits>>> layers_;
};

/// 2^Bits levels of least weighted squared error for values in [-1, 1] (others are left out): k-means over a
/// histogram. weights: one for each column, or none. Encoder-side.
template <unsigned Bits>
[[nodiscard]] inline quant::grid<Bits> fit_levels(view_2d<const float> values,
                                                  std::span<const float> weights = {}) {
    constexpr std::size_t cells = 4096, n = std::size_t{1} << Bits;
    std::vector<double> mass(cells), moment(cells);
    for (std::size_t r = 0; r < values.rows(); ++r)
        for (std::size_t c = 0; c < values.columns(); ++c) {
            const float v = values(r, c);
            if (!(v >= -1 && v <= 1)) continue;
            const double weight = weights.empty() ? 1 : double{weights[c]};
            const auto cell = std::min(cells - 1, static_cast<std::size_t>((double{v} + 1) / 2 * cells));
            mass[cell] += weight;
            moment[cell] += weight * double{v};
        }
    std::array<double, n> level{};
    for (std::size_t k = 0; k < n; ++k) level[k] = (2 * static_cast<double>(k) + 1) / n - 1;
    for (int round = 0; round < 60; ++round) {
        std::array<double, n> sum{}, count{};
        for (std::size_t cell = 0, k = 0; cell < cells; ++cell) {
            const double place = (2 * static_cast<double>(cell) + 1) / cells - 1;
            while (k + 1 < n && place > (level[k] + level[k + 1]) / 2) ++k;
            sum[k] += moment[cell];
            count[k] += mass[cell];
        }
        for (std::size_t k = 0; k < n; ++k)
            if (count[k] > 0) level[k] = sum[k] / count[k];
    }
    std::vector<float> out;
    for (const double v : level)
        if (out.empty() || static_cast<float>(v) > out.back()) out.push_back(static_cast<float>(v));
    return quant::grid<Bits>(out);
}

}  // namespace pith::inline v1::kv
