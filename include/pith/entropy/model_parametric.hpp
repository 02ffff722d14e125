// Parametric models: Gaussian, Laplace and logistic distributions over integers, with a mean and a scale that
// may differ for each symbol, as the integer frequencies that a coder needs.
// The back end of learned compression (Balle, Minnen, Singh, Hwang, Johnston, 2018); here every frequency is
// integer arithmetic on a table of the standard distribution, so that all machines agree on it.
#pragma once

#include <array>
#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>

#include <pith/core/assert.hpp>
#include <pith/core/exact_math.hpp>
#include <pith/entropy/concepts.hpp>

namespace pith::inline v1::entropy {

/// A standard distribution: location 0, scale 1, symmetric about 0 and falling away from it.
/// Law: cdf is exact (core/exact), so equal on every machine.
template <class F>
concept distribution_family = requires(double z) {
    { F::cdf(z) }
    noexcept->std::same_as<double>;
};

/// The scale is the standard deviation.
struct gaussian {
    [[nodiscard]] static constexpr double cdf(double z) noexcept { return exact::normal_cdf(z); }
};
/// Density e^(-|z|) / 2; the scale is the mean absolute deviation.
struct laplace {
    [[nodiscard]] static constexpr double cdf(double z) noexcept {
        const double tail = exact::mul(0.5, exact::exp(z < 0.0 ? z : -z));
        return z < 0.0 ? tail : 1.0 - tail;
    }
};
/// Cumulative distribution 1 / (1 + e^-z).
struct logistic {
    [[nodiscard]] static constexpr double cdf(double z) noexcept { return exact::logistic(z); }
};

/// Where and how wide: both in units of 1/4096 of a symbol step. |mean| is any int32 (+-524288 steps); the
/// scale is kept within min_scale..max_scale (1/128 .. 4096 steps).
struct location_scale {
    std::int32_t mean;
    std::uint32_t scale;
    friend constexpr bool operator==(const location_scale&, const location_scale&) = default;
};
inline constexpr unsigned location_bits = 12;
inline constexpr std::uint32_t min_scale = 32;
inline constexpr std::uint32_t max_scale = std::uint32_t{1} << 24;

/// A real number of symbol steps in the unit of location_scale, to nearest. |steps| < 524288. Exact.
[[nodiscard]] constexpr std::int32_t fixed_location(double steps) noexcept {
    return static_cast<std::int32_t>(exact::detail::nearest_integer(exact::mul(steps, 4096.0)));
}
[[nodiscard]] constexpr std::uint32_t fixed_scale(double steps) noexcept {
    const double units = exact::mul(steps, 4096.0);
    if (!(units > double{min_scale})) return min_scale;
    return units >= double{max_scale}
               ? max_scale
               : static_cast<std::uint32_t>(static_cast<std::int32_t>(exact::detail::nearest_integer(units)));
}

/// How far around the mean symbols have slots of their own, and how the others are written.
struct symbol_window {
    std::uint16_t radius;         ///< symbols centre - radius .. centre + radius have slots
    std::uint16_t escape_order;   ///< Exp-Golomb order of what lies outside
    std::uint32_t inverse_share;  ///< 2^28 / (2^precision - symbols - 2): slots to quantiles
};

/// The standard distribution of a family in integers: its cumulative function at 1/128 steps within +-16,
/// its quantiles, and the windows of all scales. 41 KB, built in about 1 ms; one object serves every symbol.
template <distribution_family Family, unsigned Precision = 16>
requires(Precision >= 12 && Precision <= 16) class standard_table {
  public:
    static constexpr unsigned precision = Precision;
    static constexpr unsigned value_bits = 30;  ///< cdf() is in units of 2^-30
    static constexpr unsigned z_bits = 23;      ///< standard arguments are in units of 2^-23
    static constexpr std::int64_t z_limit = std::int64_t{16} << z_bits;

    standard_table() noexcept {
        fill_knots();
        fill_quantiles();
        for (std::size_t q = 0; q < windows_.size(); ++q) windows_[q] = window_for(scale_of_class(q));
    }

    /// 2^30 P(Z <= z), linear between knots, never falling: 0 at -16, 2^30 at 16. |z| <= z_limit.
    [[nodiscard]] std::uint32_t cdf(std::int64_t z) const noexcept {
        const std::uint64_t at = static_cast<std::uint64_t>(z + z_limit);
        const std::size_t i = static_cast<std::size_t>(at >> 16);
        const std::uint64_t a = knots_[i];
        return static_cast<std::uint32_t>(a + ((knots_[i + 1] - a) * (at & 0xFFFF) >> 16));  // 2^30 * 2^16
    }
    /// The argument z at which the cumulative function is about (i + 1/2) / 4096. i in 0..4095.
    [[nodiscard]] std::int32_t quantile(std::uint32_t i) const noexcept { return quantiles_[i]; }

    [[nodiscard]] const symbol_window& window(std::uint32_t scale) const noexcept {
        return windows_[class_of_scale(scale)];
    }

  private:
    static constexpr std::size_t knot_count = 32 * 128 + 1;
    static constexpr std::uint32_t total = std::uint32_t{1} << Precision;
    /// Scales fall into eight classes an octave, from 2^5 to 2^24.
    static constexpr std::size_t class_of_scale(std::uint32_t scale) noexcept {
        const unsigned exponent = static_cast<unsigned>(std::bit_width(scale)) - 1;  // 5..24
        return (exponent - 5) * 8 + ((scale >> (exponent - 3)) & 7);
    }
    static constexpr std::uint32_t scale_of_class(std::size_t q) noexcept {
        return static_cast<std::uint32_t>(8 + q % 8) << (q / 8 + 2);
    }
    void fill_knots() noexcept {
        std::uint32_t last = 0;
        for (std::size_t i = 1; i + 1 < knot_count; ++i) {
            const double z = (static_cast<double>(i) - 2048.0) / 128.0;
            const double value = exact::detail::nearest_integer(exact::mul(Family::cdf(z), 0x1p30));
            const std::uint32_t v = value <= 0.0      ? 0U
                                    : value >= 0x1p30 ? std::uint32_t{1} << 30
                                                      : static_cast<std::uint32_t>(value);
            last = v > last ? v : last;
            knots_[i] = last;
        }
        knots_[0] = 0;
        knots_[knot_count - 1] = knots_[knot_count] = std::uint32_t{1} << value_bits;
    }
    void fill_quantiles() noexcept {
        std::size_t i = 0;
        for (std::uint32_t q = 0; q < quantiles_.size(); ++q) {
            const std::uint32_t level = (2 * q + 1) << (value_bits - 13);
            while (knots_[i + 1] <= level) ++i;  // ends: the last knot is 2^30
            const std::uint64_t part = (std::uint64_t{level - knots_[i]} << 16) / (knots_[i + 1] - knots_[i]);
            quantiles_[q] = static_cast<std::int32_t>(
                static_cast<std::int64_t>((std::uint64_t{i} << 16) + part) - z_limit);
        }
    }
    /// Mass of the unit step that ends `steps` above the mean, in 2^-30.
    std::uint32_t mass(std::uint32_t steps, std::uint32_t scale) const noexcept {
        return upper(steps - 1, scale) - upper(steps, scale);
    }
    /// Mass more than `steps` above the mean, in 2^-30.
    std::uint32_t upper(std::uint32_t steps, std::uint32_t scale) const noexcept {
        const std::uint64_t z = (std::uint64_t{steps} << (location_bits + z_bits)) / scale;  // 2^16 * 2^35
        return cdf(-static_cast<std::int64_t>(
            z < static_cast<std::uint64_t>(z_limit) ? z : static_cast<std::uint64_t>(z_limit)));
    }
    /// The window reaches as far as a symbol's mass is worth `threshold` slots, seen from a mean that lies
    /// half a step to its side.
    symbol_window window_for(std::uint32_t scale) const noexcept {
        constexpr std::uint32_t threshold = std::uint32_t{1} << (value_bits - Precision);
        std::uint32_t low = 1;
        std::uint32_t high = total / 8;
        while (low < high) {  // largest radius whose mass is enough; mass falls with the radius
            const std::uint32_t middle = (low + high + 1) / 2;
            if (mass(middle, scale) >= threshold)
                low = middle;
            else
                high = middle - 1;
        }
        const std::uint32_t tail = upper(low, scale);
        std::uint32_t half = 1;  // distance over which the tail halves
        while (half < (std::uint32_t{1} << 14) && upper(low + 2 * half, scale) > tail / 2) half *= 2;
        return {static_cast<std::uint16_t>(low), static_cast<std::uint16_t>(std::bit_width(half) - 1),
                (std::uint32_t{1} << 28) / (total - 2 * low - 3)};
    }

    std::array<std::uint32_t, knot_count + 1> knots_;  // one more, so that z = 16 may read its neighbour
    std::array<std::int32_t, 4096> quantiles_;
    std::array<symbol_window, 19 * 8 + 1> windows_;
};

/// One distribution: a family's table seen through a mean and a scale. Satisfies encoder_model and
/// decoder_model. The symbols first() .. last() have slots of their own; all below first() share one
/// interval, all above last() another (escapes), and `at` names them first() - 1 and last() + 1. Exact. Laws,
/// by construction: with n symbols in the window, the interval of symbol first() + j begins at 1 + j +
/// floor((2^P - n - 2) C), where C is a cumulative value that never falls; so none is empty.
template <distribution_family Family, unsigned Precision = 16>
class parametric_model {
  public:
    using symbol_type = std::int32_t;
    using table_type = standard_table<Family, Precision>;
    static constexpr unsigned precision = Precision;

    /// `table` must outlive the model.
    parametric_model(const table_type& table, location_scale at) noexcept
        : table_(&table),
          mean_(at.mean),
          scale_(at.scale < min_scale   ? min_scale
                 : at.scale > max_scale ? max_scale
                                        : at.scale),
          inverse_((std::uint64_t{1} << 40) / scale_),
          window_(table.window(scale_)),
          centre_((at.mean >> location_bits) + ((at.mean >> (location_bits - 1)) & 1)) {}

    [[nodiscard]] std::int32_t first() const noexcept { return centre_ - window_.radius; }
    [[nodiscard]] std::int32_t last() const noexcept { return centre_ + window_.radius; }
    /// Exp-Golomb order in which the distance of an escaped symbol is written.
    [[nodiscard]] unsigned escape_order() const noexcept { return window_.escape_order; }

    [[nodiscard]] interval interval_of(std::int32_t symbol) const noexcept {
        const std::uint32_t from = symbol < first() ? 0 : start_of(symbol > last() ? last() + 1 : symbol);
        const std::uint32_t to = symbol > last() ? total : start_of(symbol < first() ? first() : symbol + 1);
        return {from, to - from};
    }
    [[nodiscard, gnu::always_inline]] inline located<std::int32_t> at(std::uint32_t slot) const noexcept {
        PITH_ASSERT(slot < total);
        const std::int32_t k = guess(slot);
        const std::uint32_t from = start_of(k);
        const std::uint32_t to = start_of(k + 1);
        if (slot - from < to - from) [[likely]]
            return {k, {from, to - from}};
        return slot < from ? walk_down(slot, k, from) : walk_up(slot, k + 1, to);
    }

  private:
    static constexpr std::uint32_t total = std::uint32_t{1} << Precision;

    /// Number of slots that are shared out by the cumulative function.
    [[nodiscard]] std::uint32_t shared() const noexcept { return total - 2U * window_.radius - 3U; }

    /// Where the interval of symbol k begins, for k in first() .. last() + 1.
    [[nodiscard]] std::uint32_t start_of(std::int32_t k) const noexcept {
        // |x| < 2^12 (radius + 2) < 2^26 and inverse <= 2^35: the product stays below 2^61.
        const std::int64_t x = (std::int64_t{k} << location_bits) - (1 << (location_bits - 1)) - mean_;
        std::int64_t z = (x * static_cast<std::int64_t>(inverse_)) >> 17;
        z = z < -table_type::z_limit ? -table_type::z_limit : z;
        z = z > table_type::z_limit ? table_type::z_limit : z;
        const std::uint32_t share =
            static_cast<std::uint32_t>((std::uint64_t{shared()} * table_->cdf(z)) >> table_type::value_bits);
        return static_cast<std::uint32_t>(k - first()) + 1 + share;
    }
    /// The symbol at a quantile, within the window.
    [[nodiscard]] std::int32_t symbol_at(std::uint32_t quantile) const noexcept {
        const std::int64_t offset = (std::int64_t{table_->quantile(quantile)} * scale_) >> table_type::z_bits;
        const std::int64_t k = (offset + mean_ + (1 << (location_bits - 1))) >> location_bits;
        return static_cast<std::int32_t>(k < first() ? first() : k > last() ? last() : k);
    }
    [[nodiscard]] std::int32_t guess(std::uint32_t slot) const noexcept {
        const std::int32_t near = symbol_at(slot >> (Precision - 12));
        // Without the slots that the symbols below have by right.
        const std::int32_t share = static_cast<std::int32_t>(slot) - (near - first()) - 1;
        if (share < 0) return near;
        const std::uint64_t quantile =
            (std::uint64_t{static_cast<std::uint32_t>(share)} * window_.inverse_share) >> 16;
        return symbol_at(static_cast<std::uint32_t>(quantile < 4095 ? quantile : 4095));
    }

    /// The walks seldom take more than one step: a quantile step is 2^-12 of all slots, and each symbol of
    /// the window is worth at least one slot. slot < from, where symbol k begins.
    [[nodiscard, gnu::noinline]] located<std::int32_t> walk_down(std::uint32_t slot, std::int32_t k,
                                                                 std::uint32_t from) const noexcept {
        std::uint32_t to = from;
        do {
            to = from;
            if (k-- == first()) return {k, {0, to}};
            from = start_of(k);
        } while (slot < from);
        return {k, {from, to - from}};
    }
    /// slot >= from, where symbol k begins.
    [[nodiscard, gnu::noinline]] located<std::int32_t> walk_up(std::uint32_t slot, std::int32_t k,
                                                               std::uint32_t from) const noexcept {
        for (; k <= last(); ++k) {
            const std::uint32_t to = start_of(k + 1);
            if (slot < to) return {k, {from, to - from}};
            from = to;
        }
        return {k, {from, total - from}};
    }

    const table_type* table_;
    std::int64_t mean_;
    std::uint32_t scale_;
    std::uint64_t inverse_;
    symbol_window window_;
    std::int32_t centre_;
};

static_assert(encoder_model<parametric_model<gaussian>> && decoder_model<parametric_model<gaussian>>);

/// A set of models, one of which each symbol's parameters choose.
///   using parameters = ...; using model = ...;     // model: encoder_model and decoder_model over int32 with
///                                                  // first(), last(), escape_order()
///   model given(parameters) const noexcept;
template <class M>
concept conditional_model = requires(const M m, typename M::parameters p, const typename M::model g) {
    requires encoder_model<typename M::model>;
    requires decoder_model<typename M::model>;
    requires std::same_as<typename M::model::symbol_type, std::int32_t>;
    { m.given(p) }
    noexcept->std::same_as<typename M::model>;
    { g.first() }
    noexcept->std::same_as<std::int32_t>;
    { g.last() }
    noexcept->std::same_as<std::int32_t>;
    { g.escape_order() }
    noexcept->std::same_as<unsigned>;
};

/// All means and scales of a family: the general path, which needs one table of 41 KB.
template <distribution_family Family, unsigned Precision = 16>
class parametric_models {
  public:
    using parameters = location_scale;
    using model = parametric_model<Family, Precision>;

    /// The model refers to this object, which must outlive it.
    [[nodiscard]] model given(location_scale p) const noexcept { return {table_, p}; }
    [[nodiscard]] const standard_table<Family, Precision>& table() const noexcept { return table_; }

  private:
    standard_table<Family, Precision> table_;
};

static_assert(conditional_model<parametric_models<gaussian>>);

}  // namespace pith::inline v1::entropy
