// Adaptive probabilities of one bit in 16-bit fixed point: one rate, the mean of two rates, or a rate that
// falls with the count of bits seen. Shift-based updates as in LZMA (Pavlov) and lpaq (Mahoney).
#pragma once

#include <cstdint>

#include <pith/entropy/concepts.hpp>

namespace pith::inline v1::entropy {

/// How an adaptive_bit learns. A rate r moves the probability by 2^-r of its distance to the bit.
struct bit_rates {
    unsigned fast = 5;   ///< 1..8
    unsigned slow = 0;   ///< 0: one rate only; else fast < slow <= 8: the mean of two
    unsigned start = 0;  ///< 0: constant rate; else it begins here and grows to `fast` by counting
    friend constexpr bool operator==(const bit_rates&, const bit_rates&) = default;
};

namespace detail {
/// p moved towards 0 or 65536 by 2^-rate of the way, for p in 1..65535. The result is again in 1..65535: for
/// a zero p loses floor(p / 2^rate) < p; for a one it gains floor((65536 - p) / 2^rate) < 65536 - p. The bit
/// comes as a mask, all ones or 0.
[[nodiscard]] constexpr std::uint16_t moved(std::uint16_t p, std::uint64_t mask, unsigned rate) noexcept {
    const auto pull = static_cast<std::int64_t>(mask & (65537U - (1U << rate)));
    return static_cast<std::uint16_t>(p - ((p - pull) >> rate));
}
}  // namespace detail

/// A bit_predictor of 2 or 4 bytes. Exact: integers only. The three forms follow.
template <bit_rates Rates = bit_rates{}>
class adaptive_bit;

/// One constant rate; 2 bytes.
template <bit_rates Rates>
requires(Rates.fast >= 1 && Rates.fast <= 8 && Rates.slow == 0 &&
         Rates.start == 0) class adaptive_bit<Rates> {
  public:
    /// Probability of a one, times 65536; in 1..65535.
    [[nodiscard]] constexpr std::uint32_t probability_of_one() const noexcept { return p_; }
    constexpr void update(bool bit) noexcept { update_masked(std::uint64_t{0} - std::uint64_t{bit}); }
    /// update with the bit as a mask, all ones or 0.
    constexpr void update_masked(std::uint64_t mask) noexcept { p_ = detail::moved(p_, mask, Rates.fast); }
    /// bits[at].update_masked(mask) for loops that are short of registers: it needs the index alone, where
    /// compilers hold an address for each element that is read, changed and written.
    static void update_at(adaptive_bit* bits, std::uint64_t at, std::uint64_t mask) noexcept {
#if defined(__x86_64__) && !defined(PITH_NO_SIMD)
        static_assert(sizeof(adaptive_bit) == 2);
        std::uint32_t step;
        asm volatile(
            "movzwl (%[bits],%[at],2), %[step]\n\t"
            "subl %[pull], %[step]\n\t"
            "sarl %[rate], %[step]\n\t"
            "subw %w[step], (%[bits],%[at],2)"
            : [step] "=&r"(step)
            : [pull] "r"(static_cast<std::uint32_t>(mask) & (65537U - (1U << Rates.fast))),
              [rate] "i"(Rates.fast), [bits] "r"(bits), [at] "r"(at)
            : "cc", "memory");
#else
        bits[at].update_masked(mask);
#endif
    }
    friend constexpr bool operator==(const adaptive_bit&, const adaptive_bit&) = default;

  private:
    std::uint16_t p_ = 32768;
};

/// The mean of a fast and a slow probability; 4 bytes. The fast one follows changes, the slow one has less
/// noise.
template <bit_rates Rates>
requires(Rates.fast >= 1 && Rates.slow > Rates.fast && Rates.slow <= 8 &&
         Rates.start == 0) class adaptive_bit<Rates> {
  public:
    [[nodiscard]] constexpr std::uint32_t probability_of_one() const noexcept {
        return (std::uint32_t{fast_} + slow_) / 2;
    }
    constexpr void update(bool bit) noexcept { update_masked(std::uint64_t{0} - std::uint64_t{bit}); }
    constexpr void update_masked(std::uint64_t mask) noexcept {
        fast_ = detail::moved(fast_, mask, Rates.fast);
        slow_ = detail::moved(slow_, mask, Rates.slow);
    }
    friend constexpr bool operator==(const adaptive_bit&, const adaptive_bit&) = default;

  private:
    std::uint16_t fast_ = 32768;
    std::uint16_t slow_ = 32768;
};

/// One probability whose rate grows from `start` to `fast`; 4 bytes. Rate r serves for 2^(r - 1) bits, so
/// that about as many bits have been seen as the rate averages over.
template <bit_rates Rates>
requires(Rates.start >= 1 && Rates.start < Rates.fast && Rates.fast <= 8 &&
         Rates.slow == 0) class adaptive_bit<Rates> {
  public:
    [[nodiscard]] constexpr std::uint32_t probability_of_one() const noexcept { return p_; }
    constexpr void update(bool bit) noexcept { update_masked(std::uint64_t{0} - std::uint64_t{bit}); }
    constexpr void update_masked(std::uint64_t mask) noexcept {
        p_ = detail::moved(p_, mask, rate_);
        if (rate_ == Rates.fast) return;
        if (++seen_ < 1U << (rate_ - 1)) return;
        ++rate_;
        seen_ = 0;
    }
    friend constexpr bool operator==(const adaptive_bit&, const adaptive_bit&) = default;

  private:
    std::uint16_t p_ = 32768;
    std::uint8_t rate_ = Rates.start;
    std::uint8_t seen_ = 0;  // <= 2^7
};

}  // namespace pith::inline v1::entropy
