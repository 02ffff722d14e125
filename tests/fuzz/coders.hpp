// Which coder a byte of a fuzz target's input chooses, and an object of it that is kept from input to input.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "support/block_coders.hpp"

namespace fuzz {

/// The coders that are slow to start belong to the last eight values of the byte, so that they do not slow
/// the search for all others.
inline std::size_t chosen_coder(std::uint8_t byte) {
    std::vector<std::size_t> of_kind;
    const bool quick = byte < 0xF8;
    for (std::size_t i = 0; i < block_coders::entries.size(); ++i)
        if (block_coders::entries[i].quick == quick) of_kind.push_back(i);
    return of_kind[byte % of_kind.size()];
}

struct both_forms {
    std::unique_ptr<block_coders::coder> portable, native;
};

inline both_forms& coder_number(std::size_t i) {
    static std::vector<both_forms> kept(block_coders::entries.size());
    if (kept[i].portable == nullptr)
        kept[i] = {block_coders::entries[i].portable(), block_coders::entries[i].native()};
    return kept[i];
}

}  // namespace fuzz
