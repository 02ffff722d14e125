// Checksums: XXH64 and CRC-32C, beside libxxhash where it is installed.
#include <cstring>

#include <pith/core/checksum.hpp>

#include "micro/data.hpp"

#ifdef PITH_BENCH_XXHASH
#    include <xxhash.h>
#endif

namespace {

void xxh64(benchmark::State& state) {
    const pith::byte_view data(bench::residuals());
    for (auto _ : state) benchmark::DoNotOptimize(pith::xxh64_of(data));
    bench::count_bytes_of(state, bench::micro_size);
}
BENCHMARK(xxh64);

void xxh64_in_pieces(benchmark::State& state) {
    const pith::byte_view data(bench::residuals());
    for (auto _ : state) {
        pith::xxh64 hash;
        for (std::size_t at = 0; at < data.size(); at += 4096) hash.update(data.subspan(at, 4096));
        benchmark::DoNotOptimize(hash.digest());
    }
    bench::count_bytes_of(state, bench::micro_size);
}
BENCHMARK(xxh64_in_pieces);

#ifdef PITH_BENCH_XXHASH
void libxxhash_xxh64(benchmark::State& state) {
    const pith::byte_view data(bench::residuals());
    for (auto _ : state) benchmark::DoNotOptimize(XXH64(data.data(), data.size(), 0));
    bench::count_bytes_of(state, bench::micro_size);
}
BENCHMARK(libxxhash_xxh64);
#endif

void crc32c(benchmark::State& state) {
    const pith::byte_view data(bench::residuals());
    for (auto _ : state) benchmark::DoNotOptimize(pith::crc32c(data));
    bench::count_bytes_of(state, bench::micro_size);
}
BENCHMARK(crc32c);

void memcpy_of_the_same(benchmark::State& state) {
    const pith::byte_view data(bench::residuals());
    bench::bytes copy(data.size());
    for (auto _ : state) {
        std::memcpy(copy.data(), data.data(), copy.size());
        benchmark::ClobberMemory();
    }
    bench::count_bytes_of(state, bench::micro_size);
}
BENCHMARK(memcpy_of_the_same);

}  // namespace
