// Detection of the record length of binary data: rows of bitmaps, tables, samples of several bytes.
// Own measure: what coding a byte's difference to the byte one record before would save, found coarse to
// fine.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

#include <pith/core/bytes.hpp>

namespace pith::inline v1::transform {

/// The longest record that detect_stride finds, in bytes.
inline constexpr std::uint32_t max_stride = 4096;

namespace detail {

/// Bits that an Elias-gamma-like code of the difference d (mod 256, nearest to 0) saves: 8 for equal bytes, 7
/// for a difference of 1, 0 for one of 128.
struct stride_gain {
    std::uint8_t of[256];
    stride_gain() noexcept {
        for (unsigned d = 0; d < 256; ++d)
            of[d] = static_cast<std::uint8_t>(8 - std::bit_width(d < 128 ? d : 256 - d));
    }
};

/// The measure over a block of at most 2^16 bytes, in 1/1024 bits a byte.
class stride_measure {
  public:
    static constexpr std::size_t most = std::size_t{1} << 16;

    explicit stride_measure(byte_view in) noexcept : in_(in) {}

    /// Strides above this leave too few pairs.
    [[nodiscard]] std::uint32_t longest() const noexcept {
        const std::size_t quarter = in_.size() / 4;
        return quarter < max_stride ? static_cast<std::uint32_t>(quarter) : max_stride;
    }
    /// Gain of stride s over about `samples` bytes of the last three quarters, in runs of 32. s <= longest().
    [[nodiscard]] std::uint32_t gain(std::uint32_t s, std::size_t samples) const noexcept {
        constexpr std::size_t run = 32;
        const std::size_t first = in_.size() / 4;
        const std::size_t left = in_.size() - first;
        const std::size_t runs = samples / run;
        std::size_t step = runs == 0 ? left : left / runs;
        if (step < run) step = run;
        std::uint32_t sum = 0;  // <= 2^16 * 8
        std::uint32_t count = 0;
        for (std::size_t from = first; from < in_.size(); from += step) {
            const std::size_t end = in_.size() - from < run ? in_.size() : from + run;
            for (std::size_t i = from; i < end; ++i)
                sum += table_.of[static_cast<std::uint8_t>(in_[i] - in_[i - s])];
            count += static_cast<std::uint32_t>(end - from);
        }
        return count == 0 ? 0 : static_cast<std::uint32_t>((std::uint64_t{sum} << 10) / count);
    }
    /// What a byte drawn at random from the block would gain: what any stride gains by chance.
    [[nodiscard]] std::uint32_t chance() const noexcept {
        std::uint32_t counts[256] = {};
        for (const std::uint8_t b : in_) ++counts[b];
        std::uint64_t sum = 0;  // <= 2^32 * 8
        for (unsigned a = 0; a < 256; ++a)
            for (unsigned b = 0; b < 256 && counts[a] != 0; ++b)
                sum += std::uint64_t{counts[a]} * counts[b] * table_.of[(a - b) & 0xFF];
        const std::uint64_t pairs = std::uint64_t{in_.size()} * in_.size();
        return pairs == 0 ? 0 : static_cast<std::uint32_t>((sum << 10) / pairs);
    }

  private:
    byte_view in_;
    stride_gain table_;
};

/// The strides of largest gain, the best first; of equal ones the shorter first.
template <unsigned Count>
class stride_ranking {
  public:
    void add(std::uint32_t stride, std::uint32_t gain) noexcept {
        unsigned at = size_;
        while (at > 0 && gain_[at - 1] < gain) --at;
        if (at == Count) return;
        size_ += size_ < Count ? 1 : 0;
        for (unsigned k = size_ - 1; k > at; --k) {
            stride_[k] = stride_[k - 1];
            gain_[k] = gain_[k - 1];
        }
        stride_[at] = stride;
        gain_[at] = gain;
    }
    [[nodiscard]] unsigned size() const noexcept { return size_; }
    [[nodiscard]] std::uint32_t stride(unsigned k) const noexcept { return stride_[k]; }
    [[nodiscard]] std::uint32_t gain(unsigned k) const noexcept { return gain_[k]; }

  private:
    std::uint32_t stride_[Count] = {};
    std::uint32_t gain_[Count] = {};
    unsigned size_ = 0;
};

}  // namespace detail

/// The record length of `in`, 2 to max_stride bytes, or 0 where the byte before tells as much as any byte
/// further back, as in text. Looks at the first 2^16 bytes, and at nothing below 256. Exact integers; about
/// 1 ms for 2^16 bytes.
[[nodiscard]] inline std::uint32_t detect_stride(byte_view in) noexcept {
    constexpr std::size_t most = detail::stride_measure::most;
    if (in.size() < 256) return 0;
    const detail::stride_measure measure(in.size() < most ? in : in.first(most));
    const std::uint32_t longest = measure.longest();
    detail::stride_ranking<48> coarse;
    for (std::uint32_t s = 33; s <= longest; ++s) coarse.add(s, measure.gain(s, 256));
    detail::stride_ranking<8> fine;
    for (std::uint32_t s = 2; s <= 32; ++s) fine.add(s, measure.gain(s, 4096));
    for (unsigned k = 0; k < coarse.size(); ++k)
        fine.add(coarse.stride(k), measure.gain(coarse.stride(k), 4096));

    const std::uint32_t near = measure.gain(1, most);
    const std::uint32_t chance = measure.chance();
    const std::uint32_t floor = near > chance ? near : chance;
    std::uint32_t best = 0;
    std::uint32_t gain = floor;
    for (unsigned k = 0; k < fine.size(); ++k) {
        const std::uint32_t here = measure.gain(fine.stride(k), most);
        if (here <= gain) continue;
        gain = here;
        best = fine.stride(k);
    }
    // A twenty-third of what could be gained at all, and more than the best of many strides gains by chance:
    // the deviation of a mean of n gains is below 3 * 1024 / sqrt(n).
    const std::uint64_t excess = gain - floor;
    const std::uint64_t size = in.size() < most ? in.size() : most;
    if (excess * 23 <= 8192 - floor || excess * excess * size <= std::uint64_t{12288} * 12288) return 0;
    // Multiples of a record are nearly as good as the record.
    for (std::uint32_t s = 2; s < best; ++s)
        if (best % s == 0 && measure.gain(s, 16384) + excess / 4 >= gain) return s;
    return best;
}

}  // namespace pith::inline v1::transform
