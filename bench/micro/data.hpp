// Data that the micro benchmarks share: made up once, the same in every run.
#pragma once

#include <benchmark/benchmark.h>

#include <cstddef>
#include <cstdint>
#include <vector>

#include <pith/core/bytes.hpp>

#include "support/corpora.hpp"

namespace bench {

inline constexpr std::size_t micro_size = std::size_t{1} << 20;

/// 1 MiB of residuals of 4.5 bits each, about as text has.
inline const bytes& residuals() {
    static const bytes data = gaussian_bytes(micro_size, sigma_for_entropy(4.5), 45, zigzag);
    return data;
}

/// `n` floats around 0, of the size of network weights.
inline const std::vector<float>& weights() {
    static const std::vector<float> data = made_up_weights(micro_size / 4);
    return data;
}

/// Bytes per second of the data that one iteration goes through.
inline void count_bytes_of(benchmark::State& state, std::size_t bytes_each) {
    state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations()) *
                            static_cast<std::int64_t>(bytes_each));
}

}  // namespace bench
