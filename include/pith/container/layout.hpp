// The layout of a frame: its header, the headers of its blocks, its end mark, and the laws that tie them
// together. FORMAT.md, parts 2 and 3. Everything that both the in-memory and the streaming side must agree on
// stands here.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#include <pith/core/bytes.hpp>
#include <pith/core/checksum.hpp>
#include <pith/core/limits.hpp>
#include <pith/core/result.hpp>
#include <pith/version.hpp>

namespace pith::inline v1::container {

inline constexpr std::uint64_t unknown_size = ~std::uint64_t{0};
inline constexpr std::uint32_t min_block_size = std::uint32_t{1} << 12;
inline constexpr std::uint32_t max_block_size = std::uint32_t{1} << 26;

/// The memory law. A payload of a block of n bytes has at least n / 1024 bytes (encoders fill up with zeros),
/// and a decoder takes memory for n bytes only when it holds the payload. Hence a decoder of N bytes of input
/// never takes more than 1024 N bytes for output, whatever its headers say: 1 KiB of hostile bytes costs less
/// than 1 MiB.
inline constexpr std::uint32_t max_ratio = 1024;

/// How a frame is written.
struct frame_options {
    std::uint32_t block_size = std::uint32_t{1}
                               << 20;           ///< decoded bytes of all blocks but the last: 2^12 … 2^26
    std::uint64_t content_size = unknown_size;  ///< for streams: bytes that will come, if known
};

/// The first bytes of a frame: 16, or 24 when it states its content size.
struct frame_header {
    static constexpr std::array<std::uint8_t, 4> magic{'P', 'I', 'T', 'H'};
    static constexpr std::size_t min_size = 16, max_size = 24;

    std::uint8_t version = stream_version;
    std::uint32_t block_size = 0;
    std::uint32_t recipe = 0;
    std::uint64_t content_size = unknown_size;
    std::uint32_t check = 0;  ///< low half of the XXH64 of the bytes before it; set by `write` and `parse`

    [[nodiscard]] constexpr bool states_size() const noexcept { return content_size != unknown_size; }
    [[nodiscard]] constexpr std::size_t size() const noexcept { return states_size() ? max_size : min_size; }
    /// Size of the header that starts with these min_size bytes.
    [[nodiscard]] static std::size_t size_of(const std::uint8_t* start) noexcept {
        return (start[5] & 1) != 0 ? max_size : min_size;
    }
    /// Seed of the checksum of the block with this index. It differs by frame and position, so a block that
    /// was moved, repeated or taken from a frame with another header does not fit.
    [[nodiscard]] constexpr std::uint64_t seed(std::uint64_t block) const noexcept {
        return (std::uint64_t{check} << 32) + block;
    }
    /// Writes size() bytes and sets `check`.
    void write(std::uint8_t* out) noexcept {
        for (std::size_t i = 0; i < magic.size(); ++i) out[i] = magic[i];
        out[4] = version;
        out[5] = states_size() ? 1 : 0;
        out[6] = static_cast<std::uint8_t>(std::countr_zero(block_size));
        out[7] = 0;
        store_le<std::uint32_t>(out + 8, recipe);
        if (states_size()) store_le<std::uint64_t>(out + 12, content_size);
        check = static_cast<std::uint32_t>(xxh64_of(byte_view(out, size() - 4)));
        store_le<std::uint32_t>(out + size() - 4, check);
    }
    /// Reads the header at the start of `in`.
    [[nodiscard]] static result<frame_header> parse(byte_view in) noexcept;
};

inline result<frame_header> frame_header::parse(byte_view in) noexcept {
    for (std::size_t i = 0; i < magic.size() && i < in.size(); ++i)
        if (in[i] != magic[i]) return error{error_code::bad_magic, i, "this is not a pith frame"};
    if (in.size() < min_size || in.size() < size_of(in.data()))
        return error{error_code::truncated, in.size(), "the input ends inside the frame header"};
    const std::size_t size = size_of(in.data());
    if (in[4] > stream_version)
        return error{error_code::unsupported_version, 4, "the frame was written by a later release"};
    frame_header h;
    h.check = load_le<std::uint32_t>(in.data() + size - 4);
    if (h.check != static_cast<std::uint32_t>(xxh64_of(in.first(size - 4))))
        return error{error_code::checksum_mismatch, size - 4, "the frame header is damaged"};
    if (in[4] == 0 || in[5] > 1 || in[7] != 0)
        return error{error_code::bad_header, 4, "the frame header has values that no encoder writes"};
    if (in[6] < std::countr_zero(min_block_size) || in[6] > std::countr_zero(max_block_size))
        return error{error_code::bad_header, 6, "the block size is out of range"};
    h.version = in[4];
    h.block_size = std::uint32_t{1} << in[6];
    h.recipe = load_le<std::uint32_t>(in.data() + 8);
    if (size == max_size) {
        h.content_size = load_le<std::uint64_t>(in.data() + 12);
        if (!h.states_size()) return error{error_code::bad_header, 12, "the content size is out of range"};
    }
    return h;
}

/// What stands before the payload of a block: 16 bytes. A block whose coded size equals its decoded size is
/// stored.
struct block_header {
    static constexpr std::size_t size = 16;

    std::uint32_t coded = 0;    ///< bytes that the codec wrote: 1 … decoded - 1, or decoded when stored
    std::uint32_t decoded = 0;  ///< 1 … block size
    std::uint64_t check = 0;    ///< XXH64 of the decoded bytes, seeded with frame and position

    [[nodiscard]] constexpr bool stored() const noexcept { return coded == decoded; }
    /// Bytes of the payload of a block, zeros at its end included.
    [[nodiscard]] constexpr std::uint32_t payload_size() const noexcept {
        const std::uint32_t least = least_payload(decoded);
        return coded < least ? least : coded;
    }
    [[nodiscard]] static constexpr std::uint32_t least_payload(std::uint32_t n) noexcept {
        return n / max_ratio + (n % max_ratio != 0 ? 1 : 0);
    }
    void write(std::uint8_t* out) const noexcept {
        store_le<std::uint32_t>(out, coded);
        store_le<std::uint32_t>(out + 4, decoded);
        store_le<std::uint64_t>(out + 8, check);
    }
    [[nodiscard]] static block_header read(const std::uint8_t* in) noexcept {
        return {load_le<std::uint32_t>(in), load_le<std::uint32_t>(in + 4), load_le<std::uint64_t>(in + 8)};
    }
};

/// What follows the last block: 20 bytes, the first four zero where a block has its coded size.
struct end_mark {
    static constexpr std::size_t size = 20;

    std::uint64_t total = 0;   ///< decoded bytes of all blocks
    std::uint64_t digest = 0;  ///< XXH64 of the checksums of all blocks in order

    void write(std::uint8_t* out) const noexcept {
        store_le<std::uint32_t>(out, 0);
        store_le<std::uint64_t>(out + 4, total);
        store_le<std::uint64_t>(out + 12, digest);
    }
    [[nodiscard]] static end_mark read(const std::uint8_t* in) noexcept {
        return {load_le<std::uint64_t>(in + 4), load_le<std::uint64_t>(in + 12)};
    }
};

/// The running account of a frame's blocks, kept alike by encoder and decoder: seeds, totals, digest. A
/// decoder shows it each header before it takes any memory for the block.
class block_ledger {
  public:
    explicit block_ledger(const frame_header& header) noexcept : header_(header) {}

    /// Seed of the next block's checksum.
    [[nodiscard]] std::uint64_t seed() const noexcept { return header_.seed(blocks_); }
    [[nodiscard]] std::uint64_t blocks() const noexcept { return blocks_; }
    [[nodiscard]] std::uint64_t total() const noexcept { return total_; }

    /// Whether a header may come next; `offset` is its place in the input.
    [[nodiscard]] result<void> admit(const block_header& b, const limits& bound,
                                     std::uint64_t offset) const noexcept {
        if (b.decoded == 0 || b.decoded > header_.block_size)
            return error{error_code::bad_header, offset + 4, "the decoded size of a block is out of range"};
        if (b.coded > b.decoded)
            return error{error_code::bad_header, offset, "a block is larger coded than decoded"};
        if (total_ % header_.block_size != 0)
            return error{error_code::bad_header, offset, "a block follows one that is not full"};
        // total_ <= content_size, and unknown_size is larger than any sum of blocks in memory or on disk.
        if (header_.content_size - total_ < b.decoded)
            return error{error_code::bad_header, offset + 4,
                         "the blocks hold more than the stated content size"};
        if (blocks_ >= bound.max_blocks)
            return error{error_code::limit_exceeded, offset,
                         "the frame has more blocks than the limits allow"};
        if (bound.max_output < total_ || bound.max_output - total_ < b.decoded)
            return error{error_code::limit_exceeded, offset + 4,
                         "the output is larger than the limits allow"};
        return {};
    }
    void add(const block_header& b) noexcept {
        std::uint8_t raw[8];
        store_le<std::uint64_t>(raw, b.check);
        checks_.update(raw);
        total_ += b.decoded;
        ++blocks_;
    }
    /// The end mark of the blocks added so far.
    [[nodiscard]] end_mark end() const noexcept { return {total_, checks_.digest()}; }
    /// Whether the frame may end here with this mark.
    [[nodiscard]] result<void> close(const end_mark& e, std::uint64_t offset) const noexcept {
        if (e.total != total_ || (header_.states_size() && header_.content_size != total_))
            return error{error_code::bad_header, offset + 4,
                         "the frame does not hold as many bytes as it states"};
        if (e.digest != end().digest)
            return error{error_code::checksum_mismatch, offset + 12,
                         "the frame lacks blocks or has foreign ones"};
        return {};
    }

  private:
    frame_header header_;
    xxh64 checks_;
    std::uint64_t total_ = 0;
    std::uint64_t blocks_ = 0;
};

/// The header of a frame to be written, or unsupported_parameter.
[[nodiscard]] inline result<frame_header> make_header(std::uint32_t recipe,
                                                      const frame_options& options) noexcept {
    if (!std::has_single_bit(options.block_size) || options.block_size < min_block_size ||
        options.block_size > max_block_size)
        return error{error_code::unsupported_parameter, 0,
                     "the block size must be a power of two, 2^12 to 2^26"};
    frame_header h;
    h.block_size = options.block_size;
    h.recipe = recipe;
    h.content_size = options.content_size;
    return h;
}

}  // namespace pith::inline v1::container
