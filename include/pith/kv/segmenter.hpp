// Ways to cut a lane into exact sinks, frozen blocks and an exact recent window.
// KIVI's two rules (Liu et al., 2024), attention sinks (StreamingLLM, Xiao et al., 2023). Blocks are the
// fixed-size pages of engines (PagedAttention, Kwon et al., 2023), and a lane's list of them is its block
// table.
#pragma once

#include <cstddef>

#include <pith/core/assert.hpp>
#include <pith/kv/concepts.hpp>

namespace pith::inline v1::kv {

/// Nothing is frozen: for retention alone, and for exact caches.
struct loose_only {
    static constexpr bool separate = false;
    std::size_t exact_sinks = 0, exact_window = 0;  ///< what retention must not touch

    [[nodiscard]] std::size_t sinks() const noexcept { return exact_sinks; }
    [[nodiscard]] std::size_t window() const noexcept { return exact_window; }
    [[nodiscard]] std::size_t cut(tensor_kind, std::size_t, bool) const noexcept { return 0; }
};

/// S exact sinks, at least R exact recent tokens, pages of B tokens between them: R to R + B - 1 are loose.
struct sink_residual {
    static constexpr bool separate = false;
    std::size_t exact_sinks = 4, exact_window = 128, page = 32;

    [[nodiscard]] std::size_t sinks() const noexcept { return exact_sinks; }
    [[nodiscard]] std::size_t window() const noexcept { return exact_window; }
    [[nodiscard]] std::size_t cut(tensor_kind, std::size_t loose, bool) const noexcept {
        PITH_ASSERT(page >= 1 && page <= most_block_tokens);
        return loose >= exact_window && loose - exact_window >= page ? page : 0;
    }
};

/// KIVI: keys wait until R have gathered and are frozen all at once, so that 0 to R - 1 are loose; values
/// slide: at least R stay loose, and what is older is frozen in pages (1 as published; 32 costs R + 31 loose
/// values at most and 32 times fewer page headers).
struct residual {
    static constexpr bool separate = true;
    std::size_t gathered = 128, value_page = 32;

    [[nodiscard]] std::size_t sinks() const noexcept { return 0; }
    /// Keys may leave no exact token: the window that retention must keep is what both kinds still hold.
    [[nodiscard]] std::size_t window() const noexcept { return gathered; }
    [[nodiscard]] std::size_t cut(tensor_kind kind, std::size_t loose, bool) const noexcept {
        PITH_ASSERT(gathered >= 1 && gathered <= most_block_tokens);
        PITH_ASSERT(value_page >= 1 && value_page <= most_block_tokens);
        if (kind == tensor_kind::keys) return loose >= gathered ? gathered : 0;
        return loose >= gathered && loose - gathered >= value_page ? value_page : 0;
    }
};

/// The whole prefill but S sinks and R recent tokens becomes one block (in parts of at most 65,536 tokens);
/// what comes later is frozen in pages of B.
struct whole_prefill {
    static constexpr bool separate = false;
    std::size_t exact_sinks = 0, exact_window = 32, page = 32;

    [[nodiscard]] std::size_t sinks() const noexcept { return exact_sinks; }
    [[nodiscard]] std::size_t window() const noexcept { return exact_window; }
    [[nodiscard]] std::size_t cut(tensor_kind, std::size_t loose, bool end_of_prefill) const noexcept {
        PITH_ASSERT(page >= 1 && page <= most_block_tokens);
        const std::size_t old = loose > exact_window ? loose - exact_window : 0;
        if (end_of_prefill) return old < most_block_tokens ? old : most_block_tokens;
        return old >= page ? page : 0;
    }
};

}  // namespace pith::inline v1::kv
