// What readers of weight files say of one: where its header ends, which tensors follow, the texts about them.
#pragma once

#include <pith/codec/element.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

namespace weights {

struct tensor_entry {
    std::string name;
    std::string type;  ///< as the file calls it
    pith::codec::element element = pith::codec::element::u8;
    std::vector<std::size_t> shape{};
    std::uint64_t begin = 0, end = 0;  ///< bytes of the file
};

/// Tensors in the order of their bytes. They fill the file from header_size to its end, without holes.
struct weights_file {
    std::uint64_t header_size = 0;
    std::vector<tensor_entry> tensors{};
    std::unordered_map<std::string, std::string> metadata{};
};

/// What is wrong with a file; empty: nothing.
using complaint = std::string;

struct named_type {
    const char* name;
    pith::codec::element element;
};

/// Number of bytes of a shape; false when that is more than 2^63 - 1, or a shape of too many dimensions.
inline bool size_of_shape(const std::vector<std::size_t>& shape, pith::codec::element element,
                          std::uint64_t& bytes) {
    constexpr std::uint64_t most = ~std::uint64_t{0} >> 1;
    bytes = size_of(element);
    bool empty = false;
    for (const std::size_t n : shape) empty = empty || n == 0;
    if (empty) bytes = 0;
    for (const std::size_t n : shape) {
        if (n > most) return false;
        if (empty) continue;
        if (bytes > most / n) return false;
        bytes *= n;
    }
    return shape.size() <= pith::codec::max_rank;
}

/// A name as a message may show it: control characters and bytes beyond ASCII's as question marks, cut.
inline std::string printable(const std::string& name) {
    std::string out;
    for (const char c : name) {
        if (out.size() == 60) return out + "...";
        out += c >= 0x20 && c < 0x7F ? c : '?';
    }
    return out;
}

}  // namespace weights
