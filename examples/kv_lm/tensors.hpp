// Named tensors of a model file, and their numbers as float32 from whatever format they are stored in.
// Block formats of ggml (Gerganov and others): groups of 32 or 256 values with scales of their own.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include <pith/core/bytes.hpp>
#include <pith/core/number.hpp>

#include "model.hpp"

namespace lm {

enum class format : std::uint8_t { f32, f16, bf16, q4_0, q8_0, q4_k, q6_k };

struct format_layout {
    std::size_t values, bytes;  ///< of one block
};
inline format_layout layout_of(format f) {
    constexpr format_layout layouts[] = {{1, 4}, {1, 2}, {1, 2}, {32, 18}, {32, 34}, {256, 144}, {256, 210}};
    return layouts[static_cast<std::size_t>(f)];
}

/// A tensor in a file that stays in memory. `columns` is the size that varies fastest.
struct tensor {
    format stored = format::f32;
    std::size_t rows = 0, columns = 0;
    pith::byte_view bytes{};
};
using tensors = std::unordered_map<std::string, tensor>;

namespace detail {

inline float half_at(const std::uint8_t* p) {
    return static_cast<float>(pith::half::from_bits(pith::load_le<std::uint16_t>(p)));
}
inline void read_q4_0(const std::uint8_t* block, float* out) {
    const float scale = half_at(block);
    for (std::size_t i = 0; i < 16; ++i) {
        out[i] = scale * static_cast<float>((block[2 + i] & 15) - 8);
        out[16 + i] = scale * static_cast<float>((block[2 + i] >> 4) - 8);
    }
}
inline void read_q8_0(const std::uint8_t* block, float* out) {
    const float scale = half_at(block);
    for (std::size_t i = 0; i < 32; ++i)
        out[i] = scale * static_cast<float>(std::bit_cast<std::int8_t>(block[2 + i]));
}
/// Six-bit scale and minimum of sub-block j: four plain pairs, then four whose upper bits lie above those.
inline void scale_and_minimum(const std::uint8_t* s, std::size_t j, int& scale, int& minimum) {
    if (j < 4) {
        scale = s[j] & 63;
        minimum = s[j + 4] & 63;
    } else {
        scale = (s[j + 4] & 15) | (s[j - 4] >> 6 << 4);
        minimum = (s[j + 4] >> 4) | (s[j] >> 6 << 4);
    }
}
/// Two scales, eight sub-blocks of 32: each 32 bytes hold sub-block 2k in their low halves, 2k + 1 above.
inline void read_q4_k(const std::uint8_t* block, float* out) {
    const float super_scale = half_at(block), super_minimum = half_at(block + 2);
    for (std::size_t j = 0; j < 8; ++j) {
        int scale = 0, minimum = 0;
        scale_and_minimum(block + 4, j, scale, minimum);
        const float step = super_scale * static_cast<float>(scale);
        const float offset = super_minimum * static_cast<float>(minimum);
        const std::uint8_t* const codes = block + 16 + j / 2 * 32;
        for (std::size_t i = 0; i < 32; ++i)
            out[32 * j + i] = step * static_cast<float>(codes[i] >> (j % 2 * 4) & 15) - offset;
    }
}
/// 128 bytes of low halves, 64 of upper pairs, sixteen int8 scales, one half; 128 values at a time.
inline void read_q6_k(const std::uint8_t* block, float* out) {
    const float super_scale = half_at(block + 208);
    for (std::size_t n = 0; n < 2; ++n) {
        const std::uint8_t *const low = block + 64 * n, *const high = block + 128 + 32 * n;
        for (std::size_t i = 0; i < 128; ++i) {
            const std::size_t quarter = i / 32, l = i % 32;
            const int four = low[l + quarter % 2 * 32] >> (quarter / 2 * 4) & 15;
            const int two = high[l] >> (2 * quarter) & 3;
            const auto scale = std::bit_cast<std::int8_t>(block[192 + 8 * n + i / 16]);
            out[128 * n + i] = super_scale * static_cast<float>(scale * ((four | two << 4) - 32));
        }
    }
}

}  // namespace detail

/// All numbers of a tensor; its bytes are as many as its shape and format need.
inline std::vector<float> floats_of(const tensor& t) {
    const format_layout layout = layout_of(t.stored);
    std::vector<float> out(t.rows * t.columns);
    for (std::size_t b = 0; b < out.size() / layout.values; ++b) {
        const std::uint8_t* const from = t.bytes.data() + b * layout.bytes;
        float* const to = out.data() + b * layout.values;
        switch (t.stored) {
            case format::f32:
                *to = std::bit_cast<float>(pith::load_le<std::uint32_t>(from));
                break;
            case format::f16:
                *to = detail::half_at(from);
                break;
            case format::bf16:
                *to = static_cast<float>(pith::bfloat16::from_bits(pith::load_le<std::uint16_t>(from)));
                break;
            case format::q4_0:
                detail::read_q4_0(from, to);
                break;
            case format::q8_0:
                detail::read_q8_0(from, to);
                break;
            case format::q4_k:
                detail::read_q4_k(from, to);
                break;
            case format::q6_k:
                detail::read_q6_k(from, to);
                break;
        }
    }
    return out;
}

/// Bytes that rows x columns values take; false when that is no whole number of blocks a row, or too much.
inline bool bytes_of(format f, std::uint64_t rows, std::uint64_t columns, std::uint64_t& bytes) {
    const format_layout layout = layout_of(f);
    constexpr std::uint64_t most = std::uint64_t{1} << 40;
    if (columns == 0 || rows == 0 || columns > most || rows > most / columns) return false;
    if (columns % layout.values != 0) return false;
    bytes = rows * columns / layout.values * layout.bytes;
    return true;
}

/// Takes a model's parts by name, checks their shapes, and keeps the first complaint.
class parts {
  public:
    explicit parts(const tensors& from) : from_(&from) {}

    [[nodiscard]] const complaint& wrong() const { return wrong_; }
    [[nodiscard]] bool has(const std::string& name) const { return from_->contains(name); }
    matrix take(const std::string& name, std::size_t rows, std::size_t columns) {
        matrix out{rows, columns, {}};
        const auto at = from_->find(name);
        if (!wrong_.empty()) return out;
        if (at == from_->end()) {
            wrong_ = "there is no tensor " + name;
        } else if (at->second.rows != rows || at->second.columns != columns) {
            wrong_ = "tensor " + name + " is " + std::to_string(at->second.rows) + " x " +
                     std::to_string(at->second.columns) + ", not " + std::to_string(rows) + " x " +
                     std::to_string(columns);
        } else {
            out.values = floats_of(at->second);
            check_numbers(name, out.values);
        }
        return out;
    }
    std::vector<float> take(const std::string& name, std::size_t size) {
        return std::move(take(name, 1, size).values);
    }

  private:
    void check_numbers(const std::string& name, const std::vector<float>& values) {
        for (const float v : values)
            if (!(v >= -1e6F && v <= 1e6F)) wrong_ = "tensor " + name + " holds what is no number";
    }

    const tensors* from_;
    complaint wrong_;
};

}  // namespace lm
