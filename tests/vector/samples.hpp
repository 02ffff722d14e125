// Seeded vectors for the tests of vector/, and measures of what a quantizer does to them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include <pith/core/random.hpp>
#include <pith/core/view.hpp>

namespace vector_test {

struct matrix {
    matrix(std::size_t r, std::size_t c) : rows(r), columns(c), values(r * c) {}
    [[nodiscard]] pith::view_2d<const float> view() const { return {values.data(), rows, columns, columns}; }
    [[nodiscard]] pith::view_2d<float> view() { return {values.data(), rows, columns, columns}; }
    float& operator()(std::size_t r, std::size_t c) { return values[r * columns + c]; }
    float operator()(std::size_t r, std::size_t c) const { return values[r * columns + c]; }
    std::size_t rows, columns;
    std::vector<float> values;
};

/// Normal deviates around `offset`.
inline matrix gaussian(std::size_t rows, std::size_t columns, std::uint64_t seed, float offset = 0) {
    matrix out(rows, columns);
    pith::random_sequence random(seed);
    for (float& x : out.values) x = static_cast<float>(random.gaussian()) + offset;
    return out;
}

/// Gaussian vectors whose coordinates depend on each other: a random walk over the coordinates.
inline matrix correlated(std::size_t rows, std::size_t columns, std::uint64_t seed) {
    matrix out = gaussian(rows, columns, seed);
    for (std::size_t r = 0; r < rows; ++r)
        for (std::size_t c = 1; c < columns; ++c) out(r, c) = 0.9F * out(r, c - 1) + 0.44F * out(r, c);
    return out;
}

/// Integers in [0, most].
inline matrix integers(std::size_t rows, std::size_t columns, std::uint32_t most, std::uint64_t seed) {
    matrix out(rows, columns);
    pith::random_sequence random(seed);
    for (float& x : out.values) x = static_cast<float>(random.below(most + 1));
    return out;
}

inline double squared_error(const matrix& a, const matrix& b) {
    double sum = 0;
    for (std::size_t i = 0; i < a.values.size(); ++i) {
        const double e = static_cast<double>(a.values[i]) - static_cast<double>(b.values[i]);
        sum += e * e;
    }
    return sum;
}

/// The vectors after coding and decoding.
template <class Quantizer>
matrix coded(const Quantizer& quantizer, const matrix& in) {
    std::vector<std::uint8_t> codes(in.rows * quantizer.code_size());
    matrix out(in.rows, in.columns);
    if (!quantizer.encode_into(in.view(), codes)) {
        for (float& x : out.values) x = std::numeric_limits<float>::quiet_NaN();
        return out;
    }
    quantizer.decode_into(codes, out.view());
    return out;
}

}  // namespace vector_test
