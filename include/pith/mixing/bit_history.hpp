// Bit histories: what was seen in a context, in one byte, and how a further bit changes it.
// States as in ZPAQ (Mahoney, 2009): pairs of counts within a bound, the last bit while counts are small, and
// a discount of the opposite count; generated here from those rules, no table is copied.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

/// A state stands for (zeros, ones, last bit). State 0 has seen nothing; states are numbered by increasing
/// zeros + ones, so that a smaller number means less experience. Exact; frozen, since streams depend on it.
namespace pith::inline v1::mixing {

namespace detail {

struct history_counts {
    std::uint8_t zeros = 0;
    std::uint8_t ones = 0;
    bool last = false;
};

/// The larger count may reach this while the smaller one is 0, 1, 2, 3, 4, 5.
inline constexpr unsigned history_bounds[6] = {20, 48, 15, 8, 6, 5};

[[nodiscard]] constexpr bool history_allowed(unsigned zeros, unsigned ones) noexcept {
    const unsigned small = zeros < ones ? zeros : ones, large = zeros < ones ? ones : zeros;
    return small < 6 && large <= history_bounds[small];
}
/// Whether the last bit is told apart.
[[nodiscard]] constexpr bool history_has_last(unsigned zeros, unsigned ones) noexcept {
    return zeros != 0 && ones != 0 && zeros + ones <= 17;
}

/// The opposite count after a bit: what was seen long ago weighs less.
[[nodiscard]] constexpr unsigned history_discount(unsigned n) noexcept {
    return n > 7 ? 7 : n > 5 ? n - 1 : n;
}

/// Counts after `bit`, brought back into the bounds.
[[nodiscard]] constexpr history_counts history_after(history_counts from, bool bit) noexcept {
    unsigned same = (bit ? from.ones : from.zeros) + 1U;
    unsigned other = history_discount(bit ? from.zeros : from.ones);
    while (!history_allowed(same, other)) {
        unsigned& large = same > other ? same : other;
        unsigned& small = same > other ? other : same;
        if (small < 2) {
            --large;
        } else {
            large = (large * (small - 1) + small / 2) / small;
            --small;
        }
    }
    const auto a = static_cast<std::uint8_t>(same), b = static_cast<std::uint8_t>(other);
    return bit ? history_counts{b, a, true} : history_counts{a, b, false};
}

}  // namespace detail

/// The state machine as tables.
struct bit_history_table {
    std::array<std::array<std::uint8_t, 2>, 256> next{};  ///< [state][bit]
    std::array<std::uint8_t, 256> zeros{};
    std::array<std::uint8_t, 256> ones{};
    std::size_t states = 0;

    constexpr bit_history_table() {
        std::array<bool, 256> last{};
        constexpr unsigned most = 50;
        std::array<std::array<std::array<std::uint8_t, 2>, most>, most> number{};
        for (unsigned total = 0; total < most; ++total) {
            for (unsigned n1 = 0; n1 <= total; ++n1) {
                const unsigned n0 = total - n1;
                if (!detail::history_allowed(n0, n1)) continue;
                const unsigned kinds = detail::history_has_last(n0, n1) ? 2 : 1;
                for (unsigned kind = 0; kind < kinds; ++kind) {
                    zeros[states] = static_cast<std::uint8_t>(n0);
                    ones[states] = static_cast<std::uint8_t>(n1);
                    last[states] = kinds == 2 ? kind == 1 : n1 > n0;
                    number[n0][n1][kind] = static_cast<std::uint8_t>(states++);
                }
                if (kinds == 1) number[n0][n1][1] = number[n0][n1][0];
            }
        }
        for (std::size_t s = 0; s < states; ++s) {
            for (unsigned bit = 0; bit < 2; ++bit) {
                const detail::history_counts to =
                    detail::history_after({zeros[s], ones[s], last[s]}, bit == 1);
                next[s][bit] = number[to.zeros][to.ones][to.last ? 1 : 0];
            }
        }
    }

    /// P(1) of a fresh state in 22-bit fixed point: (ones + 0.4) / (zeros + ones + 0.8).
    [[nodiscard]] constexpr std::uint32_t prior(std::size_t state) const noexcept {
        const std::uint64_t n0 = zeros[state], n1 = ones[state];
        return static_cast<std::uint32_t>(((10 * n1 + 4) << 22) / (10 * (n0 + n1) + 8));
    }
};

/// Histories in which only one kind of bit was seen.
[[nodiscard]] constexpr std::array<bool, 256> sure_histories(const bit_history_table& t) noexcept {
    std::array<bool, 256> out{};
    for (std::size_t h = 0; h < t.states; ++h) out[h] = h != 0 && (t.zeros[h] == 0 || t.ones[h] == 0);
    return out;
}

/// A template, so that only programs that use it pay for computing it.
template <class Table = bit_history_table>
inline constexpr Table bit_histories{};

}  // namespace pith::inline v1::mixing
