// Matrices of trained networks from the corpora: a folder of raw little-endian tensors and a list of shapes.
#pragma once

#include <bit>
#include <cctype>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "../support/corpora.hpp"
#include "problem.hpp"

namespace bench {

struct listed_tensor {
    std::string name;
    std::vector<std::size_t> shape;
    std::size_t offset = 0;  ///< values before it
};

/// Reads [["name", [rows, columns, ...]], ...]; stops where the text is anything else.
inline std::vector<listed_tensor> listed_tensors(const bytes& json) {
    const std::string text(json.begin(), json.end());
    std::vector<listed_tensor> out;
    std::size_t at = 0, offset = 0;
    for (;;) {
        const std::size_t name = text.find('"', at), end = text.find('"', name + 1);
        const std::size_t open = text.find('[', end), close = text.find(']', open);
        if (name == std::string::npos || close == std::string::npos) return out;
        listed_tensor one{text.substr(name + 1, end - name - 1), {}, offset};
        std::size_t size = 1;
        for (std::size_t i = open + 1; i < close; ++i) {
            if (std::isdigit(static_cast<unsigned char>(text[i])) == 0) continue;
            std::size_t v = 0;
            for (; std::isdigit(static_cast<unsigned char>(text[i])) != 0; ++i)
                v = 10 * v + static_cast<std::size_t>(text[i] - '0');
            one.shape.push_back(v);
            size *= v;
        }
        offset += size;
        out.push_back(std::move(one));
        at = close;
    }
}

/// Linear layers of the text recognizer with made inputs: a square one and the output head. `transposed`: the
/// file holds inputs x outputs.
inline std::vector<layer> trained_layers(const corpora& from, bool quick) {
    std::vector<layer> out;
    const auto list = listed_tensors(from.read("weights/ppocr_rec.json", std::size_t{1} << 20));
    const bytes raw = from.read("weights/ppocr_rec.f32", std::size_t{1} << 28);
    const auto add = [&](const listed_tensor& t, bool transposed) {
        const std::size_t size = t.shape[0] * t.shape[1];
        if ((t.offset + size) * 4 > raw.size()) return;
        matrix values(t.shape[0], t.shape[1]);
        for (std::size_t i = 0; i < size; ++i)
            values.data()[i] =
                std::bit_cast<float>(pith::load_le<std::uint32_t>(raw.data() + 4 * (t.offset + i)));
        layer one{"trained " + t.name, transposed ? pith::linalg::transposed<float>(values) : values, {}, {}};
        pith::random_sequence random(7);
        const input_source inputs(one.weights.columns(), 1.0, random);
        one.calibration = inputs.sample(16 * one.weights.columns(), random);
        one.test = inputs.sample(16 * one.weights.columns(), random);
        out.push_back(std::move(one));
    };
    const listed_tensor *square = nullptr, *head = nullptr;
    for (const listed_tensor& t : list) {
        if (t.shape.size() == 4 && t.shape[0] == 480 && t.shape[1] == 480 && t.shape[2] == 1) square = &t;
        if (t.shape.size() == 2 && (head == nullptr || t.shape[1] > head->shape[1])) head = &t;
    }
    if (square != nullptr) add(*square, false);
    if (head != nullptr && !quick) add(*head, true);
    return out;
}

}  // namespace bench
