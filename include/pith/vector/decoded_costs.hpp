// Costs of codes by decoding them: for quantizers and metrics that have no tables.
// Own work.
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <vector>

#include <pith/core/assert.hpp>
#include <pith/core/bytes.hpp>
#include <pith/core/exact.hpp>
#include <pith/core/view.hpp>
#include <pith/vector/concepts.hpp>

namespace pith::inline v1::vector {

/// Costs of out.size() codes. Precondition: the sizes agree. Exact where decoding is.
template <vector_quantizer Quantizer>
inline void decoded_costs(const Quantizer& quantizer, std::span<const float> query, metric by,
                          byte_view codes, std::span<float> out) {
    constexpr std::size_t step = 16;
    const std::size_t d = quantizer.dimension(), size = quantizer.code_size();
    PITH_ASSERT(query.size() == d && codes.size() == out.size() * size);
    std::vector<float> decoded(step * d);
    for (std::size_t first = 0; first < out.size(); first += step) {
        const std::size_t n = std::min(step, out.size() - first);
        quantizer.decode_into(codes.subspan(first * size, n * size), {decoded.data(), n, d, d});
        for (std::size_t i = 0; i < n; ++i) {
            float lanes[8] = {};
            for (std::size_t j = 0; j < d; ++j) {
                const float a = query[j], b = decoded[i * d + j], apart = a - b;
                lanes[j % 8] += by == metric::inner_product ? -exact::mul(a, b) : exact::mul(apart, apart);
            }
            out[first + i] = ((lanes[0] + lanes[4]) + (lanes[2] + lanes[6])) +
                             ((lanes[1] + lanes[5]) + (lanes[3] + lanes[7]));
        }
    }
}

/// The tables of a quantizer that has none: the query, and the metric behind it.
template <class Derived>
class searched_by_decoding {
  public:
    [[nodiscard]] std::size_t table_size() const noexcept { return self().dimension() + 1; }
    void fill_tables(view_2d<const float> queries, metric by, std::span<float> tables) const noexcept {
        PITH_ASSERT(tables.size() == queries.rows() * table_size());
        for (std::size_t l = 0; l < queries.rows(); ++l) {
            for (std::size_t j = 0; j < queries.columns(); ++j) tables[l * table_size() + j] = queries(l, j);
            tables[(l + 1) * table_size() - 1] = by == metric::squared_distance ? 1.0F : 0.0F;
        }
    }
    void costs(std::span<const float> table, byte_view codes, std::span<float> out) const {
        decoded_costs(self(), table.first(table.size() - 1),
                      table.back() != 0 ? metric::squared_distance : metric::inner_product, codes, out);
    }

  private:
    [[nodiscard]] const Derived& self() const noexcept { return static_cast<const Derived&>(*this); }
};

}  // namespace pith::inline v1::vector
