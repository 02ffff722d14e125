// Activations in blocks of channels of which few have outliers: those keep 8 bits, the others 4.
// COMET's fine-grained mixed precision (Liu and others, 2025): channels are permuted so that outliers share
// blocks; the weights take the same permutation, and the product stays what it was.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <span>
#include <vector>

#include <pith/linalg/matrix.hpp>

namespace pith::inline v1::calibrate {

struct mixed_options {
    std::size_t block = 128;  ///< channels with one scale for each sample, >= 1
    double outlier = 36;      ///< second moment of an outlier channel, in medians
    unsigned wide_bits = 8, narrow_bits = 4;
};

/// Which channels share blocks, and how many of the first blocks are wide.
struct mixed_blocks {
    std::vector<std::uint32_t> order;  ///< channel order[j] comes to place j
    std::size_t wide = 0;
    mixed_options options{};

    [[nodiscard]] unsigned bits_of(std::size_t place) const noexcept {
        return place / options.block < wide ? options.wide_bits : options.narrow_bits;
    }
    /// Bits of one value on average, 16 for the scale of each block included.
    [[nodiscard]] double bits_per_value() const noexcept {
        double sum = 0;
        for (std::size_t j = 0; j < order.size(); ++j) sum += bits_of(j);
        const std::size_t blocks = (order.size() + options.block - 1) / options.block;
        return (sum + 16.0 * static_cast<double>(blocks)) / static_cast<double>(order.size());
    }
};

/// Outlier channels first, otherwise in their order; as many wide blocks as hold the outliers. Moments are
/// E[x_j^2], finite and >= 0.
[[nodiscard]] inline mixed_blocks gather_outliers(std::span<const double> moments,
                                                  mixed_options options = {}) {
    PITH_ASSERT(options.block >= 1);
    mixed_blocks out{std::vector<std::uint32_t>(moments.size()), 0, options};
    if (moments.empty()) return out;
    std::vector<double> sorted(moments.begin(), moments.end());
    const auto middle = sorted.begin() + static_cast<std::ptrdiff_t>(sorted.size() / 2);
    std::nth_element(sorted.begin(), middle, sorted.end());
    const double most = options.outlier * *middle;
    std::size_t outliers = 0;
    for (const double m : moments) outliers += m > most ? 1 : 0;
    std::size_t wide = 0, narrow = outliers;
    for (std::size_t j = 0; j < moments.size(); ++j)
        out.order[moments[j] > most ? wide++ : narrow++] = static_cast<std::uint32_t>(j);
    out.wide = (outliers + options.block - 1) / options.block;
    return out;
}

/// Columns of `from` in the order of the blocks: what weights and activations become alike.
[[nodiscard]] inline linalg::matrix<float> permuted(linalg::input<float> from, const mixed_blocks& by) {
    PITH_ASSERT(from.columns() == by.order.size());
    linalg::matrix<float> out(from.rows(), from.columns());
    for (std::size_t r = 0; r < from.rows(); ++r)
        for (std::size_t j = 0; j < from.columns(); ++j) out(r, j) = from(r, by.order[j]);
    return out;
}

/// Permuted activations, one sample a row, as a receiver of the codes would see them: symmetric codes, a
/// scale for each sample and block.
[[nodiscard]] inline linalg::matrix<float> quantize_activations(linalg::input<float> x,
                                                                const mixed_blocks& by) {
    PITH_ASSERT(x.columns() == by.order.size());
    linalg::matrix<float> out(x.rows(), x.columns());
    for (std::size_t r = 0; r < x.rows(); ++r)
        for (std::size_t first = 0; first < x.columns(); first += by.options.block) {
            const std::size_t end = std::min(x.columns(), first + by.options.block);
            float largest = 0;
            for (std::size_t j = first; j < end; ++j) largest = std::max(largest, std::fabs(x(r, j)));
            const auto top = static_cast<float>((1U << (by.bits_of(first) - 1)) - 1);
            const float step = largest > 0 ? largest / top : 1;
            for (std::size_t j = first; j < end; ++j) out(r, j) = std::nearbyint(x(r, j) / step) * step;
        }
    return out;
}

}  // namespace pith::inline v1::calibrate
