// A .npy file as the one tensor that it holds, of any type that the tensor codec knows.
// The header is read by pith/vector/npy_header.hpp.
#pragma once

#include <pith/vector/npy_header.hpp>

#include <cstdint>
#include <string>

#include "entries.hpp"

namespace weights {

inline constexpr named_type npy_types[] = {
    {"|b1", pith::codec::element::boolean}, {"|u1", pith::codec::element::u8},
    {"|i1", pith::codec::element::i8},      {"<u2", pith::codec::element::u16},
    {"<i2", pith::codec::element::i16},     {"<f2", pith::codec::element::f16},
    {"<u4", pith::codec::element::u32},     {"<i4", pith::codec::element::i32},
    {"<f4", pith::codec::element::f32},     {"<u8", pith::codec::element::u64},
    {"<i8", pith::codec::element::i64},     {"<f8", pith::codec::element::f64},
    {"<c8", pith::codec::element::u64},     {"|V2", pith::codec::element::bf16}};

/// Reads the header of a file of `size` bytes that starts with `in`, as read_safetensors does.
[[nodiscard]] inline complaint read_npy(pith::byte_view in, std::uint64_t size, weights_file& out) {
    const auto header = pith::vector::read_npy_header(in);
    if (!header)
        return std::string(header.error().text) + " (byte " + std::to_string(header.error().offset) + ")";
    tensor_entry one;
    one.name = "array";
    one.type = header->type;
    bool known = false;
    for (const named_type& t : npy_types) {
        if (one.type != t.name) continue;
        one.element = t.element;
        known = true;
    }
    if (!known) return "arrays of type \"" + printable(one.type) + "\" are not supported";
    one.shape.assign(header->shape().begin(), header->shape().end());
    if (header->columns_first) one.shape = {one.shape.rbegin(), one.shape.rend()};  // the order of the bytes
    std::uint64_t bytes = 0;
    if (!size_of_shape(one.shape, one.element, bytes)) return "the array's shape is too large";
    out.header_size = header->size;
    if (bytes != size - out.header_size)
        return "the array has " + std::to_string(size - out.header_size) +
               " bytes, where its type and shape need " + std::to_string(bytes);
    one.begin = out.header_size;
    one.end = size;
    out.tensors = {one};
    return {};
}

}  // namespace weights
