// Streams of the lossy formats with what they decode to, for the second decoder: lossy_streams FOLDER writes
// NAME.bytes and NAME.values, binary32 row after row, for each of them.
#include <pith/kv/affine_part.hpp>
#include <pith/kv/codebook_part.hpp>
#include <pith/kv/engine_blocks.hpp>
#include <pith/kv/linear_stages.hpp>
#include <pith/kv/low_rank_parts.hpp>
#include <pith/kv/merged_layers.hpp>
#include <pith/kv/selected_parts.hpp>
#include <pith/systems/vector.hpp>

#include <cstdio>
#include <fstream>
#include <string>
#include <vector>

#include "kv/block_samples.hpp"
#include "splats/codec.hpp"

namespace {

using pith::quant::axis;
using bytes = std::vector<std::uint8_t>;
namespace kv = pith::kv;
namespace vector = pith::vector;

std::string folder;
bool sound = true;

void put(const std::string& name, pith::byte_view stream, std::span<const float> values) {
    const auto file = [&](const char* ending) {
        return std::ofstream(folder + "/" + name + ending, std::ios::binary);
    };
    std::ofstream to = file(".bytes"), decoded = file(".values");
    to.write(reinterpret_cast<const char*>(stream.data()), static_cast<std::streamsize>(stream.size()));
    for (const float v : values) {
        std::uint8_t raw[4];
        pith::store_le<std::uint32_t>(raw, std::bit_cast<std::uint32_t>(v));
        decoded.write(reinterpret_cast<const char*>(raw), 4);
    }
    sound = sound && to.good() && decoded.good();
}

// --- Blocks of caches ------------------------------------------------------------------------------------

template <bool Symmetric = false>
using affine = kv::affine<{.bits = 3, .group = 5, .axis = axis::token, .symmetric = Symmetric}>;
using by_channel = kv::affine<{.bits = 2, .group = 8, .axis = axis::channel}>;

template <class... Parts>
void put_block(const char* name, std::size_t layers, Parts... parts) {
    const auto block = block_samples::make_block(
        {.layers = 2, .kv_heads = 2, .query_heads = 2, .head_size = 6}, 21, kv::tensor_kind::keys, 3, layers);
    const auto codec = block_samples::of(std::move(parts)...);
    const auto coded = codec.encode(block.view(), block.scope());
    const kv::matrix out = block_samples::measure(codec, block).decoded;
    std::vector<float> values;
    for (std::size_t r = 0; r < out.rows(); ++r)
        values.insert(values.end(), out.row(r).begin(), out.row(r).end());
    put(name, kv::readable_bytes(coded), values);
}

void put_blocks() {
    put_block("affine", 1, affine<>{});
    put_block("symmetric", 1, affine<true>{});
    put_block("heads", 1, kv::each_head{}, kv::mean_removed{}, kv::channel_scaled<>{}, by_channel{});
    put_block("polar", 1, kv::polar_pairs{}, kv::halves{});
    put_block("ternary", 1, kv::own_ranges<axis::token>{}, kv::ternary{});
    put_block("gear", 1, kv::outliers<axis::channel, 200>{}, kv::error_factors{.rank = 3, .short_rank = 2},
              by_channel{});
    put_block("largest", 1, kv::largest_kept<300>{}, kv::engine_blocks<kv::engine_format::q4_1>{});
    put_block("table", 1, kv::engine_blocks<kv::engine_format::iq4_nl>{});
    put_block("tokens", 1, kv::token_classes<40, kv::halves, by_channel>{});
    put_block(
        "channels", 1,
        kv::channel_classes<kv::channel_order::range, kv::halves, affine<>>(4, kv::halves{}, affine<>{}));
    put_block("landmarks", 1, kv::landmark_factors{.rank = 4, .chunk = 4, .exact_chunks = 2});
    put_block("merged", 2, kv::merged_layers{.first_share = 0, .apart = 0.5F});
}

// --- Indexes ---------------------------------------------------------------------------------------------

template <class Quantizer>
void put_index(const char* name, pith::result<Quantizer> quantizer, pith::view_2d<const float> rows) {
    if (!quantizer) return static_cast<void>(sound = false);
    vector::flat_index<Quantizer> index(std::move(*quantizer));
    sound = sound && index.add(rows).has_value();
    bytes stream;
    pith::vector_sink sink(stream);
    index.save(sink);
    std::vector<float> values(rows.size());
    for (std::size_t i = 0; i < index.size(); ++i)
        index.decode_into(i, std::span(values).subspan(i * rows.columns(), rows.columns()));
    put(name, stream, values);
}

void put_indexes() {
    const kv::matrix sample = block_samples::gaussian(60, 11, 5);
    const auto rows = sample.view();
    using product = vector::product<4>;
    const auto fit_product = [](std::size_t parts) {
        return [parts](pith::view_2d<const float> x) { return product::fit(x, parts, {.rounds = 3}); };
    };
    put_index("product", product::fit(rows, 3, {.rounds = 3}), rows);
    put_index("residual",
              vector::residual<3>::fit(rows, {.stages = 2, .groups = 2, .clustering = {.rounds = 3}}), rows);
    put_index("signs", vector::sign_split<product>::fit(rows, fit_product(2)), rows);
    put_index("axes", vector::low_rank<product, product>::fit(rows, 4, fit_product(2), fit_product(3)), rows);
    put_index("bits", vector::variable_bits<>::fit(rows, 17), rows);
}

// --- Tables ----------------------------------------------------------------------------------------------

void put_tables() {
    const kv::matrix sample = block_samples::gaussian(50, 6, 8);
    const auto rows = sample.view();
    std::vector<float> values(rows.size());
    const pith::view_2d<float> decoded(values, rows.rows(), rows.columns());

    const pith::quant::palette<3> palette;
    const auto levels = palette.fit(rows);
    const auto codes = palette.encode(rows, *levels);
    sound = sound && palette.decode_into(*codes, *levels, decoded);
    bytes both = levels->bytes;
    both.insert(both.end(), codes->bytes.begin(), codes->bytes.end());
    put("palette", both, values);

    using scalar = pith::quant::entropy_coded_scalar<>;
    const auto coded = scalar::encode(rows, 0.03F);
    sound = sound && scalar::decode_into(*coded, decoded);
    put("values", *coded, values);

    using split = vector::importance_split<4>;
    std::vector<float> importance;
    for (std::size_t r = 0; r < rows.rows(); ++r) importance.push_back(static_cast<float>(r * 7 % 50));
    const auto parted = split::encode(rows, importance, {.parts = 2, .clustering = {.rounds = 3}});
    sound = sound && split::decode_into(*parted, decoded);
    put("importance", *parted, values);

    const splat_cloud cloud = made_up_cloud(400);
    const auto box = splats::box_of(cloud);
    const auto file = splats::encode(cloud, box, splats::snapped(cloud, box), {});
    const auto back = splats::decode(file->file);
    std::vector<float> all;
    for (const auto* part : {&back->position, &back->shape, &back->colour, &back->detail})
        all.insert(all.end(), part->begin(), part->end());
    put("splats", file->file, all);
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 2) {
        std::fputs("usage: lossy_streams FOLDER\n", stderr);
        return 2;
    }
    folder = argv[1];
    put_blocks();
    put_indexes();
    put_tables();
    return sound ? 0 : 1;
}
