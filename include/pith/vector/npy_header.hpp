// The header of NumPy's .npy format: a magic number, a version, and a dictionary in Python's notation.
// NumPy Enhancement Proposal 1, versions 1.0 to 3.0.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include <pith/core/bytes.hpp>
#include <pith/core/result.hpp>

namespace pith::inline v1::vector {

/// What a .npy file says of its one array.
struct npy_header {
    static constexpr std::size_t most_dimensions = 16;

    std::string_view type{};     ///< "<f4" and so on, a view of the file's bytes
    bool columns_first = false;  ///< the first index runs fastest
    std::array<std::uint64_t, most_dimensions> sizes{};
    std::size_t dimensions = 0;
    std::uint64_t size = 0;  ///< bytes in front of the array

    [[nodiscard]] std::span<const std::uint64_t> shape() const noexcept {
        return std::span(sizes).first(dimensions);
    }
};

inline constexpr std::uint8_t npy_magic[6] = {0x93, 'N', 'U', 'M', 'P', 'Y'};

[[nodiscard]] inline bool is_npy(byte_view in) noexcept {
    for (std::size_t i = 0; i < sizeof npy_magic; ++i)
        if (i >= in.size() || in[i] != npy_magic[i]) return false;
    return true;
}

namespace detail {

/// A dictionary of the three members that the format knows, in any order, each once.
class npy_dictionary {
  public:
    /// start: the offset of the text in the file.
    npy_dictionary(std::string_view text, std::uint64_t start) noexcept : text_(text), start_(start) {}

    [[nodiscard]] result<void> read(npy_header& out) noexcept {
        bool seen[3] = {};
        if (!eat('{')) return unclear();
        while (!eat('}')) {
            std::string_view name;
            if (!quoted(name) || !eat(':')) return unclear();
            const std::size_t which = name == "descr" ? 0 : name == "fortran_order" ? 1 : 2;
            if (seen[which] || (which == 2 && name != "shape")) return unclear();
            seen[which] = true;
            if (which == 0 && !quoted(out.type))
                return error{error_code::unsupported_parameter, start_ + at_,
                             "arrays of records cannot be read"};
            if ((which == 1 && !truth(out.columns_first)) || (which == 2 && !shape(out))) return unclear();
            if (!eat(',') && next() != '}') return unclear();
        }
        next();
        if (at_ != text_.size() || !seen[0] || !seen[1] || !seen[2]) return unclear();
        return {};
    }

  private:
    [[nodiscard]] error unclear() const noexcept {
        return {error_code::bad_header, start_ + at_, "the .npy header is not understood from here on"};
    }
    /// The next character that is no space, 0 at the end; not taken.
    char next() noexcept {
        while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n')) ++at_;
        return at_ < text_.size() ? text_[at_] : '\0';
    }
    bool eat(char c) noexcept {
        if (next() != c || at_ == text_.size()) return false;
        return ++at_, true;
    }
    bool quoted(std::string_view& out) noexcept {
        const char quote = next();
        if (quote != '\'' && quote != '"') return false;
        const std::size_t end = text_.find(quote, at_ + 1);
        if (end == std::string_view::npos) return false;
        out = text_.substr(at_ + 1, end - at_ - 1);
        return at_ = end + 1, true;
    }
    bool truth(bool& out) noexcept {
        next();
        for (const bool value : {true, false}) {
            const std::string_view word = value ? "True" : "False";
            if (text_.substr(at_, word.size()) != word) continue;
            return out = value, at_ += word.size(), true;
        }
        return false;
    }
    bool shape(npy_header& out) noexcept {
        if (!eat('(')) return false;
        while (!eat(')')) {
            std::uint64_t n = 0;
            if (next() < '0' || next() > '9' || out.dimensions == npy_header::most_dimensions) return false;
            for (; at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9'; ++at_) {
                if (n > (~std::uint64_t{0} >> 1) / 10 - 1) return false;
                n = 10 * n + static_cast<std::uint64_t>(text_[at_] - '0');
            }
            out.sizes[out.dimensions++] = n;
            if (!eat(',') && next() != ')') return false;
        }
        return true;
    }

    std::string_view text_;
    std::uint64_t start_;
    std::size_t at_ = 0;
};

}  // namespace detail

/// Reads the header of a file that starts with `in`; the array need not be there. Dimensions are below 2^63.
[[nodiscard]] inline result<npy_header> read_npy_header(byte_view in) noexcept {
    if (!is_npy(in)) return error{error_code::bad_magic, 0, "this is not a .npy file"};
    if (in.size() < 10) return error{error_code::truncated, in.size(), "too short for a .npy file"};
    if (in[6] < 1 || in[6] > 3 || in[7] != 0)
        return error{error_code::unsupported_version, 6, "a .npy file of an unknown version"};
    const std::size_t start = in[6] == 1 ? 10 : 12;
    if (in.size() < start) return error{error_code::truncated, in.size(), "the file ends inside its header"};
    const std::uint64_t length =
        in[6] == 1 ? load_le<std::uint16_t>(in.data() + 8) : load_le<std::uint32_t>(in.data() + 8);
    if (length > in.size() - start)
        return error{error_code::truncated, in.size(), "the file ends inside its header"};
    npy_header out;
    out.size = start + length;
    const std::string_view text(reinterpret_cast<const char*>(in.data()) + start,
                                static_cast<std::size_t>(length));
    if (const auto read = detail::npy_dictionary(text, start).read(out); !read) return read.error();
    return out;
}

}  // namespace pith::inline v1::vector
