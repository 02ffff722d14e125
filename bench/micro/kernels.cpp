// SIMD kernels beside their scalar twins, on data that fits the second-level cache.
#include <cstdint>
#include <span>
#include <vector>

#include <pith/simd/convert.hpp>
#include <pith/simd/dot.hpp>
#include <pith/simd/dot_exact.hpp>
#include <pith/simd/hadamard.hpp>
#include <pith/simd/histogram.hpp>
#include <pith/simd/lut.hpp>
#include <pith/simd/pack.hpp>
#include <pith/simd/planes.hpp>
#include <pith/simd/reduce.hpp>

#include "micro/data.hpp"

namespace {

namespace simd = pith::simd;
using simd::instruction_set;
using simd::native;
using simd::scalar;

constexpr std::size_t size = std::size_t{1} << 16;

// Not inlined: users' sizes are not constants either.
[[gnu::noinline]] std::span<const std::uint8_t> some_bytes() {
    return std::span(bench::residuals()).first(size);
}
[[gnu::noinline]] std::span<const float> some_floats() { return std::span(bench::weights()).first(size / 4); }

/// Runs a kernel until the time is measured; `bytes_each` are those of its larger side.
template <class Kernel>
void measure(benchmark::State& state, std::size_t bytes_each, Kernel kernel) {
    for (auto _ : state) {
        kernel();
        benchmark::ClobberMemory();
    }
    bench::count_bytes_of(state, bytes_each);
}

template <instruction_set Arch>
void look_up(benchmark::State& state) {
    simd::byte_table table{};
    for (std::size_t i = 0; i < table.size(); ++i) table[i] = static_cast<std::uint8_t>(7 * i);
    bench::bytes out(size);
    measure(state, size, [&] { simd::look_up<Arch>(some_bytes(), table, out); });
}
BENCHMARK(look_up<native>);
BENCHMARK(look_up<scalar>);

template <instruction_set Arch>
void look_up_nibbles_to_floats(benchmark::State& state) {
    simd::float_table table{};
    for (std::size_t i = 0; i < table.size(); ++i) table[i] = static_cast<float>(i) * 0.25F;
    std::vector<float> out(size / 4);
    measure(state, size, [&] { simd::look_up_nibbles<Arch>(some_bytes().first(size / 8), table, out); });
}
BENCHMARK(look_up_nibbles_to_floats<native>);
BENCHMARK(look_up_nibbles_to_floats<scalar>);

template <unsigned Bits, instruction_set Arch>
void pack(benchmark::State& state) {
    bench::bytes out(simd::packed_size(size, Bits));
    measure(state, size, [&] { simd::pack<Bits, Arch>(some_bytes(), out); });
}
BENCHMARK(pack<4, native>);
BENCHMARK(pack<4, scalar>);
BENCHMARK(pack<3, native>);
BENCHMARK(pack<3, scalar>);

template <unsigned Bits, instruction_set Arch>
void unpack(benchmark::State& state) {
    bench::bytes out(size);
    measure(state, size,
            [&] { simd::unpack<Bits, Arch>(some_bytes().first(simd::packed_size(size, Bits)), out); });
}
BENCHMARK(unpack<4, native>);
BENCHMARK(unpack<4, scalar>);
BENCHMARK(unpack<3, native>);
BENCHMARK(unpack<3, scalar>);

template <std::size_t Width, instruction_set Arch>
void split_planes(benchmark::State& state) {
    bench::bytes out(size);
    measure(state, size, [&] { simd::split_planes<Width, Arch>(some_bytes(), out); });
}
BENCHMARK(split_planes<2, native>);
BENCHMARK(split_planes<2, scalar>);
BENCHMARK(split_planes<4, native>);
BENCHMARK(split_planes<4, scalar>);

template <std::size_t Width, instruction_set Arch>
void merge_planes(benchmark::State& state) {
    bench::bytes out(size);
    measure(state, size, [&] { simd::merge_planes<Width, Arch>(some_bytes(), out); });
}
BENCHMARK(merge_planes<2, native>);
BENCHMARK(merge_planes<2, scalar>);
BENCHMARK(merge_planes<4, native>);
BENCHMARK(merge_planes<4, scalar>);

template <instruction_set Arch>
void histogram(benchmark::State& state) {
    std::uint32_t counts[256] = {};
    measure(state, size, [&] { simd::histogram<Arch>(some_bytes(), counts); });
}
BENCHMARK(histogram<native>);
BENCHMARK(histogram<scalar>);

template <instruction_set Arch>
void float_to_bfloat16(benchmark::State& state) {
    std::vector<std::uint16_t> out(some_floats().size());
    measure(state, size, [&] { simd::float_to_bfloat16<Arch>(some_floats(), out); });
}
BENCHMARK(float_to_bfloat16<native>);
BENCHMARK(float_to_bfloat16<scalar>);

template <instruction_set Arch>
void half_to_float(benchmark::State& state) {
    std::vector<std::uint16_t> halves(size / 4);
    simd::float_to_half<Arch>(some_floats(), halves);
    std::vector<float> out(size / 4);
    measure(state, size, [&] { simd::half_to_float<Arch>(halves, out); });
}
BENCHMARK(half_to_float<native>);
BENCHMARK(half_to_float<scalar>);

template <instruction_set Arch>
void float_to_half(benchmark::State& state) {
    std::vector<std::uint16_t> out(some_floats().size());
    measure(state, size, [&] { simd::float_to_half<Arch>(some_floats(), out); });
}
BENCHMARK(float_to_half<native>);
BENCHMARK(float_to_half<scalar>);

template <simd::reduction Op, instruction_set Arch>
void reduce_floats(benchmark::State& state) {
    measure(state, size, [] { benchmark::DoNotOptimize(simd::reduce<Op, Arch>(some_floats())); });
}
BENCHMARK(reduce_floats<simd::reduction::absmax, native>);
BENCHMARK(reduce_floats<simd::reduction::absmax, scalar>);
BENCHMARK(reduce_floats<simd::reduction::sum, native>);
BENCHMARK(reduce_floats<simd::reduction::sum, scalar>);

template <instruction_set Arch>
void dot_of_floats(benchmark::State& state) {
    measure(state, 2 * size,
            [] { benchmark::DoNotOptimize(simd::dot_fast<Arch>(some_floats(), some_floats())); });
}
BENCHMARK(dot_of_floats<native>);
BENCHMARK(dot_of_floats<scalar>);

template <instruction_set Arch>
void exact_dot_of_floats(benchmark::State& state) {
    measure(state, 2 * size,
            [] { benchmark::DoNotOptimize(simd::dot_exact<Arch>(some_floats(), some_floats())); });
}
BENCHMARK(exact_dot_of_floats<native>);
BENCHMARK(exact_dot_of_floats<scalar>);

template <instruction_set Arch>
void dot_of_bytes(benchmark::State& state) {
    std::vector<std::int8_t> codes(size);
    for (std::size_t i = 0; i < size; ++i) codes[i] = static_cast<std::int8_t>(some_bytes()[i]);
    const std::span<const std::int8_t> view(codes);
    measure(state, 2 * size, [&] { benchmark::DoNotOptimize(simd::dot<Arch>(view, view)); });
}
BENCHMARK(dot_of_bytes<native>);
BENCHMARK(dot_of_bytes<scalar>);

template <instruction_set Arch>
void hadamard(benchmark::State& state) {
    const std::span<const float> start = some_floats().first(1024);
    std::vector<float> values(start.begin(), start.end());
    for (float& v : values) v *= 0x1p-30F;  // the transform grows them
    for (auto _ : state) {
        simd::hadamard<Arch>(values);
        for (float& v : values) v *= 0x1p-5F;
        benchmark::ClobberMemory();
    }
    bench::count_bytes_of(state, 4 * values.size());
}
BENCHMARK(hadamard<native>);
BENCHMARK(hadamard<scalar>);

}  // namespace
