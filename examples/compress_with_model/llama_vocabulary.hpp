// A vocabulary in the format of llama2.c's tokenizer files, as a tokenizer.
#pragma once

#include <bit>
#include <cstdint>
#include <string_view>

#include <pith/core/bytes.hpp>
#include <pith/core/result.hpp>
#include <pith/transform/scored_bpe.hpp>

// Reads int32 longest token, then for each of `tokens` tokens float32 score, int32 length, bytes. The first
// three are control tokens; "<0xNN>" is the byte NN. Throws std::bad_alloc.
inline pith::result<pith::transform::scored_bpe> load_vocabulary(pith::byte_view file, std::uint32_t tokens) {
    using pith::transform::token_kind;
    constexpr std::uint32_t control_tokens = 3;
    const pith::error cut{pith::error_code::truncated, file.size(),
                          "the vocabulary ends before its tokens do"};
    pith::byte_reader reader(file);
    const auto longest = reader.read_le<std::uint32_t>();
    if (!longest) return cut;
    pith::transform::scored_bpe out;
    for (std::uint32_t t = 0; t < tokens; ++t) {
        const auto score = reader.read_le<std::uint32_t>();
        if (!score) return cut;
        const auto size = reader.read_le<std::uint32_t>();
        if (!size) return cut;
        const auto bytes = reader.read_bytes(*size);
        if (!bytes) return cut;
        const std::string_view text(reinterpret_cast<const char*>(bytes->data()), bytes->size());
        const auto digit = [&](std::size_t at) {
            return std::string_view("0123456789ABCDEF").find(text[at]);
        };
        const bool is_byte = text.size() == 6 && text.substr(0, 3) == "<0x" && text[5] == '>' &&
                             digit(3) < 16 && digit(4) < 16;
        const auto byte = static_cast<std::uint8_t>(is_byte ? 16 * digit(3) + digit(4) : 0);
        if (t < control_tokens)
            out.add({}, 0, token_kind::control);
        else if (is_byte)
            out.add(pith::byte_view(&byte, 1), 0, token_kind::byte);
        else
            out.add(*bytes, std::bit_cast<float>(*score), token_kind::text);
    }
    if (reader.remaining() != 0)
        return reader.fail(pith::error_code::trailing_data, "the vocabulary has more tokens than the model");
    if (!out.is_complete())
        return pith::error{pith::error_code::bad_model, 0, "the vocabulary lacks tokens of single bytes"};
    return out;
}
