// Range coder with totals up to 2^31 for alphabets of tens of thousands of symbols, and their frequencies.
// The 64-bit range is kept >= 2^48 in words of 16 bits: truncation costs less than 2^(t - 48) / ln 2 bits.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include <pith/core/assert.hpp>
#include <pith/core/bytes.hpp>
#include <pith/entropy/concepts.hpp>
#include <pith/entropy/range.hpp>

namespace pith::inline v1::entropy {

/// range_encoder for precisions up to 31.
template <byte_sink Sink>
using cdf_encoder = range_encoder<Sink, std::uint64_t, 16>;
using cdf_decoder = range_decoder<std::uint64_t, 16>;

namespace detail {
/// floor(a * b / d) for a <= d < 2^63, d >= 1: bit by bit, never leaving 64 bits.
[[nodiscard]] constexpr std::uint64_t mul_div(std::uint64_t a, std::uint32_t b, std::uint64_t d) noexcept {
    std::uint64_t quotient = 0;
    std::uint64_t rest = 0;  // < d, so that 2 * rest and rest + a stay below 2^64
    for (unsigned k = 32; k-- > 0;) {
        rest *= 2;
        quotient = 2 * quotient + (rest >= d);
        rest -= rest >= d ? d : 0;
        if (((b >> k) & 1) == 0) continue;
        rest += a;
        quotient += rest >= d;
        rest -= rest >= d ? d : 0;
    }
    return quotient;
}
}  // namespace detail

/// Integer frequencies f_i = 1 + floor(w_i * (2^Precision - n) / W), W the sum of the weights, the remainder
/// given to the largest weight (the first of them). Exact: encoder and decoder get the same from the same
/// weights. 1 <= n <= 2^Precision symbols; W < 2^63, W = 0 means uniform.
/// With p_i = w_i / W a symbol costs at most -log2(p_i (1 - n / 2^Precision)) bits.
template <unsigned Precision>
requires(Precision >= 1 && Precision <= 31) constexpr void frequencies_from_weights(
    std::span<const std::uint64_t> weights, std::span<std::uint32_t> frequencies) noexcept {
    constexpr std::uint32_t total = std::uint32_t{1} << Precision;
    const std::size_t n = weights.size();
    PITH_ASSERT(n >= 1 && n <= total && frequencies.size() == n);
    std::uint64_t sum = 0;
    for (const std::uint64_t w : weights) sum += w;
    PITH_ASSERT(sum < (std::uint64_t{1} << 63));
    const std::uint64_t divisor = sum == 0 ? n : sum;
    const std::uint32_t spread = total - static_cast<std::uint32_t>(n);
    std::uint32_t left = total;
    std::size_t best = 0;
    for (std::size_t i = 0; i < n; ++i) {
        const std::uint64_t w = sum == 0 ? 1 : weights[i];
        // w < 2^33 and spread < 2^31 keep the product below 2^64, the common case.
        const std::uint64_t share =
            w < (std::uint64_t{1} << 33) ? w * spread / divisor : detail::mul_div(w, spread, divisor);
        frequencies[i] = 1 + static_cast<std::uint32_t>(share);
        left -= frequencies[i];
        if (weights[i] > weights[best]) best = i;
    }
    frequencies[best] += left;
}

/// A distribution over 0..n-1 given by n + 1 cumulative counts from 0 to 2^Precision, strictly increasing.
/// It views memory of the caller; finding a slot is a binary search.
template <unsigned Precision>
requires(Precision >= 1 && Precision <= 31) class cumulative_model {
  public:
    using symbol_type = std::uint32_t;
    static constexpr unsigned precision = Precision;

    explicit cumulative_model(std::span<const std::uint32_t> cumulative) noexcept : cumulative_(cumulative) {
        PITH_ASSERT(cumulative.size() >= 2 && cumulative.front() == 0);
        PITH_ASSERT(cumulative.back() == std::uint32_t{1} << Precision);
    }
    [[nodiscard]] interval interval_of(std::uint32_t symbol) const noexcept {
        PITH_ASSERT(symbol + std::size_t{1} < cumulative_.size());
        return {cumulative_[symbol], cumulative_[symbol + 1] - cumulative_[symbol]};
    }
    [[nodiscard]] located<std::uint32_t> at(std::uint32_t slot) const noexcept {
        PITH_ASSERT(slot < std::uint32_t{1} << Precision);
        std::size_t first = 0;                       // cumulative_[first] <= slot
        std::size_t count = cumulative_.size() - 1;  // the symbol is in [first, first + count)
        while (count > 1) {
            const std::size_t half = count / 2;
            first = cumulative_[first + half] <= slot ? first + half : first;
            count -= half;
        }
        const auto symbol = static_cast<std::uint32_t>(first);
        return {symbol, interval_of(symbol)};
    }

  private:
    std::span<const std::uint32_t> cumulative_;
};

/// Sums of frequencies: cumulative[0] = 0, cumulative[i + 1] = cumulative[i] + frequencies[i].
constexpr void accumulate(std::span<const std::uint32_t> frequencies,
                          std::span<std::uint32_t> cumulative) noexcept {
    PITH_ASSERT(cumulative.size() == frequencies.size() + 1);
    cumulative[0] = 0;
    for (std::size_t i = 0; i < frequencies.size(); ++i) cumulative[i + 1] = cumulative[i] + frequencies[i];
}

}  // namespace pith::inline v1::entropy
