// Published coders of weights: the laws of block coders, figures on made-up weights, bases, frozen bytes.
#include <pith/core/checksum.hpp>
#include <pith/core/random.hpp>
#include <pith/systems/tensors.hpp>

#include <bit>
#include <memory>

#include "entropy/block_laws.hpp"
#include "support/catch.hpp"

namespace {

namespace systems = pith::systems;
using bytes = std::vector<std::uint8_t>;

template <class Float>
void put(bytes& out, float v) {
    using word = typename pith::float_layout<Float>::word;
    word w;
    if constexpr (std::is_same_v<Float, float>)
        w = std::bit_cast<std::uint32_t>(v);
    else
        w = Float(v).bits;
    for (std::size_t b = 0; b < sizeof(word); ++b) out.push_back(static_cast<std::uint8_t>(w >> (8 * b)));
}

/// Rows of 256 Gaussian numbers whose scales differ from row to row.
std::vector<float> weights(std::size_t n, std::uint64_t seed) {
    pith::random_sequence random(seed);
    std::vector<float> out(n);
    float scale = 0.02F;
    for (std::size_t i = 0; i < n; ++i) {
        if (i % 256 == 0) scale = 0.01F * static_cast<float>(1 + (random() & 7));
        out[i] = static_cast<float>(random.gaussian()) * scale;
    }
    return out;
}

template <class Float>
bytes stored_as(const std::vector<float>& values) {
    bytes out;
    for (const float v : values) put<Float>(out, v);
    return out;
}

/// What a step of training may leave: one number in `every` moved a little. The factor is a power of two, so
/// that a fused multiplication and addition gives the same.
std::vector<float> moved(std::vector<float> values, unsigned every, std::uint64_t seed) {
    pith::random_sequence random(seed);
    for (float& v : values)
        if (random() % every == 0) v += static_cast<float>(random.gaussian()) * 0x1p-13F;
    return values;
}

template <class Coder>
double share(const bytes& in) {
    const auto coder = std::make_unique<Coder>();
    const bytes code = block_laws::encoded(*coder, in);
    bytes back(in.size());
    const auto n = coder->decode_into(code, back);
    REQUIRE(n);
    REQUIRE(back == in);
    return 100.0 * static_cast<double>(code.size()) / static_cast<double>(in.size());
}

template <class Coder>
bytes with_base(Coder& coder, const bytes& in, const bytes& base) {
    bytes out(Coder::max_encoded_size(in.size()));
    const auto n = coder.encode_into(in, base, out);
    REQUIRE(n);
    out.resize(*n);
    bytes back(in.size(), 0x5A), exact(out.size());
    const auto m = coder.decode_into(out, base, back);
    REQUIRE(m);
    REQUIRE(back == in);
    REQUIRE(*coder.encode_into(in, base, exact) == out.size());
    REQUIRE(exact == out);
    return out;
}

template <class Coder>
void check_base_laws(std::size_t width) {
    const auto coder = std::make_unique<Coder>();
    for (std::size_t n = 0; n < 70; ++n)
        with_base(*coder, block_laws::sample(2, n), block_laws::sample(8, n));
    const bytes base = block_laws::sample(8, 300 * width + 1);
    bytes in = base;
    for (std::size_t i = 0; i < in.size(); i += 9) in[i] = static_cast<std::uint8_t>(in[i] + 3);
    const bytes code = with_base(*coder, in, base);
    bytes back(in.size());
    for (std::size_t bit = 0; bit < 8 * code.size(); bit += 3) {
        bytes damaged = code;
        damaged[bit / 8] = static_cast<std::uint8_t>(damaged[bit / 8] ^ 1U << bit % 8);
        const auto n = coder->decode_into(damaged, base, back);
        REQUIRE((!n || *n == back.size()));
    }
    // What is cut off may leave the code of other numbers, but not of the same ones.
    for (std::size_t cut = 0; cut < code.size(); ++cut) {
        const bytes part(code.begin(), code.begin() + static_cast<std::ptrdiff_t>(cut));
        const auto n = coder->decode_into(part, base, back);
        REQUIRE((!n || back != in));
    }
    bytes longer = code;
    longer.push_back(0);
    CHECK_FALSE(coder->decode_into(longer, base, back));
    for (std::size_t room = 0; room < code.size(); ++room) {
        bytes out(room);
        const auto n = coder->encode_into(in, base, out);
        REQUIRE_FALSE(n);
        REQUIRE(n.error().code == pith::error_code::output_too_small);
    }
    bytes out(Coder::max_encoded_size(in.size()));
    CHECK(coder->encode_into(in, bytes(3), out).error().code == pith::error_code::unsupported_parameter);
    CHECK(coder->decode_into(code, bytes(3), back).error().code == pith::error_code::unsupported_parameter);
}

}  // namespace

TEST_CASE("DFloat11 and ZipNN keep the laws of block coders") {
    static_assert(pith::container::block_codec<systems::dfloat11>);
    static_assert(sizeof(systems::dfloat11) <= 65536 && sizeof(systems::zipnn<>) <= 65536);
    static_assert(sizeof(systems::checkpoint_prediction<>) <= 65536);
    block_laws::check_block_coder(*std::make_unique<systems::dfloat11>());
    const auto zipnn = std::make_unique<systems::zipnn<>>();
    const auto zipnn32 = std::make_unique<systems::zipnn<float>>();
    for (const unsigned kind : {0U, 2U, 3U, 8U}) {
        for (std::size_t n = 0; n <= 40; ++n)
            block_laws::check_round_trip(*zipnn, block_laws::sample(kind, n));
        for (const std::size_t n : {1023U, 4097U, 262143U, 262144U, 262145U, 262147U, 600001U}) {
            block_laws::check_round_trip(*zipnn, block_laws::sample(kind, n));
            block_laws::check_round_trip(*zipnn32, block_laws::sample(kind, n));
        }
        block_laws::check_small_destinations(*zipnn, block_laws::sample(kind, 200));
        for (const std::size_t n : {1U, 2U, 41U, 300U}) {
            block_laws::check_damage(*zipnn, block_laws::sample(kind, n));
            block_laws::check_damage(*zipnn32, block_laws::sample(kind, n));
        }
    }
}

TEST_CASE("every pattern of sixteen bits survives: NaNs, infinities, subnormals and both zeros") {
    bytes all;
    for (unsigned w = 0; w < 65536; ++w) {
        all.push_back(static_cast<std::uint8_t>(w));
        all.push_back(static_cast<std::uint8_t>(w >> 8));
    }
    share<systems::dfloat11>(all);
    share<systems::zipnn<>>(all);
    share<systems::zipnn<pith::half>>(all);
    bytes turned(all.rbegin(), all.rend());
    const auto coder = std::make_unique<systems::checkpoint_prediction<>>();
    with_base(*coder, all, turned);
    for (unsigned w = 0; w < 65536; ++w) {
        const auto word = static_cast<std::uint16_t>(w);
        const std::uint16_t place = pith::to_ordered(word);
        if (pith::from_ordered(place) != word) FAIL("the order of numbers loses a pattern");
    }
    CHECK(pith::to_ordered(std::uint16_t{0x8000}) + 1 == pith::to_ordered(std::uint16_t{0}));
}

TEST_CASE("exponents of weights take what their publications say") {
    const std::vector<float> values = weights(200000, 5);
    const bytes bf16 = stored_as<pith::bfloat16>(values);
    const double dfloat = share<systems::dfloat11>(bf16);
    CHECK(dfloat > 65);
    CHECK(dfloat < 71);
    CHECK(share<systems::zipnn<>>(bf16) < 71);
    CHECK(share<systems::zipnn<pith::half>>(stored_as<pith::half>(values)) < 91);
    CHECK(share<systems::zipnn<float>>(stored_as<float>(values)) < 87);
}

TEST_CASE("code words of DFloat11 reach far beyond one table") {
    // Exponent e occurs about 1.6^e times: Fibonacci numbers, the deepest tree that a total allows.
    bytes in;
    std::size_t a = 1, b = 1;
    for (unsigned e = 0; e < 26; ++e) {
        for (std::size_t i = 0; i < a; ++i) {
            const unsigned w = e * 9 << 7 | (i & 0x7F);
            in.push_back(static_cast<std::uint8_t>(w));
            in.push_back(static_cast<std::uint8_t>(w >> 8));
        }
        b += a;
        a = b - a;
    }
    block_laws::generator g{9};
    for (std::size_t i = in.size() / 2; i > 1; --i) {
        const std::size_t j = g.next() % i;
        std::swap(in[2 * i - 2], in[2 * j]);
        std::swap(in[2 * i - 1], in[2 * j + 1]);
    }
    CHECK(share<systems::dfloat11>(in) < 70);
}

TEST_CASE("planes that do not shrink in the first tenth are stored from there on") {
    // Eleven chunks, so two are tried: the lower bytes are noise there and constant later.
    const std::size_t chunk = systems::zipnn<>::chunk;
    block_laws::generator g{4};
    bytes in(11 * chunk);
    for (std::size_t i = 0; i < in.size(); ++i)
        in[i] = static_cast<std::uint8_t>(i % 2 == 1 ? 62 : i < 2 * chunk ? g.next() : 1);
    const double given_up = share<systems::zipnn<pith::half>>(in);
    CHECK(given_up > 50);
    CHECK(given_up < 51);
    for (std::size_t i = 0; i < 2 * chunk; i += 2) in[i] = i < chunk ? in[i] : std::uint8_t{1};
    CHECK(share<systems::zipnn<pith::half>>(in) < 6);
}

TEST_CASE("a base makes the next checkpoint small, and prediction makes it smallest") {
    const std::vector<float> before = weights(60000, 6);
    const std::vector<float> after = moved(before, 8, 7);
    const auto delta = std::make_unique<systems::zipnn_delta<>>();
    const auto predicted = std::make_unique<systems::checkpoint_prediction<>>();
    const auto predicted32 = std::make_unique<systems::checkpoint_prediction<float>>();
    const bytes now = stored_as<pith::bfloat16>(after), base = stored_as<pith::bfloat16>(before);
    const std::size_t by_delta = with_base(*delta, now, base).size();
    const std::size_t by_prediction = with_base(*predicted, now, base).size();
    CHECK(by_delta * 5 < now.size());
    CHECK(by_prediction < by_delta);
    const bytes now32 = stored_as<float>(after), base32 = stored_as<float>(before);
    CHECK(with_base(*predicted32, now32, base32).size() * 5 < now32.size());
    CHECK(with_base(*predicted, now, now).size() < 200);
    CHECK(by_delta != with_base(*delta, now, bytes(now.size())).size());
}

TEST_CASE("coders with a base round-trip every size, and refuse damage and other sizes") {
    check_base_laws<systems::zipnn_delta<>>(2);
    check_base_laws<systems::zipnn_delta<float>>(4);
    check_base_laws<systems::checkpoint_prediction<>>(2);
    check_base_laws<systems::checkpoint_prediction<float>>(4);
}

TEST_CASE("coders of weights keep their bytes") {
    const std::vector<float> before = weights(70001, 1);
    const std::vector<float> after = moved(before, 5, 2);
    bytes bf16 = stored_as<pith::bfloat16>(after);
    bf16.push_back(7);
    bytes base = stored_as<pith::bfloat16>(before);
    base.push_back(9);
    const auto digest = []<class Coder>(Coder&& coder, const bytes& in) {
        return pith::xxh64_of(block_laws::encoded(coder, in));
    };
    CHECK(pith::xxh64_of(bf16) == 0xE32913F16718DB67ULL);
    CHECK(digest(*std::make_unique<systems::dfloat11>(), bf16) == 0x55ABB5FEFEAB3A77ULL);
    CHECK(digest(*std::make_unique<systems::zipnn<>>(), bf16) == 0xDEFA319A9FD48807ULL);
    CHECK(digest(*std::make_unique<systems::zipnn<pith::half>>(), stored_as<pith::half>(after)) ==
          0xCE96D5E5D3CAAA2AULL);
    CHECK(digest(*std::make_unique<systems::zipnn<float>>(), stored_as<float>(after)) ==
          0xCB0843B00BCB333ULL);
    const auto delta = std::make_unique<systems::zipnn_delta<>>();
    CHECK(pith::xxh64_of(with_base(*delta, bf16, base)) == 0x4DF9F7584A94D006ULL);
    const auto predicted = std::make_unique<systems::checkpoint_prediction<>>();
    CHECK(pith::xxh64_of(with_base(*predicted, bf16, base)) == 0x5308A20F5792CC72ULL);
    const auto predicted32 = std::make_unique<systems::checkpoint_prediction<float>>();
    CHECK(pith::xxh64_of(with_base(*predicted32, stored_as<float>(after), stored_as<float>(before))) ==
          0x3CB6A7B3A0A96396ULL);
}
