// How much a cache changes what a model says: the protocol, and the numbers that come out of it.
// A prompt is prefilled exactly, then the cache compresses; every later token is forced, and its attention
// reads the compressed cache. The distributions are compared with those of the exact cache.
#pragma once

#include <time.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <pith/core/result.hpp>
#include <pith/kv/any_cache.hpp>
#include <pith/kv/calibration.hpp>

#include "decoder.hpp"
#include "exact_cache.hpp"
#include "model.hpp"

namespace lm {

using cache_factory =
    std::function<std::unique_ptr<kv::any_cache>(const kv::shape&, const kv::rope&, const kv::calibration&)>;

/// A published system, or an anchor, under its name.
struct named_system {
    std::string name;
    cache_factory make;
};

/// Tokens of one text: a prompt, the tokens forced after it, and one more that the last one predicts.
struct window {
    std::vector<std::uint32_t> tokens{};
    std::size_t prompt = 0;

    [[nodiscard]] std::size_t forced() const { return tokens.size() - prompt - 1; }
};

/// What the exact cache gave on a window.
struct reference {
    lm::window window{};
    recording taken{};                       ///< prompt and forced tokens
    std::vector<float> log_probabilities{};  ///< forced x vocabulary; empty where there is no model
};

/// Means over all forced tokens of all windows.
struct quality {
    double divergence = 0;       ///< Kullback-Leibler, exact to compressed, nats a token
    double loss = 0;             ///< nats a token of the true next token
    double agreement = 0;        ///< share of tokens with the same most likely successor
    double attention_error = 0;  ///< of heads' outputs, relative, mean over heads; queries never seen before
    double bits = 0;             ///< all stored bytes over all keys and values seen, bits a value
    double frozen_bits = 0;      ///< blocks alone over the values in them; 0 where there are none
    double kept = 0;             ///< share of tokens that are still there
    double bytes_read = 0;       ///< a decode step
    double constants = 0;        ///< bytes that were calibrated beforehand
    double seconds = 0;          ///< of this thread, a forced token, model and cache
    std::size_t tokens = 0;
};

inline double thread_seconds() {
    timespec t{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

/// Logits to logarithms of probabilities, row after row of `size`.
inline void to_log_probabilities(std::span<float> logits, std::size_t size) {
    for (std::size_t at = 0; at < logits.size(); at += size) {
        const std::span<float> row = logits.subspan(at, size);
        const float most = *std::max_element(row.begin(), row.end());
        double sum = 0;
        for (const float v : row) sum += std::exp(static_cast<double>(v - most));
        const float shift = most + static_cast<float>(std::log(sum));
        for (float& v : row) v -= shift;
    }
}

/// The rows of all layers from `first` on, appended to a cache as a forward pass would.
inline pith::result<void> feed(kv::any_cache& to, const kv::calibration& rows, std::size_t first,
                               std::size_t count) {
    for (std::size_t l = 0; l < rows.shape.layers; ++l)
        if (auto done = to.append(l, rows.keys_of(l).block(first, 0, count, rows.shape.key_channels()),
                                  rows.values_of(l).block(first, 0, count, rows.shape.key_channels()),
                                  rows.queries_of(l).block(first, 0, count, rows.shape.query_channels()));
            !done)
            return done;
    return {};
}

/// Runs a window with the exact cache, the prompt at once.
inline reference run_exact(const model& of, window w) {
    recording_cache cache(of.cache_shape(), of.rope());
    decoder run(of);
    reference out;
    const std::span<const std::uint32_t> tokens(w.tokens);
    out.log_probabilities.resize(w.forced() * of.shape.vocabulary);
    (void)run.run(tokens.first(w.prompt), cache, {});
    (void)run.run(tokens.subspan(w.prompt, w.forced()), cache, out.log_probabilities);
    to_log_probabilities(out.log_probabilities, of.shape.vocabulary);
    out.taken = std::move(cache.taken());
    out.window = std::move(w);
    return out;
}

/// The same for rows that came from elsewhere: attention of what follows the prompt.
inline reference replay_exact(const kv::calibration& rows, std::size_t prompt) {
    const std::size_t width = rows.shape.query_channels();
    exact_cache cache(rows.shape, rows.rope);
    reference out;
    out.window = {std::vector<std::uint32_t>(rows.tokens() + 1), prompt};
    out.taken.rows = rows;
    out.taken.attention.assign(rows.shape.layers, std::vector<float>(rows.tokens() * width));
    (void)feed(cache, rows, 0, rows.tokens());
    const std::size_t rest = rows.tokens() - prompt;
    for (std::size_t l = 0; l < rows.shape.layers; ++l)
        (void)cache.attend(
            l, rows.queries_of(l).block(prompt, 0, rest, width),
            pith::view_2d<float>(std::span(out.taken.attention[l]).subspan(prompt * width), rest, width));
    return out;
}

namespace detail {

/// Adds one prediction: exact and compressed logarithms, and the token that came.
inline void compare(std::span<const float> exact, std::span<const float> other, std::uint32_t next,
                    quality& to) {
    double divergence = 0;
    for (std::size_t v = 0; v < exact.size(); ++v)
        divergence += std::exp(static_cast<double>(exact[v])) * static_cast<double>(exact[v] - other[v]);
    to.divergence += std::max(divergence, 0.0);
    to.loss -= static_cast<double>(other[next]);
    const auto best = [](std::span<const float> row) {
        return std::max_element(row.begin(), row.end()) - row.begin();
    };
    to.agreement += best(exact) == best(other) ? 1 : 0;
}

inline void count_bytes(kv::any_cache& cache, quality& to, double weight) {
    const kv::shape& s = cache.shape();
    const kv::stored_bytes b = cache.bytes();
    const auto all = static_cast<double>(2 * s.layers * s.key_channels() * cache.tokens_seen());
    double here = 0;
    for (std::size_t l = 0; l < s.layers; ++l)
        for (std::size_t h = 0; h < s.kv_heads; ++h)
            here += static_cast<double>(2 * s.head_size * cache.tokens(l, h));
    const double frozen = here - static_cast<double>(b.sinks + b.loose) / 2;  // exact tokens are halves
    to.bits += weight * 8 * static_cast<double>(b.total()) / all;
    if (b.blocks != 0 && frozen > 0) to.frozen_bits += weight * 8 * static_cast<double>(b.blocks) / frozen;
    to.kept += weight * here / all;
    to.constants += weight * static_cast<double>(b.constants);
}

/// Squared errors and energies of attention's output, a pair for each layer and head.
struct head_errors {
    std::vector<double> error, energy;

    explicit head_errors(const kv::shape& s) : error(s.layers * s.query_heads), energy(error.size()) {}
    void add(std::size_t first_head, std::size_t head_size, std::span<const float> truth,
             std::span<const float> got) {
        for (std::size_t i = 0; i < truth.size(); ++i) {
            const auto difference = static_cast<double>(got[i] - truth[i]);
            error[first_head + i / head_size] += difference * difference;
            energy[first_head + i / head_size] +=
                static_cast<double>(truth[i]) * static_cast<double>(truth[i]);
        }
    }
    [[nodiscard]] double mean() const {
        double sum = 0;
        for (std::size_t h = 0; h < error.size(); ++h)
            sum += energy[h] > 0 ? std::sqrt(error[h] / energy[h]) : 0;
        return sum / static_cast<double>(error.size());
    }
};

/// Exact rows into the compressed cache: the error that it alone makes, queries being those of the exact run.
/// The bytes are counted now and then: what is exact until it fills a block comes and goes.
inline pith::result<void> replay(kv::any_cache& cache, const reference& exact, head_errors& to,
                                 quality& sizes) {
    constexpr std::size_t between = 13;  // in step with no page
    const double weight = 1.0 / static_cast<double>(((exact.window.forced() + between - 1) / between));
    const kv::calibration& rows = exact.taken.rows;
    const std::size_t width = rows.shape.query_channels();
    std::vector<float> out(width);
    const pith::view_2d<float> out_row(out, 1, width);
    for (std::size_t t = exact.window.prompt; t < rows.tokens(); ++t) {
        if ((t - exact.window.prompt) % between == 0) count_bytes(cache, sizes, weight);
        if (auto done = feed(cache, rows, t, 1); !done) return done;
        for (std::size_t l = 0; l < rows.shape.layers; ++l) {
            if (auto done = cache.attend(l, rows.queries_of(l).block(t, 0, 1, width), out_row); !done)
                return done;
            to.add(l * rows.shape.query_heads, rows.shape.head_size,
                   std::span(exact.taken.attention[l]).subspan(t * width, width), out);
        }
    }
    return {};
}

/// Forced tokens through the model with the compressed cache.
inline pith::result<void> force(const model& of, const reference& exact, kv::any_cache& cache, quality& to) {
    decoder run(of);
    const std::size_t size = of.shape.vocabulary;
    std::vector<float> logits(size);
    const std::span<const std::uint32_t> tokens(exact.window.tokens);
    for (std::size_t i = 0; i < exact.window.forced(); ++i) {
        const double begin = thread_seconds();
        if (auto done = run.run(tokens.subspan(exact.window.prompt + i, 1), cache, logits); !done)
            return done;
        to.seconds += thread_seconds() - begin;
        to_log_probabilities(logits, size);
        compare(std::span(exact.log_probabilities).subspan(i * size, size), logits,
                tokens[exact.window.prompt + i + 1], to);
        to.bytes_read += static_cast<double>(cache.bytes_read());
    }
    return {};
}

}  // namespace detail

/// A system on windows (at least one) that ran exactly before. Without a model only the attention's error and
/// the bytes.
inline pith::result<quality> measure(const model* of, std::span<const reference> exact,
                                     const cache_factory& make, const kv::calibration& calibration) {
    quality out;
    detail::head_errors errors(exact[0].taken.rows.shape);
    for (const reference& r : exact) {
        const kv::calibration& rows = r.taken.rows;
        const std::unique_ptr<kv::any_cache> cache = make(rows.shape, rows.rope, calibration);
        if (cache == nullptr)
            return pith::error{pith::error_code::unsupported_parameter, 0, "cannot be made for this model"};
        if (auto done = feed(*cache, rows, 0, r.window.prompt); !done) return done.error();
        cache->end_prefill();
        const std::unique_ptr<kv::any_cache> copy = cache->fork();
        if (auto done = detail::replay(*copy, r, errors, out); !done) return done.error();
        if (of != nullptr)
            if (auto done = detail::force(*of, r, *cache, out); !done) return done.error();
        if (of == nullptr) out.bytes_read += static_cast<double>(copy->bytes_read() * r.window.forced());
        out.tokens += r.window.forced();
    }
    const auto tokens = static_cast<double>(out.tokens), windows = static_cast<double>(exact.size());
    for (double* const v : {&out.divergence, &out.loss, &out.agreement, &out.bytes_read, &out.seconds})
        *v /= tokens;
    for (double* const v : {&out.bits, &out.frozen_bits, &out.kept, &out.constants}) *v /= windows;
    out.attention_error = errors.mean();
    return out;
}

}  // namespace lm
