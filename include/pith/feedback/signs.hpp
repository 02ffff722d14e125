// Signs of values as packed bits.
// Own work over simd/pack; a set bit is a minus.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>

#include <pith/core/assert.hpp>
#include <pith/core/bytes.hpp>
#include <pith/simd/pack.hpp>

namespace pith::inline v1::feedback {

/// Bytes that `count` signs take.
[[nodiscard]] constexpr std::size_t signs_size(std::size_t count) noexcept {
    return simd::packed_size(count, 1);
}

/// Writes the signs of value(0) .. value(count - 1). Precondition: out.size() == signs_size(count).
template <class Value>
requires std::is_invocable_r_v<float, Value, std::size_t>
void pack_signs(std::size_t count, Value value, byte_span out) noexcept {
    PITH_ASSERT(out.size() == signs_size(count));
    std::array<std::uint8_t, 1024> codes;
    for (std::size_t from = 0; from < count; from += codes.size()) {
        const std::size_t n = std::min(codes.size(), count - from);
        for (std::size_t i = 0; i < n; ++i)
            codes[i] = static_cast<std::uint8_t>(std::bit_cast<std::uint32_t>(value(from + i)) >> 31);
        simd::pack<1>(std::span(codes).first(n), out.subspan(from / 8, signs_size(n)));
    }
}

/// Calls each(i, negative) for every sign in order. Precondition: in.size() == signs_size(count).
template <class Each>
requires std::is_invocable_v<Each, std::size_t, bool>
void for_each_sign(byte_view in, std::size_t count, Each each) noexcept {
    PITH_ASSERT(in.size() == signs_size(count));
    std::array<std::uint8_t, 1024> codes;
    for (std::size_t from = 0; from < count; from += codes.size()) {
        const std::size_t n = std::min(codes.size(), count - from);
        simd::unpack<1>(in.subspan(from / 8, signs_size(n)), std::span(codes).first(n));
        for (std::size_t i = 0; i < n; ++i) each(from + i, codes[i] != 0);
    }
}

/// The bits behind the last sign are zero, as pack_signs leaves them.
[[nodiscard]] inline bool signs_end_in_zeros(byte_view in, std::size_t count) noexcept {
    return count % 8 == 0 || in[count / 8] >> (count % 8) == 0;
}

}  // namespace pith::inline v1::feedback
