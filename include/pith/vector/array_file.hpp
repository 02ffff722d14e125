// Matrices of floats from files of other programs: .npy of NumPy and .fvecs of the search benchmarks.
// NumPy's format description (versions 1 to 3, '<f4', C order); the TEXMEX corpus' description of .fvecs.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

#include <pith/core/bytes.hpp>
#include <pith/core/limits.hpp>
#include <pith/core/result.hpp>
#include <pith/core/view.hpp>

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

/// The text behind 'key': in a header of .npy; empty if there is none.
[[nodiscard]] inline std::string_view npy_value(std::string_view header, std::string_view key) noexcept {
    const std::size_t at = header.find(key);
    if (at == std::string_view::npos) return {};
    header.remove_prefix(at + key.size());
    while (!header.empty() && (header.front() == ' ' || header.front() == ':')) header.remove_prefix(1);
    return header;
}

/// The digits at the front, taken away; false if there are none or the number is above 2^32.
[[nodiscard]] inline bool take_number(std::string_view& text, std::uint64_t& out) noexcept {
    while (!text.empty() && (text.front() == ' ' || text.front() == ',' || text.front() == '('))
        text.remove_prefix(1);
    out = 0;
    bool any = false;
    for (; !text.empty() && text.front() >= '0' && text.front() <= '9'; text.remove_prefix(1), any = true) {
        out = out * 10 + static_cast<std::uint64_t>(text.front() - '0');
        if (out > std::uint64_t{1} << 32) return false;
    }
    return any;
}

}  // namespace detail

/// A two-dimensional little-endian float32 array in C order from the bytes of a .npy file.
[[nodiscard]] inline result<float_rows> read_npy(byte_view in, const limits& bound = {}) {
    byte_reader from(in);
    const auto magic = from.read_bytes(8);
    if (!magic || std::memcmp(magic->data(), "\x93NUMPY", 6) != 0)
        return error{error_code::bad_magic, 0, "this is not a .npy file"};
    const unsigned major = (*magic)[6];
    if (major < 1 || major > 3) return error{error_code::unsupported_version, 6, "an unknown .npy version"};
    std::uint64_t length = 0;
    if (major == 1) {
        const auto got = from.read_le<std::uint16_t>();
        if (!got) return got.error();
        length = *got;
    } else {
        const auto got = from.read_le<std::uint32_t>();
        if (!got) return got.error();
        length = *got;
    }
    const auto raw = from.read_bytes(length);
    if (!raw) return raw.error();
    const std::string_view header(reinterpret_cast<const char*>(raw->data()), raw->size());
    if (!detail::npy_value(header, "'descr'").starts_with("'<f4'") ||
        !detail::npy_value(header, "'fortran_order'").starts_with("False"))
        return error{error_code::unsupported_parameter, 8, "only '<f4' arrays in C order can be read"};
    std::string_view shape = detail::npy_value(header, "'shape'");
    std::uint64_t rows = 0, columns = 0;
    if (!detail::take_number(shape, rows) || !detail::take_number(shape, columns) || columns == 0 ||
        !(shape.starts_with(")") || shape.starts_with(",)")))
        return error{error_code::unsupported_parameter, 8, "only arrays of two dimensions can be read"};
    // Both are at most 2^32.
    if (from.remaining() % (columns * sizeof(float)) != 0 ||
        from.remaining() / (columns * sizeof(float)) != rows)
        return from.fail(error_code::bad_header, "the array is not as large as its header says");
    if (from.remaining() > bound.max_memory)
        return from.fail(error_code::limit_exceeded, "the array is larger than the limits allow");
    float_rows out{static_cast<std::size_t>(rows), static_cast<std::size_t>(columns),
                   std::vector<float>(from.remaining() / sizeof(float))};
    detail::copy_floats(from.rest().data(), out.values.size(), out.values.data());
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
