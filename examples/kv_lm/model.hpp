// A decoder-only transformer of the Llama family: its sizes and its weights, whatever file they came from.
// RMS norm, rotary positions, grouped-query attention, SwiGLU (Touvron et al., 2023).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <pith/kv/rope.hpp>
#include <pith/kv/shape.hpp>

namespace lm {

/// What is wrong with a file; empty: nothing.
using complaint = std::string;

/// A linear map: `columns` inputs, `rows` outputs, row after row.
struct matrix {
    std::size_t rows = 0, columns = 0;
    std::vector<float> values{};
};

struct sizes {
    std::size_t width = 0, hidden = 0, layers = 0, heads = 0, kv_heads = 0, head_size = 0, vocabulary = 0,
                context = 0;
    double rope_base = 10000;
    /// The norm divides by sqrt(mean of squares + epsilon), or by (root of the sum + epsilon) / sqrt(width).
    double norm_epsilon = 1e-5;
    bool epsilon_outside_root = false;

    [[nodiscard]] std::size_t query_width() const { return heads * head_size; }
    [[nodiscard]] std::size_t kv_width() const { return kv_heads * head_size; }
};

/// Refuses what no model has, before memory is taken; all products below then fit 64 bits.
inline complaint check(const sizes& s) {
    const auto outside = [](std::size_t v, std::size_t most) { return v < 1 || v > most; };
    if (outside(s.width, 1 << 16)) return "the width must be 1 to 65,536";
    if (outside(s.hidden, 1 << 18)) return "the hidden width must be 1 to 262,144";
    if (outside(s.layers, 256)) return "there must be 1 to 256 layers";
    if (outside(s.heads, 256)) return "there must be 1 to 256 heads";
    if (outside(s.kv_heads, 256) || s.heads % s.kv_heads != 0)
        return "the key-value heads must divide the heads";
    if (outside(s.head_size, 1024) || s.head_size % 2 != 0) return "a head's size must be even, 2 to 1,024";
    if (outside(s.vocabulary, 1 << 20) || s.vocabulary < 4)
        return "the vocabulary must have 4 to 1,048,576 tokens";
    if (outside(s.context, 1 << 24)) return "the context must be 1 to 16,777,216 tokens";
    if (!(s.rope_base > 1 && s.rope_base < 1e12)) return "the base of the rotary positions is out of range";
    if (!(s.norm_epsilon >= 0 && s.norm_epsilon < 0.1)) return "the norm's epsilon is out of range";
    return {};
}

struct layer {
    std::vector<float> attention_norm{}, hidden_norm{};
    matrix query{}, key{}, value{}, output{}, gate{}, up{}, down{};
};

/// Heads' coordinates turn in adjacent pairs (2i, 2i + 1).
struct model {
    sizes shape{};
    matrix embedding{};   ///< a row for each token
    matrix classifier{};  ///< empty when the embedding serves
    std::vector<layer> layers{};
    std::vector<float> final_norm{};

    [[nodiscard]] pith::kv::shape cache_shape() const {
        return {shape.layers, shape.kv_heads, shape.heads, shape.head_size};
    }
    [[nodiscard]] pith::kv::rope rope() const {
        return {static_cast<float>(shape.rope_base), pith::kv::rope_pairing::adjacent};
    }
    [[nodiscard]] const matrix& outputs() const { return classifier.values.empty() ? embedding : classifier; }
};

}  // namespace lm
