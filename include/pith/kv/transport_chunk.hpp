// A chunk: the keys and values of some consecutive tokens in all layers, as bytes that are decoded without
// any other chunk. A stream of chunks may end anywhere: what came whole is the cache of a prefix. The unit of
// CacheGen (Liu et al., 2024), with a checksum; see FORMAT.md.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <numeric>
#include <span>
#include <vector>

#include <pith/core/assert.hpp>
#include <pith/core/bytes.hpp>
#include <pith/core/checksum.hpp>
#include <pith/core/limits.hpp>
#include <pith/core/result.hpp>
#include <pith/core/serial.hpp>
#include <pith/core/view.hpp>
#include <pith/kv/bytes.hpp>
#include <pith/kv/concepts.hpp>
#include <pith/kv/shape.hpp>

namespace pith::inline v1::kv {

/// What stands at the beginning of a chunk. Level: which of the codecs that both sides know.
struct chunk_header {
    static constexpr std::size_t size = 28;
    static constexpr std::array<std::uint8_t, 4> magic{'p', 'K', 'V', 1};

    std::uint32_t first_token = 0, tokens = 0;
    std::uint8_t level = 0;
    std::uint64_t payload = 0;  ///< bytes that follow the header

    /// Of the first 28 bytes of a chunk. Nothing is taken on trust but what a caller allows by `limits`.
    [[nodiscard]] static result<chunk_header> read(byte_view in, const limits& limits) {
        byte_reader reader(in);
        const auto start = reader.read_bytes(4);
        if (!start) return start.error();
        for (std::size_t i = 0; i < 4; ++i)
            if ((*start)[i] != magic[i])
                return error{error_code::bad_magic, i, "this is no chunk of a key-value cache"};
        if (in.size() < size)
            return error{error_code::truncated, in.size(), "the input ends inside a chunk's header"};
        chunk_header h;
        h.first_token = load_le<std::uint32_t>(in.data() + 4);
        const std::uint32_t packed = load_le<std::uint32_t>(in.data() + 8);
        h.tokens = packed & 0xFFFFFF;
        h.level = static_cast<std::uint8_t>(packed >> 24);
        h.payload = load_le<std::uint64_t>(in.data() + 12);
        if (h.tokens == 0 || h.tokens > most_block_tokens || h.first_token > 0xFFFFFFFFU - h.tokens)
            return error{error_code::bad_header, 4, "a chunk of impossible tokens"};
        if (h.payload > limits.max_memory)
            return error{error_code::limit_exceeded, 12, "a chunk is larger than allowed"};
        return h;
    }
};

/// Decoded: rows of tokens, for each layer.
struct chunk_values {
    std::uint32_t first_token = 0, tokens = 0;
    std::uint8_t level = 0;
    std::vector<std::vector<float>> keys, values;
};

namespace detail {

[[nodiscard]] inline block_scope chunk_scope(const shape& s, std::size_t layer, tensor_kind kind,
                                             std::span<const std::uint32_t> positions) noexcept {
    block_scope scope;
    scope.shape = s;
    scope.first_layer = layer;
    scope.heads = s.kv_heads;
    scope.kind = kind;
    scope.positions = positions;
    return scope;
}
[[nodiscard]] inline std::vector<std::uint32_t> chunk_positions(std::uint32_t first, std::size_t tokens) {
    std::vector<std::uint32_t> positions(tokens);
    std::iota(positions.begin(), positions.end(), first);
    return positions;
}

/// Where the blocks of a chunk start, and where the last one ends; the checksum has been compared.
[[nodiscard]] inline result<void> find_parts(byte_view in, std::span<std::size_t> starts) {
    const byte_view payload = in.subspan(chunk_header::size);
    xxh64 sum;
    sum.update(in.first(20));
    sum.update(payload);
    if (sum.digest() != load_le<std::uint64_t>(in.data() + 20))
        return error{error_code::checksum_mismatch, 20, "a chunk is damaged"};
    byte_reader reader(payload);
    for (std::size_t i = 1; i < starts.size(); ++i) {
        const auto size = reader.read_varint();
        if (!size) return size.error().shifted_by(chunk_header::size);
        if (*size > payload.size())
            return reader.fail(error_code::truncated, "a chunk ends inside a layer")
                .shifted_by(chunk_header::size);
        starts[i] = static_cast<std::size_t>(*size);
    }
    starts[0] = chunk_header::size + reader.position();
    for (std::size_t i = 1; i < starts.size(); ++i) {
        starts[i] += starts[i - 1];  // sizes are at most that of the input: no overflow before the next line
        if (starts[i] > in.size())
            return error{error_code::truncated, in.size(), "a chunk ends inside a layer"};
    }
    if (starts.back() != in.size())
        return error{error_code::trailing_data, starts.back(), "bytes follow the last layer of a chunk"};
    return {};
}

}  // namespace detail

/// Appends a chunk: keys[layer] and values[layer] have the same rows, at most 65,536. Layers are coded under
/// `policy`, which must not change what the codec writes. Precondition: finite values, keys as the codec
/// wants them.
template <block_codec Codec, parallel_policy Policy = serial>
inline void write_chunk(const shape& s, const Codec& codec, std::uint8_t level, std::uint32_t first_token,
                        std::span<const view_2d<const float>> keys,
                        std::span<const view_2d<const float>> values, std::vector<std::uint8_t>& out,
                        const Policy& policy = {}) {
    PITH_ASSERT(keys.size() == s.layers && values.size() == s.layers && !keys.empty());
    const std::size_t tokens = keys[0].rows(), start = out.size();
    PITH_ASSERT(tokens >= 1 && tokens <= most_block_tokens);
    const auto positions = detail::chunk_positions(first_token, tokens);
    std::vector<std::vector<std::byte>> parts(2 * s.layers);
    for_each_index(policy, parts.size(), [&](std::size_t i, std::size_t) {
        const auto kind = static_cast<tensor_kind>(i % 2);
        codec.encode(i % 2 == 0 ? keys[i / 2] : values[i / 2], detail::chunk_scope(s, i / 2, kind, positions),
                     parts[i]);
    });
    out.resize(start + chunk_header::size);
    vector_sink sink(out);
    for (const auto& part : parts) put_varint(sink, part.size());
    for (const auto& part : parts) sink.append(readable_bytes(part));
    std::uint8_t* const head = out.data() + start;
    std::memcpy(head, chunk_header::magic.data(), 4);
    store_le<std::uint32_t>(head + 4, first_token);
    store_le<std::uint32_t>(head + 8, static_cast<std::uint32_t>(tokens) | std::uint32_t{level} << 24);
    store_le<std::uint64_t>(head + 12, out.size() - start - chunk_header::size);
    xxh64 sum;
    sum.update(byte_view(head, 20));
    sum.update(byte_view(head + chunk_header::size, out.size() - start - chunk_header::size));
    store_le<std::uint64_t>(head + 20, sum.digest());
}

namespace detail {

/// Decodes each part i, layer i / 2, of a chunk into what target(i, header) gives; then calls
/// done(i, scope, rows).
template <block_codec Codec, parallel_policy Policy, class Target, class Done>
[[nodiscard]] inline result<chunk_header> read_parts(const shape& s, std::span<const Codec> levels,
                                                     byte_view in, const limits& limits, const Policy& policy,
                                                     Target&& target, Done&& done) {
    const auto head = chunk_header::read(in, limits);
    if (!head) return head.error();
    if (in.size() - chunk_header::size != head->payload)
        return error{in.size() - chunk_header::size < head->payload ? error_code::truncated
                                                                    : error_code::trailing_data,
                     in.size(), "a chunk has another size than its header says"};
    if (head->level >= levels.size())
        return error{error_code::unsupported_parameter, 11, "a chunk of a level that is not known here"};
    const std::uint64_t values = 2 * std::uint64_t{head->tokens} * s.layers * s.key_channels();  // < 2^43
    if (values * sizeof(float) > limits.max_output)
        return error{error_code::limit_exceeded, 8, "a chunk of more values than allowed"};
    std::vector<std::size_t> starts(2 * s.layers + 1);
    if (const auto found = find_parts(in, starts); !found) return found.error();
    const auto positions = chunk_positions(head->first_token, head->tokens);
    std::vector<error> errors(2 * s.layers);
    std::vector<std::uint8_t> failed(2 * s.layers);
    for_each_index(policy, failed.size(), [&](std::size_t i, std::size_t) {
        auto&& rows = target(i, *head);
        const view_2d<float> to(std::span<float>(rows), head->tokens, s.key_channels());
        const block_scope scope = chunk_scope(s, i / 2, static_cast<tensor_kind>(i % 2), positions);
        const byte_view part = in.subspan(starts[i], starts[i + 1] - starts[i]);
        if (const auto read = levels[head->level].decode(as_std_bytes(part), scope, to); read) {
            done(i, scope, to);
        } else {
            failed[i] = 1;
            errors[i] = read.error().shifted_by(starts[i]);
        }
    });
    for (std::size_t i = 0; i < failed.size(); ++i)
        if (failed[i] != 0) return errors[i];
    return *head;
}

}  // namespace detail

/// The chunk that `in` is, all of it. `levels`: the codecs of both sides. Errors: truncated, bad_magic,
/// bad_header, limit_exceeded, checksum_mismatch, unsupported_parameter, trailing_data, and those of the
/// codec.
template <block_codec Codec, parallel_policy Policy = serial>
[[nodiscard]] inline result<chunk_values> read_chunk(const shape& s, std::span<const Codec> levels,
                                                     byte_view in, const limits& limits = {},
                                                     const Policy& policy = {}) {
    chunk_values out;
    out.keys.resize(s.layers);
    out.values.resize(s.layers);
    const auto head = detail::read_parts(
        s, levels, in, limits, policy,
        [&](std::size_t i, const chunk_header& h) -> std::vector<float>& {
            std::vector<float>& to = i % 2 == 0 ? out.keys[i / 2] : out.values[i / 2];
            to.resize(h.tokens * s.key_channels());
            return to;
        },
        [](std::size_t, const block_scope&, view_2d<float>) {});
    if (!head) return head.error();
    out.first_token = head->first_token;
    out.tokens = head->tokens;
    out.level = head->level;
    return out;
}

}  // namespace pith::inline v1::kv
