// Everything in chunks: how a cache is cut that is sent or stored as a whole.
// CacheGen's chunks (Liu et al., 2024); the last one of a prefill is as long as what is left.
#pragma once

#include <cstddef>

#include <pith/core/assert.hpp>
#include <pith/kv/concepts.hpp>

namespace pith::inline v1::kv {

/// S exact sinks, then chunks of B tokens; after the prefill up to B - 1 tokens are loose. A model of
/// segmenter.
struct chunked {
    static constexpr bool separate = false;
    std::size_t exact_sinks = 0, page = 256;

    [[nodiscard]] std::size_t sinks() const noexcept { return exact_sinks; }
    [[nodiscard]] static constexpr std::size_t window() noexcept { return 0; }
    [[nodiscard]] std::size_t cut(tensor_kind, std::size_t loose, bool end_of_prefill) const noexcept {
        PITH_ASSERT(page >= 1 && page <= most_block_tokens);
        return loose >= page ? page : end_of_prefill ? loose : 0;
    }
};
static_assert(segmenter<chunked>);

}  // namespace pith::inline v1::kv
