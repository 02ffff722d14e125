// Tokenizers: bytes to the symbols of a model's alphabet and back, without loss for any bytes.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>

#include <pith/core/assert.hpp>
#include <pith/core/bytes.hpp>

namespace pith::inline v1::transform {

/// How far one step of a tokenizer went: bytes taken, tokens given.
struct token_step {
    std::size_t bytes;
    std::size_t tokens;
};

/// Cuts bytes into tokens, a step of at most max_step of them at a time.
///   static constexpr std::size_t max_step;                          // most tokens of a step
///   std::size_t alphabet_size() const noexcept;
///   token_step step(byte_view rest, span<uint32_t> tokens) const noexcept;   // rest is not empty
///   byte_view bytes_of(uint32_t token) const noexcept;              // token < alphabet_size(); may be empty
///   bool is_fallback(uint32_t token) const noexcept;                // a byte that the vocabulary does not
///   have
/// Laws: a step takes at least one byte and gives at least one token; the bytes of its tokens, joined, are
/// the bytes that it took. Whatever the bytes are, there are tokens for them.
template <class T>
concept tokenizer = std::copy_constructible<T> &&
    requires(const T t, byte_view rest, std::span<std::uint32_t> tokens, std::uint32_t token) {
    { T::max_step } -> std::convertible_to<std::size_t>;
    { t.alphabet_size() }
    noexcept->std::convertible_to<std::size_t>;
    { t.step(rest, tokens) }
    noexcept->std::same_as<token_step>;
    { t.bytes_of(token) }
    noexcept->std::same_as<byte_view>;
    { t.is_fallback(token) }
    noexcept->std::same_as<bool>;
};

/// Each byte is a token: for models of bytes.
class byte_tokenizer {
  public:
    static constexpr std::size_t max_step = 1;

    [[nodiscard]] static constexpr std::size_t alphabet_size() noexcept { return 256; }
    [[nodiscard]] static token_step step(byte_view rest, std::span<std::uint32_t> tokens) noexcept {
        PITH_ASSERT(!rest.empty() && !tokens.empty());
        tokens[0] = rest[0];
        return {1, 1};
    }
    [[nodiscard]] static byte_view bytes_of(std::uint32_t token) noexcept {
        PITH_ASSERT(token < 256);
        return byte_view(every_byte<>.value + token, 1);
    }
    [[nodiscard]] static constexpr bool is_fallback(std::uint32_t) noexcept { return false; }

  private:
    struct bytes_in_order {
        std::uint8_t value[256];
    };
    template <class Unused = void>
    static constexpr bytes_in_order every_byte = [] {
        bytes_in_order out{};
        for (std::size_t i = 0; i < 256; ++i) out.value[i] = static_cast<std::uint8_t>(i);
        return out;
    }();
};

static_assert(tokenizer<byte_tokenizer>);

}  // namespace pith::inline v1::transform
