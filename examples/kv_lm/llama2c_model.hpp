// Models in the format of llama2.c (Karpathy, 2023): seven integers, then all weights as float32.
#pragma once

#include <bit>
#include <string>

#include "../compress_with_model/llama_model.hpp"
#include "model.hpp"

namespace lm {

/// True when the first bytes may be such a header: sizes that fit a model and the file's length.
inline bool is_llama2c(pith::byte_view file) { return llama_model::check(file).has_value(); }

inline complaint read_llama2c_model(pith::byte_view file, model& out) {
    const pith::result<llama_shape> checked = llama_model::check(file);
    if (!checked) return checked.error().text;
    const llama_shape& from = *checked;
    sizes& s = out.shape;
    s = {from.width,      from.hidden,  from.layers, from.heads, from.kv_heads, from.head_size(),
         from.vocabulary, from.context, 10000,       1e-5,       false};
    if (complaint wrong = check(s); !wrong.empty()) return wrong;
    const std::uint8_t* at = file.data() + llama_model::header_size;  // check has counted all that follows
    bool numbers = true;
    const auto fill = [&](std::vector<float>& to, std::size_t count) {
        to.resize(count);
        for (float& v : to) {
            v = std::bit_cast<float>(pith::load_le<std::uint32_t>(at));
            at += 4;
            numbers = numbers && v >= -1e6F && v <= 1e6F;
        }
    };
    const auto fill_matrix = [&](matrix& to, std::size_t rows, std::size_t columns) {
        to.rows = rows;
        to.columns = columns;
        fill(to.values, rows * columns);
    };
    out.layers.resize(s.layers);
    fill_matrix(out.embedding, s.vocabulary, s.width);
    for (layer& l : out.layers) fill(l.attention_norm, s.width);
    for (layer& l : out.layers) fill_matrix(l.query, s.width, s.width);
    for (layer& l : out.layers) fill_matrix(l.key, s.kv_width(), s.width);
    for (layer& l : out.layers) fill_matrix(l.value, s.kv_width(), s.width);
    for (layer& l : out.layers) fill_matrix(l.output, s.width, s.width);
    for (layer& l : out.layers) fill(l.hidden_norm, s.width);
    for (layer& l : out.layers) fill_matrix(l.gate, s.hidden, s.width);
    for (layer& l : out.layers) fill_matrix(l.down, s.width, s.hidden);
    for (layer& l : out.layers) fill_matrix(l.up, s.hidden, s.width);
    fill(out.final_norm, s.width);
    at += 4 * s.context * s.head_size;  // old rotation tables
    if (!from.shared_classifier) fill_matrix(out.classifier, s.vocabulary, s.width);
    return numbers ? complaint() : "a weight of the model is no number";
}

}  // namespace lm
