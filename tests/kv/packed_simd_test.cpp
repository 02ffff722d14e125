#include <pith/core/parallel.hpp>
#include <pith/kv/attention.hpp>
#include <pith/kv/packed_affine.hpp>
#include <pith/kv/packed_codebook.hpp>

#include <bit>
#include <cmath>
#include <numeric>
#include <vector>

#include "support/catch.hpp"

namespace {

namespace kv = pith::kv;
namespace simd = pith::simd;
using kv::tensor_kind;
using affine_options = kv::packed_affine_options;
using codebook_options = kv::packed_codebook_options;

class numbers {
  public:
    explicit numbers(std::uint64_t seed) : state_(seed) {}
    std::uint64_t bits() {
        state_ += 0x9E3779B97F4A7C15U;
        std::uint64_t z = state_;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9U;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EBU;
        return z ^ (z >> 31);
    }
    /// About normal, of variance 1.
    float operator()() {
        float sum = -6;
        for (int i = 0; i < 12; ++i) sum += static_cast<float>(bits() >> 40) * 0x1p-24F;
        return sum;
    }

  private:
    std::uint64_t state_;
};

struct lane {
    kv::shape shape;
    std::vector<std::uint32_t> positions;
    kv::block_scope scope;

    lane(std::size_t layers, std::size_t heads, std::size_t d, std::size_t tokens)
        : shape{layers, heads, heads, d}, positions(tokens) {
        std::iota(positions.begin(), positions.end(), 0U);
        scope.shape = shape;
        scope.layers = layers;
        scope.heads = heads;
        scope.positions = positions;
    }
    [[nodiscard]] kv::block_scope of(tensor_kind kind) const {
        kv::block_scope s = scope;
        s.kind = kind;
        return s;
    }
    [[nodiscard]] std::size_t channels() const { return scope.channels(); }
};

std::vector<float> some(std::size_t rows, std::size_t columns, std::uint64_t seed) {
    numbers next(seed);
    std::vector<float> x(rows * columns);
    for (std::size_t i = 0; i < x.size(); ++i)
        x[i] = next() * (1 + static_cast<float>(i % columns % 7)) + (i % columns % 5 == 0 ? 3.0F : 0.0F);
    return x;
}
pith::view_2d<const float> view(const std::vector<float>& x, std::size_t rows, std::size_t columns) {
    return {std::span<const float>(x), rows, columns};
}

template <class Codec>
std::vector<float> decoded(const Codec& codec, const std::vector<std::byte>& bytes,
                           const kv::block_scope& scope) {
    std::vector<float> out(scope.tokens() * scope.channels());
    const auto r = codec.decode(bytes, scope, {std::span<float>(out), scope.tokens(), scope.channels()});
    REQUIRE(r.has_value());
    return out;
}

double norm(std::span<const float> x) {
    double sum = 0;
    for (const float v : x) sum += double{v} * double{v};
    return std::sqrt(sum);
}

/// Scores and sums against those of decoded values: `query_error`, `weight_error` are relative to the norms.
template <class Codec>
void check_lane(const Codec& codec, const lane& l, double query_error, double weight_error) {
    const std::size_t n = l.positions.size(), d = l.shape.head_size, c = l.channels();
    CAPTURE(n, d, c);
    for (const tensor_kind kind : {tensor_kind::keys, tensor_kind::values}) {
        const kv::block_scope scope = l.of(kind);
        const std::vector<float> x = some(n, c, n + d);
        std::vector<std::byte> bytes{std::byte{7}};  // what was there stays
        codec.encode(view(x, n, c), scope, bytes);
        REQUIRE(bytes.size() == 1 + c / d * Codec::head_bytes(kind, d, n));
        REQUIRE(bytes[0] == std::byte{7});
        bytes.erase(bytes.begin());
        const std::vector<float> y = decoded(codec, bytes, scope);
        for (std::size_t head = 0; head < c / d; ++head) {
            const std::vector<float> q = some(1, kind == tensor_kind::keys ? d : n, head + 5);
            if (kind == tensor_kind::keys) {
                std::vector<float> scores(n, 99);
                codec.scores(bytes, scope, head, q, scores);
                double wrong = 0, largest = 0;
                for (std::size_t t = 0; t < n; ++t) {
                    double exact = 0;
                    for (std::size_t i = 0; i < d; ++i)
                        exact += double{q[i]} * double{y[t * c + head * d + i]};
                    wrong = std::max(wrong, std::abs(exact - double{scores[t]}));
                    largest = std::max(largest, norm(std::span(y).subspan(t * c + head * d, d)));
                }
                CHECK(wrong <= query_error * norm(q) * largest * std::sqrt(static_cast<double>(d)));
            } else {
                std::vector<float> weights = q, sums(d, 1);
                for (float& w : weights) w = std::exp(w / 4);
                codec.accumulate(bytes, scope, head, weights, sums);
                double wrong = 0, largest = 0;
                for (std::size_t t = 0; t < n; ++t)
                    largest = std::max(largest, norm(std::span(y).subspan(t * c + head * d, d)));
                for (std::size_t i = 0; i < d; ++i) {
                    double exact = 1;
                    for (std::size_t t = 0; t < n; ++t)
                        exact += double{weights[t]} * double{y[t * c + head * d + i]};
                    wrong = std::max(wrong, std::abs(exact - double{sums[i]}));
                }
                CHECK(wrong <=
                      1e-4 + weight_error * norm(weights) * largest * std::sqrt(static_cast<double>(n)));
            }
        }
    }
}

template <class Make>
void check_codec(Make make, double query_error, double weight_error) {
    for (const std::size_t d : {1U, 8U, 9U, 16U, 20U, 32U, 64U, 80U, 100U, 128U, 256U}) {
        const auto codec = make(d);
        for (const std::size_t n : {1U, 3U, 16U, 33U})
            check_lane(codec, lane(1, 2, d, n), query_error, weight_error);
    }
    const auto codec = make(std::size_t{24});
    for (std::size_t n = 0; n <= 300; n += n < 70 ? 1 : 23)
        check_lane(codec, lane(1, 1, 24, n), query_error, weight_error);
    check_lane(codec, lane(3, 2, 24, 40), query_error, weight_error);
}

/// Makes codecs of one kind for heads of any size.
template <class Codec>
Codec make(std::size_t d) {
    if constexpr (std::is_constructible_v<Codec, std::size_t>)
        return Codec(d);
    else
        return Codec();
}
template <kv::packed_affine_options Options>
struct affine {
    auto operator()(std::size_t d) const { return make<kv::packed_affine<Options>>(d); }
};
template <kv::packed_codebook_options Options>
struct codebook {
    auto operator()(std::size_t d) const { return make<kv::packed_codebook<Options>>(d); }
};

/// Several queries and rows of weights at a time give the floats of each alone.
template <class Codec>
void check_shared(const Codec& codec, std::size_t d, std::size_t n) {
    constexpr std::size_t rows = 11;  // more than share one reading
    const lane l(1, 2, d, n);
    CAPTURE(d, n);
    for (const tensor_kind kind : {tensor_kind::keys, tensor_kind::values}) {
        const kv::block_scope scope = l.of(kind);
        std::vector<std::byte> bytes;
        codec.encode(view(some(n, 2 * d, d), n, 2 * d), scope, bytes);
        const bool keys = kind == tensor_kind::keys;
        const std::size_t width = keys ? d : n, other = keys ? n : d;
        std::vector<float> in = some(rows, width, 4), alone(rows * other, 0.5F), together = alone;
        for (std::size_t i = 0; i < in.size() && !keys; ++i)  // even ones, and peaks that need two bytes
            in[i] = i / n % 3 == 1 ? std::exp(3 * in[i]) : std::abs(in[i]) + 1;
        const pith::view_2d<float> to(std::span<float>(together), rows, other);
        if (keys)
            codec.scores(bytes, scope, 1, view(in, rows, width), to);
        else
            codec.accumulate(bytes, scope, 1, view(in, rows, width), to);
        for (std::size_t r = 0; r < rows; ++r) {
            const auto from = std::span<const float>(in).subspan(r * width, width);
            const auto out = std::span<float>(alone).subspan(r * other, other);
            if (keys)
                codec.scores(bytes, scope, 1, from, out);
            else
                codec.accumulate(bytes, scope, 1, from, out);
        }
        CHECK(alone == together);
    }
}

/// No bytes crash, and those that are accepted give finite values and scores.
template <class Codec>
void check_damage(const Codec& codec, std::size_t d, std::size_t n) {
    const lane l(1, 2, d, n);
    for (const tensor_kind kind : {tensor_kind::keys, tensor_kind::values}) {
        const kv::block_scope scope = l.of(kind);
        std::vector<std::byte> bytes;
        codec.encode(view(some(n, 2 * d, 1), n, 2 * d), scope, bytes);
        std::vector<float> out(n * 2 * d), query(d, 0.5F), scores(n), sums(d);
        const pith::view_2d<float> to(std::span<float>(out), n, 2 * d);
        for (std::size_t size = 0; size < bytes.size(); ++size)
            CHECK(!codec.decode(std::span(bytes).first(size), scope, to).has_value());
        std::size_t refused = 0, infinite = 0;
        for (std::size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
            std::vector<std::byte> damaged = bytes;
            damaged[bit / 8] ^= std::byte{1} << bit % 8;
            if (!codec.decode(damaged, scope, to)) {
                ++refused;
                continue;
            }
            if (kind == tensor_kind::keys)
                codec.scores(damaged, scope, 1, query, scores);
            else
                codec.accumulate(damaged, scope, 1, scores, sums);
            for (const float v : out) infinite += !std::isfinite(v);
            for (const float v : scores) infinite += !std::isfinite(v);
            for (const float v : sums) infinite += !std::isfinite(v);
            if (kind == tensor_kind::values) std::fill(scores.begin(), scores.end(), 0.25F);
        }
        CHECK(infinite == 0);
        CHECK(refused > 0);  // signs of scales at least
        bytes.push_back(std::byte{0});
        CHECK(!codec.decode(bytes, scope, to).has_value());
    }
}

}  // namespace

TEST_CASE("scores and sums from packed affine codes are those of the decoded block within their bound") {
    INFO(simd::native::name);
    // Queries: half a step of 1/127 or 1/32512, for the widest channel; weights: the tolerance of a tile.
    check_codec(affine<affine_options{.bits = 4, .query_bytes = 1}>(), 0.01, 0.013);
    check_codec(affine<affine_options{.bits = 2, .key_group = 64, .value_group = 32, .query_bytes = 2}>(),
                1e-4, 0.013);
    check_codec(affine<affine_options{.bits = 3, .key_group = 0, .value_group = 8, .query_bytes = 2}>(), 1e-4,
                0.013);
    check_codec(affine<affine_options{.bits = 8, .query_bytes = 2}>(), 1e-4, 0.005);
}

TEST_CASE("scores and sums from packed codebook codes are those of the decoded block within their bound") {
    check_codec(codebook<codebook_options{.bits = 4}>(), 0.0045, 0.013);
    check_codec(codebook<codebook_options{.bits = 3, .query_bytes = 2}>(), 1e-4, 0.013);
    check_codec(codebook<codebook_options{.bits = 2, .query_bytes = 2, .rotated = false}>(), 1e-4, 0.013);
}

TEST_CASE("affine codes are half a step from their values") {
    const std::size_t n = 64, d = 40;
    const lane l(1, 1, d, n);
    const std::vector<float> x = some(n, d, 9);
    const kv::packed_affine<affine_options{.bits = 4, .key_group = 32}> codec;
    for (const tensor_kind kind : {tensor_kind::keys, tensor_kind::values}) {
        std::vector<std::byte> bytes;
        codec.encode(view(x, n, d), l.of(kind), bytes);
        const std::vector<float> y = decoded(codec, bytes, l.of(kind));
        double wrong = 0;
        for (std::size_t t = 0; t < n; ++t)
            for (std::size_t c = 0; c < d; ++c) {
                float low = 1e9F, high = -1e9F;
                for (std::size_t i = 0; i < (kind == tensor_kind::keys ? 32 : d); ++i) {
                    const float v = kind == tensor_kind::keys ? x[(t / 32 * 32 + i) * d + c] : x[t * d + i];
                    low = std::min(low, v);
                    high = std::max(high, v);
                }
                const double step = (double{high} - double{low}) / 15;
                wrong = std::max(wrong, std::abs(double{x[t * d + c]} - double{y[t * d + c]}) / step);
            }
        CHECK(wrong <= 0.5 + 0.03);  // scale and offset are rounded to halves
        CHECK(wrong > 0.4);
    }
}

TEST_CASE("codebooks keep what Lloyd-Max levels keep of rotated vectors") {
    const std::size_t n = 256, d = 128;
    const lane l(1, 1, d, n);
    numbers next(3);
    std::vector<float> x(n * d);
    for (float& v : x) v = next();
    const auto distortion = [&](const auto& codec, tensor_kind kind) {
        std::vector<std::byte> bytes;
        codec.encode(view(x, n, d), l.of(kind), bytes);
        const std::vector<float> y = decoded(codec, bytes, l.of(kind));
        double lost = 0, all = 0;
        for (std::size_t i = 0; i < x.size(); ++i) {
            lost += (double{x[i]} - double{y[i]}) * (double{x[i]} - double{y[i]});
            all += double{x[i]} * double{x[i]};
        }
        return lost / all;
    };
    for (const tensor_kind kind : {tensor_kind::keys, tensor_kind::values}) {
        CHECK(distortion(codebook<codebook_options{.bits = 2}>()(d), kind) < 0.1175 * 1.02);
        CHECK(distortion(codebook<codebook_options{.bits = 3}>()(d), kind) < 0.0345 * 1.02);
        CHECK(distortion(codebook<codebook_options{.bits = 4}>()(d), kind) < 0.0095 * 1.04);
    }
}

TEST_CASE("queries that share a reading of the codes get the floats of each alone") {
    for (const std::size_t d : {5U, 16U, 40U, 128U, 300U})
        for (const std::size_t n : {1U, 33U, 300U}) {
            check_shared(affine<affine_options{.bits = 3, .key_group = 0, .value_group = 8}>()(d), d, n);
            check_shared(affine<affine_options{.bits = 4, .query_bytes = 1}>()(d), d, n);
        }
    check_shared(affine<affine_options{.bits = 8}>()(64), 64, 40);
    check_shared(affine<affine_options{.bits = 2, .key_group = 64, .value_group = 32}>()(64), 64, 150);
}

TEST_CASE("damaged packed blocks are refused or give finite numbers") {
    check_damage(affine<affine_options{.bits = 4, .key_group = 16}>()(0), 10, 19);
    check_damage(affine<affine_options{.bits = 8, .key_group = 0, .value_group = 8}>()(0), 10, 5);
    check_damage(affine<affine_options{.bits = 3}>()(0), 9, 5);
    check_damage(codebook<codebook_options{.bits = 2}>()(12), 12, 5);
}

TEST_CASE("what no finite number reaches is held to half floats, and constant rows come back") {
    const lane l(1, 1, 8, 16);
    std::vector<float> x(16 * 8, 1e30F);
    for (std::size_t i = 0; i < 64; ++i) x[i] = i % 2 == 0 ? 2.5F : -1e38F;
    const kv::packed_affine<> codec;
    for (const tensor_kind kind : {tensor_kind::keys, tensor_kind::values}) {
        std::vector<std::byte> bytes;
        codec.encode(view(x, 16, 8), l.of(kind), bytes);
        for (const float v : decoded(codec, bytes, l.of(kind))) CHECK(std::isfinite(v));
    }
    std::fill(x.begin(), x.end(), 2.5F);
    for (const tensor_kind kind : {tensor_kind::keys, tensor_kind::values}) {
        std::vector<std::byte> bytes;
        codec.encode(view(x, 16, 8), l.of(kind), bytes);
        CHECK(decoded(codec, bytes, l.of(kind)) == x);
    }
}

TEST_CASE("attention over blocks is softmax attention to the decoded tokens, with threads to the last bit") {
    const std::size_t d = 64, n = 128, blocks = 150, group = 3;
    const lane l(1, 1, d, n);
    const auto check = [&](const auto& codec, double bound) {
        std::vector<std::vector<std::byte>> storage;
        std::vector<float> keys, values;
        for (std::size_t b = 0; b < blocks; ++b)
            for (const tensor_kind kind : {tensor_kind::keys, tensor_kind::values}) {
                numbers next(2 * b + (kind == tensor_kind::keys ? 0 : 1));
                std::vector<float> x(n * d);
                for (float& v : x) v = next();
                storage.emplace_back();
                codec.encode(view(x, n, d), l.of(kind), storage.back());
                const std::vector<float> y = decoded(codec, storage.back(), l.of(kind));
                auto& to = kind == tensor_kind::keys ? keys : values;
                to.insert(to.end(), y.begin(), y.end());
            }
        std::vector<kv::packed_block> list;
        for (std::size_t b = 0; b < blocks; ++b) list.push_back({storage[2 * b], storage[2 * b + 1], n});
        const std::vector<float> q = some(group, d, 77);
        std::vector<float> out(group * d), threaded(group * d);
        const auto queries = view(q, group, d);
        kv::attend_blocks(codec, codec, std::span<const kv::packed_block>(list), l.scope, 0, queries,
                          {std::span<float>(out), group, d});
        kv::attend_blocks(codec, codec, std::span<const kv::packed_block>(list), l.scope, 0, queries,
                          {std::span<float>(threaded), group, d}, pith::threads{2});
        CHECK(out == threaded);
        for (std::size_t g = 0; g < group; ++g) {
            std::vector<double> scores(n * blocks), exact(d);
            double largest = -1e300, total = 0, wrong = 0, all = 0;
            for (std::size_t t = 0; t < scores.size(); ++t) {
                for (std::size_t i = 0; i < d; ++i)
                    scores[t] += double{q[g * d + i]} * double{keys[t * d + i]};
                scores[t] /= 8;
                largest = std::max(largest, scores[t]);
            }
            for (std::size_t t = 0; t < scores.size(); ++t) {
                const double weight = std::exp(scores[t] - largest);
                total += weight;
                for (std::size_t i = 0; i < d; ++i) exact[i] += weight * double{values[t * d + i]};
            }
            for (std::size_t i = 0; i < d; ++i) {
                const double e = exact[i] / total;
                wrong += (e - double{out[g * d + i]}) * (e - double{out[g * d + i]});
                all += e * e;
            }
            CHECK(std::sqrt(wrong / all) <= bound);
        }
    };
    check(affine<affine_options{.bits = 4, .query_bytes = 1}>()(d),
          0.06);  // queries of length 30: scores as far as 20 apart
    check(affine<affine_options{.bits = 4, .query_bytes = 2}>()(d), 0.01);
    check(codebook<codebook_options{.bits = 3, .query_bytes = 2}>()(d), 0.01);
}

TEST_CASE("exponentials are right to seven digits and weights to their tolerance") {
    std::vector<float> x(200);
    for (std::size_t i = 0; i < x.size(); ++i) x[i] = -0.5F * static_cast<float>(i);
    std::vector<float> y = x;
    double sum = 0, wrong = 0;
    const float total = simd::exponentials(y.data(), y.size(), 0.5F, 3.0F);
    for (std::size_t i = 0; i < x.size(); ++i) {
        const double e = std::exp(0.5 * (double{x[i]} - 3));
        sum += e;
        wrong = std::max(wrong, std::abs(double{y[i]} - e) / e);
    }
    CHECK(wrong < 6e-6);  // of e^x, x as far as -50, whose rounding alone is 4e-6
    CHECK(std::abs(double{total} / sum - 1) < 1e-5);

    numbers next(8);
    std::vector<std::uint8_t> ones(2 * 128), bytes(2 * 128);
    for (std::size_t i = 0; i < 128; ++i) pith::store_le<std::uint16_t>(ones.data() + 2 * i, 0x3C00);
    for (const bool peak : {false, true}) {  // small weights beside a large one need two bytes
        std::vector<float> w(128);
        for (float& v : w) v = (peak ? 0.03F : 0.5F) * std::exp(0.3F * next());
        if (peak) w[77] = 1;
        const auto r = simd::round_weights<4>(w.data(), ones.data(), nullptr, 128, 0.006F, bytes.data());
        double lost = 0, all = 0, rest = 0;
        for (std::size_t i = 0; i < 128; ++i) {
            const int v = r.halves == 1 ? bytes[i] : 256 * bytes[i] + bytes[128 + i];
            const double e = double{w[i]} - double{r.step} * v;
            lost += e * e;
            all += double{w[i]} * double{w[i]};
            rest += e;
        }
        CHECK(r.halves == (peak ? 2 : 1));
        CHECK(std::sqrt(lost / all) <= 0.0061);
        CHECK(std::abs(rest - double{r.remainder}) <= 1e-4 * double{r.total});
    }
}
