// NumPy's .npy format: a magic number, a short header in Python's notation, one array.
// Format: NumPy Enhancement Proposal 1, versions 1.0 to 3.0.
#pragma once

#include <pith/core/bytes.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "weights_file.hpp"

namespace weights {

inline constexpr std::uint8_t npy_magic[6] = {0x93, 'N', 'U', 'M', 'P', 'Y'};

inline constexpr named_type npy_types[] = {
    {"|b1", pith::codec::element::boolean}, {"|u1", pith::codec::element::u8},
    {"|i1", pith::codec::element::i8},      {"<u2", pith::codec::element::u16},
    {"<i2", pith::codec::element::i16},     {"<f2", pith::codec::element::f16},
    {"<u4", pith::codec::element::u32},     {"<i4", pith::codec::element::i32},
    {"<f4", pith::codec::element::f32},     {"<u8", pith::codec::element::u64},
    {"<i8", pith::codec::element::i64},     {"<f8", pith::codec::element::f64},
    {"<c8", pith::codec::element::u64},     {"|V2", pith::codec::element::bf16}};

namespace detail {

/// A dictionary of the three members that the format knows, in any order.
class npy_header {
  public:
    explicit npy_header(std::string_view text) : text_(text) {}

    [[nodiscard]] complaint read(tensor_entry& out, bool& columns_first) {
        bool seen[3] = {};
        if (!eat('{')) return bad();
        while (!eat('}')) {
            std::string name;
            if (!quoted(name) || !eat(':')) return bad();
            const int which = name == "descr" ? 0 : name == "fortran_order" ? 1 : name == "shape" ? 2 : -1;
            if (which < 0 || seen[which]) return bad();
            seen[which] = true;
            if (which == 0) {
                if (!quoted(out.type)) return "arrays of records are not supported";
            } else if (which == 1) {
                if (!truth(columns_first)) return bad();
            } else if (!shape(out.shape)) {
                return bad();
            }
            if (!eat(',') && (skip(), at_ == text_.size() || text_[at_] != '}')) return bad();
        }
        skip();
        if (at_ != text_.size() || !seen[0] || !seen[1] || !seen[2]) return bad();
        return {};
    }

  private:
    [[nodiscard]] complaint bad() const {
        return "the .npy header is not understood from its byte " + std::to_string(at_) + " on";
    }
    void skip() {
        while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n')) ++at_;
    }
    bool eat(char c) {
        skip();
        if (at_ == text_.size() || text_[at_] != c) return false;
        return ++at_, true;
    }
    bool quoted(std::string& out) {
        skip();
        if (at_ == text_.size() || (text_[at_] != '\'' && text_[at_] != '"')) return false;
        const std::size_t end = text_.find(text_[at_], at_ + 1);
        if (end == std::string_view::npos) return false;
        out = text_.substr(at_ + 1, end - at_ - 1);
        return at_ = end + 1, true;
    }
    bool truth(bool& out) {
        skip();
        for (const bool value : {true, false}) {
            const std::string_view word = value ? "True" : "False";
            if (text_.substr(at_, word.size()) != word) continue;
            return out = value, at_ += word.size(), true;
        }
        return false;
    }
    bool shape(std::vector<std::size_t>& out) {
        if (!eat('(')) return false;
        while (!eat(')')) {
            std::uint64_t n = 0;
            const std::size_t start = (skip(), at_);
            for (; at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9'; ++at_) {
                if (n > (~std::uint64_t{0} >> 1) / 10 - 1) return false;
                n = 10 * n + static_cast<std::uint64_t>(text_[at_] - '0');
            }
            if (at_ == start || out.size() == pith::codec::max_rank) return false;
            out.push_back(static_cast<std::size_t>(n));
            if (!eat(',') && (skip(), at_ == text_.size() || text_[at_] != ')')) return false;
        }
        return true;
    }

    std::string_view text_;
    std::size_t at_ = 0;
};

}  // namespace detail

[[nodiscard]] inline bool is_npy(pith::byte_view in) {
    for (std::size_t i = 0; i < sizeof npy_magic; ++i)
        if (i >= in.size() || in[i] != npy_magic[i]) return false;
    return true;
}

/// Reads the header of a file of `size` bytes that starts with `in`, as read_safetensors does.
[[nodiscard]] inline complaint read_npy(pith::byte_view in, std::uint64_t size, weights_file& out) {
    if (!is_npy(in) || in.size() < 10) return "too short for a .npy file";
    const std::size_t start = in[6] == 1 ? 10 : 12;
    if (in[6] < 1 || in[6] > 3 || in[7] != 0) return "a .npy file of an unknown version";
    if (in.size() < start) return "the file ends inside its header";
    const std::uint64_t length = in[6] == 1 ? pith::load_le<std::uint16_t>(in.data() + 8)
                                            : pith::load_le<std::uint32_t>(in.data() + 8);
    if (length > size - start || length > in.size() - start) return "the file ends inside its header";
    tensor_entry one;
    one.name = "array";
    bool columns_first = false;
    const std::string_view text(reinterpret_cast<const char*>(in.data()) + start,
                                static_cast<std::size_t>(length));
    if (complaint wrong = detail::npy_header(text).read(one, columns_first); !wrong.empty()) return wrong;
    bool known = false;
    for (const named_type& t : npy_types) {
        if (one.type != t.name) continue;
        one.element = t.element;
        known = true;
    }
    if (!known) return "arrays of type \"" + printable(one.type) + "\" are not supported";
    if (columns_first) one.shape = {one.shape.rbegin(), one.shape.rend()};  // the order of the bytes
    std::uint64_t bytes = 0;
    if (!size_of_shape(one.shape, one.element, bytes)) return "the array's shape is too large";
    out.header_size = start + length;
    if (bytes != size - out.header_size)
        return "the array has " + std::to_string(size - out.header_size) +
               " bytes, where its type and shape need " + std::to_string(bytes);
    one.begin = out.header_size;
    one.end = size;
    out.tensors = {one};
    return {};
}

}  // namespace weights
