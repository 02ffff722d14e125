// In which norm an error of weights counts: plain, with a moment for every input, or with the full second
// moment. EoRA, SVD-LLM, Dobi-SVD: full; SLiM, LQER, ASVD: diagonal; plain decompositions: neither.
#pragma once

#include <concepts>
#include <cstddef>
#include <utility>
#include <vector>

#include <pith/linalg/product.hpp>

namespace pith::inline v1::lowrank {

using linalg::input;
using linalg::matrix;

/// A symmetric positive semidefinite H of n inputs by its products: apply(v) is H v for v of n rows.
/// error(d) is trace(d H d^T) for d of n columns.
template <class M>
concept input_metric = requires(const M m, view_2d<const float> v) {
    { m.dimension() } -> std::same_as<std::size_t>;
    { m.apply(v) } -> std::same_as<matrix<float>>;
    { m.error(v) } -> std::same_as<double>;
};

/// H = I.
class plain_metric {
  public:
    explicit plain_metric(std::size_t n) noexcept : n_(n) {}
    [[nodiscard]] std::size_t dimension() const noexcept { return n_; }
    [[nodiscard]] matrix<float> apply(view_2d<const float> v) const { return matrix<float>::copy_of(v); }
    [[nodiscard]] double error(view_2d<const float> d) const { return linalg::squared_norm<float>(d); }

  private:
    std::size_t n_;
};

/// H = diag(moments).
class diagonal_metric {
  public:
    /// Precondition: moments are finite and >= 0.
    explicit diagonal_metric(std::vector<double> moments) noexcept : moments_(std::move(moments)) {}
    [[nodiscard]] std::size_t dimension() const noexcept { return moments_.size(); }
    [[nodiscard]] matrix<float> apply(view_2d<const float> v) const {
        auto out = matrix<float>::copy_of(v);
        for (std::size_t r = 0; r < out.rows(); ++r)
            for (float& x : out.row(r)) x *= static_cast<float>(moments_[r]);
        return out;
    }
    [[nodiscard]] double error(view_2d<const float> d) const {
        double sum = 0;
        for (std::size_t r = 0; r < d.rows(); ++r)
            for (std::size_t c = 0; c < d.columns(); ++c)
                sum += moments_[c] * static_cast<double>(d(r, c)) * static_cast<double>(d(r, c));
        return sum;
    }

  private:
    std::vector<double> moments_;
};

/// H in full.
class full_metric {
  public:
    /// Keeps a copy in float and the view for errors: it must outlive this.
    /// Precondition: h is square, symmetric and finite.
    explicit full_metric(view_2d<const double> h) : exact_(h), h_(matrix<float>::copy_of(h)) {
        PITH_ASSERT(h.rows() == h.columns());
    }
    [[nodiscard]] std::size_t dimension() const noexcept { return h_.rows(); }
    [[nodiscard]] matrix<float> apply(view_2d<const float> v) const { return linalg::multiply<float>(h_, v); }
    [[nodiscard]] double error(view_2d<const float> d) const {
        return linalg::weighted_error<float>(d, exact_);
    }

  private:
    view_2d<const double> exact_;
    matrix<float> h_;
};

/// Moments for SLiM's saliency: E x_j^2 from the diagonal, with dead inputs lifted to 1e-4 of the median so
/// that the map by their roots can be undone.
template <class T = double>
[[nodiscard]] std::vector<double> saliency_moments(input<double> h) {
    std::vector<double> out, sorted;
    for (std::size_t j = 0; j < h.rows(); ++j) out.push_back(h(j, j) > 0 ? h(j, j) : 0);
    sorted = out;
    for (std::size_t i = 1; i < sorted.size(); ++i)
        for (std::size_t k = i; k > 0 && sorted[k - 1] > sorted[k]; --k) std::swap(sorted[k - 1], sorted[k]);
    const double least = sorted.empty() ? 0 : 1e-4 * sorted[sorted.size() / 2];
    for (double& v : out) v = v > least ? v : least;
    return out;
}

}  // namespace pith::inline v1::lowrank
