// Pages of keys with bounds, so that a query reads only the pages that can matter: nothing is dropped.
// Quest (Tang et al., 2024).
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <pith/core/assert.hpp>
#include <pith/kv/attention_rows.hpp>
#include <pith/kv/selection.hpp>

namespace pith::inline v1::kv {

/// The least and the greatest of each key channel in every page of `page` tokens of one head.
class page_bounds {
  public:
    explicit page_bounds(std::size_t head_size, std::size_t page = 16) : head_size_(head_size), page_(page) {
        PITH_ASSERT(head_size >= 1 && page >= 1);
    }
    void append(std::span<const float> key) {
        PITH_ASSERT(key.size() == head_size_);
        if (tokens_++ % page_ == 0) {
            low_.insert(low_.end(), key.begin(), key.end());
            high_.insert(high_.end(), key.begin(), key.end());
            return;
        }
        const std::size_t last = low_.size() - head_size_;
        for (std::size_t j = 0; j < head_size_; ++j) {
            low_[last + j] = std::min(low_[last + j], key[j]);
            high_[last + j] = std::max(high_[last + j], key[j]);
        }
    }
    [[nodiscard]] std::size_t pages() const noexcept { return low_.size() / head_size_; }
    [[nodiscard]] std::size_t tokens() const noexcept { return tokens_; }
    [[nodiscard]] std::size_t page_size() const noexcept { return page_; }

    /// No inner product of the query with a key of the page is larger (but for rounding).
    [[nodiscard]] float bound(std::span<const float> query, std::size_t page) const noexcept {
        PITH_ASSERT(query.size() == head_size_ && page < pages());
        double sum = 0;
        for (std::size_t j = 0; j < head_size_; ++j)
            sum += std::max(double{query[j]} * double{low_[page * head_size_ + j]},
                            double{query[j]} * double{high_[page * head_size_ + j]});
        return static_cast<float>(sum);
    }
    /// The `count` pages of the largest bounds, ascending; the newest page is always among them.
    [[nodiscard]] std::vector<std::uint32_t> choose(std::span<const float> query, std::size_t count) const {
        std::vector<float> bounds(pages());
        for (std::size_t p = 0; p < bounds.size(); ++p) bounds[p] = bound(query, p);
        if (!bounds.empty()) bounds.back() = INFINITY;
        return highest(bounds, std::min(count, bounds.size()));
    }

  private:
    std::size_t head_size_, page_, tokens_ = 0;
    std::vector<float> low_, high_;
};

/// Attention over the rows of `count` pages only; returns the number of rows read.
inline std::size_t attend_pages(const page_bounds& bounds, std::size_t count, std::span<const float> query,
                                view_2d<const float> keys, view_2d<const float> values, std::size_t head,
                                std::span<float> out) {
    PITH_ASSERT(bounds.tokens() == keys.rows() && keys.rows() == values.rows());
    std::vector<std::uint32_t> read;
    for (const std::uint32_t p : bounds.choose(query, count))
        for (std::size_t t = p * bounds.page_size(); t < std::min(keys.rows(), (p + 1) * bounds.page_size());
             ++t)
            read.push_back(static_cast<std::uint32_t>(t));
    std::vector<float> weights(read.size());
    for (std::size_t i = 0; i < read.size(); ++i)
        attention_logits(query, keys.block(read[i], 0, 1, keys.columns()), head, {},
                         std::span(weights).subspan(i, 1));
    softmax(weights);
    for (float& v : out) v = 0;
    for (std::size_t i = 0; i < read.size(); ++i) {
        const auto value = head_of_row(values, read[i], head, out.size());
        for (std::size_t j = 0; j < out.size(); ++j) out[j] += weights[i] * value[j];
    }
    return read.size();
}

}  // namespace pith::inline v1::kv
