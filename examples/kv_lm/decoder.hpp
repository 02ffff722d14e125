// The forward pass of a model over tokens, its keys and values in whatever cache it is given.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <pith/core/result.hpp>
#include <pith/core/view.hpp>
#include <pith/simd/dot.hpp>

#include "exact_cache.hpp"
#include "model.hpp"

namespace lm {

/// out(t, r) = <weights row r, x row t>, for as many rows of x as out has room for.
inline void multiply(const matrix& weights, std::span<const float> x, std::span<float> out) {
    const std::size_t n = x.size() / weights.columns;
    constexpr std::size_t tile = 16;  // rows of x that stay in the nearest cache while the weights pass
    for (std::size_t first = 0; first < n; first += tile) {
        const std::size_t last = std::min(n, first + tile);
        for (std::size_t r = 0; r < weights.rows; ++r) {
            const std::span<const float> row(weights.values.data() + r * weights.columns, weights.columns);
            for (std::size_t t = first; t < last; ++t)
                out[t * weights.rows + r] =
                    pith::simd::dot_fast(row, x.subspan(t * weights.columns, weights.columns));
        }
    }
}

class decoder {
  public:
    /// The model must outlive the decoder.
    explicit decoder(const model& of) : model_(&of) {}

    /// Runs tokens, which come after all that the cache holds. `logits` gets a row of the vocabulary's size
    /// for each of the last logits.size() / vocabulary tokens. Precondition: every token below the
    /// vocabulary.
    pith::result<void> run(std::span<const std::uint32_t> tokens, kv::any_cache& cache,
                           std::span<float> logits) {
        const sizes& s = model_->shape;
        const std::size_t n = tokens.size();
        resize(n);
        for (std::size_t t = 0; t < n; ++t)
            std::copy_n(model_->embedding.values.data() + tokens[t] * s.width, s.width,
                        stream_.data() + t * s.width);
        for (std::size_t l = 0; l < s.layers; ++l) {
            const layer& weights = model_->layers[l];
            norm(stream_, weights.attention_norm, normed_);
            multiply(weights.query, normed_, queries_);
            multiply(weights.key, normed_, keys_);
            multiply(weights.value, normed_, values_);
            const floats queries(queries_, n, s.query_width());
            if (auto kept = cache.append(l, floats(keys_, n, s.kv_width()), floats(values_, n, s.kv_width()),
                                         queries);
                !kept)
                return kept;
            const pith::view_2d<float> mixed(mixed_, n, s.query_width());
            if (auto attended = cache.attend(l, queries, mixed); !attended) return attended;
            multiply(weights.output, mixed_, projected_);
            add_to_stream();
            feed_forward(weights);
        }
        const std::size_t wanted = logits.size() / s.vocabulary;
        norm(stream_, model_->final_norm, normed_);
        multiply(model_->outputs(), std::span<const float>(normed_).last(wanted * s.width), logits);
        return {};
    }

  private:
    void resize(std::size_t n) {
        const sizes& s = model_->shape;
        for (std::vector<float>* const v : {&stream_, &normed_, &projected_}) v->resize(n * s.width);
        for (std::vector<float>* const v : {&queries_, &mixed_}) v->resize(n * s.query_width());
        for (std::vector<float>* const v : {&keys_, &values_}) v->resize(n * s.kv_width());
        for (std::vector<float>* const v : {&gate_, &up_}) v->resize(n * s.hidden);
    }
    void norm(std::span<const float> x, std::span<const float> weight, std::span<float> out) const {
        const sizes& s = model_->shape;
        const double width = static_cast<double>(s.width);
        for (std::size_t at = 0; at < x.size(); at += s.width) {
            const std::span<const float> row = x.subspan(at, s.width);
            const double sum = static_cast<double>(pith::simd::dot_fast(row, row));
            const double length = s.epsilon_outside_root
                                      ? (std::sqrt(sum) + s.norm_epsilon) / std::sqrt(width)
                                      : std::sqrt(sum / width + s.norm_epsilon);
            const auto scale = static_cast<float>(1 / length);
            for (std::size_t i = 0; i < s.width; ++i) out[at + i] = row[i] * scale * weight[i];
        }
    }
    void add_to_stream() {
        for (std::size_t i = 0; i < stream_.size(); ++i) stream_[i] += projected_[i];
    }
    void feed_forward(const layer& weights) {
        norm(stream_, weights.hidden_norm, normed_);
        multiply(weights.gate, normed_, gate_);
        multiply(weights.up, normed_, up_);
        for (std::size_t i = 0; i < gate_.size(); ++i)
            gate_[i] = gate_[i] / (1 + std::exp(-gate_[i])) * up_[i];
        multiply(weights.down, gate_, projected_);
        add_to_stream();
    }

    const model* model_;
    std::vector<float> stream_, normed_, queries_, keys_, values_, mixed_, projected_, gate_, up_;
};

}  // namespace lm
