// What quantizes the columns of a weight matrix one after the other.
// The policy of calibrate/successive.hpp: GPTQ, SparseGPT, SpQR and entropy-coded steps differ here only.
#pragma once

#include <concepts>
#include <cstddef>
#include <span>

#include <pith/core/result.hpp>
#include <pith/core/view.hpp>

namespace pith::inline v1::calibrate {

/// Columns come in the metric's order, as lines of one value per row of the weights.
///   result<void> start(weights, deviation): weights is n x m (columns as rows), deviation has n values
///   std::size_t group(): columns that are fitted together, a power of two up to 128 or 0 for `start` only
///   void fit(first, running): the group that begins at position `first`, g x m, g <= group()
///   void quantize(position, running, out): out gets what a decoder will read for `running`
/// `running` holds the weights moved by what the columns before have left to compensate.
/// Laws: out is finite for finite running; quantize(position, out, again) gives again == out.
template <class Q>
concept column_quantizer = requires(Q q, const Q c, view_2d<const float> columns,
                                    std::span<const float> values, std::span<float> out,
                                    std::size_t position) {
    { q.start(columns, values) } -> std::same_as<result<void>>;
    { c.group() } -> std::same_as<std::size_t>;
    {q.fit(position, columns)};
    {q.quantize(position, values, out)};
};

}  // namespace pith::inline v1::calibrate
