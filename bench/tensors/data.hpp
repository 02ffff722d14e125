// Weights to measure on: the corpora's with the shapes of their tensors, and made-up ones.
#pragma once

#include <bit>
#include <cctype>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <pith/codec/element.hpp>
#include <pith/core/number.hpp>
#include <pith/core/random.hpp>

#include "support/corpora.hpp"

namespace bench {

using tensor_shape = std::vector<std::size_t>;

/// Tensors one behind the other in `data`; `base`, if any, is the checkpoint before, of the same size.
struct weight_set {
    std::string name;
    std::string origin;
    pith::codec::element element;
    std::vector<tensor_shape> shapes;
    bytes data;
    bytes base{};
};

inline std::size_t values_of(const tensor_shape& shape) {
    std::size_t n = 1;
    for (const std::size_t d : shape) n *= d;
    return n;
}

/// The shapes in a list of ["name", [d, d, ...], ...]: names hold no brackets. Exactly `values` in all, or
/// one shape of so many.
inline std::vector<tensor_shape> shapes_in(const bytes& json, std::size_t values) {
    std::vector<tensor_shape> out;
    std::size_t depth = 0, total = 0;
    for (std::size_t i = 0; i < json.size(); ++i) {
        const auto c = static_cast<char>(json[i]);
        if (c == '[' && ++depth == 3) out.emplace_back();
        if (c == ']') depth -= depth != 0 ? 1U : 0U;
        if (depth != 3 || std::isdigit(json[i]) == 0) continue;
        std::size_t n = 0;
        for (; i < json.size() && std::isdigit(json[i]) != 0; ++i) n = 10 * n + (json[i] - std::size_t{'0'});
        out.back().push_back(n);
        --i;
    }
    for (const tensor_shape& s : out) total += values_of(s);
    if (total != values) return {{values}};
    return out;
}

template <class Word>
bytes words(const std::vector<Word>& from) {
    bytes out(from.size() * sizeof(Word));
    for (std::size_t i = 0; i < from.size(); ++i)
        pith::store_le<Word>(out.data() + sizeof(Word) * i, from[i]);
    return out;
}

inline std::vector<float> floats(const bytes& from) {
    std::vector<float> out(from.size() / 4);
    for (std::size_t i = 0; i < out.size(); ++i)
        out[i] = std::bit_cast<float>(pith::load_le<std::uint32_t>(from.data() + 4 * i));
    return out;
}

/// To nearest, ties to even, as checkpoints are made.
inline bytes as_bf16(const std::vector<float>& values) {
    std::vector<std::uint16_t> out;
    out.reserve(values.size());
    for (const float v : values) out.push_back(pith::bfloat16(v).bits);
    return words(out);
}

/// Independent normal numbers, sigma 0.02: the model of one matrix of a language model.
inline weight_set gaussian_weights(std::size_t rows, std::string name) {
    pith::random_sequence random(20);
    std::vector<float> values(rows * 1024);
    for (float& v : values) v = static_cast<float>(random.gaussian() * 0.02);
    return {std::move(name),
            "made-up Gaussian numbers, sigma 0.02, as bf16",
            pith::codec::element::bf16,
            {{rows, 1024}},
            as_bf16(values)};
}

/// A network's weights as bf16 and fp32, and one that is fp16 as it came; rows with scales of their own where
/// there are no corpora.
inline std::vector<weight_set> network_weights(const corpora& from, bool quick) {
    std::vector<weight_set> out;
    const std::size_t most = quick ? std::size_t{1} << 17 : ~std::size_t{0};
    std::string origin = "the PP-OCRv4 recogniser";
    bytes fp32 = from.read("weights/ppocr_rec.f32", most);
    std::vector<tensor_shape> shapes =
        shapes_in(from.read("weights/ppocr_rec.json", 1 << 20), fp32.size() / 4);
    if (fp32.empty()) {
        origin = "made-up weights with a scale for each row of 512";
        std::vector<std::uint32_t> patterns;
        for (const float v : made_up_weights(quick ? 1 << 15 : 1 << 21))
            patterns.push_back(std::bit_cast<std::uint32_t>(v));
        fp32 = words(patterns);
        shapes = {{fp32.size() / 2048, 512}};
    }
    out.push_back(
        {"bf16", origin + ", rounded to bf16", pith::codec::element::bf16, shapes, as_bf16(floats(fp32))});
    out.push_back({"fp32", origin + ", fp32", pith::codec::element::f32, shapes, fp32});
    if (bytes fp16 = from.read("weights/movenet_thunder.f16", most); !fp16.empty()) {
        shapes = shapes_in(from.read("weights/movenet_thunder.json", 1 << 20), fp16.size() / 2);
        out.push_back({"fp16", "MoveNet Thunder, fp16", pith::codec::element::f16, shapes, std::move(fp16)});
    }
    return out;
}

/// The fp32 weights of `before` after a made-up step: one number in five moved by normal noise of 1e-4. As
/// bf16, with the same for `before` as base.
inline weight_set next_checkpoint(const weight_set& before) {
    pith::random_sequence random(21);
    const std::vector<float> old = floats(before.data);
    std::vector<float> now = old;
    for (float& v : now)
        if (random() % 5 == 0) v += static_cast<float>(random.gaussian()) * 1e-4F;
    return {"next bf16",
            before.origin + ", after a made-up step: a fifth of the numbers plus noise of 1e-4; as bf16",
            pith::codec::element::bf16,
            before.shapes,
            as_bf16(now),
            as_bf16(old)};
}

}  // namespace bench
