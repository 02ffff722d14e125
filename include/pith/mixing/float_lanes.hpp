// A policy of online networks: vectors of floats whose every operation has the same bits on every machine.
// Own work, after core/exact.hpp: products are sealed before they are added; exp by Cody and Waite (1980).
#pragma once

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>

#include <pith/core/exact.hpp>

namespace pith::inline v1::mixing {

/// Vectors of `width` floats (4 or 8). Every operation acts on each lane alone, so that results do not depend
/// on the width.
///   using vector = ...;               // with + - / of its own
///   static constexpr std::size_t width;
///   load(const float*), store(float*, vector), all(float); no alignment is asked
///   product(a, b)                     // rounded before anything is added to it
///   root(a)                           // correctly rounded, lanes >= 0
///   smaller(a, b), larger(a, b)       // b where a lane of a is not a number
///   sum(a)                            // as a tree: l + (l + width / 2), and so on down to 1 apart
///   power_of_two(t)                   // 2^k where t = k + 1.5 2^23, k in -126..127
template <class L>
concept float_lanes = requires(float* to, const float* from, float f, typename L::vector v) {
    { L::width } -> std::convertible_to<std::size_t>;
    { L::load(from) } -> std::same_as<typename L::vector>;
    { L::all(f) } -> std::same_as<typename L::vector>;
    { L::product(v, v) } -> std::same_as<typename L::vector>;
    { L::root(v) } -> std::same_as<typename L::vector>;
    { L::smaller(v, v) } -> std::same_as<typename L::vector>;
    { L::larger(v, v) } -> std::same_as<typename L::vector>;
    { L::power_of_two(v) } -> std::same_as<typename L::vector>;
    { L::sum(v) } -> std::same_as<float>;
    L::store(to, v);
};

/// Four lanes in the compiler's own vectors: SSE2 or NEON where there is one. Exact.
struct portable_lanes {
    using vector = exact::detail::quad;
    static constexpr std::size_t width = 4;

    [[nodiscard, gnu::always_inline]] static vector load(const float* from) noexcept {
        return exact::detail::load(from);
    }
    [[gnu::always_inline]] static void store(float* to, vector v) noexcept { std::memcpy(to, &v, sizeof v); }
    [[nodiscard, gnu::always_inline]] static vector all(float f) noexcept { return vector{f, f, f, f}; }
    [[nodiscard, gnu::always_inline]] static vector product(vector a, vector b) noexcept {
        return exact::detail::sealed_product(a, b);
    }
    [[nodiscard, gnu::always_inline]] static vector root(vector a) noexcept {
#if defined(__AVX__)
        asm("vsqrtps %0, %0" : "+x"(a));
        return a;
#elif defined(__SSE2__)
        asm("sqrtps %0, %0" : "+x"(a));
        return a;
#elif defined(__aarch64__)
        asm("fsqrt %0.4s, %0.4s" : "+w"(a));
        return a;
#else
        return vector{exact::sqrt(a[0]), exact::sqrt(a[1]), exact::sqrt(a[2]), exact::sqrt(a[3])};
#endif
    }
    [[nodiscard, gnu::always_inline]] static vector smaller(vector a, vector b) noexcept {
        return chosen(a < b, a, b);
    }
    [[nodiscard, gnu::always_inline]] static vector larger(vector a, vector b) noexcept {
        return chosen(a > b, a, b);
    }
    [[nodiscard, gnu::always_inline]] static vector power_of_two(vector t) noexcept {
        return std::bit_cast<vector>((std::bit_cast<words>(t) << 23) + 0x3F80'0000U);
    }
    [[nodiscard, gnu::always_inline]] static float sum(vector a) noexcept {
        a = a + __builtin_shufflevector(a, a, 2, 3, 0, 1);
        return a[0] + a[1];
    }

  private:
    using words = std::uint32_t __attribute__((vector_size(16)));
    template <class Mask>
    [[nodiscard, gnu::always_inline]] static vector chosen(Mask mask, vector a, vector b) noexcept {
        const auto m = std::bit_cast<words>(mask);
        return std::bit_cast<vector>((std::bit_cast<words>(a) & m) | (std::bit_cast<words>(b) & ~m));
    }
};

namespace lanes {

/// e^x, x kept within -87..88. Relative error below 3e-7.
template <float_lanes L>
[[nodiscard, gnu::always_inline]] inline typename L::vector exp(typename L::vector x) noexcept {
    using vector = typename L::vector;
    x = L::smaller(L::larger(x, L::all(-87.0F)), L::all(88.0F));
    const vector magic = L::all(0x1.8p23F);
    const vector t = L::product(x, L::all(0x1.715476p+0F)) + magic;  // x / ln 2, to the nearest integer
    const vector k = t - magic;
    const vector high = x - L::product(k, L::all(0x1.63p-1F));        // 9 bits times 8: no rounding
    const vector r = high - L::product(k, L::all(-0x1.bd0106p-13F));  // |r| <= 0.347
    vector sum = L::all(1.0F / 720);  // the rest of Taylor's series is below r^7 / 5040 < 1.3e-7
    sum = L::product(sum, r) + L::all(1.0F / 120);
    sum = L::product(sum, r) + L::all(1.0F / 24);
    sum = L::product(sum, r) + L::all(1.0F / 6);
    sum = L::product(sum, r) + L::all(0.5F);
    sum = L::product(sum, r) + L::all(1.0F);
    sum = L::product(sum, r) + L::all(1.0F);
    return L::product(sum, L::power_of_two(t));
}

/// 1 / (1 + e^-x).
template <float_lanes L>
[[nodiscard, gnu::always_inline]] inline typename L::vector logistic(typename L::vector x) noexcept {
    const typename L::vector one = L::all(1.0F);
    return one / (one + exp<L>(L::all(0.0F) - x));
}

/// The same for one number.
[[nodiscard, gnu::always_inline]] inline float logistic(float x) noexcept {
    return logistic<portable_lanes>(portable_lanes::all(x))[0];
}

/// Sixteen lanes, the unit in which everything is laid out: 4 or 2 vectors.
template <float_lanes L>
struct sixteen {
    static constexpr std::size_t parts = 16 / L::width;
    typename L::vector part[parts];

    [[nodiscard, gnu::always_inline]] static sixteen zero() noexcept {
        sixteen s;
        for (auto& p : s.part) p = L::all(0.0F);
        return s;
    }
    [[nodiscard, gnu::always_inline]] static sixteen load(const float* from) noexcept {
        sixteen s;
        for (std::size_t i = 0; i < parts; ++i) s.part[i] = L::load(from + i * L::width);
        return s;
    }
    [[gnu::always_inline]] void store(float* to) const noexcept {
        for (std::size_t i = 0; i < parts; ++i) L::store(to + i * L::width, part[i]);
    }
    /// The sum of the lanes as a tree: l + (l + 8), then + 4, + 2, + 1 apart.
    [[nodiscard, gnu::always_inline]] float sum() const noexcept {
        if constexpr (parts == 2)
            return L::sum(part[0] + part[1]);
        else
            return L::sum((part[0] + part[2]) + (part[1] + part[3]));
    }
};

/// The sum of a[i] b[i] in the order of core/exact; n a multiple of 16.
template <float_lanes L>
[[nodiscard, gnu::always_inline]] inline float dot(const float* a, const float* b, std::size_t n) noexcept {
    auto sum = sixteen<L>::zero();
    for (std::size_t i = 0; i < n; i += 16)
        for (std::size_t p = 0; p < sixteen<L>::parts; ++p)
            sum.part[p] =
                sum.part[p] + L::product(L::load(a + i + p * L::width), L::load(b + i + p * L::width));
    return sum.sum();
}

/// y[i] += scale x[i]; n a multiple of 16.
template <float_lanes L>
[[gnu::always_inline]] inline void add_scaled(float* y, float scale, const float* x, std::size_t n) noexcept {
    const auto s = L::all(scale);
    for (std::size_t i = 0; i < n; i += L::width)
        L::store(y + i, L::load(y + i) + L::product(s, L::load(x + i)));
}

/// A block of combine: columns 0..Parts vectors. All indices are constants, so that the sums are registers.
template <float_lanes L, bool Add, std::size_t... Part>
[[gnu::always_inline]] inline void combine_block(float* y, const float* x, std::size_t stride, const float* w,
                                                 std::size_t pitch, std::size_t rows,
                                                 std::index_sequence<Part...>) noexcept {
    typename L::vector sum[]{(Add ? L::load(y + Part * L::width) : L::all(0.0F))...};
    for (std::size_t k = 0; k < rows; ++k, x += stride, w += pitch) {
        const auto s = L::all(*x);
        ((sum[Part] = sum[Part] + L::product(s, L::load(w + Part * L::width))), ...);
    }
    (L::store(y + Part * L::width, sum[Part]), ...);
}

/// y[c] (+)= sum over k of x[k stride] w[k][c], k ascending, for c in 0..Columns, a multiple of 16.
template <float_lanes L, std::size_t Columns, bool Add>
inline void combine(float* y, const float* x, std::size_t stride, const float* w, std::size_t rows) noexcept {
    constexpr std::size_t parts = Columns % (8 * L::width) == 0   ? 8
                                  : Columns % (4 * L::width) == 0 ? 4
                                                                  : 16 / L::width;
    for (std::size_t c = 0; c < Columns; c += parts * L::width)
        combine_block<L, Add>(y + c, x, stride, w + c, Columns, rows, std::make_index_sequence<parts>{});
}

/// from[rows][columns] -> to[columns][rows]
inline void transpose(float* to, const float* from, std::size_t rows, std::size_t columns) noexcept {
    for (std::size_t c = 0; c < columns; ++c)
        for (std::size_t r = 0; r < rows; ++r) to[c * rows + r] = from[r * columns + c];
}

/// y = x / sqrt(mean of squares + 1e-5); returns the factor. n a multiple of 16.
template <float_lanes L>
inline float normalise(float* y, const float* x, std::size_t n) noexcept {
    const float mean = dot<L>(x, x, n) / static_cast<float>(n);
    const float factor = 1.0F / exact::sqrt(mean + 1e-5F);
    for (std::size_t i = 0; i < n; i += L::width) L::store(y + i, L::product(L::load(x + i), L::all(factor)));
    return factor;
}

/// dx += what of the gradient dy of y comes through normalise.
template <float_lanes L>
inline void normalise_back(float* dx, const float* dy, const float* y, float factor, std::size_t n) noexcept {
    const float along = dot<L>(dy, y, n) / static_cast<float>(n);
    for (std::size_t i = 0; i < n; i += L::width) {
        const auto rest = L::load(dy + i) - L::product(L::all(along), L::load(y + i));
        L::store(dx + i, L::load(dx + i) + L::product(L::all(factor), rest));
    }
}

}  // namespace lanes

}  // namespace pith::inline v1::mixing
