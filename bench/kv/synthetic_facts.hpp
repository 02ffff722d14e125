// Statistics of keys, values and attention, beside the ranges that were published or measured on real models.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>
#include <vector>

#include <pith/core/view.hpp>
#include <pith/kv/calibration.hpp>
#include <pith/kv/rope.hpp>

namespace bench {

struct cache_fact {
    std::string name;
    double value = 0, low = 0, high = 0;
    std::string of{};  ///< where the range comes from

    [[nodiscard]] bool holds() const { return value >= low && value <= high; }
};

namespace detail {

struct channel_moments {
    double mean = 0, variance = 0, fourth = 0, most = 0, magnitude = 0;
};

inline channel_moments moments_of(pith::strided_span<const float> x) {
    channel_moments out;
    const auto n = static_cast<double>(x.size());
    for (std::size_t t = 0; t < x.size(); ++t) {
        out.mean += static_cast<double>(x[t]) / n;
        out.magnitude += std::abs(static_cast<double>(x[t])) / n;
        out.most = std::max(out.most, std::abs(static_cast<double>(x[t])));
    }
    for (std::size_t t = 0; t < x.size(); ++t) {
        const double d = static_cast<double>(x[t]) - out.mean;
        out.variance += d * d / n;
        out.fourth += d * d * d * d / n;
    }
    return out;
}

inline double adjacent_cosine(pith::view_2d<const float> x) {
    double sum = 0;
    for (std::size_t t = 1; t < x.rows(); ++t) {
        double ab = 0, aa = 0, bb = 0;
        for (std::size_t c = 0; c < x.columns(); ++c) {
            const auto a = static_cast<double>(x(t - 1, c)), b = static_cast<double>(x(t, c));
            ab += a * b;
            aa += a * a;
            bb += b * b;
        }
        sum += ab / std::sqrt(aa * bb);
    }
    return sum / static_cast<double>(x.rows() - 1);
}

/// Share of the variance (mean removed) of the 16 strongest components of a head.
inline double leading_share(pith::view_2d<const float> x) {
    const std::size_t d = x.columns();
    std::vector<double> gram(d * d);
    std::vector<double> means(d);
    for (std::size_t c = 0; c < d; ++c) means[c] = moments_of(x.column(c)).mean;
    for (std::size_t t = 0; t < x.rows(); ++t)
        for (std::size_t a = 0; a < d; ++a)
            for (std::size_t b = 0; b < d; ++b)
                gram[a * d + b] +=
                    (static_cast<double>(x(t, a)) - means[a]) * (static_cast<double>(x(t, b)) - means[b]);
    // The sum of the k largest eigenvalues by orthogonal iteration: enough for a share.
    constexpr std::size_t k = 16;
    std::vector<std::vector<double>> basis(k, std::vector<double>(d));
    for (std::size_t i = 0; i < k; ++i) basis[i][i] = 1;
    double found = 0, total = 0;
    for (std::size_t c = 0; c < d; ++c) total += gram[c * d + c];
    for (int round = 0; round < 30; ++round) {
        found = 0;
        for (std::size_t i = 0; i < k; ++i) {
            std::vector<double> next(d);
            for (std::size_t a = 0; a < d; ++a)
                for (std::size_t b = 0; b < d; ++b) next[a] += gram[a * d + b] * basis[i][b];
            for (std::size_t j = 0; j < i; ++j) {
                double dot = 0;
                for (std::size_t a = 0; a < d; ++a) dot += next[a] * basis[j][a];
                for (std::size_t a = 0; a < d; ++a) next[a] -= dot * basis[j][a];
            }
            double length = 0;
            for (const double v : next) length += v * v;
            length = std::sqrt(length);
            found += length;
            for (std::size_t a = 0; a < d; ++a) basis[i][a] = next[a] / length;
        }
    }
    return found / total;
}

}  // namespace detail

/// Attention that queries of the second half pay to the given tokens: mean over them, one layer, all heads.
inline double attention_mass(const pith::kv::calibration& rows, std::size_t layer,
                             const std::vector<std::uint8_t>& on) {
    const pith::kv::shape& s = rows.shape;
    pith::kv::rope_rotation turn(rows.rope, s.head_size);
    std::vector<float> keys = rows.keys[layer];
    for (std::size_t t = 0; t < rows.tokens(); ++t)
        turn.turn(std::span(keys).subspan(t * s.key_channels(), s.key_channels()), rows.positions[t]);
    double mass = 0, count = 0;
    for (std::size_t t = rows.tokens() / 2; t < rows.tokens(); t += 7) {
        const auto row = rows.queries_of(layer).row(t).as_span();
        std::vector<float> query(row.begin(), row.end());
        turn.turn(query, rows.positions[t]);
        for (std::size_t h = 0; h < s.query_heads; ++h) {
            double on_sum = 0, all = 0;
            for (std::size_t seen = 0; seen <= t; ++seen) {
                const float* const key =
                    keys.data() + seen * s.key_channels() + h / s.queries_per_head() * s.head_size;
                double dot = 0;
                for (std::size_t i = 0; i < s.head_size; ++i)
                    dot += static_cast<double>(query[h * s.head_size + i]) * static_cast<double>(key[i]);
                const double weight = std::exp(dot / std::sqrt(static_cast<double>(s.head_size)));
                all += weight;
                on_sum += on[seen] != 0 ? weight : 0;
            }
            mass += on_sum / all;
            count += 1;
        }
    }
    return mass / count;
}

/// What is told of a cache, layer 0, with the ranges that real ones have.
inline std::vector<cache_fact> facts_of(const pith::kv::calibration& rows,
                                        const std::vector<std::uint8_t>& sinks) {
    const auto keys = rows.keys_of(0), values = rows.values_of(0);
    const std::size_t d = rows.shape.head_size;
    double squares = 0, variance = 0, kurtosis = 0, most = 0, magnitude = 0, value_squares = 0,
           key_squares = 0;
    for (std::size_t c = 0; c < keys.columns(); ++c) {
        const detail::channel_moments m = detail::moments_of(keys.column(c));
        squares += m.mean * m.mean;
        variance += m.variance;
        kurtosis += m.fourth / (m.variance * m.variance) / static_cast<double>(keys.columns());
        most = std::max(most, m.most);
        magnitude += m.magnitude / static_cast<double>(keys.columns());
        key_squares += m.mean * m.mean + m.variance;
        const detail::channel_moments v = detail::moments_of(values.column(c));
        value_squares += v.mean * v.mean + v.variance;
    }
    return {
        {"keys: mean over deviation", std::sqrt(squares / variance), 1.7, 2.6, "stories260K"},
        {"keys: largest over mean magnitude", most / magnitude, 6, 30, "stories260K 6-8; KVQuant larger"},
        {"keys: kurtosis of a channel", kurtosis, 3, 9, "normal 3, Student's t of 5: 9"},
        {"keys: cosine of neighbours", detail::adjacent_cosine(keys), 0.85, 0.97, "stories260K 0.92-0.96"},
        {"values: cosine of neighbours", detail::adjacent_cosine(values), 0.05, 0.25,
         "stories260K 0.07-0.20"},
        {"keys over values: norms", std::sqrt(key_squares / value_squares), 5, 17, "stories260K"},
        {"keys: variance in 16 of a head's components",
         detail::leading_share(keys.block(0, 0, keys.rows(), d)), 0.5, 0.95, "decays fast (xKV)"},
        {"values: variance in 16 of a head's components",
         detail::leading_share(values.block(0, 0, keys.rows(), d)), 0.15, 0.5, "nearly flat (xKV)"},
        {"attention to all sinks", attention_mass(rows, 0, sinks), 0.3, 0.8, "StreamingLLM, middle layers"}};
}

}  // namespace bench
