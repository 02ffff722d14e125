// Dependent quantization of the rows of a matrix, eight rows at a time, with a price on large indices.
// Trellis-coded quantization (Marcellin and Fischer, 1990) with rate-distortion optimised paths (Schwarz et
// al., 2019). What differs: the rate of an index is a line in its size, which is what a geometric
// distribution says, so that a price is one number a column and moves only the borders between indices.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include <pith/kv/index_stream.hpp>
#include <pith/vector/entropy_coded_trellis.hpp>

namespace pith::inline v1::kv {

namespace detail {

/// Eight rows' values of one column; lowered to what the machine has.
using float8 = float __attribute__((vector_size(32)));
using int8x32 = std::int32_t __attribute__((vector_size(32)));

/// The four sets of values a trellis chooses from, in half-steps: by quantizer, then by parity of the index.
inline constexpr std::array<float, 4> first_of_set{0, 2, 3, 1};

struct priced_sets {
    std::array<float8, 4> cost;
    std::array<int8x32, 4> index;
};
/// For each set the value that costs least: the squared error in half-steps and `price` a unit of index size.
[[gnu::always_inline]] inline void price_sets(const float8& place, float price, priced_sets& out) noexcept {
    const int8x32 negative = place < 0.0F;
    const float8 size = negative ? -place : place;
    const float8 reduced =
        size - price / 4;  // the price of two more moves the border between v - 4 and v by so much
#pragma GCC unroll 4
    for (unsigned s = 0; s < 4; ++s) {
        const float8 up = (reduced - first_of_set[s]) * 0.25F + 0.5F;
        const float8 whole = up > 0.0F ? up : up - up;
        const int8x32 steps = __builtin_convertvector(whole, int8x32);
        const float8 value = __builtin_convertvector(steps, float8) * 4.0F + first_of_set[s];
        int8x32 index = steps * 2 + static_cast<std::int32_t>((first_of_set[s] + 1) / 2);
        const float8 distance = size - value;
        float8 cost = distance * distance + __builtin_convertvector(index, float8) * price;
        if (s == 2) {  // even indices of the odd quantizer: 0 is one of them
            const float8 none = size * size;
            const int8x32 zero = none < cost;
            cost = zero ? none : cost;
            index = zero ? index - index : index;
        }
        out.cost[s] = cost;
        out.index[s] = negative ? -index : index;
    }
}

/// Viterbi's algorithm over one row in each of eight lanes, from state 0 to whichever costs least.
template <class Machine>
class trellis_of_rows {
    static constexpr unsigned states = Machine::next.size();
    struct arrival {
        std::uint8_t from, set;
    };
    static constexpr auto arrivals = [] {
        std::array<std::array<arrival, 2>, states> out{};
        std::array<unsigned, states> count{};
        for (unsigned s = 0; s < states; ++s)
            for (unsigned b = 0; b < 2; ++b) {
                const unsigned to = Machine::next[s][b];
                out[to][count[to]++] = {static_cast<std::uint8_t>(s),
                                        static_cast<std::uint8_t>(2 * Machine::odd(s) + b)};
            }
        return out;
    }();
    struct column {
        int8x32 chosen;  // bit s: the path into state s takes its second arrival
        std::array<int8x32, 4> index;
    };

  public:
    explicit trellis_of_rows(std::size_t columns) : columns_(columns) {}

    /// places[c * 8 + row], prices[c]; indices[row * columns + c] for rows < count.
    void quantize(const float* places, std::span<const float> prices, std::size_t count,
                  std::int32_t* indices) {
        std::array<float8, states> cost;
        for (float8& c : cost) c = float8{} + 1e30F;
        cost[0] = float8{};
        priced_sets sets;
        for (std::size_t c = 0; c < columns_.size(); ++c) {
            float8 place;
            std::memcpy(&place, places + 8 * c, sizeof place);
            price_sets(place, prices[c], sets);
            advance(cost, sets, columns_[c].chosen);
            columns_[c].index = sets.index;
        }
        for (std::size_t row = 0; row < count; ++row) trace(cost, row, indices + row * columns_.size());
    }

  private:
    static void advance(std::array<float8, states>& cost, const priced_sets& sets, int8x32& chosen) noexcept {
        std::array<float8, states> next;
        chosen = int8x32{};
        float8 least;
#pragma GCC unroll 8
        for (unsigned s = 0; s < states; ++s) {
            const auto [p, q] = arrivals[s];
            const float8 first = cost[p.from] + sets.cost[p.set], second = cost[q.from] + sets.cost[q.set];
            const int8x32 take = second < first;
            next[s] = take ? second : first;
            chosen |= take & (std::int32_t{1} << s);
            least = s == 0 ? next[s] : next[s] < least ? next[s] : least;
        }
#pragma GCC unroll 8
        for (unsigned s = 0; s < states; ++s) cost[s] = next[s] - least;  // stays small
    }
    void trace(const std::array<float8, states>& cost, std::size_t row,
               std::int32_t* indices) const noexcept {
        unsigned s = 0;
        for (unsigned t = 1; t < states; ++t)
            if (cost[t][row] < cost[s][row]) s = t;
        for (std::size_t c = columns_.size(); c-- > 0;) {
            const arrival a = arrivals[s][static_cast<std::uint32_t>(columns_[c].chosen[row]) >> s & 1];
            indices[c] = columns_[c].index[a.set][row];
            s = a.from;
        }
    }

    std::vector<column> columns_;
};

/// Rounds with the same prices, each value by itself.
template <>
class trellis_of_rows<no_trellis> {
  public:
    explicit trellis_of_rows(std::size_t columns) : columns_(columns) {}
    void quantize(const float* places, std::span<const float> prices, std::size_t count,
                  std::int32_t* indices) {
        for (std::size_t c = 0; c < columns_; ++c)
            for (std::size_t row = 0; row < count; ++row) {
                const float place = places[8 * c + row], size = place < 0 ? -place : place;
                // (p - 2 k)^2 + price k against k - 1: the border is at 2 k - 1 + price / 4.
                const float steps = (size - prices[c] / 4) / 2 + 0.5F;
                const auto k = static_cast<std::int32_t>(steps > 0 ? steps : 0.0F);
                indices[row * columns_ + c] = place < 0 ? -k : k;
            }
    }

  private:
    std::size_t columns_;
};

}  // namespace detail

}  // namespace pith::inline v1::kv
