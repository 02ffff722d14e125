// The safetensors format: 8 bytes of length, a JSON header, the tensors' bytes without holes or overlaps.
// Format: Hugging Face, safetensors; the JSON is read by nlohmann's parser, piece by piece.
#pragma once

#include <pith/core/bytes.hpp>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <tuple>
#include <unordered_set>
#include <utility>
#include <vector>

#include "entries.hpp"

namespace weights {

/// The longest header that the format's own reader takes.
inline constexpr std::uint64_t most_header = 100'000'000;

inline constexpr named_type safetensors_types[] = {
    {"BOOL", pith::codec::element::boolean},    {"U8", pith::codec::element::u8},
    {"I8", pith::codec::element::i8},           {"F8_E5M2", pith::codec::element::f8_e5m2},
    {"F8_E4M3", pith::codec::element::f8_e4m3}, {"F8_E8M0", pith::codec::element::u8},
    {"I16", pith::codec::element::i16},         {"U16", pith::codec::element::u16},
    {"F16", pith::codec::element::f16},         {"BF16", pith::codec::element::bf16},
    {"I32", pith::codec::element::i32},         {"U32", pith::codec::element::u32},
    {"F32", pith::codec::element::f32},         {"F64", pith::codec::element::f64},
    {"I64", pith::codec::element::i64},         {"U64", pith::codec::element::u64},
    {"C64", pith::codec::element::u64}};

namespace detail {

/// Takes the events of the parser. Nothing is kept of what the format does not know; memory stays within a
/// small multiple of the header.
class header_events final : public nlohmann::json_sax<nlohmann::json> {
  public:
    header_events(std::span<const named_type> types, weights_file& out)
        : types_(types), tensors_(&out.tensors), metadata_(&out.metadata) {}

    complaint wrong{};

    bool null() override { return value("null"); }
    bool boolean(bool) override { return value("a truth value"); }
    bool number_integer(number_integer_t) override { return value("a negative number"); }
    bool number_float(number_float_t, const string_t&) override {
        return value("a number that is no integer");
    }
    bool binary(binary_t&) override { return value("bytes"); }
    bool number_unsigned(number_unsigned_t v) override {
        if (place_ == place::shape) {
            if (v > std::numeric_limits<std::size_t>::max() >> 1) return fail("a dimension is too large");
            tensors_->back().shape.push_back(static_cast<std::size_t>(v));
            return tensors_->back().shape.size() <= pith::codec::max_rank || fail("more than 16 dimensions");
        }
        if (place_ != place::offsets) return value("a number");
        if (offsets_ == 2) return fail("data_offsets has more than two numbers");
        (offsets_++ == 0 ? tensors_->back().begin : tensors_->back().end) = v;
        return true;
    }
    bool string(string_t& v) override {
        if (place_ == place::metadata) return metadata_->at(member_) = v, true;
        if (place_ != place::tensor || member_ != "dtype") return value("a text");
        std::string known;
        for (const named_type& t : types_) {
            known += (known.empty() ? "" : ", ") + std::string(t.name);
            if (v != t.name) continue;
            tensors_->back().type = v;
            tensors_->back().element = t.element;
            return true;
        }
        return fail("the dtype \"" + printable(v) + "\" is not known: it is none of " + known);
    }
    bool start_object(std::size_t) override {
        switch (place_) {
            case place::outside:
                place_ = place::top;
                return true;
            case place::top:
                if (member_ == "__metadata__") {
                    place_ = place::metadata;
                } else {
                    place_ = place::tensor;
                    offsets_ = 0;
                    seen_.clear();
                    tensors_->push_back({.name = member_, .type = {}});
                }
                return true;
            default:
                return value("an object");
        }
    }
    bool end_object() override {
        if (place_ == place::metadata) {
            place_ = place::top;
        } else if (place_ == place::tensor) {
            if (seen_.size() != 3) return fail("dtype, shape or data_offsets is missing");
            place_ = place::top;
        } else {
            place_ = place::outside;
        }
        return true;
    }
    bool start_array(std::size_t) override {
        if (place_ == place::tensor && member_ == "shape") {
            place_ = place::shape;
        } else if (place_ == place::tensor && member_ == "data_offsets") {
            place_ = place::offsets;
        } else {
            return value("a list");
        }
        return true;
    }
    bool end_array() override {
        if (place_ == place::offsets && offsets_ != 2) return fail("data_offsets has fewer than two numbers");
        place_ = place::tensor;
        return true;
    }
    bool key(string_t& name) override {
        member_ = name;
        if (place_ == place::top)
            return names_.insert(name).second ||
                   fail("the name \"" + printable(name) + "\" occurs twice", false);
        if (place_ == place::metadata)
            return metadata_->try_emplace(name).second ||
                   fail("the key \"" + printable(name) + "\" of __metadata__ occurs twice", false);
        if (name != "dtype" && name != "shape" && name != "data_offsets")
            return fail("the member \"" + printable(name) + "\" is not known");
        if (std::find(seen_.begin(), seen_.end(), name) != seen_.end())
            return fail(printable(name) + " occurs twice");
        seen_.push_back(name);
        return true;
    }
    bool parse_error(std::size_t at, const std::string&, const nlohmann::json::exception&) override {
        wrong = "the header is no JSON (byte " + std::to_string(at == 0 ? 8 : 7 + at) + ")";
        return false;
    }

  private:
    enum class place { outside, top, metadata, tensor, shape, offsets };

    bool fail(const std::string& what, bool name_it = true) {
        const bool named = name_it && place_ != place::outside && place_ != place::top &&
                           place_ != place::metadata && !tensors_->empty();
        wrong = named ? "tensor \"" + printable(tensors_->back().name) + "\": " + what : what;
        return false;
    }
    /// A value of a kind that must not stand here.
    bool value(const char* kind) {
        switch (place_) {
            case place::outside:
                return fail("the header is no JSON object");
            case place::top:
                return fail("\"" + printable(member_) + "\" is " + kind + ", not an object", false);
            case place::metadata:
                return fail("__metadata__ holds " + std::string(kind) + ", not texts only", false);
            case place::tensor:
                return fail(printable(member_) + " is " + kind);
            default:
                return fail(printable(member_) + " holds " + kind);
        }
    }

    std::span<const named_type> types_;
    std::vector<tensor_entry>* tensors_;
    std::unordered_map<std::string, std::string>* metadata_;
    place place_ = place::outside;
    std::string member_{};
    unsigned offsets_ = 0;
    std::vector<std::string> seen_{};
    std::unordered_set<std::string> names_{};
};

/// Orders the tensors by place, and checks that they fill `room` bytes exactly.
inline complaint check_places(std::vector<tensor_entry>& tensors, std::uint64_t room) {
    for (const tensor_entry& t : tensors) {
        const std::string who = "tensor \"" + printable(t.name) + "\": ";
        std::uint64_t bytes = 0;
        if (!size_of_shape(t.shape, t.element, bytes)) return who + "its shape is too large";
        if (t.begin > t.end) return who + "data_offsets end before they begin";
        if (t.end > room)
            return who + "does not lie in the file: it ends at byte " + std::to_string(t.end) + " of " +
                   std::to_string(room) + " bytes of data";
        if (t.end - t.begin != bytes)
            return who + "has " + std::to_string(t.end - t.begin) +
                   " bytes, where its dtype and shape need " + std::to_string(bytes);
    }
    std::sort(tensors.begin(), tensors.end(), [](const tensor_entry& a, const tensor_entry& b) {
        return std::tie(a.begin, a.end, a.name) < std::tie(b.begin, b.end, b.name);
    });
    std::uint64_t at = 0;
    for (const tensor_entry& t : tensors) {
        if (t.begin < at) return "tensor \"" + printable(t.name) + "\" overlaps another one";
        if (t.begin > at) return "there is a hole before tensor \"" + printable(t.name) + "\"";
        at = t.end;
    }
    if (at != room) return std::to_string(room - at) + " bytes follow the last tensor";
    return {};
}

}  // namespace detail

/// Reads the header of a file of `size` bytes that starts with `in`; `in` holds at least the header unless
/// the file is too short. Every offset in `out` lies in the file; other types than `types` are refused.
[[nodiscard]] inline complaint read_safetensors(pith::byte_view in, std::uint64_t size, weights_file& out,
                                                std::span<const named_type> types = safetensors_types) {
    if (in.size() < 10 || size < 10) return "too short for a safetensors file";
    const auto length = pith::load_le<std::uint64_t>(in.data());
    if (length > most_header)
        return "no safetensors file: its header would have " + std::to_string(length) + " bytes";
    if (length > size - 8 || length > in.size() - 8)
        return "the file ends inside its header of " + std::to_string(length) + " bytes";
    const std::uint8_t* const text = in.data() + 8;
    if (length < 2 || text[0] != '{') return "no safetensors file: its header does not start with {";
    out = {};
    detail::header_events events(types, out);
    if (!nlohmann::json::sax_parse(text, text + length, &events))
        return events.wrong.empty() ? "the header is no JSON" : events.wrong;
    out.header_size = 8 + length;
    if (complaint wrong = detail::check_places(out.tensors, size - out.header_size); !wrong.empty())
        return wrong;
    for (tensor_entry& t : out.tensors) {
        t.begin += out.header_size;
        t.end += out.header_size;
    }
    return {};
}

}  // namespace weights
