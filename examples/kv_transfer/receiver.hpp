// The receiving side: decodes chunks as they come into the cache that attention reads, computes what did not
// come, and goes on with the text.
#pragma once

#include <cstdio>
#include <memory>
#include <type_traits>
#include <utility>

#include <pith/kv/cache.hpp>
#include <pith/kv/chunk_blocks.hpp>
#include <pith/kv/chunk_segmenter.hpp>
#include <pith/kv/packed_affine.hpp>

#include "connection.hpp"
#include "subject.hpp"

namespace transfer {

/// The prompt that the sender has; an error when bytes came that are no greeting.
inline pith::result<greeting> receive_greeting(const subject& of, const descriptor& from) {
    greeting said;
    std::vector<std::uint8_t> bytes(greeting::fixed);
    if (!receive_all(from.get(), bytes))
        return pith::error{pith::error_code::truncated, 0, "the connection ended before its greeting"};
    const auto count = greeting::read_fixed(bytes, of.loaded.model.shape.context, said);
    if (!count) return count.error();
    if (said.digest != of.digest)
        return pith::error{pith::error_code::unsupported_parameter, 8, "the sender was calibrated otherwise"};
    bytes.resize(4 * *count);
    if (!receive_all(from.get(), bytes))
        return pith::error{pith::error_code::truncated, greeting::fixed,
                           "the connection ended in the prompt"};
    for (std::size_t i = 0; i < *count; ++i)
        said.tokens.push_back(pith::load_le<std::uint32_t>(bytes.data() + 4 * i));
    for (const std::uint32_t t : said.tokens)
        if (t >= of.loaded.model.shape.vocabulary)
            return pith::error{pith::error_code::bad_stream, greeting::fixed,
                               "a token that the model does not have"};
    return said;
}

/// Keys and values that attention reads as codes of so many bits.
template <unsigned Bits>
using packed = kv::packed_affine<kv::packed_affine_options{.bits = Bits}>;
template <class Packed>
using attended_cache = kv::cache<kv::post_rope, kv::chunked, Packed, Packed>;

inline pith::error out_of_order() {
    return {pith::error_code::bad_stream, 4, "a chunk of other tokens than the next ones"};
}

/// Adds a chunk's tokens, at most `room`, to a cache; says how many, or what is wrong.
inline pith::result<std::size_t> add_chunk(const subject& of, pith::byte_view bytes,
                                           const pith::limits& limits, std::size_t room,
                                           lm::exact_cache& cache) {
    const kv::shape shape = of.shape();
    const auto chunk = kv::read_chunk<codec>(shape, of.levels, bytes, limits);
    if (!chunk) return chunk.error();
    if (chunk->first_token != cache.tokens_seen() || chunk->tokens > room) return out_of_order();
    for (std::size_t l = 0; l < shape.layers; ++l)
        if (auto kept = cache.append(
                l, {std::span<const float>(chunk->keys[l]), chunk->tokens, shape.key_channels()},
                {std::span<const float>(chunk->values[l]), chunk->tokens, shape.key_channels()}, {});
            !kept)
            return kept.error();
    return std::size_t{chunk->tokens};
}
template <class Packed>
pith::result<std::size_t> add_chunk(const subject& of, pith::byte_view bytes, const pith::limits& limits,
                                    std::size_t room, attended_cache<Packed>& cache) {
    const auto blocks = kv::read_chunk_blocks<kv::post_rope, codec>(
        of.shape(), of.loaded.model.rope(), of.levels, bytes, Packed{}, Packed{}, limits);
    if (!blocks) return blocks.error();
    if (blocks->first_token != cache.tokens_seen() || blocks->tokens > room) return out_of_order();
    if (auto kept = cache.append_blocks(blocks->keys, blocks->values); !kept) return kept.error();
    return std::size_t{blocks->tokens};
}

/// Tokens of the prompt whose keys and values arrived; an error when bytes came that are no stream of chunks.
template <class Cache>
pith::result<std::size_t> receive_chunks(const subject& of, const descriptor& from, const greeting& said,
                                         Cache& cache) {
    std::vector<std::uint8_t> bytes;
    const pith::limits limits{.max_output = std::uint64_t{1} << 28, .max_memory = std::uint64_t{1} << 26};
    std::size_t have = 0;
    while (have + 1 < said.tokens.size()) {
        bytes.resize(kv::chunk_header::size);
        if (!receive_all(from.get(), bytes)) break;
        const auto head = kv::chunk_header::read(bytes, limits);
        if (!head) return head.error();
        bytes.resize(kv::chunk_header::size + static_cast<std::size_t>(head->payload));
        if (!receive_all(from.get(), pith::byte_span(bytes).subspan(kv::chunk_header::size))) break;
        const auto added = add_chunk(of, bytes, limits, said.tokens.size() - 1 - have, cache);
        if (!added) return added.error();
        have += *added;
    }
    return have;
}

/// Exit status. Text goes to standard output, what happened to standard error when it is not all well.
/// `cache` receives; `wrap` makes a kv::any_cache of it.
template <class Cache, class Wrap>
int go_on_with(Cache received, Wrap wrap, const subject& of, const settings& s, const descriptor& from,
               const failure_line& fail) {
    const auto said = receive_greeting(of, from);
    if (!said) return fail("receiver", said.error());
    const auto have = receive_chunks(of, from, *said, received);
    if (!have) return fail("receiver", have.error());
    const std::unique_ptr<kv::any_cache> kept = wrap(std::move(received));
    kv::any_cache& cache = *kept;
    const std::size_t tokens = said->tokens.size() - 1;
    lm::decoder run(of.loaded.model);
    const std::span<const std::uint32_t> prompt(said->tokens);
    if (*have < tokens) {
        (void)fail("receiver", "the connection was lost; " + std::to_string(*have) + " of " +
                                   std::to_string(tokens) +
                                   " tokens arrived and are used, the rest is computed here");
        (void)run.run(prompt.subspan(*have, tokens - *have), cache, {});
    }
    const auto went = lm::continue_text(of.loaded.model, prompt[tokens], s.generate, cache);
    if (!went) return fail("receiver", went.error());
    lm::exact_cache own(of.shape(), of.loaded.model.rope());
    (void)run.run(prompt.first(tokens), own, {});
    const auto exact = lm::continue_text(of.loaded.model, prompt[tokens], s.generate, own);
    std::size_t same = 0;
    while (exact && same < went->size() && (*exact)[same] == (*went)[same]) ++same;
    std::printf("received %zu of %zu tokens; goes on like the exact cache for %zu of %zu tokens:\n%s\n",
                *have, tokens, same, went->size(), of.loaded.words.text_of(*went).c_str());
    return 0;
}

/// Into codes of s.bits bits, or into floats.
inline int go_on(const subject& of, const settings& s, const descriptor& from, const failure_line& fail) {
    const auto attended = [&](auto bits) {
        using cache = attended_cache<packed<bits()>>;
        return go_on_with(
            cache(of.shape(), of.loaded.model.rope(), {}, {}, {.page = 64, .later_page = 64}),
            [](cache c) { return kv::make_any<cache>(std::move(c)); }, of, s, from, fail);
    };
    if (s.bits == 4) return attended(std::integral_constant<unsigned, 4>{});
    if (s.bits == 8) return attended(std::integral_constant<unsigned, 8>{});
    return go_on_with(
        lm::exact_cache(of.shape(), of.loaded.model.rope()),
        [](lm::exact_cache c) { return std::make_unique<lm::exact_cache>(std::move(c)); }, of, s, from, fail);
}

}  // namespace transfer
