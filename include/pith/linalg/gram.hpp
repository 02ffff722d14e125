// Second moments of activations, H = E[x x^T] and C = E[x y^T], gathered batch by batch.
// Products of a batch are taken in float, batches are summed in double as plain sums with a count: the
// running mean that published programs keep depends on the order and loses digits.
#pragma once

#include <vector>

#include <pith/linalg/product.hpp>

namespace pith::inline v1::linalg {

/// Gathers E[x x^T] and E[x] of vectors of n values. Memory: 8 n^2 bytes and a strip.
class second_moment {
  public:
    explicit second_moment(std::size_t n) : sum_(n, n), first_(n) {}

    /// Adds one sample a row, samples.rows() x n. Errors: unsupported_parameter for another width or a value
    /// that is not finite; nothing is added then.
    template <class T = float>
    result<void> add(input<T> samples) {
        if (samples.columns() != sum_.rows()) return wrong_shape();
        if (!all_finite<T>(samples)) return not_finite();
        for (std::size_t r = 0; r < samples.rows(); r += batch)
            add_batch<T>(samples.block(r, 0, lesser(samples.rows() - r, batch), samples.columns()));
        count_ += samples.rows();
        return {};
    }

    [[nodiscard]] std::size_t dimension() const noexcept { return sum_.rows(); }
    [[nodiscard]] std::size_t count() const noexcept { return count_; }
    /// E[x x^T], symmetric; zero without samples.
    [[nodiscard]] matrix<double> moment() const {
        constexpr std::size_t tile = 64;
        const std::size_t n = sum_.rows();
        matrix<double> out(n, n);
        const double scale = count_ == 0 ? 0 : 1 / static_cast<double>(count_);
        for (std::size_t i0 = 0; i0 < n; i0 += tile)
            for (std::size_t j0 = i0; j0 < n; j0 += tile)
                for (std::size_t i = i0; i < lesser(n, i0 + tile); ++i)
                    for (std::size_t j = j0 > i ? j0 : i; j < lesser(n, j0 + tile); ++j)
                        out(i, j) = out(j, i) = scale * sum_(i, j);
        return out;
    }
    /// E[x].
    [[nodiscard]] std::vector<double> mean() const {
        std::vector<double> out = first_;
        for (double& v : out) v *= count_ == 0 ? 0 : 1 / static_cast<double>(count_);
        return out;
    }

  private:
    static constexpr std::size_t batch = 2048;
    static constexpr std::size_t strip = 256;
    static constexpr std::size_t lesser(std::size_t a, std::size_t b) noexcept { return a < b ? a : b; }

    // Only strips of the upper triangle.
    template <class T>
    void add_batch(view_2d<const T> x) {
        const std::size_t n = sum_.rows();
        for (std::size_t i = 0; i < n; i += strip) {
            const std::size_t rows = lesser(n - i, strip);
            const matrix<T> part =
                multiply<T>(x.block(0, i, x.rows(), rows).transposed(), x.block(0, i, x.rows(), n - i));
            for (std::size_t r = 0; r < rows; ++r) {
                double* const to = sum_.data() + (i + r) * n + i;
                const T* const from = part.data() + r * (n - i);
                for (std::size_t c = r; c < n - i; ++c) to[c] += static_cast<double>(from[c]);
            }
        }
        for (std::size_t r = 0; r < x.rows(); ++r)
            for (std::size_t c = 0; c < n; ++c) first_[c] += static_cast<double>(x(r, c));
    }

    matrix<double> sum_;
    std::vector<double> first_;
    std::size_t count_ = 0;
};

/// Gathers C = E[x y^T] of pairs: x what a layer gets in the original network, y in the compressed one.
class cross_moment {
  public:
    cross_moment(std::size_t rows, std::size_t columns) : sum_(rows, columns) {}

    /// Adds one pair a row: x is k x rows, y is k x columns. Errors as in second_moment.
    template <class T = float>
    result<void> add(input<T> x, input<T> y) {
        if (x.rows() != y.rows() || x.columns() != sum_.rows() || y.columns() != sum_.columns())
            return wrong_shape();
        if (!all_finite<T>(x) || !all_finite<T>(y)) return not_finite();
        constexpr std::size_t batch = 1024;
        for (std::size_t r = 0; r < x.rows(); r += batch) {
            const std::size_t rows = x.rows() - r < batch ? x.rows() - r : batch;
            const matrix<T> part =
                multiply<T>(x.block(r, 0, rows, x.columns()).transposed(), y.block(r, 0, rows, y.columns()));
            for (std::size_t i = 0; i < part.size(); ++i)
                sum_.data()[i] += static_cast<double>(part.data()[i]);
        }
        count_ += x.rows();
        return {};
    }
    [[nodiscard]] std::size_t count() const noexcept { return count_; }
    [[nodiscard]] matrix<double> moment() const {
        matrix<double> out = sum_;
        const double scale = count_ == 0 ? 0 : 1 / static_cast<double>(count_);
        for (std::size_t i = 0; i < out.size(); ++i) out.data()[i] *= scale;
        return out;
    }

  private:
    matrix<double> sum_;
    std::size_t count_ = 0;
};

}  // namespace pith::inline v1::linalg
