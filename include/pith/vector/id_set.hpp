// Sets of vectors by what is known about them, for filtered search: one bit a vector, from any predicate over
// attributes, joined by and, or, not. The attribute filters of SQUASH (Oakley, Ferhatosmanoglu, 2024) without
// its quantized attributes: a scan of a column costs less than the scan of the codes that it spares.
#pragma once

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <pith/core/assert.hpp>
#include <pith/vector/code_storage.hpp>

namespace pith::inline v1::vector {

/// A subset of the vectors 0 ... size() - 1.
class id_set {
  public:
    /// Those ids for which holds(id).
    template <std::predicate<std::size_t> Predicate>
    [[nodiscard]] static id_set where(std::size_t size, Predicate&& holds) {
        id_set out(size);
        for (std::size_t id = 0; id < size; ++id)
            out.words_[id / 64] |= std::uint64_t{holds(id) ? 1U : 0U} << (id % 64);
        return out;
    }
    /// Those whose attribute lies in [low, high].
    template <std::totally_ordered T>
    [[nodiscard]] static id_set between(std::span<const T> attribute, const T& low, const T& high) {
        return where(attribute.size(),
                     [&](std::size_t id) { return attribute[id] >= low && attribute[id] <= high; });
    }

    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    [[nodiscard]] std::size_t count() const noexcept {
        std::size_t n = 0;
        for (const std::uint64_t word : words_) n += static_cast<std::size_t>(std::popcount(word));
        return n;
    }
    [[nodiscard]] bool contains(std::size_t id) const noexcept {
        return id < size_ && (words_[id / 64] >> (id % 64) & 1) != 0;
    }
    /// For flat_index::search, while the set lives.
    [[nodiscard]] id_filter filter() const noexcept { return {words_}; }

    /// Precondition of both: equal sizes.
    [[nodiscard]] friend id_set operator&(id_set a, const id_set& b) noexcept {
        PITH_ASSERT(a.size_ == b.size_);
        for (std::size_t i = 0; i < a.words_.size(); ++i) a.words_[i] &= b.words_[i];
        return a;
    }
    [[nodiscard]] friend id_set operator|(id_set a, const id_set& b) noexcept {
        PITH_ASSERT(a.size_ == b.size_);
        for (std::size_t i = 0; i < a.words_.size(); ++i) a.words_[i] |= b.words_[i];
        return a;
    }
    [[nodiscard]] friend id_set operator~(id_set a) noexcept {
        for (std::uint64_t& word : a.words_) word = ~word;
        if (a.size_ % 64 != 0) a.words_.back() &= (std::uint64_t{1} << (a.size_ % 64)) - 1;
        if (a.size_ == 0) a.words_.front() = 0;
        return a;
    }

  private:
    // One word at least: no words at all would admit every vector.
    explicit id_set(std::size_t size) : size_(size), words_(size / 64 + 1) {
        if (size != 0) words_.resize((size + 63) / 64);
    }

    std::size_t size_;
    std::vector<std::uint64_t> words_;
};

}  // namespace pith::inline v1::vector
