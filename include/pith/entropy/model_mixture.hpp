// Mixtures of two to five parametric distributions as one model of integers.
// Discretised logistic mixtures as in PixelCNN++ (Salimans, Karpathy, Chen, Kingma, 2017), for any family, in
// integer arithmetic.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include <pith/core/assert.hpp>
#include <pith/entropy/concepts.hpp>
#include <pith/entropy/model_parametric.hpp>

namespace pith::inline v1::entropy {

inline constexpr unsigned mixture_weight_bits = 15;

/// Components and their weights, which must add up to 2^15. A weight may be 0.
template <std::size_t Components>
requires(Components >= 2 && Components <= 5) struct mixture {
    std::array<location_scale, Components> component;
    std::array<std::uint16_t, Components> weight;
};

/// Weights that add up to 2^15, in proportion to `raw` rounded down, the rest to the largest (the first of
/// equals). Precondition: not all are 0. Exact.
template <std::size_t Components>
[[nodiscard]] constexpr std::array<std::uint16_t, Components> mixture_weights(
    const std::array<std::uint32_t, Components>& raw) noexcept {
    std::uint64_t sum = 0;
    std::size_t largest = 0;
    for (std::size_t c = 0; c < Components; ++c) {
        sum += raw[c];
        if (raw[c] > raw[largest]) largest = c;
    }
    PITH_ASSERT(sum > 0);
    std::array<std::uint16_t, Components> out{};
    std::uint32_t rest = 1U << mixture_weight_bits;
    for (std::size_t c = 0; c < Components; ++c) {
        out[c] = static_cast<std::uint16_t>((std::uint64_t{raw[c]} << mixture_weight_bits) / sum);
        rest -= out[c];
    }
    out[largest] = static_cast<std::uint16_t>(out[largest] + rest);
    return out;
}

/// One mixture. Satisfies encoder_model and decoder_model; first(), last() and escapes as in
/// parametric_model. The window spans the windows of all components, up to an eighth of all slots on each
/// side of the heaviest one's mean; the slots that it gives by right cost about log2(1 / (1 - symbols / 2^P))
/// bits where the components leave a gap between them. Exact.
template <distribution_family Family, std::size_t Components, unsigned Precision = 16>
class mixture_model {
  public:
    using symbol_type = std::int32_t;
    using table_type = standard_table<Family, Precision>;
    static constexpr unsigned precision = Precision;

    /// `table` must outlive the model. Precondition: the weights add up to 2^15.
    mixture_model(const table_type& table, const mixture<Components>& m) noexcept : table_(&table) {
        std::size_t heaviest = 0;
        [[maybe_unused]] std::uint32_t sum = 0;
        for (std::size_t c = 0; c < Components; ++c) {
            sum += m.weight[c];
            if (m.weight[c] > m.weight[heaviest]) heaviest = c;
            weight_[c] = m.weight[c];
            part_[c] = standard_argument(m.component[c]);
        }
        PITH_ASSERT(sum == 1U << mixture_weight_bits);
        set_window(m, heaviest);
    }

    [[nodiscard]] std::int32_t first() const noexcept { return first_; }
    [[nodiscard]] std::int32_t last() const noexcept { return last_; }
    [[nodiscard]] unsigned escape_order() const noexcept { return escape_order_; }

    [[nodiscard]] interval interval_of(std::int32_t symbol) const noexcept {
        const std::uint32_t from = symbol < first_ ? 0 : start_of(symbol > last_ ? last_ + 1 : symbol);
        const std::uint32_t to = symbol > last_ ? total : start_of(symbol < first_ ? first_ : symbol + 1);
        return {from, to - from};
    }
    [[nodiscard]] located<std::int32_t> at(std::uint32_t slot) const noexcept {
        PITH_ASSERT(slot < total);
        // Bounds of the search: start_of(low) <= slot < start_of(high), with the two escapes outside.
        std::int32_t low = first_;
        std::int32_t high = last_ + 1;
        std::uint32_t from = start_of(low);
        std::uint32_t to = start_of(high);
        if (slot < from) return {first_ - 1, {0, from}};
        if (slot >= to) return {high, {to, total - to}};
        bool halve = false;  // every other step halves, so that no shape makes the search long
        while (high - low > 1) {
            const std::uint32_t width = static_cast<std::uint32_t>(high - low);
            const std::uint64_t share = std::uint64_t{slot - from} * width / (to - from);  // < width
            std::uint32_t step = halve ? width / 2 : static_cast<std::uint32_t>(share);
            step = step < 1 ? 1 : step > width - 1 ? width - 1 : step;
            const std::int32_t middle = low + static_cast<std::int32_t>(step);
            const std::uint32_t start = start_of(middle);
            if (start <= slot) {
                low = middle;
                from = start;
            } else {
                high = middle;
                to = start;
            }
            halve = !halve;
        }
        return {low, {from, to - from}};
    }

  private:
    static constexpr std::uint32_t total = std::uint32_t{1} << Precision;

    /// What turns a symbol's lower edge into a standard argument: z = (edge - mean) * inverse.
    struct affine {
        std::int64_t mean;
        std::int64_t limit;  // 16 scales: beyond it z is clamped, so that the product cannot overflow
        std::int64_t inverse;
    };
    static std::uint32_t limited(std::uint32_t scale) noexcept {
        return scale < min_scale ? min_scale : scale > max_scale ? max_scale : scale;
    }
    static affine standard_argument(location_scale p) noexcept {
        const std::uint32_t scale = limited(p.scale);
        return {p.mean, std::int64_t{16} * scale,
                static_cast<std::int64_t>((std::uint64_t{1} << 40) / scale)};
    }
    void set_window(const mixture<Components>& m, std::size_t heaviest) noexcept {
        constexpr std::int32_t reach = static_cast<std::int32_t>(total / 8);
        const auto centre = [](std::int32_t mean) {
            return (mean >> location_bits) + ((mean >> (location_bits - 1)) & 1);
        };
        const std::int32_t middle = centre(m.component[heaviest].mean);
        first_ = last_ = middle;
        for (std::size_t c = 0; c < Components; ++c) {
            if (m.weight[c] == 0) continue;
            const symbol_window& w = table_->window(limited(m.component[c].scale));
            const std::int32_t at = centre(m.component[c].mean);
            first_ = at - w.radius < first_ ? at - w.radius : first_;
            last_ = at + w.radius > last_ ? at + w.radius : last_;
            escape_order_ = w.escape_order > escape_order_ ? w.escape_order : escape_order_;
        }
        first_ = first_ < middle - reach ? middle - reach : first_;
        last_ = last_ > middle + reach ? middle + reach : last_;
        shared_ = total - static_cast<std::uint32_t>(last_ - first_) - 3;  // as in parametric_model
    }
    /// Where the interval of symbol k begins, for k in first() .. last() + 1.
    [[nodiscard]] std::uint32_t start_of(std::int32_t k) const noexcept {
        const std::int64_t edge = (std::int64_t{k} << location_bits) - (1 << (location_bits - 1));
        std::uint64_t sum = 0;  // <= 2^15 * 2^30
        for (std::size_t c = 0; c < Components; ++c) {
            const affine& a = part_[c];
            std::int64_t x = edge - a.mean;
            x = x < -a.limit ? -a.limit : x > a.limit ? a.limit : x;
            const std::int64_t z = (x * a.inverse) >> 17;  // |x * inverse| <= 16 * 2^40: |z| <= z_limit
            sum += std::uint64_t{weight_[c]} * table_->cdf(z);
        }
        const std::uint64_t cumulative = sum >> mixture_weight_bits;
        return static_cast<std::uint32_t>(k - first_) + 1 +
               static_cast<std::uint32_t>((shared_ * cumulative) >> table_type::value_bits);
    }

    const table_type* table_;
    std::array<affine, Components> part_;
    std::array<std::uint32_t, Components> weight_;
    std::int32_t first_ = 0;
    std::int32_t last_ = 0;
    unsigned escape_order_ = 0;
    std::uint64_t shared_ = 0;
};

/// All mixtures of a family's distributions.
template <distribution_family Family, std::size_t Components, unsigned Precision = 16>
class mixture_models {
  public:
    using parameters = mixture<Components>;
    using model = mixture_model<Family, Components, Precision>;

    /// The model refers to this object, which must outlive it.
    [[nodiscard]] model given(const parameters& p) const noexcept { return {table_, p}; }

  private:
    standard_table<Family, Precision> table_;
};

static_assert(conditional_model<mixture_models<logistic, 3>>);

}  // namespace pith::inline v1::entropy
