// Weights that a grid would hurt too much, kept apart and exact.
// SpQR (Dettmers and others, 2023): a weight is an outlier when its rounding error, weighed by its
// conditional deviation, exceeds a share of the mean weighed variance; grids are fitted without outliers.
// Differs in that the grids of the first pass are those of the whole group, not of all but one.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <utility>
#include <vector>

#include <pith/calibrate/concepts.hpp>
#include <pith/calibrate/exact_weights.hpp>
#include <pith/core/number.hpp>
#include <pith/linalg/matrix.hpp>

namespace pith::inline v1::calibrate {

/// Inner for all weights but outliers, which are stored in half precision. Precondition: Inner has groups.
template <column_quantizer Inner>
class outliers_apart {
  public:
    struct outlier {
        std::uint32_t position, row;
        half value;
    };

    /// threshold: weighed squared rounding error of an outlier, in mean weighed variances of a weight;
    /// infinity leaves Inner alone.
    outliers_apart(Inner inner, double threshold) : inner_(std::move(inner)), threshold_(threshold) {
        PITH_ASSERT(inner_.group() != 0);
    }

    [[nodiscard]] std::size_t group() const noexcept { return inner_.group(); }
    result<void> start(view_2d<const float> weights, std::span<const float> deviation) {
        rows_ = weights.columns();
        deviation_.assign(deviation.begin(), deviation.end());
        outliers_.clear();
        double weighed = 0;
        for (std::size_t j = 0; j < weights.rows(); ++j) {
            double sum = 0, squares = 0;
            for (std::size_t r = 0; r < rows_; ++r) {
                const auto w = static_cast<double>(weights(j, r));
                sum += w;
                squares += w * w;
            }
            const double n = static_cast<double>(rows_), d = static_cast<double>(deviation[j]);
            weighed += (squares / n - sum / n * (sum / n)) * d * d / static_cast<double>(weights.rows());
        }
        most_ = threshold_ * weighed;
        marks_.assign(group() * rows_, 0);
        rounded_.assign(rows_, 0);
        return inner_.start(weights, deviation);
    }
    void fit(std::size_t first, view_2d<const float> running) {
        first_ = first;
        std::fill(marks_.begin(), marks_.end(), std::uint8_t{0});
        inner_.fit(first, running);
        if (!(most_ < 1e300)) return;
        bool any = false;
        for (std::size_t j = 0; j < running.rows(); ++j) {
            const auto line = running.row(j).as_span();
            inner_.quantize(first + j, line, rounded_);
            for (std::size_t r = 0; r < rows_; ++r) {
                const double e = static_cast<double>((line[r] - rounded_[r]) * deviation_[first + j]);
                marks_[j * rows_ + r] = e * e > most_;
                any = any || e * e > most_;
            }
        }
        if (any) inner_.fit(first, without_outliers(running).view());
    }
    void quantize(std::size_t position, std::span<const float> running, std::span<float> out) {
        inner_.quantize(position, running, out);
        for (std::size_t r = 0; r < rows_; ++r) {
            const half exact(running[r]);
            if (marks_[(position - first_) * rows_ + r] == 0 || !std::isfinite(float(exact))) continue;
            out[r] = float(exact);
            outliers_.push_back({static_cast<std::uint32_t>(position), static_cast<std::uint32_t>(r), exact});
        }
    }

    [[nodiscard]] const Inner& inner() const noexcept { return inner_; }
    /// All that decode_outliers_apart needs: what Inner's decoder reads, with its size, and the outliers.
    [[nodiscard]] std::vector<std::uint8_t> encoded(std::span<const std::uint32_t> order) const requires
        requires(const Inner& q) {
        q.encoded(order);
    }
    {
        const std::vector<std::uint8_t> inner = inner_.encoded(order);
        std::vector<exact_weight> kept;
        for (const outlier& o : outliers_) kept.push_back({o.row, order[o.position], o.value});
        std::sort(kept.begin(), kept.end());
        std::vector<std::uint8_t> out;
        vector_sink sink(out);
        put_varint(sink, inner.size());
        sink.append(inner);
        put_exact_weights(sink, rows_, order.size(), kept);
        return out;
    }
    /// By position, then row.
    [[nodiscard]] const std::vector<outlier>& outliers() const noexcept { return outliers_; }

  private:
    /// Outliers become the mean of the others of their row.
    [[nodiscard]] linalg::matrix<float> without_outliers(view_2d<const float> running) const {
        auto out = linalg::matrix<float>::copy_of(running);
        for (std::size_t r = 0; r < rows_; ++r) {
            float sum = 0, count = 0;
            for (std::size_t j = 0; j < out.rows(); ++j)
                if (marks_[j * rows_ + r] == 0) {
                    sum += out(j, r);
                    ++count;
                }
            for (std::size_t j = 0; j < out.rows(); ++j)
                if (marks_[j * rows_ + r] != 0) out(j, r) = count > 0 ? sum / count : 0.0F;
        }
        return out;
    }

    Inner inner_;
    double threshold_, most_ = 0;
    std::size_t rows_ = 0, first_ = 0;
    std::vector<float> deviation_, rounded_;
    std::vector<std::uint8_t> marks_;  // of the present group
    std::vector<outlier> outliers_;
};

/// The weights of a stream of outliers_apart; decode_inner(bytes) gives result<matrix<float>> for those of
/// Inner. Errors: of outside bytes.
template <class Decode>
[[nodiscard]] result<linalg::matrix<float>> decode_outliers_apart(byte_view in, const Decode& decode_inner) {
    byte_reader reader(in);
    const auto size = reader.read_varint();
    if (!size) return size.error();
    const auto inner = reader.read_bytes(*size);
    if (!inner) return inner.error();
    result<linalg::matrix<float>> out = decode_inner(*inner);
    if (!out) return out.error().shifted_by(reader.position() - inner->size());
    if (const auto exact = get_exact_weights(reader, *out); !exact) return exact.error();
    return out;
}

}  // namespace pith::inline v1::calibrate
