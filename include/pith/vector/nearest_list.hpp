// The k nearest so far: a heap with the worst on top.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include <pith/core/assert.hpp>

namespace pith::inline v1::vector {

/// What stands where fewer than k vectors were found.
inline constexpr std::uint32_t no_neighbor = ~std::uint32_t{0};

struct neighbor {
    float cost = std::numeric_limits<float>::infinity();
    std::uint32_t id = no_neighbor;

    /// Nearer ones first; of equals the lower id.
    friend constexpr bool operator<(const neighbor& a, const neighbor& b) noexcept {
        return a.cost != b.cost ? a.cost < b.cost : a.id < b.id;
    }
    friend constexpr bool operator==(const neighbor&, const neighbor&) noexcept = default;
};

/// Keeps the k nearest of what is offered, in whatever order it comes.
class nearest_list {
  public:
    explicit nearest_list(std::size_t k) : heap_(k) { PITH_ASSERT(k != 0); }

    void clear() noexcept { std::fill(heap_.begin(), heap_.end(), neighbor{}); }
    /// Costs above this one are not kept.
    [[nodiscard]] float bound() const noexcept { return heap_.front().cost; }
    void offer(float cost, std::uint32_t id) noexcept {
        const neighbor one{cost, id};
        if (!(one < heap_.front())) return;
        std::pop_heap(heap_.begin(), heap_.end());
        heap_.back() = one;
        std::push_heap(heap_.begin(), heap_.end());
    }
    /// Writes all k, the nearest first. Precondition: out.size() == k.
    void write(std::span<neighbor> out) const {
        PITH_ASSERT(out.size() == heap_.size());
        std::copy(heap_.begin(), heap_.end(), out.begin());
        std::sort(out.begin(), out.end());
    }

  private:
    std::vector<neighbor> heap_;
};

}  // namespace pith::inline v1::vector
