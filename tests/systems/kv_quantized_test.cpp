#include <pith/systems/kv_quantized.hpp>

#include <cmath>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <pith/kv/exact_codec.hpp>

#include "../kv/block_samples.hpp"
#include "support/catch.hpp"

namespace {

namespace kv = pith::kv;
namespace systems = pith::systems;
constexpr kv::shape small{.layers = 4, .kv_heads = 2, .query_heads = 4, .head_size = 16};
constexpr kv::rope turning{.base = 10000, .pairing = kv::rope_pairing::halves};

struct text {
    std::vector<kv::matrix> keys, values, queries;
};

text make_text(std::size_t tokens, std::uint64_t seed) {
    text out;
    for (std::size_t l = 0; l < small.layers; ++l) {
        out.keys.push_back(
            block_samples::structured(kv::tensor_kind::keys, tokens, small.key_channels(), seed + l, 1 + l));
        out.values.push_back(block_samples::structured(kv::tensor_kind::values, tokens, small.key_channels(),
                                                       seed + 10 + l, 1 + l));
        out.queries.push_back(block_samples::gaussian(tokens, small.query_channels(), seed + 20 + l));
    }
    return out;
}

kv::calibration sample() {
    const text t = make_text(120, 900);
    kv::calibration out = block_samples::calibration_of(small, t.keys, t.values, t.queries);
    out.rope = turning;
    return out;
}

void append(kv::any_cache& c, const text& t, std::size_t first, std::size_t count) {
    const auto rows = [&](const kv::matrix& m) { return m.view().block(first, 0, count, m.columns()); };
    for (std::size_t l = 0; l < small.layers; ++l)
        REQUIRE(c.append(l, rows(t.keys[l]), rows(t.values[l]), rows(t.queries[l])).has_value());
}

/// Attention of every layer for the newest token, one row for each layer.
kv::matrix attend(kv::any_cache& c, const text& t, std::size_t token) {
    kv::matrix out(small.layers, small.query_channels());
    for (std::size_t l = 0; l < small.layers; ++l)
        REQUIRE(c.attend(l, t.queries[l].view().block(token, 0, 1, small.query_channels()),
                         out.view().block(l, 0, 1, small.query_channels()))
                    .has_value());
    return out;
}

double distance(const kv::matrix& a, const kv::matrix& b) {
    double lost = 0, all = 0;
    for (std::size_t r = 0; r < a.rows(); ++r)
        for (std::size_t c = 0; c < a.columns(); ++c) {
            lost += (double{a(r, c)} - double{b(r, c)}) * (double{a(r, c)} - double{b(r, c)});
            all += double{a(r, c)} * double{a(r, c)};
        }
    return std::sqrt(lost / all);
}

using exact_cache = kv::cache<kv::post_rope, kv::loose_only, kv::exact_codec, kv::exact_codec>;

}  // namespace

TEST_CASE("Every listed cache attends near the exact one, in fewer bytes than halves, in any batching") {
    const text t = make_text(230, 1);
    const kv::calibration fitted = sample();
    auto exact = kv::make_any<exact_cache>(small, turning);
    append(*exact, t, 0, 200);
    exact->end_prefill();
    append(*exact, t, 200, 30);
    const kv::matrix truth = attend(*exact, t, 229);
    std::map<std::string, double> errors;
    systems::for_each_quantized([&](const char* name, auto make) {
        CAPTURE(name);
        REQUIRE(errors.count(name) == 0);
        const auto c = make(small, turning, fitted), other = make(small, turning, fitted);
        REQUIRE(c != nullptr);
        append(*c, t, 0, 200);
        append(*other, t, 0, 77);
        append(*other, t, 77, 123);
        c->end_prefill();
        other->end_prefill();
        append(*c, t, 200, 30);
        for (std::size_t i = 200; i < 230; ++i) append(*other, t, i, 1);
        // Counting brings into effect what the policies say of the newest tokens.
        const std::size_t size = c->bytes().total();
        CHECK(size == other->bytes().total());
        const kv::matrix out = attend(*c, t, 229);
        CHECK(distance(out, attend(*other, t, 229)) == 0);
        errors[name] = distance(truth, out);
        const std::string family = std::string(name).substr(0, 4);  // those with fitted constants
        const bool fits = family == "cskv" || family == "matr" || family == "aqua" || family == "kvqu";
        CHECK((c->bytes().constants != 0) == fits);
        CAPTURE(errors[name], size, exact->bytes().total());
        CHECK(errors[name] < 1.5);
        if (std::string(name) != "half") CHECK(size < exact->bytes().total());
    });
    REQUIRE(errors.size() >= 40);
    CHECK(errors["half"] < 0.005);
    CHECK(errors["q8_0"] < 0.05);
    CHECK(errors["kivi 4"] < errors["kivi 2"]);
    CHECK(errors["kivi 2"] < errors["per token 2"]);
    CHECK(errors["kv-adaquant k4v2"] < errors["kv-adaquant k2v4"]);
}

TEST_CASE("A cache that needs a calibration is not made without one") {
    std::size_t made = 0, missing = 0;
    systems::for_each_quantized([&](const char*, auto make) {
        if (make(small, turning, kv::calibration{}) != nullptr)
            ++made;
        else
            ++missing;
    });
    REQUIRE(missing == 7);
    REQUIRE(made > 30);
}
