// A rooted tree over the variables of a record, and the order in which a circuit codes them.
// Chow and Liu (1968): the best tree of pairwise dependences is the maximum spanning tree of the mutual
// informations. Rooted at a centroid as Liu, Mandt and Van den Broeck (2022) do; the order is ours.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include <pith/core/assert.hpp>
#include <pith/core/bytes.hpp>
#include <pith/core/exact_math.hpp>

namespace pith::inline v1::mixing {

/// A tree of 1..256 nodes, one a variable. The order is depth first from the root, smaller subtrees first:
/// everything below a node is coded in one piece, so that a message crosses an edge once each way.
class circuit_tree {
  public:
    static constexpr std::size_t max_size = 256;

    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    [[nodiscard]] std::size_t root() const noexcept { return order_[0]; }
    /// The root is its own parent.
    [[nodiscard]] std::size_t parent(std::size_t node) const noexcept { return parent_[node]; }
    /// The node that is coded as number `step`.
    [[nodiscard]] std::size_t at(std::size_t step) const noexcept { return order_[step]; }

    /// Takes parents[i] for every node i, the root its own parent. False, and the tree is unusable, unless
    /// they form one tree whose root is the first of its centroids: the only form that an encoder writes.
    [[nodiscard]] bool assign(std::span<const std::uint8_t> parents) noexcept {
        PITH_ASSERT(!parents.empty() && parents.size() <= max_size);
        size_ = parents.size();
        std::size_t roots = 0;
        for (std::size_t i = 0; i < size_; ++i) {
            if (parents[i] >= size_) return false;
            parent_[i] = parents[i];
            if (parents[i] != i) continue;
            ++roots;
            order_[0] = static_cast<std::uint8_t>(i);
        }
        return roots == 1 && count_below() && root() == first_centroid() && (sort(), true);
    }

    /// The same undirected tree hung at its first centroid, as parents for `assign`. The input has one root.
    static void hang_at_centroid(std::span<std::uint8_t> parents) noexcept {
        circuit_tree tree;
        tree.size_ = parents.size();
        for (std::size_t i = 0; i < parents.size(); ++i) {
            tree.parent_[i] = parents[i];
            if (parents[i] == i) tree.order_[0] = static_cast<std::uint8_t>(i);
        }
        const bool whole = tree.count_below();
        PITH_ASSERT(whole);
        static_cast<void>(whole);
        // Turns around the edges from the centroid up to the old root.
        std::size_t node = tree.first_centroid();
        std::size_t above = node;
        for (;;) {
            const std::size_t next = tree.parent_[node];
            parents[node] = static_cast<std::uint8_t>(above);
            if (next == node) return;
            above = node;
            node = next;
        }
    }

  private:
    /// Nodes breadth first into order_, sizes of subtrees into below_. False unless all hang at the root.
    [[nodiscard]] bool count_below() noexcept {
        std::size_t known = 1;
        for (std::size_t done = 0; done < known; ++done) {
            for (std::size_t i = 0; i < size_; ++i) {
                if (parent_[i] != order_[done] || i == order_[0]) continue;
                order_[known++] = static_cast<std::uint8_t>(i);  // each node has one parent: known <= size
            }
        }
        if (known != size_) return false;
        for (std::size_t i = 0; i < size_; ++i) below_[i] = 1;
        for (std::size_t k = size_; k-- > 1;) {
            const std::size_t up = parent_[order_[k]];
            below_[up] = static_cast<std::uint16_t>(below_[up] + below_[order_[k]]);
        }
        return true;
    }

    /// The first node that leaves no part of more than half the nodes when it is taken out.
    [[nodiscard]] std::size_t first_centroid() const noexcept {
        for (std::size_t i = 0; i < size_; ++i) {
            bool balanced = 2 * (size_ - below_[i]) <= size_;
            for (std::size_t c = 0; c < size_; ++c)
                balanced = balanced && (parent_[c] != i || c == i || 2U * below_[c] <= size_);
            if (balanced) return i;
        }
        return size_;
    }

    /// Depth first: from the breadth-first order every node gets its place behind its parent and the smaller
    /// siblings (ties: lower number first).
    void sort() noexcept {
        std::uint8_t breadth[max_size] = {};
        std::uint16_t place[max_size] = {};
        for (std::size_t k = 0; k < size_; ++k) breadth[k] = order_[k];
        place[breadth[0]] = 0;
        for (std::size_t k = 1; k < size_; ++k) {
            const std::size_t node = breadth[k];
            std::size_t at = place[parent_[node]] + std::size_t{1};
            for (std::size_t c = 0; c < size_; ++c) {
                const bool sibling = parent_[c] == parent_[node] && c != node && c != breadth[0];
                if (sibling && (below_[c] < below_[node] || (below_[c] == below_[node] && c < node)))
                    at += below_[c];
            }
            place[node] = static_cast<std::uint16_t>(at);
        }
        for (std::size_t i = 0; i < size_; ++i) order_[place[i]] = static_cast<std::uint8_t>(i);
    }

    std::size_t size_ = 0;
    std::uint8_t parent_[max_size] = {};
    std::uint8_t order_[max_size] = {};
    std::uint16_t below_[max_size] = {};
};

namespace detail {

[[nodiscard]] inline double plogp(double n) noexcept { return n < 1.0 ? 0.0 : exact::mul(n, exact::log(n)); }

/// n times the mutual information of columns a and b in nats, up to a term that is the same for all pairs;
/// symbols at or above 16 are told apart by their upper bits only, as `shift` says.
[[nodiscard]] inline double pair_information(byte_view symbols, std::size_t width, std::size_t a,
                                             std::size_t b, unsigned shift) noexcept {
    std::uint32_t joint[16][16] = {};
    std::uint32_t first[16] = {};
    std::uint32_t second[16] = {};
    for (std::size_t at = 0; at < symbols.size(); at += width)
        ++joint[symbols[at + a] >> shift][symbols[at + b] >> shift];
    double sum = 0.0;
    for (std::size_t x = 0; x < 16; ++x) {
        for (std::size_t y = 0; y < 16; ++y) {
            first[x] += joint[x][y];
            second[y] += joint[x][y];
            if (joint[x][y] > 1) sum += plogp(joint[x][y]);
        }
    }
    for (std::size_t x = 0; x < 16; ++x) sum = (sum - plogp(first[x])) - plogp(second[x]);
    return sum;
}

}  // namespace detail

/// The Chow-Liu tree of records of `parents.size()` symbols of `bits` bits each, hung at its centroid.
/// Prim's algorithm; ties go to the lower number. Encoder-side, yet exact: a sample has one tree.
inline void chow_liu(byte_view symbols, unsigned bits, std::span<std::uint8_t> parents) noexcept {
    const std::size_t width = parents.size();
    PITH_ASSERT(width >= 1 && width <= circuit_tree::max_size && symbols.size() % width == 0);
    const unsigned shift = bits > 4 ? bits - 4 : 0;
    double best[circuit_tree::max_size];
    bool inside[circuit_tree::max_size] = {true};
    for (std::size_t i = 0; i < width; ++i) {
        parents[i] = 0;
        best[i] = -1e300;
    }
    std::size_t newest = 0;
    for (std::size_t k = 1; k < width; ++k) {
        std::size_t next = width;
        for (std::size_t i = 1; i < width; ++i) {
            if (inside[i]) continue;
            const double gain = detail::pair_information(symbols, width, newest, i, shift);
            if (gain > best[i]) {
                best[i] = gain;
                parents[i] = static_cast<std::uint8_t>(newest);
            }
            if (next == width || best[i] > best[next]) next = i;
        }
        inside[next] = true;
        newest = next;
    }
    circuit_tree::hang_at_centroid(parents);
}

}  // namespace pith::inline v1::mixing
