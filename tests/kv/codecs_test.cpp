#include <pith/kv/affine_part.hpp>
#include <pith/kv/block_part.hpp>
#include <pith/kv/calibrated_parts.hpp>
#include <pith/kv/codebook_part.hpp>
#include <pith/kv/engine_blocks.hpp>
#include <pith/kv/linear_stages.hpp>
#include <pith/kv/low_rank_parts.hpp>
#include <pith/kv/merged_layers.hpp>
#include <pith/kv/selected_parts.hpp>
#include <pith/kv/vector_part.hpp>

#include <cmath>
#include <string>
#include <vector>

#include <pith/transform/randomized_hadamard.hpp>
#include <pith/vector/assignment.hpp>
#include <pith/vector/rotation_code.hpp>

#include "block_samples.hpp"
#include "support/catch.hpp"

namespace {

namespace kv = pith::kv;
namespace quant = pith::quant;
using quant::axis;
using samples::block;
using samples::codec;
using samples::of;

using by_channel = kv::affine<quant::affine_options{.bits = 3, .group = 32, .axis = axis::channel}>;
using by_token = kv::affine<quant::affine_options{.bits = 2, .group = 32, .axis = axis::token}>;
using rotation = pith::transform::randomized_hadamard<>;
using rotation_code =
    pith::vector::rotation_code<pith::vector::nearest_assignment<3>, rotation,
                                pith::vector::rotation_options{.format = quant::number_format::fp16}>;

/// A pipeline with every part at least once, for heads of d channels.
std::vector<codec> all_codecs(const kv::shape& shape) {
    const std::size_t d = shape.head_size, n = shape.key_channels();
    const auto samples_of = [&](std::size_t columns) {
        return samples::structured(kv::tensor_kind::keys, 80, columns, 3);
    };
    const kv::matrix sample = samples_of(n);
    const std::vector<kv::projection> axes{kv::fit_projection(sample.view(), 4)};
    const std::vector<kv::projection> head_axes{kv::fit_head_projection(sample.view(), d, n / 2)};
    const std::vector<kv::linear_prediction> predictions{kv::fit_prediction(sample.view(), sample.view())};
    const std::vector<std::vector<kv::line_range>> ranges{kv::fit_ranges(sample.view(), 0.01)};
    const quant::grid<3> grid = kv::fit_levels<3>(samples::gaussian(20, 50, 5).view());
    std::vector<codec> out{
        of(kv::halves{}),
        of(kv::each_head{}, by_channel{}),
        of(by_token{}),
        of(kv::ternary{}),
        of(kv::engine_blocks<kv::engine_format::q8_0>{}),
        of(kv::engine_blocks<kv::engine_format::q5_0>{}),
        of(kv::each_head{}, kv::engine_blocks<kv::engine_format::q4_0>{}),
        of(kv::engine_blocks<kv::engine_format::q4_1>{}),
        of(kv::engine_blocks<kv::engine_format::iq4_nl>{}),
        of(kv::vector_codes(rotation_code(rotation(d)))),
        of(kv::pair_codes<2>(64)),
        of(kv::mean_removed{}, kv::rotated(rotation(d)), by_token{}),
        of(kv::channel_scaled<true>{}, by_token{}),
        of(kv::rotated(kv::cosine_rotation(d)), by_channel{}),
        of(kv::outliers<axis::channel, 100>{}, kv::error_factors{}, by_channel{}),
        of(kv::outliers<axis::token, 100>{}, kv::own_ranges<axis::token>{}, kv::levels<3>(grid)),
        of(kv::own_ranges<axis::channel>{}, kv::levels<3>(grid)),
        of(kv::fitted_ranges(ranges), kv::outliers<axis::channel>{}, kv::levels<3>(grid)),
        of(kv::each_head{}, kv::largest_kept<300>{}, by_token{}),
        of(kv::token_classes<40, by_channel, kv::ternary>{}),
        of(kv::each_head{}, kv::channel_classes<kv::channel_order::norm, by_channel, by_token>(3, {}, {})),
        of(kv::low_rank<>{.rank = 6}),
        of(kv::landmark_factors{.rank = 6, .chunk = 8, .exact_chunks = 2}),
        of(kv::projected(axes), kv::halves{}),
        of(kv::projected(head_axes), by_channel{}),
        of(kv::cross_layer(predictions), kv::halves{}),
        of(kv::merged_layers{.first_share = 0}),
        of(kv::low_rank<4>{.rank = 6}),
    };
    if (d % 2 == 0) out.push_back(of(kv::polar_pairs{}, by_channel{}));
    return out;
}

const kv::shape shapes[] = {
    {.layers = 4, .kv_heads = 2, .query_heads = 4, .head_size = 8},
    {.layers = 4, .kv_heads = 3, .query_heads = 3, .head_size = 12},
    {.layers = 4, .kv_heads = 1, .query_heads = 2, .head_size = 80},
    {.layers = 4, .kv_heads = 1, .query_heads = 1, .head_size = 5},
};

constexpr std::size_t sizes[] = {0, 1, 2, 3, 8, 31, 33, 70};

block block_for(const codec& c, const kv::shape& shape, std::size_t tokens) {
    return samples::make_block(shape, tokens, kv::tensor_kind::keys, tokens + 1, c.layers);
}

bool finite(const kv::matrix& m) {
    for (std::size_t r = 0; r < m.rows(); ++r)
        for (const float v : m.row(r))
            if (!std::isfinite(v)) return false;
    return true;
}

bool equal(const kv::matrix& a, const kv::matrix& b) {
    for (std::size_t r = 0; r < a.rows(); ++r)
        for (std::size_t c = 0; c < a.columns(); ++c)
            if (a(r, c) != b(r, c)) return false;
    return a.rows() == b.rows() && a.columns() == b.columns();
}

}  // namespace

TEST_CASE("Every codec of blocks reads what it wrote, for any number of tokens and head size") {
    for (const auto& shape : shapes)
        for (const codec& c : all_codecs(shape))
            for (const std::size_t tokens : sizes) {
                CAPTURE(c.name, tokens, shape.head_size);
                const block b = block_for(c, shape, tokens);
                const auto once = samples::measure(c, b), again = samples::measure(c, b);
                REQUIRE(once.worst < 1e30);
                REQUIRE(finite(once.decoded));
                REQUIRE(equal(once.decoded, again.decoded));
                REQUIRE(c.encode(b.view(), b.scope()) == c.encode(b.view(), b.scope()));
            }
}

TEST_CASE("A block appended behind other bytes is the block alone") {
    const kv::pipeline<by_channel> c;
    const block b = samples::make_block(shapes[0], 9, kv::tensor_kind::keys, 1);
    std::vector<std::byte> out{std::byte{7}}, alone;
    c.encode(b.view(), b.scope(), out);
    c.encode(b.view(), b.scope(), alone);
    REQUIRE(out.size() == alone.size() + 1);
    REQUIRE(std::equal(alone.begin(), alone.end(), out.begin() + 1));
}

TEST_CASE("Damaged blocks give an error or finite values, and truncated or longer ones an error") {
    for (const auto& shape : {shapes[0], shapes[3]}) {
        for (const codec& c : all_codecs(shape)) {
            CAPTURE(c.name);
            const block b = block_for(c, shape, 9);
            auto bytes = c.encode(b.view(), b.scope());
            kv::matrix y(b.x.rows(), b.x.columns());
            for (std::size_t n = 0; n < bytes.size(); ++n) {
                const auto part = std::span(bytes).first(n);
                REQUIRE_FALSE(c.decode(part, b.scope(), y.view()).has_value());
            }
            for (std::size_t bit = 0;
                 bit<8 * bytes.size(); bit += bytes.size()> 400 ? std::size_t{7} : std::size_t{1}) {
                bytes[bit / 8] ^= std::byte{1} << (bit % 8);
                if (c.decode(bytes, b.scope(), y.view())) REQUIRE(finite(y));
                bytes[bit / 8] ^= std::byte{1} << (bit % 8);
            }
            bytes.push_back(std::byte{0});
            REQUIRE_FALSE(c.decode(bytes, b.scope(), y.view()).has_value());
        }
    }
}

TEST_CASE("Random bytes never make a codec read outside, and decoded values are finite") {
    pith::random_sequence random(9);
    for (const codec& c : all_codecs(shapes[0])) {
        CAPTURE(c.name);
        const block b = block_for(c, shapes[0], 9);
        std::vector<std::byte> bytes(c.encode(b.view(), b.scope()).size());
        kv::matrix y(b.x.rows(), b.x.columns());
        for (int round = 0; round < 50; ++round) {
            for (std::byte& v : bytes) v = static_cast<std::byte>(random() & 0xFF);
            if (c.decode(bytes, b.scope(), y.view())) REQUIRE(finite(y));
        }
    }
}

TEST_CASE("Extreme values saturate and decode to finite ones") {
    for (const codec& c : all_codecs(shapes[0])) {
        CAPTURE(c.name);
        block b = block_for(c, shapes[0], 9);
        for (const float large : {1e30F, 3e38F, 1e-40F, 0.0F}) {
            for (std::size_t r = 0; r < b.x.rows(); ++r)
                for (float& v : b.x.row(r)) v = v < 0 ? -large : large;
            const auto out = samples::measure(c, b);
            REQUIRE(finite(out.decoded));
            REQUIRE(out.worst < 1e39);
        }
    }
}
