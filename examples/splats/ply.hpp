// Clouds of splats in binary little-endian PLY files. Turk (1994); the properties of Kerbl et al. (2023).
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <pith/core/bytes.hpp>
#include <pith/core/finite.hpp>
#include <pith/core/limits.hpp>
#include <pith/core/result.hpp>

#include "cloud.hpp"

namespace ply {

/// Names of the values of a splat in the order of splat_cloud's columns.
inline std::vector<std::string> names_of(std::size_t detail_columns) {
    std::vector<std::string> out{"x",     "y",     "z",     "opacity", "scale_0", "scale_1", "scale_2",
                                 "rot_0", "rot_1", "rot_2", "rot_3",   "f_dc_0",  "f_dc_1",  "f_dc_2"};
    for (std::size_t k = 0; k < detail_columns; ++k) out.push_back("f_rest_" + std::to_string(k));
    return out;
}

/// Where value `column` of splat i belongs.
inline float& value_of(splat_cloud& cloud, std::size_t i, std::size_t column) {
    if (column < 3) return cloud.position[3 * i + column];
    if (column < 11) return cloud.shape[8 * i + column - 3];
    if (column < 14) return cloud.colour[3 * i + column - 11];
    return cloud.detail[cloud.detail_columns * i + column - 14];
}

/// Bytes of a type, 0 for none that there is.
inline std::size_t size_of(std::string_view type) {
    constexpr std::array<std::pair<std::string_view, std::size_t>, 16> sizes{{{"char", 1},
                                                                              {"uchar", 1},
                                                                              {"int8", 1},
                                                                              {"uint8", 1},
                                                                              {"short", 2},
                                                                              {"ushort", 2},
                                                                              {"int16", 2},
                                                                              {"uint16", 2},
                                                                              {"int", 4},
                                                                              {"uint", 4},
                                                                              {"int32", 4},
                                                                              {"uint32", 4},
                                                                              {"float", 4},
                                                                              {"float32", 4},
                                                                              {"double", 8},
                                                                              {"float64", 8}}};
    for (const auto& [name, size] : sizes)
        if (name == type) return size;
    return 0;
}

/// What a header says: how many splats, how many bytes each, and where each named float stands.
struct header {
    struct property {
        std::string name;
        std::size_t offset;
        bool is_float;
    };
    std::uint64_t count = 0;
    std::size_t stride = 0, end = 0;
    std::vector<property> properties;
    bool binary = false, has_vertices = false;
};

/// One line without its end, or false where there is none within the first 64 KB.
inline bool next_line(pith::byte_view in, std::size_t& at, std::string_view& out) {
    constexpr std::size_t longest_header = 1 << 16;
    const auto text =
        std::string_view(reinterpret_cast<const char*>(in.data()), std::min(in.size(), longest_header));
    const std::size_t end = text.find('\n', at);
    if (end == std::string_view::npos) return false;
    out = text.substr(at, end - at);
    if (!out.empty() && out.back() == '\r') out.remove_suffix(1);
    at = end + 1;
    return true;
}
inline std::vector<std::string_view> words_of(std::string_view line) {
    std::vector<std::string_view> out;
    for (std::size_t at = 0; at < line.size();) {
        const std::size_t end = std::min(line.find(' ', at), line.size());
        if (end > at) out.push_back(line.substr(at, end - at));
        at = end + 1;
    }
    return out;
}

/// Takes one line of a header in; null, or what is wrong with it.
inline const char* read_line(const std::vector<std::string_view>& words, header& out) {
    if (words.empty() || words[0] == "comment" || words[0] == "obj_info") return nullptr;
    if (words[0] == "format") {
        out.binary = words.size() == 3 && words[1] == "binary_little_endian" && words[2] == "1.0";
        return out.binary ? nullptr : "only binary_little_endian 1.0 is read";
    }
    if (words[0] == "element") {
        if (words.size() != 3 || words[1] != "vertex" || out.has_vertices)
            return "only one element is read, and it is 'vertex'";
        out.has_vertices = true;
        for (const char c : words[2]) {
            if (c < '0' || c > '9' || out.count > 1'000'000'000) return "the number of vertices is none";
            out.count = 10 * out.count + static_cast<std::uint64_t>(c - '0');
        }
        return nullptr;
    }
    if (words[0] != "property") return "a line of the header is not understood";
    if (!out.has_vertices) return "a property stands before its element";
    if (words.size() != 3 || size_of(words[1]) == 0) return "only properties of one number are read";
    for (const auto& p : out.properties)
        if (p.name == words[2]) return "a property is there twice";
    out.properties.push_back(
        {std::string(words[2]), out.stride, words[1] == "float" || words[1] == "float32"});
    out.stride += size_of(words[1]);
    return nullptr;
}

inline pith::result<header> read_header(pith::byte_view in) {
    using pith::error_code;
    header out;
    std::string_view line;
    if (!next_line(in, out.end, line) || line != "ply")
        return pith::error{error_code::bad_magic, 0, "not a PLY file"};
    for (;;) {
        const std::size_t at = out.end;
        if (!next_line(in, out.end, line))
            return pith::error{error_code::truncated, in.size(), "the header does not end"};
        if (line == "end_header") break;
        if (const char* fault = read_line(words_of(line), out))
            return pith::error{error_code::bad_header, at, fault};
    }
    if (!out.binary || !out.has_vertices)
        return pith::error{error_code::bad_header, out.end, "the header names no format, or no vertices"};
    return out;
}

/// Errors say what is wrong and where: headers that are none, properties that are missing or no floats, a
/// body of another size, values that are not numbers. Other properties are left out.
inline pith::result<splat_cloud> read(pith::byte_view in, const pith::limits& bound = {}) {
    using pith::error_code;
    const auto head = read_header(in);
    if (!head) return head.error();
    std::size_t detail = 0;
    for (const auto& p : head->properties) detail += p.name.starts_with("f_rest_") ? 1U : 0U;
    std::vector<std::size_t> offsets;
    for (const std::string& name : names_of(detail)) {
        const auto& all = head->properties;
        const auto found =
            std::find_if(all.begin(), all.end(), [&](const auto& p) { return p.name == name; });
        if (found == all.end() || !found->is_float)
            return pith::error{error_code::bad_header, head->end,
                               "a property of splats is missing, or no float"};
        offsets.push_back(found->offset);
    }
    if (head->count * offsets.size() * sizeof(float) > bound.max_memory)  // below 2^30 2^16 4
        return pith::error{error_code::limit_exceeded, 0, "there are more splats than the limits allow"};
    if (in.size() - head->end < head->count * head->stride)
        return pith::error{error_code::truncated, in.size(), "the file ends inside a splat"};
    if (in.size() - head->end > head->count * head->stride)
        return pith::error{error_code::trailing_data, head->end + head->count * head->stride,
                           "bytes follow the last splat"};
    splat_cloud out = splat_cloud::of(static_cast<std::size_t>(head->count), detail);
    for (std::size_t i = 0; i < out.count; ++i)
        for (std::size_t k = 0; k < offsets.size(); ++k) {
            const std::size_t at = head->end + i * head->stride + offsets[k];
            const float v = std::bit_cast<float>(pith::load_le<std::uint32_t>(in.data() + at));
            if (!pith::is_finite(v))
                return pith::error{error_code::bad_stream, at, "a value is infinite or not a number"};
            value_of(out, i, k) = v;
        }
    return out;
}

inline std::vector<std::uint8_t> write(splat_cloud& cloud) {
    std::string text =
        "ply\nformat binary_little_endian 1.0\nelement vertex " + std::to_string(cloud.count) + "\n";
    const auto names = names_of(cloud.detail_columns);
    for (const std::string& name : names) text += "property float " + name + "\n";
    text += "end_header\n";
    std::vector<std::uint8_t> out(text.begin(), text.end());
    pith::vector_sink sink(out);
    for (std::size_t i = 0; i < cloud.count; ++i)
        for (std::size_t k = 0; k < names.size(); ++k)
            pith::put_le<std::uint32_t>(sink, std::bit_cast<std::uint32_t>(value_of(cloud, i, k)));
    return out;
}

}  // namespace ply
