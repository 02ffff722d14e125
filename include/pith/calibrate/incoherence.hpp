// Weights rotated on both sides, so that none of them stands out, and the moment of the inputs with them.
// Incoherence processing of QuIP (Chee et al., 2023) in the form of QuIP# (Tseng et al., 2024): randomized
// Hadamard transforms, chosen by seeds.
#pragma once

#include <cstddef>
#include <span>
#include <utility>
#include <vector>

#include <pith/core/assert.hpp>
#include <pith/linalg/matrix.hpp>
#include <pith/transform/concepts.hpp>

namespace pith::inline v1::calibrate {

/// W (m x n) becomes L W R^T, the moment H of the inputs R H R^T: the same product with rotated inputs. Both
/// rotations keep the number of values.
template <transform::rotation Left, transform::rotation Right = Left>
class incoherence {
  public:
    /// Precondition: neither rotation pads.
    explicit incoherence(Left rows, Right columns) : rows_(std::move(rows)), columns_(std::move(columns)) {
        PITH_ASSERT(rows_.size() == rows_.input_size() && columns_.size() == columns_.input_size());
    }

    /// L W R^T. Precondition: w is rows x columns of the rotations.
    [[nodiscard]] linalg::matrix<float> rotated(linalg::matrix<float> w) const {
        return both_sides(std::move(w), [](const auto& r, auto in, auto out) { r.forward_into(in, out); });
    }
    /// L^T Q R: the weights of rotated ones.
    [[nodiscard]] linalg::matrix<float> restored(linalg::matrix<float> q) const {
        return both_sides(std::move(q), [](const auto& r, auto in, auto out) { r.inverse_into(in, out); });
    }
    /// R H R^T, rounded to float. Precondition: h is columns x columns.
    [[nodiscard]] linalg::matrix<double> rotated_moment(const linalg::matrix<double>& h) const {
        const std::size_t n = columns_.size();
        PITH_ASSERT(h.rows() == n && h.columns() == n);
        linalg::matrix<double> out = h;
        std::vector<float> x(n), y(n);
        // Rows, then columns; the mean of both triangles is symmetric again.
        for (const bool across : {false, true})
            for (std::size_t i = 0; i < n; ++i) {
                for (std::size_t j = 0; j < n; ++j) x[j] = static_cast<float>(across ? out(j, i) : out(i, j));
                columns_.forward_into(x, y);
                for (std::size_t j = 0; j < n; ++j)
                    (across ? out(j, i) : out(i, j)) = static_cast<double>(y[j]);
            }
        for (std::size_t i = 0; i < n; ++i)
            for (std::size_t j = 0; j < i; ++j) out(i, j) = out(j, i) = (out(i, j) + out(j, i)) / 2;
        return out;
    }

  private:
    template <class Turn>
    [[nodiscard]] linalg::matrix<float> both_sides(linalg::matrix<float> w, Turn turn) const {
        PITH_ASSERT(w.rows() == rows_.size() && w.columns() == columns_.size());
        std::vector<float> x(w.rows()), y(w.columns()), turned(w.rows());
        for (std::size_t r = 0; r < w.rows(); ++r) {
            turn(columns_, w.row(r), std::span(y));
            for (std::size_t j = 0; j < y.size(); ++j) w(r, j) = y[j];
        }
        for (std::size_t j = 0; j < w.columns(); ++j) {
            for (std::size_t r = 0; r < x.size(); ++r) x[r] = w(r, j);
            turn(rows_, std::span(x), std::span(turned));
            for (std::size_t r = 0; r < x.size(); ++r) w(r, j) = turned[r];
        }
        return w;
    }

    Left rows_;
    Right columns_;
};

}  // namespace pith::inline v1::calibrate
