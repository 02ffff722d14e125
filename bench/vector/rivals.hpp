// faiss as it is installed, on one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "vector/contestants.hpp"

#ifdef PITH_BENCH_FAISS
#    if defined(__GNUC__)
#        pragma GCC diagnostic push
#        pragma GCC diagnostic ignored "-Wunused-parameter"
#    endif
#    include <faiss/IndexPQ.h>
#    include <faiss/IndexPQFastScan.h>
#    include <faiss/utils/utils.h>
#    if defined(__GNUC__)
#        pragma GCC diagnostic pop
#    endif
#    include <omp.h>
#endif

namespace bench {

#ifdef PITH_BENCH_FAISS

/// Trains, adds and searches; the error is not measured.
template <class Index>
vector_measure measure_faiss(Index& index, double code_bytes, const embeddings& data,
                             const std::vector<std::uint32_t>& truth) {
    omp_set_num_threads(1);
    const auto n = static_cast<faiss::Index::idx_t>(data.base.rows);
    const auto queries = static_cast<faiss::Index::idx_t>(data.queries.rows);
    vector_measure out;
    index.pq.cp.min_points_per_centroid = 1;  // no warnings
    double begin = seconds_now();
    index.train(n, data.base.values.data());
    out.train = seconds_now() - begin;
    begin = seconds_now();
    index.add(n, data.base.values.data());
    out.encode = seconds_now() - begin;
    std::vector<float> scores(data.queries.rows * 10);
    std::vector<faiss::Index::idx_t> ids(scores.size());
    std::vector<double> times;
    for (int repeat = 0; repeat < 3; ++repeat) {
        begin = seconds_now();
        index.search(queries, data.queries.values.data(), 10, scores.data(), ids.data());
        times.push_back((seconds_now() - begin) / static_cast<double>(queries));
        if (times.back() * static_cast<double>(queries) > 3) break;
    }
    out.search = median(times);
    out.recall = recall(
        truth, [&](std::size_t q, std::size_t i) { return static_cast<std::uint32_t>(ids[10 * q + i]); });
    out.bits = 8 * code_bytes / static_cast<double>(data.base.columns);
    return out;
}

inline std::string faiss_note() {
    return "faiss on one thread, as installed (its build says: " + faiss::get_compile_options() +
           "; GENERIC means without AVX2, whose absence its fast scan feels most).";
}

inline std::vector<vector_contestant> rivals(unsigned bits) {
    std::vector<vector_contestant> out;
    out.push_back({"faiss IndexPQ, 8-bit parts",
                   [bits](const embeddings& data, const std::vector<std::uint32_t>& truth) {
                       const std::size_t parts = data.base.columns * bits / 8;
                       faiss::IndexPQ index(static_cast<int>(data.base.columns), parts, 8,
                                            faiss::METRIC_INNER_PRODUCT);
                       return measure_faiss(index, static_cast<double>(parts), data, truth);
                   }});
    out.push_back({"faiss IndexPQFastScan, 4-bit parts",
                   [bits](const embeddings& data, const std::vector<std::uint32_t>& truth) {
                       const std::size_t parts = data.base.columns * bits / 4;
                       faiss::IndexPQFastScan index(static_cast<int>(data.base.columns), parts, 4,
                                                    faiss::METRIC_INNER_PRODUCT);
                       return measure_faiss(index, static_cast<double>(parts) / 2, data, truth);
                   }});
    return out;
}

#else

inline std::string faiss_note() { return "faiss is not installed (libfaiss-dev), so not measured."; }
inline std::vector<vector_contestant> rivals(unsigned) { return {}; }

#endif

}  // namespace bench
