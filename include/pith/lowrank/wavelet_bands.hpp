// A matrix as four bands of a two-dimensional wavelet transform, each of a rank of its own.
// WaRA (2025): updates that are smooth in one band and rich in another. An orthogonal transform leaves the
// singular values of the whole as they are, so all gain is in ranks that differ; those are taken here by the
// largest energy for each parameter, which is optimal. Not reproduced: factors that are trained.
#pragma once

#include <cmath>
#include <cstddef>
#include <span>
#include <vector>

#include <pith/linalg/svd_solvers.hpp>
#include <pith/lowrank/compensator.hpp>
#include <pith/transform/wavelets.hpp>

namespace pith::inline v1::lowrank {

namespace detail {

struct strided {
    float* values;
    std::size_t stride;
    [[nodiscard]] float& operator[](std::size_t i) const noexcept { return values[i * stride]; }
};

}  // namespace detail

/// One level of the transform on rows and columns, in place: even places are low, odd ones high.
template <transform::wavelet Wavelet>
void split_bands(view_2d<float> m) noexcept {
    for (std::size_t r = 0; r < m.rows() && m.columns() > 1; ++r)
        Wavelet::split(detail::strided{&m(r, 0), m.column_stride()}, m.columns());
    for (std::size_t c = 0; c < m.columns() && m.rows() > 1; ++c)
        Wavelet::split(detail::strided{&m(0, c), m.row_stride()}, m.rows());
}
/// Undoes split_bands.
template <transform::wavelet Wavelet>
void join_bands(view_2d<float> m) noexcept {
    for (std::size_t c = 0; c < m.columns() && m.rows() > 1; ++c)
        Wavelet::join(detail::strided{&m(0, c), m.row_stride()}, m.rows());
    for (std::size_t r = 0; r < m.rows() && m.columns() > 1; ++r)
        Wavelet::join(detail::strided{&m(r, 0), m.column_stride()}, m.columns());
}

/// Factors of the four bands: low-low, low-high, high-low, high-high (rows first).
struct band_factors {
    std::size_t rows = 0, columns = 0;
    std::vector<factors> bands;
    [[nodiscard]] std::size_t parameters() const noexcept {
        std::size_t sum = 0;
        for (const factors& f : bands) sum += f.left.size() + f.right.size();
        return sum;
    }
};

namespace detail {

/// Every second row and column of m from (row, column) on.
template <class T>
[[nodiscard]] view_2d<T> band_of(view_2d<T> m, std::size_t band) noexcept {
    const std::size_t row = band / 2, column = band % 2;
    return {m.data() + row * m.row_stride() + column * m.column_stride(), (m.rows() + 1 - row) / 2,
            (m.columns() + 1 - column) / 2, 2 * m.row_stride(), 2 * m.column_stride()};
}

/// The next rank always goes to the band whose next value has the largest square for each parameter.
[[nodiscard]] inline std::vector<std::size_t> ranks_of_bands(std::span<const linalg::truncated_svd> parts,
                                                             std::size_t parameters) {
    std::vector<std::size_t> ranks(parts.size());
    for (;;) {
        std::size_t best = parts.size(), price = 0;
        double gain = 0;
        for (std::size_t b = 0; b < parts.size(); ++b) {
            const std::size_t cost = parts[b].left.rows() + parts[b].right.rows();
            if (ranks[b] == parts[b].rank() || cost > parameters) continue;
            const double s = parts[b].values[ranks[b]], now = s * s / static_cast<double>(cost);
            if (now <= gain) continue;
            best = b;
            gain = now;
            price = cost;
        }
        if (best == parts.size()) return ranks;
        ++ranks[best];
        parameters -= price;
    }
}

}  // namespace detail

/// Factors of at most `parameters` values in all that leave the least error of the matrix. Errors:
/// unsupported_parameter for fewer than two rows or columns, or values that are not finite. Encoder-side.
template <transform::wavelet Wavelet = transform::haar, linalg::svd_solver Solver = linalg::exact_svd>
[[nodiscard]] result<band_factors> fit_bands(input<float> m, std::size_t parameters,
                                             const Solver& solver = {}) {
    static_assert(Wavelet::orthogonal, "errors of the bands add up for orthogonal wavelets only");
    if (m.rows() < 2 || m.columns() < 2) return linalg::wrong_shape();
    if (!linalg::all_finite<float>(m)) return linalg::not_finite();
    auto split = matrix<float>::copy_of(m);
    split_bands<Wavelet>(split.view());
    std::vector<linalg::truncated_svd> parts;
    for (std::size_t b = 0; b < 4; ++b) {
        const auto band = matrix<float>::copy_of(detail::band_of(split.view(), b));
        const std::size_t cost = band.rows() + band.columns(), most = parameters / cost + 1;
        auto part = solver(linalg::dense_operator(band.view()), most, 1);
        if (!part) return part.error();
        parts.push_back(std::move(*part));
    }
    const auto ranks = detail::ranks_of_bands(parts, parameters);
    band_factors out{m.rows(), m.columns(), {}};
    for (std::size_t b = 0; b < 4; ++b) {
        const linalg::truncated_svd& p = parts[b];
        factors f{matrix<float>::copy_of(p.left.view().block(0, 0, p.left.rows(), ranks[b])),
                  linalg::transposed<float>(p.right.view().block(0, 0, p.right.rows(), ranks[b]))};
        for (std::size_t k = 0; k < ranks[b]; ++k) {
            const auto root = static_cast<float>(std::sqrt(p.values[k]));
            for (float& v : f.right.row(k)) v *= root;
            for (std::size_t r = 0; r < f.left.rows(); ++r) f.left(r, k) *= root;
        }
        out.bands.push_back(std::move(f));
    }
    return out;
}

/// The matrix that the factors stand for.
template <transform::wavelet Wavelet = transform::haar>
[[nodiscard]] matrix<float> product_of_bands(const band_factors& f) {
    matrix<float> out(f.rows, f.columns);
    for (std::size_t b = 0; b < f.bands.size(); ++b)
        linalg::copy<float>(f.bands[b].product(), detail::band_of(out.view(), b));
    join_bands<Wavelet>(out.view());
    return out;
}

}  // namespace pith::inline v1::lowrank
