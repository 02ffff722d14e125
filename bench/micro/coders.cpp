// Block coders and their parts: lanes of rANS, tables, Huffman, tANS, Rice.
#include <cstdint>
#include <vector>

#include <pith/entropy/adaptive_binary.hpp>
#include <pith/entropy/adaptive_nibble.hpp>
#include <pith/entropy/frequency.hpp>
#include <pith/entropy/golomb.hpp>
#include <pith/entropy/huffman.hpp>
#include <pith/entropy/rans_block.hpp>
#include <pith/entropy/rans_lanes.hpp>
#include <pith/entropy/rans_order1.hpp>
#include <pith/entropy/rans_tables.hpp>
#include <pith/entropy/tans.hpp>
#include <pith/simd/rans.hpp>
#include <pith/simd/rans_order1.hpp>

#include "micro/data.hpp"

namespace {

using namespace pith::entropy;
using vector_rounds = pith::simd::rans_rounds<>;
using fast_order1 = rans_order1<pith::simd::order1_rounds<>, vector_rounds>;

// --- Whole blocks --------------------------------------------------------------------------------------

template <class Coder>
void block_encode(benchmark::State& state) {
    const bench::bytes& data = bench::residuals();
    std::vector<Coder> coder(1);
    bench::bytes out(Coder::max_encoded_size(data.size()));
    for (auto _ : state)
        if (!coder[0].encode_into(data, out)) state.SkipWithError("encoding failed");
    bench::count_bytes_of(state, bench::micro_size);
}

template <class Coder>
void block_decode(benchmark::State& state) {
    std::vector<Coder> coder(1);
    bench::bytes encoded(Coder::max_encoded_size(bench::micro_size));
    encoded.resize(coder[0].encode_into(bench::residuals(), encoded).value_or(0));
    bench::bytes out(bench::micro_size);
    for (auto _ : state)
        if (!coder[0].decode_into(encoded, out)) state.SkipWithError("decoding failed");
    if (out != bench::residuals()) state.SkipWithError("decoded to something else");
    bench::count_bytes_of(state, bench::micro_size);
}

BENCHMARK(block_encode<rans_bytes<vector_rounds>>);
BENCHMARK(block_encode<rans_bytes<scalar_rounds>>);
BENCHMARK(block_encode<fast_order1>);
BENCHMARK(block_encode<rans_order1<>>);
BENCHMARK(block_encode<huffman<>>);
BENCHMARK(block_encode<tans<>>);
BENCHMARK(block_encode<rice_bytes>);
BENCHMARK(block_encode<adaptive_nibble<0>>);
BENCHMARK(block_encode<adaptive_nibble<1>>);
BENCHMARK(block_encode<adaptive_binary<0>>);
BENCHMARK(block_encode<adaptive_binary<1>>);
BENCHMARK(block_decode<rans_bytes<vector_rounds>>);
BENCHMARK(block_decode<rans_bytes<scalar_rounds>>);
BENCHMARK(block_decode<fast_order1>);
BENCHMARK(block_decode<rans_order1<>>);
BENCHMARK(block_decode<huffman<1>>);
BENCHMARK(block_decode<huffman<4>>);
BENCHMARK(block_decode<huffman<6>>);
BENCHMARK(block_decode<huffman<8>>);
BENCHMARK(block_decode<tans<12, 1>>);
BENCHMARK(block_decode<tans<12, 2>>);
BENCHMARK(block_decode<tans<12, 4>>);
BENCHMARK(block_decode<rice_bytes>);
BENCHMARK(block_decode<adaptive_nibble<0>>);
BENCHMARK(block_decode<adaptive_nibble<1>>);
BENCHMARK(block_decode<adaptive_binary<0>>);
BENCHMARK(block_decode<adaptive_binary<1>>);

// --- rANS by lanes, tables ready -----------------------------------------------------------------------

constexpr unsigned precision = 12;

struct frequencies {
    std::uint32_t counts[256];
    std::uint16_t normal[256];
    frequencies() {
        count_bytes(bench::residuals(), counts);
        normalize_frequencies(counts, normal, precision);
    }
};

template <unsigned Lanes, rans_rounds Rounds>
void rans_encode(benchmark::State& state) {
    const frequencies f;
    rans_symbol_table<precision> symbols;
    symbols.build(f.normal);
    bench::bytes out(bench::micro_size + 4096);
    for (auto _ : state)
        if (!rans_encode_lanes<Lanes, precision, Rounds>(bench::residuals(), symbols, out))
            state.SkipWithError("encoding failed");
    bench::count_bytes_of(state, bench::micro_size);
}

template <unsigned Lanes, rans_rounds Rounds>
void rans_decode(benchmark::State& state) {
    const frequencies f;
    rans_symbol_table<precision> symbols;
    symbols.build(f.normal);
    bench::bytes encoded(bench::micro_size + 4096);
    const std::size_t size =
        rans_encode_lanes<Lanes, precision, Rounds>(bench::residuals(), symbols, encoded).value_or(0);
    const pith::byte_view in = pith::byte_view(encoded).last(size);
    rans_slot_table<precision> slots;
    slots.build(f.normal);
    bench::bytes out(bench::micro_size);
    for (auto _ : state)
        if (!rans_decode_lanes<Lanes, precision, Rounds>(in, slots, out))
            state.SkipWithError("decoding failed");
    if (out != bench::residuals()) state.SkipWithError("decoded to something else");
    bench::count_bytes_of(state, bench::micro_size);
}

BENCHMARK(rans_encode<1, scalar_rounds>);
BENCHMARK(rans_encode<4, scalar_rounds>);
BENCHMARK(rans_encode<32, scalar_rounds>);
BENCHMARK(rans_encode<128, scalar_rounds>);
BENCHMARK(rans_encode<32, vector_rounds>);
BENCHMARK(rans_encode<64, vector_rounds>);
BENCHMARK(rans_encode<128, vector_rounds>);
BENCHMARK(rans_decode<1, scalar_rounds>);
BENCHMARK(rans_decode<4, scalar_rounds>);
BENCHMARK(rans_decode<32, scalar_rounds>);
BENCHMARK(rans_decode<128, scalar_rounds>);
BENCHMARK(rans_decode<32, vector_rounds>);
BENCHMARK(rans_decode<64, vector_rounds>);
BENCHMARK(rans_decode<128, vector_rounds>);

// --- Tables --------------------------------------------------------------------------------------------

void count_one_block(benchmark::State& state) {
    std::uint32_t counts[256];
    for (auto _ : state) {
        count_bytes(bench::residuals(), counts);
        benchmark::DoNotOptimize(counts);
    }
    bench::count_bytes_of(state, bench::micro_size);
}
BENCHMARK(count_one_block);

void normalize(benchmark::State& state) {
    frequencies f;
    for (auto _ : state) {
        normalize_frequencies(f.counts, f.normal, precision);
        benchmark::DoNotOptimize(f.normal);
    }
}
BENCHMARK(normalize);

void build_rans_slots(benchmark::State& state) {
    const frequencies f;
    rans_slot_table<precision> slots;
    for (auto _ : state) {
        slots.build(f.normal);
        benchmark::DoNotOptimize(slots);
    }
}
BENCHMARK(build_rans_slots);

void build_rans_symbols(benchmark::State& state) {
    const frequencies f;
    rans_symbol_table<precision> symbols;
    for (auto _ : state) {
        symbols.build(f.normal);
        benchmark::DoNotOptimize(symbols);
    }
}
BENCHMARK(build_rans_symbols);

void frequency_header(benchmark::State& state) {
    const frequencies f;
    std::uint8_t raw[1024];
    std::uint16_t back[256];
    for (auto _ : state) {
        pith::span_sink sink(raw);
        write_frequencies(sink, f.normal, precision);
        pith::byte_reader reader(pith::byte_view(raw, sink.size()));
        if (!read_frequencies(reader, back, precision)) state.SkipWithError("the header did not read back");
        benchmark::DoNotOptimize(back);
    }
}
BENCHMARK(frequency_header);

}  // namespace
