// The last stage of context mixing: a prediction as the last byte, the last two and the match refine it.
// As in lpaq (Mahoney, 2007); what stands under the last two bytes is one line of the cache after the other,
// and is fetched one bit early.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include <pith/mixing/apm.hpp>
#include <pith/mixing/contexts.hpp>
#include <pith/mixing/selectors.hpp>

namespace pith::inline v1::mixing {

/// Three refinements of one prediction. Exact.
class refinements {
    static constexpr std::size_t hashed_contexts = 32768;

  public:
    /// Bytes on the heap.
    static constexpr std::size_t memory = (65536 + hashed_contexts + 2048) * apm::points * 2;

    refinements() : by_last_(65536), by_two_(hashed_contexts), by_match_(2048) {}

    void reset() noexcept {
        by_last_.reset();
        by_two_.reset();
        by_match_.reset();
    }
    /// Before the first bit of a nibble, under the last two bytes.
    void begin_nibble(std::uint32_t two, std::uint32_t partial) noexcept {
        last_ = std::size_t{two & 0xFF} << 8;
        nibble_ = scrambled(two & 0xFFFF, partial) >> 17 & ~std::uint32_t{15};
        by_last_.prefetch(partial | last_);
        by_two_.prefetch(nibble_ + 1);
    }
    /// Starts to fetch what either value of the next bit leads to.
    [[gnu::always_inline]] void prefetch(const mixing_state& state, std::size_t node) const noexcept {
        if (state.bits != 7) by_last_.prefetch_pair(last_ | 2 * state.partial);
        if (node < 8) by_two_.prefetch_pair(nibble_ + 2 * node);
    }
    /// Under the last byte, the last two, and the match with the contexts that are known.
    [[nodiscard, gnu::always_inline]] std::array<std::uint32_t, 3> refine(int x, const mixing_state& state,
                                                                          std::size_t node) noexcept {
        return {by_last_.refine(x, state.partial | last_), by_two_.refine(x, nibble_ + node),
                by_match_.refine(x, state.partial | state.match << 8 | (state.seen > 3 ? 1024U : 0U))};
    }
    [[gnu::always_inline]] void update(bool bit) noexcept {
        by_last_.update(bit, 6);
        by_two_.update(bit, 6);
        by_match_.update(bit, 6);
    }

  private:
    apm by_last_, by_two_, by_match_;
    std::size_t last_ = 0;
    std::uint32_t nibble_ = 0;
};

}  // namespace pith::inline v1::mixing
