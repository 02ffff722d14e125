// The two parts of the program, compiled with different flags, and what both do.
#pragma once

#if __has_include(<pith/entropy.hpp>)
#    include <pith/entropy.hpp>
#endif
#include <pith/core/bits.hpp>
#include <pith/version.hpp>

#include <cstddef>
#include <cstdint>
#include <vector>

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

std::size_t bytes_on_any_processor(std::size_t count);
std::size_t bytes_on_new_processor(std::size_t count);
