// The quantizers that vector_search offers by name, and what one of them does to given vectors.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include <pith/core/parallel.hpp>
#include <pith/quant/number_format.hpp>
#include <pith/systems/vector.hpp>
#include <pith/vector.hpp>

struct task {
    const pith::vector::float_rows* base = nullptr;
    const pith::vector::float_rows* queries = nullptr;
    pith::vector::metric by = pith::vector::metric::inner_product;
    std::size_t width = 10;
    std::size_t rerank = 0;  // so many candidates are compared exactly; 0: none
    pith::threads crew{1};
};

struct outcome {
    pith::vector::neighbors found;
    double bytes = 0, train = 0, encode = 0, search = 0;  // per vector; seconds; seconds; seconds
};

struct method {
    const char* name;
    const char* about;
    std::function<pith::result<outcome>(const task&)> run;
};

class stopwatch {
  public:
    // Seconds since the last call.
    double lap() {
        const auto now = std::chrono::steady_clock::now();
        const double out = std::chrono::duration<double>(now - since_).count();
        since_ = now;
        return out;
    }

  private:
    std::chrono::steady_clock::time_point since_ = std::chrono::steady_clock::now();
};

// Trains by fit(rows, threads), fills an index and searches it.
template <class Index, class Fit>
pith::result<outcome> run_index(const task& job, Fit&& fit) {
    outcome out;
    stopwatch watch;
    auto quantizer = fit(job.base->view(), job.crew);
    if (!quantizer) return quantizer.error();
    out.train = watch.lap();
    Index index(std::move(*quantizer), job.by);
    if (const auto added = index.add(job.base->view(), job.crew); !added) return added.error();
    out.encode = watch.lap();
    const std::size_t width = job.rerank > job.width ? job.rerank : job.width;
    auto found = index.search(job.queries->view(), width, {}, job.crew);
    if (!found) return found.error();
    out.found = job.rerank == 0 ? std::move(*found)
                                : pith::vector::rerank(job.queries->view(), job.base->view(), *found,
                                                       job.width, job.by, job.crew);
    out.search = watch.lap();
    out.bytes = static_cast<double>(index.stored_bytes()) / static_cast<double>(index.size());
    return out;
}

// Parts of about `wanted` coordinates.
inline std::size_t parts_of(std::size_t dimension, std::size_t wanted) {
    return dimension < wanted ? 1 : dimension / wanted;
}

template <unsigned Bits>
pith::result<outcome> run_product(const task& job, std::size_t per_part) {
    return run_index<pith::systems::product_index<Bits>>(job, [&](auto rows, const auto& crew) {
        return pith::vector::product<Bits>::fit(rows, parts_of(rows.columns(), per_part), {}, crew);
    });
}

template <class Code>
pith::result<outcome> run_rotation(const task& job) {
    return run_index<pith::systems::rotation_index<Code>>(
        job, [](auto rows, const auto&) { return pith::vector::centred_code<Code>::fit(rows); });
}

template <unsigned Bits>
using factor_code =
    pith::vector::rotation_code<pith::vector::nearest_assignment<Bits>,
                                pith::transform::randomized_hadamard<>,
                                pith::vector::rotation_options{.format = pith::quant::number_format::fp16}>;

inline std::vector<method> all_methods() {
    using namespace pith;
    return {
        {"pq", "product codes, 8 bits for 4 coordinates", [](const task& t) { return run_product<8>(t, 4); }},
        {"pq-fast", "product codes, 4 bits for 2 coordinates, fast scan",
         [](const task& t) { return run_product<4>(t, 2); }},
        {"pq-fast-4", "product codes, 4 bits for each coordinate, fast scan",
         [](const task& t) { return run_product<4>(t, 1); }},
        {"opq", "product codes behind a fitted rotation",
         [](const task& t) {
             return run_index<systems::opq_index<8>>(t, [](auto rows, const auto& crew) {
                 const std::size_t parts = parts_of(rows.columns(), 4);
                 return vector::turned<vector::product<8>>::fit(rows, parts, {}, {}, crew);
             });
         }},
        {"rvq", "residual stages, groups of 16 coordinates, a beam of 4",
         [](const task& t) {
             return run_index<systems::residual_index<8>>(t, [](auto rows, const auto&) {
                 const std::size_t groups = parts_of(rows.columns(), 16);
                 return vector::residual<8>::fit(rows, {.stages = 4, .groups = groups});
             });
         }},
        {"osq-2", "principal axes, 2 bits a coordinate shared out by variance",
         [](const task& t) {
             return run_index<systems::squash_index>(t, [](auto rows, const auto& crew) {
                 return vector::variable_bits<>::fit(rows, 2 * rows.columns(), false, crew);
             });
         }},
        {"turboquant-2", "mean, rotation, 2-bit grid, unbiased factor",
         [](const task& t) { return run_rotation<factor_code<2>>(t); }},
        {"turboquant-4", "the same with 4 bits",
         [](const task& t) { return run_rotation<factor_code<4>>(t); }},
        {"trellis-2", "mean, rotation, trellis of 2 bits and 12-bit windows, unbiased factor",
         [](const task& t) {
             return run_rotation<systems::trellis_rotation<2, transform::randomized_hadamard<>, 12>>(t);
         }},
        {"rabitq-1", "mean, rotation, 1-bit grid, unbiased factor and norm",
         [](const task& t) { return run_rotation<systems::rabitq<1, transform::randomized_hadamard<>>>(t); }},
    };
}
