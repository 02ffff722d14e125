// Elements of tensors: the number formats that checkpoints hold, and what a tensor in memory is.
// The names follow the safetensors and NumPy formats.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include <pith/core/bytes.hpp>

namespace pith::inline v1::codec {

/// A number format. The values are those of FORMAT.md and never change.
enum class element : std::uint8_t {
    bf16 = 0,
    f16 = 1,
    f32 = 2,
    f64 = 3,
    f8_e4m3 = 4,
    f8_e5m2 = 5,
    u8 = 6,
    i8 = 7,
    u16 = 8,
    i16 = 9,
    u32 = 10,
    i32 = 11,
    u64 = 12,
    i64 = 13,
    boolean = 14,
};
inline constexpr std::size_t element_kinds = 15;

namespace detail {
struct element_facts {
    const char* name;
    std::uint8_t size;
    std::uint8_t exponent;  // bits; 0 for integers
};
inline constexpr element_facts facts_of_elements[element_kinds] = {
    {"bf16", 2, 8},    {"f16", 2, 5}, {"f32", 4, 8}, {"f64", 8, 11}, {"f8_e4m3", 1, 4},
    {"f8_e5m2", 1, 5}, {"u8", 1, 0},  {"i8", 1, 0},  {"u16", 2, 0},  {"i16", 2, 0},
    {"u32", 4, 0},     {"i32", 4, 0}, {"u64", 8, 0}, {"i64", 8, 0},  {"boolean", 1, 0}};
}  // namespace detail

/// Bytes of an element.
[[nodiscard]] constexpr std::size_t size_of(element type) noexcept {
    return detail::facts_of_elements[static_cast<std::size_t>(type)].size;
}
[[nodiscard]] constexpr const char* name_of(element type) noexcept {
    return detail::facts_of_elements[static_cast<std::size_t>(type)].name;
}
/// Bits of the exponent field; 0 for integers.
[[nodiscard]] constexpr unsigned exponent_bits(element type) noexcept {
    return detail::facts_of_elements[static_cast<std::size_t>(type)].exponent;
}

/// Most dimensions of a tensor.
inline constexpr std::size_t max_rank = 16;

/// A tensor in memory: elements in row-major order, little-endian, at any address. shape {} is one element, a
/// zero dimension none. Precondition: shape.size() <= max_rank and bytes.size() == size_of(type) * the
/// product.
struct tensor_view {
    element type;
    std::span<const std::size_t> shape;
    byte_view bytes;
};

}  // namespace pith::inline v1::codec
