// Bases for the keys and values of all layers, such that one step suits them all: an error of one unit costs
// about as much attention output wherever it is made.
// Keys: an error e changes a score by <q, e> / sqrt(d), and the output by that times the spread of the
// values. Values: an error changes the output as it is. Both are counted in the spread of the layer's values.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include <pith/core/assert.hpp>
#include <pith/core/view.hpp>
#include <pith/kv/calibration.hpp>
#include <pith/kv/channel_basis.hpp>
#include <pith/kv/concepts.hpp>

namespace pith::inline v1::kv {

namespace detail {

/// For each key channel the root of E q^2 over the query heads that read it and both channels of its rotary
/// pair, over sqrt(head size); at least 1/16 of the largest, so that no channel is given up.
[[nodiscard]] inline std::vector<float> query_weights(const shape& s, const rope& r,
                                                      view_2d<const float> queries) {
    std::vector<double> square(s.key_channels());
    for (std::size_t t = 0; t < queries.rows(); ++t)
        for (std::size_t h = 0; h < s.query_heads; ++h)
            for (std::size_t i = 0; i < s.head_size; ++i) {
                const double q = queries(t, h * s.head_size + i);
                square[h / s.queries_per_head() * s.head_size + i] += q * q;
            }
    const double each = static_cast<double>(queries.rows() * s.queries_per_head() * s.head_size);
    std::vector<float> weights(square.size(), 1);
    float largest = 0;
    for (std::size_t c = 0; c < square.size(); ++c) {
        const std::size_t i = c % s.head_size, head = c - i, half = s.head_size / 2;
        std::size_t other = i;
        if (r.pairing == rope_pairing::adjacent && (i | 1) < s.head_size) other = i ^ 1;
        if (r.pairing == rope_pairing::halves && i < 2 * half) other = i < half ? i + half : i - half;
        weights[c] =
            each > 0 ? static_cast<float>(std::sqrt((square[c] + square[head + other]) / 2 / each)) : 1;
        largest = weights[c] > largest ? weights[c] : largest;
    }
    for (float& w : weights) w = largest <= 0 ? 1 : w < largest / 16 ? largest / 16 : w;
    return weights;
}
/// The root of the mean variance of the channels, 1 if that is nothing.
[[nodiscard]] inline float spread(view_2d<const float> x) {
    double total = 0;
    for (std::size_t c = 0; c < x.columns(); ++c) {
        double sum = 0, square = 0;
        for (std::size_t r = 0; r < x.rows(); ++r) {
            sum += x(r, c);
            square += double{x(r, c)} * double{x(r, c)};
        }
        total += square - sum * sum / static_cast<double>(x.rows());
    }
    const double variance = x.empty() ? 0 : total / static_cast<double>(x.size());
    return variance > 1e-30 ? static_cast<float>(std::sqrt(variance)) : 1;
}
/// Heads that share a group of channels: as many as fit, and divide the number of heads.
[[nodiscard]] inline std::size_t group_of_heads(const shape& s) noexcept {
    std::size_t heads = channel_basis::largest_group / s.head_size;
    heads = heads > s.kv_heads ? s.kv_heads : heads == 0 ? 1 : heads;
    while (s.kv_heads % heads != 0) --heads;
    return heads * s.head_size;
}

/// Bits a value that all coordinates take at a step of 0.1, were they Gaussian: log2(1 + 1.42 (deviation /
/// step)^2) / 2 each, which is the rate of a uniform quantizer for deviations above a step.
[[nodiscard]] inline double bits_of(const channel_basis& basis) {
    double bits = 0;
    for (const float d : basis.deviations()) bits += std::log2(1 + 142 * double{d} * double{d}) / 2;
    return bits / static_cast<double>(basis.channels());
}
/// Heads together where that saves a fiftieth of a bit a value, else each by itself, which takes less work.
/// A basis of D channels seems better than it is on the n rows that it was fitted to, and is worse on others:
/// by D / (4 n) nats a value each.
[[nodiscard]] inline channel_basis fit_heads(view_2d<const float> samples, std::span<const float> weights,
                                             const shape& s) {
    const std::size_t group = group_of_heads(s);
    channel_basis together = channel_basis::fit(samples, weights, group);
    if (group == s.head_size) return together;
    channel_basis apart = channel_basis::fit(samples, weights, s.head_size);
    const double seeming =
        1.4427 * static_cast<double>(group - s.head_size) / (2 * static_cast<double>(samples.rows()));
    return bits_of(apart) - bits_of(together) > 0.02 + seeming ? together : apart;
}

}  // namespace detail

struct bases_options {
    bool query_weights = true;  ///< of channels of keys; else they are all alike
    float value_share = 1;      ///< how much finer values are quantized than the rule says
};

/// One basis for each layer and kind.
class transport_bases {
  public:
    /// Precondition: the calibration is not empty. Encoder-side, its cost is that of eigen decompositions of
    /// channel_basis::largest_group channels at most.
    [[nodiscard]] static transport_bases fit(const calibration& sample, bases_options options = {}) {
        PITH_ASSERT(!sample.empty());
        transport_bases out;
        const shape& s = sample.shape;
        for (std::size_t l = 0; l < s.layers; ++l) {
            std::vector<float> weights = detail::query_weights(s, sample.rope, sample.queries_of(l));
            if (!options.query_weights) flatten(weights);
            out.keys_.push_back(detail::fit_heads(sample.keys_of(l), weights, s));
            const float value = options.value_share * 11 /
                                (detail::spread(sample.values_of(l)) * static_cast<float>(s.head_size));
            out.values_.push_back(
                detail::fit_heads(sample.values_of(l), std::vector<float>(s.key_channels(), value), s));
        }
        return out;
    }
    [[nodiscard]] std::size_t layers() const noexcept { return keys_.size(); }
    [[nodiscard]] const channel_basis& of(std::size_t layer, tensor_kind kind) const noexcept {
        PITH_ASSERT(layer < layers());
        return kind == tensor_kind::keys ? keys_[layer] : values_[layer];
    }
    [[nodiscard]] std::size_t bytes() const noexcept {
        std::size_t sum = 0;
        for (const auto& b : keys_) sum += b.bytes();
        for (const auto& b : values_) sum += b.bytes();
        return sum;
    }

  private:
    static void flatten(std::vector<float>& weights) {
        double sum = 0;
        for (const float w : weights) sum += double{w} * double{w};
        const auto mean = static_cast<float>(std::sqrt(sum / static_cast<double>(weights.size())));
        for (float& w : weights) w = mean;
    }

    std::vector<channel_basis> keys_, values_;
};

}  // namespace pith::inline v1::kv
