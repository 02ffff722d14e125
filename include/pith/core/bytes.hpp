// Little-endian loads and stores, a bounded cursor over bytes, and sinks that bytes are appended to.
#pragma once

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <type_traits>
#include <vector>

#include <pith/core/assert.hpp>
#include <pith/core/result.hpp>

namespace pith::inline v1 {

using byte_view = std::span<const std::uint8_t>;
using byte_span = std::span<std::uint8_t>;

/// Reverses the byte order of an unsigned integer.
template <std::unsigned_integral T>
[[nodiscard]] constexpr T byte_swapped(T v) noexcept {
    T out = 0;
    for (std::size_t i = 0; i < sizeof(T); ++i) {
        out = static_cast<T>((out << (sizeof(T) > 1 ? 8 : 0)) | (v & 0xFF));
        v = static_cast<T>(sizeof(T) > 1 ? v >> 8 : 0);
    }
    return out;
}

/// Reads an unsigned integer of sizeof(T) little-endian bytes; no alignment is asked.
template <std::unsigned_integral T>
[[nodiscard]] inline T load_le(const std::uint8_t* p) noexcept {
    T v;
    std::memcpy(&v, p, sizeof(T));
    if constexpr (std::endian::native == std::endian::big) v = byte_swapped(v);
    return v;
}

/// Writes an unsigned integer as sizeof(T) little-endian bytes; no alignment is asked.
template <std::unsigned_integral T>
inline void store_le(std::uint8_t* p, std::type_identity_t<T> v) noexcept {
    if constexpr (std::endian::native == std::endian::big) v = byte_swapped(v);
    std::memcpy(p, &v, sizeof(T));
}

/// Something that bytes are appended to. `put` and `append` never fail at once: a full sink remembers
/// that it overflowed, drops what does not fit and keeps counting, and says so in `overflowed`.
template <class S>
concept byte_sink = requires(S s, const S c, std::uint8_t b, byte_view v) {
    s.put(b);
    s.append(v);
    { c.size() } -> std::same_as<std::size_t>;
    { c.overflowed() } -> std::same_as<bool>;
};

/// A sink over memory of the caller: never allocates. `size` counts what was wanted, fitting or not.
class span_sink {
  public:
    explicit span_sink(byte_span out) noexcept : out_(out) {}
    void put(std::uint8_t b) noexcept {
        if (size_ < out_.size()) out_[size_] = b;
        ++size_;
    }
    void append(byte_view v) noexcept {
        const std::size_t room = size_ < out_.size() ? out_.size() - size_ : 0;
        const std::size_t n = v.size() < room ? v.size() : room;
        if (n != 0) std::memcpy(out_.data() + size_, v.data(), n);
        size_ += v.size();
    }
    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    [[nodiscard]] bool overflowed() const noexcept { return size_ > out_.size(); }
    /// Number of bytes written, or output_too_small.
    [[nodiscard]] result<std::size_t> written() const noexcept {
        if (overflowed())
            return error{error_code::output_too_small, out_.size(), "the destination is too small"};
        return size_;
    }

  private:
    byte_span out_;
    std::size_t size_ = 0;
};

/// A sink that grows a vector of the caller.
class vector_sink {
  public:
    explicit vector_sink(std::vector<std::uint8_t>& out) noexcept : out_(&out), start_(out.size()) {}
    void put(std::uint8_t b) { out_->push_back(b); }
    void append(byte_view v) {
        const std::size_t old = out_->size();
        out_->resize(old + v.size());
        if (!v.empty()) std::memcpy(out_->data() + old, v.data(), v.size());
    }
    [[nodiscard]] std::size_t size() const noexcept { return out_->size() - start_; }
    [[nodiscard]] bool overflowed() const noexcept { return false; }

  private:
    std::vector<std::uint8_t>* out_;
    std::size_t start_;
};

/// Appends an unsigned integer as sizeof(T) little-endian bytes.
template <std::unsigned_integral T, byte_sink Sink>
inline void put_le(Sink& sink, std::type_identity_t<T> v) {
    std::uint8_t raw[sizeof(T)];
    store_le<T>(raw, v);
    sink.append(byte_view(raw, sizeof(T)));
}

/// Appends a base-128 integer: seven bits a byte, lowest first, the top bit marks that more follow.
template <byte_sink Sink>
inline void put_varint(Sink& sink, std::uint64_t v) {
    for (; v >= 0x80; v >>= 7) sink.put(static_cast<std::uint8_t>(v | 0x80));
    sink.put(static_cast<std::uint8_t>(v));
}

/// A cursor over bytes from outside: every read is bounded, and says where it failed.
class byte_reader {
  public:
    explicit byte_reader(byte_view in) noexcept : in_(in) {}

    [[nodiscard]] std::size_t position() const noexcept { return at_; }
    [[nodiscard]] std::size_t remaining() const noexcept { return in_.size() - at_; }
    [[nodiscard]] byte_view rest() const noexcept { return in_.subspan(at_); }

    /// The next sizeof(T) little-endian bytes, or truncated.
    template <std::unsigned_integral T>
    [[nodiscard]] result<T> read_le() noexcept {
        if (remaining() < sizeof(T)) return fail(error_code::truncated, "the input ends inside a number");
        const T v = load_le<T>(in_.data() + at_);
        at_ += sizeof(T);
        return v;
    }
    /// A base-128 integer in its shortest form; longer forms are bad_header, so that one value has one form.
    [[nodiscard]] result<std::uint64_t> read_varint() noexcept {
        std::uint64_t v = 0;
        for (unsigned shift = 0; shift < 64; shift += 7) {
            if (remaining() == 0) return fail(error_code::truncated, "the input ends inside a number");
            const std::uint64_t b = in_[at_++];
            if (shift == 63 && b > 1) return fail(error_code::bad_header, "a number is larger than 64 bits");
            v |= (b & 0x7F) << shift;
            if (b < 0x80) {
                if (b == 0 && shift != 0)
                    return fail(error_code::bad_header, "a number is longer than it needs");
                return v;
            }
        }
        return fail(error_code::bad_header, "a number is larger than 64 bits");
    }
    /// As many base-128 integers as `out` has places, or the error of the first that cannot be read.
    [[nodiscard]] result<void> read_varints(std::span<std::uint64_t> out) noexcept {
        for (std::uint64_t& v : out) {
            const auto got = read_varint();
            if (!got) return got.error();
            v = *got;
        }
        return {};
    }
    /// The next n bytes as a view, or truncated.
    [[nodiscard]] result<byte_view> read_bytes(std::uint64_t n) noexcept {
        if (remaining() < n) return fail(error_code::truncated, "the input ends inside a field");
        const byte_view v = in_.subspan(at_, static_cast<std::size_t>(n));
        at_ += static_cast<std::size_t>(n);
        return v;
    }
    /// An error at the cursor.
    [[nodiscard]] error fail(error_code code, const char* text) const noexcept { return {code, at_, text}; }

  private:
    byte_view in_;
    std::size_t at_ = 0;
};

}  // namespace pith::inline v1
