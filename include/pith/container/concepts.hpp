// The concepts of the container: a codec of blocks, a source and an output of bytes, and sources in memory.
// The first asks for what entropy::block_coder asks for; it is restated because this folder knows core only.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include <pith/core/bytes.hpp>
#include <pith/core/result.hpp>

namespace pith::inline v1::container {

/// A coder of whole blocks. An object owns its tables, is used by one thread at a time, and carries nothing
/// from one block to the next; encoding clones a prototype for each thread, decoding starts from a default
/// object.
///   static constexpr std::uint32_t recipe;       // stable id, see recipe.hpp; names the format of the bytes
///   static constexpr const char* name;
///   static constexpr std::size_t max_encoded_size(std::size_t n) noexcept;
///   result<std::size_t> encode_into(byte_view in, byte_span out) noexcept;    // bytes written
///   result<std::size_t> decode_into(byte_view in, byte_span out) noexcept;    // out.size()
///   static constexpr std::size_t memory;         // optional: bytes that an object holds, its heap included
/// What the container promises: blocks are never empty; `out` of encode_into has max_encoded_size(in.size())
/// bytes; decode_into gets exactly the bytes that encode_into wrote (unless they are damaged), never as many
/// as out.size(), and an `out` of exactly the block's length.
template <class C>
concept block_codec = std::copy_constructible<C> &&
    requires(C c, byte_view in, byte_span out, std::size_t n) {
    { C::recipe } -> std::convertible_to<std::uint32_t>;
    { C::name } -> std::convertible_to<const char*>;
    { C::max_encoded_size(n) }
    noexcept->std::same_as<std::size_t>;
    { c.encode_into(in, out) }
    noexcept->std::same_as<result<std::size_t>>;
    { c.decode_into(in, out) }
    noexcept->std::same_as<result<std::size_t>>;
};

/// Gives bytes in order. Law: read fills the whole span, and fewer bytes mean that the source has ended.
/// Called on the thread that started the work, never again after the end or an error.
template <class S>
concept byte_source = requires(S s, byte_span out) {
    { s.read(out) } -> std::same_as<result<std::size_t>>;
};

/// Takes bytes in order, all or an error (unlike core's byte_sink, which never fails at once).
/// Called on the thread that started the work, never again after an error.
template <class S>
concept byte_output = requires(S s, byte_view bytes) {
    { s.write(bytes) } -> std::same_as<result<void>>;
};

/// Bytes of working memory of one codec object.
template <block_codec C>
[[nodiscard]] constexpr std::uint64_t codec_memory() noexcept {
    if constexpr (requires {
                      { C::memory } -> std::convertible_to<std::uint64_t>;
                  }) {
        return C::memory;
    } else {
        return sizeof(C);
    }
}

/// A source over memory of the caller.
class view_source {
  public:
    explicit view_source(byte_view in) noexcept : rest_(in) {}
    [[nodiscard]] result<std::size_t> read(byte_span out) noexcept {
        const std::size_t n = out.size() < rest_.size() ? out.size() : rest_.size();
        if (n != 0) std::memcpy(out.data(), rest_.data(), n);
        rest_ = rest_.subspan(n);
        return n;
    }

  private:
    byte_view rest_;
};

/// An output that grows a vector of the caller.
class vector_output {
  public:
    explicit vector_output(std::vector<std::uint8_t>& out) noexcept : out_(&out) {}
    result<void> write(byte_view bytes) {
        out_->insert(out_->end(), bytes.begin(), bytes.end());
        return {};
    }

  private:
    std::vector<std::uint8_t>* out_;
};

/// An output that keeps nothing: decoding into it verifies a stream.
struct discard_output {
    static result<void> write(byte_view) noexcept { return {}; }
};

}  // namespace pith::inline v1::container
