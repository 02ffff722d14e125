// The float side of attention over packed codes: queries and weights to integers, scores, softmax, outputs.
// Own work. A query is rounded to 8 or 16 bits for all tokens that share channel scales, weights to 8 bits for a
// tile of tokens, or to 16 where 8 would lose too much of them; what rounding loses in the mean is given back.
#pragma once

#include <cstddef>
#include <cstdint>

#include <pith/core/assert.hpp>
#include <pith/simd/attention_lanes.hpp>
#include <pith/simd/attention_units.hpp>

namespace pith::inline v1::simd {

/// Most channels of a head, most tokens of a tile.
inline constexpr std::size_t max_head_channels = unit_lanes * max_key_vectors;
inline constexpr std::size_t max_tile_tokens = 16 * max_value_groups;

/// Factors as integers: factor = step * integer + what rounding left, which sums up to `remainder`.
struct rounded_factors {
    float step = 0;
    float remainder = 0;
    float total = 0;  ///< sum of the factors
};

/// Rounds n factors to -127..127, or to -32512..32512 in two bytes each, the upper ones first: n bytes each.
/// Factors above 512 are held to half of that, so that sums stay within 32 bits (127 * 32512 * 512 < 2^31).
/// Precondition: n is a multiple of 32, at most max_head_channels; finite values.
template <unsigned Halves, instruction_set Arch = native>
requires(Halves == 1 || Halves == 2)
    [[nodiscard]] inline rounded_factors round_query(const float* query, std::size_t n, std::int8_t* out) noexcept {
    using L = attention_lanes<Arch>;
    PITH_ASSERT(n % unit_lanes == 0 && n <= max_head_channels);
    auto most = L::all(0), total = most;
    for (std::size_t i = 0; i < n; i += L::width) {
        const auto x = L::load(query + i);
        most = L::larger(L::magnitude(x), most);
        total = total + x;
    }
    const float largest = L::largest(most);
    const float limit = Halves == 1 ? 127.0F : n <= 512 ? 32512.0F : 16256.0F;
    const float inverse = largest > 0x1p-100F ? limit / largest : 0;
    std::int32_t upper[max_head_channels], lower[Halves == 2 ? max_head_channels : 1];
    auto integers = L::all(0);
    for (std::size_t i = 0; i < n; i += L::width) {
        const auto v = L::rounded(L::load(query + i) * L::all(inverse));
        integers = integers + L::to_real(v);  // below 2^24: exact
        if constexpr (Halves == 2) {
            const typename L::integer half = (v + typename L::integer(128)) >> 8;
            L::store(upper + i, half);
            L::store(lower + i, v);  // its lowest byte is v - 256 half
        } else {
            L::store(upper + i, v);
        }
    }
    auto* bytes = reinterpret_cast<std::uint8_t*>(out);
    narrow_to_bytes<Arch>(upper, bytes, n);
    if constexpr (Halves == 2) narrow_to_bytes<Arch>(lower, bytes + n, n);
    const float step = inverse > 0 ? largest / limit : 0, sum = L::sum(total);
    return {step, sum - step * L::sum(integers), sum};
}

// Scales and offsets are half floats of two little-endian bytes each.

/// out[c] = query[c] * scale[c] for n channels; returns the sum of query[c] * offset[c]. n: a multiple of 8.
template <instruction_set Arch = native>
[[nodiscard]] inline float fold_scales(const float* query, const std::uint8_t* scales,
                                       const std::uint8_t* offsets, std::size_t n, float* out) noexcept {
    using L = attention_lanes<Arch>;
    auto sum = L::all(0);
    std::size_t i = 0;
    for (; i + L::width <= n; i += L::width) {
        const auto q = L::load(query + i);
        L::store(out + i, q * L::load_half(scales + 2 * i));
        sum = L::mul_add(q, L::load_half(offsets + 2 * i), sum);
    }
    float rest = L::sum(sum);
    for (; i < n; ++i) {
        out[i] = query[i] * attention_lanes<scalar>::load_half(scales + 2 * i);
        rest += query[i] * attention_lanes<scalar>::load_half(offsets + 2 * i);
    }
    return rest;
}

/// scores[t] = step * dots[t] + shift.
template <instruction_set Arch = native>
inline void scores_of(const std::int32_t* dots, float step, float shift, std::size_t n, float* scores) noexcept {
    using L = attention_lanes<Arch>;
    std::size_t i = 0;
    for (; i + L::width <= n; i += L::width)
        L::store(scores + i, L::mul_add(L::to_real(L::load(dots + i)), L::all(step), L::all(shift)));
    for (; i < n; ++i) scores[i] = static_cast<float>(dots[i]) * step + shift;
}

/// scores[t] = scales[t] * (step * dots[t] + shift) + offsets[t] * sum; offsets null: none.
template <instruction_set Arch = native>
inline void scaled_scores_of(const std::int32_t* dots, float step, float shift, const std::uint8_t* scales,
                             const std::uint8_t* offsets, float sum, std::size_t n, float* scores) noexcept {
    using L = attention_lanes<Arch>;
    std::size_t i = 0;
    for (; i + L::width <= n; i += L::width) {
        const auto x = L::mul_add(L::to_real(L::load(dots + i)), L::all(step), L::all(shift));
        const auto s = L::load_half(scales + 2 * i);
        L::store(scores + i, offsets == nullptr ? x * s
                                                : L::mul_add(x, s, L::load_half(offsets + 2 * i) * L::all(sum)));
    }
    for (; i < n; ++i) {
        const float x = static_cast<float>(dots[i]) * step + shift;
        const float more = offsets == nullptr ? 0 : attention_lanes<scalar>::load_half(offsets + 2 * i) * sum;
        scores[i] = x * attention_lanes<scalar>::load_half(scales + 2 * i) + more;
    }
}

/// The largest of n scores, or `so_far`.
template <instruction_set Arch = native>
[[nodiscard]] inline float largest_score(const float* scores, std::size_t n, float so_far) noexcept {
    using L = attention_lanes<Arch>;
    auto most = L::all(so_far);
    std::size_t i = 0;
    for (; i + L::width <= n; i += L::width) most = L::larger(L::load(scores + i), most);
    float largest = L::largest(most);
    for (; i < n; ++i) largest = scores[i] > largest ? scores[i] : largest;
    return largest;
}

namespace detail {

/// e^x for x <= 0 (and a little more), relative error below 4e-7; 0 below -87.
template <class L>
[[nodiscard, gnu::always_inline]] inline typename L::real exponential(typename L::real x) noexcept {
    x = L::larger(x, L::all(-87));
    const auto k = L::rounded(x * L::all(1.44269504F));
    const auto whole = L::to_real(k);
    auto r = L::mul_add(whole, L::all(-0.693359375F), x);
    r = L::mul_add(whole, L::all(2.12194440e-4F), r);  // |r| <= 0.347
    auto p = L::mul_add(L::all(1.0F / 720), r, L::all(1.0F / 120));
    p = L::mul_add(p, r, L::all(1.0F / 24));
    p = L::mul_add(p, r, L::all(1.0F / 6));
    p = L::mul_add(p, r, L::all(0.5F));
    p = L::mul_add(p, r, L::all(1));
    p = L::mul_add(p, r, L::all(1));
    return p * L::power_of_two(k);
}

}  // namespace detail

/// Replaces n scores by e^(factor * (score - largest)); returns their sum. Precondition: no score above
/// `largest`, factor > 0. Terms below e^-87 become e^-87.
template <instruction_set Arch = native>
[[nodiscard]] inline float exponentials(float* scores, std::size_t n, float factor, float largest) noexcept {
    using L = attention_lanes<Arch>;
    auto sum = L::all(0);
    std::size_t i = 0;
    for (; i + L::width <= n; i += L::width) {
        const auto x = (L::load(scores + i) - L::all(largest)) * L::all(factor);
        const auto e = detail::exponential<L>(x);
        L::store(scores + i, e);
        sum = sum + e;
    }
    float rest = L::sum(sum);
    for (; i < n; ++i) {
        scores[i] = detail::exponential<attention_lanes<scalar>>((scores[i] - largest) * factor);
        rest += scores[i];
    }
    return rest;
}

/// values[i] *= factor
template <instruction_set Arch = native>
inline void rescale(float* values, std::size_t n, float factor) noexcept {
    using L = attention_lanes<Arch>;
    std::size_t i = 0;
    for (; i + L::width <= n; i += L::width) L::store(values + i, L::load(values + i) * L::all(factor));
    for (; i < n; ++i) values[i] *= factor;
}

/// Weights of a tile as integers, with the sums that the values' offsets and middle need.
struct rounded_weights {
    float step = 0;
    float remainder = 0;  ///< of weight times scale
    float total = 0;      ///< sum of weight times scale
    float offsets = 0;    ///< sum of weight times offset
    unsigned halves = 1;  ///< bytes of each integer
};

/// Rounds weights[t] * scales[t] for n tokens to bytes (below 128 for 8-bit codes), or to two bytes each, upper
/// ones first, when one byte would change their vector by more than `tolerance` of its length. offsets null:
/// none. Precondition: n is a multiple of 16, at most max_tile_tokens; weights are finite, scales too, their
/// products not negative. out: 2 n bytes.
template <unsigned Bits, instruction_set Arch = native>
[[nodiscard]] inline rounded_weights round_weights(const float* weights, const std::uint8_t* scales,
                                                   const std::uint8_t* offsets, std::size_t n, float tolerance,
                                                   std::uint8_t* out) noexcept {
    using L = attention_lanes<Arch>;
    PITH_ASSERT(n % 16 == 0 && n <= max_tile_tokens);
    constexpr float limit = Bits == 8 ? 127 : 255;
    float products[max_tile_tokens];
    std::int32_t integers[max_tile_tokens], upper[max_tile_tokens];
    auto most = L::all(0), total = most, energy = most, shift = most;
    for (std::size_t i = 0; i < n; i += L::width) {
        const auto w = L::load(weights + i), x = w * L::load_half(scales + 2 * i);
        if (offsets != nullptr) shift = L::mul_add(w, L::load_half(offsets + 2 * i), shift);
        most = L::larger(x, most);
        total = total + x;
        energy = L::mul_add(x, x, energy);
        L::store(products + i, x);
    }
    rounded_weights r;
    r.total = L::sum(total);
    r.offsets = L::sum(shift);
    const float largest = L::largest(most);
    const auto round = [&](float top, auto keep) {
        const float inverse = largest > 0x1p-100F ? top / largest : 0;
        r.step = inverse > 0 ? largest / top : 0;
        auto sum = L::all(0), error = L::all(0);
        for (std::size_t i = 0; i < n; i += L::width) {
            const auto x = L::load(products + i) * L::all(inverse);
            const auto v = L::rounded(x);
            const auto back = L::to_real(v), lost = x - back;
            sum = sum + back;
            error = L::mul_add(lost, lost, error);
            keep(i, v);
        }
        r.remainder = r.total - r.step * L::sum(sum);
        return L::sum(error) * r.step * r.step;
    };
    const float lost = round(limit, [&](std::size_t i, typename L::integer v) { L::store(integers + i, v); });
    if (lost > tolerance * tolerance * L::sum(energy)) {
        r.halves = 2;
        constexpr int shift_by = Bits == 8 ? 7 : 8;
        constexpr std::int32_t mask = (1 << shift_by) - 1;
        (void)round(Bits == 8 ? 16383.0F : 65535.0F, [&](std::size_t i, typename L::integer v) {
            L::store(upper + i, v >> shift_by);
            L::store(integers + i, v & typename L::integer(mask));
        });
        narrow_to_bytes<Arch>(upper, out, n);
    }
    narrow_to_bytes<Arch>(integers, out + (r.halves - 1) * n, n);
    return r;
}

/// out[c] += step * sums[c] + shift for n channels.
template <instruction_set Arch = native>
inline void add_sums(const std::int32_t* sums, float step, float shift, std::size_t n, float* out) noexcept {
    using L = attention_lanes<Arch>;
    std::size_t i = 0;
    for (; i + L::width <= n; i += L::width) {
        const auto x = L::mul_add(L::to_real(L::load(sums + i)), L::all(step), L::all(shift));
        L::store(out + i, L::load(out + i) + x);
    }
    for (; i < n; ++i) out[i] += static_cast<float>(sums[i]) * step + shift;
}

}  // namespace pith::inline v1::simd
