// Universal codes of positive integers: Elias gamma, delta and omega; zigzag, of core, folds signed ones.
// Source: Elias 1975. Bits go lowest first, so a number's own bits follow its length in that order; each
// number has one code word.
#pragma once

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include <pith/core/assert.hpp>
#include <pith/core/bits.hpp>
#include <pith/core/result.hpp>

namespace pith::inline v1::entropy {

using v1::unzigzag;
using v1::zigzag;

namespace detail {

/// `count` bits in 0..64; higher bits of value are ignored.
template <byte_sink Sink>
void put_wide(bit_writer<Sink>& out, std::uint64_t value, unsigned count) {
    const unsigned low = count < 32 ? count : 32;
    out.put(value & low_mask(low), low);
    out.put(value >> 32 & low_mask(count - low), count - low);
}

[[nodiscard]] inline std::uint64_t get_wide(bit_reader& in, unsigned count) noexcept {
    const unsigned low = count < 32 ? count : 32;
    const std::uint64_t value = in.get(low);
    return value | in.get(count - low) << 32;
}

[[nodiscard]] inline error code_error(const bit_reader& in, const char* text) noexcept {
    const bool cut = in.overrun();
    return {cut ? error_code::truncated : error_code::bad_stream, in.bit_position() / 8,
            cut ? "the input ends inside a number" : text};
}

}  // namespace detail

/// `zeros` zero bits and a one; at most 2^32 of them.
template <byte_sink Sink>
void put_unary(bit_writer<Sink>& out, std::uint32_t zeros) {
    for (; zeros >= 32; zeros -= 32) out.put(0, 32);
    out.put(std::uint64_t{1} << zeros, zeros + 1);
}

/// Reads a run of at most `most` zero bits and its one. Errors: truncated, bad_stream for a longer run.
[[nodiscard]] inline result<std::uint32_t> get_unary(bit_reader& in, std::uint32_t most) noexcept {
    for (std::uint32_t zeros = 0;;) {
        const auto run = static_cast<std::uint32_t>(std::countr_zero(in.peek(32) | std::uint64_t{1} << 32));
        zeros += run;
        const bool ended = run < 32;
        in.skip(run + (ended ? 1U : 0U));
        if (in.overrun() || zeros > most) return detail::code_error(in, "a run of zero bits is too long");
        if (ended) return zeros;
    }
}

/// Elias gamma, v >= 1: 2 floor(log2 v) + 1 bits: the width less one in unary, then the bits below the top.
template <byte_sink Sink>
void put_gamma(bit_writer<Sink>& out, std::uint64_t v) {
    PITH_ASSERT(v >= 1);
    const unsigned below = static_cast<unsigned>(std::bit_width(v)) - 1;
    put_unary(out, below);
    detail::put_wide(out, v, below);
}

/// Errors: truncated; bad_stream for a number of more than 64 bits.
[[nodiscard]] inline result<std::uint64_t> get_gamma(bit_reader& in) noexcept {
    const result<std::uint32_t> below = get_unary(in, 63);
    if (!below) return below.error();
    const std::uint64_t v = std::uint64_t{1} << *below | detail::get_wide(in, *below);
    if (in.overrun()) return detail::code_error(in, "");
    return v;
}

/// Elias delta, v >= 1: the width in gamma, then the bits below the top one.
template <byte_sink Sink>
void put_delta(bit_writer<Sink>& out, std::uint64_t v) {
    PITH_ASSERT(v >= 1);
    const unsigned width = static_cast<unsigned>(std::bit_width(v));
    put_gamma(out, width);
    detail::put_wide(out, v, width - 1);
}

/// Errors: truncated; bad_stream for a number of more than 64 bits.
[[nodiscard]] inline result<std::uint64_t> get_delta(bit_reader& in) noexcept {
    const result<std::uint64_t> width = get_gamma(in);
    if (!width) return width.error();
    if (*width > 64) return detail::code_error(in, "a number has more than 64 bits");
    const auto below = static_cast<unsigned>(*width - 1);
    const std::uint64_t v = std::uint64_t{1} << below | detail::get_wide(in, below);
    if (in.overrun()) return detail::code_error(in, "");
    return v;
}

/// Elias omega, v >= 1: a zero bit ends the code; before it stands v as a one bit and the bits below its top,
/// before that the count of the latter in the same way, and so on down to 1, which is not written.
template <byte_sink Sink>
void put_omega(bit_writer<Sink>& out, std::uint64_t v) {
    PITH_ASSERT(v >= 1);
    std::uint64_t groups[6];  // 64 bits -> 63 -> 5 -> 2 -> 1
    unsigned count = 0;
    for (; v > 1; v = static_cast<std::uint64_t>(std::bit_width(v)) - 1) groups[count++] = v;
    while (count-- > 0) {
        out.put(1, 1);
        detail::put_wide(out, groups[count], static_cast<unsigned>(std::bit_width(groups[count])) - 1);
    }
    out.put(0, 1);
}

/// Errors: truncated; bad_stream for a number of more than 64 bits.
[[nodiscard]] inline result<std::uint64_t> get_omega(bit_reader& in) noexcept {
    std::uint64_t v = 1;
    while (in.get(1) == 1) {
        if (v > 63) return detail::code_error(in, "a number has more than 64 bits");
        const auto below = static_cast<unsigned>(v);
        v = std::uint64_t{1} << below | detail::get_wide(in, below);
    }
    if (in.overrun()) return detail::code_error(in, "");
    return v;
}

}  // namespace pith::inline v1::entropy
