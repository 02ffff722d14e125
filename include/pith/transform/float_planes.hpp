// Elements of 1, 2, 4 or 8 bytes as planes of equal bytes; of floats, the exponent makes a plane of its own.
// After ZipNN (Hershcovitch and others, 2024), which turns the sign behind the exponent before it cuts bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include <pith/core/assert.hpp>
#include <pith/core/bytes.hpp>
#include <pith/simd/float_split.hpp>
#include <pith/simd/planes.hpp>

namespace pith::inline v1::transform {

/// What a word's bytes are cut from: the word, or the word with its sign moved below the next eight bits, so
/// that the highest plane holds exponents (bf16, binary32), an exponent and three mantissa bits (binary16) or
/// the upper part of an exponent (binary64).
enum class plane_order : std::uint8_t { plain = 0, exponent_first = 1 };

namespace detail {

template <class Word>
[[nodiscard, gnu::always_inline]] constexpr Word exponent_first(Word w) noexcept {
    constexpr unsigned n = 8 * sizeof(Word);
    constexpr Word low = static_cast<Word>((Word{1} << (n - 9)) - 1);
    return static_cast<Word>((w & low) | Word{static_cast<Word>(w >> (n - 9) & 0xFF)} << (n - 8) |
                             Word{static_cast<Word>(w >> (n - 1))} << (n - 9));
}
template <class Word>
[[nodiscard, gnu::always_inline]] constexpr Word sign_first(Word v) noexcept {
    constexpr unsigned n = 8 * sizeof(Word);
    constexpr Word low = static_cast<Word>((Word{1} << (n - 9)) - 1);
    return static_cast<Word>((v & low) | Word{static_cast<Word>(v >> (n - 8))} << (n - 9) |
                             Word{static_cast<Word>(v >> (n - 9) & 1)} << (n - 1));
}

// Not inlined: g++ 12 -O3 would see sizes that cannot occur, and warn of them.
[[gnu::noinline]] inline void cut_fours(const std::uint8_t* words, std::uint8_t* planes,
                                        std::size_t n) noexcept {
    simd::split_planes<4>(std::span(words, 4 * n), std::span(planes, 4 * n));
}
[[gnu::noinline]] inline void join_fours(const std::uint8_t* planes, std::uint8_t* words,
                                         std::size_t n) noexcept {
    simd::merge_planes<4>(std::span(planes, 4 * n), std::span(words, 4 * n));
}

/// Words from `words` through f into byte planes `stride` apart, and back.
template <class Word, class F>
inline void split_words(byte_view words, std::uint8_t* planes, std::size_t stride, F f) noexcept {
    constexpr std::size_t width = sizeof(Word);
    constexpr std::size_t tile = 256;
    std::uint8_t turned[tile * width];
    std::uint8_t cut[tile * width];
    for (std::size_t i = 0, n = words.size() / width; i < n; i += tile) {
        const std::size_t m = n - i < tile ? n - i : tile;
        for (std::size_t k = 0; k < m; ++k)
            store_le<Word>(turned + width * k, f(load_le<Word>(words.data() + width * (i + k))));
        if constexpr (width == 4) {
            cut_fours(turned, cut, m);
        } else {
            for (std::size_t k = 0; k < m; ++k)
                for (std::size_t b = 0; b < width; ++b) cut[b * m + k] = turned[width * k + b];
        }
        for (std::size_t b = 0; b < width; ++b) std::memcpy(planes + b * stride + i, cut + b * m, m);
    }
}
template <class Word, class F>
inline void merge_words(const std::uint8_t* planes, std::size_t stride, byte_span words, F f) noexcept {
    constexpr std::size_t width = sizeof(Word);
    constexpr std::size_t tile = 256;
    std::uint8_t turned[tile * width];
    std::uint8_t cut[tile * width];
    for (std::size_t i = 0, n = words.size() / width; i < n; i += tile) {
        const std::size_t m = n - i < tile ? n - i : tile;
        for (std::size_t b = 0; b < width; ++b) std::memcpy(cut + b * m, planes + b * stride + i, m);
        if constexpr (width == 4) {
            join_fours(cut, turned, m);
        } else {
            for (std::size_t k = 0; k < m; ++k)
                for (std::size_t b = 0; b < width; ++b) turned[width * k + b] = cut[b * m + k];
        }
        for (std::size_t k = 0; k < m; ++k)
            store_le<Word>(words.data() + width * (i + k), f(load_le<Word>(turned + width * k)));
    }
}

}  // namespace detail

/// Byte b of word i goes to planes[b * stride + i]; the highest plane is the exponents' where order says so.
/// width in 1, 2, 4, 8 and, for floats, not 1; words.size() a multiple of it; stride >= the number of words.
/// Exact.
inline void split_elements(byte_view words, std::size_t width, plane_order order, std::uint8_t* planes,
                           std::size_t stride) noexcept {
    PITH_ASSERT(words.size() % width == 0 && stride >= words.size() / width);
    const bool floats = order == plane_order::exponent_first;
    if (words.empty()) return;
    if (width == 1) {
        std::memcpy(planes, words.data(), words.size());
    } else if (width == 2 && floats) {
        simd::split_halves(words, planes, planes + stride);
    } else if (width == 2) {
        detail::split_words<std::uint16_t>(words, planes, stride, [](std::uint16_t w) { return w; });
    } else if (width == 4) {
        floats ? detail::split_words<std::uint32_t>(words, planes, stride,
                                                    [](std::uint32_t w) { return detail::exponent_first(w); })
               : detail::split_words<std::uint32_t>(words, planes, stride, [](std::uint32_t w) { return w; });
    } else {
        floats ? detail::split_words<std::uint64_t>(words, planes, stride,
                                                    [](std::uint64_t w) { return detail::exponent_first(w); })
               : detail::split_words<std::uint64_t>(words, planes, stride, [](std::uint64_t w) { return w; });
    }
}
/// Undoes split_elements.
inline void merge_elements(const std::uint8_t* planes, std::size_t stride, std::size_t width,
                           plane_order order, byte_span words) noexcept {
    PITH_ASSERT(words.size() % width == 0 && stride >= words.size() / width);
    const bool floats = order == plane_order::exponent_first;
    if (words.empty()) return;
    if (width == 1) {
        std::memcpy(words.data(), planes, words.size());
    } else if (width == 2 && floats) {
        simd::merge_halves(planes, planes + stride, words);
    } else if (width == 2) {
        detail::merge_words<std::uint16_t>(planes, stride, words, [](std::uint16_t w) { return w; });
    } else if (width == 4) {
        floats ? detail::merge_words<std::uint32_t>(planes, stride, words,
                                                    [](std::uint32_t w) { return detail::sign_first(w); })
               : detail::merge_words<std::uint32_t>(planes, stride, words, [](std::uint32_t w) { return w; });
    } else {
        floats ? detail::merge_words<std::uint64_t>(planes, stride, words,
                                                    [](std::uint64_t w) { return detail::sign_first(w); })
               : detail::merge_words<std::uint64_t>(planes, stride, words, [](std::uint64_t w) { return w; });
    }
}

}  // namespace pith::inline v1::transform
