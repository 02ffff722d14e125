// Everything in chunks: how a cache is cut that is sent or stored as a whole.
// CacheGen's chunks (Liu et al., 2024); the last one of a prefill is as long as what is left.
#pragma once

#include <cstddef>

#include <pith/core/assert.hpp>
#include <pith/kv/concepts.hpp>

namespace pith::inline v1::kv {

/// S exact sinks, then chunks of B tokens; what comes after the prefill in chunks of its own, so that fewer
/// than those have are loose. A model of segmenter.
struct chunked {
    static constexpr bool separate = false;
    std::size_t exact_sinks = 0, page = 256;
    std::size_t later_page = 256;  ///< tokens of a chunk after the prefill

    [[nodiscard]] std::size_t sinks() const noexcept { return exact_sinks; }
    [[nodiscard]] static constexpr std::size_t window() noexcept { return 0; }
    [[nodiscard]] std::size_t cut(tensor_kind, std::size_t loose, bool end_of_prefill) const noexcept {
        PITH_ASSERT(page >= 1 && page <= most_block_tokens && later_page >= 1 && later_page <= page);
        if (end_of_prefill) return loose < page ? loose : page;
        return loose < later_page ? 0 : later_page;
    }
};
static_assert(segmenter<chunked>);

}  // namespace pith::inline v1::kv
