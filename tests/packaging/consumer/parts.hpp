// The two parts of the program, compiled with different flags, and what both do.
#pragma once

#if __has_include(<pith/entropy.hpp>)
#    include <pith/entropy.hpp>
#endif
#ifdef WITH_SIMD
#    include <pith/simd/dot.hpp>
#endif
#include <pith/core/bits.hpp>
#include <pith/version.hpp>

#include <cstddef>
#include <cstdint>
#include <vector>

// A template on the instruction set, as the kernel that it calls: the two parts must not share one body.
#ifdef WITH_SIMD
template <class Arch = pith::simd::native>
std::size_t sum_of_squares(const std::vector<std::int16_t>& values) {
    return static_cast<std::size_t>(pith::simd::dot_wide<Arch>(values, values));
}
#else
template <class = void>
std::size_t sum_of_squares(const std::vector<std::int16_t>& values) {
    std::size_t sum = 0;
    for (const std::int16_t v : values) sum += static_cast<std::size_t>(v * v);
    return sum;
}
#endif

inline std::size_t bytes_of_numbers(std::size_t count) {
    std::vector<std::uint8_t> bytes;
    pith::vector_sink sink(bytes);
    pith::bit_writer writer(sink);
    for (std::size_t i = 0; i < count; ++i) writer.put(i % 100, pith::bits_for(100));
    writer.finish();
    pith::bit_reader reader(bytes);
    for (std::size_t i = 0; i < count; ++i) {
        if (reader.get(pith::bits_for(100)) != i % 100) return 0;
    }
    return bytes.size();
}

std::size_t result_on_any_processor(std::size_t count);
std::size_t result_on_new_processor(std::size_t count);
bool products_are_right();
