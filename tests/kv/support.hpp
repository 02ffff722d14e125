// What tests of key-value caches share: rows of numbers, feeding, an oracle of attention, small codecs.
#pragma once

#include <pith/kv/cache.hpp>
#include <pith/kv/exact_codec.hpp>
#include <pith/kv/segmenter.hpp>

#include <algorithm>
#include <cmath>
#include <span>
#include <vector>

#include "kv/affine_of_tokens.hpp"

namespace kv_test {

namespace kv = pith::kv;
using floats = std::vector<float>;
using pith::view_2d;

/// Numbers that a position, a layer and a kind determine, so that batches of any size can be made.
inline float number(std::size_t kind, std::size_t layer, std::size_t token, std::size_t channel) {
    std::uint64_t x = kind * 1'000'003 + layer * 7919 + token * 104'729 + channel * 31 + 12345;
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ULL;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBULL;
    const float mean = static_cast<float>(channel % 5) * 0.3F - 0.6F;  // channels have means, as keys do
    return mean + static_cast<float>((x >> 40) & 0xFFFF) / 32768.0F - 1.0F;
}

inline floats rows(std::size_t kind, std::size_t layer, std::size_t first, std::size_t n, std::size_t width) {
    floats out(n * width);
    for (std::size_t t = 0; t < n; ++t)
        for (std::size_t c = 0; c < width; ++c) out[t * width + c] = number(kind, layer, first + t, c);
    return out;
}

inline view_2d<const float> seen(const floats& v, std::size_t width) {
    return {std::span<const float>(v), v.size() / width, width};
}

/// The queries of n tokens from `first` on attend to a layer; the outputs go behind those in `all`.
template <class Cache>
void attend_into(Cache& cache, std::size_t layer, std::size_t first, std::size_t n, floats& all) {
    const std::size_t width = cache.shape().query_channels();
    const floats q = rows(2, layer, first, n, width);
    floats out(n * width);
    REQUIRE(cache.attend(layer, seen(q, width), view_2d<float>(std::span(out), n, width)));
    all.insert(all.end(), out.begin(), out.end());
}

/// Appends n tokens to every layer and attends with all of them; the outputs, layer after layer.
template <class Cache>
floats feed(Cache& cache, std::size_t n, bool attend = true) {
    const kv::shape& s = cache.shape();
    const std::size_t first = cache.tokens_seen();
    floats all;
    for (std::size_t l = 0; l < s.layers; ++l) {
        const floats k = rows(0, l, first, n, s.key_channels()), v = rows(1, l, first, n, s.key_channels());
        const floats q = rows(2, l, first, n, s.query_channels());
        REQUIRE(cache.append(l, seen(k, s.key_channels()), seen(v, s.key_channels()),
                             seen(q, s.query_channels())));
        if (attend) attend_into(cache, l, first, n, all);
    }
    return all;
}

/// The newest n tokens attend again, without being appended.
template <class Cache>
floats attend_again(Cache& cache, std::size_t n) {
    floats all;
    for (std::size_t l = 0; l < cache.shape().layers; ++l)
        attend_into(cache, l, cache.tokens_seen() - n, n, all);
    return all;
}

template <class Cache>
std::vector<std::uint8_t> saved(Cache& cache) {
    std::vector<std::uint8_t> out;
    pith::vector_sink sink(out);
    REQUIRE(cache.save(sink));
    return out;
}

/// Turns one head in double precision.
inline void turn(std::vector<double>& head, const kv::rope& kind, double position) {
    if (kind.pairing == kv::rope_pairing::none) return;
    const std::size_t d = head.size(), half = d / 2;
    for (std::size_t i = 0; i < half; ++i) {
        const bool adjacent = kind.pairing == kv::rope_pairing::adjacent;
        double& a = head[adjacent ? 2 * i : i];
        double& b = head[adjacent ? 2 * i + 1 : i + half];
        const double angle =
            position * std::pow(double{kind.base}, -2.0 * static_cast<double>(i) / static_cast<double>(d));
        const double x = a, y = b;
        a = x * std::cos(angle) - y * std::sin(angle);
        b = x * std::sin(angle) + y * std::cos(angle);
    }
}

/// What the newest token's query heads must see of what a head's view holds. keys_turned: they were turned
/// when stored; `places`: what keys turn by otherwise, and last the query's.
inline floats oracle(const kv::head_view& v, const kv::shape& s, std::size_t layer, std::size_t head,
                     std::size_t query_token, const kv::rope& kind, bool keys_turned,
                     const std::vector<double>& places) {
    const std::size_t d = s.head_size, n = v.positions.size();
    floats out;
    for (std::size_t g = 0; g < s.queries_per_head(); ++g) {
        const std::size_t column = (head * s.queries_per_head() + g) * d;
        std::vector<double> q(d), weight(n), sum(d);
        for (std::size_t i = 0; i < d; ++i) q[i] = double{number(2, layer, query_token, column + i)};
        turn(q, kind, places.back());
        double total = 0;
        for (std::size_t t = 0; t < n; ++t) {
            std::vector<double> k(v.keys.begin() + static_cast<std::ptrdiff_t>(t * d),
                                  v.keys.begin() + static_cast<std::ptrdiff_t>((t + 1) * d));
            if (!keys_turned) turn(k, kind, places[t]);
            double dot = 0;
            for (std::size_t i = 0; i < d; ++i) dot += q[i] * k[i];
            weight[t] = double{v.multiplicity[t]} * std::exp(dot / std::sqrt(static_cast<double>(d)));
            total += weight[t];
        }
        for (std::size_t t = 0; t < n; ++t)
            for (std::size_t i = 0; i < d; ++i) sum[i] += weight[t] / total * double{v.values[t * d + i]};
        for (const double x : sum) out.push_back(static_cast<float>(x));
    }
    return out;
}

inline float largest_difference(std::span<const float> a, std::span<const float> b) {
    REQUIRE(a.size() == b.size());
    float most = 0;
    for (std::size_t i = 0; i < a.size(); ++i) most = std::max(most, std::abs(a[i] - b[i]));
    return most;
}

}  // namespace kv_test
