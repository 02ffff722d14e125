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
#include <pith/kv/concepts.hpp>
#include <pith/kv/keep_all.hpp>
#include <pith/kv/ranking.hpp>

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

  private:
    std::size_t head_size_, page_, tokens_ = 0;
    std::vector<float> low_, high_;
};

/// Nothing is dropped; at each step attention reads the sinks, the window and, of what is between them, the
/// pages whose bounds are the largest for any query head of the lane, up to `tokens` tokens in all. The first
/// `dense` layers read everything. The bounds are found anew from the keys at every step; stored, they would
/// be 2 / page of the keys' bytes, and as many are read.
struct page_reading {
    static constexpr bool per_head = true;
    std::size_t tokens = 256, page = 16, dense = 2;

    [[nodiscard]] bool due(std::size_t) const noexcept { return false; }
    void plan(std::span<const lane_place> places, std::span<const lane_view> movable,
              const retention_event& event, std::span<lane_plan> plans) const {
        keep_all{}.plan(places, movable, event, plans);
    }
    void read(const lane_place& lane, std::size_t layer, view_2d<const float> queries, const lane_view& rows,
              std::span<std::uint8_t> chosen) const {
        const std::size_t always = chosen.size() - rows.movable_count, n = rows.movable_count;
        if (layer < dense || chosen.size() <= tokens) return;
        std::vector<float> bounds((n + page - 1) / page, -INFINITY);
        page_bounds pages(lane.shape.head_size, page);
        for (std::size_t t = 0; t < n; ++t)
            pages.append(head_of_row(rows.keys, rows.movable_first + t, 0, lane.shape.head_size));
        for (std::size_t p = 0; p < bounds.size(); ++p)
            for (std::size_t g = 0; g < queries.rows(); ++g)
                bounds[p] =
                    std::max(bounds[p], pages.bound(head_of_row(queries, g, 0, lane.shape.head_size), p));
        const std::size_t count = tokens > always ? (tokens - always) / page : 0;
        std::fill_n(chosen.begin() + static_cast<std::ptrdiff_t>(rows.movable_first), n, std::uint8_t{0});
        for (const std::uint32_t p : highest(bounds, std::min(count, bounds.size())))
            for (std::size_t t = p * page; t < std::min(n, (p + 1) * page); ++t)
                chosen[rows.movable_first + t] = 1;
    }
};

}  // namespace pith::inline v1::kv
