// What compressors ask of vectors of float: norms, powers of two, and what is wrong with a value.
// Own work. Sums are taken in double, in order, products rounded before: the same on every machine.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

#include <pith/core/bytes.hpp>
#include <pith/core/exact.hpp>
#include <pith/core/finite.hpp>
#include <pith/core/result.hpp>

namespace pith::inline v1::feedback {

/// The bits of |v|: they order as the magnitudes do.
[[nodiscard]] constexpr std::uint32_t magnitude_bits(float v) noexcept {
    return std::bit_cast<std::uint32_t>(v) & 0x7FFF'FFFFU;
}
[[nodiscard]] constexpr float largest_magnitude(std::span<const float> x) noexcept {
    std::uint32_t largest = 0;
    for (const float v : x) largest = magnitude_bits(v) > largest ? magnitude_bits(v) : largest;
    return std::bit_cast<float>(largest);
}
[[nodiscard]] constexpr double squared_norm(std::span<const float> x) noexcept {
    double sum = 0;
    for (const float v : x) sum += exact::mul(double{v}, double{v});
    return sum;
}
[[nodiscard]] constexpr double absolute_sum(std::span<const float> x) noexcept {
    double sum = 0;
    for (const float v : x) sum += double{std::bit_cast<float>(magnitude_bits(v))};
    return sum;
}

/// 2^e for -1022 <= e <= 1023.
[[nodiscard]] constexpr double power_of_two(int e) noexcept {
    return std::bit_cast<double>(static_cast<std::uint64_t>(e + 1023) << 52);
}

/// Error of an encoder: a value that is not finite.
[[nodiscard]] inline error not_finite(std::span<const float> x) noexcept {
    std::size_t i = 0;
    while (i < x.size() && is_finite(x[i])) ++i;
    return {error_code::unsupported_parameter, 4 * i, "a value is infinite or not a number"};
}
/// Error of an encoder: finite values of which the code's own numbers are not.
[[nodiscard]] inline error too_large() noexcept {
    return {error_code::unsupported_parameter, 0, "values are too large for this code"};
}
/// Error of a decoder.
[[nodiscard]] inline error bad_message(std::uint64_t offset, const char* text) noexcept {
    return {error_code::bad_stream, offset, text};
}
/// What a message of a fixed length says of another one.
[[nodiscard]] inline error wrong_length(byte_view in, std::uint64_t wanted) noexcept {
    if (in.size() < wanted) return {error_code::truncated, in.size(), "the message ends early"};
    return {error_code::trailing_data, wanted, "bytes follow the message"};
}
[[nodiscard]] inline error no_room(byte_span out) noexcept {
    return {error_code::output_too_small, out.size(), "the destination is too small"};
}

inline void store_float(std::uint8_t* to, float v) noexcept {
    store_le<std::uint32_t>(to, std::bit_cast<std::uint32_t>(v));
}
[[nodiscard]] inline float load_float(const std::uint8_t* from) noexcept {
    return std::bit_cast<float>(load_le<std::uint32_t>(from));
}

}  // namespace pith::inline v1::feedback
