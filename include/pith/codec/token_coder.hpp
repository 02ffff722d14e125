// A block coder for bytes over a model of tokens, with another coder for what the tokens do not fit.
// The container of text and binary parts is that of Nacrith (Tacconelli, 2026), with windows judged by how
// much of them the vocabulary has.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>
#include <vector>

#include <pith/core/bytes.hpp>
#include <pith/core/result.hpp>
#include <pith/entropy/adaptive_nibble.hpp>
#include <pith/entropy/concepts.hpp>
#include <pith/entropy/plain_block.hpp>
#include <pith/mixing/concepts.hpp>
#include <pith/mixing/symbol_coding.hpp>
#include <pith/transform/tokenizer.hpp>

namespace pith::inline v1::codec {

namespace detail {
/// What an object of T holds, as far as it says.
template <class T>
[[nodiscard]] constexpr std::size_t memory_of() noexcept {
    if constexpr (requires { T::memory; })
        return T::memory;
    else
        return sizeof(T);
}
}  // namespace detail

/// A block_coder. A block is cut into text and other parts; text goes through the tokenizer, the predictor
/// and Coding, the rest through Fallback. A block that does not shrink is stored. Coded block: byte 2; the
/// predictor's fingerprint if it has one; the lengths of parts as varints, text and others in turn, text
/// first (0 if there is none at the start), until the block is full; for each other part the size of its
/// payload (u32) and the payload; the symbols of all text. Recipe names the bytes of this model: programs
/// choose their own, see container/recipe.hpp. Lossless; exact if the predictor is. Speed is the predictor's;
/// a decoder runs it once for each token.
template <transform::tokenizer Tokenizer, mixing::symbol_predictor Predictor,
          mixing::symbol_coding Coding = mixing::cdf_coding<24>,
          entropy::block_coder Fallback = entropy::adaptive_nibble<1>, std::uint32_t Recipe = 0x8000'0000>
class token_coder {
  public:
    static constexpr std::uint32_t recipe = Recipe;
    static constexpr const char* name = "tokens";
    static constexpr std::size_t memory = detail::memory_of<Predictor>() + detail::memory_of<Fallback>();

    /// Precondition: tokenizer and predictor have the same alphabet.
    explicit token_coder(Tokenizer tokens = Tokenizer(), Predictor model = Predictor())
        : tokenizer_(std::move(tokens)),
          predictor_(std::move(model)),
          tables_(predictor_.alphabet_size()),
          p_(predictor_.alphabet_size()) {
        PITH_ASSERT(tokenizer_.alphabet_size() == predictor_.alphabet_size());
        for (std::uint32_t t = 0; t < p_.size(); ++t)
            if (tokenizer_.bytes_of(t).empty()) silent_.push_back(t);
    }

    [[nodiscard]] static constexpr std::size_t max_encoded_size(std::size_t n) noexcept {
        return n == 0 ? 0 : n + 1;
    }

    /// Bytes written, or output_too_small; max_encoded_size(in.size()) bytes always suffice.
    [[nodiscard]] result<std::size_t> encode_into(byte_view in, byte_span out) noexcept {
        if (in.empty()) return std::size_t{0};
        if (!entropy::is_run(in)) {
            const std::size_t size =
                encode_parts(in, out.first(out.size() < in.size() ? out.size() : in.size()));
            if (size != 0) return size;
        }
        return entropy::encode_plain_block(in, out);
    }

    /// Fills `out` from the whole of `in`, or says what is wrong. Errors besides those of the parts:
    /// unknown_recipe for a block of another model.
    [[nodiscard]] result<std::size_t> decode_into(byte_view in, byte_span out) noexcept {
        if (out.empty() || in.empty() || in[0] != coded) return entropy::decode_plain_block(in, out);
        if (in.size() > out.size()) return error{error_code::bad_stream, 0, "a block that should be stored"};
        byte_reader reader(in.subspan(1));
        if constexpr (identified) {
            const auto print = reader.template read_le<std::uint32_t>();
            if (!print) return print.error().shifted_by(1);
            if (*print != predictor_.fingerprint())
                return error{error_code::unknown_recipe, 1, "the block was written with another model"};
        }
        const auto done = decode_parts(reader, out);
        if (!done) return done.error().shifted_by(1);
        return out.size();
    }

  private:
    static constexpr bool identified = mixing::identified_predictor<Predictor>;
    static constexpr auto coded = static_cast<std::uint8_t>(entropy::block_form::coded);
    static constexpr std::size_t window = 4096;

    /// The lengths of parts, from the bytes that state them; an error for those that no encoder writes.
    class part_lengths {
      public:
        part_lengths(byte_reader& reader, std::size_t total) noexcept : reader_(&reader), left_(total) {}
        [[nodiscard]] bool done() const noexcept { return left_ == 0; }
        [[nodiscard]] bool is_text() const noexcept { return text_; }
        [[nodiscard]] result<std::size_t> next() noexcept {
            const auto n = reader_->read_varint();
            if (!n) return n.error();
            const bool first = first_;
            first_ = false;
            text_ = !text_;
            if (*n > left_ || (*n == 0 && !first))
                return reader_->fail(error_code::bad_header, "the parts do not fill the block");
            left_ -= static_cast<std::size_t>(*n);
            return static_cast<std::size_t>(*n);
        }

      private:
        byte_reader* reader_;
        std::size_t left_;
        bool text_ = false;
        bool first_ = true;
    };

    /// Bytes written; 0 if it does not fit.
    [[nodiscard]] std::size_t encode_parts(byte_view in, byte_span out) noexcept {
        span_sink sink(out);
        sink.put(coded);
        if constexpr (identified) put_le<std::uint32_t>(sink, predictor_.fingerprint());
        const std::size_t head = sink.size();
        put_lengths(in, sink);
        if (sink.overflowed()) return 0;
        const byte_view lengths = byte_view(out).subspan(head, sink.size() - head);
        if (!put_others(in, lengths, out, sink)) return 0;
        typename Coding::template encoder<span_sink> coder(sink, tables_);
        predictor_.reset(in.size());
        const bool fits = for_each_part(lengths, in.size(), [&](std::size_t at, std::size_t n, bool text) {
            return !text || put_text(in.subspan(at, n), coder, sink);
        });
        if (!fits) return 0;
        coder.finish();
        return sink.overflowed() ? 0 : sink.size();
    }
    template <class F>
    static bool for_each_part(byte_view lengths, std::size_t total, F f) noexcept {
        byte_reader reader(lengths);
        part_lengths parts(reader, total);
        for (std::size_t at = 0; !parts.done();) {
            const auto n = parts.next();
            if (!n || !f(at, *n, parts.is_text())) return false;
            at += *n;
        }
        return true;
    }
    void put_lengths(byte_view in, span_sink& sink) const noexcept {
        bool text = true;
        std::size_t length = 0;
        for (std::size_t at = 0; at < in.size();) {
            std::size_t size = 0;
            const bool fits = judge(in.subspan(at), size);
            if (fits != text) {
                put_varint(sink, length);
                length = 0;
                text = fits;
            }
            length += size;
            at += size;
        }
        put_varint(sink, length);
    }
    /// Whether a window is text: at most a quarter of its bytes are not in the vocabulary. size: the
    /// window's.
    [[nodiscard]] bool judge(byte_view rest, std::size_t& size) const noexcept {
        std::uint32_t tokens[Tokenizer::max_step];
        std::size_t strange = 0;
        for (size = 0; size < window && size < rest.size();) {
            const transform::token_step step = tokenizer_.step(rest.subspan(size), tokens);
            for (std::size_t i = 0; i < step.tokens; ++i)
                strange += static_cast<std::size_t>(tokenizer_.is_fallback(tokens[i]));
            size += step.bytes;
        }
        return strange <= size / 4;
    }
    [[nodiscard]] bool put_others(byte_view in, byte_view lengths, byte_span out, span_sink& sink) noexcept {
        return for_each_part(lengths, in.size(), [&](std::size_t at, std::size_t n, bool text) {
            if (text) return true;
            const std::size_t start = sink.size();
            put_le<std::uint32_t>(sink, 0);
            if (sink.overflowed() || n >= ~std::uint32_t{0}) return false;
            const auto size = fallback_.encode_into(in.subspan(at, n), out.subspan(sink.size()));
            if (!size) return false;
            store_le<std::uint32_t>(out.data() + start, static_cast<std::uint32_t>(*size));
            for (std::size_t i = 0; i < *size; ++i) sink.put(out[start + 4 + i]);  // in their place already
            return true;
        });
    }
    template <class Coder>
    [[nodiscard]] bool put_text(byte_view text, Coder& coder, const span_sink& sink) noexcept {
        std::uint32_t tokens[Tokenizer::max_step];
        while (!text.empty()) {
            const transform::token_step step = tokenizer_.step(text, tokens);
            for (std::size_t i = 0; i < step.tokens; ++i) {
                coder.put(predicted(), tokens[i]);
                predictor_.update(tokens[i]);
            }
            if (sink.overflowed()) return false;
            text = text.subspan(step.bytes);
        }
        return true;
    }
    [[nodiscard]] std::span<const float> predicted() noexcept {
        predictor_.predict(p_);
        for (const std::uint32_t t : silent_) p_[t] = 0.0F;
        return p_;
    }

    [[nodiscard]] result<void> decode_parts(byte_reader& reader, byte_span out) noexcept {
        const byte_view lengths = reader.rest();
        part_lengths all(reader, out.size());
        while (!all.done())
            if (const auto n = all.next(); !n) return n.error();
        result<void> outcome;
        for_each_part(lengths, out.size(), [&](std::size_t at, std::size_t n, bool text) {
            if (text) return true;
            outcome = get_other(reader, out.subspan(at, n));
            return outcome.has_value();
        });
        if (!outcome) return outcome;
        const std::size_t base = reader.position();
        typename Coding::decoder coder(reader.rest(), tables_);
        predictor_.reset(out.size());
        for_each_part(lengths, out.size(), [&](std::size_t at, std::size_t n, bool text) {
            if (text && !get_text(coder, out.subspan(at, n)))
                outcome = error{error_code::bad_stream, base, "a token that no encoder writes"};
            return outcome.has_value();
        });
        if (!outcome) return outcome;
        const result<void> end = coder.finish();
        if (!end) return end.error().shifted_by(base);
        return {};
    }
    [[nodiscard]] result<void> get_other(byte_reader& reader, byte_span out) noexcept {
        const auto size = reader.template read_le<std::uint32_t>();
        if (!size) return size.error();
        const std::size_t base = reader.position();
        const auto payload = reader.read_bytes(*size);
        if (!payload) return payload.error();
        const auto done = fallback_.decode_into(*payload, out);
        if (!done) return done.error().shifted_by(base);
        return {};
    }
    template <class Decoder>
    [[nodiscard]] bool get_text(Decoder& coder, byte_span text) noexcept {
        while (!text.empty()) {
            const std::uint32_t token = coder.get(predicted());
            const byte_view bytes = tokenizer_.bytes_of(token);
            if (bytes.empty() || bytes.size() > text.size()) return false;
            std::memcpy(text.data(), bytes.data(), bytes.size());
            text = text.subspan(bytes.size());
            predictor_.update(token);
        }
        return true;
    }

    Tokenizer tokenizer_;
    Predictor predictor_;
    Coding tables_;
    Fallback fallback_;
    std::vector<float> p_;
    std::vector<std::uint32_t> silent_;  // tokens without bytes, which text never has
};

}  // namespace pith::inline v1::codec
