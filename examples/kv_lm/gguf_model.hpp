// Models of the Llama architecture in GGUF files, and their vocabulary of scored pieces.
// Names as llama.cpp writes them; its converter has put the rotated pairs beside each other.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "gguf_file.hpp"
#include "named_weights.hpp"
#include "tensors.hpp"
#include "vocabulary.hpp"

namespace lm {

namespace detail {

inline complaint read_gguf_sizes(const gguf_file& file, sizes& s) {
    using kind = gguf_value::kind;
    const gguf_value* const architecture = file.find("general.architecture", kind::text);
    if (architecture == nullptr) return "it does not say its architecture";
    if (architecture->text != "llama")
        return "its architecture is " + std::string(architecture->text.substr(0, 30)) +
               "; only llama is known";
    bool scaled = file.tensors.contains("rope_freqs.weight");
    if (const gguf_value* const v = file.find("llama.rope.scaling.type", kind::text))
        scaled = scaled || v->text != "none";
    if (scaled) return "its rotary positions are scaled, which is not supported";
    const auto whole = [&](const char* name, std::size_t otherwise) {
        const gguf_value* const v = file.find(name, kind::whole);
        if (v == nullptr) return otherwise;
        return v->whole < 0 ? std::size_t{0} : static_cast<std::size_t>(v->whole);
    };
    const auto real = [&](const char* name, double otherwise) {
        const gguf_value* const v = file.find(name, kind::real);
        return v == nullptr ? otherwise : v->real;
    };
    s.width = whole("llama.embedding_length", 0);
    s.hidden = whole("llama.feed_forward_length", 0);
    s.layers = whole("llama.block_count", 0);
    s.heads = whole("llama.attention.head_count", 0);
    s.kv_heads = whole("llama.attention.head_count_kv", s.heads);
    s.context = whole("llama.context_length", 0);
    s.head_size = whole("llama.attention.key_length", s.heads == 0 ? 0 : s.width / s.heads);
    const gguf_value* const tokens = file.find("tokenizer.ggml.tokens", kind::texts);
    if (tokens == nullptr) return "it has no vocabulary";
    s.vocabulary = tokens->texts.size();
    s.rope_base = real("llama.rope.freq_base", 10000);
    s.norm_epsilon = real("llama.attention.layer_norm_rms_epsilon", 1e-5);
    if (complaint wrong = check(s); !wrong.empty()) return wrong;
    if (whole("llama.rope.dimension_count", s.head_size) != s.head_size)
        return "it rotates only a part of each head, which is not supported";
    if (whole("llama.attention.value_length", s.head_size) != s.head_size)
        return "its keys and values differ in size, which is not supported";
    if (whole("llama.expert_count", 0) != 0) return "it is a mixture of experts, which is not supported";
    return {};
}

/// "▁" stands for a blank; "<0xNN>" is a byte; types: 1 text, 6 byte, all others control tokens.
inline void add_piece(std::string_view text, float score, std::int64_t type,
                      pith::transform::scored_bpe& to) {
    using pith::transform::token_kind;
    if (type == 6 && text.size() == 6) {
        const auto digit = [&](std::size_t at) {
            const std::size_t v = std::string_view("0123456789ABCDEF").find(text[at]);
            return v < 16 ? v : 0;
        };
        const auto byte = static_cast<std::uint8_t>(16 * digit(3) + digit(4));
        to.add(pith::byte_view(&byte, 1), 0, token_kind::byte);
        return;
    }
    std::string plain;
    for (std::size_t at = 0; at < text.size();) {
        const bool blank = text.substr(at, 3) == "\xE2\x96\x81";
        plain += blank ? ' ' : text[at];
        at += blank ? 3 : 1;
    }
    to.add({reinterpret_cast<const std::uint8_t*>(plain.data()), plain.size()}, score,
           type == 1 ? token_kind::text : token_kind::control);
}

inline complaint read_gguf_vocabulary(const gguf_file& file, vocabulary& out) {
    using kind = gguf_value::kind;
    const gguf_value* const model = file.find("tokenizer.ggml.model", kind::text);
    if (model == nullptr || model->text != "llama")
        return "its tokenizer is none of scored pieces (tokenizer.ggml.model is not llama)";
    const gguf_value* const tokens = file.find("tokenizer.ggml.tokens", kind::texts);
    const gguf_value* const scores = file.find("tokenizer.ggml.scores", kind::reals);
    const gguf_value* const types = file.find("tokenizer.ggml.token_type", kind::wholes);
    if (tokens == nullptr || scores == nullptr || types == nullptr ||
        scores->reals.size() != tokens->texts.size() || types->wholes.size() != tokens->texts.size())
        return "its vocabulary lacks scores or types";
    pith::transform::scored_bpe pieces;
    for (std::size_t t = 0; t < tokens->texts.size(); ++t)
        add_piece(tokens->texts[t], scores->reals[t], types->wholes[t], pieces);
    if (!pieces.is_complete()) return "its vocabulary lacks tokens of single bytes";
    const gguf_value* const first = file.find("tokenizer.ggml.bos_token_id", kind::whole);
    const std::int64_t beginning = first == nullptr ? 1 : first->whole;
    if (beginning < 0 || beginning >= static_cast<std::int64_t>(tokens->texts.size()))
        return "its first token is not in its vocabulary";
    out = vocabulary(std::move(pieces), static_cast<std::uint32_t>(beginning));
    return {};
}

inline constexpr tensor_names gguf_names{.embedding = "token_embd",
                                         .final_norm = "output_norm",
                                         .classifier = "output",
                                         .layer = "blk.",
                                         .attention_norm = "attn_norm",
                                         .hidden_norm = "ffn_norm",
                                         .query = "attn_q",
                                         .key = "attn_k",
                                         .value = "attn_v",
                                         .output = "attn_output",
                                         .gate = "ffn_gate",
                                         .down = "ffn_down",
                                         .up = "ffn_up"};

}  // namespace detail

inline complaint read_gguf_model(pith::byte_view bytes, model& out, vocabulary& words) {
    gguf_file file;
    if (complaint wrong = read_gguf(bytes, file); !wrong.empty()) return wrong;
    sizes& s = out.shape;
    if (complaint wrong = detail::read_gguf_sizes(file, s); !wrong.empty()) return wrong;
    if (complaint wrong = detail::read_gguf_vocabulary(file, words); !wrong.empty()) return wrong;
    return take_weights(file.tensors, detail::gguf_names, out);
}

}  // namespace lm
