// Block coder: an adaptive model of a block's bits in front of the binary arithmetic coder.
// Own work; blocks that the model cannot shorten are stored.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>

#include <pith/core/bytes.hpp>
#include <pith/core/result.hpp>
#include <pith/entropy/arithmetic_binary.hpp>

namespace pith::inline v1::mixing {

/// Predicts the bits of a block, highest bit of each byte first.
///   static constexpr unsigned precision;           // of probabilities, 8..32
///   reset(block, length): the block is read up to the bytes that are complete
///   predict(): P(one), 1..2^precision - 1, once for each bit; then update(bit)
///   end_byte(): after each byte, when the block holds it
/// Law: two copies that see the same bits stay equal.
template <class M>
concept block_model = requires(M m, const std::uint8_t* block, std::size_t length, bool bit) {
    { M::precision } -> std::convertible_to<unsigned>;
    { M::memory } -> std::convertible_to<std::size_t>;
    { m.reset(block, length) }
    noexcept;
    { m.predict() }
    noexcept->std::same_as<std::uint32_t>;
    { m.update(bit) }
    noexcept;
    { m.end_byte() }
    noexcept;
};

/// What a stream calls a coder: `recipe`, its id, and `name`.
template <class I>
concept coder_identity = requires {
    { I::recipe } -> std::convertible_to<std::uint32_t>;
    { I::name } -> std::convertible_to<const char*>;
};

/// A block is a byte 1 and the arithmetic code of its bits, or a byte 0 and the bytes themselves, or nothing
/// when it is empty. Lossless; exact if the model is. Blocks have at most 2^32 - 1 bytes.
template <block_model Model, coder_identity Identity>
class bitwise_coder {
  public:
    static constexpr std::uint32_t recipe = Identity::recipe;
    static constexpr const char* name = Identity::name;
    /// Bytes that an object holds, its heap included.
    static constexpr std::size_t memory = sizeof(Model) + Model::memory;
    static constexpr std::size_t largest_block = std::numeric_limits<std::uint32_t>::max();

    [[nodiscard]] static constexpr std::size_t max_encoded_size(std::size_t n) noexcept {
        return n == 0 ? 0 : n + 1;
    }

    /// Bytes written, output_too_small, or limit_exceeded for a larger block; max_encoded_size(in.size())
    /// bytes always suffice.
    [[nodiscard]] result<std::size_t> encode_into(byte_view in, byte_span out) noexcept {
        if (in.empty()) return std::size_t{0};
        if (in.size() > largest_block) return too_large();
        span_sink sink(out.first(out.size() < in.size() ? out.size() : in.size()));
        sink.put(1);
        encode(in, sink);
        if (!sink.overflowed()) return sink.size();
        if (sink.size() <= in.size() || out.size() <= in.size())
            return error{error_code::output_too_small, out.size(), "the destination is too small"};
        out[0] = 0;
        std::memcpy(out.data() + 1, in.data(), in.size());
        return in.size() + 1;
    }

    /// Fills out with what encode_into read, or gives an error.
    [[nodiscard]] result<std::size_t> decode_into(byte_view in, byte_span out) noexcept {
        if (out.empty()) {
            if (!in.empty()) return error{error_code::trailing_data, 0, "an empty block has no bytes"};
            return std::size_t{0};
        }
        if (out.size() > largest_block) return too_large();
        if (in.empty()) return error{error_code::truncated, 0, "the block's first byte is missing"};
        if (in[0] == 0) return copy(in.subspan(1), out);
        if (in[0] != 1) return error{error_code::bad_header, 0, "a block is neither stored nor coded"};
        if (in.size() > out.size())
            return error{error_code::bad_stream, 0, "a coded block is longer than a stored one"};
        const result<void> end = decode(in.subspan(1), out);
        if (!end) return error{end.error().code, end.error().offset + 1, end.error().text};
        return out.size();
    }

  private:
    [[nodiscard]] static error too_large() noexcept {
        return {error_code::limit_exceeded, 0, "a block has at most 2^32 - 1 bytes"};
    }
    [[nodiscard]] static result<std::size_t> copy(byte_view in, byte_span out) noexcept {
        if (in.size() < out.size())
            return error{error_code::truncated, in.size() + 1, "a stored block ends early"};
        if (in.size() > out.size())
            return error{error_code::trailing_data, out.size() + 1, "bytes follow a stored block"};
        std::memcpy(out.data(), in.data(), in.size());
        return out.size();
    }
    void encode(byte_view in, span_sink& sink) noexcept {
        model_.reset(in.data(), in.size());
        entropy::binary_encoder<span_sink, Model::precision> coder(sink);
        for (const std::uint8_t byte : in) {
            for (unsigned k = 8; k-- > 0;) {
                const bool bit = (byte >> k & 1) != 0;
                coder.put(bit, model_.predict());
                model_.update(bit);
            }
            model_.end_byte();
        }
        coder.finish();
    }
    [[nodiscard]] result<void> decode(byte_view in, byte_span out) noexcept {
        model_.reset(out.data(), out.size());
        entropy::binary_decoder<Model::precision> coder(in);
        for (std::uint8_t& byte : out) {
            unsigned bits = 0;
            for (unsigned k = 0; k < 8; ++k) {
                const bool bit = coder.get(model_.predict());
                model_.update(bit);
                bits = bits << 1 | (bit ? 1U : 0U);
            }
            byte = static_cast<std::uint8_t>(bits);
            model_.end_byte();
        }
        return coder.finish();
    }

    Model model_;
};

}  // namespace pith::inline v1::mixing
