// Models in safetensors files as tools/train_lm.py writes them: sizes in the metadata, a vocabulary of bytes.
// Format: Hugging Face, safetensors: 8 bytes of length, a JSON header, the tensors.
#pragma once

#include <string>
#include <unordered_map>
#include <utility>

#include "json.hpp"
#include "tensors.hpp"

namespace lm {

namespace detail {

struct safetensors_header {
    tensors all{};
    std::unordered_map<std::string, std::string> metadata{};
};

/// One tensor's description; `data` is what follows the header.
inline complaint read_tensor(json_reader& in, const std::string& name, pith::byte_view data,
                             safetensors_header& out) {
    std::string type;
    std::uint64_t shape[4] = {1, 1, 1, 1}, offsets[2] = {1, 0}, dimensions = 0, ends = 0;
    in.each_member([&](const std::string& key) {
        if (key == "dtype") return in.read(type);
        if (key == "shape")
            return in.each_element([&] { return dimensions < 4 && in.read(shape[dimensions++]); });
        if (key == "data_offsets")
            return in.each_element([&] { return ends < 2 && in.read(offsets[ends++]); });
        return in.skip_value();
    });
    if (!in.good()) return {};
    const std::string who = "tensor " + name + ": ";
    tensor t;
    if (type == "F32")
        t.stored = format::f32;
    else if (type == "F16")
        t.stored = format::f16;
    else if (type == "BF16")
        t.stored = format::bf16;
    else
        return who + "its type is none of F32, F16, BF16";
    if (dimensions < 1 || dimensions > 2) return who + "it has not one or two dimensions";
    const std::uint64_t rows = dimensions == 2 ? shape[0] : 1, columns = shape[dimensions - 1];
    std::uint64_t bytes = 0;
    if (!bytes_of(t.stored, rows, columns, bytes)) return who + "its shape is empty or too large";
    if (ends != 2 || offsets[0] > offsets[1] || offsets[1] > data.size())
        return who + "it does not lie in the file";
    if (offsets[1] - offsets[0] != bytes) return who + "its bytes are not as many as its shape needs";
    t.rows = static_cast<std::size_t>(rows);
    t.columns = static_cast<std::size_t>(columns);
    t.bytes = data.subspan(static_cast<std::size_t>(offsets[0]), static_cast<std::size_t>(bytes));
    if (!out.all.emplace(name, t).second) return who + "it occurs twice";
    return {};
}

inline complaint read_header(pith::byte_view file, safetensors_header& out) {
    if (file.size() < 10) return "too short for a safetensors file";
    const auto length = pith::load_le<std::uint64_t>(file.data());
    if (length > file.size() - 8) return "the file ends inside its header";
    json_reader in(file.subspan(8, static_cast<std::size_t>(length)));
    const pith::byte_view data = file.subspan(8 + static_cast<std::size_t>(length));
    complaint wrong;
    in.each_member([&](const std::string& key) {
        if (key == "__metadata__")
            return in.each_member([&](const std::string& name) { return in.read(out.metadata[name]); });
        wrong = read_tensor(in, key, data, out);
        return wrong.empty();
    });
    if (!wrong.empty()) return wrong;
    if (!in.at_end()) return "the header is no JSON (byte " + std::to_string(8 + in.at()) + ")";
    return {};
}

/// A whole number of at most nine digits; 0 is also what is not there.
inline std::size_t metadata_number(const safetensors_header& in, const char* name) {
    const auto at = in.metadata.find(name);
    if (at == in.metadata.end() || at->second.empty() || at->second.size() > 9) return 0;
    std::size_t out = 0;
    for (const char c : at->second) {
        if (c < '0' || c > '9') return 0;
        out = 10 * out + static_cast<std::size_t>(c - '0');
    }
    return out;
}

}  // namespace detail

/// The file must stay in memory only until this returns.
inline complaint read_safetensors_model(pith::byte_view file, model& out) {
    detail::safetensors_header header;
    if (complaint wrong = detail::read_header(file, header); !wrong.empty()) return wrong;
    const auto number = [&](const char* name) { return detail::metadata_number(header, name); };
    sizes& s = out.shape;
    s = {number("dim"),
         number("hidden"),
         number("layers"),
         number("heads"),
         number("kv_heads"),
         number("head_size"),
         number("vocabulary"),
         number("context"),
         0,
         1e-5,
         true};
    s.rope_base = static_cast<double>(number("rope_base"));
    if (complaint wrong = check(s); !wrong.empty())
        return "the metadata describe no model of tools/train_lm.py: " + wrong;
    if (s.vocabulary != 256) return "its tokens are not the 256 bytes";
    parts from(header.all);
    out.embedding = from.take("embedding.weight", s.vocabulary, s.width);
    out.final_norm = from.take("norm.weight", s.width);
    for (std::size_t l = 0; l < s.layers && from.wrong().empty(); ++l) {
        const std::string name = "layers." + std::to_string(l) + ".";
        layer& to = out.layers.emplace_back();
        to.attention_norm = from.take(name + "attention_norm.weight", s.width);
        to.hidden_norm = from.take(name + "ffn_norm.weight", s.width);
        to.query = from.take(name + "attention.wq.weight", s.query_width(), s.width);
        to.key = from.take(name + "attention.wk.weight", s.kv_width(), s.width);
        to.value = from.take(name + "attention.wv.weight", s.kv_width(), s.width);
        to.output = from.take(name + "attention.wo.weight", s.width, s.query_width());
        to.gate = from.take(name + "w1.weight", s.hidden, s.width);
        to.down = from.take(name + "w2.weight", s.width, s.hidden);
        to.up = from.take(name + "w3.weight", s.hidden, s.width);
    }
    return from.wrong();
}

}  // namespace lm
