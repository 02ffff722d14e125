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
using block_samples::block;
using block_samples::codec;
using block_samples::of;
using quant::axis;

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
        return block_samples::structured(kv::tensor_kind::keys, 80, columns, 3);
    };
    const kv::matrix sample = samples_of(n);
    const std::vector<kv::projection> axes{kv::fit_projection(sample.view(), 4)};
    const std::vector<kv::projection> head_axes{kv::fit_head_projection(sample.view(), d, n / 2)};
    const std::vector<kv::linear_prediction> predictions{kv::fit_prediction(sample.view(), sample.view())};
    const std::vector<std::vector<kv::line_range>> ranges{kv::fit_ranges(sample.view(), 0.01)};
    const quant::grid<3> grid = kv::fit_levels<3>(block_samples::gaussian(20, 50, 5).view());
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
    {.layers = 4, .kv_heads = 1, .query_heads = 1, .head_size = 64},
    {.layers = 4, .kv_heads = 1, .query_heads = 1, .head_size = 128},
};

constexpr std::size_t sizes[] = {0, 1, 2, 3, 8, 31, 33, 70};

block block_for(const codec& c, const kv::shape& shape, std::size_t tokens) {
    return block_samples::make_block(shape, tokens, kv::tensor_kind::keys, tokens + 1, c.layers);
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
                if (shape.head_size >= 64 && tokens != 1 && tokens != 33)
                    continue;  // slow, and no other path
                CAPTURE(c.name, tokens, shape.head_size);
                const block b = block_for(c, shape, tokens);
                const auto once = block_samples::measure(c, b), again = block_samples::measure(c, b);
                REQUIRE(once.worst < 1e30);
                REQUIRE(finite(once.decoded));
                REQUIRE(equal(once.decoded, again.decoded));
                REQUIRE(c.encode(b.view(), b.scope()) == c.encode(b.view(), b.scope()));
            }
}

TEST_CASE("A block appended behind other bytes is the block alone") {
    const kv::pipeline<by_channel> c;
    const block b = block_samples::make_block(shapes[0], 9, kv::tensor_kind::keys, 1);
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
            const auto out = block_samples::measure(c, b);
            REQUIRE(finite(out.decoded));
            REQUIRE(out.worst < 1e39);
        }
    }
}

TEST_CASE("Affine groups, engines' runs and halves keep within half a step of every value") {
    const kv::shape shape{.layers = 1, .kv_heads = 1, .query_heads = 1, .head_size = 64};
    const block b = block_samples::make_block(shape, 64, kv::tensor_kind::values, 3);
    /// `range` of a group of 32 times `share`, and what rounding scale and offset to halves adds.
    const auto within = [&](const codec& c, bool by_channel_groups, double share) {
        const auto out = block_samples::measure(c, b);
        for (std::size_t r = 0; r < 64; ++r)
            for (std::size_t k = 0; k < 64; ++k) {
                float low = b.x(r, k), high = low;
                for (std::size_t i = 0; i < 32; ++i) {
                    const float v = by_channel_groups ? b.x(r / 32 * 32 + i, k) : b.x(r, k / 32 * 32 + i);
                    low = std::min(low, v);
                    high = std::max(high, v);
                }
                const double largest = std::max(std::abs(low), std::abs(high));
                const double range = share < 0 ? -share * 2 * largest : share * (double{high} - low);
                CAPTURE(c.name, r, k);
                REQUIRE(std::abs(double{b.x(r, k)} - double{out.decoded(r, k)}) <= range + 0.002 * largest);
            }
    };
    within(of(by_channel{}), true, 0.5 / 7);
    within(of(by_token{}), false, 0.5 / 3);
    within(of(kv::engine_blocks<kv::engine_format::q8_0>{}), false, -0.5 / 254);
    within(of(kv::engine_blocks<kv::engine_format::q5_0>{}), false, -1.0 / 32);  // the other end is cut off
    within(of(kv::engine_blocks<kv::engine_format::q4_0>{}), false, -1.0 / 16);
    within(of(kv::engine_blocks<kv::engine_format::q4_1>{}), false, 0.5 / 15);
    within(of(kv::engine_blocks<kv::engine_format::iq4_nl>{}), false, -0.13);
    within(of(kv::halves{}), false, 0);
}

TEST_CASE("Outliers and the largest values come back as halves, the others under a mask as zero") {
    const kv::shape shape{.layers = 1, .kv_heads = 1, .query_heads = 1, .head_size = 20};
    block b = block_samples::make_block(shape, 40, kv::tensor_kind::values, 4);
    b.x(7, 3) = 500;
    b.x(9, 3) = -300;
    const auto split = block_samples::measure(of(kv::outliers<axis::channel, 50>{}, by_channel{}), b);
    REQUIRE(split.decoded(7, 3) == 500);
    REQUIRE(split.decoded(9, 3) == -300);
    REQUIRE(split.worst < 1);
    const auto sparse = block_samples::measure(of(kv::largest_kept<250>{}, kv::halves{}), b);
    for (std::size_t r = 0; r < 40; ++r) {
        std::size_t kept = 0;
        for (std::size_t c = 0; c < 20; ++c) {
            const float y = sparse.decoded(r, c);
            kept += y != 0;
            REQUIRE((y == 0 || std::abs(y - b.x(r, c)) <= 0.001F * std::abs(b.x(r, c))));
        }
        REQUIRE(kept == 5);
    }
}

TEST_CASE("A cosine transform is orthonormal, and polar pairs are their points") {
    for (const std::size_t n : {std::size_t{1}, std::size_t{5}, std::size_t{64}}) {
        const auto rotation_of_n = kv::cosine_rotation(n);
        for (std::size_t i = 0; i < n; ++i)
            for (std::size_t j = 0; j < n; ++j) {
                const float product = pith::exact::dot(rotation_of_n.row(i), rotation_of_n.row(j));
                REQUIRE(std::abs(product - (i == j ? 1.0F : 0.0F)) < 1e-5F);
            }
    }
    const block b = block_samples::make_block(shapes[0], 12, kv::tensor_kind::keys, 5);
    for (const bool halves : {false, true})
        REQUIRE(block_samples::measure(of(kv::polar_pairs{.halves = halves}, kv::halves{}), b).error < 1e-5);
}

TEST_CASE("Factors of the matrix's rank are the matrix") {
    const kv::matrix left = block_samples::gaussian(30, 4, 1), right = block_samples::gaussian(4, 50, 2);
    kv::matrix x(30, 50);
    for (std::size_t r = 0; r < 30; ++r)
        for (std::size_t c = 0; c < 50; ++c)
            for (std::size_t k = 0; k < 4; ++k) x(r, c) += left(r, k) * right(k, c);
    const auto factors = kv::low_rank_factors(x.view(), 4);
    for (std::size_t r = 0; r < 30; ++r)
        for (std::size_t c = 0; c < 50; ++c) {
            float sum = 0;
            for (std::size_t k = 0; k < 4; ++k) sum += factors.left(k, r) * factors.right(k, c);
            REQUIRE(std::abs(sum - x(r, c)) < 1e-4F);
        }
}

TEST_CASE("Merged layers keep both norms of a token") {
    block b = block_samples::make_block(shapes[0], 20, kv::tensor_kind::values, 6, 2);
    const auto out = block_samples::measure(of(kv::merged_layers{.first_share = 0}), b);
    for (std::size_t t = 0; t < 20; ++t)
        for (std::size_t at = 0; at < b.x.columns(); at += 8) {
            float before = 0, after = 0;
            for (std::size_t c = at; c < at + 8; ++c) {
                before += b.x(t, c) * b.x(t, c);
                after += out.decoded(t, c) * out.decoded(t, c);
            }
            REQUIRE(std::abs(after - before) < 0.01F * before);
        }
    b.first_layer = 0;
    REQUIRE(block_samples::measure(of(kv::merged_layers{}), b).bits == 16);  // the first half of the model
}

TEST_CASE("A fingerprint tells constants and run-time choices apart, and copies not") {
    const auto mark_of = [](auto... parts) {
        return kv::pipeline<decltype(parts)...>(parts...).fingerprint();
    };
    REQUIRE(mark_of(kv::low_rank<>{.rank = 6}) != mark_of(kv::low_rank<>{.rank = 7}));
    REQUIRE(mark_of(kv::low_rank<>{.rank = 6}) == mark_of(kv::low_rank<>{.rank = 6}));
    const auto turned = [&](std::uint64_t seed) {
        return mark_of(kv::rotated(rotation(8, seed)), kv::halves{});
    };
    REQUIRE(turned(1) == turned(1));
    REQUIRE(turned(1) != turned(2));
    const auto fitted = [&](std::uint64_t seed) {
        return mark_of(kv::projected({kv::fit_projection(block_samples::gaussian(20, 8, seed).view(), 3)}),
                       kv::halves{});
    };
    REQUIRE(fitted(1) == fitted(1));
    REQUIRE(fitted(1) != fitted(2));
}
