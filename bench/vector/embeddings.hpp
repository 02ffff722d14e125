// Embeddings to measure on, their exact neighbors, and recall.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <pith/core/random.hpp>
#include <pith/simd/dot.hpp>
#include <pith/vector/array_file.hpp>
#include <pith/vector/flat_index.hpp>

#include "support/corpora.hpp"

namespace bench {

struct embeddings {
    std::string name, origin;
    pith::vector::float_rows base, queries;
};

inline void normalize(pith::vector::float_rows& rows) {
    for (std::size_t r = 0; r < rows.rows; ++r) {
        const auto row = std::span(rows.values).subspan(r * rows.columns, rows.columns);
        const float norm = std::sqrt(pith::simd::dot_fast(row, row));
        for (float& x : row) x = norm > 0 ? x / norm : 0.0F;
    }
}

inline void keep_first(pith::vector::float_rows& rows, std::size_t count) {
    rows.rows = std::min(rows.rows, count);
    rows.values.resize(rows.rows * rows.columns);
}

/// Points around 50 centres, with coordinates of falling variance.
inline pith::vector::float_rows made_up_rows(std::size_t rows, std::size_t columns, std::uint64_t seed) {
    pith::vector::float_rows out{rows, columns, std::vector<float>(rows * columns)};
    pith::random_sequence centres(1), random(seed);
    std::vector<float> centre(50 * columns);
    for (float& x : centre) x = static_cast<float>(centres.gaussian());
    for (std::size_t r = 0; r < rows; ++r) {
        const std::size_t c = random.below(50);
        for (std::size_t j = 0; j < columns; ++j)
            out.values[r * columns + j] =
                (centre[c * columns + j] * 0.5F + static_cast<float>(random.gaussian())) /
                std::sqrt(1 + static_cast<float>(j) / 16);
    }
    return out;
}

/// GloVe vectors of the corpora scaled to length 1, or made-up ones.
inline embeddings find_embeddings(const corpora& from, bool quick) {
    embeddings out{"GloVe-100", "word vectors, scaled to length 1", {}, {}};
    auto base = pith::vector::read_npy(from.read("embeddings/glove100_base_100k.npy", ~std::size_t{0}));
    auto queries = pith::vector::read_npy(from.read("embeddings/glove100_query_1k.npy", ~std::size_t{0}));
    if (base && queries && base->columns == queries->columns) {
        out.base = std::move(*base);
        out.queries = std::move(*queries);
    } else {
        out.name = "made-up";
        out.origin = "made-up vectors around 50 centres, scaled to length 1";
        out.base = made_up_rows(quick ? 2000 : 100000, quick ? 32 : 100, 2);
        out.queries = made_up_rows(quick ? 50 : 1000, quick ? 32 : 100, 3);
    }
    if (quick) {
        keep_first(out.base, 2000);
        keep_first(out.queries, 50);
    }
    normalize(out.base);
    normalize(out.queries);
    return out;
}

/// The ten vectors of the largest inner product with each query.
inline std::vector<std::uint32_t> true_neighbors(const embeddings& data) {
    const std::size_t d = data.base.columns;
    std::vector<std::uint32_t> out;
    for (std::size_t q = 0; q < data.queries.rows; ++q) {
        pith::vector::nearest_list list(10);
        const auto query = std::span(data.queries.values).subspan(q * d, d);
        for (std::size_t i = 0; i < data.base.rows; ++i)
            list.offer(-pith::simd::dot_fast(query, std::span(data.base.values).subspan(i * d, d)),
                       static_cast<std::uint32_t>(i));
        pith::vector::neighbor found[10];
        list.write(found);
        for (const auto& n : found) out.push_back(n.id);
    }
    return out;
}

/// The share of the ten true neighbors among ten found; id(query, place) gives the found ones.
template <class Id>
double recall(const std::vector<std::uint32_t>& truth, Id&& id) {
    std::size_t hits = 0;
    for (std::size_t q = 0; q < truth.size() / 10; ++q)
        for (std::size_t i = 0; i < 10; ++i)
            for (std::size_t j = 0; j < 10; ++j) hits += truth[10 * q + j] == id(q, i);
    return static_cast<double>(hits) / static_cast<double>(truth.size());
}

}  // namespace bench
