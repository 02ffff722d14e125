// Matrices of floats from files of other programs: .npy of NumPy and .fvecs of the search benchmarks.
// NumPy's '<f4' in C order; the TEXMEX corpus' description of .fvecs.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <pith/core/bytes.hpp>
#include <pith/core/limits.hpp>
#include <pith/core/result.hpp>
#include <pith/core/view.hpp>
#include <pith/vector/npy_header.hpp>

namespace pith::inline v1::vector {

/// Rows of equal length that own their memory.
struct float_rows {
    std::size_t rows = 0, columns = 0;
    std::vector<float> values{};

    [[nodiscard]] view_2d<const float> view() const noexcept {
        return {values.data(), rows, columns, columns};
    }
    [[nodiscard]] view_2d<float> view() noexcept { return {values.data(), rows, columns, columns}; }
};

namespace detail {

inline void copy_floats(const std::uint8_t* from, std::size_t count, float* to) noexcept {
    for (std::size_t i = 0; i < count; ++i)
        to[i] = std::bit_cast<float>(load_le<std::uint32_t>(from + i * sizeof(float)));
}

}  // namespace detail

/// A two-dimensional little-endian float32 array in C order from the bytes of a .npy file.
[[nodiscard]] inline result<float_rows> read_npy(byte_view in, const limits& bound = {}) {
    const auto header = read_npy_header(in);
    if (!header) return header.error();
    if (header->type != "<f4" || header->columns_first)
        return error{error_code::unsupported_parameter, 8, "only '<f4' arrays in C order can be read"};
    if (header->dimensions != 2 || header->shape()[1] == 0 || header->shape()[1] > std::uint64_t{1} << 32)
        return error{error_code::unsupported_parameter, 8, "only arrays of two dimensions can be read"};
    const auto [rows, columns] = std::pair(header->shape()[0], header->shape()[1]);
    const byte_view array = in.subspan(static_cast<std::size_t>(header->size));
    if (array.size() % (columns * sizeof(float)) != 0 || array.size() / (columns * sizeof(float)) != rows)
        return error{error_code::bad_header, header->size, "the array is not as large as its header says"};
    if (array.size() > bound.max_memory)
        return error{error_code::limit_exceeded, header->size, "the array is larger than the limits allow"};
    float_rows out{static_cast<std::size_t>(rows), static_cast<std::size_t>(columns),
                   std::vector<float>(array.size() / sizeof(float))};
    detail::copy_floats(array.data(), out.values.size(), out.values.data());
    return out;
}

/// The bytes of a .npy file, version 1.0, that holds `values`.
[[nodiscard]] inline std::vector<std::uint8_t> write_npy(view_2d<const float> values) {
    std::string header = "{'descr': '<f4', 'fortran_order': False, 'shape': (" +
                         std::to_string(values.rows()) + ", " + std::to_string(values.columns()) + "), }";
    header.resize((header.size() + 11 + 63) / 64 * 64 - 11, ' ');  // the array begins at a multiple of 64
    std::vector<std::uint8_t> out{0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0};
    vector_sink sink(out);
    put_le<std::uint16_t>(sink, static_cast<std::uint16_t>(header.size() + 1));
    for (const char c : header) sink.put(static_cast<std::uint8_t>(c));
    sink.put('\n');
    for (std::size_t r = 0; r < values.rows(); ++r)
        for (std::size_t c = 0; c < values.columns(); ++c)
            put_le<std::uint32_t>(sink, std::bit_cast<std::uint32_t>(values(r, c)));
    return out;
}

/// All vectors of a .fvecs file: for each its dimension as 32 bits, and its floats.
[[nodiscard]] inline result<float_rows> read_fvecs(byte_view in, const limits& bound = {}) {
    if (in.size() < 4)
        return error{error_code::truncated, in.size(), "a .fvecs file begins with a dimension"};
    const std::uint32_t columns = load_le<std::uint32_t>(in.data());
    if (columns == 0 || columns > (std::uint32_t{1} << 24))
        return error{error_code::bad_header, 0, "the dimension of the first vector is out of range"};
    const std::size_t record = 4 + std::size_t{columns} * sizeof(float);
    if (in.size() % record != 0)
        return error{error_code::truncated, in.size() - in.size() % record, "the last vector is not whole"};
    if (in.size() > bound.max_memory)
        return error{error_code::limit_exceeded, 0, "the vectors are larger than the limits allow"};
    float_rows out{in.size() / record, columns, {}};
    out.values.resize(out.rows * out.columns);
    for (std::size_t r = 0; r < out.rows; ++r) {
        if (load_le<std::uint32_t>(in.data() + r * record) != columns)
            return error{error_code::bad_stream, r * record, "the vectors have different dimensions"};
        detail::copy_floats(in.data() + r * record + 4, columns, out.values.data() + r * columns);
    }
    return out;
}

}  // namespace pith::inline v1::vector
