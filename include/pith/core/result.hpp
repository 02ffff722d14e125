// result<T>: a value, or an error with its code, its byte offset and a text.
// Member names follow std::expected, so that readers feel at home; the type stays ours for every -std.
#pragma once

#include <cstddef>
#include <cstdint>
#include <new>
#include <type_traits>
#include <utility>

#include <pith/core/assert.hpp>

namespace pith::inline v1 {

/// What was wrong with bytes from outside.
enum class error_code : std::uint8_t {
    truncated,              ///< the input ends before the stream does
    bad_magic,              ///< the input is not a stream of this kind
    unsupported_version,    ///< written by a later release
    unknown_recipe,         ///< the composition that wrote it is not the one that reads it
    bad_header,             ///< a header field contradicts another or its range
    bad_model,              ///< a coding table is not one that an encoder writes
    bad_stream,             ///< coded data that no encoder writes
    checksum_mismatch,      ///< the decoded bytes are not those that were encoded
    limit_exceeded,         ///< the stream asks for more than `limits` grants
    trailing_data,          ///< the stream ends before the input does
    output_too_small,       ///< the destination cannot hold the result
    unsupported_parameter,  ///< a valid parameter that this build does not offer
    source_failed,          ///< the program's own source of bytes reported a failure
    sink_failed,            ///< the program's own sink of bytes reported a failure
    cancelled,              ///< the program's own progress callback asked to stop
};

/// The code's name as written in the source, for messages.
[[nodiscard]] constexpr const char* name_of(error_code code) noexcept {
    constexpr const char* names[] = {"truncated",      "bad_magic",         "unsupported_version",
                                     "unknown_recipe", "bad_header",        "bad_model",
                                     "bad_stream",     "checksum_mismatch", "limit_exceeded",
                                     "trailing_data",  "output_too_small",  "unsupported_parameter",
                                     "source_failed",  "sink_failed",       "cancelled"};
    static_assert(sizeof(names) / sizeof(names[0]) == static_cast<std::size_t>(error_code::cancelled) + 1);
    return names[static_cast<std::size_t>(code)];
}

/// An error: what, where (byte offset in the input that was being read) and a static text.
struct error {
    error_code code = error_code::bad_stream;
    std::uint64_t offset = 0;
    const char* text = "";

    /// The same error seen from an outer stream in which the inner one starts `base` bytes in.
    [[nodiscard]] constexpr error shifted_by(std::uint64_t base) const noexcept {
        return {code, offset + base, text};
    }
    friend constexpr bool operator==(const error& a, const error& b) noexcept {
        return a.code == b.code && a.offset == b.offset;
    }
};

/// A T or an error. Never throws; reading the wrong side is a programmer's mistake (PITH_ASSERT).
template <class T>
class [[nodiscard]] result {
  public:
    using value_type = T;
    using error_type = pith::error;

    result(T value) noexcept(std::is_nothrow_move_constructible_v<T>) : valid_(true) {
        ::new (static_cast<void*>(&value_)) T(std::move(value));
    }
    result(pith::error e) noexcept : error_(e), valid_(false) {}
    result(result&& other) noexcept(std::is_nothrow_move_constructible_v<T>) : valid_(other.valid_) {
        if (valid_) {
            ::new (static_cast<void*>(&value_)) T(std::move(other.value_));
        } else {
            error_ = other.error_;
        }
    }
    result& operator=(result&& other) noexcept(std::is_nothrow_move_constructible_v<T>) {
        if (this != &other) {
            this->~result();
            ::new (static_cast<void*>(this)) result(std::move(other));
        }
        return *this;
    }
    result(const result&) = delete;
    result& operator=(const result&) = delete;
    ~result() {
        if (valid_) value_.~T();
    }

    [[nodiscard]] bool has_value() const noexcept { return valid_; }
    explicit operator bool() const noexcept { return valid_; }
    [[nodiscard]] T& value() & noexcept { return PITH_ASSERT(valid_), value_; }
    [[nodiscard]] const T& value() const& noexcept { return PITH_ASSERT(valid_), value_; }
    [[nodiscard]] T&& value() && noexcept { return PITH_ASSERT(valid_), std::move(value_); }
    [[nodiscard]] T& operator*() & noexcept { return value(); }
    [[nodiscard]] const T& operator*() const& noexcept { return value(); }
    [[nodiscard]] T&& operator*() && noexcept { return std::move(*this).value(); }
    [[nodiscard]] T* operator->() noexcept { return &value(); }
    [[nodiscard]] const T* operator->() const noexcept { return &value(); }
    [[nodiscard]] const pith::error& error() const noexcept { return PITH_ASSERT(!valid_), error_; }
    [[nodiscard]] T value_or(T other) && { return valid_ ? std::move(value_) : std::move(other); }

  private:
    union {
        T value_;
        pith::error error_;
    };
    bool valid_;
};

/// Success without a value, or an error.
template <>
class [[nodiscard]] result<void> {
  public:
    using value_type = void;
    using error_type = pith::error;

    result() noexcept = default;
    result(pith::error e) noexcept : error_(e), valid_(false) {}

    [[nodiscard]] bool has_value() const noexcept { return valid_; }
    explicit operator bool() const noexcept { return valid_; }
    [[nodiscard]] const pith::error& error() const noexcept { return PITH_ASSERT(!valid_), error_; }

  private:
    pith::error error_{};
    bool valid_ = true;
};

}  // namespace pith::inline v1
