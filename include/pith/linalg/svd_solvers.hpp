// Solvers for truncated decompositions as policies: randomized, block Krylov, subspace iteration, exact.
// Halko, Martinsson, Tropp (2011); Musco and Musco (2015); Bauer (1957). Bases are orthonormalized at every
// step, so that weak directions survive rounding to float.
#pragma once

#include <pith/linalg/svd.hpp>

namespace pith::inline v1::linalg {

namespace detail {
constexpr std::size_t least_of(std::size_t a, std::size_t b, std::size_t c) noexcept {
    const std::size_t ab = a < b ? a : b;
    return ab < c ? ab : c;
}
inline constexpr pith::error no_rank{error_code::unsupported_parameter, 0,
                                     "a rank of 0, or a matrix without values"};
}  // namespace detail

/// Sketch, then power steps. Error within 1-2 % of optimal for power = 2 on flat spectra.
struct randomized {
    std::size_t power = 2;         ///< products with A A^T after the first sketch
    std::size_t oversampling = 8;  ///< columns of the sketch beyond the rank

    template <linear_operator A>
    [[nodiscard]] result<truncated_svd> operator()(const A& a, std::size_t rank, std::uint64_t seed) const {
        const std::size_t l = detail::least_of(rank + oversampling, a.rows(), a.columns());
        if (l == 0 || rank == 0) return detail::no_rank;
        matrix<float> y = a.multiply(sign_matrix(a.columns(), l, seed).view());
        for (std::size_t q = 0;; ++q) {
            if (!all_finite<float>(y)) return not_finite();
            y = orthonormal(std::move(y));
            if (q == power || y.columns() == 0) break;
            y = a.multiply(a.multiply_transposed(y.view()).view());
        }
        return rayleigh_ritz(y, a.multiply_transposed(y.view()), rank);
    }
};

/// Keeps all blocks Omega, (A A^T) Omega, ... and takes the best of their common span: converges like the
/// square root of the steps that subspace iteration needs. Error within 2e-4 of optimal even on flat spectra.
struct block_krylov {
    std::size_t block = 0;  ///< columns of a block; 0: rank / 4 + 8
    std::size_t depth = 11;
    double share = 0;  ///< of the rank as block, when > 0 and block is 0

    template <linear_operator A>
    [[nodiscard]] result<truncated_svd> operator()(const A& a, std::size_t rank, std::uint64_t seed) const {
        const std::size_t b = detail::least_of(width(rank), a.rows(), a.columns());
        if (b == 0 || rank == 0) return detail::no_rank;
        matrix<float> basis(a.rows(), 0), images(a.columns(), 0);
        matrix<float> y = a.multiply(sign_matrix(a.columns(), b, seed).view());
        // Enough blocks to hold the rank, whatever depth was asked for.
        const std::size_t least = (rank + b - 1) / b + 1, steps = depth > least ? depth : least;
        for (std::size_t step = 0; step < steps; ++step) {
            if (!all_finite<float>(y)) return not_finite();
            y = new_directions(basis, std::move(y));
            if (y.columns() == 0) break;
            const matrix<float> image = a.multiply_transposed(y.view());
            basis = beside(basis, y);
            images = beside(images, image);
            if (step + 1 < steps) y = a.multiply(image.view());
        }
        return rayleigh_ritz(basis, images, rank);
    }

  private:
    [[nodiscard]] std::size_t width(std::size_t rank) const noexcept {
        if (block != 0) return block;
        return share > 0 ? static_cast<std::size_t>(share * static_cast<double>(rank)) + 1 : rank / 4 + 8;
    }
    static matrix<float> new_directions(const matrix<float>& basis, matrix<float> y) {
        const double before = squared_norm<float>(y);
        for (int pass = 0; pass < 2; ++pass) {
            if (basis.columns() != 0) {
                const matrix<float> inside = multiply<float>(basis.view().transposed(), y);
                multiply_add<float>(-1, basis, inside, y);
                if (pass == 0 && !(squared_norm<float>(y) > 1e-10 * before))
                    return matrix<float>(y.rows(), 0);
            }
            y = orthonormal(std::move(y));
        }
        return y;
    }
    static matrix<float> beside(const matrix<float>& a, const matrix<float>& b) {
        matrix<float> out(a.rows(), a.columns() + b.columns());
        copy<float>(a, out.view().block(0, 0, a.rows(), a.columns()));
        copy<float>(b, out.view().block(0, a.columns(), b.rows(), b.columns()));
        return out;
    }
};

/// Within 1 % of optimal, in fewer products than randomized with two power steps needs.
inline constexpr block_krylov short_krylov{.block = 0, .depth = 4, .share = 0.55};

/// Power steps on a block until the captured energy stands still.
struct subspace_iteration {
    std::size_t oversampling = 8;
    std::size_t most_steps = 30;
    double tolerance = 1e-5;  ///< relative gain of captured energy at which to stop

    template <linear_operator A>
    [[nodiscard]] result<truncated_svd> operator()(const A& a, std::size_t rank, std::uint64_t seed) const {
        const std::size_t l = detail::least_of(rank + oversampling, a.rows(), a.columns());
        if (l == 0 || rank == 0) return detail::no_rank;
        matrix<float> y = a.multiply(sign_matrix(a.columns(), l, seed).view());
        double energy = 0;
        for (std::size_t step = 0;; ++step) {
            if (!all_finite<float>(y)) return not_finite();
            y = orthonormal(std::move(y));
            if (step == most_steps || y.columns() == 0) break;
            const matrix<float> image = a.multiply_transposed(y.view());
            const double now = squared_norm<float>(image);
            if (now - energy <= tolerance * now) break;
            energy = now;
            y = a.multiply(image.view());
        }
        return rayleigh_ritz(y, a.multiply_transposed(y.view()), rank);
    }
};

/// All eigenvectors of the Gram matrix of the shorter side, in double: the reference. n^3 of the shorter
/// side.
struct exact_svd {
    template <linear_operator A>
    [[nodiscard]] result<truncated_svd> operator()(const A& a, std::size_t rank, std::uint64_t) const {
        const std::size_t n = detail::least_of(rank, a.rows(), a.columns());
        if (n == 0) return detail::no_rank;
        const bool wide = a.rows() <= a.columns();
        const matrix<float> basis = identity(wide ? a.rows() : a.columns());
        if (wide) return rayleigh_ritz(basis, a.multiply_transposed(basis.view()), rank);
        auto turned = rayleigh_ritz(basis, a.multiply(basis.view()), rank);
        if (turned) {
            matrix<float> left = std::move(turned->right);
            turned->right = std::move(turned->left);
            turned->left = std::move(left);
        }
        return turned;
    }

  private:
    static matrix<float> identity(std::size_t n) {
        matrix<float> out(n, n);
        for (std::size_t i = 0; i < n; ++i) out(i, i) = 1;
        return out;
    }
};

}  // namespace pith::inline v1::linalg
