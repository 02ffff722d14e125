// The file of a cache: a header and one section for each lane. FORMAT.md, part 14.
// A file is read only by the composition that wrote it; the header says which that was.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include <pith/container/section.hpp>
#include <pith/core/bytes.hpp>
#include <pith/core/checksum.hpp>
#include <pith/core/finite.hpp>
#include <pith/core/limits.hpp>
#include <pith/core/result.hpp>
#include <pith/kv/any_cache.hpp>
#include <pith/kv/concepts.hpp>
#include <pith/kv/lane_file.hpp>
#include <pith/kv/rope.hpp>
#include <pith/kv/shape.hpp>

namespace pith::inline v1::kv::cache_file {

inline constexpr container::section_id header_id("KVCH"), lane_id("KVLN");

/// Sections of a cache are never optional.
[[nodiscard]] inline bool is(const container::section& s, container::section_id id) noexcept {
    return s.id == id && s.use == container::section_use::mandatory;
}

struct header {
    kv::shape sizes;
    rope turning;
    bool prefill = true;
    std::uint64_t tokens = 0;       ///< appended in all
    std::uint64_t composition = 0;  ///< of the policies that decide how bytes are read

    friend bool operator==(const header&, const header&) = default;
};

/// A number for the parts of a composition that give the bytes their meaning.
template <class Placement, block_codec Keys, block_codec Values>
[[nodiscard]] std::uint64_t composition(const Keys& keys, const Values& values, bool per_head,
                                        bool index_positions) noexcept {
    const auto marked = []<class Codec>(const Codec& codec, std::uint64_t seed) {
        std::string_view name;
        if constexpr (requires { Codec::name; }) name = Codec::name;
        const std::uint64_t named =
            xxh64_of({reinterpret_cast<const std::uint8_t*>(name.data()), name.size()}, seed);
        if constexpr (requires { codec.fingerprint(); }) {
            std::uint8_t raw[8];
            store_le<std::uint64_t>(raw, codec.fingerprint());
            return xxh64_of(raw, named);
        } else {
            return named;
        }
    };
    const std::uint64_t flags = (Placement::rotated ? 1U : 0U) | (per_head ? 2U : 0U) |
                                (index_positions ? 4U : 0U) | (std::uint64_t{layers_of<Keys>()} << 8);
    return marked(values, marked(keys, flags));
}

template <byte_sink Sink>
void write_header(const header& h, Sink& sink) {
    for (const std::size_t n : {h.sizes.layers, h.sizes.kv_heads, h.sizes.query_heads, h.sizes.head_size})
        put_varint(sink, n);
    sink.put(static_cast<std::uint8_t>(h.turning.pairing));
    put_le<std::uint32_t>(sink, std::bit_cast<std::uint32_t>(h.turning.base));
    sink.put(h.prefill ? 1 : 0);
    put_varint(sink, h.tokens);
    put_le<std::uint64_t>(sink, h.composition);
}

[[nodiscard]] inline result<header> parse_header(byte_view in) noexcept {
    byte_reader reader(in);
    header h;
    for (std::size_t* n : {&h.sizes.layers, &h.sizes.kv_heads, &h.sizes.query_heads, &h.sizes.head_size}) {
        const result<std::uint64_t> v = reader.read_varint();
        if (!v) return v.error();
        if (*v > 65535) return reader.fail(error_code::bad_header, "a size of the shape is out of range");
        *n = static_cast<std::size_t>(*v);
    }
    if (const result<void> ok = check(h.sizes); !ok)
        return reader.fail(error_code::bad_header, ok.error().text);
    const result<byte_view> fixed = reader.read_bytes(6);
    if (!fixed) return fixed.error();
    const std::uint8_t* p = fixed->data();
    h.turning.base = std::bit_cast<float>(load_le<std::uint32_t>(p + 1));
    if (p[0] > static_cast<std::uint8_t>(rope_pairing::halves) || p[5] > 1 || !is_finite(h.turning.base) ||
        !(h.turning.base > 0))
        return reader.fail(error_code::bad_header, "the cache header has values that no encoder writes");
    h.turning.pairing = static_cast<rope_pairing>(p[0]);
    h.prefill = p[5] == 1;
    const result<std::uint64_t> tokens = reader.read_varint();
    if (!tokens) return tokens.error();
    if (*tokens > std::uint64_t{1} << 31)
        return reader.fail(error_code::bad_header, "a cache has at most 2^31 tokens");
    h.tokens = *tokens;
    const result<std::uint64_t> composed = reader.read_le<std::uint64_t>();
    if (!composed) return composed.error();
    h.composition = *composed;
    if (reader.remaining() != 0)
        return reader.fail(error_code::trailing_data, "bytes follow the cache header");
    return h;
}

/// The header of a cache file, its first section.
[[nodiscard]] inline result<header> read_header(byte_view in, const limits& bound) noexcept {
    result<container::section_reader> list = container::section_reader::open(in, bound);
    if (!list) return list.error();
    container::section first;
    const result<bool> more = list->next(first);
    if (!more) return more.error();
    if (!*more || !is(first, header_id))
        return error{error_code::bad_header, container::section::list_header_size,
                     "these sections are no cache"};
    result<header> h = parse_header(first.payload);
    if (!h) return h.error().shifted_by(first.offset);
    return h;
}

/// Whether the codecs of this store read more than a block.
template <class Store>
inline constexpr bool key_context = Store::context_of(tensor_kind::keys) != 0;
template <class Store>
inline constexpr bool value_context = Store::context_of(tensor_kind::values) != 0;

template <class Store, byte_sink Sink>
void write(const Store& store, const header& h, Sink& sink) {
    container::section_writer list(sink);
    std::vector<std::uint8_t> payload;
    const auto put = [&](container::section_id id, auto&& fill) {
        payload.clear();
        vector_sink out(payload);
        fill(out);
        list.put(id, payload);
    };
    put(header_id, [&](auto& out) { write_header(h, out); });
    for (const lane& l : store.lanes())
        put(lane_id, [&](auto& out) { lane_file::write(l, key_context<Store>, value_context<Store>, out); });
    list.finish();
}

/// What `write` writes, counted by its parts.
template <class Store>
[[nodiscard]] stored_bytes count(const Store& store, const header& h) {
    const auto size_of = [](auto&& fill) {
        counting_sink out;
        fill(out);
        return out.size();
    };
    stored_bytes sum;
    sum.side = size_of([&](auto& out) { write_header(h, out); });
    sum.side += container::section::list_header_size +
                container::section::header_size * (store.lanes().size() + 2);  // header and end beside lanes
    for (const lane& l : store.lanes()) {
        sum.side += size_of([&](auto& out) { lane_file::write_tokens(l, out); });
        sum.blocks += size_of([&](auto& out) {
            lane_file::write_pages(l.keys, key_context<Store>, out);
            lane_file::write_pages(l.values, value_context<Store>, out);
        });
        const auto [sinks, loose] = lane_file::exact_sizes(l);
        sum.sinks += sinks;
        sum.loose += loose;
    }
    const auto constants = [](const auto& codec) -> std::size_t {
        if constexpr (requires { codec.constant_bytes(); })
            return codec.constant_bytes();
        else
            return 0;
    };
    sum.constants = constants(store.keys()) + constants(store.values());
    return sum;
}

/// Bytes of keys and values of a lane that one of its layers reads when it reads all.
[[nodiscard]] inline std::size_t rows_of_layer(const lane& l) noexcept {
    const auto [sinks, loose] = lane_file::exact_sizes(l);
    std::size_t bytes = sinks + loose;
    for (const lane_part* part : {&l.keys, &l.values})
        for (const page& p : part->pages) bytes += p.coded->bytes.size();
    return bytes / l.place.layers;
}

/// Checks and decodes the newest page of a kind, whose bytes came from outside.
template <class Store>
[[nodiscard]] result<void> verify(Store& store, lane& l, tensor_kind kind) {
    std::vector<page>& pages = l.part(kind).pages;
    page newest = std::move(pages.back());
    pages.pop_back();  // as when it was made: it must not find itself
    const std::uint8_t possible = store.context_for(l.place.index, kind, *newest.coded);
    const std::uint8_t given = newest.coded->context;
    pages.push_back(std::move(newest));
    if ((given & ~possible) != 0)
        return error{error_code::bad_header, 0, "a block leans on one that is not there"};
    return store.verify(l.place.index, kind, pages.size() - 1);
}

/// Reads the lanes into an empty store made from the header.
template <class Store>
[[nodiscard]] result<void> read_lanes(byte_view in, const header& h, Store& store, const limits& bound) {
    result<container::section_reader> list = container::section_reader::open(in, bound);
    if (!list) return list.error();
    std::uint64_t budget = bound.max_output < bound.max_memory ? bound.max_output : bound.max_memory;
    container::section s;
    if (const result<bool> first = list->next(s); !first) return first.error();
    for (lane& l : store.lanes()) {
        const result<bool> more = list->next(s);
        if (!more) return more.error();
        if (!*more || !is(s, lane_id))
            return error{error_code::bad_header, s.offset, "the file has fewer lanes than the cache"};
        lane_file::reader reader(s.payload, h.tokens, budget);
        const auto read = [&]() -> result<void> {
            if (const auto ok = reader.tokens(l); !ok) return ok;
            const auto pages = [&](tensor_kind kind, bool context) {
                return reader.pages(l, kind, context, bound, [&] { return verify(store, l, kind); });
            };
            if (const auto ok = pages(tensor_kind::keys, key_context<Store>); !ok) return ok;
            if (const auto ok = pages(tensor_kind::values, value_context<Store>); !ok) return ok;
            return reader.rows(l);
        };
        if (const result<void> ok = read(); !ok) return ok.error().shifted_by(s.offset);
        store.turn_all(l);
    }
    const result<bool> more = list->next(s);
    if (!more) return more.error();
    if (*more) return error{error_code::bad_header, s.offset, "the file has more lanes than the cache"};
    return {};
}

}  // namespace pith::inline v1::kv::cache_file
