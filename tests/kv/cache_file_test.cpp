// Cache files: what is read is what was written, and damage of any kind is told.
#include "support/catch.hpp"

#include "kv/file_repair.hpp"
#include "kv/support.hpp"

namespace {

using namespace kv_test;
using pith::error_code;
using bytes = std::vector<std::uint8_t>;

/// Subtracts the layer before, and from values half of the keys of the same tokens.
struct leaning_codec : affine_of_tokens {
    static constexpr const char* name = "test leaning";
    static constexpr bool uses_previous = true, uses_current_keys = true;

    static floats guess(const kv::block_scope& s) {
        floats out(s.tokens() * s.channels());
        const auto add = [&](view_2d<const float> from, float factor) {
            for (std::size_t t = 0; t < from.rows(); ++t)
                for (std::size_t c = 0; c < from.columns(); ++c)
                    out[t * s.channels() + c] += factor * from(t, c);
        };
        add(s.kind == kv::tensor_kind::keys ? s.previous_keys : s.previous_values, 0.5F);
        add(s.current_keys, 0.25F);
        return out;
    }
    void encode(view_2d<const float> x, const kv::block_scope& s, std::vector<std::byte>& out) const {
        floats rest = guess(s);
        for (std::size_t t = 0; t < x.rows(); ++t)
            for (std::size_t c = 0; c < x.columns(); ++c)
                rest[t * x.columns() + c] = x(t, c) - rest[t * x.columns() + c];
        affine_of_tokens::encode(seen(rest, x.columns()), s, out);
    }
    pith::result<void> decode(std::span<const std::byte> in, const kv::block_scope& s,
                              view_2d<float> out) const {
        if (const auto ok = affine_of_tokens::decode(in, s, out); !ok) return ok.error();
        const floats add = guess(s);
        for (std::size_t i = 0; i < add.size(); ++i) out(i / out.columns(), i % out.columns()) += add[i];
        return {};
    }
};

/// Calibrated, so to say.
struct codec_of_steps : affine_of_tokens {
    float step = 1;
    [[nodiscard]] std::uint64_t fingerprint() const { return std::bit_cast<std::uint32_t>(step); }
};

/// Four layers in lanes of three and of one.
struct codec_of_layers : affine_of_tokens {
    static constexpr std::size_t layers = 3;
};

template <class Placement, class Codec>
using cache_of = kv::cache<Placement, kv::sink_residual, Codec, Codec>;

template <class Cache>
void check_round_trip(const kv::shape& s, const kv::rope& turning, kv::cache_options options = {}) {
    const kv::sink_residual cuts{2, 5, 4};
    Cache c(s, turning, {}, {}, cuts, {}, options);
    for (const std::size_t tokens : {0U, 1U, 9U, 20U}) {
        feed(c, tokens, false);
        if (tokens == 9) c.end_prefill();
        const bytes file = saved(c);
        REQUIRE(c.bytes().total() == file.size());
        auto again = Cache::load(file, {}, {}, cuts, {}, {}, options);
        REQUIRE(again.has_value());
        REQUIRE(saved(*again) == file);
        if (c.tokens_seen() == 0) continue;
        REQUIRE(attend_again(*again, 1) == attend_again(c, 1));
        for (std::size_t l = 0; l < s.layers; ++l) REQUIRE(again->view(l, 0).keys == c.view(l, 0).keys);
        Cache on = c.fork();
        feed(on, 6, false);
        feed(*again, 6, false);
        REQUIRE(saved(*again) == saved(on));
    }
}

template <class Cache>
bytes small_file(Cache c) {
    feed(c, 12, false);
    c.end_prefill();
    feed(c, 3, false);
    return saved(c);
}

/// Whether a damaged file is refused, or at least gives a cache that works.
template <class Cache>
bool survives(const bytes& file, const kv::sink_residual& cuts) {
    auto c = Cache::load(file, {}, {}, cuts, {}, {.max_output = 1 << 22});
    if (!c) return true;
    if (c->tokens_seen() == 0 || c->tokens_seen() > 1000) return true;
    for (const float x : attend_again(*c, 1))
        if (!pith::is_finite(x)) return false;
    return c->bytes().total() == saved(*c).size();
}

}  // namespace

TEST_CASE("A saved cache loads to the same cache, which goes on alike") {
    const kv::rope turning{10000, kv::rope_pairing::adjacent};
    check_round_trip<cache_of<kv::post_rope, affine_of_tokens>>({2, 2, 4, 5}, turning);
    check_round_trip<cache_of<kv::pre_rope, affine_of_tokens>>({2, 2, 2, 8}, turning);
    check_round_trip<cache_of<kv::pre_rope, kv::exact_codec>>({1, 1, 1, 1}, {});
    check_round_trip<cache_of<kv::pre_rope, codec_of_layers>>({4, 2, 2, 4}, turning);
}

TEST_CASE("Codecs that lean on other blocks find them again, with a memo and without") {
    const kv::rope turning{10000, kv::rope_pairing::halves};
    using cache = cache_of<kv::pre_rope, leaning_codec>;
    check_round_trip<cache>({4, 2, 4, 4}, turning);
    check_round_trip<cache>({4, 2, 4, 4}, turning, {0});
    cache with({4, 1, 1, 4}, turning, {}, {}, {0, 2, 4}),
        without({4, 1, 1, 4}, turning, {}, {}, {0, 2, 4}, {}, {0});
    for (cache* c : {&with, &without}) {
        feed(*c, 10, false);
        c->end_prefill();
    }
    REQUIRE(saved(with) == saved(without));
    REQUIRE(attend_again(with, 1) == attend_again(without, 1));
    for (std::size_t l = 0; l < 4; ++l)  // closed loop: what leans on what was decoded does not drift
        for (std::size_t i = 0; i < 40; ++i)
            REQUIRE(std::abs(with.view(l, 0).keys[i] - number(0, l, i / 4, i % 4)) < 0.25F);
}

TEST_CASE("Every truncation and every flipped bit of a cache file is an error") {
    using cache = cache_of<kv::post_rope, affine_of_tokens>;
    const kv::sink_residual cuts{1, 3, 4};
    const bytes file = small_file(cache({1, 1, 2, 3}, {}, {}, {}, cuts));
    REQUIRE(cache::load(file, {}, {}, cuts).has_value());
    for (std::size_t n = 0; n < file.size(); ++n)
        REQUIRE_FALSE(
            cache::load(bytes(file.begin(), file.begin() + static_cast<std::ptrdiff_t>(n)), {}, {}, cuts));
    for (std::size_t bit = 0; bit < 8 * file.size(); ++bit) {
        bytes damaged = file;
        damaged[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
        REQUIRE_FALSE(cache::load(damaged, {}, {}, cuts));
    }
    bytes longer = file;
    longer.push_back(0);
    REQUIRE(cache::load(longer, {}, {}, cuts).error().code == error_code::trailing_data);
}

TEST_CASE("A file whose checksums fit its damage is refused or gives a cache that works") {
    const kv::sink_residual cuts{1, 3, 4};
    const kv::rope turning{10000, kv::rope_pairing::adjacent};
    using plain = cache_of<kv::pre_rope, affine_of_tokens>;
    using leaning = cache_of<kv::post_rope, leaning_codec>;
    const auto check = [&]<class Cache>(const bytes& file) {
        for (std::size_t bit = 0; bit < 8 * file.size(); ++bit) {
            bytes damaged = file;
            damaged[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
            repair(damaged);
            REQUIRE(survives<Cache>(damaged, cuts));
        }
    };
    check.operator()<plain>(small_file(plain({1, 1, 2, 3}, turning, {}, {}, cuts)));
    check.operator()<leaning>(small_file(leaning({2, 1, 1, 2}, turning, {}, {}, cuts)));
}

TEST_CASE("A file of another composition, kind or release is refused by its own error") {
    using cache = cache_of<kv::post_rope, affine_of_tokens>;
    const bytes file = small_file(cache({1, 1, 2, 3}, {}, {}, {}, {1, 3, 4}));
    const auto code = [](const auto& r) { return r.error().code; };
    REQUIRE(code(cache_of<kv::pre_rope, affine_of_tokens>::load(file)) == error_code::unknown_recipe);
    REQUIRE(code(cache_of<kv::post_rope, kv::exact_codec>::load(file)) == error_code::unknown_recipe);
    REQUIRE(code(cache_of<kv::post_rope, codec_of_layers>::load(file)) == error_code::unknown_recipe);
    using stepped = cache_of<kv::post_rope, codec_of_steps>;
    codec_of_steps other_step;
    other_step.step = 2;
    const bytes calibrated = small_file(stepped({1, 1, 2, 3}, {}, {}, {}, {1, 3, 4}));
    REQUIRE(stepped::load(calibrated).has_value());
    REQUIRE(code(stepped::load(calibrated, other_step)) == error_code::unknown_recipe);
    REQUIRE(code(cache::load(calibrated)) == error_code::unknown_recipe);
    bytes foreign = file;
    foreign[0] = 'X';
    REQUIRE(code(cache::load(foreign)) == error_code::bad_magic);
    bytes later = file;
    later[4] = 0xFF;
    REQUIRE(code(cache::load(later)) == error_code::unsupported_version);
    bytes other;
    pith::vector_sink sink(other);
    pith::container::section_writer list(sink);
    list.put("ELSE", file);
    list.finish();
    REQUIRE(code(cache::load(other)) == error_code::bad_header);
    REQUIRE(code(cache::load({})) == error_code::truncated);
}

TEST_CASE("Absurd sizes are refused before memory is taken") {
    using cache = cache_of<kv::post_rope, affine_of_tokens>;
    const auto code = [](const kv::shape& s, std::uint64_t tokens) {
        bytes file, payload;
        pith::vector_sink to_file(file), to_payload(payload);
        const std::uint64_t composed =
            kv::cache_file::composition<kv::post_rope>(affine_of_tokens{}, affine_of_tokens{}, false, false);
        kv::cache_file::write_header({s, {}, true, tokens, composed}, to_payload);
        pith::container::section_writer list(to_file);
        list.put(kv::cache_file::header_id, payload);
        payload.clear();
        pith::put_varint(to_payload, 1);  // one run of all tokens
        pith::put_varint(to_payload, 0);
        pith::put_varint(to_payload, tokens - 1);
        list.put(kv::cache_file::lane_id, payload);
        list.finish();
        return cache::load(file).error().code;
    };
    REQUIRE(code({1, 1'000'000, 1'000'000, 64}, 4) == error_code::bad_header);
    REQUIRE(code({1, 257, 257, 64}, 4) == error_code::bad_header);
    REQUIRE(code({0, 1, 1, 64}, 4) == error_code::bad_header);
    REQUIRE(code({1, 3, 4, 64}, 4) == error_code::bad_header);
    REQUIRE(code({256, 1, 1, 64}, 4) == error_code::truncated);
    REQUIRE(code({1, 256, 256, 1024}, std::uint64_t{1} << 31) == error_code::limit_exceeded);
    REQUIRE(code({1, 256, 256, 1024}, (std::uint64_t{1} << 31) + 1) == error_code::bad_header);
    REQUIRE(code({1, 1, 1, 4}, 4) == error_code::truncated);
    REQUIRE(!kv::check(kv::shape{1, 0, 1, 64}));
    REQUIRE(!kv::check(kv::shape{1, 1, 1, 1025}));
    REQUIRE(kv::check(kv::shape{256, 256, 256, 1024}));
}
