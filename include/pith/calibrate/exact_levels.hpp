// The best levels of a palette (quant/palette.hpp), by dynamic programming over the distinct values.
// Bruce (1965), Wu (1991) as in line_codebook.hpp; on the counted 16-bit values of a tensor, where eDKM (Cho
// et al., 2023) iterates.
#pragma once

#include <cstddef>
#include <vector>

#include <pith/calibrate/line_codebook.hpp>
#include <pith/quant/soft_clusters.hpp>

namespace pith::inline v1::calibrate {

/// A quant::level_fit: no other levels have a smaller squared error, up to counts above 2^24, which are
/// rounded to float. Encoder-side.
struct exact_levels {
    [[nodiscard]] std::vector<double> operator()(const quant::value_counts& data, std::size_t entries) const {
        std::vector<float> values, counts;
        for (const double v : data.values) values.push_back(static_cast<float>(v));
        for (const double n : data.counts) counts.push_back(static_cast<float>(n));
        const auto book = best_line_codebook(values, counts, entries);
        return book ? std::vector<double>(book->values.begin(), book->values.end()) : std::vector<double>{};
    }
};

}  // namespace pith::inline v1::calibrate
