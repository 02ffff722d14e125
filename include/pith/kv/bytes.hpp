// std::byte, in which block codecs speak, as the bytes of core; and half floats that are always finite.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include <pith/core/bytes.hpp>
#include <pith/core/number.hpp>

namespace pith::inline v1::kv {

[[nodiscard]] inline byte_view readable_bytes(std::span<const std::byte> in) noexcept {
    return {reinterpret_cast<const std::uint8_t*>(in.data()), in.size()};
}
[[nodiscard]] inline byte_span writable_bytes(std::span<std::byte> out) noexcept {
    return {reinterpret_cast<std::uint8_t*>(out.data()), out.size()};
}
[[nodiscard]] inline std::span<const std::byte> as_std_bytes(byte_view in) noexcept {
    return std::as_bytes(in);
}

/// The half float next to a finite value, the largest one when it is larger.
[[nodiscard]] constexpr half nearest_half(float value) noexcept {
    const half h(value);
    if ((h.bits & (half::sign_bit - 1)) != half::top) return h;
    return half::from_bits(static_cast<std::uint16_t>(h.bits - 1));
}

}  // namespace pith::inline v1::kv
