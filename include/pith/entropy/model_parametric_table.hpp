// Parametric models of a fixed list of scales, with all intervals computed ahead: the fast path.
// Scale tables as in learned image compression (Balle et al., 2018), there with zero mean; here the mean may
// have a fraction, on a grid as fine as the scale needs.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <pith/core/assert.hpp>
#include <pith/core/exact_math.hpp>
#include <pith/entropy/concepts.hpp>
#include <pith/entropy/model_parametric.hpp>

namespace pith::inline v1::entropy {

/// `Count` scales from `first` to `last` steps, each the same factor above the one before, in the unit of
/// location_scale. 0 < first < last. Exact.
template <std::size_t Count = 64>
requires(Count >= 2)
    [[nodiscard]] constexpr std::array<std::uint32_t, Count> log_spaced_scales(double first = 0.11,
                                                                               double last = 256.0) noexcept {
    std::array<std::uint32_t, Count> out{};
    const double low = exact::log(first);
    const double step = (exact::log(last) - low) / static_cast<double>(Count - 1);
    for (std::size_t i = 0; i < Count; ++i)
        out[i] = fixed_scale(exact::exp(exact::mul_add(step, static_cast<double>(i), low)));
    return out;
}

/// A mean in units of 1/4096 of a step, and an index into the list of scales.
struct indexed_scale {
    std::int32_t mean;
    std::uint32_t index;
    friend constexpr bool operator==(const indexed_scale&, const indexed_scale&) = default;
};

namespace detail {

/// One distribution's part of the tables.
struct interval_list {
    std::uint32_t
        entries;  ///< index of the lower escape's interval; then the symbols', then the upper escape's
    std::uint32_t buckets;  ///< index of the first bucket
    std::int32_t first;     ///< symbol of entry 1, for whole part 0 of the mean
    std::uint16_t last_entry;
    std::uint8_t bucket_shift;
    std::uint8_t escape_order;
};

}  // namespace detail

/// One distribution of a parametric_scale_table: equal, interval for interval, to parametric_model with the
/// same scale and the rounded mean.
template <unsigned Precision>
class tabled_model {
  public:
    using symbol_type = std::int32_t;
    static constexpr unsigned precision = Precision;

    tabled_model(const detail::interval_list& list, const std::uint32_t* entries,
                 const std::uint16_t* buckets, std::int32_t whole) noexcept
        : entries_(entries + list.entries),
          buckets_(buckets + list.buckets),
          first_(list.first + whole),
          last_entry_(list.last_entry),
          bucket_shift_(list.bucket_shift),
          escape_order_(list.escape_order) {}

    [[nodiscard]] std::int32_t first() const noexcept { return first_; }
    [[nodiscard]] std::int32_t last() const noexcept { return first_ + last_entry_ - 2; }
    [[nodiscard]] unsigned escape_order() const noexcept { return escape_order_; }

    [[nodiscard]] interval interval_of(std::int32_t symbol) const noexcept {
        const std::int64_t j = std::int64_t{symbol} - first_ + 1;
        return unpacked(entries_[j < 0 ? 0 : j > last_entry_ ? last_entry_ : j]);
    }
    [[nodiscard, gnu::always_inline]] inline located<std::int32_t> at(std::uint32_t slot) const noexcept {
        PITH_ASSERT(slot < (std::uint32_t{1} << Precision));
        std::uint32_t j = buckets_[slot >> bucket_shift_];
        // Half of the buckets reach into the next interval: that step is taken without a branch.
        const std::uint32_t near = entries_[j];
        const std::uint32_t next = entries_[j + 1];
        const bool further = slot - (near & 0xFFFF) >= near >> 16;
        j += further ? 1 : 0;
        interval i = unpacked(further ? next : near);
        while (slot - i.start >= i.size)
            [[unlikely]] i = unpacked(entries_[++j]);  // the last one reaches the end
        return {first_ + static_cast<std::int32_t>(j) - 1, i};
    }

  private:
    static interval unpacked(std::uint32_t entry) noexcept { return {entry & 0xFFFF, entry >> 16}; }

    const std::uint32_t* entries_;  // start in the lower half, size in the upper
    const std::uint16_t* buckets_;  // the entry that owns the first slot of each bucket
    std::int32_t first_;
    std::int32_t last_entry_;
    std::uint32_t bucket_shift_;
    std::uint32_t escape_order_;
};

/// All distributions of a list of scales. Means are rounded to multiples of 2^-b steps, where b is as small
/// as keeps the grid below a sixteenth of the scale, but at most `fraction_bits`; with 0 only whole means are
/// told apart. 64 scales from 0.11 to 256 at 16 bits take about 150 KB with whole means.
template <distribution_family Family, unsigned Precision = 16>
class parametric_scale_table {
  public:
    using parameters = indexed_scale;
    using model = tabled_model<Precision>;

    /// Preconditions: at least one scale, ascending; fraction_bits <= 8.
    parametric_scale_table(std::span<const std::uint32_t> scales, unsigned fraction_bits) {
        PITH_ASSERT(!scales.empty() && fraction_bits <= 8);
        const parametric_models<Family, Precision> general;
        for (const std::uint32_t scale : scales) {
            PITH_ASSERT(scales_.empty() || scale > scales_.back().scale);
            unsigned bits = 0;
            while (bits < fraction_bits && (scale << bits) < (std::uint32_t{16} << location_bits)) ++bits;
            scales_.push_back({scale, static_cast<std::uint32_t>(lists_.size()), bits});
            for (std::int32_t f = 0; f < 1 << bits; ++f)
                add(general.given({f << (location_bits - bits), scale}));
        }
    }

    /// The model refers to this object, which must outlive it. Precondition: index < number of scales.
    [[nodiscard]] model given(indexed_scale p) const noexcept {
        PITH_ASSERT(p.index < scales_.size());
        const scale_entry& s = scales_[p.index];
        const std::int32_t steps = rounded_mean(p.mean, s.fraction_bits);
        const std::uint32_t fraction = static_cast<std::uint32_t>(steps) & ((1U << s.fraction_bits) - 1);
        return {lists_[s.first_list + fraction], entries_.data(), buckets_.data(), steps >> s.fraction_bits};
    }
    /// The parameters of the general path that give the same intervals.
    [[nodiscard]] location_scale general(indexed_scale p) const noexcept {
        const scale_entry& s = scales_[p.index];
        return {rounded_mean(p.mean, s.fraction_bits) * (1 << (location_bits - s.fraction_bits)), s.scale};
    }
    /// The first scale that is not smaller, or the last one.
    [[nodiscard]] std::uint32_t index_for(std::uint32_t scale) const noexcept {
        std::size_t low = 0;
        std::size_t high = scales_.size() - 1;
        while (low < high) {
            const std::size_t middle = (low + high) / 2;
            if (scales_[middle].scale >= scale)
                high = middle;
            else
                low = middle + 1;
        }
        return static_cast<std::uint32_t>(low);
    }
    [[nodiscard]] std::size_t size() const noexcept { return scales_.size(); }
    /// Bytes of tables.
    [[nodiscard]] std::size_t memory() const noexcept {
        return scales_.size() * sizeof(scale_entry) + lists_.size() * sizeof(detail::interval_list) +
               entries_.size() * 4 + buckets_.size() * 2;
    }

  private:
    struct scale_entry {
        std::uint32_t scale;
        std::uint32_t first_list;
        std::uint32_t fraction_bits;
    };
    /// To nearest in units of 2^-bits, halves up; bits <= 8, so the shift below is at least 3.
    static std::int32_t rounded_mean(std::int32_t mean, unsigned bits) noexcept {
        return ((mean >> (location_bits - bits - 1)) + 1) >> 1;
    }
    void add(const parametric_model<Family, Precision>& m) {
        const std::uint32_t symbols = static_cast<std::uint32_t>(m.last() - m.first() + 1);
        unsigned bucket_bits = 4;
        while (bucket_bits < 12 && (1U << bucket_bits) < 4 * symbols) ++bucket_bits;
        const unsigned shift = Precision - bucket_bits;
        lists_.push_back({static_cast<std::uint32_t>(entries_.size()),
                          static_cast<std::uint32_t>(buckets_.size()), m.first(),
                          static_cast<std::uint16_t>(symbols + 1), static_cast<std::uint8_t>(shift),
                          static_cast<std::uint8_t>(m.escape_order())});
        std::uint32_t bucket = 0;
        for (std::uint32_t j = 0; j <= symbols + 1; ++j) {
            const interval i = m.interval_of(m.first() + static_cast<std::int32_t>(j) - 1);
            entries_.push_back(i.start | i.size << 16);  // at least three intervals: each below 2^16
            for (; bucket << shift < i.start + i.size; ++bucket)
                buckets_.push_back(static_cast<std::uint16_t>(j));
        }
        entries_.push_back(0);  // may be read beside the last one
    }

    std::vector<scale_entry> scales_;
    std::vector<detail::interval_list> lists_;
    std::vector<std::uint32_t> entries_;
    std::vector<std::uint16_t> buckets_;
};

static_assert(conditional_model<parametric_scale_table<gaussian>>);

}  // namespace pith::inline v1::entropy
