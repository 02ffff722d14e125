// What a transform of bytes offers to codecs, and what a transform of vectors of floats offers to quantizers.
// Bytes: one form keeps the size and works in place, one changes it and may refuse damaged bytes.
#pragma once

#include <concepts>
#include <cstddef>
#include <span>

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

/// A linear or affine map of vectors of input_size() floats to size() floats, and back. forward_into reads x
/// and writes size() values to y, which may not overlap; inverse_into reads y and may destroy it. Neither
/// allocates. Law: inverse_into after forward_into gives x within rounding.
template <class T>
concept vector_transform = requires(const T t, std::span<const float> x, std::span<float> y) {
    { t.input_size() }
    noexcept->std::same_as<std::size_t>;
    { t.size() }
    noexcept->std::same_as<std::size_t>;
    { t.forward_into(x, y) }
    noexcept;
    { t.inverse_into(y, y) }
    noexcept;
};

/// A vector_transform that keeps inner products: <forward(x), forward(q)> = <x, q> within rounding, which is
/// what lets a query be compared with rotated codes.
template <class T>
concept rotation = vector_transform<T> && T::orthogonal;

}  // namespace pith::inline v1::transform
