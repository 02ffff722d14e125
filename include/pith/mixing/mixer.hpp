// Gated mixing: predictions in the logistic domain, weighted by one of many weight vectors, trained online.
// Source: Mahoney, 2005 (PAQ6-8); Mattern, 2013 for why it is gradient descent on coding cost.
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

#include <pith/core/fixed.hpp>
#include <pith/core/table.hpp>
#include <pith/mixing/adaptive_map.hpp>

namespace pith::inline v1::mixing {

/// Loops over N numbers, at addresses that are multiples of 32. N is a multiple of 16, in adapt and
/// train of 8.
///   dot:   sum over pairs of (a[2i] w[2i] + a[2i+1] w[2i+1]) >> 8, arithmetic shift
///   train: w[i] += (a[i] e + 2^14) >> 15, saturating; |e| <= 32767
///   adapt: adaptive_probability::update(bit, limit) on each
///   fill_masked: f(std::integral_constant<std::size_t, i>) gives {x, y}; to[i] = x, to[N + i] = y, for the
///   first Masked numbers x & y; as vectors: a vector stored in parts is slow to load
///   dots:  to[k] = dot(a, w[k]) >> 6 within +-2047 for Vectors <= 16 vectors, 0 for the rest of eight or, if
///   there are more than eight, of sixteen
///   dot_sum: the exact sum of a[i] (v[i] + w[i]) over eight numbers, |a[i]| <= 2047; below 2^30
template <class K>
concept mixing_kernel = requires(const std::int16_t* a, std::int16_t* w, const std::int16_t* const* v,
                                 std::uint32_t* p, int e) {
    { K::template dot<32>(a, w) }
    noexcept->std::same_as<std::int32_t>;
    { K::template train<32>(a, w, e) }
    noexcept;
    { K::template adapt<8>(p, true, std::uint32_t{255}) }
    noexcept;
    {
        K::template fill_masked<16, 8>(w, [](auto) { return std::array<std::int16_t, 2>{}; })
    }
    noexcept;
    { K::template dots<32, 5>(a, v, w) }
    noexcept;
    { K::dot_sum(a, a, a) }
    noexcept->std::same_as<std::int32_t>;
    { K::template train<8>(a, w, e) }
    noexcept;
};

/// The definition of both, in plain C++.
struct portable_mixing {
    template <std::size_t N>
    [[nodiscard]] static std::int32_t dot(const std::int16_t* a, const std::int16_t* w) noexcept {
        std::int32_t sum = 0;
        for (std::size_t i = 0; i < N; i += 2) sum += (a[i] * w[i] + a[i + 1] * w[i + 1]) >> 8;
        return sum;
    }
    template <std::size_t N>
    static void train(const std::int16_t* a, std::int16_t* w, int e) noexcept {
        for (std::size_t i = 0; i < N; ++i) {
            const int v = w[i] + ((a[i] * e + (1 << 14)) >> 15);
            w[i] = static_cast<std::int16_t>(v < -32768 ? -32768 : v > 32767 ? 32767 : v);
        }
    }
    template <std::size_t N>
    static void adapt(std::uint32_t* p, bool bit, std::uint32_t limit) noexcept {
        for (std::size_t i = 0; i < N; ++i) p[i] = adaptive_probability::updated(p[i], bit, limit);
    }
    template <std::size_t N, std::size_t Masked, class F>
    [[gnu::always_inline]] static void fill_masked(std::int16_t* to, F f) noexcept {
        fill_each_masked<Masked>(to, f, std::make_index_sequence<N>{});
    }
    template <std::size_t N, std::size_t Vectors>
    static void dots(const std::int16_t* a, const std::int16_t* const* w, std::int16_t* to) noexcept {
        for (std::size_t k = 0; k < (Vectors > 8 ? 16 : 8); ++k) {
            const std::int32_t x = k < Vectors ? dot<N>(a, w[k < Vectors ? k : 0]) >> 6 : 0;
            to[k] = static_cast<std::int16_t>(x < -2047 ? -2047 : x > 2047 ? 2047 : x);
        }
    }
    [[nodiscard]] static std::int32_t dot_sum(const std::int16_t* a, const std::int16_t* v,
                                              const std::int16_t* w) noexcept {
        std::int32_t sum = 0;
        for (std::size_t i = 0; i < 8; ++i) sum += a[i] * (v[i] + w[i]);
        return sum;
    }

  private:
    template <std::size_t Masked, class F, std::size_t... I>
    [[gnu::always_inline]] static void fill_each_masked(std::int16_t* to, F f,
                                                        std::index_sequence<I...>) noexcept {
        constexpr std::size_t n = sizeof...(I);
        const auto put = [to](std::size_t i, const std::array<std::int16_t, 2>& v) {
            to[i] = v[0];
            to[n + i] = i < Masked ? static_cast<std::int16_t>(v[0] & v[1]) : v[1];
        };
        (put(I, f(std::integral_constant<std::size_t, I>{})), ...);
    }
};
static_assert(mixing_kernel<portable_mixing>);

/// squash16 of a stretch12 value x, at x + 2048.
template <class Value = std::uint16_t>
inline constexpr std::array<Value, 4096> squash12_to_16 = [] {
    std::array<Value, 4096> out{};
    for (int x = -2048; x < 2048; ++x)
        out[static_cast<std::size_t>(x + 2048)] = static_cast<Value>(squash16(8 * x));
    return out;
}();

/// Weight vectors of N numbers, in units of 2^-14, of which a small context chooses one. Inputs are stretch12
/// values (8 fractional bits), the output is in the domain of stretch16 (11). Exact.
template <std::size_t N, mixing_kernel Kernel>
requires(N % 16 == 0) class weight_set {
  public:
    explicit weight_set(std::size_t contexts) : weights_(contexts * N) {}

    /// All vectors alike: `weight` for the first `inputs` numbers, 0 for the rest.
    void reset(std::size_t inputs, std::int16_t weight) noexcept {
        for (std::size_t i = 0; i < weights_.size(); ++i)
            weights_[i] = i % N < inputs ? weight : std::int16_t{0};
    }
    /// The weighted sum, within +-stretch16_limit.
    [[nodiscard, gnu::always_inline]] int mix(const std::int16_t* inputs, std::size_t context) noexcept {
        at_ = weights_.data() + context * N;
        const std::int32_t x = Kernel::template dot<N>(inputs, at_) >> 3;  // 8 + 14 - 8 - 3 = 11 bits
        return x < -stretch16_limit ? -stretch16_limit : x > stretch16_limit ? stretch16_limit : x;
    }
    /// The vector of a context.
    [[nodiscard, gnu::always_inline]] std::int16_t* choose(std::size_t context) noexcept {
        return weights_.data() + context * N;
    }
    /// Gradient step of the vector used last. error = (bit << 16) - probability; rate in 2^-15.
    [[gnu::always_inline]] void train(const std::int16_t* inputs, int error, int rate) noexcept {
        const int e = error * rate >> 10;
        Kernel::template train<N>(inputs, at_, e < -32767 ? -32767 : e > 32767 ? 32767 : e);
    }

  private:
    random_table<std::int16_t> weights_;
    std::int16_t* at_ = nullptr;
};

/// A set for each of these numbers of contexts.
template <class Set, std::size_t K>
[[nodiscard]] std::array<Set, K> weight_sets(const std::array<std::size_t, K>& contexts) {
    return [&]<std::size_t... I>(std::index_sequence<I...>) {
        return std::array<Set, K>{Set(contexts[I])...};
    }
    (std::make_index_sequence<K>{});
}

/// A weight_set for up to 16 inputs, of which only the first N count, without vectors: the outputs of other
/// mixers come one by one, and a vector that is stored in parts is slow to load. Same sums as weight_set<16>.
template <std::size_t N>
requires(N >= 1 && N <= 16) class small_weight_set {
  public:
    explicit small_weight_set(std::size_t contexts) : weights_(contexts * 16) {}

    void reset(std::int16_t weight) noexcept {
        for (std::size_t i = 0; i < weights_.size(); ++i) weights_[i] = i % 16 < N ? weight : std::int16_t{0};
    }
    [[nodiscard, gnu::always_inline]] int mix(const std::int16_t* inputs, std::size_t context) noexcept {
        at_ = weights_.data() + context * 16;
        std::int32_t sum = 0;
        for (std::size_t i = 0; i < N; i += 2)
            sum += (inputs[i] * at_[i] + (i + 1 < N ? inputs[i + 1] * at_[i + 1] : 0)) >> 8;
        const std::int32_t x = sum >> 3;
        return x < -stretch16_limit ? -stretch16_limit : x > stretch16_limit ? stretch16_limit : x;
    }
    [[gnu::always_inline]] void train(const std::int16_t* inputs, int error, int rate) noexcept {
        const int scaled = error * rate >> 10;
        const int e = scaled < -32767 ? -32767 : scaled > 32767 ? 32767 : scaled;
        for (std::size_t i = 0; i < N; ++i) {
            const int v = at_[i] + ((inputs[i] * e + (1 << 14)) >> 15);
            at_[i] = static_cast<std::int16_t>(v < -32768 ? -32768 : v > 32767 ? 32767 : v);
        }
    }

  private:
    random_table<std::int16_t> weights_;
    std::int16_t* at_ = nullptr;
};

}  // namespace pith::inline v1::mixing
