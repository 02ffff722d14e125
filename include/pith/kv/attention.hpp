// Attention over lists of blocks: softmax as it goes, over query heads that share keys, in parts by threads.
// Milakov and Gimelshein (2018) and FlashAttention (Dao et al., 2022) for the running softmax; split over the
// tokens as in Flash-Decoding (Dao et al., 2023).
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include <pith/core/assert.hpp>
#include <pith/core/serial.hpp>
#include <pith/core/view.hpp>
#include <pith/kv/concepts.hpp>
#include <pith/simd/attention_factors.hpp>

namespace pith::inline v1::kv {

/// The attention of one query to some of the tokens, which that to others can be added to.
class partial_attention {
  public:
    explicit partial_attention(std::size_t channels) : sums_(channels) {}

    /// Takes the tokens with these scores, scaled by `factor` before the softmax: turns them into weights,
    /// for whose weighted values sums() then waits. A score of -infinity leaves a token out.
    template <simd::instruction_set Arch = simd::native>
    void weigh(std::span<float> scores, float factor) {
        const float largest = simd::largest_score<Arch>(scores.data(), scores.size(), largest_);
        if (!(largest > -std::numeric_limits<float>::infinity())) {
            std::fill(scores.begin(), scores.end(), 0.0F);
            return;
        }
        if (largest > largest_) {
            if (total_ > 0) shrink<Arch>(std::exp((largest_ - largest) * factor));
            largest_ = largest;
        }
        total_ += simd::exponentials<Arch>(scores.data(), scores.size(), factor, largest);
    }
    /// Adds weighted values.
    void take(std::span<const float> sums) noexcept {
        for (std::size_t c = 0; c < sums_.size(); ++c) sums_[c] += sums[c];
    }
    /// Adds what the same query found in other tokens. Precondition: the same factor throughout.
    template <simd::instruction_set Arch = simd::native>
    void add(const partial_attention& other, float factor) {
        PITH_ASSERT(sums_.size() == other.sums_.size());
        if (other.total_ == 0) return;
        float weight = 1;
        if (other.largest_ > largest_) {
            if (total_ > 0) shrink<Arch>(std::exp((largest_ - other.largest_) * factor));
            largest_ = other.largest_;
        } else {
            weight = std::exp((other.largest_ - largest_) * factor);
        }
        total_ += weight * other.total_;
        for (std::size_t c = 0; c < sums_.size(); ++c) sums_[c] += weight * other.sums_[c];
    }
    /// The weighted values, not yet divided by total(); to be turned back where a codec asks for that.
    [[nodiscard]] std::span<float> sums() noexcept { return sums_; }
    [[nodiscard]] float total() const noexcept { return total_; }
    /// The attention to all tokens taken; zeros if there were none.
    void finish(std::span<float> out) const noexcept {
        PITH_ASSERT(out.size() == sums_.size());
        const float inverse = total_ > 0 ? 1 / total_ : 0;
        for (std::size_t c = 0; c < out.size(); ++c) out[c] = sums_[c] * inverse;
    }

  private:
    template <simd::instruction_set Arch>
    void shrink(float by) noexcept {
        total_ *= by;
        simd::rescale<Arch>(sums_.data(), sums_.size(), by);
    }

    std::vector<float> sums_;
    float total_ = 0;
    float largest_ = -std::numeric_limits<float>::infinity();
};

/// The bytes of one block, keys and values of the same tokens.
struct packed_block {
    std::span<const std::byte> keys, values;
    std::size_t tokens = 0;
};

/// A codec whose queries and sums are turned once for all blocks. Rows of `in` and `out` are single queries.
template <class C>
concept turning_codec = attended_codec<C> &&
    requires(const C c, std::span<const std::byte> bytes, const block_scope& scope, std::size_t head,
             std::span<const float> one, std::span<float> turned, view_2d<const float> in,
             view_2d<float> out) {
    c.turn(one, turned);
    c.turn_back(turned, turned);
    c.turned_scores(bytes, scope, head, in, out);
    c.turned_accumulate(bytes, scope, head, in, out);
};

namespace detail {

template <attended_codec Keys, attended_codec Values>
class block_attention {
  public:
    block_attention(const Keys& keys, const Values& values, const block_scope& scope, std::size_t head,
                    view_2d<const float> queries)
        : keys_(&keys), values_(&values), scope_(scope), head_(head), queries_(queries) {
        const std::size_t d = queries.columns();
        factor_ = 1 / std::sqrt(static_cast<float>(d));
        if constexpr (turning_codec<Keys>) {
            turned_.resize(queries.size());
            for (std::size_t g = 0; g < queries.rows(); ++g)
                keys.turn(queries.row(g).as_span(), std::span(turned_).subspan(g * d, d));
            queries_ = {turned_, queries.rows(), d};
        }
    }
    block_attention(const block_attention&) = delete;
    block_attention& operator=(const block_attention&) = delete;

    /// All queries over some blocks: a block's codes are read once for all of them.
    void run(std::span<const packed_block> blocks, std::span<partial_attention> parts) const {
        std::vector<float> scores, sums;
        for (const packed_block& b : blocks) {
            scores.resize(b.tokens * parts.size());
            const view_2d<float> rows{std::span(scores), parts.size(), b.tokens};
            score(b, rows);
            for (std::size_t g = 0; g < parts.size(); ++g) parts[g].weigh(rows.row(g).as_span(), factor_);
            if (parts.size() == 1) {
                accumulate(b, rows, {parts[0].sums(), 1, parts[0].sums().size()});
                continue;
            }
            sums.assign(queries_.size(), 0.0F);
            const view_2d<float> added{std::span(sums), parts.size(), queries_.columns()};
            accumulate(b, rows, added);
            for (std::size_t g = 0; g < parts.size(); ++g) parts[g].take(added.row(g).as_span());
        }
    }
    void finish(std::span<partial_attention> parts, view_2d<float> out) const {
        std::vector<float> back(turning_codec<Values> ? queries_.columns() : 0);
        for (std::size_t g = 0; g < parts.size(); ++g) {
            if constexpr (turning_codec<Values>) {
                values_->turn_back(parts[g].sums(), back);
                std::copy(back.begin(), back.end(), parts[g].sums().begin());
            }
            parts[g].finish(out.row(g).as_span());
        }
    }
    [[nodiscard]] float factor() const noexcept { return factor_; }

  private:
    void score(const packed_block& b, view_2d<float> out) const {
        if constexpr (turning_codec<Keys>)
            keys_->turned_scores(b.keys, scope_, head_, queries_, out);
        else
            scores_of_rows(*keys_, b.keys, scope_, head_, queries_, out);
    }
    void accumulate(const packed_block& b, view_2d<const float> weights, view_2d<float> out) const {
        if constexpr (turning_codec<Values>)
            values_->turned_accumulate(b.values, scope_, head_, weights, out);
        else
            accumulate_rows(*values_, b.values, scope_, head_, weights, out);
    }

    const Keys* keys_;
    const Values* values_;
    block_scope scope_;
    std::size_t head_;
    view_2d<const float> queries_;
    std::vector<float> turned_;
    float factor_ = 1;
};

}  // namespace detail

/// Tokens that one partial_attention takes at least before another begins: with threads or without, so that
/// the result is the same.
inline constexpr std::size_t run_tokens = 8192;

/// Attention of the query heads that share one key-value head, `head` of the lane, over blocks of tokens:
/// out[g] = softmax(queries[g] . keys / sqrt(d)) values. queries and out: one contiguous row of d for each
/// query head, rotated as the keys are. Long caches are cut in runs, worked on by `how` and added in order.
/// Precondition: both codecs' decode accepts the bytes. Encoder-side.
template <attended_codec Keys, attended_codec Values, parallel_policy Execution = serial>
void attend_blocks(const Keys& keys, const Values& values, std::span<const packed_block> blocks,
                   const block_scope& scope, std::size_t head, view_2d<const float> queries,
                   view_2d<float> out, const Execution& how = {}) {
    const std::size_t d = queries.columns();
    PITH_ASSERT(out.rows() == queries.rows() && out.columns() == d);
    const detail::block_attention<Keys, Values> work(keys, values, scope, head, queries);
    std::vector<std::size_t> starts{0};
    for (std::size_t b = 0, tokens = 0; b < blocks.size(); ++b) {
        if (tokens >= run_tokens) {
            starts.push_back(b);
            tokens = 0;
        }
        tokens += blocks[b].tokens;
    }
    const std::size_t runs = starts.size();
    starts.push_back(blocks.size());
    std::vector<std::vector<partial_attention>> parts(
        runs, std::vector<partial_attention>(queries.rows(), partial_attention(d)));
    for_each_index(how, runs, [&](std::size_t r, std::size_t) {
        work.run(blocks.subspan(starts[r], starts[r + 1] - starts[r]), parts[r]);
    });
    for (std::size_t r = 1; r < runs; ++r)
        for (std::size_t g = 0; g < queries.rows(); ++g) parts[0][g].add(parts[r][g], work.factor());
    work.finish(parts[0], out);
}

}  // namespace pith::inline v1::kv
