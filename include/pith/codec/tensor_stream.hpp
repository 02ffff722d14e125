// The stream of one tensor: its header, the directory of its blocks, and what a tier that fills them offers.
// Own work. Every block decodes alone; a block's check covers what was coded, and its base where it has one.
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <pith/codec/element.hpp>
#include <pith/core/bytes.hpp>
#include <pith/core/checksum.hpp>
#include <pith/core/limits.hpp>
#include <pith/core/result.hpp>
#include <pith/core/stripe_hash.hpp>

namespace pith::inline v1::codec {

/// What a tier knows of the tensor.
struct tensor_geometry {
    element type = element::u8;
    std::size_t rank = 0;
    std::array<std::uint64_t, max_rank> shape{};
    std::uint64_t values = 1;

    [[nodiscard]] std::size_t width() const noexcept { return size_of(type); }
    [[nodiscard]] std::uint64_t bytes() const noexcept { return values * size_of(type); }
};

/// How a tensor's blocks are coded. An object holds one tensor's parameters at a time.
///   prepare      looks at a whole tensor (and its base, or an empty view) and appends the parameters to
///   `side` open         takes the parameters that prepare wrote; memory at most max_memory worker       the
///   scratch memory of one thread encode_block values from number `first` on to `out`; 0 where they do not
///   fit, which is no error decode_block undoes it; fills `values` and uses all of `in`, or gives an error
/// An empty `side` says that all blocks are stored. Blocks have 2^block_log2 values but the last. Law: what
/// is decoded is what was coded, and the bytes do not depend on the worker.
template <class T>
concept tensor_tier = requires(T t, const T c, typename T::worker w, const tensor_geometry& g, byte_view v,
                               byte_span s, std::vector<std::uint8_t>& side, std::uint64_t n) {
    { T::recipe } -> std::convertible_to<std::uint32_t>;
    { T::name } -> std::convertible_to<const char*>;
    { T::block_log2 } -> std::convertible_to<unsigned>;
    {t.prepare(g, v, v, side)};
    { t.open(g, true, v, n) } -> std::same_as<result<void>>;
    { c.encode_block(w, n, v, v, s) } -> std::same_as<std::size_t>;
    { c.decode_block(w, n, v, v, s) } -> std::same_as<result<void>>;
};

/// What a tensor's stream says of itself. Sizes in bytes.
struct tensor_info {
    element type = element::u8;
    std::uint32_t recipe = 0;
    std::size_t rank = 0;
    std::array<std::uint64_t, max_rank> shape{};
    std::uint64_t values = 0;
    std::uint64_t bytes = 0;         ///< decoded
    std::uint64_t encoded = 0;       ///< the whole stream
    std::uint64_t block_values = 0;  ///< values in every block but the last
    std::uint64_t blocks = 0;
    std::uint64_t side = 0;  ///< parameters of the tier
    bool has_base = false;
};

namespace detail {

inline constexpr std::uint32_t tensor_magic = 0x534E'5450;  // "PTNS"
inline constexpr std::uint8_t tensor_version = 1;
inline constexpr std::size_t tensor_entry = 12;  // a block's size and check
inline constexpr std::size_t tensor_fixed = 10;

/// A header that has been read and checked, and where its parts stand.
struct tensor_head {
    tensor_geometry geometry;
    std::uint32_t recipe = 0;
    bool has_base = false;
    unsigned block_log2 = 0;
    std::uint64_t blocks = 0;
    byte_view side;
    byte_view directory;
    std::size_t size = 0;     // of the header
    std::uint64_t check = 0;  // seeds the blocks'

    [[nodiscard]] std::uint64_t first_of(std::uint64_t block) const noexcept { return block << block_log2; }
    [[nodiscard]] std::size_t values_of(std::uint64_t block) const noexcept {
        const std::uint64_t left = geometry.values - first_of(block);
        const std::uint64_t whole = std::uint64_t{1} << block_log2;
        return static_cast<std::size_t>(left < whole ? left : whole);
    }
    [[nodiscard]] std::uint64_t coded_size(std::uint64_t block) const noexcept {
        return load_le<std::uint32_t>(directory.data() + tensor_entry * block);
    }
    [[nodiscard]] std::uint64_t check_of(std::uint64_t block) const noexcept {
        return load_le<std::uint64_t>(directory.data() + tensor_entry * block + 4);
    }
};

[[nodiscard]] inline std::uint64_t blocks_for(std::uint64_t values, unsigned log2) noexcept {
    return (values >> log2) + ((values & ((std::uint64_t{1} << log2) - 1)) != 0 ? 1 : 0);
}

/// A block's check: of its coded bytes, seeded by its place and, where there is one, by its base.
[[nodiscard]] inline std::uint64_t tensor_block_check(byte_view coded, byte_view base,
                                                      std::uint64_t block) noexcept {
    return stripe_hash(coded, base.empty() ? block : stripe_hash(base, block) + 1);
}

template <byte_sink Sink>
void write_tensor_head(Sink& sink, std::uint32_t recipe, const tensor_view& t, bool has_base, unsigned log2,
                       byte_view side) {
    put_le<std::uint32_t>(sink, tensor_magic);
    sink.put(tensor_version);
    sink.put(static_cast<std::uint8_t>(recipe));
    sink.put(static_cast<std::uint8_t>(t.type));
    sink.put(has_base ? 1 : 0);
    sink.put(static_cast<std::uint8_t>(t.shape.size()));
    sink.put(static_cast<std::uint8_t>(log2));
    for (const std::size_t d : t.shape) put_varint(sink, d);
    put_varint(sink, side.size());
    sink.append(side);
}

/// Reads the shape. Errors: truncated, bad_header where the number of bytes passes 2^63.
[[nodiscard]] inline result<void> read_shape(byte_reader& in, tensor_geometry& g) noexcept {
    bool empty = false;
    std::uint64_t most = (std::uint64_t{1} << 63) / g.width();
    for (std::size_t k = 0; k < g.rank; ++k) {
        const result<std::uint64_t> d = in.read_varint();
        if (!d) return d.error();
        g.shape[k] = *d;
        if (*d == 0) {
            empty = true;
            continue;
        }
        if (*d > most) return in.fail(error_code::bad_header, "a tensor of more than 2^63 bytes");
        most /= *d;
        g.values *= *d;
    }
    if (empty) g.values = 0;
    return {};
}

[[nodiscard]] inline result<void> read_fixed(byte_reader& in, tensor_head& head) noexcept {
    const result<byte_view> fixed = in.read_bytes(tensor_fixed);
    if (!fixed) return fixed.error();
    const std::uint8_t* p = fixed->data();
    if (load_le<std::uint32_t>(p) != tensor_magic)
        return error{error_code::bad_magic, 0, "this is not the stream of a tensor"};
    if (p[4] != tensor_version)
        return error{error_code::unsupported_version, 4, "the tensor was written by a later release"};
    head.recipe = p[5];
    if (p[6] >= element_kinds) return error{error_code::bad_header, 6, "unknown kind of elements"};
    if (p[7] > 1) return error{error_code::bad_header, 7, "unknown flags of a tensor"};
    if (p[8] > max_rank) return error{error_code::bad_header, 8, "a tensor of more than 16 dimensions"};
    if (p[9] < 8 || p[9] > 26) return error{error_code::bad_header, 9, "a block size out of range"};
    head.geometry.type = static_cast<element>(p[6]);
    head.has_base = p[7] != 0;
    head.geometry.rank = p[8];
    head.block_log2 = p[9];
    return read_shape(in, head.geometry);
}

/// Reads and checks the header, then the sizes of all blocks against the input. Takes no memory.
[[nodiscard]] inline result<tensor_head> read_tensor_head(byte_view stream, const limits& bound) noexcept {
    byte_reader in(stream);
    tensor_head head;
    if (const auto read = read_fixed(in, head); !read) return read.error();
    const tensor_geometry& g = head.geometry;
    if (g.bytes() > bound.max_output)
        return in.fail(error_code::limit_exceeded, "the tensor is larger than the limit");
    head.blocks = blocks_for(g.values, head.block_log2);
    if (head.blocks > bound.max_blocks)
        return in.fail(error_code::limit_exceeded, "the tensor has more blocks than the limit");
    const result<std::uint64_t> side_size = in.read_varint();
    if (!side_size) return side_size.error();
    const result<byte_view> side = in.read_bytes(*side_size);
    if (!side) return side.error();
    const result<byte_view> directory = in.read_bytes(head.blocks * tensor_entry);
    if (!directory) return directory.error();
    const std::uint64_t check = xxh64_of(stream.first(in.position()));
    const result<std::uint64_t> stated = in.read_le<std::uint64_t>();
    if (!stated) return stated.error();
    if (*stated != check) return in.fail(error_code::checksum_mismatch, "the header of a tensor is damaged");
    head.side = *side;
    head.directory = *directory;
    head.size = in.position();
    std::uint64_t left = in.remaining();
    for (std::uint64_t b = 0; b < head.blocks; ++b) {
        const std::uint64_t coded = head.coded_size(b), whole = head.values_of(b) * g.width();
        if (coded > whole || coded == 0 || (head.side.empty() && coded != whole))
            return in.fail(error_code::bad_header, "a block's size is out of range");
        if (coded > left) return error{error_code::truncated, stream.size(), "the input ends inside a block"};
        left -= coded;
    }
    if (left != 0) return error{error_code::trailing_data, stream.size() - left, "bytes follow a tensor"};
    return head;
}

}  // namespace detail

/// What a stream says of its tensor, without decoding it. Errors: all that a damaged header can cause.
[[nodiscard]] inline result<tensor_info> inspect_tensor(byte_view in, const limits& bound = {}) noexcept {
    const result<detail::tensor_head> head = detail::read_tensor_head(in, bound);
    if (!head) return head.error();
    tensor_info info;
    const tensor_geometry& g = head->geometry;
    info.type = g.type;
    info.recipe = head->recipe;
    info.rank = g.rank;
    info.shape = g.shape;
    info.values = g.values;
    info.bytes = g.bytes();
    info.encoded = in.size();
    info.block_values = std::uint64_t{1} << head->block_log2;
    info.blocks = head->blocks;
    info.side = head->side.size();
    info.has_base = head->has_base;
    return info;
}

}  // namespace pith::inline v1::codec
