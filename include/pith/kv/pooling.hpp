// A sequence of tokens shortened as a whole: means of neighbours, or its low frequencies.
// Compressive memory (Rae et al., 2020), whose published pooling forgets how many tokens a mean stands for;
// FreqKV (Kai et al., 2025).
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numbers>
#include <span>
#include <vector>

#include <pith/kv/merging.hpp>

namespace pith::inline v1::kv {

/// As many groups of neighbours as tokens are to be kept, of equal size within one, each becoming its mean.
struct pool_neighbours {
    static constexpr bool drops = true;
    bool keep_mass = true;  ///< carry multiplicities, so that a mean weighs as what it stands for

    void dispose(const lane_place&, const lane_view& tokens, std::span<const float>, std::size_t keep,
                 lane_plan& plan) const {
        const std::size_t n = tokens.tokens();
        token_mixer mixer(tokens, plan);
        std::vector<std::uint32_t> members;
        std::vector<double> weights;
        for (std::size_t i = 0; i < keep; ++i) {
            members.clear();
            weights.clear();
            for (std::size_t t = i * n / keep; t < (i + 1) * n / keep; ++t) {
                members.push_back(static_cast<std::uint32_t>(t));
                weights.push_back(keep_mass ? double{detail::multiplicity_of(tokens, t)} : 1.0);
            }
            mixer.add(members[members.size() / 2], members, weights);
        }
        if (!keep_mass) plan.multiplicity.assign(keep, 1);
    }
};

namespace detail {

/// cos(pi j / (2 n)) for j < 4 n, which is what DCTs of n numbers need: cos(pi (2 t + 1) k / (2 n)).
[[nodiscard]] inline std::vector<double> cosines(std::size_t n) {
    std::vector<double> out(4 * n);
    for (std::size_t j = 0; j < out.size(); ++j)
        out[j] = std::cos(std::numbers::pi * static_cast<double>(j) / static_cast<double>(2 * n));
    return out;
}

}  // namespace detail

/// The columns' low frequencies at a shorter length: the first `to` coefficients of the orthonormal DCT-II of
/// x.rows() numbers, read as the DCT-II of `to` numbers and scaled by sqrt(to / x.rows()), so that constants
/// stay. Appends `to` rows. Precondition: to <= x.rows(). Encoder-side; time grows with rows * to * columns.
inline void low_pass(view_2d<const float> x, std::size_t to, std::vector<float>& out) {
    PITH_ASSERT(to <= x.rows());
    const std::size_t n = x.rows(), columns = x.columns();
    const auto from_cosines = detail::cosines(n), to_cosines = detail::cosines(to);
    std::vector<double> coefficients(to * columns), row(columns);
    for (std::size_t k = 0; k < to; ++k)
        for (std::size_t t = 0; t < n; ++t) {
            const double c = from_cosines[(2 * t + 1) * k % (4 * n)];
            for (std::size_t j = 0; j < columns; ++j) coefficients[k * columns + j] += c * double{x(t, j)};
        }
    for (std::size_t i = 0; i < to; ++i) {
        row.assign(columns, 0);
        for (std::size_t k = 0; k < to; ++k) {
            // The scales of both transforms and sqrt(to / n) make 1 / n, twice that for k > 0.
            const double c =
                to_cosines[(2 * i + 1) * k % (4 * to)] * (k == 0 ? 1.0 : 2.0) / static_cast<double>(n);
            for (std::size_t j = 0; j < columns; ++j) row[j] += c * coefficients[k * columns + j];
        }
        for (const double v : row) out.push_back(static_cast<float>(v));
    }
}

/// Keys and values are low-passed along the tokens and resampled. Meant for keys before the rotary embedding
/// and positions in the cache.
struct low_frequencies {
    static constexpr bool drops = true;

    void dispose(const lane_place&, const lane_view& tokens, std::span<const float>, std::size_t keep,
                 lane_plan& plan) const {
        for (std::size_t i = 0; i < keep; ++i)
            plan.kept.push_back(static_cast<std::uint32_t>(i * tokens.tokens() / keep));
        low_pass(tokens.keys, keep, plan.keys);
        low_pass(tokens.values, keep, plan.values);
    }
};

}  // namespace pith::inline v1::kv
