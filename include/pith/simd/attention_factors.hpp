// The float side of attention over packed codes: queries and weights to integers, scores, softmax, outputs.
// Own work. A query is rounded to 8 or 16 bits for all tokens that share channel scales, weights to 8 bits
// for a tile of tokens, or to 16 where 8 would lose too much of them; what rounding loses in the mean is
// given back.
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
};

/// The largest magnitude of n factors; n a multiple of 32.
template <instruction_set Arch = native>
[[nodiscard]] inline float largest_magnitude(const float* query, std::size_t n) noexcept {
    using L = attention_lanes<Arch>;
    auto most = L::all(0);
    for (std::size_t i = 0; i < n; i += L::width) most = L::larger(L::magnitude(L::load(query + i)), most);
    return L::largest(most);
}

/// The sum of n factors; n a multiple of 32.
template <instruction_set Arch = native>
[[nodiscard]] inline float sum_of(const float* query, std::size_t n) noexcept {
    using L = attention_lanes<Arch>;
    auto sum = L::all(0);
    for (std::size_t i = 0; i < n; i += L::width) sum = sum + L::load(query + i);
    return L::sum(sum);
}

/// Rounds n factors, up to `largest` in magnitude, to -127..127, or to -32512..32512 in two bytes each, the
/// upper ones first: n bytes each. More than 512 factors are held to half of that, so that sums stay within
/// 32 bits (127 * 32512 * 512 < 2^31). Two bytes leave no remainder worth its sum. Precondition: n is a
/// multiple of 32, at most max_head_channels; finite values.
template <unsigned Halves, instruction_set Arch = native>
requires(Halves == 1 || Halves == 2) [[nodiscard]] inline rounded_factors
    round_query(const float* query, std::size_t n, float largest, std::int8_t* out) noexcept {
    using L = attention_lanes<Arch>;
    using integer = typename L::integer;
    PITH_ASSERT(n % unit_lanes == 0 && n <= max_head_channels);
    const float limit = Halves == 1 ? 127.0F : n <= 512 ? 32512.0F : 16256.0F;
    const float inverse = largest > 0x1p-100F ? limit / largest : 0;
    auto* const bytes = reinterpret_cast<std::uint8_t*>(out);
    auto lost = L::all(0);
    for (std::size_t i = 0; i < n; i += unit_lanes) {
        const auto rounded = [&](std::size_t at) {
            const auto x = L::load(query + i + at) * L::all(inverse);
            const integer v = L::rounded(x);
            if constexpr (Halves == 1) lost = lost + (x - L::to_real(v));
            return v;
        };
        if constexpr (Halves == 1)
            store_32_bytes<Arch>(bytes + i, rounded);
        else
            store_32_pairs<Arch>(bytes + i, bytes + n + i, rounded);
    }
    const float step = inverse > 0 ? largest / limit : 0;
    return {step, step * L::sum(lost)};
}

// Scales and offsets are half floats of two little-endian bytes each.

/// What folding leaves: the sum of query times offset, and the largest |query * scale|.
struct folded_query {
    float bias = 0, largest = 0;
};

/// out[c] = query[c] * scale[c] for n channels. n: a multiple of 8.
template <instruction_set Arch = native>
[[nodiscard]] inline folded_query fold_scales(const float* query, const std::uint8_t* scales,
                                              const std::uint8_t* offsets, std::size_t n,
                                              float* out) noexcept {
    using L = attention_lanes<Arch>;
    using one = attention_lanes<scalar>;
    auto sum = L::all(0), most = sum, sum2 = sum, most2 = sum;
    const auto fold = [&](std::size_t i, auto& to_sum, auto& to_most) {
        const auto q = L::load(query + i), folded = q * L::load_half(scales + 2 * i);
        L::store(out + i, folded);
        to_sum = L::mul_add(q, L::load_half(offsets + 2 * i), to_sum);
        to_most = L::larger(L::magnitude(folded), to_most);
    };
    std::size_t i = 0;  // two sums at a time, for neither to wait for the other
    for (; i + 2 * L::width <= n; i += 2 * L::width) {
        fold(i, sum, most);
        fold(i + L::width, sum2, most2);
    }
    for (; i + L::width <= n; i += L::width) fold(i, sum, most);
    sum = sum + sum2;
    most = L::larger(most, most2);
    folded_query f{L::sum(sum), L::largest(most)};
    for (; i < n; ++i) {
        out[i] = query[i] * one::load_half(scales + 2 * i);
        f.bias += query[i] * one::load_half(offsets + 2 * i);
        f.largest = one::larger(one::magnitude(out[i]), f.largest);
    }
    return f;
}

/// scores[t] = step * dots[t] + shift.
template <instruction_set Arch = native>
inline void scores_of(const std::int32_t* dots, float step, float shift, std::size_t n,
                      float* scores) noexcept {
    using L = attention_lanes<Arch>;
    const std::size_t whole = n / L::width * L::width;
    for (std::size_t i = 0; i < whole; i += L::width)
        L::store(scores + i, L::mul_add(L::to_real(L::load(dots + i)), L::all(step), L::all(shift)));
    for (std::size_t i = whole; i < n; ++i) scores[i] = static_cast<float>(dots[i]) * step + shift;
}

/// scores[t] = scales[t] * (step * dots[t] + shift) + offsets[t] * sum; offsets null: none.
template <instruction_set Arch = native>
inline void scaled_scores_of(const std::int32_t* dots, float step, float shift, const std::uint8_t* scales,
                             const std::uint8_t* offsets, float sum, std::size_t n, float* scores) noexcept {
    using L = attention_lanes<Arch>;
    const std::size_t whole = n / L::width * L::width;
    for (std::size_t i = 0; i < whole; i += L::width) {
        const auto x = L::mul_add(L::to_real(L::load(dots + i)), L::all(step), L::all(shift));
        const auto s = L::load_half(scales + 2 * i);
        L::store(scores + i,
                 offsets == nullptr ? x * s : L::mul_add(x, s, L::load_half(offsets + 2 * i) * L::all(sum)));
    }
    for (std::size_t i = whole; i < n; ++i) {
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
    const std::size_t whole = n / L::width * L::width;
    for (std::size_t i = 0; i < whole; i += L::width) most = L::larger(L::load(scores + i), most);
    float largest = L::largest(most);
    for (std::size_t i = whole; i < n; ++i) largest = scores[i] > largest ? scores[i] : largest;
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
    const std::size_t whole = n / L::width * L::width;
    for (std::size_t i = 0; i < whole; i += L::width) {
        const auto x = (L::load(scores + i) - L::all(largest)) * L::all(factor);
        const auto e = detail::exponential<L>(x);
        L::store(scores + i, e);
        sum = sum + e;
    }
    float rest = L::sum(sum);
    for (std::size_t i = whole; i < n; ++i) {
        scores[i] = detail::exponential<attention_lanes<scalar>>((scores[i] - largest) * factor);
        rest += scores[i];
    }
    return rest;
}

/// values[i] *= factor
template <instruction_set Arch = native>
inline void rescale(float* values, std::size_t n, float factor) noexcept {
    using L = attention_lanes<Arch>;
    const std::size_t whole = n / L::width * L::width;
    for (std::size_t i = 0; i < whole; i += L::width)
        L::store(values + i, L::load(values + i) * L::all(factor));
    for (std::size_t i = whole; i < n; ++i) values[i] *= factor;
}

namespace detail {

/// What rounding took: the sum and the sum of squares of the differences.
struct lost_weights {
    float step = 0, sum = 0, energy = 0;
};

/// Rounds weights to 0..top: the bits from `shift` on go to `upper`, those below it to `lower`, if any.
template <instruction_set Arch>
[[nodiscard]] inline lost_weights round_tile(const float* weights, std::size_t n, float largest, float top,
                                             int shift, std::uint8_t* upper, std::uint8_t* lower) noexcept {
    using L = attention_lanes<Arch>;
    using integer = typename L::integer;
    const float inverse = largest > 0x1p-100F ? top / largest : 0;
    auto sum = L::all(0), energy = sum;
    const auto rounded = [&](std::size_t i) {
        const auto x = L::load(weights + i) * L::all(inverse);
        const integer v = L::rounded(x);
        const auto lost = x - L::to_real(v);
        sum = sum + lost;
        energy = L::mul_add(lost, lost, energy);
        return v;
    };
    if (shift == 0 && n % 32 == 0) {
        for (std::size_t i = 0; i < n; i += 32)
            store_32_bytes<Arch>(upper + i, [&](std::size_t at) { return rounded(i + at); });
    } else {
        std::int32_t integers[max_tile_tokens], rest[max_tile_tokens];
        for (std::size_t i = 0; i < n; i += L::width) {
            const integer v = rounded(i);
            L::store(rest + i, v & integer((1 << shift) - 1));
            L::store(integers + i, v >> shift);
        }
        narrow_to_bytes<Arch>(integers, upper, n);
        if (shift != 0) narrow_to_bytes<Arch>(rest, lower, n);
    }
    const float step = inverse > 0 ? largest / top : 0;
    return {step, step * L::sum(sum), step * step * L::sum(energy)};
}

}  // namespace detail

/// Weights of a tile as integers, with the sums that the values' offsets and middle need.
struct rounded_weights {
    float step = 0;
    float remainder = 0;  ///< of weight times scale
    float total = 0;      ///< sum of weight times scale
    float offsets = 0;    ///< sum of weight times offset
    unsigned halves = 1;  ///< bytes of each integer
};

/// Rounds weights[t] * scales[t] for n tokens to bytes (below 128 for 8-bit codes), or to two bytes each,
/// upper ones first, when one byte would change their vector by more than `tolerance` of its length. offsets
/// null: none. Precondition: n is a multiple of 16, at most max_tile_tokens; weights are finite, scales too,
/// their products not negative. out: 2 n bytes.
template <unsigned Bits, instruction_set Arch = native>
[[nodiscard]] inline rounded_weights round_weights(const float* weights, const std::uint8_t* scales,
                                                   const std::uint8_t* offsets, std::size_t n,
                                                   float tolerance, std::uint8_t* out) noexcept {
    using L = attention_lanes<Arch>;
    PITH_ASSERT(n % 16 == 0 && n <= max_tile_tokens);
    constexpr float limit = Bits == 8 ? 127 : 255;
    float products[max_tile_tokens];
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
    // One byte unless that loses too much.
    const detail::lost_weights lost = detail::round_tile<Arch>(products, n, largest, limit, 0, out, nullptr);
    r.step = lost.step;
    r.remainder = lost.sum;
    if (lost.energy <= tolerance * tolerance * L::sum(energy)) return r;
    const detail::lost_weights less = detail::round_tile<Arch>(
        products, n, largest, Bits == 8 ? 16383.0F : 65535.0F, Bits == 8 ? 7 : 8, out, out + n);
    r.step = less.step;
    r.remainder = less.sum;
    r.halves = 2;
    return r;
}

/// out[c] += step * sums[c] + shift for n channels.
template <instruction_set Arch = native>
inline void add_sums(const std::int32_t* sums, float step, float shift, std::size_t n, float* out) noexcept {
    using L = attention_lanes<Arch>;
    const std::size_t whole = n / L::width * L::width;
    for (std::size_t i = 0; i < whole; i += L::width) {
        const auto x = L::mul_add(L::to_real(L::load(sums + i)), L::all(step), L::all(shift));
        L::store(out + i, L::load(out + i) + x);
    }
    for (std::size_t i = whole; i < n; ++i) out[i] += static_cast<float>(sums[i]) * step + shift;
}

}  // namespace pith::inline v1::simd
