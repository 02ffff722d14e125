// Caches to be sent: rows whose channels depend on each other, and a calibration on such rows.
#pragma once

#include <pith/kv/calibration.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <pith/core/random.hpp>

namespace transport_samples {

/// Correlated rows with a mean: what a basis can use. `common` is the size of what the channels share.
inline std::vector<float> sample(std::size_t rows, std::size_t columns, std::uint64_t seed, double common) {
    pith::random_sequence random(seed);
    std::vector<float> out(rows * columns);
    for (std::size_t r = 0; r < rows; ++r) {
        const double shared = random.gaussian();
        for (std::size_t c = 0; c < columns; ++c)
            out[r * columns + c] = static_cast<float>(common * shared * std::sin(double(c)) +
                                                      0.3 * random.gaussian() + double(c % 3));
    }
    return out;
}
/// 200 tokens of such rows for each layer.
inline pith::kv::calibration calibration_of(const pith::kv::shape& s, const pith::kv::rope& rope,
                                            double common) {
    pith::kv::calibration out;
    out.shape = s;
    out.rope = rope;
    for (std::uint32_t t = 0; t < 200; ++t) out.positions.push_back(t);
    for (std::size_t l = 0; l < s.layers; ++l) {
        out.keys.push_back(sample(200, s.key_channels(), 10 + l, common));
        out.values.push_back(sample(200, s.key_channels(), 20 + l, common));
        out.queries.push_back(sample(200, s.query_channels(), 30 + l, common));
    }
    return out;
}

}  // namespace transport_samples
