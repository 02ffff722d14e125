// From text to a model's tokens and back: single bytes, or the scored pieces of llama2.c and GGUF files.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <pith/core/bytes.hpp>
#include <pith/transform/scored_bpe.hpp>

namespace lm {

class vocabulary {
  public:
    /// The 256 bytes; a zero byte starts a document.
    vocabulary() = default;
    /// Precondition: pieces.is_complete().
    vocabulary(pith::transform::scored_bpe pieces, std::uint32_t beginning)
        : pieces_(std::move(pieces)), beginning_(beginning) {}

    [[nodiscard]] bool of_bytes() const { return !pieces_.has_value(); }
    [[nodiscard]] std::uint32_t beginning() const { return beginning_; }
    [[nodiscard]] std::size_t size() const { return pieces_ ? pieces_->alphabet_size() : 256; }
    /// The document's tokens, the one of its beginning first.
    [[nodiscard]] std::vector<std::uint32_t> tokens_of(pith::byte_view text) const {
        std::vector<std::uint32_t> out{beginning_};
        if (!pieces_) {
            out.insert(out.end(), text.begin(), text.end());
            return out;
        }
        std::uint32_t step[pith::transform::scored_bpe::max_step];
        while (!text.empty()) {
            const pith::transform::token_step taken = pieces_->step(text, step);
            out.insert(out.end(), step, step + taken.tokens);
            text = text.subspan(taken.bytes);
        }
        return out;
    }
    [[nodiscard]] std::string text_of(const std::vector<std::uint32_t>& tokens) const {
        std::string out;
        for (const std::uint32_t t : tokens) {
            if (!pieces_) {
                if (t != beginning_) out += static_cast<char>(t);
                continue;
            }
            for (const std::uint8_t b : pieces_->bytes_of(t)) out += static_cast<char>(b);
        }
        return out;
    }

  private:
    std::optional<pith::transform::scored_bpe> pieces_{};
    std::uint32_t beginning_ = 0;
};

}  // namespace lm
