// The number formats in which scales and norms are stored beside codes, with their sizes.
// The formats of core/number behind one enumeration, so that a format can be an option.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

#include <pith/core/bytes.hpp>
#include <pith/core/number.hpp>

namespace pith::inline v1::quant {

/// fp8 is E4M3.
enum class number_format : std::uint8_t { fp32, fp16, bf16, fp8 };

[[nodiscard]] constexpr std::size_t bytes_of(number_format format) noexcept {
    return format == number_format::fp32 ? 4 : format == number_format::fp8 ? 1 : 2;
}
/// The largest finite number of the format.
[[nodiscard]] constexpr float largest_of(number_format format) noexcept {
    return format == number_format::fp32   ? 0x1.fffffep127F
           : format == number_format::fp16 ? 65504.0F
           : format == number_format::bf16 ? 0x1.fep127F
                                           : 448.0F;
}
/// `value` rounded to the format and written to bytes_of(format) bytes. Exact: to nearest, ties to even.
inline void store_number(number_format format, float value, std::uint8_t* to) noexcept {
    switch (format) {
        case number_format::fp32:
            return store_le<std::uint32_t>(to, std::bit_cast<std::uint32_t>(value));
        case number_format::fp16:
            return store_le<std::uint16_t>(to, half(value).bits);
        case number_format::bf16:
            return store_le<std::uint16_t>(to, bfloat16(value).bits);
        case number_format::fp8:
            *to = fp8_e4m3(value).bits;
            return;
    }
}
[[nodiscard]] inline float load_number(number_format format, const std::uint8_t* from) noexcept {
    switch (format) {
        case number_format::fp32:
            break;
        case number_format::fp16:
            return static_cast<float>(half::from_bits(load_le<std::uint16_t>(from)));
        case number_format::bf16:
            return static_cast<float>(bfloat16::from_bits(load_le<std::uint16_t>(from)));
        case number_format::fp8:
            return static_cast<float>(fp8_e4m3::from_bits(*from));
    }
    return std::bit_cast<float>(load_le<std::uint32_t>(from));
}
/// What load_number gives after store_number.
[[nodiscard]] inline float rounded_to(number_format format, float value) noexcept {
    std::uint8_t raw[4];
    store_number(format, value, raw);
    return load_number(format, raw);
}

}  // namespace pith::inline v1::quant
