// Matrices for tests: normal deviates, second moments, prescribed spectra.
#pragma once

#include <pith/core/random.hpp>
#include <pith/linalg/orthonormal.hpp>

#include <cmath>

namespace samples {

using pith::linalg::matrix;

inline matrix<float> normal(std::size_t rows, std::size_t columns, std::uint64_t seed) {
    pith::random_sequence random(seed);
    matrix<float> out(rows, columns);
    for (std::size_t i = 0; i < out.size(); ++i) out.data()[i] = static_cast<float>(random.gaussian());
    return out;
}

/// Correlated samples, one a row: neighbours share most of their noise, scales differ.
inline matrix<float> correlated(std::size_t count, std::size_t n, std::uint64_t seed) {
    matrix<float> out = normal(count, n, seed);
    for (std::size_t r = 0; r < count; ++r)
        for (std::size_t c = 1; c < n; ++c) out(r, c) = 0.8F * out(r, c - 1) + 0.6F * out(r, c);
    for (std::size_t c = 0; c < n; ++c) {
        const float scale = 0.3F + static_cast<float>(c * 7 % 11) / 5;
        for (std::size_t r = 0; r < count; ++r) out(r, c) *= scale;
    }
    return out;
}

/// E[x x^T] of rows, by its definition in double.
inline matrix<double> moment_of(const matrix<float>& x) {
    matrix<double> out(x.columns(), x.columns());
    for (std::size_t i = 0; i < x.columns(); ++i)
        for (std::size_t j = 0; j < x.columns(); ++j) {
            double sum = 0;
            for (std::size_t r = 0; r < x.rows(); ++r)
                sum += static_cast<double>(x(r, i)) * static_cast<double>(x(r, j));
            out(i, j) = sum / static_cast<double>(x.rows());
        }
    return out;
}

/// rows x columns with singular values 1 / (i + 1), i < rank.
inline matrix<float> of_rank(std::size_t rows, std::size_t columns, std::size_t rank, std::uint64_t seed) {
    auto left = pith::linalg::orthonormal(normal(rows, rank, seed));
    const auto right = pith::linalg::orthonormal(normal(columns, rank, seed + 1));
    for (std::size_t r = 0; r < rows; ++r)
        for (std::size_t i = 0; i < rank; ++i) left(r, i) /= static_cast<float>(i + 1);
    return pith::linalg::multiply<float>(left, right.view().transposed());
}

/// |a - b| <= share * (|a| + |b|) in the Frobenius norm.
template <class T>
bool close(const matrix<T>& a, const matrix<T>& b, double share) {
    if (a.rows() != b.rows() || a.columns() != b.columns()) return false;
    const double d = std::sqrt(pith::linalg::squared_norm<T>(pith::linalg::difference<T>(a, b)));
    return d <= share * (std::sqrt(pith::linalg::squared_norm<T>(a)) +
                         std::sqrt(pith::linalg::squared_norm<T>(b)));
}

template <class T>
matrix<T> identity(std::size_t n) {
    matrix<T> out(n, n);
    for (std::size_t i = 0; i < n; ++i) out(i, i) = 1;
    return out;
}

}  // namespace samples
