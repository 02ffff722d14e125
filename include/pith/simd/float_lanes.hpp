// Eight floats in one AVX register: the fast form of mixing::portable_lanes, with equal results.
// Own work. Raw memory in and out, so that mixing/ does not depend on this folder: pass float_lanes<> as its
// policy.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include <pith/simd/arch.hpp>
#include <pith/simd/strict_float.hpp>

namespace pith::inline v1::simd {

/// True where wider lanes than the portable four exist.
template <instruction_set Arch>
inline constexpr bool has_float_lanes = covers<Arch, avx2>;

#if !defined(PITH_NO_SIMD) && defined(__AVX2__)

/// A model of mixing::float_lanes. Exact: lane by lane the operations of the portable form.
template <instruction_set Arch = native>
requires(has_float_lanes<Arch>) struct float_lanes {
    using vector = float __attribute__((vector_size(32)));
    static constexpr std::size_t width = 8;

    [[nodiscard, gnu::always_inline]] static vector load(const float* from) noexcept {
        vector v;
        std::memcpy(&v, from, sizeof v);
        return v;
    }
    [[gnu::always_inline]] static void store(float* to, vector v) noexcept { std::memcpy(to, &v, sizeof v); }
    [[nodiscard, gnu::always_inline]] static vector all(float f) noexcept {
        return vector{f, f, f, f, f, f, f, f};
    }
    [[nodiscard, gnu::always_inline]] static vector product(vector a, vector b) noexcept {
        vector v = a * b;
        asm("" : "+x"(v));
        return v;
    }
    [[nodiscard, gnu::always_inline]] static vector root(vector a) noexcept {
        asm("vsqrtps %0, %0" : "+x"(a));
        return a;
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
        using half = float __attribute__((vector_size(16)));
        half b = __builtin_shufflevector(a, a, 0, 1, 2, 3) + __builtin_shufflevector(a, a, 4, 5, 6, 7);
        b = b + __builtin_shufflevector(b, b, 2, 3, 0, 1);
        return b[0] + b[1];
    }

  private:
    using words = std::uint32_t __attribute__((vector_size(32)));
    template <class Mask>
    [[nodiscard, gnu::always_inline]] static vector chosen(Mask mask, vector a, vector b) noexcept {
        const auto m = std::bit_cast<words>(mask);
        return std::bit_cast<vector>((std::bit_cast<words>(a) & m) | (std::bit_cast<words>(b) & ~m));
    }
};

#endif

}  // namespace pith::inline v1::simd
