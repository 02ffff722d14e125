// A distribution over the 256 values of a byte, with the sums of all subtrees of its binary tree.
// Linear mixing of byte-wise models is addition here; a coder then needs the sums along one path only.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include <pith/core/assert.hpp>

namespace pith::inline v1::mixing {

namespace detail {
inline constexpr std::array<std::uint8_t, 256> reversed_bits = [] {
    std::array<std::uint8_t, 256> table{};
    for (unsigned v = 0; v < 256; ++v)
        for (unsigned k = 0; k < 8; ++k)
            table[v] = static_cast<std::uint8_t>(table[v] | ((v >> k) & 1) << (7 - k));
    return table;
}();
}  // namespace detail

/// Masses of 256 byte values that sum to about 2^30 and to less than 2^31. The tree splits by the highest bit
/// first. A node of depth k is named by the k bits that lead to it, the first of them in the lowest place: so
/// the two children of `prefix` are `prefix` and `prefix | 1 << k`, and every level is the sum of the two
/// halves of the one below, which compilers turn into vector additions. Leaves stand in the same order.
class byte_distribution {
  public:
    static constexpr std::uint32_t unit = std::uint32_t{1} << 30;

    /// Where the mass of a byte value stands in `leaves`.
    [[nodiscard]] static constexpr std::size_t leaf(std::uint8_t symbol) noexcept {
        return detail::reversed_bits[symbol];
    }
    [[nodiscard]] std::uint32_t* leaves() noexcept { return sums_.data() + 256; }
    [[nodiscard]] const std::uint32_t* leaves() const noexcept { return sums_.data() + 256; }

    void set(std::uint8_t symbol, std::uint32_t mass) noexcept { leaves()[leaf(symbol)] = mass; }
    void add(std::uint8_t symbol, std::uint32_t mass) noexcept { leaves()[leaf(symbol)] += mass; }
    [[nodiscard]] std::uint32_t mass_of(std::uint8_t symbol) const noexcept { return leaves()[leaf(symbol)]; }

    /// Computes the sums of all inner nodes from the leaves. The masses' sum must be below 2^31.
    void sum_up() noexcept {
        level<128>();
        level<64>();
        level<32>();
        level<16>();
        level<8>();
        level<4>();
        level<2>();
        level<1>();
    }
    /// The sum below the node of `depth` in 0..8 that `prefix` names; after sum_up.
    [[nodiscard]] std::uint32_t sum(unsigned depth, std::uint32_t prefix) const noexcept {
        PITH_ASSERT(depth <= 8 && prefix < 1U << depth);
        return sums_[(std::size_t{1} << depth) + prefix];
    }
    /// The largest mass of all.
    [[nodiscard]] std::uint32_t peak() const noexcept {
        std::array<std::int32_t, 8> best{};  // masses are below 2^31: signed maxima are vector instructions
        for (std::size_t i = 0; i < 256; i += 8)
            for (std::size_t j = 0; j < 8; ++j) {
                const auto mass = static_cast<std::int32_t>(leaves()[i + j]);
                best[j] = mass > best[j] ? mass : best[j];
            }
        std::int32_t all = 0;
        for (const std::int32_t mass : best) all = mass > all ? mass : all;
        return static_cast<std::uint32_t>(all);
    }

  private:
    template <std::size_t Nodes>
    void level() noexcept {
        for (std::size_t i = 0; i < Nodes; ++i)
            sums_[Nodes + i] = sums_[2 * Nodes + i] + sums_[3 * Nodes + i];
    }

    alignas(64) std::array<std::uint32_t, 512> sums_{};
};

}  // namespace pith::inline v1::mixing
