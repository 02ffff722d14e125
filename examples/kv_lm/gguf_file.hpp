// The GGUF container: typed metadata by name, descriptions of tensors, aligned data.
// Format: ggml project (Gerganov and others), versions 2 and 3, little endian. Every count is checked against
// the bytes that are left before memory is taken.
#pragma once

#include <bit>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <pith/core/bytes.hpp>

#include "tensors.hpp"

namespace lm {

/// One entry of the metadata: a number, a text, or a list of either. Views into the file.
struct gguf_value {
    enum class kind : std::uint8_t { whole, real, text, wholes, reals, texts, other };
    kind is = kind::other;
    std::int64_t whole = 0;
    double real = 0;
    std::string_view text{};
    std::vector<std::int64_t> wholes{};
    std::vector<float> reals{};
    std::vector<std::string_view> texts{};
};

struct gguf_file {
    std::unordered_map<std::string, gguf_value> metadata{};
    lm::tensors tensors{};

    [[nodiscard]] const gguf_value* find(const std::string& name, gguf_value::kind is) const {
        const auto at = metadata.find(name);
        return at == metadata.end() || at->second.is != is ? nullptr : &at->second;
    }
};

namespace detail {

class gguf_reader {
  public:
    explicit gguf_reader(pith::byte_view file) : file_(file), in_(file) {}

    complaint read(gguf_file& out) {
        const bool magic = in_.read_le<std::uint32_t>().value_or(0) == 0x46554747;
        if (!magic) return "no GGUF file";
        const auto version = number<std::uint32_t>();
        const auto tensors = number<std::uint64_t>(), entries = number<std::uint64_t>();
        if (cut_) return "the file ends in its header";
        if (version != 2 && version != 3) return "GGUF version " + std::to_string(version) + ", not 2 or 3";
        // A description takes at least 24 bytes, an entry 12.
        if (tensors > in_.remaining() / 24 || entries > in_.remaining() / 12)
            return "it claims more tensors or metadata than the file has room for";
        for (std::uint64_t i = 0; i < entries; ++i)
            if (complaint wrong = read_entry(out); !wrong.empty()) return wrong;
        return read_tensors(tensors, out);
    }

  private:
    template <class T>
    T number() {
        const auto v = in_.read_le<T>();
        cut_ = cut_ || !v;
        return v ? *v : T{0};
    }
    std::string_view text() {
        const auto size = number<std::uint64_t>();
        const auto bytes = in_.read_bytes(size);
        cut_ = cut_ || !bytes;
        if (!bytes) return {};
        return {reinterpret_cast<const char*>(bytes->data()), bytes->size()};
    }
    enum type : std::uint32_t { u8, i8, u16, i16, u32, i32, f32, boolean, string, array, u64, i64, f64 };

    static std::size_t size_of(std::uint32_t t) {
        constexpr std::size_t sizes[] = {1, 1, 2, 2, 4, 4, 4, 1, 8, 12, 8, 8, 8};
        return t > f64 ? 0 : sizes[t];
    }
    std::int64_t whole(std::uint32_t t) {
        switch (t) {
            case u8:
            case boolean:
                return number<std::uint8_t>();
            case i8:
                return static_cast<std::int8_t>(number<std::uint8_t>());
            case u16:
                return number<std::uint16_t>();
            case i16:
                return static_cast<std::int16_t>(number<std::uint16_t>());
            case u32:
                return number<std::uint32_t>();
            case i32:
                return static_cast<std::int32_t>(number<std::uint32_t>());
            default:
                return static_cast<std::int64_t>(number<std::uint64_t>());
        }
    }
    double real(std::uint32_t t) {
        if (t == f32) return static_cast<double>(std::bit_cast<float>(number<std::uint32_t>()));
        return std::bit_cast<double>(number<std::uint64_t>());
    }
    complaint read_entry(gguf_file& out) {
        const std::string name(text());
        const auto t = number<std::uint32_t>();
        if (cut_) return "the file ends in its metadata";
        gguf_value v;
        using kind = gguf_value::kind;
        if (t == string) {
            v.is = kind::text;
            v.text = text();
        } else if (t == f32 || t == f64) {
            v.is = kind::real;
            v.real = real(t);
        } else if (t == array) {
            if (complaint wrong = read_list(v); !wrong.empty()) return name.substr(0, 60) + ": " + wrong;
        } else if (t <= f64) {
            v.is = kind::whole;
            v.whole = whole(t);
        } else {
            return "metadata of an unknown type (" + std::to_string(t) + ")";
        }
        if (cut_) return "the file ends in its metadata";
        if (!out.metadata.emplace(name, std::move(v)).second)
            return "metadata occur twice: " + name.substr(0, 60);
        return {};
    }
    complaint read_list(gguf_value& v) {
        using kind = gguf_value::kind;
        const auto t = number<std::uint32_t>();
        const auto count = number<std::uint64_t>();
        if (t > f64 || t == array) return "a list of a type that is not known";
        if (cut_ || count > in_.remaining() / size_of(t)) return "a list longer than the file";
        v.is = t == string ? kind::texts : t == f32 || t == f64 ? kind::reals : kind::wholes;
        for (std::uint64_t i = 0; i < count && !cut_; ++i) {
            if (v.is == kind::texts)
                v.texts.push_back(text());
            else if (v.is == kind::reals)
                v.reals.push_back(static_cast<float>(real(t)));
            else
                v.wholes.push_back(whole(t));
        }
        return {};
    }
    static bool format_of(std::uint32_t ggml_type, format& out) {
        constexpr struct {
            std::uint32_t number;
            format is;
        } known[] = {{0, format::f32},   {1, format::f16},   {2, format::q4_0}, {8, format::q8_0},
                     {12, format::q4_k}, {14, format::q6_k}, {30, format::bf16}};
        for (const auto& k : known)
            if (k.number == ggml_type) return out = k.is, true;
        return false;
    }
    struct placed {
        std::string name{};
        tensor about{};
        std::uint64_t offset = 0, bytes = 0;
    };
    complaint read_tensor(placed& out) {
        out.name = std::string(text());
        const std::string who = "tensor " + out.name.substr(0, 60) + ": ";
        const auto dimensions = number<std::uint32_t>();
        if (cut_) return "the file ends in its list of tensors";
        if (dimensions < 1 || dimensions > 2) return who + "it has not one or two dimensions";
        const auto columns = number<std::uint64_t>();
        const std::uint64_t rows = dimensions == 2 ? number<std::uint64_t>() : 1;
        const auto ggml_type = number<std::uint32_t>();
        out.offset = number<std::uint64_t>();
        if (cut_) return "the file ends in its list of tensors";
        if (!format_of(ggml_type, out.about.stored))
            return who + "its format (" + std::to_string(ggml_type) +
                   ") is none of F32, F16, BF16, Q8_0, Q4_0, Q4_K, Q6_K";
        if (!bytes_of(out.about.stored, rows, columns, out.bytes))
            return who + "its shape does not fit its format";
        out.about.rows = static_cast<std::size_t>(rows);
        out.about.columns = static_cast<std::size_t>(columns);
        return {};
    }
    complaint read_tensors(std::uint64_t count, gguf_file& out) {
        std::vector<placed> all(static_cast<std::size_t>(count));
        for (placed& p : all)
            if (complaint wrong = read_tensor(p); !wrong.empty()) return wrong;
        const gguf_value* const asked = out.find("general.alignment", gguf_value::kind::whole);
        const std::int64_t alignment = asked == nullptr ? 32 : asked->whole;
        if (alignment < 1 || alignment > 1 << 20) return "general.alignment is out of range";
        const auto step = static_cast<std::size_t>(alignment);
        const std::size_t data = (in_.position() + step - 1) / step * step;
        for (placed& p : all) {
            const std::size_t room = data < file_.size() ? file_.size() - data : 0;
            if (p.offset > room || p.bytes > room - p.offset)
                return "tensor " + p.name.substr(0, 60) + " does not lie in the file";
            p.about.bytes =
                file_.subspan(data + static_cast<std::size_t>(p.offset), static_cast<std::size_t>(p.bytes));
            if (!out.tensors.emplace(p.name, p.about).second)
                return "tensor " + p.name.substr(0, 60) + " occurs twice";
        }
        return {};
    }

    pith::byte_view file_;
    pith::byte_reader in_;
    bool cut_ = false;
};

}  // namespace detail

/// Reads everything but the numbers of the tensors; `out` looks into the file.
inline complaint read_gguf(pith::byte_view file, gguf_file& out) {
    return detail::gguf_reader(file).read(out);
}

}  // namespace lm
