// The tensor codec's instant and rans tiers on made-up bf16 weights, in the second-level cache and beyond it.
#include <cstdint>
#include <cstring>
#include <vector>

#include <pith/codec/tensor.hpp>
#include <pith/codec/tensor_instant.hpp>
#include <pith/codec/tensor_rans.hpp>
#include <pith/core/number.hpp>
#include <pith/core/random.hpp>

#include "micro/data.hpp"

namespace {

using namespace pith::codec;

/// 2^19 bf16 weights, Gaussian with sigma 0.02, in rows of 512; with Scaled, scales of rows and of columns.
template <bool Scaled>
const bench::bytes& halves() {
    static const bench::bytes data = [] {
        pith::random_sequence random(19);
        bench::bytes out(std::size_t{2} << 19);
        for (std::size_t i = 0; i < out.size() / 2; ++i) {
            const std::size_t octaves = i / 512 * 5 % 4 + i % 512 * 3 % 4;
            const double scale = Scaled ? 0.02 * static_cast<double>(1U << octaves) : 0.02;
            const pith::bfloat16 half(static_cast<float>(random.gaussian() * scale));
            std::memcpy(out.data() + 2 * i, &half.bits, 2);
        }
        return out;
    }();
    return data;
}

template <class Tier, bool Scaled>
void encode_tensor(benchmark::State& state) {
    const auto count = static_cast<std::size_t>(state.range(0));
    const std::size_t shape[] = {count / 512, 512};
    const tensor_view view{element::bf16, shape, pith::byte_view(halves<Scaled>()).first(2 * count)};
    tensor<Tier> codec;
    bench::bytes out(codec.max_encoded_size(view));
    std::size_t size = 0;
    for (auto _ : state) size = codec.encode_into(view, out).value();
    state.counters["size %"] = 100.0 * static_cast<double>(size) / static_cast<double>(2 * count);
    bench::count_bytes_of(state, 2 * count);
}

template <class Tier, bool Scaled>
void decode_tensor(benchmark::State& state) {
    const auto count = static_cast<std::size_t>(state.range(0));
    const std::size_t shape[] = {count / 512, 512};
    tensor<Tier> codec;
    const auto coded =
        codec.encode({element::bf16, shape, pith::byte_view(halves<Scaled>()).first(2 * count)});
    bench::bytes out(2 * count);
    for (auto _ : state) benchmark::DoNotOptimize(codec.decode_into(coded.value(), out).has_value());
    bench::count_bytes_of(state, 2 * count);
}

void copy_tensor(benchmark::State& state) {
    const auto count = static_cast<std::size_t>(state.range(0));
    bench::bytes out(2 * count);
    for (auto _ : state) {
        std::memcpy(out.data(), halves<false>().data(), out.size());
        benchmark::ClobberMemory();
    }
    bench::count_bytes_of(state, 2 * count);
}

constexpr std::int64_t cached = 1 << 16, beyond = 1 << 19;
BENCHMARK(copy_tensor)->Arg(cached)->Arg(beyond);
BENCHMARK(decode_tensor<instant, false>)->Arg(cached)->Arg(beyond);
BENCHMARK(decode_tensor<rans_planes, false>)->Arg(cached)->Arg(beyond);
BENCHMARK(decode_tensor<rans_planes, true>)->Arg(cached)->Arg(beyond);
BENCHMARK(encode_tensor<instant, false>)->Arg(cached)->Arg(beyond);
BENCHMARK(encode_tensor<rans_planes, false>)->Arg(cached)->Arg(beyond);
BENCHMARK(encode_tensor<rans_planes, true>)->Arg(cached)->Arg(beyond);

}  // namespace
