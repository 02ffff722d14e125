// A truncated decomposition that columns are added to, and bounds for matrices side by side before any is
// done. Brand (2006), Ross and others (2008), as the incremental PCA that Dobi-SVD and xKV use: the basis and
// the new columns' rest are orthonormalized, and a small decomposition is cut to the rank again.
#pragma once

#include <span>
#include <vector>

#include <pith/linalg/svd_solvers.hpp>

namespace pith::inline v1::linalg {

/// Left vectors and values of all columns so far; the right ones are U^T A / s for whoever still has A.
class incremental_svd {
  public:
    /// Precondition: rank >= 1.
    incremental_svd(std::size_t rows, std::size_t rank) : rank_(rank), scaled_(rows, 0) {
        PITH_ASSERT(rank >= 1);
    }

    /// Adds columns (rows x k). Errors: unsupported_parameter for another height or values that are not
    /// finite; nothing is added then. Cost: rows (rank + k)^2.
    template <class T = float>
    result<void> add(input<T> columns) {
        if (columns.rows() != scaled_.rows()) return wrong_shape();
        if (!all_finite<T>(columns)) return not_finite();
        if (columns.columns() == 0) return {};
        matrix<float> both(scaled_.rows(), scaled_.columns() + columns.columns());
        copy<float>(scaled_, both.view().block(0, 0, both.rows(), scaled_.columns()));
        copy<float>(columns, both.view().block(0, scaled_.columns(), both.rows(), columns.columns()));
        const double all = squared_norm<float>(both);
        auto cut = exact_svd{}(dense_operator(both.view()), rank_, 0);
        if (!cut) return cut.error();
        lost_ += tail(all, *cut);
        left_ = std::move(cut->left);
        values_ = std::move(cut->values);
        scaled_ = left_;
        for (std::size_t r = 0; r < scaled_.rows(); ++r)
            for (std::size_t c = 0; c < values_.size(); ++c) scaled_(r, c) *= static_cast<float>(values_[c]);
        return {};
    }

    /// rows x k, orthonormal columns; k <= rank.
    [[nodiscard]] const matrix<float>& left() const noexcept { return left_; }
    /// Falling; each at most that of all columns together.
    [[nodiscard]] const std::vector<double>& values() const noexcept { return values_; }
    /// Energy cut away in all steps. Law: at least the optimal tail of all columns at this rank.
    [[nodiscard]] double lost() const noexcept { return lost_; }

  private:
    std::size_t rank_;
    matrix<float> scaled_, left_;
    std::vector<double> values_;
    double lost_ = 0;
};

/// Between which squared errors the best shared basis of `rank` vectors for matrices side by side lies.
struct shared_bounds {
    double least = 0;  ///< each matrix with a basis of its own
    double most = 0;   ///< the basis of one of them for all, the best such
};

/// From the spectra (singular values, all of them, falling) of matrices of one height. For [A B ...] a basis
/// of A leaves at most all of B; no shared basis serves A better than its own.
[[nodiscard]] inline shared_bounds bounds_of_shared_basis(std::span<const std::vector<double>> spectra,
                                                          std::size_t rank) {
    shared_bounds out;
    double all = 0, best = 0;
    for (const auto& values : spectra) {
        double kept = 0;
        for (std::size_t i = 0; i < values.size(); ++i) {
            const double e = values[i] * values[i];
            all += e;
            (i < rank ? kept : out.least) += e;
        }
        best = kept > best ? kept : best;
    }
    out.most = all - best;
    return out;
}

}  // namespace pith::inline v1::linalg
