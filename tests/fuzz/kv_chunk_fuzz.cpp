// Chunks of key-value caches from any bytes, with checksums made to fit or not: an error or finite values,
// within the limits; and codecs' blocks by themselves.
#include <cmath>
#include <memory>
#include <vector>

#include <pith/kv/cachegen_codec.hpp>
#include <pith/kv/transform_coded.hpp>
#include <pith/kv/transport_chunk.hpp>

#include "fuzz/input.hpp"

namespace {

namespace kv = pith::kv;

constexpr kv::shape shape{.layers = 2, .kv_heads = 2, .query_heads = 2, .head_size = 4};
constexpr std::size_t width = 8;

/// Fixed numbers without structure.
std::vector<float> numbers(std::size_t n, std::uint32_t seed) {
    std::vector<float> out(n);
    for (float& v : out) {
        seed = seed * 1664525 + 1013904223;
        v = static_cast<float>(seed >> 8) * 0x1p-22F - 2;
    }
    return out;
}
std::shared_ptr<const kv::transport_bases> bases() {
    kv::calibration c;
    c.shape = shape;
    for (std::uint32_t t = 0; t < 20; ++t) c.positions.push_back(t);
    for (std::uint32_t l = 0; l < 2; ++l) {
        c.keys.push_back(numbers(20 * width, l));
        c.values.push_back(numbers(20 * width, 10 + l));
        c.queries.push_back(numbers(20 * width, 20 + l));
    }
    return std::make_shared<const kv::transport_bases>(kv::transport_bases::fit(c));
}
void repair(fuzz::bytes& chunk) {
    if (chunk.size() < kv::chunk_header::size) return;
    for (std::size_t i = 0; i < 4; ++i) chunk[i] = kv::chunk_header::magic[i];
    pith::store_le<std::uint64_t>(chunk.data() + 12, chunk.size() - kv::chunk_header::size);
    pith::xxh64 sum;
    sum.update(pith::byte_view(chunk).first(20));
    sum.update(pith::byte_view(chunk).subspan(kv::chunk_header::size));
    pith::store_le<std::uint64_t>(chunk.data() + 20, sum.digest());
}
template <class Codec>
void decode(const std::vector<Codec>& levels, const fuzz::bytes& chunk) {
    const pith::limits bound{.max_output = 1 << 18, .max_memory = 1 << 20};
    const auto values = kv::read_chunk<Codec>(shape, levels, chunk, bound);
    if (!values) return;
    for (const auto* part : {&values->keys, &values->values})
        for (const std::vector<float>& layer : *part) {
            fuzz::require(layer.size() == values->tokens * width, "a layer has the rows that the chunk says");
            for (const float v : layer) fuzz::require(std::isfinite(v), "decoded values are finite");
        }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const std::vector<kv::transform_coded<>> transport{{bases(), 0.5F}, {bases(), 0.05F}};
    static const std::vector<kv::cachegen_codec> cachegen{
        kv::cachegen_codec({.bins = 4}), kv::cachegen_codec({.bins = 16, .anchor_every = 0})};
    fuzz::input in(data, size);
    const std::uint8_t choice = in.byte();
    fuzz::bytes chunk = in.rest();
    if (choice % 4 != 0) repair(chunk);
    choice % 2 == 0 ? decode(cachegen, chunk) : decode(transport, chunk);
    return 0;
}
