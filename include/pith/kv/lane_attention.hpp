// Attention of the newest tokens to a lane: float rows, or codes where a codec attends them in place.
// Scores of all tokens, softmax with the largest taken off first, weighted sum; a merged token counts as
// many.
#pragma once

#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include <pith/core/view.hpp>
#include <pith/kv/lane.hpp>
#include <pith/kv/lane_store.hpp>
#include <pith/simd/dot.hpp>

namespace pith::inline v1::kv {

namespace detail {

/// Scores of the visible tokens become weights that sum to 1, all others 0. Left out: -infinity.
inline void to_weights(std::span<float> scores, std::span<const float> multiplicity, std::size_t visible) {
    float largest = -std::numeric_limits<float>::infinity();
    for (std::size_t t = 0; t < visible; ++t) {
        if (multiplicity[t] != 1.0F) scores[t] += std::log(multiplicity[t]);
        largest = std::max(largest, scores[t]);
    }
    std::fill(scores.begin() + static_cast<std::ptrdiff_t>(visible), scores.end(), 0.0F);
    if (!(largest > -std::numeric_limits<float>::infinity())) {
        std::fill_n(scores.begin(), visible, 0.0F);
        return;
    }
    float sum = 0;
    for (std::size_t t = 0; t < visible; ++t) sum += scores[t] = std::exp(scores[t] - largest);
    for (std::size_t t = 0; t < visible; ++t) scores[t] /= sum;
}

inline void add_scaled(float* out, const float* row, float weight, std::size_t n) noexcept {
    for (std::size_t d = 0; d < n; ++d) out[d] += weight * row[d];
}

}  // namespace detail

/// The memory of attention, kept from call to call.
struct attention_scratch {
    std::vector<float> queries, weights;
    std::vector<std::uint8_t> chosen;
    std::vector<std::size_t> visible;
};

/// Leaves no token out.
struct read_all {};

/// One layer of one lane seen by queries.
template <class Store>
class lane_attention {
  public:
    lane_attention(Store& store, lane& l, std::size_t layer, attention_scratch& scratch)
        : store_(&store), lane_(&l), layer_(layer), scratch_(&scratch) {}

    /// Queries of the tokens at positions first_position … , before rope. `read(queries, chosen)` of another
    /// type than read_all may leave tokens out. Columns of `queries` and `out` are query heads of the whole
    /// layer.
    template <class Read>
    void run(view_2d<const float> queries, std::uint64_t first_position, view_2d<float> out, Read& read) {
        constexpr std::size_t floats_at_once = std::size_t{1} << 20;
        const std::size_t heads = lane_->place.heads * group();
        const std::size_t each = heads * std::max<std::size_t>(lane_->tokens(), 1);
        const std::size_t rows = std::max<std::size_t>(floats_at_once / each, 1);
        for (std::size_t r = 0; r < queries.rows(); r += rows) {
            const std::size_t n = std::min(rows, queries.rows() - r);
            some(queries.block(r, 0, n, queries.columns()), first_position + r,
                 out.block(r, 0, n, out.columns()), read);
        }
    }

  private:
    [[nodiscard]] std::size_t group() const noexcept { return lane_->place.shape.queries_per_head(); }
    [[nodiscard]] std::size_t size() const noexcept { return lane_->place.shape.head_size; }
    /// Query heads of the lane.
    [[nodiscard]] std::size_t heads() const noexcept { return lane_->place.heads * group(); }
    [[nodiscard]] std::span<float> query(std::size_t row, std::size_t head) const noexcept {
        return std::span(scratch_->queries).subspan((row * heads() + head) * size(), size());
    }
    [[nodiscard]] std::span<float> weights(std::size_t row, std::size_t head) const noexcept {
        const std::size_t n = lane_->tokens();
        return std::span(scratch_->weights).subspan((row * heads() + head) * n, n);
    }
    /// Column in the lane of the keys that a query head of the lane reads.
    [[nodiscard]] std::size_t column(std::size_t head) const noexcept {
        return lane_->column(layer_, lane_->place.first_head + head / group());
    }
    /// Calls exact(first token, rows) and coded(first token, page index) along the lane.
    template <class Exact, class Coded>
    void walk(tensor_kind kind, Exact&& exact, Coded&& coded) const {
        const lane_part& part = lane_->part(kind);
        if (lane_->sinks != 0) exact(std::size_t{0}, part.exact.ready(0, lane_->sinks));
        std::size_t at = lane_->sinks;
        for (std::size_t b = 0; b < part.pages.size(); ++b) {
            coded(at, b);
            at += part.pages[b].coded->tokens();
        }
        const std::size_t loose = lane_->tokens() - at;
        if (loose != 0) exact(at, part.exact.ready(lane_->sinks, loose));
    }
    template <class Read>
    void some(view_2d<const float> queries, std::uint64_t first_position, view_2d<float> out, Read& read) {
        const std::size_t n = queries.rows();
        take_queries(queries, first_position);
        scratch_->weights.assign(n * heads() * lane_->tokens(), 0.0F);
        score(n);
        for (std::size_t r = 0; r < n; ++r) {
            if constexpr (!std::same_as<Read, read_all>) leave_out(r, read);
            for (std::size_t h = 0; h < heads(); ++h)
                detail::to_weights(weights(r, h), lane_->multiplicity, scratch_->visible[r]);
        }
        gather(n, out);
    }
    template <class Read>
    void leave_out(std::size_t r, Read& read) {
        const std::size_t seen = scratch_->visible[r], width = heads() * size();
        scratch_->chosen.assign(seen, 1);
        const auto row = std::span<const float>(scratch_->queries).subspan(r * width, width);
        read(view_2d<const float>(row, heads(), size()), std::span(scratch_->chosen));
        for (std::size_t h = 0; h < heads(); ++h)
            for (std::size_t t = 0; t < seen; ++t)
                if (scratch_->chosen[t] == 0) weights(r, h)[t] = -std::numeric_limits<float>::infinity();
    }
    /// The lane's query heads, turned and divided by sqrt(d).
    void take_queries(view_2d<const float> queries, std::uint64_t first_position) {
        const std::size_t n = queries.rows(), width = heads() * size();
        const std::size_t from = lane_->place.first_head * group() * size();
        const float scale = 1.0F / std::sqrt(static_cast<float>(size()));
        scratch_->queries.resize(n * width);
        scratch_->visible.resize(n);
        for (std::size_t r = 0; r < n; ++r) {
            const std::span<float> row = std::span(scratch_->queries).subspan(r * width, width);
            for (std::size_t c = 0; c < width; ++c) row[c] = queries(r, from + c) * scale;
            const std::size_t seen = lane_->visible_from(first_position + r);
            scratch_->visible[r] = seen;
            const std::uint64_t place =
                store_->index_positions() ? std::max<std::size_t>(seen, 1) - 1 : first_position + r;
            store_->rotation().turn(row, static_cast<std::uint32_t>(place));
        }
    }
    void score(std::size_t n) {
        const auto of_rows = [&](std::size_t first, view_2d<const float> keys) {
            for (std::size_t r = 0; r < n; ++r)
                for (std::size_t h = 0; h < heads(); ++h) {
                    const std::size_t c = column(h), end = reach(r, first, keys.rows());
                    const std::span<float> w = weights(r, h);
                    for (std::size_t t = 0; t < end; ++t)
                        w[first + t] = simd::dot_fast(query(r, h), keys.row(t).sub(c, size()).as_span());
                }
        };
        walk(tensor_kind::keys, of_rows, [&](std::size_t first, std::size_t b) {
            if constexpr (Store::keys_in_place) {
                if (store_->attended_in_place(tensor_kind::keys)) return score_codes(n, first, b);
            }
            const auto rows = store_->ready(lane_->place.index, tensor_kind::keys, b, first);
            of_rows(first, {*rows, rows->size() / lane_->channels(), lane_->channels()});
        });
    }
    void gather(std::size_t n, view_2d<float> out) {
        scratch_->queries.assign(n * heads() * size(), 0.0F);  // from here on the sums
        const auto of_rows = [&](std::size_t first, view_2d<const float> values) {
            for (std::size_t r = 0; r < n; ++r)
                for (std::size_t h = 0; h < heads(); ++h) {
                    const std::size_t c = column(h), end = reach(r, first, values.rows());
                    const std::span<const float> w = weights(r, h);
                    for (std::size_t t = 0; t < end; ++t)
                        detail::add_scaled(query(r, h).data(), &values(t, c), w[first + t], size());
                }
        };
        walk(tensor_kind::values, of_rows, [&](std::size_t first, std::size_t b) {
            if constexpr (Store::values_in_place) return sum_codes(n, first, b);
            const auto rows = store_->ready(lane_->place.index, tensor_kind::values, b, first);
            of_rows(first, {*rows, rows->size() / lane_->channels(), lane_->channels()});
        });
        const std::size_t to = lane_->place.first_head * group() * size();
        for (std::size_t r = 0; r < n; ++r)
            for (std::size_t c = 0; c < heads() * size(); ++c)
                out(r, to + c) = scratch_->queries[r * heads() * size() + c];
    }
    /// How many of `count` tokens from `first` on a query sees.
    [[nodiscard]] std::size_t reach(std::size_t row, std::size_t first, std::size_t count) const noexcept {
        const std::size_t seen = scratch_->visible[row];
        return seen <= first ? 0 : std::min(count, seen - first);
    }
    void score_codes(std::size_t n, std::size_t first, std::size_t b) requires Store::keys_in_place {
        const block& coded = *lane_->keys.pages[b].coded;
        typename Store::references held;
        const block_scope scope = store_->scope_of(lane_->place.index, tensor_kind::keys, b, coded, held);
        for (std::size_t r = 0; r < n; ++r)
            for (std::size_t h = 0; h < heads(); ++h)
                store_->keys().scores(coded.bytes, scope, column(h) / size(), query(r, h),
                                      weights(r, h).subspan(first, coded.tokens()));
    }
    void sum_codes(std::size_t n, std::size_t first, std::size_t b) requires Store::values_in_place {
        const block& coded = *lane_->values.pages[b].coded;
        typename Store::references held;
        const block_scope scope = store_->scope_of(lane_->place.index, tensor_kind::values, b, coded, held);
        for (std::size_t r = 0; r < n; ++r)
            for (std::size_t h = 0; h < heads(); ++h)
                store_->values().accumulate(coded.bytes, scope, column(h) / size(),
                                            weights(r, h).subspan(first, coded.tokens()), query(r, h));
    }

    Store* store_;
    lane* lane_;
    std::size_t layer_;
    attention_scratch* scratch_;
};

}  // namespace pith::inline v1::kv
