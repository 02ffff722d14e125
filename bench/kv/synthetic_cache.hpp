// Made-up keys, values and queries with the published properties of large models' caches, for heads of 128.
// Properties from KIVI, KVQuant, StreamingLLM and the massive activations of Sun et al. (2024): channels with
// large means, fast-decaying spectra of keys, flat ones of values, runs of like tokens, sinks. It is no real
// data.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <pith/core/random.hpp>
#include <pith/kv/calibration.hpp>

namespace bench {

struct synthetic_options {
    pith::kv::shape shape{2, 2, 4, 128};
    std::size_t tokens = 1152;
    std::uint64_t seed = 1;
    double key_decay = 1.2;  ///< variance of the k-th component: k to minus this power
    double value_decay = 0.45;
    double memory = 0.2;  ///< correlation of neighbouring tokens' components
    double topics = 0.5;  ///< share of the keys' variance that a run of 32 to 128 tokens has in common
    double mean = 2.0;    ///< of the keys, over their deviation, all channels together
    double large_channels = 0.03;  ///< share of channels whose mean is four to ten times larger
    double layer_angle = 0.3;      ///< how far a layer's subspace turns away from the shared one
    double value_scale = 0.15;     ///< deviation of values over that of keys
    double delimiters = 0.01;      ///< share of tokens that are sinks besides the first
    double query_gain = 1.3;       ///< deviation of the logits that topics make
};

/// Draws with one seed; the text's structure (topics, sinks) and the model's (bases, means) have seeds of
/// their own, so that two texts share a model.
class synthetic_cache {
  public:
    synthetic_cache(const synthetic_options& options, std::uint64_t text_seed)
        : o_(options), text_(text_seed, 77), d_(options.shape.head_size) {
        out_.shape = o_.shape;
        out_.rope = {10000, pith::kv::rope_pairing::adjacent};
        for (std::size_t t = 0; t < o_.tokens; ++t) out_.positions.push_back(static_cast<std::uint32_t>(t));
        draw_structure();
        out_.keys.resize(o_.shape.layers);
        out_.values.resize(o_.shape.layers);
        out_.queries.resize(o_.shape.layers);
        for (std::size_t l = 0; l < o_.shape.layers; ++l) {
            out_.keys[l].resize(o_.tokens * o_.shape.key_channels());
            out_.values[l].resize(out_.keys[l].size());
            out_.queries[l].resize(o_.tokens * o_.shape.query_channels());
            for (std::size_t h = 0; h < o_.shape.kv_heads; ++h) draw_head(l, h);
        }
    }
    [[nodiscard]] pith::kv::calibration& rows() { return out_; }
    [[nodiscard]] const std::vector<std::uint8_t>& sinks() const { return sink_; }

  private:
    using doubles = std::vector<double>;
    static constexpr std::size_t topic_components = 8;

    // Which tokens are sinks, and for each token its topic.
    void draw_structure() {
        sink_.assign(o_.tokens, 0);
        topic_.resize(o_.tokens);
        std::uint32_t left = 0, topic = 0;
        for (std::size_t t = 0; t < o_.tokens; ++t) {
            if (left == 0) {
                ++topic;
                left = 32 + text_.below(97);
            }
            --left;
            topic_[t] = topic;
            sink_[t] = t == 0 || text_.uniform_double() < o_.delimiters;
        }
    }
    // Orthonormal rows: those that all layers share, turned by noise of the layer's own (Gram and Schmidt).
    [[nodiscard]] std::vector<doubles> basis(std::uint64_t shared, std::uint64_t own) const {
        pith::random_sequence common(o_.seed, shared), noise(o_.seed, own);
        std::vector<doubles> rows(d_, doubles(d_));
        for (std::size_t r = 0; r < d_; ++r) {
            for (double& v : rows[r]) v = common.gaussian() + o_.layer_angle * noise.gaussian();
            for (std::size_t before = 0; before < r; ++before) {
                double dot = 0;
                for (std::size_t i = 0; i < d_; ++i) dot += rows[r][i] * rows[before][i];
                for (std::size_t i = 0; i < d_; ++i) rows[r][i] -= dot * rows[before][i];
            }
            double length = 0;
            for (const double v : rows[r]) length += v * v;
            for (double& v : rows[r]) v /= std::sqrt(length);
        }
        return rows;
    }
    // Deviations of components, so that a channel's variance is 1 in the mean.
    [[nodiscard]] doubles deviations(double decay) const {
        doubles out(d_);
        double sum = 0;
        for (std::size_t k = 0; k < d_; ++k) sum += out[k] = std::pow(static_cast<double>(k + 1), -decay);
        for (double& v : out) v = std::sqrt(v * static_cast<double>(d_) / sum);
        return out;
    }
    [[nodiscard]] doubles channel_means(std::uint64_t stream) const {
        pith::random_sequence random(o_.seed, stream);
        doubles out(d_);
        double sum = 0;
        for (double& v : out) {
            v = random.gaussian() *
                (random.uniform_double() < o_.large_channels ? 4 + 6 * random.uniform_double() : 1);
            sum += v * v;
        }
        for (double& v : out) v *= o_.mean * std::sqrt(static_cast<double>(d_) / sum);
        return out;
    }
    // A factor a token that turns Gaussian components into Student's t with five degrees of freedom.
    static double heavy_tail(pith::random_sequence& random) {
        double squares = 0;
        for (int i = 0; i < 5; ++i) {
            const double g = random.gaussian();
            squares += g * g;
        }
        return std::sqrt(3.0 / squares);  // variance 5/3 taken out: sqrt(5 / squares) / sqrt(5 / 3)
    }
    void draw_head(std::size_t layer, std::size_t head) {
        const std::uint64_t key = 1000 + 10 * head, own = 10 * (layer * 64 + head) + 20000;
        pith::random_sequence random(o_.seed ^ text_(), own + 7);
        const std::vector<doubles> keys = basis(key, own), values = basis(key + 1, own + 1);
        const doubles key_size = deviations(o_.key_decay), value_size = deviations(o_.value_decay);
        const doubles means = channel_means(own + 2);
        doubles state(d_), value_state(d_), topic(topic_components), components(d_), row(d_);
        for (std::size_t t = 0; t < o_.tokens; ++t) {
            if (t == 0 || topic_[t] != topic_[t - 1])
                for (double& v : topic) v = random.gaussian();
            step(random, state, t);
            step(random, value_state, t);
            const double tail = heavy_tail(random);
            for (std::size_t k = 0; k < d_; ++k) {
                const double share = k < topic_components ? o_.topics : 0;
                components[k] = key_size[k] * (std::sqrt(1 - share) * tail * state[k] +
                                               (share > 0 ? std::sqrt(share) * topic[k] : 0));
            }
            expand(keys, components, row);
            put_key(layer, head, t, row, means);
            const double scale =
                o_.value_scale * std::exp(0.3 * random.gaussian()) * (sink_[t] != 0 ? 0.05 : 1);
            for (std::size_t k = 0; k < d_; ++k) components[k] = scale * value_size[k] * value_state[k];
            expand(values, components, row);
            for (std::size_t i = 0; i < d_; ++i)
                out_.values[layer][t * o_.shape.key_channels() + head * d_ + i] = static_cast<float>(row[i]);
            put_queries(layer, head, t, keys, topic, means, random);
        }
    }
    void step(pith::random_sequence& random, doubles& state, std::size_t t) const {
        const double fresh = t == 0 ? 1 : std::sqrt(1 - o_.memory * o_.memory);
        for (double& v : state) v = (t == 0 ? 0 : o_.memory * v) + fresh * random.gaussian();
    }
    void expand(const std::vector<doubles>& basis, const doubles& components, doubles& row) const {
        std::fill(row.begin(), row.end(), 0.0);
        for (std::size_t k = 0; k < d_; ++k)
            for (std::size_t i = 0; i < d_; ++i) row[i] += components[k] * basis[k][i];
    }
    // The last two pairs turn so slowly that a direction in them stays: there the sinks are found.
    void put_key(std::size_t layer, std::size_t head, std::size_t t, const doubles& row,
                 const doubles& means) {
        float* const to = out_.keys[layer].data() + t * o_.shape.key_channels() + head * d_;
        for (std::size_t i = 0; i < d_; ++i) to[i] = static_cast<float>(row[i] + means[i]);
        for (std::size_t i = d_ - 4; i < d_; ++i)
            to[i] = sink_[t] != 0 ? sink_length : 0.3F * static_cast<float>(row[i]);
    }
    // Every query looks for the sinks, for the mean a little, and for tokens of its topic.
    void put_queries(std::size_t layer, std::size_t head, std::size_t t, const std::vector<doubles>& keys,
                     const doubles& topic, const doubles& means, pith::random_sequence& random) {
        const std::size_t group = o_.shape.queries_per_head();
        doubles components(d_), row(d_);
        const double root = std::sqrt(static_cast<double>(d_));
        for (std::size_t g = 0; g < group; ++g) {
            for (std::size_t k = 0; k < d_; ++k)
                components[k] =
                    (k < topic_components ? 0.5 * topic[k] + random.gaussian() : 0) * o_.query_gain;
            expand(keys, components, row);
            const std::size_t query_head = head * group + g;
            float* const to = out_.queries[layer].data() + t * o_.shape.query_channels() + query_head * d_;
            for (std::size_t i = 0; i < d_; ++i)
                to[i] = static_cast<float>(row[i] * root / 8 + 0.1 * means[i] + 0.2 * random.gaussian());
            for (std::size_t i = d_ - 4; i < d_; ++i) to[i] = sink_query;
        }
    }

    static constexpr float sink_length = 9, sink_query = 1.45F;

    synthetic_options o_;
    pith::random_sequence text_;
    std::size_t d_;
    std::vector<std::uint8_t> sink_;
    std::vector<std::uint32_t> topic_;
    pith::kv::calibration out_;
};

}  // namespace bench
