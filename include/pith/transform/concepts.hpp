// What a transform of bytes offers to codecs.
// Two forms: one that keeps the size and works in place, one that changes it and may refuse damaged bytes.
#pragma once

#include <concepts>
#include <cstddef>

#include <pith/core/bytes.hpp>
#include <pith/core/result.hpp>

namespace pith::inline v1::transform {

/// Law: inverse after forward is the identity on any bytes, and forward after inverse too.
template <class T>
concept byte_permutation = requires(byte_span block) {
    { T::forward(block) }
    noexcept;
    { T::inverse(block) }
    noexcept;
};

/// forward_into and inverse_into give the number of bytes written, never allocate, and are noexcept. Law:
/// inverse_into after forward_into is the identity on any bytes; forward_into writes at most max_size(n)
/// bytes.
template <class T>
concept byte_transform = requires(T t, byte_view in, byte_span out, std::size_t n) {
    { T::max_size(n) }
    noexcept->std::same_as<std::size_t>;
    { t.forward_into(in, out) }
    noexcept->std::same_as<result<std::size_t>>;
    { t.inverse_into(in, out) }
    noexcept->std::same_as<result<std::size_t>>;
};

}  // namespace pith::inline v1::transform
