// A model's weights out of named tensors, by what its kind of file calls them.
// Files differ in the names alone: every one holds the parts of a Llama model (Touvron et al., 2023).
#pragma once

#include <cstddef>
#include <string>

#include "tensors.hpp"

namespace lm {

/// All names go on with ".weight"; those of a layer stand behind `layer`, its number and a dot. `classifier`
/// is null where the embedding always serves.
struct tensor_names {
    const char *embedding, *final_norm, *classifier, *layer;
    const char *attention_norm, *hidden_norm, *query, *key, *value, *output, *gate, *down, *up;
};

/// Fills all of `out` but its sizes, which are set and checked. A file may lack the classifier.
inline complaint take_weights(const tensors& all, const tensor_names& names, model& out) {
    const sizes& s = out.shape;
    parts from(all);
    const auto whole = [](const char* name) { return name + std::string(".weight"); };
    out.embedding = from.take(whole(names.embedding), s.vocabulary, s.width);
    out.final_norm = from.take(whole(names.final_norm), s.width);
    if (names.classifier != nullptr && from.has(whole(names.classifier)))
        out.classifier = from.take(whole(names.classifier), s.vocabulary, s.width);
    for (std::size_t l = 0; l < s.layers && from.wrong().empty(); ++l) {
        const std::string in_layer = names.layer + std::to_string(l) + ".";
        const auto name = [&](const char* part) { return in_layer + part + ".weight"; };
        layer& to = out.layers.emplace_back();
        to.attention_norm = from.take(name(names.attention_norm), s.width);
        to.hidden_norm = from.take(name(names.hidden_norm), s.width);
        to.query = from.take(name(names.query), s.query_width(), s.width);
        to.key = from.take(name(names.key), s.kv_width(), s.width);
        to.value = from.take(name(names.value), s.kv_width(), s.width);
        to.output = from.take(name(names.output), s.width, s.query_width());
        to.gate = from.take(name(names.gate), s.hidden, s.width);
        to.down = from.take(name(names.down), s.width, s.hidden);
        to.up = from.take(name(names.up), s.hidden, s.width);
    }
    return from.wrong();
}

}  // namespace lm
