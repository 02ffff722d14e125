// The lattices Z, D4 and E8 with their nearest-point searches.
// Conway and Sloane (1982): round every coordinate, and where the parity is wrong, the worst one the other
// way; E8 is the better of two shifted copies of D8.
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>

#include <pith/core/exact.hpp>

namespace pith::inline v1::vector {

/// A point as integers: coordinate i is whole[i] + half / 2. The sum of whole is even.
template <std::size_t N>
struct lattice_point {
    std::array<std::int32_t, N> whole{};
    bool half = false;
    friend constexpr bool operator==(const lattice_point&, const lattice_point&) = default;

    [[nodiscard]] constexpr float coordinate(std::size_t i) const noexcept {
        return static_cast<float>(whole[i]) + (half ? 0.5F : 0.0F);
    }
};

/// Offers the nearest point to x; |x[i]| < 2^22. Law: no other point of the lattice is nearer.
template <class L>
concept lattice = requires(const std::array<float, L::dimension>& x) {
    { L::nearest(x) }
    noexcept->std::same_as<lattice_point<L::dimension>>;
    { L::has_halves } -> std::convertible_to<bool>;
};

namespace detail {

/// The nearest point with integer coordinates of even sum to x - shift, and the squared distance.
template <std::size_t N>
[[nodiscard]] constexpr lattice_point<N> nearest_even(const std::array<float, N>& x, float shift,
                                                      float& distance) noexcept {
    lattice_point<N> out;
    std::uint32_t parity = 0;
    std::size_t worst = 0;
    float worst_error = -1, worst_signed = 0;
    distance = 0;
    for (std::size_t i = 0; i < N; ++i) {
        const float place = x[i] - shift;
        const auto near = static_cast<std::int32_t>(place < 0 ? place - 0.5F : place + 0.5F);
        const float error = place - static_cast<float>(near);
        const float size = error < 0 ? -error : error;
        if (size > worst_error) worst = i, worst_error = size, worst_signed = error;
        out.whole[i] = near;
        parity ^= static_cast<std::uint32_t>(near);
        distance += exact::mul(error, error);
    }
    if (parity & 1U) {
        out.whole[worst] += worst_signed < 0 ? -1 : 1;
        distance += 1 - 2 * worst_error;  // (1 - e)^2 - e^2
    }
    return out;
}

}  // namespace detail

/// Integer points of even sum in four dimensions: 0.37 dB better than Z.
struct d4 {
    static constexpr std::size_t dimension = 4;
    static constexpr bool has_halves = false;
    [[nodiscard]] static constexpr lattice_point<4> nearest(const std::array<float, 4>& x) noexcept {
        float distance = 0;
        return detail::nearest_even(x, 0, distance);
    }
};

/// D8 and D8 + (1/2, ..., 1/2): the densest lattice in eight dimensions, 0.65 dB better than Z.
struct e8 {
    static constexpr std::size_t dimension = 8;
    static constexpr bool has_halves = true;
    [[nodiscard]] static constexpr lattice_point<8> nearest(const std::array<float, 8>& x) noexcept {
        float integers = 0, halves = 0;
        const lattice_point<8> a = detail::nearest_even(x, 0.0F, integers);
        lattice_point<8> b = detail::nearest_even(x, 0.5F, halves);
        b.half = true;
        return halves < integers ? b : a;
    }
};

}  // namespace pith::inline v1::vector
