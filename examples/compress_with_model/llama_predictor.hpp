// A Llama-architecture transformer as a predictor of tokens, with the same bits on every machine.
// Vaswani et al. (2017) with RMSNorm, rotary positions, grouped heads and SwiGLU as in Llama (Touvron et al.,
// 2023). Everything goes through core/exact; when the context is full its oldest quarter is dropped and the
// keys that stay are turned back, as in Nacrith.
#pragma once

#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include <pith/core/exact.hpp>
#include <pith/core/exact_math.hpp>
#include <pith/mixing/concepts.hpp>
#include <pith/mixing/softmax.hpp>
#include <pith/simd/dot_exact.hpp>

#include "llama_model.hpp"

// What becomes of tokens that were coded without the model.
enum class skipped_tokens {
    seen,      // they are in its context like all others: the model's body runs for them too
    left_out,  // they are not: faster, and the model does not know of them
};

// A symbol_predictor. The model must outlive it. Keys and values are stored by dimension, so that scores of
// all positions and sums over them run over consecutive floats.
class llama_predictor {
  public:
    explicit llama_predictor(const llama_model& model, skipped_tokens skipped = skipped_tokens::seen)
        : model_(&model),
          skipped_(skipped),
          keys_(cache_size()),
          values_(cache_size()),
          frequencies_(shape().head_size() / 2),
          stream_(shape().width),
          normed_(shape().width),
          queries_(shape().width),
          mixed_(shape().width),
          projected_(shape().width),
          gate_(shape().hidden),
          up_(shape().hidden),
          exponentials_(shape().hidden),
          scores_(shape().context) {
        const double step = -pith::exact::log(10000.0) / static_cast<double>(frequencies_.size());
        for (std::size_t i = 0; i < frequencies_.size(); ++i)  // in turns a position
            frequencies_[i] =
                pith::exact::exp(pith::exact::mul(step, static_cast<double>(i))) / 0x1.921fb54442d18p+2;
        reset(0);
    }

    [[nodiscard]] std::size_t alphabet_size() const noexcept { return shape().vocabulary; }
    [[nodiscard]] std::uint32_t fingerprint() const noexcept {
        return model_->fingerprint + static_cast<std::uint32_t>(skipped_);
    }
    void reset(std::size_t) noexcept {
        used_ = 0;
        run(beginning);
    }
    void predict(std::span<float> p) noexcept {
        norm(stream_, model_->final_norm, 0, normed_);
        multiply(model_->classifier, normed_, p);
        pith::mixing::softmax(p);
    }
    void update(std::uint32_t token) noexcept { run(token); }
    void skip(std::uint32_t token) noexcept {
        if (skipped_ == skipped_tokens::seen) run(token);
    }

  private:
    static constexpr std::uint32_t beginning = 1;  // the token before all text
    using floats = std::vector<float>;
    using view = std::span<const float>;

    [[nodiscard]] const llama_shape& shape() const noexcept { return model_->shape; }
    [[nodiscard]] std::size_t cache_size() const noexcept {
        return std::size_t{shape().layers} * shape().kv_width() * shape().context;
    }
    // All positions of dimension d in a layer's cache.
    [[nodiscard]] std::span<float> positions(floats& cache, std::size_t layer, std::size_t d) noexcept {
        return std::span(cache).subspan((layer * shape().kv_width() + d) * shape().context, shape().context);
    }

    // out = matrix * x, the matrix from place `from` on; inputs are added in their order.
    void multiply(std::size_t from, view x, std::span<float> out) const noexcept {
        for (float& v : out) v = 0.0F;
        for (std::size_t c = 0; c < x.size(); ++c)
            pith::exact::add_scaled(out, x[c], model_->run(from, c, out.size()));
    }
    void norm(view x, std::size_t from, std::size_t layer, std::span<float> out) const noexcept {
        const view weight = model_->run(from, layer, x.size());
        const float mean = pith::exact::dot(x, x) / static_cast<float>(x.size());
        const float scale = 1.0F / pith::exact::sqrt(pith::exact::sealed(mean + 1e-5F));
        for (std::size_t i = 0; i < x.size(); ++i) out[i] = weight[i] * pith::exact::mul(scale, x[i]);
    }
    // Turns a pair of a head's dimensions by a fraction of a circle.
    static void turn(float& a, float& b, float cosine, float sine) noexcept {
        const float x = pith::exact::mul(a, cosine) - pith::exact::mul(b, sine);
        b = pith::exact::mul(a, sine) + pith::exact::mul(b, cosine);
        a = x;
    }
    void turn_heads(std::span<float> v, std::size_t position) const noexcept {
        for (std::size_t i = 0; i < frequencies_.size(); ++i) {
            const double turns = pith::exact::mul(frequencies_[i], static_cast<double>(position));
            const auto cosine = static_cast<float>(pith::exact::cos_of_turns(turns));
            const auto sine = static_cast<float>(pith::exact::sin_of_turns(turns));
            for (std::size_t d = 2 * i; d < v.size(); d += shape().head_size())
                turn(v[d], v[d + 1], cosine, sine);
        }
    }

    // One token through all layers; stream_ is then what predicts the next one.
    void run(std::uint32_t token) noexcept {
        if (used_ == shape().context) drop_oldest();
        const view embedded = model_->run(model_->embedding, token, shape().width);
        std::memcpy(stream_.data(), embedded.data(), embedded.size_bytes());
        for (std::size_t layer = 0; layer < shape().layers; ++layer) {
            attend(layer);
            feed_forward(layer);
        }
        ++used_;
    }
    void add_to_stream(view x) noexcept {
        for (std::size_t i = 0; i < x.size(); ++i) stream_[i] = stream_[i] + x[i];
    }
    void attend(std::size_t layer) noexcept {
        const std::size_t width = shape().width, kv = shape().kv_width(), size = shape().head_size();
        norm(stream_, model_->attention_norm, layer, normed_);
        multiply(model_->query + layer * width * width, normed_, queries_);
        turn_heads(queries_, used_);
        const std::span<float> key = std::span(mixed_).first(kv), value = std::span(projected_).first(kv);
        multiply(model_->key + layer * kv * width, normed_, key);
        multiply(model_->value + layer * kv * width, normed_, value);
        turn_heads(key, used_);
        for (std::size_t d = 0; d < kv; ++d) {
            positions(keys_, layer, d)[used_] = key[d];
            positions(values_, layer, d)[used_] = value[d];
        }
        const std::size_t queries_a_key = shape().heads / shape().kv_heads;
        for (std::size_t h = 0; h < shape().heads; ++h)
            attend_head(layer, h * size, h / queries_a_key * size);
        multiply(model_->output + layer * width * width, mixed_, projected_);
        add_to_stream(projected_);
    }
    // One head: queries from dimension q on, keys and values from dimension d on, the result to mixed_.
    void attend_head(std::size_t layer, std::size_t q, std::size_t d) noexcept {
        const std::size_t size = shape().head_size(), count = used_ + 1;
        const std::span<float> scores = std::span(scores_).first(count);
        const float scale = 1.0F / pith::exact::sqrt(static_cast<float>(size));
        for (float& s : scores) s = 0.0F;
        for (std::size_t i = 0; i < size; ++i)
            pith::exact::add_scaled(scores, pith::exact::mul(queries_[q + i], scale),
                                    positions(keys_, layer, d + i).first(count));
        pith::mixing::softmax(scores);
        for (std::size_t i = 0; i < size; ++i)
            mixed_[q + i] = pith::simd::dot_exact(positions(values_, layer, d + i).first(count), scores);
    }
    void feed_forward(std::size_t layer) noexcept {
        const std::size_t width = shape().width, hidden = shape().hidden;
        norm(stream_, model_->hidden_norm, layer, normed_);
        multiply(model_->gate + layer * hidden * width, normed_, gate_);
        multiply(model_->up + layer * hidden * width, normed_, up_);
        // x / (1 + e^-x) * up: the exponentials all at once.
        floats& e = exponentials_;
        e = gate_;
        for (float& v : e) v = v > -80.0F ? -v : 80.0F;
        pith::mixing::exp_in_place(e, 0.0F);
        for (std::size_t i = 0; i < hidden; ++i)
            gate_[i] = pith::exact::mul(gate_[i] / pith::exact::sealed(1.0F + e[i]), up_[i]);
        multiply(model_->down + layer * width * hidden, gate_, projected_);
        add_to_stream(projected_);
    }
    // The oldest quarter goes; the other keys are turned back to their new places.
    void drop_oldest() noexcept {
        const std::size_t gone = (shape().context + 3) / 4, left = shape().context - gone;
        for (floats* const cache : {&keys_, &values_})
            for (std::size_t at = 0; at < cache->size(); at += shape().context)
                std::memmove(cache->data() + at, cache->data() + at + gone, left * sizeof(float));
        for (std::size_t layer = 0; layer < shape().layers; ++layer) {
            for (std::size_t d = 0; d < shape().kv_width(); d += 2) {
                const double turns =
                    pith::exact::mul(frequencies_[d % shape().head_size() / 2], static_cast<double>(gone));
                const auto cosine = static_cast<float>(pith::exact::cos_of_turns(turns));
                const auto sine = -static_cast<float>(pith::exact::sin_of_turns(turns));
                const std::span<float> even = positions(keys_, layer, d),
                                       odd = positions(keys_, layer, d + 1);
                for (std::size_t t = 0; t < left; ++t) turn(even[t], odd[t], cosine, sine);
            }
        }
        used_ = left;
    }

    const llama_model* model_;
    skipped_tokens skipped_;
    floats keys_, values_;  // by layer, dimension, position
    std::vector<double> frequencies_;
    floats stream_, normed_, queries_, mixed_, projected_, gate_, up_, exponentials_, scores_;
    std::size_t used_ = 0;  // positions
};

static_assert(pith::mixing::symbol_predictor<llama_predictor>);
