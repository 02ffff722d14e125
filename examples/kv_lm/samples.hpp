// What a model is measured on: windows of a text, or of text that it makes up itself.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <pith/core/random.hpp>

#include "decoder.hpp"
#include "exact_cache.hpp"
#include "measure.hpp"
#include "model.hpp"

namespace lm {

/// `count` windows of `length` tokens at equal distances, no two of which overlap; fewer when the text is
/// short.
inline std::vector<std::vector<std::uint32_t>> cut_windows(std::span<const std::uint32_t> text,
                                                           std::size_t count, std::size_t length) {
    std::vector<std::vector<std::uint32_t>> out;
    count = std::min(count, text.size() / length);
    for (std::size_t i = 0; i < count; ++i) {
        const std::size_t at = count == 1 ? 0 : (text.size() - length) / (count - 1) * i;
        const auto part = text.subspan(at, length);
        out.emplace_back(part.begin(), part.end());
    }
    return out;
}

/// A text of `length` tokens drawn from the model's own distribution, one token after the other. Repeatable
/// on one machine; the last bits of the logits decide draws, and these differ between machines.
inline std::vector<std::uint32_t> sample_text(const model& of, std::uint32_t beginning, std::size_t length,
                                              std::uint64_t seed) {
    exact_cache cache(of.cache_shape(), of.rope());
    decoder run(of);
    pith::random_sequence random(seed);
    std::vector<float> logits(of.shape.vocabulary);
    std::vector<std::uint32_t> out{beginning};
    while (out.size() < length) {
        (void)run.run(std::span(out).last(1), cache, logits);
        to_log_probabilities(logits, logits.size());
        double left = random.uniform_double();
        std::uint32_t next = 0;
        while (next + 1 < logits.size() && left >= std::exp(static_cast<double>(logits[next])))
            left -= std::exp(static_cast<double>(logits[next++]));
        out.push_back(next);
    }
    return out;
}

/// The tokens that the cache makes the most likely ones, after a prompt of which all but the last token are
/// in it.
inline pith::result<std::vector<std::uint32_t>> continue_text(const model& of, std::uint32_t last,
                                                              std::size_t count, kv::any_cache& cache) {
    decoder run(of);
    std::vector<float> logits(of.shape.vocabulary);
    std::vector<std::uint32_t> out;
    for (std::size_t i = 0; i < count; ++i) {
        const std::uint32_t token[1] = {last};
        if (auto done = run.run(token, cache, logits); !done) return done.error();
        last = static_cast<std::uint32_t>(std::max_element(logits.begin(), logits.end()) - logits.begin());
        out.push_back(last);
    }
    return out;
}

/// What a model's layers hold on some text: for codecs that learn beforehand.
inline kv::calibration calibrate(const model& of, std::span<const std::vector<std::uint32_t>> texts) {
    kv::calibration out;
    for (const std::vector<std::uint32_t>& text : texts) {
        recording_cache cache(of.cache_shape(), of.rope());
        decoder run(of);
        (void)run.run(text, cache, {});
        const kv::calibration& rows = cache.taken().rows;
        if (out.empty()) {
            out = rows;
            continue;
        }
        out.positions.insert(out.positions.end(), rows.positions.begin(), rows.positions.end());
        for (std::size_t l = 0; l < rows.shape.layers; ++l) {
            out.keys[l].insert(out.keys[l].end(), rows.keys[l].begin(), rows.keys[l].end());
            out.values[l].insert(out.values[l].end(), rows.values[l].begin(), rows.values[l].end());
            out.queries[l].insert(out.queries[l].end(), rows.queries[l].begin(), rows.queries[l].end());
        }
    }
    return out;
}

}  // namespace lm
