// A model and its vocabulary from a file of any known kind: GGUF, safetensors, llama2.c.
#pragma once

#include <cstring>
#include <filesystem>
#include <new>
#include <string>

#include "../compress_file/files.hpp"
#include "../compress_with_model/llama_vocabulary.hpp"
#include "gguf_model.hpp"
#include "llama2c_model.hpp"
#include "safetensors_model.hpp"
#include "vocabulary.hpp"

namespace lm {

struct loaded_model {
    lm::model model{};
    vocabulary words{};
    std::string kind{};
};

namespace detail {

inline complaint read_whole(const std::string& path, whole_input& to) {
    input_file file;
    if (!file.open(path) || !to.load(file)) return std::strerror(file.failure);
    return {};
}

/// The vocabulary beside a llama2.c model: as named, else tok<size>.bin in the same folder.
inline complaint read_llama2c_vocabulary(const std::string& model_path, const std::string& asked,
                                         std::size_t size, vocabulary& out) {
    const auto beside =
        std::filesystem::path(model_path).parent_path() / ("tok" + std::to_string(size) + ".bin");
    const std::string path = asked.empty() ? beside.string() : asked;
    whole_input words;
    if (complaint wrong = read_whole(path, words); !wrong.empty())
        return "its vocabulary " + path + ": " + wrong + (asked.empty() ? " (--vocabulary names one)" : "");
    auto pieces = load_vocabulary(words.view(), static_cast<std::uint32_t>(size));
    if (!pieces) return "its vocabulary " + path + ": " + pieces.error().text;
    out = vocabulary(std::move(*pieces), 1);
    return {};
}

}  // namespace detail

/// What is wrong, or nothing. `vocabulary_path` is for llama2.c models alone and may be empty.
inline complaint load_model(const std::string& path, const std::string& vocabulary_path, loaded_model& out) {
    whole_input file;
    if (complaint wrong = detail::read_whole(path, file); !wrong.empty()) return wrong;
    const pith::byte_view bytes = file.view();
    try {
        if (bytes.size() >= 4 && std::memcmp(bytes.data(), "GGUF", 4) == 0) {
            out.kind = "GGUF";
            return read_gguf_model(bytes, out.model, out.words);
        }
        if (bytes.size() > 8 && bytes[8] == '{') {
            out.kind = "safetensors";
            return read_safetensors_model(bytes, out.model);
        }
        out.kind = "llama2.c";
        if (complaint wrong = read_llama2c_model(bytes, out.model); !wrong.empty()) return wrong;
        return detail::read_llama2c_vocabulary(path, vocabulary_path, out.model.shape.vocabulary, out.words);
    } catch (const std::bad_alloc&) {
        return "there is not enough memory for it";
    }
}

}  // namespace lm
