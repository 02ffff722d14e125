// Matrices as trains of small tensors (matrix product operators), and Tucker decompositions of tensors.
// TT-SVD (Oseledets, 2011), as CompactifAI (2024) cuts layers; higher-order SVD (De Lathauwer, De Moor,
// Vandewalle, 2000). Squared errors are at most the sums of what the steps cut away.
#pragma once

#include <span>
#include <utility>
#include <vector>

#include <pith/linalg/svd_solvers.hpp>

namespace pith::inline v1::linalg {

/// Cores G_1 ... G_d: W(i_1 i_2 ..., j_1 j_2 ...) = G_1(i_1, j_1) G_2(i_2, j_2) ..., products of matrices
/// bond x bond; first indices are most significant.
struct tensor_train {
    struct core {
        std::size_t rows = 1, columns = 1;  ///< of W's index pair here
        std::size_t left_bond = 1, right_bond = 1;
        matrix<float> values{};  ///< (left_bond rows columns) x right_bond
    };
    std::vector<core> cores{};
    double lost = 0;  ///< energy cut away: a bound of the squared error

    [[nodiscard]] std::size_t parameters() const noexcept {
        std::size_t sum = 0;
        for (const core& c : cores) sum += c.values.size();
        return sum;
    }
    /// W x for x of n x k, without forming W. The part of x that is not yet consumed stays to the right.
    [[nodiscard]] matrix<float> apply(view_2d<const float> x) const;
};

namespace detail {

/// W's values as a matrix (i_1 j_1) x (i_2 j_2 ... i_d j_d): index pairs brought together, one core's at a
/// time.
struct index_pairs {
    std::span<const std::size_t> rows, columns;
    /// The place in the train's order of W(r, c).
    [[nodiscard]] std::size_t place(std::size_t r, std::size_t c) const noexcept {
        std::size_t out = 0, unit = 1;
        for (std::size_t k = rows.size(); k-- > 0;) {
            out += unit * (r % rows[k] * columns[k] + c % columns[k]);
            unit *= rows[k] * columns[k];
            r /= rows[k];
            c /= columns[k];
        }
        return out;
    }
};

[[nodiscard]] inline std::size_t product_of_sizes(std::span<const std::size_t> sizes) noexcept {
    std::size_t out = 1;
    for (const std::size_t s : sizes) out *= s;
    return out;
}

}  // namespace detail

inline matrix<float> tensor_train::apply(view_2d<const float> x) const {
    // state(a, (done, left over of x's rows, column of x)): rows of W's result that are done come in front.
    const std::size_t k = x.columns();
    std::size_t done = 1, ahead = x.rows();
    auto state = matrix<float>::copy_of(x);  // [bond][done][ahead][k], flat
    for (const core& c : cores) {
        const std::size_t rest = ahead / c.columns, bond = c.right_bond;
        matrix<float> next(bond, done * c.rows * rest * k);
        for (std::size_t a = 0; a < c.left_bond; ++a)
            for (std::size_t i = 0; i < c.rows; ++i)
                for (std::size_t j = 0; j < c.columns; ++j) {
                    const auto g = c.values.row((a * c.rows + i) * c.columns + j);
                    for (std::size_t d = 0; d < done; ++d) {
                        const float* const from = state.data() + (((a * done + d) * ahead) + j * rest) * k;
                        for (std::size_t b = 0; b < bond; ++b) {
                            float* const to = next.data() + ((b * done + d) * c.rows + i) * rest * k;
                            for (std::size_t t = 0; t < rest * k; ++t) to[t] += g[b] * from[t];
                        }
                    }
                }
        state = std::move(next);
        done *= c.rows;
        ahead = rest;
    }
    return matrix<float>::copy_of(view_2d<const float>(state.data(), done, k, k));
}

/// W (m x n) as a train with bonds of at most `bond`: the products of `rows` and `columns` are m and n. Exact
/// for bonds that nothing is cut from. Errors: unsupported_parameter for sizes that do not fit, a bond of 0,
/// or values that are not finite.
template <class T = float>
[[nodiscard]] result<tensor_train> decompose_train(input<T> w, std::span<const std::size_t> rows,
                                                   std::span<const std::size_t> columns, std::size_t bond) {
    if (rows.size() != columns.size() || rows.empty() || detail::product_of_sizes(rows) != w.rows() ||
        detail::product_of_sizes(columns) != w.columns() || w.empty())
        return wrong_shape();
    if (!all_finite<T>(w)) return not_finite();
    if (bond == 0) return detail::no_rank;
    const detail::index_pairs pairs{rows, columns};
    matrix<float> rest(1, w.size());
    for (std::size_t r = 0; r < w.rows(); ++r)
        for (std::size_t c = 0; c < w.columns(); ++c) rest(0, pairs.place(r, c)) = w(r, c);
    tensor_train out;
    for (std::size_t k = 0; k < rows.size(); ++k) {
        tensor_train::core core{rows[k], columns[k], rest.rows(), 1, {}};
        const std::size_t height = rest.rows() * rows[k] * columns[k], width = rest.size() / height;
        const view_2d<const float> unfolded(rest.data(), height, width, width);
        if (k + 1 == rows.size()) {
            core.values = matrix<float>::copy_of(unfolded);
        } else {
            auto cut = exact_svd{}(dense_operator(unfolded), bond, 0);
            if (!cut) return cut.error();
            if (cut->rank() == 0) *cut = {matrix<float>(height, 1), {0.0}, matrix<float>(width, 1)};  // W = 0
            out.lost += tail(squared_norm<float>(unfolded), *cut);
            core.right_bond = cut->rank();
            matrix<float> next = multiply<float>(cut->left.view().transposed(), unfolded);
            core.values = std::move(cut->left);
            rest = std::move(next);
        }
        out.cores.push_back(std::move(core));
    }
    return out;
}

/// A tensor of three indices, last fastest, by a factor for each (size x rank, orthonormal columns) and a
/// core.
struct tucker {
    matrix<float> factors[3];
    matrix<float> core;  ///< rank_0 x (rank_1 rank_2)
    double lost =
        0;  ///< sum of the three cuts' energies: a bound of the squared error, at most 3 times the best

    [[nodiscard]] std::size_t parameters() const noexcept {
        return factors[0].size() + factors[1].size() + factors[2].size() + core.size();
    }
    /// Sizes of the tensor: the first index is a row, the other two make a column.
    [[nodiscard]] matrix<float> product() const;
};

namespace detail {

/// t (a x (b c)) with index `which` in front: its size x the others in their order.
[[nodiscard]] inline matrix<float> unfold(const matrix<float>& t, std::size_t b, std::size_t c, int which) {
    const std::size_t a = t.rows();
    if (which == 0) return t;
    matrix<float> out(which == 1 ? b : c, which == 1 ? a * c : a * b);
    for (std::size_t i = 0; i < a; ++i)
        for (std::size_t j = 0; j < b; ++j)
            for (std::size_t k = 0; k < c; ++k)
                (which == 1 ? out(j, i * c + k) : out(k, i * b + j)) = t(i, j * c + k);
    return out;
}

/// factor times t along index `which`; b and c are t's, and the new size of the index is factor's rows.
[[nodiscard]] inline matrix<float> along(const matrix<float>& t, std::size_t b, std::size_t c, int which,
                                         view_2d<const float> factor) {
    const matrix<float> turned = multiply<float>(factor, unfold(t, b, c, which));
    if (which == 0) return turned;
    const std::size_t a = t.rows(), nb = which == 1 ? factor.rows() : b, nc = which == 2 ? factor.rows() : c;
    matrix<float> out(a, nb * nc);
    for (std::size_t i = 0; i < a; ++i)
        for (std::size_t j = 0; j < nb; ++j)
            for (std::size_t k = 0; k < nc; ++k)
                out(i, j * nc + k) = which == 1 ? turned(j, i * nc + k) : turned(k, i * nb + j);
    return out;
}

}  // namespace detail

inline matrix<float> tucker::product() const {
    const std::size_t r1 = factors[1].columns(), r2 = factors[2].columns();
    matrix<float> t = detail::along(core, r1, r2, 0, factors[0]);
    t = detail::along(t, r1, r2, 1, factors[1]);
    return detail::along(t, factors[1].rows(), r2, 2, factors[2]);
}

/// t: sizes[0] x (sizes[1] sizes[2]). Errors: unsupported_parameter for sizes that do not fit, ranks of 0, or
/// values that are not finite.
template <class T = float>
[[nodiscard]] result<tucker> decompose_tucker(input<T> t, std::span<const std::size_t, 3> sizes,
                                              std::span<const std::size_t, 3> ranks) {
    if (t.rows() != sizes[0] || t.columns() != sizes[1] * sizes[2] || t.empty()) return wrong_shape();
    if (!all_finite<T>(t)) return not_finite();
    tucker out;
    const auto all = matrix<float>::copy_of(t);
    out.core = all;
    std::size_t b = sizes[1], c = sizes[2];
    for (int which = 0; which < 3; ++which) {
        const auto at = static_cast<std::size_t>(which);
        const matrix<float> unfolded = detail::unfold(all, sizes[1], sizes[2], which);
        auto cut = exact_svd{}(dense_operator(unfolded.view()), ranks[at], 0);
        if (!cut) return cut.error();
        if (cut->rank() == 0) cut->left = matrix<float>(sizes[at], 1);  // t = 0
        out.lost += tail(squared_norm<float>(unfolded), *cut);
        out.core = detail::along(out.core, b, c, which, cut->left.view().transposed());
        (which == 1 ? b : c) = which == 0 ? c : cut->left.columns();
        out.factors[at] = std::move(cut->left);
    }
    return out;
}

}  // namespace pith::inline v1::linalg
