// bench attention: one step of decoding over packed caches, straight from the codes, and what freezing costs.
#include <cmath>
#include <cstdio>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <pith/core/random.hpp>
#include <pith/kv/attention.hpp>
#include <pith/kv/packed_affine.hpp>
#include <pith/kv/packed_codebook.hpp>
#include <pith/kv/rope.hpp>

#include "attention/rivals.hpp"
#include "support/arguments.hpp"
#include "support/machine.hpp"
#include "support/rows.hpp"
#include "support/table.hpp"
#include "support/timing.hpp"

namespace {

namespace kv = pith::kv;
using affine_options = kv::packed_affine_options;
using codebook_options = kv::packed_codebook_options;
using bench::decimal;
constexpr std::size_t head_size = 128;

/// Keys and values of one head, made up: normal, the keys with channel means and a spread of channel scales.
struct made_up {
    std::size_t tokens;
    std::vector<float> keys, values, queries;  ///< four queries

    explicit made_up(std::size_t n) : tokens(n) {
        pith::random_sequence bits(42);
        const auto normal = [&] {
            float sum = -6;
            for (int i = 0; i < 12; ++i) sum += static_cast<float>(bits() >> 8) * 0x1p-24F;
            return sum;
        };
        std::vector<float> pool(1 << 16);
        for (float& v : pool) v = normal();
        const auto next = [&] { return pool[bits() >> 16 & 0xFFFF]; };
        keys.resize(n * head_size);
        values.resize(n * head_size);
        for (std::size_t i = 0; i < keys.size(); ++i) {
            const std::size_t c = i % head_size;
            keys[i] = (c % 32 == 0 ? 3.0F : 1.0F) * (next() + (c % 3 == 0 ? 0.7F : 0.0F));
        }
        for (float& v : values) v = next();
        queries.resize(4 * head_size);
        for (float& v : queries) v = next();
    }
    [[nodiscard]] pith::view_2d<const float> asked(std::size_t heads) const {
        return {std::span<const float>(queries).first(heads * head_size), heads, head_size};
    }
};

struct contender {
    std::string name;
    double bytes = 0;                                                           ///< of a token
    std::function<void(pith::view_2d<const float>, pith::view_2d<float>)> run;  ///< a step
    std::vector<double> exact{};                ///< the first query's attention to the decoded cache
    double freeze_keys = 0, freeze_values = 0;  ///< ns per vector
};

/// Softmax attention of the first query in doubles.
std::vector<double> exact_attention(const std::vector<float>& keys, const std::vector<float>& values,
                                    const made_up& data) {
    std::vector<double> out(head_size);
    double total = 0;
    for (std::size_t t = 0; t < data.tokens; ++t) {
        double score = 0;
        for (std::size_t i = 0; i < head_size; ++i)
            score += double{data.queries[i]} * double{keys[t * head_size + i]};
        const double weight = std::exp(score / std::sqrt(double{head_size}) - 20);
        total += weight;
        for (std::size_t i = 0; i < head_size; ++i) out[i] += weight * double{values[t * head_size + i]};
    }
    for (double& v : out) v /= total;
    return out;
}

template <class Codec>
contender packed(std::string name, const Codec& codec, const made_up& data) {
    struct state {
        Codec codec;
        std::vector<std::byte> bytes;
        std::vector<kv::packed_block> blocks;
        std::vector<std::uint32_t> positions = std::vector<std::uint32_t>(bench::tile);
        kv::block_scope scope;
    };
    auto s = std::make_shared<state>(state{codec, {}, {}, {}, {}});
    s->positions.resize(bench::tile);
    s->scope.shape = {1, 1, 4, head_size};
    s->scope.positions = s->positions;
    contender out;
    out.name = std::move(name);
    std::vector<float> decoded_keys(data.keys.size()), decoded_values(data.values.size());
    const std::size_t size = Codec::head_bytes(kv::tensor_kind::keys, head_size, bench::tile) +
                             Codec::head_bytes(kv::tensor_kind::values, head_size, bench::tile);
    s->bytes.reserve(data.tokens / bench::tile * size);
    std::vector<std::byte> frozen;
    for (std::size_t t = 0; t < data.tokens; t += bench::tile) {
        std::size_t begin[3];
        for (const kv::tensor_kind kind : {kv::tensor_kind::keys, kv::tensor_kind::values}) {
            const bool of_keys = kind == kv::tensor_kind::keys;
            const auto& from = of_keys ? data.keys : data.values;
            const std::size_t at = t * head_size, n = bench::tile * head_size;
            s->scope.kind = kind;
            begin[of_keys ? 0 : 1] = s->bytes.size();
            auto& best = of_keys ? out.freeze_keys : out.freeze_values;
            for (int repeat = 0; repeat < (t == 0 ? 200 : 1); ++repeat) {
                frozen.clear();
                const double start = bench::seconds_now();
                codec.encode({std::span<const float>(from).subspan(at, n), bench::tile, head_size}, s->scope,
                             frozen);
                const double ns = 1e9 * (bench::seconds_now() - start) / bench::tile;
                if (best == 0 || ns < best) best = ns;
            }
            s->bytes.insert(s->bytes.end(), frozen.begin(), frozen.end());
            begin[of_keys ? 1 : 2] = s->bytes.size();
            auto& to = of_keys ? decoded_keys : decoded_values;
            const auto block = std::span<const std::byte>(s->bytes).subspan(begin[of_keys ? 0 : 1]);
            if (!codec.decode(block, s->scope, {std::span<float>(to).subspan(at, n), bench::tile, head_size}))
                std::fprintf(stderr, "%s does not decode\n", out.name.c_str());
        }
        const std::span<const std::byte> all(s->bytes.data(), s->bytes.size());
        s->blocks.push_back({all.subspan(begin[0], begin[1] - begin[0]), all.subspan(begin[1]), bench::tile});
    }
    out.exact = exact_attention(decoded_keys, decoded_values, data);
    out.bytes = static_cast<double>(s->bytes.size()) / static_cast<double>(data.tokens);
    out.run = [s](pith::view_2d<const float> queries, pith::view_2d<float> to) {
        kv::attend_blocks(s->codec, s->codec, std::span<const kv::packed_block>(s->blocks), s->scope, 0,
                          queries, to);
    };
    return out;
}

#ifdef PITH_BENCH_ATTENTION_RIVALS
template <class Cache>
contender tiled(std::string name, double bytes, Cache cache, const made_up& data) {
    contender out;
    out.name = std::move(name);
    out.bytes = bytes;
    out.run = [c = std::make_shared<Cache>(std::move(cache)), n = data.tokens](
                  pith::view_2d<const float> queries, pith::view_2d<float> to) {
        bench::attend_tiles(*c, n, queries, to);
    };
    return out;
}
std::vector<contender> rivals(const made_up& data) {
    bench::plain_cache<float> floats{data.keys, data.values};
    bench::plain_cache<std::uint16_t> halves;
    halves.keys.resize(data.keys.size());
    halves.values.resize(data.values.size());
    pith::simd::float_to_half(std::span<const float>(data.keys), std::span(halves.keys));
    pith::simd::float_to_half(std::span<const float>(data.values), std::span(halves.values));
    bench::ggml_cache<8> q8;
    bench::ggml_cache<4> q4;
    bench::ggml_cache<8>::append(q8.keys, data.keys);
    bench::ggml_cache<8>::append(q8.values, data.values);
    bench::ggml_cache<4>::append(q4.keys, data.keys);
    bench::ggml_cache<4>::append(q4.values, data.values);
    std::vector<contender> out;
    out.push_back(tiled("fp32", 8.0 * head_size, std::move(floats), data));
    out.push_back(tiled("fp16", 4.0 * head_size, std::move(halves), data));
    out.push_back(tiled("q8_0, as ggml", 2.0 * head_size * 34 / 32, std::move(q8), data));
    out.push_back(tiled("q4_0, as ggml", 2.0 * head_size * 18 / 32, std::move(q4), data));
    return out;
}
#else
std::vector<contender> rivals(const made_up&) { return {}; }
#endif

std::vector<contender> contenders(const made_up& data) {
    using kv::packed_affine;
    using kv::packed_codebook;
    std::vector<contender> out = rivals(data);
    out.push_back(packed("affine 8 bits", packed_affine<affine_options{.bits = 8}>{}, data));
    out.push_back(packed("affine 4 bits", packed_affine<affine_options{.bits = 4}>{}, data));
    out.push_back(packed("affine 3 bits", packed_affine<affine_options{.bits = 3}>{}, data));
    out.push_back(packed("affine 2 bits", packed_affine<affine_options{.bits = 2}>{}, data));
    out.push_back(packed("affine 4 bits, groups of 128",
                         packed_affine<affine_options{.bits = 4, .key_group = 128}>{}, data));
    out.push_back(packed("affine 3 bits, groups of 128",
                         packed_affine<affine_options{.bits = 3, .key_group = 128}>{}, data));
    out.push_back(packed("affine 2 bits, groups of 128",
                         packed_affine<affine_options{.bits = 2, .key_group = 128}>{}, data));
    out.push_back(packed("affine 4 bits, scales by token",
                         packed_affine<affine_options{.bits = 4, .key_group = 0}>{}, data));
    out.push_back(packed("affine 4 bits, 8-bit query",
                         packed_affine<affine_options{.bits = 4, .query_bytes = 1}>{}, data));
    out.push_back(
        packed("rotation + Lloyd 4 bits", packed_codebook<codebook_options{.bits = 4}>(head_size), data));
    out.push_back(
        packed("rotation + Lloyd 3 bits", packed_codebook<codebook_options{.bits = 3}>(head_size), data));
    out.push_back(
        packed("rotation + Lloyd 2 bits", packed_codebook<codebook_options{.bits = 2}>(head_size), data));
    return out;
}

/// ||out - exact|| / ||exact|| for the first query.
double error_of(const contender& c, const made_up& data) {
    std::vector<float> out(head_size);
    c.run(data.asked(1), {std::span<float>(out), 1, head_size});
    double wrong = 0, all = 0;
    for (std::size_t i = 0; i < c.exact.size(); ++i) {
        wrong += (c.exact[i] - double{out[i]}) * (c.exact[i] - double{out[i]});
        all += c.exact[i] * c.exact[i];
    }
    return c.exact.empty() ? 0 : std::sqrt(wrong / all);
}

/// All contenders at one length; false if one is further than 2 % from its decoded cache.
bool measure(std::size_t tokens, std::size_t heads, bool quick, bench::rows& rows,
             bench::progress_line& progress) {
    const made_up data(tokens);
    std::vector<contender> who = contenders(data);
    std::vector<float> out(heads * head_size);
    bench::contest contest;
    for (contender& c : who)
        contest.add(c.name, [&] { c.run(data.asked(heads), {std::span<float>(out), heads, head_size}); });
    const std::string what = bench::grouped(tokens) + " tokens, " + std::to_string(heads) + " query head" +
                             (heads == 1 ? "" : "s") + " for each key-value head";
    bench::effort effort = bench::effort::of(quick);
    if (!quick) effort = {7, 0.03};
    const auto& measured = contest.run(effort, progress, what);
    progress.clear();
    const auto ns = [&](std::size_t i) { return 1e9 * measured[i].seconds / static_cast<double>(tokens); };
    const bool rivals_run = who[0].name == "fp32";
    bench::table table("Attention of one step, " + what, {{"cache", true},
                                                          {"bytes/token"},
                                                          {"bits/value"},
                                                          {"ns/token"},
                                                          {"x fp16"},
                                                          {"x fp32"},
                                                          {"error"},
                                                          {"freeze K, ns"},
                                                          {"freeze V, ns"}});
    bool good = true;
    for (std::size_t i = 0; i < who.size(); ++i) {
        const contender& c = who[i];
        const double error = error_of(c, data);
        good = good && error <= 2e-2;
        table.add({c.name, decimal(c.bytes, 0), decimal(c.bytes * 8 / (2 * head_size), 2), decimal(ns(i), 2),
                   rivals_run ? decimal(ns(1) / ns(i), 2) : "-", rivals_run ? decimal(ns(0) / ns(i), 2) : "-",
                   c.exact.empty() ? "-" : decimal(1e3 * error, 2) + "e-3",
                   c.freeze_keys > 0 ? decimal(c.freeze_keys, 0) : "-",
                   c.freeze_values > 0 ? decimal(c.freeze_values, 0) : "-"});
        rows.add(c.name, what, "time", ns(i), "ns/token", bench::better::lower);
        if (!c.exact.empty()) rows.add(c.name, what, "error", error, "of the output", bench::better::lower);
        if (c.freeze_keys > 0)
            rows.add(c.name, what, "freeze", (c.freeze_keys + c.freeze_values) / 2, "ns/vector",
                     bench::better::lower);
    }
    table.print(
        "One thread, its CPU time; keys and values of one head of 128 channels, blocks of 128 tokens. Bits: "
        "with "
        "all scales.\nError: of the output against softmax attention to the decoded cache in doubles. "
        "Freeze: "
        "encoding one vector of a\nblock in cache, best of 200. Queries of affine codes are rounded to 16 "
        "bits, of the others to 8.");
    return good;
}

/// Keys stored before the rotary embedding: decode a block, turn its keys, attend in floats.
void measure_turned(bool quick, bench::rows& rows) {
    constexpr std::size_t tokens = 4096;
    const made_up data(quick ? 1024 : tokens);
    const kv::packed_affine<affine_options{.bits = 4}> codec;
    kv::shape shape{1, 1, 1, head_size};
    std::vector<std::uint32_t> positions(bench::tile);
    kv::block_scope scope{shape};
    scope.positions = positions;
    std::vector<std::byte> bytes;
    codec.encode({std::span<const float>(data.keys).first(bench::tile * head_size), bench::tile, head_size},
                 scope, bytes);
    std::vector<float> block(bench::tile * head_size);
    std::vector<double> decode, turn;
    kv::rope_rotation rope({10000, kv::rope_pairing::halves}, head_size);
    for (std::uint32_t repeat = 0; repeat < (quick ? 2U : 20U); ++repeat) {
        const double begin = bench::seconds_now();
        (void)codec.decode(bytes, scope, {std::span<float>(block), bench::tile, head_size});
        const double middle = bench::seconds_now();
        for (std::uint32_t t = 0; t < bench::tile; ++t)
            rope.turn(std::span<float>(block).subspan(t * head_size, head_size), repeat * 128 + t);
        decode.push_back((middle - begin) * 1e9 / bench::tile);
        turn.push_back((bench::seconds_now() - middle) * 1e9 / bench::tile);
    }
    std::printf("\nKeys stored before the rotary embedding, 4 bits: %.0f ns/token to decode, %.0f to turn.\n",
                bench::median(decode), bench::median(turn));
    rows.add("affine 4 bits", "before the rotary embedding", "decode", bench::median(decode), "ns/token",
             bench::better::lower);
    rows.add("affine 4 bits", "before the rotary embedding", "turn", bench::median(turn), "ns/token",
             bench::better::lower);
}

}  // namespace

int main(int count, char** words) {
    const bench::arguments asked = bench::parse_arguments(
        count, words, "Attention straight from packed caches: time, error, and the cost of freezing.");
    std::printf("Attention on %s\nmade-up keys and values of one head, %zu channels\n",
                bench::machine_line().c_str(), head_size);
    bench::rows rows;
    bench::progress_line progress;
    bool good = true;
    const std::size_t lengths[] = {asked.quick ? 512U : 4096U, asked.quick ? 1024U : 131072U};
    for (const std::size_t tokens : lengths)
        for (const std::size_t heads : {1U, 4U})
            good = measure(tokens, heads, asked.quick, rows, progress) && good;
    measure_turned(asked.quick, rows);
    if (!rows.write(asked.json)) return 1;
    if (!good) std::fprintf(stderr, "%s: an output is further than 2 %% from its decoded cache\n", words[0]);
    return good ? 0 : 1;
}
