// A layer as the example sees it: weights, second moments of its inputs, and how far an approximation is off.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>

#include <pith/core/random.hpp>
#include <pith/linalg/gram.hpp>

namespace layers {

using matrix = pith::linalg::matrix<float>;
using moment = pith::linalg::matrix<double>;

struct layer {
    matrix weights;        ///< outputs x inputs
    moment calibration{};  ///< of the inputs that methods may see
    moment held_out{};     ///< of those that judge them
};

/// Every fourth sample judges, the others calibrate. Precondition: at least four samples.
inline pith::result<layer> make_layer(const matrix& weights, const matrix& samples) {
    pith::linalg::second_moment seen(samples.columns()), held_out(samples.columns());
    for (std::size_t r = 0; r < samples.rows(); r += 1024) {
        const std::size_t count = samples.rows() - r < 1024 ? samples.rows() - r : 1024;
        matrix parts[2] = {matrix(count - count / 4, samples.columns()),
                           matrix(count / 4, samples.columns())};
        std::size_t at[2] = {};
        for (std::size_t i = 0; i < count; ++i) {
            const std::size_t part = i % 4 == 3;
            const auto from = samples.row(r + i);
            const auto to = parts[part].row(at[part]++);
            for (std::size_t c = 0; c < to.size(); ++c) to[c] = from[c];
        }
        if (const auto added = seen.add<float>(parts[0]); !added) return added.error();
        if (const auto added = held_out.add<float>(parts[1]); !added) return added.error();
    }
    return layer{weights, seen.moment(), held_out.moment()};
}

/// Squared error of the outputs on the inputs held out, in decibels of the outputs.
inline double decibels(const layer& of, const matrix& restored) {
    const matrix d = pith::linalg::difference<float>(of.weights, restored);
    return 10 * std::log10(pith::linalg::weighted_error<float>(d, of.held_out) /
                           pith::linalg::weighted_error<float>(of.weights, of.held_out));
}

/// Normal weights whose rows differ in scale, with a few large ones.
inline matrix made_weights(std::size_t rows, std::size_t columns) {
    matrix out(rows, columns);
    pith::random_sequence random(1);
    for (std::size_t r = 0; r < rows; ++r) {
        const double scale = 0.02 * std::exp(0.3 * random.gaussian());
        for (float& v : out.row(r)) {
            const double large = random.below(256) == 0 ? 6 : 1;
            v = static_cast<float>(scale * large * random.gaussian());
        }
    }
    return out;
}

/// Samples in which neighbours share most of their noise and channels differ in scale.
inline matrix made_samples(std::size_t count, std::size_t columns) {
    matrix out(count, columns);
    pith::random_sequence random(2);
    for (std::size_t r = 0; r < count; ++r) {
        double last = 0;
        for (std::size_t c = 0; c < columns; ++c) {
            last = 0.8 * last + 0.6 * random.gaussian();
            out(r, c) =
                static_cast<float>(last * (c % 32 == 5 ? 8 : 0.3 + static_cast<double>(c * 7 % 11) / 5));
        }
    }
    return out;
}

}  // namespace layers
