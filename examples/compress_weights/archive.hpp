// A weight file as a list of sections: what it was, its header, and one tensor stream a tensor.
// WGTS: version, format, tier, base (a byte each), u32 tensors, u64 bytes and digest of the file, u64 bytes
// of its header, u64 digest of the base. HEAD: the header as a frame. TENS: a tensor, in the file's order.
#pragma once

#include <pith/codec/tensor.hpp>
#include <pith/codec/tensor_archive.hpp>
#include <pith/codec/tensor_instant.hpp>
#include <pith/codec/tensor_rans.hpp>
#include <pith/container/frame.hpp>
#include <pith/container/section.hpp>
#include <pith/core/checksum.hpp>
#include <pith/core/parallel.hpp>
#include <pith/entropy/adaptive_nibble.hpp>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "../weights_file/entries.hpp"
#include "../weights_file/npy.hpp"
#include "../weights_file/safetensors.hpp"

namespace weights {

enum class file_format : std::uint8_t { safetensors = 0, npy = 1 };
enum class tier : std::uint8_t { instant = 0, rans = 1, archive = 2 };
inline constexpr const char* tier_names[] = {"instant", "rans", "archive"};

/// f.template operator()<Tier>() for the tier.
template <class F>
auto with_tier(tier t, F&& f) {
    if (t == tier::instant) return f.template operator()<pith::codec::instant>();
    if (t == tier::rans) return f.template operator()<pith::codec::rans_planes>();
    return f.template operator()<pith::codec::archive>();
}

/// Reads a file's header, whichever format it has.
[[nodiscard]] inline complaint read_header(pith::byte_view in, std::uint64_t size, file_format format,
                                           weights_file& out) {
    return format == file_format::npy ? read_npy(in, size, out) : read_safetensors(in, size, out);
}

/// A file in memory with its tensors.
struct weights_view {
    pith::byte_view bytes{};
    file_format format = file_format::safetensors;
    weights_file layout{};

    [[nodiscard]] complaint open(pith::byte_view in) {
        bytes = in;
        format = pith::vector::is_npy(in) ? file_format::npy : file_format::safetensors;
        return read_header(in, in.size(), format, layout);
    }
    [[nodiscard]] pith::byte_view data(const tensor_entry& t) const {
        return bytes.subspan(static_cast<std::size_t>(t.begin), static_cast<std::size_t>(t.end - t.begin));
    }
};

/// The tensors of an earlier checkpoint, by name.
class base_tensors {
  public:
    base_tensors() = default;
    explicit base_tensors(const weights_view& from) : from_(&from), digest_(pith::xxh64_of(from.bytes)) {
        for (const tensor_entry& t : from.layout.tensors) by_name_[t.name] = &t;
    }
    [[nodiscard]] bool present() const { return from_ != nullptr; }
    [[nodiscard]] std::uint64_t digest() const { return digest_; }
    /// The bytes of the tensor of that name if type and shape are the same, else none.
    [[nodiscard]] pith::byte_view of(const tensor_entry& t) const {
        const auto found = by_name_.find(t.name);
        if (found == by_name_.end() || found->second->element != t.element || found->second->shape != t.shape)
            return {};
        return from_->data(*found->second);
    }

  private:
    const weights_view* from_ = nullptr;
    std::uint64_t digest_ = 0;
    std::map<std::string, const tensor_entry*> by_name_{};
};

/// A compressed file, opened: views into it.
struct archive {
    static constexpr std::size_t fixed_size = 40;

    file_format format = file_format::safetensors;
    tier at_tier = tier::rans;
    bool needs_base = false;
    std::uint64_t size = 0, digest = 0, base_digest = 0;
    std::vector<std::uint8_t> header{};
    weights_file layout{};
    std::vector<pith::byte_view> streams{};  ///< one for each of layout.tensors
    std::vector<std::uint64_t> offsets{};    ///< of the streams in the file

    /// Checks everything but the tensors' blocks. `why` has more words about the header where it is wrong.
    [[nodiscard]] static pith::result<archive> open(pith::byte_view in, const pith::limits& bound,
                                                    complaint& why);
};

namespace detail {

using header_codec = pith::entropy::adaptive_nibble<2>;
using header_recipes = pith::container::recipe_list<header_codec>;
inline constexpr std::uint8_t archive_version = 1;

inline pith::result<void> read_fixed(const pith::container::section& s, archive& out, std::uint64_t& header,
                                     std::uint32_t& tensors) {
    using pith::error_code;
    if (s.id != pith::container::section_id("WGTS"))
        return pith::error{error_code::bad_magic, s.offset, "these sections are not those of a weight file"};
    const pith::byte_view p = s.payload;
    if (p.size() != archive::fixed_size)
        return pith::error{error_code::bad_header, s.offset, "the first section has a wrong size"};
    if (p[0] > archive_version)
        return pith::error{error_code::unsupported_version, s.offset, "written by a later release"};
    if (p[0] == 0 || p[1] > 1 || p[2] > 2 || p[3] > 1)
        return pith::error{error_code::bad_header, s.offset, "the first section has values out of range"};
    out.format = static_cast<file_format>(p[1]);
    out.at_tier = static_cast<tier>(p[2]);
    out.needs_base = p[3] != 0;
    tensors = pith::load_le<std::uint32_t>(p.data() + 4);
    out.size = pith::load_le<std::uint64_t>(p.data() + 8);
    out.digest = pith::load_le<std::uint64_t>(p.data() + 16);
    header = pith::load_le<std::uint64_t>(p.data() + 24);
    out.base_digest = pith::load_le<std::uint64_t>(p.data() + 32);
    if (header > out.size || header > most_header + 8 || (!out.needs_base && out.base_digest != 0))
        return pith::error{error_code::bad_header, s.offset, "the first section has values out of range"};
    return {};
}

/// Whether a stream is of the tensor that the header names.
inline pith::result<void> check_stream(const tensor_entry& t, pith::byte_view stream,
                                       const pith::limits& bound) {
    const auto info = pith::codec::inspect_tensor(stream, bound);
    if (!info) return info.error();
    bool same = info->type == t.element && info->rank == t.shape.size() && info->bytes == t.end - t.begin;
    for (std::size_t k = 0; same && k < t.shape.size(); ++k) same = info->shape[k] == t.shape[k];
    if (!same)
        return pith::error{pith::error_code::bad_header, 0, "a tensor is not the one that the header names"};
    return {};
}

}  // namespace detail

inline pith::result<archive> archive::open(pith::byte_view in, const pith::limits& bound, complaint& why) {
    namespace box = pith::container;
    using pith::error_code;
    archive out;
    auto reader = box::section_reader::open(in, bound);
    if (!reader) return reader.error();
    std::uint64_t header_size = 0, header_at = 0;
    std::uint32_t tensors = 0;
    unsigned seen = 0;  // fixed section, header
    for (box::section s;;) {
        const auto more = reader->next(s);
        if (!more) return more.error();
        if (!*more) break;
        if (seen == 0) {
            if (const auto ok = detail::read_fixed(s, out, header_size, tensors); !ok) return ok.error();
            ++seen;
        } else if (seen == 1 && s.id == box::section_id("HEAD")) {
            pith::limits head = bound;
            head.max_output = header_size < bound.max_output ? header_size : bound.max_output;
            auto header = box::decode_frame<detail::header_recipes>(s.payload, head);
            if (!header) return header.error().shifted_by(s.offset);
            out.header = std::move(*header);
            header_at = s.offset;
            ++seen;
        } else if (seen == 2 && s.id == box::section_id("TENS")) {
            out.streams.push_back(s.payload);
            out.offsets.push_back(s.offset);
        } else if (const auto ok = box::section_reader::skip(s); !ok) {
            return ok.error();
        }
    }
    if (seen != 2) return pith::error{error_code::bad_header, in.size(), "the header's section is missing"};
    why = read_header(out.header, out.size, out.format, out.layout);
    if (!why.empty() || out.layout.header_size != header_size || out.header.size() != header_size)
        return pith::error{error_code::bad_header, header_at, "the header is not that of a weight file"};
    if (out.layout.tensors.size() != tensors || out.streams.size() != tensors)
        return pith::error{error_code::bad_header, in.size(), "there are not as many tensors as stated"};
    for (std::size_t i = 0; i < tensors; ++i) {
        const auto ok = detail::check_stream(out.layout.tensors[i], out.streams[i], bound);
        if (!ok) return ok.error().shifted_by(out.offsets[i]);
    }
    return out;
}

/// A byte_sink over an output of bytes; the first failure is kept, what follows it is dropped.
template <pith::container::byte_output Output>
class output_sink {
  public:
    explicit output_sink(Output& out) : out_(&out) {}
    void put(std::uint8_t b) { append(pith::byte_view(&b, 1)); }
    void append(pith::byte_view v) {
        if (state) state = out_->write(v);
        size_ += v.size();
    }
    [[nodiscard]] std::size_t size() const { return size_; }
    [[nodiscard]] static bool overflowed() { return false; }
    pith::result<void> state{};

  private:
    Output* out_;
    std::size_t size_ = 0;
};

/// Writes a file as an archive. step(name, bytes of tensors done) is called before each tensor and at the
/// end; when it gives false the work is cancelled. Returns the bytes written.
template <pith::container::byte_output Output, class Step>
pith::result<std::uint64_t> write_archive(const weights_view& file, const base_tensors& base, tier at_tier,
                                          pith::threads threads, Output& out, Step&& step) {
    namespace box = pith::container;
    output_sink sink(out);
    box::section_writer sections(sink);
    std::vector<std::uint8_t> fixed;
    pith::vector_sink to(fixed);
    to.put(detail::archive_version);
    to.put(static_cast<std::uint8_t>(file.format));
    to.put(static_cast<std::uint8_t>(at_tier));
    to.put(base.present() ? 1 : 0);
    pith::put_le<std::uint32_t>(to, static_cast<std::uint32_t>(file.layout.tensors.size()));
    pith::put_le<std::uint64_t>(to, file.bytes.size());
    pith::put_le<std::uint64_t>(to, pith::xxh64_of(file.bytes));
    pith::put_le<std::uint64_t>(to, file.layout.header_size);
    pith::put_le<std::uint64_t>(to, base.digest());
    sections.put(box::section_id("WGTS"), fixed);
    const auto head = box::encode_frame(file.bytes.first(static_cast<std::size_t>(file.layout.header_size)),
                                        detail::header_codec{});
    if (!head) return head.error();
    sections.put(box::section_id("HEAD"), *head);
    const pith::result<void> done = with_tier(at_tier, [&]<class Tier>() -> pith::result<void> {
        pith::codec::tensor<Tier, pith::threads> codec(threads);
        std::vector<std::uint8_t> room;
        std::uint64_t bytes = 0;
        for (const tensor_entry& t : file.layout.tensors) {
            if (!step(t.name, bytes)) return pith::error{pith::error_code::cancelled, t.begin, "cancelled"};
            const pith::codec::tensor_view view{t.element, t.shape, file.data(t)};
            if (room.size() < codec.max_encoded_size(view)) room.resize(codec.max_encoded_size(view));
            const auto size = codec.encode_into(view, room, base.of(t));
            if (!size) return size.error();
            sections.put(box::section_id("TENS"), pith::byte_view(room).first(*size));
            if (!sink.state) return sink.state.error();
            bytes += t.end - t.begin;
        }
        static_cast<void>(step(std::string(), bytes));
        return {};
    });
    if (!done) return done.error();
    sections.finish();
    if (!sink.state) return sink.state.error();
    return std::uint64_t{sink.size()};
}

/// Writes what the archive was made from, byte for byte; checks it against the digest of the whole file. The
/// base is the one that the archive was made with.
template <pith::container::byte_output Output, class Step>
pith::result<void> restore(const archive& from, const base_tensors& base, pith::threads threads,
                           const pith::limits& bound, Output& out, Step&& step) {
    pith::xxh64 digest;
    const auto write = [&](pith::byte_view v) {
        digest.update(v);
        return out.write(v);
    };
    if (const auto ok = write(from.header); !ok) return ok.error();
    const pith::result<void> done = with_tier(from.at_tier, [&]<class Tier>() -> pith::result<void> {
        pith::codec::tensor<Tier, pith::threads> codec(threads);
        std::vector<std::uint8_t> room;
        std::uint64_t bytes = 0;
        for (std::size_t i = 0; i < from.streams.size(); ++i) {
            const tensor_entry& t = from.layout.tensors[i];
            if (!step(t.name, bytes)) return pith::error{pith::error_code::cancelled, t.begin, "cancelled"};
            const auto size = static_cast<std::size_t>(t.end - t.begin);
            if (room.size() < size) room.resize(size);
            const auto n =
                codec.decode_into(from.streams[i], pith::byte_span(room).first(size), bound, base.of(t));
            if (!n) return n.error().shifted_by(from.offsets[i]);
            if (const auto ok = write(pith::byte_view(room).first(size)); !ok) return ok.error();
            bytes += size;
        }
        static_cast<void>(step(std::string(), bytes));
        return {};
    });
    if (!done) return done.error();
    if (digest.digest() != from.digest)
        return pith::error{pith::error_code::checksum_mismatch, 0,
                           "the restored file does not match its checksum"};
    return {};
}

}  // namespace weights
