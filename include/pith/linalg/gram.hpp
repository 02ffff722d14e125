// Second moments of activations, H = E[x x^T] and C = E[x y^T], gathered batch by batch.
// Products of a batch are taken in float, batches are summed in double as plain sums with a count: the
// running mean that published programs keep depends on the order and loses digits.
#pragma once

#include <vector>

#include <pith/linalg/product.hpp>

namespace pith::inline v1::linalg {

/// Gathers E[x x^T] and E[x] of vectors of n values. Memory: 8 n^2 bytes, and 4 MB while adding.
class second_moment {
  public:
    explicit second_moment(std::size_t n) : sum_(n, n), first_(n) {}

    /// Adds one sample a row, samples.rows() x n. Errors: unsupported_parameter for another width or a value
    /// that is not finite; nothing is added then.
    template <class T = float>
    result<void> add(input<T> samples) {
        if (samples.columns() != sum_.rows()) return wrong_shape();
        if (!all_finite<T>(samples)) return not_finite();
        const std::size_t widest = lesser(sum_.rows(), tile);
        matrix<T> part(widest, widest);
        for (std::size_t r = 0; r < samples.rows(); r += batch)
            add_batch<T>(samples.block(r, 0, lesser(samples.rows() - r, batch), samples.columns()), part);
        count_ += samples.rows();
        return {};
    }

    [[nodiscard]] std::size_t dimension() const noexcept { return sum_.rows(); }
    [[nodiscard]] std::size_t count() const noexcept { return count_; }
    /// E[x x^T], symmetric; zero without samples.
    [[nodiscard]] matrix<double> moment() const {
        // Turned by whole cache lines of eight: lines of a square matrix of 2^k lie in few sets of the
        // caches.
        constexpr std::size_t strip = 8;
        const std::size_t n = sum_.rows();
        auto out = matrix<double>::unset(n, n);
        const double scale = count_ == 0 ? 0 : 1 / static_cast<double>(count_);
        for (std::size_t i0 = 0; i0 < n; i0 += strip) {
            const std::size_t i1 = lesser(n, i0 + strip);
            for (std::size_t i = i0; i < i1; ++i)
                for (std::size_t j = i; j < n; ++j) out(i, j) = scale * sum_(i, j);
            for (std::size_t j = i0; j < n; ++j)
                for (std::size_t i = i0; i < i1 && i < j; ++i) out(j, i) = scale * sum_(i, j);
        }
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
    static constexpr std::size_t tile = 1024;  ///< of one product
    static constexpr std::size_t lesser(std::size_t a, std::size_t b) noexcept { return a < b ? a : b; }

    template <class T>
    void add_batch(view_2d<const T> x, matrix<T>& part) {
        add_square<T>(x, 0, sum_.rows(), part);
        for (std::size_t r = 0; r < x.rows(); ++r)
            for (std::size_t c = 0; c < sum_.rows(); ++c) first_[c] += static_cast<double>(x(r, c));
    }
    /// Columns first .. last - 1 with each other, by halves: only the upper triangle, in large products.
    template <class T>
    void add_square(view_2d<const T> x, std::size_t first, std::size_t last, matrix<T>& part) {
        constexpr std::size_t small = 160;
        if (last - first <= small) return add_product<T>(x, {first, last}, {first, last}, part);
        const std::size_t middle = first + (last - first) / 2;
        add_square<T>(x, first, middle, part);
        add_square<T>(x, middle, last, part);
        for (std::size_t i = first; i < middle; i += tile)
            for (std::size_t j = middle; j < last; j += tile)
                add_product<T>(x, {i, lesser(middle, i + tile)}, {j, lesser(last, j + tile)}, part);
    }
    struct range {
        std::size_t first, last;
    };
    template <class T>
    void add_product(view_2d<const T> x, range rows, range columns, matrix<T>& part) {
        const std::size_t m = rows.last - rows.first, n = columns.last - columns.first;
        const view_2d<T> to(part.data(), m, n, n);
        for (std::size_t i = 0; i < m * n; ++i) part.data()[i] = 0;
        multiply_add<T>(1, x.block(0, rows.first, x.rows(), m).transposed(),
                        x.block(0, columns.first, x.rows(), n), to);
        for (std::size_t r = 0; r < m; ++r) {
            double* const line = sum_.row(rows.first + r).data() + columns.first;
            const T* const from = part.data() + r * n;
            for (std::size_t c = 0; c < n; ++c) line[c] += static_cast<double>(from[c]);
        }
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
