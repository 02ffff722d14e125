// A layer to compress: weights, the second moment of the inputs to calibrate with, and another one to judge
// by.
#pragma once

#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include <pith/core/random.hpp>
#include <pith/linalg/gram.hpp>
#include <pith/linalg/orthonormal.hpp>

namespace bench {

using matrix = pith::linalg::matrix<float>;
using moment = pith::linalg::matrix<double>;

struct layer {
    std::string name;
    matrix weights;
    moment calibration, test;
};

inline matrix normal_matrix(std::size_t rows, std::size_t columns, pith::random_sequence& random) {
    matrix out(rows, columns);
    for (std::size_t i = 0; i < out.size(); ++i) out.data()[i] = static_cast<float>(random.gaussian());
    return out;
}

/// Inputs whose covariance has eigenvalues i^-decay in a random basis, channels of log-normal scale, and a
/// few outlier channels eight times as large.
class input_source {
  public:
    input_source(std::size_t n, double decay, pith::random_sequence& random)
        : mix_(pith::linalg::orthonormal(normal_matrix(n, n, random))) {
        for (std::size_t i = 0; i < n; ++i) {
            const auto scale = static_cast<float>(std::pow(static_cast<double>(i + 1), -decay / 2));
            for (std::size_t j = 0; j < n; ++j) mix_(j, i) *= scale;
        }
        for (std::size_t j = 0; j < n; ++j) {
            const float channel = static_cast<float>(std::exp(0.5 * random.gaussian())) *
                                  (random.below(128) == 0 ? 8.0F : 1.0F);
            for (std::size_t i = 0; i < n; ++i) mix_(j, i) *= channel;
        }
    }
    moment sample(std::size_t count, pith::random_sequence& random) const {
        pith::linalg::second_moment sum(mix_.rows());
        for (std::size_t at = 0; at < count; at += 2048) {
            const matrix z = normal_matrix(count - at < 2048 ? count - at : 2048, mix_.rows(), random);
            if (!sum.add(pith::linalg::multiply<float>(z, mix_.view().transposed()))) return {};
        }
        return sum.moment();
    }

  private:
    matrix mix_;
};

/// Weights of a slowly decaying part of low rank (half of the energy), heavy-tailed noise and rows of
/// different scale.
inline matrix made_weights(std::size_t m, std::size_t n, pith::random_sequence& random) {
    matrix left = normal_matrix(m, n, random);
    const matrix right = normal_matrix(n, n, random);
    double energy = 0;
    for (std::size_t i = 0; i < n; ++i) {
        const double s = 1 / std::sqrt(static_cast<double>(i + 1));
        energy += s * s;
        for (std::size_t r = 0; r < m; ++r) left(r, i) *= static_cast<float>(s);
    }
    matrix out = pith::linalg::multiply<float>(left, right);
    for (std::size_t r = 0; r < m; ++r) {
        const double row = std::exp(0.3 * random.gaussian());
        for (std::size_t c = 0; c < n; ++c) {
            double chi = 0;
            for (int k = 0; k < 5; ++k) {
                const double g = random.gaussian();
                chi += g * g;
            }
            const double t = random.gaussian() / std::sqrt(chi / 3);  // Student, 5 degrees, unit variance
            out(r, c) = static_cast<float>(row * (out(r, c) / std::sqrt(energy) + t) * 0.02);
        }
    }
    return out;
}

/// The output error of a reconstruction on the test inputs, in dB of the output.
inline double decibels(const layer& of, const matrix& reconstruction) {
    const matrix d = pith::linalg::difference<float>(of.weights, reconstruction);
    return 10 * std::log10(pith::linalg::weighted_error<float>(d, of.test) /
                           pith::linalg::weighted_error<float>(of.weights, of.test));
}

}  // namespace bench
