// Trellises of dependent quantization: which of two quantizers codes a value follows from the parities of the
// indices before it, and Viterbi's algorithm finds the indices of least error.
// Trellis-coded quantization (Marcellin and Fischer, 1990) in the form of video coders (Schwarz et al.,
// 2019).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <pith/core/exact_math.hpp>

namespace pith::inline v1::vector {

/// A state machine over parities. In states with odd(s) an index k != 0 stands for 2 k - sign(k) half-steps,
/// in the others k stands for 2 k.
template <unsigned States>
struct trellis;
/// Of Schwarz et al. (2019).
template <>
struct trellis<4> {
    static constexpr std::array<std::array<std::uint8_t, 2>, 4> next{{{0, 2}, {2, 0}, {1, 3}, {3, 1}}};
    static constexpr unsigned states = 4;
    [[nodiscard]] static constexpr bool odd(unsigned state) noexcept { return state >= 2; }
};
/// The best shift register of three parities at 2 bits of a Gaussian: the new one comes with the parity of
/// the old ones, the middle one chooses the quantizer.
template <>
struct trellis<8> {
    static constexpr std::array<std::array<std::uint8_t, 2>, 8> next{
        {{0, 1}, {3, 2}, {5, 4}, {6, 7}, {1, 0}, {2, 3}, {4, 5}, {7, 6}}};
    static constexpr unsigned states = 8;
    [[nodiscard]] static constexpr bool odd(unsigned state) noexcept { return (state & 2) != 0; }
};

/// Half-steps of an index.
[[nodiscard]] constexpr std::int32_t half_steps(std::int32_t index, bool odd) noexcept {
    return 2 * index - (odd ? (index > 0) - (index < 0) : 0);
}
/// The index of that parity whose value is nearest to `place` half-steps.
[[nodiscard]] inline std::int32_t nearest_index(double place, bool odd, unsigned parity) noexcept {
    const double size = place < 0 ? -place : place;
    // Magnitudes are c, c + 4, ...: 0 or 2 for the even quantizer, 1 (k = 1, 3, ...) or 3 for the odd one.
    const std::int32_t c = odd ? (parity != 0 ? 1 : 3) : (parity != 0 ? 2 : 0);
    const double steps = (size - c) / 4 + 0.5;
    const std::int32_t m = c + 4 * (steps > 0 ? static_cast<std::int32_t>(steps) : 0);
    const std::int32_t k = (m + 1) / 2;
    return place < 0 ? -k : k;
}

/// Viterbi's algorithm: the path of least squared error, one bit a value and state.
template <unsigned States>
class trellis_search {
    using machine = trellis<States>;

  public:
    explicit trellis_search(std::size_t values) { chosen_.reserve(values); }

    /// The next value, in half-steps.
    void add(double place) {
        std::array<double, 4> error;  // quantizer * 2 + parity
        for (unsigned b = 0; b < 4; ++b) {
            const double e = place - half_steps(nearest_index(place, b >= 2, b & 1), b >= 2);
            error[b] = exact::mul(e, e);
        }
        std::array<double, States> cost;
        std::uint8_t bits = 0;
        double least = 1e300;
        for (unsigned s = 0; s < States; ++s) {
            const auto [p, q] = arrivals[s];
            const double first = cost_[p.from] + error[p.branch], second = cost_[q.from] + error[q.branch];
            const bool take = second < first;
            cost[s] = take ? second : first;
            bits = static_cast<std::uint8_t>(bits | unsigned{take} << s);
            least = cost[s] < least ? cost[s] : least;
        }
        for (unsigned s = 0; s < States; ++s) cost_[s] = cost[s] - least;  // stays small
        chosen_.push_back(bits);
    }
    /// The indices of the best path. `place(i)` gives value i again.
    template <class Place>
    [[nodiscard]] std::vector<std::int32_t> indices(Place place) const {
        unsigned s = 0;
        for (unsigned t = 1; t < States; ++t)
            if (cost_[t] < cost_[s]) s = t;
        std::vector<std::int32_t> out(chosen_.size());
        for (std::size_t i = chosen_.size(); i-- > 0;) {
            const arrival a = arrivals[s][chosen_[i] >> s & 1];
            out[i] = nearest_index(place(i), a.branch >= 2, a.branch & 1);
            s = a.from;
        }
        return out;
    }

  private:
    struct arrival {
        std::uint8_t from, branch;  ///< branch: quantizer * 2 + parity
    };
    static constexpr auto arrivals = [] {
        std::array<std::array<arrival, 2>, States> out{};
        std::array<unsigned, States> count{};
        for (unsigned s = 0; s < States; ++s)
            for (unsigned b = 0; b < 2; ++b) {
                const unsigned to = machine::next[s][b];
                out[to][count[to]++] = {static_cast<std::uint8_t>(s),
                                        static_cast<std::uint8_t>(2 * machine::odd(s) + b)};
            }
        return out;
    }();

    std::array<double, States> cost_ = [] {
        std::array<double, States> c;
        for (double& v : c) v = 1e100;
        c[0] = 0;  // decoding starts in state 0
        return c;
    }();
    std::vector<std::uint8_t> chosen_;
};

}  // namespace pith::inline v1::vector
