// Models in safetensors files as tools/train_lm.py writes them: sizes in the metadata, a vocabulary of bytes.
// Format: Hugging Face, safetensors; read by the reader that the compressor of weight files has.
#pragma once

#include <string>

#include "../weights_file/safetensors.hpp"
#include "named_weights.hpp"
#include "tensors.hpp"

namespace lm {

namespace detail {

/// The formats that models come in, as the reader of weight files calls them.
inline constexpr weights::named_type model_types[] = {{"F32", pith::codec::element::f32},
                                                      {"F16", pith::codec::element::f16},
                                                      {"BF16", pith::codec::element::bf16}};

inline complaint tensor_of(const weights::tensor_entry& entry, pith::byte_view file, tensor& out) {
    using pith::codec::element;
    const std::string who = "tensor " + weights::printable(entry.name) + ": ";
    const std::size_t dimensions = entry.shape.size();
    if (dimensions < 1 || dimensions > 2) return who + "it has not one or two dimensions";
    out.stored = entry.element == element::f32   ? format::f32
                 : entry.element == element::f16 ? format::f16
                                                 : format::bf16;
    out.rows = dimensions == 2 ? entry.shape[0] : 1;
    out.columns = entry.shape[dimensions - 1];
    std::uint64_t bytes = 0;
    if (!bytes_of(out.stored, out.rows, out.columns, bytes)) return who + "its shape is empty or too large";
    out.bytes = file.subspan(static_cast<std::size_t>(entry.begin), static_cast<std::size_t>(bytes));
    return {};
}

inline complaint tensors_of(const weights::weights_file& header, pith::byte_view file, tensors& out) {
    for (const weights::tensor_entry& entry : header.tensors)
        if (complaint wrong = tensor_of(entry, file, out[entry.name]); !wrong.empty()) return wrong;
    return {};
}

/// A whole number of at most nine digits; 0 is also what is not there.
inline std::size_t metadata_number(const weights::weights_file& in, const char* name) {
    const auto at = in.metadata.find(name);
    if (at == in.metadata.end() || at->second.empty() || at->second.size() > 9) return 0;
    std::size_t out = 0;
    for (const char c : at->second) {
        if (c < '0' || c > '9') return 0;
        out = 10 * out + static_cast<std::size_t>(c - '0');
    }
    return out;
}

inline constexpr tensor_names trained_names{.embedding = "embedding",
                                            .final_norm = "norm",
                                            .classifier = nullptr,
                                            .layer = "layers.",
                                            .attention_norm = "attention_norm",
                                            .hidden_norm = "ffn_norm",
                                            .query = "attention.wq",
                                            .key = "attention.wk",
                                            .value = "attention.wv",
                                            .output = "attention.wo",
                                            .gate = "w1",
                                            .down = "w2",
                                            .up = "w3"};

}  // namespace detail

/// The file must stay in memory only until this returns.
inline complaint read_safetensors_model(pith::byte_view file, model& out) {
    weights::weights_file header;
    if (complaint wrong = weights::read_safetensors(file, file.size(), header, detail::model_types);
        !wrong.empty())
        return wrong;
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
    tensors all;
    if (complaint wrong = detail::tensors_of(header, file, all); !wrong.empty()) return wrong;
    return take_weights(all, detail::trained_names, out);
}

}  // namespace lm
