// Differences of a tensor to a base of the same type: exclusive or, and difference of ranks.
// Exclusive or as in ZipNN (Hershcovitch and others, 2024); ranks: the order of sign-magnitude floats as
// integers, whose small differences are then small numbers whichever exponents meet.
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include <pith/core/assert.hpp>
#include <pith/core/bits.hpp>
#include <pith/core/bytes.hpp>
#include <pith/core/float_layout.hpp>

namespace pith::inline v1::transform {

namespace detail {

/// out[i] = f(a[i], b[i]) over words; out may be a or b.
template <class Word, class F>
inline void for_words(byte_view a, byte_view b, std::uint8_t* out, F f) noexcept {
    for (std::size_t i = 0; i < a.size(); i += sizeof(Word))
        store_le<Word>(out + i, f(load_le<Word>(a.data() + i), load_le<Word>(b.data() + i)));
}
template <class F>
inline void for_width(std::size_t width, byte_view a, byte_view b, byte_span out, F f) noexcept {
    PITH_ASSERT(a.size() == b.size() && out.size() == a.size() && a.size() % width == 0);
    if (width == 1) return for_words<std::uint8_t>(a, b, out.data(), f);
    if (width == 2) return for_words<std::uint16_t>(a, b, out.data(), f);
    if (width == 4) return for_words<std::uint32_t>(a, b, out.data(), f);
    for_words<std::uint64_t>(a, b, out.data(), f);
}

}  // namespace detail

/// Words of `width` bytes (1, 2, 4, 8) against those of a base. Law: inverse(forward(x, b), b) = x. Exact.
struct xor_delta {
    static void forward(byte_view values, byte_view base, std::size_t width, byte_span out) noexcept {
        detail::for_width(width, values, base, out,
                          [](auto v, auto b) { return static_cast<decltype(v)>(v ^ b); });
    }
    static void inverse(byte_view delta, byte_view base, std::size_t width, byte_span out) noexcept {
        forward(delta, base, width, out);
    }
};

/// The difference of ranks, as a number that is small where the difference is small in either direction. For
/// two's complement integers `ranked` is false, and the numbers themselves are subtracted.
template <bool Ranked>
struct rank_delta {
    static void forward(byte_view values, byte_view base, std::size_t width, byte_span out) noexcept {
        detail::for_width(width, values, base, out, [](auto v, auto b) {
            using word = decltype(v);
            if constexpr (Ranked) v = to_ordered(v), b = to_ordered(b);
            return zigzag(static_cast<std::make_signed_t<word>>(v - b));
        });
    }
    static void inverse(byte_view delta, byte_view base, std::size_t width, byte_span out) noexcept {
        detail::for_width(width, delta, base, out, [](auto d, auto b) {
            using word = decltype(d);
            if constexpr (Ranked) b = to_ordered(b);
            const auto v = static_cast<word>(static_cast<word>(unzigzag(d)) + b);
            if constexpr (Ranked) return from_ordered(v);
            return v;
        });
    }
};

}  // namespace pith::inline v1::transform
