// What block codecs are told, codecs that offer nothing optional, codes attended in place, rope and shapes.
#include "support/catch.hpp"

#include <pith/kv/keep_all.hpp>
#include "kv/support.hpp"

namespace {

using namespace kv_test;

/// What the last encode saw.
struct sighting {
    std::size_t blocks = 0;
    std::vector<std::uint32_t> positions;
    floats saliency, queries, previous;
    std::size_t query_rows = 0, layers = 0, heads = 0, first_layer = 0;
};

struct watching_codec : affine_of_tokens {
    static constexpr bool uses_queries = true, uses_previous = true;
    sighting* seen_last = nullptr;

    void encode(view_2d<const float> x, const kv::block_scope& s, std::vector<std::byte>& out) const {
        affine_of_tokens::encode(x, s, out);
        if (seen_last == nullptr) return;
        sighting& w = *seen_last;
        ++w.blocks;
        w.positions.assign(s.positions.begin(), s.positions.end());
        w.saliency.assign(s.saliency.begin(), s.saliency.end());
        w.queries.assign(s.queries.data(), s.queries.data() + s.queries.size());
        w.query_rows = s.queries.rows();
        w.previous.assign(s.previous_keys.data(), s.previous_keys.data() + s.previous_keys.size());
        w.layers = s.layers;
        w.heads = s.heads;
        w.first_layer = s.first_layer;
        REQUIRE(x.rows() == s.tokens());
        REQUIRE(x.columns() == s.channels());
    }
};

/// Everything stays; a token's score is its position.
struct position_scores : kv::keep_all {
    void observe(const kv::lane_place&, view_2d<const float>, const kv::lane_view&) const {}
    void score(const kv::lane_place&, const kv::lane_view& tokens, std::span<float> out) const {
        for (std::size_t t = 0; t < out.size(); ++t) out[t] = static_cast<float>(tokens.positions[t]);
    }
};

/// What the concepts ask for and nothing more.
struct least_codec {
    void encode(view_2d<const float> x, const kv::block_scope& s, std::vector<std::byte>& out) const {
        kv::exact_codec{}.encode(x, s, out);
    }
    pith::result<void> decode(std::span<const std::byte> in, const kv::block_scope& s,
                              view_2d<float> out) const {
        return kv::exact_codec{}.decode(in, s, out);
    }
};
struct least_segmenter {
    static constexpr bool separate = false;
    std::size_t sinks() const { return 0; }
    std::size_t window() const { return 0; }
    std::size_t cut(kv::tensor_kind, std::size_t loose, bool) const { return loose; }
};
struct least_retention {
    static constexpr bool per_head = true;
    bool due(std::size_t) const { return false; }
    void plan(std::span<const kv::lane_place>, std::span<const kv::lane_view>, const kv::retention_event&,
              std::span<kv::lane_plan>) {}
};

/// Everything stays, in lanes of one head.
struct keep_heads : kv::keep_all {
    static constexpr bool per_head = true;
};

/// Half floats attended without being decoded into memory.
struct attended_halves : kv::exact_codec {
    void scores(std::span<const std::byte> in, const kv::block_scope& s, std::size_t head,
                std::span<const float> query, std::span<float> out) const {
        for (std::size_t t = 0; t < out.size(); ++t) {
            out[t] = 0;
            for (std::size_t i = 0; i < query.size(); ++i) out[t] += query[i] * at(in, s, head, t, i);
        }
    }
    void accumulate(std::span<const std::byte> in, const kv::block_scope& s, std::size_t head,
                    std::span<const float> weights, std::span<float> out) const {
        for (std::size_t t = 0; t < weights.size(); ++t)
            for (std::size_t i = 0; i < out.size(); ++i) out[i] += weights[t] * at(in, s, head, t, i);
    }

  private:
    static float at(std::span<const std::byte> in, const kv::block_scope& s, std::size_t head, std::size_t t,
                    std::size_t i) {
        const std::size_t value = t * s.channels() + head * s.shape.head_size + i;
        return static_cast<float>(
            pith::half::from_bits(pith::load_le<std::uint16_t>(kv::readable_bytes(in).data() + 2 * value)));
    }
};
static_assert(kv::attended_codec<attended_halves> && !kv::attended_codec<kv::exact_codec>);

}  // namespace

TEST_CASE("A codec is told positions, scores, recent queries and the reconstructed lane before") {
    constexpr kv::shape s{2, 2, 4, 4};
    sighting keys;
    watching_codec watching;
    watching.seen_last = &keys;
    kv::cache<kv::post_rope, kv::sink_residual, watching_codec, affine_of_tokens, position_scores> c(
        s, {}, watching, {}, {1, 2, 3});
    feed(c, 9, false);
    REQUIRE(keys.blocks == 0);
    c.end_prefill();
    REQUIRE(keys.blocks == 4);  // two pages in each of two layers
    REQUIRE(keys.positions == std::vector<std::uint32_t>{4, 5, 6});
    REQUIRE(keys.saliency == floats{4, 5, 6});
    REQUIRE(keys.first_layer == 1);
    REQUIRE(keys.layers == 1);
    REQUIRE(keys.heads == 2);
    REQUIRE(keys.query_rows == 9);
    REQUIRE(keys.queries == rows(2, 1, 0, 9, 16));
    floats previous;
    for (std::size_t t = 4; t < 7; ++t)
        for (std::size_t h = 0; h < 2; ++h) {
            const floats all = c.view(0, h).keys;
            previous.insert(previous.end(), all.begin() + static_cast<std::ptrdiff_t>(t * 4),
                            all.begin() + static_cast<std::ptrdiff_t>(t * 4 + 4));
        }
    REQUIRE(keys.previous == previous);
    feed(c, 4, false);  // in one batch: the third page is due at its second token
    (void)c.bytes();
    REQUIRE(keys.positions == std::vector<std::uint32_t>{7, 8, 9});
    REQUIRE(keys.query_rows == 12);
    REQUIRE(keys.queries == rows(2, 1, 0, 12, 16));
}

TEST_CASE("A cache of least codec, segmenter and retention works, every token its own block") {
    kv::cache<kv::post_rope, least_segmenter, least_codec, least_codec, least_retention> c({2, 2, 2, 3}, {});
    feed(c, 5);
    c.end_prefill();
    for (int i = 0; i < 5; ++i) feed(c, 1);
    REQUIRE(c.bytes().loose == 0);
    const auto again = decltype(c)::load(saved(c));
    REQUIRE(again.has_value());
}

TEST_CASE("Codes attended in place give what decoding gives, in lanes of all heads and of one") {
    constexpr kv::shape s{2, 2, 6, 5};
    const kv::sink_residual cuts{1, 3, 4};
    const auto check = [&]<class Placement, class Retention>(const kv::rope& turning) {
        kv::cache<Placement, kv::sink_residual, attended_halves, attended_halves, Retention> codes(
            s, turning, {}, {}, cuts);
        kv::cache<Placement, kv::sink_residual, kv::exact_codec, kv::exact_codec, Retention> rows_of(
            s, turning, {}, {}, cuts);
        for (std::size_t n : {14U, 1U, 3U, 1U}) {
            REQUIRE(largest_difference(feed(codes, n), feed(rows_of, n)) < 1e-5F);
            codes.end_prefill();
            rows_of.end_prefill();
            REQUIRE(largest_difference(attend_again(codes, 4), attend_again(rows_of, 4)) < 1e-5F);
        }
    };
    const kv::rope turning{10000, kv::rope_pairing::halves};
    check.operator()<kv::post_rope, kv::keep_all>(turning);
    check.operator()<kv::pre_rope, kv::keep_all>(turning);
    check.operator()<kv::pre_rope, keep_heads>({});
}

TEST_CASE("A turn keeps lengths, and the product of two turns depends on their distance") {
    for (const kv::rope_pairing how : {kv::rope_pairing::adjacent, kv::rope_pairing::halves})
        for (const std::size_t d : {2U, 7U, 64U}) {
            kv::rope_rotation rotation({10000, how}, d);
            const floats a = rows(0, 0, 1, 2, d), b = rows(1, 0, 2, 2, d);
            const auto product = [&](std::uint32_t i, std::uint32_t j) {
                floats x = a, y = b;
                rotation.turn(x, i);
                rotation.turn(y, j);
                double sum = 0;
                for (std::size_t c = 0; c < 2 * d; ++c) sum += double{x[c]} * double{y[c]};
                return sum;
            };
            REQUIRE(std::abs(product(0, 0) - product(9, 9)) < 1e-4);
            REQUIRE(std::abs(product(3, 8) - product(103, 108)) < 1e-4);
            REQUIRE(std::abs(product(3, 8) - product(3, 9)) > 1e-3);
        }
    kv::rope_rotation none({10000, kv::rope_pairing::none}, 4);
    floats x = rows(0, 0, 0, 1, 4);
    none.turn(x, 77);
    REQUIRE(x == rows(0, 0, 0, 1, 4));
}

TEST_CASE("Half floats of a block are nearest, finite, and of one size only") {
    const floats x{0.0F, -0.0F, 1.0F, 65504.0F, -65519.0F, 1e6F, -1e30F, 5.9e-8F, 1.0009765F};
    const std::vector<std::uint32_t> positions{0};
    const kv::block_scope scope{{1, 1, 1, 9}, 0, 1, 1, kv::tensor_kind::keys, positions};
    std::vector<std::byte> bytes;
    kv::exact_codec{}.encode(seen(x, 9), scope, bytes);
    REQUIRE(bytes.size() == 18);
    floats y(9);
    const view_2d<float> out{std::span<float>(y), 1, 9};
    REQUIRE(kv::exact_codec{}.decode(bytes, scope, out));
    REQUIRE(y[3] == 65504.0F);
    REQUIRE(y[5] == 65504.0F);
    REQUIRE(y[6] == -65504.0F);
    REQUIRE(y[2] == 1.0F);
    bytes[1] = std::byte{0x7C};
    REQUIRE(kv::exact_codec{}.decode(bytes, scope, out).error().code == pith::error_code::bad_stream);
    bytes.pop_back();
    REQUIRE(kv::exact_codec{}.decode(bytes, scope, out).error().code == pith::error_code::truncated);
}
