// What becomes of the tokens that score low: they go, or they stay and codecs learn their scores.
// H2O (Zhang et al., 2023) and its successors evict; MiKV (Yang et al., 2024) and ZipCache (He et al., 2024)
// give fewer bits.
#pragma once

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <span>

#include <pith/core/assert.hpp>
#include <pith/kv/concepts.hpp>
#include <pith/kv/ranking.hpp>

namespace pith::inline v1::kv {

/// dispose: leaves exactly `keep` tokens of a lane in `plan` (which arrives empty), keep <= tokens; or all,
/// if D::drops is false. Law: deterministic; equal scores go by the lowest index. Encoder-side. Minimal
/// model: evict.
template <class D>
concept disposal = std::copy_constructible<D> &&
    requires(const D d, const lane_place& place, const lane_view& tokens, std::span<const float> scores,
             std::size_t keep, lane_plan& plan) {
    { D::drops } -> std::convertible_to<bool>;
    d.dispose(place, tokens, scores, keep, plan);
};

/// The highest scores stay as they are.
struct evict {
    static constexpr bool drops = true;

    void dispose(const lane_place&, [[maybe_unused]] const lane_view& tokens, std::span<const float> scores,
                 std::size_t keep, lane_plan& plan) const {
        PITH_ASSERT(scores.size() == tokens.tokens() && keep <= scores.size());
        plan.kept = highest(scores, keep);
    }
};

/// Every token stays; blocks are coded with the scores in their scope.
struct lower_bits {
    static constexpr bool drops = false;

    void dispose(const lane_place&, const lane_view& tokens, std::span<const float>, std::size_t,
                 lane_plan& plan) const {
        plan.kept.resize(tokens.tokens());
        std::iota(plan.kept.begin(), plan.kept.end(), 0U);
    }
};

}  // namespace pith::inline v1::kv
