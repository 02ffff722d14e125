// Sections: typed parts of a structured file, one behind the other; unknown ones are skipped if they may be.
// FORMAT.md, part 4. Every section has a checksum, and the last mark closes the list.
#pragma once

#include <cstddef>
#include <cstdint>

#include <pith/core/assert.hpp>
#include <pith/core/bytes.hpp>
#include <pith/core/checksum.hpp>
#include <pith/core/limits.hpp>
#include <pith/core/result.hpp>
#include <pith/version.hpp>

namespace pith::inline v1::container {

/// The id of a section: four characters, e.g. section_id("KEYS"). Never zero.
struct section_id {
    std::uint32_t value = 0;

    constexpr section_id() noexcept = default;
    explicit constexpr section_id(std::uint32_t v) noexcept : value(v) {}
    consteval section_id(const char (&text)[5]) noexcept {
        for (unsigned i = 0; i < 4; ++i)
            value |= std::uint32_t{static_cast<std::uint8_t>(text[i])} << (8 * i);
    }
    friend constexpr bool operator==(section_id, section_id) = default;
};

/// What a reader that does not know a section does.
enum class section_use : std::uint8_t {
    mandatory = 0,  ///< refuses the whole
    optional = 1,   ///< goes on without it
};

/// One section of a list that is read.
struct section {
    static constexpr std::size_t header_size = 24;
    static constexpr std::size_t list_header_size = 8;
    static constexpr std::uint8_t magic[4] = {'P', 'S', 'E', 'C'};

    section_id id;
    section_use use = section_use::mandatory;
    byte_view payload;
    std::uint64_t offset = 0;  ///< of the payload in the list
};

/// Writes a list of sections to a sink: any number of `put`, then `finish`.
template <byte_sink Sink>
class section_writer {
  public:
    explicit section_writer(Sink& sink) : sink_(&sink) {
        sink.append(section::magic);
        put_le<std::uint32_t>(sink, stream_version);
    }
    /// Ids may repeat; their order is kept.
    void put(section_id id, byte_view payload, section_use use = section_use::mandatory) {
        PITH_ASSERT(id.value != 0 && !finished_);
        const std::uint64_t kind = kind_of(id, use);
        const std::uint64_t check = xxh64_of(payload, kind + count_);
        put_le<std::uint64_t>(*sink_, kind);
        put_le<std::uint64_t>(*sink_, payload.size());
        put_le<std::uint64_t>(*sink_, check);
        sink_->append(payload);
        ++count_;
    }
    void finish() {
        PITH_ASSERT(!finished_);
        put_le<std::uint64_t>(*sink_, 0);
        put_le<std::uint64_t>(*sink_, count_);
        put_le<std::uint64_t>(*sink_, xxh64_of({}, count_));
        finished_ = true;
    }

  private:
    [[nodiscard]] static std::uint64_t kind_of(section_id id, section_use use) noexcept {
        return id.value | (std::uint64_t{static_cast<std::uint8_t>(use)} << 32);
    }

    Sink* sink_;
    std::uint64_t count_ = 0;
    bool finished_ = false;
};

/// Reads a list of sections that begins at the start of `in` and ends at its end. Takes no memory; the
/// payloads are views into `in`.
class section_reader {
  public:
    [[nodiscard]] static result<section_reader> open(byte_view in, const limits& bound = {}) noexcept {
        for (std::size_t i = 0; i < sizeof(section::magic) && i < in.size(); ++i)
            if (in[i] != section::magic[i])
                return error{error_code::bad_magic, i, "this is not a pith section list"};
        if (in.size() < section::list_header_size)
            return error{error_code::truncated, in.size(),
                         "the input ends inside the header of a section list"};
        const std::uint32_t version = load_le<std::uint32_t>(in.data() + 4);
        if (version > stream_version)
            return error{error_code::unsupported_version, 4, "the sections were written by a later release"};
        if (version == 0) return error{error_code::bad_header, 4, "version 0 does not exist"};
        return section_reader(in, bound);
    }
    /// Moves to the next section, whose checksum is then known to be right; false after the last one.
    [[nodiscard]] result<bool> next(section& out) noexcept {
        if (in_.size() - at_ < section::header_size)
            return error{error_code::truncated, in_.size(),
                         "the input ends where a section or the end must stand"};
        const std::uint8_t* p = in_.data() + at_;
        const std::uint64_t kind = load_le<std::uint64_t>(p);
        const std::uint64_t size = load_le<std::uint64_t>(p + 8);
        const std::uint64_t check = load_le<std::uint64_t>(p + 16);
        if (kind == 0) return finish(size, check);
        if ((kind & 0xFFFF'FFFF) == 0 || kind >> 33 != 0)
            return error{error_code::bad_header, at_, "a section header has values that no encoder writes"};
        if (count_ >= bound_.max_blocks)
            return error{error_code::limit_exceeded, at_, "there are more sections than the limits allow"};
        const std::size_t start = at_ + section::header_size;
        if (in_.size() - start < size)
            return error{error_code::truncated, in_.size(), "the input ends inside a section"};
        out.payload = in_.subspan(start, static_cast<std::size_t>(size));
        if (xxh64_of(out.payload, kind + count_) != check)
            return error{error_code::checksum_mismatch, start, "a section does not match its checksum"};
        out.id = section_id(static_cast<std::uint32_t>(kind));
        out.use = kind >> 32 != 0 ? section_use::optional : section_use::mandatory;
        out.offset = start;
        at_ = start + out.payload.size();
        ++count_;
        return true;
    }
    /// The error for a section that the program does not know: nothing for an optional one.
    [[nodiscard]] static result<void> skip(const section& unknown) noexcept {
        if (unknown.use == section_use::optional) return {};
        return error{error_code::unsupported_parameter, unknown.offset - section::header_size,
                     "a section that may not be skipped is not known here"};
    }

  private:
    section_reader(byte_view in, const limits& bound) noexcept
        : in_(in), bound_(bound), at_(section::list_header_size) {}

    [[nodiscard]] result<bool> finish(std::uint64_t count, std::uint64_t check) const noexcept {
        if (count != count_)
            return error{error_code::bad_header, at_ + 8, "there are not as many sections as stated"};
        if (check != xxh64_of({}, count))
            return error{error_code::checksum_mismatch, at_ + 16, "the end of the section list is damaged"};
        const std::size_t end = at_ + section::header_size;
        if (in_.size() != end) return error{error_code::trailing_data, end, "bytes follow the last section"};
        return false;
    }

    byte_view in_;
    limits bound_;
    std::size_t at_;
    std::uint64_t count_ = 0;
};

}  // namespace pith::inline v1::container
