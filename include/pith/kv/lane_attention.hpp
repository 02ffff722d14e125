// Attention of the newest tokens to a lane: float rows, or codes where a codec attends them in place.
// Scores of all tokens, softmax with the largest taken off first, weighted sum; a merged token counts as
// many. Long lanes are summed in runs as by attend_blocks, for any number of threads in the same order.
#pragma once

#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include <pith/core/serial.hpp>
#include <pith/core/view.hpp>
#include <pith/kv/attention.hpp>
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

/// Neighbouring tokens of a lane that lie together: exact rows, or a block.
struct lane_stretch {
    std::size_t first = 0, tokens = 0;
    std::size_t row = 0;   ///< of exact tokens: the first one's
    std::size_t page = 0;  ///< of a block
    bool coded = false;
};

/// The memory of attention, kept from call to call.
struct attention_scratch {
    std::vector<float> queries, weights, sums;
    std::vector<std::uint8_t> chosen;
    std::vector<std::size_t> visible, runs;
    std::vector<lane_stretch> stretches;
};

/// Leaves no token out.
struct read_all {};

/// One layer of one lane seen by queries; the work is shared out by `how`.
template <class Store, parallel_policy Execution>
class lane_attention {
  public:
    lane_attention(Store& store, lane& l, std::size_t layer, attention_scratch& scratch, const Execution& how)
        : store_(&store), lane_(&l), layer_(layer), scratch_(&scratch), how_(&how) {}

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
    /// Cuts the lane in stretches, in order.
    void cut(tensor_kind kind) const {
        constexpr std::size_t most = run_tokens / 8;
        const lane_part& part = lane_->part(kind);
        std::vector<lane_stretch>& to = scratch_->stretches;
        to.clear();
        const auto exact = [&](std::size_t first, std::size_t end, std::size_t row) {
            for (; first < end; first += most, row += most)
                to.push_back({first, std::min(end - first, most), row, 0, false});
        };
        exact(0, lane_->sinks, 0);
        std::size_t at = lane_->sinks;
        for (std::size_t b = 0; b < part.pages.size(); ++b) {
            to.push_back({at, part.pages[b].coded->tokens(), 0, b, true});
            at += to.back().tokens;
        }
        exact(at, lane_->tokens(), lane_->sinks);
    }
    /// Calls rows(matrix) for a stretch of tokens as floats, or codes().
    template <class Rows, class Codes>
    void visit(const lane_stretch& s, tensor_kind kind, Rows&& rows, Codes&& codes) const {
        if (!s.coded) return rows(lane_->part(kind).exact.ready(s.row, s.tokens));
        if (store_->attended_in_place(kind)) return codes();
        const auto floats = store_->ready(lane_->place.index, kind, s.page, s.first);
        rows(view_2d<const float>(*floats, s.tokens, lane_->channels()));
    }
    template <class Read>
    void some(view_2d<const float> queries, std::uint64_t first_position, view_2d<float> out, Read& read) {
        const std::size_t n = queries.rows();
        take_queries(queries, first_position);
        scratch_->weights.assign(n * heads() * lane_->tokens(), 0.0F);
        score(n);
        for (std::size_t r = 0; r < n; ++r) {
            if constexpr (!std::same_as<Read, read_all>) leave_out(r, read);
        }
        for_each_index(*how_, n * heads(), [&](std::size_t i, std::size_t) {
            const std::size_t r = i / heads();
            detail::to_weights(weights(r, i % heads()), lane_->multiplicity, scratch_->visible[r]);
        });
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
        cut(tensor_kind::keys);
        for_each_index(*how_, scratch_->stretches.size(), [&](std::size_t i, std::size_t) {
            const lane_stretch& s = scratch_->stretches[i];
            visit(
                s, tensor_kind::keys, [&](view_2d<const float> keys) { score_rows(n, s.first, keys); },
                [&] {
                    if constexpr (Store::keys_in_place) score_codes(n, s);
                });
        });
    }
    void score_rows(std::size_t n, std::size_t first, view_2d<const float> keys) const {
        for (std::size_t r = 0; r < n; ++r)
            for (std::size_t h = 0; h < heads(); ++h) {
                const std::size_t c = column(h), end = reach(r, first, keys.rows());
                const std::span<float> w = weights(r, h);
                for (std::size_t t = 0; t < end; ++t)
                    w[first + t] = simd::dot_fast(query(r, h), keys.row(t).sub(c, size()).as_span());
            }
    }
    /// Sums runs of stretches, each by itself, and adds them in order.
    void gather(std::size_t n, view_2d<float> out) {
        cut(tensor_kind::values);
        std::vector<std::size_t>& runs = scratch_->runs;
        runs.assign(1, 0);
        for (std::size_t i = 0, tokens = 0; i < scratch_->stretches.size(); ++i) {
            if (tokens >= run_tokens) {
                runs.push_back(i);
                tokens = 0;
            }
            tokens += scratch_->stretches[i].tokens;
        }
        const std::size_t count = runs.size(), each = n * heads() * size();
        runs.push_back(scratch_->stretches.size());
        scratch_->sums.assign(count * each, 0.0F);
        // Heads go apart only where no thread would decode what another one does.
        const std::size_t parts = how_->workers() > 1 && at_hand() ? lane_->place.heads : 1;
        for_each_index(*how_, count * parts, [&](std::size_t i, std::size_t) {
            const std::size_t run = i / parts, some = lane_->place.heads / parts;
            float* const sums = scratch_->sums.data() + run * each;
            for (std::size_t s = runs[run]; s < runs[run + 1]; ++s)
                sum(n, scratch_->stretches[s], i % parts * some, some, sums);
        });
        const std::size_t to = lane_->place.first_head * group() * size(), width = heads() * size();
        for (std::size_t r = 0; r < n; ++r)
            for (std::size_t c = 0; c < width; ++c) {
                float total = scratch_->sums[r * width + c];
                for (std::size_t run = 1; run < count; ++run)
                    total += scratch_->sums[run * each + r * width + c];
                out(r, to + c) = total;
            }
    }
    /// Values need no decoding.
    [[nodiscard]] bool at_hand() const noexcept {
        if (store_->attended_in_place(tensor_kind::values)) return true;
        const auto& pages = lane_->values.pages;
        return std::all_of(pages.begin(), pages.end(), [](const page& p) { return p.ready != nullptr; });
    }
    /// Adds the weighted values of a stretch for the queries of `count` key-value heads from `first` on.
    void sum(std::size_t n, const lane_stretch& s, std::size_t first, std::size_t count, float* sums) const {
        visit(
            s, tensor_kind::values,
            [&](view_2d<const float> values) {
                for (std::size_t r = 0; r < n; ++r)
                    for (std::size_t h = first * group(); h < (first + count) * group(); ++h) {
                        const std::size_t c = column(h), end = reach(r, s.first, values.rows());
                        const std::span<const float> w = weights(r, h);
                        for (std::size_t t = 0; t < end; ++t)
                            detail::add_scaled(sums + (r * heads() + h) * size(), &values(t, c),
                                               w[s.first + t], size());
                    }
            },
            [&] {
                if constexpr (Store::values_in_place) sum_codes(n, s, first, count, sums);
            });
    }
    /// How many of `count` tokens from `first` on a query sees.
    [[nodiscard]] std::size_t reach(std::size_t row, std::size_t first, std::size_t count) const noexcept {
        const std::size_t seen = scratch_->visible[row];
        return seen <= first ? 0 : std::min(count, seen - first);
    }
    /// The weights of a stretch for one row and the query heads of a key-value head.
    [[nodiscard]] view_2d<float> group_weights(std::size_t row, std::size_t head,
                                               const lane_stretch& s) const noexcept {
        return {weights(row, head * group()).data() + s.first, group(), s.tokens, lane_->tokens(), 1};
    }
    void score_codes(std::size_t n, const lane_stretch& s) const requires Store::keys_in_place {
        const block& coded = *lane_->keys.pages[s.page].coded;
        typename Store::references held;
        const block_scope scope =
            store_->scope_of(lane_->place.index, tensor_kind::keys, s.page, coded, held);
        for (std::size_t r = 0; r < n; ++r)
            for (std::size_t k = 0; k < lane_->place.heads; ++k) {
                const view_2d<const float> queries{query(r, k * group()).data(), group(), size(), size(), 1};
                detail::scores_of_rows(store_->keys(), coded.bytes, scope, column(k * group()) / size(),
                                       queries, group_weights(r, k, s));
            }
    }
    void sum_codes(std::size_t n, const lane_stretch& s, std::size_t first, std::size_t count,
                   float* sums) const requires Store::values_in_place {
        const block& coded = *lane_->values.pages[s.page].coded;
        typename Store::references held;
        const block_scope scope =
            store_->scope_of(lane_->place.index, tensor_kind::values, s.page, coded, held);
        for (std::size_t r = 0; r < n; ++r)
            for (std::size_t k = first; k < first + count; ++k) {
                const view_2d<float> to{sums + (r * heads() + k * group()) * size(), group(), size(), size(),
                                        1};
                detail::accumulate_rows(store_->values(), coded.bytes, scope, column(k * group()) / size(),
                                        group_weights(r, k, s), to);
            }
    }

    Store* store_;
    lane* lane_;
    std::size_t layer_;
    attention_scratch* scratch_;
    const Execution* how_;
};

}  // namespace pith::inline v1::kv
